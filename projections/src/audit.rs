//! The audit trail: every event as a searchable row.

mod english;
mod erase;
mod message;
mod outcome;
mod query;

pub use english::english;
pub use message::{
    Message, attestation_refusal, evidence_words, faults, link_evidence, mail_failure, message, rejection,
    renewal_failure, supersession,
};
pub use outcome::AuditOutcome;
pub use query::{AuditFilter, AuditPage, Extent, Match, Row, extent, find, has_acted, query, types};

use crate::{Projection, sql};
use events::device::{CommandId, DeviceEvent, DeviceId};
use events::enrollment::{self, EnrollmentEvent, EnrollmentId};
use events::invitation::InvitationEvent;
use events::person::{AccountEvent, PersonEvent, PersonId};
use events::personal::Gone;
use events::record::{RecordEvent, RecordOwner};
use events::staff::{StaffActivityEvent, StaffEvent};
use events::system::HardwareEvent;
use events::{ActorKind, Entry, Event, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

/// All kinds of actors, with their names in filters.
pub const ACTOR_KINDS: [(ActorKind, &str); 6] = [
    (ActorKind::Visitor, "visitor"),
    (ActorKind::Person, "person"),
    (ActorKind::Device, "device"),
    (ActorKind::Staff, "staff"),
    (ActorKind::Operator, "operator"),
    (ActorKind::System, "system"),
];

/// Returns the name of a kind of actor in filters.
pub fn actor_name(kind: ActorKind) -> &'static str {
    ACTOR_KINDS.iter().find(|(known, _)| *known == kind).map_or("", |(_, name)| name)
}

/// Returns the help code that finds the events of `correlation`. For an enrollment it is the enrollment's help code.
pub fn help_code(correlation: Uuid) -> String {
    enrollment::help_code(EnrollmentId(correlation))
}

pub(crate) struct Audit;

impl Projection for Audit {
    fn name(&self) -> &'static str {
        "audit"
    }

    fn version(&self) -> u32 {
        11
    }

    fn tables(&self) -> &'static [&'static str] {
        &["audit_events", "audit_personal", "audit_people", "audit_accounts", "audit_commands"]
    }

    // The index by event is not unique, so that a log which contains an event id twice is shown completely.
    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS audit_events (
            position INTEGER PRIMARY KEY, event TEXT NOT NULL, at INTEGER NOT NULL, effective INTEGER NOT NULL,
            stream TEXT NOT NULL, revision INTEGER NOT NULL, type TEXT NOT NULL, actor_kind TEXT NOT NULL,
            actor_id TEXT NOT NULL, person TEXT, device TEXT, correlation TEXT NOT NULL, help_code TEXT NOT NULL,
            device_code TEXT, source TEXT, source_erased INTEGER NOT NULL,
            -- The key that seals the source, if it is not the key of the person.
            source_key TEXT,
            outcome TEXT NOT NULL, message TEXT NOT NULL, message_values TEXT NOT NULL, text TEXT NOT NULL, account TEXT
        );
        CREATE INDEX IF NOT EXISTS audit_by_event ON audit_events (event);
        CREATE INDEX IF NOT EXISTS audit_by_time ON audit_events (effective);
        CREATE INDEX IF NOT EXISTS audit_by_device ON audit_events (device);
        CREATE INDEX IF NOT EXISTS audit_by_person ON audit_events (person);
        CREATE INDEX IF NOT EXISTS audit_by_actor ON audit_events (actor_id);
        CREATE INDEX IF NOT EXISTS audit_by_type ON audit_events (type);
        CREATE INDEX IF NOT EXISTS audit_by_correlation ON audit_events (correlation);
        CREATE INDEX IF NOT EXISTS audit_by_help_code ON audit_events (help_code);
        CREATE INDEX IF NOT EXISTS audit_by_device_code ON audit_events (device_code);
        CREATE INDEX IF NOT EXISTS audit_by_account ON audit_events (account) WHERE account IS NOT NULL;
        CREATE INDEX IF NOT EXISTS audit_by_source_key ON audit_events (source_key) WHERE source_key IS NOT NULL;
        -- The values of messages that contain personal text: the key that seals it, and the value without it.
        CREATE TABLE IF NOT EXISTS audit_personal (
            key TEXT NOT NULL, position INTEGER NOT NULL, value TEXT NOT NULL, erased TEXT,
            PRIMARY KEY (key, position, value)
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS audit_accounts (account TEXT PRIMARY KEY, person TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS audit_people (device TEXT PRIMARY KEY, person TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS audit_people_by_person ON audit_people (person);
        CREATE TABLE IF NOT EXISTS audit_commands (
            device TEXT NOT NULL, command TEXT NOT NULL, request_type TEXT NOT NULL, PRIMARY KEY (device, command)
        ) WITHOUT ROWID;"
    }

    fn joins(&self) -> &'static [&'static str] {
        &["people"]
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
        insert(rows, entry, effective, &about)?;
        if let Event::Person(PersonEvent::PersonErased {}) = &entry.event {
            erase::erase(rows, entry.stream.id())?;
        }
        if let Event::Record(RecordEvent::PreviousRecordShredded {}) = &entry.event {
            erase::erase_record(rows, entry.stream.id())?;
        }
        Ok(())
    }
}

