//! What happens on a person's way through the portal: stream `enrollment-<id>`, from the first form they send to the
//! identity certificate of their device. Each event names the step of the enrollment guide it serves.

mod account_driven;
mod help_code;
mod platform;
mod profile_service;
mod refusal;
mod sign_in;

pub use account_driven::{EnrollmentMode, Refresh, SignInAgainReason};
pub use help_code::{help_code, parse_help_code};
pub use platform::{DeviceFamily, OsVersion, Platform};
pub use profile_service::{DeviceAttributes, DeviceSignature, ProfileServiceRefusal, ServedProfileService};
pub use refusal::{FormRefusal, IdentityRefusal};
pub use sign_in::{
    Absence, Access, AttributeName, ReceivedAttributes, SignInMethodName, SignInRefusal, SingleSignOnFault, Untold,
};

use crate::device::DeviceId;
use crate::person::{PersonId, ProvenAccount};
use crate::personal::Personal;
use crate::{KeyName, StreamName, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// One visit to the portal and, if it gets that far, the one management relationship that comes of it: the
/// [`DeviceId`] has the same UUID, so that a device's certificate leads to both streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EnrollmentId(pub Uuid);

impl EnrollmentId {
    pub fn stream(self) -> StreamName {
        StreamName::of("enrollment", self.0)
    }

    /// The device that this enrollment brings under management.
    pub fn device(self) -> DeviceId {
        DeviceId(self.0)
    }

    /// The key of what a visitor tells before it is known who they are; handed to the person at sign-in.
    pub fn visit_key(self) -> KeyName {
        KeyName::of("visit", self.0)
    }
}

impl fmt::Display for EnrollmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// SHA-256 of a secret that was handed out, in lower-case hex: session secrets, SCEP challenges.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretHash(pub String);

/// Whose device it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    Personal,
    Institutional,
}

/// Apple's kinds of enrollment. How the device enrolls is another property: see [`EnrollmentMode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrollmentKind {
    /// Profile-based: iOS 13.1 to 17 (`ManagedAppleID` in mdm/profiles/com.apple.mdm.yaml). By account: from iOS 15 on.
    UserEnrollment,
    DeviceEnrollment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChosenBy {
    User,
    /// There was nothing to choose: the settings decide.
    Policy,
}

/// Why an earlier record is thought to belong to the person who signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// An active record of a device that the same person enrolled.
    SamePerson,
    /// … of the same family (iPhone or iPad) as the one at the portal now.
    SameFamily,
    /// The device at the portal told, before it got its profile, the UDID of one that is managed.
    SameHardware,
}

/// An earlier record, and why it is thought to be one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundRecord {
    pub device: DeviceId,
    pub evidence: Vec<Evidence>,
}

/// Why an enrollment came to an end short of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrollmentRefusal {
    /// User Enrollment needs iOS 13.1.
    VersionTooOld,
    /// Profile-based User Enrollment ended with iOS 18: the person is led to the account-driven way.
    AccountDrivenOnly,
    /// This device could enroll by account only, and that is not offered for its family.
    AccountDrivenNotOffered,
    /// The device enrolled in another mode (UDID or EnrollmentID) than the profile it was given says.
    WrongMode,
    /// No access rule lets this person enroll a device.
    NotPermitted,
    /// The access rules ask for something that the person's provider did not tell, and it would make a difference.
    AccessUnknown,
    /// The person has as many devices as their access rule allows.
    TooManyDevices,
    /// The settings ask for a newer version.
    VersionBelowMinimum,
    /// The settings do not allow this version yet.
    VersionAboveMaximum,
    /// The settings do not allow this model.
    ModelNotPermitted,
    /// The settings ask for proof that the device is one of Apple's, and there is none that is known.
    NotGenuine,
    /// Another device than the one that was verified before it got the profile.
    OtherDevice,
}

/// Everything in a served MDM profile that must never change while the device is enrolled
/// (mdm/profiles/com.apple.mdm.yaml), and what the profile was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedProfile {
    pub kind: EnrollmentKind,
    /// `PayloadIdentifier` of the profile: what `RemoveProfile` names to unenroll.
    pub identifier: String,
    pub profile_uuid: Uuid,
    pub identity_uuid: Uuid,
    pub mdm_uuid: Uuid,
    pub topic: String,
    pub server_url: String,
    pub check_in_url: String,
    pub scep_url: String,
    /// `None` in User Enrollment, where the key must be absent.
    pub access_rights: Option<u16>,
    /// `ManagedAppleID`; in account-driven enrollments `AssignedManagedAppleID`.
    pub managed_apple_id: Option<Personal<String>>,
    /// Account-driven enrollments only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment_mode: Option<EnrollmentMode>,
    /// `RequiredAppIDForMDM`, account-driven enrollments only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_app_id: Option<u64>,
    /// `SignMessage`: the device signs what it sends. `None`: not recorded, as of profiles served by the first release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_message: Option<bool>,
}

