//! Folded states of streams in memory and in a disposable file ([`StateFile`]), so that the cost of a message does not
//! depend on the length of a stream's history.
//!
//! A state is used only if the id of the stream's event at its revision is the one that it was folded from, and if no
//! key was destroyed since: a state holds personal fields in plain text, and a field of a destroyed key must not be
//! read from it. A state that is older than its stream is brought up to date with the events that follow.

pub mod file;
mod place;

use crate::{Loaded, fold};
use decisions::Aggregate;
use events::log::{Entry, Log};
use events::personal;
use events::personal::keys::KeyStore;
use events::store::{ReadError, StreamHead};
use events::{Revision, StreamName};
use file::{Origin, Row, StateFile};
use place::{At, Place};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::Value;
use std::any::Any;
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Maximum size of all states in bytes, as [`size_of`] estimates it.
const MOST_BYTES: u64 = 96 * 1024 * 1024;

/// Expected number of states, for the first allocation of the cache.
const EXPECTED: usize = 20_000;

/// Number of bytes that an entry of the cache takes without its state.
const ENTRY_BYTES: u64 = 300;

/// Number of events after which a state is stored in the file again.
const STORE_EVERY: u64 = 16;

/// Number of events from which on a state is stored if its whole stream was read. Otherwise the stream would be read
/// again after each start, and whenever other states took the place of this one.
const STORE_READ: u64 = 4;

/// Maximum number of states that wait to be stored. Further ones are stored after a later event.
const MOST_UNSTORED: usize = 4_000;

/// Estimated growth of a state by one event, in bytes. The size is measured again when the state is stored.
const EVENT_BYTES: u64 = 256;

/// Number of states that are written in one transaction.
const BATCH: usize = 500;

/// JSON pointer under which a state is sealed. With the id of the event, it binds a sealed field to its place.
const PLACE: &str = "/state";

/// The log with the states of its streams.
pub(crate) struct States {
    log: Log,
    cache: Cache<Place, Kept, Size>,
    file: Option<Arc<StateFile>>,
    store_every: u64,
    unstored: Mutex<HashMap<Place, Unstored>>,
}

/// A state that waits to be stored.
struct Unstored {
    head: StreamHead,
    fold: u32,
    seal: Seal,
}

/// Returns the JSON of a state with sealed fields, or `None` if a key cannot be used.
type Seal = Box<dyn Fn(&dyn KeyStore) -> Option<Vec<u8>> + Send>;

/// A state, the last event that it was folded from, and how many keys had been destroyed before one was used for it.
#[derive(Clone)]
struct Kept {
    state: Arc<dyn Any + Send + Sync>,
    head: StreamHead,
    destructions: u64,
    bytes: u64,
    /// Number of events in the stored state; 0 if there is none.
    stored: u64,
}

/// Permission to keep the state after an append.
pub(crate) struct MayKeep {
    destructions: u64,
}

#[derive(Clone)]
struct Size;

impl Weighter<Place, Kept> for Size {
    fn weight(&self, place: &Place, kept: &Kept) -> u64 {
        kept.bytes + place.stream.as_str().len() as u64 + ENTRY_BYTES
    }
}

impl States {
    /// `file`: `None` if states are kept in memory only.
    pub(crate) fn new(log: Log, file: Option<Arc<StateFile>>) -> States {
        States::within(log, file, MOST_BYTES)
    }

    fn within(log: Log, file: Option<Arc<StateFile>>, bytes: u64) -> States {
        States {
            log,
            cache: Cache::with_weighter(EXPECTED, bytes, Size),
            file,
            store_every: STORE_EVERY,
            unstored: Mutex::default(),
        }
    }

    /// Loads the state of a stream from memory, or from the log.
    ///
    /// # Errors
    /// Returns an error if the stream cannot be read or its key is damaged.
    pub(crate) async fn load<A: Aggregate>(&self, stream: &StreamName) -> Result<Loaded<A>, ReadError> {
        // Read before a key is used: a key that is destroyed meanwhile makes the state invalid.
        let destructions = self.log.keys().destructions();
        // Read before the head: a state that is put meanwhile would be newer than the head.
        let in_memory = self.kept::<A>(stream, destructions);
        let Some(head) = self.head(stream).await? else { return Ok((Arc::default(), None)) };
        let kept = match in_memory {
            Some(kept) => Some(kept),
            None => self.stored::<A>(stream).await,
        };
        let Some((state, kept, stored)) = kept.filter(|(_, kept, _)| kept.revision <= head.revision) else {
            return self.load_whole(stream, destructions).await;
        };
        if kept == head {
            self.put(stream, &state, head, destructions, stored);
            return Ok((state, Some(head.revision)));
        }
        let mut entries = self.log.read_from(stream, kept.revision).await?;
        if entries.first().is_none_or(|entry| entry.id != kept.id) {
            return self.load_whole(stream, destructions).await;
        }
        entries.remove(0);
        self.fold(stream, Arc::unwrap_or_clone(state), kept, entries, (destructions, stored))
    }

