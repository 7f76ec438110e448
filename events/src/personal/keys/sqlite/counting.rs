//! The state that the key store and its log know about each other: the key sequence, lost keys and the last known
//! position of the log.

use super::{Row, SqliteKeyStore, destroy_in, unavailable};
use crate::personal::KeyName;
use crate::personal::keys::KeyError;
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

// For a store from before keys were counted: its number of keys is what it would have counted.
const COUNT: &str = "
    BEGIN IMMEDIATE;
    ALTER TABLE about ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE key ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
    UPDATE about SET sequence = (SELECT count(*) FROM key);
    COMMIT;";

impl SqliteKeyStore {
    /// Returns the keys among `names` that the store never had.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read.
    pub fn missing<'n>(&self, names: impl IntoIterator<Item = &'n KeyName>) -> Result<Vec<KeyName>, KeyError> {
        let connection = self.lock();
        let mut missing = Vec::new();
        for name in names {
            if matches!(self.row(&connection, name)?, Row::Absent) {
                missing.push(name.clone());
            }
        }
        Ok(missing)
    }

    /// Returns the keys in the store that cannot be unwrapped.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read.
    pub fn damaged(&self) -> Result<Vec<KeyName>, KeyError> {
        let connection = self.lock();
        let mut select =
            connection.prepare("SELECT name, wrapped FROM key WHERE wrapped IS NOT NULL").map_err(unavailable)?;
        let rows = select.query_map([], |row| Ok((KeyName(row.get(0)?), row.get::<_, Vec<u8>>(1)?)));
        let mut damaged = Vec::new();
        for row in rows.map_err(unavailable)? {
            let (name, wrapped) = row.map_err(unavailable)?;
            if self.unwrap(&name, &wrapped).is_err() {
                damaged.push(name);
            }
        }
        Ok(damaged)
    }

    /// Marks keys as lost that the store never had or that are damaged, destroys the keys of erased people, and raises
    /// the sequence to at least `sequence`, the highest one that the log recorded. All of this is one commit, so that
    /// no crash leaves the new sequence together with a key that was destroyed earlier. From then on fields under the
    /// lost keys read as lost, and these keys are never made again.
    ///
    /// # Errors
    /// Returns an error if the store cannot be written; then nothing is marked. Returns `Unavailable` also if a reader
    /// keeps an old page on the disk.
    pub fn give_up(&self, lost: &[KeyName], erased: &BTreeSet<KeyName>, sequence: u64) -> Result<(), KeyError> {
        let mut connection = self.lock();
        self.commit(&mut connection, |transaction| {
            let mut changed = 0;
            for name in erased {
                changed += destroy_in(transaction, name)?.0;
            }
            let mut insert = transaction
                .prepare_cached(
                    "INSERT INTO key (name, lost) VALUES (?1, 1) ON CONFLICT DO UPDATE SET wrapped = NULL, lost = 1",
                )
                .map_err(unavailable)?;
            for name in lost {
                let is_there = match self.row(transaction, name)? {
                    Row::Absent => false,
                    Row::Wrapped(wrapped) => self.unwrap(name, &wrapped).is_ok(),
                    Row::Destroyed | Row::Lost => true,
                };
                if !is_there {
                    changed += insert.execute([&name.0]).map_err(unavailable)? as u64;
                }
            }
            transaction.execute("UPDATE about SET sequence = max(sequence, ?1)", [sequence]).map_err(unavailable)?;
            Ok(changed)
        })?;
        self.cache.clear();
        self.destructions.fetch_add(1, Ordering::Release);
        if erased.is_empty() { Ok(()) } else { self.scrub(&connection) }
    }

    /// Returns a position that the log had reached when the store was last written.
    pub fn log_seen(&self) -> u64 {
        self.log_seen.position()
    }

    /// Stores the position of the log, if the log grew since the last change of keys.
    ///
    /// # Errors
    /// Returns an error if the store cannot be written.
    pub fn keep_log_seen(&self) -> Result<(), KeyError> {
        if !self.log_seen.is_behind() {
            return Ok(());
        }
        let mut connection = self.lock();
        self.commit(&mut connection, |_| Ok(0))
    }

    /// Accepts that the log ends at `position`, although a later position was seen.
    ///
    /// # Errors
    /// Returns an error if the store cannot be written.
    pub fn accept_log(&self, position: u64) -> Result<(), KeyError> {
        let connection = self.lock();
        self.log_seen.set_back(&connection, position).map_err(|error| self.fail("a commit", &error))
    }
}

/// Returns the sequence of a key store's file. For a file from before keys were counted, it is the number of keys.
pub(crate) fn sequence_of(connection: &Connection) -> rusqlite::Result<u64> {
    let select = if counts(connection)? { "SELECT sequence FROM about" } else { "SELECT count(*) FROM key" };
    connection.query_row(select, [], |row| row.get(0))
}

fn counts(connection: &Connection) -> rusqlite::Result<bool> {
    let column = "SELECT count(*) > 0 FROM pragma_table_info('about') WHERE name = 'sequence'";
    connection.query_row(column, [], |row| row.get(0))
}

/// Returns whether the file counts its keys. A file that does not is upgraded, unless it is open for reading only.
pub(super) fn learn_to_count(connection: &Connection) -> rusqlite::Result<bool> {
    if counts(connection)? {
        return Ok(true);
    }
    if connection.is_readonly("main")? {
        return Ok(false);
    }
    connection.execute_batch(COUNT)?;
    Ok(true)
}
