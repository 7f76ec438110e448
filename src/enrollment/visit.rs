//! A person's way through the portal: stream `enrollment-<id>`. The steps are those of the enrollment guide.

mod access_token;
mod decide;
mod evolve;
mod profile_service;
#[cfg(test)]
mod tests;

use crate::enrollment::Aggregate;
use events::Timestamp;
use events::device::DeviceId;
use events::enrollment::{
    Access, EnrollmentEvent, EnrollmentKind, EnrollmentMode, EnrollmentRefusal, Evidence, IssuedCertificate, OsVersion,
    Ownership, Platform, ProfileServiceRefusal, SecretHash, ServedProfile, ServedProfileService, SignInAgainReason,
    SignInMethodName, SignInRefusal, SingleSignOnFault,
};
use events::person::{PersonId, ProvenAccount};
use events::personal::Personal;
use events::settings::{AccountDriven, Limits};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub use access_token::{
    ACCESS_TOKEN_SECONDS, AccessToken, AuthorizationCode, MachineInformation, Presented, RefreshToken,
};
pub use profile_service::{ProfileService, ReportedDevice, Verification};

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
    pub previous: Vec<PreviousRecord>,
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
    /// Of whoever signed in.
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

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousRecord {
    pub device: DeviceId,
    pub evidence: Vec<Evidence>,
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
    /// Whoever enrolls for others says for whom.
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

/// What the settings say about the way, looked up when the command was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    pub offered: BTreeSet<Ownership>,
    pub skip_ca_profile: bool,
    pub limits: Limits,
    /// The version of the terms that is in force, by whose device it is.
    pub terms: BTreeMap<Ownership, String>,
    /// The versions that the person accepted on an earlier visit.
    pub accepted: BTreeMap<Ownership, String>,
    /// The Managed Apple ID that the person's directory or identity provider tells.
    pub assigned_managed_apple_id: Option<Personal<String>>,
    /// Whose device a family is that enrolls by account.
    pub account_driven: AccountDriven,
}

/// What is found about the person whose device it will be, when that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// `None` where there are no access rules.
    pub access: Option<Access>,
    /// Their records that are still active.
    pub previous: Vec<PreviousRecord>,
    pub policy: Policy,
}

/// How the way goes on after sign-in.
#[expect(clippy::large_enum_variant, reason = "one is made at sign-in and gone")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// It will be their own device.
    Oneself(Admission),
    /// They may enroll for others, and are asked for whom.
    AskForWhom { for_oneself: bool },
}

/// How a visit begins in Settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    pub mode: EnrollmentMode,
    /// The device's own `state`, where it wants an authorization code.
    pub state: Option<String>,
}

