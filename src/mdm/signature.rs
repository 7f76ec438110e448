//! `Mdm-Signature`: a detached CMS signature over the exact bytes of the body, base64 in a header.
//!
//! [`pki::one_signer`] reads it. Nothing here trusts the certificate: whether it is ours, and whose, is
//! [`devices::identify`]'s to say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::x509::X509Ref;
use pki::one_signer::{NotOneSigner, OneSigner};
use pki::shape::BadShape;

/// Real headers have about 2 KiB of base64; a 4096-bit RSA certificate with a chain of three stays below this.
const MAX_HEADER: usize = 16 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    #[error("the Mdm-Signature header is longer than {MAX_HEADER} bytes")]
    TooLong,
    #[error("the Mdm-Signature header is not base64")]
    NotBase64,
    #[error("the Mdm-Signature header is not a CMS signature")]
    NotCms,
    #[error("the signature must have exactly one signer, whose certificate it contains")]
    NotOneSigner,
    #[error("no device signs like this: {0}")]
    Shape(BadShape),
    #[error("the signature does not fit the body")]
    Wrong,
}

/// Who a message says has signed it: nothing is proven yet.
pub struct Claimed(OneSigner);

impl Claimed {
    /// Reads the header.
    ///
    /// # Errors
    /// If it holds no CMS signature with exactly one signer and its certificate.
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

    /// The certificate that the signature names.
    pub fn certificate(&self) -> &X509Ref {
        self.0.certificate()
    }

    /// Proves that the holder of the certificate's key signed exactly this body.
    ///
    /// # Errors
    /// If the signature does not fit.
    pub fn verify(&self, body: &[u8]) -> Result<(), BadSignature> {
        if self.0.fits(body) { Ok(()) } else { Err(BadSignature::Wrong) }
    }
}

#[cfg(test)]
mod tests;
