//! Second factors of staff.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Id of a passkey of a staff member. Assigned by Muster; it reveals nothing about the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasskeyId(pub Uuid);

impl fmt::Display for PasskeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The kind of a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    Passkey,
    OneTimeCode,
    RecoveryCode,
}

/// The purpose for which a second factor was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    SignIn,
    /// Confirmation before a change of factors, roles or settings.
    Confirmation,
}

/// Why a second factor was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactorRefusal {
    /// A wrong code, a signature of another key, or a response to another challenge.
    Wrong,
    /// The code was already used.
    UsedBefore,
    Throttled,
}
