//! Why a message of a device was refused, or its identity not renewed.

use serde::{Deserialize, Serialize};

/// Why a message of an enrolled device was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageRefusal {
    /// The message names another push topic than the device's profile.
    OtherTopic,
    /// The message names another device than its certificate.
    OtherDevice,
    /// The enrolled device sent `Authenticate` for the other kind of enrollment.
    WrongMode,
    /// The enrolled device sent `Authenticate` with a version or model that may no longer enroll.
    NotPermitted,
    /// The message came before `Authenticate`.
    NotAuthenticated,
    /// Management of the device has ended.
    Ended,
    /// The device is account-driven and sent no valid access token.
    NoAccessToken,
    /// A field is missing or unreadable, or the message type is unknown.
    NotUnderstood,
}

/// Why the identity of a device was not renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenewalFailure {
    /// The device rejected the profile; its answer to the command contains the reason.
    Refused,
    /// The device did not fetch the profile in time.
    NotFetched,
    /// The device never used the new identity.
    NotUsed,
    /// An administrator cancelled the command.
    Cancelled,
    /// Apple does not permit such a profile on a device of this version and kind.
    NotPermitted,
}
