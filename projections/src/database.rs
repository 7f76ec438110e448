//! `projections.db`: its connections, schema and checkpoints, and how a batch of events becomes rows.

use crate::follow::{Health, Progress};
use crate::{ALL, Projection, ProjectionError, sql};
use events::{Entry, Position, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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
}

/// Read connections that are kept open while nobody uses them.
const IDLE_READERS: usize = 8;

/// Tables that belong to no projection: checkpoints, and what may be lost.
const COMMON: &str = "
    CREATE TABLE IF NOT EXISTS checkpoints (
        projection TEXT PRIMARY KEY, version INTEGER NOT NULL, position INTEGER, effective INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS followers (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS last_seen (device TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
";

impl Projections {
    /// Opens `projections.db` in `directory`; makes it where there is none.
    ///
    /// # Errors
    /// If the file cannot be used.
    pub fn open(directory: &Path) -> Result<Projections, ProjectionError> {
        let path = directory.join("projections.db");
        let writer = open_writer(&path)?;
        let position = furthest_common(&writer)?;
        let progress = Progress::at(position);
        let inner = Inner { path, writer: Mutex::new(writer), readers: Mutex::new(Vec::new()), progress };
        Ok(Projections { inner: Arc::new(inner) })
    }

    /// Where the file lies.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// How far the projections are, and whether one stopped.
    pub fn health(&self) -> Health {
        self.inner.progress.health()
    }

    /// The position up to which the follower `name` (a reaction) has done its work.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn checkpoint(&self, name: &'static str) -> Result<Option<Position>, ProjectionError> {
        self.read(move |rows| {
            rows.query_row("SELECT position FROM followers WHERE name = ?1", [name], |row| row.get::<_, i64>(0))
                .optional()
                .map(|position| position.map(|position| Position(position.cast_unsigned())))
        })
        .await
    }

    /// Keeps the position up to which the follower `name` has done its work.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn set_checkpoint(&self, name: &'static str, position: Position) -> Result<(), ProjectionError> {
        self.write(move |rows| {
            let keep = "INSERT INTO followers (name, position) VALUES (?1, ?2)
                ON CONFLICT (name) DO UPDATE SET position = excluded.position";
            rows.execute(keep, params![name, sql(position)])?;
            Ok(())
        })
        .await
    }

    /// Runs a query on a connection that cannot write.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ProjectionError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let connection = inner.take_reader()?;
            let result = query(&connection);
            inner.put_back(connection);
            Ok(result?)
        })
        .await
    }

    /// Does something on the one connection that writes.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, ProjectionError> + Send + 'static,
    ) -> Result<T, ProjectionError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let mut writer = inner.writer.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut writer)
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
                Ok(connection)
            }
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
    work: impl FnOnce() -> Result<T, ProjectionError> + Send + 'static,
) -> Result<T, ProjectionError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ProjectionError::Database(error.to_string()))?
}

/// Opens the file for writing and makes the tables that are missing.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, ProjectionError> {
    // Made here for its mode, which SQLite gives to the files beside it as well.
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| ProjectionError::Database(error.to_string()))?;
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // What is lost on a power cut is folded again from the log.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.execute_batch(COMMON)?;
    for projection in ALL {
        connection.execute_batch(projection.schema())?;
    }
    Ok(connection)
}

/// How far one projection is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Checkpoint {
    pub position: Option<Position>,
    pub effective: Timestamp,
}

pub(crate) fn checkpoint_of(rows: &Connection, projection: &dyn Projection) -> rusqlite::Result<Checkpoint> {
    let select = "SELECT position, effective FROM checkpoints WHERE projection = ?1 AND version = ?2";
    let found = rows.prepare_cached(select)?.query_row(params![projection.name(), projection.version()], |row| {
        let position: Option<i64> = row.get(0)?;
        Ok(Checkpoint {
            position: position.map(|position| Position(position.cast_unsigned())),
            effective: Timestamp(row.get(1)?),
        })
    });
    Ok(found.optional()?.unwrap_or_default())
}

/// The position that every projection has reached.
pub(crate) fn furthest_common(rows: &Connection) -> Result<Option<Position>, ProjectionError> {
    let mut positions = Vec::with_capacity(ALL.len());
    for projection in ALL {
        positions.push(checkpoint_of(rows, *projection)?.position);
    }
    Ok(positions.into_iter().min().flatten())
}

/// Folds entries into every projection that has not seen them, rows and checkpoints in one transaction.
pub(crate) fn apply(connection: &mut Connection, entries: &[Entry]) -> Result<Option<Position>, ProjectionError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for projection in ALL {
        apply_one(&transaction, *projection, entries)?;
    }
    let position = furthest_common(&transaction)?;
    transaction.commit()?;
    Ok(position)
}

fn apply_one(rows: &Connection, projection: &dyn Projection, entries: &[Entry]) -> Result<(), ProjectionError> {
    let mut checkpoint = checkpoint_of(rows, projection)?;
    for entry in entries.iter().filter(|entry| Some(entry.position) > checkpoint.position) {
        checkpoint.effective = checkpoint.effective.max(entry.at);
        projection.fold(rows, entry, checkpoint.effective).map_err(|error| ProjectionError::Stopped {
            projection: projection.name(),
            event: entry.id.to_string(),
            why: error.to_string(),
        })?;
    }
    checkpoint.position = checkpoint.position.max(entries.last().map(|entry| entry.position));
    let keep = "INSERT INTO checkpoints (projection, version, position, effective) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (projection) DO UPDATE SET version = excluded.version, position = excluded.position,
            effective = excluded.effective";
    let position = checkpoint.position.map(sql);
    rows.prepare_cached(keep)?.execute(params![
        projection.name(),
        projection.version(),
        position,
        checkpoint.effective.0
    ])?;
    Ok(())
}

/// Drops the tables of earlier versions. Called when the present ones have caught up.
pub(crate) fn drop_old_versions(connection: &mut Connection) -> Result<(), ProjectionError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tables: Vec<String> = {
        let mut names = transaction.prepare("SELECT name FROM sqlite_master WHERE type = 'table'")?;
        let names = names.query_map([], |row| row.get(0))?;
        names.collect::<Result<_, _>>()?
    };
    for table in tables.iter().filter(|table| is_old(table)) {
        transaction.execute_batch(&format!("DROP TABLE \"{table}\""))?;
    }
    transaction.commit()?;
    Ok(())
}

fn is_old(table: &str) -> bool {
    ALL.iter().any(|projection| {
        let any = format!("{}_v", projection.name());
        let present = format!("{any}{}_", projection.version());
        table.starts_with(&any) && !table.starts_with(&present)
    })
}
