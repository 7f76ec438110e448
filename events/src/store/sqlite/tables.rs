//! Which tables a log has, and how the events of format 1 are found by stream.
//!
//! A log of format 1 holds its events in `events`, with the names of streams in `streams` and an index by stream and
//! revision. When it is opened for writing, it gets the table `log` of format 2 beside them; from then on the old
//! tables are only read. So positions up to [`Tables::old_end`] are in `events`, and later ones in `log`.

use super::index::Place;
use crate::envelope::StreamName;
use rusqlite::{Connection, OptionalExtension as _, params};

/// The tables of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tables {
    old_end: u64,
}

/// No table `log`: every event is in the tables of format 1, and an older program may be appending there.
const OLD_ONLY: u64 = i64::MAX.cast_unsigned();

impl Tables {
    /// Reads which tables the log has.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Tables> {
        let has = |table: &str| -> rusqlite::Result<bool> {
            connection.prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = ?1")?.exists([table])
        };
        let old_end = match (has("events")?, has("log")?) {
            (true, true) => {
                connection.query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| row.get(0))?
            }
            (true, false) => OLD_ONLY,
            (false, _) => 0,
        };
        Ok(Tables { old_end })
    }

    /// Position of the last event that is in the tables of format 1; 0 if none is.
    pub(super) fn old_end(self) -> u64 {
        self.old_end
    }

    /// Returns whether there are events in the tables of format 1.
    pub(super) fn has_old(self) -> bool {
        self.old_end > 0
    }

    /// Returns whether all events are in the tables of format 1. Another process may add the table `log` at any time.
    pub(super) fn is_old(self) -> bool {
        self.old_end == OLD_ONLY
    }

    /// Returns whether the log has events in this table, or the table is the one for new events.
    pub(super) fn has(self, table: &str) -> bool {
        if table == "log" { !self.is_old() } else { self.has_old() }
    }

    /// Returns the name of the table that holds the event at `position`.
    pub(super) fn table(self, position: u64) -> &'static str {
        if position <= self.old_end { "events" } else { "log" }
    }

    /// Returns the position of the newest event; `None` if the log is empty.
    pub(super) fn head(self, connection: &Connection) -> rusqlite::Result<Option<u64>> {
        let greatest = |table: &str| {
            connection.query_row(&format!("SELECT max(position) FROM {table}"), [], |row| row.get::<_, Option<u64>>(0))
        };
        if self.is_old() {
            return greatest("events");
        }
        Ok(greatest("log")?.or(Some(self.old_end).filter(|_| self.has_old())))
    }

    /// Returns the name of the stream under which the event at `position` is stored.
    pub(super) fn filed_under(self, connection: &Connection, position: u64) -> rusqlite::Result<String> {
        let select = match self.table(position) {
            "log" => "SELECT stream FROM log WHERE position = ?1",
            _ => "SELECT name FROM streams JOIN events ON streams.id = events.stream WHERE position = ?1",
        };
        connection.prepare_cached(select)?.query_row([position], |row| row.get(0))
    }

    /// Returns the row id and the last revision of a stream in the tables of format 1.
    pub(super) fn old_stream(
        self,
        connection: &Connection,
        stream: &StreamName,
    ) -> rusqlite::Result<Option<OldStream>> {
        if !self.has_old() {
            return Ok(None);
        }
        let old = |row: &rusqlite::Row<'_>| Ok(OldStream { id: row.get(0)?, last: row.get(1)? });
        let select = "SELECT id, version FROM streams WHERE name = ?1";
        connection.prepare_cached(select)?.query_row([stream.as_str()], old).optional()
    }
}

/// A stream in the tables of format 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct OldStream {
    id: i64,
    /// Revision of its last event there.
    pub(super) last: u64,
}

impl OldStream {
    /// Returns the places of up to `limit` events from revision `from` on.
    pub(super) fn places(self, connection: &Connection, from: u64, limit: usize) -> rusqlite::Result<Vec<Place>> {
        let select = "SELECT revision, position FROM events WHERE stream = ?1 AND revision >= ?2
            ORDER BY revision LIMIT ?3";
        let place = |row: &rusqlite::Row<'_>| Ok(Place { revision: row.get(0)?, position: row.get(1)? });
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        connection.prepare_cached(select)?.query_map(params![self.id, from, limit], place)?.collect()
    }
}
