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
use tokio::sync::Mutex;

/// One or more events in order of position.
pub(super) struct Batch {
    recorded: Vec<Recorded>,
    lane: Lane,
    opened: Mutex<Option<Arc<OpenedBatch>>>,
}

struct OpenedBatch {
    /// [`KeyStore::destructions`](crate::personal::keys::KeyStore::destructions) before the events were opened.
    destructions: u64,
    events: Vec<OpenedEvent>,
}

impl Batch {
    /// `lane`: the threads that open the events.
    pub(super) fn new(recorded: Vec<Recorded>, lane: Lane) -> Arc<Batch> {
        Arc::new(Batch { recorded, lane, opened: Mutex::default() })
    }

    /// Returns about the bytes of the texts and numbers of all events. Parsed and opened, they take several times as
    /// much memory.
    pub(super) fn bytes(&self) -> usize {
        let values = self.recorded.iter().flat_map(|recorded| [&recorded.event.data, &recorded.event.source]);
        values.map(brief::size).sum()
    }

    async fn open(self: &Arc<Self>, log: &Log, lane: Lane) -> Result<Arc<OpenedBatch>, ReadError> {
        let mut opened = match self.opened.try_lock() {
            Ok(opened) => opened,
            // Another follower is opening the events on threads of low priority, which this one must not wait for.
            Err(_) if lane == Lane::Usual && self.lane == Lane::Background => {
                return self.open_on(log, lane).await.map(Arc::new);
            }
            Err(_) => self.opened.lock().await,
        };
        let destructions = log.keys().destructions();
        // Fields whose key was destroyed meanwhile are not delivered in plain text.
        if let Some(known) = opened.as_ref().filter(|known| known.destructions == destructions) {
            return Ok(Arc::clone(known));
        }
        Ok(Arc::clone(opened.insert(Arc::new(self.open_on(log, lane).await?))))
    }

    async fn open_on(self: &Arc<Self>, log: &Log, lane: Lane) -> Result<OpenedBatch, ReadError> {
        // Read before a key is used.
        let destructions = log.keys().destructions();
        let events = if lane == Lane::Usual && log.opens_at_once(&self.recorded) {
            self.open_now(log)
        } else {
            let (batch, log) = (Arc::clone(self), log.clone());
            let opened = lane.spawn_blocking(move || batch.open_now(&log));
            opened.await.map_err(|error| ReadError::Unavailable(error.to_string()))?
        };
        Ok(OpenedBatch { destructions, events })
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
        Ok(Opened { batch: self.batch.open(log, self.lane()).await?, from: self.from })
    }

    /// Same as [`Delivery::open`], but never in the background: for a follower that somebody waits for.
    ///
    /// # Errors
    /// Same as [`Delivery::open`].
    pub async fn open_awaited(&self, log: &Log) -> Result<Opened, ReadError> {
        Ok(Opened { batch: self.batch.open(log, Lane::Usual).await?, from: self.from })
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
