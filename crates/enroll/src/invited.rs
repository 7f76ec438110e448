//! Invitations in enrollments: opens one in an enrollment, and uses it when the person for whom the device is has
//! signed in.

use crate::Enroll;
use crate::entrance::{Entrance, open, visitor};
use decisions::enrollment::{self, Command, Enrollment, SignedIn};
use events::enrollment::EnrollmentId;
use events::envelope::{Actor, ActorKind};
use events::invitation::InvitationRefusal;
use events::store::AppendError;
use invitations::{InvitationError, Opened, Seen, Spender, Spent};
use platform::PerformError;
use platform::context::Context;
use sign_in::SignInError;

/// Result of opening an invitation at the portal.
pub enum Presented {
    /// It is open in this enrollment. `opened`: id and session secret, if this request opened the enrollment.
    /// `refused`: the person had signed in before, and cannot use it.
    Here { enrollment: EnrollmentId, opened: Option<(EnrollmentId, String)>, refused: Option<InvitationRefusal> },
    /// It cannot be opened. No enrollment was opened for it.
    Refused(InvitationRefusal),
    /// It was opened in too many browsers.
    TooOften,
}

/// Opens an invitation in the enrollment of a request. If it has none, opens one. A second request changes nothing.
///
/// # Errors
/// Returns an error if the log cannot be read or written.
pub async fn present(enroll: &Enroll, entrance: &Entrance<'_>, seen: &Seen) -> Result<Presented, SignInError> {
    if let Some(why) = seen.refused {
        let known = match entrance.enrollment {
            Some(known) => enroll.platform.enrollment(known).await?.invitation,
            None => None,
        };
        // Who opened it here before goes on, although it was used since: perhaps by this enrollment.
        if known != Some(seen.invitation) {
            let context = refused_context(entrance, seen);
            enroll.invitations.open(seen, entrance.enrollment, &context).await.map_err(failed)?;
            return Ok(Presented::Refused(why));
        }
    }
    let (enrollment, opened) = open(enroll, entrance).await?;
    let context = visitor(entrance, enrollment);
    match enroll.invitations.open(seen, Some(enrollment), &context).await.map_err(failed)? {
        Opened::Here => {}
        Opened::Refused(why) => return Ok(Presented::Refused(why)),
        Opened::TooOften => return Ok(Presented::TooOften),
    }
    let command = Command::PresentInvitation { invitation: seen.invitation, token: seen.token() };
    let state = match enroll.platform.perform::<Enrollment>(&enrollment.stream(), &command, &context).await {
        Ok(performed) => performed.state,
        Err(PerformError::Refused(enrollment::Refusal::OutOfStep(_))) => enroll.platform.enrollment(enrollment).await?,
        Err(error) => return Err(error.into()),
    };
    let refused = spend(enroll, enrollment, &state, &context).await;
    Ok(Presented::Here { enrollment, opened, refused })
}

// The stream of an invitation that nobody could open has no enrollment to seal an address for.
fn refused_context(entrance: &Entrance<'_>, seen: &Seen) -> Context {
    match entrance.enrollment {
        Some(enrollment) => visitor(entrance, enrollment),
        None => Context::of(Actor::new(ActorKind::Visitor, seen.invitation), None, seen.invitation.0),
    }
}

/// Uses the invitation of an enrollment, if there is one and the person for whom the device is has signed in. Returns
/// why they cannot use it. An error is logged and blocks nobody: an effect of the sign-in tries again.
pub(crate) async fn spend(
    enroll: &Enroll,
    id: EnrollmentId,
    enrollment: &Enrollment,
    context: &Context,
) -> Option<InvitationRefusal> {
    match try_to_spend(enroll, id, enrollment, true, context).await {
        Ok(Some(Spent::Refused(why))) => Some(why),
        Ok(_) => None,
        Err(error) => {
            tracing::warn!(enrollment = %id, %error, "the invitation of an enrollment is not used yet: it is tried again");
            None
        }
    }
}

/// Uses the invitation of an enrollment, if that has not been done yet. Returns `false` if it cannot be decided yet.
///
/// # Errors
/// Returns an error if the log cannot be read or written.
pub async fn spend_again(enroll: &Enroll, id: EnrollmentId, context: &Context) -> Result<bool, SignInError> {
    let enrollment = enroll.platform.enrollment(id).await?;
    let spent = try_to_spend(enroll, id, &enrollment, false, context).await.map_err(failed)?;
    Ok(spent != Some(Spent::Undecided))
}

async fn try_to_spend(
    enroll: &Enroll,
    id: EnrollmentId,
    enrollment: &Enrollment,
    is_now: bool,
    context: &Context,
) -> Result<Option<Spent>, InvitationError> {
    let (Some(invitation), Some(SignedIn { person, .. })) = (enrollment.invitation, enrollment.owner()) else {
        return Ok(None);
    };
    let spender = Spender { enrollment: id, person: *person, is_now };
    enroll.invitations.spend(invitation, spender, context).await.map(Some)
}

fn failed(error: InvitationError) -> SignInError {
    match error {
        InvitationError::Read(error) => SignInError::Read(error),
        InvitationError::Append(error) => SignInError::Append(error),
        error @ (InvitationError::Projection(_) | InvitationError::Keys(_) | InvitationError::NoCode) => {
            SignInError::Append(AppendError::Unavailable(error.to_string()))
        }
    }
}
