//! Account-driven enrollment, which begins in Settings.

use super::Ownership;
use super::SecretHash;
use serde::{Deserialize, Serialize};

/// `EnrollmentMode` of the MDM payload (mdm/profiles/com.apple.mdm.yaml), present in account-driven enrollments only.
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

    /// Returns the value in the profile.
    pub fn as_str(self) -> &'static str {
        match self {
            EnrollmentMode::Byod => "BYOD",
            EnrollmentMode::Adde => "ADDE",
        }
    }

    /// Returns the `Version` in the discovery document.
    pub fn version(self) -> &'static str {
        match self {
            EnrollmentMode::Byod => "mdm-byod",
            EnrollmentMode::Adde => "mdm-adde",
        }
    }

    /// Returns the mode of a `Version` in the discovery document.
    pub fn of_version(version: &str) -> Option<EnrollmentMode> {
        EnrollmentMode::ALL.into_iter().find(|mode| mode.version() == version)
    }
}

/// The refresh token issued with an access token for an authorization code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    pub refresh_token: SecretHash,
    /// The redeemed code, which can never be used again.
    pub code: SecretHash,
}

/// Why an enrolled device has to have its person sign in again (account-driven enrollment).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInAgainReason {
    /// Its access token is older than the settings permit.
    TokenExpired,
    /// It sent no access token.
    TokenMissing,
    /// It sent an access token that Muster did not issue, or one of another enrollment.
    TokenUnknown,
}
