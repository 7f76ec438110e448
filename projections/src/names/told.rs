//! The names that events tell, and whose they are. Pure.

use events::device::{DeviceEvent, DeviceIdentifiers, InventoryValue};
use events::enrollment::EnrollmentEvent;
use events::person::PersonEvent;
use events::personal::{KeyName, Personal};
use events::staff::StaffEvent;
use events::{Entry, Event};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub subject: Uuid,
    /// The key that seals the name.
    pub key: KeyName,
    /// `None` if it cannot be read.
    pub name: Option<String>,
}

/// Names of values in the inventory that identify a device, in the order of their places.
const IDENTIFYING: [&str; 5] = ["DeviceName", "SerialNumber", "UDID", "IMEI", "MEID"];

/// Returns the names in an event. Previous records have no names here: their own list is searched for them.
pub(super) fn told(entry: &Entry) -> Vec<Told> {
    let mut told = Vec::new();
    let Ok(subject) = Uuid::parse_str(entry.stream.id()) else { return told };
    match &entry.event {
        Event::Person(event) => person(&mut told, subject, event),
        Event::Staff(event) => staff(&mut told, subject, event),
        Event::Enrollment(event) => enrollment(&mut told, subject, event),
        Event::Device(event) => device(&mut told, subject, event),
        Event::Log(_) | Event::Account(_) | Event::Hardware(_) | Event::UserName(_) => {}
        Event::StaffActivity(_) | Event::Refusal(_) | Event::Request(_) | Event::Assertion(_) => {}
        Event::Settings(_) | Event::Record(_) | Event::Import(_) | Event::Successor(_) => {}
        Event::Invitation(_) | Event::Code(_) | Event::Wave(_) | Event::Migration(_) => {}
    }
    told
}

fn tell<'a>(told: &mut Vec<Told>, subject: Uuid, names: impl IntoIterator<Item = Option<&'a Personal<String>>>) {
    let names = names.into_iter().flatten();
    told.extend(names.map(|name| Told { subject, key: name.key().clone(), name: name.get().cloned() }));
}

fn person(told: &mut Vec<Told>, subject: Uuid, event: &PersonEvent) {
    match event {
        PersonEvent::PersonKnown { attributes, .. } | PersonEvent::PersonAttributesChanged { attributes } => {
            let names = [&attributes.user_name, &attributes.display_name, &attributes.mail];
            tell(told, subject, names.map(Option::as_ref));
        }
        PersonEvent::ManagedAppleIdLearned { managed_apple_id } => tell(told, subject, [Some(managed_apple_id)]),
        PersonEvent::TermsAcceptanceKept { .. } | PersonEvent::PersonKeysNoted { .. } => {}
        PersonEvent::PersonRecordsResolved { .. } | PersonEvent::PersonErased {} => {}
    }
}

fn staff(told: &mut Vec<Told>, subject: Uuid, event: &StaffEvent) {
    match event {
        StaffEvent::StaffSignInRefused { .. }
        | StaffEvent::PasswordConfirmationRefused { .. }
        | StaffEvent::SecondFactorRefused { .. }
        | StaffEvent::ApiTokenRefused { .. }
        | StaffEvent::StaffRefusalsSuppressed(_) => {}
        StaffEvent::LocalAccountAdded { user_name, display_name, mail, .. }
        | StaffEvent::ExternalStaffKnown { user_name, display_name, mail, .. } => {
            tell(told, subject, [Some(user_name), display_name.as_ref(), mail.as_ref()]);
        }
        StaffEvent::ApiClientAdded { user_name, display_name } => {
            tell(told, subject, [Some(user_name), display_name.as_ref()]);
        }
        StaffEvent::ApiTokenIssued { .. } => {}
        StaffEvent::LocalAccountDisabled {} | StaffEvent::LocalAccountEnabled {} => {}
        StaffEvent::PasswordChanged { .. } | StaffEvent::PrivilegesChanged { .. } => {}
        StaffEvent::SetUpLinkIssued { .. } | StaffEvent::SetUpLinkRevoked {} => {}
        StaffEvent::FirstFactorProven { .. } | StaffEvent::StaffSignedIn { .. } => {}
        StaffEvent::StaffSignedOut {} | StaffEvent::StaffSessionEnded { .. } => {}
        StaffEvent::StaffSessionsEnded {} | StaffEvent::PasswordConfirmed {} => {}
        StaffEvent::PasskeyAdded { .. } | StaffEvent::PasskeyUsed { .. } => {}
        StaffEvent::PasskeyRemoved { .. } | StaffEvent::OneTimeCodesAdded { .. } => {}
        StaffEvent::OneTimeCodeUsed { .. } | StaffEvent::OneTimeCodesRemoved {} => {}
        StaffEvent::RecoveryCodesMade { .. } | StaffEvent::RecoveryCodeUsed { .. } => {}
        StaffEvent::RecoveryCodesRemoved {} => {}
    }
}

