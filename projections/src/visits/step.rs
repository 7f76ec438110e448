//! Where a visit stands: the steps as the help desk counts them, and how events lead from one to the next.

use events::enrollment::{EnrollmentEvent, Evidence, Ownership};
use serde::{Deserialize, Serialize};

/// A step on the way from the first form to the enrolled device. The portal's pages, and after them what the device does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    SignIn,
    ForWhom,
    PreviousRecords,
    Ownership,
    Terms,
    CaProfile,
    ManagedAppleId,
    /// The page that offers the MDM profile is there, the profile was not taken yet.
    MdmProfile,
    /// The profile was taken; the device has not asked for its identity.
    Install,
    /// The device has its identity and has not said that it is enrolled.
    Connect,
    Enrolled,
}

impl Step {
    pub const ALL: [Step; 11] = [
        Step::SignIn,
        Step::ForWhom,
        Step::PreviousRecords,
        Step::Ownership,
        Step::Terms,
        Step::CaProfile,
        Step::ManagedAppleId,
        Step::MdmProfile,
        Step::Install,
        Step::Connect,
        Step::Enrolled,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Step::SignIn => "sign_in",
            Step::ForWhom => "for_whom",
            Step::PreviousRecords => "previous_records",
            Step::Ownership => "ownership",
            Step::Terms => "terms",
            Step::CaProfile => "ca_profile",
            Step::ManagedAppleId => "managed_apple_id",
            Step::MdmProfile => "mdm_profile",
            Step::Install => "install",
            Step::Connect => "connect",
            Step::Enrolled => "enrolled",
        }
    }

    pub fn parse(name: &str) -> Option<Step> {
        Step::ALL.into_iter().find(|step| step.as_str() == name)
    }
}

/// The step that these events of one visit lead to, as long as the visit has not ended.
pub fn step_after<'a>(events: impl IntoIterator<Item = &'a EnrollmentEvent>) -> Step {
    events.into_iter().fold(Way::default(), Way::after).step()
}

/// What has been done on a visit, as far as it decides about the step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Way {
    signed_in: bool,
    asked_for_whom: bool,
    earlier_records: bool,
    earlier_records_noted: bool,
    ownership: Option<Ownership>,
    terms_asked: bool,
    ca_done: bool,
    account_given: bool,
    profile_taken: bool,
    identity: bool,
    #[serde(default)]
    by_account: bool,
}

impl Way {
    /// It began in Settings.
    pub fn is_by_account(&self) -> bool {
        self.by_account
    }

    pub fn after(mut self, event: &EnrollmentEvent) -> Way {
        match event {
            EnrollmentEvent::AccountDrivenBegun { .. } => {
                self.by_account = true;
                self.ca_done = true;
            }
            EnrollmentEvent::UserSignedIn { .. } => self.signed_in = true,
            EnrollmentEvent::AssignmentOffered { .. } => self.asked_for_whom = true,
            EnrollmentEvent::EnrollmentAssigned { .. } | EnrollmentEvent::AssignmentDeclined {} => {
                self.asked_for_whom = false;
            }
            // Found when the device said what it is: nobody is asked to read about it any more.
            EnrollmentEvent::PreviousRecordFound { records, .. }
                if records.iter().any(|found| found.evidence.contains(&Evidence::SameHardware)) => {}
            EnrollmentEvent::PreviousRecordFound { .. } => self.earlier_records = true,
            EnrollmentEvent::PreviousRecordsNoted {} => self.earlier_records_noted = true,
            EnrollmentEvent::OwnershipChosen { ownership, .. } => self.ownership = Some(*ownership),
            EnrollmentEvent::TermsRequested { .. } => self.terms_asked = true,
            EnrollmentEvent::TermsAccepted { .. } => self.terms_asked = false,
            EnrollmentEvent::CaInstallReported {} | EnrollmentEvent::CaStepSkipped {} => self.ca_done = true,
            EnrollmentEvent::ManagedAppleIdGiven { .. } | EnrollmentEvent::ManagedAppleIdAssigned { .. } => {
                self.account_given = true;
            }
            EnrollmentEvent::ProfileServiceServed { .. } | EnrollmentEvent::MdmProfileServed { .. } => {
                self.profile_taken = true;
            }
            EnrollmentEvent::IdentityIssued { .. } => self.identity = true,
            EnrollmentEvent::VisitOpened { .. } | EnrollmentEvent::VisitResumed { .. } => {}
            EnrollmentEvent::TermsDeclined { .. } | EnrollmentEvent::IdentityRefused { .. } => {}
            EnrollmentEvent::FormRefused { .. } | EnrollmentEvent::LanguageChosen { .. } => {}
            EnrollmentEvent::SignInRefused { .. } | EnrollmentEvent::UserSignedInAgain { .. } => {}
            EnrollmentEvent::SingleSignOnBegun { .. } | EnrollmentEvent::SingleSignOnProven { .. } => {}
            EnrollmentEvent::SingleSignOnRefused { .. }
            | EnrollmentEvent::AttributesReceived { .. }
            | EnrollmentEvent::AccessDecided { .. } => {}
            EnrollmentEvent::CaProfileServed { .. } | EnrollmentEvent::AccessTokenIssued { .. } => {}
            EnrollmentEvent::AuthorizationCodeIssued { .. } | EnrollmentEvent::AccessTokenRefreshed { .. } => {}
            EnrollmentEvent::MachineInformationReceived { .. } | EnrollmentEvent::SignInAgainAsked { .. } => {}
            EnrollmentEvent::DeviceAttributesReported { .. } | EnrollmentEvent::VerificationProfileServed { .. } => {}
            EnrollmentEvent::VerificationIdentityIssued { .. } | EnrollmentEvent::ProfileServiceRefused { .. } => {}
            EnrollmentEvent::IdentityRevoked { .. } | EnrollmentEvent::EnrollmentRefused { .. } => {}
            EnrollmentEvent::EnrollmentAbandoned {} | EnrollmentEvent::SignedOut {} => {}
        }
        self
    }

    pub fn step(&self) -> Step {
        if !self.signed_in {
            Step::SignIn
        } else if self.asked_for_whom {
            Step::ForWhom
        } else if self.earlier_records && !self.earlier_records_noted {
            Step::PreviousRecords
        } else {
            self.step_after_sign_in()
        }
    }

    fn step_after_sign_in(&self) -> Step {
        let Some(ownership) = self.ownership else { return Step::Ownership };
        if self.terms_asked {
            Step::Terms
        } else if !self.ca_done {
            Step::CaProfile
        } else if (ownership == Ownership::Personal || self.by_account) && !self.account_given {
            Step::ManagedAppleId
        } else if !self.profile_taken {
            Step::MdmProfile
        } else if !self.identity {
            Step::Install
        } else {
            Step::Connect
        }
    }
}
