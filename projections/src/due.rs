//! Actions that become due, and when. A timer queries them and turns them into commands.
//!
//! Due times are based on recorded time, not on effective time, since the timer compares them with the clock.

use crate::{Projection, ProjectionError, Projections};
use events::device::{AttestationRefusal, CommandStatus, DeviceEvent, DeviceId};
use events::enrollment::EnrollmentEvent;
use events::settings::{Settings, SettingsEvent};
use events::{Entry, Event, EventId, StreamName, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

/// Delay between a NotNow answer and the next push, in seconds.
const PUSH_AGAIN_AFTER: i64 = 15 * 60;

/// Maximum number of times that the delay after a failed push is doubled (16 hours).
const MOST_DOUBLINGS: i64 = 6;

/// Delay until a device that was pushed and has not answered is pushed again, in seconds. APNs stores only one
/// notification, and not forever.
const UNANSWERED_AFTER: i64 = 24 * 3_600;

/// Minimum time between two attestations of a device, in seconds (mdm/commands/information.device.yaml).
const ATTEST_AGAIN_AFTER: i64 = 7 * 24 * 3_600;

/// Kind of a due action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DueKind {
    /// Close an enrollment after a period without activity.
    AbandonEnrollment,
    /// Push again to a device that answered NotNow, or to which a push failed.
    PushAgain,
    /// Ask a device again for an attestation of its hardware, since it sent an older one.
    AttestAgain,
}

impl DueKind {
    /// All kinds.
    pub const ALL: [DueKind; 3] = [DueKind::AbandonEnrollment, DueKind::PushAgain, DueKind::AttestAgain];

    /// Returns the name of the kind, suitable for [`EventId::caused`].
    pub fn as_str(self) -> &'static str {
        match self {
            DueKind::AbandonEnrollment => "abandon_visit",
            DueKind::PushAgain => "push_again",
            DueKind::AttestAgain => "attest_again",
        }
    }

    fn parse(name: &str) -> Option<DueKind> {
        DueKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A due action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub stream: StreamName,
    pub kind: DueKind,
    pub at: Timestamp,
    /// The event that the due time is based on; it is the cause of the action.
    pub cause: EventId,
}

/// Returns up to `limit` actions that are due at `now`, the longest overdue first.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn due(projections: &Projections, now: Timestamp, limit: usize) -> Result<Vec<Due>, ProjectionError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    projections
        .read_of("due", move |rows| {
            let select = "SELECT stream, kind, due_at, event FROM due_times WHERE due_at <= ?1
                ORDER BY due_at, stream LIMIT ?2";
            let mut select = rows.prepare_cached(select)?;
            let found = select.query_map(params![now.0, limit], due_of_row)?;
            Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        })
        .await
}

/// Same as [`due`], for one kind, so that many due actions that cannot be done now do not hide the others.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn due_of(
    projections: &Projections,
    kind: DueKind,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Due>, ProjectionError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    projections
        .read_of("due", move |rows| {
            let select = "SELECT stream, kind, due_at, event FROM due_times WHERE kind = ?1 AND due_at <= ?2
                ORDER BY due_at, stream LIMIT ?3";
            let mut select = rows.prepare_cached(select)?;
            let found = select.query_map(params![kind.as_str(), now.0, limit], due_of_row)?;
            Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        })
        .await
}

/// Returns when the next action becomes due, if there is one.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn next(projections: &Projections) -> Result<Option<Timestamp>, ProjectionError> {
    let select = "SELECT min(due_at) FROM due_times";
    projections
        .read_of("due", move |rows| rows.query_row(select, [], |row| row.get::<_, Option<i64>>(0)))
        .await
        .map(|at| at.map(Timestamp))
}

fn due_of_row(row: &Row<'_>) -> rusqlite::Result<Option<Due>> {
    let (stream, kind, event): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(3)?);
    let parts = (StreamName::try_from(stream), DueKind::parse(&kind), Uuid::parse_str(&event));
    let at = Timestamp(row.get(2)?);
    Ok(match parts {
        (Ok(stream), Some(kind), Ok(event)) => Some(Due { stream, kind, at, cause: EventId(event) }),
        _ => None,
    })
}

