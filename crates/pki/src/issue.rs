//! Signs device identities and recognizes them.

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
    /// Upper-case hexadecimal.
    pub serial: String,
    /// SHA-256 of the DER, lower-case hexadecimal.
    pub fingerprint: String,
    /// SHA-256 of the SubjectPublicKeyInfo, lower-case hexadecimal.
    pub key_hash: String,
    /// Seconds since 1970.
    pub not_after: i64,
}

impl Pki {
    /// Signs an identity for a device. Subject and alternative name are chosen by this server, whatever the request
    /// asks for: the name in every later message leads to the device's stream. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// Returns an error if OpenSSL fails.
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

    /// Returns the device that a certificate names, if this server's CA signed it. The caller checks the expiry and,
    /// in the device's stream, whether the certificate is still accepted.
    pub fn device_of(&self, certificate: &X509Ref) -> Option<Uuid> {
        if !files::is_issued_by(certificate, self.identity_ca()) {
            return None;
        }
        let mut names = certificate.subject_name().entries_by_nid(Nid::COMMONNAME);
        let name = names.next()?.data().to_string().ok()?;
        let uuid = Uuid::parse_str(&name).ok()?;
        // Exactly the form that this server issues: no second name, no other spelling.
        (names.next().is_none() && uuid.to_string() == name).then_some(uuid)
    }
}

/// SHA-256 of the SubjectPublicKeyInfo, lower-case hexadecimal.
pub(super) fn key_hash(key: &PKeyRef<Public>) -> Result<String, ErrorStack> {
    Ok(hex::encode(openssl::sha::sha256(&key.public_key_to_der()?)))
}
