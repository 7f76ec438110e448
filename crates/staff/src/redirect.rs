//! Single sign-on at the console. Staff have no enrollment, so the state from before the redirect is stored in a row of
//! `sessions.db`, which the browser finds again with a separate cookie.

use crate::Staff;
use events::enrollment::SecretHash;
use events::system::RefusalEvent;
use identity::redirect::{PostRefused, PostedAnswer};
use identity::{Account, Disbelief, Fault, Unavailable};
use platform::secrets::{hash, same};
use sign_in::redirect::assertion::{is_ticket, reserve, ticket};
use sign_in::redirect::{self, Back, IdentityProvider, Place, alarm, posted_field, recorded, unsolicited};
use sign_in::staff_sessions::{Flow, SessionError};
use sign_in::{Proof, SignInError, granted, record, set_out};
use std::net::IpAddr;
use url::Url;

/// Result of starting single sign-on.
pub enum StaffBeginOutcome {
    /// The browser is redirected to `address` and gets `secret` in a separate cookie.
    To { address: Url, secret: String },
    /// The settings do not enable this provider for staff.
    NotOffered,
    /// The provider cannot be used or does not answer, or the rate limit was reached.
    NotNow,
}

/// Result of an answer of a provider.
pub enum StaffFinishOutcome {
    Proven {
        proof: Box<Proof>,
        /// Path of the page of the console that the sign-in leads to.
        next: String,
    },
    /// `next`: as above, for the next attempt. Empty if this browser has not started a sign-in.
    Refused { next: String },
}

/// Sends a browser to the identity provider `name`. `next` is the path of the page that the sign-in leads to.
///
/// # Errors
/// Returns an error if `sessions.db` or the log cannot be read or written.
pub async fn begin(service: &Staff, name: &str, next: &str, source: IpAddr) -> Result<StaffBeginOutcome, SignInError> {
    let ways = service.settings.current().await?.sign_in.staff;
    let Some(provider) = service.sign_in.providers.offered(&ways.single_sign_on, name) else {
        return Ok(StaffBeginOutcome::NotOffered);
    };
    if !set_out(&service.sign_in, Place::Console, source) {
        return Ok(StaffBeginOutcome::NotNow);
    }
    match redirect::begin(&service.sign_in, provider, Place::Console).await {
        Ok(begun) => {
            let secret = service
                .sign_in
                .staff_sessions
                .begin_flow(&service.platform.world, name, hash(&begun.request), next)
                .await;
            Ok(StaffBeginOutcome::To { address: begun.to, secret: secret.map_err(unusable)? })
        }
        Err(why) => {
            refuse(service, provider, &why, source).await?;
            Ok(StaffBeginOutcome::NotNow)
        }
    }
}

/// Reads the answer of an OpenID Connect provider, which arrives in the query of the redirect. `secret` is the value of
/// the cookie. `None` if the settings enable no provider with this name.
///
/// # Errors
/// Returns an error if `sessions.db` or the log cannot be read or written.
pub async fn finish(
    service: &Staff,
    name: &str,
    secret: Option<&str>,
    back: &Back,
    source: IpAddr,
) -> Result<Option<StaffFinishOutcome>, SignInError> {
    let ways = service.settings.current().await?.sign_in.staff;
    let Some(provider) = service.sign_in.providers.offered(&ways.single_sign_on, name) else { return Ok(None) };
    let Some((state, flow)) = expected(service, provider, secret, back).await? else {
        let nobody = unsolicited("the browser waits for no answer or for another one, or the request is too old");
        refuse(service, provider, &nobody, source).await?;
        return Ok(Some(StaffFinishOutcome::Refused { next: String::new() }));
    };
    match redirect::finish(&service.sign_in, provider, Place::Console, state, back).await {
        Ok(account) => {
            service.sign_in.came_back(Place::Console, source);
            Ok(Some(proven(provider, account, flow.next)))
        }
        Err(why) => {
            refuse(service, provider, &why, source).await?;
            Ok(Some(StaffFinishOutcome::Refused { next: flow.next }))
        }
    }
}

// Takes the pending sign-in of this browser if it waits for this answer. Another answer does not end the pending
// sign-in: otherwise an attacker could end it with a link.
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

/// Result of an answer that was posted to the console. `ticket` is set if the answer is valid. The browser must present
/// it after the next redirect.
pub struct StaffPosted {
    pub ticket: Option<String>,
}

/// Reads an answer that was posted to the console with these form fields. The request carries no cookie, so the proven
/// account is stored until the browser that began the sign-in returns. An answer to no request is always refused here.
/// `None` if the settings enable no provider with this name, the provider does not post its answers, or the field with
/// the answer is missing.
///
/// # Errors
/// Returns an error if `sessions.db` or the log cannot be read or written.
pub async fn take(
    service: &Staff,
    name: &str,
    fields: &[(String, String)],
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
    let Some(field) = posted_field(protocol.as_ref(), fields) else { return Ok(None) };
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
        return Ok(Err(unsolicited("it answers no request, and staff can only sign in with a request")));
    };
    let request = hash(&request);
    let kept = service.sign_in.staff_sessions.prove_flow(service.platform.world.now(), &request, &answer.account).await;
    let nobody = || unsolicited("no browser waits for this answer: its request is unknown, answered or too old");
    Ok(kept.map_err(unusable)?.then_some(request).ok_or_else(nobody))
}

/// Completes the sign-in in the browser that began it, with the value of its cookie and the ticket that it got for its
/// post. `None` if the settings enable no provider with this name.
///
/// # Errors
/// Returns an error if `sessions.db` or the log cannot be read or written.
pub async fn return_from_post(
    service: &Staff,
    name: &str,
    secret: Option<&str>,
    ticket: Option<&str>,
) -> Result<Option<StaffFinishOutcome>, SignInError> {
    let ways = service.settings.current().await?.sign_in.staff;
    let Some(provider) = service.sign_in.providers.offered(&ways.single_sign_on, name) else { return Ok(None) };
    let taken = match secret {
        Some(secret) => {
            service.sign_in.staff_sessions.take_flow(service.platform.world.now(), secret).await.map_err(unusable)?
        }
        None => None,
    };
    // The fault of an invalid answer was recorded when the answer was posted.
    let posted_here =
        |flow: &Flow| flow.provider == provider.name && is_ticket(&service.sign_in, ticket, &flow.request);
    let wanted = taken.as_ref().map(|flow| flow.next.clone()).unwrap_or_default();
    Ok(Some(match taken.filter(posted_here) {
        // The answer of another provider does not count, even if it contains the right request.
        Some(Flow { account: Some(account), next, .. }) if account.provider == provider.name => {
            proven(provider, account, next)
        }
        // The fault of an invalid answer is logged when it is posted. A missing answer is logged here.
        _ => {
            let why = "there is no answer for this browser: none was valid, or it came after 15 minutes";
            tracing::warn!(provider = provider.name, why, "single sign-on of staff was refused");
            StaffFinishOutcome::Refused { next: wanted }
        }
    }))
}

fn proven(provider: &IdentityProvider, account: Account, next: String) -> StaffFinishOutcome {
    StaffFinishOutcome::Proven { proof: Box::new(Proof { method: provider.method(), account, local: None }), next }
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