/// What an event is about, in addition to its stream.
struct About<'a> {
    device: Option<String>,
    account: Option<&'a str>,
    person: Option<String>,
}

/// Returns the account of a refused sign-in: the HMAC that names its `account-` stream. The enrollment may belong to
/// another person.
fn account_of(entry: &Entry) -> Option<&str> {
    match &entry.event {
        Event::Enrollment(event) => account_refused(event),
        Event::Account(AccountEvent::AccountSignInRefused { .. } | AccountEvent::AccountRefusalsSuppressed(_)) => {
            Some(entry.stream.id())
        }
        Event::Account(AccountEvent::AccountReserved { .. }) => None,
        Event::Log(_) | Event::Device(_) | Event::Person(_) | Event::Hardware(_) | Event::Staff(_) => None,
        Event::UserName(_) | Event::StaffActivity(_) | Event::Refusal(_) | Event::Request(_) | Event::Assertion(_) => {
            None
        }
        Event::Invitation(_) | Event::Code(_) | Event::Wave(_) | Event::Migration(_) => None,
        Event::Settings(_) | Event::Record(_) | Event::Import(_) | Event::Successor(_) => None,
    }
}

fn account_refused(event: &EnrollmentEvent) -> Option<&str> {
    match event {
        EnrollmentEvent::SignInRefused { account, .. } => account.as_deref(),
        EnrollmentEvent::VisitOpened { .. } | EnrollmentEvent::AccountDrivenBegun { .. } => None,
        EnrollmentEvent::VisitResumed { .. } | EnrollmentEvent::UserSignedIn { .. } => None,
        EnrollmentEvent::UserSignedInAgain { .. } | EnrollmentEvent::SingleSignOnBegun { .. } => None,
        EnrollmentEvent::SingleSignOnProven { .. } | EnrollmentEvent::SingleSignOnRefused { .. } => None,
        EnrollmentEvent::AssignmentOffered { .. } | EnrollmentEvent::EnrollmentAssigned { .. } => None,
        EnrollmentEvent::AssignmentDeclined {}
        | EnrollmentEvent::AttributesReceived { .. }
        | EnrollmentEvent::AccessDecided { .. } => None,
        EnrollmentEvent::TermsRequested { .. } | EnrollmentEvent::TermsAccepted { .. } => None,
        EnrollmentEvent::TermsDeclined { .. } | EnrollmentEvent::PreviousRecordFound { .. } => None,
        EnrollmentEvent::ImportedRecordFound { .. } | EnrollmentEvent::PreviousRecordAnswered { .. } => None,
        EnrollmentEvent::OldManagementRemovalAgreed { .. } | EnrollmentEvent::InvitationPresented { .. } => None,
        EnrollmentEvent::PreviousRecordsNoted {} | EnrollmentEvent::OwnershipChosen { .. } => None,
        EnrollmentEvent::CaProfileServed { .. } | EnrollmentEvent::CaInstallReported {} => None,
        EnrollmentEvent::CaStepSkipped {} | EnrollmentEvent::ManagedAppleIdGiven { .. } => None,
        EnrollmentEvent::ManagedAppleIdAssigned { .. } | EnrollmentEvent::AccessTokenIssued { .. } => None,
        EnrollmentEvent::AuthorizationCodeIssued { .. } | EnrollmentEvent::AccessTokenRefreshed { .. } => None,
        EnrollmentEvent::MachineInformationReceived { .. } | EnrollmentEvent::SignInAgainAsked { .. } => None,
        EnrollmentEvent::ProfileServiceServed { .. } | EnrollmentEvent::DeviceAttributesReported { .. } => None,
        EnrollmentEvent::VerificationProfileServed { .. } => None,
        EnrollmentEvent::VerificationIdentityIssued { .. } | EnrollmentEvent::ProfileServiceRefused { .. } => None,
        EnrollmentEvent::MdmProfileServed { .. } | EnrollmentEvent::IdentityIssued { .. } => None,
        EnrollmentEvent::IdentityRefused { .. } | EnrollmentEvent::IdentityRevoked { .. } => None,
        EnrollmentEvent::FormRefused { .. } | EnrollmentEvent::LanguageChosen { .. } => None,
        EnrollmentEvent::EnrollmentRefused { .. } | EnrollmentEvent::EnrollmentAbandoned {} => None,
        EnrollmentEvent::SignedOut {} => None,
    }
}

