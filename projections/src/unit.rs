//! One projection with its own file: opening it, and folding events into it.

use crate::checkpoints::{self, Checkpoint};
use crate::disposable::{self, Damage, SetAside};
use crate::files::{builds_of, path_of};
use crate::{Projection, ProjectionError, empty_write_ahead_log};
use events::side_files::remove_database;
use events::{Entry, Position};
use rusqlite::{Connection, OpenFlags};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Number of events after which a checkpoint is stored although no row changed. After a start they are folded again,
/// which changes no row.
const STORED_AFTER: u64 = 1_000;

/// A projection and its current file.
pub(crate) struct Unit {
    pub(crate) projection: &'static dyn Projection,
    directory: PathBuf,
    live: Mutex<Option<Live>>,
    /// What readers open. `None`: there are no rows yet.
    current: Mutex<Option<Arc<File>>>,
    pub(crate) damage: Damage,
}

/// The current file and the connection that writes it.
pub(crate) struct Live {
    projection: &'static dyn Projection,
    writer: Connection,
    /// Up to where the rows are folded.
    pub(crate) checkpoint: Checkpoint,
    /// The position in the file. The one in memory may be further, if the events between change no row.
    stored: Option<Position>,
    file: Arc<File>,
}

/// A file of a projection. It is removed when the last connection to it is closed, if another one replaced it.
pub(crate) struct File {
    pub(crate) path: PathBuf,
    is_replaced: AtomicBool,
}

impl File {
    fn new(path: PathBuf) -> Arc<File> {
        Arc::new(File { path, is_replaced: AtomicBool::new(false) })
    }

    pub(crate) fn is_replaced(&self) -> bool {
        self.is_replaced.load(Ordering::Relaxed)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if self.is_replaced()
            && let Err(error) = remove_database(&self.path)
        {
            let file = self.path.display();
            tracing::warn!(%file, %error, "a replaced file of a projection cannot be removed; the next start removes it");
        }
    }
}

/// What folding a batch into one projection led to.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    pub(crate) position: Option<Position>,
    /// Set if an event could not be folded. The rows of the events before it are kept.
    pub(crate) stopped: Option<ProjectionError>,
}

impl Unit {
    /// Opens the newest file of the projection's version in `directory`, and removes the others. Creates an empty one
    /// if there is none and `creates`.
    ///
    /// # Errors
    /// Returns an error if a file cannot be used. A damaged one is set aside.
    pub(crate) fn open(
        projection: &'static dyn Projection,
        directory: &Path,
        creates: bool,
    ) -> Result<(Unit, Option<SetAside>), ProjectionError> {
        let mut builds = builds_of(projection, directory)?;
        let newest = builds.pop();
        for (_, path) in &builds {
            remove_database(path).map_err(crate::unusable)?;
        }
        let unit = Unit {
            projection,
            directory: directory.to_owned(),
            live: Mutex::default(),
            current: Mutex::default(),
            damage: Damage::default(),
        };
        let path = match newest {
            Some((_, path)) => path,
            None if creates => path_of(projection, directory, 1),
            None => return Ok((unit, None)),
        };
        remove_without_checkpoint(&path, projection)?;
        let (opened, aside) = disposable::open(&path, |writer| prepare(writer, projection))?;
        let (writer, checkpoint) = opened;
        if aside.is_some() && !creates {
            // The rows are built beside, from the start.
            drop(writer);
            remove_database(&path).map_err(crate::unusable)?;
        } else {
            unit.put(Some(Live { projection, writer, checkpoint, stored: checkpoint.position, file: File::new(path) }));
        }
        Ok((unit, aside))
    }

    pub(crate) fn name(&self) -> &'static str {
        self.projection.name()
    }

    /// Returns the path for the next build.
    pub(crate) fn next_path(&self) -> Result<PathBuf, ProjectionError> {
        let newest = builds_of(self.projection, &self.directory)?.last().map_or(0, |(build, _)| *build);
        Ok(path_of(self.projection, &self.directory, newest + 1))
    }

    pub(crate) fn live(&self) -> MutexGuard<'_, Option<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the file that readers open; `None` if there are no rows yet.
    pub(crate) fn file(&self) -> Option<Arc<File>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the current file, which is removed when its last reader has ended.
    pub(crate) fn put(&self, live: Option<Live>) {
        let mut place = self.live();
        let file = live.as_ref().map(|live| Arc::clone(&live.file));
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = file;
        if let Some(replaced) = std::mem::replace(&mut *place, live) {
            replaced.file.is_replaced.store(true, Ordering::Relaxed);
        }
    }

    /// Begins with an empty file, or with none if the file is to be built beside.
    ///
    /// # Errors
    /// Returns an error if a file cannot be created.
    pub(crate) fn begin_again(&self, creates: bool) -> Result<(), ProjectionError> {
        let live = if creates { Some(Live::open(self.projection, self.next_path()?)?) } else { None };
        self.put(live);
        Ok(())
    }

    /// Folds entries that the projection does not have yet; rows and checkpoint in one transaction.
    ///
    /// # Errors
    /// Returns an error if the file cannot be used. An event that cannot be folded is no error of the file.
    pub(crate) fn fold(&self, entries: &[&Entry]) -> Result<Folded, ProjectionError> {
        let mut live = self.live();
        let Some(live) = live.as_mut() else { return Ok(Folded::default()) };
        live.fold(entries).inspect_err(|error| self.note(&live.file.path, error))
    }

    /// Notes damage for health checks and the next start.
    pub(crate) fn note(&self, path: &Path, error: &ProjectionError) {
        if let ProjectionError::Damaged(why) = error {
            self.damage.note(path, why);
        }
    }
}

