//! Answers of a provider that speaks SAML: posted from its site, so without a cookie of ours, and found by the request that
//! they answer. What is proven waits in the visit for the browser that began it, which comes by one more hop. There it
//! shows two things: the cookie that it began with, and the ticket that whoever posted the answer was given. So whoever
//! holds the answer alone is let in nowhere; and whoever began is not let in by an answer that somebody else's browser
//! posted, which a link with their request would bring about.
//!
//! An assertion opens one door once, on every node and after any restart: its name is reserved in the log.

use super::Place;
use super::flow::unsolicited;
use super::portal::{is_recent, refuse};
use super::providers::{IdentityProvider, Protocol};
use crate::app::context::Context;
use crate::app::secrets::hash;
use crate::app::sign_in::{Entrance, Outcome, Proof, SignInError, admit, attributes, open, visitor};
use crate::app::{App, PerformError};
use decisions::visit::{self, Command, SingleSignOn, Visit};
use events::enrollment::{EnrollmentId, SecretHash, SignInMethodName};
use events::envelope::EventId;
use events::envelope::{Actor, ActorKind};
use events::log::Draft;
use events::person::ProvenAccount;
use events::store::{AppendError, Expected};
use events::system::{AssertionEvent, RequestEvent};
use events::{Event, Personal, StreamName};
use identity::saml::{Refused, Verified};
use identity::{Account, Disbelief, Fault};

pub use identity::saml::LARGEST;

/// What came of an answer that was posted to the portal.
pub enum Posted {
    /// The browser goes on to where its cookie is seen; there it is told what came of it. `ticket`: for the browser that
    /// posted an answer that is believed.
    GoOn { ticket: Option<String> },
    /// It answers no request, and such answers are allowed: in, in a visit of its own.
    In(Outcome),
}

/// Our metadata document for the provider of this name; `None` if there is none that speaks SAML. `place`: with the address of
/// that place alone.
pub fn metadata(app: &App, name: &str, place: Option<Place>) -> Option<String> {
    match app.identity_providers.find(name)?.protocol().ok()? {
        Protocol::Saml(saml) => Some(match place {
            None => saml.metadata(&[saml.portal_consumer(), saml.console_consumer()]),
            Some(Place::Portal) => saml.metadata(&[saml.portal_consumer()]),
            Some(Place::Console) => saml.metadata(&[saml.console_consumer()]),
        }),
        Protocol::OpenIdConnect(_) => None,
    }
}

/// Takes an answer that was posted to the portal; `None` if no provider of this name is offered.
///
/// # Errors
/// If the log cannot be used.
pub async fn take(app: &App, entrance: &Entrance<'_>, name: &str, field: &str) -> Result<Option<Posted>, SignInError> {
    let ways = app.settings().await?.sign_in.enrollment;
    let Some(provider) = app.identity_providers.offered(&ways.single_sign_on, name) else { return Ok(None) };
    let saml = match provider.protocol() {
        Ok(Protocol::Saml(saml)) => saml,
        Ok(Protocol::OpenIdConnect(_)) => return Ok(None),
        Err(why) => {
            refuse(app, entrance, None, provider, &why).await?;
            return Ok(Some(Posted::In(Outcome::NotNow { opened: None })));
        }
    };
    match saml.verify(field, saml.portal_consumer(), app.world.now()) {
        Ok(verified) => believed(app, entrance, provider, verified).await.map(Some),
        Err(Refused { disbelief, in_response_to }) => {
            let waiting = match &in_response_to {
                Some(request) => waiting(app, provider, request).await?,
                None => None,
            };
            refuse(app, entrance, waiting, provider, &disbelief).await?;
            Ok(Some(Posted::GoOn { ticket: None }))
        }
    }
}

async fn believed(
    app: &App,
    entrance: &Entrance<'_>,
    provider: &IdentityProvider,
    verified: Verified,
) -> Result<Posted, SignInError> {
    if !reserve(app, provider, &verified).await? {
        // The visit that the first one opened is left alone: browsers post again when a page is loaded again.
        let replayed = Disbelief::new(Fault::Replayed, "the assertion was seen before");
        refuse(app, entrance, None, provider, &replayed).await?;
        return Ok(Posted::GoOn { ticket: None });
    }
    let Some(request) = verified.in_response_to else {
        let (enrollment, _) = open(app, &Entrance { visit: None, link: None, ..*entrance }).await?;
        // The visit must know at which provider: whether that is still offered is asked with every request. What must come back
        // is a secret that nobody is told.
        let begin = Command::BeginSingleSignOn {
            method: SignInMethodName::Saml,
            provider: provider.name.clone(),
            request: hash(&app.world.secret()),
        };
        app.perform::<Visit>(&enrollment.stream(), &begin, &visitor(entrance, enrollment)).await?;
        let proof = Proof { method: SignInMethodName::Saml, account: verified.account, local: None };
        return admit(app, entrance, enrollment, &proof).await.map(Posted::In);
    };
    let Some(enrollment) = waiting(app, provider, &request).await? else {
        let nobody =
            unsolicited("no visit waits for this answer: its request is unknown, answered, or older than 15 minutes");
        refuse(app, entrance, None, provider, &nobody).await?;
        return Ok(Posted::GoOn { ticket: None });
    };
    let account = Personal::new(enrollment.visit_key(), kept(verified.account));
    let request = hash(&request);
    let command = Command::ProveSingleSignOn { request: request.clone(), account };
    match app.perform::<Visit>(&enrollment.stream(), &command, &visitor(entrance, enrollment)).await {
        // Out of step, or begun anew meanwhile: the browser is shown where it stands.
        Ok(_) => Ok(Posted::GoOn { ticket: Some(ticket(app, &request)) }),
        Err(PerformError::Refused(visit::Refusal::OutOfStep(_) | visit::Refusal::UnknownRequest)) => {
            Ok(Posted::GoOn { ticket: None })
        }
        Err(error) => Err(error.into()),
    }
}

