//! Reads: on connections of their own, in short transactions, on blocking threads. Every row is checked.

use super::append::checksum;
use super::schema;
use crate::envelope::{Position, Recorded, Revision, StreamName, parse_canonical};
use crate::store::{AppendError, ReadError};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, params};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// Connections that read at the same time.
const CONNECTIONS: usize = 8;

/// Corrupt events that are remembered; one is too many already.
const REMEMBERED: usize = 1_000;

/// A small pool of connections that read, and what they found corrupt.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
    corrupt: Mutex<HashMap<String, (u64, String)>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Readers {
        Readers { path, idle: Mutex::default(), permits: Semaphore::new(CONNECTIONS), corrupt: Mutex::default() }
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
            Some(connection) => connection,
            None => schema::connect_reader(&self.path).map_err(|error| ReadError::Unavailable(error.to_string()))?,
        };
        let result = query(&connection);
        match &result {
            Err(ReadError::Corrupt { stream, revision, why, .. }) => self.remember(stream, *revision, why),
            Err(ReadError::Unavailable(_)) => {}
            Ok(_) => locked(&self.idle).push(connection),
        }
        result
    }

    fn remember(&self, stream: &str, revision: u64, why: &str) {
        let mut corrupt = locked(&self.corrupt);
        if corrupt.len() < REMEMBERED {
            corrupt.insert(stream.to_owned(), (revision, why.to_owned()));
        }
    }

    /// The error of an append to a stream in which a corrupt event was found.
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
    // One transaction: the stream's version and its rows are of the same instant.
    let transaction = connection.unchecked_transaction().map_err(|error| unreadable(error, 0))?;
    let known: Option<(i64, u64)> = transaction
        .prepare_cached("SELECT id, version FROM streams WHERE name = ?1")
        .and_then(|mut select| select.query_row([stream.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map_err(|error| unreadable(error, 0))?;
    let Some((id, version)) = known else { return Ok(Vec::new()) };
    let query = format!("{COLUMNS} WHERE stream = ?1 AND revision >= ?2 ORDER BY revision LIMIT ?3");
    let mut events: Vec<Recorded> = Vec::new();
    select(&transaction, &query, params![id, from.0, limit], |event| {
        let wanted = from.0 + events.len() as u64;
        if event.stream != *stream || event.revision.0 != wanted {
            return Err(wrong(event.position.0, wanted, "another event stands in its place"));
        }
        events.push(event);
        Ok(())
    })?;
    let next = from.0 + events.len() as u64;
    if events.len() < limit && next <= version {
        return Err(wrong(0, next, "it is missing"));
    }
    Ok(events)
}

pub(super) fn read_all(
    connection: &Connection,
    after: Option<Position>,
    limit: usize,
) -> Result<Vec<Recorded>, ReadError> {
    let after = after.map_or(0, |position| position.0);
    let query = format!("{COLUMNS} WHERE position > ?1 ORDER BY position LIMIT ?2");
    let mut events: Vec<Recorded> = Vec::new();
    select(connection, &query, params![after, limit], |event| {
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
        .map_err(|error| unreadable(error, 0))
}

fn select(
    connection: &Connection,
    query: &str,
    parameters: impl rusqlite::Params,
    mut take: impl FnMut(Recorded) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut last = 0;
    let mut statement = connection.prepare_cached(query).map_err(|error| unreadable(error, last))?;
    let mut rows = statement.query(parameters).map_err(|error| unreadable(error, last))?;
    while let Some(row) = rows.next().map_err(|error| unreadable(error, last))? {
        let event = recorded(connection, row)?;
        last = event.position.0;
        take(event)?;
    }
    Ok(())
}

/// The event in a row of `position, revision, event_id, leaf, crc, envelope`, if it is the one that was written there;
/// else the error, which names the stream that the row is filed under.
pub(super) fn recorded(connection: &Connection, row: &Row<'_>) -> Result<Recorded, ReadError> {
    let position: u64 = row.get(0).map_err(|error| unreadable(error, 0))?;
    let flaw = match check(row, position) {
        Ok(Ok(event)) => return Ok(event),
        Ok(Err(flaw)) => flaw.to_owned(),
        Err(error) => error.to_string(),
    };
    Err(corrupt(&filed_under(connection, position), row.get(1).unwrap_or_default(), position, &flaw))
}

fn check(row: &Row<'_>, position: u64) -> rusqlite::Result<Result<Recorded, &'static str>> {
    let (revision, id): (u64, [u8; 16]) = (row.get(1)?, row.get(2)?);
    let (leaf, crc): ([u8; 32], u32) = (row.get(3)?, row.get(4)?);
    let envelope = row.get_ref(5)?.as_bytes()?;
    if checksum(&leaf, envelope) != crc {
        return Ok(Err("it does not have its checksum"));
    }
    let Ok((stream, written, event)) = parse_canonical(envelope) else {
        return Ok(Err("it is no envelope"));
    };
    if written.0 != revision || event.id.0.as_bytes() != &id {
        return Ok(Err("it stands in another event's place"));
    }
    Ok(Ok(Recorded { stream, revision: written, position: Position(position), leaf, event }))
}

fn filed_under(connection: &Connection, position: u64) -> String {
    let query = "SELECT name FROM streams JOIN events ON streams.id = events.stream WHERE position = ?1";
    connection.query_row(query, [position], |row| row.get(0)).unwrap_or_else(|_| "unknown".into())
}

pub(super) fn corrupt(stream: &str, revision: u64, position: u64, why: &str) -> ReadError {
    ReadError::Corrupt { stream: stream.to_owned(), revision, position, why: why.to_owned() }
}

// SQLite's own "malformed" is corruption as well; anything else may pass.
fn unreadable(error: rusqlite::Error, last: u64) -> ReadError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            corrupt("unknown", 0, last + 1, &error.to_string())
        }
        _ => ReadError::Unavailable(error.to_string()),
    }
}
