//! The work of the thread: batches of new events, merges, and rebuilds.

use super::block::Item;
use super::contents::Contents;
use super::file::{self, Double, Origin};
use super::handle::{Index, State};
use super::logged::{self, Claim};
use super::recent::RecentEvents;
use super::tail::Sizes;
use crate::envelope::Revision;
use crate::side_files::remove_database;
use crate::store::StreamHead;
use crate::store::sqlite::open_error::OpenError;
use crate::store::sqlite::row::is_damage;
use crate::store::sqlite::schema;
use crate::store::sqlite::tables::Tables;
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// Wait before the index is written again after an error.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The state of the thread.
pub(super) struct Work {
    index: Arc<Index>,
    tables: Tables,
    /// `None`: it has to be made again.
    file: Option<Contents>,
    generation: u64,
    /// Position up to which events are in the file.
    indexed: u64,
    /// Position up to which events are added from the log; later ones are in the tail.
    built_to: u64,
    /// Positions of corrupt events that claim the place of another event.
    passed: BTreeSet<u64>,
    sizes: Sizes,
}

enum Next {
    Again,
    Closed,
}

enum Broken {
    /// The index, or temporarily the log, cannot be used.
    Sqlite(rusqlite::Error),
    /// A page of the log is damaged, so the heads of its streams are unknown.
    Log(String),
    Double(Double),
}

impl From<rusqlite::Error> for Broken {
    fn from(error: rusqlite::Error) -> Broken {
        Broken::Sqlite(error)
    }
}

impl Work {
    /// The work on an open file that has the events up to `indexed`. Those up to `built_to` are added from the log.
    pub(super) fn new(
        index: Arc<Index>,
        tables: Tables,
        file: Contents,
        [indexed, built_to]: [u64; 2],
        sizes: Sizes,
    ) -> Work {
        Work { index, tables, file: Some(file), generation: 0, indexed, built_to, passed: BTreeSet::new(), sizes }
    }

    pub(super) fn run(&mut self) {
        let _panicked = Panicked(Arc::clone(&self.index));
        if matches!(*self.index.state.borrow(), State::Failed(_)) {
            // Found at the start.
            return;
        }
        loop {
            let done = self.step();
            match done {
                Ok(Next::Again) => {}
                Ok(Next::Closed) => return self.close(),
                Err(Broken::Sqlite(error)) if file::is_flaw(&error) => {
                    self.index.damaged(&error.to_string());
                    self.forget();
                    if self.index.shared().is_closing {
                        return;
                    }
                }
                Err(Broken::Sqlite(error)) => {
                    self.trouble(error.to_string());
                    if self.wait(Some(AGAIN_AFTER)) {
                        return;
                    }
                }
                Err(Broken::Log(why)) => {
                    tracing::error!(why, "the log cannot be indexed: restore the newest backup (`muster restore`)");
                    self.index.state.send_replace(State::Failed(why));
                    while !self.wait(None) {}
                    return;
                }
                Err(Broken::Double(double)) => {
                    if !self.is_examined(&double) {
                        return self.stop(&double);
                    }
                }
            }
        }
    }

    // It is tried again each second, and logged once.
    fn trouble(&self, why: String) {
        let before = self.index.shared().trouble.replace(why.clone());
        if before.as_ref() != Some(&why) {
            tracing::warn!(why, "index.db cannot be written; this is retried, and later appends wait");
        }
    }

    // Two events claim one place of a stream. A corrupt one is passed, and an index that leads elsewhere is made again.
    // Returns false if both are intact.
    fn is_examined(&mut self, double: &Double) -> bool {
        let Ok(log) = self.log() else { return false };
        match logged::examine(&log, self.tables, double) {
            Claim::Both => return false,
            Claim::Neither => self.forget(),
            Claim::Corrupt(positions) => {
                if positions.iter().all(|position| *position <= self.indexed) {
                    self.forget();
                }
                self.passed.extend(positions);
            }
        }
        true
    }

    // Returns whether the store is closing.
    fn wait(&self, at_most: Option<Duration>) -> bool {
        let shared = self.index.shared();
        let until = at_most.map(|at_most| Instant::now() + at_most);
        let mut shared = shared;
        while !shared.is_closing {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            match left {
                Some(left) if left.is_zero() => break,
                Some(left) => {
                    shared = self.index.changed.wait_timeout(shared, left).unwrap_or_else(PoisonError::into_inner).0;
                }
                None => shared = self.index.changed.wait(shared).unwrap_or_else(PoisonError::into_inner),
            }
        }
        shared.is_closing
    }