impl Live {
    /// Opens a file of `projection` for writing, or creates it.
    ///
    /// # Errors
    /// Returns an error if the file cannot be used.
    pub(crate) fn open(projection: &'static dyn Projection, path: PathBuf) -> Result<Live, ProjectionError> {
        let writer = disposable::connect(&path)?;
        let (checkpoint, file) = (prepare(&writer, projection)?, File::new(path));
        Ok(Live { projection, writer, checkpoint, stored: checkpoint.position, file })
    }

    /// Same as [`Unit::fold`].
    pub(crate) fn fold(&mut self, entries: &[&Entry]) -> Result<Folded, ProjectionError> {
        let new = entries.partition_point(|entry| Some(entry.position) <= self.checkpoint.position);
        let entries = &entries[new..];
        let stopped = match self.fold_all(entries)? {
            Ok(()) => None,
            Err((before, error)) => {
                // The transaction was rolled back: what comes before the event is folded without it.
                if let Err((_, again)) = self.fold_all(&entries[..before])? {
                    return Err(ProjectionError::Database(again));
                }
                Some(ProjectionError::Stopped {
                    projection: self.projection.name(),
                    event: entries.get(before).map_or_else(String::new, |entry| entry.id.to_string()),
                    why: error,
                })
            }
        };
        Ok(Folded { position: self.checkpoint.position, stopped })
    }

    // The inner error: the number of entries before the one that cannot be folded, and why.
    fn fold_all(&mut self, entries: &[&Entry]) -> Result<Result<(), (usize, String)>, ProjectionError> {
        let Some(last) = entries.last() else { return Ok(Ok(())) };
        let (before, unstored) = (self.writer.total_changes(), self.unstored(Some(last.position)));
        // Deferred: if no row changes, the transaction writes nothing. No other connection writes.
        let transaction = self.writer.transaction()?;
        let mut checkpoint = self.checkpoint;
        if let Err((nth, failure)) = fold_entries(&transaction, self.projection, entries, &mut checkpoint) {
            return failure.map(|why| Err((nth, why)));
        }
        if transaction.total_changes() != before || unstored >= STORED_AFTER {
            checkpoints::keep(&transaction, self.projection, checkpoint)?;
            transaction.commit()?;
            self.stored = checkpoint.position;
        }
        self.checkpoint = checkpoint;
        Ok(Ok(()))
    }

    /// Stores the checkpoint, and copies the write-ahead log into the file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub(crate) fn store(&mut self) -> Result<(), ProjectionError> {
        self.store_checkpoint()?;
        Ok(empty_write_ahead_log(&self.writer)?)
    }

    // By how many positions the checkpoint in the file is behind.
    fn unstored(&self, position: Option<Position>) -> u64 {
        let [reached, stored] = [position, self.stored].map(|position| position.map_or(0, |position| position.0));
        reached.saturating_sub(stored)
    }

    pub(crate) fn store_checkpoint(&mut self) -> rusqlite::Result<()> {
        if self.stored != self.checkpoint.position {
            checkpoints::keep(&self.writer, self.projection, self.checkpoint)?;
            self.stored = self.checkpoint.position;
        }
        Ok(())
    }

    pub(crate) fn file(&self) -> &Arc<File> {
        &self.file
    }
}

impl Drop for Live {
    // The next start then reads no event again: one that has become unreadable since would stop all projections. After
    // an error it reads some events again, which changes no row.
    fn drop(&mut self) {
        if !self.file.is_replaced() {
            let _ = self.store_checkpoint();
        }
    }
}

