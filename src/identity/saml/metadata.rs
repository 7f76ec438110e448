//! What the provider's metadata document says: who it is, where it is asked, which keys it signs with. From a file of the
//! administrator's; nothing in it is fetched.

use super::signature::Pinned;
use crate::world::Timestamp;
use gamlastan::core::constants;
use gamlastan::metadata::types::entity_descriptor::{EntityDescriptor, EntityDescriptorRef};
use gamlastan::xml::{parse_saml, parse_secure_metadata};
use openssl::x509::X509;
use std::path::Path;
use url::{Host, Url};

/// An identity provider has a few kilobytes of metadata; federations with thousands are not for us.
const LARGEST: u64 = 1024 * 1024;

/// The provider as its metadata describes it.
pub struct Provider {
    pub entity_id: String,
    /// Where people are sent with a request (HTTP-Redirect).
    pub sign_in: Url,
    pub keys: Pinned,
    /// From then on the document says nothing any more.
    pub valid_until: Option<Timestamp>,
    pub wants_signed_requests: bool,
}

impl Provider {
    /// # Errors
    /// Says what is wrong with the document and what to do.
    pub fn read(path: &Path) -> Result<Provider, String> {
        let shown = path.display();
        let size = std::fs::metadata(path).map_err(|error| format!("{shown} cannot be read: {error}"))?.len();
        if size > LARGEST {
            return Err(format!("{shown} is larger than {LARGEST} bytes; give the document of this one provider"));
        }
        let text = std::fs::read_to_string(path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
        Provider::parse(&text).map_err(|error| format!("{shown}: {error}"))
    }

    /// # Errors
    /// Says what is wrong with the document and what to do.
    pub fn parse(text: &str) -> Result<Provider, String> {
        let entity = entity(text)?;
        let roles = entity.idp_sso_descriptors();
        if entity.entity_id.is_empty() || roles.is_empty() {
            return Err("it describes no identity provider (an EntityDescriptor with an IDPSSODescriptor)".into());
        }
        let certificates: Vec<Vec<u8>> = roles.iter().flat_map(|role| role.signing_certificates_der()).collect();
        if certificates.is_empty() {
            return Err("it names no signing certificate, so nothing could be verified; export it with its keys".into());
        }
        for certificate in &certificates {
            strong(certificate)?;
        }
        let redirect = roles.iter().find_map(|role| role.single_sign_on_service(constants::BINDING_HTTP_REDIRECT));
        let redirect = redirect.ok_or("it names no SingleSignOnService for HTTP-Redirect; switch that binding on")?;
        Ok(Provider {
            sign_in: safe(&redirect.location)?,
            keys: Pinned::new(&certificates)?,
            valid_until: entity.valid_until.map(|at| Timestamp(at.timestamp_micros())),
            wants_signed_requests: roles.iter().any(|role| role.want_authn_requests_signed == Some(true)),
            entity_id: entity.entity_id,
        })
    }

    /// # Errors
    /// If the document is out of date.
    pub fn in_force(&self, now: Timestamp) -> Result<(), String> {
        match self.valid_until {
            Some(end) if end <= now => {
                Err(format!("the provider's metadata was valid until {} only; get a new document", end.to_rfc3339()))
            }
            _ => Ok(()),
        }
    }
}

fn entity(text: &str) -> Result<EntityDescriptor, String> {
    let document = parse_secure_metadata(text).map_err(|error| format!("it is not XML we read: {error}"))?;
    let root = document.document_element().and_then(|root| document.element(root));
    if root.is_some_and(|root| &*root.name.local_name == "EntitiesDescriptor") {
        return Err("it describes many providers; give a document with the EntityDescriptor of this one alone".into());
    }
    let entity = parse_saml::<EntityDescriptorRef<'_>>(&document);
    Ok(entity.map_err(|error| format!("it is no SAML metadata: {error}"))?.to_owned())
}

// What can be forged today vouches for nobody.
fn strong(certificate: &[u8]) -> Result<(), String> {
    let certificate = X509::from_der(certificate).map_err(|_| "a signing certificate in it is damaged")?;
    let key = certificate.public_key().map_err(|_| "a signing certificate in it holds no key we know")?;
    let enough = match key.id() {
        openssl::pkey::Id::RSA => key.bits() >= 2048,
        openssl::pkey::Id::EC => key.bits() >= 256,
        _ => return Err("a signing certificate in it holds neither an RSA nor an EC key".into()),
    };
    let why = || format!("a signing key in it has {} bits: too few; let the provider make a new one", key.bits());
    enough.then_some(()).ok_or_else(why)
}

// People type their passwords there. This machine itself needs no encryption: trials run there.
fn safe(location: &str) -> Result<Url, String> {
    let url = Url::parse(location).map_err(|error| format!("its SingleSignOnService is no address: {error}"))?;
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let safe = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    safe.then_some(url).ok_or_else(|| format!("its SingleSignOnService {location} is not https"))
}