    fn step(&mut self) -> Result<Next, Broken> {
        // First: a rebuild that has not ended would go on with a file that is to be removed.
        if self.file.is_some() && self.index.shared().damage.is_some() {
            self.forget();
        }
        if self.file.is_none() {
            let file = Contents::of(remake(&self.index.path)?)?;
            self.index.use_filters(file.filters());
            self.file = Some(file);
            self.indexed = self.tables.old_end();
            self.generation += 1;
        }
        if matches!(*self.index.state.borrow(), State::Building { .. }) && !self.is_built() {
            return if self.index.shared().is_closing { Ok(Next::Closed) } else { self.build().map(|()| Next::Again) };
        }
        self.tell_ready();
        match self.next_batch() {
            Wanted::Rebuild => Ok(Next::Again),
            Wanted::Nothing => Ok(Next::Closed),
            Wanted::Flush { new, up_to } => {
                self.flush(&new, up_to)?;
                Ok(Next::Again)
            }
            Wanted::Work => self.work().map(|()| Next::Again),
        }
    }

    // An index of one run has no place twice: the merge would have found it.
    fn is_built(&self) -> bool {
        self.indexed >= self.built_to && self.file.as_ref().is_none_or(|file| !file.is_divided())
    }

    fn tell_ready(&self) {
        if let Some(file) = &self.file {
            file.note_ready();
        }
        // Held, so that damage that is reported meanwhile is not overwritten.
        let shared = self.index.shared();
        if shared.damage.is_none() && !matches!(*self.index.state.borrow(), State::Ready(_)) {
            self.index.state.send_replace(State::Ready(self.generation));
        }
    }

    // The file has to be made again, from the log up to what was indexed.
    fn forget(&mut self) {
        let mut shared = self.index.shared();
        shared.damage = None;
        self.index.state.send_replace(State::Building { done: 0, all: shared.tail.end() });
        drop(shared);
        // A head that was read from the damaged file may be too low.
        self.index.heads.clear();
        self.file = None;
        self.built_to = self.built_to.max(self.indexed);
    }

    fn next_batch(&self) -> Wanted {
        let mut shared = self.index.shared();
        loop {
            if shared.damage.is_some() {
                return Wanted::Rebuild;
            }
            // A batch would read every run for every stream, and would take longer than the filters.
            if !shared.is_closing && self.file.as_ref().is_some_and(Contents::lacks_filters) {
                return Wanted::Work;
            }
            let due = shared.tail.due_in();
            if due == Some(Duration::ZERO)
                || shared.tail.is_taken()
                || (shared.is_closing && shared.tail.is_waiting())
                || shared.tail.is_full()
            {
                let (new, up_to) = shared.tail.take();
                return Wanted::Flush { new, up_to };
            }
            if shared.is_closing {
                return Wanted::Nothing;
            }
            if self.file.as_ref().is_some_and(Contents::has_work) {
                return Wanted::Work;
            }
            shared = match due {
                Some(wait) => self.index.changed.wait_timeout(shared, wait).unwrap_or_else(PoisonError::into_inner).0,
                None => self.index.changed.wait(shared).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn log(&self) -> Result<Connection, Broken> {
        schema::connect_reader(&self.index.log).map_err(|error| match error {
            OpenError::Sqlite { error, .. } if !is_damage(&error) => Broken::Sqlite(error),
            error => Broken::Log(error.to_string()),
        })
    }

    // Does the next part of a rebuild: adds events from the log, or merges the runs.
    fn build(&mut self) -> Result<(), Broken> {
        let Some(file) = &mut self.file else { return Ok(()) };
        if file.has_work() {
            return self.work();
        }
        if self.indexed >= self.built_to {
            return file.unite()?.map_err(Broken::Double);
        }
        let up_to = self.built_to.min(self.indexed + self.sizes.rebuild);
        let log = self.log()?;
        let mut events: Vec<Item> = Vec::new();
        let read =
            logged::each(&log, self.tables, [self.indexed, up_to], |event| events.push((event.key, event.place)));
        read.map_err(|error| match is_damage(&error) {
            true => Broken::Log(error.to_string()),
            false => Broken::Sqlite(error),
        })?;
        self.add(events, &log, up_to, false)?;
        self.index.state.send_replace(State::Building { done: up_to, all: self.built_to });
        Ok(())
    }

    fn flush(&mut self, new: &RecentEvents, up_to: u64) -> Result<(), Broken> {
        let log = self.log()?;
        self.add(new.iter().map(|event| (event.key, event.place)).collect(), &log, up_to, true)?;
        self.built_to = up_to;
        // Before the events leave the tail, which knows their heads until then.
        for key in new.keys() {
            if let Some(last) = new.backwards(key).find(|event| !self.passed.contains(&event.place.position)) {
                self.index.heads.note(*key, StreamHead { revision: Revision(last.place.revision), id: last.id });
            }
        }
        self.index.shared().tail.flushed();
        self.index.changed.notify_all();
        Ok(())
    }

    // Adds events and sets the origin, in one transaction. If the heads of streams are known, places that are taken are
    // found at once.
    fn add(&mut self, mut events: Vec<Item>, log: &Connection, up_to: u64, has_heads: bool) -> Result<(), Broken> {
        let Some(file) = &mut self.file else { return Ok(()) };
        events.retain(|(_, place)| !self.passed.contains(&place.position));
        events.sort_unstable_by_key(|(key, place)| (*key, place.revision, place.position));
        let origin = Origin::at(log, self.tables, up_to);
        let heads = has_heads.then_some(&self.index.heads);
        file.add(&events, self.indexed, &origin, heads)?.map_err(Broken::Double)?;
        self.indexed = up_to;
        self.index.shared().trouble = None;
        Ok(())
    }

    fn work(&mut self) -> Result<(), Broken> {
        self.file.as_mut().map_or(Ok(Ok(())), Contents::work)?.map_err(Broken::Double)?;
        self.index.shared().trouble = None;
        Ok(())
    }

    // Two events claim one place of a stream: the log is not what it promises, so nothing more is written.
    fn stop(&self, double: &Double) {
        let why = logged::told(self.log().ok().as_ref(), self.tables, double);
        self.index.state.send_replace(State::Failed(why.clone()));
        self.index.failed.send_replace(Some(why));
    }

    fn close(&mut self) {
        if let Some(file) = self.file.take() {
            file.close();
        }
    }
}

/// Reports a panic of the thread: the store must stop, since nothing is indexed any more.
struct Panicked(Arc<Index>);

impl Drop for Panicked {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let why = "the log's index thread panicked: report this as a defect";
            self.0.state.send_replace(State::Failed(why.into()));
            self.0.failed.send_replace(Some(why.into()));
        }
    }
}

/// What the thread has to do next.
enum Wanted {
    Flush {
        new: Arc<RecentEvents>,
        up_to: u64,
    },
    Rebuild,
    /// Merges, or filters.
    Work,
    /// The store is closing and nothing is waiting.
    Nothing,
}

pub(super) fn remake(path: &Path) -> rusqlite::Result<Connection> {
    let cannot = |why: String| {
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN), Some(why))
    };
    remove_database(path).map_err(|error| cannot(format!("it cannot be removed: {error}")))?;
    file::open(path)?.ok_or_else(|| cannot("a new index is not one".into()))
}

