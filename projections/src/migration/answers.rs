//! What people say about their earlier records.

use super::At;
use super::row::refresh;
use events::enrollment::EnrollmentEvent;
use rusqlite::{Connection, params};

pub(super) fn enrollment(rows: &Connection, event: &EnrollmentEvent, at: At) -> rusqlite::Result<()> {
    match event {
        EnrollmentEvent::PreviousRecordAnswered { record, removed: Some(is_removed), .. } => {
            // The first time counts, until they say that it is still there.
            let update = "UPDATE migration_rows SET said = CASE WHEN ?2 THEN coalesce(said, ?3) END WHERE record = ?1";
            let record = record.to_string();
            rows.prepare_cached(update)?.execute(params![record, is_removed, at.effective.0])?;
            refresh(rows, &record, at)
        }
        EnrollmentEvent::PreviousRecordAnswered { removed: None, .. } => Ok(()),
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
        EnrollmentEvent::ImportedRecordFound { .. } | EnrollmentEvent::PreviousRecordFound { .. } => Ok(()),
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
