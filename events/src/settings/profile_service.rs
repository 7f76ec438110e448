//! Whether institutional devices are verified before they get the MDM profile.

use serde::{Deserialize, Serialize};

/// Device Enrollment by Profile Service: an institutional device says what it is, signed with the identity it was made
/// with, before it gets the MDM profile. Personal devices are never asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileService {
    pub enabled: bool,
    /// Refuse devices that do not prove so that they are Apple's. The CAs of newer devices may not be known: see
    /// `devices.device_ca_certificates` in the configuration.
    pub genuine_devices_only: bool,
}