// For the browser that posted the answer to this request: derived, so that it need not be kept anywhere.
pub(super) fn ticket(app: &App, request: &SecretHash) -> String {
    app.secrets.tag("single-sign-on-answer", &[&request.0])
}

pub(super) fn is_ticket(app: &App, ticket: Option<&str>, request: &SecretHash) -> bool {
    ticket.is_some_and(|ticket| app.secrets.is_tag(ticket, "single-sign-on-answer", &[&request.0]))
}

/// The browser that began comes back from its post, with the ticket that it was given there; `None` if no provider of this
/// name is offered.
///
/// # Errors
/// If the log cannot be used.
pub async fn return_from_post(
    app: &App,
    entrance: &Entrance<'_>,
    name: &str,
    ticket: Option<&str>,
) -> Result<Option<Outcome>, SignInError> {
    let ways = app.settings().await?.sign_in.enrollment;
    let Some(provider) = app.identity_providers.offered(&ways.single_sign_on, name) else { return Ok(None) };
    // What was wrong with the answer was written down when it was posted.
    let not_in = Ok(Some(Outcome::Refused { opened: None, retry_after: None }));
    let Some(enrollment) = entrance.visit else { return not_in };
    let visit = app.visit(enrollment).await?;
    if !visit.awaits_sign_in() {
        return Ok(Some(Outcome::OutOfStep));
    }
    let Some(state) = visit.single_sign_on.filter(|state| state.provider == provider.name) else { return not_in };
    if !is_recent(app, enrollment, &state.request).await? {
        return Ok(Some(Outcome::TooLate));
    }
    if !is_ticket(app, ticket, &state.request) {
        return not_in;
    }
    let Some(proven) = state.proven.as_ref().and_then(Personal::get) else { return not_in };
    app.sign_in.departures.came_back(Place::Portal, entrance.source);
    let proof = Proof { method: provider.method(), account: account(&provider.name, proven), local: None };
    admit(app, entrance, enrollment, &proof).await.map(Some)
}

/// Makes the request lead to the visit that waits for its answer.
///
/// # Errors
/// If the log cannot be used.
pub(super) async fn remember(
    app: &App,
    entrance: &Entrance<'_>,
    enrollment: EnrollmentId,
    request: &str,
) -> Result<(), AppendError> {
    let event = RequestEvent::SingleSignOnRequested { enrollment };
    let stream = StreamName::of("request", app.secrets.name("request", &[request]));
    write(app, &stream, visitor(entrance, enrollment), event.into()).await
}

// The visit that waits for the answer to this request, from this provider, and not for too long.
async fn waiting(app: &App, provider: &IdentityProvider, request: &str) -> Result<Option<EnrollmentId>, SignInError> {
    let stream = StreamName::of("request", app.secrets.name("request", &[request]));
    let entries = app.log.read(&stream).await?;
    let Some(Event::Request(RequestEvent::SingleSignOnRequested { enrollment })) =
        entries.first().map(|entry| &entry.event)
    else {
        return Ok(None);
    };
    let (visit, request) = (app.visit(*enrollment).await?, hash(request));
    let waits = |state: SingleSignOn| {
        let same = state.request == request && state.provider == provider.name && state.method == provider.method();
        same && state.proven.is_none()
    };
    let waits = visit.awaits_sign_in() && visit.single_sign_on.is_some_and(waits);
    Ok((waits && is_recent(app, *enrollment, &request).await?).then_some(*enrollment))
}

/// Whether the assertion is seen for the first time; from now on it is not.
///
/// # Errors
/// If the log cannot be used.
pub(super) async fn reserve(app: &App, provider: &IdentityProvider, verified: &Verified) -> Result<bool, AppendError> {
    let name = app.secrets.name("assertion", &[&verified.issuer, &verified.assertion_id]);
    let event = AssertionEvent::AssertionUsed { provider: provider.name.clone() };
    let context = Context::of(Actor::new(ActorKind::System, "sign-in"), None, app.world.uuid());
    match write(app, &StreamName::of("assertion", name), context, event.into()).await {
        Ok(()) => Ok(true),
        Err(AppendError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

// The first and only event of a stream.
async fn write(app: &App, stream: &StreamName, context: Context, event: Event) -> Result<(), AppendError> {
    let draft = Draft {
        id: EventId::fresh(&app.world),
        at: app.world.now(),
        actor: context.actor,
        source: context.source,
        correlation: context.correlation,
        causation: None,
        event,
    };
    match app.log.append(stream, Expected::NoStream, vec![draft.clone()]).await {
        // With the same id it is written once in either case.
        Err(AppendError::Unknown(_)) => app.log.append(stream, Expected::NoStream, vec![draft]).await.map(drop),
        other => other.map(drop),
    }
}

fn kept(account: Account) -> ProvenAccount {
    let Account {
        provider: _,
        issuer,
        subject,
        user_name,
        display_name,
        mail,
        managed_apple_id,
        groups,
        claims,
        untold,
    } = account;
    let untold = attributes::untold(&untold);
    ProvenAccount { issuer, subject, user_name, display_name, mail, managed_apple_id, groups, claims, untold }
}

fn account(provider: &str, proven: &ProvenAccount) -> Account {
    let ProvenAccount { issuer, subject, user_name, display_name, mail, managed_apple_id, groups, claims, untold } =
        proven.clone();
    let (provider, untold) = (provider.to_owned(), attributes::untold_of(&untold));
    Account { provider, issuer, subject, user_name, display_name, mail, managed_apple_id, groups, claims, untold }
}
