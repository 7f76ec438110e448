//! Invitations: an effect uses the invitation of an enrollment if the sign-in could not, another revokes those of a
//! record that has another owner, and the timer expires those that were not used in time.

use super::owners::may_change_owner;
use super::{ReactionError, effect_of};
use crate::app::App;
use ::invitations::ChangeError;
use enroll::invited;
use events::enrollment::EnrollmentId;
use events::log::Entry;
use events::record::{RecordEvent, RecordId};
use events::{Actor, ActorKind, Timestamp};
use platform::aside::Aside;
use platform::context::Context;
use projections::invitations::{due_to_expire, of_record};
use uuid::Uuid;

/// Maximum number of invitations of a record whose owner is looked at again; the latest first.
const MOST_OF_RECORD: usize = 100;

/// Uses the invitation of an enrollment, in case the server stopped between the sign-in and the use, or the owner of
/// the invitation's record was not known then.
pub(super) async fn spend(app: &App, entry: &Entry, id: EnrollmentId) -> Result<(), ReactionError> {
    // Most enrollments have none.
    if app.platform.enrollment(id).await?.invitation.is_none() {
        return Ok(());
    }
    let failed = |error: String| ReactionError::Perform(error);
    let context = effect_of(entry, "use-invitation");
    match invited::spend_again(&app.enroll, id, &context).await.map_err(|error| failed(error.to_string()))? {
        true => Ok(()),
        // It is retried.
        false => Err(failed("the owner of the record of an invitation is not known yet".into())),
    }
}

/// Revokes the invitations for a record that has another owner now, or none.
pub(super) async fn readdress(
    app: &App,
    entry: &Entry,
    record: RecordId,
    event: &RecordEvent,
) -> Result<(), ReactionError> {
    // Nobody was invited for a record before its import.
    if matches!(event, RecordEvent::PreviousRecordImported { .. }) || !may_change_owner(event) {
        return Ok(());
    }
    let projections = &app.platform.projections;
    projections.wait_patiently_for(entry.position).await?;
    for row in of_record(projections, record, MOST_OF_RECORD).await? {
        let effect = format!("readdress-{}", row.invitation);
        let context = Context { effect: Some(effect.into()), ..effect_of(entry, "readdress") };
        match app.invitations.revoke_if_misaddressed(row.invitation, &context).await {
            Ok(()) | Err(ChangeError::Refused(_)) => {}
            Err(ChangeError::Failed(error)) => return Err(ReactionError::Perform(error.to_string())),
        }
    }
    Ok(())
}

/// Expires invitations that were not used in time, at most `at_most` of them.
pub(super) async fn expire(
    app: &App,
    aside: &mut Aside<Uuid>,
    now: Timestamp,
    at_most: usize,
) -> Result<(), ReactionError> {
    for due in due_to_expire(&app.platform.projections, now, aside.besides(at_most)).await? {
        if aside.holds(&due.0) {
            continue;
        }
        let context = Context::of(Actor::new(ActorKind::System, "timer"), None, due.0);
        match app.invitations.expire(due, &context).await {
            Ok(()) | Err(ChangeError::Refused(_)) => {}
            Err(error @ ChangeError::Failed(_)) => {
                tracing::error!(invitation = %due, %error, "an invitation cannot be expired; it will be retried");
                aside.put(due.0);
            }
        }
    }
    Ok(())
}
