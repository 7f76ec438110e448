//! Messages that a device signs with the identity it was made with: opened, read, and the signature's verdict in the words of
//! the log.

use crate::Devices;
use events::enrollment::DeviceSignature;
use openssl::x509::X509;
use pki::device_signed::{self, BadMessage, Signature};
use plist::Dictionary;
use property_list::BadPropertyList;

/// What a device said, and how sure that is.
#[derive(Debug)]
pub struct DeviceMessage {
    pub fields: Dictionary,
    /// The certificate that the message names as its signer's.
    pub signer: X509,
    pub signature: DeviceSignature,
}

#[derive(Debug, thiserror::Error)]
pub enum BadDeviceMessage {
    #[error(transparent)]
    Signed(#[from] BadMessage),
    #[error("the content of the message: {0}")]
    Content(#[from] BadPropertyList),
}

impl Devices {
    /// Opens and reads a message, whatever its signature proves. Takes a fraction of a millisecond of computing: not for the
    /// threads that answer everybody.
    ///
    /// # Errors
    /// If it is no message of a device.
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
