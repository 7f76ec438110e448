//! Certificates and keys: the CA that signs device identities, SCEP, and the profiles that devices install.
//!
//! This crate is a library: it knows nothing of enrollments. [`Pki::load`] reads the files that [`create`] or an
//! administrator made.

pub mod attestation;
mod ber;
pub mod create;
pub mod device_cas;
pub mod device_signed;
pub mod files;
mod issue;
pub mod one_signer;
pub mod profile;
pub mod push;
pub mod revocation;
pub mod scep;
mod section;
pub mod shape;
mod template;
#[cfg(test)]
mod testing;

pub use section::{PkiFiles, PushFiles};

use files::{Credential, PkiError};
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::stack::Stack;
use openssl::x509::{X509, X509Ref};
use push::PushFacts;
use std::sync::Arc;

pub use issue::Issued;

/// Prefix of every MDM push topic (mdm/profiles/com.apple.mdm.yaml, `Topic`).
pub const TOPIC_PREFIX: &str = "com.apple.mgmt.";

/// All certificates and keys of a running server. Cheap to clone.
#[derive(Clone)]
pub struct Pki {
    inner: Arc<Inner>,
}

struct Inner {
    identity_ca: Credential,
    registration_authority: Credential,
    profile_signer: Credential,
    tls_root: Option<X509>,
    push: Option<PushFacts>,
}

/// SHA-256 of the certificates that a log belongs to, in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprints {
    /// The CA that issues the identities of devices.
    pub identity_ca: String,
    /// The registration authority that answers SCEP requests.
    pub registration_authority: String,
}

impl Pki {
    /// Reads the files and checks that they match each other. Expiry is not checked here, so that a server can start
    /// after a certificate expired; `muster check-config` reports it.
    ///
    /// # Errors
    /// Returns an error that says which file is wrong, why, and how to correct it.
    pub fn load(files: &PkiFiles, push: PushFiles<'_>) -> Result<Pki, PkiError> {
        let identity_ca = Credential::read(&files.identity_ca_certificate, &files.identity_ca_key)?;
        identity_ca.must_be_ca()?;
        let registration_authority =
            Credential::read(&files.registration_authority_certificate, &files.registration_authority_key)?;
        registration_authority.must_serve_scep()?;
        registration_authority.must_be_issued_by(&identity_ca)?;
        let profile_signer = Credential::read(&files.profile_signer_certificate, &files.profile_signer_key)?;
        let tls = Credential::read(&files.tls_certificate, &files.tls_key)?;
        let tls_root = files.tls_root.as_deref().map(files::certificate).transpose()?;
        if let (Some(path), Some(root)) = (&files.tls_root, &tls_root) {
            tls.must_chain_to(path, root)?;
        }
        let push = push_credential(push)?.map(|credential| PushFacts::of(&credential)).transpose()?;
        let inner = Inner { identity_ca, registration_authority, profile_signer, tls_root, push };
        Ok(Pki { inner: Arc::new(inner) })
    }

    /// Returns the topic of the push certificate, which is the UID of its subject. `None` if there is no push
    /// certificate; no MDM profile can be made then.
    pub fn push_topic(&self) -> Option<&str> {
        self.inner.push.as_ref().map(|push| push.topic.as_str())
    }

    /// Returns the expiry of the push certificate, in seconds since 1970.
    pub fn push_not_after(&self) -> Option<i64> {
        self.inner.push.as_ref().map(|push| push.not_after)
    }

    pub fn fingerprints(&self) -> Fingerprints {
        Fingerprints {
            identity_ca: fingerprint(self.identity_ca()),
            registration_authority: fingerprint(&self.inner.registration_authority.certificate),
        }
    }

    /// Returns the certificate of the CA that signs device identities.
    pub fn identity_ca(&self) -> &X509Ref {
        &self.inner.identity_ca.certificate
    }

    /// Returns the private root of the server's TLS certificate; `None` if that certificate is publicly trusted.
    pub fn tls_root(&self) -> Option<&X509Ref> {
        self.inner.tls_root.as_deref()
    }

    /// Certificates that people install in the certificate step: the private TLS root or, if there is none, the
    /// identity CA.
    pub fn trust_anchors(&self) -> Vec<X509> {
        vec![self.inner.tls_root.clone().unwrap_or_else(|| self.inner.identity_ca.certificate.clone())]
    }

    /// Signs a profile: CMS SignedData in DER with the XML inside and the signer's intermediates
    /// (`application/x-apple-aspen-config`).
    ///
    /// # Errors
    /// Returns an error if OpenSSL fails.
    pub fn sign_profile(&self, xml: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let signer = &self.inner.profile_signer;
        let mut intermediates = Stack::new()?;
        for certificate in &signer.intermediates {
            intermediates.push(certificate.clone())?;
        }
        let (certificate, key) = (Some(&*signer.certificate), Some(&*signer.key));
        CmsContentInfo::sign(certificate, key, Some(&intermediates), Some(xml), CMSOptions::BINARY)?.to_der()
    }
}

impl std::fmt::Debug for Pki {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pki").field("fingerprints", &self.fingerprints()).finish_non_exhaustive()
    }
}

/// SHA-256 of a certificate's DER, in lower-case hexadecimal.
pub fn fingerprint(certificate: &X509Ref) -> String {
    let digest = certificate.digest(MessageDigest::sha256()).expect("a parsed certificate has a SHA-256");
    hex::encode(digest)
}

fn push_credential(push: PushFiles<'_>) -> Result<Option<Credential>, PkiError> {
    match (push.certificate, push.key) {
        (Some(certificate), Some(key)) => Credential::read(certificate, key).map(Some),
        (None, None) => Ok(None),
        (Some(given), None) | (None, Some(given)) => Err(PkiError::new(
            given,
            "is given alone, but certificate and key belong together",
            "set both `certificate` and `key` in [push], or neither",
        )),
    }
}
