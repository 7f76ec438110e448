//! Batches of events that several followers share: read, checked and parsed once, and opened once, by the first
//! follower that needs the entries.

use super::open::{OpenedEvent, open_all};
use super::{Entry, Log, brief};
use crate::background::Lane;
use crate::envelope::{Position, Recorded};
use crate::personal::KeyName;
use crate::store::ReadError;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Mutex;

/// One or more events in order of position.
pub(super) struct Batch {
    recorded: Vec<Recorded>,
    lane: Lane,
    opened: Mutex<Option<Arc<OpenedBatch>>>,
    /// Counts this batch as long as a follower has it.
    _share: Option<Share>,
}

struct OpenedBatch {
    /// [`KeyStore::destructions`](crate::personal::keys::KeyStore::destructions) before the events were opened.
    destructions: u64,
    events: Vec<OpenedEvent>,
}

/// The part of the memory for batches that one batch takes.
pub(super) struct Share {
    taken: Arc<AtomicUsize>,
    bytes: usize,
}

impl Share {
    /// Takes the memory of `recorded`: about the bytes of its texts and numbers. Parsed and opened, the events take
    /// several times as much.
    pub(super) fn take(taken: &Arc<AtomicUsize>, recorded: &[Recorded]) -> Share {
        let values = recorded.iter().flat_map(|recorded| [&recorded.event.data, &recorded.event.source]);
        let bytes = values.map(brief::size).sum();
        taken.fetch_add(bytes, Ordering::Relaxed);
        Share { taken: Arc::clone(taken), bytes }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Batch {
    /// `lane`: the threads that open the events.
    pub(super) fn new(recorded: Vec<Recorded>, lane: Lane, share: Option<Share>) -> Arc<Batch> {
        Arc::new(Batch { recorded, lane, opened: Mutex::default(), _share: share })
    }

    async fn open(self: &Arc<Self>, log: &Log) -> Result<Arc<OpenedBatch>, ReadError> {
        let mut opened = self.opened.lock().await;
        let destructions = log.keys().destructions();
        // Fields whose key was destroyed meanwhile are not delivered in plain text.
        if let Some(known) = opened.as_ref().filter(|known| known.destructions == destructions) {
            return Ok(Arc::clone(known));
        }
        let events = if self.lane == Lane::Usual && log.opens_at_once(&self.recorded) {
            self.open_now(log)
        } else {
            let (batch, log) = (Arc::clone(self), log.clone());
            let opened = self.lane.spawn_blocking(move || batch.open_now(&log));
            opened.await.map_err(|error| ReadError::Unavailable(error.to_string()))?
        };
        Ok(Arc::clone(opened.insert(Arc::new(OpenedBatch { destructions, events }))))
    }

    fn open_now(&self, log: &Log) -> Vec<OpenedEvent> {
        open_all(log.keys().as_ref(), self.recorded.iter().cloned(), log.store().findings())
    }
}

/// Events that a follower receives.
pub struct Delivery {
    batch: Arc<Batch>,
    /// Index of the first event that the follower does not have yet.
    from: usize,
}

impl Delivery {
    /// The events of a batch after the position `after`; `None` if there are none.
    pub(super) fn of(batch: Arc<Batch>, after: Option<Position>) -> Option<Delivery> {
        let from = batch.recorded.partition_point(|recorded| Some(recorded.position) <= after);
        (from < batch.recorded.len()).then_some(Delivery { batch, from })
    }

    /// The events as they were recorded: one or more in order of position.
    pub fn recorded(&self) -> &[Recorded] {
        &self.batch.recorded[self.from..]
    }

    /// Position of the last event.
    pub fn last(&self) -> Position {
        self.batch.recorded[self.batch.recorded.len() - 1].position
    }

    /// The threads that should do what these events require: many events at once are work in the background.
    pub fn lane(&self) -> Lane {
        self.batch.lane
    }

    /// Opens the events, as [`Log::open`] and [`Log::view`] do. Other followers get the same entries.
    ///
    /// # Errors
    /// Returns an error if the runtime shuts down. What is wrong with an event is part of the result.
    pub async fn open(&self, log: &Log) -> Result<Opened, ReadError> {
        Ok(Opened { batch: self.batch.open(log).await?, from: self.from })
    }
}

/// The opened events of a [`Delivery`], or for each what is wrong with it.
pub struct Opened {
    batch: Arc<OpenedBatch>,
    from: usize,
}

impl Opened {
    fn events(&self) -> &[OpenedEvent] {
        &self.batch.events[self.from..]
    }

    /// The entries for a reader that displays them and decides nothing: every field whose key is damaged reads as
    /// damaged.
    pub fn viewed(&self) -> impl ExactSizeIterator<Item = Result<&Entry, &ReadError>> {
        self.events().iter().map(OpenedEvent::viewed)
    }

    /// The entries for a reader that decides: an event is unreadable if the key of its stream's own subject is damaged.
    pub fn decided(&self) -> impl ExactSizeIterator<Item = Result<&Entry, &ReadError>> {
        self.events().iter().map(OpenedEvent::decided)
    }

    /// Keys of fields that read as damaged.
    pub fn damaged(&self) -> BTreeSet<KeyName> {
        self.events().iter().flat_map(|event| event.damaged.iter().cloned()).collect()
    }
}
