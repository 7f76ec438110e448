//! Checks the access token that an account-driven device sends with each message.
//!
//! The identity certificate identifies the device. The token proves that its person signed in recently. The token
//! belongs to the one enrollment whose stream contains its hash, and so to the one EnrollmentID of this enrollment's
//! certificate.

use super::link::Purpose;
use crate::Enroll;
use decisions::device::Phase;
use decisions::enrollment::{Command, Enrollment, Presented, Refusal};
use devices::identify::Known;
use events::enrollment::SignInAgainReason;
use events::settings::AuthenticationMethod;
use platform::PerformError;
use platform::named_secret::{self, Kind};
use std::net::IpAddr;

/// Result of checking the access token of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorization {
    Granted,
    /// The person must sign in again. Contains the value of `WWW-Authenticate`.
    SignInAgain(String),
    /// The device is not enrolled yet and has no valid token. It must start the enrollment again.
    Refused,
}

/// Checks the `Authorization` header of a device's message. No token is needed by devices that did not enroll by
/// account, by devices whose management has ended, and by devices with a waiting command that unenrolls them: a missing
/// token must not prevent the end of management.
///
/// # Errors
/// Returns an error if the settings cannot be read or the log cannot be written.
pub async fn authorize(
    enroll: &Enroll,
    known: &Known,
    authorization: Option<&str>,
    source: Option<IpAddr>,
) -> Result<Authorization, PerformError<Refusal>> {
    let leaves = known.state.phase.has_ended() || known.state.waiting().any(|command| command.unenrolls);
    if known.profile.enrollment_mode.is_none() || leaves {
        return Ok(Authorization::Granted);
    }
    let device_enrolled = known.state.phase == Phase::Enrolled;
    let in_use = device_enrolled || known.state.phase == Phase::Authenticated;
    let settings = enroll.settings.current().await?.account_driven;
    let named = authorization.and_then(named_secret::bearer);
    let parsed = named.and_then(|named| named_secret::parse(Kind::Access, named));
    let of_this = parsed.filter(|(enrollment, _)| *enrollment == known.device.enrollment().0);
    let why = match (named, of_this) {
        (None, _) => SignInAgainReason::TokenMissing,
        (Some(_), None) => SignInAgainReason::TokenUnknown,
        (Some(_), Some((_, hash))) => {
            match known.credentials.tokens.presented(&hash, &settings, enroll.platform.world.now(), in_use) {
                Presented::Good => return Ok(Authorization::Granted),
                Presented::Expired => SignInAgainReason::TokenExpired,
                Presented::Unknown => SignInAgainReason::TokenUnknown,
            }
        }
    };
    if !device_enrolled {
        tracing::warn!(device.id = %known.device, ?why, "a device that is enrolling sent no valid access token");
        return Ok(Authorization::Refused);
    }
    ask(enroll, known, why, source).await?;
    // The method that the device enrolled with. A device with a refresh token tries that first.
    let method = match known.credentials.tokens.refresh.is_empty() {
        true => AuthenticationMethod::AppleAsWeb,
        false => AuthenticationMethod::AppleOAuth2,
    };
    Ok(Authorization::SignInAgain(enroll.authenticate(method, known.device.enrollment(), Purpose::SignInAgain)))
}

// Records the reason before the device gets the answer.
async fn ask(
    enroll: &Enroll,
    known: &Known,
    why: SignInAgainReason,
    source: Option<IpAddr>,
) -> Result<(), PerformError<Refusal>> {
    let command = Command::AskToSignInAgain { why, device_enrolled: true };
    let stream = known.device.enrollment().stream();
    match enroll.platform.perform::<Enrollment>(&stream, &command, &known.context(source)).await {
        Ok(_) | Err(PerformError::Refused(_)) => Ok(()),
        Err(unusable) => Err(unusable),
    }
}
