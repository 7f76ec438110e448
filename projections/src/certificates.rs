//! Certificates of devices: issued and revoked certificates, and their expiry.

use crate::{Projection, ProjectionError, Projections};
use events::device::{DeviceEvent, DeviceId};
use events::enrollment::{EnrollmentEvent, IssuedCertificate};
use events::{Entry, Event, Timestamp};
use rusqlite::{Connection, params};
use uuid::Uuid;

pub(crate) struct Certificates;

impl Projection for Certificates {
    fn name(&self) -> &'static str {
        "certificates"
    }

    fn version(&self) -> u32 {
        3
    }

    fn tables(&self) -> &'static [&'static str] {
        &["certificates_issued"]
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS certificates_issued (
            fingerprint TEXT PRIMARY KEY, serial TEXT NOT NULL, device TEXT NOT NULL, not_after INTEGER NOT NULL,
            revoked INTEGER,
            -- 1: revoked only when that time is over.
            pending INTEGER NOT NULL DEFAULT 0
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS certificates_by_device ON certificates_issued (device);
        CREATE INDEX IF NOT EXISTS certificates_revoked ON certificates_issued (not_after)
            WHERE revoked IS NOT NULL;"
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
        EnrollmentEvent::IdentityIssued { identity, .. } => issued(rows, entry.stream.id(), identity),
        EnrollmentEvent::IdentityRevoked { fingerprint } => {
            let revoke = "UPDATE certificates_issued SET revoked = min(coalesce(revoked, ?2), ?2), pending = 0
                WHERE fingerprint = ?1";
            rows.prepare_cached(revoke)?.execute(params![fingerprint, effective.0]).map(drop)
        }
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
        EnrollmentEvent::TermsAccepted { .. } | EnrollmentEvent::PreviousRecordFound { .. } => Ok(()),
        EnrollmentEvent::ImportedRecordFound { .. } | EnrollmentEvent::PreviousRecordAnswered { .. } => Ok(()),
        EnrollmentEvent::OldManagementRemovalAgreed { .. } | EnrollmentEvent::InvitationPresented { .. } => Ok(()),
        EnrollmentEvent::PreviousRecordsNoted {} | EnrollmentEvent::OwnershipChosen { .. } => Ok(()),
        EnrollmentEvent::CaProfileServed { .. } | EnrollmentEvent::CaInstallReported {} => Ok(()),
        EnrollmentEvent::CaStepSkipped {} | EnrollmentEvent::ManagedAppleIdGiven { .. } => Ok(()),
        EnrollmentEvent::ManagedAppleIdAssigned { .. } | EnrollmentEvent::AccessTokenIssued { .. } => Ok(()),
        EnrollmentEvent::AuthorizationCodeIssued { .. } | EnrollmentEvent::AccessTokenRefreshed { .. } => Ok(()),
        EnrollmentEvent::MachineInformationReceived { .. } | EnrollmentEvent::SignInAgainAsked { .. } => Ok(()),
        EnrollmentEvent::ProfileServiceServed { .. } | EnrollmentEvent::DeviceAttributesReported { .. } => Ok(()),
        EnrollmentEvent::VerificationProfileServed { .. } => Ok(()),
        EnrollmentEvent::VerificationIdentityIssued { .. } | EnrollmentEvent::ProfileServiceRefused { .. } => Ok(()),
        EnrollmentEvent::MdmProfileServed { .. } | EnrollmentEvent::EnrollmentRefused { .. } => Ok(()),
        EnrollmentEvent::EnrollmentAbandoned {} | EnrollmentEvent::SignedOut {} => Ok(()),
    }
}

