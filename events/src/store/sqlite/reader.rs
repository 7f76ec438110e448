//! Reads the log: on separate connections, in short transactions, on blocking threads. Every row is checked.

use super::append::checksum;
use super::open_error::OpenError;
use super::schema;
use crate::envelope::{EventId, Position, Recorded, Revision, StreamName, parse_canonical};
use crate::store::{AppendError, Damaged, Findings, ReadError, StreamHead};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, ToSql, params};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Maximum number of connections that read at the same time.
const CONNECTIONS: usize = 8;

/// Maximum number of refused streams that are remembered. Even one corrupt stream is exceptional.
const REMEMBERED: usize = 1_000;

/// A small pool of read connections, and the corruption that they found.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
    // Stream name to revision and reason. Appends to these streams are refused.
    corrupt: Mutex<HashMap<String, (u64, String)>>,
    findings: Findings,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Readers {
        let permits = Semaphore::new(CONNECTIONS);
        Readers { path, idle: Mutex::default(), permits, corrupt: Mutex::default(), findings: Findings::default() }
    }

    pub(super) fn findings(&self) -> &Findings {
        &self.findings
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `query` on a connection of the pool.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        query: impl FnOnce(&Connection) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let _permit = self.permits.acquire().await.map_err(|error| ReadError::Unavailable(error.to_string()))?;
        let readers = Arc::clone(self);
        tokio::task::spawn_blocking(move || readers.read_now(query))
            .await
            .map_err(|error| ReadError::Unavailable(error.to_string()))?
    }

    fn read_now<T>(&self, query: impl FnOnce(&Connection) -> Result<T, ReadError>) -> Result<T, ReadError> {
        let idle = locked(&self.idle).pop();
        let connection = match idle {
            Some(connection) => Ok(connection),
            None => schema::connect_reader(&self.path).map_err(|error| not_opened(&error)),
        };
        let done = connection.and_then(|connection| query(&connection).map(|found| (found, connection)));
        match done {
            Ok((found, connection)) => {
                locked(&self.idle).push(connection);
                Ok(found)
            }
            Err(error) => {
                self.note(&error);
                Err(error)
            }
        }
    }

    /// Notes a corrupt event. Appends to its stream are refused from now on.
    pub(super) fn note(&self, error: &ReadError) {
        let ReadError::Corrupt { stream, revision, why, .. } = error else { return };
        let mut corrupt = locked(&self.corrupt);
        if corrupt.len() < REMEMBERED {
            corrupt.insert(stream.clone(), (*revision, why.clone()));
        }
        drop(corrupt);
        self.findings.note(error);
    }

    /// Returns the revision at which a corrupt event was found in the stream.
    pub(super) fn refused_from(&self, stream: &StreamName) -> Option<Revision> {
        locked(&self.corrupt).get(stream.as_str()).map(|(revision, _)| Revision(*revision))
    }

    /// Returns the error for appends to a stream in which a corrupt event was found.
    pub(super) fn refused(&self, stream: &StreamName) -> Option<AppendError> {
        let corrupt = locked(&self.corrupt);
        let (revision, why) = corrupt.get(stream.as_str())?;
        Some(AppendError::Corrupt { stream: stream.clone(), revision: Revision(*revision), why: why.clone() })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const COLUMNS: &str = "SELECT position, revision, event_id, leaf, crc, envelope FROM events";

pub(super) fn read_stream(
    connection: &Connection,
    stream: &StreamName,
    from: Revision,
    limit: usize,
) -> Result<Vec<Recorded>, ReadError> {
    let wrong = |position: u64, revision: u64, why: &str| corrupt(stream.as_str(), revision, position, why);
    let here = Place { stream: Some(stream), revision: from.0, position: 0 };
    // One transaction, so that the stream's version and its rows are from the same instant.
    let transaction = connection.unchecked_transaction().map_err(|error| unreadable(&error, here))?;
    let known: Option<(i64, u64)> = transaction
        .prepare_cached("SELECT id, version FROM streams WHERE name = ?1")
        .and_then(|mut select| select.query_row([stream.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map_err(|error| unreadable(&error, here))?;
    let Some((id, version)) = known else { return Ok(Vec::new()) };
    let query = format!("{COLUMNS} WHERE stream = ?1 AND revision >= ?2 ORDER BY revision LIMIT ?3");
    let mut events: Vec<Recorded> = Vec::new();
    select(&transaction, &query, params![id, from.0, limit], here, |event| {
        let wanted = from.0 + events.len() as u64;
        if event.stream != *stream || event.revision.0 != wanted {
            return Err(wrong(event.position.0, wanted, "another event is stored in its place"));
        }
        events.push(event);
        Ok(())
    })
    .map_err(|error| located(&transaction, id, error))?;
    let next = from.0 + events.len() as u64;
    if events.len() < limit && next <= version {
        return Err(wrong(0, next, "it is missing"));
    }
    Ok(events)
}

/// See [`crate::store::EventStore::stream_head`].
pub(super) fn stream_head(connection: &Connection, stream: &StreamName) -> Result<Option<StreamHead>, ReadError> {
    let select =
        "SELECT e.revision, e.event_id FROM streams s JOIN events e ON e.stream = s.id AND e.revision = s.version
        WHERE s.name = ?1";
    let read = || -> rusqlite::Result<Option<StreamHead>> {
        let head = |row: &Row<'_>| {
            let (revision, id): (u64, [u8; 16]) = (row.get(0)?, row.get(1)?);
            Ok(StreamHead { revision: Revision(revision), id: EventId(Uuid::from_bytes(id)) })
        };
        connection.prepare_cached(select)?.query_row([stream.as_str()], head).optional()
    };
    read().map_err(|error| unreadable(&error, Place { stream: Some(stream), revision: 0, position: 0 }))
}

/// See [`crate::store::EventStore::contains`].
pub(super) fn contains(connection: &Connection, stream: &StreamName, id: EventId) -> Result<bool, ReadError> {
    exists(connection, stream, "event_id = ?2", id.0.as_bytes())
}

/// See [`crate::store::EventStore::mentions`].
pub(super) fn mentions(connection: &Connection, stream: &StreamName, text: &str) -> Result<bool, ReadError> {
    exists(connection, stream, "instr(envelope, ?2) > 0", &text)
}

fn exists(connection: &Connection, stream: &StreamName, condition: &str, value: &dyn ToSql) -> Result<bool, ReadError> {
    let select = format!(
        "SELECT EXISTS (SELECT 1 FROM events WHERE stream = (SELECT id FROM streams WHERE name = ?1) AND {condition})"
    );
    let read = || connection.prepare_cached(&select)?.query_row(params![stream.as_str(), value], |row| row.get(0));
    read().map_err(|error| unreadable(&error, Place { stream: Some(stream), revision: 0, position: 0 }))
}

pub(super) fn read_all(
    connection: &Connection,
    after: Option<Position>,
    limit: usize,
) -> Result<Vec<Recorded>, ReadError> {
    let after = after.map_or(0, |position| position.0);
    let query = format!("{COLUMNS} WHERE position > ?1 ORDER BY position LIMIT ?2");
    let mut events: Vec<Recorded> = Vec::new();
    let here = Place { stream: None, revision: 0, position: after + 1 };
    select(connection, &query, params![after, limit], here, |event| {
        let wanted = after + events.len() as u64 + 1;
        if event.position.0 != wanted {
            return Err(corrupt("unknown", 0, wanted, "it is missing"));
        }
        events.push(event);
        Ok(())
    })
    .or_else(|error| if events.is_empty() { Err(error) } else { Ok(()) })?;
    Ok(events)
}

pub(super) fn head(connection: &Connection) -> Result<Option<Position>, ReadError> {
    connection
        .query_row("SELECT max(position) FROM events", [], |row| row.get(0))
        .map(|position: Option<u64>| position.map(Position))
        .map_err(|error| unreadable(&error, Place { stream: None, revision: 0, position: 0 }))
}

/// See [`crate::store::EventStore::key_sequence`].
pub(super) fn key_sequence(connection: &Connection) -> Result<Option<u64>, ReadError> {
    let read = || -> rusqlite::Result<Option<u64>> {
        // A log that was not opened for writing since this table was introduced does not have it.
        let table = "SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'key_sequence'";
        if !connection.query_row(table, [], |row| row.get(0))? {
            return Ok(None);
        }
        connection.query_row("SELECT value FROM key_sequence", [], |row| row.get(0))
    };
    read().map_err(|error| unreadable(&error, Place { stream: None, revision: 0, position: 0 }))
}

/// The current place of a reader. Errors of SQLite are reported for this place.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// `None`: the whole log is read, in order of position.
    pub stream: Option<&'a StreamName>,
    /// Revision of the event that is read next; 0 if the whole log is read.
    pub revision: u64,
    /// Lowest possible position of the event that is read next; 0 if a stream is read.
    pub position: u64,
}

fn select(
    connection: &Connection,
    query: &str,
    parameters: impl rusqlite::Params,
    mut place: Place<'_>,
    mut take: impl FnMut(Recorded) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut statement = connection.prepare_cached(query).map_err(|error| unreadable(&error, place))?;
    let mut rows = statement.query(parameters).map_err(|error| unreadable(&error, place))?;
    while let Some(row) = rows.next().map_err(|error| unreadable(&error, place))? {
        let event = recorded(connection, row)?;
        match place.stream {
            Some(_) => place.revision += 1,
            None => place.position = event.position.0 + 1,
        }
        take(event)?;
    }
    Ok(())
}

// A damaged page hides the positions of its events; the index of the stream may still contain them.
fn located(connection: &Connection, id: i64, error: ReadError) -> ReadError {
    let ReadError::Corrupt { stream, revision, position: 0, damaged, why } = error else { return error };
    let select = "SELECT position FROM events WHERE stream = ?1 AND revision = ?2";
    let position = connection.query_row(select, params![id, revision], |row| row.get(0)).unwrap_or_default();
    ReadError::Corrupt { stream, revision, position, damaged, why }
}

/// Parses a row of `position, revision, event_id, leaf, crc, envelope` and checks that it is the event that was written
/// there. The error names the stream that the row belongs to.
pub(super) fn recorded(connection: &Connection, row: &Row<'_>) -> Result<Recorded, ReadError> {
    let position: u64 =
        row.get(0).map_err(|error| unreadable(&error, Place { stream: None, revision: 0, position: 0 }))?;
    let (damaged, why) = match check(row, position) {
        Ok(Ok(event)) => return Ok(event),
        Ok(Err(flaw)) => (Damaged::Event, flaw.to_owned()),
        Err(error) if is_damage(&error) => (Damaged::Page, error.to_string()),
        Err(error) => (Damaged::Event, error.to_string()),
    };
    let (stream, revision) = (filed_under(connection, position), row.get(1).unwrap_or_default());
    Err(ReadError::Corrupt { stream, revision, position, damaged, why })
}

fn check(row: &Row<'_>, position: u64) -> rusqlite::Result<Result<Recorded, &'static str>> {
    let (revision, id): (u64, [u8; 16]) = (row.get(1)?, row.get(2)?);
    let (leaf, crc): ([u8; 32], u32) = (row.get(3)?, row.get(4)?);
    let envelope = row.get_ref(5)?.as_bytes()?;
    if checksum(&leaf, envelope) != crc {
        return Ok(Err("its checksum does not match"));
    }
    let Ok((stream, written, event)) = parse_canonical(envelope) else {
        return Ok(Err("it is not an event envelope"));
    };
    if written.0 != revision || event.id.0.as_bytes() != &id {
        return Ok(Err("its revision or id does not match its place"));
    }
    Ok(Ok(Recorded { stream, revision: written, position: Position(position), leaf, event }))
}

fn filed_under(connection: &Connection, position: u64) -> String {
    let query = "SELECT name FROM streams JOIN events ON streams.id = events.stream WHERE position = ?1";
    connection.query_row(query, [position], |row| row.get(0)).unwrap_or_else(|_| "unknown".into())
}

pub(super) fn corrupt(stream: &str, revision: u64, position: u64, why: &str) -> ReadError {
    ReadError::Corrupt { stream: stream.to_owned(), revision, position, damaged: Damaged::Event, why: why.to_owned() }
}

fn damaged_page(place: Place<'_>, why: String) -> ReadError {
    let Place { stream, revision, position } = place;
    let stream = stream.map_or_else(|| "unknown".to_owned(), ToString::to_string);
    ReadError::Corrupt { stream, revision, position, damaged: Damaged::Page, why }
}

/// Converts an error of SQLite: "malformed" is corruption, any other error may be temporary.
pub(super) fn unreadable(error: &rusqlite::Error, place: Place<'_>) -> ReadError {
    match is_damage(error) {
        true => damaged_page(place, error.to_string()),
        false => ReadError::Unavailable(error.to_string()),
    }
}

// The writer has the log open, so a file that no longer looks like a log has a damaged first page.
fn not_opened(error: &OpenError) -> ReadError {
    let is_damaged = match error {
        OpenError::NotALog(_) | OpenError::TooNew { .. } => true,
        OpenError::Sqlite { error, .. } => is_damage(error),
        OpenError::Missing(_) | OpenError::Exists(_) | OpenError::Locked(_) | OpenError::NetworkFileSystem { .. } => {
            false
        }
        OpenError::LeftBehind(_) | OpenError::OldLibrary(_) | OpenError::File { .. } => false,
    };
    match is_damaged {
        true => {
            damaged_page(Place { stream: None, revision: 0, position: 0 }, format!("this is the first page: {error}"))
        }
        false => ReadError::Unavailable(error.to_string()),
    }
}

/// Returns whether SQLite reports that the file's content is damaged.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;
    use std::path::PathBuf;

    fn failed(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn a_log_that_cannot_be_read_now_is_not_said_to_be_damaged() {
        let here = Place { stream: None, revision: 3, position: 7 };
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB] {
            let told = unreadable(&failed(code), here);
            let is_there = |revision, position| (revision, position) == (3, 7);
            assert!(
                matches!(&told, ReadError::Corrupt { damaged: Damaged::Page, revision, position, .. }
                    if is_there(*revision, *position)),
                "{told}"
            );
        }
        for code in [ffi::SQLITE_BUSY, ffi::SQLITE_IOERR, ffi::SQLITE_NOMEM, ffi::SQLITE_CANTOPEN] {
            assert!(matches!(unreadable(&failed(code), here), ReadError::Unavailable(_)), "{code}");
        }
    }

    #[test]
    fn a_file_that_no_longer_looks_like_a_log_is_damaged_and_one_that_is_away_may_come_back() {
        let path = || PathBuf::from("/data");
        let is_damaged = |error: OpenError| matches!(not_opened(&error), ReadError::Corrupt { .. });
        assert!(is_damaged(OpenError::NotALog(path())));
        assert!(is_damaged(OpenError::TooNew { path: path(), format: 9 }));
        assert!(is_damaged(OpenError::Sqlite { path: path(), error: failed(ffi::SQLITE_CORRUPT) }));
        assert!(!is_damaged(OpenError::Sqlite { path: path(), error: failed(ffi::SQLITE_BUSY) }));
        assert!(!is_damaged(OpenError::Missing(path())));
        assert!(!is_damaged(OpenError::Locked(path())));
    }
}
