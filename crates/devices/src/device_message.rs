//! Opens messages that a device signs with its factory identity, and translates the result of the signature check for
//! the log.

use crate::Devices;
use events::enrollment::DeviceSignature;
use openssl::x509::X509;
use pki::device_signed::{self, BadMessage, Signature};
use plist::Dictionary;
use property_list::BadPropertyList;

/// Content of a device's message, and the result of its signature check.
#[derive(Debug)]
pub struct DeviceMessage {
    pub fields: Dictionary,
    /// Certificate of the signer, as the message names it.
    pub signer: X509,
    pub signature: DeviceSignature,
}

#[derive(Debug, thiserror::Error)]
pub enum BadDeviceMessage {
    #[error(transparent)]
    Signed(#[from] BadMessage),
    #[error("the content of the message cannot be parsed: {0}")]
    Content(#[from] BadPropertyList),
}

impl Devices {
    /// Opens and parses a message. An invalid signature is not an error, but is reported in the result. Uses a fraction
    /// of a millisecond of CPU time: do not call it on the async runtime's threads.
    ///
    /// # Errors
    /// Returns an error if the body is not a signed message of a device, or its content cannot be parsed.
    pub fn device_message(&self, body: &[u8]) -> Result<DeviceMessage, BadDeviceMessage> {
        let opened = device_signed::open(body, &self.device_cas)?;
        let signature = match opened.signature {
            Signature::Genuine => DeviceSignature::Genuine,
            Signature::UnknownIssuer => DeviceSignature::UnknownIssuer,
            Signature::Invalid => DeviceSignature::Invalid,
        };
        let fields = property_list::repaired(&opened.content)?;
        Ok(DeviceMessage { fields, signer: opened.signer, signature })
    }
}
