//! The request that a person's browser carries to the identity provider (AuthnRequest by HTTP-Redirect, SAML Bindings
//! 3.4).

use super::{Begun, KeyPair, Saml, escaped};
use base64::Engine as _;
use gamlastan::bindings::deflate::deflate_compress;
use openssl::hash::MessageDigest;
use openssl::sign::Signer;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::form_urlencoded::byte_serialize;
use world::{Timestamp, World};

const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// Creates a sign-in request whose answer is sent to `consumer`.
///
/// # Errors
/// Returns an error if OpenSSL cannot sign.
pub(crate) fn begin(saml: &Saml, world: &World, consumer: &str) -> Result<Begun, String> {
    // 160 bits. An xs:ID must not begin with a digit.
    let request_id = format!("_{}", hex::encode(world.random::<20>()));
    let document = document(saml, &request_id, consumer, world.now());
    let compressed = deflate_compress(document.as_bytes()).map_err(|error| error.to_string())?;
    let encoded = base64::engine::general_purpose::STANDARD.encode(compressed);
    let mut query = format!("SAMLRequest={}", encode(&encoded));
    if let Some(pair) = &saml.signing {
        query.push_str(&format!("&SigAlg={}", encode(RSA_SHA256)));
        let signature =
            sign(pair, query.as_bytes()).map_err(|error| format!("the request cannot be signed: {error}"))?;
        query.push_str(&format!("&Signature={}", encode(&signature)));
    }
    // Not built with `Url`, because the signed query must stay unchanged byte for byte.
    let location = saml.provider.sign_in.as_str();
    let separator = if saml.provider.sign_in.query().is_some() { '&' } else { '?' };
    Ok(Begun { url: format!("{location}{separator}{query}"), request_id })
}

// The request contains nothing about the enrollment: no RelayState and no names.
fn document(saml: &Saml, id: &str, consumer: &str, now: Timestamp) -> String {
    format!(
        "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
         ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{}\" Destination=\"{}\" AssertionConsumerServiceURL=\"{}\" \
         ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\"{}><saml:Issuer>{}</saml:Issuer>\
         <samlp:NameIDPolicy AllowCreate=\"true\"/></samlp:AuthnRequest>",
        instant(now),
        escaped(saml.provider.sign_in.as_str()),
        escaped(consumer),
        if saml.force_authentication { " ForceAuthn=\"true\"" } else { "" },
        escaped(&saml.entity_id),
    )
}

fn instant(at: Timestamp) -> String {
    let seconds = OffsetDateTime::from_unix_timestamp(at.0.div_euclid(1_000_000));
    seconds.ok().and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}

fn encode(value: &str) -> String {
    byte_serialize(value.as_bytes()).collect()
}

fn sign(pair: &KeyPair, query: &[u8]) -> Result<String, openssl::error::ErrorStack> {
    let mut signer = Signer::new(MessageDigest::sha256(), &pair.key)?;
    Ok(base64::engine::general_purpose::STANDARD.encode(signer.sign_oneshot_to_vec(query)?))
}
