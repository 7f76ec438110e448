//! The file of the index: its tables, and the log that it belongs to.

use crate::sqlite::plan_once;
use crate::store::sqlite::row::is_damage;
use crate::store::sqlite::tables::Tables;
use rusqlite::{Connection, OpenFlags, Transaction, params};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

/// File name of the index in the directory of the log.
pub(crate) const FILE: &str = "index.db";

/// Number of the format of the file. An index of another format is rebuilt.
const FORMAT: i64 = 3;
// "MSTX" in the file header.
const APPLICATION: i64 = 0x4d53_5458;

// `origin` has one row: the id of the log's first event, the position up to which events are indexed, and the leaf hash
// of the event there. It is written in the same transaction as the last run. `runs` is the CRC-32C of the rows of all
// runs. Blocks of a run without a row are left from a merge.
const TABLES: &str = "
    CREATE TABLE origin (log BLOB, position INTEGER NOT NULL, leaf BLOB, runs INTEGER NOT NULL) STRICT;
    INSERT INTO origin VALUES (NULL, 0, NULL, 0);
    CREATE TABLE runs (
        id      INTEGER PRIMARY KEY,
        after   INTEGER NOT NULL,
        up_to   INTEGER NOT NULL,
        events  INTEGER NOT NULL,
        streams INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE blocks (
        run     INTEGER NOT NULL,
        first   BLOB NOT NULL,
        entries BLOB NOT NULL,
        PRIMARY KEY (run, first)
    ) STRICT, WITHOUT ROWID;";

/// What an index belongs to, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Origin {
    /// Id of the log's first event; `None` for an empty index.
    pub(crate) log: Option<Vec<u8>>,
    /// Position up to which events are indexed.
    pub(crate) position: u64,
    /// Leaf hash of the event at that position.
    pub(crate) leaf: Option<Vec<u8>>,
}

impl Origin {
    /// Returns the origin of an index of this log up to `position`. What cannot be read in the log is `None`.
    pub(crate) fn at(log: &Connection, tables: Tables, position: u64) -> Origin {
        let blob = |column: &str, position: u64| {
            let select = format!("SELECT {column} FROM {} WHERE position = ?1", tables.table(position));
            log.prepare_cached(&select).and_then(|mut select| select.query_row([position], |row| row.get(0))).ok()
        };
        Origin { log: blob("event_id", 1), position, leaf: blob("leaf", position) }
    }

    /// Returns whether the log has the events that this index was built from. Events that cannot be read show nothing.
    pub(crate) fn fits(&self, log: &Connection, tables: Tables) -> rusqlite::Result<bool> {
        if self.position > tables.head(log)?.unwrap_or_default() {
            return Ok(false);
        }
        let there = Origin::at(log, tables, self.position);
        let is_other = |a: &Option<Vec<u8>>, b: &Option<Vec<u8>>| a.is_some() && b.is_some() && a != b;
        Ok(self.position == 0 || !(is_other(&self.log, &there.log) || is_other(&self.leaf, &there.leaf)))
    }
}

/// Returns whether an error says that the index is damaged: its pages, or values that it never writes.
pub(in crate::store::sqlite) fn is_flaw(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error};
    is_damage(error)
        || matches!(
            error,
            FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | Utf8Error(..)
        )
}

/// Opens the index for writing, and creates it if it is missing. `None`: the file is not an index of this format, or it
/// is damaged.
pub(super) fn open(path: &Path) -> rusqlite::Result<Option<Connection>> {
    let is_new = !path.exists();
    if is_new {
        // Created here to set its mode. SQLite gives the same mode to the side files.
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        made.map_err(|error| cannot_open(&error))?;
    }
    let connection = Connection::open(path)?;
    let prepared = connection.busy_timeout(Duration::from_secs(5)).and_then(|()| {
        plan_once(&connection)?;
        // A power failure loses the newest commits and nothing else, since the log has their events.
        connection.execute_batch("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
        connection.execute_batch("PRAGMA wal_autocheckpoint = 4000; PRAGMA cell_size_check = ON;")?;
        // KiB: runs are written and read in order, so more does not help.
        connection.execute_batch("PRAGMA cache_size = -8192;")?;
        if is_new {
            make(&connection)?;
        }
        is_index(&connection)
    });
    match prepared {
        Ok(true) => Ok(Some(connection)),
        Ok(false) => Ok(None),
        Err(error) if is_damage(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn cannot_open(error: &std::io::Error) -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
    rusqlite::Error::SqliteFailure(code, Some(error.to_string()))
}

fn make(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {FORMAT}; COMMIT;"
    ))
}

fn is_index(connection: &Connection) -> rusqlite::Result<bool> {
    let pragma = |name: &str| -> rusqlite::Result<i64> { connection.pragma_query_value(None, name, |row| row.get(0)) };
    Ok(pragma("application_id")? == APPLICATION && pragma("user_version")? == FORMAT)
}

/// Opens the index for reading. `None`: there is none of this format.
pub(super) fn open_read_only(path: &Path) -> rusqlite::Result<Option<Connection>> {
    if !path.is_file() {
        return Ok(None);
    }
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    plan_once(&connection)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;")?;
    Ok(is_index(&connection)?.then_some(connection))
}

pub(super) fn origin(index: &Connection) -> rusqlite::Result<Origin> {
    let origin = |row: &rusqlite::Row<'_>| Ok(Origin { log: row.get(0)?, position: row.get(1)?, leaf: row.get(2)? });
    index.prepare_cached("SELECT log, position, leaf FROM origin")?.query_row([], origin)
}

pub(super) fn set_origin(transaction: &Transaction<'_>, origin: &Origin) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("UPDATE origin SET log = ?1, position = ?2, leaf = ?3")?
        .execute(params![origin.log, origin.position, origin.leaf])
        .map(drop)
}

/// Two events with the same revision of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Double {
    pub(super) revision: u64,
    /// Positions of both events.
    pub(super) positions: [u64; 2],
}
