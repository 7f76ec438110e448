//! Queries of the log. Every row is checked.

use super::find::{FindError, Found, QueryError, Sources, Wanted};
use super::index::file::is_flaw;
use super::pool::Reader;
use super::row::{COLUMNS, Here, corrupt, event_at, recorded, unreadable};
use super::tables::Tables;
use crate::envelope::{EventId, Position, Recorded, Revision, StreamName};
use crate::store::{ReadError, StreamHead};
use rusqlite::{Connection, ToSql, params};

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
        FindError::Index(error) if is_flaw(&error) => QueryError::Index(error.to_string()),
        FindError::Index(error) => ReadError::Unavailable(format!("index.db: {error}")).into(),
    }
}

/// See [`crate::store::EventStore::stream_head`].
pub(super) fn stream_head(sources: &Sources<'_>, stream: &Wanted<'_>) -> Result<Option<StreamHead>, QueryError> {
    let failed = |error| failed(error, stream.name, 0);
    let Some(last) = sources.last(stream).map_err(failed)? else { return Ok(None) };
    let id = sources.id_at(last.position).map_err(|error| failed(FindError::Log(error)))?;
    let missing = || corrupt(stream.name.as_str(), last.revision, last.position, "it is missing");
    Ok(Some(StreamHead { revision: Revision(last.revision), id: id.ok_or_else(missing)? }))
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
