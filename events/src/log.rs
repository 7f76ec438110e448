//! The typed log: what the server and the projections use. Seals personal fields on the way in, opens and upcasts on the
//! way out; the store below sees sealed payloads only.

use crate::envelope::{Actor, EventId, NewEvent, Position, Recorded, Revision, StreamName, Timestamp};
use crate::event::Event;
use crate::personal::keys::{KeyError, KeyStore};
use crate::personal::{Personal, SealError, open, personal_keys, seal};
use crate::store::{AppendError, Appended, Corruption, Damaged, EventStore, Expected, Follow, ReadError};
use crate::upcast;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// An event about to be appended.
#[derive(Debug, Clone)]
pub struct Draft {
    pub id: EventId,
    pub at: Timestamp,
    pub actor: Actor,
    /// The address the request came from.
    pub source: Option<Personal<String>>,
    pub correlation: Uuid,
    pub causation: Option<EventId>,
    pub event: Event,
}

/// An event as it was written down, open to be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub stream: StreamName,
    pub revision: Revision,
    pub position: Position,
    pub leaf: [u8; 32],
    pub id: EventId,
    pub at: Timestamp,
    pub actor: Actor,
    pub source: Option<Personal<String>>,
    pub correlation: Uuid,
    pub causation: Option<EventId>,
    pub event: Event,
}

/// The log, with its keys.
#[derive(Clone)]
pub struct Log {
    store: Arc<dyn EventStore>,
    keys: Arc<dyn KeyStore>,
}

/// How many events a stream is read by.
const PAGE: usize = 1_000;

impl Log {
    pub fn new(store: Arc<dyn EventStore>, keys: Arc<dyn KeyStore>) -> Log {
        Log { store, keys }
    }

    pub fn store(&self) -> &Arc<dyn EventStore> {
        &self.store
    }

    pub fn keys(&self) -> &Arc<dyn KeyStore> {
        &self.keys
    }

    /// Appends to a stream; every key that the events name is durable before the events are.
    ///
    /// # Errors
    /// As [`EventStore::append`]; a destroyed key or an unusable key store is `Unavailable`: nothing was written.
    pub async fn append(
        &self,
        stream: &StreamName,
        expected: Expected,
        drafts: Vec<Draft>,
    ) -> Result<Appended, AppendError> {
        let keys = Arc::clone(&self.keys);
        let sealed = tokio::task::spawn_blocking(move || seal_all(keys.as_ref(), drafts))
            .await
            .map_err(|error| AppendError::Unavailable(error.to_string()))?
            .map_err(|error| self.not_sealed(stream, &error))?;
        // Durable already, and at least what these events use; also when they use nothing: then it tells of a key that
        // was destroyed for them.
        let appended = self.store.append_sealed(stream, expected, sealed, self.keys.sequence()).await?;
        self.keys.log_reached(appended.position.0);
        Ok(appended)
    }

    // A damaged key is told as a corrupt event is: waiting mends it as little.
    fn not_sealed(&self, stream: &StreamName, error: &KeyError) -> AppendError {
        if let Some(damaged) = damaged_by(error) {
            let (stream, why) = (stream.to_string(), error.to_string());
            self.store.findings().add(Corruption { stream, revision: 0, position: 0, damaged, why });
        }
        AppendError::Unavailable(error.to_string())
    }

    /// A whole stream, from its first event.
    ///
    /// # Errors
    /// As [`EventStore::read_stream`]; an event that is not understood is `Corrupt`.
    pub async fn read(&self, stream: &StreamName) -> Result<Vec<Entry>, ReadError> {
        self.read_from(stream, Revision(0)).await
    }

    /// A stream from a revision on.
    ///
    /// # Errors
    /// As [`Log::read`].
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

    /// Up to `limit` events of the whole log after a position.
    ///
    /// # Errors
    /// As [`Log::read`].
    pub async fn page(&self, after: Option<Position>, limit: usize) -> Result<Vec<Entry>, ReadError> {
        let page = self.store.read_all(after, limit).await?;
        self.open(page).await
    }

    /// Follows the log; open what comes with [`Log::open`].
    pub fn follow(&self, after: Option<Position>) -> Follow {
        self.store.follow(after)
    }

