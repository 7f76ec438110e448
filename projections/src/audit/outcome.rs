//! The outcome of an event for auditors: done, refused or failed. Every event is listed explicitly, so that a new one
//! does not count as done by accident.

use events::Event;
use events::device::{AppStatus, CommandStatus, DeviceEvent};
use events::enrollment::EnrollmentEvent;
use events::invitation::InvitationEvent;
use events::person::{AccountEvent, PersonEvent};
use events::settings::SettingsEvent;
use events::staff::{StaffActivityEvent, StaffEvent, UserNameEvent};
use events::system::{AssertionEvent, HardwareEvent, LogEvent, RefusalEvent, RequestEvent};

/// Outcome of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditOutcome {
    Ok,
    /// The server refused a person, a device or a program, or a person refused what the server asks of them.
    Refused,
    /// An attempt failed or ended without a result, or something was lost.
    Failed,
}

impl AuditOutcome {
    pub const ALL: [AuditOutcome; 3] = [AuditOutcome::Ok, AuditOutcome::Refused, AuditOutcome::Failed];

    pub fn as_str(self) -> &'static str {
        match self {
            AuditOutcome::Ok => "ok",
            AuditOutcome::Refused => "refused",
            AuditOutcome::Failed => "failed",
        }
    }

    pub fn parse(name: &str) -> Option<AuditOutcome> {
        AuditOutcome::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }

    /// Returns the outcome that an event records.
    pub fn of(event: &Event) -> AuditOutcome {
        match event {
            Event::Log(
                LogEvent::LogCreated { .. } | LogEvent::EventVersionsRaised { .. } | LogEvent::PublicUrlAccepted { .. },
            )
            | Event::Hardware(HardwareEvent::HardwareEnrolled { .. })
            | Event::UserName(UserNameEvent::UserNameReserved { .. })
            | Event::Request(RequestEvent::SingleSignOnRequested { .. })
            | Event::Assertion(AssertionEvent::AssertionUsed { .. })
            | Event::Settings(SettingsEvent::SettingsChanged { .. }) => AuditOutcome::Ok,
            Event::Log(LogEvent::KeysLost { .. } | LogEvent::OlderLogAccepted { .. }) => AuditOutcome::Failed,
            Event::Enrollment(event) => of_enrollment(event),
            Event::Device(event) => of_device(event),
            Event::Person(event) => of_person(event),
            Event::Account(event) => of_account(event),
            Event::Staff(event) => of_staff(event),
            Event::StaffActivity(event) => of_access(event),
            Event::Refusal(event) => of_refusal(event),
            // What a record says is no act of anybody.
            Event::Record(_) | Event::Import(_) | Event::Successor(_) => AuditOutcome::Ok,
            Event::Invitation(event) => of_invitation(event),
            Event::Code(_) | Event::Wave(_) | Event::Migration(_) => AuditOutcome::Ok,
        }
    }
}

