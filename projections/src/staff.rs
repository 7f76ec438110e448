//! Console users and local accounts: roles, second factors, last sign-in.

use crate::{Projection, ProjectionError, Projections};
use events::enrollment::SignInMethodName;
use events::personal::is_placeholder;
use events::staff::{Privilege, StaffEvent, StaffId};
use events::{Entry, Event, Personal, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::BTreeSet;
use uuid::Uuid;

pub(crate) struct Staff;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub id: StaffId,
    /// `None` if erased.
    pub user_name: Option<String>,
    pub display_name: Option<String>,
    /// The directory or identity provider of the account; `None` for a local account.
    pub provider: Option<String>,
    pub method: SignInMethodName,
    pub privileges: BTreeSet<Privilege>,
    pub disabled: bool,
    /// Number of passkeys.
    pub passkeys: u32,
    pub one_time_codes: bool,
    /// Number of unused recovery codes.
    pub recovery_codes: u32,
    pub last_sign_in: Option<Timestamp>,
}

impl Projection for Staff {
    fn name(&self) -> &'static str {
        "staff"
    }

    fn version(&self) -> u32 {
        2
    }

    fn tables(&self) -> &'static [&'static str] {
        &["staff_members"]
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS staff_members (
            id TEXT PRIMARY KEY, user_name TEXT, display_name TEXT, provider TEXT, method TEXT NOT NULL,
            privileges TEXT NOT NULL, disabled INTEGER NOT NULL DEFAULT 0, passkeys INTEGER NOT NULL DEFAULT 0,
            one_time_codes INTEGER NOT NULL DEFAULT 0, recovery_codes INTEGER NOT NULL DEFAULT 0, last_sign_in INTEGER
        ) WITHOUT ROWID;"
    }

    fn fold(&self, rows: &Connection, entry: &Entry, _effective: Timestamp) -> rusqlite::Result<()> {
        match &entry.event {
            Event::Staff(event) => account(rows, entry, event),
            Event::Log(_) | Event::Enrollment(_) | Event::Device(_) | Event::Person(_) | Event::Account(_) => Ok(()),
            Event::Hardware(_) | Event::UserName(_) | Event::StaffActivity(_) | Event::Refusal(_) => Ok(()),
            Event::Request(_) | Event::Assertion(_) | Event::Settings(_) => Ok(()),
            Event::Invitation(_) | Event::Code(_) | Event::Wave(_) | Event::Migration(_) => Ok(()),
            Event::Record(_) | Event::Import(_) | Event::Successor(_) => Ok(()),
        }
    }
}

fn account(rows: &Connection, entry: &Entry, event: &StaffEvent) -> rusqlite::Result<()> {
    let id = entry.stream.id();
    let set = |assignment: &str| {
        rows.prepare_cached(&format!("UPDATE staff_members SET {assignment} WHERE id = ?1"))?.execute([id])?;
        Ok(())
    };
    match event {
        StaffEvent::LocalAccountAdded { user_name, display_name, privileges, .. } => {
            let names = [Some(user_name), display_name.as_ref()];
            known(rows, id, names, None, SignInMethodName::LocalAccount)?;
            roles(rows, id, privileges)
        }
        StaffEvent::ApiClientAdded { user_name, display_name } => {
            let names = [Some(user_name), display_name.as_ref()];
            known(rows, id, names, None, SignInMethodName::LocalAccount)?;
            roles(rows, id, &BTreeSet::from([Privilege::ApiClient]))
        }
        StaffEvent::ExternalStaffKnown { method, provider, user_name, display_name, .. } => {
            known(rows, id, [Some(user_name), display_name.as_ref()], Some(provider), *method)
        }
        StaffEvent::PrivilegesChanged { after, .. } => roles(rows, id, after),
        StaffEvent::LocalAccountDisabled {} => set("disabled = TRUE"),
        StaffEvent::LocalAccountEnabled {} => set("disabled = FALSE"),
        StaffEvent::StaffSignedIn { .. } => {
            let update = "UPDATE staff_members SET last_sign_in = ?2 WHERE id = ?1";
            rows.prepare_cached(update)?.execute(params![id, entry.at.0]).map(drop)
        }
        StaffEvent::PasskeyAdded { .. } => set("passkeys = passkeys + 1"),
        StaffEvent::PasskeyRemoved { .. } => set("passkeys = passkeys - 1"),
        StaffEvent::OneTimeCodesAdded { .. } => set("one_time_codes = TRUE"),
        StaffEvent::OneTimeCodesRemoved {} => set("one_time_codes = FALSE"),
        StaffEvent::RecoveryCodesMade { hashes } => {
            let update = "UPDATE staff_members SET recovery_codes = ?2 WHERE id = ?1";
            rows.prepare_cached(update)?.execute(params![id, hashes.len()]).map(drop)
        }
        StaffEvent::RecoveryCodeUsed { .. } => set("recovery_codes = recovery_codes - 1"),
        StaffEvent::RecoveryCodesRemoved {} => set("recovery_codes = 0"),
        StaffEvent::ApiTokenIssued { .. } | StaffEvent::ApiTokenRefused { .. } => Ok(()),
        StaffEvent::PasswordChanged { .. } | StaffEvent::SetUpLinkIssued { .. } => Ok(()),
        StaffEvent::SetUpLinkRevoked {} | StaffEvent::FirstFactorProven { .. } => Ok(()),
        StaffEvent::StaffSignInRefused { .. } | StaffEvent::StaffSignedOut {} => Ok(()),
        StaffEvent::StaffRefusalsSuppressed(_) => Ok(()),
        StaffEvent::StaffSessionEnded { .. } | StaffEvent::StaffSessionsEnded {} => Ok(()),
        StaffEvent::PasswordConfirmed {} | StaffEvent::PasswordConfirmationRefused { .. } => Ok(()),
        StaffEvent::PasskeyUsed { .. } | StaffEvent::OneTimeCodeUsed { .. } => Ok(()),
        StaffEvent::SecondFactorRefused { .. } => Ok(()),
    }
}

