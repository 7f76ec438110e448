//! Opens recorded events: decrypts personal fields, and converts payloads to their newest version.

use super::Entry;
use crate::envelope::{NewEvent, Recorded, StreamName};
use crate::event::Event;
use crate::personal::keys::{KeyError, KeyStore};
use crate::personal::{KeyName, SealError, open_in_spite_of};
use crate::store::{Corruption, Damaged, Findings, ReadError};
use crate::upcast;

/// An event that was opened for every kind of reader.
#[derive(Debug)]
pub(super) struct OpenedEvent {
    viewed: Result<Entry, ReadError>,
    /// What is wrong with a key of the stream's own subject. Decisions need what a stream says about its own subject.
    undecided: Option<ReadError>,
    /// Keys of fields that read as damaged.
    pub(super) damaged: Vec<KeyName>,
}

impl OpenedEvent {
    /// Returns the entry for readers that display it and decide nothing: every field whose key is damaged reads as
    /// damaged.
    pub(super) fn viewed(&self) -> Result<&Entry, &ReadError> {
        self.viewed.as_ref()
    }

    /// Returns the entry for readers that decide: a field reads as damaged only if its damaged key belongs to the
    /// subject of another stream, or if it is the source address.
    pub(super) fn decided(&self) -> Result<&Entry, &ReadError> {
        self.undecided.as_ref().map_or(self.viewed(), Err)
    }

    pub(super) fn into_viewed(self) -> Result<Entry, ReadError> {
        self.viewed
    }

    pub(super) fn into_decided(self) -> Result<Entry, ReadError> {
        self.undecided.map_or(self.viewed, Err)
    }
}

/// Opens events, each on its own. What is found damaged is noted in `findings`.
pub(super) fn open_all(
    keys: &dyn KeyStore,
    recorded: impl IntoIterator<Item = Recorded>,
    findings: &Findings,
) -> Vec<OpenedEvent> {
    let open = |event| {
        let (opened, passed) = open_one(keys, event);
        passed.into_iter().for_each(|found| findings.add(found));
        let _ = opened.viewed.as_ref().inspect_err(|error| findings.note(error));
        opened
    };
    recorded.into_iter().map(open).collect()
}

/// Returns which part of the key store is damaged, if that is why a field cannot be sealed or opened.
pub(super) fn damaged_by(error: &KeyError) -> Option<Damaged> {
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

/// The fields of an event whose keys are damaged.
#[derive(Default)]
struct Passed {
    keys: Vec<KeyName>,
    found: Vec<Corruption>,
    /// The first finding about a key of the stream's own subject.
    own: Option<Corruption>,
}

// Also returns what was found damaged.
fn open_one(keys: &dyn KeyStore, recorded: Recorded) -> (OpenedEvent, Vec<Corruption>) {
    let mut passed = Passed::default();
    let viewed = view(keys, recorded, &mut passed);
    let undecided = passed.own.map(unreadable);
    (OpenedEvent { viewed, undecided, damaged: passed.keys }, passed.found)
}

fn unreadable(found: Corruption) -> ReadError {
    let Corruption { stream, revision, position, damaged, why } = found;
    ReadError::Corrupt { stream, revision, position, damaged, why }
}

fn view(keys: &dyn KeyStore, recorded: Recorded, passed: &mut Passed) -> Result<Entry, ReadError> {
    let Recorded { stream, revision, position, leaf, event } = recorded;
    let found = |damaged: Damaged, why: String| Corruption {
        stream: stream.to_string(),
        revision: revision.0,
        position: position.0,
        damaged,
        why,
    };
    let corrupt = |why: String| unreadable(found(Damaged::Event, why));
    let NewEvent { id, event_type, version, at, actor, mut source, correlation, causation, mut data } = event;
    // A key store that is temporarily unavailable does not make the event corrupt.
    let sealed = |error: SealError| match error {
        SealError::Key(KeyError::Unavailable(why)) => ReadError::Unavailable(why),
        SealError::Key(error) => unreadable(found(damaged_by(&error).unwrap_or(Damaged::Event), error.to_string())),
        error => corrupt(error.to_string()),
    };
    let mut passes = |key: &KeyName, error: &KeyError, is_own: bool| {
        let Some(damaged) = damaged_by(error) else { return false };
        let found = found(damaged, error.to_string());
        if is_own {
            passed.own.get_or_insert_with(|| found.clone());
        }
        passed.keys.push(key.clone());
        passed.found.push(found);
        true
    };
    open_in_spite_of(keys, id, "/data", &mut data, &mut |key, error| passes(key, error, is_own(key, &stream)))
        .map_err(sealed)?;
    open_in_spite_of(keys, id, "/source", &mut source, &mut |key, error| passes(key, error, false)).map_err(sealed)?;
    let data = upcast::upcast(&event_type, version, data).map_err(|error| corrupt(error.to_string()))?;
    let event = Event::from_parts(stream.category(), &event_type, data).map_err(|error| corrupt(error.to_string()))?;
    let source = serde_json::from_value(source).map_err(|error| corrupt(error.to_string()))?;
    Ok(Entry { stream, revision, position, leaf, id, at, actor, source, correlation, causation, event })
}
