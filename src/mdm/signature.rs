//! `Mdm-Signature`: a detached CMS signature over the exact bytes of the body, as base64 in a header.
//!
//! [`pki::one_signer`] parses it. Nothing here trusts the certificate: [`devices::identify`] decides whether this
//! server issued it, and to which device.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::x509::X509Ref;
use pki::one_signer::{NotOneSigner, OneSigner};
use pki::shape::BadShape;

/// Limit for the header, in bytes. Real headers have about 2 KiB of base64; a 4096-bit RSA certificate with a chain of
/// three stays below the limit.
const MAX_HEADER: usize = 16 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    #[error("the Mdm-Signature header is longer than {MAX_HEADER} bytes")]
    TooLong,
    #[error("the Mdm-Signature header is not base64")]
    NotBase64,
    #[error("the Mdm-Signature header is not a CMS signature")]
    NotCms,
    #[error("the signature must have exactly one signer and contain the signer's certificate")]
    NotOneSigner,
    #[error("the CMS structure is not one that devices produce: {0}")]
    Shape(BadShape),
    #[error("the signature is not valid for the body")]
    Wrong,
}

/// The claimed signer of a message. Nothing is proven yet.
pub struct Claimed(OneSigner);

impl Claimed {
    /// Parses the value of the `Mdm-Signature` header.
    ///
    /// # Errors
    /// Returns an error if the header is not a CMS signature with exactly one signer and that signer's certificate.
    pub fn from_header(header: &[u8]) -> Result<Claimed, BadSignature> {
        if header.len() > MAX_HEADER {
            return Err(BadSignature::TooLong);
        }
        let text: Vec<u8> = header.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let encoded = STANDARD.decode(text).map_err(|_| BadSignature::NotBase64)?;
        let signed = OneSigner::from_der(&encoded).map_err(|why| match why {
            NotOneSigner::NotSigned => BadSignature::NotCms,
            NotOneSigner::NotOne => BadSignature::NotOneSigner,
            NotOneSigner::Shape(why) => BadSignature::Shape(why),
        })?;
        Ok(Claimed(signed))
    }

    /// Returns the signer's certificate.
    pub fn certificate(&self) -> &X509Ref {
        self.0.certificate()
    }

    /// Proves that the holder of the certificate's key signed exactly this body.
    ///
    /// # Errors
    /// Returns an error if the signature is not valid for the body.
    pub fn verify(&self, body: &[u8]) -> Result<(), BadSignature> {
        if self.0.fits(body) { Ok(()) } else { Err(BadSignature::Wrong) }
    }
}

#[cfg(test)]
mod tests;
