//! Somebody of the staff goes to a provider and comes back. They have no visit: what was known before waits in a row beside
//! the sessions, under a cookie of its own.

use crate::Staff;
use events::enrollment::SecretHash;
use events::system::RefusalEvent;
use identity::redirect::{PostRefused, PostedAnswer};
use identity::{Account, Disbelief, Fault, Unavailable};
use platform::secrets::{hash, same};
use sign_in::redirect::assertion::{is_ticket, reserve, ticket};
use sign_in::redirect::{Back, IdentityProvider, Place, alarm, answered, recorded, send, unsolicited};
use sign_in::staff_sessions::{Flow, SessionError};
use sign_in::{Proof, SignInError, granted, record, set_out};
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
pub async fn depart(service: &Staff, name: &str, next: &str, source: IpAddr) -> Result<StaffDeparture, SignInError> {
    let ways = service.settings.current().await?.sign_in.staff;
    let Some(provider) = service.sign_in.providers.offered(&ways.single_sign_on, name) else {
        return Ok(StaffDeparture::NotOffered);
    };
    if !set_out(&service.sign_in, Place::Console, source) {
        return Ok(StaffDeparture::NotNow);
    }
    match send(&service.sign_in, provider, Place::Console).await {
        Ok(sent) => {
            let begun = service
                .sign_in
                .staff_sessions
                .begin_flow(&service.platform.world, name, hash(&sent.request), next)
                .await;
            Ok(StaffDeparture::To { address: sent.to, secret: begun.map_err(unusable)? })
        }
        Err(why) => {
            refuse(service, provider, &why, source).await?;
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
    service: &Staff,
    name: &str,
    secret: Option<&str>,
    back: &Back,
    source: IpAddr,
) -> Result<Option<StaffArrival>, SignInError> {
    let ways = service.settings.current().await?.sign_in.staff;
    let Some(provider) = service.sign_in.providers.offered(&ways.single_sign_on, name) else { return Ok(None) };
    let Some((state, flow)) = expected(service, provider, secret, back).await? else {
        let nobody = unsolicited("the browser waits for no answer, for another one, or has waited for 15 minutes");
        refuse(service, provider, &nobody, source).await?;
        return Ok(Some(StaffArrival::Refused { next: String::new() }));
    };
    match answered(&service.sign_in, provider, Place::Console, state, back).await {
        Ok(account) => {
            service.sign_in.came_back(Place::Console, source);
            Ok(Some(proven(provider, account, flow.next)))
        }
        Err(why) => {
            refuse(service, provider, &why, source).await?;
            Ok(Some(StaffArrival::Refused { next: flow.next }))
        }
    }
}

// The value that came back, if this browser waits for exactly that; then it waits no more. What it does not wait for ends
// no waiting: else a link could.
async fn expected<'a>(
    service: &Staff,
    provider: &IdentityProvider,
    secret: Option<&str>,
    back: &'a Back,
) -> Result<Option<(&'a str, Flow)>, SignInError> {
    let (Some(secret), Some(state)) = (secret, back.state.as_deref()) else { return Ok(None) };
    let waiting = service.sign_in.staff_sessions.flow(service.platform.world.now(), secret).await.map_err(unusable)?;
    let waits =
        |flow: &Flow| flow.provider == provider.name && same(flow.request.0.as_bytes(), hash(state).0.as_bytes());
    if !waiting.is_some_and(|flow| waits(&flow)) {
        return Ok(None);
    }
    let taken =
        service.sign_in.staff_sessions.take_flow(service.platform.world.now(), secret).await.map_err(unusable)?;
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
pub async fn take(
    service: &Staff,
    name: &str,
    field: &str,
    source: IpAddr,
) -> Result<Option<StaffPosted>, SignInError> {
    let ways = service.settings.current().await?.sign_in.staff;
    let Some(provider) = service.sign_in.providers.offered(&ways.single_sign_on, name) else { return Ok(None) };
    let protocol = match provider.protocol() {
        Ok(protocol) => protocol,
        Err(why) => {
            refuse(service, provider, &why, source).await?;
            return Ok(Some(StaffPosted { ticket: None }));
        }
    };
    let outcome = match protocol.read_post(Place::Console, field, service.platform.world.now()) {
        None => return Ok(None),
        Some(Ok(answer)) => keep(service, provider, answer).await?,
        Some(Err(PostRefused { disbelief, .. })) => Err(disbelief),
    };
    let ticket = match outcome {
        Ok(request) => Some(ticket(&service.sign_in, &request)),
        Err(why) => {
            refuse(service, provider, &why, source).await?;
            None
        }
    };
    Ok(Some(StaffPosted { ticket }))
}

async fn keep(
    service: &Staff,
    provider: &IdentityProvider,
    answer: PostedAnswer,
) -> Result<Result<SecretHash, Disbelief>, SignInError> {
    if !reserve(&service.sign_in, provider, &answer).await? {
        return Ok(Err(Disbelief::new(Fault::Replayed, "the assertion was seen before")));
    }
    let Some(request) = answer.in_response_to else {
        return Ok(Err(unsolicited("nobody asked for it, and staff are let in by what they asked for alone")));
    };
    let request = hash(&request);
    let kept = service.sign_in.staff_sessions.prove_flow(service.platform.world.now(), &request, &answer.account).await;
    let nobody = || unsolicited("nobody waits for this answer: its request is unknown, answered, or too old");
    Ok(kept.map_err(unusable)?.then_some(request).ok_or_else(nobody))
}

/// The browser that began comes back from its post, with its cookie and the ticket that it was given there. `None` if no
/// provider of this name is offered.
///
/// # Errors
/// If log or sessions cannot be used.
pub async fn return_from_post(
    service: &Staff,
    name: &str,
    secret: Option<&str>,
    ticket: Option<&str>,
) -> Result<Option<StaffArrival>, SignInError> {
    let ways = service.settings.current().await?.sign_in.staff;
    let Some(provider) = service.sign_in.providers.offered(&ways.single_sign_on, name) else { return Ok(None) };
    let taken = match secret {
        Some(secret) => {
            service.sign_in.staff_sessions.take_flow(service.platform.world.now(), secret).await.map_err(unusable)?
        }
        None => None,
    };
    // What was wrong with the answer was written down when it was posted.
    let posted_here =
        |flow: &Flow| flow.provider == provider.name && is_ticket(&service.sign_in, ticket, &flow.request);
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

async fn refuse(
    service: &Staff,
    provider: &IdentityProvider,
    why: &Disbelief,
    source: IpAddr,
) -> Result<(), SignInError> {
    tracing::warn!(provider = provider.name, fault = ?why.fault, %why, "single sign-on of staff was refused");
    alarm(&service.sign_in, why);
    if granted(&service.sign_in, source) {
        let event = RefusalEvent::ResponseRefused { provider: provider.name.clone(), why: recorded(why.fault) };
        record(&service.sign_in, event, Some(source)).await?;
    }
    Ok(())
}

fn unusable(error: SessionError) -> SignInError {
    SignInError::Unavailable(Unavailable(error.to_string()))
}