fn owner_of(rows: &Connection, account: &str) -> rusqlite::Result<Option<String>> {
    let select = "SELECT person FROM audit_accounts WHERE account = ?1";
    rows.prepare_cached(select)?.query_row([account], |row| row.get(0)).optional()
}

// Refused sign-ins from before the account was linked to a person are also attributed to that person.
fn own(rows: &Connection, account: &str, person: &str) -> rusqlite::Result<()> {
    let keep = "INSERT INTO audit_accounts (account, person) VALUES (?1, ?2)
        ON CONFLICT (account) DO UPDATE SET person = excluded.person";
    rows.prepare_cached(keep)?.execute([account, person])?;
    let update = "UPDATE audit_events SET person = ?2 WHERE account = ?1 AND person IS NULL";
    rows.prepare_cached(update)?.execute([account, person]).map(drop)
}

/// Returns the device that an event is about, or the enrollment that may become one.
fn device_of(entry: &Entry) -> Option<String> {
    match &entry.event {
        Event::Enrollment(_) | Event::Device(_) => Some(entry.stream.id().to_owned()),
        Event::Hardware(HardwareEvent::HardwareEnrolled { device }) => Some(device.to_string()),
        Event::StaffActivity(event) => viewed(event),
        Event::Log(_) | Event::Person(_) | Event::Account(_) | Event::Staff(_) | Event::UserName(_) => None,
        Event::Refusal(_) | Event::Request(_) | Event::Assertion(_) | Event::Settings(_) => None,
        Event::Record(event) => successor_of(event).map(|successor| successor.to_string()),
        Event::Invitation(event) => opened_in(event).map(|enrollment| enrollment.to_string()),
        Event::Code(_) | Event::Wave(_) | Event::Migration(_) => None,
        Event::Import(_) | Event::Successor(_) => None,
    }
}

// What becomes of an invitation in an enrollment is told in the history of its device.
fn opened_in(event: &InvitationEvent) -> Option<EnrollmentId> {
    match event {
        InvitationEvent::InvitationOpened { enrollment, .. } | InvitationEvent::InvitationUsed { enrollment, .. } => {
            Some(*enrollment)
        }
        InvitationEvent::InvitationRefused { enrollment, .. } => *enrollment,
        InvitationEvent::InvitationIssued { .. } | InvitationEvent::InvitationRenewed { .. } => None,
        InvitationEvent::InvitationSent { .. } | InvitationEvent::InvitationNotSent { .. } => None,
        InvitationEvent::InvitationCodeIssued { .. } => None,
        InvitationEvent::InvitationRevoked {} | InvitationEvent::InvitationExpired {} => None,
    }
}

