//! Events of one enrollment: stream `enrollment-<id>`, from the first sign-in of the person to the identity certificate
//! of their device. The comment on an event names its step (docs/glossary.md).

mod account_driven;
mod help_code;
mod platform;
mod profile_service;
mod refusal;
mod sign_in;
#[cfg(test)]
mod tests;

pub use account_driven::{EnrollmentMode, Refresh, SignInAgainReason};
pub use help_code::{help_code, parse_short_code, short_code};
pub use platform::{DeviceFamily, OsVersion, Platform};
pub use profile_service::{DeviceAttributes, DeviceSignature, ProfileServiceRefusal, ServedProfileService};
pub use refusal::{FormRefusal, IdentityRefusal};
pub use sign_in::{
    Absence, Access, AttributeName, ReceivedAttributes, SignInMethodName, SignInRefusal, SingleSignOnFault, Untold,
};

pub use crate::ids::EnrollmentId;

use crate::Timestamp;
use crate::ids::{DeviceId, InvitationId, PersonId, RecordId};
use crate::invitation::InvitationToken;
use crate::personal::Personal;
use crate::record::{OwnerAttribute, PreviousAnswer};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// SHA-256 of an issued secret, in lower-case hex. Used for session secrets, tokens, codes and challenges.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretHash(pub String);

/// An account that an identity provider vouched for, kept until the person's browser returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenAccount {
    /// Issuer identifier or entity ID of the provider. The same subject at another issuer is another person.
    pub issuer: String,
    /// The issuer's permanent identifier of the person, as the provider writes it.
    pub subject: String,
    /// Name that pages show. It may change, and it does not identify the person.
    pub user_name: String,
    pub display_name: Option<String>,
    pub mail: Option<String>,
    /// As the provider stated it: not checked.
    pub managed_apple_id: Option<String>,
    /// Groups as the provider names them.
    pub groups: BTreeSet<String>,
    /// Further attributes that access rules can use, by name.
    pub claims: BTreeMap<String, BTreeSet<String>>,
    /// Attributes that the provider was asked for and did not state. Sealed with the other fields, so no upcast can
    /// change it: older responses have an empty list.
    #[serde(default)]
    pub untold: Vec<Untold>,
    /// Values by which previous records find their owner. Older responses have an empty list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<(OwnerAttribute, String)>,
}

/// Whether a device belongs to the person or to the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    Personal,
    Institutional,
}

impl Ownership {
    pub const ALL: [Ownership; 2] = [Ownership::Personal, Ownership::Institutional];

    /// Returns the word that events, settings, forms and the API use.
    pub fn as_str(self) -> &'static str {
        match self {
            Ownership::Personal => "personal",
            Ownership::Institutional => "institutional",
        }
    }

    /// Returns the name of such a device in plain English, without an article.
    pub fn label(self) -> &'static str {
        match self {
            Ownership::Personal => "personal device",
            Ownership::Institutional => "device of the organization",
        }
    }

    /// Parses the word of [`Ownership::as_str`]; `None` for any other text.
    pub fn parse(word: &str) -> Option<Ownership> {
        Ownership::ALL.into_iter().find(|ownership| ownership.as_str() == word)
    }
}

/// Apple's kinds of enrollment. The way in which a device enrolls is a separate property: see [`EnrollmentMode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrollmentKind {
    /// Profile-based for iOS 13.1 to 17 (`ManagedAppleID` in mdm/profiles/com.apple.mdm.yaml). Account-driven from iOS
    /// 15 on.
    UserEnrollment,
    DeviceEnrollment,
}

impl EnrollmentKind {
    pub const ALL: [EnrollmentKind; 2] = [EnrollmentKind::UserEnrollment, EnrollmentKind::DeviceEnrollment];

    /// Returns the word that events and rows use.
    pub fn as_str(self) -> &'static str {
        match self {
            EnrollmentKind::UserEnrollment => "user_enrollment",
            EnrollmentKind::DeviceEnrollment => "device_enrollment",
        }
    }

    /// Parses the word of [`EnrollmentKind::as_str`]; `None` for any other text.
    pub fn parse(word: &str) -> Option<EnrollmentKind> {
        EnrollmentKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Returns Apple's name.
    pub fn name(self) -> &'static str {
        match self {
            EnrollmentKind::UserEnrollment => "User Enrollment",
            EnrollmentKind::DeviceEnrollment => "Device Enrollment",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChosenBy {
    User,
    /// The settings permit only one choice, so the person was not asked.
    Policy,
}

/// Why an earlier record probably belongs to the person who signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// An active record of a device that the same person enrolled.
    SamePerson,
    /// The earlier device is of the same family (iPhone or iPad) as the device at the portal.
    SameFamily,
    /// Before it received its profile, the device at the portal reported the UDID of a managed device.
    SameHardware,
}

/// An earlier record and the evidence for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundRecord {
    pub device: DeviceId,
    pub evidence: Vec<Evidence>,
}

