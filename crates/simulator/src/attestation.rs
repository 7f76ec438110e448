//! Attestation of hardware, as Apple's servers create it for a device (mdm/commands/information.device.yaml,
//! `DevicePropertiesAttestation`): a leaf that names the device, an intermediate CA, and a root of the simulator.
//!
//! A device makes a new attestation at most once in seven days. Within that time it answers with the previous one,
//! which contains the previous nonce.

use crate::chance;
use crate::device::Device;
use openssl::asn1::{Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, KeyUsage};
use openssl::x509::{X509, X509Extension, X509Name};
use plist::{Dictionary, Value};
use std::sync::OnceLock;

const SERIAL_NUMBER: &str = "1.2.840.113635.100.8.9.1";
const UDID: &str = "1.2.840.113635.100.8.9.2";
const FRESHNESS: &str = "1.2.840.113635.100.8.11.1";

const DAY: i64 = 24 * 60 * 60;
const YEAR: i64 = 365 * DAY;

/// Real leaf certificates are valid for some three months.
const LEAF_DAYS: i64 = 90;

/// A root with an intermediate CA. The keys use P-384, like Apple's.
pub struct AttestationCa {
    root: X509,
    intermediate: X509,
    key: PKey<Private>,
}

/// Content of a leaf certificate.
#[derive(Debug, Clone)]
pub struct Attested<'a> {
    pub nonce: &'a [u8],
    pub udid: &'a str,
    pub serial_number: &'a str,
    /// Time of the attestation, in seconds since 1970.
    pub made: i64,
}

/// How a device deviates from a true attestation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pretence {
    /// It does not know the query, because its chip is too old.
    None,
    /// It attests another UDID.
    Udid(String),
    /// It attests another nonce.
    Nonce,
    /// Its attestation expired long ago.
    Expired,
    /// Its attestation comes from another CA.
    OwnRoot,
}

/// How a device attests its hardware.
#[derive(Debug, Default)]
pub struct Attesting {
    /// `None`: it attests the truth.
    pub pretence: Option<Pretence>,
    /// The last attestation, and its time in seconds since 1970.
    made: Option<(i64, Vec<Vec<u8>>)>,
}

impl AttestationCa {
    /// Creates a root with the name of Apple's root and a new key.
    ///
    /// # Errors
    /// Returns an error if OpenSSL fails.
    pub fn new() -> Result<AttestationCa, ErrorStack> {
        let (root_key, key) = (curve_key()?, curve_key()?);
        let (root_name, name) =
            (name("Apple Enterprise Attestation Root CA")?, name("Apple Enterprise Attestation Sub CA 1")?);
        let from = 1_645_038_084;
        let times = (from, from + 25 * YEAR);
        let root = ca(&root_name, &root_key, &root_name, &root_key, times)?;
        let intermediate = ca(&name, &key, &root_name, &root_key, times)?;
        Ok(AttestationCa { root, intermediate, key })
    }

    /// Certificate of the root.
    pub fn certificate(&self) -> &X509 {
        &self.root
    }

    /// Certificate of the intermediate CA.
    pub fn intermediate(&self) -> &X509 {
        &self.intermediate
    }

    /// Returns the chain that a device answers with: the leaf and the intermediate CA, in DER.
    ///
    /// # Errors
    /// Returns an error if OpenSSL fails.
    pub fn attest(&self, attested: &Attested<'_>) -> Result<Vec<Vec<u8>>, ErrorStack> {
        let values = [
            (SERIAL_NUMBER, attested.serial_number.as_bytes()),
            (UDID, attested.udid.as_bytes()),
            (FRESHNESS, attested.nonce),
        ];
        self.issue(&values, (attested.made, attested.made + LEAF_DAYS * DAY))
    }

