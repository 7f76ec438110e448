//! Outcome of an event for auditors: done, refused or failed. Every event is listed explicitly, so that a new one does
//! not count as done by accident.

use events::Event;
use events::device::{AppStatus, CommandStatus, DeviceEvent};
use events::enrollment::EnrollmentEvent;
use events::person::{AccountEvent, PersonEvent};
use events::settings::SettingsEvent;
use events::staff::{AccessEvent, StaffEvent, UserNameEvent};
use events::system::{AssertionEvent, HardwareEvent, LogEvent, RefusalEvent, RequestEvent};

/// Outcome of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    Ok,
    /// The server refused a person, a device or a program, or a person refused what the server asks of them.
    Refused,
    /// An attempt failed or ended without a result, or something was lost.
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

    /// Returns the outcome that an event records.
    pub fn of(event: &Event) -> Outcome {
        match event {
            Event::Log(
                LogEvent::LogCreated { .. } | LogEvent::EventVersionsRaised { .. } | LogEvent::PublicUrlAccepted { .. },
            )
            | Event::Hardware(HardwareEvent::HardwareEnrolled { .. })
            | Event::UserName(UserNameEvent::UserNameReserved { .. })
            | Event::Request(RequestEvent::SingleSignOnRequested { .. })
            | Event::Assertion(AssertionEvent::AssertionUsed { .. })
            | Event::Settings(SettingsEvent::SettingsChanged { .. }) => Outcome::Ok,
            Event::Log(LogEvent::KeysLost { .. } | LogEvent::OlderLogAccepted { .. }) => Outcome::Failed,
            Event::Enrollment(event) => of_enrollment(event),
            Event::Device(event) => of_device(event),
            Event::Person(event) => of_person(event),
            Event::Account(event) => of_account(event),
            Event::Staff(event) => of_staff(event),
            Event::Access(event) => of_access(event),
            Event::Refusal(event) => of_refusal(event),
        }
    }
}

// `AssignmentDeclined` chooses one of two ways to enroll. Declined terms end the enrollment.
fn of_enrollment(event: &EnrollmentEvent) -> Outcome {
    match event {
        EnrollmentEvent::SignInRefused { .. }
        | EnrollmentEvent::SingleSignOnRefused { .. }
        | EnrollmentEvent::SignInAgainAsked { .. }
        | EnrollmentEvent::ProfileServiceRefused { .. }
        | EnrollmentEvent::IdentityRefused { .. }
        | EnrollmentEvent::FormRefused { .. }
        | EnrollmentEvent::TermsDeclined { .. }
        | EnrollmentEvent::EnrollmentRefused { .. } => Outcome::Refused,
        EnrollmentEvent::EnrollmentAbandoned {} => Outcome::Failed,
        EnrollmentEvent::LanguageChosen { .. } | EnrollmentEvent::SignedOut {} => Outcome::Ok,
        EnrollmentEvent::VisitOpened { .. } | EnrollmentEvent::AccountDrivenBegun { .. } => Outcome::Ok,
        EnrollmentEvent::VisitResumed { .. } | EnrollmentEvent::UserSignedIn { .. } => Outcome::Ok,
        EnrollmentEvent::UserSignedInAgain { .. } | EnrollmentEvent::SingleSignOnBegun { .. } => Outcome::Ok,
        EnrollmentEvent::SingleSignOnProven { .. } | EnrollmentEvent::AssignmentOffered { .. } => Outcome::Ok,
        EnrollmentEvent::EnrollmentAssigned { .. } | EnrollmentEvent::AssignmentDeclined {} => Outcome::Ok,
        EnrollmentEvent::AttributesReceived { .. }
        | EnrollmentEvent::AccessDecided { .. }
        | EnrollmentEvent::TermsRequested { .. } => Outcome::Ok,
        EnrollmentEvent::TermsAccepted { .. } | EnrollmentEvent::PreviousRecordFound { .. } => Outcome::Ok,
        EnrollmentEvent::PreviousRecordsNoted {} | EnrollmentEvent::OwnershipChosen { .. } => Outcome::Ok,
        EnrollmentEvent::CaProfileServed { .. } | EnrollmentEvent::CaInstallReported {} => Outcome::Ok,
        EnrollmentEvent::CaStepSkipped {} | EnrollmentEvent::ManagedAppleIdGiven { .. } => Outcome::Ok,
        EnrollmentEvent::ManagedAppleIdAssigned { .. } | EnrollmentEvent::AccessTokenIssued { .. } => Outcome::Ok,
        EnrollmentEvent::AuthorizationCodeIssued { .. } | EnrollmentEvent::AccessTokenRefreshed { .. } => Outcome::Ok,
        EnrollmentEvent::MachineInformationReceived { .. } => Outcome::Ok,
        EnrollmentEvent::ProfileServiceServed { .. } => Outcome::Ok,
        EnrollmentEvent::DeviceAttributesReported { .. } => Outcome::Ok,
        EnrollmentEvent::VerificationProfileServed { .. } => Outcome::Ok,
        EnrollmentEvent::VerificationIdentityIssued { .. } | EnrollmentEvent::MdmProfileServed { .. } => Outcome::Ok,
        EnrollmentEvent::IdentityIssued { .. } | EnrollmentEvent::IdentityRevoked { .. } => Outcome::Ok,
    }
}

