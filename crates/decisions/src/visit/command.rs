//! What may be asked of a visit, what has to be known for it, and why it may not be.

use super::{MachineInformation, PreviousRecords, ReportedDevice, SignedIn, Step};
use events::Timestamp;
use events::device::DeviceId;
use events::enrollment::{
    Access, EnrollmentMode, EnrollmentRefusal, FormRefusal, IdentityRefusal, IssuedCertificate, Ownership, Platform,
    ProfileServiceRefusal, ReceivedAttributes, SecretHash, ServedProfile, ServedProfileService, SignInAgainReason,
    SignInMethodName, SignInRefusal, SingleSignOnFault,
};
use events::person::ProvenAccount;
use events::personal::Personal;
use events::settings::{AccountDriven, Limits};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

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
    /// What their provider told, where it tells anything.
    pub received: Option<Received>,
    /// Their records that are still active.
    pub previous: PreviousRecords,
    pub policy: Policy,
}

/// Groups and claims that arrived, and from whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The name of a directory or identity provider.
    pub provider: String,
    pub attributes: Personal<ReceivedAttributes>,
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
    /// The person does not accept the terms that they are asked to.
    DeclineTerms,
    /// The person reads the pages in this language.
    ChooseLanguage {
        language: String,
    },
    /// A form of theirs is answered with no.
    RefuseForm {
        why: FormRefusal,
    },
    /// A device that knows a challenge of this visit is refused an identity.
    RefuseIdentity {
        why: IdentityRefusal,
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
    #[error("the visit is at another step")]
    OutOfStep(Step),
    /// A visit is kept within bounds: the person begins another one.
    #[error("this visit has served so many profiles, or taken so many Managed Apple IDs, that it does so no more")]
    TooOften,
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