// `AssignmentDeclined` chooses one of two ways to enroll. Declined terms end the enrollment.
fn of_enrollment(event: &EnrollmentEvent) -> AuditOutcome {
    match event {
        EnrollmentEvent::SignInRefused { .. }
        | EnrollmentEvent::SingleSignOnRefused { .. }
        | EnrollmentEvent::SignInAgainAsked { .. }
        | EnrollmentEvent::ProfileServiceRefused { .. }
        | EnrollmentEvent::IdentityRefused { .. }
        | EnrollmentEvent::FormRefused { .. }
        | EnrollmentEvent::TermsDeclined { .. }
        | EnrollmentEvent::EnrollmentRefused { .. } => AuditOutcome::Refused,
        EnrollmentEvent::EnrollmentAbandoned {} => AuditOutcome::Failed,
        EnrollmentEvent::LanguageChosen { .. } | EnrollmentEvent::SignedOut {} => AuditOutcome::Ok,
        EnrollmentEvent::VisitOpened { .. } | EnrollmentEvent::AccountDrivenBegun { .. } => AuditOutcome::Ok,
        EnrollmentEvent::VisitResumed { .. } | EnrollmentEvent::UserSignedIn { .. } => AuditOutcome::Ok,
        EnrollmentEvent::UserSignedInAgain { .. } | EnrollmentEvent::SingleSignOnBegun { .. } => AuditOutcome::Ok,
        EnrollmentEvent::SingleSignOnProven { .. } | EnrollmentEvent::AssignmentOffered { .. } => AuditOutcome::Ok,
        EnrollmentEvent::EnrollmentAssigned { .. } | EnrollmentEvent::AssignmentDeclined {} => AuditOutcome::Ok,
        EnrollmentEvent::AttributesReceived { .. }
        | EnrollmentEvent::AccessDecided { .. }
        | EnrollmentEvent::TermsRequested { .. } => AuditOutcome::Ok,
        EnrollmentEvent::TermsAccepted { .. } | EnrollmentEvent::PreviousRecordFound { .. } => AuditOutcome::Ok,
        EnrollmentEvent::ImportedRecordFound { .. } | EnrollmentEvent::PreviousRecordAnswered { .. } => {
            AuditOutcome::Ok
        }
        EnrollmentEvent::OldManagementRemovalAgreed { .. } | EnrollmentEvent::InvitationPresented { .. } => {
            AuditOutcome::Ok
        }
        EnrollmentEvent::PreviousRecordsNoted {} | EnrollmentEvent::OwnershipChosen { .. } => AuditOutcome::Ok,
        EnrollmentEvent::CaProfileServed { .. } | EnrollmentEvent::CaInstallReported {} => AuditOutcome::Ok,
        EnrollmentEvent::CaStepSkipped {} | EnrollmentEvent::ManagedAppleIdGiven { .. } => AuditOutcome::Ok,
        EnrollmentEvent::ManagedAppleIdAssigned { .. } | EnrollmentEvent::AccessTokenIssued { .. } => AuditOutcome::Ok,
        EnrollmentEvent::AuthorizationCodeIssued { .. } | EnrollmentEvent::AccessTokenRefreshed { .. } => {
            AuditOutcome::Ok
        }
        EnrollmentEvent::MachineInformationReceived { .. } => AuditOutcome::Ok,
        EnrollmentEvent::ProfileServiceServed { .. } => AuditOutcome::Ok,
        EnrollmentEvent::DeviceAttributesReported { .. } => AuditOutcome::Ok,
        EnrollmentEvent::VerificationProfileServed { .. } => AuditOutcome::Ok,
        EnrollmentEvent::VerificationIdentityIssued { .. } | EnrollmentEvent::MdmProfileServed { .. } => {
            AuditOutcome::Ok
        }
        EnrollmentEvent::IdentityIssued { .. } | EnrollmentEvent::IdentityRevoked { .. } => AuditOutcome::Ok,
    }
}

