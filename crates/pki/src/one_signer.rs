//! CMS messages with exactly one signer, as devices make them: detached in `Mdm-Signature`, attached where a device proves
//! itself before it is enrolled.
//!
//! Real devices sign in indefinite-length BER, with SHA-1, RSA and without signed attributes; newer ones may use SHA-2,
//! ECDSA and attributes. OpenSSL reads all of these, once [`super::shape`] has looked them over. Nothing here trusts the
//! certificate: whose it is, the caller asks.

use super::shape::{BadShape, Signed};
use openssl::pkcs7::{Pkcs7, Pkcs7Flags};
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509Ref};

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOneSigner {
    #[error("it is no signed CMS message")]
    NotSigned,
    #[error("it must have exactly one signer, whose certificate it contains")]
    NotOne,
    #[error("no device signs like this: {0}")]
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

/// Who a message says has signed it: nothing is proven yet.
pub struct OneSigner {
    message: Pkcs7,
    certificate: X509,
    /// The content inside, which nobody has proven yet.
    content: Option<Vec<u8>>,
}

impl OneSigner {
    /// Reads BER or DER.
    ///
    /// # Errors
    /// If it is no SignedData with exactly one signer and its certificate, or would cost more to verify than honest ones do.
    pub fn from_der(encoded: &[u8]) -> Result<OneSigner, NotOneSigner> {
        let signed = Signed::of(encoded)?;
        signed.uses_sha()?;
        let message = Pkcs7::from_der(encoded).map_err(|_| NotOneSigner::NotSigned)?;
        if message.signed().is_none() {
            return Err(NotOneSigner::NotSigned);
        }
        let none = Stack::new().map_err(|_| NotOneSigner::NotSigned)?;
        // One certificate for each signer; fails where a signer's certificate is missing.
        let signers = message.signers(&none, Pkcs7Flags::empty()).map_err(|_| NotOneSigner::NotOne)?;
        let certificate = match signers.iter().collect::<Vec<_>>()[..] {
            [signer] => signer.to_owned(),
            _ => return Err(NotOneSigner::NotOne),
        };
        Ok(OneSigner { message, certificate, content: signed.content() })
    }

    /// The certificate that the signature names.
    pub fn certificate(&self) -> &X509Ref {
        &self.certificate
    }

    /// Whether the holder of the certificate's key signed exactly this content, which is not in the message.
    pub fn fits(&self, content: &[u8]) -> bool {
        // NO_DUAL_CONTENT: a content inside the message would stand for the other one.
        self.verify(Some(content), None, Pkcs7Flags::NO_DUAL_CONTENT).is_some()
    }

    /// The content inside the message, if the holder of the certificate's key signed it.
    pub fn proven_content(&self) -> Option<Vec<u8>> {
        let mut content = Vec::new();
        self.verify(None, Some(&mut content), Pkcs7Flags::empty())?;
        Some(content)
    }

    /// The content inside the message, whoever wrote it; `None` where there is none.
    pub fn claimed_content(&self) -> Option<Vec<u8>> {
        self.content.clone()
    }

    fn verify(&self, content: Option<&[u8]>, out: Option<&mut Vec<u8>>, flags: Pkcs7Flags) -> Option<()> {
        let none = Stack::new().ok()?;
        let store = X509StoreBuilder::new().ok()?.build();
        // NOVERIFY: OpenSSL would demand the S/MIME purpose of the certificate, which identities of devices do not have,
        // and the time from the machine's clock.
        let flags = flags | Pkcs7Flags::BINARY | Pkcs7Flags::NOVERIFY;
        self.message.verify(&none, &store, content, out, flags).ok()
    }
}
