//! `projections.db`: its connections, schema and checkpoints, and how a batch of events is folded into rows.

use crate::checkpoints::{checkpoint_of, drop_other_version, forget_if, furthest, furthest_common, keep_checkpoint};
use crate::disposable::{self, Damage, SetAside};
use crate::last_seen::LastSeen;
use crate::origin;
use crate::progress::{Health, Progress};
use crate::{ALL, Projection, ProjectionError};
use events::background::Lane;
use events::sqlite::plan_once;
use events::{Entry, KeyName, Position};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// The projections of one log. Cheap to clone.
#[derive(Clone)]
pub struct Projections {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    pub(crate) progress: Progress,
    pub(crate) last_seen: LastSeen,
    damage: Damage,
    was_ahead: Option<Position>,
}

/// File name of the database in the store's directory.
pub const FILE: &str = "projections.db";

/// Maximum number of idle read connections that are kept open.
const IDLE_READERS: usize = 8;

/// Tables that belong to no projection: checkpoints, and data that may be lost.
const COMMON: &str = "
    CREATE TABLE IF NOT EXISTS checkpoints (
        projection TEXT PRIMARY KEY, version INTEGER NOT NULL, position INTEGER, effective INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS followers (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS set_aside (
        follower TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (follower, position)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS damaged_keys (name TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS last_seen (device TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
";

impl Projections {
    /// Opens `projections.db` in `directory`, or creates it. A damaged file is set aside and replaced by a new one. A
    /// file that is ahead of the log is replaced too: it was folded from another log, or from events that the log lost,
    /// and the next events of this log would be skipped. `head`: the position of the log's last event.
    ///
    /// # Errors
    /// Returns an error if the file cannot be used.
    pub fn open(directory: &Path, head: Option<Position>) -> Result<(Projections, Option<SetAside>), ProjectionError> {
        let path = directory.join(FILE);
        Beside::at(&path).remove();
        let open = || {
            disposable::open(&path, |writer| {
                prepare(writer)?;
                Ok((furthest_common(writer, &BTreeSet::new())?, furthest(writer)?))
            })
        };
        let ((mut writer, (mut position, furthest)), mut set_aside) = open()?;
        let was_ahead = furthest.filter(|_| furthest > head);
        if was_ahead.is_some() {
            drop(writer);
            disposable::remove(&path).map_err(|error| ProjectionError::Database(error.to_string()))?;
            let anew;
            ((writer, (position, _)), anew) = open()?;
            set_aside = set_aside.or(anew);
        }
        let (progress, damage) = (Progress::at(position), Damage::default());
        let (writer, readers, last_seen) = (Mutex::new(writer), Mutex::new(Vec::new()), LastSeen::new());
        let inner = Inner { path, writer, readers, progress, last_seen, damage, was_ahead };
        Ok((Projections { inner: Arc::new(inner) }, set_aside))
    }

    /// Deletes all rows if a key that was damaged when rows were folded is intact again. [`Projections::run`] then
    /// folds the log from its start. Call this before it.
    ///
    /// # Errors
    /// Returns an error if the file cannot be used.
    pub async fn fold_anew_if(
        &self,
        is_whole: impl Fn(&KeyName) -> bool + Send + 'static,
    ) -> Result<bool, ProjectionError> {
        let forgotten = self.write(move |rows| forget_if(rows, is_whole)).await?;
        if forgotten {
            self.inner.progress.change(|health| health.position = None);
        }
        Ok(forgotten)
    }

    /// Returns what is wrong with the file, if damage was found.
    pub fn damage(&self) -> Option<String> {
        self.inner.damage.found()
    }

    /// Returns the position that the file had reached when it was opened, if it was ahead of the log. Such a file was
    /// rebuilt.
    pub fn was_ahead(&self) -> Option<Position> {
        self.inner.was_ahead
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Returns the progress of the projections and whether one stopped.
    pub fn health(&self) -> Health {
        self.inner.progress.health()
    }

    /// Subscribes to changes of the health.
    pub fn watch(&self) -> watch::Receiver<Health> {
        self.inner.progress.watch()
    }

    /// Runs a query on the rows of a projection.
    pub(crate) async fn read_of<T: Send + 'static>(
        &self,
        projection: &'static str,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ProjectionError> {
        // After it stopped, its rows would appear complete although they are not.
        if let Some(stopped) = self.health().stopped_alone.get(projection) {
            return Err(stopped.clone());
        }
        self.read(query).await
    }

    /// Runs a query on a read-only connection.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ProjectionError> {
        let inner = Arc::clone(&self.inner);
        blocking(Lane::Usual, move || {
            let read = || -> Result<T, ProjectionError> {
                let connection = inner.take_reader()?;
                let result = query(&connection);
                inner.put_back(connection);
                Ok(result?)
            };
            read().inspect_err(|error| inner.note(error))
        })
        .await
    }

    /// Runs `work` on the single connection that writes.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, ProjectionError> + Send + 'static,
    ) -> Result<T, ProjectionError> {
        self.write_on(Lane::Usual, work).await
    }

    /// Runs `work` on the single connection that writes, on the threads `lane`.
    pub(crate) async fn write_on<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce(&mut Connection) -> Result<T, ProjectionError> + Send + 'static,
    ) -> Result<T, ProjectionError> {
        let inner = Arc::clone(&self.inner);
        blocking(lane, move || {
            let mut writer = inner.writer.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut writer).inspect_err(|error| inner.note(error))
        })
        .await
    }
}

impl Inner {
    fn take_reader(&self) -> Result<Connection, ProjectionError> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(connection) => Ok(connection),
            None => {
                let connection = Connection::open(&self.path)?;
                connection.busy_timeout(Duration::from_secs(10))?;
                connection.pragma_update(None, "query_only", true)?;
                plan_once(&connection)?;
                Ok(connection)
            }
        }
    }

    fn note(&self, error: &ProjectionError) {
        if let ProjectionError::Damaged(why) = error {
            self.damage.note(&self.path, why);
        }
    }

    fn put_back(&self, connection: Connection) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < IDLE_READERS {
            readers.push(connection);
        }
    }
}

