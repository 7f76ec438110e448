//! Second factors of staff, by name.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// A passkey of somebody of the staff. The id is ours and tells nothing of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasskeyId(pub Uuid);

impl fmt::Display for PasskeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What somebody proves themselves with beside the first proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    Passkey,
    OneTimeCode,
    RecoveryCode,
}

/// What a second factor was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    SignIn,
    /// Before factors, roles or settings change.
    Confirmation,
}

/// Why a second factor was not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactorRefusal {
    /// Another code, a signature of another key, or an answer to another question.
    Wrong,
    /// A code serves once.
    UsedBefore,
    Throttled,
}
