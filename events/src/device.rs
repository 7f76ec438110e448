//! What happens to one management relationship: stream `device-<id>`, from `Authenticate` to the end of management.

use crate::enrollment::{EnrollmentId, EnrollmentKind, IssuedCertificate, OsVersion};
use crate::person::PersonId;
use crate::personal::Personal;
use crate::{KeyName, StreamName, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
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

/// An item of a device's `ErrorChain`. Codes change between releases: kept to be read by people, never branched on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MdmError {
    pub code: i64,
    pub domain: String,
    pub description: String,
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
    /// A RenewalReq was answered with a new certificate; the old one works on until it expires.
    IdentityRenewed {
        identity: IssuedCertificate,
        transaction: String,
    },
    MdmCommandQueued {
        command: CommandId,
        request_type: String,
        /// The `Command` dictionary as an XML property list.
        payload: String,
        /// Its acknowledgement ends management: `RemoveProfile` of the enrollment profile.
        unenrolls: bool,
    },
    MdmCommandDelivered {
        command: CommandId,
    },
    MdmCommandAnswered {
        command: CommandId,
        status: CommandStatus,
        errors: Vec<MdmError>,
        body: BodyHash,
    },
    /// The answer was larger than we read; the command counts as answered.
    MdmResultTooLarge {
        command: Option<CommandId>,
        bytes: u64,
    },
    /// Only what changed.
    InventoryReported {
        changes: BTreeMap<String, InventoryValue>,
    },
    /// A contact that is evidence: the first after seven days' silence.
    DeviceHeardFrom {},
    /// APNs took the notification.
    DevicePushed {
        apns_id: Option<String>,
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
    /// The same hardware enrolled again as another device of ours.
    DeviceSuperseded {
        by: DeviceId,
    },
    RecordArchived {},
    RecordRestored {},
}