/// A record of another product and the evidence for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundImport {
    pub record: RecordId,
    pub evidence: Vec<Evidence>,
}

/// Why an enrollment ended without a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrollmentRefusal {
    /// User Enrollment requires iOS 13.1 or later.
    VersionTooOld,
    /// Profile-based User Enrollment is not available from iOS 18 on; the person has to use account-driven enrollment.
    AccountDrivenOnly,
    /// This device can only enroll by account, and the settings do not offer that for its family.
    AccountDrivenNotOffered,
    /// The device enrolled as another kind (with a UDID or an EnrollmentID) than its profile specifies.
    WrongMode,
    /// No access rule permits this person to enroll a device.
    NotPermitted,
    /// The access rules depend on an attribute that the person's provider did not state, and the decision depends on
    /// it.
    AccessUnknown,
    /// The person already has the maximum number of devices of their access rule.
    TooManyDevices,
    /// The settings require a newer OS version.
    VersionBelowMinimum,
    /// The settings do not permit this OS version yet.
    VersionAboveMaximum,
    /// The settings do not permit this model.
    ModelNotPermitted,
    /// The settings require proof that the device was made by Apple, and no known device CA issued its certificate.
    NotGenuine,
    /// Not the device that was verified before it received the profile.
    OtherDevice,
}

/// Everything in a served MDM profile that must not change while the device is enrolled
/// (mdm/profiles/com.apple.mdm.yaml), and the values that the profile was built from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedProfile {
    pub kind: EnrollmentKind,
    /// `PayloadIdentifier` of the profile, which `RemoveProfile` names to unenroll the device.
    pub identifier: String,
    pub profile_uuid: Uuid,
    pub identity_uuid: Uuid,
    pub mdm_uuid: Uuid,
    /// `Topic`: the push topic, which begins with `com.apple.mgmt.`.
    pub topic: String,
    /// `ServerURL`: an https URL.
    pub server_url: String,
    /// `CheckInURL`: an https URL.
    pub check_in_url: String,
    /// URL in the SCEP payload (mdm/profiles/com.apple.security.scep.yaml): an https URL.
    pub scep_url: String,
    /// `AccessRights` as a bit mask. `None` in User Enrollment, where the key must be absent.
    pub access_rights: Option<u16>,
    /// `ManagedAppleID`; in account-driven enrollments `AssignedManagedAppleID`.
    pub managed_apple_id: Option<Personal<String>>,
    /// `EnrollmentMode`, in account-driven enrollments only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment_mode: Option<EnrollmentMode>,
    /// `RequiredAppIDForMDM`, in account-driven enrollments only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_app_id: Option<u64>,
    /// `SignMessage`: whether the device signs its messages. `None` if not recorded, as for profiles that the first
    /// release served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_message: Option<bool>,
}

