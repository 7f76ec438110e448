//! Verifies an answer from its form field to an account. Cheap checks come first; nothing is parsed or decrypted
//! before the data that it depends on was checked.

use super::structure::{self, Shape};
use super::tree::Tree;
use super::{Refused, Saml, Verified, account, content, decrypt};
use crate::{Disbelief, Fault};
use chrono::DateTime;
use gamlastan::core::assertion::types::{Assertion, AssertionRef};
use gamlastan::core::constants::CM_BEARER;
use gamlastan::core::protocol::response::{Response, ResponseRef};
use gamlastan::security::error::ValidationResult;
use gamlastan::security::{AssertionValidator, ReplayCache, SecurityConfig, ValidationParams};
use gamlastan::xml::parse_saml;
use world::Timestamp;

/// Allowed difference between clocks.
const LEEWAY_SECONDS: u64 = 60;
/// Maximum age of an assertion. Assertions are issued on request, so an older one was stored.
const OLDEST_SECONDS: u64 = 300;

/// Verifies the answer and returns the account.
pub(crate) fn verify(saml: &Saml, field: &str, consumer: &str, now: Timestamp) -> Result<Verified, Refused> {
    let plain = |disbelief: Disbelief| Refused { disbelief, in_response_to: None };
    let text = content::decode(field).map_err(plain)?;
    content::check(&text).map_err(plain)?;
    let tree = Tree::parse(&text).map_err(plain)?;
    let claimed = tree.attribute(tree.root, "InResponseTo").map(str::to_owned);
    let checked = saml
        .provider
        .in_force(now)
        .map_err(|error| Disbelief::new(Fault::ProviderUnavailable, error))
        .and_then(|()| signed_response(saml, &tree, &text))
        .and_then(|(response, signed)| {
            check(saml, &response, &signed, consumer, now)?;
            verified(saml, response)
        });
    checked.map_err(|disbelief| Refused { disbelief, in_response_to: claimed })
}

// Returns the response with its one decrypted assertion, and the IDs of the signed elements. An answer that is
// unsigned or has an invalid signature is rejected before its content is used.
fn signed_response(saml: &Saml, tree: &Tree<'_>, text: &str) -> Result<(Response, Vec<String>), Disbelief> {
    let Shape { response_signed, assertion } = structure::response(tree)?;
    let unsigned = |detail: &str| Err(Disbelief::new(Fault::Unsigned, detail));
    let encrypted = match assertion {
        structure::Assertion::Plain { signed } if !signed && !response_signed => {
            return unsigned("neither the Response nor the Assertion is signed; let the provider sign one of them");
        }
        structure::Assertion::Encrypted(_) if !response_signed => {
            return unsigned(
                "the assertion is encrypted and the Response around it is not signed; let the provider sign it",
            );
        }
        structure::Assertion::Plain { .. } => None,
        structure::Assertion::Encrypted(node) => Some(node),
    };
    let mut signed = saml.provider.keys.verify(tree, text)?;
    let response = parse_saml::<ResponseRef<'_>>(&tree.document).map_err(not_understood)?;
    let mut response = response.to_owned();
    if let Some(node) = encrypted {
        let key = saml.decryption.as_ref().map(|pair| &pair.key);
        let (assertion, inner) = opened(saml, &decrypt::assertion(tree, node, key)?)?;
        signed.extend(inner);
        response.encrypted_assertions.clear();
        response.assertions.push(assertion);
    }
    Ok((response, signed))
}

// A decrypted assertion is a document of its own, so it gets the same checks as the outer one.
fn opened(saml: &Saml, text: &str) -> Result<(Assertion, Vec<String>), Disbelief> {
    content::check(text)?;
    let tree = Tree::parse(text)?;
    let signed = structure::assertion(&tree)?;
    let ids = if signed { saml.provider.keys.verify(&tree, text)? } else { Vec::new() };
    let assertion = parse_saml::<AssertionRef<'_>>(&tree.document).map_err(not_understood)?;
    Ok((assertion.to_owned(), ids))
}

fn not_understood(error: gamlastan::xml::XmlError) -> Disbelief {
    Disbelief::new(Fault::NotUnderstood, format!("the answer cannot be parsed as a SAML response: {error}"))
}

fn check(saml: &Saml, response: &Response, signed: &[String], consumer: &str, now: Timestamp) -> Result<(), Disbelief> {
    complete(saml, response)?;
    let signed: Vec<&str> = signed.iter().map(String::as_str).collect();
    let whole = signed.contains(&response.base.id.as_str());
    // Either the response or the assertion must be signed. The library cannot require "one of them", so this requires
    // the one that the provider signed.
    let config = SecurityConfig {
        clock_skew_seconds: LEEWAY_SECONDS,
        max_assertion_age_seconds: OLDEST_SECONDS + LEEWAY_SECONDS,
        require_signed_responses: whole,
        require_signed_assertions: !whole,
        allow_unsolicited_responses: saml.allow_unsolicited,
        ..SecurityConfig::default()
    };
    let expected = confirmed_request(response);
    let params = ValidationParams {
        received_url: consumer,
        expected_idp_entity_id: &saml.provider.entity_id,
        sp_entity_id: &saml.entity_id,
        acs_url: consumer,
        expected_request_id: expected.as_deref(),
        client_address: None,
        relay_state: None,
        response_signature_xml: None,
        response_signature_verified: response.base.has_signature.then_some(whole),
        verified_signed_ids: &signed,
        current_proxy_depth: 0,
        now: DateTime::from_timestamp_micros(now.0).unwrap_or_default(),
    };
    let validator = AssertionValidator::new(&config).with_replay_cache(&ReservedByTheLog);
    judge(&validator.validate_response(response, &params)).map_err(|mut why| {
        if why.fault == Fault::OutsideValidity {
            why.detail = format!("{}; {}", why.detail, clocks(response, now));
        }
        why
    })
}

