//! Enrollment from Settings, by account.

use super::Ownership;
use super::SecretHash;
use serde::{Deserialize, Serialize};

/// `EnrollmentMode` of the MDM payload (mdm/profiles/com.apple.mdm.yaml): only account-driven enrollments have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EnrollmentMode {
    /// Account-driven User Enrollment.
    #[serde(rename = "BYOD")]
    Byod,
    /// Account-driven Device Enrollment.
    #[serde(rename = "ADDE")]
    Adde,
}

impl EnrollmentMode {
    pub const ALL: [EnrollmentMode; 2] = [EnrollmentMode::Byod, EnrollmentMode::Adde];

    pub fn of(ownership: Ownership) -> EnrollmentMode {
        match ownership {
            Ownership::Personal => EnrollmentMode::Byod,
            Ownership::Institutional => EnrollmentMode::Adde,
        }
    }

    pub fn ownership(self) -> Ownership {
        match self {
            EnrollmentMode::Byod => Ownership::Personal,
            EnrollmentMode::Adde => Ownership::Institutional,
        }
    }

    /// As the profile says it.
    pub fn as_str(self) -> &'static str {
        match self {
            EnrollmentMode::Byod => "BYOD",
            EnrollmentMode::Adde => "ADDE",
        }
    }

    /// `Version` in the discovery document.
    pub fn version(self) -> &'static str {
        match self {
            EnrollmentMode::Byod => "mdm-byod",
            EnrollmentMode::Adde => "mdm-adde",
        }
    }

    /// The mode of a `Version`.
    pub fn of_version(version: &str) -> Option<EnrollmentMode> {
        EnrollmentMode::ALL.into_iter().find(|mode| mode.version() == version)
    }
}

/// What came with an access token by an authorization code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    pub refresh_token: SecretHash,
    /// The code that was redeemed, for good.
    pub code: SecretHash,
}

/// Why an enrolled device is told to have its person sign in again (account-driven enrollment).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInAgainReason {
    /// Its access token is older than the settings allow.
    TokenExpired,
    /// It sent none.
    TokenMissing,
    /// It sent none of ours, or one of another enrollment.
    TokenUnknown,
}
