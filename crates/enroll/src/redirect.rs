//! A visitor of the portal goes to a provider and comes back.

mod posted;
mod refusal;
mod request;

pub use posted::{Posted, return_from_post, take};

use crate::Enroll;
use crate::admit::admit;
use crate::entrance::{Entrance, Outcome, open, visitor};
use decisions::visit::{self, Command, Visit};
use events::enrollment::EnrollmentId;
use identity::Disbelief;
use platform::PerformError;
use platform::secrets::{hash, same};
use refusal::{refuse, told};
use request::{is_recent, remember};
use sign_in::redirect::{Back, IdentityProvider, Place, answered, send, unsolicited};
use sign_in::{Proof, SignInError, set_out};
use url::Url;

/// Seconds until somebody may try again for whom there was no room.
const ROOM_AGAIN_SECONDS: i64 = 60;

/// What came of the wish to sign in at a provider.
pub enum Departure {
    /// The browser goes there. `opened` is the new session of a visit that began with this.
    To { address: Url, opened: Option<(EnrollmentId, String)> },
    /// The provider is not offered here.
    NotOffered,
    /// Not now.
    Not(Outcome),
}

/// Sends a visitor to a provider.
///
/// # Errors
/// If the log cannot be used.
pub async fn depart(enroll: &Enroll, entrance: &Entrance<'_>, name: &str) -> Result<Departure, SignInError> {
    let ways = enroll.settings.current().await?.sign_in.enrollment;
    let Some(provider) = enroll.sign_in.providers.offered(&ways.single_sign_on, name) else {
        return Ok(Departure::NotOffered);
    };
    if !set_out(&enroll.sign_in, Place::Portal, entrance.source) {
        let retry_after = Some(ROOM_AGAIN_SECONDS);
        return Ok(Departure::Not(Outcome::Refused { opened: None, retry_after }));
    }
    let sent = send(&enroll.sign_in, provider, Place::Portal).await;
    let (enrollment, opened) = open(enroll, entrance).await?;
    let sent = match sent {
        Ok(sent) => sent,
        Err(why) => {
            refuse(enroll, entrance, Some(enrollment), provider, &why).await?;
            return Ok(Departure::Not(told(&why, opened)));
        }
    };
    if provider.protocol().is_ok_and(|protocol| protocol.posts_its_answers()) {
        remember(enroll, entrance, enrollment, &sent.request).await?;
    }
    let command = Command::BeginSingleSignOn {
        method: provider.method(),
        provider: provider.name.clone(),
        request: hash(&sent.request),
    };
    match enroll.platform.perform::<Visit>(&enrollment.stream(), &command, &visitor(entrance, enrollment)).await {
        Ok(_) => Ok(Departure::To { address: sent.to, opened }),
        Err(PerformError::Refused(visit::Refusal::OutOfStep(_))) => Ok(Departure::Not(Outcome::OutOfStep)),
        Err(error) => Err(error.into()),
    }
}

/// Takes the answer that a visitor brings back from a provider that speaks OpenID Connect; `None` if no provider of this
/// name is offered.
///
/// # Errors
/// If the log cannot be used.
pub async fn arrive(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
    name: &str,
    back: &Back,
) -> Result<Option<Outcome>, SignInError> {
    let ways = enroll.settings.current().await?.sign_in.enrollment;
    let Some(provider) = enroll.sign_in.providers.offered(&ways.single_sign_on, name) else { return Ok(None) };
    let proven = match expected(enroll, entrance, provider, back).await? {
        Expected::Answer(state) => answered(&enroll.sign_in, provider, Place::Portal, state, back).await,
        Expected::TooLate => {
            let late = unsolicited("the request is older than 15 minutes");
            refuse(enroll, entrance, entrance.visit, provider, &late).await?;
            return Ok(Some(Outcome::TooLate));
        }
        Expected::Nothing(why) => Err(why),
    };
    let (enrollment, account) = match (entrance.visit, proven) {
        (Some(enrollment), Ok(account)) => (enrollment, account),
        (visit, Ok(_)) => return refused(enroll, entrance, visit, provider, &unsolicited("nobody waits for it")).await,
        (visit, Err(why)) => return refused(enroll, entrance, visit, provider, &why).await,
    };
    enroll.sign_in.came_back(Place::Portal, entrance.source);
    let proof = Proof { method: provider.method(), account, local: None };
    admit(enroll, entrance, enrollment, &proof).await.map(Some)
}

/// What a browser waits for.
enum Expected<'a> {
    /// The value that came back.
    Answer(&'a str),
    TooLate,
    Nothing(Disbelief),
}

// The value that came back, if this browser's visit waits for exactly that, from this provider, and not for too long.
async fn expected<'a>(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
    provider: &IdentityProvider,
    back: &'a Back,
) -> Result<Expected<'a>, SignInError> {
    let nothing = |why: &str| Ok(Expected::Nothing(unsolicited(why)));
    let Some(enrollment) = entrance.visit else {
        return nothing("the browser has no visit: it did not begin here, or its cookie is gone");
    };
    let Some(state) = back.state.as_deref() else {
        return nothing("the answer holds no state");
    };
    let (visit, request) = (enroll.platform.visit(enrollment).await?, hash(state));
    let waits = visit.single_sign_on.is_some_and(|waiting| {
        let same_request = same(waiting.request.0.as_bytes(), request.0.as_bytes());
        same_request && waiting.provider == provider.name && waiting.method == provider.method()
    });
    if !waits {
        return nothing("the visit waits for no answer, or for another one");
    }
    let recent = is_recent(enroll, enrollment, &request).await?;
    Ok(if recent { Expected::Answer(state) } else { Expected::TooLate })
}

async fn refused(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
    enrollment: Option<EnrollmentId>,
    provider: &IdentityProvider,
    why: &Disbelief,
) -> Result<Option<Outcome>, SignInError> {
    refuse(enroll, entrance, enrollment, provider, why).await?;
    Ok(Some(told(why, None)))
}