    async fn head(&self, stream: &StreamName) -> Result<Option<StreamHead>, ReadError> {
        match self.log.store().known_head(stream) {
            Some(head) => Ok(Some(head)),
            None => self.log.store().stream_head(stream).await,
        }
    }

    // Returns the state in the file, its head and its number of events. A state that cannot be read counts as missing.
    async fn stored<A: Aggregate>(&self, stream: &StreamName) -> Option<(Arc<A>, StreamHead, u64)> {
        let (file, keys) = (Arc::clone(self.file.as_ref()?), Arc::clone(self.log.keys()));
        let place = Place::of::<A>(stream);
        let read = move || {
            let row = file.read(&place).filter(|row| row.fold == A::FOLD)?;
            let mut state: Value = serde_json::from_slice(&row.state).ok()?;
            personal::open(keys.as_ref(), row.head.id, PLACE, &mut state).ok()?;
            let state: A = serde_json::from_value(state).ok()?;
            Some((Arc::new(state), row.head, row.head.revision.0 + 1))
        };
        tokio::task::spawn_blocking(read).await.ok()?
    }

    async fn load_whole<A: Aggregate>(&self, stream: &StreamName, destructions: u64) -> Result<Loaded<A>, ReadError> {
        let entries = self.log.read(stream).await?;
        let Some(last) = entries.last().map(head_of) else { return Ok((Arc::default(), None)) };
        let (state, revision) = self.fold(stream, A::default(), last, entries, (destructions, 0))?;
        if (STORE_READ..self.store_every).contains(&(last.revision.0 + 1)) && self.store_later(stream, &state, last) {
            self.note_stored::<A>(stream, last);
        }
        Ok((state, revision))
    }

    fn note_stored<A: Aggregate>(&self, stream: &StreamName, head: StreamHead) {
        if let Some(kept) = self.cache.peek(&At::of::<A>(stream)).filter(|kept| kept.head == head) {
            self.cache.insert(Place::of::<A>(stream), Kept { stored: head.revision.0 + 1, ..kept });
        }
    }

    // Folds `entries` into `state`, which was folded up to `before`, and keeps the result. `stored`: the number of
    // events in the stored state.
    fn fold<A: Aggregate>(
        &self,
        stream: &StreamName,
        state: A,
        before: StreamHead,
        entries: Vec<Entry>,
        (destructions, stored): (u64, u64),
    ) -> Result<Loaded<A>, ReadError> {
        let head = entries.last().map_or(before, head_of);
        let state = Arc::new(fold(stream, state, head.revision, entries)?);
        self.put(stream, &state, head, destructions, stored);
        Ok((state, Some(head.revision)))
    }

    /// Returns whether the state after events that follow `state` may be kept. Ask before the events are appended.
    /// `revision` is that of `state`. A state that was loaded before a key was destroyed must not be kept as one from
    /// after it.
    pub(crate) fn may_keep<A: Aggregate>(
        &self,
        stream: &StreamName,
        state: &Arc<A>,
        revision: Option<Revision>,
    ) -> Option<MayKeep> {
        let destructions = self.log.keys().destructions();
        let is_kept = || {
            let kept = self.cache.peek(&At::of::<A>(stream)).filter(|kept| kept.destructions == destructions);
            let kept = kept.and_then(|kept| kept.state.downcast::<A>().ok());
            kept.is_some_and(|kept| Arc::ptr_eq(&kept, state))
        };
        (revision.is_none() || is_kept()).then_some(MayKeep { destructions })
    }

    /// Keeps the state after an append.
    pub(crate) fn keep<A: Aggregate>(&self, stream: &StreamName, state: &Arc<A>, head: StreamHead, may: &MayKeep) {
        if state.damaged_key().is_none() {
            let stored = self.cache.peek(&At::of::<A>(stream)).map_or(0, |kept| kept.stored);
            self.put(stream, state, head, may.destructions, stored);
        }
    }

