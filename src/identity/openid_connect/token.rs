//! The ID token: its signature, and every claim that says whom and what it is for (OpenID Connect Core §3.1.3.7).

use super::http::HttpError;
use super::known::Known;
use super::{LEEWAY_SECONDS, Provider, short};
use crate::config::identity::ALGORITHMS;
use crate::identity::{Disbelief, Fault};
use crate::world::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use openidconnect::core::{
    CoreErrorResponseType, CoreIdToken, CoreIdTokenVerifier, CoreJwsSigningAlgorithm, CoreTokenResponse,
};
use openidconnect::{
    AccessTokenHash, ClaimsVerificationError, ClientId, JsonWebKeySet, Nonce, OAuth2TokenResponse as _,
    RequestTokenError, SignatureVerificationError, StandardErrorResponse, TokenResponse as _,
};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The claims of a token that was verified.
pub type Claims = Map<String, Value>;

/// A token is fetched as soon as it is made; an older one is not the answer to what was asked.
const OLDEST_SECONDS: i64 = 10 * 60;

/// A signature algorithm by its name, of those that may be configured.
pub fn algorithm(name: &str) -> Result<CoreJwsSigningAlgorithm, String> {
    let unknown = || format!("{name:?} is none of {}", ALGORITHMS.join(", "));
    if !ALGORITHMS.contains(&name) {
        return Err(unknown());
    }
    serde_json::from_value(Value::from(name)).map_err(|_| unknown())
}

/// The claims of the ID token among `tokens`, if all about it is right.
pub async fn verify(
    provider: &Provider,
    known: Arc<Known>,
    tokens: &CoreTokenResponse,
    nonce: &str,
    now: Timestamp,
) -> Result<Claims, Disbelief> {
    let missing = || Disbelief::new(Fault::Incomplete, "the provider sent no ID token; is \"openid\" granted?");
    let token = tokens.id_token().ok_or_else(missing)?;
    let mut known = known;
    if checked(provider, &known, token, nonce, now) == Err(unknown_key())
        && let Some(newer) = provider.known.newer(provider, &known, now).await
    {
        known = newer;
    }
    checked(provider, &known, token, nonce, now).map_err(disbelief)?;
    check_access_token(provider, &known, tokens, token, now)?;
    let claims = read(token)?;
    check_party(provider, &claims)?;
    check_not_before(&claims, now)?;
    Ok(claims)
}

fn unknown_key() -> ClaimsVerificationError {
    ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)
}

fn checked(
    provider: &Provider,
    known: &Known,
    token: &CoreIdToken,
    nonce: &str,
    now: Timestamp,
) -> Result<(), ClaimsVerificationError> {
    token.claims(&verifier(provider, known, now), &Nonce::new(nonce.to_owned())).map(drop)
}

// The library checks issuer, audience, key, signature, expiry and nonce; the rest is what it is told here. As a public
// client: then no secret of ours is ever taken for a key.
fn verifier<'a>(provider: &'a Provider, known: &Known, now: Timestamp) -> CoreIdTokenVerifier<'a> {
    let metadata = &known.metadata;
    let keys = JsonWebKeySet::new(metadata.jwks().keys().clone());
    let client_id = ClientId::new(provider.config.client_id.clone());
    let (max_age, acr) = (provider.config.max_age_seconds, provider.config.acr.as_deref());
    CoreIdTokenVerifier::new_public_client(client_id, metadata.issuer().clone(), keys)
        .set_allowed_algs(provider.algorithms.clone())
        .set_time_fn(move || moment(now, -LEEWAY_SECONDS))
        .set_issue_time_verifier_fn(move |issued| {
            let fits = moment(now, -OLDEST_SECONDS) <= issued && issued <= moment(now, LEEWAY_SECONDS);
            fits.then_some(()).ok_or_else(|| format!("issued at {issued}, which is not just now"))
        })
        .set_auth_context_verifier_fn(move |given| match (acr, given) {
            (None, _) => Ok(()),
            (Some(wanted), Some(given)) if given.as_str() == wanted => Ok(()),
            (Some(wanted), _) => Err(format!("the provider does not vouch for acr {wanted:?}")),
        })
        .set_auth_time_verifier_fn(move |given| match (max_age, given) {
            (None, _) => Ok(()),
            (Some(_), None) => Err("auth_time is missing, though max_age was asked for".into()),
            (Some(seconds), Some(at)) => {
                let seconds = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_add(LEEWAY_SECONDS);
                let fits = at >= moment(now, seconds.saturating_neg());
                fits.then_some(()).ok_or_else(|| format!("signed in at {at}, longer ago than max_age_seconds"))
            }
        })
}

