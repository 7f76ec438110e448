//! Commands for an enrollment, the data they need, and the reasons why they are refused.

use super::{ImportedRecords, MachineInformation, PreviousRecords, ReportedDevice, SignedIn, Step};
use events::Timestamp;
use events::device::DeviceId;
use events::enrollment::{
    Access, EnrollmentMode, EnrollmentRefusal, FormRefusal, IdentityRefusal, IssuedCertificate, Ownership, Platform,
    ProfileServiceRefusal, ReceivedAttributes, SecretHash, ServedProfile, ServedProfileService, SignInAgainReason,
    SignInMethodName, SignInRefusal, SingleSignOnFault,
};
use events::invitation::{InvitationId, InvitationToken};
use events::person::ProvenAccount;
use events::personal::Personal;
use events::record::{PreviousAnswer, RecordId};
use events::settings::{AccountDriven, Limits};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The settings that an enrollment depends on, as they were when the command was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    pub offered: BTreeSet<Ownership>,
    pub skip_ca_profile: bool,
    pub limits: Limits,
    /// The current version of the terms, by ownership.
    pub terms: BTreeMap<Ownership, String>,
    /// The versions that the person accepted during an earlier enrollment.
    pub accepted: BTreeMap<Ownership, String>,
    /// The Managed Apple ID from the person's directory or identity provider.
    pub assigned_managed_apple_id: Option<Personal<String>>,
    /// Ownership by device family for account-driven enrollment.
    pub account_driven: AccountDriven,
}

/// What is known about the future user of the device, looked up as soon as that person is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// `None` if there are no access rules.
    pub access: Option<Access>,
    /// The attributes from the user's provider, if it provides any.
    pub received: Option<Received>,
    /// The user's records that are still active.
    pub previous: PreviousRecords,
    /// The user's records of other products.
    pub imported: ImportedRecords,
    pub policy: Policy,
}

/// What a person said about an earlier record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    pub record: RecordId,
    pub answer: PreviousAnswer,
    /// Whether its management is removed from this device; `None`: they were not asked.
    pub removed: Option<bool>,
}

/// Received groups and claims, and their provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Name of a directory or identity provider.
    pub provider: String,
    pub attributes: Personal<ReceivedAttributes>,
}

/// How the enrollment continues after sign-in.
#[expect(clippy::large_enum_variant, reason = "one is made at sign-in and gone")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The person enrolls the device for themselves.
    Oneself(Admission),
    /// The person may enroll devices for others and is asked for whom. `for_oneself`: they may also enroll for
    /// themselves.
    AskForWhom { for_oneself: bool },
}

/// How an enrollment begins in Settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    pub mode: EnrollmentMode,
    /// The device's own `state`, if it requests an authorization code.
    pub state: Option<String>,
}

