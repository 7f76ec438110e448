//! A device as it was at an instant, read from the history one attribute at a time.

use super::attributes::code_of;
use super::people;
use super::values::Values;
use events::Timestamp;
use rusqlite::types::{FromSql, Value};
use rusqlite::{Connection, OptionalExtension as _};
use std::borrow::Cow;

/// A device as it was at an instant.
pub(super) struct Then<'a> {
    rows: &'a Connection,
    n: i64,
    at: i64,
}

/// The value of an attribute at an instant: its last version that had begun.
pub(super) const VALUE: &str = "SELECT value FROM devices_history
    WHERE device = ?1 AND attribute = ?2 AND valid_from <= ?3 ORDER BY position DESC LIMIT 1";

impl<'a> Then<'a> {
    pub(super) fn of(rows: &'a Connection, n: i64, at: Timestamp) -> Then<'a> {
        Then { rows, n, at: at.0 }
    }

    fn value<T: FromSql>(&self, column: &str) -> rusqlite::Result<Option<T>> {
        let value = |row: &rusqlite::Row<'_>| row.get::<_, Option<T>>(0);
        let found = self.rows.prepare_cached(VALUE)?.query_row((self.n, code_of(column), self.at), value);
        Ok(found.optional()?.flatten())
    }
}

impl Values for Then<'_> {
    fn id(&self) -> rusqlite::Result<Cow<'_, str>> {
        id_of(self.rows, self.n).map(Cow::Owned)
    }

    fn user_name(&self) -> rusqlite::Result<Option<Cow<'_, str>>> {
        let Some(person) = self.value::<String>("person")? else { return Ok(None) };
        Ok(people::user_name(self.rows, &person)?.map(Cow::Owned))
    }

    fn text(&self, column: &str) -> rusqlite::Result<Option<Cow<'_, str>>> {
        Ok(self.value::<String>(column)?.map(Cow::Owned))
    }

    fn number(&self, column: &str) -> rusqlite::Result<Option<i64>> {
        match self.value::<Value>(column)? {
            Some(Value::Integer(number)) => Ok(Some(number)),
            _ => Ok(None),
        }
    }
}

/// Returns the id of a device.
pub(super) fn id_of(rows: &Connection, n: i64) -> rusqlite::Result<String> {
    rows.prepare_cached("SELECT id FROM devices_current WHERE n = ?1")?.query_row([n], |row| row.get(0))
}

/// Returns the number of the last device that was added up to `at`; 0 if there was none. Numbers are in the order of
/// time, so a binary search finds it.
pub(super) fn newest(rows: &Connection, at: Timestamp) -> rusqlite::Result<i64> {
    let last: Option<i64> =
        rows.prepare_cached("SELECT max(n) FROM devices_current")?.query_row([], |row| row.get(0))?;
    let mut created = rows.prepare_cached("SELECT created FROM devices_current WHERE n = ?1")?;
    // Devices up to `low` were added by then, those from `high` on were not.
    let (mut low, mut high) = (0, last.unwrap_or(0) + 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let by_then = created.query_row([middle], |row| row.get::<_, i64>(0))? <= at.0;
        (low, high) = if by_then { (middle, high) } else { (low, middle) };
    }
    Ok(low)
}
