//! An enrollment through the portal or Settings: stream `enrollment-<id>`. docs/glossary.md explains the steps.

mod access_token;
mod command;
mod credentials;
mod decide;
mod entitled;
mod evolve;
mod newest;
mod previous;
mod profile_service;
mod repeats;
#[cfg(test)]
mod tests;

use crate::Aggregate;
use events::enrollment::{
    Access, EnrollmentEvent, EnrollmentKind, EnrollmentMode, EnrollmentRefusal, IssuedCertificate, OsVersion,
    Ownership, Platform, SecretHash, ServedProfile, SignInAgainReason, SignInMethodName,
};
use events::invitation::InvitationId;
use events::person::{PersonId, ProvenAccount};
use events::personal::Personal;
use events::record::{PreviousAnswer, RecordId};
use events::{KeyName, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

pub use access_token::{AccessToken, AuthorizationCode, MachineInformation, Presented, RefreshToken, Tokens};
pub use command::{Admission, AttributesReport, Begun, Command, Entry, Policy, Received, Refusal, Said};
pub use credentials::{Credentials, DeviceIdentity, EnrollmentProfile};
pub use previous::{ImportedRecords, NEAREST_RECORDS, PreviousRecords};
pub use profile_service::{ProfileService, ReportedDevice, Verification};
pub use repeats::Repeats;

/// First version with User Enrollment (`ManagedAppleID`, mdm/profiles/com.apple.mdm.yaml).
pub const FIRST_USER_ENROLLMENT: OsVersion = OsVersion::new(13, 1);
/// First version in which User Enrollment is account-driven only.
pub const FIRST_ACCOUNT_DRIVEN_ONLY: OsVersion = OsVersion::new(18, 0);
/// First version with account-driven User Enrollment (`EnrollmentMode`, mdm/profiles/com.apple.mdm.yaml).
pub const FIRST_ACCOUNT_DRIVEN: OsVersion = OsVersion::new(15, 0);
/// First version with account-driven Device Enrollment. Apple states 16 in one place and 17 in another; the later one
/// is used.
pub const FIRST_ACCOUNT_DRIVEN_DEVICE: OsVersion = OsVersion::new(17, 0);

/// Number of served MDM profiles that are remembered. The portal serves no more; a device that enrolls by account can
/// request its profile more often, and uses the newest.
const MOST_SERVINGS: usize = 20;

/// The state of one enrollment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Enrollment {
    pub opened: Option<Opened>,
    /// Set if the enrollment began in Settings.
    pub account_driven: Option<EnrollmentMode>,
    /// Hash of the secret in the visitor's current session cookie.
    pub session: Option<SecretHash>,
    /// When the session began, if it did not begin with the enrollment.
    pub resumed: Option<Timestamp>,
    /// The pending request to an identity provider.
    pub single_sign_on: Option<SingleSignOn>,
    pub signed_in: Option<SignedIn>,
    /// Name of the identity provider that the person signed in at, if they used one.
    pub signed_in_at: Option<String>,
    pub assignment: Assignment,
    /// The decision of the access rules; `None` if there were no rules.
    pub access: Option<Access>,
    pub terms: TermsStep,
    pub previous: PreviousRecords,
    /// Records of other products that belong to the person.
    pub imported: ImportedRecords,
    pub previous_noted: bool,
    /// What the person said about the records that they were shown.
    pub answers: BTreeMap<RecordId, PreviousAnswer>,
    /// The earlier enrollments whose management the person permitted Muster to remove.
    pub removals_agreed: BTreeSet<RecordId>,
    /// The invitation that the person opened last.
    pub invitation: Option<InvitationId>,
    pub ownership: Option<Ownership>,
    pub ca: CaStep,
    pub managed_apple_id: Option<Personal<String>>,
    /// All Profile Services that were served, oldest first.
    pub profile_services: Vec<ProfileService>,
    /// The newest verification profiles served to the devices that answered, oldest first.
    pub verifications: Vec<Verification>,
    /// The newest MDM profiles that were served since the last identity was issued, oldest first.
    pub servings: Vec<Serving>,
    /// Challenges of the newest profiles that were served before. They can no longer issue an identity.
    pub spent: Vec<SecretHash>,
    pub identity: Option<Identity>,
    /// The tokens issued to the device.
    pub tokens: Tokens,
    /// The device's current `state`, if it uses authorization codes.
    pub authorization: Option<String>,
    /// The newest authorization codes, oldest first.
    pub codes: Vec<AuthorizationCode>,
    /// Counts of the events that the visitor alone can cause repeatedly.
    pub repeats: Repeats,
    /// The device's description of itself in its request for the profile.
    pub machine: Option<MachineInformation>,
    /// Set while the enrolled device waits for its person to sign in again.
    pub sign_in_again: Option<SignInAgainReason>,
    pub end: Option<End>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    pub platform: Platform,
    pub language: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignedIn {
    pub method: SignInMethodName,
    pub person: PersonId,
    pub account: String,
    pub user_name: Personal<String>,
}

/// A person was sent to an identity provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SingleSignOn {
    pub method: SignInMethodName,
    pub provider: String,
    /// Hash of the secret that must come back.
    pub request: SecretHash,
    /// The verified account, if the provider already responded and the browser has not come back yet.
    pub proven: Option<Personal<ProvenAccount>>,
}

