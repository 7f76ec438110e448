//! The part of an enrollment's state about devices that have to identify themselves before they get the MDM profile.

use crate::device::{Device, Phase};
use events::Timestamp;
use events::enrollment::{DeviceAttributes, DeviceSignature, IssuedCertificate, ProfileServiceRefusal, SecretHash};
use serde::{Deserialize, Serialize};

/// A Profile Service that was served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfileService {
    pub challenge: SecretHash,
    pub challenge_expires: Timestamp,
    /// The device that answered it. No other device may answer.
    pub device: Option<ReportedDevice>,
    /// Reasons of refusals; each is recorded once.
    pub refusals: Vec<ProfileServiceRefusal>,
}

/// A device that reported its attributes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportedDevice {
    pub signature: DeviceSignature,
    /// SHA-256 fingerprint of the signing certificate, lower-case hex.
    pub certificate: String,
    pub attributes: DeviceAttributes,
}

/// A served verification profile: the device gets an identity with it that identifies it when it requests the MDM
/// profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// The challenge of the Profile Service that the device answered.
    pub service: SecretHash,
    /// The SCEP challenge in the profile.
    pub challenge: SecretHash,
    pub challenge_expires: Timestamp,
    pub identity: Option<IssuedCertificate>,
}

impl ReportedDevice {
    /// Returns whether `other` is this device answering again: it has the same built-in identity and the same UDID.
    pub fn is(&self, other: &ReportedDevice) -> bool {
        let differs =
            other.attributes.udid.get().is_some_and(|udid| self.attributes.udid.get().is_some_and(|told| told != udid));
        self.certificate == other.certificate && !differs
    }

    /// Returns whether this device reported `udid`. False if the reported UDID was erased or its key lost.
    pub fn has_udid(&self, udid: &str) -> bool {
        self.attributes.udid.get().is_some_and(|told| told == udid)
    }

    /// Returns whether a device that sends `Authenticate` with `udid` can be this one. An enrolled device is identified
    /// by its identity, so it is accepted if the UDID that it reported earlier was erased or lost.
    pub fn may_be(&self, udid: &str, device: &Device) -> bool {
        self.has_udid(udid) || (self.attributes.udid.get().is_none() && device.phase == Phase::Enrolled)
    }
}
