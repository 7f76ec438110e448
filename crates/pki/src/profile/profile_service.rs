//! Device Enrollment by Profile Service: the two profiles that come before the MDM profile (Apple, "Over-the-Air
//! Profile Delivery and Configuration", phases 1 and 2).

use super::payload::{Envelope, Scep, https, outermost, xml};
use super::{Pki, ProfileError, Texts};
use plist::{Dictionary, Value};
use uuid::Uuid;

/// Phase 1: asks the device for its attributes. As in Apple's document, it is a single payload and not a profile.
#[derive(Debug, Clone, Copy)]
pub struct ProfileService<'a> {
    pub texts: Texts<'a>,
    /// `PayloadIdentifier` in reverse DNS notation.
    pub identifier: &'a str,
    pub uuid: Uuid,
    /// Address to which the device sends its answer and later its request for the MDM profile.
    pub url: &'a str,
    /// Names of the requested attributes, as in Apple's document.
    pub attributes: &'a [String],
    /// The device returns it as `CHALLENGE`.
    pub challenge: &'a str,
}

impl ProfileService<'_> {
    /// Returns the payload as XML, for [`Pki::sign_profile`].
    ///
    /// # Errors
    /// Returns an error if a device would refuse the payload.
    pub fn xml(&self) -> Result<Vec<u8>, ProfileError> {
        https(self.url)?;
        let mut content = Dictionary::new();
        content.insert("URL".into(), self.url.into());
        let attributes = self.attributes.iter().map(|attribute| Value::from(attribute.as_str())).collect();
        content.insert("DeviceAttributes".into(), Value::Array(attributes));
        content.insert("Challenge".into(), self.challenge.into());
        // This literal value, without Apple's prefix.
        let mut payload = outermost("Profile Service", self.texts, self.identifier, self.uuid);
        payload.insert("PayloadContent".into(), Value::Dictionary(content));
        xml(payload)
    }
}

/// Phase 2: a SCEP payload and nothing else. The resulting identity identifies the device when it requests the MDM
/// profile.
#[derive(Debug, Clone, Copy)]
pub struct VerificationProfile<'a> {
    pub texts: Texts<'a>,
    /// `PayloadIdentifier` in reverse DNS notation.
    pub identifier: &'a str,
    pub profile_uuid: Uuid,
    pub identity_uuid: Uuid,
    /// See [`super::CaProfile::names_target`].
    pub names_target: bool,
    /// Must begin with `https://`.
    pub scep_url: &'a str,
    /// One-time secret with which the device gets its identity.
    pub challenge: &'a str,
    /// UUID of the device, which the identity will contain.
    pub device: Uuid,
}

impl VerificationProfile<'_> {
    /// Returns the profile as XML, for [`Pki::sign_profile`].
    ///
    /// # Errors
    /// Returns an error if a device would refuse the profile, or if OpenSSL fails.
    pub fn xml(&self, pki: &Pki) -> Result<Vec<u8>, ProfileError> {
        https(self.scep_url)?;
        if self.profile_uuid == self.identity_uuid {
            return Err(ProfileError::SameUuid);
        }
        let envelope = Envelope {
            texts: self.texts,
            identifier: self.identifier,
            uuid: self.profile_uuid,
            names_target: self.names_target,
        };
        let identity =
            Scep { url: self.scep_url, challenge: self.challenge, device: self.device, uuid: self.identity_uuid };
        envelope.close(vec![identity.payload(&envelope, pki)?])
    }
}