// NotNow is not a failure: the command remains queued.
fn of_device(event: &DeviceEvent) -> AuditOutcome {
    match event {
        DeviceEvent::MdmCommandAnswered { rejection: Some(_), .. } => AuditOutcome::Failed,
        DeviceEvent::MdmCommandAnswered { status, .. } => match status {
            CommandStatus::Error | CommandStatus::CommandFormatError => AuditOutcome::Failed,
            CommandStatus::Acknowledged | CommandStatus::NotNow => AuditOutcome::Ok,
        },
        DeviceEvent::ManagedAppReported { status, .. } => of_app(*status),
        DeviceEvent::IdentityRenewalRefused { .. }
        | DeviceEvent::DeviceMessageRefused { .. }
        | DeviceEvent::HardwareAttestationRefused { .. } => AuditOutcome::Refused,
        DeviceEvent::IdentityRenewalFailed { .. }
        | DeviceEvent::DeviceFieldsLeftOut { .. }
        | DeviceEvent::DeviceEventsSuppressed { .. }
        | DeviceEvent::MdmAnswerUnreadable { .. }
        | DeviceEvent::IdentityRolledBack { .. }
        | DeviceEvent::PushFailed { .. }
        | DeviceEvent::MdmCommandExpired { .. }
        | DeviceEvent::MdmResultTooLarge { .. } => AuditOutcome::Failed,
        DeviceEvent::DeviceAuthenticated { .. } | DeviceEvent::DeviceEnrolled { .. } => AuditOutcome::Ok,
        DeviceEvent::PushTokenRenewed { .. } | DeviceEvent::IdentityRenewed { .. } => AuditOutcome::Ok,
        DeviceEvent::IdentityRenewalRequested { .. } | DeviceEvent::DeviceReauthenticated { .. } => AuditOutcome::Ok,
        DeviceEvent::IdentityRenewalCompleted { .. } | DeviceEvent::MdmCommandQueued { .. } => AuditOutcome::Ok,
        DeviceEvent::MdmCommandDelivered { .. } | DeviceEvent::MdmCommandCancelled { .. } => AuditOutcome::Ok,
        DeviceEvent::InventoryReported { .. }
        | DeviceEvent::DeviceHeardFrom {}
        | DeviceEvent::ContactWatchBegun { .. } => AuditOutcome::Ok,
        DeviceEvent::DevicePushed { .. } | DeviceEvent::DeviceCheckedOut { .. } => AuditOutcome::Ok,
        DeviceEvent::DeviceUnenrolled { .. } | DeviceEvent::DeviceSuperseded { .. } => AuditOutcome::Ok,
        DeviceEvent::DeviceRevived { .. } | DeviceEvent::HardwareClaimNoted { .. } => AuditOutcome::Ok,
        DeviceEvent::HardwareClaimDismissed { .. } | DeviceEvent::HardwareAttested { .. } => AuditOutcome::Ok,
        DeviceEvent::HardwareAttestationRequested { .. } => AuditOutcome::Ok,
        DeviceEvent::EarlierViewsCleared { .. } => AuditOutcome::Ok,
        DeviceEvent::RecordArchived {} | DeviceEvent::RecordRestored {} => AuditOutcome::Ok,
    }
}

// An app that will not be installed counts as failed, whatever the reason.
fn of_app(status: AppStatus) -> AuditOutcome {
    use AppStatus as S;
    match status {
        S::Failed | S::UserRejected | S::UpdateRejected | S::ManagementRejected | S::NeedsRedemption => {
            AuditOutcome::Failed
        }
        S::Queued | S::Redeeming | S::Prompting | S::PromptingForLogin | S::ValidatingPurchase => AuditOutcome::Ok,
        S::PromptingForUpdate | S::PromptingForUpdateLogin | S::PromptingForManagement => AuditOutcome::Ok,
        S::ValidatingUpdate | S::Updating | S::Installing | S::Managed => AuditOutcome::Ok,
        S::ManagedButUninstalled | S::Unknown | S::UserInstalledApp => AuditOutcome::Ok,
    }
}

fn of_person(event: &PersonEvent) -> AuditOutcome {
    match event {
        PersonEvent::PersonKnown { .. } | PersonEvent::PersonAttributesChanged { .. } => AuditOutcome::Ok,
        PersonEvent::ManagedAppleIdLearned { .. } | PersonEvent::TermsAcceptanceKept { .. } => AuditOutcome::Ok,
        PersonEvent::PersonKeysNoted { .. } | PersonEvent::PersonRecordsResolved { .. } => AuditOutcome::Ok,
        PersonEvent::PersonErased {} => AuditOutcome::Ok,
    }
}

fn of_invitation(event: &InvitationEvent) -> AuditOutcome {
    match event {
        InvitationEvent::InvitationRefused { .. } => AuditOutcome::Refused,
        InvitationEvent::InvitationNotSent { .. } | InvitationEvent::InvitationExpired {} => AuditOutcome::Failed,
        InvitationEvent::InvitationIssued { .. } | InvitationEvent::InvitationRenewed { .. } => AuditOutcome::Ok,
        InvitationEvent::InvitationSent { .. } | InvitationEvent::InvitationOpened { .. } => AuditOutcome::Ok,
        InvitationEvent::InvitationCodeIssued { .. } | InvitationEvent::InvitationUsed { .. } => AuditOutcome::Ok,
        InvitationEvent::InvitationRevoked {} => AuditOutcome::Ok,
    }
}

fn of_account(event: &AccountEvent) -> AuditOutcome {
    match event {
        AccountEvent::AccountReserved { .. } => AuditOutcome::Ok,
        AccountEvent::AccountSignInRefused { .. } | AccountEvent::AccountRefusalsSuppressed(_) => AuditOutcome::Refused,
    }
}

