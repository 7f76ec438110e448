//! A person's way through the portal: stream `enrollment-<id>`. The steps are those of the enrollment guide.

mod access_token;
mod command;
mod decide;
mod entitled;
mod evolve;
mod profile_service;
#[cfg(test)]
mod tests;
mod told;

use crate::Aggregate;
use events::enrollment::{
    Access, EnrollmentEvent, EnrollmentKind, EnrollmentMode, EnrollmentRefusal, FoundRecord, IssuedCertificate,
    OsVersion, Ownership, Platform, SecretHash, ServedProfile, SignInAgainReason, SignInMethodName,
};
use events::person::{PersonId, ProvenAccount};
use events::personal::Personal;
use events::{KeyName, Timestamp};
use std::collections::BTreeSet;

pub use access_token::{AccessToken, AuthorizationCode, MachineInformation, Presented, RefreshToken};
pub use command::{Admission, AttributesReport, Begun, Command, Entry, Policy, Received, Refusal};
pub use profile_service::{ProfileService, ReportedDevice, Verification};
pub use told::Told;

/// First version that has User Enrollment (`ManagedAppleID`, mdm/profiles/com.apple.mdm.yaml).
pub const FIRST_USER_ENROLLMENT: OsVersion = OsVersion::new(13, 1);
/// First version that has it by account only.
pub const FIRST_ACCOUNT_DRIVEN_ONLY: OsVersion = OsVersion::new(18, 0);
/// First version that has it by account (`EnrollmentMode`, mdm/profiles/com.apple.mdm.yaml).
pub const FIRST_ACCOUNT_DRIVEN: OsVersion = OsVersion::new(15, 0);
/// First version that has Device Enrollment by account. Apple says 16 in one place and 17 in another: the later counts.
pub const FIRST_ACCOUNT_DRIVEN_DEVICE: OsVersion = OsVersion::new(17, 0);

/// Everything that has happened on one visit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Visit {
    pub opened: Option<Opened>,
    /// It began in Settings.
    pub account_driven: Option<EnrollmentMode>,
    /// Hash of the secret that the visitor's cookie must hold now.
    pub session: Option<SecretHash>,
    /// When the session began, where that was not with the visit.
    pub resumed: Option<Timestamp>,
    /// The answer of an identity provider that is waited for.
    pub single_sign_on: Option<SingleSignOn>,
    pub signed_in: Option<SignedIn>,
    /// The identity provider that they signed in at, where it was one.
    pub signed_in_at: Option<String>,
    pub assignment: Assignment,
    /// What the access rules said; `None` where there were none.
    pub access: Option<Access>,
    pub terms: TermsStep,
    pub previous: PreviousRecords,
    pub previous_noted: bool,
    pub ownership: Option<Ownership>,
    pub ca: CaStep,
    pub managed_apple_id: Option<Personal<String>>,
    /// Every Profile Service that was sent, oldest first.
    pub profile_services: Vec<ProfileService>,
    /// What the devices that answered them got, oldest first.
    pub verifications: Vec<Verification>,
    /// Every MDM profile that was sent, oldest first.
    pub servings: Vec<Serving>,
    pub identity: Option<Identity>,
    /// The tokens that were handed to the device, oldest first.
    pub access_tokens: Vec<AccessToken>,
    /// The device wants codes: its `state` of now.
    pub authorization: Option<String>,
    pub codes: Vec<AuthorizationCode>,
    pub refresh_tokens: Vec<RefreshToken>,
    /// Facts that the visitor alone caused, and may cause again.
    pub told: Told,
    /// What the device said of itself when it asked for its profile.
    pub machine: Option<MachineInformation>,
    /// The enrolled device was told to have its person sign in again, and they have not yet.
    pub sign_in_again: Option<SignInAgainReason>,
    pub end: Option<End>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    pub platform: Platform,
    pub language: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SignedIn {
    pub method: SignInMethodName,
    pub person: PersonId,
    pub account: String,
    pub user_name: Personal<String>,
}

/// Somebody was sent to an identity provider.
#[derive(Debug, Clone, PartialEq)]
pub struct SingleSignOn {
    pub method: SignInMethodName,
    pub provider: String,
    /// Hash of what must come back.
    pub request: SecretHash,
    /// The provider answered already, and the browser is waited for.
    pub proven: Option<Personal<ProvenAccount>>,
}

/// Whose device it will be.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Assignment {
    /// Of the person who signed in.
    #[default]
    Oneself,
    /// They are asked.
    Asked {
        for_oneself: bool,
    },
    To(SignedIn),
}

/// The terms of use on this visit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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

/// So many earlier records are named; of others there is the number.
pub const NEAREST_RECORDS: usize = 5;

/// The earlier records of a person: the nearest, and how many there are in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PreviousRecords {
    /// Visits of the first releases name every one.
    pub nearest: Vec<FoundRecord>,
    pub count: u64,
}

impl From<Vec<FoundRecord>> for PreviousRecords {
    /// Of all records, the nearest first.
    fn from(mut all: Vec<FoundRecord>) -> PreviousRecords {
        let count = all.len() as u64;
        all.truncate(NEAREST_RECORDS);
        PreviousRecords { nearest: all, count }
    }
}

