//! Sign-in at another site by SAML 2.0: this server as a service provider.
//!
//! The one place that knows which library reads SAML. Around it, our own checks: what may stand in an answer and where
//! (`content`, `structure`), the keys that count (`signature`), encryption (`decrypt`). Who asked for an answer, and
//! that it opens one door once, is the caller's part: [`Verified`] tells the request and the assertion's ID.

mod account;
mod check;
mod content;
mod decrypt;
mod descriptor;
mod metadata;
mod redirect;
mod request;
mod response;
mod signature;
mod structure;
#[cfg(test)]
mod tests;
mod tree;

pub use check::check;
pub use content::LARGEST;

use crate::config;
use crate::config::Absent;
use crate::redirect::Place;
use crate::{Account, Disbelief};
use metadata::Provider;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use std::path::Path;
use world::regular_file;
use world::{Timestamp, World};

/// An identity provider, and what we are to it.
pub struct Saml {
    name: String,
    entity_id: String,
    /// Where answers are taken: at the portal, at the console.
    consumers: [String; 2],
    provider: Provider,
    signing: Option<KeyPair>,
    decryption: Option<KeyPair>,
    allow_unsolicited: bool,
    force_authentication: bool,
    mapping: Mapping,
}

struct KeyPair {
    certificate: X509,
    key: PKey<Private>,
}

/// Which attribute says what.
struct Mapping {
    subject: Option<String>,
    user_name: Option<String>,
    display_name: String,
    mail: String,
    groups: String,
    managed_apple_id: Option<String>,
    claims: Vec<String>,
    absent_groups: Absent,
    absent_claims: Absent,
}

/// A person is sent to `url`; the answer names `request_id`, which nobody else knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    pub url: String,
    pub request_id: String,
}

/// An answer that is to be believed, if it was asked for and is seen for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The request that it answers; `None` only where unsolicited answers are allowed.
    pub in_response_to: Option<String>,
    /// The caller lets each pass once, with the issuer.
    pub assertion_id: String,
    pub issuer: String,
    /// When the person proved themselves to the provider.
    pub authenticated_at: Timestamp,
    pub account: Account,
}

/// An answer that is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub disbelief: Disbelief,
    /// The request that it says it answers: a claim.
    pub in_response_to: Option<String>,
}

impl Saml {
    /// Reads the files that the configuration names.
    ///
    /// # Errors
    /// Says which file is wrong and what to do.
    pub fn load(config: &config::Saml, public_url: &str) -> Result<Saml, String> {
        let base = public_url.trim_end_matches('/');
        let name = &config.name;
        let signing = pair(config.signing_certificate.as_deref(), config.signing_key.as_deref(), "signing")?;
        let decryption =
            pair(config.decryption_certificate.as_deref(), config.decryption_key.as_deref(), "decryption")?;
        Ok(Saml {
            entity_id: format!("{base}/saml/{name}/metadata"),
            consumers: [format!("{base}/enroll/sso/{name}/acs"), format!("{base}/console/sso/{name}/acs")],
            provider: Provider::read(&config.metadata)?,
            signing,
            decryption,
            allow_unsolicited: config.allow_unsolicited,
            force_authentication: config.force_authentication,
            mapping: Mapping::from(config),
            name: name.clone(),
        })
    }

    /// Where answers are taken at the portal.
    pub fn portal_consumer(&self) -> &str {
        &self.consumers[0]
    }

    /// Where answers are taken at the console.
    pub fn console_consumer(&self) -> &str {
        &self.consumers[1]
    }

    /// Where answers are taken at `place`.
    fn consumer(&self, place: Place) -> &str {
        match place {
            Place::Portal => self.portal_consumer(),
            Place::Console => self.console_consumer(),
        }
    }

    /// Begins a sign-in whose answer is taken at `consumer`.
    ///
    /// # Errors
    /// If the provider's metadata is out of date.
    pub fn begin(&self, world: &World, consumer: &str) -> Result<Begun, String> {
        self.provider.in_force(world.now())?;
        request::begin(self, world, consumer)
    }

    /// Why signing certificates of the provider's metadata do not count, where others do.
    pub fn passed_over(&self) -> &[String] {
        &self.provider.passed_over
    }

    /// Our metadata document, for the administrator of the provider; with the addresses of `consumers`.
    pub fn metadata(&self, consumers: &[&str]) -> String {
        descriptor::document(self, consumers)
    }

    /// Says whom an answer vouches for: the field `SAMLResponse` as it was posted to `consumer`.
    ///
    /// # Errors
    /// If it is not to be believed, and why.
    pub fn verify(&self, field: &str, consumer: &str, now: Timestamp) -> Result<Verified, Refused> {
        response::verify(self, field, consumer, now)
    }
}

fn pair(certificate: Option<&Path>, key: Option<&Path>, what: &str) -> Result<Option<KeyPair>, String> {
    let (certificate, key) = match (certificate, key) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        _ => return Err(format!("{what}_certificate and {what}_key are only useful together; set both, or neither")),
    };
    let read =
        |path: &Path| regular_file::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()));
    let parsed = X509::from_pem(&read(certificate)?);
    let parsed = parsed.map_err(|_| format!("there is no certificate (PEM) in {}", certificate.display()))?;
    // Never asks at a terminal for a passphrase.
    let private = PKey::private_key_from_pem_callback(&read(key)?, |_| Ok(0));
    let private = private.map_err(|_| format!("there is no private key (PEM, no passphrase) in {}", key.display()))?;
    if private.id() != openssl::pkey::Id::RSA || private.bits() < 2048 {
        return Err(format!(
            "{} holds no RSA key of 2048 bits or more, which every provider understands",
            key.display()
        ));
    }
    if !parsed.public_key().is_ok_and(|public| public.public_eq(&private)) {
        return Err(format!("{} is not the key of the certificate {}", key.display(), certificate.display()));
    }
    Ok(Some(KeyPair { certificate: parsed, key: private }))
}

/// Text as it stands in XML, within an attribute too.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}