// A link is told in the history of the enrolled device.
fn successor_of(event: &RecordEvent) -> Option<DeviceId> {
    match event {
        RecordEvent::LinkProposed { successor, .. } | RecordEvent::SilenceAsked { successor, .. } => Some(*successor),
        RecordEvent::LinkConfirmed { successor, .. } | RecordEvent::LinkRejected { successor } => Some(*successor),
        RecordEvent::RetirementNotified { successor, .. } => Some(*successor),
        RecordEvent::MigrationExceptionMade { .. }
        | RecordEvent::MigrationExceptionEnded {}
        | RecordEvent::RecordNoteAdded { .. }
        | RecordEvent::PreviousRecordShredded {} => None,
        RecordEvent::LinkUndone { successor } => Some(*successor),
        RecordEvent::PreviousRecordImported { .. } | RecordEvent::PreviousRecordChanged { .. } => None,
        RecordEvent::PreviousRecordMissing { .. } | RecordEvent::PreviousRecordReturned { .. } => None,
        RecordEvent::PreviousRecordImportUndone { .. } | RecordEvent::PreviousRecordOwnerResolved { .. } => None,
    }
}

fn viewed(event: &StaffActivityEvent) -> Option<String> {
    match event {
        StaffActivityEvent::DeviceViewed { device } => Some(device.to_string()),
        StaffActivityEvent::AccessRefused { device, .. } | StaffActivityEvent::ActRefused { device, .. } => {
            device.map(|device| device.to_string())
        }
        StaffActivityEvent::VisitViewed { enrollment } => Some(enrollment.to_string()),
        StaffActivityEvent::DeviceListViewed {} | StaffActivityEvent::AuditTrailViewed { .. } => None,
        StaffActivityEvent::FunnelViewed { .. } | StaffActivityEvent::VisitListViewed { .. } => None,
        StaffActivityEvent::SettingsViewed {} | StaffActivityEvent::AuditTrailExported { .. } => None,
        StaffActivityEvent::InventoryExported { .. }
        | StaffActivityEvent::ApiRead { .. }
        | StaffActivityEvent::StaffListViewed {} => None,
        StaffActivityEvent::PreviousRecordViewed { record } => Some(record.to_string()),
        StaffActivityEvent::StaffViewed { .. } | StaffActivityEvent::PersonViewed { .. } => None,
        StaffActivityEvent::PreviousRecordListViewed {} | StaffActivityEvent::ImportListViewed {} => None,
        StaffActivityEvent::LinkListViewed {} | StaffActivityEvent::LineageExported { .. } => None,
        StaffActivityEvent::MigrationBoardViewed { .. } | StaffActivityEvent::MigrationBoardExported { .. } => None,
        StaffActivityEvent::InvitationListViewed {} | StaffActivityEvent::InvitationViewed { .. } => None,
        StaffActivityEvent::InvitationsExported { .. } => None,
        StaffActivityEvent::PreviousRecordsExported { .. } => None,
    }
}

/// Returns the person that an event itself names.
fn person_named(entry: &Entry) -> Option<String> {
    match &entry.event {
        Event::Enrollment(event) => named_on_enrollment(event),
        Event::Device(event) => named_by_device(event),
        Event::Account(AccountEvent::AccountReserved { person }) => Some(person.to_string()),
        Event::Person(_) => Some(entry.stream.id().to_owned()),
        Event::Account(AccountEvent::AccountSignInRefused { .. } | AccountEvent::AccountRefusalsSuppressed(_)) => None,
        Event::Staff(event) => refused_staff(event).then(|| entry.stream.id().to_owned()),
        Event::Record(event) => owner_resolved(event).map(|person| person.to_string()),
        Event::StaffActivity(event) => person_viewed(event).map(|person| person.to_string()),
        Event::Log(_) | Event::Hardware(_) | Event::UserName(_) => None,
        Event::Refusal(_) | Event::Request(_) | Event::Assertion(_) | Event::Settings(_) => None,
        Event::Invitation(event) => invited(event).map(|person| person.to_string()),
        Event::Code(_) | Event::Wave(_) | Event::Migration(_) => None,
        Event::Import(_) | Event::Successor(_) => None,
    }
}

