//! Somebody of the staff goes to a provider and comes back. They have no visit: what was known before waits in a row beside
//! the sessions, under a cookie of its own.

use super::Place;
use super::fault::recorded;
use super::flow::{Back, alarm, answered, send, unsolicited};
use super::providers::{IdentityProvider, Protocol};
use super::saml::{is_ticket, reserve, ticket};
use crate::app::App;
use crate::app::secrets::{hash, same};
use crate::app::sign_in::refusals::{granted, record, set_out};
use crate::app::sign_in::{Proof, SignInError};
use crate::app::staff_sessions::{Flow, SessionError};
use events::enrollment::SecretHash;
use events::system::RefusalEvent;
use identity::saml::{Refused, Verified};
use identity::{Account, Disbelief, Fault, Unavailable};
use std::net::IpAddr;
use url::Url;

/// What came of the wish to sign in at a provider.
pub enum StaffDeparture {
    /// The browser goes there, with the secret in a cookie of its own.
    To { address: Url, secret: String },
    /// The provider is not offered here.
    NotOffered,
    /// The provider cannot be asked, or there is no room at the moment.
    NotNow,
}

/// Who came back.
pub enum StaffArrival {
    Proven {
        proof: Box<Proof>,
        /// The page of the console to go on to.
        next: String,
    },
    /// `next`: as above, where the browser is one that asked; for the next try.
    Refused { next: String },
}

/// Sends somebody to a provider.
///
/// # Errors
/// If log or sessions cannot be used.
pub async fn depart(app: &App, name: &str, next: &str, source: IpAddr) -> Result<StaffDeparture, SignInError> {
    let ways = app.settings().await?.sign_in.staff;
    let Some(provider) = app.identity_providers.offered(&ways.single_sign_on, name) else {
        return Ok(StaffDeparture::NotOffered);
    };
    if !set_out(app, Place::Console, source) {
        return Ok(StaffDeparture::NotNow);
    }
    match send(app, provider, Place::Console).await {
        Ok(sent) => {
            let begun = app.staff_sessions.begin_flow(&app.world, name, hash(&sent.request), next).await;
            Ok(StaffDeparture::To { address: sent.to, secret: begun.map_err(unusable)? })
        }
        Err(why) => {
            refuse(app, provider, &why, source).await?;
            Ok(StaffDeparture::NotNow)
        }
    }
}

/// Takes the answer that a browser brings back from a provider that speaks OpenID Connect; `secret` is what its cookie
/// holds. `None` if no provider of this name is offered.
///
/// # Errors
/// If log or sessions cannot be used.
pub async fn arrive(
    app: &App,
    name: &str,
    secret: Option<&str>,
    back: &Back,
    source: IpAddr,
) -> Result<Option<StaffArrival>, SignInError> {
    let ways = app.settings().await?.sign_in.staff;
    let Some(provider) = app.identity_providers.offered(&ways.single_sign_on, name) else { return Ok(None) };
    let Some((state, flow)) = expected(app, provider, secret, back).await? else {
        let nobody = unsolicited("the browser waits for no answer, for another one, or has waited for 15 minutes");
        refuse(app, provider, &nobody, source).await?;
        return Ok(Some(StaffArrival::Refused { next: String::new() }));
    };
    match answered(app, provider, Place::Console, state, back).await {
        Ok(account) => {
            app.sign_in.departures.came_back(Place::Console, source);
            Ok(Some(proven(provider, account, flow.next)))
        }
        Err(why) => {
            refuse(app, provider, &why, source).await?;
            Ok(Some(StaffArrival::Refused { next: flow.next }))
        }
    }
}

// The value that came back, if this browser waits for exactly that; then it waits no more. What it does not wait for ends
// no waiting: else a link could.
async fn expected<'a>(
    app: &App,
    provider: &IdentityProvider,
    secret: Option<&str>,
    back: &'a Back,
) -> Result<Option<(&'a str, Flow)>, SignInError> {
    let (Some(secret), Some(state)) = (secret, back.state.as_deref()) else { return Ok(None) };
    let waiting = app.staff_sessions.flow(app.world.now(), secret).await.map_err(unusable)?;
    let waits =
        |flow: &Flow| flow.provider == provider.name && same(flow.request.0.as_bytes(), hash(state).0.as_bytes());
    if !waiting.is_some_and(|flow| waits(&flow)) {
        return Ok(None);
    }
    let taken = app.staff_sessions.take_flow(app.world.now(), secret).await.map_err(unusable)?;
    Ok(taken.filter(waits).map(|flow| (state, flow)))
}

