//! Folded states of streams in memory and in a disposable file ([`StateFile`]), so that the cost of a message does not
//! depend on the length of a stream's history.
//!
//! A state is used only if the id of the stream's event at its revision is the one that it was folded from, and if no
//! key was destroyed since: a state holds personal fields in plain text, and a field of a destroyed key must not be
//! read from it. A state that is older than its stream is brought up to date with the events that follow.

pub mod file;
mod place;
mod reads;

use crate::{Loaded, fold};
use decisions::Aggregate;
use events::log::{Entry, Log};
use events::personal;
use events::personal::KeyName;
use events::store::{ReadError, StreamHead};
use events::{Revision, StreamName};
use file::{Folded, Origin, StateFile};
use place::{At, Place};
use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, Weighter};
use reads::{Files, Reads};
use std::any::Any;
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Maximum size of all states in bytes, as [`size_of`] estimates it.
const MOST_BYTES: u64 = 88 * 1024 * 1024;

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

/// Maximum number of states in memory that are stored at the end: all of them, unless they are very small. It takes two
/// to three seconds.
const MOST_AT_END: usize = 40_000;

/// Estimated growth of a state by one event, in bytes. The size is measured again when the state is stored.
const EVENT_BYTES: u64 = 256;

/// Number of states that are written in one transaction.
const BATCH: usize = 500;

/// The log with the states of its streams.
pub(crate) struct States {
    log: Log,
    cache: Cache<Place, Kept, Size, DefaultHashBuilder, Leaving>,
    file: Option<Arc<StateFile>>,
    reads: Reads,
    store_every: u64,
    unstored: Unstored,
}

/// The states that wait to be stored.
#[derive(Default)]
struct Unstored(Mutex<HashMap<Place, Waiting>>);

/// A state that waits to be stored.
struct Waiting {
    state: Arc<dyn Any + Send + Sync>,
    head: StreamHead,
    as_json: AsJson,
}

/// Returns a state as JSON, and the names of the keys of its personal fields. `None`: a field is damaged.
type AsJson = fn(&(dyn Any + Send + Sync), StreamHead) -> Option<(Folded, Vec<KeyName>)>;

fn as_json<A: Aggregate>(state: &(dyn Any + Send + Sync), head: StreamHead) -> Option<(Folded, Vec<KeyName>)> {
    let value = serde_json::to_value(state.downcast_ref::<A>()?).ok()?;
    let names = personal::readable_keys(&value)?.into_iter().collect();
    Some((Folded { fold: A::FOLD, head, json: serde_json::to_vec(&value).ok()? }, names))
}

impl Unstored {
    /// Returns whether the state will be stored.
    fn add(&self, place: Place, state: Waiting) -> bool {
        let mut waiting = self.waiting();
        let is_taken = match waiting.get(&place) {
            // A state that leaves the memory may be older than the one that takes its place.
            Some(before) => before.head.revision <= state.head.revision,
            None => waiting.len() < MOST_UNSTORED,
        };
        if is_taken {
            waiting.insert(place, state);
        }
        is_taken
    }

