//! Access tokens of account-driven enrollments: opaque, kept as hashes, each belonging to the one enrollment whose stream it
//! is in. A device gets its profile with one and shows it with every message from then on. Where it wants it so, it redeems
//! a code for its first one and gets others by a refresh token.

use super::Visit;
use events::Timestamp;
use events::enrollment::{DeviceSignature, OsVersion, SecretHash};
use events::settings::AccountDriven;

/// How long a token waits to become an enrolled device: the person types a password for Apple and a passcode meanwhile, and
/// may begin once more with the same token.
const FIRST_USE_SECONDS: i64 = 60 * 60;

/// How long a token lasts that can be refreshed: what is withdrawn from a person is noticed then, and each refreshing is
/// an event.
pub(super) const ACCESS_TOKEN_SECONDS: i64 = 7 * DAY;

/// A device redeems its code at once.
const CODE_SECONDS: i64 = 5 * 60;

const DAY: i64 = 24 * 60 * 60;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    pub hash: SecretHash,
    pub issued: Timestamp,
    /// When the person signed in for it.
    pub signed_in: Timestamp,
    /// The device gets another by itself.
    pub refreshable: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationCode {
    pub hash: SecretHash,
    pub issued: Timestamp,
    pub used: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    pub hash: SecretHash,
    /// When the person signed in.
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

impl AccessToken {
    fn ends(&self, last_for_days: Option<u32>) -> Option<Timestamp> {
        let again = last_for_days.map(|days| self.signed_in.plus_seconds(i64::from(days) * DAY));
        let refreshed = self.refreshable.then(|| self.issued.plus_seconds(ACCESS_TOKEN_SECONDS));
        again.into_iter().chain(refreshed).min()
    }
}

impl Visit {
    /// How a token with this hash stands `now`. `in_use`: a device has authenticated with it, and may be held up for long before
    /// its first TokenUpdate; then it lasts until the person has to sign in again, by the settings of today, and one that can
    /// be refreshed no longer than a week; before that for an hour.
    pub fn presented(&self, token: &SecretHash, settings: &AccountDriven, now: Timestamp, in_use: bool) -> Presented {
        let Some(token) = self.access_tokens.iter().find(|known| known.hash == *token) else {
            return Presented::Unknown;
        };
        let ends = match in_use {
            false => Some(token.issued.plus_seconds(FIRST_USE_SECONDS)),
            true => token.ends(settings.sign_in_again_after_days),
        };
        if ends.is_none_or(|ends| now < ends) { Presented::Good } else { Presented::Expired }
    }

    /// How many seconds from `now` the token lasts that was issued last and can be refreshed, on a device that is enrolled; 0 without
    /// one.
    pub fn lasts(&self, last_for_days: Option<u32>, now: Timestamp) -> i64 {
        let ends = self.access_tokens.last().and_then(|token| token.ends(last_for_days));
        ends.map_or(0, |ends| ends.seconds_since(now))
    }

    /// Whether a code can be redeemed: once, and soon.
    pub(super) fn redeems(&self, code: &SecretHash, now: Timestamp) -> bool {
        let found = self.codes.iter().find(|known| known.hash == *code && !known.used);
        found.is_some_and(|found| now.seconds_since(found.issued) < CODE_SECONDS)
    }

    /// Whether a refresh token is good: as long as its person need not sign in again.
    pub(super) fn refreshes(&self, token: &SecretHash, now: Timestamp, last_for_days: Option<u32>) -> bool {
        let found = self.refresh_tokens.iter().find(|known| known.hash == *token);
        found.is_some_and(|found| {
            last_for_days.is_none_or(|days| now.seconds_since(found.issued) < i64::from(days) * DAY)
        })
    }
}
