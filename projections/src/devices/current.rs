//! What one event changes in the current row of a device. One statement writes all of it, so that each index changes
//! once.

use super::COLUMNS;
use events::{Entry, Timestamp};
use rusqlite::types::{ToSql, Value};
use rusqlite::{Connection, params_from_iter};

/// Values of the current row that are not written yet.
#[derive(Default)]
pub(super) struct Current {
    /// The event concerns the device itself: the row is created if needed, and notes the event as its last one.
    is_touched: bool,
    columns: Vec<(&'static str, Value)>,
}

impl Current {
    pub(super) fn touch(&mut self) {
        self.is_touched = true;
    }

    /// Sets a column. Attributes that are no column are ignored.
    pub(super) fn set(&mut self, attribute: &str, value: Value) {
        let Some(column) = COLUMNS.iter().find(|column| **column == attribute) else { return };
        self.columns.retain(|(known, _)| known != column);
        self.columns.push((column, value));
    }

    /// Writes the values. A row that does not exist is created only if the event concerns the device itself.
    pub(super) fn write(self, rows: &Connection, entry: &Entry, effective: Timestamp) -> rusqlite::Result<()> {
        if self.is_touched {
            return self.upsert(rows, entry, effective);
        }
        if self.columns.is_empty() {
            return Ok(());
        }
        let sets: Vec<String> = self.columns.iter().map(|(column, _)| format!("{column} = ?")).collect();
        let update = format!("UPDATE devices_current SET {} WHERE id = ?", sets.join(", "));
        let id = entry.stream.id();
        let values = self.columns.iter().map(|(_, value)| value as &dyn ToSql).chain([&id as &dyn ToSql]);
        rows.prepare_cached(&update)?.execute(params_from_iter(values)).map(drop)
    }

    fn upsert(&self, rows: &Connection, entry: &Entry, effective: Timestamp) -> rusqlite::Result<()> {
        let (mut names, mut places, mut sets) = (String::new(), String::new(), String::new());
        for (column, _) in &self.columns {
            names += &format!(", {column}");
            places += ", ?";
            sets += &format!(", {column} = excluded.{column}");
        }
        let upsert = format!(
            "INSERT INTO devices_current (id, added, last_event, last_event_at{names}) VALUES (?, ?, ?, ?{places})
            ON CONFLICT (id) DO UPDATE SET last_event = excluded.last_event, last_event_at = excluded.last_event_at{sets}"
        );
        let (id, added, event) = (entry.stream.id(), crate::sql(entry.position), entry.id.to_string());
        let of_event: [&dyn ToSql; 4] = [&id, &added, &event, &effective.0];
        let values = of_event.into_iter().chain(self.columns.iter().map(|(_, value)| value as &dyn ToSql));
        rows.prepare_cached(&upsert)?.execute(params_from_iter(values)).map(drop)
    }
}