fn moment(now: Timestamp, offset: i64) -> DateTime<Utc> {
    let seconds = (now.0 / 1_000_000).saturating_add(offset);
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

// `at_hash`, where it is given, ties the access token to the ID token (§3.1.3.8).
fn check_access_token(
    provider: &Provider,
    known: &Known,
    tokens: &CoreTokenResponse,
    token: &CoreIdToken,
    now: Timestamp,
) -> Result<(), Disbelief> {
    let verifier = verifier(provider, known, now);
    let broken = |why: String| Disbelief::new(Fault::SignatureInvalid, why);
    let claims = token.claims(&verifier, |_: Option<&Nonce>| Ok(())).map_err(disbelief)?;
    let Some(given) = claims.access_token_hash() else { return Ok(()) };
    let algorithm = token.signing_alg().map_err(|error| broken(error.to_string()))?;
    let key = token.signing_key(&verifier).map_err(|error| broken(error.to_string()))?;
    match AccessTokenHash::from_token(tokens.access_token(), algorithm, key) {
        Ok(hash) if hash == *given => Ok(()),
        Ok(_) => Err(broken("at_hash is not of the access token that came with it".into())),
        Err(error) => Err(broken(error.to_string())),
    }
}

// What was verified is what is read: the same bytes.
fn read(token: &CoreIdToken) -> Result<Claims, Disbelief> {
    let unreadable = || Disbelief::new(Fault::NotUnderstood, "the ID token's claims cannot be read");
    let text = token.to_string();
    let payload = text.split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    serde_json::from_slice(&payload.ok_or_else(unreadable)?).map_err(|_| unreadable())
}

// A token made for another client's use is not for ours, even where we are among its readers.
fn check_party(provider: &Provider, claims: &Claims) -> Result<(), Disbelief> {
    match claims.get("azp") {
        None => Ok(()),
        Some(party) if party.as_str() == Some(&provider.config.client_id) => Ok(()),
        Some(_) => Err(Disbelief::new(Fault::WrongAudience, "azp names another client")),
    }
}

fn check_not_before(claims: &Claims, now: Timestamp) -> Result<(), Disbelief> {
    let early = |from: &Value| from.as_f64().is_none_or(|from| from > (now.0 / 1_000_000 + LEEWAY_SECONDS) as f64);
    if claims.get("nbf").is_some_and(early) {
        return Err(Disbelief::new(Fault::OutsideValidity, "the token is not valid yet; are both clocks right?"));
    }
    Ok(())
}

fn disbelief(error: ClaimsVerificationError) -> Disbelief {
    use ClaimsVerificationError as Wrong;
    let fault = match &error {
        Wrong::Expired(_) => Fault::OutsideValidity,
        Wrong::InvalidAudience(_) => Fault::WrongAudience,
        Wrong::InvalidAuthContext(_) | Wrong::InvalidAuthTime(_) => Fault::StaleAuthentication,
        Wrong::InvalidIssuer(_) => Fault::WrongIssuer,
        Wrong::InvalidNonce(_) => Fault::WrongNonce,
        Wrong::InvalidSubject(_) => Fault::SubjectMissing,
        Wrong::SignatureVerification(signature) => match signature {
            SignatureVerificationError::NoSignature => Fault::Unsigned,
            SignatureVerificationError::DisallowedAlg(_) | SignatureVerificationError::UnsupportedAlg(_) => {
                Fault::AlgorithmRefused
            }
            _ => Fault::SignatureInvalid,
        },
        _ => Fault::NotUnderstood,
    };
    let detail = match &error {
        Wrong::SignatureVerification(signature) => format!("the ID token's signature: {signature}"),
        error => format!("the ID token: {error}"),
    };
    Disbelief::new(fault, detail)
}

/// Why no token was had for a code.
pub fn not_exchanged(error: RequestTokenError<HttpError, StandardErrorResponse<CoreErrorResponseType>>) -> Disbelief {
    let unavailable = |why: String| Disbelief::new(Fault::ProviderUnavailable, format!("its token endpoint: {why}"));
    match error {
        RequestTokenError::ServerResponse(answer) => {
            let why = format!("the provider gives no token for the code: {:?}", short(answer.error().as_ref()));
            Disbelief::new(Fault::ProviderRefused, why)
        }
        RequestTokenError::Request(error) => unavailable(error.to_string()),
        RequestTokenError::Parse(_, body) if is_encrypted(&body) => {
            Disbelief::new(Fault::EncryptionRefused, "the ID token is encrypted: switch that off for this client")
        }
        RequestTokenError::Parse(error, _) => {
            // Where it is wrong, not what it says: it may name the person.
            Disbelief::new(Fault::NotUnderstood, format!("the token answer is not understood at {:?}", error.path()))
        }
        RequestTokenError::Other(why) => unavailable(short(&why)),
    }
}

// Five parts instead of three (RFC 7516 §3.1).
fn is_encrypted(body: &[u8]) -> bool {
    let answer: Option<Value> = serde_json::from_slice(body).ok();
    let token = answer.as_ref().and_then(|answer| answer["id_token"].as_str());
    token.is_some_and(|token| token.split('.').count() == 5)
}
