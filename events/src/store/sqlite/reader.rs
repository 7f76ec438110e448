//! Queries of the log. Every row is checked.

use super::append::checksum;
use super::find::{FindError, Found, QueryError, Sources, Wanted};
use super::open_error::OpenError;
use super::pool::Reader;
use super::tables::Tables;
use crate::envelope::{EventId, Position, Recorded, Revision, StreamName, parse_canonical};
use crate::store::findings::UNKNOWN;
use crate::store::{Damaged, ReadError, StreamHead};
use rusqlite::{Connection, ErrorCode, Row, ToSql, params};

/// Columns of a row that [`recorded`] reads.
pub(super) const COLUMNS: &str = "position, revision, event_id, leaf, crc, envelope";

/// See [`crate::store::EventStore::read_stream`].
pub(super) fn read_stream(
    sources: &Sources<'_>,
    stream: &Wanted<'_>,
    from: Revision,
    limit: usize,
) -> Result<Vec<Recorded>, QueryError> {
    let name = stream.name;
    let Found { places, old_last } =
        sources.places(stream, from.0, limit).map_err(|error| failed(error, name, from.0))?;
    let mut events: Vec<Recorded> = Vec::with_capacity(places.len());
    for (wanted, place) in (from.0..).zip(&places) {
        if place.revision != wanted {
            return Err(corrupt(name.as_str(), wanted, 0, "it is missing").into());
        }
        let event =
            event_at(sources.log, sources.tables, place.position).map_err(|error| of_stream(error, name, wanted))?;
        if event.stream != *name || event.revision.0 != wanted {
            let why = "another event is stored in its place";
            return Err(corrupt(name.as_str(), wanted, place.position, why).into());
        }
        events.push(event);
    }
    let next = from.0 + events.len() as u64;
    let is_behind = |last: Option<u64>| events.len() < limit && Some(next) <= last;
    if is_behind(old_last) {
        return Err(corrupt(name.as_str(), next, 0, "it is missing").into());
    }
    if is_behind(sources.known) { Err(QueryError::Short(next)) } else { Ok(events) }
}

/// Reads the event at `position`.
///
/// # Errors
/// Returns `Corrupt` if it is missing or damaged.
pub(super) fn event_at(log: &Connection, tables: Tables, position: u64) -> Result<Recorded, ReadError> {
    let here = Here { stream: None, revision: 0, position };
    let damaged = |error: rusqlite::Error| unreadable(&error, here);
    let select = format!("SELECT {COLUMNS} FROM {} WHERE position = ?1", tables.table(position));
    let mut select = log.prepare_cached(&select).map_err(damaged)?;
    let mut rows = select.query([position]).map_err(damaged)?;
    match rows.next().map_err(damaged)? {
        Some(row) => recorded(log, tables, row),
        None => Err(corrupt("unknown", 0, position, "it is missing")),
    }
}

// The reader knows which event it looked for, even if the row does not say it.
fn of_stream(error: ReadError, name: &StreamName, wanted: u64) -> ReadError {
    match error {
        ReadError::Corrupt { position, damaged, why, .. } => {
            ReadError::Corrupt { stream: name.to_string(), revision: wanted, position, damaged, why }
        }
        error => error,
    }
}

// Converts an error of a search for the events of a stream.
fn failed(error: FindError, stream: &StreamName, revision: u64) -> QueryError {
    match error {
        FindError::Log(error) => unreadable(&error, Here { stream: Some(stream), revision, position: 0 }).into(),
        FindError::Index(error) => QueryError::Index(error.to_string()),
    }
}

/// See [`crate::store::EventStore::stream_head`].
pub(super) fn stream_head(sources: &Sources<'_>, stream: &Wanted<'_>) -> Result<Option<StreamHead>, QueryError> {
    sources.head(stream).map_err(|error| failed(error, stream.name, 0))
}

/// See [`crate::store::EventStore::contains`].
pub(super) fn contains(sources: &Sources<'_>, stream: &Wanted<'_>, id: EventId) -> Result<bool, QueryError> {
    exists(sources, stream, "event_id = ?2", id.0.as_bytes())
}

/// See [`crate::store::EventStore::mentions`].
pub(super) fn mentions(sources: &Sources<'_>, stream: &Wanted<'_>, text: &str) -> Result<bool, QueryError> {
    exists(sources, stream, "instr(envelope, ?2) > 0", &text)
}

