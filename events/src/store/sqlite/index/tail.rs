//! The events that are not indexed yet, in memory, and the last events of streams.
//!
//! Only the process that writes has them. The tail is complete: an event after the indexed ones is always in it, so
//! that the index and the tail together have every event of a stream.

use super::recent::{Recent, RecentEvents};
use super::{Key, Place};
use crate::envelope::Revision;
use crate::store::StreamHead;
use quick_cache::sync::{Cache, GuardResult};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Maximum number of streams outside the tail whose head is in memory. An entry takes about 70 bytes, so all of them
/// take 73 MB. A head that is not in memory takes the writer a search in the index.
const REMEMBERED: usize = 1_048_576;

/// How many bytes of the log may wait to be indexed.
const MOST_BYTES: usize = 256 * 1_024 * 1_024;

/// How much, or how long after the first event, is worth a batch of the index.
const BATCH_BYTES: usize = MOST_BYTES / 2;
const BATCH_EVERY: Duration = Duration::from_secs(60);

/// How many events are indexed at once.
#[derive(Debug, Clone, Copy)]
pub(in crate::store::sqlite) struct Sizes {
    /// How many new events are worth a batch. A batch of events of many streams writes most pages of the index, so a
    /// large one writes less for each event.
    pub(super) batch: usize,
    /// How many events a rebuild sorts and adds in one transaction. They take 32 bytes each in memory.
    pub(super) rebuild: u64,
}

impl Sizes {
    pub(in crate::store::sqlite) const USUAL: Sizes = Sizes { batch: 100_000, rebuild: 1_000_000 };

    /// Sizes for tests with few events.
    #[cfg(any(test, feature = "contract"))]
    pub(in crate::store::sqlite) fn small(events: u32) -> Sizes {
        Sizes { batch: events as usize, rebuild: u64::from(events) }
    }

    /// The most that may wait to be indexed: usually about 20 MB of memory, and what a start after a crash reads again.
    /// Then appends wait.
    pub(super) fn most(self) -> usize {
        2 * self.batch
    }
}

/// The events after the indexed ones.
pub(super) struct Tail {
    /// Events that came after `flushing` was taken.
    current: RecentEvents,
    /// Events that are being added to the index.
    flushing: Arc<RecentEvents>,
    current_bytes: usize,
    flushing_bytes: usize,
    /// Position of the newest event.
    end: u64,
    /// When the first event of `current` came.
    since: Option<Instant>,
    flushes: u64,
    sizes: Sizes,
}

impl Tail {
    /// An empty tail after the event at `end`.
    pub(super) fn after(end: u64, sizes: Sizes) -> Tail {
        let (current, flushing) = Default::default();
        Tail { current, flushing, current_bytes: 0, flushing_bytes: 0, end, since: None, flushes: 0, sizes }
    }

    /// Makes what is waiting due at once.
    pub(super) fn hurry(&mut self) {
        self.since = self.since.and_then(|since| since.checked_sub(BATCH_EVERY)).or(self.since);
    }

    /// Adds an event. Events come in order of position.
    pub(super) fn push(&mut self, event: Recent) {
        self.current.push(event);
        self.current_bytes += event.bytes;
        self.end = event.place.position;
        self.since.get_or_insert_with(Instant::now);
    }

    /// Returns the event with this revision of a stream among those that came since the last batch.
    pub(super) fn current(&self, key: &Key, revision: u64) -> Option<&Recent> {
        let at_or_before = self.current.backwards(key).find(|event| event.place.revision <= revision);
        at_or_before.filter(|event| event.place.revision == revision)
    }

    /// Puts an event in the place of the one that [`Tail::current`] returns.
    pub(super) fn replace(&mut self, event: Recent) {
        self.current.replace(event);
    }

    /// Returns the places of the events of a stream from revision `from` on.
    pub(super) fn places(&self, key: &Key, from: u64) -> Vec<Place> {
        let mut places = self.flushing.places(key, from);
        places.extend(self.current.places(key, from));
        places
    }

    /// Returns the last event of a stream.
    pub(super) fn head(&self, key: &Key) -> Option<StreamHead> {
        let last = self.current.head(key).or_else(|| self.flushing.head(key));
        last.map(|last| StreamHead { revision: Revision(last.place.revision), id: last.id })
    }

    /// Returns whether appends must wait.
    pub(super) fn is_full(&self) -> bool {
        self.current.len() + self.flushing.len() >= self.sizes.most()
            || self.current_bytes + self.flushing_bytes >= MOST_BYTES
    }

    /// Returns the time until a batch is due. `None`: nothing is waiting.
    pub(super) fn due_in(&self) -> Option<Duration> {
        let since = self.since?;
        let is_large = self.current.len() >= self.sizes.batch || self.current_bytes >= BATCH_BYTES;
        Some(if is_large { Duration::ZERO } else { BATCH_EVERY.saturating_sub(since.elapsed()) })
    }

    /// Returns whether events wait to be indexed.
    pub(super) fn is_waiting(&self) -> bool {
        !self.current.is_empty() || !self.flushing.is_empty()
    }

    /// Returns whether events were taken and are not in the index yet.
    pub(super) fn is_taken(&self) -> bool {
        !self.flushing.is_empty()
    }