/// A certificate that Muster issued to a device.
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
pub enum EnrollmentEvent {
    /// Arrival: the first sign-in was accepted, sent to an identity provider, or refused within the budget of refusals.
    /// This opened the stream of the enrollment.
    VisitOpened {
        session: SecretHash,
        /// `User-Agent` header of the browser. Empty if it is missing or not ASCII.
        user_agent: Personal<String>,
        platform: Platform,
        /// Language tag of the pages shown, such as `en`.
        language: String,
    },
    /// The enrollment began in Settings, at "Sign In to Work or School Account". The discovery document determined the
    /// ownership. The device receives its profile in response to a request with a valid access token.
    AccountDrivenBegun {
        mode: EnrollmentMode,
        /// The device's own `state`, if it requests an authorization code (`apple-oauth2`).
        state: Option<String>,
    },
    /// An enrolled device was told that its person has to sign in again, and the person began to do so.
    VisitResumed {
        session: SecretHash,
        /// `User-Agent` header of the browser. Empty if it is missing or not ASCII.
        user_agent: Personal<String>,
        begun: Timestamp,
        /// The device's own `state`, if it requests an authorization code (`apple-oauth2`): 1 to 512 bytes.
        state: Option<String>,
    },
    /// The sign-in step was refused. `account` is the HMAC of the account if it is known; otherwise `name` is the HMAC
    /// of the name that was typed.
    SignInRefused {
        method: SignInMethodName,
        reason: SignInRefusal,
        /// HMAC-SHA-256, lower-case hex.
        account: Option<String>,
        /// HMAC-SHA-256, lower-case hex.
        name: Option<String>,
    },
    /// The sign-in step succeeded. From now on the session has a new secret.
    UserSignedIn {
        method: SignInMethodName,
        person: PersonId,
        /// HMAC of (method, issuer, subject): the id of the `account-` stream.
        account: String,
        /// The name that the sign-in method reports for the account.
        user_name: Personal<String>,
        session: SecretHash,
    },
    /// The person of an enrolled device signed in again.
    UserSignedInAgain {
        method: SignInMethodName,
        session: SecretHash,
    },
    /// The sign-in step at an identity provider: the person was sent there. `request` is the hash of the secret that
    /// must come back.
    SingleSignOnBegun {
        method: SignInMethodName,
        /// Name of the identity provider in the configuration.
        provider: String,
        request: SecretHash,
    },
    /// A response of the provider was verified; the browser that requested it has not come back yet.
    SingleSignOnProven {
        /// Name of the identity provider in the configuration.
        provider: String,
        request: SecretHash,
        account: Personal<ProvenAccount>,
    },
    SingleSignOnRefused {
        method: SignInMethodName,
        /// Name of the identity provider in the configuration.
        provider: String,
        why: SingleSignOnFault,
    },
    /// The person who signed in may enroll devices for others and is asked for whom. `for_oneself`: they may also
    /// enroll devices for themselves.
    AssignmentOffered {
        for_oneself: bool,
    },
    /// The device is enrolled for this person instead of the person who signed in.
    EnrollmentAssigned {
        method: SignInMethodName,
        person: PersonId,
        /// HMAC of (method, issuer, subject), lower-case hex: the id of the `account-` stream.
        account: String,
        user_name: Personal<String>,
    },
    /// The person who signed in enrolls the device for themselves.
    AssignmentDeclined {},
    /// The attributes that the provider stated about the future user of the device, limited to those that access rules
    /// can use.
    AttributesReceived {
        /// `local`, or the name of a directory or identity provider in the configuration.
        provider: String,
        attributes: Personal<ReceivedAttributes>,
    },
    /// The decision of the access rules about the future user of the device.
    AccessDecided {
        access: Access,
    },
    /// The terms of use of this version have to be accepted before the enrollment continues.
    TermsRequested {
        ownership: Ownership,
        /// Version of the terms in the settings, such as `2026-09`: 1 to 64 printable characters.
        version: String,
    },
    TermsAccepted {
        ownership: Ownership,
        /// Version of the terms in the settings, such as `2026-09`: 1 to 64 printable characters.
        version: String,
        /// Language tag of the text that was shown.
        language: String,
        /// SHA-256 of that text, lower-case hex.
        text_hash: String,
    },
    /// The person declined the terms of use of this version.
    TermsDeclined {
        ownership: Ownership,
        /// Version of the terms in the settings, such as `2026-09`: 1 to 64 printable characters.
        version: String,
    },
    /// The person has earlier records that are still active: the most relevant ones, at most five, and the total
    /// number.
    PreviousRecordFound {
        records: Vec<FoundRecord>,
        count: u64,
    },
    /// Another product knew devices of the person: the records with the latest contact, at most five, and the total
    /// number.
    ImportedRecordFound {
        records: Vec<FoundImport>,
        count: u64,
    },
    /// What the person said about an earlier record.
    PreviousRecordAnswered {
        record: RecordId,
        answer: PreviousAnswer,
        /// Whether they said that its management is removed from this device; `None`: they were not asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        removed: Option<bool>,
    },
    /// The person read what to do about the earlier records and continued.
    PreviousRecordsNoted {},
    /// The person permitted Muster to remove the management of this earlier enrollment of theirs.
    OldManagementRemovalAgreed {
        record: RecordId,
    },
    /// The person opened an invitation or typed its code. They have not signed in yet.
    InvitationPresented {
        invitation: InvitationId,
        token: InvitationToken,
    },
    /// The ownership step.
    OwnershipChosen {
        ownership: Ownership,
        chosen_by: ChosenBy,
    },
    /// The certificate step: the CA profile was sent to the device.
    CaProfileServed {
        profile_uuid: Uuid,
        /// SHA-256 of the first certificate in the profile, as DER, lower-case hex.
        ca_fingerprint: String,
    },
    /// The certificate step: the person confirmed that they installed the CA profile.
    CaInstallReported {},
    /// The certificate step is disabled in the settings.
    CaStepSkipped {},
    /// The Managed Apple ID step.
    ManagedAppleIdGiven {
        /// As the person typed it, trimmed, with the domain in lower case: `name@domain`, in a permitted domain.
        managed_apple_id: Personal<String>,
    },
    /// The Managed Apple ID step was skipped, since the directory or identity provider states the Managed Apple ID of
    /// the person who signed in.
    ManagedAppleIdAssigned {
        /// As in the attributes of the person: not checked.
        managed_apple_id: Personal<String>,
    },
    /// The device received an access token. It requests its profile with it and sends it with every later message.
    AccessTokenIssued {
        token: SecretHash,
        issued: Timestamp,
        /// Present if the device redeemed an authorization code: it can then get another token without its person.
        refresh: Option<Refresh>,
    },
    /// The device received a code that it redeems for tokens (`apple-oauth2`).
    AuthorizationCodeIssued {
        code: SecretHash,
        issued: Timestamp,
    },
    /// The device used its refresh token to get another access token; its person was not asked.
    AccessTokenRefreshed {
        token: SecretHash,
        issued: Timestamp,
        refresh_token: SecretHash,
    },
    /// The device's description of itself in its request for the profile (other/machineinfo.yaml).
    MachineInformationReceived {
        signature: DeviceSignature,
        /// Such as `iPhone17,2`.
        product: Option<String>,
        /// Such as `21F79`.
        build_version: Option<String>,
        os_version: Option<OsVersion>,
    },
    /// The device is asked to have its person sign in again. Until they have, this event is the cause of every such
    /// response.
    SignInAgainAsked {
        why: SignInAgainReason,
    },
    /// The profile step for institutional devices that have to identify themselves first: a Profile Service was sent to
    /// the device, which answers with `challenge`.
    ProfileServiceServed {
        service: ServedProfileService,
        challenge: SecretHash,
        challenge_expires: Timestamp,
    },
    /// The device answered the Profile Service.
    DeviceAttributesReported {
        /// The challenge that the device answered.
        challenge: SecretHash,
        signature: DeviceSignature,
        /// SHA-256 of the signing certificate, lower-case hex.
        certificate: String,
        attributes: DeviceAttributes,
    },
    /// The device received a profile that only contains a SCEP payload. The resulting identity identifies the device
    /// when it requests the MDM profile.
    VerificationProfileServed {
        /// The challenge of the Profile Service that the device answered.
        service: SecretHash,
        profile_uuid: Uuid,
        identity_uuid: Uuid,
        /// An https URL.
        scep_url: String,
        /// The SCEP challenge in the profile.
        challenge: SecretHash,
        challenge_expires: Timestamp,
    },
    /// The device received that identity, which is valid for requesting the MDM profile only.
    VerificationIdentityIssued {
        identity: IssuedCertificate,
        /// `transactionID` of the SCEP request (RFC 8894 §3.2.1.1): 1 to 128 characters of printable ASCII.
        transaction: String,
        challenge: SecretHash,
    },
    ProfileServiceRefused {
        /// The challenge of the Profile Service.
        challenge: SecretHash,
        why: ProfileServiceRefusal,
    },
    /// The profile step: the MDM profile was sent to the device. Each time it is served it contains a new SCEP
    /// challenge.
    MdmProfileServed {
        profile: ServedProfile,
        challenge: SecretHash,
        challenge_expires: Timestamp,
        /// Fingerprint of the verification identity that requested the profile, if one was required.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        verified_by: Option<String>,
    },
    /// Installation: the device requested its identity by SCEP and received it.
    IdentityIssued {
        identity: IssuedCertificate,
        /// `transactionID` of the SCEP request (RFC 8894 §3.2.1.1): 1 to 128 characters of printable ASCII.
        transaction: String,
        challenge: SecretHash,
    },
    /// Installation: a device with a challenge of this enrollment requested its identity and was refused.
    IdentityRefused {
        why: IdentityRefusal,
    },
    /// An unused identity was replaced by another.
    IdentityRevoked {
        /// SHA-256 of the certificate's DER, lower-case hex.
        fingerprint: String,
    },
    /// A form that the person sent was refused.
    FormRefused {
        why: FormRefusal,
    },
    /// The person chose another language for the pages.
    LanguageChosen {
        /// Language tag, such as `ja`.
        language: String,
    },
    EnrollmentRefused {
        why: EnrollmentRefusal,
    },
    /// The enrollment was closed after a period without activity.
    EnrollmentAbandoned {},
    SignedOut {},
}
