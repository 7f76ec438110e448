//! The push certificate: its content, and the signing request for Apple's portal.
//!
//! Apple issues MDM push certificates only for requests that an MDM vendor has signed (Apple, "Setting up push
//! notifications for your MDM customers"). An organization can make a [`PushRequest`] itself. [`VendorSigner`] adds
//! the signature if the organization is its own vendor.

mod vendor;

pub use vendor::VendorSigner;

use super::TOPIC_PREFIX;
use super::files::{Credential, PkiError};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509NameBuilder, X509Ref, X509Req, X509ReqBuilder};

/// Length of the RSA key, which Apple accepts.
const KEY_BITS: u32 = 2048;

/// Returns the organization of the issuer or, if it has none, its common name.
pub fn issuer(certificate: &X509Ref) -> String {
    let name = certificate.issuer_name();
    let entry = name.entries_by_nid(Nid::ORGANIZATIONNAME).chain(name.entries_by_nid(Nid::COMMONNAME)).next();
    entry.and_then(|entry| entry.data().to_string().ok()).unwrap_or_else(|| "nobody".into())
}

/// Returns whether the name of the issuer is Apple's.
pub fn is_apple(issuer: &str) -> bool {
    issuer.starts_with("Apple Inc")
}

/// A key and the signing request for its certificate.
pub struct PushRequest {
    pub key: PKey<Private>,
    pub request: X509Req,
}

impl PushRequest {
    /// Creates a key and a request that names the organization. Apple takes the name from the account that uploads
    /// the request; the name in the request only helps people to tell files apart.
    ///
    /// # Errors
    /// Returns an error if OpenSSL fails.
    pub fn make(name: &str, mail: Option<&str>) -> Result<PushRequest, ErrorStack> {
        let key = PKey::from_rsa(Rsa::generate(KEY_BITS)?)?;
        let mut subject = X509NameBuilder::new()?;
        // X.520 limits common names to 64 characters.
        let name: String = name.chars().take(64).collect();
        subject.append_entry_by_nid(Nid::COMMONNAME, &name)?;
        if let Some(mail) = mail {
            subject.append_entry_by_nid(Nid::PKCS9_EMAILADDRESS, mail)?;
        }
        let mut request = X509ReqBuilder::new()?;
        // Version 1, which is encoded as 0 (RFC 2986 section 4.1). If it is not set, OpenSSL writes an integer
        // without a value.
        request.set_version(0)?;
        request.set_subject_name(&subject.build())?;
        request.set_pubkey(&key)?;
        request.sign(&key, MessageDigest::sha256())?;
        Ok(PushRequest { key, request: request.build() })
    }
}

/// Facts from a push certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushFacts {
    /// UID of the subject.
    pub topic: String,
    /// Seconds since 1970.
    pub not_before: i64,
    /// Seconds since 1970.
    pub not_after: i64,
    /// Organization of the issuer.
    pub issuer: String,
}

impl PushFacts {
    /// Reads the facts from a push certificate.
    ///
    /// # Errors
    ///
    /// Returns an error if it is not an MDM push certificate.
    pub fn of(credential: &Credential) -> Result<PushFacts, PkiError> {
        let certificate = &credential.certificate;
        let topic = topic(certificate).filter(|topic| topic.starts_with(TOPIC_PREFIX)).ok_or_else(|| {
            let found = topic(certificate).unwrap_or_else(|| "missing".into());
            PkiError::new(
                &credential.certificate_path,
                format!("is not an MDM push certificate: the UID of its subject is {found}"),
                "use the certificate downloaded from https://identity.apple.com/pushcert, whose UID begins with \
                 com.apple.mgmt.",
            )
        })?;
        let unix = |time: &openssl::asn1::Asn1TimeRef| unix(time).unwrap_or_default();
        let (not_before, not_after) = (unix(certificate.not_before()), unix(certificate.not_after()));
        Ok(PushFacts { topic, not_before, not_after, issuer: issuer(certificate) })
    }

    /// Returns whether the name of the issuer is Apple's.
    pub fn is_of_apple(&self) -> bool {
        is_apple(&self.issuer)
    }
}

fn topic(certificate: &X509Ref) -> Option<String> {
    let uid = certificate.subject_name().entries_by_nid(Nid::USERID).next()?;
    uid.data().to_string().ok()
}

/// Seconds since 1970.
fn unix(time: &openssl::asn1::Asn1TimeRef) -> Option<i64> {
    let epoch = openssl::asn1::Asn1Time::from_unix(0).ok()?;
    let since = epoch.diff(time).ok()?;
    Some(i64::from(since.days) * 86_400 + i64::from(since.secs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_signed_with_its_own_rsa_key_of_2048_bits() {
        let made = PushRequest::make(&"Ü".repeat(100), Some("mdm@example.com")).unwrap();
        assert!(made.request.verify(&made.key).unwrap());
        use der::Decode as _;
        let request = made.request.to_der().unwrap();
        x509_cert::request::CertReq::from_der(&request).expect("a strict reader takes it");
        assert!(made.request.public_key().unwrap().public_eq(&made.key));
        assert_eq!(made.key.bits(), 2048);
    }

    #[test]
    fn times_of_certificates_are_seconds_since_1970() {
        for at in [0, 1_700_000_000, 4_102_444_799] {
            assert_eq!(unix(&openssl::asn1::Asn1Time::from_unix(at).unwrap()), Some(at));
        }
    }
}
