//! Erases a person's values from the inventory. The rows are then those that a rebuild makes of the same events.

use super::{COLUMNS, HARDWARE, column_of};
use events::person::PersonEvent;
use rusqlite::{Connection, params};

pub(super) fn person(rows: &Connection, person: &str, event: &PersonEvent) -> rusqlite::Result<()> {
    match event {
        PersonEvent::PersonErased {} => erase(rows, person),
        PersonEvent::PersonKnown { .. } | PersonEvent::PersonAttributesChanged { .. } => Ok(()),
        PersonEvent::ManagedAppleIdLearned { .. } | PersonEvent::TermsAcceptanceKept { .. } => Ok(()),
        PersonEvent::PersonKeysNoted { .. } | PersonEvent::PersonRecordsResolved { .. } => Ok(()),
    }
}

/// Erases the personal values of the records of `person`, whose key sealed them.
fn erase(rows: &Connection, person: &str) -> rusqlite::Result<()> {
    let records: Vec<String> = {
        let mut select = rows.prepare_cached("SELECT id FROM devices_current WHERE person = ?1")?;
        select.query_map([person], |row| row.get(0))?.collect::<Result<_, _>>()?
    };
    records.iter().try_for_each(|record| {
        let clear = "UPDATE devices_history SET value = NULL WHERE device = ?1 AND personal";
        rows.prepare_cached(clear)?.execute([record])?;
        let erased = erased_attributes(rows, record)?;
        erased.iter().try_for_each(|attribute| match contradicts(attribute) {
            true => forget(rows, record, attribute),
            false => merge(rows, record, attribute),
        })
    })
}

fn erased_attributes(rows: &Connection, record: &str) -> rusqlite::Result<Vec<String>> {
    let select = "SELECT DISTINCT attribute FROM devices_history WHERE device = ?1 AND personal";
    rows.prepare_cached(select)?.query_map([record], |row| row.get(0))?.collect()
}

/// Returns whether the attribute keeps what contradicts the identifiers of the record. Erased values contradict
/// nothing.
fn contradicts(attribute: &str) -> bool {
    let column = attribute.strip_prefix("inventory.").and_then(column_of);
    column.is_some_and(|column| HARDWARE.contains(&column))
}

fn forget(rows: &Connection, record: &str, attribute: &str) -> rusqlite::Result<()> {
    let delete = "DELETE FROM devices_history WHERE device = ?1 AND attribute = ?2 AND personal";
    rows.prepare_cached(delete)?.execute([record, attribute]).map(drop)
}

/// A row of the history.
struct Version {
    position: i64,
    valid_to: Option<i64>,
    is_erased: bool,
}

// Consecutive values that are erased are one.
fn merge(rows: &Connection, record: &str, attribute: &str) -> rusqlite::Result<()> {
    let select = "SELECT position, valid_to, personal FROM devices_history
        WHERE device = ?1 AND attribute = ?2 ORDER BY position";
    let versions: Vec<Version> = {
        let mut select = rows.prepare_cached(select)?;
        let version = |row: &rusqlite::Row<'_>| {
            Ok(Version { position: row.get(0)?, valid_to: row.get(1)?, is_erased: row.get(2)? })
        };
        select.query_map([record, attribute], version)?.collect::<Result<_, _>>()?
    };
    let delete = "DELETE FROM devices_history WHERE device = ?1 AND attribute = ?2 AND position = ?3";
    let extend = "UPDATE devices_history SET valid_to = ?4 WHERE device = ?1 AND attribute = ?2 AND position = ?3";
    for same in versions.chunk_by(|one, next| one.is_erased && next.is_erased) {
        let ([first, others @ ..], Some(last)) = (same, same.last()) else { continue };
        for other in others {
            rows.prepare_cached(delete)?.execute(params![record, attribute, other.position])?;
        }
        if !others.is_empty() {
            rows.prepare_cached(extend)?.execute(params![record, attribute, first.position, last.valid_to])?;
        }
    }
    let is_current = versions.last().is_some_and(|last| last.is_erased && last.valid_to.is_none());
    let Some(column) = COLUMNS.iter().find(|column| is_current && **column == attribute) else { return Ok(()) };
    let clear = format!("UPDATE devices_current SET {column} = NULL WHERE id = ?1");
    rows.prepare_cached(&clear)?.execute([record]).map(drop)
}
