//! The audit trail: every event as a row that can be searched.

mod english;
mod message;
mod query;

pub use english::english;
pub use message::{Message, attestation_refusal, faults, message, rejection, renewal_failure, supersession};
pub use query::{AuditFilter, AuditPage, Extent, Match, Row, extent, find, query, types};

use crate::{Projection, sql};
use events::device::{CommandStatus, DeviceEvent};
use events::enrollment::{self, EnrollmentEvent, EnrollmentId};
use events::person::AccountEvent;
use events::personal::Gone;
use events::staff::{AccessEvent, StaffEvent};
use events::system::HardwareEvent;
use events::{ActorKind, Entry, Event, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    Ok,
    /// Somebody was told no.
    Refused,
    /// It was tried and did not work.
    Failed,
}

impl Outcome {
    pub const ALL: [Outcome; 3] = [Outcome::Ok, Outcome::Refused, Outcome::Failed];

    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
        }
    }

    pub fn parse(name: &str) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }

    fn of(event: &Event) -> Outcome {
        match event {
            Event::Refusal(_)
            | Event::Staff(
                StaffEvent::StaffSignInRefused { .. }
                | StaffEvent::PasswordConfirmationRefused { .. }
                | StaffEvent::SecondFactorRefused { .. }
                | StaffEvent::ApiTokenRefused { .. }
                | StaffEvent::StaffRefusalsSuppressed(_),
            )
            | Event::Account(AccountEvent::AccountSignInRefused { .. } | AccountEvent::AccountRefusalsSuppressed(_))
            | Event::Access(AccessEvent::AccessRefused { .. })
            | Event::Enrollment(
                EnrollmentEvent::SignInRefused { .. }
                | EnrollmentEvent::SingleSignOnRefused { .. }
                | EnrollmentEvent::EnrollmentRefused { .. },
            ) => Outcome::Refused,
            Event::Device(
                DeviceEvent::IdentityRenewalFailed { .. }
                | DeviceEvent::HardwareAttestationRefused { .. }
                | DeviceEvent::IdentityRolledBack { .. }
                | DeviceEvent::PushFailed { .. }
                | DeviceEvent::MdmResultTooLarge { .. }
                | DeviceEvent::DeviceFieldsLeftOut { .. }
                | DeviceEvent::DeviceEventsSuppressed { .. }
                | DeviceEvent::MdmAnswerUnreadable { .. }
                | DeviceEvent::MdmCommandAnswered { rejection: Some(_), .. }
                | DeviceEvent::MdmCommandAnswered {
                    status: CommandStatus::Error | CommandStatus::CommandFormatError,
                    ..
                },
            ) => Outcome::Failed,
            _ => Outcome::Ok,
        }
    }
}

/// Every kind of actor, with the name it has in filters.
pub const ACTOR_KINDS: [(ActorKind, &str); 6] = [
    (ActorKind::Visitor, "visitor"),
    (ActorKind::Person, "person"),
    (ActorKind::Device, "device"),
    (ActorKind::Staff, "staff"),
    (ActorKind::Operator, "operator"),
    (ActorKind::System, "system"),
];

/// The name of a kind of actor in filters.
pub fn actor_name(kind: ActorKind) -> &'static str {
    ACTOR_KINDS.iter().find(|(known, _)| *known == kind).map_or("", |(_, name)| name)
}

/// The code on an error page that finds the events of `correlation`; of a visit to the portal, the visit's.
pub fn help_code(correlation: Uuid) -> String {
    enrollment::help_code(EnrollmentId(correlation))
}

pub(crate) struct Audit;

