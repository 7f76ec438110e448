//! The runs of the index: each has the places of consecutive events of the log, sorted by stream.

use super::block::{Block, First, Item, Packer, entries, flaw};
use super::filter::Filter;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Transaction, params};

/// A run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) id: i64,
    /// The run has the events after this position, and up to the next one.
    pub(super) after: u64,
    pub(super) up_to: u64,
    pub(super) events: u64,
    pub(super) streams: u64,
}

/// Returns the runs in the order of the log.
///
/// # Errors
/// Returns an error if one is missing after the first one, or all are.
pub(super) fn all(index: &Connection) -> rusqlite::Result<Vec<Run>> {
    let select = "SELECT position, id, after, up_to, events, streams FROM origin LEFT JOIN runs ORDER BY up_to, after";
    let mut select = index.prepare_cached(select)?;
    let (mut runs, mut rows, mut end) = (Vec::<Run>::new(), select.query([])?, 0);
    while let Some(row) = rows.next()? {
        end = row.get(0)?;
        let Some(id) = row.get(1)? else { break };
        let (after, up_to) = (row.get(2)?, row.get(3)?);
        if runs.last().is_some_and(|before| before.up_to != after) {
            return Err(flaw("a run is missing"));
        }
        runs.push(Run { id, after, up_to, events: row.get(4)?, streams: row.get(5)? });
    }
    match runs.last().map_or(0, |last| last.up_to) == end {
        true => Ok(runs),
        false => Err(flaw("the last run is missing")),
    }
}

/// Returns an id that no run has, and none that was begun.
pub(super) fn free_id(index: &Connection) -> rusqlite::Result<i64> {
    let select = "SELECT max(coalesce((SELECT max(id) FROM runs), 0), coalesce((SELECT max(run) FROM blocks), 0)) + 1";
    index.query_row(select, [], |row| row.get(0))
}

/// Adds a run whose blocks are written.
pub(super) fn add(transaction: &Transaction<'_>, run: &Run) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT INTO runs (id, after, up_to, events, streams) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![run.id, run.after, run.up_to, run.events, run.streams])
        .map(drop)
}

/// Removes a run and its blocks.
pub(super) fn remove(transaction: &Transaction<'_>, id: i64) -> rusqlite::Result<()> {
    transaction.prepare_cached("DELETE FROM runs WHERE id = ?1")?.execute([id])?;
    transaction.prepare_cached("DELETE FROM blocks WHERE run = ?1")?.execute([id]).map(drop)
}

/// Removes blocks of runs that were never finished.
pub(super) fn remove_unfinished(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let runs = all(transaction)?;
    let mut last = None;
    loop {
        let select = "SELECT run FROM blocks WHERE run > ?1 OR ?1 IS NULL ORDER BY run LIMIT 1";
        last = transaction.prepare_cached(select)?.query_row([last], |row| row.get(0)).optional()?;
        match last {
            None => return Ok(()),
            Some(id) if runs.iter().all(|run| run.id != id) => remove(transaction, id)?,
            Some(_) => {}
        }
    }
}

/// Reads the block after the one that begins with `after`. Returns its beginning and its places.
pub(super) fn next_block(
    index: &Connection,
    run: i64,
    after: Option<&First>,
) -> rusqlite::Result<Option<(First, Vec<Item>)>> {
    let select = "SELECT first, entries FROM blocks WHERE run = ?1 AND first > ?2 ORDER BY first LIMIT 1";
    let mut select = index.prepare_cached(select)?;
    let mut rows = select.query(params![run, after.map_or(&[][..], |after| &after[..])])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let first: First = row.get(0)?;
    let mut items = Vec::new();
    for entry in entries(run, &first, row.get_ref(1)?.as_blob()?)? {
        items.extend(entry.places().map(|place| (*entry.key, place)));
    }
    Ok(Some((first, items)))
}

/// Writes a run: places in order of stream and revision.
pub(super) struct RunWriter {
    run: Run,
    packer: Packer,
    filter: Filter,
    last: Option<Item>,
}

impl RunWriter {
    /// Begins a run with a new id, of the events after position `after` up to `up_to`, which has up to `streams`
    /// streams.
    pub(super) fn begin(id: i64, [after, up_to]: [u64; 2], streams: u64) -> RunWriter {
        let run = Run { id, after, up_to, events: 0, streams: 0 };
        RunWriter { run, packer: Packer::of(id), filter: Filter::of(streams), last: None }
    }

    /// Returns the place that was written last.
    pub(super) fn last(&self) -> Option<&Item> {
        self.last.as_ref()
    }

    /// Adds a place.
    pub(super) fn push(&mut self, insert: &mut CachedStatement<'_>, item: &Item) -> rusqlite::Result<()> {
        if self.last.is_none_or(|last| last.0 != item.0) {
            self.filter.add(&item.0);
            self.run.streams += 1;
        }
        self.run.events += 1;
        self.last = Some(*item);
        self.packer.push(item).map_or(Ok(()), |block| write(insert, self.run.id, &block))
    }

    /// Writes what is left, and the run. Returns it with its filter.
    pub(super) fn end(self, transaction: &Transaction<'_>) -> rusqlite::Result<(Run, Filter)> {
        let mut insert = insert(transaction)?;
        self.packer.end().try_for_each(|block| write(&mut insert, self.run.id, &block))?;
        add(transaction, &self.run)?;
        Ok((self.run, self.filter))
    }
}

/// Returns the statement that writes a block.
pub(super) fn insert<'a>(transaction: &'a Transaction<'_>) -> rusqlite::Result<CachedStatement<'a>> {
    transaction.prepare_cached("INSERT INTO blocks (run, first, entries) VALUES (?1, ?2, ?3)")
}

fn write(insert: &mut CachedStatement<'_>, run: i64, block: &Block) -> rusqlite::Result<()> {
    insert.execute(params![run, block.first, block.bytes]).map(drop)
}

/// Makes the filter of a run, some blocks at a time.
pub(super) struct Reading {
    run: Run,
    filter: Filter,
    after: Option<First>,
    last: Option<Item>,
    events: u64,
}

impl Reading {
    pub(super) fn of(run: Run) -> Reading {
        Reading { run, filter: Filter::of(run.streams), after: None, last: None, events: 0 }
    }

    pub(super) fn run(&self) -> &Run {
        &self.run
    }

    /// Reads up to `blocks` blocks. Returns whether the run ended.
    ///
    /// # Errors
    /// Returns an error if the run lacks places.
    pub(super) fn go_on(&mut self, index: &Connection, blocks: usize) -> rusqlite::Result<bool> {
        for _ in 0..blocks {
            let Some((first, items)) = next_block(index, self.run.id, self.after.as_ref())? else {
                return if self.events == self.run.events { Ok(true) } else { Err(flaw("a block is missing")) };
            };
            self.after = Some(first);
            self.events += items.len() as u64;
            for item in &items {
                if self.last.is_none_or(|last| last.0 != item.0) {
                    self.filter.add(&item.0);
                }
                self.last = Some(*item);
            }
        }
        Ok(false)
    }

    pub(super) fn filter(self) -> Filter {
        self.filter
    }
}
