//! Sign-in by SAML 2.0, with this server as a service provider.
//!
//! Only this module knows which library parses SAML. Around the library it makes its own checks: what an answer may
//! contain and where (`content`, `structure`), which keys are trusted (`signature`), and decryption (`decrypt`). The
//! caller must check that the answer belongs to a pending request and is accepted only once: [`Verified`] contains
//! the request and the assertion's ID.

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

/// A configured identity provider, with the addresses and keys of this server for it.
pub struct Saml {
    name: String,
    entity_id: String,
    /// Assertion consumer addresses of the portal and the console.
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

/// The configured attribute names.
struct Mapping {
    subject: Option<String>,
    user_name: Option<String>,
    display_name: String,
    mail: String,
    groups: String,
    user_principal_name: Option<String>,
    employee_number: Option<String>,
    managed_apple_id: Option<String>,
    claims: Vec<String>,
    absent_groups: Absent,
    absent_claims: Absent,
}

/// A begun sign-in: send the person to `url`. The answer contains `request_id`, which is random and secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Absolute URL with the request in its query (HTTP-Redirect binding).
    pub url: String,
    pub request_id: String,
}

/// A valid answer. The caller must still check that it was requested and that it was not used before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// ID of the request that it answers. `None` only if unsolicited answers are allowed.
    pub in_response_to: Option<String>,
    /// The caller must accept each ID only once per issuer.
    pub assertion_id: String,
    /// Entity ID of the provider.
    pub issuer: String,
    /// When the person authenticated at the provider.
    pub authenticated_at: Timestamp,
    pub account: Account,
}

/// A rejected answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub disbelief: Disbelief,
    /// ID of the request that it claims to answer.
    pub in_response_to: Option<String>,
}

impl Saml {
    /// Loads the configuration and the files that it names.
    ///
    /// # Errors
    /// Returns an error that says which file is wrong and what to do.
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

    /// Returns the assertion consumer address of the portal.
    pub(crate) fn portal_consumer(&self) -> &str {
        &self.consumers[0]
    }

    /// Returns the assertion consumer address of the console.
    pub(crate) fn console_consumer(&self) -> &str {
        &self.consumers[1]
    }

    /// Returns the assertion consumer address of `place`.
    fn consumer(&self, place: Place) -> &str {
        match place {
            Place::Portal => self.portal_consumer(),
            Place::Console => self.console_consumer(),
        }
    }

    /// Begins a sign-in whose answer is sent to `consumer`.
    ///
    /// # Errors
    /// Returns an error if the provider's metadata has expired.
    pub fn begin(&self, world: &World, consumer: &str) -> Result<Begun, String> {
        self.provider.in_force(world.now())?;
        request::begin(self, world, consumer)
    }

    /// Reasons why signing certificates in the provider's metadata are ignored, while others are used.
    pub(crate) fn passed_over(&self) -> &[String] {
        &self.provider.passed_over
    }

    /// Returns the metadata document of this server for the administrator of the provider, with the addresses
    /// `consumers`.
    pub fn metadata(&self, consumers: &[&str]) -> String {
        descriptor::document(self, consumers)
    }

    /// Verifies the form field `SAMLResponse` that was posted to `consumer`, and returns the account.
    ///
    /// # Errors
    /// Returns an error with the reason if the answer is rejected.
    pub fn verify(&self, field: &str, consumer: &str, now: Timestamp) -> Result<Verified, Refused> {
        response::verify(self, field, consumer, now)
    }
}

fn pair(certificate: Option<&Path>, key: Option<&Path>, what: &str) -> Result<Option<KeyPair>, String> {
    let (certificate, key) = match (certificate, key) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        _ => return Err(format!("{what}_certificate and {what}_key belong together: set both or neither")),
    };
    let read =
        |path: &Path| regular_file::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()));
    let parsed = X509::from_pem(&read(certificate)?);
    let parsed = parsed.map_err(|_| format!("{} contains no PEM certificate", certificate.display()))?;
    // The callback prevents OpenSSL from asking for a passphrase at a terminal.
    let private = PKey::private_key_from_pem_callback(&read(key)?, |_| Ok(0));
    let private = private.map_err(|_| format!("{} contains no PEM private key without a passphrase", key.display()))?;
    if private.id() != openssl::pkey::Id::RSA || private.bits() < 2048 {
        return Err(format!(
            "{} does not contain an RSA key of at least 2048 bits, which every provider supports",
            key.display()
        ));
    }
    if !parsed.public_key().is_ok_and(|public| public.public_eq(&private)) {
        return Err(format!("{} is not the key of the certificate {}", key.display(), certificate.display()));
    }
    Ok(Some(KeyPair { certificate: parsed, key: private }))
}

/// Escapes text for XML content and attribute values.
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
