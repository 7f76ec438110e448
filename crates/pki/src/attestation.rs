//! Verifies Apple's attestation of a device's hardware: the answer to `DevicePropertiesAttestation`
//! (mdm/commands/information.device.yaml), a certificate chain from a leaf that names the device to "Apple Enterprise
//! Attestation Root CA".
//!
//! The leaf's extensions contain raw bytes, not ASN.1 strings. Its freshness code is the nonce itself. A hash of the
//! nonce is not accepted: in ACME the code is the hash of a token, so an attacker with an ACME server could make a
//! device attest a nonce of this server that was sent to another device.

#[cfg(test)]
mod tests;

use super::files::{KeyUsage, PkiError, certificates, is_ca, is_issued_by};
use der::Decode as _;
use der::asn1::ObjectIdentifier;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::bn::BigNumContext;
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::x509::{X509, X509Name, X509Ref};
use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Subject of the root, as certificates that it signed name their issuer.
const APPLE_ROOT_SUBJECT: [(&str, &str); 3] =
    [("CN", "Apple Enterprise Attestation Root CA"), ("O", "Apple Inc."), ("C", "US")];

/// Public key of the root, an uncompressed point of P-384, in hexadecimal. The certificate that Apple publishes
/// (www.apple.com/certificateauthority/private) is valid from 2022-02-16 to 2047-02-20; the SHA-256 of its DER is
/// CCF59EF8FCB3017D97F8B5FA6FA90E7A3F9283F76B55AC6CF6EDA8B8B949F05B.
const APPLE_ROOT_KEY: &str = "\
    04\
    FA26282AF8FB3D4380A84FCB7CABE52739EDA9A13F6745A51F1A10536E0BEA4865CF8D591B62521660EFB5CCF9364B3F\
    61439A33CE62EB3E64C18045917078C0DBFCBBEC6122729B3DC27DAD8FE1BCF65DC834D0CA11377148F3C86693E3F159";

const SERIAL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113635.100.8.9.1");
const UDID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113635.100.8.9.2");
const FRESHNESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113635.100.8.11.1");

/// A real chain has two certificates: the leaf and "Apple Enterprise Attestation Sub CA 1".
const MOST_CERTIFICATES: usize = 4;

/// Maximum size of a certificate in bytes. Real ones have less than 1 KiB.
const LONGEST_CERTIFICATE: usize = 4 * 1024;

const MOST_RSA_BITS: u32 = 4096;

const CURVES: [Nid; 3] = [Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1];

const SIGNATURES: [Nid; 6] = [
    Nid::ECDSA_WITH_SHA256,
    Nid::ECDSA_WITH_SHA384,
    Nid::ECDSA_WITH_SHA512,
    Nid::SHA256WITHRSAENCRYPTION,
    Nid::SHA384WITHRSAENCRYPTION,
    Nid::SHA512WITHRSAENCRYPTION,
];

/// Allowed difference between this server's clock and Apple's, in seconds.
const LEEWAY: i64 = 5 * 60;

/// The values that an attestation must contain.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The nonce that was sent.
    pub nonce: &'a [u8],
    /// The UDID that the device reports.
    pub udid: &'a str,
    /// Normalizes a UDID for comparison.
    pub plain: fn(&str) -> String,
    /// The serial number that the device reports, compared exactly. `None`: not compared.
    pub serial_number: Option<&'a str>,
    /// Current time, in seconds since 1970.
    pub unix: i64,
}

/// Why an attestation is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    #[error("it is not a certificate chain of the form that Apple issues")]
    Malformed,
    #[error("it is not signed by a trusted root")]
    ForeignRoot,
    #[error("a certificate of the chain is not yet or no longer valid")]
    OutOfTime,
    #[error("its freshness code is not the nonce that was sent")]
    OtherNonce,
    #[error("it names other hardware, or none")]
    OtherHardware,
}

/// The trusted roots of attestations. Cheap to clone.
#[derive(Clone)]
pub struct AttestationRoots {
    roots: Arc<Vec<Root>>,
}

struct Root {
    subject: X509Name,
    key: PKey<Public>,
}

impl AttestationRoots {
    /// Loads Apple's root and the certificates in these PEM files.
    ///
    /// # Errors
    /// Returns an error that says which file is wrong and why.
    pub fn load(files: &[PathBuf]) -> Result<AttestationRoots, PkiError> {
        let broken = |path: &Path, error: ErrorStack| {
            PkiError::new(
                path,
                format!("contains a certificate without a usable key ({error})"),
                "remove the certificate from the file",
            )
        };
        let mut roots = vec![apple().map_err(|error| broken(Path::new("(built in)"), error))?];
        for path in files {
            for certificate in certificates(path)? {
                roots.push(root_of(&certificate).map_err(|error| broken(path, error))?);
            }
        }
        Ok(AttestationRoots { roots: Arc::new(roots) })
    }

    /// Checks that `chain`, DER certificates with the leaf first, proves that this hardware received the nonce.
    ///
    /// # Errors
    /// Returns the first problem of the chain. The content of the leaf is checked only if it leads to a trusted root.
    pub fn prove(&self, chain: &[Vec<u8>], expected: &Expected<'_>) -> Result<(), Unproven> {
        let certificates = parse(chain)?;
        let leaf = certificates.first().ok_or(Unproven::Malformed)?;
        self.follow(&certificates)?;
        if !certificates.iter().all(|certificate| is_in_time(certificate, expected.unix)) {
            return Err(Unproven::OutOfTime);
        }
        let leaf = leaf.to_der().ok().and_then(|der| x509_cert::Certificate::from_der(&der).ok());
        let leaf = leaf.ok_or(Unproven::Malformed)?;
        if extension(&leaf, FRESHNESS)? != Some(expected.nonce) {
            return Err(Unproven::OtherNonce);
        }
        names(&leaf, expected)
    }

