//! Events of one management relationship with a device: stream `device-<id>`, from `Authenticate` to the end of
//! management.

mod app;
mod claim;
mod refusal;
#[cfg(test)]
mod tests;

pub use app::{AppStatus, RejectionReason};
pub use claim::{AttestationRefusal, SupersessionEvidence};
pub use refusal::{MessageRefusal, RenewalFailure};

pub use crate::ids::DeviceId;

use crate::Timestamp;
use crate::enrollment::{EnrollmentKind, IdentityRefusal, IssuedCertificate, OsVersion, SecretHash};
use crate::ids::{PersonId, RecordId};
use crate::personal::Personal;
use crate::settings::ClearedView;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use uuid::Uuid;

/// `CommandUUID` of an MDM command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(pub Uuid);

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// SHA-256 of a message's bytes and of the fingerprint of its signing certificate, lower-case hex. `Mdm-Signature` has
/// no nonce, so a body that this stream has already seen changes nothing. The same body with a new certificate counts
/// as new.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BodyHash(pub String);

/// Normalizes a UDID, serial number, IMEI or MEID for comparison: ASCII letters and digits only, in lower case. Devices
/// write dashes and capitals differently at different times and in different versions. Spaces and invisible characters
/// must not turn a lying device into another one.
pub fn plain_identifier(identifier: &str) -> String {
    identifier.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The device's identifiers in its messages (mdm/checkin/authenticate.yaml, `userenrollment.mode`). They are personal,
/// so they are sealed with the person's key and never part of a stream name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum DeviceIdentifiers {
    UserEnrollment {
        /// `EnrollmentID` as the device reported it, at most 1,024 bytes: not checked.
        enrollment_id: Personal<String>,
    },
    DeviceEnrollment {
        /// `UDID` as the device reported it, at most 1,024 bytes: not checked. Compare with [`plain_identifier`].
        udid: Personal<String>,
        /// `SerialNumber` as the device reported it, at most 1,024 bytes.
        serial_number: Option<Personal<String>>,
        /// `IMEI` as the device reported it, at most 1,024 bytes: it may contain spaces.
        imei: Option<Personal<String>>,
        /// `MEID` as the device reported it, at most 1,024 bytes.
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

/// The values needed to send push notifications to the device (mdm/checkin/tokenupdate.yaml). `token` and
/// `unlock_token` are Base64, `push_magic` is text. All are sealed with the device's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushAddress {
    /// `Token`: Base64 of 1 to 256 bytes.
    pub token: Personal<String>,
    /// `PushMagic`: 1 to 256 bytes of text, usually a UUID.
    pub push_magic: Personal<String>,
    /// Device Enrollment only.
    pub unlock_token: Option<Personal<String>>,
}

/// `Status` of a device's answer to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CommandStatus {
    Acknowledged,
    Error,
    CommandFormatError,
    /// The device cannot run the command now: it stays queued.
    NotNow,
}

/// Why a part of a device's answer could not be read. The unreadable text itself is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerFault {
    /// The bytes are not a complete XML property list with a dictionary.
    NotAPropertyList,
    /// The text contains invalid characters, or characters that XML forbids.
    Characters,
    /// A number is malformed, not finite, or does not fit into 64 bits.
    Number,
    Date,
    /// Data is not valid Base64.
    Data,
    /// An element, key or text is in a place where it is not allowed.
    Structure,
    /// The property list is nested too deeply.
    TooDeep,
    /// The property list contains too many values.
    TooMany,
    /// `Status` is missing or has an unknown value.
    Status,
    /// The answer names a command that Muster did not send.
    OtherCommand,
}

/// Priority of a command: more urgent commands are delivered first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// For lost devices and the end of management: lock, erase, unenroll.
    Urgent,
    #[default]
    Normal,
    /// For queries without a waiting administrator.
    Background,
}

/// The `Command` dictionary as an XML property list. A payload that may contain secrets or personal text (profiles, a
/// message on the lock screen) is sealed with the device's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CommandPayload {
    Sealed(Personal<String>),
    Plain(String),
}

impl CommandPayload {
    /// Returns the property list, or `None` if its key was destroyed.
    pub fn xml(&self) -> Option<&str> {
        match self {
            CommandPayload::Sealed(sealed) => sealed.get().map(String::as_str),
            CommandPayload::Plain(xml) => Some(xml),
        }
    }
}