impl Projection for Audit {
    fn name(&self) -> &'static str {
        "audit"
    }

    fn version(&self) -> u32 {
        5
    }

    fn tables(&self) -> &'static [&'static str] {
        &["audit_v5_events", "audit_v5_people", "audit_v5_accounts", "audit_v5_commands"]
    }

    // Not unique by event: a log in which an id stands twice is shown whole, too.
    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS audit_v5_events (
            position INTEGER PRIMARY KEY, event TEXT NOT NULL, at INTEGER NOT NULL, effective INTEGER NOT NULL,
            stream TEXT NOT NULL, revision INTEGER NOT NULL, type TEXT NOT NULL, actor_kind TEXT NOT NULL,
            actor_id TEXT NOT NULL, person TEXT, device TEXT, correlation TEXT NOT NULL, help_code TEXT NOT NULL,
            device_code TEXT, source TEXT, source_erased INTEGER NOT NULL, outcome TEXT NOT NULL, message TEXT NOT NULL,
            message_values TEXT NOT NULL, text TEXT NOT NULL, account TEXT
        );
        CREATE INDEX IF NOT EXISTS audit_v5_by_event ON audit_v5_events (event);
        CREATE INDEX IF NOT EXISTS audit_v5_by_time ON audit_v5_events (effective);
        CREATE INDEX IF NOT EXISTS audit_v5_by_device ON audit_v5_events (device);
        CREATE INDEX IF NOT EXISTS audit_v5_by_person ON audit_v5_events (person);
        CREATE INDEX IF NOT EXISTS audit_v5_by_actor ON audit_v5_events (actor_id);
        CREATE INDEX IF NOT EXISTS audit_v5_by_type ON audit_v5_events (type);
        CREATE INDEX IF NOT EXISTS audit_v5_by_correlation ON audit_v5_events (correlation);
        CREATE INDEX IF NOT EXISTS audit_v5_by_help_code ON audit_v5_events (help_code);
        CREATE INDEX IF NOT EXISTS audit_v5_by_device_code ON audit_v5_events (device_code);
        CREATE INDEX IF NOT EXISTS audit_v5_by_account ON audit_v5_events (account) WHERE account IS NOT NULL;
        CREATE TABLE IF NOT EXISTS audit_v5_accounts (account TEXT PRIMARY KEY, person TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS audit_v5_people (device TEXT PRIMARY KEY, person TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS audit_v5_commands (
            device TEXT NOT NULL, command TEXT NOT NULL, request_type TEXT NOT NULL, PRIMARY KEY (device, command)
        ) WITHOUT ROWID;"
    }

    fn fold(&self, rows: &Connection, entry: &Entry, effective: Timestamp) -> rusqlite::Result<()> {
        let (device, account) = (device_of(entry), account_of(entry));
        let person = match (person_named(entry), account) {
            (Some(person), _) => {
                learn(rows, device.as_deref(), &person)?;
                Some(person)
            }
            (None, Some(account)) => owner_of(rows, account)?,
            (None, None) => person_of(rows, device.as_deref())?,
        };
        if let Event::Account(AccountEvent::AccountReserved { person }) = &entry.event {
            own(rows, entry.stream.id(), &person.to_string())?;
        }
        let about = About { device, account, person };
        insert(rows, entry, effective, &about)
    }
}

/// What an event is about, besides its stream.
struct About<'a> {
    device: Option<String>,
    account: Option<&'a str>,
    person: Option<String>,
}

/// The account of a refused sign-in: the HMAC that names its `account-` stream. The visit that it happened on may be somebody
/// else's.
fn account_of(entry: &Entry) -> Option<&str> {
    match &entry.event {
        Event::Enrollment(EnrollmentEvent::SignInRefused { account, .. }) => account.as_deref(),
        Event::Account(AccountEvent::AccountSignInRefused { .. } | AccountEvent::AccountRefusalsSuppressed(_)) => {
            Some(entry.stream.id())
        }
        _ => None,
    }
}

fn owner_of(rows: &Connection, account: &str) -> rusqlite::Result<Option<String>> {
    let select = "SELECT person FROM audit_v5_accounts WHERE account = ?1";
    rows.prepare_cached(select)?.query_row([account], |row| row.get(0)).optional()
}

// Refusals from before the account was anybody's are the person's, too.
fn own(rows: &Connection, account: &str, person: &str) -> rusqlite::Result<()> {
    let keep = "INSERT INTO audit_v5_accounts (account, person) VALUES (?1, ?2)
        ON CONFLICT (account) DO UPDATE SET person = excluded.person";
    rows.prepare_cached(keep)?.execute([account, person])?;
    let update = "UPDATE audit_v5_events SET person = ?2 WHERE account = ?1 AND person IS NULL";
    rows.prepare_cached(update)?.execute([account, person]).map(drop)
}

/// The device, or the enrollment that may become one, that an event is about.
fn device_of(entry: &Entry) -> Option<String> {
    match &entry.event {
        Event::Enrollment(_) | Event::Device(_) => Some(entry.stream.id().to_owned()),
        Event::Hardware(HardwareEvent::HardwareEnrolled { device })
        | Event::Access(
            AccessEvent::DeviceViewed { device } | AccessEvent::AccessRefused { device: Some(device), .. },
        ) => Some(device.to_string()),
        Event::Access(AccessEvent::VisitViewed { enrollment }) => Some(enrollment.to_string()),
        _ => None,
    }
}

