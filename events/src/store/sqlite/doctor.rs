//! Examines a whole log and names every fault. `verify` stops at the first one; the doctor goes on, so that an operator
//! knows what a damaged log still has.

use super::index::search::IndexReader;
use super::index::{Key, file, key};
use super::row::{Here, corrupt, event_at, unreadable};
use super::tables::Tables;
use super::verify::VerifyError;
use super::{FILE, schema};
use crate::envelope::{EventId, Position, Recorded, Revision, StreamName, Timestamp};
use crate::store::ReadError;
use rusqlite::Connection;
use std::collections::HashMap;
use std::path::Path;

/// What was examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Examined {
    /// Number of positions, including those of unreadable events.
    pub events: u64,
    pub streams: u64,
    pub faults: u64,
}

/// An intact event, as the doctor names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub position: Position,
    pub id: EventId,
    pub event_type: String,
    pub at: Timestamp,
}

/// A fault of the log.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Two intact events have the same revision of a stream.
    DoubleRevision { stream: StreamName, revision: Revision, first: Named, second: Named },
    /// Revisions of a stream are missing before this event.
    Gap { stream: StreamName, expected: Revision, found: Revision, at: Named },
    /// An event is missing or damaged.
    Unreadable(ReadError),
    /// The index by stream does not belong to this log, or leads elsewhere. It may be deleted while the server is
    /// stopped; the daily scrub rebuilds it too.
    Index(String),
}

/// Examines the log in `directory` and calls `report` for each fault, in order of position. A server may write to it
/// meanwhile. Changes nothing. Blocks.
///
/// # Errors
/// Returns an error if the log cannot be opened or read at all.
pub fn examine(directory: &Path, mut report: impl FnMut(Fault)) -> Result<Examined, VerifyError> {
    schema::expect_log(directory)?;
    let log = schema::connect_reader(&directory.join(FILE))?;
    let unreadable = |error| VerifyError::Read(unreadable(&error, Here::NOWHERE));
    let tables = Tables::of(&log).map_err(unreadable)?;
    let head = tables.head(&log).map_err(unreadable)?.unwrap_or_default();
    let mut doctor = Doctor { log, tables, next: HashMap::new(), faults: 0 };
    for position in 1..=head {
        doctor.event(position, &mut report)?;
    }
    doctor.index(directory, head, &mut report);
    Ok(Examined { events: head, streams: doctor.next.len() as u64, faults: doctor.faults })
}

struct Doctor {
    log: Connection,
    tables: Tables,
    /// The next revision of each stream.
    next: HashMap<Key, u64>,
    faults: u64,
}

impl Doctor {
    fn event(&mut self, position: u64, report: &mut impl FnMut(Fault)) -> Result<(), ReadError> {
        let event = match event_at(&self.log, self.tables, position) {
            Ok(event) => event,
            Err(error @ ReadError::Unavailable(_)) => return Err(error),
            Err(error) => {
                self.tell(Fault::Unreadable(error), report);
                return Ok(());
            }
        };
        let (stream, found) = (event.stream.clone(), event.revision);
        match self.tables.filed_under(&self.log, position) {
            Ok(filed) if filed == stream.as_str() => {}
            _ => {
                let why = "it is stored under another stream";
                self.tell(Fault::Unreadable(corrupt(stream.as_str(), found.0, position, why)), report);
            }
        }
        let expected = self.next.get(&key(&stream)).copied().unwrap_or_default();
        if found.0 > expected {
            let at = named(&event);
            self.tell(Fault::Gap { stream: stream.clone(), expected: Revision(expected), found, at }, report);
        }
        if found.0 < expected
            && let Some(first) = self.earlier(&stream, found, position)
        {
            let second = named(&event);
            self.tell(Fault::DoubleRevision { stream: stream.clone(), revision: found, first, second }, report);
        }
        self.next.insert(key(&stream), expected.max(found.0 + 1));
        Ok(())
    }

    // Searches the whole log for the first event with this revision: slow, but only for a fault.
    fn earlier(&self, stream: &StreamName, revision: Revision, before: u64) -> Option<Named> {
        (1..before)
            .filter_map(|position| event_at(&self.log, self.tables, position).ok())
            .find(|event| event.stream == *stream && event.revision == revision)
            .map(|event| named(&event))
    }

    fn index(&mut self, directory: &Path, head: u64, report: &mut impl FnMut(Fault)) {
        let flaw = match IndexReader::open(&directory.join(file::FILE)) {
            // A missing index is built at the next start.
            Ok(None) => None,
            Ok(Some(index)) => self.flaw(&index, head),
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = flaw {
            self.tell(Fault::Index(why), report);
        }
    }

    fn flaw(&self, index: &IndexReader, head: u64) -> Option<String> {
        let compare = || -> rusqlite::Result<Option<String>> {
            index.read_filters()?;
            let origin = index.origin()?;
            if !origin.fits(&self.log, self.tables)? {
                return Ok(Some("it belongs to another log, or to a longer one".into()));
            }
            // Later events are indexed by the server or by the next start.
            for position in self.tables.old_end() + 1..=origin.position.min(head) {
                let Ok(event) = event_at(&self.log, self.tables, position) else { continue };
                let places = index.places(&key(&event.stream), event.revision.0, 1)?;
                if places.first().is_none_or(|place| place.position != position) {
                    return Ok(Some(format!("it does not lead to the event at position {position}")));
                }
            }
            Ok(None)
        };
        compare().unwrap_or_else(|error| Some(error.to_string()))
    }

    fn tell(&mut self, fault: Fault, report: &mut impl FnMut(Fault)) {
        self.faults += 1;
        report(fault);
    }
}

fn named(event: &Recorded) -> Named {
    Named {
        position: event.position,
        id: event.event.id,
        event_type: event.event.event_type.clone(),
        at: event.event.at,
    }
}