// NotNow is not a failure: the command remains queued.
fn of_device(event: &DeviceEvent) -> Outcome {
    match event {
        DeviceEvent::MdmCommandAnswered { rejection: Some(_), .. } => Outcome::Failed,
        DeviceEvent::MdmCommandAnswered { status, .. } => match status {
            CommandStatus::Error | CommandStatus::CommandFormatError => Outcome::Failed,
            CommandStatus::Acknowledged | CommandStatus::NotNow => Outcome::Ok,
        },
        DeviceEvent::ManagedAppReported { status, .. } => of_app(*status),
        DeviceEvent::IdentityRenewalRefused { .. }
        | DeviceEvent::DeviceMessageRefused { .. }
        | DeviceEvent::HardwareAttestationRefused { .. } => Outcome::Refused,
        DeviceEvent::IdentityRenewalFailed { .. }
        | DeviceEvent::DeviceFieldsLeftOut { .. }
        | DeviceEvent::DeviceEventsSuppressed { .. }
        | DeviceEvent::MdmAnswerUnreadable { .. }
        | DeviceEvent::IdentityRolledBack { .. }
        | DeviceEvent::PushFailed { .. }
        | DeviceEvent::MdmCommandExpired { .. }
        | DeviceEvent::MdmResultTooLarge { .. } => Outcome::Failed,
        DeviceEvent::DeviceAuthenticated { .. } | DeviceEvent::DeviceEnrolled { .. } => Outcome::Ok,
        DeviceEvent::PushTokenRenewed { .. } | DeviceEvent::IdentityRenewed { .. } => Outcome::Ok,
        DeviceEvent::IdentityRenewalRequested { .. } | DeviceEvent::DeviceReauthenticated { .. } => Outcome::Ok,
        DeviceEvent::IdentityRenewalCompleted { .. } | DeviceEvent::MdmCommandQueued { .. } => Outcome::Ok,
        DeviceEvent::MdmCommandDelivered { .. } | DeviceEvent::MdmCommandCancelled { .. } => Outcome::Ok,
        DeviceEvent::InventoryReported { .. } | DeviceEvent::DeviceHeardFrom {} => Outcome::Ok,
        DeviceEvent::DevicePushed { .. } | DeviceEvent::DeviceCheckedOut { .. } => Outcome::Ok,
        DeviceEvent::DeviceUnenrolled { .. } | DeviceEvent::DeviceSuperseded { .. } => Outcome::Ok,
        DeviceEvent::DeviceRevived { .. } | DeviceEvent::HardwareClaimNoted { .. } => Outcome::Ok,
        DeviceEvent::HardwareClaimDismissed { .. } | DeviceEvent::HardwareAttested { .. } => Outcome::Ok,
        DeviceEvent::HardwareAttestationRequested { .. } => Outcome::Ok,
        DeviceEvent::RecordArchived {} | DeviceEvent::RecordRestored {} => Outcome::Ok,
    }
}

// An app that will not be installed counts as failed, whatever the reason.
fn of_app(status: AppStatus) -> Outcome {
    use AppStatus as S;
    match status {
        S::Failed | S::UserRejected | S::UpdateRejected | S::ManagementRejected | S::NeedsRedemption => Outcome::Failed,
        S::Queued | S::Redeeming | S::Prompting | S::PromptingForLogin | S::ValidatingPurchase => Outcome::Ok,
        S::PromptingForUpdate | S::PromptingForUpdateLogin | S::PromptingForManagement => Outcome::Ok,
        S::ValidatingUpdate | S::Updating | S::Installing | S::Managed => Outcome::Ok,
        S::ManagedButUninstalled | S::Unknown | S::UserInstalledApp => Outcome::Ok,
    }
}

