//! Answers of identity providers that arrive by POST, at the portal and at the console. The browser that posts an
//! answer gets a ticket. An answer is accepted only once, on all nodes and across restarts, because its id is reserved
//! in the log.

use super::IdentityProvider;
use crate::SignIn;
use events::enrollment::SecretHash;
use events::envelope::{Actor, ActorKind, EventId};
use events::log::Draft;
use events::store::{AppendError, Expected};
use events::system::AssertionEvent;
use events::{Event, StreamName};
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
    match write(sign_in, &StreamName::of("assertion", name), context, event.into()).await {
        Ok(()) => Ok(true),
        Err(AppendError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes the first and only event of a stream.
///
/// # Errors
/// Returns `Conflict` if the stream has an event already, and an error if the log cannot be written.
pub async fn write(sign_in: &SignIn, stream: &StreamName, context: Context, event: Event) -> Result<(), AppendError> {
    let draft = Draft {
        id: EventId::fresh(&sign_in.platform.world),
        at: sign_in.platform.world.now(),
        actor: context.actor,
        source: context.source,
        correlation: context.correlation,
        causation: None,
        event,
    };
    match sign_in.platform.log.append(stream, Expected::NoStream, vec![draft.clone()]).await {
        // The draft has the same event id, so it is written only once if the first append succeeded.
        Err(AppendError::Unknown(_)) => {
            sign_in.platform.log.append(stream, Expected::NoStream, vec![draft]).await.map(drop)
        }
        other => other.map(drop),
    }
}
