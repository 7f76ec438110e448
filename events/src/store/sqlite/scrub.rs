//! Checks the log in small parts, so that damage is also found in events that are rarely read.
//!
//! Each event is checked as every reader checks it (checksum, envelope, place), and then through the other access
//! paths: the entry of its stream by id and by name, and the index entry of its revision. So the pages of both tables
//! and of both indexes are read. Not checked: free pages, and index entries without a row. `PRAGMA quick_check` would
//! find those, but it cannot be interrupted and resumed. It reads the whole file at full disk speed in one read
//! transaction, and meanwhile the write-ahead log grows without limit. `muster backup` runs the full check on its copy
//! instead.
//!
//! Unlike other readers, the scrub notes a corrupt event and continues, since nothing depends on the events that it
//! reads.

use super::reader::{Place, Readers, corrupt, recorded, unreadable};
use crate::envelope::{Position, Recorded};
use crate::store::{ReadError, Scrubbed};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::sync::Arc;

/// Bytes read for an event in addition to its envelope: leaf hash, ids, index entries.
const OVERHEAD: usize = 200;
/// Bytes counted for a page that cannot be read.
const PAGE: usize = 8_192;

impl Readers {
    /// Checks up to `bytes` bytes of events after `after` on a connection of the pool, and notes corrupt events.
    pub(super) async fn scrub(self: &Arc<Self>, after: Option<Position>, bytes: usize) -> Result<Scrubbed, ReadError> {
        let readers = Arc::clone(self);
        self.read(move |connection| scrub(connection, after, bytes, |error| readers.note(error))).await
    }
}

/// Checks the events after `after` until `bytes` bytes are checked or the log ends. Calls `note` for each corruption.
fn scrub(
    connection: &Connection,
    after: Option<Position>,
    bytes: usize,
    note: impl Fn(&ReadError),
) -> Result<Scrubbed, ReadError> {
    let head = super::reader::head(connection).or_else(|error| passed(error, &note).map(|()| after))?;
    let mut done = Scrubbed { position: after, bytes: 0, ended: false };
    while done.bytes < bytes {
        if done.position >= head {
            return Ok(Scrubbed { ended: true, ..done });
        }
        let position = done.position.map_or(1, |position| position.0 + 1);
        match check(connection, position) {
            Ok(read) => done.bytes += read,
            Err(error) => {
                passed(error, &note)?;
                done.bytes += PAGE;
            }
        }
        done.position = Some(Position(position));
    }
    Ok(done)
}

fn passed(error: ReadError, note: impl Fn(&ReadError)) -> Result<(), ReadError> {
    match error {
        ReadError::Unavailable(_) => Err(error),
        ReadError::Corrupt { .. } => {
            note(&error);
            Ok(())
        }
    }
}

// Returns the number of bytes read.
fn check(connection: &Connection, position: u64) -> Result<usize, ReadError> {
    let here = Place { stream: None, revision: 0, position };
    let damaged = |error: rusqlite::Error| unreadable(&error, here);
    let mut select = connection
        .prepare_cached("SELECT position, revision, event_id, leaf, crc, envelope FROM events WHERE position = ?1")
        .map_err(damaged)?;
    let mut rows = select.query([position]).map_err(damaged)?;
    let Some(row) = rows.next().map_err(damaged)? else {
        return Err(corrupt("unknown", 0, position, "it is missing"));
    };
    let length = row.get_ref(5).ok().and_then(|value| value.as_bytes().ok()).map_or(0, <[u8]>::len);
    let event = recorded(connection, row)?;
    check_ways(connection, &event)?;
    Ok(length + OVERHEAD)
}

// Checks the path that a reader of the stream takes: the stream's name and the index of revisions.
fn check_ways(connection: &Connection, event: &Recorded) -> Result<(), ReadError> {
    let Recorded { stream, revision, position, .. } = event;
    let here = Place { stream: Some(stream), revision: revision.0, position: position.0 };
    let found: Option<(u64, u64)> = connection
        .prepare_cached(
            "SELECT events.position, streams.version FROM streams CROSS JOIN events
             ON events.stream = streams.id AND events.revision = ?2 WHERE streams.name = ?1",
        )
        .and_then(|mut select| {
            select.query_row(params![stream.as_str(), revision.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
        .map_err(|error| unreadable(&error, here))?;
    match found {
        Some((found, version)) if found == position.0 && version >= revision.0 => Ok(()),
        _ => Err(corrupt(stream.as_str(), revision.0, position.0, "the index of its stream does not contain it")),
    }
}
