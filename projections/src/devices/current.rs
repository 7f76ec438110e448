//! What one event changes in the current row of a device. One statement writes all of it, so that each index changes
//! once.

use super::COLUMNS;
use super::kept::Counted;
use super::numbers::{number, ordered};
use super::people;
use events::enrollment::OsVersion;
use events::{Entry, Timestamp};
use rusqlite::types::{ToSql, Value};
use rusqlite::{Connection, params, params_from_iter};

/// Values of the current row that are not written yet.
pub(super) struct Current {
    pub(super) n: i64,
    columns: Vec<(&'static str, Value)>,
}

impl Current {
    /// Returns the row of the device that `entry` is about. A device without a row gets one, with the next number.
    pub(super) fn of(rows: &Connection, entry: &Entry, effective: Timestamp) -> rusqlite::Result<Current> {
        let n = match number(rows, entry.stream.id())? {
            Some(n) => n,
            None => {
                let insert = "INSERT INTO devices_current (id, added, created) VALUES (?1, ?2, ?3)";
                let row = params![entry.stream.id(), crate::sql(entry.position), effective.0];
                rows.prepare_cached(insert)?.insert(row)?
            }
        };
        Ok(Current { n, columns: Vec::new() })
    }

    /// Sets a column. Attributes that are no column are ignored.
    pub(super) fn set(&mut self, attribute: &str, value: Value) {
        let Some(column) = COLUMNS.iter().find(|column| **column == attribute) else { return };
        self.put(column, value);
    }

    fn put(&mut self, column: &'static str, value: Value) {
        self.columns.retain(|(known, _)| *known != column);
        self.columns.push((column, value));
    }

    /// Writes the values, those that follow from them, and the counts.
    pub(super) fn write(mut self, rows: &Connection) -> rusqlite::Result<()> {
        self.derive(rows)?;
        if self.columns.is_empty() {
            return Ok(());
        }
        let is_counted = self.columns.iter().any(|(column, _)| Counted::depends_on(column));
        let before = if is_counted { Some(Counted::of(rows, self.n)?) } else { None };
        let sets: Vec<String> = self.columns.iter().map(|(column, _)| format!("{column} = ?")).collect();
        let update = format!("UPDATE devices_current SET {} WHERE n = ?", sets.join(", "));
        let values = self.columns.iter().map(|(_, value)| value as &dyn ToSql).chain([&self.n as &dyn ToSql]);
        rows.prepare_cached(&update)?.execute(params_from_iter(values))?;
        before.map_or(Ok(()), |before| before.becomes(&Counted::of(rows, self.n)?, rows))
    }

    fn derive(&mut self, rows: &Connection) -> rusqlite::Result<()> {
        let of = |column: &str| self.columns.iter().find(|(known, _)| *known == column).map(|(_, value)| value.clone());
        let (version, person) = (of("os_version"), of("person"));
        if let Some(version) = version {
            self.put("os", version_number(&version).map_or(Value::Null, Value::Integer));
        }
        if let Some(Value::Text(person)) = person {
            self.put("user_name", people::user_name(rows, &person)?.map_or(Value::Null, Value::Text));
        }
        Ok(())
    }
}

fn version_number(version: &Value) -> Option<i64> {
    match version {
        Value::Text(text) => OsVersion::parse(text).map(ordered),
        Value::Null | Value::Integer(_) | Value::Real(_) | Value::Blob(_) => None,
    }
}
