//! What is known of a visit whose device has to say what it is before it gets the MDM profile.

use events::Timestamp;
use events::enrollment::{DeviceAttributes, DeviceSignature, IssuedCertificate, ProfileServiceRefusal, SecretHash};

/// A Profile Service that was served.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileService {
    pub challenge: SecretHash,
    pub challenge_expires: Timestamp,
    /// The device that answered it. No other may.
    pub device: Option<ReportedDevice>,
    /// What it was refused for; each is written down once.
    pub refusals: Vec<ProfileServiceRefusal>,
}

/// A device that said what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportedDevice {
    pub signature: DeviceSignature,
    /// SHA-256 of the certificate that signed, lower-case hex.
    pub certificate: String,
    pub attributes: DeviceAttributes,
}

/// A profile that was sent for the device to get an identity by which it is known when it asks for the MDM profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Verification {
    /// The challenge of the Profile Service that the device answered.
    pub service: SecretHash,
    /// The SCEP challenge in the profile.
    pub challenge: SecretHash,
    pub challenge_expires: Timestamp,
    pub identity: Option<IssuedCertificate>,
}

impl ReportedDevice {
    /// Whether this one answers again: by the same identity it was made with, under the same UDID.
    pub fn is(&self, other: &ReportedDevice) -> bool {
        self.certificate == other.certificate && other.attributes.udid.get().is_none_or(|udid| self.has_udid(udid))
    }

    /// Whether this is the device that is called so now. What was erased fits anything.
    pub fn has_udid(&self, udid: &str) -> bool {
        self.attributes.udid.get().is_none_or(|told| told == udid)
    }
}
