//! Sign-in with a user name and a password at the portal.

use crate::Enroll;
use crate::admit::admit;
use crate::entrance::{Entrance, SignInOutcome, enter, open, visitor};
use decisions::enrollment::{self, Command, Enrollment};
use events::enrollment::EnrollmentId;
use events::staff::Privilege;
use platform::PerformError;
use secrecy::SecretString;
use settings::shared_networks;
use sign_in::redirect::Place;
use sign_in::{
    ENROLLMENT_BYTES, REFUSAL_BYTES, Refused, SignInAnswer, SignInError, Trying, Verified, record_portal_refusal,
    verify,
};
use std::collections::BTreeSet;

/// User name, password and known-browser cookie of a sign-in.
pub struct Credentials<'a> {
    pub user_name: &'a str,
    pub password: &'a SecretString,
    /// Value of the known-browser cookie, if the browser sent one.
    pub known_browser: Option<&'a str>,
}

/// Signs a person in with a password, or refuses it. Either result is recorded.
///
/// # Errors
/// Returns an error if the local accounts cannot be read or the log cannot be read or written.
pub async fn at_portal(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
    given: &Credentials<'_>,
) -> Result<SignInOutcome, SignInError> {
    let settings = enroll.settings.current().await?;
    let trying = Trying {
        place: Place::Portal,
        ways: &settings.sign_in.enrollment,
        user_name: given.user_name,
        password: given.password,
        source: entrance.source,
        known_browser: given.known_browser,
        people: shared_networks::people(&settings.shared_networks, entrance.source),
    };
    match verify(&enroll.sign_in, &trying, may_enroll).await? {
        Verified::Proven(proof) => Ok(match admit(enroll, entrance, enter(enroll, entrance), &proof).await? {
            SignInOutcome::SignedIn { enrollment, secret, known_browser: _, not_invited } => {
                let known_browser = Some(trying.remember_browser(&enroll.sign_in));
                SignInOutcome::SignedIn { enrollment, secret, known_browser, not_invited }
            }
            other => other,
        }),
        Verified::Refused(refused) => refuse(enroll, entrance, refused).await,
    }
}

fn may_enroll(privileges: &BTreeSet<Privilege>) -> bool {
    privileges.contains(&Privilege::Enroll) || privileges.contains(&Privilege::EnrollForOthers)
}

// Whether an enrollment is opened, which the browser notices, depends only on the source and not on the name.
async fn refuse(enroll: &Enroll, entrance: &Entrance<'_>, refused: Refused) -> Result<SignInOutcome, SignInError> {
    let (beat, answer, now) = (refused.beat, refused.answer(), enroll.platform.world.now());
    let bytes = if entrance.enrollment.is_some() { REFUSAL_BYTES } else { ENROLLMENT_BYTES };
    let outcome = if refused.is_held_up() {
        enroll.sign_in.refusals.count(now, None, entrance.source);
        outcome(answer, None)
    } else if refused.retry_after.is_none() && has_room(enroll, entrance, bytes) {
        refuse_on_enrollment(enroll, entrance, refused).await?
    } else {
        record_portal_refusal(&enroll.sign_in, &refused, entrance.source).await?;
        outcome(answer, None)
    };
    beat.wait().await;
    Ok(outcome)
}

fn outcome(answer: SignInAnswer, opened: Option<(EnrollmentId, String)>) -> SignInOutcome {
    match answer {
        SignInAnswer::No => SignInOutcome::Refused { opened, retry_after: None },
        SignInAnswer::Wait(seconds) => SignInOutcome::Refused { opened, retry_after: Some(seconds) },
        SignInAnswer::NotNow => SignInOutcome::NotNow { opened },
        SignInAnswer::ChangePassword => SignInOutcome::ChangePassword { opened },
    }
}

// If the disk is nearly full, no enrollment is opened for a refusal. A refusal of a known account is still written to
// the stream of the account.
fn has_room(enroll: &Enroll, entrance: &Entrance<'_>, bytes: i64) -> bool {
    !enroll.platform.disk.is_nearly_full()
        && enroll.sign_in.refusals.through_source(enroll.platform.world.now(), entrance.source, bytes)
}

async fn refuse_on_enrollment(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
    refused: Refused,
) -> Result<SignInOutcome, SignInError> {
    let (enrollment, opened) = open(enroll, entrance).await?;
    let (account, answer) = (refused.account_name(&enroll.platform.secrets), refused.answer());
    // The HMAC of the name is recorded only if the name is unknown. Otherwise the account is recorded.
    let name = account.is_none().then_some(refused.name);
    let command = Command::RefuseSignIn { method: refused.method, reason: refused.reason, account, name };
    match enroll.platform.perform::<Enrollment>(&enrollment.stream(), &command, &visitor(entrance, enrollment)).await {
        Ok(_) => Ok(outcome(answer, opened)),
        Err(PerformError::Refused(enrollment::Refusal::OutOfStep(_))) => Ok(SignInOutcome::OutOfStep),
        Err(error) => Err(error.into()),
    }
}
