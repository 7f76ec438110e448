//! Erases a person's values from the inventory. The rows are then those that a rebuild makes of the same events.

use super::HARDWARE;
use super::attributes::{self, REPORTED, column_of};
use super::kept::Counted;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Erases the personal values of the records of `person`, whose key sealed them.
pub(super) fn erase(rows: &Connection, person: &str) -> rusqlite::Result<()> {
    let records: Vec<i64> = {
        let mut select = rows.prepare_cached("SELECT n FROM devices_current WHERE person = ?1")?;
        select.query_map([person], |row| row.get(0))?.collect::<Result<_, _>>()?
    };
    records.into_iter().try_for_each(|record| {
        let before = Counted::of(rows, record)?;
        let clear = "UPDATE devices_history SET value = NULL WHERE device = ?1 AND personal";
        rows.prepare_cached(clear)?.execute([record])?;
        for attribute in erased_attributes(rows, record)? {
            match contradicts(rows, attribute)? {
                true => forget(rows, record, attribute)?,
                false => merge(rows, record, attribute)?,
            }
        }
        before.becomes(&Counted::of(rows, record)?, rows)
    })
}

fn erased_attributes(rows: &Connection, record: i64) -> rusqlite::Result<Vec<i64>> {
    let select = "SELECT DISTINCT attribute FROM devices_history WHERE device = ?1 AND personal";
    rows.prepare_cached(select)?.query_map([record], |row| row.get(0))?.collect()
}

/// Returns whether the attribute keeps what contradicts the identifiers of the record. Erased values contradict
/// nothing.
fn contradicts(rows: &Connection, attribute: i64) -> rusqlite::Result<bool> {
    let select = "SELECT name FROM devices_attributes WHERE code = ?1";
    let name: Option<String> = rows.prepare_cached(select)?.query_row([attribute], |row| row.get(0)).optional()?;
    let column = name.as_deref().and_then(|name| name.strip_prefix(REPORTED)).and_then(column_of);
    Ok(column.is_some_and(|column| HARDWARE.contains(&column)))
}

fn forget(rows: &Connection, record: i64, attribute: i64) -> rusqlite::Result<()> {
    let delete = "DELETE FROM devices_history WHERE device = ?1 AND attribute = ?2 AND personal";
    rows.prepare_cached(delete)?.execute([record, attribute]).map(drop)
}

// Consecutive values that are erased are one. Each is valid until the next one, so the first takes their place.
fn merge(rows: &Connection, record: i64, attribute: i64) -> rusqlite::Result<()> {
    let select = "SELECT position, personal FROM devices_history
        WHERE device = ?1 AND attribute = ?2 ORDER BY position";
    let versions: Vec<(i64, bool)> = {
        let mut select = rows.prepare_cached(select)?;
        let version = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        select.query_map([record, attribute], version)?.collect::<Result<_, _>>()?
    };
    let delete = "DELETE FROM devices_history WHERE device = ?1 AND attribute = ?2 AND position = ?3";
    for same in versions.chunk_by(|(_, one), (_, next)| *one && *next) {
        for (position, _) in same.iter().skip(1) {
            rows.prepare_cached(delete)?.execute(params![record, attribute, position])?;
        }
    }
    let is_current = versions.last().is_some_and(|(_, is_erased)| *is_erased);
    let Some(column) = attributes::column(attribute).filter(|_| is_current) else { return Ok(()) };
    let derived = if column == "os_version" { ", os = NULL" } else { "" };
    let clear = format!("UPDATE devices_current SET {column} = NULL{derived} WHERE n = ?1");
    rows.prepare_cached(&clear)?.execute([record]).map(drop)
}
