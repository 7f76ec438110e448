//! Answers of a SAML provider at the portal. They are posted from the provider's site, so without this server's
//! cookies, and are matched to an enrollment by the request that they answer. The proven account is stored in the
//! enrollment until the browser follows one more redirect. There the browser must present two values: the cookie of the
//! enrollment, and the ticket that was given to the browser that posted the answer.
//!
//! This prevents two attacks. A person who has only the answer cannot sign in with it. And an answer that another
//! browser posted does not sign in the browser that began, which an attacker could otherwise cause by sending the
//! victim a link with the attacker's request.
//!
//! An assertion is accepted only once, on all nodes and across restarts, because its id is reserved in the log.

use super::refusal::refuse;
use super::request::{is_recent, waiting};
use crate::Enroll;
use crate::admit::admit;
use crate::entrance::{Entered, Entrance, SignInOutcome, open, visitor};
use decisions::enrollment::{self, Command, Enrollment};
use events::Personal;
use events::person::ProvenAccount;
use identity::redirect::{PostRefused, PostedAnswer};
use identity::{Account, Disbelief, Fault, Identifiers};
use platform::PerformError;
use platform::secrets::hash;
use sign_in::redirect::assertion::{is_ticket, reserve, ticket};
use sign_in::redirect::{IdentityProvider, Place, posted_field, unsolicited};
use sign_in::{Proof, SignInError, attribute_of, identifier_of, untold_of};

/// Result of an answer that was posted to the portal.
pub enum Posted {
    /// The browser is redirected to a page that receives its cookie and shows the result. `ticket` is set if the answer
    /// is valid.
    GoOn { ticket: Option<String> },
    /// The result is final: the answer belongs to no request, which the configuration allows, and got its own
    /// enrollment, or the provider cannot be used.
    In(SignInOutcome),
}

/// Reads an answer that was posted to the portal with these form fields. `None` if the settings enable no provider with
/// this name, the provider does not post its answers, or the field with the answer is missing.
///
/// # Errors
/// Returns an error if the log cannot be read or written.
pub async fn take(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
    name: &str,
    fields: &[(String, String)],
) -> Result<Option<Posted>, SignInError> {
    let ways = enroll.settings.current().await?.sign_in.enrollment;
    let Some(provider) = enroll.sign_in.providers.offered(&ways.single_sign_on, name) else { return Ok(None) };
    let protocol = match provider.protocol() {
        Ok(protocol) => protocol,
        Err(why) => {
            refuse(enroll, entrance, None, provider, &why).await?;
            return Ok(Some(Posted::In(SignInOutcome::NotNow { opened: None })));
        }
    };
    let Some(field) = posted_field(protocol.as_ref(), fields) else { return Ok(None) };
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
        // The enrollment of the first answer is not changed, because browsers post again when a page is reloaded.
        let replayed = Disbelief::new(Fault::Replayed, "the assertion was seen before");
        refuse(enroll, entrance, None, provider, &replayed).await?;
        return Ok(Posted::GoOn { ticket: None });
    }
    let Some(request) = answer.in_response_to else {
        let (id, _) = open(enroll, &Entrance { enrollment: None, link: None, ..*entrance }).await?;
        // The enrollment must contain the provider, because each request checks that the settings still enable it. The
        // request id is a secret that is not given out, so no answer can match it.
        let begin = Command::BeginSingleSignOn {
            method: provider.method(),
            provider: provider.name.clone(),
            request: hash(&enroll.platform.world.secret()),
        };
        enroll.platform.perform::<Enrollment>(&id.stream(), &begin, &visitor(entrance, id)).await?;
        let proof = Proof { method: provider.method(), account: answer.account, local: None };
        return admit(enroll, entrance, Entered::known(id), &proof).await.map(Posted::In);
    };
    let Some(id) = waiting(enroll, provider, &request).await? else {
        let nobody = unsolicited(
            "no enrollment waits for this answer: its request is unknown, answered, or older than 15 minutes",
        );
        refuse(enroll, entrance, None, provider, &nobody).await?;
        return Ok(Posted::GoOn { ticket: None });
    };
    let account = Personal::new(id.enrollment_key(), kept(answer.account));
    let request = hash(&request);
    let command = Command::ProveSingleSignOn { request: request.clone(), account };
    match enroll.platform.perform::<Enrollment>(&id.stream(), &command, &visitor(entrance, id)).await {
        // If the enrollment is at another step or has started another request, the next page shows the current state.
        Ok(_) => Ok(Posted::GoOn { ticket: Some(ticket(&enroll.sign_in, &request)) }),
        Err(PerformError::Refused(enrollment::Refusal::OutOfStep(_) | enrollment::Refusal::UnknownRequest)) => {
            Ok(Posted::GoOn { ticket: None })
        }
        Err(error) => Err(error.into()),
    }
}

