//! `Mdm-Signature`: a detached CMS signature over the exact bytes of the body, base64 in a header.
//!
//! Real devices sign with indefinite-length BER, SHA-1, RSA and without signed attributes; newer ones may use SHA-2,
//! ECDSA and attributes. OpenSSL reads all of these. Nothing here trusts the certificate: whether it is ours, and
//! whose, is [`crate::app::identify`]'s to say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::pkcs7::{Pkcs7, Pkcs7Flags};
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509Ref};

/// Real headers have about 2 KiB of base64; a large RSA certificate with its chain stays below this.
const MAX_HEADER: usize = 32 * 1024;

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
    #[error("the signature does not fit the body")]
    Wrong,
}

/// Who a message says has signed it: nothing is proven yet.
pub struct Claimed {
    message: Pkcs7,
    certificate: X509,
}

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
        let message = Pkcs7::from_der(&encoded).map_err(|_| BadSignature::NotCms)?;
        if message.signed().is_none() {
            return Err(BadSignature::NotCms);
        }
        let none = Stack::new().map_err(|_| BadSignature::NotCms)?;
        // One certificate for each signer; fails where a signer's certificate is missing.
        let signers = message.signers(&none, Pkcs7Flags::empty()).map_err(|_| BadSignature::NotOneSigner)?;
        let certificate = match signers.iter().collect::<Vec<_>>()[..] {
            [signer] => signer.to_owned(),
            _ => return Err(BadSignature::NotOneSigner),
        };
        Ok(Claimed { message, certificate })
    }

    /// The certificate that the signature names.
    pub fn certificate(&self) -> &X509Ref {
        &self.certificate
    }

    /// Proves that the holder of the certificate's key signed exactly this body.
    ///
    /// # Errors
    /// If the signature does not fit.
    pub fn verify(&self, body: &[u8]) -> Result<(), BadSignature> {
        let none = Stack::new().map_err(|_| BadSignature::Wrong)?;
        let store = X509StoreBuilder::new().map_err(|_| BadSignature::Wrong)?.build();
        // NOVERIFY: OpenSSL would demand the S/MIME purpose of the certificate, which identities of devices do not have,
        // and the time from the machine's clock. NO_DUAL_CONTENT: a content inside the signature would stand for the body.
        let flags = Pkcs7Flags::BINARY | Pkcs7Flags::NOVERIFY | Pkcs7Flags::NO_DUAL_CONTENT;
        self.message.verify(&none, &store, Some(body), None, flags).map_err(|_| BadSignature::Wrong)
    }
}

#[cfg(test)]
mod tests;
