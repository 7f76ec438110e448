//! One append: what the caller wants written, and how it is written inside the writer's transaction.

use super::MAX_APPEND;
use crate::envelope::{EventId, NewEvent, Position, Revision, StreamName, canonical};
use crate::proof::leaf_hash;
use crate::store::{AppendError, Appended, Expected};
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::oneshot;

pub(super) type Answer = Result<Appended, AppendError>;

/// An append on its way to the writer.
pub(super) struct Request {
    stream: StreamName,
    expected: Expected,
    events: Events,
}

/// With its sender's end of the answer.
pub(super) struct Waiting {
    pub(super) request: Request,
    pub(super) reply: oneshot::Sender<Answer>,
}

// Where the revision is known beforehand, the caller's thread makes the bytes: the writer's time is everybody's.
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

/// CRC-32C of a leaf hash and the canonical bytes it is of.
pub(super) fn checksum(leaf: &[u8], envelope: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(leaf), envelope)
}

impl Request {
    pub(super) fn new(stream: &StreamName, expected: Expected, events: Vec<NewEvent>) -> Result<Request, AppendError> {
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
        Ok(Request { stream: stream.clone(), expected, events })
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

/// Writes the request's events, the first at `next`, in the open transaction. The inner error is the caller's, and
/// nothing was written; the outer one the store's.
pub(super) fn apply(connection: &Connection, next: u64, request: &Request) -> rusqlite::Result<Answer> {
    let known: Option<(i64, u64)> = connection
        .prepare_cached("SELECT id, version FROM streams WHERE name = ?1")?
        .query_row([request.stream.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let free = known.map_or(0, |(_, version)| version + 1);
    let first = match request.expected {
        Expected::NoStream => 0,
        Expected::Exact(revision) => revision.0 + 1,
        Expected::Any => free,
    };
    let ids = request.ids();
    let count = ids.len() as u64;
    // Where a repeated append would stand: at the expected place, or, with `Any`, at the stream's end.
    let repeated = if matches!(request.expected, Expected::Any) { free.saturating_sub(count) } else { first };
    if let Some((stream, _)) = known
        && repeated < free
        && let Some(position) = find(connection, stream, repeated, &ids)?
    {
        return Ok(Ok(Appended { revision: Revision(repeated + count - 1), position }));
    }
    if first != free {
        let current = known.map(|(_, version)| Revision(version));
        return Ok(Err(AppendError::Conflict { stream: request.stream.clone(), current }));
    }
    let made;
    let rows = match &request.events {
        Events::Ready(rows) => rows,
        Events::Floating(events) => {
            made = rows(&request.stream, first, events);
            &made
        }
    };
    write(connection, known.map(|(id, _)| id), &request.stream, first, next, rows)?;
    Ok(Ok(Appended { revision: Revision(first + count - 1), position: Position(next + count - 1) }))
}

// Position of the last of these ids, if exactly they stand in the stream from `first` on.
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

fn write(
    connection: &Connection,
    known: Option<i64>,
    name: &StreamName,
    first: u64,
    next: u64,
    rows: &[Row],
) -> rusqlite::Result<()> {
    let version = first + rows.len() as u64 - 1;
    let stream = match known {
        Some(id) => {
            connection
                .prepare_cached("UPDATE streams SET version = ?2 WHERE id = ?1")?
                .execute(params![id, version])?;
            id
        }
        None => connection
            .prepare_cached("INSERT INTO streams (name, version) VALUES (?1, ?2)")?
            .insert(params![name.as_str(), version])?,
    };
    let mut insert = connection.prepare_cached(
        "INSERT INTO events (position, stream, revision, event_id, leaf, crc, envelope) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for ((position, revision), row) in (next..).zip(first..).zip(rows) {
        let envelope = str::from_utf8(&row.envelope).expect("JSON is UTF-8");
        insert.execute(params![position, stream, revision, row.id.0.as_bytes(), row.leaf, row.crc, envelope])?;
    }
    Ok(())
}
