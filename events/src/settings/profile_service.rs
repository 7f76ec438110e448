//! Settings for the verification of institutional devices before they get the MDM profile.

use serde::{Deserialize, Serialize};

/// Device Enrollment with a Profile Service: an institutional device reports its attributes, signed with its built-in
/// identity, before it gets the MDM profile. Personal devices are never asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileService {
    pub enabled: bool,
    /// Refuses devices that do not prove in this way that they were made by Apple. The CAs of newer devices may be
    /// unknown: see `devices.device_ca_certificates` in the configuration.
    pub genuine_devices_only: bool,
}
