//! Names of people, copied to their devices, because lists are sorted and searched by them.

use super::erase;
use events::Personal;
use events::person::PersonEvent;
use events::personal::is_placeholder;
use rusqlite::{Connection, OptionalExtension as _, params};

pub(super) fn person(rows: &Connection, id: &str, event: &PersonEvent) -> rusqlite::Result<()> {
    match event {
        PersonEvent::PersonKnown { attributes, .. } | PersonEvent::PersonAttributesChanged { attributes } => {
            keep(rows, id, attributes.user_name.as_ref(), attributes.display_name.as_ref())
        }
        PersonEvent::PersonErased {} => {
            keep(rows, id, None, None)?;
            erase::erase(rows, id)
        }
        PersonEvent::ManagedAppleIdLearned { .. } | PersonEvent::TermsAcceptanceKept { .. } => Ok(()),
        PersonEvent::PersonKeysNoted { .. } | PersonEvent::PersonRecordsResolved { .. } => Ok(()),
    }
}

fn keep(
    rows: &Connection,
    id: &str,
    user_name: Option<&Personal<String>>,
    display_name: Option<&Personal<String>>,
) -> rusqlite::Result<()> {
    let user_name = user_name.and_then(Personal::shown);
    // For a lost or damaged key, one placeholder is shown for both names.
    let display_name = display_name.and_then(Personal::shown).filter(|name| !is_placeholder(name));
    let upsert = "INSERT INTO devices_people (id, user_name, display_name) VALUES (?1, ?2, ?3)
        ON CONFLICT (id) DO UPDATE SET user_name = excluded.user_name, display_name = excluded.display_name";
    rows.prepare_cached(upsert)?.execute(params![id, user_name, display_name])?;
    let copy = "UPDATE devices_current SET user_name = ?2 WHERE person = ?1 AND user_name IS NOT ?2 COLLATE BINARY";
    rows.prepare_cached(copy)?.execute(params![id, user_name]).map(drop)
}

/// Returns the user name of a person; `None` if it is unknown or erased.
pub(super) fn user_name(rows: &Connection, person: &str) -> rusqlite::Result<Option<String>> {
    let select = "SELECT user_name FROM devices_people WHERE id = ?1";
    Ok(rows.prepare_cached(select)?.query_row([person], |row| row.get(0)).optional()?.flatten())
}

/// Returns the full name of a person; `None` if it is unknown or erased.
pub(super) fn display_name(rows: &Connection, person: &str) -> rusqlite::Result<Option<String>> {
    let select = "SELECT display_name FROM devices_people WHERE id = ?1";
    Ok(rows.prepare_cached(select)?.query_row([person], |row| row.get(0)).optional()?.flatten())
}

/// Returns the people with this user name, up to `limit`; case does not matter.
pub(super) fn called(rows: &Connection, user_name: &str, limit: usize) -> rusqlite::Result<Vec<String>> {
    let select = "SELECT id FROM devices_people WHERE user_name = ?1 LIMIT ?2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    rows.prepare_cached(select)?.query_map((user_name, limit), |row| row.get(0))?.collect()
}