fn of_person(event: &PersonEvent) -> Outcome {
    match event {
        PersonEvent::PersonKnown { .. } | PersonEvent::PersonAttributesChanged { .. } => Outcome::Ok,
        PersonEvent::ManagedAppleIdLearned { .. } | PersonEvent::TermsAcceptanceKept { .. } => Outcome::Ok,
        PersonEvent::PersonErased {} => Outcome::Ok,
    }
}

fn of_account(event: &AccountEvent) -> Outcome {
    match event {
        AccountEvent::AccountReserved { .. } => Outcome::Ok,
        AccountEvent::AccountSignInRefused { .. } | AccountEvent::AccountRefusalsSuppressed(_) => Outcome::Refused,
    }
}

fn of_staff(event: &StaffEvent) -> Outcome {
    match event {
        StaffEvent::StaffSignInRefused { .. }
        | StaffEvent::PasswordConfirmationRefused { .. }
        | StaffEvent::SecondFactorRefused { .. }
        | StaffEvent::StaffRefusalsSuppressed(_)
        | StaffEvent::ApiTokenRefused { .. } => Outcome::Refused,
        StaffEvent::LocalAccountAdded { .. } | StaffEvent::ExternalStaffKnown { .. } => Outcome::Ok,
        StaffEvent::ApiClientAdded { .. } | StaffEvent::ApiTokenIssued { .. } => Outcome::Ok,
        StaffEvent::LocalAccountDisabled {} | StaffEvent::LocalAccountEnabled {} => Outcome::Ok,
        StaffEvent::PasswordChanged { .. } | StaffEvent::PrivilegesChanged { .. } => Outcome::Ok,
        StaffEvent::SetUpLinkIssued { .. } | StaffEvent::SetUpLinkRevoked {} => Outcome::Ok,
        StaffEvent::FirstFactorProven { .. } | StaffEvent::StaffSignedIn { .. } => Outcome::Ok,
        StaffEvent::StaffSignedOut {} | StaffEvent::StaffSessionEnded { .. } => Outcome::Ok,
        StaffEvent::StaffSessionsEnded {} | StaffEvent::PasswordConfirmed {} => Outcome::Ok,
        StaffEvent::PasskeyAdded { .. } | StaffEvent::PasskeyUsed { .. } => Outcome::Ok,
        StaffEvent::PasskeyRemoved { .. } | StaffEvent::OneTimeCodesAdded { .. } => Outcome::Ok,
        StaffEvent::OneTimeCodeUsed { .. } | StaffEvent::OneTimeCodesRemoved {} => Outcome::Ok,
        StaffEvent::RecoveryCodesMade { .. } | StaffEvent::RecoveryCodeUsed { .. } => Outcome::Ok,
        StaffEvent::RecoveryCodesRemoved {} => Outcome::Ok,
    }
}

fn of_access(event: &AccessEvent) -> Outcome {
    match event {
        AccessEvent::AccessRefused { .. } | AccessEvent::ActRefused { .. } => Outcome::Refused,
        AccessEvent::DeviceListViewed {} | AccessEvent::DeviceViewed { .. } => Outcome::Ok,
        AccessEvent::AuditTrailViewed { .. } | AccessEvent::FunnelViewed { .. } => Outcome::Ok,
        AccessEvent::VisitListViewed { .. } | AccessEvent::VisitViewed { .. } => Outcome::Ok,
        AccessEvent::SettingsViewed {} | AccessEvent::AuditTrailExported { .. } => Outcome::Ok,
        AccessEvent::InventoryExported { .. } | AccessEvent::ApiRead { .. } => Outcome::Ok,
        AccessEvent::StaffListViewed {} | AccessEvent::StaffViewed { .. } => Outcome::Ok,
    }
}

