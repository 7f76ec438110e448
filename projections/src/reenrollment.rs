//! Earlier records of the same person or the same hardware, with the evidence.

use crate::columns::uuid;
use crate::{Projection, ProjectionError, Projections, sql};
use events::device::{DeviceEvent, DeviceId};
use events::enrollment::{EnrollmentEvent, Evidence};
use events::{Entry, Event, EventId, Timestamp};
use rusqlite::{Connection, Row, params};

/// An earlier record and the later enrollment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// The later record: the id of an enrollment, and of its device if it enrolled.
    pub enrollment: DeviceId,
    pub previous: DeviceId,
    pub evidence: Vec<Found>,
    pub at: Timestamp,
    /// The event that recorded the finding.
    pub event: EventId,
}

/// Why two records probably belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Found {
    SamePerson,
    SameFamily,
    /// The device reported the same UDID, before it received its profile or at enrollment, and the old record was
    /// superseded.
    SameHardware,
}

impl Found {
    const ALL: [Found; 3] = [Found::SamePerson, Found::SameFamily, Found::SameHardware];

    fn as_str(self) -> &'static str {
        match self {
            Found::SamePerson => "same_person",
            Found::SameFamily => "same_family",
            Found::SameHardware => "same_hardware",
        }
    }
}

impl From<Evidence> for Found {
    fn from(evidence: Evidence) -> Found {
        match evidence {
            Evidence::SamePerson => Found::SamePerson,
            Evidence::SameFamily => Found::SameFamily,
            Evidence::SameHardware => Found::SameHardware,
        }
    }
}

/// Returns the earlier and later records of one device, as known at `as_of`: the newest `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn of_device(
    projections: &Projections,
    device: DeviceId,
    as_of: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<Earlier>, ProjectionError> {
    let as_of = as_of.unwrap_or(Timestamp(i64::MAX)).0;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    projections
        .read_of("reenrollment", move |rows| {
            let select = "SELECT enrollment, previous, evidence, at, event FROM reenrollment_found
                WHERE (enrollment = ?1 OR previous = ?1) AND at <= ?2 ORDER BY position DESC, previous LIMIT ?3";
            rows.prepare_cached(select)?.query_map((device.to_string(), as_of, limit), earlier_of)?.collect()
        })
        .await
}

fn earlier_of(row: &Row<'_>) -> rusqlite::Result<Earlier> {
    let evidence: String = row.get(2)?;
    let found = |name: &str| Found::ALL.into_iter().find(|found| found.as_str() == name);
    Ok(Earlier {
        enrollment: DeviceId(uuid(row, 0)?),
        previous: DeviceId(uuid(row, 1)?),
        evidence: evidence.split(' ').filter_map(found).collect(),
        at: Timestamp(row.get(3)?),
        event: EventId(uuid(row, 4)?),
    })
}

pub(crate) struct Reenrollment;

impl Projection for Reenrollment {
    fn name(&self) -> &'static str {
        "reenrollment"
    }

    fn version(&self) -> u32 {
        3
    }

    fn tables(&self) -> &'static [&'static str] {
        &["reenrollment_found"]
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS reenrollment_found (
            enrollment TEXT NOT NULL, previous TEXT NOT NULL, evidence TEXT NOT NULL, at INTEGER NOT NULL,
            event TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (enrollment, previous, position)
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS reenrollment_by_previous ON reenrollment_found (previous);"
    }

    fn fold(&self, rows: &Connection, entry: &Entry, effective: Timestamp) -> rusqlite::Result<()> {
        match &entry.event {
            Event::Enrollment(event) => fold_enrollment(rows, entry, effective, event),
            Event::Device(event) => fold_device(rows, entry, effective, event),
            Event::Log(_) | Event::Person(_) | Event::Account(_) | Event::Hardware(_) | Event::Staff(_) => Ok(()),
            Event::UserName(_) | Event::StaffActivity(_) | Event::Refusal(_) | Event::Request(_) => Ok(()),
            Event::Invitation(_) | Event::Code(_) | Event::Wave(_) | Event::Migration(_) => Ok(()),
            Event::Assertion(_) | Event::Settings(_) | Event::Record(_) | Event::Import(_) | Event::Successor(_) => {
                Ok(())
            }
        }
    }
}

