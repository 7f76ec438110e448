//! What concerns the log as a whole, and the small streams that reserve a name or count refusals.

use crate::device::DeviceId;
use crate::enrollment::{
    EnrollmentId, EnrollmentRefusal, IdentityRefusal, SignInMethodName, SignInRefusal, SingleSignOnFault,
};
use crate::personal::Personal;
use crate::{KeyName, Position, StreamName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The stream of the log about itself; its first event is the first of the log.
pub fn log_stream() -> StreamName {
    StreamName::single("log")
}

/// SHA-256 fingerprints, lower-case hex, of what belongs to this log and to no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFingerprints {
    /// Certificate of the device-identity CA, DER.
    pub identity_ca: String,
    /// Certificate of the SCEP registration authority, DER.
    pub registration_authority: String,
    /// HMAC-SHA-256 of a fixed text under the master key.
    pub master_key: String,
}

/// Stream `log-main`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum LogEvent {
    LogCreated {
        log: Uuid,
        fingerprints: LogFingerprints,
    },
    /// From here on nodes may write these versions of these events; appended by an operator when every node can read them.
    EventVersionsRaised {
        versions: BTreeMap<String, u16>,
    },
    /// An operator started the server with keys that are older than the log and accepted that these are lost: what they sealed
    /// reads "key lost" from then on.
    KeysLost {
        names: Vec<KeyName>,
    },
    /// An operator started the server with a log that ended at `last`, though the key store had seen it at `seen`, and accepted that what
    /// stood between is lost.
    OlderLogAccepted {
        last: Position,
        seen: Position,
    },
    /// The server answers devices at `new` from here on (scheme, name, port). `old`: other addresses, which enrolled devices hold and
    /// which lead to the server too, as the operator said; empty if no device holds another.
    PublicUrlAccepted {
        new: BTreeSet<String>,
        old: BTreeSet<String>,
    },
}

/// Stream `hardware-<HMAC(UDID)>`: which device of ours the hardware is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum HardwareEvent {
    HardwareEnrolled { device: DeviceId },
}

/// Why a request was refused that came like a device's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceRequestRefusal {
    /// The certificate that signed it is foreign, expired, revoked or was never handed out.
    CertificateUnknown,
    /// It answers a Profile Service that was not served, or of an account that may not enroll any more.
    ProfileServiceUnknown,
    /// Its code or refresh token is unknown, used or too old, or the person may not enroll any more.
    GrantInvalid,
    /// It has the certificate of a device of ours, and a signature that does not fit.
    SignatureInvalid,
    /// The access token that a device asks for its profile with is unknown, too old or used, or was issued for something else.
    TokenInvalid,
    /// It asks for a token under the name of another client than Apple's devices.
    ClientUnknown,
    /// No device signed it: the signature is missing, has not the form that devices use, or names another certificate than the
    /// connection.
    NotSigned,
    /// It cannot be read, is too large, lacks a field, or asks for what is never given.
    NotUnderstood,
}

/// Stream `refusals-<day>`: refusals that belong to nobody we know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum RefusalEvent {
    /// A sign-in at the console under a name we do not know; `name` is its HMAC, `provider` who vouched for it, where somebody did.
    UnknownStaffRefused { method: SignInMethodName, reason: SignInRefusal, provider: Option<String>, name: String },
    /// A token of the API that names no program of ours.
    UnknownApiTokenRefused {},
    /// A link to set up the first account that does not work.
    SetUpLinkRefused {},
    /// An answer of an identity provider that belongs to no visit and no session.
    ResponseRefused { provider: String, why: SingleSignOnFault },
    /// A device that would enroll by account was refused before anybody signed in on it.
    DeviceRefused { why: EnrollmentRefusal, product: Option<String> },
    /// A request for an identity (SCEP) that belongs to no visit and no device.
    IdentityRequestRefused { why: IdentityRefusal },
    /// Another request of a device that belongs to no visit and no device.
    DeviceRequestRefused {
        why: DeviceRequestRefusal,
        /// In whose name it was sent, by somebody who did not prove to be that device.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<DeviceId>,
    },
    /// So many refusals were not written one by one, because strangers must not fill the log.
    RefusalsSuppressed(SuppressedRefusals),
}

/// Refusals that were counted instead of written one by one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressedRefusals {
    /// All of them.
    pub count: u64,
    /// The sources with the most, at most 20, the largest first.
    pub sources: Vec<SuppressedSource>,
    /// Those of all other sources together.
    pub others: u64,
}

/// How many refusals of one source were counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressedSource {
    /// An IPv4 address, or the first address of an IPv6 network (/64).
    pub source: Personal<String>,
    pub count: u64,
}

/// Stream `request-<HMAC(request)>`: which visit waits for the answer to a request that an identity provider was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum RequestEvent {
    SingleSignOnRequested { enrollment: EnrollmentId },
}

/// Stream `assertion-<HMAC(issuer, id)>`: reserves an assertion of an identity provider, so that it opens one door once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum AssertionEvent {
    AssertionUsed { provider: String },
}
