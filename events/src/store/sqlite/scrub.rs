//! Checks the log in small parts, so that damage is also found in events that are rarely read.
//!
//! Each event is checked as every reader checks it (checksum, envelope, place), and then through the access path of its
//! stream. For the events of format 1 that are the entry of the stream and the index of revisions, for later ones the
//! index by stream, which is rebuilt if it is wrong. So the pages of all tables and indexes are read. Not checked: free
//! pages, and index entries without a row. `PRAGMA quick_check` would find those, but it cannot be interrupted and
//! resumed. It reads the whole file at full disk speed in one read transaction, and meanwhile the write-ahead log grows
//! without limit. `muster backup` runs the full check on its copy instead.
//!
//! Unlike other readers, the scrub notes a corrupt event and continues, since nothing depends on the events that it
//! reads.

use super::index::file::is_flaw;
use super::pool::{Reader, Readers};
use super::row::{Here, corrupt, event_at, is_damage, unreadable};
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
        self.read(move |reader| scrub(&readers, reader, after, bytes)).await
    }
}

// Checks the events after `after` until `bytes` bytes are checked or the log ends, and notes each corruption.
fn scrub(readers: &Readers, reader: &mut Reader, after: Option<Position>, bytes: usize) -> Result<Scrubbed, ReadError> {
    let head = super::reader::head(&reader.log, reader.tables);
    let head = head.or_else(|error| passed(error, readers).map(|()| after))?;
    let mut done = Scrubbed { position: after, bytes: 0, ended: false };
    let mut wrong = None;
    while done.bytes < bytes {
        if done.position >= head {
            done.ended = true;
            break;
        }
        let position = done.position.map_or(1, |position| position.0 + 1);
        match check(reader, position) {
            Ok((event, read)) => {
                done.bytes += read;
                wrong = wrong.or(readers.index_flaw(reader, &event));
            }
            Err(error) => {
                passed(error, readers)?;
                done.bytes += PAGE;
            }
        }
        done.position = Some(Position(position));
    }
    if let Some(why) = wrong {
        readers.rebuild_index(&why);
    }
    Ok(done)
}

fn passed(error: ReadError, readers: &Readers) -> Result<(), ReadError> {
    match error {
        ReadError::Unavailable(_) => Err(error),
        ReadError::Corrupt { .. } => {
            readers.note(&error);
            Ok(())
        }
    }
}

// Returns the event and the number of bytes read.
fn check(reader: &Reader, position: u64) -> Result<(Recorded, usize), ReadError> {
    let Reader { log, tables, .. } = reader;
    let event = event_at(log, *tables, position)?;
    let here = Here { stream: Some(&event.stream), revision: event.revision.0, position };
    let length = |table: &str| {
        log.prepare_cached(&format!("SELECT octet_length(envelope) FROM {table} WHERE position = ?1"))
            .and_then(|mut select| select.query_row([position], |row| row.get::<_, usize>(0)))
    };
    let read = length(tables.table(position)).map_err(|error| unreadable(&error, here))? + OVERHEAD;
    if tables.table(position) == "events" {
        check_old_ways(log, &event)?;
    } else {
        match tables.filed_under(log, position) {
            Ok(filed) if filed == event.stream.as_str() => {}
            // Not a value that may be there: it is damaged, and not only unreadable at present.
            Err(error) if is_damage(&error) || !is_flaw(&error) => return Err(unreadable(&error, here)),
            Ok(_) | Err(_) => {
                let why = "it is stored under another stream";
                return Err(corrupt(event.stream.as_str(), event.revision.0, position, why));
            }
        }
    }
    Ok((event, read))
}

// Checks the path that a reader of a stream of format 1 takes: the stream's name and the index of revisions.
fn check_old_ways(log: &Connection, event: &Recorded) -> Result<(), ReadError> {
    let Recorded { stream, revision, position, .. } = event;
    let here = Here { stream: Some(stream), revision: revision.0, position: position.0 };
    let found: Option<(u64, u64)> = log
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