fn enrollment(told: &mut Vec<Told>, subject: Uuid, event: &EnrollmentEvent) {
    match event {
        EnrollmentEvent::ManagedAppleIdGiven { managed_apple_id: name }
        | EnrollmentEvent::ManagedAppleIdAssigned { managed_apple_id: name } => tell(told, subject, [Some(name)]),
        EnrollmentEvent::UserSignedIn { .. } | EnrollmentEvent::EnrollmentAssigned { .. } => {}
        EnrollmentEvent::VisitOpened { .. } | EnrollmentEvent::AccountDrivenBegun { .. } => {}
        EnrollmentEvent::TermsDeclined { .. } | EnrollmentEvent::IdentityRefused { .. } => {}
        EnrollmentEvent::FormRefused { .. } | EnrollmentEvent::LanguageChosen { .. } => {}
        EnrollmentEvent::VisitResumed { .. } | EnrollmentEvent::SignInRefused { .. } => {}
        EnrollmentEvent::UserSignedInAgain { .. } | EnrollmentEvent::SingleSignOnBegun { .. } => {}
        EnrollmentEvent::SingleSignOnProven { .. } | EnrollmentEvent::SingleSignOnRefused { .. } => {}
        EnrollmentEvent::AssignmentOffered { .. } | EnrollmentEvent::AssignmentDeclined {} => {}
        EnrollmentEvent::AttributesReceived { .. }
        | EnrollmentEvent::AccessDecided { .. }
        | EnrollmentEvent::TermsRequested { .. } => {}
        EnrollmentEvent::TermsAccepted { .. } | EnrollmentEvent::PreviousRecordFound { .. } => {}
        EnrollmentEvent::ImportedRecordFound { .. } | EnrollmentEvent::PreviousRecordAnswered { .. } => {}
        EnrollmentEvent::OldManagementRemovalAgreed { .. } | EnrollmentEvent::InvitationPresented { .. } => {}
        EnrollmentEvent::PreviousRecordsNoted {} | EnrollmentEvent::OwnershipChosen { .. } => {}
        EnrollmentEvent::CaProfileServed { .. } | EnrollmentEvent::CaInstallReported {} => {}
        EnrollmentEvent::CaStepSkipped {} => {}
        EnrollmentEvent::AccessTokenIssued { .. } => {}
        EnrollmentEvent::AuthorizationCodeIssued { .. } | EnrollmentEvent::AccessTokenRefreshed { .. } => {}
        EnrollmentEvent::MachineInformationReceived { .. } | EnrollmentEvent::SignInAgainAsked { .. } => {}
        EnrollmentEvent::ProfileServiceServed { .. } | EnrollmentEvent::DeviceAttributesReported { .. } => {}
        EnrollmentEvent::VerificationProfileServed { .. } => {}
        EnrollmentEvent::VerificationIdentityIssued { .. } | EnrollmentEvent::ProfileServiceRefused { .. } => {}
        EnrollmentEvent::MdmProfileServed { .. } | EnrollmentEvent::IdentityIssued { .. } => {}
        EnrollmentEvent::IdentityRevoked { .. } | EnrollmentEvent::EnrollmentRefused { .. } => {}
        EnrollmentEvent::EnrollmentAbandoned {} | EnrollmentEvent::SignedOut {} => {}
    }
}