#[cfg(test)]
mod tests {
    use super::super::recent::tests::recent;
    use super::super::tail::Tail;
    use super::*;
    use tokio::sync::watch;

    /// The work on a file with two runs that is opened again, and on a tail with an event that is due.
    fn work(directory: &Path) -> Work {
        let path = directory.join(file::FILE);
        let mut contents = Contents::of(file::open(&path).unwrap().unwrap()).unwrap();
        for position in 1..=2 {
            let origin = Origin { log: None, position, leaf: None };
            contents.add(&[], position - 1, &origin, None).unwrap().unwrap();
        }
        let contents = Contents::of(file::open(&path).unwrap().unwrap()).unwrap();
        let mut tail = Tail::after(2, Sizes::small(1));
        tail.push(recent(1, 0, 3));
        let failed = watch::Sender::new(None);
        let index = Index::new(&directory.join("events.db"), path, false, (tail, State::Ready(0)), failed);
        let tables = Tables::of(&Connection::open_in_memory().unwrap()).unwrap();
        Work::new(Arc::new(index), tables, contents, [2, 2], Sizes::USUAL)
    }

    #[test]
    fn a_damaged_file_is_made_again_before_its_runs_are_merged() {
        let directory = tempfile::tempdir().unwrap();
        let mut work = work(directory.path());
        work.index.damaged("a test says so");
        assert!(work.step().is_ok());
        assert!(work.file.is_some_and(|file| !file.is_divided()), "the new file has no run");
    }

    #[test]
    fn trouble_with_a_merge_ends_with_the_merge_also_if_no_event_follows() {
        let directory = tempfile::tempdir().unwrap();
        let mut work = work(directory.path());
        work.trouble("the disk is full".into());
        assert!(work.index.obstacle().is_some_and(|why| why.contains("the disk is full")));
        assert!(work.work().is_ok());
        assert_eq!(work.index.obstacle(), None);
    }

    #[test]
    fn filters_are_made_before_a_batch_is_added_unless_the_store_is_closing() {
        let directory = tempfile::tempdir().unwrap();
        let mut work = work(directory.path());
        for _ in 0..2 {
            assert!(matches!(work.next_batch(), Wanted::Work));
            assert!(work.work().is_ok());
        }
        assert!(matches!(work.next_batch(), Wanted::Flush { .. }));
        let directory = tempfile::tempdir().unwrap();
        let work = self::work(directory.path());
        work.index.close();
        assert!(matches!(work.next_batch(), Wanted::Flush { .. }));
    }
}