    // Follows the chain from the leaf upwards until a certificate is signed by a root. A root in the chain is treated
    // like any other certificate: its signature is checked with the stored key.
    fn follow(&self, certificates: &[X509]) -> Result<(), Unproven> {
        for (nth, certificate) in certificates.iter().enumerate() {
            if !SIGNATURES.contains(&certificate.signature_algorithm().object().nid()) {
                return Err(Unproven::Malformed);
            }
            if self.roots.iter().any(|root| root.signed(certificate)) {
                return Ok(());
            }
            let issuer = certificates.get(nth + 1).ok_or(Unproven::ForeignRoot)?;
            if !may_sign(issuer, nth) || !is_issued_by(certificate, issuer) {
                return Err(Unproven::ForeignRoot);
            }
        }
        Err(Unproven::ForeignRoot)
    }
}

impl std::fmt::Debug for AttestationRoots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AttestationRoots({} roots)", self.roots.len())
    }
}

impl Root {
    fn signed(&self, certificate: &X509Ref) -> bool {
        let is_issuer = self.subject.try_cmp(certificate.issuer_name()).is_ok_and(Ordering::is_eq);
        is_issuer && certificate.verify(&self.key).unwrap_or(false)
    }
}

fn apple() -> Result<Root, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::SECP384R1)?;
    let point = openssl::bn::BigNum::from_hex_str(APPLE_ROOT_KEY)?.to_vec();
    let mut context = BigNumContext::new()?;
    let point = EcPoint::from_bytes(&group, &point, &mut context)?;
    let key = EcKey::from_public_key(&group, &point)?;
    key.check_key()?;
    let mut subject = X509Name::builder()?;
    for (field, value) in APPLE_ROOT_SUBJECT {
        subject.append_entry_by_text(field, value)?;
    }
    Ok(Root { subject: subject.build(), key: PKey::from_ec_key(key)? })
}

fn root_of(certificate: &X509Ref) -> Result<Root, ErrorStack> {
    let subject = X509Name::from_der(&certificate.subject_name().to_der()?)?;
    Ok(Root { subject, key: certificate.public_key()? })
}

fn parse(chain: &[Vec<u8>]) -> Result<Vec<X509>, Unproven> {
    if chain.is_empty() || chain.len() > MOST_CERTIFICATES {
        return Err(Unproven::Malformed);
    }
    let one = |der: &Vec<u8>| {
        let certificate = (der.len() <= LONGEST_CERTIFICATE).then(|| X509::from_der(der).ok()).flatten();
        // OpenSSL ignores bytes after the certificate.
        certificate.filter(|read| read.to_der().is_ok_and(|whole| whole == *der)).ok_or(Unproven::Malformed)
    };
    let certificates: Vec<X509> = chain.iter().map(one).collect::<Result<_, _>>()?;
    if certificates.first().is_some_and(|leaf| is_ca(leaf)) { Err(Unproven::Malformed) } else { Ok(certificates) }
}

// `below` is the number of CAs between this one and the leaf.
fn may_sign(issuer: &X509Ref, below: usize) -> bool {
    let long_enough = issuer.pathlen().is_none_or(|most| below <= most as usize);
    let key_fits = issuer.public_key().is_ok_and(|key| match key.id() {
        Id::RSA => key.bits() <= MOST_RSA_BITS,
        Id::EC => key.ec_key().is_ok_and(|key| key.group().curve_name().is_some_and(|curve| CURVES.contains(&curve))),
        _ => false,
    });
    key_fits && long_enough && is_ca(issuer) && KeyUsage::of(issuer).key_cert_sign
}

fn is_in_time(certificate: &X509Ref, unix: i64) -> bool {
    let order = |bound: &Asn1TimeRef, unix| Asn1Time::from_unix(unix).and_then(|now| bound.compare(&now));
    let begun = order(certificate.not_before(), unix + LEEWAY).is_ok_and(Ordering::is_le);
    begun && order(certificate.not_after(), unix).is_ok_and(Ordering::is_ge)
}

// Apple may leave a value empty that it could not verify. An empty UDID proves nothing; an empty serial number is
// ignored.
fn names(leaf: &x509_cert::Certificate, expected: &Expected<'_>) -> Result<(), Unproven> {
    let (udid, serial_number) = (text(leaf, UDID)?, text(leaf, SERIAL_NUMBER)?);
    let same_udid = udid.is_some_and(|udid| (expected.plain)(udid) == (expected.plain)(expected.udid));
    let same_serial = match (serial_number, expected.serial_number) {
        (Some(attested), Some(said)) => attested == said,
        _ => true,
    };
    if same_udid && same_serial { Ok(()) } else { Err(Unproven::OtherHardware) }
}

fn text(leaf: &x509_cert::Certificate, oid: ObjectIdentifier) -> Result<Option<&str>, Unproven> {
    let value = extension(leaf, oid)?.and_then(|value| std::str::from_utf8(value).ok());
    Ok(value.filter(|text| !text.is_empty()))
}

// Returns the value of an extension. A repeated extension is malformed (RFC 5280 section 4.2).
fn extension(leaf: &x509_cert::Certificate, oid: ObjectIdentifier) -> Result<Option<&[u8]>, Unproven> {
    let all = leaf.tbs_certificate.extensions.iter().flatten();
    let mut found = all.filter(|extension| extension.extn_id == oid).map(|extension| extension.extn_value.as_bytes());
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(Unproven::Malformed),
        (value, None) => Ok(value),
    }
}
