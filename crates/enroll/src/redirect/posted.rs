//! Answers of a provider that speaks SAML: posted from its site, so without a cookie of ours, and found by the request that
//! they answer. What is proven waits in the visit for the browser that began it, which comes by one more hop. There it
//! shows two things: the cookie that it began with, and the ticket that whoever posted the answer was given. So whoever
//! holds the answer alone is let in nowhere; and whoever began is not let in by an answer that somebody else's browser
//! posted, which a link with their request would bring about.
//!
//! An assertion opens one door once, on every node and after any restart: its name is reserved in the log.

use super::refusal::refuse;
use super::request::{is_recent, waiting};
use crate::Enroll;
use crate::admit::admit;
use crate::entrance::{Entrance, Outcome, open, visitor};
use decisions::visit::{self, Command, Visit};
use events::Personal;
use events::person::ProvenAccount;
use identity::redirect::{PostRefused, PostedAnswer};
use identity::{Account, Disbelief, Fault};
use platform::PerformError;
use platform::secrets::hash;
use sign_in::redirect::assertion::{is_ticket, reserve, ticket};
use sign_in::redirect::{IdentityProvider, Place, unsolicited};
use sign_in::{Proof, SignInError, untold_of};

/// What came of an answer that was posted to the portal.
pub enum Posted {
    /// The browser goes on to where its cookie is seen; there it is told what came of it. `ticket`: for the browser that
    /// posted an answer that is believed.
    GoOn { ticket: Option<String> },
    /// It answers no request, and such answers are allowed: in, in a visit of its own.
    In(Outcome),
}

/// Takes an answer that was posted to the portal; `None` if no provider of this name is offered.
///
/// # Errors
/// If the log cannot be used.
pub async fn take(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
    name: &str,
    field: &str,
) -> Result<Option<Posted>, SignInError> {
    let ways = enroll.settings.current().await?.sign_in.enrollment;
    let Some(provider) = enroll.sign_in.providers.offered(&ways.single_sign_on, name) else { return Ok(None) };
    let protocol = match provider.protocol() {
        Ok(protocol) => protocol,
        Err(why) => {
            refuse(enroll, entrance, None, provider, &why).await?;
            return Ok(Some(Posted::In(Outcome::NotNow { opened: None })));
        }
    };
    match protocol.read_post(Place::Portal, field, enroll.platform.world.now()) {
        None => Ok(None),
        Some(Ok(answer)) => believed(enroll, entrance, provider, answer).await.map(Some),
        Some(Err(PostRefused { disbelief, in_response_to })) => {
            let waiting = match &in_response_to {
                Some(request) => waiting(enroll, provider, request).await?,
                None => None,
            };
            refuse(enroll, entrance, waiting, provider, &disbelief).await?;
            Ok(Some(Posted::GoOn { ticket: None }))
        }
    }
}

async fn believed(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
    provider: &IdentityProvider,
    answer: PostedAnswer,
) -> Result<Posted, SignInError> {
    if !reserve(&enroll.sign_in, provider, &answer).await? {
        // The visit that the first one opened is left alone: browsers post again when a page is loaded again.
        let replayed = Disbelief::new(Fault::Replayed, "the assertion was seen before");
        refuse(enroll, entrance, None, provider, &replayed).await?;
        return Ok(Posted::GoOn { ticket: None });
    }
    let Some(request) = answer.in_response_to else {
        let (enrollment, _) = open(enroll, &Entrance { visit: None, link: None, ..*entrance }).await?;
        // The visit must know at which provider: whether that is still offered is asked with every request. What must come back
        // is a secret that nobody is told.
        let begin = Command::BeginSingleSignOn {
            method: provider.method(),
            provider: provider.name.clone(),
            request: hash(&enroll.platform.world.secret()),
        };
        enroll.platform.perform::<Visit>(&enrollment.stream(), &begin, &visitor(entrance, enrollment)).await?;
        let proof = Proof { method: provider.method(), account: answer.account, local: None };
        return admit(enroll, entrance, enrollment, &proof).await.map(Posted::In);
    };
    let Some(enrollment) = waiting(enroll, provider, &request).await? else {
        let nobody =
            unsolicited("no visit waits for this answer: its request is unknown, answered, or older than 15 minutes");
        refuse(enroll, entrance, None, provider, &nobody).await?;
        return Ok(Posted::GoOn { ticket: None });
    };
    let account = Personal::new(enrollment.visit_key(), kept(answer.account));
    let request = hash(&request);
    let command = Command::ProveSingleSignOn { request: request.clone(), account };
    match enroll.platform.perform::<Visit>(&enrollment.stream(), &command, &visitor(entrance, enrollment)).await {
        // Out of step, or begun anew meanwhile: the browser is shown where it stands.
        Ok(_) => Ok(Posted::GoOn { ticket: Some(ticket(&enroll.sign_in, &request)) }),
        Err(PerformError::Refused(visit::Refusal::OutOfStep(_) | visit::Refusal::UnknownRequest)) => {
            Ok(Posted::GoOn { ticket: None })
        }
        Err(error) => Err(error.into()),
    }
}

/// The browser that began comes back from its post, with the ticket that it was given there; `None` if no provider of this
/// name is offered.
///
/// # Errors
/// If the log cannot be used.
pub async fn return_from_post(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
    name: &str,
    ticket: Option<&str>,
) -> Result<Option<Outcome>, SignInError> {
    let ways = enroll.settings.current().await?.sign_in.enrollment;
    let Some(provider) = enroll.sign_in.providers.offered(&ways.single_sign_on, name) else { return Ok(None) };
    // What was wrong with the answer was written down when it was posted.
    let not_in = Ok(Some(Outcome::Refused { opened: None, retry_after: None }));
    let Some(enrollment) = entrance.visit else { return not_in };
    let visit = enroll.platform.visit(enrollment).await?;
    if !visit.awaits_sign_in() {
        return Ok(Some(Outcome::OutOfStep));
    }
    let Some(state) = visit.single_sign_on.filter(|state| state.provider == provider.name) else { return not_in };
    if !is_recent(enroll, enrollment, &state.request).await? {
        return Ok(Some(Outcome::TooLate));
    }
    if !is_ticket(&enroll.sign_in, ticket, &state.request) {
        return not_in;
    }
    let Some(proven) = state.proven.as_ref().and_then(Personal::get) else { return not_in };
    enroll.sign_in.came_back(Place::Portal, entrance.source);
    let proof = Proof { method: provider.method(), account: account(&provider.name, proven), local: None };
    admit(enroll, entrance, enrollment, &proof).await.map(Some)
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
    let untold = sign_in::untold(&untold);
    ProvenAccount { issuer, subject, user_name, display_name, mail, managed_apple_id, groups, claims, untold }
}

fn account(provider: &str, proven: &ProvenAccount) -> Account {
    let ProvenAccount { issuer, subject, user_name, display_name, mail, managed_apple_id, groups, claims, untold } =
        proven.clone();
    let (provider, untold) = (provider.to_owned(), untold_of(&untold));
    Account { provider, issuer, subject, user_name, display_name, mail, managed_apple_id, groups, claims, untold }
}
