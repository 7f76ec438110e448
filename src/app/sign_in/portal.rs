//! A name and a password at the portal.

use super::admit::{Entrance, SignInError, admit, open, visitor};
use super::refusal_budget::{REFUSAL_BYTES, VISIT_BYTES};
use super::refusals::record_portal_refusal;
use super::single_sign_on::Place;
use super::{Refused, Told, Trying, Verified, networks, verify};
use crate::app::{App, PerformError};
use decisions::visit::{self, Command, Visit};
use events::enrollment::EnrollmentId;
use events::staff::Privilege;
use secrecy::SecretString;
use std::collections::BTreeSet;

/// What came of it.
pub enum Outcome {
    /// In: the session cookie must hold the new secret.
    SignedIn {
        enrollment: EnrollmentId,
        secret: String,
        /// The cookie that makes the browser known, after a right password.
        known_browser: Option<String>,
    },
    /// Not in, whatever the reason. `opened` is the new session of a visit that began with this.
    Refused { opened: Option<(EnrollmentId, String)>, retry_after: Option<i64> },
    /// Not in, because the provider or directory cannot be asked. `opened` as above.
    NotNow { opened: Option<(EnrollmentId, String)> },
    /// Not in: the directory wants another password first. `opened` as above.
    ChangePassword { opened: Option<(EnrollmentId, String)> },
    /// Not in: the answer of a provider came after the request had ended.
    TooLate,
    /// The visit is past this step.
    OutOfStep,
}

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
pub async fn at_portal(app: &App, entrance: &Entrance<'_>, given: &Credentials<'_>) -> Result<Outcome, SignInError> {
    let settings = app.settings().await?;
    let trying = Trying {
        place: Place::Portal,
        ways: &settings.sign_in.enrollment,
        user_name: given.user_name,
        password: given.password,
        source: entrance.source,
        known_browser: given.known_browser,
        people: networks::people(&settings.shared_networks, entrance.source),
    };
    match verify(app, &trying, may_enroll).await? {
        Verified::Proven(proof) => {
            let (enrollment, _) = open(app, entrance).await?;
            Ok(match admit(app, entrance, enrollment, &proof).await? {
                Outcome::SignedIn { enrollment, secret, .. } => {
                    let known_browser = Some(trying.remember_browser(app));
                    Outcome::SignedIn { enrollment, secret, known_browser }
                }
                other => other,
            })
        }
        Verified::Refused(refused) => refuse(app, entrance, refused).await,
    }
}

fn may_enroll(privileges: &BTreeSet<Privilege>) -> bool {
    privileges.contains(&Privilege::Enroll) || privileges.contains(&Privilege::EnrollForOthers)
}

// Whether a visit is opened, which the browser sees, depends on its source alone and not on the name.
async fn refuse(app: &App, entrance: &Entrance<'_>, refused: Refused) -> Result<Outcome, SignInError> {
    let (beat, told, now) = (refused.beat, refused.told(), app.world.now());
    let bytes = if entrance.visit.is_some() { REFUSAL_BYTES } else { VISIT_BYTES };
    let outcome = if refused.is_held_up() {
        app.sign_in.refusals.count(now, None, entrance.source);
        outcome(told, None)
    } else if refused.retry_after.is_none() && has_room(app, entrance, bytes) {
        refuse_on_visit(app, entrance, refused).await?
    } else {
        record_portal_refusal(app, &refused, entrance.source).await?;
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
fn has_room(app: &App, entrance: &Entrance<'_>, bytes: i64) -> bool {
    !app.disk.is_nearly_full() && app.sign_in.refusals.through_source(app.world.now(), entrance.source, bytes)
}

async fn refuse_on_visit(app: &App, entrance: &Entrance<'_>, refused: Refused) -> Result<Outcome, SignInError> {
    let (enrollment, opened) = open(app, entrance).await?;
    let (account, told) = (refused.account_name(&app.secrets), refused.told());
    // Only the HMAC of a name that nobody has: of the others the account says enough.
    let name = account.is_none().then_some(refused.name);
    let command = Command::RefuseSignIn { method: refused.method, reason: refused.reason, account, name };
    match app.perform::<Visit>(&enrollment.stream(), &command, &visitor(entrance, enrollment)).await {
        Ok(_) => Ok(outcome(told, opened)),
        Err(PerformError::Refused(visit::Refusal::OutOfStep(_))) => Ok(Outcome::OutOfStep),
        Err(error) => Err(error.into()),
    }
}