    fn kept<A: Aggregate>(&self, stream: &StreamName, destructions: u64) -> Option<(Arc<A>, StreamHead, u64)> {
        let kept = self.cache.get(&At::of::<A>(stream))?;
        if kept.destructions != destructions {
            self.cache.remove(&At::of::<A>(stream));
            return None;
        }
        Some((kept.state.downcast().ok()?, kept.head, kept.stored))
    }

    // A newer state that was put meanwhile stays, unless it is older in terms of keys.
    fn put<A: Aggregate>(&self, stream: &StreamName, state: &Arc<A>, head: StreamHead, destructions: u64, stored: u64) {
        let is_there = |kept: &Kept| kept.head.revision >= head.revision && kept.destructions >= destructions;
        if self.cache.peek(&At::of::<A>(stream)).is_some_and(|kept| is_there(&kept)) {
            return;
        }
        let stored = if head.revision.0 + 1 >= stored + self.store_every && self.store_later(stream, state, head) {
            head.revision.0 + 1
        } else {
            stored
        };
        let before = self.cache.peek(&At::of::<A>(stream)).map(|kept| (kept.bytes, kept.head.revision.0));
        let bytes = match before {
            // Measuring takes as long as writing the state.
            Some((bytes, before)) if stored != head.revision.0 + 1 && before < head.revision.0 => {
                bytes + EVENT_BYTES * (head.revision.0 - before)
            }
            _ => size_of(state.as_ref()),
        };
        let state = Arc::clone(state);
        self.cache.insert(Place::of::<A>(stream), Kept { state, head, destructions, bytes, stored });
    }

    // Returns whether the state will be stored.
    fn store_later<A: Aggregate>(&self, stream: &StreamName, state: &Arc<A>, head: StreamHead) -> bool {
        let (mut unstored, place) = (self.unstored(), Place::of::<A>(stream));
        if self.file.is_none() || unstored.len() >= MOST_UNSTORED && !unstored.contains_key(&place) {
            return false;
        }
        let state = Arc::clone(state);
        let seal = move |keys: &dyn KeyStore| {
            let mut value = serde_json::to_value(state.as_ref()).ok()?;
            personal::seal(keys, head.id, PLACE, &mut value).ok()?;
            serde_json::to_vec(&value).ok()
        };
        unstored.insert(place, Unstored { head, fold: A::FOLD, seal: Box::new(seal) });
        true
    }

    /// Returns what is wrong with the file, if damage was found.
    pub(crate) fn damage(&self) -> Option<String> {
        self.file.as_ref()?.damage()
    }

    /// Writes the states that wait to be stored. States that cannot be written are folded from the log again when they
    /// are needed.
    pub(crate) async fn store(&self) {
        let Some(file) = &self.file else { return };
        let unstored = std::mem::take(&mut *self.unstored());
        if unstored.is_empty() {
            return;
        }
        let Ok(origin) = origin(&self.log).await else { return };
        let (file, keys) = (Arc::clone(file), Arc::clone(self.log.keys()));
        let write = move || {
            let seal = |(place, Unstored { head, fold, seal }): (Place, Unstored)| {
                Some((place, Row { fold, head, state: seal(keys.as_ref())? }))
            };
            let mut rows = unstored.into_iter().filter_map(seal).peekable();
            while rows.peek().is_some() {
                let batch: Vec<_> = rows.by_ref().take(BATCH).collect();
                // `write` logs the error.
                if file.write(&batch, origin).is_err() {
                    return;
                }
            }
        };
        // A panic is already reported; the states are only a cache.
        let _ = tokio::task::spawn_blocking(write).await;
    }

    fn unstored(&self) -> MutexGuard<'_, HashMap<Place, Unstored>> {
        self.unstored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what a state file of this log belongs to now.
///
/// # Errors
/// Returns an error if the log cannot be read.
pub async fn origin(log: &Log) -> Result<Origin, ReadError> {
    let first = log.store().read_all(None, 1).await?;
    Ok(Origin::now(first.first().map(|event| event.event.id), log.store().head().await?, log.keys().as_ref()))
}

fn head_of(entry: &Entry) -> StreamHead {
    StreamHead { revision: entry.revision, id: entry.id }
}

/// Returns an estimate of the memory that a state takes, in bytes: twice its JSON form. A counting allocator found 1.0
/// to 1.2 times for credentials, enrollments and new devices, and 1.7 times for a device with an inventory, without
/// what the allocator itself needs.
fn size_of<A: Aggregate>(state: &A) -> u64 {
    let mut counted = Counter(0);
    // A state that cannot be written would never be evicted for its size alone: it counts as large.
    serde_json::to_writer(&mut counted, state).map_or(1024 * 1024, |()| 2 * counted.0)
}

struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
