//! Device identities: signing them, and knowing them again.

use super::template::{Template, Use};
use super::{Pki, files, fingerprint};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{PKeyRef, Public};
use openssl::x509::{X509, X509Ref};
use uuid::Uuid;

/// A certificate that was just signed for a device.
#[derive(Debug, Clone)]
pub struct Issued {
    pub certificate: X509,
    /// Upper-case hex.
    pub serial: String,
    /// SHA-256 of the DER, lower-case hex.
    pub fingerprint: String,
    /// SHA-256 of the SubjectPublicKeyInfo, lower-case hex.
    pub key_hash: String,
    /// Seconds since 1970.
    pub not_after: i64,
}

impl Pki {
    /// Signs an identity for a device. Subject and alternative name are ours, whatever was asked for: the name leads from
    /// every later message to the device's stream.
    ///
    /// # Errors
    /// If OpenSSL fails.
    pub fn issue(&self, public_key: &PKeyRef<Public>, device: Uuid, now: i64, days: u32) -> Result<Issued, ErrorStack> {
        let ca = &self.inner.identity_ca;
        let template = Template {
            purpose: Use::DeviceIdentity,
            subject: &[("O", "Muster"), ("CN", &device.to_string())],
            alternative_names: &[device.urn().to_string()],
            now,
            days,
        };
        let certificate = template.sign(public_key, Some(&ca.certificate), &ca.key)?;
        Ok(Issued {
            serial: certificate.serial_number().to_bn()?.to_hex_str()?.to_string(),
            fingerprint: fingerprint(&certificate),
            key_hash: key_hash(public_key)?,
            not_after: template.not_after(),
            certificate,
        })
    }

    /// The device that a certificate names, if our CA signed it. Expiry and whether it is still in force are for the
    /// caller, who knows the device's stream.
    pub fn device_of(&self, certificate: &X509Ref) -> Option<Uuid> {
        if !files::is_issued_by(certificate, self.identity_ca()) {
            return None;
        }
        let mut names = certificate.subject_name().entries_by_nid(Nid::COMMONNAME);
        let name = names.next()?.data().to_string().ok()?;
        let uuid = Uuid::parse_str(&name).ok()?;
        // Exactly the form we issue: no second name, no other spelling.
        (names.next().is_none() && uuid.to_string() == name).then_some(uuid)
    }
}

/// SHA-256 of the SubjectPublicKeyInfo, lower-case hex.
pub(super) fn key_hash(key: &PKeyRef<Public>) -> Result<String, ErrorStack> {
    Ok(hex::encode(openssl::sha::sha256(&key.public_key_to_der()?)))
}
