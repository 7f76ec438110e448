//! Numbers that stand for devices and for OS versions.

use events::enrollment::OsVersion;
use rusqlite::{Connection, OptionalExtension as _};

/// Returns the number of a device; `None` if no event is about it.
pub(super) fn number(rows: &Connection, id: &str) -> rusqlite::Result<Option<i64>> {
    let select = "SELECT n FROM devices_current WHERE id = ?1";
    rows.prepare_cached(select)?.query_row([id], |row| row.get(0)).optional()
}

/// Returns a number that orders versions.
pub(super) fn ordered(version: OsVersion) -> i64 {
    [version.major, version.minor, version.patch].into_iter().fold(0, |number, part| (number << 16) | i64::from(part))
}

/// Returns the major version of a number of [`ordered`].
pub(super) fn major(number: i64) -> i64 {
    number >> 32
}
