//! What readers and the writer of this process know of the index: whether it is ready, the events that it does not have
//! yet, and the last events of streams.

use super::file::is_flaw;
use super::filter::Filters;
use super::recent::RecentEvents;
use super::search::IndexReader;
use super::tail::{Heads, Tail};
use super::{Key, Place};
use crate::store::StreamHead;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long readers and appends wait for an index that is being rebuilt.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the index and the tail have every event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store::sqlite) enum State {
    /// They do. The number changes with each new file, so that readers open it again.
    Ready(u64),
    /// The index is being rebuilt: `done` of `all` positions.
    Building { done: u64, all: u64 },
    /// The log cannot be indexed.
    Failed(String),
}

/// Why the index cannot be used.
#[derive(Debug)]
pub(in crate::store::sqlite) enum Unusable {
    /// It is being rebuilt, or cannot be opened at present.
    NotReady(String),
    /// It is missing or damaged, and has to be made again.
    Flawed(String),
}

/// The index of a log that this process writes.
pub(in crate::store::sqlite) struct Index {
    pub(super) log: PathBuf,
    pub(super) path: PathBuf,
    shared: Mutex<Shared>,
    pub(super) changed: Condvar,
    pub(super) state: watch::Sender<State>,
    pub(super) heads: Heads,
    filters: Mutex<Arc<Filters>>,
    // Whether streams may be in the tables of format 1, which have no filter.
    has_old: bool,
    // Of the store: two events with the same revision stop the process.
    pub(super) failed: watch::Sender<Option<String>>,
}

pub(super) struct Shared {
    pub(super) tail: Tail,
    pub(super) is_closing: bool,
    /// Why the file has to be made again.
    pub(super) damage: Option<String>,
    /// Why the last batch could not be added.
    pub(super) trouble: Option<String>,
}

impl Index {
    pub(super) fn new(
        log: &Path,
        path: PathBuf,
        has_old: bool,
        (tail, state): (Tail, State),
        failed: watch::Sender<Option<String>>,
    ) -> Index {
        let shared = Mutex::new(Shared { tail, is_closing: false, damage: None, trouble: None });
        let (changed, state, heads) = (Condvar::new(), watch::Sender::new(state), Heads::new());
        Index { log: log.to_owned(), path, shared, changed, state, heads, filters: Mutex::default(), has_old, failed }
    }

    /// Makes the thread index what is waiting and end.
    pub(super) fn close(&self) {
        self.shared().is_closing = true;
        self.changed.notify_all();
    }

    pub(super) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the file with this number for reading.
    ///
    /// # Errors
    /// Returns an error if the file is damaged, cannot be opened, or was made again meanwhile.
    pub(in crate::store::sqlite) fn open_reader(&self, generation: u64) -> Result<IndexReader, Unusable> {
        let opened = IndexReader::with(&self.path, self.filters());
        // The filters or the file may be those of another number: a stream that they lack would pass for absent.
        match self.generation().map_err(Unusable::NotReady)? {
            now if now == generation => {}
            _ => return Err(Unusable::NotReady("its index by stream was rebuilt meanwhile".into())),
        }
        match opened {
            Ok(reader) => reader.ok_or_else(|| Unusable::Flawed("it is missing".into())),
            Err(error) if is_flaw(&error) => Err(Unusable::Flawed(error.to_string())),
            Err(error) => Err(Unusable::NotReady(error.to_string())),
        }
    }

    /// Uses the filters of a new file.
    pub(super) fn use_filters(&self, filters: Arc<Filters>) {
        *self.filters.lock().unwrap_or_else(PoisonError::into_inner) = filters;
    }

