//! The provider's metadata document: its entity ID, its address and its signing keys. It is a file of the
//! administrator, and nothing in it is fetched.

use super::signature::Pinned;
use chrono::{DateTime, Utc};
use gamlastan::core::constants;
use gamlastan::metadata::types::entity_descriptor::{EntitiesDescriptorRef, EntityDescriptor, EntityDescriptorRef};
use gamlastan::xml::{parse_saml, parse_secure_metadata};
use openssl::pkey::{Id, PKey, Public};
use openssl::x509::X509;
use std::path::Path;
use url::{Host, Url};
use world::Timestamp;
use world::regular_file;

/// Maximum size in bytes. A single identity provider has a few kilobytes of metadata; federations with thousands of
/// providers are not supported.
const LARGEST: usize = 1024 * 1024;

/// An identity provider as its metadata describes it.
pub(crate) struct Provider {
    /// `entityID`, compared character by character.
    pub entity_id: String,
    /// Address that people are sent to with a request (HTTP-Redirect).
    pub sign_in: Url,
    pub keys: Pinned,
    /// Reasons why some of its signing certificates are ignored.
    pub passed_over: Vec<String>,
    /// Time from which the document is no longer valid.
    pub valid_until: Option<Timestamp>,
    pub wants_signed_requests: bool,
}

impl Provider {
    /// Reads and parses a metadata document.
    ///
    /// # Errors
    ///
    /// Returns an error that says what is wrong with the document and what to do.
    pub(crate) fn read(path: &Path) -> Result<Provider, String> {
        let shown = path.display();
        let bytes = regular_file::read(path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
        if bytes.len() > LARGEST {
            return Err(format!("{shown} is larger than {LARGEST} bytes; use a document with only this provider"));
        }
        decoded(&bytes).and_then(|text| Provider::parse(&text)).map_err(|error| format!("{shown}: {error}"))
    }

    /// Parses a metadata document.
    ///
    /// # Errors
    ///
    /// Returns an error that says what is wrong with the document and what to do.
    pub(crate) fn parse(text: &str) -> Result<Provider, String> {
        let (entity, valid_until) = entity(&without_armour(text))?;
        let roles = entity.idp_sso_descriptors();
        if entity.entity_id.is_empty() || roles.is_empty() {
            return Err("it contains no identity provider (an EntityDescriptor with an IDPSSODescriptor)".into());
        }
        let certificates: Vec<Vec<u8>> = roles.iter().flat_map(|role| role.signing_certificates_der()).collect();
        if certificates.is_empty() {
            return Err("it contains no signing certificate: no answer can be verified; export it with keys".into());
        }
        let (mut keys, mut passed_over) = (Vec::new(), Vec::new());
        for certificate in &certificates {
            match strong(certificate) {
                Ok(key) => keys.push(key),
                Err(why) => passed_over.push(why),
            }
        }
        if keys.is_empty() {
            return Err(passed_over.join("; "));
        }
        let redirect = roles.iter().find_map(|role| role.single_sign_on_service(constants::BINDING_HTTP_REDIRECT));
        let redirect =
            redirect.ok_or("it has no SingleSignOnService for HTTP-Redirect; enable that binding at the provider")?;
        Ok(Provider {
            sign_in: safe(&redirect.location)?,
            keys: Pinned::new(&keys)?,
            passed_over,
            valid_until: valid_until.map(|at| Timestamp(at.timestamp_micros())),
            wants_signed_requests: roles.iter().any(|role| role.want_authn_requests_signed == Some(true)),
            entity_id: entity.entity_id,
        })
    }

    /// Checks that the document is still valid.
    ///
    /// # Errors
    ///
    /// Returns an error if the document has expired.
    pub(crate) fn in_force(&self, now: Timestamp) -> Result<(), String> {
        match self.valid_until {
            Some(end) if end <= now => {
                Err(format!("the provider's metadata expired at {}; get a new document", end.to_rfc3339()))
            }
            _ => Ok(()),
        }
    }
}

// Decodes UTF-8 or UTF-16, which the first bytes tell apart (XML 1.0, appendix F). PowerShell writes UTF-16.
fn decoded(bytes: &[u8]) -> Result<String, String> {
    let units = |of: fn([u8; 2]) -> u16| bytes.chunks_exact(2).map(|pair| of([pair[0], pair[1]])).collect::<Vec<_>>();
    let units = match bytes {
        [0xFF, 0xFE, ..] | [b'<', 0, ..] => units(u16::from_le_bytes),
        [0xFE, 0xFF, ..] | [0, b'<', ..] => units(u16::from_be_bytes),
        _ => {
            let text = std::str::from_utf8(bytes);
            let text = text.map_err(|_| "it is neither UTF-8 nor UTF-16; save it as UTF-8".to_owned())?;
            return Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text).to_owned());
        }
    };
    let text = String::from_utf16(&units).map_err(|_| "it is damaged UTF-16; save it as UTF-8")?;
    Ok(undeclared(text.strip_prefix('\u{FEFF}').unwrap_or(&text)).to_owned())
}

