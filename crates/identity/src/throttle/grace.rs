//! Who may still try when their source has used up its failures: a name without a failure in the last quarter of an hour, once a
//! minute, and so many names of one source in an hour.

use super::{CAPACITY, make_room};
use std::collections::{HashMap, HashSet};
use world::Timestamp;

/// A name is trusted again so long after its last failure.
pub(super) const WITHOUT_FAILURE_SECONDS: i64 = 15 * 60;
const ATTEMPT_EVERY_SECONDS: i64 = 60;
const HOUR_SECONDS: i64 = 3_600;
/// So many names of one source go beyond its limit in an hour; more if more people are known to share it.
pub(super) const NAMES_AN_HOUR: usize = 60;
/// So many sources are watched at a time; those of others have to wait.
const SOURCES: usize = 1_000;

/// Names and sources are digests.
type Key = [u8; 32];

#[derive(Debug, Default)]
pub(super) struct Grace {
    /// Until when a name counts as one that failed.
    failed: HashMap<Key, Timestamp>,
    /// When a name may try again.
    next: HashMap<Key, Timestamp>,
    of_source: HashMap<Key, Hour>,
}

#[derive(Debug)]
struct Hour {
    ends: Timestamp,
    names: HashSet<Key>,
}

impl Grace {
    /// An attempt under this name failed.
    pub(super) fn failed(&mut self, now: Timestamp, name: Key) {
        make_room(&mut self.failed, now);
        self.failed.insert(name, now.plus_seconds(WITHOUT_FAILURE_SECONDS));
    }

    /// The names that failed, each with the instant from which on it is trusted again.
    pub(super) fn failures(&mut self) -> &mut HashMap<Key, Timestamp> {
        &mut self.failed
    }

    /// Whether an attempt under this name may go beyond the limit of its source. `take`: it does, which uses it up.
    pub(super) fn lets_in(&mut self, now: Timestamp, source: Key, name: Key, names: usize, take: bool) -> bool {
        if self.next.len() >= CAPACITY {
            self.next.retain(|_, until| *until > now);
        }
        let waits = |map: &HashMap<Key, Timestamp>| map.get(&name).is_some_and(|until| *until > now);
        let is_full = self.next.len() >= CAPACITY;
        if is_full || waits(&self.failed) || waits(&self.next) || !self.has_room(now, source, name, names) {
            return false;
        }
        if take {
            self.next.insert(name, now.plus_seconds(ATTEMPT_EVERY_SECONDS));
            let fresh = || Hour { ends: now.plus_seconds(HOUR_SECONDS), names: HashSet::new() };
            self.of_source.entry(source).or_insert_with(fresh).names.insert(name);
        }
        true
    }

    fn has_room(&mut self, now: Timestamp, source: Key, name: Key, names: usize) -> bool {
        if self.of_source.get(&source).is_some_and(|hour| hour.ends <= now) {
            self.of_source.remove(&source);
        }
        if self.of_source.len() >= SOURCES {
            self.of_source.retain(|_, hour| hour.ends > now);
        }
        match self.of_source.get(&source) {
            Some(hour) => hour.names.contains(&name) || hour.names.len() < names,
            None => self.of_source.len() < SOURCES,
        }
    }
}
