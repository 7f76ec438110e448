//! What is known of a visit whose device has to say what it is before it gets the MDM profile.

use crate::device::{Device, Phase};
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
        let differs =
            other.attributes.udid.get().is_some_and(|udid| self.attributes.udid.get().is_some_and(|told| told != udid));
        self.certificate == other.certificate && !differs
    }

    /// Whether this is the device with this UDID. If what it told was erased, or its key lost, that is not proven.
    pub fn has_udid(&self, udid: &str) -> bool {
        self.attributes.udid.get().is_some_and(|told| told == udid)
    }

    /// Whether a device that announces itself with this UDID may be this one. One that is enrolled is known by its identity: it goes on
    /// where what it told before was erased or lost.
    pub fn may_be(&self, udid: &str, device: &Device) -> bool {
        self.has_udid(udid) || (self.attributes.udid.get().is_none() && device.phase == Phase::Enrolled)
    }
}
