//! Searches of the index: the places of a stream in all runs.

use super::block::{entries, first_of, flaw};
use super::file::{self, Origin};
use super::filter::{Filters, Known};
use super::runs::{self, Reading};
use super::{Key, Place};
use rusqlite::{Connection, params};
use std::path::Path;
use std::sync::Arc;

/// A connection that reads the index.
pub(in crate::store::sqlite) struct IndexReader {
    connection: Connection,
    filters: Arc<Filters>,
}

impl IndexReader {
    /// Opens the index. `None`: there is none of this format.
    pub(in crate::store::sqlite) fn open(path: &Path) -> rusqlite::Result<Option<IndexReader>> {
        IndexReader::with(path, Arc::default())
    }

    /// Opens the index of this process, which has the filters of its runs in memory.
    pub(super) fn with(path: &Path, filters: Arc<Filters>) -> rusqlite::Result<Option<IndexReader>> {
        Ok(file::open_read_only(path)?.map(|connection| IndexReader { connection, filters }))
    }

    pub(in crate::store::sqlite) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(in crate::store::sqlite) fn origin(&self) -> rusqlite::Result<Origin> {
        file::origin(&self.connection)
    }

    /// Reads all runs, so that many searches are fast.
    ///
    /// # Errors
    /// Returns an error if a block is missing or damaged.
    pub(in crate::store::sqlite) fn read_filters(&self) -> rusqlite::Result<()> {
        self.at_once(|| {
            for run in runs::all(&self.connection)? {
                let mut reading = Reading::of(run);
                while !reading.go_on(&self.connection, usize::MAX)? {}
                self.filters.add(run.id, reading.filter());
            }
            Ok(())
        })
    }

    /// Returns the places of up to `limit` events of a stream, from revision `from` on, in order of revision.
    pub(in crate::store::sqlite) fn places(&self, key: &Key, from: u64, limit: usize) -> rusqlite::Result<Vec<Place>> {
        self.at_once(|| places(&self.connection, &self.filters.now(), key, from, limit))
    }

    /// Returns the place of the last event of a stream.
    pub(in crate::store::sqlite) fn last(&self, key: &Key) -> rusqlite::Result<Option<Place>> {
        self.at_once(|| last(&self.connection, &self.filters.now(), key))
    }

    // All runs are read in one state of the file, in which a merge is finished or has not begun.
    fn at_once<T>(&self, read: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let _transaction = match self.connection.is_autocommit() {
            true => Some(self.connection.unchecked_transaction()?),
            false => None,
        };
        read()
    }
}

/// Same as [`IndexReader::places`], in an open transaction.
pub(super) fn places(
    index: &Connection,
    filters: &Known,
    key: &Key,
    from: u64,
    limit: usize,
) -> rusqlite::Result<Vec<Place>> {
    let mut found = Vec::new();
    // From the newest run back to the one that has the first event that is wanted.
    for run in runs::all(index)?.iter().rev().filter(|run| filters.may_have(run.id, key)) {
        let here = of_run(index, run.id, key, from, limit)?;
        let is_first = here.first().is_some_and(|first| first.revision <= from);
        found.push(here);
        if is_first {
            break;
        }
    }
    let mut places: Vec<Place> = Vec::new();
    for here in found.into_iter().rev() {
        if let (Some(before), Some(first)) = (places.last(), here.first())
            && first.revision <= before.revision
        {
            return Err(flaw("two runs have the same revision of a stream"));
        }
        places.extend(here);
        if places.len() >= limit {
            break;
        }
    }
    places.truncate(limit);
    Ok(places)
}

fn of_run(index: &Connection, run: i64, key: &Key, from: u64, limit: usize) -> rusqlite::Result<Vec<Place>> {
    let select = "SELECT first, entries FROM blocks WHERE run = ?1 AND first >=
        coalesce((SELECT max(first) FROM blocks WHERE run = ?1 AND first <= ?2), ?2) AND first <= ?3 ORDER BY first";
    let mut select = index.prepare_cached(select)?;
    let mut rows = select.query(params![run, first_of(key, from), first_of(key, u64::MAX)])?;
    let mut places = Vec::new();
    while places.len() < limit
        && let Some(row) = rows.next()?
    {
        for entry in entries(run, row.get_ref(0)?.as_blob()?, row.get_ref(1)?.as_blob()?)? {
            if entry.key == key {
                places.extend(entry.places().filter(|place| place.revision >= from));
            }
        }
    }
    places.truncate(limit);
    Ok(places)
}

/// Same as [`IndexReader::last`], in an open transaction.
pub(super) fn last(index: &Connection, filters: &Known, key: &Key) -> rusqlite::Result<Option<Place>> {
    for run in runs::all(index)?.iter().rev().filter(|run| filters.may_have(run.id, key)) {
        let last = last_of_run(index, run.id, key)?;
        if last.is_some() {
            return Ok(last);
        }
    }
    Ok(None)
}

fn last_of_run(index: &Connection, run: i64, key: &Key) -> rusqlite::Result<Option<Place>> {
    let select = "SELECT first, entries FROM blocks WHERE run = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";
    let mut select = index.prepare_cached(select)?;
    let mut rows = select.query(params![run, first_of(key, u64::MAX)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let entries = entries(run, row.get_ref(0)?.as_blob()?, row.get_ref(1)?.as_blob()?)?;
    Ok(entries.filter(|entry| entry.key == key).last().and_then(|entry| entry.places().last()))
}
