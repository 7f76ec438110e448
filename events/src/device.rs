//! What happens to one management relationship: stream `device-<id>`, from `Authenticate` to the end of management.

mod app;
mod claim;
mod refusal;

pub use app::{AppStatus, RejectionReason};
pub use claim::{AttestationRefusal, SupersessionEvidence};
pub use refusal::{MessageRefusal, RenewalFailure};

use crate::enrollment::{EnrollmentId, EnrollmentKind, IdentityRefusal, IssuedCertificate, OsVersion, SecretHash};
use crate::person::PersonId;
use crate::personal::Personal;
use crate::{KeyName, StreamName, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use uuid::Uuid;

/// One management relationship. Ours; in the subject of the device's identity certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceId(pub Uuid);

impl DeviceId {
    pub fn stream(self) -> StreamName {
        StreamName::of("device", self.0)
    }

    /// The enrollment that brought the device.
    pub fn enrollment(self) -> EnrollmentId {
        EnrollmentId(self.0)
    }

    /// The key of the device's push token, PushMagic and unlock token.
    pub fn key(self) -> KeyName {
        KeyName::of("device", self.0)
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `CommandUUID` of an MDM command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(pub Uuid);

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// SHA-256 of a message's bytes and of the fingerprint of the certificate that signed them, lower-case hex. `Mdm-Signature`
/// has no nonce: a body that this stream has seen already changes nothing; under a new certificate it is news.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BodyHash(pub String);

/// A UDID, serial number, IMEI or MEID as it is compared: ASCII letters and digits only, in lower case. Dashes and
/// capitals differ between what a device says at different times and versions; blanks and invisible characters do not make another
/// device of one that lies.
pub fn plain_identifier(identifier: &str) -> String {
    identifier.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// How the device names itself in messages (mdm/checkin/authenticate.yaml, `userenrollment.mode`). Sealed under the
/// person's key: personal, and therefore never part of a stream's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum DeviceIdentifiers {
    UserEnrollment {
        enrollment_id: Personal<String>,
    },
    DeviceEnrollment {
        udid: Personal<String>,
        serial_number: Option<Personal<String>>,
        imei: Option<Personal<String>>,
        meid: Option<Personal<String>>,
    },
}

impl DeviceIdentifiers {
    pub fn kind(&self) -> EnrollmentKind {
        match self {
            DeviceIdentifiers::UserEnrollment { .. } => EnrollmentKind::UserEnrollment,
            DeviceIdentifiers::DeviceEnrollment { .. } => EnrollmentKind::DeviceEnrollment,
        }
    }
}

/// Where and how the device is woken (mdm/checkin/tokenupdate.yaml). Base64, sealed under the device's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushAddress {
    pub token: Personal<String>,
    pub push_magic: Personal<String>,
    /// Device Enrollment only.
    pub unlock_token: Option<Personal<String>>,
}

/// What a device answers to a command, as it says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CommandStatus {
    Acknowledged,
    Error,
    CommandFormatError,
    /// Not now: the command stays queued.
    NotNow,
}

/// A kind of what could not be read of a device's answer. The words themselves are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerFault {
    /// The bytes are no XML property list with a dictionary in it, or they break off.
    NotAPropertyList,
    /// Characters that are none, or that XML forbids.
    Characters,
    /// A number that is none, is not finite, or does not fit into 64 bits.
    Number,
    Date,
    /// Data that is not Base64.
    Data,
    /// An element, key or text where none belongs.
    Structure,
    /// Nested too deep.
    TooDeep,
    /// More values than are read.
    TooMany,
    /// `Status` is missing, or is no word that devices have.
    Status,
    /// It answers no command of ours.
    OtherCommand,
}

/// What is more urgent is delivered first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// A lost device waits for it: lock, erase, the end of management.
    Urgent,
    #[default]
    Normal,
    /// Questions that nobody waits for.
    Background,
}

