//! Certificates that an organization provides: a root and certificates that it issues, each with one property that a
//! test sets.

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};
use std::path::{Path, PathBuf};

/// A certificate and its key.
pub struct Made {
    pub certificate: X509,
    pub key: PKey<Private>,
}

/// Properties of a certificate. The defaults meet the requirements of devices.
pub struct Wanted<'a> {
    pub name: &'a str,
    pub key: PKey<Private>,
    pub digest: MessageDigest,
    pub issuer: Option<&'a Made>,
    pub server_auth: bool,
    /// Start and end of the validity period, in days from now.
    pub term: (i64, i64),
}

impl<'a> Wanted<'a> {
    pub fn new(name: &'a str, issuer: Option<&'a Made>) -> Wanted<'a> {
        let digest = MessageDigest::sha256();
        Wanted { name, key: rsa(2048), digest, issuer, server_auth: issuer.is_some(), term: (-1, 90) }
    }

    pub fn make(self) -> Made {
        let mut subject = X509NameBuilder::new().unwrap();
        subject.append_entry_by_text("CN", self.name).unwrap();
        let subject = subject.build();
        let mut certificate = X509::builder().unwrap();
        certificate.set_version(2).unwrap();
        let mut serial = BigNum::new().unwrap();
        serial.rand(120, MsbOption::ONE, false).unwrap();
        certificate.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
        certificate.set_subject_name(&subject).unwrap();
        let issuer = self.issuer.map(|made| made.certificate.subject_name());
        certificate.set_issuer_name(issuer.unwrap_or(&subject)).unwrap();
        certificate.set_pubkey(&self.key).unwrap();
        let at = |days: i64| {
            let now = world::World::system().now().0 / 1_000_000;
            Asn1Time::from_unix(now + days * 86_400).unwrap()
        };
        certificate.set_not_before(&at(self.term.0)).unwrap();
        certificate.set_not_after(&at(self.term.1)).unwrap();
        if self.issuer.is_some() || self.server_auth {
            let context = certificate.x509v3_context(None, None);
            let names = SubjectAlternativeName::new().dns(self.name).build(&context).unwrap();
            certificate.append_extension(names).unwrap();
        }
        if self.server_auth {
            certificate.append_extension(ExtendedKeyUsage::new().server_auth().build().unwrap()).unwrap();
        }
        if self.issuer.is_none() {
            certificate.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        }
        certificate.sign(self.issuer.map_or(&self.key, |made| &made.key), self.digest).unwrap();
        Made { certificate: certificate.build(), key: self.key }
    }
}

impl Made {
    /// Writes `NAME.pem` and `NAME.key`, and returns the paths.
    pub fn write(&self, directory: &Path, name: &str) -> (PathBuf, PathBuf) {
        let (certificate, key) = (directory.join(format!("{name}.pem")), directory.join(format!("{name}.key")));
        std::fs::write(&certificate, self.certificate.to_pem().unwrap()).unwrap();
        std::fs::write(&key, self.key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        (certificate, key)
    }
}

pub fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

pub fn curve(nid: Nid) -> PKey<Private> {
    let group = EcGroup::from_curve_name(nid).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}
