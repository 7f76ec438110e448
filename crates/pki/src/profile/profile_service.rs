//! Device Enrollment by Profile Service, the two profiles that come before the MDM profile: Apple's "Over-the-Air Profile
//! Delivery and Configuration", phases 1 and 2.

use super::payload::{Envelope, Scep, https, outermost, xml};
use super::{Pki, ProfileError, Texts};
use plist::{Dictionary, Value};
use uuid::Uuid;

/// Phase 1: asks the device what it is. No profile but a bare payload, as Apple has it.
#[derive(Debug, Clone, Copy)]
pub struct ProfileService<'a> {
    pub texts: Texts<'a>,
    pub identifier: &'a str,
    pub uuid: Uuid,
    /// Where the device sends its answer, and later asks for the MDM profile.
    pub url: &'a str,
    /// What it is asked for, by the names of Apple's document.
    pub attributes: &'a [String],
    /// Comes back as `CHALLENGE`.
    pub challenge: &'a str,
}

impl ProfileService<'_> {
    /// The payload as XML, for [`Pki::sign_profile`].
    ///
    /// # Errors
    /// If a device would refuse it.
    pub fn xml(&self) -> Result<Vec<u8>, ProfileError> {
        https(self.url)?;
        let mut content = Dictionary::new();
        content.insert("URL".into(), self.url.into());
        let attributes = self.attributes.iter().map(|attribute| Value::from(attribute.as_str())).collect();
        content.insert("DeviceAttributes".into(), Value::Array(attributes));
        content.insert("Challenge".into(), self.challenge.into());
        // This literal, without Apple's prefix.
        let mut payload = outermost("Profile Service", self.texts, self.identifier, self.uuid);
        payload.insert("PayloadContent".into(), Value::Dictionary(content));
        xml(payload)
    }
}

/// Phase 2: a way to an identity and nothing else. By that identity the device is known when it asks for the MDM profile.
#[derive(Debug, Clone, Copy)]
pub struct VerificationProfile<'a> {
    pub texts: Texts<'a>,
    pub identifier: &'a str,
    pub profile_uuid: Uuid,
    pub identity_uuid: Uuid,
    /// See [`super::CaProfile::names_target`].
    pub names_target: bool,
    pub scep_url: &'a str,
    pub challenge: &'a str,
    /// The device's UUID, which the identity will name.
    pub device: Uuid,
}

impl VerificationProfile<'_> {
    /// The profile as XML, for [`Pki::sign_profile`].
    ///
    /// # Errors
    /// If a device would refuse it, or OpenSSL fails.
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
