//! The typed log that the server and the projections use. It seals personal fields when it appends, and opens and
//! upcasts events when it reads. The store below only handles sealed payloads.

mod batch;
mod brief;
mod feed;
mod follower;
mod open;
mod reading;
mod sealing;
mod shelf;
#[cfg(test)]
mod tests;

pub use batch::{Delivery, Opened};
pub use follower::{Follower, Next};

use crate::envelope::{Actor, EventId, NewEvent, Position, Recorded, Revision, StreamName, Timestamp};
use crate::event::Event;
use crate::personal::keys::{KeyError, KeyStore};
use crate::personal::{KeyName, Personal, sealed_keys};
use crate::store::{AppendError, Appended, Corruption, EventStore, Expected, ReadError};
use feed::Feed;
use open::{OpenedEvent, damaged_by, open_all};
use sealing::{Names, seal_all};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// An event about to be appended.
#[derive(Debug, Clone)]
pub struct Draft {
    pub id: EventId,
    pub at: Timestamp,
    pub actor: Actor,
    /// Source address of the request.
    pub source: Option<Personal<String>>,
    pub correlation: Uuid,
    pub causation: Option<EventId>,
    pub event: Event,
}

/// A recorded event, opened and in the newest version.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub stream: StreamName,
    pub revision: Revision,
    pub position: Position,
    /// Leaf hash of the recorded event (`proof::leaf_hash`): SHA-256.
    pub leaf: [u8; 32],
    pub id: EventId,
    pub at: Timestamp,
    pub actor: Actor,
    /// Source address of the request, without port.
    pub source: Option<Personal<String>>,
    pub correlation: Uuid,
    pub causation: Option<EventId>,
    pub event: Event,
}

/// Events opened for display despite damaged keys.
#[derive(Debug)]
pub struct Viewed {
    /// The entries before the first event that cannot be parsed.
    pub entries: Vec<Entry>,
    /// Keys of fields that read as damaged. When these keys are restored, reading again returns more of the entries.
    pub damaged: BTreeSet<KeyName>,
    /// What is wrong with the event that follows the entries.
    pub error: Option<ReadError>,
}

/// The event log together with its keys.
#[derive(Clone)]
pub struct Log {
    store: Arc<dyn EventStore>,
    keys: Arc<dyn KeyStore>,
    feed: Arc<Feed>,
}

/// Number of events that one read of a stream returns at most.
const PAGE: usize = 1_000;

/// Distance of two positions up to which one read returns the events at both, and those between them.
const NEAR: u64 = 4;

impl Log {
    pub fn new(store: Arc<dyn EventStore>, keys: Arc<dyn KeyStore>) -> Log {
        Log { store, keys, feed: Arc::default() }
    }

    pub fn store(&self) -> &Arc<dyn EventStore> {
        &self.store
    }

    pub fn keys(&self) -> &Arc<dyn KeyStore> {
        &self.keys
    }

    /// Appends events to a stream. Every key that the events name is durable before the events are. If the key of a
    /// source address is damaged, the event is written with a marker in place of the address.
    ///
    /// # Errors
    /// Same as [`EventStore::append`]. `Unavailable` also if a key was destroyed or the key store cannot be used, and
    /// `DamagedKey` if the key of a field is damaged; in these cases nothing was written.
    pub async fn append(
        &self,
        stream: &StreamName,
        expected: Expected,
        drafts: Vec<Draft>,
    ) -> Result<Appended, AppendError> {
        let events: Vec<NewEvent> = drafts.into_iter().map(NewEvent::from).collect();
        let names = Names::of(&events);
        let is_brief = brief::is(events.iter().flat_map(|event| [&event.data, &event.source]));
        let keys = Arc::clone(&self.keys);
        let (sealed, damaged) = if is_brief && names.all().all(|name| keys.is_ready(name)) {
            seal_all(keys.as_ref(), events, &names)
        } else {
            tokio::task::spawn_blocking(move || seal_all(keys.as_ref(), events, &names))
                .await
                .map_err(|error| AppendError::Unavailable(error.to_string()))?
        }
        .map_err(|error| self.not_sealed(stream, &error))?;
        damaged.iter().for_each(|error| drop(self.not_sealed(stream, error)));
        // The sequence is already durable and not lower than what these events use. It is passed even if they use no
        // key: then it covers a key that was destroyed for them.
        let appended = self.store.append_sealed(stream, expected, sealed, self.keys.sequence()).await?;
        self.keys.log_reached(appended.position.0);
        Ok(appended)
    }

    // Reports a damaged key in the same way as a corrupt event: waiting does not help.
    fn not_sealed(&self, stream: &StreamName, error: &KeyError) -> AppendError {
        if let Some(damaged) = damaged_by(error) {
            let (stream, why) = (stream.to_string(), error.to_string());
            self.store.findings().add(Corruption { stream, revision: 0, position: 0, damaged, why });
            return AppendError::DamagedKey(error.to_string());
        }
        AppendError::Unavailable(error.to_string())
    }

    /// Reads a whole stream, from its first event.
    ///
    /// # Errors
    /// Same as [`EventStore::read_stream`]; an event that cannot be parsed is `Corrupt`.
    pub async fn read(&self, stream: &StreamName) -> Result<Vec<Entry>, ReadError> {
        self.read_from(stream, Revision(0)).await
    }