fn device(told: &mut Vec<Told>, subject: Uuid, event: &DeviceEvent) {
    match event {
        DeviceEvent::DeviceAuthenticated { identifiers, .. } => identified(told, subject, identifiers),
        DeviceEvent::InventoryReported { changes } => reported(told, subject, changes),
        DeviceEvent::DeviceEnrolled { .. } | DeviceEvent::PushTokenRenewed { .. } => {}
        DeviceEvent::IdentityRenewed { .. } | DeviceEvent::IdentityRenewalRequested { .. } => {}
        DeviceEvent::DeviceReauthenticated { .. } | DeviceEvent::IdentityRenewalCompleted { .. } => {}
        DeviceEvent::IdentityRenewalFailed { .. } | DeviceEvent::IdentityRolledBack { .. } => {}
        DeviceEvent::MdmCommandQueued { .. } | DeviceEvent::MdmCommandDelivered { .. } => {}
        DeviceEvent::MdmCommandCancelled { .. } | DeviceEvent::MdmCommandExpired { .. } => {}
        DeviceEvent::MdmCommandAnswered { .. } | DeviceEvent::MdmResultTooLarge { .. } => {}
        DeviceEvent::ManagedAppReported { .. } => {}
        DeviceEvent::DeviceHeardFrom {}
        | DeviceEvent::ContactWatchBegun { .. }
        | DeviceEvent::DevicePushed { .. }
        | DeviceEvent::PushFailed { .. } => {}
        DeviceEvent::DeviceCheckedOut { .. } | DeviceEvent::DeviceUnenrolled { .. } => {}
        DeviceEvent::DeviceSuperseded { .. } | DeviceEvent::RecordArchived {} => {}
        DeviceEvent::EarlierViewsCleared { .. } => {}
        DeviceEvent::RecordRestored {} => {}
        DeviceEvent::IdentityRenewalRefused { .. } | DeviceEvent::DeviceMessageRefused { .. } => {}
        DeviceEvent::DeviceFieldsLeftOut { .. } | DeviceEvent::DeviceEventsSuppressed { .. } => {}
        DeviceEvent::DeviceRevived { .. } | DeviceEvent::HardwareClaimNoted { .. } => {}
        DeviceEvent::HardwareClaimDismissed { .. } | DeviceEvent::HardwareAttested { .. } => {}
        DeviceEvent::HardwareAttestationRequested { .. } => {}
        DeviceEvent::HardwareAttestationRefused { .. } => {}
        DeviceEvent::MdmAnswerUnreadable { .. } => {}
    }
}

fn identified(told: &mut Vec<Told>, subject: Uuid, identifiers: &DeviceIdentifiers) {
    match identifiers {
        DeviceIdentifiers::UserEnrollment { enrollment_id } => tell(told, subject, [Some(enrollment_id)]),
        DeviceIdentifiers::DeviceEnrollment { udid, serial_number, imei, meid } => {
            tell(told, subject, [Some(udid), serial_number.as_ref(), imei.as_ref(), meid.as_ref()]);
        }
    }
}

fn reported(told: &mut Vec<Told>, subject: Uuid, changes: &BTreeMap<String, InventoryValue>) {
    for value in IDENTIFYING.iter().filter_map(|name| changes.get(*name)) {
        if let InventoryValue::Personal(value) = value {
            let name = value.get().and_then(Value::as_str).map(str::to_owned);
            told.push(Told { subject, key: value.key().clone(), name });
        }
    }
}