fn invited(event: &InvitationEvent) -> Option<PersonId> {
    match event {
        InvitationEvent::InvitationIssued { recipient, .. } => recipient.person,
        InvitationEvent::InvitationUsed { person, .. } => Some(*person),
        InvitationEvent::InvitationRenewed { .. } | InvitationEvent::InvitationSent { .. } => None,
        InvitationEvent::InvitationNotSent { .. } | InvitationEvent::InvitationOpened { .. } => None,
        InvitationEvent::InvitationCodeIssued { .. } | InvitationEvent::InvitationRefused { .. } => None,
        InvitationEvent::InvitationRevoked {} | InvitationEvent::InvitationExpired {} => None,
    }
}

fn person_viewed(event: &StaffActivityEvent) -> Option<PersonId> {
    match event {
        StaffActivityEvent::PersonViewed { person } => Some(*person),
        StaffActivityEvent::DeviceListViewed {} | StaffActivityEvent::DeviceViewed { .. } => None,
        StaffActivityEvent::AuditTrailViewed { .. } | StaffActivityEvent::FunnelViewed { .. } => None,
        StaffActivityEvent::VisitListViewed { .. } | StaffActivityEvent::VisitViewed { .. } => None,
        StaffActivityEvent::SettingsViewed {} | StaffActivityEvent::AuditTrailExported { .. } => None,
        StaffActivityEvent::InventoryExported { .. } | StaffActivityEvent::ApiRead { .. } => None,
        StaffActivityEvent::StaffListViewed {} | StaffActivityEvent::StaffViewed { .. } => None,
        StaffActivityEvent::PreviousRecordListViewed {} | StaffActivityEvent::PreviousRecordViewed { .. } => None,
        StaffActivityEvent::ImportListViewed {} | StaffActivityEvent::LinkListViewed {} => None,
        StaffActivityEvent::MigrationBoardViewed { .. } | StaffActivityEvent::MigrationBoardExported { .. } => None,
        StaffActivityEvent::InvitationListViewed {} | StaffActivityEvent::InvitationViewed { .. } => None,
        StaffActivityEvent::InvitationsExported { .. } => None,
        StaffActivityEvent::LineageExported { .. } | StaffActivityEvent::PreviousRecordsExported { .. } => None,
        StaffActivityEvent::ActRefused { .. } | StaffActivityEvent::AccessRefused { .. } => None,
    }
}

fn owner_resolved(event: &RecordEvent) -> Option<PersonId> {
    match event {
        RecordEvent::PreviousRecordOwnerResolved { owner } => owner.person(),
        RecordEvent::PreviousRecordImported { owner, .. } => owner.and_then(RecordOwner::person),
        RecordEvent::PreviousRecordChanged { .. } | RecordEvent::PreviousRecordMissing { .. } => None,
        RecordEvent::PreviousRecordReturned { .. } | RecordEvent::PreviousRecordImportUndone { .. } => None,
        RecordEvent::LinkProposed { .. } | RecordEvent::SilenceAsked { .. } | RecordEvent::LinkConfirmed { .. } => None,
        RecordEvent::MigrationExceptionMade { .. }
        | RecordEvent::MigrationExceptionEnded {}
        | RecordEvent::RecordNoteAdded { .. }
        | RecordEvent::RetirementNotified { .. }
        | RecordEvent::PreviousRecordShredded {} => None,
        RecordEvent::LinkRejected { .. } | RecordEvent::LinkUndone { .. } => None,
    }
}

