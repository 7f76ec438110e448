//! The events that are not indexed yet, in memory, and the last events of streams.
//!
//! Only the process that writes has them. The tail is complete: an event after the indexed ones is always in it, so
//! that the index and the tail together have every event of a stream.

use super::{Key, Place};
use crate::envelope::{EventId, Revision};
use crate::store::StreamHead;
use quick_cache::sync::{Cache, GuardResult};
use std::collections::BTreeMap;
use std::ops::Bound::Excluded;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Maximum number of streams outside the tail whose head is in memory. An entry takes about 70 bytes.
const REMEMBERED: usize = 131_072;

/// The most that may wait to be indexed: about 15 MB of memory, and what a start after a crash reads again. Then
/// appends wait.
pub(super) const MOST_EVENTS: usize = 200_000;
const MOST_BYTES: usize = 256 * 1_024 * 1_024;

/// How much, or how long after the first event, is worth a batch of the index. A batch of events of many streams writes
/// most pages of the index, so a large one writes less for each event.
const BATCH_EVENTS: usize = MOST_EVENTS / 2;
const BATCH_BYTES: usize = MOST_BYTES / 2;
const BATCH_EVERY: Duration = Duration::from_secs(60);

/// An event of the tail.
#[derive(Debug, Clone, Copy)]
pub(in crate::store::sqlite) struct Recent {
    pub(in crate::store::sqlite) key: Key,
    pub(in crate::store::sqlite) place: Place,
    pub(in crate::store::sqlite) id: EventId,
    /// Bytes of its envelope.
    pub(in crate::store::sqlite) bytes: usize,
}

/// Events by stream and revision.
pub(super) type Places = BTreeMap<(Key, u64), (u64, EventId)>;

/// The events after the indexed ones.
pub(super) struct Tail {
    /// Events that came after `flushing` was taken.
    current: Places,
    /// Events that are being added to the index.
    flushing: Arc<Places>,
    current_bytes: usize,
    flushing_bytes: usize,
    /// Position of the newest event.
    end: u64,
    /// When the first event of `current` came.
    since: Option<Instant>,
    flushes: u64,
}

impl Tail {
    /// An empty tail after the event at `end`.
    pub(super) fn after(end: u64) -> Tail {
        let (current, flushing) = Default::default();
        Tail { current, flushing, current_bytes: 0, flushing_bytes: 0, end, since: None, flushes: 0 }
    }

    /// Makes what is waiting due at once.
    pub(super) fn hurry(&mut self) {
        self.since = self.since.and_then(|since| since.checked_sub(BATCH_EVERY)).or(self.since);
    }

    /// Adds an event. Events come in order of position.
    pub(super) fn push(&mut self, event: &Recent) {
        self.current.insert((event.key, event.place.revision), (event.place.position, event.id));
        self.current_bytes += event.bytes;
        self.end = event.place.position;
        self.since.get_or_insert_with(Instant::now);
    }

    /// Returns whether the tail has an event with this revision of a stream.
    pub(super) fn has(&self, key: &Key, revision: u64) -> bool {
        self.current.contains_key(&(*key, revision)) || self.flushing.contains_key(&(*key, revision))
    }

    /// Returns the places of the events of a stream from revision `from` on.
    pub(super) fn places(&self, key: &Key, from: u64) -> Vec<Place> {
        let of = |places: &Places| -> Vec<Place> {
            let range = places.range((*key, from)..=(*key, u64::MAX));
            range.map(|((_, revision), (position, _))| Place { revision: *revision, position: *position }).collect()
        };
        let mut places = of(&self.flushing);
        places.extend(of(&self.current));
        places
    }

    /// Returns the last event of a stream.
    pub(super) fn head(&self, key: &Key) -> Option<StreamHead> {
        let of = |places: &Places| {
            let range = (Excluded((*key, 0)), Excluded((*key, u64::MAX)));
            let first = places.get(&(*key, 0)).map(|(_, id)| (0, *id));
            let last = places.range(range).next_back().map(|((_, revision), (_, id))| (*revision, *id)).or(first);
            last.map(|(revision, id)| StreamHead { revision: Revision(revision), id })
        };
        of(&self.current).or_else(|| of(&self.flushing))
    }

    /// Returns whether appends must wait.
    pub(super) fn is_full(&self) -> bool {
        self.current.len() + self.flushing.len() >= MOST_EVENTS
            || self.current_bytes + self.flushing_bytes >= MOST_BYTES
    }

    /// Returns the time until a batch is due. `None`: nothing is waiting.
    pub(super) fn due_in(&self) -> Option<Duration> {
        let since = self.since?;
        let is_large = self.current.len() >= BATCH_EVENTS || self.current_bytes >= BATCH_BYTES;
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
    pub(super) fn take(&mut self) -> (Arc<Places>, u64) {
        let up_to = self.end;
        let mut taken = std::mem::take(&mut self.current);
        if !self.flushing.is_empty() {
            taken.extend(self.flushing.iter().map(|(at, event)| (*at, *event)));
        }
        self.flushing = Arc::new(taken);
        self.flushing_bytes += std::mem::take(&mut self.current_bytes);
        self.since = None;
        (Arc::clone(&self.flushing), up_to)
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
    use super::*;
    use uuid::Uuid;

    fn recent(stream: u8, revision: u64, position: u64) -> Recent {
        let id = EventId(Uuid::from_u128(u128::from(position)));
        Recent { key: [stream; 16], place: Place { revision, position }, id, bytes: 1_000 }
    }

    #[test]
    fn what_is_being_indexed_and_what_came_since_are_one_stream() {
        let mut tail = Tail::after(10);
        for (nth, position) in (11..14).enumerate() {
            tail.push(&recent(1, nth as u64, position));
        }
        let (taken, up_to) = tail.take();
        assert_eq!((taken.len(), up_to), (3, 13));
        tail.push(&recent(2, 0, 14));
        tail.push(&recent(1, 3, 15));
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
        let mut tail = Tail::after(0);
        tail.push(&recent(1, 0, 1));
        tail.take();
        tail.push(&recent(1, 1, 2));
        let (taken, up_to) = tail.take();
        assert_eq!((taken.len(), up_to, tail.due_in()), (2, 2, None));
        assert_eq!(tail.places(&[1; 16], 0).len(), 2);
    }

    #[test]
    fn a_tail_is_full_by_number_or_by_bytes() {
        let full = |bytes| {
            let mut tail = Tail::after(0);
            (1..).find(|nth| {
                tail.push(&Recent { bytes, ..recent(1, *nth, *nth) });
                tail.is_full()
            })
        };
        assert_eq!(full(600), Some(200_000));
        assert_eq!(full(1_048_576), Some(256));
    }
}