fn of_staff(event: &StaffEvent) -> AuditOutcome {
    match event {
        StaffEvent::StaffSignInRefused { .. }
        | StaffEvent::PasswordConfirmationRefused { .. }
        | StaffEvent::SecondFactorRefused { .. }
        | StaffEvent::StaffRefusalsSuppressed(_)
        | StaffEvent::ApiTokenRefused { .. } => AuditOutcome::Refused,
        StaffEvent::LocalAccountAdded { .. } | StaffEvent::ExternalStaffKnown { .. } => AuditOutcome::Ok,
        StaffEvent::ApiClientAdded { .. } | StaffEvent::ApiTokenIssued { .. } => AuditOutcome::Ok,
        StaffEvent::LocalAccountDisabled {} | StaffEvent::LocalAccountEnabled {} => AuditOutcome::Ok,
        StaffEvent::PasswordChanged { .. } | StaffEvent::PrivilegesChanged { .. } => AuditOutcome::Ok,
        StaffEvent::SetUpLinkIssued { .. } | StaffEvent::SetUpLinkRevoked {} => AuditOutcome::Ok,
        StaffEvent::FirstFactorProven { .. } | StaffEvent::StaffSignedIn { .. } => AuditOutcome::Ok,
        StaffEvent::StaffSignedOut {} | StaffEvent::StaffSessionEnded { .. } => AuditOutcome::Ok,
        StaffEvent::StaffSessionsEnded {} | StaffEvent::PasswordConfirmed {} => AuditOutcome::Ok,
        StaffEvent::PasskeyAdded { .. } | StaffEvent::PasskeyUsed { .. } => AuditOutcome::Ok,
        StaffEvent::PasskeyRemoved { .. } | StaffEvent::OneTimeCodesAdded { .. } => AuditOutcome::Ok,
        StaffEvent::OneTimeCodeUsed { .. } | StaffEvent::OneTimeCodesRemoved {} => AuditOutcome::Ok,
        StaffEvent::RecoveryCodesMade { .. } | StaffEvent::RecoveryCodeUsed { .. } => AuditOutcome::Ok,
        StaffEvent::RecoveryCodesRemoved {} => AuditOutcome::Ok,
    }
}

fn of_access(event: &StaffActivityEvent) -> AuditOutcome {
    match event {
        StaffActivityEvent::AccessRefused { .. } | StaffActivityEvent::ActRefused { .. } => AuditOutcome::Refused,
        StaffActivityEvent::DeviceListViewed {} | StaffActivityEvent::DeviceViewed { .. } => AuditOutcome::Ok,
        StaffActivityEvent::AuditTrailViewed { .. } | StaffActivityEvent::FunnelViewed { .. } => AuditOutcome::Ok,
        StaffActivityEvent::VisitListViewed { .. } | StaffActivityEvent::VisitViewed { .. } => AuditOutcome::Ok,
        StaffActivityEvent::SettingsViewed {} | StaffActivityEvent::AuditTrailExported { .. } => AuditOutcome::Ok,
        StaffActivityEvent::InventoryExported { .. } | StaffActivityEvent::ApiRead { .. } => AuditOutcome::Ok,
        StaffActivityEvent::StaffListViewed {} | StaffActivityEvent::StaffViewed { .. } => AuditOutcome::Ok,
        StaffActivityEvent::PreviousRecordListViewed {} | StaffActivityEvent::PreviousRecordViewed { .. } => {
            AuditOutcome::Ok
        }
        StaffActivityEvent::ImportListViewed {} | StaffActivityEvent::LinkListViewed {} => AuditOutcome::Ok,
        StaffActivityEvent::PersonViewed { .. } | StaffActivityEvent::LineageExported { .. } => AuditOutcome::Ok,
        StaffActivityEvent::MigrationBoardViewed { .. } | StaffActivityEvent::MigrationBoardExported { .. } => {
            AuditOutcome::Ok
        }
        StaffActivityEvent::InvitationListViewed {} | StaffActivityEvent::InvitationViewed { .. } => AuditOutcome::Ok,
        StaffActivityEvent::InvitationsExported { .. } => AuditOutcome::Ok,
        StaffActivityEvent::PreviousRecordsExported { .. } => AuditOutcome::Ok,
    }
}