    fn filters(&self) -> Arc<Filters> {
        Arc::clone(&self.filters.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(in crate::store::sqlite) fn state(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Returns the number of the file that readers may use; an error while there is none.
    pub(in crate::store::sqlite) fn generation(&self) -> Result<u64, String> {
        match &*self.state.borrow() {
            State::Ready(generation) => Ok(*generation),
            State::Building { done, all } => {
                Err(format!("its index by stream is being rebuilt ({done} of {all} events)"))
            }
            State::Failed(why) => Err(format!("its events cannot be found by stream: {why}")),
        }
    }

    /// Waits until the index is ready, at most [`PATIENCE`].
    pub(in crate::store::sqlite) async fn ready(&self) -> Result<u64, String> {
        if let Ok(generation) = self.generation() {
            return Ok(generation);
        }
        let mut state = self.state();
        let ready = state.wait_for(|state| !matches!(state, State::Building { .. }));
        let _ = tokio::time::timeout(PATIENCE, ready).await;
        self.generation()
    }

    /// Waits until the index is no longer being rebuilt.
    pub(in crate::store::sqlite) async fn built(&self) {
        // An error means that the index is gone, and so is the caller's store.
        let _ = self.state().wait_for(|state| !matches!(state, State::Building { .. })).await;
    }

    /// Returns why streams cannot be read and appended to, or will not be when the tail is full; `None` if all is well.
    pub(in crate::store::sqlite) fn obstacle(&self) -> Option<String> {
        let trouble = || self.shared().trouble.as_ref().map(|why| format!("events cannot be added to index.db: {why}"));
        self.generation().err().or_else(trouble)
    }

    /// Waits until the index is ready, at most [`PATIENCE`]. Blocks.
    pub(in crate::store::sqlite) fn wait_until_ready(&self) {
        let begun = Instant::now();
        while matches!(*self.state.borrow(), State::Building { .. }) && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Reports that the file is damaged or wrong: it is made again.
    pub(in crate::store::sqlite) fn damaged(&self, why: &str) {
        let mut shared = self.shared();
        if self.generation().is_err() {
            return;
        }
        tracing::warn!(why, "index.db is damaged; it is rebuilt");
        shared.damage = Some(why.to_owned());
        self.state.send_replace(State::Building { done: 0, all: shared.tail.end() });
        drop(shared);
        self.changed.notify_all();
    }

    /// Waits until the tail has room, at most [`PATIENCE`]. Returns whether it has. Blocks.
    pub(in crate::store::sqlite) fn has_room(&self) -> bool {
        let shared = self.shared();
        if !shared.tail.is_full() {
            return true;
        }
        self.changed.notify_all();
        let waited = self.changed.wait_timeout_while(shared, PATIENCE, |shared| shared.tail.is_full());
        let (shared, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !shared.tail.is_full()
    }

    /// Adds committed events, in order of position.
    pub(in crate::store::sqlite) fn note(&self, events: &RecentEvents) {
        let mut shared = self.shared();
        let was_idle = shared.tail.due_in().is_none();
        events.iter().for_each(|event| shared.tail.push(*event));
        let is_due = shared.tail.due_in() == Some(Duration::ZERO);
        drop(shared);
        if was_idle || is_due {
            self.changed.notify_all();
        }
    }

    /// Returns the places of a stream that may not be in the index, from revision `from` on, and the number of batches
    /// that left the memory for the index. Call it before the index is read.
    pub(in crate::store::sqlite) fn recent(&self, key: &Key, from: u64) -> (Vec<Place>, u64) {
        let shared = self.shared();
        (shared.tail.places(key, from), shared.tail.flushes())
    }

    /// Returns the last event of a stream if it is in the tail, and the number of batches that left the memory for the
    /// index.
    pub(in crate::store::sqlite) fn in_tail(&self, key: &Key) -> (Option<StreamHead>, u64) {
        let shared = self.shared();
        (shared.tail.head(key), shared.tail.flushes())
    }

    /// Returns the last event of a stream that is not in the tail, if it is in memory.
    pub(in crate::store::sqlite) fn remembered(&self, key: &Key) -> Option<StreamHead> {
        self.heads.get(key)
    }

    /// Returns whether every run has its filter.
    #[cfg(any(test, feature = "contract"))]
    pub(in crate::store::sqlite) fn is_read(&self) -> bool {
        self.filters().now().is_complete()
    }

    /// Returns true if the stream is known to have no event. Call it after the tail was asked: an event that leaves the
    /// tail is in the index before.
    pub(in crate::store::sqlite) fn is_absent(&self, key: &Key) -> bool {
        !self.has_old && self.generation().is_ok() && self.filters().now().is_absent(key)
    }

    /// Returns the last event of a stream if it is in memory.
    pub(in crate::store::sqlite) fn known(&self, key: &Key) -> Option<StreamHead> {
        self.in_tail(key).0.or_else(|| self.heads.get(key))
    }

    /// Returns the last event of a stream, and reads it with `read` if it is not in memory.
    ///
    /// # Errors
    /// Returns an error of `read`.
    pub(in crate::store::sqlite) async fn head<E>(
        &self,
        key: &Key,
        read: impl Future<Output = Result<Option<StreamHead>, E>>,
    ) -> Result<Option<StreamHead>, E> {
        match self.known(key) {
            Some(head) => Ok(Some(head)),
            None if self.is_absent(key) => Ok(None),
            None => self.heads.get_or(key, read).await,
        }
    }

    /// Same as [`Index::head`], but blocks. `None`: `read` failed, or another caller reads the same stream.
    pub(in crate::store::sqlite) fn head_here(
        &self,
        key: &Key,
        read: impl FnOnce() -> Option<Option<StreamHead>>,
    ) -> Option<Option<StreamHead>> {
        match self.known(key) {
            Some(head) => Some(Some(head)),
            None if self.is_absent(key) => Some(None),
            None => self.heads.get_or_here(key, read),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::super::tail::Sizes;
    use super::*;

    #[test]
    fn a_file_that_was_made_again_while_it_was_opened_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(file::FILE);
        let index = Index::new(
            &directory.path().join("events.db"),
            path.clone(),
            false,
            (Tail::after(0, Sizes::USUAL), State::Ready(1)),
            watch::Sender::new(None),
        );
        assert!(matches!(index.open_reader(0), Err(Unusable::NotReady(_))), "the old file is gone for good");
        assert!(matches!(index.open_reader(1), Err(Unusable::Flawed(_))));
        drop(file::open(&path).unwrap());
        assert!(matches!(index.open_reader(0), Err(Unusable::NotReady(_))));
        assert!(index.open_reader(1).is_ok());
        index.state.send_replace(State::Building { done: 0, all: 1 });
        assert!(matches!(index.open_reader(1), Err(Unusable::NotReady(_))));
    }
}
