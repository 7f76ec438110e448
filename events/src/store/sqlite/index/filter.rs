//! Which streams may be in a run of the index: Bloom filters in memory, so that a search reads only the runs that have
//! the stream, and a new stream costs no search.

use super::Key;
use fastbloom::BloomFilter;
use std::sync::{Arc, PoisonError, RwLock};

/// Share of the streams that a filter takes for streams of its run though they are none. A stream then takes 10 bits.
const MISTAKEN: f64 = 0.01;

/// The filter of a run.
#[derive(Debug)]
pub(super) struct Filter(BloomFilter);

impl Filter {
    /// A filter for up to `streams` streams.
    pub(super) fn of(streams: u64) -> Filter {
        let streams = usize::try_from(streams).unwrap_or(usize::MAX).max(1);
        Filter(BloomFilter::with_false_pos(MISTAKEN).expected_items(streams))
    }

    pub(super) fn add(&mut self, key: &Key) {
        self.0.insert_hash(hash(key));
    }

    /// Returns false if the run does not have the stream.
    pub(super) fn may_have(&self, key: &Key) -> bool {
        self.0.contains_hash(hash(key))
    }
}

// A key is a hash already.
fn hash(key: &Key) -> u64 {
    key.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

/// The filters of the runs. They are made again at each start, so some may be missing.
#[derive(Debug, Default)]
pub(super) struct Filters {
    known: RwLock<Arc<Known>>,
}

/// The filters at one moment.
#[derive(Debug, Default, Clone)]
pub(super) struct Known {
    filters: Vec<(i64, Arc<Filter>)>,
    /// Whether every run has a filter.
    is_complete: bool,
}

impl Filters {
    /// Returns the filters as they are now.
    pub(super) fn now(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds the filter of a run.
    pub(super) fn add(&self, run: i64, filter: Filter) {
        self.change(|known| known.filters.push((run, Arc::new(filter))));
    }

    /// Puts a run in the place of those that were merged.
    pub(super) fn replace(&self, merged: &[i64], run: i64, filter: Filter) {
        self.change(|known| {
            known.filters.retain(|(run, _)| !merged.contains(run));
            known.filters.push((run, Arc::new(filter)));
        });
    }

    /// Notes that every run has a filter.
    pub(super) fn completed(&self) {
        self.change(|known| known.is_complete = true);
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut known));
    }
}

impl Known {
    /// Returns false if this run does not have the stream.
    pub(super) fn may_have(&self, run: i64, key: &Key) -> bool {
        self.filters.iter().find(|(there, _)| *there == run).is_none_or(|(_, filter)| filter.may_have(key))
    }

    /// Returns whether there is a filter of this run.
    pub(super) fn has(&self, run: i64) -> bool {
        self.filters.iter().any(|(there, _)| *there == run)
    }

    #[cfg(any(test, feature = "contract"))]
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Returns true if no run has the stream.
    pub(super) fn is_absent(&self, key: &Key) -> bool {
        self.is_complete && !self.filters.iter().any(|(_, filter)| filter.may_have(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> Key {
        let hash = openssl::sha::sha256(&number.to_le_bytes());
        *hash.first_chunk().unwrap()
    }

    fn filter(numbers: std::ops::Range<u64>) -> Filter {
        let mut filter = Filter::of(numbers.end - numbers.start);
        numbers.for_each(|number| filter.add(&key(number)));
        filter
    }

    #[test]
    fn a_filter_misses_no_stream_and_takes_few_others_for_its_own() {
        let filter = filter(0..10_000);
        assert!((0..10_000).all(|number| filter.may_have(&key(number))));
        let mistaken = (10_000..20_000).filter(|number| filter.may_have(&key(*number))).count();
        assert!(mistaken < 300, "{mistaken}");
    }

    #[test]
    fn a_stream_is_absent_only_if_every_run_has_a_filter_that_says_so() {
        let filters = Filters::default();
        filters.add(1, filter(0..10));
        assert!(!filters.now().is_absent(&key(99)), "another run may have it");
        filters.add(2, filter(10..20));
        filters.completed();
        assert!(filters.now().is_absent(&key(99)) && !filters.now().is_absent(&key(15)));
        assert!(filters.now().may_have(3, &key(99)), "nothing is known of this run");
        filters.replace(&[1, 2], 3, filter(0..20));
        assert!(!filters.now().may_have(3, &key(99)) && filters.now().may_have(3, &key(5)));
        assert!(filters.now().may_have(1, &key(99)));
    }
}
