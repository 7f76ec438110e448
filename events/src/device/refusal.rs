//! Why a message of a device was not taken, or its identity not renewed.

use serde::{Deserialize, Serialize};

/// Why a message of a device of ours was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageRefusal {
    /// It names another push topic than the device's profile.
    OtherTopic,
    /// It names another device than the one that its certificate belongs to.
    OtherDevice,
    /// The enrolled device announced itself in the other kind of enrollment.
    WrongMode,
    /// The enrolled device announced itself as one that may not enroll any more, by its version or model.
    NotPermitted,
    /// No Authenticate came before it.
    NotAuthenticated,
    /// Management of the device has ended.
    Ended,
    /// It enrolls by account, and shows no access token that is good.
    NoAccessToken,
    /// A field is missing or unreadable, or the message is of a type that is not known.
    NotUnderstood,
}

/// Why the identity of a device was not renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenewalFailure {
    /// The device did not take the profile; its answer to the command says why.
    Refused,
    /// The device did not come for the profile in time.
    NotFetched,
    /// The device never came with the new identity.
    NotUsed,
    /// Somebody called the command off.
    Cancelled,
    /// Apple permits no such profile on a device of this version and kind.
    NotPermitted,
}
