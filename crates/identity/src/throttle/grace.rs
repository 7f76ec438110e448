//! Attempts that are admitted although their source has used up its failures: one a minute for a name without a
//! failure in the last 15 minutes, and for a limited number of names of one source in an hour.

use super::{CAPACITY, make_room};
use std::collections::{HashMap, HashSet};
use world::Timestamp;

/// Seconds after its last failure until a name may go beyond the limit again.
pub(super) const WITHOUT_FAILURE_SECONDS: i64 = 15 * 60;
const ATTEMPT_EVERY_SECONDS: i64 = 60;
const HOUR_SECONDS: i64 = 3_600;
/// Number of names of one source that may go beyond its limit in an hour. It is higher if more people are known to
/// share it.
pub(super) const NAMES_AN_HOUR: usize = 60;
/// Maximum number of sources that are tracked. Attempts from further sources have to wait.
const SOURCES: usize = 1_000;

/// Digest of a name or source.
type Key = [u8; 32];

#[derive(Debug, Default)]
pub(super) struct Grace {
    /// Time until which a name counts as failed.
    failed: HashMap<Key, Timestamp>,
    /// Time from which a name may try again.
    next: HashMap<Key, Timestamp>,
    of_source: HashMap<Key, Hour>,
}

#[derive(Debug)]
struct Hour {
    ends: Timestamp,
    names: HashSet<Key>,
}

impl Grace {
    /// Records a failed attempt under this name.
    pub(super) fn failed(&mut self, now: Timestamp, name: Key) {
        make_room(&mut self.failed, now);
        self.failed.insert(name, now.plus_seconds(WITHOUT_FAILURE_SECONDS));
    }

    /// Returns the names that failed, each with the time from which it may go beyond the limit again.
    pub(super) fn failures(&mut self) -> &mut HashMap<Key, Timestamp> {
        &mut self.failed
    }

    /// Returns whether an attempt under this name may go beyond the limit of its source. `take` uses that attempt up.
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
