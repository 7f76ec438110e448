//! A name and a password at the portal.

use super::admit::{Entrance, SignInError, admit, open, visitor};
use super::refusal_budget::{REFUSAL_BYTES, VISIT_BYTES};
use super::refusals::record_portal_refusal;
use super::{Refused, Verified, verify};
use crate::app::{App, PerformError};
use crate::enrollment::visit::{self, Command, Visit};
use events::enrollment::EnrollmentId;
use events::staff::Privilege;
use secrecy::SecretString;
use std::collections::BTreeSet;

/// What came of it.
pub enum Outcome {
    /// In: the session cookie must hold the new secret.
    SignedIn { enrollment: EnrollmentId, secret: String },
    /// Not in, whatever the reason. `opened` is the new session of a visit that began with this.
    Refused { opened: Option<(EnrollmentId, String)>, retry_after: Option<i64> },
    /// The visit is past this step.
    OutOfStep,
}

/// Lets somebody in, or not; either is written down.
///
/// # Errors
/// If accounts or log cannot be used.
pub async fn at_portal(
    app: &App,
    entrance: &Entrance<'_>,
    user_name: &str,
    password: &SecretString,
) -> Result<Outcome, SignInError> {
    let ways = app.settings().await?.sign_in.enrollment;
    match verify(app, &ways, user_name, password, entrance.source, may_enroll).await? {
        Verified::Proven(proof) => {
            let (enrollment, _) = open(app, entrance).await?;
            admit(app, entrance, enrollment, &proof).await
        }
        Verified::Refused(refused) => refuse(app, entrance, refused).await,
    }
}

fn may_enroll(privileges: &BTreeSet<Privilege>) -> bool {
    privileges.contains(&Privilege::Enroll) || privileges.contains(&Privilege::EnrollForOthers)
}

// Whether a visit is opened, which the browser sees, depends on its source alone and not on the name.
async fn refuse(app: &App, entrance: &Entrance<'_>, refused: Refused) -> Result<Outcome, SignInError> {
    let (beat, retry_after, now) = (refused.beat, refused.retry_after, app.world.now());
    let bytes = if entrance.visit.is_some() { REFUSAL_BYTES } else { VISIT_BYTES };
    let outcome = if refused.is_held_up() {
        app.sign_in.refusals.count(now, None, entrance.source);
        Outcome::Refused { opened: None, retry_after }
    } else if retry_after.is_none() && app.sign_in.refusals.through_source(now, entrance.source, bytes) {
        refuse_on_visit(app, entrance, refused).await?
    } else {
        record_portal_refusal(app, &refused, entrance.source).await?;
        Outcome::Refused { opened: None, retry_after }
    };
    beat.wait().await;
    Ok(outcome)
}

async fn refuse_on_visit(app: &App, entrance: &Entrance<'_>, refused: Refused) -> Result<Outcome, SignInError> {
    let (enrollment, opened) = open(app, entrance).await?;
    let account = refused.account_name(&app.secrets);
    // Only the HMAC of a name that nobody has: of the others the account says enough.
    let name = account.is_none().then_some(refused.name);
    let command = Command::RefuseSignIn { method: refused.method, reason: refused.reason, account, name };
    match app.perform::<Visit>(&enrollment.stream(), &command, &visitor(entrance, enrollment)).await {
        Ok(_) => Ok(Outcome::Refused { opened, retry_after: None }),
        Err(PerformError::Refused(visit::Refusal::OutOfStep(_))) => Ok(Outcome::OutOfStep),
        Err(error) => Err(error.into()),
    }
}
