//! How far the log was when the key store was last written. A log that ends before that was set back: events that were acknowledged
//! are missing from it.

use rusqlite::{Connection, OptionalExtension as _};
use std::sync::atomic::{AtomicU64, Ordering};

// One row. An earlier program that writes the store leaves it as it is: then it says less than it could.
const TABLE: &str = "
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS log_seen (position INTEGER NOT NULL) STRICT;
    INSERT INTO log_seen SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM log_seen);
    COMMIT;";

/// The position in the file, and the one that the log has reached since.
pub(super) struct LogSeen {
    kept: AtomicU64,
    reached: AtomicU64,
}

impl LogSeen {
    /// Reads the position; makes the table where there is none, unless the store is opened for reading.
    pub fn of(connection: &Connection) -> rusqlite::Result<LogSeen> {
        if !connection.is_readonly("main")? {
            connection.execute_batch(TABLE)?;
        }
        let position = position(connection)?;
        Ok(LogSeen { kept: AtomicU64::new(position), reached: AtomicU64::new(position) })
    }

    /// The position in the file.
    pub fn position(&self) -> u64 {
        self.kept.load(Ordering::Acquire)
    }

    /// The log has a durable event at `position`.
    pub fn reach(&self, position: u64) {
        self.reached.fetch_max(position, Ordering::AcqRel);
    }

    /// Whether the log got further than the file says.
    pub fn is_behind(&self) -> bool {
        self.reached.load(Ordering::Acquire) > self.position()
    }

    /// Writes what was reached, in the transaction that is open, if one is.
    pub fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let reached = self.reached.load(Ordering::Acquire);
        if self.is_behind() {
            connection.execute("UPDATE log_seen SET position = max(position, ?1)", [reached])?;
            self.kept.fetch_max(reached, Ordering::AcqRel);
        }
        Ok(())
    }

    /// Goes on from `position`, which is less: the log was set back, and that was accepted.
    pub fn set_back(&self, connection: &Connection, position: u64) -> rusqlite::Result<()> {
        connection.execute("UPDATE log_seen SET position = ?1", [position])?;
        self.kept.store(position, Ordering::Release);
        self.reached.store(position, Ordering::Release);
        Ok(())
    }
}

fn position(connection: &Connection) -> rusqlite::Result<u64> {
    match has_table(connection)? {
        true => {
            Ok(connection.query_row("SELECT position FROM log_seen", [], |row| row.get(0)).optional()?.unwrap_or(0))
        }
        false => Ok(0),
    }
}

fn has_table(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'log_seen'", [], |row| row.get(0))
}

/// Lets a copy of the store know no more than `head` of the log: it was made after the copy of the log that it goes with.
pub(crate) fn know_at_most(connection: &Connection, head: u64) -> rusqlite::Result<()> {
    match has_table(connection)? {
        true => connection.execute("UPDATE log_seen SET position = min(position, ?1)", [head]).map(drop),
        false => Ok(()),
    }
}
