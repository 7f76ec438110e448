//! Erases source addresses, the only personal text of the audit trail. The rows are then those that a rebuild makes of
//! the same events.

use super::ids::{Key, hash, known};
use events::personal::KeyName;
use rusqlite::Connection;
use uuid::Uuid;

/// Erases what the key of `person` sealed, and the keys of the enrollments that they signed in to: those keys were
/// destroyed with the person's.
pub(super) fn erase(rows: &Connection, person: &str) -> rusqlite::Result<()> {
    erase_key(rows, &KeyName::of("person", person))?;
    let Some(person) = known(rows, &Key::of(person))? else { return Ok(()) };
    let enrollments: Vec<Uuid> = {
        let mut select = rows.prepare_cached("SELECT key FROM audit_subjects WHERE owner = ?1")?;
        let keys = select.query_map([person], |row| row.get::<_, Key>(0))?;
        keys.filter_map(|key| key.map(|key| key.uuid()).transpose()).collect::<Result<_, _>>()?
    };
    enrollments.iter().try_for_each(|enrollment| erase_key(rows, &KeyName::of("visit", enrollment)))
}

/// Erases what the key of a previous record sealed.
pub(super) fn erase_record(rows: &Connection, record: &str) -> rusqlite::Result<()> {
    erase_key(rows, &KeyName::of("record", record))
}

fn erase_key(rows: &Connection, key: &KeyName) -> rusqlite::Result<()> {
    let key = hash([key.0.as_bytes()]);
    let forget = "UPDATE audit_events SET source = NULL
        WHERE source IN (SELECT id FROM audit_sources WHERE key = ?1)";
    if rows
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM audit_sources WHERE key = ?1)")?
        .query_row([key], |row| row.get(0))?
    {
        rows.prepare_cached(forget)?.execute([key])?;
        rows.prepare_cached("DELETE FROM audit_sources WHERE key = ?1")?.execute([key])?;
    }
    Ok(())
}
