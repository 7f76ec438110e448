//! The names of people, staff and devices, current and earlier, to be searched by any part of them.
//!
//! Names are stored in lower case, each with the person whose key seals it. They are deleted when that person is
//! erased. The index has the trigrams of each name and keeps nothing of a deleted one (FTS5 with `secure-delete`).

mod query;
mod told;

pub(crate) use query::search;

use crate::{Projection, sql};
use events::person::PersonEvent;
use events::personal::KeyName;
use events::{Entry, Event, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use told::{Told, told};
use uuid::Uuid;

/// Number of names that one event can tell.
const MOST_TOLD: i64 = 16;

pub(crate) struct Names;

impl Projection for Names {
    fn name(&self) -> &'static str {
        "names"
    }

    fn version(&self) -> u32 {
        1
    }

    // The index first: its rows are deleted by the names that they index.
    fn tables(&self) -> &'static [&'static str] {
        &["names_index", "names_known", "names_subjects"]
    }

    // The id of a name is that of a rebuild: the position of the event that told it first, and its place there.
    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS names_subjects (id INTEGER PRIMARY KEY, uuid BLOB NOT NULL UNIQUE);
        CREATE TABLE IF NOT EXISTS names_known (
            id INTEGER PRIMARY KEY, subject INTEGER NOT NULL,
            -- The person or staff whose key seals the name.
            owner INTEGER NOT NULL,
            name TEXT NOT NULL
        );
        CREATE INDEX IF NOT EXISTS names_known_by_subject ON names_known (subject);
        CREATE INDEX IF NOT EXISTS names_known_by_owner ON names_known (owner) WHERE owner <> subject;
        CREATE VIRTUAL TABLE IF NOT EXISTS names_index USING fts5(
            name, content = 'names_known', content_rowid = 'id', columnsize = 0, detail = 'none',
            tokenize = 'trigram case_sensitive 1'
        );
        INSERT INTO names_index (names_index, rank) VALUES ('secure-delete', 1);"
    }

    fn indexes(&self) -> &'static str {
        "CREATE INDEX IF NOT EXISTS names_known_by_name ON names_known (name);"
    }

    fn fold(&self, rows: &Connection, entry: &Entry, _effective: Timestamp) -> rusqlite::Result<()> {
        for (nth, told) in (0..MOST_TOLD).zip(told(entry)) {
            keep(rows, sql(entry.position) * MOST_TOLD + nth, &told)?;
        }
        if let Event::Person(PersonEvent::PersonErased {}) = &entry.event {
            erase(rows, entry.stream.id())?;
        }
        Ok(())
    }
}

fn keep(rows: &Connection, id: i64, told: &Told) -> rusqlite::Result<()> {
    let Some(owner) = owner_of(&told.key) else { return Ok(()) };
    // Numbered also if the name cannot be read, so that a rebuild numbers the same subjects.
    let (subject, owner) = (number(rows, told.subject)?, number(rows, owner)?);
    let Some(text) = told.name.as_deref().map(|name| name.trim().to_lowercase()) else { return Ok(()) };
    if text.is_empty() {
        return Ok(());
    }
    let known = "SELECT EXISTS (SELECT 1 FROM names_known WHERE subject = ?1 AND owner = ?2 AND name = ?3)";
    if rows.prepare_cached(known)?.query_row(params![subject, owner, text], |row| row.get(0))? {
        return Ok(());
    }
    let insert = "INSERT INTO names_known (id, subject, owner, name) VALUES (?1, ?2, ?3, ?4)";
    rows.prepare_cached(insert)?.execute(params![id, subject, owner, text])?;
    let index = "INSERT INTO names_index (rowid, name) VALUES (?1, ?2)";
    rows.prepare_cached(index)?.execute(params![id, text]).map(drop)
}

// A name under another key is not kept: nothing says when to delete it.
fn owner_of(key: &KeyName) -> Option<Uuid> {
    let first = key.first();
    let (kind, id) = first.0.split_once('-')?;
    Uuid::parse_str(id).ok().filter(|_| matches!(kind, "person" | "staff"))
}

// The names of the person and of their devices, of which this person's key sealed each.
fn erase(rows: &Connection, person: &str) -> rusqlite::Result<()> {
    let Ok(person) = Uuid::parse_str(person) else { return Ok(()) };
    let person = number(rows, person)?;
    for select in [query::OWN, query::OF_DEVICES] {
        let names: Vec<(i64, String)> = {
            let mut select = rows.prepare_cached(select)?;
            select.query_map([person], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?
        };
        for (id, name) in names {
            let forget = "INSERT INTO names_index (names_index, rowid, name) VALUES ('delete', ?1, ?2)";
            rows.prepare_cached(forget)?.execute(params![id, name])?;
            rows.prepare_cached("DELETE FROM names_known WHERE id = ?1")?.execute([id])?;
        }
    }
    Ok(())
}

fn number(rows: &Connection, id: Uuid) -> rusqlite::Result<i64> {
    let known = "SELECT id FROM names_subjects WHERE uuid = ?1";
    if let Some(known) = rows.prepare_cached(known)?.query_row([id.as_bytes()], |row| row.get(0)).optional()? {
        return Ok(known);
    }
    rows.prepare_cached("INSERT INTO names_subjects (uuid) VALUES (?1)")?.execute([id.as_bytes()])?;
    Ok(rows.last_insert_rowid())
}
