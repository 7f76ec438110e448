//! The ID token: verifies its signature and every claim that says whom and what it is for (OpenID Connect Core
//! §3.1.3.7). Ignores claims that no check or mapping uses.

use super::exchange::Tokens;
use super::jws::{Signed, Unverified};
use super::known::Known;
use super::{LEEWAY_SECONDS, Provider, short};
use crate::{Disbelief, Fault};
use openidconnect::AccessTokenHash;
use openidconnect::core::CoreJsonWebKey;
use serde_json::{Map, Value};
use std::sync::Arc;
use world::Timestamp;

/// Claims of a verified token.
pub(crate) type Claims = Map<String, Value>;

/// Maximum age of a token in seconds. A token is fetched as soon as it is issued, so an older one does not answer
/// this request.
const OLDEST_SECONDS: i64 = 10 * 60;

/// Verifies the ID token in `tokens` and returns its claims.
pub(crate) async fn verify(
    provider: &Provider,
    known: Arc<Known>,
    tokens: &Tokens,
    nonce: &str,
    now: Timestamp,
) -> Result<Claims, Disbelief> {
    let signed = Signed::parse(&tokens.id_token, &provider.algorithms)?;
    let mut known = known;
    if matches!(signed.key(&known.keys), Err(Unverified::UnknownKey))
        && let Some(newer) = provider.known.newer(provider, &known, now).await
    {
        known = newer;
    }
    let key = signed.key(&known.keys).map_err(|why| {
        let why = match why {
            Unverified::UnknownKey => "the provider has no key with the ID that the token names".to_owned(),
            Unverified::Invalid(why) => why,
        };
        Disbelief::new(Fault::SignatureInvalid, format!("the ID token's signature: {why}"))
    })?;
    let claims = signed.claims()?;
    check_issuer(provider, &claims)?;
    check_audience(provider, &claims)?;
    check_times(&claims, now)?;
    check_nonce(&claims, nonce)?;
    check_authentication(provider, &claims, now)?;
    check_access_token(&claims, tokens, &signed, key)?;
    if text(&claims, "sub")?.is_none() {
        return Err(Disbelief::new(Fault::NotUnderstood, "the ID token's sub is missing"));
    }
    Ok(claims)
}

// Returns a claim that must be a string.
fn text<'c>(claims: &'c Claims, name: &str) -> Result<Option<&'c str>, Disbelief> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Disbelief::new(Fault::NotUnderstood, format!("the ID token's {name} is not a string"))),
    }
}

// Returns the seconds from this server's clock to the time in a claim; negative if it is in the past.
fn ahead(claims: &Claims, name: &str, now: Timestamp) -> Result<Option<i64>, Disbelief> {
    let not_a_number =
        || Disbelief::new(Fault::NotUnderstood, format!("the ID token's {name} is not a number of seconds since 1970"));
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        // Fractions of a second are dropped: a second is far below the leeway.
        Some(value) => {
            value.as_f64().ok_or_else(not_a_number).map(|at| Some((at as i64).saturating_sub(now.0 / 1_000_000)))
        }
    }
}

fn check_issuer(provider: &Provider, claims: &Claims) -> Result<(), Disbelief> {
    match text(claims, "iss")? {
        Some(issuer) if issuer == provider.config.issuer => Ok(()),
        found => {
            let found = found.map_or("missing".into(), |found| format!("{:?}", short(found)));
            let why = format!("the ID token's iss is {found}, not {:?}", provider.config.issuer);
            Err(Disbelief::new(Fault::WrongIssuer, why))
        }
    }
}

// A token that was issued for another client is rejected, even if this client is in its audience. If it has several
// audiences, it must name this client in `azp`, or the configuration must trust the others.
fn check_audience(provider: &Provider, claims: &Claims) -> Result<(), Disbelief> {
    let (ours, trusted) = (provider.config.client_id.as_str(), &provider.config.audiences);
    let wrong = |why: String| Err(Disbelief::new(Fault::WrongAudience, why));
    let audiences: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().map(|one| one.as_str().unwrap_or_default()).collect(),
        _ => return wrong("the ID token's aud is missing, or is neither a string nor a list".into()),
    };
    if !audiences.contains(&ours) {
        return wrong(format!(
            "the ID token's aud is {:?}, without the client_id {ours:?}",
            short(&audiences.join(" "))
        ));
    }
    let made_for_us = match text(claims, "azp")? {
        Some(party) if party == ours => true,
        Some(party) => return wrong(format!("the ID token's azp names another client, {:?}", short(party))),
        None if claims.contains_key("azp") => return wrong("the ID token's azp is null".into()),
        None => false,
    };
    let unknown = audiences.iter().find(|one| **one != ours && !trusted.iter().any(|known| known == *one));
    match unknown {
        Some(other) if !made_for_us => wrong(format!(
            "the ID token's aud also names {:?}, and it has no azp; add that value to audiences if you trust it",
            short(other)
        )),
        _ => Ok(()),
    }
}