    /// Opens recorded events: personal fields in plain, payloads in their newest version.
    ///
    /// # Errors
    /// `Corrupt` names the first event that cannot be understood.
    pub async fn open(&self, recorded: Vec<Recorded>) -> Result<Vec<Entry>, ReadError> {
        let keys = Arc::clone(&self.keys);
        let opened = tokio::task::spawn_blocking(move || {
            recorded.into_iter().map(|event| open_one(keys.as_ref(), event)).collect::<Result<_, _>>()
        })
        .await
        .map_err(|error| ReadError::Unavailable(error.to_string()))?;
        opened.inspect_err(|error| self.store.findings().note(error))
    }

    /// The entries before the first event that cannot be understood, and what is wrong with that.
    pub async fn open_until_corrupt(&self, recorded: Vec<Recorded>) -> (Vec<Entry>, Option<ReadError>) {
        if let Ok(entries) = self.open(recorded.clone()).await {
            return (entries, None);
        }
        let mut entries = Vec::new();
        for event in recorded {
            match self.open(vec![event]).await {
                Ok(opened) => entries.extend(opened),
                Err(error) => return (entries, Some(error)),
            }
        }
        (entries, None)
    }
}

fn seal_all(keys: &dyn KeyStore, drafts: Vec<Draft>) -> Result<Vec<NewEvent>, KeyError> {
    let mut events: Vec<NewEvent> = drafts.into_iter().map(plain).collect();
    let mut names = Vec::new();
    for event in &events {
        personal_keys(&event.data, &mut names);
        personal_keys(&event.source, &mut names);
    }
    names.sort();
    names.dedup();
    keys.ensure(&names)?;
    for event in &mut events {
        seal(keys, event.id, "/data", &mut event.data)?;
        seal(keys, event.id, "/source", &mut event.source)?;
    }
    Ok(events)
}

fn plain(draft: Draft) -> NewEvent {
    let (event_type, data) = draft.event.to_parts();
    NewEvent {
        id: draft.id,
        version: upcast::current_version(&event_type),
        event_type,
        at: draft.at,
        actor: draft.actor,
        source: draft.source.map_or(Value::Null, |source| json!(source)),
        correlation: draft.correlation,
        causation: draft.causation,
        data,
    }
}

// What is damaged in the key store, if that is why a field cannot be sealed or opened.
fn damaged_by(error: &KeyError) -> Option<Damaged> {
    match error {
        KeyError::Altered(key) | KeyError::NotThere(key) => Some(Damaged::Key(key.clone())),
        KeyError::Damaged(_) => Some(Damaged::KeyStore),
        KeyError::Destroyed(_) | KeyError::Unavailable(_) | KeyError::WrongMasterKey(_) | KeyError::Missing(_) => None,
        KeyError::Exists(_) | KeyError::LeftBehind(_) | KeyError::MasterKeyFile { .. } => None,
    }
}

fn open_one(keys: &dyn KeyStore, recorded: Recorded) -> Result<Entry, ReadError> {
    let Recorded { stream, revision, position, leaf, event } = recorded;
    let unreadable = |damaged: Damaged, why: String| ReadError::Corrupt {
        stream: stream.to_string(),
        revision: revision.0,
        position: position.0,
        damaged,
        why,
    };
    let corrupt = |why: String| unreadable(Damaged::Event, why);
    let NewEvent { id, event_type, version, at, actor, mut source, correlation, causation, mut data } = event;
    // A key store that does not answer now says nothing about the event.
    let sealed = |error: SealError| match error {
        SealError::Key(KeyError::Unavailable(why)) => ReadError::Unavailable(why),
        SealError::Key(error) => unreadable(damaged_by(&error).unwrap_or(Damaged::Event), error.to_string()),
        error => corrupt(error.to_string()),
    };
    open(keys, id, "/data", &mut data).map_err(sealed)?;
    open(keys, id, "/source", &mut source).map_err(sealed)?;
    let data = upcast::upcast(&event_type, version, data).map_err(|error| corrupt(error.to_string()))?;
    let event = Event::from_parts(stream.category(), &event_type, data).map_err(|error| corrupt(error.to_string()))?;
    let source = serde_json::from_value(source).map_err(|error| corrupt(error.to_string()))?;
    Ok(Entry { stream, revision, position, leaf, id, at, actor, source, correlation, causation, event })
}
