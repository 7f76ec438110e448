//! Register of the damage that readers found in a log: each event, key or part of the file once, for health checks,
//! alarms and the operator.

#[cfg(test)]
mod reported;

use super::ReadError;
use crate::personal::KeyName;
use crate::personal::keys::KeyError;
use serde::{Deserialize, Serialize};
use std::fmt;
use tokio::sync::watch;

/// Maximum number of findings kept. A person reads the register and only needs the first few.
const MOST: usize = 1_000;

/// What is damaged if an event cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Damaged {
    /// The event itself: its content is not what was written.
    Event,
    /// A page of the log's file, which may contain several events. SQLite does not report which page.
    Page,
    /// The key of the event in the key store: its content is not what was written, or it is missing.
    Key(KeyName),
    /// The key store's file.
    KeyStore,
}

/// A place in the log whose content cannot be read as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corruption {
    /// Name of the stream, or `unknown` if the damage hides it.
    pub stream: String,
    /// Revision of the event; 0 if the damage hides it.
    pub revision: u64,
    /// Position of the event; 0 if the damage hides it.
    pub position: u64,
    pub damaged: Damaged,
    pub why: String,
}

impl Damaged {
    /// Returns what an operator has to do about a damaged log. The message of a damaged key already contains it
    /// ([`KeyError`]).
    ///
    /// [`KeyError`]: crate::personal::keys::KeyError
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Damaged::Event | Damaged::Page => Some(
                "stop the server, keep a copy of its directory, and restore the newest backup that `muster backup verify` accepts (`muster restore BACKUP`); \
                 find out why the disk was damaged",
            ),
            Damaged::Key(_) | Damaged::KeyStore => None,
        }
    }
}

impl Corruption {
    /// Describes a damaged key that was checked directly, without an event.
    pub fn of_key(name: &KeyName) -> Corruption {
        let why = KeyError::Altered(name.clone()).to_string();
        Corruption { stream: UNKNOWN.into(), revision: 0, position: 0, damaged: Damaged::Key(name.clone()), why }
    }

    // Returns whether the known finding `other` covers this one.
    fn is_told_by(&self, other: &Corruption) -> bool {
        match (&self.damaged, &other.damaged) {
            // One finding per key, however many events it seals.
            (Damaged::Key(key), Damaged::Key(other)) => return key == other,
            (Damaged::KeyStore, Damaged::KeyStore) => return true,
            (Damaged::Page, Damaged::Page) if self.position == 0 && self.stream == UNKNOWN => return true,
            (Damaged::Event | Damaged::Page, Damaged::Event | Damaged::Page) => {}
            (Damaged::Key(_) | Damaged::KeyStore, _) | (_, Damaged::Key(_) | Damaged::KeyStore) => return false,
        }
        if self.position != 0 || other.position != 0 {
            return self.position == other.position;
        }
        self.stream == other.stream && self.revision == other.revision
    }
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Corruption { stream, revision, position, damaged, why } = self;
        let event = match position {
            0 => format!("event {revision} of stream {stream}"),
            _ => format!("the event at position {position} (event {revision} of stream {stream})"),
        };
        match damaged {
            Damaged::Event => write!(f, "{event} is corrupt: {why}"),
            Damaged::Page if *position == 0 && stream == UNKNOWN => write!(f, "a page of events.db is damaged: {why}"),
            Damaged::Page => write!(f, "a page of events.db is damaged: {event} cannot be read: {why}"),
            Damaged::Key(_) if *position == 0 && stream == UNKNOWN => f.write_str(why),
            Damaged::Key(key) => write!(
                f,
                "{key} in keys.db is damaged: {event} and everything else sealed with this key cannot be read: {why}",
                key = key.0
            ),
            Damaged::KeyStore if *position == 0 && stream == UNKNOWN => write!(f, "keys.db is damaged: {why}"),
            Damaged::KeyStore => write!(f, "keys.db is damaged: {event} cannot be read or written: {why}"),
        }
    }
}

/// Name of the stream if the damage hides it.
pub(super) const UNKNOWN: &str = "unknown";

/// Register of corruption. A place that is found again is not added again.
#[derive(Debug)]
pub struct Findings(watch::Sender<Vec<Corruption>>);

impl Default for Findings {
    fn default() -> Findings {
        Findings(watch::Sender::new(Vec::new()))
    }
}

impl Findings {
    /// Adds the corruption that a reader found. Other errors are ignored.
    pub fn note(&self, error: &ReadError) {
        if let Some(found) = error.corruption() {
            self.add(found);
        }
    }

    /// Adds a finding, such as one of another process that reads the same log.
    pub fn add(&self, found: Corruption) {
        self.0.send_if_modified(|known| {
            let is_new = known.len() < MOST && !known.iter().any(|one| found.is_told_by(one));
            if is_new {
                known.push(found);
            }
            is_new
        });
    }

    /// Returns all findings in the order in which they were added.
    pub fn all(&self) -> Vec<Corruption> {
        self.0.borrow().clone()
    }

    /// Subscribes to the register: the findings so far and each new one.
    pub fn watch(&self) -> watch::Receiver<Vec<Corruption>> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corrupt(stream: &str, revision: u64, position: u64) -> ReadError {
        damaged(stream, revision, position, Damaged::Event)
    }

    fn damaged(stream: &str, revision: u64, position: u64, damaged: Damaged) -> ReadError {
        let why = "its checksum does not match".into();
        ReadError::Corrupt { stream: stream.into(), revision, position, damaged, why }
    }

    #[test]
    fn a_damaged_key_is_one_finding_whatever_it_seals_and_a_page_of_which_nothing_is_known_adds_nothing() {
        let (findings, key) = (Findings::default(), KeyName("person-1".into()));
        findings.note(&damaged("unknown", 0, 0, Damaged::Page));
        findings.note(&damaged("device-1", 0, 7, Damaged::Page));
        findings.note(&damaged("unknown", 0, 0, Damaged::Page));
        findings.note(&damaged("device-1", 0, 7, Damaged::Key(key.clone())));
        findings.note(&damaged("device-2", 0, 9, Damaged::Key(key)));
        let told: Vec<_> = findings.all().iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with("a page of events.db is damaged: it"), "{told:?}");
        assert!(told[1].starts_with("a page of events.db is damaged: the event at position 7"), "{told:?}");
        assert!(told[2].starts_with("person-1 in keys.db is damaged: the event at position 7"), "{told:?}");
    }

    #[test]
    fn a_place_is_noted_once_whoever_finds_it_and_what_may_pass_is_not_noted() {
        let findings = Findings::default();
        findings.note(&ReadError::Unavailable("busy".into()));
        assert_eq!(findings.all(), []);
        for error in [corrupt("device-1", 3, 7), corrupt("unknown", 0, 7), corrupt("device-1", 4, 0)] {
            findings.note(&error);
            findings.note(&error);
        }
        let places: Vec<_> = findings.all().iter().map(|found| (found.position, found.revision)).collect();
        assert_eq!(places, [(7, 3), (0, 4)]);
        assert!(findings.all()[0].to_string().starts_with("the event at position 7 (event 3 of stream device-1)"));
    }

    #[test]
    fn the_register_is_bounded() {
        let findings = Findings::default();
        (1..2_000).for_each(|position| findings.note(&corrupt("unknown", 0, position)));
        assert_eq!(findings.all().len(), MOST);
    }
}
