//! The last position of the log that the key store knows. If the log ends before this position, it was restored from an
//! older copy, and acknowledged events are missing.

use rusqlite::{Connection, OptionalExtension as _};
use std::sync::atomic::{AtomicU64, Ordering};

// One row. An older program that writes the store does not update it, so the position may be too low.
const TABLE: &str = "
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS log_seen (position INTEGER NOT NULL) STRICT;
    INSERT INTO log_seen SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM log_seen);
    COMMIT;";

/// The position in the file, and the position that the log has reached since.
pub(super) struct LogSeen {
    kept: AtomicU64,
    reached: AtomicU64,
}

impl LogSeen {
    /// Reads the position. Creates the table if it does not exist, unless the store is open for reading only.
    pub(crate) fn of(connection: &Connection) -> rusqlite::Result<LogSeen> {
        if !connection.is_readonly("main")? {
            connection.execute_batch(TABLE)?;
        }
        let position = position(connection)?;
        Ok(LogSeen { kept: AtomicU64::new(position), reached: AtomicU64::new(position) })
    }

    /// Returns the position in the file.
    pub(crate) fn position(&self) -> u64 {
        self.kept.load(Ordering::Acquire)
    }

    /// Notes that the log has a durable event at `position`.
    pub(crate) fn reach(&self, position: u64) {
        self.reached.fetch_max(position, Ordering::AcqRel);
    }

    /// Returns whether the log has passed the position in the file.
    pub(crate) fn is_behind(&self) -> bool {
        self.reached.load(Ordering::Acquire) > self.position()
    }

    /// Writes the reached position, in the open transaction if there is one.
    pub(crate) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let reached = self.reached.load(Ordering::Acquire);
        if self.is_behind() {
            connection.prepare_cached("UPDATE log_seen SET position = max(position, ?1)")?.execute([reached])?;
            self.kept.fetch_max(reached, Ordering::AcqRel);
        }
        Ok(())
    }

    /// Resets the position to a lower one, after an operator accepted that the log was set back.
    pub(crate) fn set_back(&self, connection: &Connection, position: u64) -> rusqlite::Result<()> {
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

/// Lowers the position in a copy of the store to `head`, the end of the copied log. The keys are copied after the log.
pub(crate) fn know_at_most(connection: &Connection, head: u64) -> rusqlite::Result<()> {
    match has_table(connection)? {
        true => connection.execute("UPDATE log_seen SET position = min(position, ?1)", [head]).map(drop),
        false => Ok(()),
    }
}
