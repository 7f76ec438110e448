//! Verifies a whole log from its first event to its last: checksums, leaf hashes, revisions and positions without gaps,
//! and the consistency of the tables.

use super::index::file;
use super::index::search::IndexReader;
use super::open_error::OpenError;
use super::row::{COLUMNS, corrupt, recorded};
use super::schema;
use super::tables::Tables;
use super::{FILE, reader};
use crate::envelope::{Position, Recorded, StreamName, canonical};
use crate::personal::{KeyName, sealed_keys};
use crate::proof::leaf_hash;
use crate::store::ReadError;
use rusqlite::Connection;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// Result of a successful verification: every event is intact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub events: u64,
    pub streams: u64,
    /// Position of the newest event.
    pub head: Option<Position>,
    /// Names of the keys that its events are sealed with.
    pub keys: BTreeSet<KeyName>,
}

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the file's structure is damaged: {0}")]
    Structure(String),
}

/// Verifies the log in `directory` in its current state; another process may write to it meanwhile. Blocks.
///
/// # Errors
/// Returns an error that names the first damaged event or the damaged structure.
pub fn verify(directory: &Path) -> Result<Verified, VerifyError> {
    schema::expect_log(directory)?;
    // Read first: a server may index events while the log is verified.
    let indexed = indexed_to(directory);
    let verified = verify_file(&directory.join(FILE))?;
    expect_what_is_indexed(indexed, verified.head)?;
    Ok(verified)
}

fn indexed_to(directory: &Path) -> u64 {
    let index = IndexReader::open(&directory.join(file::FILE)).ok().flatten();
    index.and_then(|index| index.origin().ok()).map_or(0, |origin| origin.position)
}

// The log alone does not show that its last events are missing, but the index by stream has their places.
fn expect_what_is_indexed(indexed: u64, head: Option<Position>) -> Result<(), ReadError> {
    match head.map_or(0, |head| head.0) {
        head if head < indexed => Err(corrupt("unknown", 0, head + 1, "it is missing")),
        _ => Ok(()),
    }
}

pub(super) fn verify_file(path: &Path) -> Result<Verified, VerifyError> {
    let connection = schema::connect_reader(path)?;
    let structure = |error: rusqlite::Error| VerifyError::Structure(error.to_string());
    let snapshot = connection.unchecked_transaction().map_err(structure)?;
    check_structure(&snapshot)?;
    let tables = Tables::of(&snapshot).map_err(structure)?;
    let mut walk = Walk::default();
    for table in ["events", "log"].into_iter().filter(|table| tables.has(table)) {
        walk.table(&snapshot, tables, table)?;
    }
    walk.compare_old(old_streams(&snapshot, tables).map_err(structure)?)?;
    Ok(Verified {
        events: walk.events,
        streams: walk.next.len() as u64,
        head: reader::head(&snapshot, tables)?,
        keys: walk.keys,
    })
}

// Checks indexes against tables and pages against each other, which no single row shows.
fn check_structure(connection: &Connection) -> Result<(), VerifyError> {
    let answer: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| VerifyError::Structure(error.to_string()))?;
    if answer == "ok" { Ok(()) } else { Err(VerifyError::Structure(answer)) }
}

// The streams of format 1 and their last revisions there.
fn old_streams(connection: &Connection, tables: Tables) -> rusqlite::Result<Vec<(String, u64)>> {
    if !tables.has_old() {
        return Ok(Vec::new());
    }
    let mut select = connection.prepare("SELECT name, version FROM streams")?;
    select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

#[derive(Default)]
struct Walk {
    events: u64,
    next: HashMap<StreamName, u64>,
    keys: BTreeSet<KeyName>,
}

impl Walk {
    fn table(&mut self, log: &Connection, tables: Tables, table: &str) -> Result<(), VerifyError> {
        let structure = |error: rusqlite::Error| VerifyError::Structure(error.to_string());
        let mut select = log.prepare(&format!("SELECT {COLUMNS} FROM {table} ORDER BY position")).map_err(structure)?;
        let mut rows = select.query([]).map_err(structure)?;
        while let Some(row) = rows.next().map_err(structure)? {
            let event = recorded(log, tables, row)?;
            let filed = tables.filed_under(log, event.position.0).map_err(structure)?;
            if filed != event.stream.as_str() {
                return Err(at(&event, "it is stored under another stream").into());
            }
            self.step(&event)?;
        }
        Ok(())
    }

    fn step(&mut self, event: &Recorded) -> Result<(), ReadError> {
        self.events += 1;
        if event.position.0 != self.events {
            return Err(corrupt("unknown", 0, self.events, "it is missing"));
        }
        let bytes = canonical(&event.stream, event.revision, &event.event);
        if leaf_hash(&bytes) != event.leaf {
            return Err(at(event, "its leaf hash does not match"));
        }
        let next = self.next.entry(event.stream.clone()).or_default();
        if event.revision.0 != *next {
            return Err(at(event, "the stream's revisions have gaps"));
        }
        *next += 1;
        let mut keys = Vec::new();
        sealed_keys(&event.event.data, &mut keys);
        sealed_keys(&event.event.source, &mut keys);
        self.keys.extend(keys);
        Ok(())
    }

    // A stream of format 1 may have gone on since.
    fn compare_old(&self, streams: Vec<(String, u64)>) -> Result<(), ReadError> {
        for (name, last) in streams {
            let known = StreamName::try_from(name.clone()).ok().and_then(|name| self.next.get(&name));
            if known.is_none_or(|next| *next <= last) {
                return Err(corrupt(&name, last, 0, "the stream's last events are missing"));
            }
        }
        Ok(())
    }
}

fn at(event: &Recorded, why: &str) -> ReadError {
    corrupt(event.stream.as_str(), event.revision.0, event.position.0, why)
}
