//! CMS messages with exactly one signer, as devices send them: detached in `Mdm-Signature`, attached where a device
//! proves its identity before it is enrolled.
//!
//! Real devices sign in indefinite-length BER, with SHA-1, RSA and without signed attributes; newer ones may use
//! SHA-2, ECDSA and attributes. OpenSSL parses all of these, after [`super::shape`] has checked them. This module
//! does not decide whether the certificate is trusted; that is the caller's task.

use super::shape::{BadShape, Signed};
use openssl::pkcs7::{Pkcs7, Pkcs7Flags};
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509Ref};

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOneSigner {
    #[error("it is not a signed CMS message")]
    NotSigned,
    #[error("it must have exactly one signer and contain its certificate")]
    NotOne,
    #[error("devices do not sign in this form: {0}")]
    Shape(BadShape),
}

impl From<BadShape> for NotOneSigner {
    fn from(why: BadShape) -> NotOneSigner {
        match why {
            BadShape::NotCms | BadShape::NotSigned => NotOneSigner::NotSigned,
            BadShape::NotOneSigner => NotOneSigner::NotOne,
            why => NotOneSigner::Shape(why),
        }
    }
}

/// A message with exactly one signer. Nothing is verified yet.
pub struct OneSigner {
    message: Pkcs7,
    certificate: X509,
    /// The content inside the message, which is not verified yet.
    content: Option<Vec<u8>>,
}

impl OneSigner {
    /// Parses BER or DER.
    ///
    /// # Errors
    /// Returns an error if the message is not SignedData with exactly one signer and its certificate, or would cost
    /// more to verify than the messages of devices.
    pub fn from_der(encoded: &[u8]) -> Result<OneSigner, NotOneSigner> {
        let signed = Signed::of(encoded)?;
        signed.uses_sha()?;
        let message = Pkcs7::from_der(encoded).map_err(|_| NotOneSigner::NotSigned)?;
        if message.signed().is_none() {
            return Err(NotOneSigner::NotSigned);
        }
        let none = Stack::new().map_err(|_| NotOneSigner::NotSigned)?;
        // One certificate for each signer. Fails if a signer's certificate is missing.
        let signers = message.signers(&none, Pkcs7Flags::empty()).map_err(|_| NotOneSigner::NotOne)?;
        let certificate = match signers.iter().collect::<Vec<_>>()[..] {
            [signer] => signer.to_owned(),
            _ => return Err(NotOneSigner::NotOne),
        };
        Ok(OneSigner { message, certificate, content: signed.content() })
    }

    /// Returns the certificate that the signature names.
    pub fn certificate(&self) -> &X509Ref {
        &self.certificate
    }

    /// Returns whether the holder of the certificate's key signed exactly this content, which is not in the message.
    pub fn fits(&self, content: &[u8]) -> bool {
        // NO_DUAL_CONTENT: content inside the message would be verified instead of this content.
        self.verify(Some(content), None, Pkcs7Flags::NO_DUAL_CONTENT).is_some()
    }

    /// Returns the content inside the message, if the holder of the certificate's key signed it.
    pub(crate) fn proven_content(&self) -> Option<Vec<u8>> {
        let mut content = Vec::new();
        self.verify(None, Some(&mut content), Pkcs7Flags::empty())?;
        Some(content)
    }

    /// Returns the content inside the message without verification; `None` if there is none.
    pub(crate) fn claimed_content(&self) -> Option<Vec<u8>> {
        self.content.clone()
    }

    fn verify(&self, content: Option<&[u8]>, out: Option<&mut Vec<u8>>, flags: Pkcs7Flags) -> Option<()> {
        let none = Stack::new().ok()?;
        let store = X509StoreBuilder::new().ok()?.build();
        // NOVERIFY: OpenSSL would require the S/MIME purpose, which device identities do not have, and would check
        // the validity period with the machine's clock.
        let flags = flags | Pkcs7Flags::BINARY | Pkcs7Flags::NOVERIFY;
        self.message.verify(&none, &store, content, out, flags).ok()
    }
}
