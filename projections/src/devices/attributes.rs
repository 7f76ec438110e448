//! The attributes of a device and their integer codes in the history.

use super::COLUMNS;
use rusqlite::{Connection, OptionalExtension as _};

/// The first code of the attributes that are no column of the current row. `devices_attributes` has their names.
pub(super) const OTHERS: i64 = 100;

/// Prefix of the names of attributes that are no column. The name in `DeviceInformation` follows.
pub(super) const REPORTED: &str = "inventory.";

/// Returns the code of a column: its place in [`COLUMNS`].
pub(super) fn code_of(column: &str) -> Option<i64> {
    COLUMNS.iter().position(|known| *known == column).and_then(|place| i64::try_from(place).ok())
}

/// Returns the column with this code.
pub(super) fn column(code: i64) -> Option<&'static str> {
    usize::try_from(code).ok().and_then(|place| COLUMNS.get(place)).copied()
}

/// Returns the code of any attribute; an attribute that was never seen before gets the next code.
pub(super) fn learned(rows: &Connection, attribute: &str) -> rusqlite::Result<i64> {
    if let Some(code) = known(rows, attribute)? {
        return Ok(code);
    }
    let insert = "INSERT INTO devices_attributes (code, name)
        SELECT coalesce(max(code) + 1, ?2), ?1 FROM devices_attributes RETURNING code";
    rows.prepare_cached(insert)?.query_row((attribute, OTHERS), |row| row.get(0))
}

/// Returns the code of any attribute; `None` if no device ever had it.
pub(super) fn known(rows: &Connection, attribute: &str) -> rusqlite::Result<Option<i64>> {
    if let Some(code) = code_of(attribute) {
        return Ok(Some(code));
    }
    let select = "SELECT code FROM devices_attributes WHERE name = ?1";
    rows.prepare_cached(select)?.query_row([attribute], |row| row.get(0)).optional()
}

/// Returns the codes and names of all attributes that a device can have.
pub(super) fn all(rows: &Connection) -> rusqlite::Result<Vec<(i64, String)>> {
    let columns = COLUMNS.iter().filter_map(|column| Some((code_of(column)?, (*column).to_owned())));
    let mut select = rows.prepare_cached("SELECT code, name FROM devices_attributes ORDER BY code")?;
    let others = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    columns.map(Ok).chain(others).collect()
}

/// Returns the column for the `DeviceInformation` query `query`.
pub(super) fn column_of(query: &str) -> Option<&'static str> {
    Some(match query {
        "DeviceName" => "name",
        "ModelName" => "model",
        "ProductName" => "product_name",
        "OSVersion" => "os_version",
        "BuildVersion" => "build_version",
        "SerialNumber" => "serial_number",
        "UDID" => "udid",
        "IMEI" => "imei",
        "MEID" => "meid",
        _ => return None,
    })
}