async fn blocking<T: Send + 'static>(
    lane: Lane,
    work: impl FnOnce() -> Result<T, ProjectionError> + Send + 'static,
) -> Result<T, ProjectionError> {
    lane.spawn_blocking(work).await.map_err(|error| ProjectionError::Database(error.to_string()))?
}

/// Opens the file at `path` for writing and creates missing tables.
pub(crate) fn open_writer(path: &Path) -> rusqlite::Result<Connection> {
    let writer = disposable::connect(path)?;
    prepare(&writer)?;
    Ok(writer)
}

fn prepare(writer: &Connection) -> rusqlite::Result<()> {
    empty_write_ahead_log(writer)?;
    writer.set_prepared_statement_cache_capacity(128);
    writer.execute_batch(COMMON)?;
    writer.execute_batch(origin::TABLE)?;
    for projection in ALL {
        let transaction = writer.unchecked_transaction()?;
        drop_other_version(&transaction, *projection)?;
        transaction.execute_batch(projection.schema())?;
        transaction.commit()?;
    }
    Ok(())
}

/// Result of folding a batch.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// Every projection that did not stop has reached this position.
    pub position: Option<Position>,
    /// Projections that stopped in this batch, each with the event that it could not fold.
    pub stopped: Vec<(&'static str, ProjectionError)>,
}

/// Folds entries into every projection that has not seen them and is not in `stopped`; rows and checkpoints in one
/// transaction. If a fold fails, only its projection stops; its earlier rows are kept.
pub(crate) fn apply(
    connection: &mut Connection,
    entries: &[&Entry],
    mut stopped: BTreeSet<&'static str>,
) -> Result<Applied, ProjectionError> {
    if let Some(applied) = apply_if_all_fold(connection, entries, &stopped)? {
        return Ok(applied);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut failed = Vec::new();
    for projection in running(&stopped).collect::<Vec<_>>() {
        if let Err(error) = apply_alone(&transaction, projection, entries)? {
            stopped.insert(projection.name());
            failed.push((projection.name(), error));
        }
    }
    commit(transaction, entries, &stopped, failed)
}

// Returns `None`, and has written nothing, if a projection cannot fold an entry. Without a savepoint for each
// projection, SQLite need not copy the pages that it changes.
fn apply_if_all_fold(
    connection: &mut Connection,
    entries: &[&Entry],
    stopped: &BTreeSet<&'static str>,
) -> Result<Option<Applied>, ProjectionError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for projection in running(stopped) {
        match apply_one(&transaction, projection, entries) {
            Ok(()) => {}
            // A damaged file affects all projections.
            Err((_, error)) if disposable::is_damage(&error) => return Err(error.into()),
            Err(_) => return Ok(None),
        }
    }
    commit(transaction, entries, stopped, Vec::new()).map(Some)
}

