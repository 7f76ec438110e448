//! A signed token (JWS compact serialization, RFC 7515): its header, and the key that signed it.

use super::short;
use crate::config::ALGORITHMS;
use crate::{Disbelief, Fault};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey as _, SignatureVerificationError};
use serde_json::{Map, Value};

/// Parses the name of a signature algorithm. Only algorithms that may be configured are known.
pub(crate) fn algorithm(name: &str) -> Result<CoreJwsSigningAlgorithm, String> {
    let unknown = || format!("{name:?} is not one of {}", ALGORITHMS.join(", "));
    if !ALGORITHMS.contains(&name) {
        return Err(unknown());
    }
    serde_json::from_value(Value::from(name)).map_err(|_| unknown())
}

/// A token whose signature is not verified yet.
pub(crate) struct Signed<'a> {
    pub algorithm: CoreJwsSigningAlgorithm,
    key_id: Option<String>,
    message: &'a str,
    signature: Vec<u8>,
    payload: Vec<u8>,
}

/// Why no key verifies a token.
pub(crate) enum Unverified {
    /// No key has the token's key ID. The provider may have newer keys.
    UnknownKey,
    /// The message of the JWS library.
    Invalid(String),
}

impl<'a> Signed<'a> {
    /// Parses a token. `allowed` are the configured algorithms.
    pub(crate) fn parse(token: &'a str, allowed: &[CoreJwsSigningAlgorithm]) -> Result<Signed<'a>, Disbelief> {
        let unreadable = |why: &str| Disbelief::new(Fault::NotUnderstood, format!("the ID token {why}"));
        let parts: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            // Five parts mean an encrypted token (RFC 7516 §3.1).
            return Err(match parts.len() {
                5 => {
                    let why = "the ID token is encrypted: turn encryption off for this client at the provider";
                    Disbelief::new(Fault::EncryptionRefused, why)
                }
                _ => unreadable("does not have three parts"),
            });
        };
        let bytes = |part: &str, what: &str| {
            URL_SAFE_NO_PAD.decode(part).map_err(|_| unreadable(&format!("has a {what} that is not base64url")))
        };
        let fields: Map<String, Value> = serde_json::from_slice(&bytes(header, "header")?)
            .map_err(|_| unreadable("has a header that is not a JSON object"))?;
        let algorithm = allowed_algorithm(&fields, allowed)?;
        check_header(&fields).map_err(|why| unreadable(&why))?;
        let key_id = match fields.get("kid") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(unreadable("has a kid in its header that is not a string")),
        };
        let message = token.rsplit_once('.').map_or(token, |(message, _)| message);
        let (payload, signature) = (bytes(payload, "payload")?, bytes(signature, "signature")?);
        Ok(Signed { algorithm, key_id, message, signature, payload })
    }

    /// Returns the key among `keys` that signed the token. A key states its algorithm and use (RFC 7517 §4) and
    /// verifies nothing else.
    pub(crate) fn key<'k>(&self, keys: &'k [CoreJsonWebKey]) -> Result<&'k CoreJsonWebKey, Unverified> {
        let meant =
            |key: &&CoreJsonWebKey| self.key_id.is_none() || self.key_id.as_ref() == key.key_id().map(|id| &**id);
        let mut why = Unverified::UnknownKey;
        for key in keys.iter().filter(meant) {
            match key.verify_signature(&self.algorithm, self.message.as_bytes(), &self.signature) {
                Ok(()) => return Ok(key),
                // The key is of another type or for another use.
                Err(SignatureVerificationError::InvalidKey(_)) => {}
                // Without a kid it is unknown whether the right key was among them.
                Err(_) if self.key_id.is_none() => {}
                Err(error) => why = Unverified::Invalid(error.to_string()),
            }
        }
        Err(why)
    }

    /// Returns the claims, parsed from the bytes that were signed.
    pub(crate) fn claims(&self) -> Result<Map<String, Value>, Disbelief> {
        serde_json::from_slice(&self.payload)
            .map_err(|_| Disbelief::new(Fault::NotUnderstood, "the ID token's claims are not a JSON object"))
    }
}

fn allowed_algorithm(
    header: &Map<String, Value>,
    allowed: &[CoreJwsSigningAlgorithm],
) -> Result<CoreJwsSigningAlgorithm, Disbelief> {
    let name = header.get("alg").and_then(Value::as_str).unwrap_or_default();
    if name == "none" {
        return Err(Disbelief::new(Fault::Unsigned, "the ID token is not signed (alg is \"none\")"));
    }
    let found = algorithm(name).ok().filter(|algorithm| allowed.contains(algorithm));
    found.ok_or_else(|| {
        let why = format!("the ID token's alg is {:?}, which is not among the configured algorithms", short(name));
        Disbelief::new(Fault::AlgorithmRefused, why)
    })
}

// Critical fields must be understood (RFC 7515 §4.1.11), and none is supported. A token of another type is not an ID
// token (RFC 8725 §3.11).
fn check_header(header: &Map<String, Value>) -> Result<(), String> {
    if header.contains_key("crit") {
        return Err("has critical header fields (crit), which are not supported".into());
    }
    let text = |name: &str| header.get(name).and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    if !matches!(text("typ").as_str(), "" | "jwt" | "application/jwt") {
        return Err(format!("is of type (typ) {:?}, not JWT", short(&text("typ"))));
    }
    match header.get("cty") {
        None | Some(Value::Null) => Ok(()),
        Some(_) => Err("contains another token (cty), which is not supported".into()),
    }
}