/// An answer was posted. `ticket`: for the browser that posted one that is believed; it is asked for at the hop after
/// that.
pub struct StaffPosted {
    pub ticket: Option<String>,
}

/// Takes an answer that was posted by a provider that speaks SAML: without a cookie, so that it waits for the browser
/// that asked for it. `None` if no provider of this name is offered. An answer that nobody asked for is never taken here.
///
/// # Errors
/// If log or sessions cannot be used.
pub async fn take(app: &App, name: &str, field: &str, source: IpAddr) -> Result<Option<StaffPosted>, SignInError> {
    let ways = app.settings().await?.sign_in.staff;
    let Some(provider) = app.identity_providers.offered(&ways.single_sign_on, name) else { return Ok(None) };
    let saml = match provider.protocol() {
        Ok(Protocol::Saml(saml)) => saml,
        Ok(Protocol::OpenIdConnect(_)) => return Ok(None),
        Err(why) => {
            refuse(app, provider, &why, source).await?;
            return Ok(Some(StaffPosted { ticket: None }));
        }
    };
    let outcome = match saml.verify(field, saml.console_consumer(), app.world.now()) {
        Ok(verified) => keep(app, provider, verified).await?,
        Err(Refused { disbelief, .. }) => Err(disbelief),
    };
    let ticket = match outcome {
        Ok(request) => Some(ticket(app, &request)),
        Err(why) => {
            refuse(app, provider, &why, source).await?;
            None
        }
    };
    Ok(Some(StaffPosted { ticket }))
}

async fn keep(
    app: &App,
    provider: &IdentityProvider,
    verified: Verified,
) -> Result<Result<SecretHash, Disbelief>, SignInError> {
    if !reserve(app, provider, &verified).await? {
        return Ok(Err(Disbelief::new(Fault::Replayed, "the assertion was seen before")));
    }
    let Some(request) = verified.in_response_to else {
        return Ok(Err(unsolicited("nobody asked for it, and staff are let in by what they asked for alone")));
    };
    let request = hash(&request);
    let kept = app.staff_sessions.prove_flow(app.world.now(), &request, &verified.account).await;
    let nobody = || unsolicited("nobody waits for this answer: its request is unknown, answered, or too old");
    Ok(kept.map_err(unusable)?.then_some(request).ok_or_else(nobody))
}

/// The browser that began comes back from its post, with its cookie and the ticket that it was given there. `None` if no
/// provider of this name is offered.
///
/// # Errors
/// If log or sessions cannot be used.
pub async fn return_from_post(
    app: &App,
    name: &str,
    secret: Option<&str>,
    ticket: Option<&str>,
) -> Result<Option<StaffArrival>, SignInError> {
    let ways = app.settings().await?.sign_in.staff;
    let Some(provider) = app.identity_providers.offered(&ways.single_sign_on, name) else { return Ok(None) };
    let taken = match secret {
        Some(secret) => app.staff_sessions.take_flow(app.world.now(), secret).await.map_err(unusable)?,
        None => None,
    };
    // What was wrong with the answer was written down when it was posted.
    let posted_here = |flow: &Flow| flow.provider == provider.name && is_ticket(app, ticket, &flow.request);
    let wanted = taken.as_ref().map(|flow| flow.next.clone()).unwrap_or_default();
    Ok(Some(match taken.filter(posted_here) {
        // Another provider's word does not count, though it may have been told the request.
        Some(Flow { account: Some(account), next, .. }) if account.provider == provider.name => {
            proven(provider, account, next)
        }
        // Why an answer was not believed is told when it is posted; that none waits is not.
        _ => {
            let why = "no answer waits for the browser: none was believed, or it came after 15 minutes";
            tracing::warn!(provider = provider.name, why, "single sign-on of staff was refused");
            StaffArrival::Refused { next: wanted }
        }
    }))
}

fn proven(provider: &IdentityProvider, account: Account, next: String) -> StaffArrival {
    StaffArrival::Proven { proof: Box::new(Proof { method: provider.method(), account, local: None }), next }
}

async fn refuse(app: &App, provider: &IdentityProvider, why: &Disbelief, source: IpAddr) -> Result<(), SignInError> {
    tracing::warn!(provider = provider.name, fault = ?why.fault, %why, "single sign-on of staff was refused");
    alarm(app, why);
    if granted(app, source) {
        let event = RefusalEvent::ResponseRefused { provider: provider.name.clone(), why: recorded(why.fault) };
        record(app, event, Some(source)).await?;
    }
    Ok(())
}

fn unusable(error: SessionError) -> SignInError {
    SignInError::Unavailable(Unavailable(error.to_string()))
}
