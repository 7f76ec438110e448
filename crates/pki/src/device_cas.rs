//! Public keys of the CAs that issue certificates to devices at manufacture.
//!
//! A path validator rejects the chains of real devices for three reasons: "Apple iPhone Device CA" expired in 2014,
//! has 1024 bits and signed with SHA-1. Devices still sign with leaf certificates that its key issued, so only the
//! key is checked here. Newer devices may have certificates of other Apple CAs: the configuration names those
//! (`devices.device_ca_certificates`).

use super::files::{PkiError, certificates};
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Public};
use openssl::rsa::Rsa;
use openssl::x509::X509Ref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// RSA modulus of "CN=Apple iPhone Device CA, OU=Apple iPhone, O=Apple Inc., C=US", in hexadecimal. The exponent is
/// 65537.
const APPLE_IPHONE_DEVICE_CA: &str = "\
    F1944AC9EABA5A1860ADCBA24D4D4E54196917590766CB97E8669A475F46AE677AB54A7354B1CB04F6BD36B80C55388A\
    8483315265F933E197779C2B4C26B0253FE932AA7B087494ECC14B381D674E0852945A8B59A35CD793F4A0FE5585BB4C\
    46975E6EB277452F675CBC0B18BF59B96C86F72A7576D21971F42963B9250BAF";

/// Allowed signature algorithms of a device's certificate. Apple's CA used SHA-1 and now uses SHA-256. MD5 is
/// excluded because certificates with MD5 have been forged.
const SIGNATURES: [Nid; 8] = [
    Nid::SHA1WITHRSAENCRYPTION,
    Nid::SHA256WITHRSAENCRYPTION,
    Nid::SHA384WITHRSAENCRYPTION,
    Nid::SHA512WITHRSAENCRYPTION,
    Nid::ECDSA_WITH_SHA1,
    Nid::ECDSA_WITH_SHA256,
    Nid::ECDSA_WITH_SHA384,
    Nid::ECDSA_WITH_SHA512,
];

/// Public keys of device CAs. Cheap to clone.
#[derive(Clone)]
pub struct DeviceCas {
    keys: Arc<Vec<PKey<Public>>>,
}

impl DeviceCas {
    /// Loads Apple's key and the keys of the certificates in these PEM files. Expiry is not checked.
    ///
    /// # Errors
    /// Returns an error that says which file is wrong and why.
    pub fn load(files: &[PathBuf]) -> Result<DeviceCas, PkiError> {
        let broken = |path: &Path, error| {
            PkiError::new(
                path,
                format!("contains a certificate without a usable key ({error})"),
                "remove the certificate from the file",
            )
        };
        let mut keys = vec![apple().map_err(|error| broken(Path::new("(built in)"), error))?];
        for path in files {
            for certificate in certificates(path)? {
                keys.push(certificate.public_key().map_err(|error| broken(path, error))?);
            }
        }
        Ok(DeviceCas { keys: Arc::new(keys) })
    }

    /// Returns whether one of these CAs signed the certificate. Its validity period is not checked: a device keeps
    /// the certificate from its manufacture.
    pub fn issued(&self, certificate: &X509Ref) -> bool {
        let algorithm = certificate.signature_algorithm().object().nid();
        SIGNATURES.contains(&algorithm) && self.keys.iter().any(|key| certificate.verify(key).unwrap_or(false))
    }
}

impl std::fmt::Debug for DeviceCas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DeviceCas({} keys)", self.keys.len())
    }
}

fn apple() -> Result<PKey<Public>, ErrorStack> {
    let (modulus, exponent) = (BigNum::from_hex_str(APPLE_IPHONE_DEVICE_CA)?, BigNum::from_u32(65_537)?);
    PKey::from_rsa(Rsa::from_public_components(modulus, exponent)?)
}