fn exists(sources: &Sources<'_>, stream: &Wanted<'_>, condition: &str, value: &dyn ToSql) -> Result<bool, QueryError> {
    let places = sources.places(stream, 0, usize::MAX).map_err(|error| failed(error, stream.name, 0))?;
    for place in places.places {
        let table = sources.tables.table(place.position);
        let select = format!("SELECT 1 FROM {table} WHERE position = ?1 AND {condition}");
        let found = sources.log.prepare_cached(&select).and_then(|mut row| row.exists(params![place.position, value]));
        let here = Here { stream: Some(stream.name), revision: place.revision, position: place.position };
        if found.map_err(|error| unreadable(&error, here))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// See [`crate::store::EventStore::read_all`].
pub(super) fn read_all(reader: &Reader, after: Option<Position>, limit: usize) -> Result<Vec<Recorded>, ReadError> {
    let mut after = after.map_or(0, |position| position.0);
    let mut events: Vec<Recorded> = Vec::new();
    let Reader { log, tables, .. } = reader;
    while events.len() < limit {
        let table = tables.table(after + 1);
        let query = format!("SELECT {COLUMNS} FROM {table} WHERE position > ?1 ORDER BY position LIMIT ?2");
        let (before, room) = (events.len(), i64::try_from(limit - events.len()).unwrap_or(i64::MAX));
        let read = select(log, *tables, &query, params![after, room], after + 1, |event| {
            events.push(event);
        });
        after += (events.len() - before) as u64;
        match read {
            Err(error) if events.is_empty() => return Err(error),
            Err(_) => break,
            Ok(()) if table == "log" || after < tables.old_end() => break,
            Ok(()) => {}
        }
    }
    Ok(events)
}

/// Returns the position of the newest event; `None` if the log is empty.
pub(super) fn head(log: &Connection, tables: Tables) -> Result<Option<Position>, ReadError> {
    tables.head(log).map(|head| head.map(Position)).map_err(|error| unreadable(&error, Here::NOWHERE))
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
    read().map_err(|error| unreadable(&error, Here::NOWHERE))
}

/// The current place of a reader. Errors of SQLite are reported for this place.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    /// `None`: the whole log is read, in order of position.
    pub stream: Option<&'a StreamName>,
    /// Revision of the event that is read next; 0 if the whole log is read.
    pub revision: u64,
    /// Lowest possible position of the event that is read next; 0 if a stream is read.
    pub position: u64,
}

impl Here<'_> {
    /// No event is read.
    pub(super) const NOWHERE: Here<'static> = Here { stream: None, revision: 0, position: 0 };
}

// Reads events without gaps from the position `next` on.
fn select(
    log: &Connection,
    tables: Tables,
    query: &str,
    parameters: impl rusqlite::Params,
    mut next: u64,
    mut take: impl FnMut(Recorded),
) -> Result<(), ReadError> {
    let here = |next| Here { stream: None, revision: 0, position: next };
    let mut statement = log.prepare_cached(query).map_err(|error| unreadable(&error, here(next)))?;
    let mut rows = statement.query(parameters).map_err(|error| unreadable(&error, here(next)))?;
    while let Some(row) = rows.next().map_err(|error| unreadable(&error, here(next)))? {
        let event = recorded(log, tables, row)?;
        if event.position.0 != next {
            return Err(corrupt("unknown", 0, next, "it is missing"));
        }
        next += 1;
        take(event);
    }
    Ok(())
}

/// Parses a row of `position, revision, event_id, leaf, crc, envelope` and checks that it is the event that was written
/// there. The error names the stream that the row belongs to.
pub(super) fn recorded(log: &Connection, tables: Tables, row: &Row<'_>) -> Result<Recorded, ReadError> {
    let position: u64 = row.get(0).map_err(|error| unreadable(&error, Here::NOWHERE))?;
    let (damaged, why) = match check(row, position) {
        Ok(Ok(event)) => return Ok(event),
        Ok(Err(flaw)) => (Damaged::Event, flaw.to_owned()),
        Err(error) if is_damage(&error) => (Damaged::Page, error.to_string()),
        Err(error) => (Damaged::Event, error.to_string()),
    };
    let stream = tables.filed_under(log, position).unwrap_or_else(|_| UNKNOWN.into());
    let revision = row.get(1).unwrap_or_default();
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

pub(super) fn corrupt(stream: &str, revision: u64, position: u64, why: &str) -> ReadError {
    ReadError::Corrupt { stream: stream.to_owned(), revision, position, damaged: Damaged::Event, why: why.to_owned() }
}

fn damaged_page(place: Here<'_>, why: String) -> ReadError {
    let Here { stream, revision, position } = place;
    let stream = stream.map_or_else(|| "unknown".to_owned(), ToString::to_string);
    ReadError::Corrupt { stream, revision, position, damaged: Damaged::Page, why }
}

/// Converts an error of SQLite: "malformed" is corruption, any other error may be temporary.
pub(super) fn unreadable(error: &rusqlite::Error, place: Here<'_>) -> ReadError {
    match is_damage(error) {
        true => damaged_page(place, error.to_string()),
        false => ReadError::Unavailable(error.to_string()),
    }
}

// The writer has the log open, so a file that no longer looks like a log has a damaged first page.
pub(super) fn not_opened(error: &OpenError) -> ReadError {
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
            damaged_page(Here { stream: None, revision: 0, position: 0 }, format!("this is the first page: {error}"))
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
        let here = Here { stream: None, revision: 3, position: 7 };
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
