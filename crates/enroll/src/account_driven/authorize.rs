//! Whether an enrolled device may go on: the access token that it shows with each message.
//!
//! The identity certificate says which device it is; the token, that its person signed in not too long ago. It belongs to the one
//! enrollment whose stream keeps its hash, and so to the one EnrollmentID that this enrollment's certificate ever spoke for.

use super::link::Purpose;
use crate::Enroll;
use decisions::device::Phase;
use decisions::visit::{Command, Presented, Refusal, Visit};
use devices::identify::Known;
use events::enrollment::SignInAgainReason;
use events::settings::AuthenticationMethod;
use platform::PerformError;
use platform::named_secret::{self, Kind};
use std::net::IpAddr;

/// What a device is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorization {
    Granted,
    /// Have its person sign in again: the value of `WWW-Authenticate`.
    SignInAgain(String),
    /// It is not enrolled yet and came too late: it has to begin anew.
    Refused,
}

/// Looks at the `Authorization` header of a device's message. Devices that did not enroll by account have none, and devices
/// whose management has ended need none. Nor does one that is to be unenrolled: no token keeps management in place.
///
/// # Errors
/// If the log cannot be used.
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
            match known.visit.presented(&hash, &settings, enroll.platform.world.now(), in_use) {
                Presented::Good => return Ok(Authorization::Granted),
                Presented::Expired => SignInAgainReason::TokenExpired,
                Presented::Unknown => SignInAgainReason::TokenUnknown,
            }
        }
    };
    if !device_enrolled {
        tracing::warn!(device.id = %known.device, ?why, "a device that is enrolling shows no access token that is good");
        return Ok(Authorization::Refused);
    }
    ask(enroll, known, why, source).await?;
    // As it enrolled: a device that has a refresh token tries that first.
    let method = match known.visit.refresh_tokens.is_empty() {
        true => AuthenticationMethod::AppleAsWeb,
        false => AuthenticationMethod::AppleOAuth2,
    };
    Ok(Authorization::SignInAgain(enroll.authenticate(method, known.device.enrollment(), Purpose::SignInAgain)))
}

// The answer has its cause in the log before it is given.
async fn ask(
    enroll: &Enroll,
    known: &Known,
    why: SignInAgainReason,
    source: Option<IpAddr>,
) -> Result<(), PerformError<Refusal>> {
    let command = Command::AskToSignInAgain { why, device_enrolled: true };
    let stream = known.device.enrollment().stream();
    match enroll.platform.perform::<Visit>(&stream, &command, &known.context(source)).await {
        Ok(_) | Err(PerformError::Refused(_)) => Ok(()),
        Err(unusable) => Err(unusable),
    }
}
