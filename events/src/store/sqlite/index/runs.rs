//! The runs of the index: each has the places of consecutive events of the log, sorted by stream.

use super::block::{Block, First, Item, Packer, entries, flaw};
use super::filter::Filter;
use crc32c::crc32c_append;
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
/// Returns an error if one is missing, or a row differs from what was written.
pub(super) fn all(index: &Connection) -> rusqlite::Result<Vec<Run>> {
    let (runs, end, sum) = rows(index)?;
    if sum != checksum(&runs) {
        return Err(flaw("the checksum of the runs does not match"));
    }
    let is_chain = runs.is_sorted_by(|before, after| before.up_to == after.after);
    match is_chain && runs.last().map_or(0, |last| last.up_to) == end {
        true => Ok(runs),
        false => Err(flaw("a run is missing")),
    }
}

// Returns the runs, the position up to which events are indexed, and the checksum of the runs.
fn rows(index: &Connection) -> rusqlite::Result<(Vec<Run>, u64, u32)> {
    let select = "SELECT position, runs, id, after, up_to, events, streams FROM origin LEFT JOIN runs
        ORDER BY up_to, after";
    let mut select = index.prepare_cached(select)?;
    let (mut runs, mut rows, mut end, mut sum) = (Vec::new(), select.query([])?, 0, 0);
    while let Some(row) = rows.next()? {
        (end, sum) = (row.get(0)?, row.get(1)?);
        let Some(id) = row.get(2)? else { break };
        let (after, up_to, events, streams) = (row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?);
        runs.push(Run { id, after, up_to, events, streams });
    }
    Ok((runs, end, sum))
}

// Returns the CRC-32C of the rows of all runs, in the order of the log.
fn checksum(runs: &[Run]) -> u32 {
    runs.iter().fold(0, |sum, run| {
        let sum = crc32c_append(sum, &run.id.to_le_bytes());
        let numbers = [run.after, run.up_to, run.events, run.streams];
        numbers.iter().fold(sum, |sum, number| crc32c_append(sum, &number.to_le_bytes()))
    })
}

/// Returns an id that no run has, and none that was begun.
pub(super) fn free_id(index: &Connection) -> rusqlite::Result<i64> {
    let select = "SELECT max(coalesce((SELECT max(id) FROM runs), 0), coalesce((SELECT max(run) FROM blocks), 0)) + 1";
    index.query_row(select, [], |row| row.get(0))
}

/// Adds a run whose blocks are written, in the place of the runs that were merged into it. Their blocks are left.
fn add(transaction: &Transaction<'_>, run: &Run, merged: &[i64]) -> rusqlite::Result<()> {
    let mut runs = all(transaction)?;
    runs.retain(|there| !merged.contains(&there.id));
    runs.push(*run);
    runs.sort_by_key(|run| (run.up_to, run.after));
    let mut remove = transaction.prepare_cached("DELETE FROM runs WHERE id = ?1")?;
    merged.iter().try_for_each(|run| remove.execute([run]).map(drop))?;
    transaction
        .prepare_cached("INSERT INTO runs (id, after, up_to, events, streams) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![run.id, run.after, run.up_to, run.events, run.streams])?;
    transaction.prepare_cached("UPDATE origin SET runs = ?1")?.execute([checksum(&runs)]).map(drop)
}

/// Returns a run that has blocks and no row: it was merged, or never finished.
pub(super) fn without_row(index: &Connection) -> rusqlite::Result<Option<i64>> {
    let runs = all(index)?;
    let mut last = None;
    loop {
        let select = "SELECT run FROM blocks WHERE run > ?1 OR ?1 IS NULL ORDER BY run LIMIT 1";
        last = index.prepare_cached(select)?.query_row([last], |row| row.get(0)).optional()?;
        if last.is_none_or(|id| runs.iter().all(|run| run.id != id)) {
            return Ok(last);
        }
    }
}

/// Removes up to `most` blocks of a run.
pub(super) fn remove_blocks(transaction: &Transaction<'_>, run: i64, most: usize) -> rusqlite::Result<()> {
    let delete = "DELETE FROM blocks WHERE run = ?1
        AND first IN (SELECT first FROM blocks WHERE run = ?1 ORDER BY first LIMIT ?2)";
    transaction.prepare_cached(delete)?.execute(params![run, most]).map(drop)
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

    /// Writes what is left, and the run in the place of those that were merged into it. Returns it with its filter.
    pub(super) fn end(self, transaction: &Transaction<'_>, merged: &[i64]) -> rusqlite::Result<(Run, Filter)> {
        let mut insert = insert(transaction)?;
        self.packer.end().try_for_each(|block| write(&mut insert, self.run.id, &block))?;
        add(transaction, &self.run, merged)?;
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