/// An item of a device's `ErrorChain`. The codes change between OS releases, so they are stored for people to read and
/// never used in decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MdmError {
    /// `ErrorCode`; 0 if the device reported none.
    pub code: i64,
    /// `ErrorDomain`, such as `MCMDMErrorDomain`: at most 100 characters of `[A-Za-z0-9._-]`. Empty if the device
    /// reported none, or another text.
    pub domain: String,
    /// Free text that may name anything on the device, so `None` for personal devices.
    pub description: Option<Personal<String>>,
}

/// A value that a device reported about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum InventoryValue {
    Personal(Personal<Value>),
    Plain(#[serde(with = "crate::personal::literal")] Value),
}

/// The party that ended management.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnenrolledBy {
    /// Muster: the device acknowledged its `RemoveProfile`.
    Server,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceEvent {
    /// `Authenticate`: the profile is being installed. The device is not enrolled yet.
    DeviceAuthenticated {
        person: PersonId,
        identifiers: DeviceIdentifiers,
        /// SHA-256 fingerprint of the signing certificate, lower-case hex.
        certificate: String,
        /// `Topic` of the message: the push topic, such as `com.apple.mgmt.External.…`.
        topic: String,
        os_version: Option<OsVersion>,
        /// `BuildVersion`, such as `21F90`, at most 1,024 bytes: not checked.
        build_version: Option<String>,
        /// `ProductName`, the model identifier such as `iPhone12,1`, at most 1,024 bytes: not checked.
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
    /// Another certificate was issued to the device. The old one remains valid until it expires.
    IdentityRenewed {
        identity: IssuedCertificate,
        /// `transactionID` of the SCEP request (RFC 8894 §3.2.1.1): 1 to 128 characters of printable ASCII.
        transaction: String,
        /// The challenge of the renewal that the certificate was issued for. `None` if the device renewed on its own,
        /// by RenewalReq.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        challenge: Option<SecretHash>,
    },
    /// A renewal of the identity was started: the enrollment profile is sent again (`command`), with a challenge that
    /// is only valid for this renewal of this device.
    IdentityRenewalRequested {
        command: CommandId,
        challenge: SecretHash,
        challenge_expires: Timestamp,
    },
    /// `Authenticate` of an enrolled device, with a renewed or its current identity: it installs the enrollment profile
    /// again, or returns to its earlier profile. It remains enrolled; no new enrollment begins.
    DeviceReauthenticated {
        identifiers: DeviceIdentifiers,
        /// SHA-256 fingerprint of the signing certificate, lower-case hex.
        certificate: String,
        os_version: Option<OsVersion>,
        /// `BuildVersion`, such as `21F90`, at most 1,024 bytes: not checked.
        build_version: Option<String>,
        /// `ProductName`, the model identifier such as `iPhone12,1`, at most 1,024 bytes: not checked.
        product_name: Option<String>,
        body: BodyHash,
    },
    /// The device uses the renewed identity from now on. Recorded at the `TokenUpdate` after `DeviceReauthenticated`,
    /// or at the first message with an identity from RenewalReq.
    IdentityRenewalCompleted {
        /// SHA-256 of the certificate's DER, lower-case hex.
        fingerprint: String,
        /// Serial number of the certificate, upper-case hex.
        serial: String,
        not_after: Timestamp,
    },
    /// The renewal failed: the device keeps its identity.
    IdentityRenewalFailed {
        why: RenewalFailure,
    },
    /// The device requested a renewed identity (SCEP) and was refused.
    IdentityRenewalRefused {
        why: IdentityRefusal,
    },
    /// A message that was signed with an identity of this device was refused.
    DeviceMessageRefused {
        why: MessageRefusal,
    },
    /// After a completed renewal the device requested commands with an earlier identity: it reverted the renewal or was
    /// restored from a backup.
    IdentityRolledBack {
        /// SHA-256 of the certificate's DER, lower-case hex.
        fingerprint: String,
        /// Serial number of the certificate, upper-case hex.
        serial: String,
        not_after: Timestamp,
    },
    MdmCommandQueued {
        command: CommandId,
        /// `RequestType` of the command, such as `DeviceInformation` (mdm/commands).
        request_type: String,
        payload: CommandPayload,
        /// The acknowledgement of this command ends management: it is the `RemoveProfile` of the enrollment profile.
        unenrolls: bool,
        priority: Priority,
        /// The command is not delivered after this time.
        expires: Option<Timestamp>,
    },
    MdmCommandDelivered {
        command: CommandId,
    },
    /// The command is not sent any longer. If the device already received it, its answer is still recorded.
    MdmCommandCancelled {
        command: CommandId,
    },
    /// The command expired before it was answered.
    MdmCommandExpired {
        command: CommandId,
    },
    MdmCommandAnswered {
        command: CommandId,
        status: CommandStatus,
        errors: Vec<MdmError>,
        /// For `InstallApplication`: why the device rejected the app.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rejection: Option<RejectionReason>,
        body: BodyHash,
    },
    /// The answer exceeded the size limit; the command counts as answered.
    MdmResultTooLarge {
        command: Option<CommandId>,
        /// Size of the answer in bytes.
        bytes: u64,
        /// `None` if the sender was authenticated by its connection, so the body was not kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<BodyHash>,
    },
    /// An answer to a command was not readable, or only in part.
    MdmAnswerUnreadable {
        command: CommandId,
        /// Each kind of fault once.
        why: Vec<AnswerFault>,
        /// True if the readable part is recorded as an answer. Otherwise the command counts as answered and failed.
        in_part: bool,
        body: BodyHash,
    },
    /// The status of a managed app changed.
    ManagedAppReported {
        /// Its bundle identifier.
        app: String,
        status: AppStatus,
        /// The `InstallApplication` command that this report answers.
        command: Option<CommandId>,
    },
    /// Only the values that changed.
    InventoryReported {
        /// By the name of the query (mdm/commands/information.device.yaml), such as `DeviceName`, or of the list.
        changes: BTreeMap<String, InventoryValue>,
    },
    /// The first contact after seven days of silence, or while contact is watched: recorded as evidence.
    DeviceHeardFrom {},
    /// A later enrollment may be this device: its next contact is recorded.
    ContactWatchBegun {
        successor: DeviceId,
    },
    /// The device reported these fields with values over the size limit: 16 KiB for an unlock token, 1 KiB for any
    /// other field. They are not stored.
    DeviceFieldsLeftOut {
        /// Keys of the message, such as `ProductName`.
        fields: BTreeSet<String>,
    },
    /// The device exceeded its budget: this number of events that it alone caused was not written. `events` counts them
    /// by type.
    DeviceEventsSuppressed {
        count: u64,
        /// By event type, such as `PushTokenRenewed`.
        events: BTreeMap<String, u64>,
    },
    /// APNs accepted the push notification.
    DevicePushed {
        /// `apns-id` of Apple's response, usually a UUID: not checked.
        apns_id: Option<String>,
        /// The device answered a command with `NotNow` while the notification was being sent. For that command it is
        /// woken as if there had been no notification.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        put_off_since: bool,
    },
    PushFailed {
        /// HTTP status of the response; `None` if there was no response.
        status: Option<u16>,
        /// `reason` of the response, such as `Unregistered`, or the error in words.
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
    /// The record ended because the same hardware is managed as another record, `by`.
    DeviceSuperseded {
        by: DeviceId,
        evidence: SupersessionEvidence,
        /// Until this time the identity is not revoked, and a contact of the device revives the record. `None`: at any
        /// time or never, depending on the evidence.
        revivable_until: Option<Timestamp>,
    },
    /// The device contacted the server with the identity of a superseded record: the record continues in the state
    /// before it was superseded by `superseded_by`.
    DeviceRevived {
        superseded_by: DeviceId,
    },
    /// The device reported a UDID that other managed records reported earlier, without proof that they are the same
    /// device.
    HardwareClaimNoted {
        /// The newest of these records, at most five.
        others: Vec<DeviceId>,
        /// Total number of such records.
        count: u32,
    },
    /// An administrator decided that this device and `other` are different devices: both records remain.
    HardwareClaimDismissed {
        other: DeviceId,
    },
    /// The device was asked to attest its hardware by `command`, which contains the nonce.
    HardwareAttestationRequested {
        command: CommandId,
        /// Apple creates a new attestation at most once in 7 days, so the device is not asked again before this time.
        again_after: Timestamp,
    },
    /// Apple attested that the reported hardware received the nonce, which was sent to this record only.
    HardwareAttested {
        command: CommandId,
        /// The proof: the certificate chain, leaf first; each certificate as DER in base64. The leaf contains the
        /// serial number and UDID.
        chain: Personal<Vec<String>>,
    },
    /// The answer to `command` contains no valid attestation and has no effect.
    HardwareAttestationRefused {
        command: CommandId,
        why: AttestationRefusal,
    },
    RecordArchived {},
    RecordRestored {},
    /// These parts of the confirmed earlier record are hidden from administrators from now on. Auditors still see them.
    EarlierViewsCleared {
        record: RecordId,
        views: BTreeSet<ClearedView>,
    },
}
