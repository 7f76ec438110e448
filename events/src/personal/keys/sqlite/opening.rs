//! Creates and opens the file of the key store.

use super::counting::{learn_to_count, sequence_of};
use super::waiting::Waiting;
use super::{CACHED, COMMITS_BETWEEN_CHECKPOINTS, Randomness, SqliteKeyStore, unavailable};
use crate::personal::keys::log_seen::LogSeen;
use crate::personal::keys::{KeyError, MasterKey};
use crate::side_files;
use crate::sqlite::plan_once;
use quick_cache::sync::Cache;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;
use tokio::sync::watch;

// A destroyed or lost key keeps its row, without the key, so that it is never made again.
const SCHEMA: &str = "
    CREATE TABLE key (
        name TEXT PRIMARY KEY, wrapped BLOB, owner TEXT, lost INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX key_owner ON key (owner) WHERE owner IS NOT NULL;
    CREATE TABLE about (master_key TEXT NOT NULL, sequence INTEGER NOT NULL DEFAULT 0) STRICT;";

impl SqliteKeyStore {
    /// Creates a new key store with this master key.
    ///
    /// # Errors
    /// Returns an error if a key store or its side files exist already, or the file cannot be written.
    pub fn create(path: &Path, master: MasterKey, randomness: Randomness) -> Result<SqliteKeyStore, KeyError> {
        if path.exists() {
            return Err(KeyError::Exists(path.to_owned()));
        }
        let left = side_files::left_behind(path).map_err(|error| KeyError::Unavailable(error.to_string()))?;
        left.map_or(Ok(()), |left| Err(KeyError::LeftBehind(left)))?;
        // Created under another name first, so that a crash does not leave an incomplete key store.
        let unfinished = path.with_extension("new");
        let removed = || side_files::remove_database(&unfinished);
        removed().map_err(|error| KeyError::Unavailable(error.to_string()))?;
        make(&unfinished, &master).map_err(|error| {
            // Only the first error is reported.
            let _ = removed();
            unavailable(error)
        })?;
        std::fs::rename(&unfinished, path)
            .and_then(|()| File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all())
            .map_err(|error| KeyError::Unavailable(error.to_string()))?;
        SqliteKeyStore::open(path, master, randomness)
    }

    /// Opens the key store.
    ///
    /// # Errors
    /// Returns `Missing` if there is no key store, `WrongMasterKey` if it was created with another master key,
    /// `Damaged` if the file is not a key store.
    pub fn open(path: &Path, master: MasterKey, randomness: Randomness) -> Result<SqliteKeyStore, KeyError> {
        SqliteKeyStore::open_with(path, master, randomness, connect)
    }

    /// Opens the key store for reading only: no key is made, changed or destroyed.
    ///
    /// # Errors
    /// Same as [`SqliteKeyStore::open`].
    pub fn open_read_only(path: &Path, master: MasterKey, randomness: Randomness) -> Result<SqliteKeyStore, KeyError> {
        SqliteKeyStore::open_with(path, master, randomness, connect_reader)
    }

    fn open_with(
        path: &Path,
        master: MasterKey,
        randomness: Randomness,
        connect: fn(&Path) -> rusqlite::Result<Connection>,
    ) -> Result<SqliteKeyStore, KeyError> {
        if !path.exists() {
            return Err(KeyError::Missing(path.to_owned()));
        }
        let connection = connect(path).map_err(unavailable)?;
        // Read first, since a file without this table, or with an empty one, is not a key store.
        let fingerprint: String =
            connection.query_row("SELECT master_key FROM about", [], |row| row.get(0)).map_err(hollow)?;
        let counts = learn_to_count(&connection).map_err(unavailable)?;
        let sequence = sequence_of(&connection).map_err(unavailable)?;
        let log_seen = LogSeen::of(&connection).map_err(unavailable)?;
        if fingerprint != master.fingerprint() {
            return Err(KeyError::WrongMasterKey(path.to_owned()));
        }
        let path = path.to_owned();
        let failed = watch::Sender::new(None);
        // The first commit triggers a checkpoint, which copies what a crash left in the write-ahead log.
        let commits = AtomicU32::new(COMMITS_BETWEEN_CHECKPOINTS - 1);
        let (connection, sequence) = (Mutex::new(connection), AtomicU64::new(sequence));
        let (cache, destructions) = (Cache::new(CACHED), AtomicU64::new(0));
        Ok(SqliteKeyStore {
            connection,
            behind: Mutex::new(None),
            cache,
            waiting: Waiting::default(),
            destructions,
            failed,
            commits,
            rows: AtomicU64::new(0),
            sequence,
            log_seen,
            counts,
            path,
            master,
            randomness,
        })
    }
}

fn make(path: &Path, master: &MasterKey) -> rusqlite::Result<()> {
    // Created here to set its mode. SQLite gives the same mode to the side files.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let connection = connect(path)?;
    connection.execute_batch(&format!("BEGIN IMMEDIATE; {SCHEMA}"))?;
    connection.execute("INSERT INTO about (master_key) VALUES (?1)", [master.fingerprint()])?;
    // Copies everything into the one file, which is renamed next.
    connection.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE);")?;
    // Closing removes the side files, whose names contain the temporary name.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    connection.close().map_err(|(_, error)| error)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    plan_once(&connection)?;
    connection.execute_batch(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
         PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;",
    )?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

pub(super) fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    plan_once(&connection)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;")?;
    Ok(connection)
}

// A truncated file or another database: waiting does not help.
fn hollow(error: rusqlite::Error) -> KeyError {
    let no_table = |text: &String| text.starts_with("no such table") || text.starts_with("no such column");
    match &error {
        rusqlite::Error::QueryReturnedNoRows => KeyError::Damaged("its table `about` is empty".to_owned()),
        rusqlite::Error::SqliteFailure(_, Some(text)) if no_table(text) => KeyError::Damaged(text.clone()),
        rusqlite::Error::SqlInputError { msg, .. } if no_table(msg) => KeyError::Damaged(msg.clone()),
        _ => unavailable(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[test]
    fn a_file_that_cannot_be_read_now_is_not_said_to_be_damaged() {
        let failed = |code, text: &str| rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(text.to_owned()));
        let refused = |text: &str| rusqlite::Error::SqlInputError {
            error: ffi::Error::new(ffi::SQLITE_ERROR),
            msg: text.to_owned(),
            sql: "SELECT master_key FROM about".to_owned(),
            offset: 0,
        };
        let damaged = |error| matches!(hollow(error), KeyError::Damaged(_));
        assert!(damaged(failed(ffi::SQLITE_ERROR, "no such table: about")));
        assert!(damaged(failed(ffi::SQLITE_CORRUPT, "database disk image is malformed")));
        assert!(damaged(refused("no such column: master_key")));
        assert!(!damaged(failed(ffi::SQLITE_BUSY, "database is locked")));
        assert!(!damaged(refused("not authorized")));
    }
}