#[derive(Debug, Clone)]
pub enum Command {
    /// The first form was sent.
    Open {
        session: SecretHash,
        user_agent: Personal<String>,
        platform: Platform,
        language: String,
        /// It begins in Settings.
        account_driven: Option<Begun>,
    },
    /// The first form was sent after an enrolled device was told to have its person sign in again.
    Resume {
        session: SecretHash,
        user_agent: Personal<String>,
        now: Timestamp,
        state: Option<String>,
    },
    RefuseSignIn {
        method: SignInMethodName,
        reason: SignInRefusal,
        account: Option<String>,
        name: Option<String>,
    },
    /// The person goes to an identity provider; `request` is the hash of what must come back.
    BeginSingleSignOn {
        method: SignInMethodName,
        provider: String,
        request: SecretHash,
    },
    /// The provider answered, before the browser came back.
    ProveSingleSignOn {
        request: SecretHash,
        account: Personal<ProvenAccount>,
    },
    RefuseSingleSignOn {
        method: SignInMethodName,
        provider: String,
        why: SingleSignOnFault,
    },
    SignIn {
        signed_in: SignedIn,
        session: SecretHash,
        entry: Entry,
    },
    Assign {
        to: SignedIn,
        admission: Admission,
    },
    EnrollForOneself {
        admission: Admission,
    },
    /// The person was told what to do about earlier records and goes on.
    NotePreviousRecords {
        policy: Policy,
    },
    ChooseOwnership {
        ownership: Ownership,
        policy: Policy,
    },
    /// `version` is what the person was shown, `policy` what is in force now.
    AcceptTerms {
        version: String,
        language: String,
        text_hash: String,
        policy: Policy,
    },
    ServeCaProfile {
        profile_uuid: Uuid,
        ca_fingerprint: String,
    },
    ReportCaInstall,
    GiveManagedAppleId {
        managed_apple_id: Personal<String>,
    },
    /// The device is handed an access token.
    IssueAccessToken {
        token: SecretHash,
        now: Timestamp,
    },
    /// The device is handed a code.
    IssueAuthorizationCode {
        code: SecretHash,
        now: Timestamp,
    },
    /// The device redeems a code.
    RedeemCode {
        code: SecretHash,
        token: SecretHash,
        refresh_token: SecretHash,
        now: Timestamp,
    },
    /// The device wants another access token. `last_for_days`: how long a sign-in holds, by the settings of today.
    RefreshAccess {
        refresh_token: SecretHash,
        token: SecretHash,
        now: Timestamp,
        last_for_days: Option<u32>,
    },
    /// The device asked for its profile.
    ReceiveMachineInformation {
        machine: MachineInformation,
    },
    /// The enrolled device shows no access token that is good. `device_enrolled`: another is of no use to it.
    AskToSignInAgain {
        why: SignInAgainReason,
        device_enrolled: bool,
    },
    ServeProfileService {
        service: ServedProfileService,
        challenge: SecretHash,
        challenge_expires: Timestamp,
        device_enrolled: bool,
    },
    /// The device answers a Profile Service.
    ReportAttributes(Box<AttributesReport>),
    /// It came with a challenge of ours, or with an identity to be verified by, and is not answered.
    RefuseProfileService {
        challenge: SecretHash,
        why: ProfileServiceRefusal,
    },
    /// As `IssueIdentity`, for the identity that it is verified by.
    IssueVerificationIdentity {
        now: Timestamp,
        challenge: SecretHash,
        transaction: String,
        certificate: IssuedCertificate,
        device_enrolled: bool,
    },
    /// `verified_by`: the fingerprint of the verification identity that asks for it.
    ServeMdmProfile {
        profile: ServedProfile,
        challenge: SecretHash,
        challenge_expires: Timestamp,
        verified_by: Option<String>,
        device_enrolled: bool,
    },
    /// A certificate was signed for whoever presented `challenge`; it counts if this is appended first.
    IssueIdentity {
        now: Timestamp,
        challenge: SecretHash,
        transaction: String,
        certificate: IssuedCertificate,
        device_enrolled: bool,
    },
    /// `device_enrolled` as above: an enrolled device stays enrolled, whatever is told in its name.
    Refuse {
        why: EnrollmentRefusal,
        device_enrolled: bool,
    },
    /// Nothing happened for long. `device_enrolled` as above: a visit that reached its end is left alone.
    Abandon {
        device_enrolled: bool,
    },
    /// Ends the session, not the enrollment: a profile that was taken may still be installed.
    SignOut,
}

/// What a device says of itself before it gets the MDM profile, and what it is answered if it may go on.
#[derive(Debug, Clone)]
pub struct AttributesReport {
    pub now: Timestamp,
    /// The challenge that it answers.
    pub challenge: SecretHash,
    pub device: ReportedDevice,
    /// What the settings ask of it.
    pub genuine_devices_only: bool,
    pub limits: Limits,
    /// Devices of ours that the same hardware is now.
    pub managed: Vec<DeviceId>,
    pub profile_uuid: Uuid,
    pub identity_uuid: Uuid,
    pub scep_url: String,
    pub scep_challenge: SecretHash,
    pub scep_challenge_expires: Timestamp,
    pub device_enrolled: bool,
}

/// Why a command may not be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No fact at all: the portal leads the person back to their step.
    #[error("the visit stands at {0:?}")]
    OutOfStep(Step),
    #[error("devices of this ownership are not enrolled here")]
    OwnershipNotOffered,
    #[error("no such request to an identity provider waits for an answer")]
    UnknownRequest,
    #[error("this account enrolls devices for others only")]
    NotForOneself,
    #[error("no profile was served with this challenge, or another one was used since")]
    UnknownChallenge,
    #[error("the challenge expired")]
    ExpiredChallenge,
    #[error("the code or refresh token is unknown, used or too old")]
    InvalidGrant,
    /// The challenge has issued an identity to another key.
    #[error("the challenge was used by another key")]
    ChallengeUsed,
    #[error("another device answered this Profile Service already")]
    AnotherDevice,
    #[error("the identity is none that a device was verified by")]
    NotVerified,
    #[error("the device is enrolled: its identity is renewed with the old one, not with a challenge")]
    DeviceEnrolled,
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
        } else if !self.previous.is_empty() && !self.previous_noted {
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

    /// Whether somebody may sign in now: for the first time, or once more.
    pub fn awaits_sign_in(&self) -> bool {
        matches!(self.step(), Step::SignIn | Step::SignInAgain)
    }

    /// Whose device it will be: who signed in, or whom it is assigned to. `None` before that is known.
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