    /// Returns the position of the newest event.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Takes what is to be indexed next, and the position up to which it goes. Until [`Tail::flushed`] is called, the
    /// same events are taken again.
    pub(super) fn take(&mut self) -> (Arc<RecentEvents>, u64) {
        let new = std::mem::take(&mut self.current);
        if self.flushing.is_empty() {
            self.flushing = Arc::new(new);
        } else {
            let taken = Arc::make_mut(&mut self.flushing);
            new.iter().for_each(|event| taken.push(*event));
        }
        self.flushing_bytes += std::mem::take(&mut self.current_bytes);
        self.since = None;
        (Arc::clone(&self.flushing), self.end)
    }

    /// Forgets what was taken: it is in the index.
    pub(super) fn flushed(&mut self) {
        (self.flushing, self.flushing_bytes) = (Arc::default(), 0);
        self.flushes += 1;
    }

    /// Returns how often [`Tail::flushed`] was called.
    pub(super) fn flushes(&self) -> u64 {
        self.flushes
    }
}

/// The last events of streams that are not in the tail. The tail is asked first, because it has newer ones.
pub(super) struct Heads {
    cache: Cache<Key, StreamHead>,
}

impl Heads {
    pub(super) fn new() -> Heads {
        Heads { cache: Cache::new(REMEMBERED) }
    }

    /// Forgets all: they may come from a damaged index.
    pub(super) fn clear(&self) {
        self.cache.clear();
    }

    pub(super) fn get(&self, key: &Key) -> Option<StreamHead> {
        self.cache.get(key)
    }

    /// Notes the last event of a stream that leaves the tail.
    pub(super) fn note(&self, key: Key, head: StreamHead) {
        self.cache.insert(key, head);
    }

    /// Returns the head of a stream, and reads it with `read` if it is not in memory.
    ///
    /// # Errors
    /// Returns an error of `read`.
    // The place of the entry is reserved before the read. A newer event that leaves the tail meanwhile fills the place,
    // and then the value that was read is not stored.
    pub(super) async fn get_or<E>(
        &self,
        key: &Key,
        read: impl Future<Output = Result<Option<StreamHead>, E>>,
    ) -> Result<Option<StreamHead>, E> {
        match self.cache.get_value_or_guard_async(key).await {
            Ok(head) => Ok(Some(head)),
            Err(place) => {
                let found = read.await?;
                if let Some(head) = found {
                    // An error: the place was filled meanwhile.
                    let _ = place.insert(head);
                }
                Ok(found)
            }
        }
    }

    /// Same as [`Heads::get_or`], but blocks. `None`: `read` failed, or another caller has reserved the place.
    pub(super) fn get_or_here(
        &self,
        key: &Key,
        read: impl FnOnce() -> Option<Option<StreamHead>>,
    ) -> Option<Option<StreamHead>> {
        match self.cache.get_value_or_guard(key, Some(Duration::ZERO)) {
            GuardResult::Value(head) => Some(Some(head)),
            GuardResult::Guard(place) => {
                let found = read()?;
                if let Some(head) = found {
                    // An error: the place was filled meanwhile.
                    let _ = place.insert(head);
                }
                Some(found)
            }
            GuardResult::Timeout => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::recent::tests::recent;
    use super::*;

    #[test]
    fn what_is_being_indexed_and_what_came_since_are_one_stream() {
        let mut tail = Tail::after(10, Sizes::USUAL);
        for (nth, position) in (11..14).enumerate() {
            tail.push(recent(1, nth as u64, position));
        }
        let (taken, up_to) = tail.take();
        assert_eq!((taken.len(), up_to), (3, 13));
        tail.push(recent(2, 0, 14));
        tail.push(recent(1, 3, 15));
        let positions = |tail: &Tail, from| tail.places(&[1; 16], from).iter().map(|p| p.position).collect::<Vec<_>>();
        assert_eq!(positions(&tail, 1), [12, 13, 15]);
        assert_eq!(tail.head(&[1; 16]).map(|head| head.revision.0), Some(3));
        tail.flushed();
        assert_eq!(positions(&tail, 0), [15]);
        assert_eq!(tail.head(&[2; 16]).map(|head| head.revision.0), Some(0));
        assert_eq!(tail.head(&[3; 16]), None);
    }

    #[test]
    fn a_batch_that_was_not_indexed_is_taken_again_with_the_next_one() {
        let mut tail = Tail::after(0, Sizes::USUAL);
        tail.push(recent(1, 0, 1));
        tail.take();
        tail.push(recent(1, 1, 2));
        let (taken, up_to) = tail.take();
        assert_eq!((taken.len(), up_to, tail.due_in()), (2, 2, None));
        assert_eq!(tail.places(&[1; 16], 0).len(), 2);
    }

    #[test]
    fn a_tail_is_full_by_number_or_by_bytes() {
        let full = |bytes| {
            let mut tail = Tail::after(0, Sizes::USUAL);
            (1..).find(|nth| {
                tail.push(Recent { bytes, ..recent(1, *nth, *nth) });
                tail.is_full()
            })
        };
        assert_eq!(full(600), Some(200_000));
        assert_eq!(full(1_048_576), Some(256));
    }
}
