//! The CAs that certify devices when they are made, by their public keys.
//!
//! A path validator refuses what real devices send, three ways: "Apple iPhone Device CA" expired in 2014, has 1024 bits and
//! signed with SHA-1. Devices still sign with leaves that its key issued, so the key is what counts here. Newer devices may
//! come from other CAs of Apple's: the configuration names those (`devices.device_ca_certificates`).

use super::files::{PkiError, certificates};
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Public};
use openssl::rsa::Rsa;
use openssl::x509::X509Ref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The RSA modulus of "CN=Apple iPhone Device CA, OU=Apple iPhone, O=Apple Inc., C=US"; its exponent is 65537.
const APPLE_IPHONE_DEVICE_CA: &str = "\
    F1944AC9EABA5A1860ADCBA24D4D4E54196917590766CB97E8669A475F46AE677AB54A7354B1CB04F6BD36B80C55388A\
    8483315265F933E197779C2B4C26B0253FE932AA7B087494ECC14B381D674E0852945A8B59A35CD793F4A0FE5585BB4C\
    46975E6EB277452F675CBC0B18BF59B96C86F72A7576D21971F42963B9250BAF";

/// What a device's certificate may be signed with. Apple's CA signed with SHA-1 once and signs with SHA-256 now; MD5, for
/// which certificates were forged, is not among them.
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

/// Public keys of CAs that certify devices; cheap to clone.
#[derive(Clone)]
pub struct DeviceCas {
    keys: Arc<Vec<PKey<Public>>>,
}

impl DeviceCas {
    /// Apple's, and those of the certificates in these PEM files. Whether a certificate has expired is not asked.
    ///
    /// # Errors
    /// Which file is wrong, and in what way.
    pub fn load(files: &[PathBuf]) -> Result<DeviceCas, PkiError> {
        let broken = |path: &Path, error| {
            PkiError::new(
                path,
                format!("holds a certificate without a usable key ({error})"),
                "take it out of the file",
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

    /// Whether one of these CAs signed the certificate. Its dates are not asked: a device keeps the certificate it was made
    /// with.
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