fn running(stopped: &BTreeSet<&'static str>) -> impl Iterator<Item = &'static dyn Projection> {
    ALL.iter().copied().filter(|projection| !stopped.contains(projection.name()))
}

fn commit(
    transaction: Transaction<'_>,
    entries: &[&Entry],
    stopped: &BTreeSet<&'static str>,
    failed: Vec<(&'static str, ProjectionError)>,
) -> Result<Applied, ProjectionError> {
    if let Some(last) = entries.last() {
        origin::note(&transaction, last.position, last.leaf)?;
    }
    let position = furthest_common(&transaction, stopped)?;
    transaction.commit()?;
    Ok(Applied { position, stopped: failed })
}

// The inner error is one of the projection, the outer one of the file.
fn apply_alone(
    rows: &Connection,
    projection: &dyn Projection,
    entries: &[&Entry],
) -> Result<Result<(), ProjectionError>, ProjectionError> {
    rows.prepare_cached("SAVEPOINT one")?.execute([])?;
    let (before, error) = match apply_one(rows, projection, entries) {
        Ok(()) => return Ok(Ok(rows.prepare_cached("RELEASE one")?.execute([]).map(drop)?)),
        // A damaged file affects all projections.
        Err((_, error)) if disposable::is_damage(&error) => return Err(error.into()),
        Err(failed) => failed,
    };
    rows.execute_batch("ROLLBACK TO one; RELEASE one")?;
    let failed = entries.get(before);
    apply_one(rows, projection, &entries[..before]).map_err(|(_, error)| error)?;
    Ok(Err(ProjectionError::Stopped {
        projection: projection.name(),
        event: failed.map_or_else(|| "at its checkpoint".to_owned(), |entry| entry.id.to_string()),
        why: error.to_string(),
    }))
}

// The error includes the number of entries before the one that could not be folded.
fn apply_one(
    rows: &Connection,
    projection: &dyn Projection,
    entries: &[&Entry],
) -> Result<(), (usize, rusqlite::Error)> {
    let mut checkpoint = checkpoint_of(rows, projection).map_err(|error| (0, error))?;
    for (nth, entry) in entries.iter().enumerate().filter(|(_, entry)| Some(entry.position) > checkpoint.position) {
        checkpoint.effective = checkpoint.effective.max(entry.at);
        projection.fold(rows, entry, checkpoint.effective).map_err(|error| (nth, error))?;
    }
    keep_checkpoint(rows, projection, checkpoint, entries).map_err(|error| (entries.len(), error))
}

/// Copies the write-ahead log into the file and truncates it. Until then it contains pages with text that was cleared
/// from rows.
pub(crate) fn empty_write_ahead_log(connection: &Connection) -> rusqlite::Result<()> {
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        // A reader kept an old page for longer than the busy timeout. Opening the file also truncates the log.
        tracing::warn!("projections.db-wal still contains text of an erased person until the next erasure or restart");
    }
    Ok(())
}

/// The file that is built next to the current one.
pub(crate) struct Beside(pub(crate) PathBuf);

impl Beside {
    pub(crate) fn at(path: &Path) -> Beside {
        Beside(path.with_extension("db.rebuild"))
    }

    /// Removes the file. That of an interrupted rebuild cannot be used, and may contain text of people who were erased
    /// since.
    pub(crate) fn remove(&self) {
        for suffix in ["", "-wal", "-shm"] {
            let mut path = self.0.clone().into_os_string();
            path.push(suffix);
            std::fs::remove_file(PathBuf::from(path)).ok();
        }
    }
}