// The person who tried did not prove their identity: the actor is a visitor, and the account is the person that the
// event is about.
fn refused_staff(event: &StaffEvent) -> bool {
    match event {
        StaffEvent::StaffSignInRefused { .. }
        | StaffEvent::PasswordConfirmationRefused { .. }
        | StaffEvent::SecondFactorRefused { .. }
        | StaffEvent::ApiTokenRefused { .. }
        | StaffEvent::StaffRefusalsSuppressed(_) => true,
        StaffEvent::LocalAccountAdded { .. } | StaffEvent::ExternalStaffKnown { .. } => false,
        StaffEvent::ApiClientAdded { .. } | StaffEvent::ApiTokenIssued { .. } => false,
        StaffEvent::LocalAccountDisabled {} | StaffEvent::LocalAccountEnabled {} => false,
        StaffEvent::PasswordChanged { .. } | StaffEvent::PrivilegesChanged { .. } => false,
        StaffEvent::SetUpLinkIssued { .. } | StaffEvent::SetUpLinkRevoked {} => false,
        StaffEvent::FirstFactorProven { .. } | StaffEvent::StaffSignedIn { .. } => false,
        StaffEvent::StaffSignedOut {} | StaffEvent::StaffSessionEnded { .. } => false,
        StaffEvent::StaffSessionsEnded {} | StaffEvent::PasswordConfirmed {} => false,
        StaffEvent::PasskeyAdded { .. } | StaffEvent::PasskeyUsed { .. } => false,
        StaffEvent::PasskeyRemoved { .. } | StaffEvent::OneTimeCodesAdded { .. } => false,
        StaffEvent::OneTimeCodeUsed { .. } | StaffEvent::OneTimeCodesRemoved {} => false,
        StaffEvent::RecoveryCodesMade { .. } | StaffEvent::RecoveryCodeUsed { .. } => false,
        StaffEvent::RecoveryCodesRemoved {} => false,
    }
}

fn named_on_enrollment(event: &EnrollmentEvent) -> Option<String> {
    match event {
        EnrollmentEvent::UserSignedIn { person, .. } | EnrollmentEvent::EnrollmentAssigned { person, .. } => {
            Some(person.to_string())
        }
        EnrollmentEvent::VisitOpened { .. } | EnrollmentEvent::AccountDrivenBegun { .. } => None,
        EnrollmentEvent::TermsDeclined { .. } | EnrollmentEvent::IdentityRefused { .. } => None,
        EnrollmentEvent::FormRefused { .. } | EnrollmentEvent::LanguageChosen { .. } => None,
        EnrollmentEvent::VisitResumed { .. } | EnrollmentEvent::SignInRefused { .. } => None,
        EnrollmentEvent::UserSignedInAgain { .. } | EnrollmentEvent::SingleSignOnBegun { .. } => None,
        EnrollmentEvent::SingleSignOnProven { .. } | EnrollmentEvent::SingleSignOnRefused { .. } => None,
        EnrollmentEvent::AssignmentOffered { .. } | EnrollmentEvent::AssignmentDeclined {} => None,
        EnrollmentEvent::AttributesReceived { .. }
        | EnrollmentEvent::AccessDecided { .. }
        | EnrollmentEvent::TermsRequested { .. } => None,
        EnrollmentEvent::TermsAccepted { .. } | EnrollmentEvent::PreviousRecordFound { .. } => None,
        EnrollmentEvent::ImportedRecordFound { .. } | EnrollmentEvent::PreviousRecordAnswered { .. } => None,
        EnrollmentEvent::OldManagementRemovalAgreed { .. } | EnrollmentEvent::InvitationPresented { .. } => None,
        EnrollmentEvent::PreviousRecordsNoted {} | EnrollmentEvent::OwnershipChosen { .. } => None,
        EnrollmentEvent::CaProfileServed { .. } | EnrollmentEvent::CaInstallReported {} => None,
        EnrollmentEvent::CaStepSkipped {} | EnrollmentEvent::ManagedAppleIdGiven { .. } => None,
        EnrollmentEvent::ManagedAppleIdAssigned { .. } | EnrollmentEvent::AccessTokenIssued { .. } => None,
        EnrollmentEvent::AuthorizationCodeIssued { .. } | EnrollmentEvent::AccessTokenRefreshed { .. } => None,
        EnrollmentEvent::MachineInformationReceived { .. } | EnrollmentEvent::SignInAgainAsked { .. } => None,
        EnrollmentEvent::ProfileServiceServed { .. } | EnrollmentEvent::DeviceAttributesReported { .. } => None,
        EnrollmentEvent::VerificationProfileServed { .. } => None,
        EnrollmentEvent::VerificationIdentityIssued { .. } | EnrollmentEvent::ProfileServiceRefused { .. } => None,
        EnrollmentEvent::MdmProfileServed { .. } | EnrollmentEvent::IdentityIssued { .. } => None,
        EnrollmentEvent::IdentityRevoked { .. } | EnrollmentEvent::EnrollmentRefused { .. } => None,
        EnrollmentEvent::EnrollmentAbandoned {} | EnrollmentEvent::SignedOut {} => None,
    }
}