/// The future user of the device.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Assignment {
    /// The person who signed in.
    #[default]
    Oneself,
    /// The person is being asked.
    Asked {
        for_oneself: bool,
    },
    To(SignedIn),
}

/// State of the terms of use in this enrollment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TermsStep {
    #[default]
    NotAsked,
    Asked {
        version: String,
    },
    Accepted {
        version: String,
    },
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CaStep {
    #[default]
    Pending,
    Served,
    Reported,
    Skipped,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Serving {
    pub profile: ServedProfile,
    pub challenge: SecretHash,
    pub challenge_expires: Timestamp,
    /// The device that was verified before it received the profile, if that was required.
    pub verified: Option<ReportedDevice>,
}

/// The identity issued to the device by this enrollment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    pub certificate: IssuedCertificate,
    pub transaction: String,
    /// The challenge that the identity was issued for.
    pub challenge: SecretHash,
    /// The profile that the identity was issued for.
    pub profile: ServedProfile,
    /// The device that was verified before it received the profile.
    pub verified: Option<ReportedDevice>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    Refused(EnrollmentRefusal),
    Abandoned,
}

/// The step that a person is at; each has a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There is no stream yet: no sign-in was accepted, sent to a provider, or refused within the budget of refusals.
    Open,
    SignIn,
    /// A person who enrolls devices for others names the user.
    Assignment,
    PreviousRecords,
    Ownership,
    Terms,
    CaProfile,
    ManagedAppleId,
    /// The MDM profile can be downloaded, repeatedly, until the device is enrolled.
    MdmProfile,
    /// The device can be given an access token, with which it requests the profile.
    HandOver,
    /// The person of an enrolled device has to sign in again.
    SignInAgain,
    Ended(End),
}

impl Aggregate for Enrollment {
    const FOLD: u32 = 4;

    type Whole = Self;
    type Event = EnrollmentEvent;
    type Command = Command;
    type Refusal = Refusal;

    fn decide(&self, command: &Command) -> Result<Vec<EnrollmentEvent>, Refusal> {
        decide::decide(self, command)
    }

    fn evolve(self, event: &EnrollmentEvent) -> Enrollment {
        evolve::evolve(self, event)
    }

    // The key of the device's user, not of the person who enrolls it for them.
    fn damaged_key(&self) -> Option<&KeyName> {
        self.owner()?.user_name.damaged_key()
    }
}

impl Enrollment {
    /// Returns whether a device that has a managed record of `owner` may be enrolled again, if the settings restrict
    /// it: by its owner, by staff who enroll it for somebody, and by anybody if the record has no owner.
    pub fn may_enroll_again(&self, owner: Option<PersonId>) -> bool {
        let is_by_staff = matches!(self.assignment, Assignment::To(_));
        is_by_staff || owner.is_none() || owner == self.owner().map(|owner| owner.person)
    }

    /// Returns the step that the person is at.
    pub fn step(&self) -> Step {
        if let Some(end) = self.end {
            Step::Ended(end)
        } else if self.sign_in_again.is_some() {
            Step::SignInAgain
        } else if self.opened.is_none() {
            Step::Open
        } else if self.signed_in.is_none() {
            Step::SignIn
        } else if matches!(self.assignment, Assignment::Asked { .. }) {
            Step::Assignment
        } else if self.has_earlier_records() && !self.previous_noted {
            Step::PreviousRecords
        } else {
            self.step_after_sign_in()
        }
    }