/// The `Command` dictionary as an XML property list. What may hold secrets or personal words (profiles, a message on the
/// lock screen) is sealed under the device's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CommandPayload {
    Sealed(Personal<String>),
    Plain(String),
}

impl CommandPayload {
    /// The property list, or `None` if its key was destroyed.
    pub fn xml(&self) -> Option<&str> {
        match self {
            CommandPayload::Sealed(sealed) => sealed.get().map(String::as_str),
            CommandPayload::Plain(xml) => Some(xml),
        }
    }
}

/// An item of a device's `ErrorChain`. Codes change between releases: kept to be read by people, never branched on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MdmError {
    pub code: i64,
    pub domain: String,
    /// Free text, which may name anything that is on the device: `None` of a device that is somebody's own.
    pub description: Option<Personal<String>>,
}

/// A value a device reported about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum InventoryValue {
    Personal(Personal<Value>),
    Plain(#[serde(with = "crate::personal::literal")] Value),
}

/// Who ended management.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnenrolledBy {
    /// The device answered our `RemoveProfile`.
    Server,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum DeviceEvent {
    /// `Authenticate`: the profile is being installed. Not enrolled yet.
    DeviceAuthenticated {
        person: PersonId,
        identifiers: DeviceIdentifiers,
        /// SHA-256 of the certificate that signed.
        certificate: String,
        topic: String,
        os_version: Option<OsVersion>,
        build_version: Option<String>,
        product_name: Option<String>,
        body: BodyHash,
    },
    /// The first `TokenUpdate` after `Authenticate`: the device is enrolled.
    DeviceEnrolled {
        push: PushAddress,
        body: BodyHash,
    },
    /// A later `TokenUpdate` with other values.
    PushTokenRenewed {
        push: PushAddress,
        body: BodyHash,
    },
    /// Another certificate was issued for the device; the old one works on until it expires.
    IdentityRenewed {
        identity: IssuedCertificate,
        transaction: String,
        /// The challenge of the renewal that it was issued for. `None`: the device asked by itself, by RenewalReq.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        challenge: Option<SecretHash>,
    },
    /// The identity is to be renewed: the enrollment profile is sent anew (`command`), with a challenge that is good for
    /// this device's renewal alone.
    IdentityRenewalRequested {
        command: CommandId,
        challenge: SecretHash,
        challenge_expires: Timestamp,
    },
    /// `Authenticate` of an enrolled device, with a renewed identity or the one that it has: it installs the enrollment profile
    /// anew, or goes back to the one that it had. It stays enrolled; no enrollment begins.
    DeviceReauthenticated {
        identifiers: DeviceIdentifiers,
        /// SHA-256 of the certificate that signed.
        certificate: String,
        os_version: Option<OsVersion>,
        build_version: Option<String>,
        product_name: Option<String>,
        body: BodyHash,
    },
    /// `TokenUpdate` after that, or its first words with what came by RenewalReq: from now on the device speaks with the renewed
    /// identity.
    IdentityRenewalCompleted {
        fingerprint: String,
        serial: String,
        not_after: Timestamp,
    },
    /// The device has the identity that it had.
    IdentityRenewalFailed {
        why: RenewalFailure,
    },
    /// The device asked for a renewed identity (SCEP) and got none.
    IdentityRenewalRefused {
        why: IdentityRefusal,
    },
    /// A message that was signed with an identity of this device was not taken.
    DeviceMessageRefused {
        why: MessageRefusal,
    },
    /// After a renewal was completed the device asks for commands with an identity that it had before: it undid the
    /// renewal, or was restored from a backup.
    IdentityRolledBack {
        fingerprint: String,
        serial: String,
        not_after: Timestamp,
    },
    MdmCommandQueued {
        command: CommandId,
        request_type: String,
        payload: CommandPayload,
        /// Its acknowledgement ends management: `RemoveProfile` of the enrollment profile.
        unenrolls: bool,
        priority: Priority,
        /// From then on it is not delivered any more.
        expires: Option<Timestamp>,
    },
    MdmCommandDelivered {
        command: CommandId,
    },
    /// It is not sent any more. If the device had it already, its answer is still written down.
    MdmCommandCancelled {
        command: CommandId,
    },
    /// Its time was over before it was answered.
    MdmCommandExpired {
        command: CommandId,
    },
    MdmCommandAnswered {
        command: CommandId,
        status: CommandStatus,
        errors: Vec<MdmError>,
        /// Of `InstallApplication`: why the device does not take the app.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rejection: Option<RejectionReason>,
        body: BodyHash,
    },
    /// The answer was larger than we read; the command counts as answered.
    MdmResultTooLarge {
        command: Option<CommandId>,
        bytes: u64,
        /// `None`: it was proven by its connection, and not kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<BodyHash>,
    },
    /// An answer to a command could not be read, or not all of it.
    MdmAnswerUnreadable {
        command: CommandId,
        /// Each kind once.
        why: Vec<AnswerFault>,
        /// The rest was read and is recorded as an answer. Otherwise the command counts as answered, and as failed.
        in_part: bool,
        body: BodyHash,
    },
    /// A managed app stands otherwise than before.
    ManagedAppReported {
        /// Its bundle identifier.
        app: String,
        status: AppStatus,
        /// The `InstallApplication` that this answers.
        command: Option<CommandId>,
    },
    /// Only what changed.
    InventoryReported {
        changes: BTreeMap<String, InventoryValue>,
    },
    /// A contact that is evidence: the first after seven days' silence.
    DeviceHeardFrom {},
    /// The device told these fields at a length that is not kept: 16 KiB of an unlock token, 1 KiB of anything else.
    DeviceFieldsLeftOut {
        fields: BTreeSet<String>,
    },
    /// The device has used up its budget: so many events that it alone caused were not written, by type.
    DeviceEventsSuppressed {
        count: u64,
        events: BTreeMap<String, u64>,
    },
    /// APNs took the notification.
    DevicePushed {
        apns_id: Option<String>,
        /// The device put something off while the notification was on its way: it is woken for that as if there had been none.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        put_off_since: bool,
    },
    PushFailed {
        status: Option<u16>,
        reason: String,
        unregistered_since: Option<Timestamp>,
    },
    /// `CheckOut`: the person removed the profile.
    DeviceCheckedOut {
        body: BodyHash,
    },
    DeviceUnenrolled {
        by: UnenrolledBy,
    },
    /// The record ended: the same hardware is managed as another record, `by`.
    DeviceSuperseded {
        by: DeviceId,
        evidence: SupersessionEvidence,
        /// Until then the identity is not revoked, and contact revives the record. `None`: as the evidence says, at any time or
        /// never.
        revivable_until: Option<Timestamp>,
    },
    /// The identity of a superseded record spoke: the record goes on as it was before it ended for `superseded_by`.
    DeviceRevived {
        superseded_by: DeviceId,
    },
    /// The device says a UDID that other records under management said before, and nothing proves that they are one device.
    HardwareClaimNoted {
        /// The newest of these records; at most five.
        others: Vec<DeviceId>,
        /// How many such records there are.
        count: u32,
    },
    /// An administrator decided that this device and `other` are different devices: both stay.
    HardwareClaimDismissed {
        other: DeviceId,
    },
    /// The device is asked to attest its hardware, by `command`, which holds the nonce.
    HardwareAttestationRequested {
        command: CommandId,
        /// Apple makes a new attestation at most once in 7 days: it is not asked again before.
        again_after: Timestamp,
    },
    /// Apple attested that the hardware that the device says it is received the nonce that was sent to this record alone.
    HardwareAttested {
        command: CommandId,
        /// The proof: the chain of certificates, the leaf first; DER in base64. The leaf names serial number and UDID.
        chain: Personal<Vec<String>>,
    },
    /// The answer to `command` proves nothing, and changes nothing.
    HardwareAttestationRefused {
        command: CommandId,
        why: AttestationRefusal,
    },
    RecordArchived {},
    RecordRestored {},
}