/// The person that an event names itself.
fn person_named(entry: &Entry) -> Option<String> {
    match &entry.event {
        Event::Enrollment(
            EnrollmentEvent::UserSignedIn { person, .. } | EnrollmentEvent::EnrollmentAssigned { person, .. },
        )
        | Event::Device(DeviceEvent::DeviceAuthenticated { person, .. })
        | Event::Account(AccountEvent::AccountReserved { person }) => Some(person.to_string()),
        Event::Person(_) => Some(entry.stream.id().to_owned()),
        // Who tried did not prove to be it: the actor is a visitor, the account is whom it is about.
        Event::Staff(
            StaffEvent::StaffSignInRefused { .. }
            | StaffEvent::PasswordConfirmationRefused { .. }
            | StaffEvent::SecondFactorRefused { .. }
            | StaffEvent::ApiTokenRefused { .. }
            | StaffEvent::StaffRefusalsSuppressed(_),
        ) => Some(entry.stream.id().to_owned()),
        _ => None,
    }
}

fn person_of(rows: &Connection, device: Option<&str>) -> rusqlite::Result<Option<String>> {
    let Some(device) = device else { return Ok(None) };
    let select = "SELECT person FROM audit_v5_people WHERE device = ?1";
    rows.prepare_cached(select)?.query_row([device], |row| row.get(0)).optional()
}

// What a visitor did before they signed in is theirs, too.
fn learn(rows: &Connection, device: Option<&str>, person: &str) -> rusqlite::Result<()> {
    let Some(device) = device else { return Ok(()) };
    let keep = "INSERT INTO audit_v5_people (device, person) VALUES (?1, ?2) ON CONFLICT (device) DO NOTHING";
    if rows.prepare_cached(keep)?.execute([device, person])? > 0 {
        let update = "UPDATE audit_v5_events SET person = ?2 WHERE device = ?1 AND person IS NULL AND account IS NULL";
        rows.prepare_cached(update)?.execute([device, person])?;
    }
    Ok(())
}

// Commands are queued with their name, and from then on known by their id.
fn named(rows: &Connection, entry: &Entry, said: Message) -> rusqlite::Result<Message> {
    let device = entry.stream.id();
    let command = match &entry.event {
        Event::Device(DeviceEvent::MdmCommandQueued { command, request_type, .. }) => {
            let keep = "INSERT INTO audit_v5_commands (device, command, request_type) VALUES (?1, ?2, ?3)
                ON CONFLICT (device, command) DO NOTHING";
            rows.prepare_cached(keep)?.execute([device, &command.to_string(), request_type])?;
            return Ok(said);
        }
        Event::Device(
            DeviceEvent::MdmCommandDelivered { command }
            | DeviceEvent::MdmCommandAnswered { command, .. }
            | DeviceEvent::MdmCommandCancelled { command }
            | DeviceEvent::MdmCommandExpired { command }
            | DeviceEvent::MdmAnswerUnreadable { command, .. }
            | DeviceEvent::MdmResultTooLarge { command: Some(command), .. },
        ) => command,
        _ => return Ok(said),
    };
    let select = "SELECT request_type FROM audit_v5_commands WHERE device = ?1 AND command = ?2";
    let found = rows.prepare_cached(select)?.query_row([device, &command.to_string()], |row| row.get::<_, String>(0));
    Ok(match found.optional()? {
        Some(request_type) => said.with("command", request_type),
        None => said,
    })
}

fn insert(rows: &Connection, entry: &Entry, effective: Timestamp, about: &About<'_>) -> rusqlite::Result<()> {
    let About { device, account, person } = about;
    let said = named(rows, entry, message(&entry.event))?;
    let device_code = device.as_deref().and_then(|id| Uuid::parse_str(id).ok()).map(help_code);
    let event_type = entry.event.type_name();
    let id = entry.id.to_string();
    let text = format!("{}\n{event_type}\n{}\n{id}", english(said.key, &said.values), entry.stream).to_lowercase();
    let insert = "INSERT INTO audit_v5_events (position, event, at, effective, stream, revision, type, actor_kind,
        actor_id, person, device, correlation, help_code, source, source_erased, outcome, message, message_values, text, device_code,
        account)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)";
    rows.prepare_cached(insert)?.execute(params![
        sql(entry.position),
        id,
        entry.at.0,
        effective.0,
        entry.stream.as_str(),
        entry.revision.0.cast_signed(),
        event_type,
        actor_name(entry.actor.kind),
        entry.actor.id,
        person,
        device,
        entry.correlation.to_string(),
        help_code(entry.correlation),
        entry.source.as_ref().and_then(|source| source.shown()),
        entry.source.as_ref().is_some_and(|source| source.gone() == Some(Gone::Erased)),
        Outcome::of(&entry.event).as_str(),
        said.key,
        serde_json::to_string(&said.values).unwrap_or_default(),
        text,
        device_code,
        account
    ])?;
    Ok(())
}
