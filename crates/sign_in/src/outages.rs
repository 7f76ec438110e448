//! Limits log messages about directories that do not answer: for each directory the first at once, then at most one a
//! minute.

use events::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

const SECONDS_BETWEEN: i64 = 60;

/// The last log message about each directory, by name.
#[derive(Default)]
pub(crate) struct Outages(Mutex<HashMap<String, LastReport>>);

#[derive(Default)]
struct LastReport {
    at: Option<Timestamp>,
    /// Failed requests since then.
    since: u64,
}

impl Outages {
    /// Counts a request that a directory did not answer. Returns `Some` if a log message is due: the number of such
    /// requests since the last message, including this one.
    pub(crate) fn count(&self, directory: &str, now: Timestamp) -> Option<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let told = all.entry(directory.to_owned()).or_default();
        told.since += 1;
        if told.at.is_some_and(|at| now.seconds_since(at) < SECONDS_BETWEEN) {
            return None;
        }
        told.at = Some(now);
        Some(std::mem::take(&mut told.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_sign_ins_is_a_line_a_minute_for_each_directory() {
        let (outages, begun) = (Outages::default(), Timestamp(1_700_000_000_000_000));
        let at = |second| begun.plus_seconds(second);
        assert_eq!(outages.count("main", at(0)), Some(1));
        let lines: Vec<u64> = (1..=120).filter_map(|second| outages.count("main", at(second))).collect();
        assert_eq!(lines, [60, 60]);
        assert_eq!(outages.count("other", at(120)), Some(1), "another directory does not wait for it");
    }
}
