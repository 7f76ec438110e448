//! Answers of identity providers that arrive by POST, at the portal and at the console. The browser that posts an
//! answer gets a ticket. An answer is accepted only once, on all nodes and across restarts, because its id is reserved
//! in the log.

use super::IdentityProvider;
use crate::SignIn;
use events::StreamName;
use events::enrollment::SecretHash;
use events::envelope::{Actor, ActorKind};
use events::store::AppendError;
use events::system::AssertionEvent;
use identity::redirect::PostedAnswer;
use platform::context::Context;

pub use identity::saml::LARGEST;

/// Returns the ticket for the browser that posted the answer to this request. It is derived, so it is not stored.
pub fn ticket(sign_in: &SignIn, request: &SecretHash) -> String {
    sign_in.platform.secrets.tag("single-sign-on-answer", &[&request.0])
}

/// Returns whether `ticket` was given to the browser that posted the answer to this request.
pub fn is_ticket(sign_in: &SignIn, ticket: Option<&str>, request: &SecretHash) -> bool {
    ticket.is_some_and(|ticket| sign_in.platform.secrets.is_tag(ticket, "single-sign-on-answer", &[&request.0]))
}

/// Reserves the answer. Returns `false` if it was used before.
///
/// # Errors
/// Returns an error if the log cannot be written.
pub async fn reserve(
    sign_in: &SignIn,
    provider: &IdentityProvider,
    answer: &PostedAnswer,
) -> Result<bool, AppendError> {
    let name = sign_in.platform.secrets.name("assertion", &[&answer.issuer, &answer.answer_id]);
    let event = AssertionEvent::AssertionUsed { provider: provider.name.clone() };
    let context = Context::of(Actor::new(ActorKind::System, "sign-in"), None, sign_in.platform.world.uuid());
    match sign_in.platform.append_first(&StreamName::of("assertion", name), event, &context).await {
        Ok(()) => Ok(true),
        Err(AppendError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