#[derive(Debug, Clone)]
pub enum Command {
    /// The first sign-in was accepted, sent to an identity provider, or refused within the budget of refusals.
    Open {
        session: SecretHash,
        user_agent: Personal<String>,
        platform: Platform,
        language: String,
        /// Present if the enrollment begins in Settings.
        account_driven: Option<Begun>,
    },
    /// As for `Open`, but an enrolled device was told that its person has to sign in again.
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
    /// The person is sent to an identity provider; `request` is the hash of the secret that must come back.
    BeginSingleSignOn {
        method: SignInMethodName,
        provider: String,
        request: SecretHash,
    },
    /// The provider responded before the browser came back.
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
    /// The person read what to do about earlier records and continues.
    NotePreviousRecords {
        policy: Policy,
        /// What they said about the records. Answers about records that were not shown are ignored.
        answers: Vec<Said>,
    },
    /// The person permits Muster to remove the management of an earlier enrollment of theirs, at the step that shows
    /// it.
    AgreeToRemoval {
        record: RecordId,
    },
    /// The person opened an invitation, or typed its code.
    PresentInvitation {
        invitation: InvitationId,
        token: InvitationToken,
    },
    ChooseOwnership {
        ownership: Ownership,
        policy: Policy,
    },
    /// `version` is the version that the person saw, `policy` the current settings.
    AcceptTerms {
        version: String,
        language: String,
        text_hash: String,
        policy: Policy,
    },
    /// The person declines the requested terms of use.
    DeclineTerms,
    /// The person chose this language for the pages.
    ChooseLanguage {
        language: String,
    },
    /// A form that the person sent is refused.
    RefuseForm {
        why: FormRefusal,
    },
    /// A device with a challenge of this enrollment is refused an identity.
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
    /// The device is issued an access token.
    IssueAccessToken {
        token: SecretHash,
        now: Timestamp,
    },
    /// The device is issued an authorization code.
    IssueAuthorizationCode {
        code: SecretHash,
        now: Timestamp,
    },
    /// The device redeems an authorization code.
    RedeemCode {
        code: SecretHash,
        token: SecretHash,
        refresh_token: SecretHash,
        now: Timestamp,
    },
    /// The device requests another access token. `last_for_days`: how long a sign-in is valid by the current settings,
    /// in days.
    RefreshAccess {
        refresh_token: SecretHash,
        token: SecretHash,
        now: Timestamp,
        last_for_days: Option<u32>,
    },
    /// The device requested its profile.
    ReceiveMachineInformation {
        machine: MachineInformation,
    },
    /// The enrolled device sent no valid access token. `device_enrolled`: a device that is not enrolled is not asked.
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
    /// The device sent a valid challenge or verification identity and is refused.
    RefuseProfileService {
        challenge: SecretHash,
        why: ProfileServiceRefusal,
    },
    /// Same as `IssueIdentity`, for the verification identity.
    IssueVerificationIdentity {
        now: Timestamp,
        challenge: SecretHash,
        transaction: String,
        certificate: IssuedCertificate,
        device_enrolled: bool,
    },
    /// `verified_by`: fingerprint of the verification identity that requests the profile.
    ServeMdmProfile {
        profile: ServedProfile,
        challenge: SecretHash,
        challenge_expires: Timestamp,
        verified_by: Option<String>,
        device_enrolled: bool,
    },
    /// A certificate was signed for the sender of `challenge`. It is valid only if this command's event is appended
    /// first.
    IssueIdentity {
        now: Timestamp,
        challenge: SecretHash,
        transaction: String,
        certificate: IssuedCertificate,
        device_enrolled: bool,
    },
    /// `device_enrolled` as above: an enrolled device remains enrolled, whatever is reported in its name.
    Refuse {
        why: EnrollmentRefusal,
        device_enrolled: bool,
    },
    /// The enrollment was inactive for a long time. `device_enrolled` as above: a completed enrollment is not closed.
    Abandon {
        device_enrolled: bool,
    },
    /// Ends the session, but not the enrollment: a downloaded profile can still be installed.
    SignOut,
}

/// A device's attributes before it gets the MDM profile, and the verification profile that it gets if it is accepted.
#[derive(Debug, Clone)]
pub struct AttributesReport {
    pub now: Timestamp,
    /// The challenge that the device answers.
    pub challenge: SecretHash,
    pub device: ReportedDevice,
    /// Requirements of the settings.
    pub genuine_devices_only: bool,
    pub limits: Limits,
    /// Managed devices with the same hardware.
    pub managed: Vec<DeviceId>,
    /// One of them has another owner, and the settings restrict who may enroll it again.
    pub is_restricted: bool,
    pub profile_uuid: Uuid,
    pub identity_uuid: Uuid,
    pub scep_url: String,
    pub scep_challenge: SecretHash,
    pub scep_challenge_expires: Timestamp,
    pub device_enrolled: bool,
}

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Recorded nowhere: the portal shows the person their current step.
    #[error("the enrollment is at another step")]
    OutOfStep(Step),
    /// The enrollment reached a limit: the person has to begin another one.
    #[error(
        "this enrollment reached the limit of served profiles or changed Managed Apple IDs: begin another enrollment"
    )]
    TooOften,
    #[error("devices of this ownership cannot be enrolled here")]
    OwnershipNotOffered,
    #[error("no such request to an identity provider is pending")]
    UnknownRequest,
    #[error("this account may only enroll devices for others")]
    NotForOneself,
    #[error("no profile was served with this challenge, or another one was used since")]
    UnknownChallenge,
    #[error("the challenge expired")]
    ExpiredChallenge,
    #[error("the code or refresh token is unknown, used or too old")]
    InvalidGrant,
    /// An identity was already issued to another key with this challenge.
    #[error("the challenge was used by another key")]
    ChallengeUsed,
    #[error("another device already answered this Profile Service")]
    AnotherDevice,
    #[error("no device was verified with this identity")]
    NotVerified,
    #[error("the device is enrolled: its identity is renewed with the current identity, not with a challenge")]
    DeviceEnrolled,
}
