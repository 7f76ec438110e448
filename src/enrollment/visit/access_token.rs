//! Access tokens of account-driven enrollments: opaque, kept as hashes, each belonging to the one enrollment whose stream it
//! is in. A device gets its profile with one and shows it with every message from then on.

use super::Visit;
use events::Timestamp;
use events::enrollment::{DeviceSignature, OsVersion, SecretHash};
use events::settings::AccountDriven;

/// How long a token waits to become an enrolled device: the person types a password for Apple and a passcode meanwhile, and may begin once more
/// with the same token.
pub const FIRST_USE_SECONDS: i64 = 60 * 60;

const DAY: i64 = 24 * 60 * 60;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    pub hash: SecretHash,
    pub issued: Timestamp,
}

/// What a device says of itself (other/machineinfo.yaml), and what its signature under it is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineInformation {
    pub signature: DeviceSignature,
    pub product: Option<String>,
    pub build_version: Option<String>,
    pub os_version: Option<OsVersion>,
}

/// How a token that was shown stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    Good,
    Expired,
    Unknown,
}

impl Visit {
    /// How a token with this hash stands `now`. `device_enrolled`: the device that came of the visit is enrolled; then a token
    /// lasts until the person has to sign in again, by the settings of today; before that for an hour.
    pub fn presented(
        &self,
        token: &SecretHash,
        settings: &AccountDriven,
        now: Timestamp,
        device_enrolled: bool,
    ) -> Presented {
        let Some(token) = self.access_tokens.iter().find(|known| known.hash == *token) else {
            return Presented::Unknown;
        };
        let lasts = match (device_enrolled, settings.sign_in_again_after_days) {
            (false, _) => Some(FIRST_USE_SECONDS),
            (true, days) => days.map(|days| i64::from(days) * DAY),
        };
        if lasts.is_none_or(|seconds| now.seconds_since(token.issued) < seconds) {
            Presented::Good
        } else {
            Presented::Expired
        }
    }
}
