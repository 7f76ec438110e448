//! The revocation list of device identities (RFC 5280 §5), for proxies that terminate TLS in front of this server.
//! The server itself reads the device's stream, which is more current.

use super::Pki;
use der::asn1::{BitString, OctetString, UtcTime};
use der::{Decode as _, Encode as _};
use openssl::hash::MessageDigest;
use openssl::sign::Signer;
use std::time::Duration;
use x509_cert::Version;
use x509_cert::certificate::Certificate;
use x509_cert::crl::{CertificateList, RevokedCert, TbsCertList};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, ObjectIdentifier};
use x509_cert::time::Time;

/// sha256WithRSAEncryption (RFC 4055 §5): the identity CA has an RSA key.
const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
const CRL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");

/// A revoked device identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedIdentity {
    /// Hexadecimal.
    pub serial: String,
    /// Time of the revocation, in seconds since 1970.
    pub at: u64,
}

/// Why the list cannot be created.
#[derive(Debug, thiserror::Error)]
#[error("the list of revoked identities cannot be made: {0}")]
pub struct RevocationError(String);

fn failed(error: impl std::fmt::Display) -> RevocationError {
    RevocationError(error.to_string())
}

impl Pki {
    /// Returns the list in DER, signed by the identity CA. `now` and `next` are seconds since 1970. List numbers must
    /// increase, so `now` is used as the number.
    ///
    /// # Errors
    /// Returns an error if a serial number is invalid or OpenSSL fails.
    pub fn revocation_list(
        &self,
        revoked: &[RevokedIdentity],
        now: u64,
        next: u64,
    ) -> Result<Vec<u8>, RevocationError> {
        let ca = self.identity_ca().to_der().map_err(failed)?;
        let ca = Certificate::from_der(&ca).map_err(failed)?;
        let entries = revoked.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let tbs_cert_list = TbsCertList {
            version: Version::V2,
            signature: algorithm(),
            issuer: ca.tbs_certificate.subject.clone(),
            this_update: time(now)?,
            next_update: Some(time(next)?),
            // If the list is empty, the field must be absent (RFC 5280 §5.1.2.6).
            revoked_certificates: (!entries.is_empty()).then_some(entries),
            crl_extensions: Some(extensions(&ca, now)?),
        };
        let signed = tbs_cert_list.to_der().map_err(failed)?;
        let mut signer = Signer::new(MessageDigest::sha256(), &self.inner.identity_ca.key).map_err(failed)?;
        let signature = signer.sign_oneshot_to_vec(&signed).map_err(failed)?;
        let signature = BitString::from_bytes(&signature).map_err(failed)?;
        CertificateList { tbs_cert_list, signature_algorithm: algorithm(), signature }.to_der().map_err(failed)
    }
}

fn algorithm() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid: SHA256_WITH_RSA, parameters: Some(der::asn1::Null.into()) }
}

fn entry(revoked: &RevokedIdentity) -> Result<RevokedCert, RevocationError> {
    let even =
        if revoked.serial.len().is_multiple_of(2) { revoked.serial.clone() } else { format!("0{}", revoked.serial) };
    let serial = hex::decode(even).map_err(failed)?;
    Ok(RevokedCert {
        serial_number: SerialNumber::new(&serial).map_err(failed)?,
        revocation_date: time(revoked.at)?,
        crl_entry_extensions: None,
    })
}

fn extensions(ca: &Certificate, number: u64) -> Result<Vec<Extension>, RevocationError> {
    let extension = |extn_id, value: Vec<u8>| -> Result<Extension, RevocationError> {
        Ok(Extension { extn_id, critical: false, extn_value: OctetString::new(value).map_err(failed)? })
    };
    let mut extensions = vec![extension(CRL_NUMBER, number.to_der().map_err(failed)?)?];
    let key = ca.tbs_certificate.get::<x509_cert::ext::pkix::SubjectKeyIdentifier>().map_err(failed)?;
    // A CA that the administrator provides may have no key identifier.
    if let Some((_, key)) = key {
        let authority = AuthorityKeyIdentifier { key_identifier: Some(key.0), ..AuthorityKeyIdentifier::default() };
        extensions.push(extension(AUTHORITY_KEY_IDENTIFIER, authority.to_der().map_err(failed)?)?);
    }
    Ok(extensions)
}

// UTCTime until 2049 (RFC 5280 §5.1.2.4), which is long enough.
fn time(seconds: u64) -> Result<Time, RevocationError> {
    UtcTime::from_unix_duration(Duration::from_secs(seconds)).map(Time::UtcTime).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use openssl::x509::{CrlStatus, X509Crl};

    const NOW: u64 = 1_790_000_000;

    #[test]
    fn openssl_finds_a_revoked_identity_on_the_list_and_no_other() {
        let pki = testing::pki();
        let key = openssl::rsa::Rsa::generate(2048).unwrap();
        let key = openssl::pkey::PKey::from_rsa(
            openssl::rsa::Rsa::from_public_components(key.n().to_owned().unwrap(), key.e().to_owned().unwrap())
                .unwrap(),
        )
        .unwrap();
        let issue = |n| pki.issue(&key, uuid::Uuid::from_u128(n), NOW.cast_signed(), 30).unwrap();
        let (gone, there) = (issue(1), issue(2));
        let revoked = [RevokedIdentity { serial: gone.serial, at: NOW - 60 }];
        let list = X509Crl::from_der(&pki.revocation_list(&revoked, NOW, NOW + 86_400).unwrap()).unwrap();
        assert!(list.verify(&pki.identity_ca().public_key().unwrap()).unwrap());
        assert!(matches!(list.get_by_cert(&gone.certificate), CrlStatus::Revoked(_)));
        assert!(matches!(list.get_by_cert(&there.certificate), CrlStatus::NotRevoked));
    }

    #[test]
    fn a_list_of_nobody_is_a_list() {
        let pki = testing::pki();
        let list = X509Crl::from_der(&pki.revocation_list(&[], NOW, NOW + 60).unwrap()).unwrap();
        assert!(list.verify(&pki.identity_ca().public_key().unwrap()).unwrap());
        assert_eq!(list.get_revoked().map_or(0, |revoked| revoked.len()), 0);
    }
}
