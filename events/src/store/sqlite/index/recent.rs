//! Events in memory, found by stream.

use super::{Key, Place};
use crate::envelope::EventId;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// What is in memory of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::sqlite) struct Recent {
    pub(in crate::store::sqlite) key: Key,
    pub(in crate::store::sqlite) place: Place,
    pub(in crate::store::sqlite) id: EventId,
    /// Bytes of its envelope.
    pub(in crate::store::sqlite) bytes: usize,
}

/// Events in the order of the log. Each leads to the one before it in its stream.
#[derive(Debug, Clone, Default)]
pub(in crate::store::sqlite) struct RecentEvents {
    all: Vec<Linked>,
    /// Index of the last event of each stream.
    last: HashMap<Key, u32, BuildHasherDefault<KeyHasher>>,
}

#[derive(Debug, Clone, Copy)]
struct Linked {
    event: Recent,
    /// Index of the event before it in its stream.
    before: Option<u32>,
}

/// Hashes keys, which are hashes already.
#[derive(Debug, Clone, Copy, Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // A key is written as its length and its bytes.
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }
}

impl RecentEvents {
    /// Adds an event that is later in the log than all others.
    pub(in crate::store::sqlite) fn push(&mut self, event: Recent) {
        let nth = u32::try_from(self.all.len()).expect("far fewer events are in memory");
        self.all.push(Linked { event, before: self.last.insert(event.key, nth) });
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Returns all events in the order of the log.
    pub(in crate::store::sqlite) fn iter(&self) -> impl Iterator<Item = &Recent> {
        self.all.iter().map(|linked| &linked.event)
    }

    /// Returns the keys of all streams.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.last.keys()
    }

    /// Returns the events of a stream, the last one first.
    pub(super) fn backwards(&self, key: &Key) -> impl Iterator<Item = &Recent> {
        let last = self.last.get(key).copied();
        std::iter::successors(last, |nth| self.all[*nth as usize].before).map(|nth| &self.all[nth as usize].event)
    }

    /// Returns the last event of a stream.
    pub(in crate::store::sqlite) fn head(&self, key: &Key) -> Option<&Recent> {
        self.backwards(key).next()
    }

    /// Returns the places of a stream from revision `from` on, in order of revision.
    pub(in crate::store::sqlite) fn places(&self, key: &Key, from: u64) -> Vec<Place> {
        let places = self.backwards(key).map(|event| event.place);
        let mut places: Vec<_> = places.take_while(|place| place.revision >= from).collect();
        places.reverse();
        places
    }

    /// Puts an event in the place of one with the same revision of the stream.
    pub(super) fn replace(&mut self, event: Recent) {
        let mut next = self.last.get(&event.key).copied();
        while let Some(nth) = next {
            let linked = &mut self.all[nth as usize];
            if linked.event.place.revision == event.place.revision {
                linked.event = event;
                return;
            }
            next = linked.before;
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use uuid::Uuid;

    /// An event whose id is made of its position.
    pub(in crate::store::sqlite::index) fn recent(stream: u8, revision: u64, position: u64) -> Recent {
        let id = EventId(Uuid::from_u128(u128::from(position)));
        Recent { key: [stream; 16], place: Place { revision, position }, id, bytes: 1_000 }
    }

    #[test]
    fn the_events_of_a_stream_are_found_among_those_of_others() {
        let mut events = RecentEvents::default();
        for position in 1..=30 {
            events.push(recent((position % 3) as u8, position / 3, position));
        }
        let positions = |from| events.places(&[1; 16], from).iter().map(|place| place.position).collect::<Vec<_>>();
        assert_eq!(positions(7), [22, 25, 28]);
        assert_eq!(positions(0).len(), 10);
        assert_eq!(positions(10), [0; 0]);
        assert_eq!(events.head(&[2; 16]).map(|event| event.place.position), Some(29));
        assert_eq!(events.head(&[9; 16]), None);
        assert_eq!((events.iter().count(), events.keys().count()), (30, 3));
    }

    #[test]
    fn an_event_takes_the_place_of_another_one_of_its_revision() {
        let mut events = RecentEvents::default();
        for position in 1..=3 {
            events.push(recent(1, position - 1, position));
        }
        events.replace(recent(1, 1, 9));
        let positions: Vec<_> = events.places(&[1; 16], 0).iter().map(|place| place.position).collect();
        assert_eq!(positions, [1, 9, 3]);
    }
}