/// A certificate of ours for a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedCertificate {
    /// DER, base64.
    pub certificate: String,
    /// Serial number in upper-case hex.
    pub serial: String,
    /// SHA-256 of the DER, lower-case hex.
    pub fingerprint: String,
    /// SHA-256 of the SubjectPublicKeyInfo, lower-case hex.
    pub key_hash: String,
    pub not_after: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum EnrollmentEvent {
    /// Arrival: the first form was sent, and with it the visit's stream opened.
    VisitOpened {
        session: SecretHash,
        user_agent: Personal<String>,
        platform: Platform,
        /// Language tag of the pages shown, such as `en`.
        language: String,
    },
    /// The visit began in Settings, at "Sign In to Work or School Account": whose device it is was said by the discovery
    /// document, and its profile is given to a request with a valid access token.
    AccountDrivenBegun {
        mode: EnrollmentMode,
        /// The device's own `state`, where it wants an authorization code (`apple-oauth2`).
        state: Option<String>,
    },
    /// An enrolled device was told to have its person sign in again, and they begin to.
    VisitResumed {
        session: SecretHash,
        user_agent: Personal<String>,
        begun: Timestamp,
        state: Option<String>,
    },
    /// The sign-in step, no: `account` is the HMAC of the account where there is one, `name` the HMAC of the name typed where not.
    SignInRefused {
        method: SignInMethodName,
        reason: SignInRefusal,
        account: Option<String>,
        name: Option<String>,
    },
    /// The sign-in step, yes. From here on the session has a new secret.
    UserSignedIn {
        method: SignInMethodName,
        person: PersonId,
        /// HMAC of (method, issuer, subject): the id of the `account-` stream.
        account: String,
        user_name: Personal<String>,
        session: SecretHash,
    },
    /// The person of an enrolled device signed in once more.
    UserSignedInAgain {
        method: SignInMethodName,
        session: SecretHash,
    },
    /// The sign-in step at another site: the person was sent there. `request` is the hash of what must come back.
    SingleSignOnBegun {
        method: SignInMethodName,
        provider: String,
        request: SecretHash,
    },
    /// An answer of the provider was verified, before the browser that asked for it came back.
    SingleSignOnProven {
        provider: String,
        request: SecretHash,
        account: Personal<ProvenAccount>,
    },
    SingleSignOnRefused {
        method: SignInMethodName,
        provider: String,
        why: SingleSignOnFault,
    },
    /// The person who signed in may enroll devices for others and is asked for the person. `for_oneself`: they may also enroll their own.
    AssignmentOffered {
        for_oneself: bool,
    },
    /// The device will belong to this person, not to the one who signed in.
    EnrollmentAssigned {
        method: SignInMethodName,
        person: PersonId,
        account: String,
        user_name: Personal<String>,
    },
    /// The person who signed in enrolls their own device.
    AssignmentDeclined {},
    /// What the provider told about the person whose device it will be, as far as access rules can ask for it.
    AttributesReceived {
        /// `local`, or the name of a directory or identity provider in the configuration.
        provider: String,
        attributes: Personal<ReceivedAttributes>,
    },
    /// What the access rules say about the person whose device it will be.
    AccessDecided {
        access: Access,
    },
    /// The terms of use of this version have to be accepted before the way goes on.
    TermsRequested {
        ownership: Ownership,
        version: String,
    },
    TermsAccepted {
        ownership: Ownership,
        version: String,
        /// Language tag of the text that was shown.
        language: String,
        /// SHA-256 of that text, lower-case hex.
        text_hash: String,
    },
    /// The person does not accept the terms of use of this version.
    TermsDeclined {
        ownership: Ownership,
        version: String,
    },
    /// The person has earlier records that are still active: the nearest, at most five, and how many there are in all.
    PreviousRecordFound {
        records: Vec<FoundRecord>,
        count: u64,
    },
    /// The person was told what to do about the earlier records and went on.
    PreviousRecordsNoted {},
    /// The ownership step.
    OwnershipChosen {
        ownership: Ownership,
        chosen_by: ChosenBy,
    },
    /// The certificate step: the CA profile was sent to the device.
    CaProfileServed {
        profile_uuid: Uuid,
        ca_fingerprint: String,
    },
    /// The certificate step: the person says that they installed it.
    CaInstallReported {},
    /// The certificate step is switched off.
    CaStepSkipped {},
    /// The Managed Apple ID step.
    ManagedAppleIdGiven {
        managed_apple_id: Personal<String>,
    },
    /// The Managed Apple ID step, not asked: the directory or identity provider states it for the person who signed in.
    ManagedAppleIdAssigned {
        managed_apple_id: Personal<String>,
    },
    /// The device was handed a token by which it gets its profile, and which it shows with every message from then on.
    AccessTokenIssued {
        token: SecretHash,
        issued: Timestamp,
        /// By which the device gets another without its person, where it redeemed an authorization code.
        refresh: Option<Refresh>,
    },
    /// The device is handed a code, which it redeems for tokens (`apple-oauth2`).
    AuthorizationCodeIssued {
        code: SecretHash,
        issued: Timestamp,
    },
    /// The device got another access token by its refresh token: its person was not asked.
    AccessTokenRefreshed {
        token: SecretHash,
        issued: Timestamp,
        refresh_token: SecretHash,
    },
    /// What the device said of itself when it asked for its profile (other/machineinfo.yaml).
    MachineInformationReceived {
        signature: DeviceSignature,
        /// Such as `iPhone17,2`.
        product: Option<String>,
        build_version: Option<String>,
        os_version: Option<OsVersion>,
    },
    /// The device is asked to have its person sign in again. It causes every such answer until they have signed in.
    SignInAgainAsked {
        why: SignInAgainReason,
    },
    /// The profile step, where institutional devices have to say first what they are: a Profile Service was sent to the device, which
    /// answers it with `challenge`.
    ProfileServiceServed {
        service: ServedProfileService,
        challenge: SecretHash,
        challenge_expires: Timestamp,
    },
    /// The device answered the Profile Service.
    DeviceAttributesReported {
        /// The challenge that it answered.
        challenge: SecretHash,
        signature: DeviceSignature,
        /// SHA-256 of the certificate that signed, lower-case hex.
        certificate: String,
        attributes: DeviceAttributes,
    },
    /// It was sent a profile with nothing but a way to an identity, by which it is known when it asks for the MDM profile.
    VerificationProfileServed {
        /// The challenge of the Profile Service that it answered.
        service: SecretHash,
        profile_uuid: Uuid,
        identity_uuid: Uuid,
        scep_url: String,
        /// The SCEP challenge in the profile.
        challenge: SecretHash,
        challenge_expires: Timestamp,
    },
    /// It got that identity, which is good for asking for the MDM profile and for nothing else.
    VerificationIdentityIssued {
        identity: IssuedCertificate,
        transaction: String,
        challenge: SecretHash,
    },
    ProfileServiceRefused {
        /// The challenge of the Profile Service.
        challenge: SecretHash,
        why: ProfileServiceRefusal,
    },
    /// The profile step: the MDM profile was sent to the device. Each serving has its own SCEP challenge.
    MdmProfileServed {
        profile: ServedProfile,
        challenge: SecretHash,
        challenge_expires: Timestamp,
        /// Fingerprint of the verification identity that asked for it, where one had to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        verified_by: Option<String>,
    },
    /// Installation: the device asked for its identity by SCEP and got it.
    IdentityIssued {
        identity: IssuedCertificate,
        transaction: String,
        challenge: SecretHash,
    },
    /// Installation, no: a device with a challenge of this visit asked for its identity.
    IdentityRefused {
        why: IdentityRefusal,
    },
    /// An identity that was not used was replaced by another.
    IdentityRevoked {
        fingerprint: String,
    },
    /// A form that the person sent was answered with no.
    FormRefused {
        why: FormRefusal,
    },
    /// The person reads the pages in another language from now on.
    LanguageChosen {
        /// Language tag, such as `ja`.
        language: String,
    },
    EnrollmentRefused {
        why: EnrollmentRefusal,
    },
    /// Nothing happened for so long that the visit is closed.
    EnrollmentAbandoned {},
    SignedOut {},
}