impl PreviousRecords {
    /// The event that lists them, if there are any.
    fn found(&self) -> Option<EnrollmentEvent> {
        let (records, count) = (self.nearest.clone(), self.count);
        (count > 0).then_some(EnrollmentEvent::PreviousRecordFound { records, count })
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CaStep {
    #[default]
    Pending,
    Served,
    Reported,
    Skipped,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Serving {
    pub profile: ServedProfile,
    pub challenge: SecretHash,
    pub challenge_expires: Timestamp,
    /// Fingerprint of the verification identity that asked for it, where one had to.
    pub verified_by: Option<String>,
    /// Another serving's challenge has issued an identity: this one never will.
    pub dead: bool,
}

/// The identity that the device holds by this enrollment.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    pub certificate: IssuedCertificate,
    pub transaction: String,
    /// The challenge that it was issued for.
    pub challenge: SecretHash,
    /// The profile it was issued for.
    pub profile: ServedProfile,
    /// The device that was verified before it got the profile.
    pub verified: Option<ReportedDevice>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Refused(EnrollmentRefusal),
    Abandoned,
}

/// The page a person stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// No form was sent yet.
    Open,
    SignIn,
    /// A person who enrolls for others names the person.
    Assignment,
    PreviousRecords,
    Ownership,
    Terms,
    CaProfile,
    ManagedAppleId,
    /// The MDM profile may be taken, again and again, until the device is enrolled.
    MdmProfile,
    /// The device may be handed an access token, by which it takes the profile.
    HandOver,
    /// The person of an enrolled device is to sign in once more.
    SignInAgain,
    Ended(End),
}

impl Aggregate for Visit {
    type Event = EnrollmentEvent;
    type Command = Command;
    type Refusal = Refusal;

    fn decide(&self, command: &Command) -> Result<Vec<EnrollmentEvent>, Refusal> {
        decide::decide(self, command)
    }

    fn evolve(self, event: &EnrollmentEvent) -> Visit {
        evolve::evolve(self, event)
    }

    // What is known of whose device it will be, not of who enrolls it for them.
    fn damaged_key(&self) -> Option<&KeyName> {
        self.owner()?.user_name.damaged_key()
    }
}

impl Visit {
    /// The step the person stands on.
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
        } else if self.previous.count > 0 && !self.previous_noted {
            Step::PreviousRecords
        } else {
            self.step_after_sign_in()
        }
    }

    fn step_after_sign_in(&self) -> Step {
        match (self.ownership, self.ca, &self.managed_apple_id) {
            (None, _, _) => Step::Ownership,
            _ if matches!(self.terms, TermsStep::Asked { .. }) => Step::Terms,
            // Settings asked the server over TLS before anything else: it is trusted already. Whose account the device
            // signs in with is in the profile, whoever the device belongs to (`AssignedManagedAppleID`).
            (_, _, None) if self.account_driven.is_some() => Step::ManagedAppleId,
            _ if self.account_driven.is_some() => Step::HandOver,
            (_, CaStep::Pending | CaStep::Served, _) => Step::CaProfile,
            (Some(Ownership::Personal), _, None) => Step::ManagedAppleId,
            _ => Step::MdmProfile,
        }
    }

    /// The language of the pages that the person reads, as far as the stream tells.
    pub fn language(&self) -> Option<&String> {
        self.opened.as_ref().map(|opened| &opened.language)
    }

    /// Whether somebody may sign in now: for the first time, or once more.
    pub fn awaits_sign_in(&self) -> bool {
        matches!(self.step(), Step::SignIn | Step::SignInAgain)
    }

    /// The person whose device it will be: the one who signed in, or the one it is assigned to. `None` before that is known.
    pub fn owner(&self) -> Option<&SignedIn> {
        match &self.assignment {
            Assignment::Oneself => self.signed_in.as_ref(),
            Assignment::Asked { .. } => None,
            Assignment::To(owner) => Some(owner),
        }
    }

    /// Who signed in, if it will be their own device: they alone can accept terms for good.
    pub fn accepts_for_themself(&self) -> Option<PersonId> {
        let owner = self.owner()?.person;
        self.signed_in.as_ref().map(|signed_in| signed_in.person).filter(|person| *person == owner)
    }

    /// The kinds of device that this person may enroll, of those that are offered.
    pub fn permitted(&self, offered: &BTreeSet<Ownership>) -> BTreeSet<Ownership> {
        match &self.access {
            Some(access) => offered.intersection(&access.offered).copied().collect(),
            None => offered.clone(),
        }
    }

    /// Whether the device has what the last page waits for: the MDM profile, or the Profile Service that brings it.
    pub fn profile_was_taken(&self) -> bool {
        !self.servings.is_empty() || !self.profile_services.is_empty()
    }

    /// The Profile Service with this challenge.
    pub fn profile_service(&self, challenge: &SecretHash) -> Option<&ProfileService> {
        self.profile_services.iter().find(|service| service.challenge == *challenge)
    }

    /// What the identity with this fingerprint was issued by, if a device is verified by it.
    pub fn verification(&self, fingerprint: &str) -> Option<&Verification> {
        let issued = |verification: &&Verification| {
            verification.identity.as_ref().is_some_and(|identity| identity.fingerprint == fingerprint)
        };
        self.verifications.iter().find(issued)
    }

    /// The device that is verified by the identity with this fingerprint.
    pub fn verified(&self, fingerprint: &str) -> Option<&ReportedDevice> {
        self.profile_service(&self.verification(fingerprint)?.service)?.device.as_ref()
    }

    /// The kind of enrollment that the chosen ownership means; `None` before the choice.
    pub fn kind(&self) -> Option<EnrollmentKind> {
        self.ownership.map(|ownership| match ownership {
            Ownership::Personal => EnrollmentKind::UserEnrollment,
            Ownership::Institutional => EnrollmentKind::DeviceEnrollment,
        })
    }
}