    fn has_earlier_records(&self) -> bool {
        self.previous.count > 0 || self.imported.count > 0
    }

    fn step_after_sign_in(&self) -> Step {
        match (self.ownership, self.ca, &self.managed_apple_id) {
            (None, _, _) => Step::Ownership,
            _ if matches!(self.terms, TermsStep::Asked { .. }) => Step::Terms,
            // Settings already connected to the server over TLS, so the server's certificate is trusted. The profile
            // contains the account that the device signs in with, for both kinds of ownership
            // (`AssignedManagedAppleID`).
            (_, _, None) if self.account_driven.is_some() => Step::ManagedAppleId,
            _ if self.account_driven.is_some() => Step::HandOver,
            (_, CaStep::Pending | CaStep::Served, _) => Step::CaProfile,
            (Some(Ownership::Personal), _, None) => Step::ManagedAppleId,
            _ => Step::MdmProfile,
        }
    }

    /// Returns the language of the pages, as recorded in the stream.
    pub fn language(&self) -> Option<&String> {
        self.opened.as_ref().map(|opened| &opened.language)
    }

    /// Returns whether a sign-in is expected now: the first one or a repeated one.
    pub fn awaits_sign_in(&self) -> bool {
        matches!(self.step(), Step::SignIn | Step::SignInAgain)
    }

    /// Returns the user of the device: the person who signed in, or the person it is assigned to. `None` until that
    /// person is known.
    pub fn owner(&self) -> Option<&SignedIn> {
        match &self.assignment {
            Assignment::Oneself => self.signed_in.as_ref(),
            Assignment::Asked { .. } => None,
            Assignment::To(owner) => Some(owner),
        }
    }

    /// Returns the person who signed in if they are the user of the device: only then is an acceptance of terms kept
    /// for later enrollments.
    pub fn accepts_for_themself(&self) -> Option<PersonId> {
        let owner = self.owner()?.person;
        self.signed_in.as_ref().map(|signed_in| signed_in.person).filter(|person| *person == owner)
    }

    /// Returns the ownership kinds of devices that this person may enroll, out of those that are offered.
    pub fn permitted(&self, offered: &BTreeSet<Ownership>) -> BTreeSet<Ownership> {
        match &self.access {
            Some(access) => offered.intersection(&access.offered).copied().collect(),
            None => offered.clone(),
        }
    }

    /// Returns whether the last page waits for the device only: the MDM profile or the Profile Service was downloaded.
    pub fn profile_was_taken(&self) -> bool {
        !self.servings.is_empty() || !self.spent.is_empty() || !self.profile_services.is_empty()
    }

    /// Returns whether an MDM profile with this challenge was served.
    pub fn served(&self, challenge: &SecretHash) -> bool {
        self.servings.iter().any(|serving| serving.challenge == *challenge) || self.spent.contains(challenge)
    }

    /// Returns the Profile Service with this challenge.
    pub fn profile_service(&self, challenge: &SecretHash) -> Option<&ProfileService> {
        self.profile_services.iter().find(|service| service.challenge == *challenge)
    }

    /// Returns the verification that issued the identity with this fingerprint.
    pub fn verification(&self, fingerprint: &str) -> Option<&Verification> {
        let issued = |verification: &&Verification| {
            verification.identity.as_ref().is_some_and(|identity| identity.fingerprint == fingerprint)
        };
        self.verifications.iter().find(issued)
    }

    /// Returns the device that was verified with the identity of this fingerprint.
    pub fn verified(&self, fingerprint: &str) -> Option<&ReportedDevice> {
        self.profile_service(&self.verification(fingerprint)?.service)?.device.as_ref()
    }

    /// Returns the enrollment kind of the chosen ownership; `None` before the choice.
    pub fn kind(&self) -> Option<EnrollmentKind> {
        self.ownership.map(|ownership| match ownership {
            Ownership::Personal => EnrollmentKind::UserEnrollment,
            Ownership::Institutional => EnrollmentKind::DeviceEnrollment,
        })
    }
}