fn named_by_device(event: &DeviceEvent) -> Option<String> {
    match event {
        DeviceEvent::DeviceAuthenticated { person, .. } => Some(person.to_string()),
        DeviceEvent::DeviceEnrolled { .. } | DeviceEvent::PushTokenRenewed { .. } => None,
        DeviceEvent::IdentityRenewed { .. } | DeviceEvent::IdentityRenewalRequested { .. } => None,
        DeviceEvent::DeviceReauthenticated { .. } | DeviceEvent::IdentityRenewalCompleted { .. } => None,
        DeviceEvent::IdentityRenewalFailed { .. } | DeviceEvent::IdentityRolledBack { .. } => None,
        DeviceEvent::MdmCommandQueued { .. } | DeviceEvent::MdmCommandDelivered { .. } => None,
        DeviceEvent::MdmCommandCancelled { .. } | DeviceEvent::MdmCommandExpired { .. } => None,
        DeviceEvent::MdmCommandAnswered { .. } | DeviceEvent::MdmResultTooLarge { .. } => None,
        DeviceEvent::ManagedAppReported { .. } | DeviceEvent::InventoryReported { .. } => None,
        DeviceEvent::DeviceHeardFrom {}
        | DeviceEvent::ContactWatchBegun { .. }
        | DeviceEvent::DevicePushed { .. }
        | DeviceEvent::PushFailed { .. } => None,
        DeviceEvent::DeviceCheckedOut { .. } | DeviceEvent::DeviceUnenrolled { .. } => None,
        DeviceEvent::DeviceSuperseded { .. } | DeviceEvent::RecordArchived {} => None,
        DeviceEvent::EarlierViewsCleared { .. } => None,
        DeviceEvent::RecordRestored {} => None,
        DeviceEvent::IdentityRenewalRefused { .. } | DeviceEvent::DeviceMessageRefused { .. } => None,
        DeviceEvent::DeviceFieldsLeftOut { .. } | DeviceEvent::DeviceEventsSuppressed { .. } => None,
        DeviceEvent::DeviceRevived { .. } | DeviceEvent::HardwareClaimNoted { .. } => None,
        DeviceEvent::HardwareClaimDismissed { .. } | DeviceEvent::HardwareAttested { .. } => None,
        DeviceEvent::HardwareAttestationRequested { .. } => None,
        DeviceEvent::HardwareAttestationRefused { .. } => None,
        DeviceEvent::MdmAnswerUnreadable { .. } => None,
    }
}

fn person_of(rows: &Connection, device: Option<&str>) -> rusqlite::Result<Option<String>> {
    let Some(device) = device else { return Ok(None) };
    let select = "SELECT person FROM audit_people WHERE device = ?1";
    rows.prepare_cached(select)?.query_row([device], |row| row.get(0)).optional()
}

// Events of a visitor before the sign-in are also attributed to the person.
fn learn(rows: &Connection, device: Option<&str>, person: &str) -> rusqlite::Result<()> {
    let Some(device) = device else { return Ok(()) };
    let keep = "INSERT INTO audit_people (device, person) VALUES (?1, ?2) ON CONFLICT (device) DO NOTHING";
    if rows.prepare_cached(keep)?.execute([device, person])? > 0 {
        let update = "UPDATE audit_events SET person = ?2 WHERE device = ?1 AND person IS NULL AND account IS NULL";
        rows.prepare_cached(update)?.execute([device, person])?;
    }
    Ok(())
}

// Only the queuing event contains the name of a command; later events contain its id.
fn named(rows: &Connection, entry: &Entry, said: Message) -> rusqlite::Result<Message> {
    let Event::Device(event) = &entry.event else { return Ok(said) };
    let device = entry.stream.id();
    if let DeviceEvent::MdmCommandQueued { command, request_type, .. } = event {
        let keep = "INSERT INTO audit_commands (device, command, request_type) VALUES (?1, ?2, ?3)
            ON CONFLICT (device, command) DO NOTHING";
        rows.prepare_cached(keep)?.execute([device, &command.to_string(), request_type])?;
        return Ok(said);
    }
    let Some(command) = command_of(event) else { return Ok(said) };
    let select = "SELECT request_type FROM audit_commands WHERE device = ?1 AND command = ?2";
    let found = rows.prepare_cached(select)?.query_row([device, &command.to_string()], |row| row.get::<_, String>(0));
    Ok(match found.optional()? {
        Some(request_type) => said.with("command", request_type),
        None => said,
    })
}