fn known(
    rows: &Connection,
    id: &str,
    names: [Option<&Personal<String>>; 2],
    provider: Option<&String>,
    method: SignInMethodName,
) -> rusqlite::Result<()> {
    let [user_name, display_name] = names.map(|name| name.and_then(Personal::shown));
    // For a lost or damaged key, one placeholder is shown for both names.
    let display_name = display_name.filter(|name| !is_placeholder(name));
    let upsert = "INSERT INTO staff_members (id, user_name, display_name, provider, method, privileges)
        VALUES (?1, ?2, ?3, ?4, ?5, '[]')
        ON CONFLICT (id) DO UPDATE SET user_name = excluded.user_name, display_name = excluded.display_name,
            provider = excluded.provider, method = excluded.method";
    rows.prepare_cached(upsert)?.execute(params![id, user_name, display_name, provider, json(&method)]).map(drop)
}

fn roles(rows: &Connection, id: &str, privileges: &BTreeSet<Privilege>) -> rusqlite::Result<()> {
    let update = "UPDATE staff_members SET privileges = ?2 WHERE id = ?1";
    rows.prepare_cached(update)?.execute(params![id, json(privileges)]).map(drop)
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

const SELECT: &str = "SELECT id, user_name, display_name, provider, method, privileges, disabled, passkeys,
    one_time_codes, recovery_codes, last_sign_in FROM staff_members";

/// Returns all accounts, sorted by name.
///
/// # Errors
/// Returns an error if the projections cannot be read.
pub async fn all(projections: &Projections) -> Result<Vec<Member>, ProjectionError> {
    projections
        .read_of("staff", |rows| {
            let mut select =
                rows.prepare(&format!("{SELECT} ORDER BY lower(coalesce(display_name, user_name, '')), id"))?;
            select.query_map([], member)?.collect()
        })
        .await
}

/// Returns one account.
///
/// # Errors
/// Returns an error if the projections cannot be read.
pub async fn get(projections: &Projections, id: StaffId) -> Result<Option<Member>, ProjectionError> {
    projections
        .read_of("staff", move |rows| {
            rows.query_row(&format!("{SELECT} WHERE id = ?1"), [id.to_string()], member).optional()
        })
        .await
}

fn member(row: &Row<'_>) -> rusqlite::Result<Member> {
    Ok(Member {
        id: StaffId(parsed(row, 0, |text| Uuid::parse_str(text).ok())?),
        user_name: row.get(1)?,
        display_name: row.get(2)?,
        provider: row.get(3)?,
        method: parsed(row, 4, |text| serde_json::from_str(text).ok())?,
        privileges: parsed(row, 5, |text| serde_json::from_str(text).ok())?,
        disabled: row.get(6)?,
        passkeys: row.get(7)?,
        one_time_codes: row.get(8)?,
        recovery_codes: row.get(9)?,
        last_sign_in: row.get::<_, Option<i64>>(10)?.map(Timestamp),
    })
}

fn parsed<T>(row: &Row<'_>, column: usize, parse: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    let wrong =
        || rusqlite::Error::FromSqlConversionFailure(column, Type::Text, format!("unknown value: {text}").into());
    parse(&text).ok_or_else(wrong)
}
