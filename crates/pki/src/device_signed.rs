//! What a device signs with the identity it was made with, before it has one of ours: CMS SignedData with the content inside
//! (machine information, and the answer to a Profile Service).
//!
//! Whether the signer is a device of Apple's is a finding and no error: CAs of newer devices may not be known here. What to
//! make of it, the caller says.

use super::device_cas::DeviceCas;
use super::one_signer::{NotOneSigner, OneSigner};
use openssl::x509::X509;

/// No message is larger: some thirty attributes and the chain of an identity are under 8 KiB.
pub const LARGEST_MESSAGE: usize = 64 * 1024;

/// A message of a device.
#[derive(Debug)]
pub struct DeviceSigned {
    /// The bytes that were signed, not looked at: an XML property list, if it is what it should be.
    pub content: Vec<u8>,
    /// The certificate that the message names as its signer's.
    pub signer: X509,
    pub signature: Signature,
}

/// What a message's signature proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// The content is from the holder of a certificate that a known CA of devices issued.
    Genuine,
    /// The content is from the holder of the certificate, which no CA of devices known here issued.
    UnknownIssuer,
    /// The signature does not fit the content: anybody may have written it.
    Invalid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    #[error("the message is longer than {LARGEST_MESSAGE} bytes")]
    TooLong,
    #[error("the message cannot be used: {0}")]
    NotOneSigner(#[from] NotOneSigner),
    #[error("the message has a signature and no content")]
    NoContent,
}

/// Opens a message: BER or DER, with or without signed attributes, with the whole chain of its signer or the one
/// certificate.
///
/// # Errors
/// If there is nothing to be had from it.
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
