//! One append: the request of the caller, the decision about it, and how its events are written.

use super::MAX_APPEND;
use super::find::Sources;
use super::index::recent::Recent;
use super::index::{Key, Place, key};
use super::row::checksum;
use crate::envelope::{EventId, NewEvent, Position, Revision, StreamName, canonical};
use crate::proof::leaf_hash;
use crate::store::{AppendError, Appended, Expected};
use rusqlite::{CachedStatement, Connection, params};
use std::cmp::Ordering;
use tokio::sync::oneshot;

pub(super) type Answer = Result<Appended, AppendError>;

/// An append that is sent to the writer.
pub(super) struct Request {
    stream: StreamName,
    key: Key,
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
    envelope: String,
}

impl Row {
    fn new(stream: &StreamName, revision: u64, event: &NewEvent) -> Row {
        let envelope = canonical(stream, Revision(revision), event);
        let leaf = leaf_hash(&envelope);
        let crc = checksum(&leaf, &envelope);
        Row { id: event.id, crc, leaf, envelope: String::from_utf8(envelope).expect("JSON is UTF-8") }
    }
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
        Ok(Request { stream: stream.clone(), key: key(stream), expected, events, keys })
    }

    pub(super) fn stream(&self) -> &StreamName {
        &self.stream
    }

    pub(super) fn key(&self) -> Key {
        self.key
    }

    /// Returns the number of events.
    pub(super) fn count(&self) -> usize {
        match &self.events {
            Events::Ready(rows) => rows.len(),
            Events::Floating(events) => events.len(),
        }
    }

    fn ids(&self) -> Vec<EventId> {
        match &self.events {
            Events::Ready(rows) => rows.iter().map(|row| row.id).collect(),
            Events::Floating(events) => events.iter().map(|event| event.id).collect(),
        }
    }
}

/// Returns the statement that writes an event.
pub(super) fn insert(log: &Connection) -> rusqlite::Result<CachedStatement<'_>> {
    log.prepare_cached(
        "INSERT INTO log (position, stream, revision, event_id, leaf, crc, envelope) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
}

fn rows(stream: &StreamName, first: u64, events: &[NewEvent]) -> Vec<Row> {
    (first..).zip(events).map(|(revision, event)| Row::new(stream, revision, event)).collect()
}

/// What the writer has to do for a request.
pub(super) enum Plan {
    /// Write its events, the first with this revision.
    Write {
        first: u64,
    },
    /// The events from this revision on may be the ones of the request.
    Compare {
        first: u64,
    },
    Conflict,
}

impl Request {
    /// Decides about the request. `head` is the revision of the stream's last event.
    pub(super) fn plan(&self, head: Option<u64>) -> Plan {
        let count = self.count() as u64;
        let free = head.map_or(0, |head| head + 1);
        let expected = match self.expected {
            Expected::NoStream => 0,
            Expected::Exact(revision) => revision.0 + 1,
            // The last events of the stream may be these.
            Expected::Any if free >= count => return Plan::Compare { first: free - count },
            Expected::Any => return Plan::Write { first: free },
        };
        match expected.cmp(&free) {
            Ordering::Equal => Plan::Write { first: free },
            Ordering::Less if expected + count <= free => Plan::Compare { first: expected },
            Ordering::Less | Ordering::Greater => Plan::Conflict,
        }
    }

    /// Returns what to do if the events at the compared place are others.
    pub(super) fn plan_if_new(&self, head: Option<u64>) -> Plan {
        match self.expected {
            Expected::Any => Plan::Write { first: head.map_or(0, |head| head + 1) },
            Expected::NoStream | Expected::Exact(_) => Plan::Conflict,
        }
    }

    pub(super) fn conflict(&self, head: Option<u64>) -> AppendError {
        AppendError::Conflict { stream: self.stream.clone(), current: head.map(Revision) }
    }

    /// Returns the place of the last event if the stream holds exactly the events of the request at these places.
    pub(super) fn written_at(&self, sources: &Sources<'_>, places: &[Place]) -> rusqlite::Result<Option<Appended>> {
        let ids = self.ids();
        if places.len() != ids.len() {
            return Ok(None);
        }
        for (place, id) in places.iter().zip(&ids) {
            if sources.id_at(place.position)? != Some(*id) {
                return Ok(None);
            }
        }
        let last = places.last();
        Ok(last.map(|last| Appended { revision: Revision(last.revision), position: Position(last.position) }))
    }

    /// Writes the events in the open transaction with [`insert`], the first with revision `first` at position `next`.
    /// Calls `written` for each.
    pub(super) fn write(
        &self,
        insert: &mut CachedStatement<'_>,
        first: u64,
        next: u64,
        mut written: impl FnMut(Recent),
    ) -> rusqlite::Result<Appended> {
        let floating;
        let rows = match &self.events {
            Events::Ready(rows) => rows,
            Events::Floating(events) => {
                floating = rows(&self.stream, first, events);
                &floating
            }
        };
        let name = self.stream.as_str();
        for ((position, revision), row) in (next..).zip(first..).zip(rows) {
            let Row { id, leaf, crc, envelope } = row;
            insert.execute(params![position, name, revision, id.0.as_bytes(), leaf, crc, envelope])?;
            let place = Place { revision, position };
            written(Recent { key: self.key, place, id: row.id, bytes: row.envelope.len() });
        }
        let count = rows.len() as u64;
        Ok(Appended { revision: Revision(first + count - 1), position: Position(next + count - 1) })
    }
}