fn of_refusal(event: &RefusalEvent) -> AuditOutcome {
    match event {
        RefusalEvent::UnknownStaffRefused { .. }
        | RefusalEvent::UnknownApiTokenRefused {}
        | RefusalEvent::SetUpLinkRefused {}
        | RefusalEvent::InvitationCodeRefused {}
        | RefusalEvent::ResponseRefused { .. }
        | RefusalEvent::DeviceRefused { .. }
        | RefusalEvent::IdentityRequestRefused { .. }
        | RefusalEvent::DeviceRequestRefused { .. }
        | RefusalEvent::RefusalsSuppressed(_) => AuditOutcome::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::upcast::upcast;
    use serde_json::Value;
    use std::path::Path;

    /// Returns the types of events in the frozen samples that have this outcome.
    fn samples(wanted: AuditOutcome) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/samples");
        let mut names = std::collections::BTreeSet::new();
        for file in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let mut sample: Value = serde_json::from_str(&text).unwrap();
            let version = u16::try_from(sample["version"].as_u64().unwrap()).unwrap();
            let name = sample["type"].as_str().unwrap().to_owned();
            let data = upcast(&name, version, sample["data"].take()).unwrap();
            let event = Event::from_parts(sample["category"].as_str().unwrap(), &name, data).unwrap();
            if AuditOutcome::of(&event) == wanted {
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
            "InvitationCodeRefused",
            "InvitationRefused",
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
        assert_eq!(samples(AuditOutcome::Refused), refused);
    }

    #[test]
    fn what_was_tried_and_did_not_work_failed() {
        let failed = [
            "DeviceEventsSuppressed",
            "DeviceFieldsLeftOut",
            "EnrollmentAbandoned",
            "IdentityRenewalFailed",
            "IdentityRolledBack",
            "InvitationExpired",
            "InvitationNotSent",
            "KeysLost",
            "MdmAnswerUnreadable",
            "MdmCommandAnswered",
            "MdmCommandExpired",
            "MdmResultTooLarge",
            "OlderLogAccepted",
            "PushFailed",
        ];
        assert_eq!(samples(AuditOutcome::Failed), failed);
    }

    #[test]
    fn an_event_whose_name_says_that_it_came_to_nothing_is_not_done() {
        let words =
            ["Refus", "Declined", "Fail", "Expired", "Abandoned", "Unreadable", "TooLarge", "Lost", "Suppressed"];
        let done = samples(AuditOutcome::Ok);
        let amiss: Vec<&String> = done.iter().filter(|name| words.iter().any(|word| name.contains(word))).collect();
        assert_eq!(amiss, ["AssignmentDeclined"], "a choice between two ways to enroll");
    }

    #[test]
    fn an_answer_to_a_command_fails_by_its_status_and_an_app_by_how_it_stands() {
        use CommandStatus::{Acknowledged, CommandFormatError, Error, NotNow};
        let answered = |status, rejection| {
            AuditOutcome::of(&Event::Device(DeviceEvent::MdmCommandAnswered {
                command: events::device::CommandId(uuid::Uuid::nil()),
                status,
                errors: vec![],
                rejection,
                body: events::device::BodyHash(String::new()),
            }))
        };
        assert_eq!([Acknowledged, NotNow].map(|status| answered(status, None)), [AuditOutcome::Ok; 2]);
        assert_eq!([Error, CommandFormatError].map(|status| answered(status, None)), [AuditOutcome::Failed; 2]);
        assert_eq!(answered(Acknowledged, Some(events::device::RejectionReason::NotAnApp)), AuditOutcome::Failed);
        let reported = |status| {
            let app = "org.example.app".to_owned();
            AuditOutcome::of(&Event::Device(DeviceEvent::ManagedAppReported { app, status, command: None }))
        };
        assert_eq!([AppStatus::Managed, AppStatus::Prompting].map(reported), [AuditOutcome::Ok; 2]);
        assert_eq!([AppStatus::UserRejected, AppStatus::Failed].map(reported), [AuditOutcome::Failed; 2]);
    }
}
