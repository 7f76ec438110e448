//! `common.db`: what belongs to no projection. It survives a rebuild, and may be lost.

use crate::disposable::{self, SetAside};
use crate::files::{COMMON, ONE_FILE};
use crate::{ProjectionError, empty_write_ahead_log, origin};
use events::side_files::remove_database;
use events::{KeyName, Position};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};
use std::collections::BTreeSet;
use std::path::Path;

/// Positions of the followers of the log, keys that were damaged when rows were folded, and last contacts.
pub(crate) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS followers (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS set_aside (
        follower TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (follower, position)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS damaged_keys (name TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS last_seen (device TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS last_seen_by_at ON last_seen (at);
";

/// Opens the file in `directory` for writing, or creates it. A damaged file is set aside.
///
/// # Errors
/// Returns an error if the file cannot be used.
pub(crate) fn open(directory: &Path) -> Result<(Connection, Option<SetAside>), ProjectionError> {
    let ((writer, ()), aside) = disposable::open(&directory.join(COMMON), |writer| {
        empty_write_ahead_log(writer)?;
        writer.execute_batch(TABLES)?;
        writer.execute_batch(origin::TABLE)
    })?;
    Ok((writer, aside))
}

/// Moves what an earlier release kept in one file next to the log into `common`, and removes that file. Its projections
/// are folded again. A file that cannot be read is only removed.
///
/// # Errors
/// Returns an error if `common` cannot be written, or the file cannot be removed.
pub(crate) fn take_over(common: &mut Connection, store: &Path) -> Result<(), ProjectionError> {
    let path = store.join(ONE_FILE);
    if !path.try_exists().map_err(crate::unusable)? {
        return Ok(());
    }
    if let Err(error) = copy(common, &path) {
        tracing::warn!(%error, "what projections.db knew besides the projections cannot be taken over: times of last contact are lost");
    }
    remove_database(&path).map_err(crate::unusable)
}

fn copy(common: &mut Connection, path: &Path) -> rusqlite::Result<()> {
    common.execute("ATTACH DATABASE ?1 AS earlier", [path.to_string_lossy()])?;
    let copied = copy_attached(common);
    common.execute_batch("DETACH DATABASE earlier")?;
    copied
}

fn copy_attached(common: &mut Connection) -> rusqlite::Result<()> {
    let transaction = common.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for table in ["followers", "set_aside", "last_seen", "origin"] {
        let is_there = "SELECT 1 FROM earlier.sqlite_master WHERE type = 'table' AND name = ?1";
        if transaction.query_row(is_there, [table], |_| Ok(())).optional()?.is_some() {
            transaction.execute_batch(&format!("INSERT OR IGNORE INTO main.{table} SELECT * FROM earlier.{table}"))?;
        }
    }
    transaction.commit()
}

/// Returns the greatest position of a follower.
pub(crate) fn furthest_follower(common: &Connection) -> rusqlite::Result<Option<Position>> {
    let position: Option<i64> = common.query_row("SELECT max(position) FROM followers", [], |row| row.get(0))?;
    Ok(position.map(|position| Position(position.cast_unsigned())))
}

/// Stores the keys that were damaged when rows were folded.
pub(crate) fn keep_damaged_keys(common: &mut Connection, names: &BTreeSet<KeyName>) -> Result<(), ProjectionError> {
    let transaction = common.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for name in names {
        transaction.execute("INSERT INTO damaged_keys (name) VALUES (?1) ON CONFLICT DO NOTHING", [&name.0])?;
    }
    Ok(transaction.commit()?)
}

/// Returns whether `is_whole` holds for a key that was damaged when rows were folded.
pub(crate) fn is_any_whole(common: &Connection, is_whole: impl Fn(&KeyName) -> bool) -> rusqlite::Result<bool> {
    let mut select = common.prepare("SELECT name FROM damaged_keys")?;
    let names = select.query_map([], |row| Ok(KeyName(row.get(0)?)))?;
    Ok(names.collect::<Result<Vec<_>, _>>()?.iter().any(is_whole))
}

pub(crate) fn forget_damaged_keys(common: &Connection) -> rusqlite::Result<()> {
    common.execute_batch("DELETE FROM damaged_keys")
}
