//! Messages that a device signs with its factory identity, before it has an identity of this server: CMS SignedData
//! with the content inside (machine information, and the answer to a Profile Service).
//!
//! An unknown issuer of the signer's certificate is part of the result and not an error, because the CAs of newer
//! devices may not be configured. The caller decides what to do.

use super::device_cas::DeviceCas;
use super::one_signer::{NotOneSigner, OneSigner};
use openssl::x509::X509;

/// Maximum size of a message in bytes. Some thirty attributes and the chain of an identity have less than 8 KiB.
pub const LARGEST_MESSAGE: usize = 64 * 1024;

/// A signed message from a device.
#[derive(Debug)]
pub struct DeviceSigned {
    /// The signed bytes, not parsed. They should be an XML property list.
    pub content: Vec<u8>,
    /// The certificate that the message names as its signer's.
    pub signer: X509,
    pub signature: Signature,
}

/// What the signature of a message proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// The holder of a certificate signed the content, and a known device CA issued the certificate.
    Genuine,
    /// The holder of the certificate signed the content, but no known device CA issued the certificate.
    UnknownIssuer,
    /// The signature does not match the content, so anyone may have written it.
    Invalid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    #[error("the message is longer than {LARGEST_MESSAGE} bytes")]
    TooLong,
    #[error("the message is not acceptable: {0}")]
    NotOneSigner(#[from] NotOneSigner),
    #[error("the message has a signature but no content")]
    NoContent,
}

/// Opens a message in BER or DER, with or without signed attributes, with the whole chain of its signer or only the
/// signer's certificate.
///
/// # Errors
/// Returns an error if the message is too long, does not have exactly one signer, or has no content.
pub fn open(body: &[u8], device_cas: &DeviceCas) -> Result<DeviceSigned, BadMessage> {
    if body.len() > LARGEST_MESSAGE {
        return Err(BadMessage::TooLong);
    }
    let message = OneSigner::from_der(body)?;
    let signer = message.certificate().to_owned();
    let (content, signature) = match message.proven_content() {
        Some(content) if device_cas.issued(&signer) => (content, Signature::Genuine),
        Some(content) => (content, Signature::UnknownIssuer),
        None => (message.claimed_content().ok_or(BadMessage::NoContent)?, Signature::Invalid),
    };
    Ok(DeviceSigned { content, signer, signature })
}

#[cfg(test)]
mod tests;