fn fold_device(rows: &Connection, entry: &Entry, effective: Timestamp, event: &DeviceEvent) -> rusqlite::Result<()> {
    let device = entry.stream.id();
    match event {
        DeviceEvent::IdentityRenewed { identity, .. } => issued(rows, device, identity),
        // The identity can revive its record, so it is revoked when that time is over, or not at all.
        DeviceEvent::DeviceSuperseded { evidence, revivable_until, .. } if evidence.is_reversible() => {
            revivable_until.map_or(Ok(()), |until| revoke_after(rows, device, until))
        }
        DeviceEvent::DeviceCheckedOut { .. }
        | DeviceEvent::DeviceUnenrolled { .. }
        | DeviceEvent::DeviceSuperseded { .. } => revoke(rows, device, effective),
        // Reverts the revocation that was caused by the end of the record. Certificates that were revoked separately
        // remain revoked.
        DeviceEvent::DeviceRevived { .. } => {
            let keep = "UPDATE certificates_issued SET revoked = NULL, pending = 0 WHERE device = ?1 AND pending = 1";
            rows.prepare_cached(keep)?.execute([device]).map(drop)
        }
        DeviceEvent::DeviceAuthenticated { .. } | DeviceEvent::DeviceEnrolled { .. } => Ok(()),
        DeviceEvent::PushTokenRenewed { .. } | DeviceEvent::IdentityRenewalRequested { .. } => Ok(()),
        DeviceEvent::DeviceReauthenticated { .. } | DeviceEvent::IdentityRenewalCompleted { .. } => Ok(()),
        DeviceEvent::IdentityRenewalFailed { .. } | DeviceEvent::IdentityRolledBack { .. } => Ok(()),
        DeviceEvent::MdmCommandQueued { .. } | DeviceEvent::MdmCommandDelivered { .. } => Ok(()),
        DeviceEvent::MdmCommandCancelled { .. } | DeviceEvent::MdmCommandExpired { .. } => Ok(()),
        DeviceEvent::MdmCommandAnswered { .. } | DeviceEvent::MdmResultTooLarge { .. } => Ok(()),
        DeviceEvent::ManagedAppReported { .. } | DeviceEvent::InventoryReported { .. } => Ok(()),
        DeviceEvent::DeviceHeardFrom {}
        | DeviceEvent::ContactWatchBegun { .. }
        | DeviceEvent::DevicePushed { .. }
        | DeviceEvent::PushFailed { .. } => Ok(()),
        DeviceEvent::IdentityRenewalRefused { .. } | DeviceEvent::DeviceMessageRefused { .. } => Ok(()),
        DeviceEvent::DeviceFieldsLeftOut { .. } | DeviceEvent::DeviceEventsSuppressed { .. } => Ok(()),
        DeviceEvent::MdmAnswerUnreadable { .. } => Ok(()),
        DeviceEvent::HardwareClaimNoted { .. } => Ok(()),
        DeviceEvent::HardwareClaimDismissed { .. } => Ok(()),
        DeviceEvent::HardwareAttestationRequested { .. } => Ok(()),
        DeviceEvent::HardwareAttested { .. } | DeviceEvent::HardwareAttestationRefused { .. } => Ok(()),
        DeviceEvent::EarlierViewsCleared { .. } => Ok(()),
        DeviceEvent::RecordArchived {} | DeviceEvent::RecordRestored {} => Ok(()),
    }
}

// Revokes at once. The earliest time counts, even if the clock is set back later.
fn revoke(rows: &Connection, device: &str, at: Timestamp) -> rusqlite::Result<()> {
    let revoke =
        "UPDATE certificates_issued SET revoked = min(coalesce(revoked, ?2), ?2), pending = 0 WHERE device = ?1";
    rows.prepare_cached(revoke)?.execute(params![device, at.0]).map(drop)
}

// Certificates that are already revoked remain revoked.
fn revoke_after(rows: &Connection, device: &str, until: Timestamp) -> rusqlite::Result<()> {
    let revoke = "UPDATE certificates_issued SET pending = (revoked IS NULL OR pending = 1),
        revoked = min(coalesce(revoked, ?2), ?2) WHERE device = ?1";
    rows.prepare_cached(revoke)?.execute(params![device, until.0]).map(drop)
}

fn issued(rows: &Connection, device: &str, identity: &IssuedCertificate) -> rusqlite::Result<()> {
    let insert = "INSERT INTO certificates_issued (fingerprint, serial, device, not_after) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (fingerprint) DO NOTHING";
    let IssuedCertificate { fingerprint, serial, not_after, .. } = identity;
    rows.prepare_cached(insert)?.execute(params![fingerprint, serial, device, not_after.0]).map(drop)
}

/// A revoked certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Serial number in upper-case hex.
    pub serial: String,
    pub device: DeviceId,
    pub at: Timestamp,
}

/// Returns the certificates that were revoked before they expire. Certificates that have expired by `now` are omitted
/// (RFC 5280 §3.3).
///
/// # Errors
/// Returns an error if `projections.db` cannot be read.
pub async fn revoked(projections: &Projections, now: Timestamp) -> Result<Vec<Revoked>, ProjectionError> {
    let select = "SELECT serial, device, revoked FROM certificates_issued
        WHERE revoked IS NOT NULL AND (pending = 0 OR revoked <= ?1) AND not_after > ?1 ORDER BY revoked, serial";
    projections
        .read_of("certificates", move |rows| {
            let mut select = rows.prepare_cached(select)?;
            let found = select.query_map([now.0], |row| {
                let device: String = row.get(1)?;
                Ok(Revoked {
                    serial: row.get(0)?,
                    device: DeviceId(Uuid::parse_str(&device).unwrap_or_default()),
                    at: Timestamp(row.get(2)?),
                })
            })?;
            found.collect()
        })
        .await
}
