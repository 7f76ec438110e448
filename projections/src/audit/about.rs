//! What an event is about, in addition to its stream: the device, the person and the account that its row names. Pure.

use events::device::{DeviceEvent, DeviceId};
use events::enrollment::{EnrollmentEvent, EnrollmentId};
use events::invitation::InvitationEvent;
use events::person::{AccountEvent, PersonId};
use events::record::{RecordEvent, RecordOwner};
use events::staff::{StaffActivityEvent, StaffEvent};
use events::system::HardwareEvent;
use events::{Entry, Event};
use uuid::Uuid;

fn id_of(entry: &Entry) -> Option<Uuid> {
    Uuid::parse_str(entry.stream.id()).ok()
}

/// Returns the account of a refused sign-in: the HMAC that names its `account-` stream. The enrollment may belong to
/// another person.
pub(super) fn account_of(entry: &Entry) -> Option<&str> {
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

/// Returns the device that an event is about, or the enrollment that may become one.
pub(super) fn device_of(entry: &Entry) -> Option<Uuid> {
    match &entry.event {
        Event::Enrollment(_) | Event::Device(_) => id_of(entry),
        Event::Hardware(HardwareEvent::HardwareEnrolled { device }) => Some(device.0),
        Event::StaffActivity(event) => viewed(event),
        Event::Log(_) | Event::Person(_) | Event::Account(_) | Event::Staff(_) | Event::UserName(_) => None,
        Event::Refusal(_) | Event::Request(_) | Event::Assertion(_) | Event::Settings(_) => None,
        Event::Record(event) => successor_of(event).map(|successor| successor.0),
        Event::Invitation(event) => opened_in(event).map(|enrollment| enrollment.0),
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

fn viewed(event: &StaffActivityEvent) -> Option<Uuid> {
    match event {
        StaffActivityEvent::DeviceViewed { device } => Some(device.0),
        StaffActivityEvent::AccessRefused { device, .. } | StaffActivityEvent::ActRefused { device, .. } => {
            device.map(|device| device.0)
        }
        StaffActivityEvent::VisitViewed { enrollment } => Some(enrollment.0),
        StaffActivityEvent::DeviceListViewed {} | StaffActivityEvent::AuditTrailViewed { .. } => None,
        StaffActivityEvent::FunnelViewed { .. } | StaffActivityEvent::VisitListViewed { .. } => None,
        StaffActivityEvent::SettingsViewed {} | StaffActivityEvent::AuditTrailExported { .. } => None,
        StaffActivityEvent::InventoryExported { .. }
        | StaffActivityEvent::ApiRead { .. }
        | StaffActivityEvent::StaffListViewed {} => None,
        StaffActivityEvent::PreviousRecordViewed { record } => Some(record.0),
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
pub(super) fn person_named(entry: &Entry) -> Option<Uuid> {
    match &entry.event {
        Event::Enrollment(event) => named_on_enrollment(event),
        Event::Device(event) => named_by_device(event),
        Event::Account(AccountEvent::AccountReserved { person }) => Some(person.0),
        Event::Person(_) => id_of(entry),
        Event::Account(AccountEvent::AccountSignInRefused { .. } | AccountEvent::AccountRefusalsSuppressed(_)) => None,
        Event::Staff(event) => refused_staff(event).then(|| id_of(entry)).flatten(),
        Event::Record(event) => owner_resolved(event).map(|person| person.0),
        Event::StaffActivity(event) => person_viewed(event).map(|person| person.0),
        Event::Log(_) | Event::Hardware(_) | Event::UserName(_) => None,
        Event::Refusal(_) | Event::Request(_) | Event::Assertion(_) | Event::Settings(_) => None,
        Event::Invitation(event) => invited(event).map(|person| person.0),
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

fn named_on_enrollment(event: &EnrollmentEvent) -> Option<Uuid> {
    match event {
        EnrollmentEvent::UserSignedIn { person, .. } | EnrollmentEvent::EnrollmentAssigned { person, .. } => {
            Some(person.0)
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

fn named_by_device(event: &DeviceEvent) -> Option<Uuid> {
    match event {
        DeviceEvent::DeviceAuthenticated { person, .. } => Some(person.0),
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