fn check_times(claims: &Claims, now: Timestamp) -> Result<(), Disbelief> {
    let outside = |why: String| Err(Disbelief::new(Fault::OutsideValidity, why));
    let missing = |name: &str| Disbelief::new(Fault::NotUnderstood, format!("the ID token's {name} is missing"));
    // The token was issued a moment ago if it answers this request, so `iat` shows the difference between the clocks.
    let issued = ahead(claims, "iat", now)?.ok_or_else(|| missing("iat"))?;
    let expires = ahead(claims, "exp", now)?.ok_or_else(|| missing("exp"))?;
    let clocks = || clocks(issued);
    if !(-OLDEST_SECONDS..=LEEWAY_SECONDS).contains(&issued) {
        return outside(format!("the ID token's iat is not the current time; {}", clocks()));
    }
    if expires <= -LEEWAY_SECONDS {
        return outside(format!("the ID token's exp is {} seconds ago; {}", -expires, clocks()));
    }
    match ahead(claims, "nbf", now)? {
        Some(begins) if begins > LEEWAY_SECONDS => {
            outside(format!("the ID token's nbf is {begins} seconds ahead; {}", clocks()))
        }
        _ => Ok(()),
    }
}

fn clocks(issued: i64) -> String {
    let (apart, side) = (issued.abs(), if issued > 0 { "ahead of" } else { "behind" });
    if apart <= LEEWAY_SECONDS {
        return "the provider's clock (iat) agrees with this server's".into();
    }
    format!(
        "the provider's clock (iat) is {apart} seconds {side} this server's, and at most {LEEWAY_SECONDS} are allowed: correct \
         the wrong clock"
    )
}

fn check_nonce(claims: &Claims, nonce: &str) -> Result<(), Disbelief> {
    match text(claims, "nonce")? {
        // The comparison panics if the lengths differ.
        Some(given) if given.len() == nonce.len() && openssl::memcmp::eq(given.as_bytes(), nonce.as_bytes()) => Ok(()),
        Some(_) => Err(Disbelief::new(Fault::WrongNonce, "the ID token's nonce belongs to another request")),
        None => Err(Disbelief::new(Fault::WrongNonce, "the ID token's nonce is missing")),
    }
}

// Checks how and when the person authenticated at the provider, if the configuration requires it.
fn check_authentication(provider: &Provider, claims: &Claims, now: Timestamp) -> Result<(), Disbelief> {
    let stale = |why: String| Err(Disbelief::new(Fault::StaleAuthentication, why));
    if let Some(wanted) = &provider.config.acr
        && text(claims, "acr")? != Some(wanted)
    {
        return stale(format!("the ID token's acr is not {wanted:?}: the provider did not confirm it"));
    }
    let Some(seconds) = provider.config.max_age_seconds else { return Ok(()) };
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_add(LEEWAY_SECONDS);
    match ahead(claims, "auth_time", now)? {
        None => stale("the ID token's auth_time is missing, although max_age was requested".into()),
        Some(at) if at < seconds.saturating_neg() => {
            stale("the ID token's auth_time is longer ago than max_age_seconds".into())
        }
        Some(_) => Ok(()),
    }
}

// `at_hash`, if present, ties the access token to the ID token (§3.1.3.8).
fn check_access_token(
    claims: &Claims,
    tokens: &Tokens,
    signed: &Signed<'_>,
    key: &CoreJsonWebKey,
) -> Result<(), Disbelief> {
    let broken = |why: String| Disbelief::new(Fault::SignatureInvalid, why);
    let Some(given) = text(claims, "at_hash")? else { return Ok(()) };
    let Some(access) = &tokens.access else { return Ok(()) };
    match AccessTokenHash::from_token(access, &signed.algorithm, key) {
        Ok(hash) if **hash == *given => Ok(()),
        Ok(_) => Err(broken("the ID token's at_hash does not match the access token".into())),
        Err(error) => Err(broken(error.to_string())),
    }
}