    fn take(&self) -> HashMap<Place, Waiting> {
        std::mem::take(&mut *self.waiting())
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Place, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A state, the last event that it was folded from, and how many keys had been destroyed before one was used for it.
#[derive(Clone)]
struct Kept {
    state: Arc<dyn Any + Send + Sync>,
    as_json: AsJson,
    head: StreamHead,
    destructions: u64,
    bytes: u64,
    /// Number of events in the stored state; 0 if there is none.
    stored: u64,
}

impl Kept {
    // Returns the state if it is worth storing before it is forgotten. A stream of a few events is read as fast as a
    // row, but a row that is behind its stream costs both.
    fn unstored(self) -> Option<Waiting> {
        let events = self.head.revision.0 + 1;
        let is_due = if self.stored == 0 { events >= STORE_READ } else { events > self.stored };
        is_due.then_some(Waiting { state: self.state, head: self.head, as_json: self.as_json })
    }
}

/// Collects the states that leave the memory during an insertion.
#[derive(Clone)]
struct Leaving;

impl Lifecycle<Place, Kept> for Leaving {
    type RequestState = Vec<(Place, Kept)>;

    fn begin_request(&self) -> Vec<(Place, Kept)> {
        Vec::new()
    }

    fn on_evict(&self, leaving: &mut Vec<(Place, Kept)>, place: Place, kept: Kept) {
        leaving.push((place, kept));
    }
}

/// A state that was found in memory or in the file.
struct Found<A> {
    state: Arc<A>,
    head: StreamHead,
    /// Number of events in the stored state; 0 if there is none.
    stored: u64,
    /// Its size, if that is known.
    bytes: Option<u64>,
}

impl<A: Aggregate> Found<A> {
    fn part_of(whole: &A::Whole, head: StreamHead) -> Option<Found<A>> {
        Some(Found { state: Arc::new(A::part_of(whole)?), head, stored: 0, bytes: None })
    }
}

/// What is known of a stream.
struct Known<A: Aggregate> {
    stream: StreamName,
    /// How many keys had been destroyed before.
    destructions: u64,
    found: Option<Found<A>>,
    /// The state that decides, if it was read from the file because this state is a part of it.
    whole: Option<Found<A::Whole>>,
    /// The inner `None`: the stream has no events.
    head: Option<Option<StreamHead>>,
}

impl<A: Aggregate> Known<A> {
    fn is_complete(&self) -> bool {
        self.found.is_some() && self.head.is_some()
    }

    // Reads what is missing. A head that cannot be read here stays unknown, and a state in the file that cannot be read
    // counts as missing.
    fn read(mut self, files: &Files) -> Known<A> {
        self.head = self.head.or_else(|| files.log.store().stream_head_here(&self.stream));
        if self.found.is_none() && self.head != Some(None) {
            self.found = stored(files, &self.stream);
            if self.found.is_none() {
                (self.found, self.whole) = stored_part(files, &self.stream).unzip();
            }
        }
        self
    }
}

// Returns the state in the file. A state that cannot be read counts as missing.
fn stored<A: Aggregate>(files: &Files, stream: &StreamName) -> Option<Found<A>> {
    let folded = files.states.as_ref()?.read(&Place::of::<A>(stream), A::FOLD, files.log.keys().as_ref())?;
    let Folded { head, json, .. } = folded;
    let state = Arc::new(serde_json::from_slice(&json).ok()?);
    Some(Found { state, head, stored: head.revision.0 + 1, bytes: Some(size(json.len() as u64)) })
}

// Returns the state as a part of the state that decides, and that one, if that one is in the file.
fn stored_part<A: Aggregate>(files: &Files, stream: &StreamName) -> Option<(Found<A>, Found<A::Whole>)> {
    let is_part = Place::of::<A>(stream) != Place::of::<A::Whole>(stream);
    let whole = is_part.then(|| stored::<A::Whole>(files, stream)).flatten()?;
    Some((Found::<A>::part_of(&whole.state, whole.head)?, whole))
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
        let cache = Cache::with(EXPECTED, bytes, Size, DefaultHashBuilder::default(), Leaving);
        let reads = Reads::of(Files { log: log.clone(), states: file.clone() });
        States { log, cache, file, reads, store_every: STORE_EVERY, unstored: Unstored::default() }
    }

    /// Loads the state of a stream from memory, from the file, or from the log.
    ///
    /// # Errors
    /// Returns an error if the stream cannot be read or its key is damaged.
    pub(crate) async fn load<A: Aggregate>(&self, stream: &StreamName) -> Result<Loaded<A>, ReadError> {
        let known = self.known::<A>(stream);
        let known = if known.is_complete() { known } else { self.reads.run(|files| known.read(files)).await? };
        self.finish(stream, known).await
    }

    /// Loads the states of two streams, as [`States::load`] does, but reads the disk once for both.
    ///
    /// # Errors
    /// Same as [`States::load`].
    pub(crate) async fn load_both<A: Aggregate, B: Aggregate>(
        &self,
        streams: (&StreamName, &StreamName),
    ) -> Result<(Loaded<A>, Loaded<B>), ReadError> {
        let known = (self.known::<A>(streams.0), self.known::<B>(streams.1));
        let (a, b) = match known.0.is_complete() && known.1.is_complete() {
            true => known,
            false => self.reads.run(|files| (known.0.read(files), known.1.read(files))).await?,
        };
        Ok((self.finish(streams.0, a).await?, self.finish(streams.1, b).await?))
    }

    // Returns what is in memory of a stream.
    fn known<A: Aggregate>(&self, stream: &StreamName) -> Known<A> {
        // Read before a key is used: a key that is destroyed meanwhile makes the state invalid.
        let destructions = self.log.keys().destructions();
        // Read before the head: a state that is put meanwhile would be newer than the head.
        let found = self.kept::<A>(stream, destructions).or_else(|| self.part_of_kept(stream, destructions));
        let head = self.log.store().known_head(stream).map(Some);
        Known { stream: stream.clone(), destructions, found, whole: None, head }
    }

    async fn finish<A: Aggregate>(&self, stream: &StreamName, known: Known<A>) -> Result<Loaded<A>, ReadError> {
        let Known { destructions, found, whole, head, .. } = known;
        // The caller often needs it next: the first message of a device does.
        whole.iter().for_each(|whole| self.put(stream, whole, destructions));
        let head = match head {
            Some(head) => head,
            None => self.log.store().stream_head(stream).await?,
        };
        let Some(head) = head else { return Ok((Arc::default(), None)) };
        let Some(found) = found.filter(|found| found.head.revision <= head.revision) else {
            return self.load_whole(stream, destructions).await;
        };
        if found.head == head {
            self.put(stream, &found, destructions);
            return Ok((found.state, Some(head.revision)));
        }
        let mut entries = self.log.read_from(stream, found.head.revision).await?;
        if entries.first().is_none_or(|entry| entry.id != found.head.id) {
            return self.load_whole(stream, destructions).await;
        }
        entries.remove(0);
        self.fold(stream, Arc::unwrap_or_clone(found.state), found.head, entries, (destructions, found.stored))
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
            self.insert(Place::of::<A>(stream), Kept { stored: head.revision.0 + 1, ..kept });
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
        self.put(stream, &Found { state: Arc::clone(&state), head, stored, bytes: None }, destructions);
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
            let found = Found { state: Arc::clone(state), head, stored, bytes: None };
            self.put(stream, &found, may.destructions);
        }
    }

