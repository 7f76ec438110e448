//! Events of the log as a whole, and of the small streams that reserve a name or count refusals.

use crate::enrollment::{
    EnrollmentId, EnrollmentRefusal, IdentityRefusal, SignInMethodName, SignInRefusal, SingleSignOnFault,
};
use crate::ids::{DeviceId, RecordId};
use crate::personal::Personal;
use crate::{KeyName, Position, StreamName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Returns the stream of the log about itself. Its first event is the first event of the log.
pub fn log_stream() -> StreamName {
    StreamName::single("log")
}

/// SHA-256 fingerprints, in lower-case hex, of the CA, registration authority and master key of this log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFingerprints {
    /// Certificate of the device-identity CA, DER.
    pub identity_ca: String,
    /// Certificate of the SCEP registration authority, DER.
    pub registration_authority: String,
    /// HMAC-SHA-256 of a fixed text with the master key.
    pub master_key: String,
}

/// Stream `log-main`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogEvent {
    LogCreated {
        log: Uuid,
        fingerprints: LogFingerprints,
    },
    /// From now on nodes may write these versions of these events. Appended by an operator when every node can read
    /// them.
    EventVersionsRaised {
        /// The newest schema version that may be written, by event type; versions count from 1.
        versions: BTreeMap<String, u16>,
    },
    /// An operator started the server with keys that are older than the log, and accepted that the listed keys are
    /// lost. Data sealed with them reads "key lost" from now on.
    KeysLost {
        names: Vec<KeyName>,
    },
    /// An operator started the server with a log that ended at `last`, although the key store had seen it at `seen`,
    /// and accepted the loss of the events between them.
    OlderLogAccepted {
        last: Position,
        seen: Position,
    },
    /// From now on the server serves devices at `new` (scheme, name, port). `old` lists the other addresses of enrolled
    /// devices, which still lead to the server as the operator confirmed; empty if no device uses another address.
    PublicUrlAccepted {
        /// Such as `https://enroll.example.com`, without path. More than one if devices use their own address.
        new: BTreeSet<String>,
        /// In the same form as `new`.
        old: BTreeSet<String>,
    },
}

/// Stream `hardware-<HMAC(UDID)>`: the current device record of a piece of hardware.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HardwareEvent {
    HardwareEnrolled { device: DeviceId },
}

/// Stream `successor-<HMAC(device, source)>`: the only record of a source that may have this device as its confirmed
/// successor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SuccessorEvent {
    SuccessorReserved {
        record: RecordId,
    },
    /// The link was not confirmed, or it was undone.
    SuccessorReleased {
        record: RecordId,
    },
}

/// Why a request that appeared to come from a device was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceRequestRefusal {
    /// The signing certificate is foreign, expired, revoked or was never handed out.
    CertificateUnknown,
    /// The request answers a Profile Service that was not served, or one of an account that may no longer enroll
    /// devices.
    ProfileServiceUnknown,
    /// The code or refresh token is unknown, used or too old, or the person may no longer enroll devices.
    GrantInvalid,
    /// The request has the certificate of a known device, but the signature does not match.
    SignatureInvalid,
    /// The access token in a request for a profile is unknown, too old, already used, or was issued for another
    /// purpose.
    TokenInvalid,
    /// The token request names another client than Apple's devices.
    ClientUnknown,
    /// The request has no device signature: it is missing, not in the form that devices use, or names another
    /// certificate than the connection.
    NotSigned,
    /// The request is unreadable, too large, incomplete, or asks for something that is never provided.
    NotUnderstood,
}

/// Stream `refusals-<day>`: refusals that cannot be attributed to a known person or device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusalEvent {
    /// A sign-in at the console with an unknown name. `name` is the HMAC of the name, `provider` the provider that
    /// vouched for it, if any.
    UnknownStaffRefused { method: SignInMethodName, reason: SignInRefusal, provider: Option<String>, name: String },
    /// An API token that does not belong to any client.
    UnknownApiTokenRefused {},
    /// An invalid link to set up the first account.
    SetUpLinkRefused {},
    /// A code that leads to no invitation was typed at the portal or in Settings.
    InvitationCodeRefused {},
    /// A response of an identity provider that belongs to no enrollment and no session. `provider`: its name in the
    /// configuration.
    ResponseRefused { provider: String, why: SingleSignOnFault },
    /// A device was refused account-driven enrollment before a person signed in on it. `product`: the model identifier
    /// as the device reported it, such as `iPhone8,1`.
    DeviceRefused { why: EnrollmentRefusal, product: Option<String> },
    /// A request for an identity (SCEP) that belongs to no enrollment and no device.
    IdentityRequestRefused { why: IdentityRefusal },
    /// Any other device request that belongs to no enrollment and no device.
    DeviceRequestRefused {
        why: DeviceRequestRefusal,
        /// The device that the request claims to come from, without proof.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<DeviceId>,
    },
    /// This number of refusals was not recorded one by one, so that unknown clients cannot fill the log.
    RefusalsSuppressed(SuppressedRefusals),
}

/// Refusals that were counted instead of recorded one by one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressedRefusals {
    /// Number of all counted refusals.
    pub count: u64,
    /// The sources with the most refusals, at most 20, in descending order.
    pub sources: Vec<SuppressedSource>,
    /// Number of refusals of all other sources.
    pub others: u64,
}

/// Number of counted refusals of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressedSource {
    /// An IPv4 address, or the first address of an IPv6 network (/64).
    pub source: Personal<String>,
    pub count: u64,
}

/// Stream `request-<HMAC(request)>`: the enrollment that waits for the response to a request to an identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestEvent {
    SingleSignOnRequested { enrollment: EnrollmentId },
}

/// Stream `assertion-<HMAC(issuer, id)>`: reserves an assertion of an identity provider, so that it is accepted only
/// once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AssertionEvent {
    /// `provider`: name of the identity provider in the configuration.
    AssertionUsed { provider: String },
}
