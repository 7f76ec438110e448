//! Access tokens of account-driven enrollments. They are opaque, stored as hashes, and each belongs to the enrollment
//! in whose stream it is recorded. A device requests its profile with a token and sends it with every later message. A
//! device that uses authorization codes redeems one for its first token and gets others with a refresh token. See
//! docs/decisions/17-access-tokens-live-in-the-enrollment.md.

use super::Enrollment;
use super::newest::keep_newest;
use events::Timestamp;
use events::enrollment::{DeviceSignature, OsVersion, Refresh, SecretHash};
use events::settings::AccountDriven;
use serde::{Deserialize, Serialize};

/// How long a token can be used to enroll, in seconds: meanwhile the person enters a password for Apple and a passcode,
/// and may start again with the same token.
const FIRST_USE_SECONDS: i64 = 60 * 60;

/// How long a refreshable token is valid, in seconds. A withdrawn permission takes effect after this time; each refresh
/// is an event.
pub(super) const ACCESS_TOKEN_SECONDS: i64 = 7 * DAY;

/// How long a code can be redeemed, in seconds. Devices redeem it at once.
const CODE_SECONDS: i64 = 5 * 60;

const DAY: i64 = 24 * 60 * 60;

/// Number of access tokens that are remembered. A device uses the newest one that it received. An older one is in use
/// only if the answers with all later ones were lost.
const MOST_ACCESS_TOKENS: usize = 16;

/// Number of refresh tokens that are remembered, and of codes. Each belongs to a sign-in of the person.
pub(super) const MOST_SIGN_INS: usize = 8;

/// The tokens of an account-driven enrollment: the newest of each kind. An older one is unknown, so a device that uses
/// it is asked to have its person sign in again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Oldest first.
    pub access: Vec<AccessToken>,
    /// Oldest first.
    pub refresh: Vec<RefreshToken>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessToken {
    pub hash: SecretHash,
    pub issued: Timestamp,
    /// When the person signed in for it.
    pub signed_in: Timestamp,
    /// Whether the device can get another token with a refresh token.
    pub refreshable: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationCode {
    pub hash: SecretHash,
    pub issued: Timestamp,
    pub used: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshToken {
    pub hash: SecretHash,
    /// When the person signed in.
    pub issued: Timestamp,
}

/// A device's description of itself (other/machineinfo.yaml), and the result of checking its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineInformation {
    pub signature: DeviceSignature,
    pub product: Option<String>,
    pub build_version: Option<String>,
    pub os_version: Option<OsVersion>,
}

/// Validity of an access token that a device sent.
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

impl Tokens {
    /// `refresh`: the refresh token that was issued with the access token, if there was one.
    pub(super) fn issue(&mut self, token: &SecretHash, issued: Timestamp, refresh: Option<&Refresh>) {
        let (hash, refreshable) = (token.clone(), refresh.is_some());
        self.push(AccessToken { hash, issued, signed_in: issued, refreshable });
        if let Some(Refresh { refresh_token, code: _ }) = refresh {
            self.refresh.push(RefreshToken { hash: refresh_token.clone(), issued });
            keep_newest(&mut self.refresh, MOST_SIGN_INS);
        }
    }

    pub(super) fn renew(&mut self, token: &SecretHash, issued: Timestamp, refresh_token: &SecretHash) {
        let by = self.refresh.iter().find(|known| known.hash == *refresh_token);
        let signed_in = by.map_or(issued, |by| by.issued);
        self.push(AccessToken { hash: token.clone(), issued, signed_in, refreshable: true });
    }

    fn push(&mut self, token: AccessToken) {
        self.access.push(token);
        keep_newest(&mut self.access, MOST_ACCESS_TOKENS);
    }

    /// Returns whether the token with this hash is valid `now`. `in_use`: a device authenticated with it; its first
    /// TokenUpdate may be delayed for long. A token in use is valid until the person has to sign in again by the
    /// current settings; a refreshable one for at most a week. A token that is not in use yet is valid for an hour.
    pub fn presented(&self, token: &SecretHash, settings: &AccountDriven, now: Timestamp, in_use: bool) -> Presented {
        let Some(token) = self.access.iter().find(|known| known.hash == *token) else {
            return Presented::Unknown;
        };
        let ends = match in_use {
            false => Some(token.issued.plus_seconds(FIRST_USE_SECONDS)),
            true => token.ends(settings.sign_in_again_after_days),
        };
        if ends.is_none_or(|ends| now < ends) { Presented::Good } else { Presented::Expired }
    }

    /// Returns how many seconds from `now` the newest token remains valid, on an enrolled device. `0` if there is no
    /// token or it does not expire.
    pub fn lasts(&self, last_for_days: Option<u32>, now: Timestamp) -> i64 {
        let ends = self.access.last().and_then(|token| token.ends(last_for_days));
        ends.map_or(0, |ends| ends.seconds_since(now))
    }

    /// Returns whether a refresh token is valid: until its person has to sign in again.
    pub(super) fn refreshes(&self, token: &SecretHash, now: Timestamp, last_for_days: Option<u32>) -> bool {
        let found = self.refresh.iter().find(|known| known.hash == *token);
        found.is_some_and(|found| {
            last_for_days.is_none_or(|days| now.seconds_since(found.issued) < i64::from(days) * DAY)
        })
    }
}

impl Enrollment {
    /// Returns whether a code can be redeemed: once, and only for a short time.
    pub(super) fn redeems(&self, code: &SecretHash, now: Timestamp) -> bool {
        let found = self.codes.iter().find(|known| known.hash == *code && !known.used);
        found.is_some_and(|found| now.seconds_since(found.issued) < CODE_SECONDS)
    }
}
