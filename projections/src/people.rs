//! Names of people and staff, shown next to their ids.

use crate::{Projection, ProjectionError, Projections};
use events::person::{PersonEvent, PersonId};
use events::personal::{Gone, is_placeholder};
use events::staff::StaffEvent;
use events::{Entry, Event, Personal, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

/// A person, with the names that their provider told last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub user_name: Option<String>,
    pub display_name: Option<String>,
    pub mail: Option<String>,
    pub is_erased: bool,
}

/// Returns a person; `None` if there is none with this id.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn get(projections: &Projections, person: PersonId) -> Result<Option<Person>, ProjectionError> {
    projections
        .read_of("people", move |rows| {
            let select = "SELECT user_name, display_name, mail, erased FROM people_names
                WHERE id = ?1 AND kind = 'person'";
            rows.prepare_cached(select)?
                .query_row([person.to_string()], |row| {
                    let [user_name, display_name, mail] = [row.get(0)?, row.get(1)?, row.get(2)?];
                    Ok(Person { user_name, display_name, mail, is_erased: row.get(3)? })
                })
                .optional()
        })
        .await
}

pub(crate) struct People;

impl Projection for People {
    fn name(&self) -> &'static str {
        "people"
    }

    fn version(&self) -> u32 {
        2
    }

    fn tables(&self) -> &'static [&'static str] {
        &["people_names"]
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS people_names (
            id TEXT PRIMARY KEY, kind TEXT NOT NULL, user_name TEXT, display_name TEXT, mail TEXT,
            erased INTEGER NOT NULL DEFAULT 0
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS people_by_user_name ON people_names (lower(user_name)) WHERE user_name IS NOT NULL;"
    }

    fn fold(&self, rows: &Connection, entry: &Entry, _effective: Timestamp) -> rusqlite::Result<()> {
        let id = entry.stream.id();
        match &entry.event {
            Event::Person(event) => person(rows, id, event),
            Event::Staff(event) => staff(rows, id, event),
            Event::Log(_) | Event::Enrollment(_) | Event::Device(_) | Event::Account(_) => Ok(()),
            Event::Hardware(_) | Event::UserName(_) | Event::StaffActivity(_) | Event::Refusal(_) => Ok(()),
            Event::Request(_) | Event::Assertion(_) | Event::Settings(_) => Ok(()),
            Event::Invitation(_) | Event::Code(_) | Event::Wave(_) | Event::Migration(_) => Ok(()),
            Event::Record(_) | Event::Import(_) | Event::Successor(_) => Ok(()),
        }
    }
}

fn person(rows: &Connection, id: &str, event: &PersonEvent) -> rusqlite::Result<()> {
    match event {
        PersonEvent::PersonKnown { attributes, .. } | PersonEvent::PersonAttributesChanged { attributes } => {
            let names = [&attributes.user_name, &attributes.display_name, &attributes.mail].map(Option::as_ref);
            keep(rows, id, "person", names)
        }
        PersonEvent::PersonErased {} => {
            let erase = "UPDATE people_names SET user_name = NULL, display_name = NULL, mail = NULL, erased = 1
                WHERE id = ?1";
            rows.prepare_cached(erase)?.execute([id]).map(drop)
        }
        PersonEvent::ManagedAppleIdLearned { .. } | PersonEvent::TermsAcceptanceKept { .. } => Ok(()),
        PersonEvent::PersonKeysNoted { .. } | PersonEvent::PersonRecordsResolved { .. } => Ok(()),
    }
}

fn staff(rows: &Connection, id: &str, event: &StaffEvent) -> rusqlite::Result<()> {
    match event {
        StaffEvent::LocalAccountAdded { user_name, display_name, mail, .. }
        | StaffEvent::ExternalStaffKnown { user_name, display_name, mail, .. } => {
            keep(rows, id, "staff", [Some(user_name), display_name.as_ref(), mail.as_ref()])
        }
        StaffEvent::ApiClientAdded { user_name, display_name } => {
            keep(rows, id, "staff", [Some(user_name), display_name.as_ref(), None])
        }
        StaffEvent::ApiTokenIssued { .. } | StaffEvent::ApiTokenRefused { .. } => Ok(()),
        StaffEvent::LocalAccountDisabled {} | StaffEvent::LocalAccountEnabled {} => Ok(()),
        StaffEvent::PasswordChanged { .. } | StaffEvent::PrivilegesChanged { .. } => Ok(()),
        StaffEvent::SetUpLinkIssued { .. } | StaffEvent::SetUpLinkRevoked {} => Ok(()),
        StaffEvent::FirstFactorProven { .. } | StaffEvent::StaffSignedIn { .. } => Ok(()),
        StaffEvent::StaffSignInRefused { .. } | StaffEvent::StaffSignedOut {} => Ok(()),
        StaffEvent::StaffRefusalsSuppressed(_) => Ok(()),
        StaffEvent::StaffSessionEnded { .. } | StaffEvent::StaffSessionsEnded {} => Ok(()),
        StaffEvent::PasswordConfirmed {} | StaffEvent::PasswordConfirmationRefused { .. } => Ok(()),
        StaffEvent::PasskeyAdded { .. } | StaffEvent::PasskeyUsed { .. } => Ok(()),
        StaffEvent::PasskeyRemoved { .. } | StaffEvent::OneTimeCodesAdded { .. } => Ok(()),
        StaffEvent::OneTimeCodeUsed { .. } | StaffEvent::OneTimeCodesRemoved {} => Ok(()),
        StaffEvent::RecoveryCodesMade { .. } | StaffEvent::RecoveryCodeUsed { .. } => Ok(()),
        StaffEvent::RecoveryCodesRemoved {} | StaffEvent::SecondFactorRefused { .. } => Ok(()),
    }
}

fn keep(rows: &Connection, id: &str, kind: &str, names: [Option<&Personal<String>>; 3]) -> rusqlite::Result<()> {
    let erased = names.iter().flatten().any(|name| name.gone() == Some(Gone::Erased));
    let [user_name, display_name, mail] = names.map(|name| name.and_then(Personal::shown));
    // For a lost or damaged key, one placeholder is shown for both names.
    let display_name = display_name.filter(|name| !is_placeholder(name));
    let upsert = "INSERT INTO people_names (id, kind, user_name, display_name, mail, erased)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (id) DO UPDATE SET user_name = excluded.user_name, display_name = excluded.display_name,
            mail = excluded.mail, erased = excluded.erased";
    rows.prepare_cached(upsert)?.execute(params![id, kind, user_name, display_name, mail, erased])?;
    Ok(())
}