fn fold_enrollment(
    rows: &Connection,
    entry: &Entry,
    effective: Timestamp,
    event: &EnrollmentEvent,
) -> rusqlite::Result<()> {
    match event {
        EnrollmentEvent::PreviousRecordFound { records, .. } => records.iter().try_for_each(|found| {
            let evidence: Vec<Found> = found.evidence.iter().copied().map(Found::from).collect();
            keep(rows, entry, effective, entry.stream.id(), &found.device.to_string(), &evidence)
        }),
        EnrollmentEvent::VisitOpened { .. } | EnrollmentEvent::AccountDrivenBegun { .. } => Ok(()),
        EnrollmentEvent::TermsDeclined { .. } | EnrollmentEvent::IdentityRefused { .. } => Ok(()),
        EnrollmentEvent::FormRefused { .. } | EnrollmentEvent::LanguageChosen { .. } => Ok(()),
        EnrollmentEvent::VisitResumed { .. } | EnrollmentEvent::SignInRefused { .. } => Ok(()),
        EnrollmentEvent::UserSignedIn { .. } | EnrollmentEvent::UserSignedInAgain { .. } => Ok(()),
        EnrollmentEvent::SingleSignOnBegun { .. } | EnrollmentEvent::SingleSignOnProven { .. } => Ok(()),
        EnrollmentEvent::SingleSignOnRefused { .. } | EnrollmentEvent::AssignmentOffered { .. } => Ok(()),
        EnrollmentEvent::EnrollmentAssigned { .. } | EnrollmentEvent::AssignmentDeclined {} => Ok(()),
        EnrollmentEvent::AttributesReceived { .. }
        | EnrollmentEvent::AccessDecided { .. }
        | EnrollmentEvent::TermsRequested { .. } => Ok(()),
        EnrollmentEvent::OldManagementRemovalAgreed { .. } | EnrollmentEvent::InvitationPresented { .. } => Ok(()),
        EnrollmentEvent::TermsAccepted { .. } | EnrollmentEvent::PreviousRecordsNoted {} => Ok(()),
        EnrollmentEvent::ImportedRecordFound { .. } | EnrollmentEvent::PreviousRecordAnswered { .. } => Ok(()),
        EnrollmentEvent::OwnershipChosen { .. } | EnrollmentEvent::CaProfileServed { .. } => Ok(()),
        EnrollmentEvent::CaInstallReported {} | EnrollmentEvent::CaStepSkipped {} => Ok(()),
        EnrollmentEvent::ManagedAppleIdGiven { .. } | EnrollmentEvent::ManagedAppleIdAssigned { .. } => Ok(()),
        EnrollmentEvent::AccessTokenIssued { .. } | EnrollmentEvent::AuthorizationCodeIssued { .. } => Ok(()),
        EnrollmentEvent::AccessTokenRefreshed { .. } | EnrollmentEvent::MachineInformationReceived { .. } => Ok(()),
        EnrollmentEvent::SignInAgainAsked { .. } | EnrollmentEvent::ProfileServiceServed { .. } => Ok(()),
        EnrollmentEvent::DeviceAttributesReported { .. } => Ok(()),
        EnrollmentEvent::VerificationProfileServed { .. } => Ok(()),
        EnrollmentEvent::VerificationIdentityIssued { .. } | EnrollmentEvent::ProfileServiceRefused { .. } => Ok(()),
        EnrollmentEvent::MdmProfileServed { .. } | EnrollmentEvent::IdentityIssued { .. } => Ok(()),
        EnrollmentEvent::IdentityRevoked { .. } | EnrollmentEvent::EnrollmentRefused { .. } => Ok(()),
        EnrollmentEvent::EnrollmentAbandoned {} | EnrollmentEvent::SignedOut {} => Ok(()),
    }
}

fn fold_device(rows: &Connection, entry: &Entry, effective: Timestamp, event: &DeviceEvent) -> rusqlite::Result<()> {
    match event {
        // Recorded in the stream of the old record: the later one is the device that replaced it.
        DeviceEvent::DeviceSuperseded { by, .. } => {
            keep(rows, entry, effective, &by.to_string(), entry.stream.id(), &[Found::SameHardware])
        }
        DeviceEvent::DeviceAuthenticated { .. } | DeviceEvent::DeviceEnrolled { .. } => Ok(()),
        DeviceEvent::PushTokenRenewed { .. } | DeviceEvent::IdentityRenewed { .. } => Ok(()),
        DeviceEvent::IdentityRenewalRequested { .. } | DeviceEvent::DeviceReauthenticated { .. } => Ok(()),
        DeviceEvent::IdentityRenewalCompleted { .. } | DeviceEvent::IdentityRenewalFailed { .. } => Ok(()),
        DeviceEvent::IdentityRolledBack { .. } | DeviceEvent::MdmCommandQueued { .. } => Ok(()),
        DeviceEvent::MdmCommandDelivered { .. } | DeviceEvent::MdmCommandCancelled { .. } => Ok(()),
        DeviceEvent::MdmCommandExpired { .. } | DeviceEvent::MdmCommandAnswered { .. } => Ok(()),
        DeviceEvent::MdmResultTooLarge { .. } | DeviceEvent::ManagedAppReported { .. } => Ok(()),
        DeviceEvent::InventoryReported { .. }
        | DeviceEvent::DeviceHeardFrom {}
        | DeviceEvent::ContactWatchBegun { .. } => Ok(()),
        DeviceEvent::IdentityRenewalRefused { .. } | DeviceEvent::DeviceMessageRefused { .. } => Ok(()),
        DeviceEvent::DeviceFieldsLeftOut { .. } | DeviceEvent::DeviceEventsSuppressed { .. } => Ok(()),
        DeviceEvent::MdmAnswerUnreadable { .. } => Ok(()),
        DeviceEvent::DevicePushed { .. } | DeviceEvent::PushFailed { .. } => Ok(()),
        DeviceEvent::DeviceCheckedOut { .. } | DeviceEvent::DeviceUnenrolled { .. } => Ok(()),
        DeviceEvent::DeviceRevived { .. } | DeviceEvent::HardwareClaimNoted { .. } => Ok(()),
        DeviceEvent::HardwareClaimDismissed { .. } => Ok(()),
        DeviceEvent::HardwareAttestationRequested { .. } => Ok(()),
        DeviceEvent::HardwareAttested { .. } | DeviceEvent::HardwareAttestationRefused { .. } => Ok(()),
        DeviceEvent::EarlierViewsCleared { .. } => Ok(()),
        DeviceEvent::RecordArchived {} | DeviceEvent::RecordRestored {} => Ok(()),
    }
}

fn keep(
    rows: &Connection,
    entry: &Entry,
    effective: Timestamp,
    enrollment: &str,
    previous: &str,
    evidence: &[Found],
) -> rusqlite::Result<()> {
    let evidence = evidence.iter().map(|found| found.as_str()).collect::<Vec<_>>().join(" ");
    let insert = "INSERT INTO reenrollment_found (enrollment, previous, evidence, at, event, position)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    rows.prepare_cached(insert)?.execute(params![
        enrollment,
        previous,
        evidence,
        effective.0,
        entry.id.to_string(),
        sql(entry.position)
    ])?;
    Ok(())
}
