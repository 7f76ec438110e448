//! What the key store and its log know of each other: the sequence of keys, keys that are lost, how far the log was.

use super::{Row, SqliteKeyStore, destroy_in, unavailable};
use crate::personal::KeyName;
use crate::personal::keys::KeyError;
use rusqlite::Connection;
use std::collections::BTreeSet;

// A store that was made before it counted: the number of its keys is what it would have counted.
const COUNT: &str = "
    BEGIN IMMEDIATE;
    ALTER TABLE about ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE key ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
    UPDATE about SET sequence = (SELECT count(*) FROM key);
    COMMIT;";

impl SqliteKeyStore {
    /// Those of `names` that the store never had.
    ///
    /// # Errors
    /// If the store cannot be read.
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

    /// Keys in the store that cannot be unwrapped.
    ///
    /// # Errors
    /// If the store cannot be read.
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

    /// Notes keys as lost that the store never had or that are damaged, destroys those of erased people, and counts on from `sequence`, which a log has
    /// seen: all in one commit, so that no crash leaves the new sequence beside a key that was destroyed once. From then on the log's
    /// fields under these keys read so, and the keys are never made again.
    ///
    /// # Errors
    /// If it cannot be written; then nothing is noted. `Unavailable` also if a reader keeps an old page on the disk.
    pub fn give_up(&self, lost: &[KeyName], erased: &BTreeSet<KeyName>, sequence: u64) -> Result<(), KeyError> {
        let mut connection = self.lock();
        self.commit(&mut connection, |transaction| {
            let mut changed = 0;
            for name in erased {
                changed += destroy_in(transaction, name)?;
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
        self.cache().clear();
        if erased.is_empty() { Ok(()) } else { self.scrub(&connection) }
    }

    /// A position that the log had reached when the store was last written.
    pub fn log_seen(&self) -> u64 {
        self.log_seen.position()
    }

    /// Writes down how far the log is, if it got further since the last change of keys.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep_log_seen(&self) -> Result<(), KeyError> {
        if !self.log_seen.is_behind() {
            return Ok(());
        }
        let mut connection = self.lock();
        self.commit(&mut connection, |_| Ok(0))
    }

    /// Accepts that the log ends at `position`, though it was seen further.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn accept_log(&self, position: u64) -> Result<(), KeyError> {
        let connection = self.lock();
        self.log_seen.set_back(&connection, position).map_err(|error| self.fail("a commit", &error))
    }
}

/// The sequence of a key store's file. One that was made before it counted has the number of its keys.
pub(crate) fn sequence_of(connection: &Connection) -> rusqlite::Result<u64> {
    let select = if counts(connection)? { "SELECT sequence FROM about" } else { "SELECT count(*) FROM key" };
    connection.query_row(select, [], |row| row.get(0))
}

fn counts(connection: &Connection) -> rusqlite::Result<bool> {
    let column = "SELECT count(*) > 0 FROM pragma_table_info('about') WHERE name = 'sequence'";
    connection.query_row(column, [], |row| row.get(0))
}

/// Whether the file counts its keys. One that does not is taught to, unless it is opened for reading.
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