// Removes the XML declaration: it names the encoding of the file, which is not the encoding of the decoded text.
fn undeclared(text: &str) -> &str {
    match text.strip_prefix("<?xml ") {
        Some(rest) => rest.split_once("?>").map_or(text, |(_, body)| body.trim_start()),
        None => text,
    }
}

// `X509Certificate` contains only base64 (XML Signature 4.4.4), but some people paste a whole PEM file there.
fn without_armour(text: &str) -> String {
    text.replace("-----BEGIN CERTIFICATE-----", "").replace("-----END CERTIFICATE-----", "")
}

// Returns the one provider in the document, and the time until which both it and the element around it are valid.
fn entity(text: &str) -> Result<(EntityDescriptor, Option<DateTime<Utc>>), String> {
    let document = parse_secure_metadata(text).map_err(|error| format!("it cannot be parsed as XML: {error}"))?;
    let root = document.document_element().and_then(|root| document.element(root));
    if root.is_none_or(|root| &*root.name.local_name != "EntitiesDescriptor") {
        let entity = parse_saml::<EntityDescriptorRef<'_>>(&document);
        let entity = entity.map_err(|error| format!("it is not SAML metadata: {error}"))?.to_owned();
        let valid_until = entity.valid_until;
        return Ok((entity, valid_until));
    }
    let entities = parse_saml::<EntitiesDescriptorRef<'_>>(&document);
    let entities = entities.map_err(|error| format!("it is not SAML metadata: {error}"))?.to_owned();
    let descriptors = entities.entity_descriptors();
    let mut providers = descriptors.iter().filter(|entity| !entity.idp_sso_descriptors().is_empty());
    match (providers.next(), providers.count()) {
        (Some(one), 0) => {
            let valid_until = one.valid_until.into_iter().chain(entities.valid_until).min();
            Ok(((*one).clone(), valid_until))
        }
        (Some(_), more) => {
            let wrong = format!("it contains {} identity providers", more + 1);
            Err(format!("{wrong}; use a document with the EntityDescriptor of this provider only"))
        }
        (None, _) => Err("it contains no identity provider (no entity has an IDPSSODescriptor)".into()),
    }
}

// Returns the key of a certificate. Weak keys, whose signatures can be forged today, are an error.
fn strong(certificate: &[u8]) -> Result<PKey<Public>, String> {
    let certificate = X509::from_der(certificate).map_err(|_| "a signing certificate in it is damaged")?;
    let key = certificate.public_key().map_err(|_| "a signing certificate in it contains an unsupported key")?;
    let enough = match key.id() {
        Id::RSA => key.bits() >= 2048,
        Id::EC => key.bits() >= 256,
        _ => return Err("a signing certificate in it contains neither an RSA nor an EC key".into()),
    };
    let why = || format!("a signing key in it is too weak ({} bits); let the provider make a new one", key.bits());
    if enough { Ok(key) } else { Err(why()) }
}

// The address must use https, because people type their passwords there. Plain http is allowed on this machine, for
// trials.
fn safe(location: &str) -> Result<Url, String> {
    let url = Url::parse(location).map_err(|error| format!("its SingleSignOnService is not a URL: {error}"))?;
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let safe = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    safe.then_some(url).ok_or_else(|| format!("its SingleSignOnService {location} is not https"))
}