fn of_refusal(event: &RefusalEvent) -> Outcome {
    match event {
        RefusalEvent::UnknownStaffRefused { .. }
        | RefusalEvent::UnknownApiTokenRefused {}
        | RefusalEvent::SetUpLinkRefused {}
        | RefusalEvent::ResponseRefused { .. }
        | RefusalEvent::DeviceRefused { .. }
        | RefusalEvent::IdentityRequestRefused { .. }
        | RefusalEvent::DeviceRequestRefused { .. }
        | RefusalEvent::RefusalsSuppressed(_) => Outcome::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::upcast::upcast;
    use serde_json::Value;
    use std::path::Path;

    /// Returns the types of events in the frozen samples that have this outcome.
    fn samples(wanted: Outcome) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/samples");
        let mut names = std::collections::BTreeSet::new();
        for file in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let mut sample: Value = serde_json::from_str(&text).unwrap();
            let version = u16::try_from(sample["version"].as_u64().unwrap()).unwrap();
            let name = sample["type"].as_str().unwrap().to_owned();
            let data = upcast(&name, version, sample["data"].take()).unwrap();
            let event = Event::from_parts(sample["category"].as_str().unwrap(), &name, data).unwrap();
            if Outcome::of(&event) == wanted {
                names.insert(name);
            }
        }
        names.into_iter().collect()
    }

    #[test]
    fn an_event_by_which_somebody_said_no_is_refused() {
        let refused = [
            "AccessRefused",
            "AccountRefusalsSuppressed",
            "AccountSignInRefused",
            "ActRefused",
            "ApiTokenRefused",
            "DeviceMessageRefused",
            "DeviceRefused",
            "DeviceRequestRefused",
            "EnrollmentRefused",
            "FormRefused",
            "HardwareAttestationRefused",
            "IdentityRefused",
            "IdentityRenewalRefused",
            "IdentityRequestRefused",
            "PasswordConfirmationRefused",
            "ProfileServiceRefused",
            "RefusalsSuppressed",
            "ResponseRefused",
            "SecondFactorRefused",
            "SetUpLinkRefused",
            "SignInAgainAsked",
            "SignInRefused",
            "SingleSignOnRefused",
            "StaffRefusalsSuppressed",
            "StaffSignInRefused",
            "TermsDeclined",
            "UnknownApiTokenRefused",
            "UnknownStaffRefused",
        ];
        assert_eq!(samples(Outcome::Refused), refused);
    }

    #[test]
    fn what_was_tried_and_did_not_work_failed() {
        let failed = [
            "DeviceEventsSuppressed",
            "DeviceFieldsLeftOut",
            "EnrollmentAbandoned",
            "IdentityRenewalFailed",
            "IdentityRolledBack",
            "KeysLost",
            "MdmAnswerUnreadable",
            "MdmCommandAnswered",
            "MdmCommandExpired",
            "MdmResultTooLarge",
            "OlderLogAccepted",
            "PushFailed",
        ];
        assert_eq!(samples(Outcome::Failed), failed);
    }

    #[test]
    fn an_event_whose_name_says_that_it_came_to_nothing_is_not_done() {
        let words =
            ["Refus", "Declined", "Fail", "Expired", "Abandoned", "Unreadable", "TooLarge", "Lost", "Suppressed"];
        let done = samples(Outcome::Ok);
        let amiss: Vec<&String> = done.iter().filter(|name| words.iter().any(|word| name.contains(word))).collect();
        assert_eq!(amiss, ["AssignmentDeclined"], "a choice between two ways to enroll");
    }

    #[test]
    fn an_answer_to_a_command_fails_by_its_status_and_an_app_by_how_it_stands() {
        use CommandStatus::{Acknowledged, CommandFormatError, Error, NotNow};
        let answered = |status, rejection| {
            Outcome::of(&Event::Device(DeviceEvent::MdmCommandAnswered {
                command: events::device::CommandId(uuid::Uuid::nil()),
                status,
                errors: vec![],
                rejection,
                body: events::device::BodyHash(String::new()),
            }))
        };
        assert_eq!([Acknowledged, NotNow].map(|status| answered(status, None)), [Outcome::Ok; 2]);
        assert_eq!([Error, CommandFormatError].map(|status| answered(status, None)), [Outcome::Failed; 2]);
        assert_eq!(answered(Acknowledged, Some(events::device::RejectionReason::NotAnApp)), Outcome::Failed);
        let reported = |status| {
            let app = "org.example.app".to_owned();
            Outcome::of(&Event::Device(DeviceEvent::ManagedAppReported { app, status, command: None }))
        };
        assert_eq!([AppStatus::Managed, AppStatus::Prompting].map(reported), [Outcome::Ok; 2]);
        assert_eq!([AppStatus::UserRejected, AppStatus::Failed].map(reported), [Outcome::Failed; 2]);
    }
}
