//! A visitor of the portal goes to a provider and comes back.

use super::Place;
use super::fault::recorded;
use super::flow::{Back, REQUEST_SECONDS, alarm, answered, send, unsolicited};
use super::providers::IdentityProvider;
use super::saml::remember;
use crate::app::secrets::{hash, same};
use crate::app::sign_in::refusals::{granted, record, set_out};
use crate::app::sign_in::{Entrance, Outcome, Proof, SignInError, admit, open, visitor};
use crate::app::{App, PerformError};
use decisions::visit::{self, Command, Visit};
use events::Event;
use events::enrollment::{EnrollmentEvent, EnrollmentId, SecretHash, SignInMethodName, help_code};
use events::system::RefusalEvent;
use identity::{Disbelief, Fault};
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
pub async fn depart(app: &App, entrance: &Entrance<'_>, name: &str) -> Result<Departure, SignInError> {
    let ways = app.settings().await?.sign_in.enrollment;
    let Some(provider) = app.identity_providers.offered(&ways.single_sign_on, name) else {
        return Ok(Departure::NotOffered);
    };
    if !set_out(app, Place::Portal, entrance.source) {
        let retry_after = Some(ROOM_AGAIN_SECONDS);
        return Ok(Departure::Not(Outcome::Refused { opened: None, retry_after }));
    }
    let sent = send(app, provider, Place::Portal).await;
    let (enrollment, opened) = open(app, entrance).await?;
    let sent = match sent {
        Ok(sent) => sent,
        Err(why) => {
            refuse(app, entrance, Some(enrollment), provider, &why).await?;
            return Ok(Departure::Not(told(&why, opened)));
        }
    };
    if provider.method() == SignInMethodName::Saml {
        remember(app, entrance, enrollment, &sent.request).await?;
    }
    let command = Command::BeginSingleSignOn {
        method: provider.method(),
        provider: provider.name.clone(),
        request: hash(&sent.request),
    };
    match app.perform::<Visit>(&enrollment.stream(), &command, &visitor(entrance, enrollment)).await {
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
    app: &App,
    entrance: &Entrance<'_>,
    name: &str,
    back: &Back,
) -> Result<Option<Outcome>, SignInError> {
    let ways = app.settings().await?.sign_in.enrollment;
    let Some(provider) = app.identity_providers.offered(&ways.single_sign_on, name) else { return Ok(None) };
    let proven = match expected(app, entrance, provider, back).await? {
        Expected::Answer(state) => answered(app, provider, Place::Portal, state, back).await,
        Expected::TooLate => {
            let late = unsolicited("the request is older than 15 minutes");
            refuse(app, entrance, entrance.visit, provider, &late).await?;
            return Ok(Some(Outcome::TooLate));
        }
        Expected::Nothing(why) => Err(why),
    };
    let (enrollment, account) = match (entrance.visit, proven) {
        (Some(enrollment), Ok(account)) => (enrollment, account),
        (visit, Ok(_)) => return refused(app, entrance, visit, provider, &unsolicited("nobody waits for it")).await,
        (visit, Err(why)) => return refused(app, entrance, visit, provider, &why).await,
    };
    app.sign_in.departures.came_back(Place::Portal, entrance.source);
    let proof = Proof { method: provider.method(), account, local: None };
    admit(app, entrance, enrollment, &proof).await.map(Some)
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
    app: &App,
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
    let (visit, request) = (app.visit(enrollment).await?, hash(state));
    let waits = visit.single_sign_on.is_some_and(|waiting| {
        let same_request = same(waiting.request.0.as_bytes(), request.0.as_bytes());
        same_request && waiting.provider == provider.name && waiting.method == provider.method()
    });
    if !waits {
        return nothing("the visit waits for no answer, or for another one");
    }
    let recent = is_recent(app, enrollment, &request).await?;
    Ok(if recent { Expected::Answer(state) } else { Expected::TooLate })
}

// When it began is what the log says.
pub(super) async fn is_recent(app: &App, enrollment: EnrollmentId, request: &SecretHash) -> Result<bool, SignInError> {
    let entries = app.log.read(&enrollment.stream()).await?;
    let begun = entries.iter().rev().find(|entry| {
        let event = &entry.event;
        matches!(event, Event::Enrollment(EnrollmentEvent::SingleSignOnBegun { request: begun, .. }) if begun == request)
    });
    Ok(begun.is_some_and(|begun| app.world.now().seconds_since(begun.at) <= REQUEST_SECONDS))
}

async fn refused(
    app: &App,
    entrance: &Entrance<'_>,
    enrollment: Option<EnrollmentId>,
    provider: &IdentityProvider,
    why: &Disbelief,
) -> Result<Option<Outcome>, SignInError> {
    refuse(app, entrance, enrollment, provider, why).await?;
    Ok(Some(told(why, None)))
}

// That a provider cannot be asked is nobody's fault who stands before it, and they are told so. Nothing else is.
fn told(why: &Disbelief, opened: Option<(EnrollmentId, String)>) -> Outcome {
    match why.fault {
        Fault::ProviderUnavailable => Outcome::NotNow { opened },
        _ => Outcome::Refused { opened, retry_after: None },
    }
}

// The administrator reads the detail in the server's log, found by the help code; the event says which kind it is.
pub(super) async fn refuse(
    app: &App,
    entrance: &Entrance<'_>,
    enrollment: Option<EnrollmentId>,
    provider: &IdentityProvider,
    why: &Disbelief,
) -> Result<(), SignInError> {
    let code = enrollment.map(help_code);
    tracing::warn!(provider = provider.name, help.code = code, fault = ?why.fault, %why, "single sign-on was refused");
    alarm(app, why);
    if !granted(app, entrance.source) {
        return Ok(());
    }
    let (name, fault) = (provider.name.clone(), recorded(why.fault));
    let Some(enrollment) = enrollment else {
        let event = RefusalEvent::ResponseRefused { provider: name, why: fault };
        return Ok(record(app, event, Some(entrance.source)).await?);
    };
    let command = Command::RefuseSingleSignOn { method: provider.method(), provider: name, why: fault };
    match app.perform::<Visit>(&enrollment.stream(), &command, &visitor(entrance, enrollment)).await {
        Ok(_) | Err(PerformError::Refused(visit::Refusal::OutOfStep(_))) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
