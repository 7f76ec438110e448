//! Register of what readers of a log found corrupt: each place once, for health, alarms and the operator.

use super::ReadError;
use serde::{Deserialize, Serialize};
use std::fmt;
use tokio::sync::watch;

/// Most findings that are kept. The register exists to be looked at by a person, who needs the first few.
const MOST: usize = 1_000;

/// A place of the log that cannot be read as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corruption {
    /// Name of the stream, or `unknown` if the damage hides it.
    pub stream: String,
    pub revision: u64,
    /// Position of the event; 0 if the damage hides it.
    pub position: u64,
    pub why: String,
}

impl Corruption {
    fn is_at_the_place_of(&self, other: &Corruption) -> bool {
        if self.position != 0 || other.position != 0 {
            return self.position == other.position;
        }
        self.stream == other.stream && self.revision == other.revision
    }
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Corruption { stream, revision, position, why } = self;
        match position {
            0 => write!(f, "event {revision} of stream {stream} is corrupt: {why}"),
            _ => write!(f, "the event at position {position} (event {revision} of stream {stream}) is corrupt: {why}"),
        }
    }
}

/// The register. A place that is found again is not noted again.
#[derive(Debug)]
pub struct Findings(watch::Sender<Vec<Corruption>>);

impl Default for Findings {
    fn default() -> Findings {
        Findings(watch::Sender::new(Vec::new()))
    }
}

impl Findings {
    /// Notes what a reader met. An error that is no corruption is not noted.
    pub fn note(&self, error: &ReadError) {
        if let Some(found) = error.corruption() {
            self.add(found);
        }
    }

    /// Adds what another process found in the same log.
    pub fn add(&self, found: Corruption) {
        self.0.send_if_modified(|known| {
            let is_new = known.len() < MOST && !known.iter().any(|one| one.is_at_the_place_of(&found));
            if is_new {
                known.push(found);
            }
            is_new
        });
    }

    /// Everything found so far, in the order it was found.
    pub fn all(&self) -> Vec<Corruption> {
        self.0.borrow().clone()
    }

    /// For whoever tells others: the findings so far, and each one that is added.
    pub fn watch(&self) -> watch::Receiver<Vec<Corruption>> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corrupt(stream: &str, revision: u64, position: u64) -> ReadError {
        ReadError::Corrupt { stream: stream.into(), revision, position, why: "it does not have its checksum".into() }
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