/// Folds entries in order. The error has the number of entries before the one that failed, and what failed: the event
/// (the inner `Ok`, with the reason), or the file.
pub(crate) fn fold_entries(
    rows: &Connection,
    projection: &dyn Projection,
    entries: &[&Entry],
    checkpoint: &mut Checkpoint,
) -> Result<(), (usize, Result<String, ProjectionError>)> {
    for (nth, entry) in entries.iter().enumerate() {
        let effective = checkpoint.effective.max(entry.at);
        // A fold that panics at an event stops this projection, and no other.
        let folded = catch_unwind(AssertUnwindSafe(|| projection.fold(rows, entry, effective)));
        match folded {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err((nth, poison_or_file(error))),
            Err(_) => return Err((nth, Ok("the fold panicked".to_owned()))),
        }
        *checkpoint = Checkpoint { position: Some(entry.position), effective, leaf: Some(entry.leaf) };
    }
    Ok(())
}

// A damaged file, a full disk and a lock that another process holds are no fault of the event.
fn poison_or_file(error: rusqlite::Error) -> Result<String, ProjectionError> {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly,
        ) => Err(error.into()),
        _ => match ProjectionError::from(error) {
            error @ (ProjectionError::Damaged(_) | ProjectionError::DiskFull(_)) => Err(error),
            ProjectionError::Database(why) => Ok(why),
            error => Ok(error.to_string()),
        },
    }
}

// Rows come with their checkpoint. Tables without one are of another version, or were left by a start that folded
// nothing.
fn remove_without_checkpoint(path: &Path, projection: &dyn Projection) -> Result<(), ProjectionError> {
    // Opened without creating it, since a new file has to get its mode.
    let rows = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE);
    let is_without = rows.and_then(|rows| checkpoints::read(&rows, projection));
    match is_without {
        Ok(checkpoint) if checkpoint.position.is_none() => remove_database(path).map_err(crate::unusable),
        // What is wrong with the file shows when it is opened.
        _ => Ok(()),
    }
}

// Creates missing tables and returns the checkpoint.
fn prepare(writer: &Connection, projection: &dyn Projection) -> rusqlite::Result<Checkpoint> {
    empty_write_ahead_log(writer)?;
    writer.set_prepared_statement_cache_capacity(64);
    let transaction = writer.unchecked_transaction()?;
    transaction.execute_batch(checkpoints::TABLE)?;
    transaction.execute_batch(projection.schema())?;
    transaction.execute_batch(projection.indexes())?;
    let checkpoint = checkpoints::read(&transaction, projection)?;
    transaction.commit()?;
    Ok(checkpoint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::person::PersonEvent;
    use events::{Actor, ActorKind, Event, EventId, Revision, StreamName, Timestamp};
    use uuid::Uuid;

    /// Keeps the position of each event, and panics at 3.
    struct Panics;

    impl Projection for Panics {
        fn name(&self) -> &'static str {
            "panics"
        }

        fn version(&self) -> u32 {
            1
        }

        fn tables(&self) -> &'static [&'static str] {
            &["panics_positions"]
        }

        fn schema(&self) -> &'static str {
            "CREATE TABLE IF NOT EXISTS panics_positions (position INTEGER)"
        }

        fn fold(&self, rows: &Connection, entry: &Entry, _effective: Timestamp) -> rusqlite::Result<()> {
            rows.execute("INSERT INTO panics_positions VALUES (?1)", [crate::sql(entry.position)])?;
            assert_ne!(entry.position, Position(3), "a fold that fails");
            Ok(())
        }
    }

    fn entry(position: u64) -> Entry {
        Entry {
            stream: StreamName::of("person", "1"),
            revision: Revision(position),
            position: Position(position),
            leaf: [0; 32],
            id: EventId(Uuid::from_u128(position.into())),
            at: Timestamp(0),
            actor: Actor::new(ActorKind::System, "test"),
            source: None,
            correlation: Uuid::nil(),
            causation: None,
            event: Event::Person(PersonEvent::PersonErased {}),
        }
    }

    #[test]
    fn a_fold_that_panics_stops_before_its_event_and_names_it() {
        let directory = tempfile::tempdir().unwrap();
        let (unit, _) = Unit::open(&Panics, directory.path(), true).unwrap();
        let entries: Vec<Entry> = (1..=5).map(entry).collect();
        let folded = unit.fold(&entries.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(folded.position, Some(Position(2)));
        let stopped = folded.stopped.unwrap().to_string();
        assert!(stopped.contains(&entries[2].id.to_string()) && stopped.contains("panicked"), "{stopped}");
        drop(unit);
        let (unit, _) = Unit::open(&Panics, directory.path(), true).unwrap();
        let live = unit.live();
        let live = live.as_ref().unwrap();
        assert_eq!(live.checkpoint.position, Some(Position(2)));
        let rows = "SELECT group_concat(position) FROM panics_positions";
        assert_eq!(live.writer.query_row(rows, [], |row| row.get::<_, String>(0)).unwrap(), "1,2");
    }
}
