//! The typed log that the server and the projections use. It seals personal fields when it appends, and opens and
//! upcasts events when it reads. The store below only handles sealed payloads.

mod brief;

use crate::envelope::{Actor, EventId, NewEvent, Position, Recorded, Revision, StreamName, Timestamp};
use crate::event::Event;
use crate::personal::keys::{KeyError, KeyStore};
use crate::personal::{KeyName, Personal, SealError, mark_damaged, open_in_spite_of, personal_keys, seal, sealed_keys};
use crate::store::{AppendError, Appended, Corruption, Damaged, EventStore, Expected, Follow, ReadError};
use crate::upcast;
use serde_json::{Value, json};
use std::collections::BTreeSet;
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

/// Which damaged keys do not prevent reading an event. A damaged key of the source address never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spare {
    /// Keys of other subjects than the stream's own. Decisions need what a stream says about its own subject.
    Others,
    /// All keys: for readers that only display events.
    All,
}

/// A damaged key that a reader ignored, and the finding.
type Passed = (KeyName, Corruption);

/// The event log together with its keys.
#[derive(Clone)]
pub struct Log {
    store: Arc<dyn EventStore>,
    keys: Arc<dyn KeyStore>,
}

/// Number of events that one read of a stream returns at most.
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
        let events: Vec<NewEvent> = drafts.into_iter().map(plain).collect();
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

    /// Follows the log. Open the delivered events with [`Log::open`].
    pub fn follow(&self, after: Option<Position>) -> Follow {
        self.store.follow(after)
    }

    /// Opens recorded events: decrypts personal fields and converts payloads to their newest version. A field reads as
    /// damaged if its damaged key belongs to the subject of another stream; this does not prevent reading.
    ///
    /// # Errors
    /// `Corrupt` names the first event that cannot be parsed.
    pub async fn open(&self, recorded: Vec<Recorded>) -> Result<Vec<Entry>, ReadError> {
        Ok(self.open_sparing(recorded, Spare::Others).await?.0)
    }

    /// Opens the events before the first one that cannot be parsed, and returns what is wrong with that one.
    pub async fn open_until_corrupt(&self, recorded: Vec<Recorded>) -> (Vec<Entry>, Option<ReadError>) {
        let Viewed { entries, error, .. } = self.open_until(recorded, Spare::Others).await;
        (entries, error)
    }

    /// Opens recorded events for readers that display them and decide nothing. Every field whose key is damaged reads
    /// as damaged.
    pub async fn view(&self, recorded: Vec<Recorded>) -> Viewed {
        self.open_until(recorded, Spare::All).await
    }

    async fn open_until(&self, recorded: Vec<Recorded>, spare: Spare) -> Viewed {
        let mut viewed = Viewed { entries: Vec::new(), damaged: BTreeSet::new(), error: None };
        if let Ok(opened) = self.open_sparing(recorded.clone(), spare).await {
            (viewed.entries, viewed.damaged) = opened;
            return viewed;
        }
        for event in recorded {
            match self.open_sparing(vec![event], spare).await {
                Ok((entries, damaged)) => {
                    viewed.entries.extend(entries);
                    viewed.damaged.extend(damaged);
                }
                Err(error) => return Viewed { error: Some(error), ..viewed },
            }
        }
        viewed
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

    async fn open_sparing(
        &self,
        recorded: Vec<Recorded>,
        spare: Spare,
    ) -> Result<(Vec<Entry>, BTreeSet<KeyName>), ReadError> {
        let (opened, passed) = if self.opens_at_once(&recorded) {
            open_all(self.keys.as_ref(), recorded, spare)
        } else {
            let keys = Arc::clone(&self.keys);
            tokio::task::spawn_blocking(move || open_all(keys.as_ref(), recorded, spare))
                .await
                .map_err(|error| ReadError::Unavailable(error.to_string()))?
        };
        let tell = |(key, found)| {
            self.store.findings().add(found);
            key
        };
        let damaged = passed.into_iter().map(tell).collect();
        Ok((opened.inspect_err(|error| self.store.findings().note(error))?, damaged))
    }
}

/// The keys that events are sealed with.
struct Names {
    fields: Vec<KeyName>,
    /// Keys of source addresses.
    sources: Vec<KeyName>,
}

impl Names {
    fn of(events: &[NewEvent]) -> Names {
        let (mut fields, mut sources) = (Vec::new(), Vec::new());
        for event in events {
            personal_keys(&event.data, &mut fields);
            personal_keys(&event.source, &mut sources);
        }
        Names { fields, sources }
    }

    fn all(&self) -> impl Iterator<Item = &KeyName> {
        self.fields.iter().chain(&self.sources)
    }
}

type Opened = (Result<Vec<Entry>, ReadError>, Vec<Passed>);

