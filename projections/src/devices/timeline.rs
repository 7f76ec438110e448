//! The timeline of one device and the history of one of its attributes.

use super::attributes;
use super::numbers::number;
use crate::{ProjectionError, Projections};
use events::device::DeviceId;
use events::{Position, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, params};

/// A value that an attribute of a device got.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub at: Timestamp,
    /// The event that told it.
    pub position: Position,
    /// A column of the inventory such as `os_version`, or `inventory.` and a name in `DeviceInformation`.
    pub attribute: String,
    /// `None`: erased, or no longer so.
    pub value: Option<String>,
}

/// Changes of a device, the latest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    pub changes: Vec<Change>,
    /// Pass this as `before` to get earlier changes.
    pub next: Option<Position>,
}

/// Returns the changes of a device by the events before `before`, the latest first: those of about `limit` changes,
/// since the changes of one event stay together. Reads at most `limit` changes of each attribute.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn timeline(
    projections: &Projections,
    device: DeviceId,
    before: Option<Position>,
    limit: usize,
) -> Result<Timeline, ProjectionError> {
    projections
        .read_of("devices", move |rows| {
            let none = Timeline { changes: Vec::new(), next: None };
            let Some(n) = number(rows, &device.to_string())? else { return Ok(none) };
            let mut changes = Vec::new();
            for (code, name) in attributes::all(rows)? {
                // One more shows whether there are earlier changes.
                changes.extend(versions(rows, (n, code), &name, before, limit.saturating_add(1))?);
            }
            changes.sort_by(|one, other| {
                other.position.cmp(&one.position).then_with(|| one.attribute.cmp(&other.attribute))
            });
            Ok(page(changes, limit))
        })
        .await
}

fn page(mut changes: Vec<Change>, limit: usize) -> Timeline {
    let Some(last) = changes.get(limit.saturating_sub(1)).map(|change| change.position) else {
        return Timeline { changes, next: None };
    };
    let length = changes.partition_point(|change| change.position >= last);
    let next = (length < changes.len()).then_some(last);
    changes.truncate(length);
    Timeline { changes, next }
}

/// Returns the values that an attribute of a device had, the latest first: up to `limit`, by the events before
/// `before`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn history(
    projections: &Projections,
    device: DeviceId,
    attribute: String,
    before: Option<Position>,
    limit: usize,
) -> Result<Vec<Change>, ProjectionError> {
    projections
        .read_of("devices", move |rows| {
            let n = number(rows, &device.to_string())?;
            let Some(of) = n.zip(attributes::known(rows, &attribute)?) else { return Ok(Vec::new()) };
            versions(rows, of, &attribute, before, limit)
        })
        .await
}

/// The versions of an attribute, the latest first.
pub(super) const VERSIONS: &str = "SELECT position, valid_from, value FROM devices_history
    WHERE device = ?1 AND attribute = ?2 AND position < ?3 ORDER BY position DESC LIMIT ?4";

fn versions(
    rows: &Connection,
    (n, code): (i64, i64),
    name: &str,
    before: Option<Position>,
    limit: usize,
) -> rusqlite::Result<Vec<Change>> {
    let before = before.map_or(i64::MAX, crate::sql);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut select = rows.prepare_cached(VERSIONS)?;
    let change = |row: &rusqlite::Row<'_>| {
        Ok(Change {
            at: Timestamp(row.get(1)?),
            position: Position(row.get::<_, i64>(0)?.cast_unsigned()),
            attribute: name.to_owned(),
            value: shown(row.get(2)?),
        })
    };
    select.query_map(params![n, code, before, limit], change)?.collect()
}

/// Returns a value as text.
pub(super) fn shown(value: Value) -> Option<String> {
    match value {
        Value::Null | Value::Blob(_) => None,
        Value::Integer(number) => Some(number.to_string()),
        Value::Real(number) => Some(number.to_string()),
        Value::Text(text) => Some(text),
    }
}