/// Completes the sign-in in the browser that began it, with the `ticket` that it got for its post. `None` if the
/// settings enable no provider with this name.
///
/// # Errors
/// Returns an error if the log cannot be read or written.
pub async fn return_from_post(
    enroll: &Enroll,
    entrance: &Entrance<'_>,
    name: &str,
    ticket: Option<&str>,
) -> Result<Option<SignInOutcome>, SignInError> {
    let ways = enroll.settings.current().await?.sign_in.enrollment;
    let Some(provider) = enroll.sign_in.providers.offered(&ways.single_sign_on, name) else { return Ok(None) };
    // The fault of an invalid answer was recorded when the answer was posted.
    let not_in = Ok(Some(SignInOutcome::Refused { opened: None, retry_after: None }));
    let Some(id) = entrance.enrollment else { return not_in };
    let enrollment = enroll.platform.enrollment(id).await?;
    if !enrollment.awaits_sign_in() {
        return Ok(Some(SignInOutcome::OutOfStep));
    }
    let Some(state) = enrollment.single_sign_on.as_ref().filter(|state| state.provider == provider.name) else {
        return not_in;
    };
    if !is_recent(enroll, id, &state.request).await? {
        return Ok(Some(SignInOutcome::TooLate));
    }
    if !is_ticket(&enroll.sign_in, ticket, &state.request) {
        return not_in;
    }
    let Some(proven) = state.proven.as_ref().and_then(Personal::get) else { return not_in };
    enroll.sign_in.came_back(Place::Portal, entrance.source);
    let proof = Proof { method: provider.method(), account: account(&provider.name, proven), local: None };
    admit(enroll, entrance, Entered::known(id), &proof).await.map(Some)
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
        identifiers,
    } = account;
    let untold = sign_in::untold(&untold);
    let identifiers = identifiers.iter().map(|(name, value)| (attribute_of(name), value.to_owned())).collect();
    ProvenAccount {
        issuer,
        subject,
        user_name,
        display_name,
        mail,
        managed_apple_id,
        groups,
        claims,
        untold,
        identifiers,
    }
}

fn account(provider: &str, proven: &ProvenAccount) -> Account {
    let ProvenAccount { issuer, subject, user_name, display_name, mail, managed_apple_id, groups, claims, .. } =
        proven.clone();
    let (provider, untold) = (provider.to_owned(), untold_of(&proven.untold));
    let mut identifiers = Identifiers::default();
    for (attribute, value) in &proven.identifiers {
        identifiers.add(identifier_of(*attribute), [value.clone()]);
    }
    Account {
        provider,
        issuer,
        subject,
        user_name,
        display_name,
        mail,
        managed_apple_id,
        groups,
        claims,
        untold,
        identifiers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity::Identifier;

    #[test]
    fn an_account_that_waits_for_its_browser_keeps_the_values_that_find_its_records() {
        let mut identifiers = Identifiers::default();
        identifiers.add(Identifier::Mail, ["ada@example.org".to_owned(), "lovelace@example.org".to_owned()]);
        identifiers.add(Identifier::EmployeeNumber, ["7".to_owned()]);
        let proven = Account { provider: "school".into(), subject: "1".into(), identifiers, ..Account::default() };
        assert_eq!(account("school", &kept(proven.clone())), proven);
    }
}