// An answer is issued on request, so its IssueInstant shows the difference between the clocks.
fn clocks(response: &Response, now: Timestamp) -> String {
    let seconds = response.base.issue_instant.timestamp() - now.0 / 1_000_000;
    let (apart, side) = (seconds.unsigned_abs(), if seconds > 0 { "ahead of" } else { "behind" });
    if apart <= LEEWAY_SECONDS {
        return "the provider's clock (IssueInstant) agrees with this server's".into();
    }
    format!(
        "the answer was made {apart} seconds {side} this server's clock (IssueInstant); at most \
         {LEEWAY_SECONDS} are allowed: if it was sent immediately, correct the wrong clock"
    )
}

/// Accepts every ID: the caller reserves an assertion's ID in the log after the assertion was verified. A list in
/// memory would be lost at a restart, would not be shared by nodes, and would let rejected answers use up the IDs of
/// valid ones.
struct ReservedByTheLog;

impl ReplayCache for ReservedByTheLog {
    fn check_and_insert(&self, _: &str, _: chrono::DateTime<chrono::Utc>) -> bool {
        true
    }

    fn cleanup(&self) {}
}

// Returns the request that the signed part of the answer names, because the Response itself may be unsigned.
fn confirmed_request(response: &Response) -> Option<String> {
    let subject = response.assertions.first()?.subject.as_ref()?;
    let bearer = subject.subject_confirmations.iter().find(|one| one.method == CM_BEARER);
    bearer?.subject_confirmation_data.as_ref()?.in_response_to.clone()
}

// Checks what the library accepts if it is missing, or does not tell apart from a wrong value.
fn complete(saml: &Saml, response: &Response) -> Result<(), Disbelief> {
    let incomplete = |what: &str| Err(Disbelief::new(Fault::Incomplete, format!("the answer has no {what}")));
    if let Some(issuer) = &response.base.issuer
        && issuer.value != saml.provider.entity_id
    {
        return Err(Disbelief::new(Fault::WrongIssuer, "the issuer of the Response is not the issuer in the metadata"));
    }
    if response.base.destination.is_none() {
        return Err(Disbelief::new(Fault::WrongDestination, "the Response has no Destination"));
    }
    let Some(assertion) = response.assertions.first() else { return incomplete("assertion") };
    let Some(conditions) = &assertion.conditions else { return incomplete("Conditions") };
    if conditions.audience_restrictions.is_empty() {
        return incomplete("AudienceRestriction");
    }
    let Some(subject) = &assertion.subject else { return incomplete("Subject") };
    let mut confirmations = subject.subject_confirmations.iter().filter(|one| one.method == CM_BEARER);
    let confirmation = confirmations.next().and_then(|one| one.subject_confirmation_data.as_ref());
    let Some(confirmation) = confirmation else { return incomplete("bearer SubjectConfirmation with data") };
    if confirmation.recipient.is_none() || confirmation.not_on_or_after.is_none() {
        return incomplete("Recipient or NotOnOrAfter in its SubjectConfirmation");
    }
    if assertion.authn_statements.is_empty() {
        return incomplete("AuthnStatement");
    }
    Ok(())
}

// Maps the number of a check in the library's list to a fault. The failed check with the lowest number is reported.
fn judge(result: &ValidationResult) -> Result<(), Disbelief> {
    let Some(failure) = result.failures().into_iter().min_by_key(|failure| failure.check_number) else { return Ok(()) };
    let fault = match failure.check_number {
        1 => Fault::WrongDestination,
        2 | 5 => Fault::WrongIssuer,
        3 | 17 => Fault::Unsolicited,
        4 | 6 | 7 => Fault::SignatureInvalid,
        9 | 10 | 16 | 18 | 23 | 35 => Fault::OutsideValidity,
        11 => Fault::WrongAudience,
        15 => Fault::WrongRecipient,
        33 => Fault::ProviderRefused,
        // 12, 13: conditions that this server cannot meet; 14, 20, 21, 34, and checks that a later version may add.
        _ => Fault::Incomplete,
    };
    let detail = failure.detail.as_deref().unwrap_or("the check failed");
    Err(Disbelief::new(fault, format!("{}: {detail}", failure.check_name)))
}

fn verified(saml: &Saml, response: Response) -> Result<Verified, Disbelief> {
    let in_response_to = confirmed_request(&response);
    let assertion = response.assertions.into_iter().next();
    let assertion = assertion.ok_or_else(|| Disbelief::new(Fault::Incomplete, "the answer has no assertion"))?;
    let authenticated = assertion.authn_statements.first().map(|statement| statement.authn_instant);
    Ok(Verified {
        in_response_to,
        account: account::of(saml, &assertion)?,
        authenticated_at: Timestamp(authenticated.map_or(0, |at| at.timestamp_micros())),
        issuer: assertion.issuer.value,
        assertion_id: assertion.id,
    })
}