pub(crate) struct DueTimes;

impl Projection for DueTimes {
    fn name(&self) -> &'static str {
        "due"
    }

    fn version(&self) -> u32 {
        4
    }

    fn tables(&self) -> &'static [&'static str] {
        &["due_times", "due_settings", "due_waiting", "due_dead"]
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS due_times (
            stream TEXT NOT NULL, kind TEXT NOT NULL, since INTEGER NOT NULL, due_at INTEGER NOT NULL,
            event TEXT NOT NULL, failures INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (stream, kind)
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS due_by_time ON due_times (due_at);
        CREATE INDEX IF NOT EXISTS due_by_kind ON due_times (kind, due_at);
        CREATE TABLE IF NOT EXISTS due_settings (
            only INTEGER PRIMARY KEY CHECK (only = 1), abandon_after_hours INTEGER NOT NULL
        );
        CREATE TABLE IF NOT EXISTS due_waiting (
            stream TEXT NOT NULL, command TEXT NOT NULL, PRIMARY KEY (stream, command)
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS due_dead (stream TEXT PRIMARY KEY) WITHOUT ROWID;"
    }

    fn fold(&self, rows: &Connection, entry: &Entry, _effective: Timestamp) -> rusqlite::Result<()> {
        match &entry.event {
            Event::Enrollment(event) => enrollment(rows, entry, event),
            Event::Device(event) => device(rows, entry, event),
            Event::Settings(event) => settings(rows, event),
            Event::Log(_) | Event::Person(_) | Event::Account(_) | Event::Hardware(_) | Event::Staff(_) => Ok(()),
            Event::UserName(_) | Event::StaffActivity(_) | Event::Refusal(_) | Event::Request(_) => Ok(()),
            Event::Invitation(_) | Event::Code(_) | Event::Wave(_) | Event::Migration(_) => Ok(()),
            Event::Assertion(_) | Event::Record(_) | Event::Import(_) | Event::Successor(_) => Ok(()),
        }
    }
}

// Every event of an enrollment postpones its closing; the events that end it remove the due time.
fn enrollment(rows: &Connection, entry: &Entry, event: &EnrollmentEvent) -> rusqlite::Result<()> {
    match event {
        EnrollmentEvent::EnrollmentAbandoned {}
        | EnrollmentEvent::EnrollmentRefused { .. }
        | EnrollmentEvent::SignedOut {} => remove(rows, entry.stream.as_str(), DueKind::AbandonEnrollment),
        EnrollmentEvent::VisitOpened { .. } => {
            let due = entry.at.plus_seconds(abandon_after_seconds(rows)?);
            put(rows, entry, DueKind::AbandonEnrollment, due, 0)
        }
        EnrollmentEvent::AccountDrivenBegun { .. }
        | EnrollmentEvent::VisitResumed { .. }
        | EnrollmentEvent::SignInRefused { .. }
        | EnrollmentEvent::TermsDeclined { .. }
        | EnrollmentEvent::IdentityRefused { .. }
        | EnrollmentEvent::FormRefused { .. }
        | EnrollmentEvent::LanguageChosen { .. }
        | EnrollmentEvent::UserSignedIn { .. }
        | EnrollmentEvent::UserSignedInAgain { .. }
        | EnrollmentEvent::SingleSignOnBegun { .. }
        | EnrollmentEvent::SingleSignOnProven { .. }
        | EnrollmentEvent::SingleSignOnRefused { .. }
        | EnrollmentEvent::AssignmentOffered { .. }
        | EnrollmentEvent::EnrollmentAssigned { .. }
        | EnrollmentEvent::AssignmentDeclined {}
        | EnrollmentEvent::AttributesReceived { .. }
        | EnrollmentEvent::AccessDecided { .. }
        | EnrollmentEvent::TermsRequested { .. }
        | EnrollmentEvent::TermsAccepted { .. }
        | EnrollmentEvent::PreviousRecordFound { .. }
        | EnrollmentEvent::OldManagementRemovalAgreed { .. }
        | EnrollmentEvent::InvitationPresented { .. }
        | EnrollmentEvent::PreviousRecordsNoted {}
        | EnrollmentEvent::ImportedRecordFound { .. }
        | EnrollmentEvent::PreviousRecordAnswered { .. }
        | EnrollmentEvent::OwnershipChosen { .. }
        | EnrollmentEvent::CaProfileServed { .. }
        | EnrollmentEvent::CaInstallReported {}
        | EnrollmentEvent::CaStepSkipped {}
        | EnrollmentEvent::ManagedAppleIdGiven { .. }
        | EnrollmentEvent::ManagedAppleIdAssigned { .. }
        | EnrollmentEvent::AccessTokenIssued { .. }
        | EnrollmentEvent::AuthorizationCodeIssued { .. }
        | EnrollmentEvent::AccessTokenRefreshed { .. }
        | EnrollmentEvent::MachineInformationReceived { .. }
        | EnrollmentEvent::SignInAgainAsked { .. }
        | EnrollmentEvent::ProfileServiceServed { .. }
        | EnrollmentEvent::DeviceAttributesReported { .. }
        | EnrollmentEvent::VerificationProfileServed { .. }
        | EnrollmentEvent::VerificationIdentityIssued { .. }
        | EnrollmentEvent::ProfileServiceRefused { .. }
        | EnrollmentEvent::MdmProfileServed { .. }
        | EnrollmentEvent::IdentityIssued { .. }
        | EnrollmentEvent::IdentityRevoked { .. } => {
            let due = entry.at.plus_seconds(abandon_after_seconds(rows)?);
            // Only if a due time exists: an enrolled device may still download its profile again.
            let put_off = "UPDATE due_times SET since = ?3, due_at = ?4, event = ?5 WHERE stream = ?1 AND kind = ?2";
            rows.prepare_cached(put_off)?.execute(params![
                entry.stream.as_str(),
                DueKind::AbandonEnrollment.as_str(),
                entry.at.0,
                due.0,
                entry.id.to_string()
            ])?;
            Ok(())
        }
    }
}

fn device(rows: &Connection, entry: &Entry, event: &DeviceEvent) -> rusqlite::Result<()> {
    let stream = entry.stream.as_str();
    match event {
        DeviceEvent::DeviceEnrolled { .. } => {
            if let Ok(id) = Uuid::parse_str(entry.stream.id()) {
                remove(rows, DeviceId(id).enrollment().stream().as_str(), DueKind::AbandonEnrollment)?;
            }
            revive(rows, stream)?;
            remove(rows, stream, DueKind::PushAgain)
        }
        DeviceEvent::PushTokenRenewed { .. } => revive(rows, stream),
        DeviceEvent::MdmCommandAnswered { status: CommandStatus::NotNow, .. } => wake(rows, entry, PUSH_AGAIN_AFTER, 0),
        DeviceEvent::PushFailed { unregistered_since: None, .. } => {
            let failures = failures(rows, stream)?;
            wake(rows, entry, PUSH_AGAIN_AFTER << failures.min(MOST_DOUBLINGS), failures + 1)
        }
        // No push reaches the device until it reports another token. Without this, its row would be due every second
        // and never be done.
        DeviceEvent::PushFailed { unregistered_since: Some(_), .. } => {
            let die = "INSERT OR IGNORE INTO due_dead (stream) VALUES (?1)";
            rows.prepare_cached(die)?.execute([stream])?;
            remove(rows, stream, DueKind::PushAgain)
        }
        DeviceEvent::MdmCommandQueued { command, .. } => {
            let wait = "INSERT OR IGNORE INTO due_waiting (stream, command) VALUES (?1, ?2)";
            rows.prepare_cached(wait)?.execute(params![stream, command.to_string()]).map(drop)
        }
        DeviceEvent::MdmCommandAnswered { command, .. } => {
            answered(rows, stream, &command.to_string())?;
            heard(rows, entry)
        }
        DeviceEvent::MdmAnswerUnreadable { command, in_part: false, .. } => {
            answered(rows, stream, &command.to_string())?;
            heard(rows, entry)
        }
        DeviceEvent::MdmResultTooLarge { command, .. } => {
            command.map_or(Ok(()), |command| answered(rows, stream, &command.to_string()))?;
            // The device received no further command, even if others are waiting.
            if waits(rows, stream)? { wake(rows, entry, PUSH_AGAIN_AFTER, 0) } else { heard(rows, entry) }
        }
        DeviceEvent::MdmCommandDelivered { .. } => heard(rows, entry),
        // The device did not connect, but there may be no command left to wake it for.
        DeviceEvent::MdmCommandCancelled { command } | DeviceEvent::MdmCommandExpired { command } => {
            answered(rows, stream, &command.to_string())?;
            if waits(rows, stream)? { Ok(()) } else { remove(rows, stream, DueKind::PushAgain) }
        }
        DeviceEvent::DevicePushed { put_off_since: true, .. } => Ok(()),
        DeviceEvent::DevicePushed { .. } if waits(rows, stream)? => wake(rows, entry, UNANSWERED_AFTER, 1),
        DeviceEvent::DevicePushed { .. } => remove(rows, stream, DueKind::PushAgain),
        // The pending commands and the state of the token are kept, since the record can be revived.
        DeviceEvent::DeviceSuperseded { evidence, .. } if evidence.is_reversible() => {
            remove(rows, stream, DueKind::AttestAgain)?;
            remove(rows, stream, DueKind::PushAgain)
        }
        DeviceEvent::DeviceCheckedOut { .. }
        | DeviceEvent::DeviceUnenrolled { .. }
        | DeviceEvent::DeviceSuperseded { .. } => {
            rows.prepare_cached("DELETE FROM due_waiting WHERE stream = ?1")?.execute([stream])?;
            revive(rows, stream)?;
            remove(rows, stream, DueKind::AttestAgain)?;
            remove(rows, stream, DueKind::PushAgain)
        }
        DeviceEvent::DeviceRevived { .. } if waits(rows, stream)? => wake(rows, entry, PUSH_AGAIN_AFTER, 0),
        DeviceEvent::HardwareAttestationRefused { why: AttestationRefusal::OtherNonce, .. } => {
            put(rows, entry, DueKind::AttestAgain, entry.at.plus_seconds(ATTEST_AGAIN_AFTER), 0)
        }
        DeviceEvent::HardwareAttestationRequested { .. }
        | DeviceEvent::HardwareAttested { .. }
        | DeviceEvent::HardwareAttestationRefused { .. }
        | DeviceEvent::HardwareClaimDismissed { .. } => remove(rows, stream, DueKind::AttestAgain),
        DeviceEvent::DeviceRevived { .. } | DeviceEvent::HardwareClaimNoted { .. } => Ok(()),
        DeviceEvent::DeviceAuthenticated { .. } | DeviceEvent::IdentityRenewed { .. } => Ok(()),
        DeviceEvent::IdentityRenewalRequested { .. } | DeviceEvent::DeviceReauthenticated { .. } => Ok(()),
        DeviceEvent::IdentityRenewalCompleted { .. } | DeviceEvent::IdentityRenewalFailed { .. } => Ok(()),
        DeviceEvent::IdentityRolledBack { .. } | DeviceEvent::ManagedAppReported { .. } => Ok(()),
        DeviceEvent::InventoryReported { .. }
        | DeviceEvent::DeviceHeardFrom {}
        | DeviceEvent::ContactWatchBegun { .. } => Ok(()),
        DeviceEvent::IdentityRenewalRefused { .. } | DeviceEvent::DeviceMessageRefused { .. } => Ok(()),
        DeviceEvent::DeviceFieldsLeftOut { .. } | DeviceEvent::DeviceEventsSuppressed { .. } => Ok(()),
        DeviceEvent::MdmAnswerUnreadable { in_part: true, .. } => Ok(()),
        DeviceEvent::EarlierViewsCleared { .. } => Ok(()),
        DeviceEvent::RecordArchived {} | DeviceEvent::RecordRestored {} => Ok(()),
    }
}

// Schedules a push after `after` seconds, unless the token is dead.
fn wake(rows: &Connection, entry: &Entry, after: i64, failures: i64) -> rusqlite::Result<()> {
    if rows.prepare_cached("SELECT 1 FROM due_dead WHERE stream = ?1")?.exists([entry.stream.as_str()])? {
        return Ok(());
    }
    put(rows, entry, DueKind::PushAgain, entry.at.plus_seconds(after), failures)
}

fn revive(rows: &Connection, stream: &str) -> rusqlite::Result<()> {
    rows.prepare_cached("DELETE FROM due_dead WHERE stream = ?1")?.execute([stream]).map(drop)
}

fn answered(rows: &Connection, stream: &str, command: &str) -> rusqlite::Result<()> {
    let forget = "DELETE FROM due_waiting WHERE stream = ?1 AND command = ?2";
    rows.prepare_cached(forget)?.execute([stream, command]).map(drop)
}

fn waits(rows: &Connection, stream: &str) -> rusqlite::Result<bool> {
    rows.prepare_cached("SELECT 1 FROM due_waiting WHERE stream = ?1")?.exists([stream])
}

// The device is awake. Pending commands are retried after a day, deferred ones at their own time. Without pending
// commands nothing is due.
fn heard(rows: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let stream = entry.stream.as_str();
    if !waits(rows, stream)? {
        return remove(rows, stream, DueKind::PushAgain);
    }
    let later = "UPDATE due_times SET due_at = ?3 WHERE stream = ?1 AND kind = ?2 AND failures > 0";
    let due = entry.at.plus_seconds(UNANSWERED_AFTER);
    rows.prepare_cached(later)?.execute(params![stream, DueKind::PushAgain.as_str(), due.0]).map(drop)
}

fn settings(rows: &Connection, event: &SettingsEvent) -> rusqlite::Result<()> {
    let SettingsEvent::SettingsChanged { whole, changes, .. } = event;
    let told = whole.as_ref().map(|whole| whole.abandon_after_hours);
    let Some(hours) = told.or_else(|| changes.value::<u32>("abandon_after_hours")) else { return Ok(()) };
    let keep = "INSERT INTO due_settings (only, abandon_after_hours) VALUES (1, ?1)
        ON CONFLICT (only) DO UPDATE SET abandon_after_hours = excluded.abandon_after_hours";
    rows.execute(keep, [hours])?;
    let micros = i64::from(hours) * 3_600 * 1_000_000;
    let again = "UPDATE due_times SET due_at = since + ?1 WHERE kind = ?2";
    rows.execute(again, params![micros, DueKind::AbandonEnrollment.as_str()])?;
    Ok(())
}

fn abandon_after_seconds(rows: &Connection) -> rusqlite::Result<i64> {
    let hours: Option<i64> = rows
        .prepare_cached("SELECT abandon_after_hours FROM due_settings")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(hours.unwrap_or_else(|| i64::from(Settings::default().abandon_after_hours)) * 3_600)
}

fn failures(rows: &Connection, stream: &str) -> rusqlite::Result<i64> {
    let select = "SELECT failures FROM due_times WHERE stream = ?1 AND kind = ?2";
    let found = rows
        .prepare_cached(select)?
        .query_row(params![stream, DueKind::PushAgain.as_str()], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(0))
}

fn put(rows: &Connection, entry: &Entry, kind: DueKind, due: Timestamp, failures: i64) -> rusqlite::Result<()> {
    let upsert = "INSERT INTO due_times (stream, kind, since, due_at, event, failures) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (stream, kind) DO UPDATE SET since = excluded.since, due_at = excluded.due_at,
            event = excluded.event, failures = excluded.failures";
    rows.prepare_cached(upsert)?.execute(params![
        entry.stream.as_str(),
        kind.as_str(),
        entry.at.0,
        due.0,
        entry.id.to_string(),
        failures
    ])?;
    Ok(())
}

fn remove(rows: &Connection, stream: &str, kind: DueKind) -> rusqlite::Result<()> {
    rows.prepare_cached("DELETE FROM due_times WHERE stream = ?1 AND kind = ?2")?
        .execute(params![stream, kind.as_str()])?;
    Ok(())
}