fn open_all(keys: &dyn KeyStore, recorded: Vec<Recorded>, spare: Spare) -> Opened {
    let mut passed = Vec::new();
    let mut open = |event| open_one(keys, event, spare, &mut passed);
    let opened = recorded.into_iter().map(&mut open).collect();
    (opened, passed)
}

// Also returns the errors of damaged keys of source addresses.
fn seal_all(
    keys: &dyn KeyStore,
    mut events: Vec<NewEvent>,
    names: &Names,
) -> Result<(Vec<NewEvent>, Vec<KeyError>), KeyError> {
    let damaged = match ensure(keys, names.all().cloned().collect()) {
        Err(error) if damaged_by(&error).is_some() => {
            ensure(keys, names.fields.clone())?;
            leave_out_sources(keys, &mut events)?
        }
        ensured => ensured.map(|()| Vec::new())?,
    };
    for event in &mut events {
        seal(keys, event.id, "/data", &mut event.data)?;
        // The source may be the marker of a damaged key by now.
        if event.source.get("$personal").is_some() {
            seal(keys, event.id, "/source", &mut event.source)?;
        }
    }
    Ok((events, damaged))
}

fn ensure(keys: &dyn KeyStore, mut names: Vec<KeyName>) -> Result<(), KeyError> {
    names.sort();
    names.dedup();
    keys.ensure(&names)
}

fn leave_out_sources(keys: &dyn KeyStore, events: &mut [NewEvent]) -> Result<Vec<KeyError>, KeyError> {
    let mut damaged = Vec::new();
    for event in events {
        let mut names = Vec::new();
        personal_keys(&event.source, &mut names);
        match ensure(keys, names) {
            Err(error) if damaged_by(&error).is_some() => {
                mark_damaged(&mut event.source);
                damaged.push(error);
            }
            ensured => ensured?,
        }
    }
    Ok(damaged)
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

// Returns which part of the key store is damaged, if that is why a field cannot be sealed or opened.
fn damaged_by(error: &KeyError) -> Option<Damaged> {
    match error {
        KeyError::Altered(key) | KeyError::NotThere(key) => Some(Damaged::Key(key.clone())),
        KeyError::Damaged(_) => Some(Damaged::KeyStore),
        KeyError::Destroyed(_) | KeyError::Unavailable(_) | KeyError::WrongMasterKey(_) | KeyError::Missing(_) => None,
        KeyError::Exists(_) | KeyError::LeftBehind(_) | KeyError::MasterKeyFile { .. } => None,
    }
}

// Returns whether the key belongs to the stream's own subject, such as the device of a device stream.
fn is_own(key: &KeyName, stream: &StreamName) -> bool {
    key.first().0.split_once('-').is_some_and(|(_, id)| id == stream.id())
}

fn open_one(
    keys: &dyn KeyStore,
    recorded: Recorded,
    spare: Spare,
    passed: &mut Vec<Passed>,
) -> Result<Entry, ReadError> {
    let Recorded { stream, revision, position, leaf, event } = recorded;
    let found = |damaged: Damaged, why: String| Corruption {
        stream: stream.to_string(),
        revision: revision.0,
        position: position.0,
        damaged,
        why,
    };
    let unreadable = |damaged: Damaged, why: String| {
        let Corruption { stream, revision, position, damaged, why } = found(damaged, why);
        ReadError::Corrupt { stream, revision, position, damaged, why }
    };
    let corrupt = |why: String| unreadable(Damaged::Event, why);
    let NewEvent { id, event_type, version, at, actor, mut source, correlation, causation, mut data } = event;
    // A key store that is temporarily unavailable does not make the event corrupt.
    let sealed = |error: SealError| match error {
        SealError::Key(KeyError::Unavailable(why)) => ReadError::Unavailable(why),
        SealError::Key(error) => unreadable(damaged_by(&error).unwrap_or(Damaged::Event), error.to_string()),
        error => corrupt(error.to_string()),
    };
    let mut passes = |key: &KeyName, error: &KeyError, spared: bool| match damaged_by(error).filter(|_| spared) {
        Some(damaged) => {
            passed.push((key.clone(), found(damaged, error.to_string())));
            true
        }
        None => false,
    };
    let mut of_data =
        |key: &KeyName, error: &KeyError| passes(key, error, spare == Spare::All || !is_own(key, &stream));
    open_in_spite_of(keys, id, "/data", &mut data, &mut of_data).map_err(sealed)?;
    open_in_spite_of(keys, id, "/source", &mut source, &mut |key, error| passes(key, error, true)).map_err(sealed)?;
    let data = upcast::upcast(&event_type, version, data).map_err(|error| corrupt(error.to_string()))?;
    let event = Event::from_parts(stream.category(), &event_type, data).map_err(|error| corrupt(error.to_string()))?;
    let source = serde_json::from_value(source).map_err(|error| corrupt(error.to_string()))?;
    Ok(Entry { stream, revision, position, leaf, id, at, actor, source, correlation, causation, event })
}
