//! Names of people and of staff, to show beside their ids.

use crate::Projection;
use events::person::PersonEvent;
use events::personal::{Gone, KEY_LOST};
use events::staff::StaffEvent;
use events::{Entry, Event, Personal, Timestamp};
use rusqlite::{Connection, params};

pub(crate) struct People;

impl Projection for People {
    fn name(&self) -> &'static str {
        "people"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["people_v1_names"]
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS people_v1_names (
            id TEXT PRIMARY KEY, kind TEXT NOT NULL, user_name TEXT, display_name TEXT, mail TEXT,
            erased INTEGER NOT NULL DEFAULT 0
        ) WITHOUT ROWID;"
    }

    fn fold(&self, rows: &Connection, entry: &Entry, _effective: Timestamp) -> rusqlite::Result<()> {
        let id = entry.stream.id();
        match &entry.event {
            Event::Person(
                PersonEvent::PersonKnown { attributes, .. } | PersonEvent::PersonAttributesChanged { attributes },
            ) => keep(
                rows,
                id,
                "person",
                [attributes.user_name.as_ref(), attributes.display_name.as_ref(), attributes.mail.as_ref()],
            ),
            Event::Person(PersonEvent::PersonErased {}) => {
                let erase = "UPDATE people_v1_names SET user_name = NULL, display_name = NULL, mail = NULL, erased = 1
                    WHERE id = ?1";
                rows.prepare_cached(erase)?.execute([id])?;
                Ok(())
            }
            Event::Staff(
                StaffEvent::LocalAccountAdded { user_name, display_name, mail, .. }
                | StaffEvent::ExternalStaffKnown { user_name, display_name, mail, .. },
            ) => keep(rows, id, "staff", [Some(user_name), display_name.as_ref(), mail.as_ref()]),
            Event::Staff(StaffEvent::ApiClientAdded { user_name, display_name }) => {
                keep(rows, id, "staff", [Some(user_name), display_name.as_ref(), None])
            }
            _ => Ok(()),
        }
    }
}

fn keep(rows: &Connection, id: &str, kind: &str, names: [Option<&Personal<String>>; 3]) -> rusqlite::Result<()> {
    let erased = names.iter().flatten().any(|name| name.gone() == Some(Gone::Erased));
    let [user_name, display_name, mail] = names.map(|name| name.and_then(Personal::shown));
    // Whose key is lost has one word for all of their names.
    let display_name = display_name.filter(|name| *name != KEY_LOST);
    let upsert = "INSERT INTO people_v1_names (id, kind, user_name, display_name, mail, erased)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (id) DO UPDATE SET user_name = excluded.user_name, display_name = excluded.display_name,
            mail = excluded.mail, erased = excluded.erased";
    rows.prepare_cached(upsert)?.execute(params![id, kind, user_name, display_name, mail, erased])?;
    Ok(())
}