    /// Reads a stream, beginning with revision `from`.
    ///
    /// # Errors
    /// Same as [`Log::read`].
    pub async fn read_from(&self, stream: &StreamName, from: Revision) -> Result<Vec<Entry>, ReadError> {
        let mut entries = Vec::new();
        let mut from = from;
        loop {
            let page = self.store.read_stream(stream, from, PAGE).await?;
            let full = page.len() == PAGE;
            from = Revision(from.0 + page.len() as u64);
            entries.extend(self.open(page).await?);
            if !full {
                return Ok(entries);
            }
        }
    }

    /// Reads up to `limit` events of the whole log after a position.
    ///
    /// # Errors
    /// Same as [`Log::read`].
    pub async fn page(&self, after: Option<Position>, limit: usize) -> Result<Vec<Entry>, ReadError> {
        let page = self.store.read_all(after, limit).await?;
        self.open(page).await
    }

    /// Reads the events at these positions and opens them as [`Log::view`] does, each on its own: an event that cannot
    /// be parsed is an error in its place. Positions without an event are not in the result.
    ///
    /// # Errors
    /// Returns `Unavailable` if the store cannot be used.
    pub async fn view_at(
        &self,
        positions: &[Position],
    ) -> Result<BTreeMap<Position, Result<Entry, ReadError>>, ReadError> {
        let wanted: BTreeSet<Position> = positions.iter().copied().collect();
        let sorted: Vec<Position> = wanted.iter().copied().collect();
        let mut viewed = BTreeMap::new();
        for near in sorted.chunk_by(|one, next| next.0 - one.0 <= NEAR) {
            let ([first, ..], Some(last)) = (near, near.last()) else { continue };
            let mut at = first.0;
            while at <= last.0 {
                let (found, next) = self.view_from(at, last.0).await?;
                viewed.extend(found.into_iter().filter(|(position, _)| wanted.contains(position)));
                at = next;
            }
        }
        Ok(viewed)
    }

    // Views events between two positions, and returns the position after those that were read.
    async fn view_from(
        &self,
        first: u64,
        last: u64,
    ) -> Result<(Vec<(Position, Result<Entry, ReadError>)>, u64), ReadError> {
        let limit = usize::try_from(last - first + 1).unwrap_or(PAGE).min(PAGE);
        let recorded = match self.store.read_all(first.checked_sub(1).map(Position), limit).await {
            Ok(recorded) => recorded,
            Err(error) => {
                let Some(corrupt) = error.corruption().map(|found| found.position) else { return Err(error) };
                // The events before the corrupt one can be read.
                return match corrupt > first {
                    true => Box::pin(self.view_from(first, corrupt - 1)).await,
                    false => Ok((vec![(Position(corrupt.max(first)), Err(error))], corrupt.max(first) + 1)),
                };
            }
        };
        let next = recorded.last().map_or(last, |recorded| recorded.position.0) + 1;
        let positions: Vec<Position> = recorded.iter().map(|recorded| recorded.position).collect();
        let opened = self.open_each(recorded).await?.into_iter().map(OpenedEvent::into_viewed);
        Ok((positions.into_iter().zip(opened).collect(), next))
    }

    /// Follows the log after the position `after`. Followers that have caught up share one read of each event.
    pub fn follow(&self, after: Option<Position>) -> Follower {
        Follower::new(self.clone(), after)
    }

    /// Opens recorded events: decrypts personal fields and converts payloads to their newest version. A field reads as
    /// damaged if its damaged key belongs to the subject of another stream; this does not prevent reading.
    ///
    /// # Errors
    /// `Corrupt` names the first event that cannot be parsed.
    pub async fn open(&self, recorded: Vec<Recorded>) -> Result<Vec<Entry>, ReadError> {
        self.open_each(recorded).await?.into_iter().map(OpenedEvent::into_decided).collect()
    }

    /// Opens recorded events for readers that display them and decide nothing. Every field whose key is damaged reads
    /// as damaged.
    pub async fn view(&self, recorded: Vec<Recorded>) -> Viewed {
        let mut viewed = Viewed { entries: Vec::new(), damaged: BTreeSet::new(), error: None };
        let opened = match self.open_each(recorded).await {
            Ok(opened) => opened,
            Err(error) => return Viewed { error: Some(error), ..viewed },
        };
        for mut event in opened {
            let damaged = std::mem::take(&mut event.damaged);
            match event.into_viewed() {
                Ok(entry) => viewed.entries.push(entry),
                Err(error) => return Viewed { error: Some(error), ..viewed },
            }
            viewed.damaged.extend(damaged);
        }
        viewed
    }

    async fn open_each(&self, recorded: Vec<Recorded>) -> Result<Vec<OpenedEvent>, ReadError> {
        if self.opens_at_once(&recorded) {
            return Ok(open_all(self.keys.as_ref(), recorded, self.store.findings()));
        }
        let (keys, store) = (Arc::clone(&self.keys), Arc::clone(&self.store));
        tokio::task::spawn_blocking(move || open_all(keys.as_ref(), recorded, store.findings()))
            .await
            .map_err(|error| ReadError::Unavailable(error.to_string()))
    }

    // A few small events whose keys are in memory are opened without a switch to a blocking thread, which would take
    // longer than opening them.
    fn opens_at_once(&self, recorded: &[Recorded]) -> bool {
        let values = || recorded.iter().flat_map(|recorded| [&recorded.event.data, &recorded.event.source]);
        if !brief::is(values()) {
            return false;
        }
        let mut names = Vec::new();
        values().for_each(|value| sealed_keys(value, &mut names));
        names.iter().all(|name| self.keys.is_ready(name))
    }
}