    fn kept<A: Aggregate>(&self, stream: &StreamName, destructions: u64) -> Option<Found<A>> {
        let kept = self.cache.get(&At::of::<A>(stream))?;
        if kept.destructions != destructions {
            // A state with fields of the destroyed key is not written.
            if let Some((place, kept)) = self.cache.remove(&At::of::<A>(stream)) {
                self.store_before_it_is_gone(place, kept);
            }
            return None;
        }
        let Kept { state, head, bytes, stored, .. } = kept;
        Some(Found { state: state.downcast().ok()?, head, stored, bytes: Some(bytes) })
    }

    // Returns a state that is a part of the stream's state that decides, if that one is in memory.
    fn part_of_kept<A: Aggregate>(&self, stream: &StreamName, destructions: u64) -> Option<Found<A>> {
        let whole = self.cache.peek(&At::whole(stream)).filter(|kept| kept.destructions == destructions)?;
        Found::part_of(whole.state.downcast_ref()?, whole.head)
    }

    // A newer state that was put meanwhile stays, unless it is older in terms of keys.
    fn put<A: Aggregate>(&self, stream: &StreamName, found: &Found<A>, destructions: u64) {
        let Found { state, head, stored, bytes } = found;
        let before = self.cache.peek(&At::of::<A>(stream));
        let is_there = |kept: &Kept| kept.head.revision >= head.revision && kept.destructions >= destructions;
        if before.as_ref().is_some_and(is_there) {
            return;
        }
        let events = head.revision.0 + 1;
        let is_stored_later = events >= stored + self.store_every && self.store_later(stream, state, *head);
        let bytes = match before.map(|kept| (kept.bytes, kept.head.revision.0)) {
            // Measuring takes as long as writing the state.
            Some((bytes, before)) if !is_stored_later && before < head.revision.0 => {
                bytes + EVENT_BYTES * (head.revision.0 - before)
            }
            _ => bytes.unwrap_or_else(|| size_of(state.as_ref())),
        };
        let (state, stored) = (Arc::clone(state), if is_stored_later { events } else { *stored });
        self.insert(
            Place::of::<A>(stream),
            Kept { state, as_json: as_json::<A>, head: *head, destructions, bytes, stored },
        );
    }

    fn insert(&self, place: Place, kept: Kept) {
        let head = kept.head;
        for (left, kept) in self.cache.insert_with_lifecycle(place.clone(), kept) {
            // The older state of the same place has not left: the newer one is there.
            if left != place || kept.head == head {
                self.store_before_it_is_gone(left, kept);
            }
        }
    }

    fn store_before_it_is_gone(&self, place: Place, kept: Kept) {
        if let Some(waiting) = kept.unstored().filter(|_| self.file.is_some()) {
            self.unstored.add(place, waiting);
        }
    }

    // Returns whether the state will be stored.
    fn store_later<A: Aggregate>(&self, stream: &StreamName, state: &Arc<A>, head: StreamHead) -> bool {
        let state: Arc<dyn Any + Send + Sync> = Arc::<A>::clone(state);
        let waiting = Waiting { state, head, as_json: as_json::<A> };
        self.file.is_some() && self.unstored.add(Place::of::<A>(stream), waiting)
    }

    /// Returns what is wrong with the file, if damage was found.
    pub(crate) fn damage(&self) -> Option<String> {
        self.file.as_ref()?.damage()
    }

    /// Writes the states that wait to be stored. States that cannot be written are folded from the log again when they
    /// are needed.
    pub(crate) async fn store(&self) {
        self.write(self.unstored.take().into_iter().collect()).await;
    }

    /// Same as [`States::store`], and also writes the states in memory that would take long to fold again.
    pub(crate) async fn store_all(&self) {
        self.store().await;
        let due = self.cache.iter().filter_map(|(place, kept)| Some((place, kept.unstored()?)));
        self.write(due.take(MOST_AT_END).collect()).await;
    }

    async fn write(&self, states: Vec<(Place, Waiting)>) {
        let Some(file) = self.file.clone().filter(|_| !states.is_empty()) else { return };
        let Ok(origin) = origin(&self.log).await else { return };
        let keys = Arc::clone(self.log.keys());
        let write = move || {
            let seal = |(place, Waiting { state, head, as_json }): (Place, Waiting)| {
                let (folded, names) = as_json(state.as_ref(), head)?;
                let row = file.seal(&place, &folded, names, keys.as_ref())?;
                Some((place, row))
            };
            let mut rows = states.into_iter().filter_map(seal).peekable();
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
    serde_json::to_writer(&mut counted, state).map_or(1024 * 1024, |()| size(counted.0))
}

// `json`: length of the JSON form in bytes.
fn size(json: u64) -> u64 {
    2 * json
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
