//! Certificates of a test: a CA, a certificate that it issues for a loopback address, and a CA that issues nothing.

use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Writes `ca.pem`, `server.pem`, `server.key` and `other-ca.pem` into `path`.
pub fn make(path: &Path, address: &str) {
    let (ca, ca_key) = certificate("Directory CA of a test", None);
    let (server, server_key) = certificate(address, Some((&ca, &ca_key)));
    let (other, _) = certificate("Another CA", None);
    std::fs::write(path.join("ca.pem"), ca.to_pem().unwrap()).unwrap();
    std::fs::write(path.join("server.pem"), server.to_pem().unwrap()).unwrap();
    std::fs::write(path.join("server.key"), server_key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    // Samba does not start with a key that others can read.
    std::fs::set_permissions(path.join("server.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(path.join("other-ca.pem"), other.to_pem().unwrap()).unwrap();
}

/// Creates a certificate; without an issuer, it is a CA.
fn certificate(name: &str, issuer: Option<(&X509, &PKey<Private>)>) -> (X509, PKey<Private>) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut subject = X509Name::builder().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    let serial = openssl::bn::BigNum::from_u32(if issuer.is_some() { 2 } else { 1 }).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(issuer.map_or(&*subject, |(ca, _)| ca.subject_name())).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(30).unwrap()).unwrap();
    match issuer {
        None => {
            let extension = BasicConstraints::new().critical().ca().build().unwrap();
            builder.append_extension(extension).unwrap();
        }
        Some((ca, _)) => {
            let context = builder.x509v3_context(Some(ca), None);
            let names = SubjectAlternativeName::new().ip(name).dns("localhost").build(&context).unwrap();
            builder.append_extension(names).unwrap();
        }
    }
    builder.sign(issuer.map_or(&key, |(_, key)| key), MessageDigest::sha256()).unwrap();
    (builder.build(), key)
}
