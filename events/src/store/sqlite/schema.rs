//! The database file: its tables, the settings of its connections, and the checks that it is a Muster log.

use super::open_error::{OpenError, file_error};
use super::{FILE, FORMAT, lock};
use crate::side_files::{left_behind, remove_database};
use crate::sqlite::plan_once;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

// "MSTR" in the file header, which identifies the file to Muster and to `file`.
const APPLICATION: i64 = 0x4d53_5452;

// Format 2. Rows are never deleted, so positions have no gaps and follow the order of commits. `envelope` holds the
// canonical bytes, `leaf` their leaf hash, `crc` the CRC-32C of leaf and envelope. There is no constraint on stream and
// revision: its index would be written inside each synced transaction. The writer checks heads, and the index by stream
// is in a file of its own (`index`). There is no index by event id: a repeated append is recognized by the ids at the
// place where it expects to write. The events of format 1 stay in their own tables (`tables`).
const LOG: &str = "
    CREATE TABLE IF NOT EXISTS log (
        position INTEGER PRIMARY KEY,
        stream   TEXT NOT NULL,
        revision INTEGER NOT NULL,
        event_id BLOB NOT NULL,
        leaf     BLOB NOT NULL,
        crc      INTEGER NOT NULL,
        envelope TEXT NOT NULL
    ) STRICT;";

// One row: the highest sequence of the key store that any event was sealed with. NULL if unknown, in a log from before
// this table existed. An older program that writes to the log does not update it.
const KEY_SEQUENCE: &str = "
    CREATE TABLE IF NOT EXISTS key_sequence (value INTEGER) STRICT;
    INSERT INTO key_sequence SELECT NULL WHERE NOT EXISTS (SELECT 1 FROM key_sequence);";

/// Creates an empty log. It is created under another name first, so that a crash does not leave an incomplete log.
pub(super) fn create(directory: &Path) -> Result<(), OpenError> {
    check_library()?;
    let path = directory.join(FILE);
    if path.exists() {
        return Err(OpenError::Exists(directory.to_owned()));
    }
    std::fs::create_dir_all(directory).map_err(|error| file_error(directory, error))?;
    check_file_system(directory)?;
    let _lock = lock::take(directory)?;
    expect_nothing_left(&path)?;
    let unfinished = directory.join("events.db.new");
    remove_database(&unfinished).map_err(|error| file_error(&unfinished, error))?;
    // Created here to set its mode. SQLite gives the same mode to the side files.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .map_err(|error| file_error(&unfinished, error))?;
    make(&unfinished).map_err(|error| {
        // Only the first error is reported.
        let _ = remove_database(&unfinished);
        OpenError::Sqlite { path: unfinished.clone(), error }
    })?;
    std::fs::rename(&unfinished, &path).map_err(|error| file_error(&path, error))?;
    sync_directory(directory)
}

/// Returns an error if the side files of another database exist at this path.
pub(super) fn expect_nothing_left(database: &Path) -> Result<(), OpenError> {
    match left_behind(database).map_err(|error| file_error(database, error))? {
        Some(left) => Err(OpenError::LeftBehind(left)),
        None => Ok(()),
    }
}

fn make(path: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open(path)?;
    connection.execute_batch(&format!(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         BEGIN IMMEDIATE; {LOG} {KEY_SEQUENCE} UPDATE key_sequence SET value = 0; PRAGMA application_id = {APPLICATION};
         PRAGMA user_version = {FORMAT}; COMMIT;
         PRAGMA wal_checkpoint(TRUNCATE);",
    ))?;
    connection.close().map_err(|(_, error)| error)
}

/// Returns an error if the directory has no log, before any file is created in it.
pub(super) fn expect_log(directory: &Path) -> Result<(), OpenError> {
    check_library()?;
    if !directory.join(FILE).is_file() {
        return Err(OpenError::Missing(directory.to_owned()));
    }
    check_file_system(directory)
}

pub(super) fn connect_writer(path: &Path) -> Result<Connection, OpenError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, |connection| {
        connection
            .execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cell_size_check = ON;")?;
        connection.execute_batch(&format!("BEGIN IMMEDIATE; {KEY_SEQUENCE} COMMIT;"))?;
        if connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? < FORMAT {
            // From now on an older program refuses the log, since it would not see the events of the new table.
            connection.execute_batch(&format!("BEGIN IMMEDIATE; {LOG} PRAGMA user_version = {FORMAT}; COMMIT;"))?;
        }
        // The writer runs the checkpoints itself. SQLite ignores errors of its automatic checkpoints, and a failed sync
        // must end the process instead of being repeated.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map(drop)
    })
}

pub(super) fn connect_reader(path: &Path) -> Result<Connection, OpenError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, |connection| connection.execute_batch("PRAGMA query_only = ON;"))
}

fn connect(
    path: &Path,
    access: OpenFlags,
    prepare: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> Result<Connection, OpenError> {
    let sqlite = |error| match error {
        rusqlite::Error::SqliteFailure(code, _) if code.code == rusqlite::ErrorCode::NotADatabase => {
            OpenError::NotALog(path.to_owned())
        }
        error => OpenError::Sqlite { path: path.to_owned(), error },
    };
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(sqlite)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(sqlite)?;
    check_format(&connection, path, sqlite)?;
    plan_once(&connection).map_err(sqlite)?;
    prepare(&connection).and_then(|()| connection.execute_batch("PRAGMA trusted_schema = OFF;")).map_err(sqlite)?;
    Ok(connection)
}

fn check_format(
    connection: &Connection,
    path: &Path,
    sqlite: impl Fn(rusqlite::Error) -> OpenError,
) -> Result<(), OpenError> {
    let pragma = |name: &str| -> rusqlite::Result<i64> { connection.pragma_query_value(None, name, |row| row.get(0)) };
    if pragma("application_id").map_err(&sqlite)? != APPLICATION {
        return Err(OpenError::NotALog(path.to_owned()));
    }
    let format = pragma("user_version").map_err(&sqlite)?;
    if format > FORMAT {
        return Err(OpenError::TooNew { path: path.to_owned(), format });
    }
    Ok(())
}

// The WAL-reset bug: in SQLite up to 3.51.2, a checkpoint that races with a commit of another connection can lose it.
fn check_library() -> Result<(), OpenError> {
    if rusqlite::version_number() < 3_051_003 { Err(OpenError::OldLibrary(rusqlite::version())) } else { Ok(()) }
}

fn check_file_system(directory: &Path) -> Result<(), OpenError> {
    match lock::network_file_system(directory) {
        Some(filesystem) => Err(OpenError::NetworkFileSystem { path: directory.to_owned(), filesystem }),
        None => Ok(()),
    }
}

/// Syncs a directory, which makes its file names durable.
pub(super) fn sync_directory(directory: &Path) -> Result<(), OpenError> {
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(|error| file_error(directory, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::{OptionalExtension as _, StatementStatus};

    #[test]
    fn a_statement_is_planned_once_whatever_is_bound_to_it() {
        let directory = tempfile::tempdir().unwrap();
        create(directory.path()).unwrap();
        let connection = connect_reader(&directory.path().join(FILE)).unwrap();
        let select = "SELECT position FROM log WHERE position > ?1 ORDER BY position LIMIT ?2";
        let mut statement = connection.prepare(select).unwrap();
        for limit in [1, 1_000, 5] {
            statement.query_row([0, limit], |_| Ok(())).optional().unwrap();
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
