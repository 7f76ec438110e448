//! A name and a password at the portal.

use crate::Enroll;
use crate::admit::admit;
use crate::entrance::{Entrance, Outcome, open, visitor};
use decisions::visit::{self, Command, Visit};
use events::enrollment::EnrollmentId;
use events::staff::Privilege;
use platform::PerformError;
use secrecy::SecretString;
use settings::shared_networks;
use sign_in::redirect::Place;
use sign_in::{
    REFUSAL_BYTES, Refused, SignInError, Told, Trying, VISIT_BYTES, Verified, record_portal_refusal, verify,
};
use std::collections::BTreeSet;

/// What somebody gives who signs in with a password.
pub struct Credentials<'a> {
    pub user_name: &'a str,
    pub password: &'a SecretString,
    /// The cookie that makes their browser known, if it has one.
    pub known_browser: Option<&'a str>,
}

/// Lets somebody in, or not; either is written down.
///
/// # Errors
/// If accounts or log cannot be used.
pub async fn at_portal(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
    given: &Credentials<'_>,
) -> Result<Outcome, SignInError> {
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
        Verified::Proven(proof) => {
            let (enrollment, _) = open(enroll, entrance).await?;
            Ok(match admit(enroll, entrance, enrollment, &proof).await? {
                Outcome::SignedIn { enrollment, secret, .. } => {
                    let known_browser = Some(trying.remember_browser(&enroll.sign_in));
                    Outcome::SignedIn { enrollment, secret, known_browser }
                }
                other => other,
            })
        }
        Verified::Refused(refused) => refuse(enroll, entrance, refused).await,
    }
}

fn may_enroll(privileges: &BTreeSet<Privilege>) -> bool {
    privileges.contains(&Privilege::Enroll) || privileges.contains(&Privilege::EnrollForOthers)
}

// Whether a visit is opened, which the browser sees, depends on its source alone and not on the name.
async fn refuse(enroll: &Enroll, entrance: &Entrance<'_>, refused: Refused) -> Result<Outcome, SignInError> {
    let (beat, told, now) = (refused.beat, refused.told(), enroll.platform.world.now());
    let bytes = if entrance.visit.is_some() { REFUSAL_BYTES } else { VISIT_BYTES };
    let outcome = if refused.is_held_up() {
        enroll.sign_in.refusals.count(now, None, entrance.source);
        outcome(told, None)
    } else if refused.retry_after.is_none() && has_room(enroll, entrance, bytes) {
        refuse_on_visit(enroll, entrance, refused).await?
    } else {
        record_portal_refusal(&enroll.sign_in, &refused, entrance.source).await?;
        outcome(told, None)
    };
    beat.wait().await;
    Ok(outcome)
}

fn outcome(told: Told, opened: Option<(EnrollmentId, String)>) -> Outcome {
    match told {
        Told::No => Outcome::Refused { opened, retry_after: None },
        Told::Wait(seconds) => Outcome::Refused { opened, retry_after: Some(seconds) },
        Told::NotNow => Outcome::NotNow { opened },
        Told::ChangePassword => Outcome::ChangePassword { opened },
    }
}

// On a disk that is nearly full no visit is opened for a refusal; of a known account it is written all the same.
fn has_room(enroll: &Enroll, entrance: &Entrance<'_>, bytes: i64) -> bool {
    !enroll.platform.disk.is_nearly_full()
        && enroll.sign_in.refusals.through_source(enroll.platform.world.now(), entrance.source, bytes)
}

async fn refuse_on_visit(enroll: &Enroll, entrance: &Entrance<'_>, refused: Refused) -> Result<Outcome, SignInError> {
    let (enrollment, opened) = open(enroll, entrance).await?;
    let (account, told) = (refused.account_name(&enroll.platform.secrets), refused.told());
    // Only the HMAC of a name that nobody has: of the others the account says enough.
    let name = account.is_none().then_some(refused.name);
    let command = Command::RefuseSignIn { method: refused.method, reason: refused.reason, account, name };
    match enroll.platform.perform::<Visit>(&enrollment.stream(), &command, &visitor(entrance, enrollment)).await {
        Ok(_) => Ok(outcome(told, opened)),
        Err(PerformError::Refused(visit::Refusal::OutOfStep(_))) => Ok(Outcome::OutOfStep),
        Err(error) => Err(error.into()),
    }
}