/// Returns the command that the sentence about an event names.
fn command_of(event: &DeviceEvent) -> Option<CommandId> {
    match event {
        DeviceEvent::MdmCommandDelivered { command }
        | DeviceEvent::MdmCommandAnswered { command, .. }
        | DeviceEvent::MdmCommandCancelled { command }
        | DeviceEvent::MdmCommandExpired { command }
        | DeviceEvent::MdmAnswerUnreadable { command, .. } => Some(*command),
        DeviceEvent::MdmResultTooLarge { command, .. } => *command,
        DeviceEvent::DeviceAuthenticated { .. } | DeviceEvent::DeviceEnrolled { .. } => None,
        DeviceEvent::PushTokenRenewed { .. } | DeviceEvent::IdentityRenewed { .. } => None,
        DeviceEvent::IdentityRenewalRequested { .. } | DeviceEvent::DeviceReauthenticated { .. } => None,
        DeviceEvent::IdentityRenewalCompleted { .. } | DeviceEvent::IdentityRenewalFailed { .. } => None,
        DeviceEvent::IdentityRolledBack { .. } | DeviceEvent::MdmCommandQueued { .. } => None,
        DeviceEvent::ManagedAppReported { .. } | DeviceEvent::InventoryReported { .. } => None,
        DeviceEvent::DeviceHeardFrom {}
        | DeviceEvent::ContactWatchBegun { .. }
        | DeviceEvent::DevicePushed { .. }
        | DeviceEvent::PushFailed { .. } => None,
        DeviceEvent::DeviceCheckedOut { .. } | DeviceEvent::DeviceUnenrolled { .. } => None,
        DeviceEvent::DeviceSuperseded { .. } | DeviceEvent::RecordArchived {} => None,
        DeviceEvent::EarlierViewsCleared { .. } => None,
        DeviceEvent::RecordRestored {} => None,
        DeviceEvent::IdentityRenewalRefused { .. } | DeviceEvent::DeviceMessageRefused { .. } => None,
        DeviceEvent::DeviceFieldsLeftOut { .. } | DeviceEvent::DeviceEventsSuppressed { .. } => None,
        DeviceEvent::DeviceRevived { .. } | DeviceEvent::HardwareClaimNoted { .. } => None,
        DeviceEvent::HardwareClaimDismissed { .. } | DeviceEvent::HardwareAttested { .. } => None,
        DeviceEvent::HardwareAttestationRequested { .. } => None,
        DeviceEvent::HardwareAttestationRefused { .. } => None,
    }
}

fn insert(rows: &Connection, entry: &Entry, effective: Timestamp, about: &About<'_>) -> rusqlite::Result<()> {
    let About { device, account, person } = about;
    let said = named(rows, entry, message(&entry.event))?;
    let device_code = device.as_deref().and_then(|id| Uuid::parse_str(id).ok()).map(help_code);
    let event_type = entry.event.type_name();
    let id = entry.id.to_string();
    let text = searched(&english(said.key, &said.values), &event_type, entry.stream.as_str(), &id);
    let insert = "INSERT INTO audit_events (position, event, at, effective, stream, revision, type, actor_kind,
        actor_id, person, device, correlation, help_code, source, source_erased, outcome, message, message_values, text, device_code,
        account, source_key)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)";
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
        AuditOutcome::of(&entry.event).as_str(),
        said.key,
        serde_json::to_string(&said.values).unwrap_or_default(),
        text,
        device_code,
        account,
        erase::foreign_source_key(entry, person.as_deref())
    ])?;
    erase::note(rows, entry.position, &said)
}

/// Returns the text that a search looks through.
fn searched(sentence: &str, event_type: &str, stream: &str, event: &str) -> String {
    format!("{sentence}\n{event_type}\n{stream}\n{event}").to_lowercase()
}
