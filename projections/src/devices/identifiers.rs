//! Identifiers of devices: serial numbers, UDIDs, EnrollmentIDs and record ids, complete or in part.

use super::values::Values;
use crate::{ProjectionError, Projections};
use rusqlite::{Connection, params};
use std::collections::BTreeSet;

/// Minimum length of an identifier prefix in a search. Shorter ones match random hexadecimal digits by chance.
const SHORTEST_PREFIX: usize = 8;

/// Greater than every character of an identifier.
const LAST: char = '\u{10ffff}';

/// The columns and their indexes.
pub(super) const COLUMNS: [(&str, &str); 4] = [
    ("serial_number", "devices_by_serial"),
    ("udid", "devices_by_udid"),
    ("enrollment_id", "devices_by_enrollment_id"),
    ("id", "sqlite_autoindex_devices_current_1"),
];

/// Returns the query of one column: `n` and `phase` of devices from `?1` to `?2`, up to `?3`.
pub(super) fn select((column, index): (&str, &str)) -> String {
    format!("SELECT n, phase FROM devices_current INDEXED BY {index} WHERE {column} >= ?1 AND {column} <= ?2 LIMIT ?3")
}

/// Returns the numbers of the devices with one of these identifiers, in lower case, up to `limit` for each column.
pub(super) fn devices(rows: &Connection, ids: &[String], limit: usize) -> rusqlite::Result<BTreeSet<i64>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut found = BTreeSet::new();
    for column in COLUMNS {
        let mut select = rows.prepare_cached(&select(column))?;
        for id in ids {
            let mut devices = select.query(params![id, last(id), limit])?;
            while let Some(row) = devices.next()? {
                if row.get_ref(1)?.as_str_or_null()?.is_some() {
                    found.insert(row.get(0)?);
                }
            }
        }
    }
    Ok(found)
}

fn last(id: &str) -> String {
    if id.chars().count() < SHORTEST_PREFIX { id.to_owned() } else { format!("{id}{LAST}") }
}

/// Returns whether one of the lower-case `ids` is an identifier of the device.
pub(super) fn is_identified(device: &dyn Values, ids: &[String]) -> rusqlite::Result<bool> {
    for (column, _) in COLUMNS {
        let value = if column == "id" { Some(device.id()?) } else { device.text(column)? };
        let Some(value) = value.map(|value| value.to_ascii_lowercase()) else { continue };
        let is =
            |id: &String| value == *id || (id.chars().count() >= SHORTEST_PREFIX && value.starts_with(id.as_str()));
        if ids.iter().any(is) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the identifiers that match no enrolled device. An identifier is a serial number, a UDID, an EnrollmentID or
/// a [`DeviceId`](events::device::DeviceId), or the beginning of one with at least 8 characters; capitals do not
/// matter.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn unknown(projections: &Projections, ids: Vec<String>) -> Result<Vec<String>, ProjectionError> {
    projections
        .read_of("devices", move |rows| {
            let mut unknown = Vec::new();
            for id in ids {
                if !is_enrolled(rows, &id.to_lowercase())? {
                    unknown.push(id);
                }
            }
            Ok(unknown)
        })
        .await
}

/// Number of devices with one beginning that are read until an enrolled one is found.
const MOST: i64 = 1_000;

fn is_enrolled(rows: &Connection, id: &str) -> rusqlite::Result<bool> {
    for column in COLUMNS {
        let mut select = rows.prepare_cached(&select(column))?;
        let mut devices = select.query(params![id, last(id), MOST])?;
        while let Some(row) = devices.next()? {
            if row.get_ref(1)?.as_str_or_null()? == Some("enrolled") {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
