//! Single sign-on at the portal: sends a visitor to an identity provider and reads the provider's answer.

mod posted;
mod refusal;
mod request;

pub use posted::{Posted, return_from_post, take};

use crate::Enroll;
use crate::admit::admit;
use crate::entrance::{Entered, Entrance, SignInOutcome, open, visitor};
use decisions::enrollment::{self, Command, Enrollment};
use events::enrollment::EnrollmentId;
use identity::Disbelief;
use platform::PerformError;
use platform::secrets::{hash, same};
use refusal::{outcome_of, refuse};
use request::{is_recent, remember};
use sign_in::redirect::{self, Back, IdentityProvider, Place, unsolicited};
use sign_in::{Proof, SignInError, set_out};
use url::Url;

/// Seconds until a visitor may try again after the rate limit was reached.
const ROOM_AGAIN_SECONDS: i64 = 60;

/// Result of starting single sign-on.
pub enum BeginOutcome {
    /// The browser is redirected to `address`. `opened`: id and session secret, if this request opened the enrollment.
    To { address: Url, opened: Option<(EnrollmentId, String)> },
    /// The settings do not enable this provider for enrollment.
    NotOffered,
    /// Single sign-on cannot start.
    Not(SignInOutcome),
}

/// Sends a visitor to the identity provider `name`.
///
/// # Errors
/// Returns an error if the log cannot be read or written.
pub async fn begin(enroll: &Enroll, entrance: &Entrance<'_>, name: &str) -> Result<BeginOutcome, SignInError> {
    let ways = enroll.settings.current().await?.sign_in.enrollment;
    let Some(provider) = enroll.sign_in.providers.offered(&ways.single_sign_on, name) else {
        return Ok(BeginOutcome::NotOffered);
    };
    if !set_out(&enroll.sign_in, Place::Portal, entrance.source) {
        let retry_after = Some(ROOM_AGAIN_SECONDS);
        return Ok(BeginOutcome::Not(SignInOutcome::Refused { opened: None, retry_after }));
    }
    let begun = redirect::begin(&enroll.sign_in, provider, Place::Portal).await;
    let (id, opened) = open(enroll, entrance).await?;
    let begun = match begun {
        Ok(begun) => begun,
        Err(why) => {
            refuse(enroll, entrance, Some(id), provider, &why).await?;
            return Ok(BeginOutcome::Not(outcome_of(&why, opened)));
        }
    };
    if provider.protocol().is_ok_and(|protocol| protocol.post_field().is_some()) {
        remember(enroll, entrance, id, &begun.request).await?;
    }
    let command = Command::BeginSingleSignOn {
        method: provider.method(),
        provider: provider.name.clone(),
        request: hash(&begun.request),
    };
    match enroll.platform.perform::<Enrollment>(&id.stream(), &command, &visitor(entrance, id)).await {
        Ok(_) => Ok(BeginOutcome::To { address: begun.to, opened }),
        Err(PerformError::Refused(enrollment::Refusal::OutOfStep(_))) => {
            Ok(BeginOutcome::Not(SignInOutcome::OutOfStep))
        }
        Err(error) => Err(error.into()),
    }
}

/// Reads the answer of an OpenID Connect provider, which arrives in the query of the redirect. `None` if the settings
/// enable no provider with this name.
///
/// # Errors
/// Returns an error if the log cannot be read or written.
pub async fn finish(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
    name: &str,
    back: &Back,
) -> Result<Option<SignInOutcome>, SignInError> {
    let ways = enroll.settings.current().await?.sign_in.enrollment;
    let Some(provider) = enroll.sign_in.providers.offered(&ways.single_sign_on, name) else { return Ok(None) };
    let proven = match expected(enroll, entrance, provider, back).await? {
        Expected::Answer(state) => redirect::finish(&enroll.sign_in, provider, Place::Portal, state, back).await,
        Expected::TooLate => {
            let late = unsolicited("the request is older than 15 minutes");
            refuse(enroll, entrance, entrance.enrollment, provider, &late).await?;
            return Ok(Some(SignInOutcome::TooLate));
        }
        Expected::Nothing(why) => Err(why),
    };
    let (id, account) = match (entrance.enrollment, proven) {
        (Some(id), Ok(account)) => (id, account),
        (enrollment, Ok(_)) => {
            return refused(enroll, entrance, enrollment, provider, &unsolicited("no enrollment waits")).await;
        }
        (enrollment, Err(why)) => return refused(enroll, entrance, enrollment, provider, &why).await,
    };
    enroll.sign_in.came_back(Place::Portal, entrance.source);
    let proof = Proof { method: provider.method(), account, local: None };
    admit(enroll, entrance, Entered::known(id), &proof).await.map(Some)
}

/// Whether an enrollment waits for an answer.
enum Expected<'a> {
    /// It waits for this answer. Contains the `state` of the answer.
    Answer(&'a str),
    /// The request is too old.
    TooLate,
    /// It does not wait for this answer.
    Nothing(Disbelief),
}

// Checks that the enrollment of this browser waits for this answer from this provider, and that the request is recent.
async fn expected<'a>(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
    provider: &IdentityProvider,
    back: &'a Back,
) -> Result<Expected<'a>, SignInError> {
    let nothing = |why: &str| Ok(Expected::Nothing(unsolicited(why)));
    let Some(id) = entrance.enrollment else {
        return nothing("the browser has no enrollment: it did not start single sign-on here, or it sent no cookie");
    };
    let Some(state) = back.state.as_deref() else {
        return nothing("the answer contains no state");
    };
    let (enrollment, request) = (enroll.platform.enrollment(id).await?, hash(state));
    let waits = enrollment.single_sign_on.as_ref().is_some_and(|waiting| {
        let same_request = same(waiting.request.0.as_bytes(), request.0.as_bytes());
        same_request && waiting.provider == provider.name && waiting.method == provider.method()
    });
    if !waits {
        return nothing("the enrollment waits for no answer or for another one");
    }
    let recent = is_recent(enroll, id, &request).await?;
    Ok(if recent { Expected::Answer(state) } else { Expected::TooLate })
}

async fn refused(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
    id: Option<EnrollmentId>,
    provider: &IdentityProvider,
    why: &Disbelief,
) -> Result<Option<SignInOutcome>, SignInError> {
    refuse(enroll, entrance, id, provider, why).await?;
    Ok(Some(outcome_of(why, None)))
}
