//! Erases a person's text from the audit trail. The rows are then those that a rebuild makes of the same events.

use super::{Message, english, searched};
use crate::sql;
use events::personal::KeyName;
use events::{Entry, Position};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// Returns the key that seals the source address, if it is not the key of `person`, whom the event is attributed to.
pub(super) fn foreign_source_key(entry: &Entry, person: Option<&str>) -> Option<String> {
    let key = entry.source.as_ref()?.key().first();
    (person.map(|person| KeyName::of("person", person)) != Some(key.clone())).then_some(key.0)
}

/// Notes the personal values of a message, so that they can be erased.
pub(super) fn note(rows: &Connection, position: Position, said: &Message) -> rusqlite::Result<()> {
    let insert = "INSERT INTO audit_personal (key, position, value, erased) VALUES (?1, ?2, ?3, ?4)";
    for (name, personal) in &said.personal {
        rows.prepare_cached(insert)?.execute(params![personal.key.0, sql(position), name, personal.erased])?;
    }
    Ok(())
}

/// Erases what the key of `person` sealed, and the keys of the enrollments that they signed in to: those keys were
/// destroyed with the person's.
pub(super) fn erase(rows: &Connection, person: &str) -> rusqlite::Result<()> {
    let own = "UPDATE audit_events SET source = NULL, source_erased = 1
        WHERE person = ?1 AND source_key IS NULL AND source IS NOT NULL";
    rows.prepare_cached(own)?.execute([person])?;
    let enrollments: Vec<String> = {
        let mut select = rows.prepare_cached("SELECT device FROM audit_people WHERE person = ?1")?;
        select.query_map([person], |row| row.get(0))?.collect::<Result<_, _>>()?
    };
    let keys = enrollments.iter().map(|enrollment| KeyName::of("visit", enrollment));
    keys.chain([KeyName::of("person", person)]).try_for_each(|key| erase_key(rows, &key))
}

/// Erases what the key of a previous record sealed.
pub(super) fn erase_record(rows: &Connection, record: &str) -> rusqlite::Result<()> {
    erase_key(rows, &KeyName::of("record", record))
}

fn erase_key(rows: &Connection, key: &KeyName) -> rusqlite::Result<()> {
    let sources = "UPDATE audit_events SET source = NULL, source_erased = 1
        WHERE source_key = ?1 AND source IS NOT NULL";
    rows.prepare_cached(sources)?.execute([&key.0])?;
    let mut select = rows.prepare_cached("SELECT position, value, erased FROM audit_personal WHERE key = ?1")?;
    let noted = select.query_map([&key.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    for (position, value, erased) in noted.collect::<Result<Vec<_>, _>>()? {
        erase_value(rows, position, value, erased)?;
    }
    Ok(())
}

fn erase_value(rows: &Connection, position: i64, value: String, erased: Option<String>) -> rusqlite::Result<()> {
    let select = "SELECT message, message_values, type, stream, event FROM audit_events WHERE position = ?1";
    let [message, values, event_type, stream, event] = rows.prepare_cached(select)?.query_row([position], |row| {
        Ok([row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?])
    })?;
    let mut values: BTreeMap<String, Option<String>> = serde_json::from_str(&values).unwrap_or_default();
    values.insert(value, erased);
    let text = searched(&english(&message, &values), &event_type, &stream, &event);
    let update = "UPDATE audit_events SET message_values = ?2, text = ?3 WHERE position = ?1";
    let values = serde_json::to_string(&values).unwrap_or_default();
    rows.prepare_cached(update)?.execute(params![position, values, text]).map(drop)
}