    /// Returns a chain whose leaf has these extensions, as raw bytes by OID, and this validity period in seconds
    /// since 1970.
    ///
    /// # Errors
    /// Returns an error if OpenSSL fails.
    pub fn issue(&self, values: &[(&str, &[u8])], times: (i64, i64)) -> Result<Vec<Vec<u8>>, ErrorStack> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        let key = EcKey::generate(&group)?;
        let mut leaf =
            builder(&name(&chance::uuid())?, &PKey::from_ec_key(key)?, self.intermediate.subject_name(), times)?;
        for (oid, value) in values {
            let (oid, value) = (Asn1Object::from_str(oid)?, Asn1OctetString::new_from_bytes(value)?);
            leaf.append_extension(X509Extension::new_from_der(&oid, false, &value)?)?;
        }
        leaf.sign(&self.key, MessageDigest::sha384())?;
        Ok(vec![leaf.build().to_der()?, self.intermediate.to_der()?])
    }
}

/// The CA of all truthful devices in this process.
///
/// # Panics
/// Panics if OpenSSL fails.
pub fn attestation_ca() -> &'static AttestationCa {
    static CA: OnceLock<AttestationCa> = OnceLock::new();
    CA.get_or_init(|| AttestationCa::new().expect("OpenSSL makes a CA"))
}

fn curve_key() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::SECP384R1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

fn name(common_name: &str) -> Result<X509Name, ErrorStack> {
    let mut name = X509Name::builder()?;
    for (field, value) in [("CN", common_name), ("O", "Apple Inc."), ("C", "US")] {
        name.append_entry_by_text(field, value)?;
    }
    Ok(name.build())
}

fn builder(
    subject: &X509Name,
    key: &PKey<Private>,
    issuer: &openssl::x509::X509NameRef,
    (from, to): (i64, i64),
) -> Result<openssl::x509::X509Builder, ErrorStack> {
    let mut certificate = X509::builder()?;
    certificate.set_version(2)?;
    certificate.set_subject_name(subject)?;
    certificate.set_issuer_name(issuer)?;
    certificate.set_pubkey(key)?;
    let serial = BigNum::from_slice(&chance::bytes::<9>())?.to_asn1_integer()?;
    certificate.set_serial_number(&serial)?;
    let (from, to) = (Asn1Time::from_unix(from)?, Asn1Time::from_unix(to)?);
    certificate.set_not_before(&from)?;
    certificate.set_not_after(&to)?;
    Ok(certificate)
}

fn ca(
    subject: &X509Name,
    key: &PKey<Private>,
    issuer: &X509Name,
    by: &PKey<Private>,
    times: (i64, i64),
) -> Result<X509, ErrorStack> {
    let mut certificate = builder(subject, key, issuer, times)?;
    certificate.append_extension(BasicConstraints::new().critical().ca().build()?)?;
    certificate.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
    certificate.sign(by, MessageDigest::sha384())?;
    Ok(certificate.build())
}

impl Device {
    /// Answers `DevicePropertiesAttestation`; `None` if the device does not know it.
    pub(crate) fn attest(&mut self, command: &Dictionary) -> Option<Value> {
        let nonce = command.get("DeviceAttestationNonce").and_then(Value::as_data).unwrap_or_default();
        let now = self.clock.now();
        let is_cached = self.attesting.made.as_ref().is_some_and(|(made, _)| now - made < 7 * DAY);
        if !is_cached {
            let chain = self.make_attestation(nonce, now)?;
            self.attesting.made = Some((now, chain));
        }
        let (_, chain) = self.attesting.made.as_ref()?;
        Some(Value::Array(chain.iter().cloned().map(Value::Data).collect()))
    }

    fn make_attestation(&self, nonce: &[u8], now: i64) -> Option<Vec<Vec<u8>>> {
        let hardware = &self.hardware;
        let honest = Attested { nonce, udid: &hardware.udid, serial_number: &hardware.serial_number, made: now };
        let ca = attestation_ca();
        let made = match &self.attesting.pretence {
            None => ca.attest(&honest),
            Some(Pretence::None) => return None,
            Some(Pretence::Udid(udid)) => ca.attest(&Attested { udid, ..honest }),
            Some(Pretence::Nonce) => ca.attest(&Attested { nonce: &chance::bytes::<32>(), ..honest }),
            Some(Pretence::Expired) => ca.attest(&Attested { made: now - YEAR, ..honest }),
            Some(Pretence::OwnRoot) => AttestationCa::new().and_then(|own| own.attest(&honest)),
        };
        made.ok()
    }
}
