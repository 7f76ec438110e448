//! One append: the request of the caller, and how the writer writes it inside its transaction.

use super::MAX_APPEND;
use crate::envelope::{EventId, NewEvent, Position, Revision, StreamName, canonical};
use crate::proof::leaf_hash;
use crate::store::{AppendError, Appended, Expected};
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::oneshot;

pub(super) type Answer = Result<Appended, AppendError>;

/// An append that is sent to the writer.
pub(super) struct Request {
    stream: StreamName,
    expected: Expected,
    events: Events,
    /// Sequence of the key store that the events were sealed with.
    pub(super) keys: u64,
}

/// An append, and the channel for its answer.
pub(super) struct Waiting {
    pub(super) request: Request,
    pub(super) reply: oneshot::Sender<Answer>,
}

// If the revision is known in advance, the caller's thread serializes the events, since all appends share the writer's
// time.
enum Events {
    Ready(Vec<Row>),
    Floating(Vec<NewEvent>),
}

struct Row {
    id: EventId,
    leaf: [u8; 32],
    crc: u32,
    envelope: Vec<u8>,
}

impl Row {
    fn new(stream: &StreamName, revision: u64, event: &NewEvent) -> Row {
        let envelope = canonical(stream, Revision(revision), event);
        let leaf = leaf_hash(&envelope);
        Row { id: event.id, crc: checksum(&leaf, &envelope), leaf, envelope }
    }
}

/// Returns the CRC-32C of a leaf hash and its canonical bytes.
pub(super) fn checksum(leaf: &[u8], envelope: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(leaf), envelope)
}

impl Request {
    pub(super) fn new(
        stream: &StreamName,
        expected: Expected,
        events: Vec<NewEvent>,
        keys: u64,
    ) -> Result<Request, AppendError> {
        assert!(!events.is_empty(), "an append has at least one event");
        let first = match expected {
            Expected::NoStream => Some(0),
            Expected::Exact(revision) => Some(revision.0 + 1),
            Expected::Any => None,
        };
        let rows = rows(stream, first.unwrap_or(0), &events);
        let bytes = rows.iter().map(|row| row.envelope.len()).sum();
        if bytes > MAX_APPEND {
            return Err(AppendError::TooLarge { bytes, limit: MAX_APPEND });
        }
        let events = if first.is_some() { Events::Ready(rows) } else { Events::Floating(events) };
        Ok(Request { stream: stream.clone(), expected, events, keys })
    }

    pub(super) fn stream(&self) -> &StreamName {
        &self.stream
    }

    /// Returns the id of the last event.
    pub(super) fn last_id(&self) -> Option<EventId> {
        match &self.events {
            Events::Ready(rows) => rows.last().map(|row| row.id),
            Events::Floating(events) => events.last().map(|event| event.id),
        }
    }

    fn ids(&self) -> Vec<EventId> {
        match &self.events {
            Events::Ready(rows) => rows.iter().map(|row| row.id).collect(),
            Events::Floating(events) => events.iter().map(|event| event.id).collect(),
        }
    }
}

fn rows(stream: &StreamName, first: u64, events: &[NewEvent]) -> Vec<Row> {
    (first..).zip(events).map(|(revision, event)| Row::new(stream, revision, event)).collect()
}

/// Writes the events of the request in the open transaction, the first at position `next`. The inner error is for the
/// caller; then nothing was written. The outer error is one of the store.
pub(super) fn apply(connection: &Connection, next: u64, request: &Request) -> rusqlite::Result<Answer> {
    // Nearly every append finds its stream in the expected state. That case takes one statement; the others are handled
    // below.
    if let Events::Ready(rows) = &request.events
        && let Some((stream, first)) = claim(connection, request, rows.len() as u64)?
    {
        return insert(connection, stream, first, next, rows).map(Ok);
    }
    let known: Option<(i64, u64)> = connection
        .prepare_cached("SELECT id, version FROM streams WHERE name = ?1")?
        .query_row([request.stream.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let free = known.map_or(0, |(_, version)| version + 1);
    let ids = request.ids();
    // First revision of a repeated append: the expected place or, with `Any`, the last events of the stream.
    let repeated = match request.expected {
        Expected::NoStream => 0,
        Expected::Exact(revision) => revision.0 + 1,
        Expected::Any => free.saturating_sub(ids.len() as u64),
    };
    if let Some((stream, _)) = known
        && repeated < free
        && let Some(position) = find(connection, stream, repeated, &ids)?
    {
        return Ok(Ok(Appended { revision: Revision(repeated + ids.len() as u64 - 1), position }));
    }
    let Events::Floating(events) = &request.events else {
        let current = known.map(|(_, version)| Revision(version));
        return Ok(Err(AppendError::Conflict { stream: request.stream.clone(), current }));
    };
    let version = free + events.len() as u64 - 1;
    let stream = match known {
        Some((id, _)) => {
            connection
                .prepare_cached("UPDATE streams SET version = ?2 WHERE id = ?1")?
                .execute(params![id, version])?;
            id
        }
        None => connection
            .prepare_cached("INSERT INTO streams (name, version) VALUES (?1, ?2)")?
            .insert(params![request.stream.as_str(), version])?,
    };
    insert(connection, stream, free, next, &rows(&request.stream, free, events)).map(Ok)
}

// Advances the stream's version if it is as expected. Returns the stream's row id and the first revision.
fn claim(connection: &Connection, request: &Request, count: u64) -> rusqlite::Result<Option<(i64, u64)>> {
    let name = request.stream.as_str();
    let id = |row: &rusqlite::Row<'_>| row.get(0);
    match request.expected {
        Expected::NoStream => Ok(connection
            .prepare_cached("INSERT INTO streams (name, version) VALUES (?1, ?2) ON CONFLICT DO NOTHING RETURNING id")?
            .query_row(params![name, count - 1], id)
            .optional()?
            .map(|id| (id, 0))),
        Expected::Exact(revision) => Ok(connection
            .prepare_cached("UPDATE streams SET version = ?3 WHERE name = ?1 AND version = ?2 RETURNING id")?
            .query_row(params![name, revision.0, revision.0 + count], id)
            .optional()?
            .map(|id| (id, revision.0 + 1))),
        Expected::Any => Ok(None),
    }
}

// Returns the position of the last id, if the stream holds exactly these ids from revision `first` on.
fn find(connection: &Connection, stream: i64, first: u64, ids: &[EventId]) -> rusqlite::Result<Option<Position>> {
    let mut select = connection.prepare_cached(
        "SELECT event_id, position FROM events WHERE stream = ?1 AND revision >= ?2 ORDER BY revision LIMIT ?3",
    )?;
    let there: Vec<([u8; 16], u64)> = select
        .query_map(params![stream, first, ids.len()], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let same = there.len() == ids.len() && there.iter().zip(ids).all(|((there, _), id)| there == id.0.as_bytes());
    Ok(there.last().filter(|_| same).map(|(_, position)| Position(*position)))
}

fn insert(connection: &Connection, stream: i64, first: u64, next: u64, rows: &[Row]) -> rusqlite::Result<Appended> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO events (position, stream, revision, event_id, leaf, crc, envelope) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for ((position, revision), row) in (next..).zip(first..).zip(rows) {
        let envelope = str::from_utf8(&row.envelope).expect("JSON is UTF-8");
        insert.execute(params![position, stream, revision, row.id.0.as_bytes(), row.leaf, row.crc, envelope])?;
    }
    let count = rows.len() as u64;
    Ok(Appended { revision: Revision(first + count - 1), position: Position(next + count - 1) })
}
