//! A log and a key store in memory. They count what is read, and return damage on request.

use crate::envelope::{Actor, ActorKind, EventId, NewEvent, Position, Recorded, Revision, StreamName, Timestamp};
use crate::log::{Draft, Log};
use crate::person::{PersonAttributes, PersonEvent, PersonId};
use crate::personal::keys::{DataKey, Held, KeyError, KeyStore};
use crate::personal::{KeyName, Personal};
use crate::store::{AppendError, Appended, Damaged, EventStore, Expected, Findings, ReadError, StreamHead};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::watch;
use uuid::Uuid;

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

pub(in crate::log) struct MemoryStore {
    events: Mutex<Vec<Recorded>>,
    /// `None` after the store was closed.
    head: Mutex<Option<watch::Sender<Option<Position>>>>,
    corrupt: Mutex<BTreeSet<u64>>,
    /// How often each position was read.
    read: Mutex<BTreeMap<u64, usize>>,
    findings: Findings,
}

impl MemoryStore {
    /// Damages the event at a position, also if it is appended later.
    pub(super) fn damage(&self, position: u64) {
        locked(&self.corrupt).insert(position);
    }

    pub(super) fn close(&self) {
        locked(&self.head).take();
    }

    pub(super) fn times_read(&self, position: u64) -> usize {
        locked(&self.read).get(&position).copied().unwrap_or_default()
    }
}

#[async_trait]
impl EventStore for MemoryStore {
    async fn append_sealed(
        &self,
        stream: &StreamName,
        _: Expected,
        new: Vec<NewEvent>,
        _: u64,
    ) -> Result<Appended, AppendError> {
        let mut events = locked(&self.events);
        for event in new {
            let position = Position(events.len() as u64 + 1);
            events.push(Recorded { stream: stream.clone(), revision: Revision(0), position, leaf: [0; 32], event });
        }
        let position = Position(events.len() as u64);
        drop(events);
        if let Some(head) = &*locked(&self.head) {
            head.send_replace(Some(position));
        }
        Ok(Appended { revision: Revision(0), position })
    }

    async fn key_sequence(&self) -> Result<Option<u64>, ReadError> {
        Ok(None)
    }

    async fn read_stream(&self, _: &StreamName, _: Revision, _: usize) -> Result<Vec<Recorded>, ReadError> {
        Ok(Vec::new())
    }

    async fn stream_head(&self, _: &StreamName) -> Result<Option<StreamHead>, ReadError> {
        Ok(None)
    }

    async fn contains(&self, _: &StreamName, _: EventId) -> Result<bool, ReadError> {
        Ok(false)
    }

    async fn mentions(&self, _: &StreamName, _: &str) -> Result<bool, ReadError> {
        Ok(false)
    }

    async fn read_all(&self, after: Option<Position>, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        // The real store reads on another thread.
        tokio::task::yield_now().await;
        let (events, corrupt) = (locked(&self.events), locked(&self.corrupt));
        let after = after.map_or(0, |position| position.0);
        let mut page = Vec::new();
        for event in events.iter().filter(|event| event.position.0 > after).take(limit) {
            let position = event.position.0;
            if corrupt.contains(&position) {
                if page.is_empty() {
                    let (stream, damaged, why) = (event.stream.to_string(), Damaged::Event, "it was damaged".into());
                    let error = ReadError::Corrupt { stream, revision: 0, position, damaged, why };
                    self.findings.note(&error);
                    return Err(error);
                }
                break;
            }
            *locked(&self.read).entry(position).or_default() += 1;
            page.push(event.clone());
        }
        Ok(page)
    }

    async fn head(&self) -> Result<Option<Position>, ReadError> {
        Ok(locked(&self.events).last().map(|last| last.position))
    }

    fn watch_head(&self) -> Option<watch::Receiver<Option<Position>>> {
        Some(locked(&self.head).as_ref().map_or_else(|| watch::channel(None).1, watch::Sender::subscribe))
    }

    fn findings(&self) -> &Findings {
        &self.findings
    }
}

#[derive(Default)]
pub(in crate::log) struct MemoryKeys {
    gone: Mutex<BTreeMap<KeyName, bool>>,
    destructions: AtomicU64,
    /// How often a key was used.
    used: AtomicU64,
}

impl MemoryKeys {
    pub(super) fn damage(&self, name: &KeyName) {
        locked(&self.gone).insert(name.clone(), false);
    }

    pub(super) fn times_used(&self) -> u64 {
        self.used.load(Ordering::SeqCst)
    }
}

impl KeyStore for MemoryKeys {
    fn failed(&self) -> watch::Receiver<Option<String>> {
        watch::channel(None).1
    }

    fn ensure(&self, _: &[KeyName]) -> Result<(), KeyError> {
        Ok(())
    }

    fn key(&self, name: &KeyName) -> Result<Held, KeyError> {
        self.used.fetch_add(1, Ordering::SeqCst);
        match locked(&self.gone).get(name) {
            None => Ok(Held::Key(DataKey::from_bytes([1; 32]))),
            Some(true) => Ok(Held::Destroyed),
            Some(false) => Err(KeyError::Altered(name.clone())),
        }
    }

    fn destructions(&self) -> u64 {
        self.destructions.load(Ordering::SeqCst)
    }

    fn sequence(&self) -> u64 {
        0
    }

    fn set_owner(&self, _: &KeyName, _: &KeyName) -> Result<(), KeyError> {
        Ok(())
    }

    fn destroy(&self, name: &KeyName) -> Result<(), KeyError> {
        locked(&self.gone).insert(name.clone(), true);
        self.destructions.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

pub(in crate::log) fn log() -> (Log, Arc<MemoryStore>, Arc<MemoryKeys>) {
    let store = Arc::new(MemoryStore {
        events: Mutex::default(),
        head: Mutex::new(Some(watch::channel(None).0)),
        corrupt: Mutex::default(),
        read: Mutex::default(),
        findings: Findings::default(),
    });
    let keys = Arc::new(MemoryKeys::default());
    (Log::new(Arc::clone(&store) as _, Arc::clone(&keys) as _), store, keys)
}

pub(in crate::log) const ANNA: PersonId = PersonId(Uuid::from_u128(0xa));
pub(super) const BERTA: PersonId = PersonId(Uuid::from_u128(0xb));

/// Appends `count` events to Anna's stream. The name in them is sealed with `key`.
pub(in crate::log) async fn append(log: &Log, count: usize, key: &KeyName, name: &str) {
    let draft = |_| {
        let display_name = Some(Personal::new(key.clone(), name.to_owned()));
        let attributes = PersonAttributes { display_name, ..PersonAttributes::default() };
        Draft {
            id: EventId(Uuid::from_u128(1)),
            at: Timestamp(0),
            actor: Actor::new(ActorKind::System, "test"),
            source: None,
            correlation: Uuid::nil(),
            causation: None,
            event: PersonEvent::PersonAttributesChanged { attributes }.into(),
        }
    };
    log.append(&ANNA.stream(), Expected::Any, (0..count).map(draft).collect()).await.unwrap();
}

pub(super) fn shown(entry: &crate::Entry) -> Option<&str> {
    match &entry.event {
        crate::Event::Person(PersonEvent::PersonAttributesChanged { attributes }) => {
            attributes.display_name.as_ref().and_then(Personal::shown)
        }
        other => panic!("{other:?}"),
    }
}
