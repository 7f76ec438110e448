//! Account-driven enrollment: permitted devices, and how long a sign-in remains valid.

use crate::enrollment::{DeviceFamily, EnrollmentMode, Ownership};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The authentication method that a device uses, in Apple's terms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthenticationMethod {
    /// On Muster's pages, which give the device an access token.
    #[default]
    AppleAsWeb,
    /// On Muster's pages, which give the device an authorization code. The device redeems it for tokens and later
    /// refreshes them on its own. Each refresh checks whether the person is still permitted, until the person has to
    /// sign in again.
    #[serde(rename = "apple-oauth2")]
    AppleOAuth2,
}

/// Account-driven enrollment: Settings › General › VPN & Device Management › Sign In to Work or School Account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountDriven {
    /// Ownership by device family for devices that enroll this way: it is the same for everyone, and people are not
    /// asked. A family that is omitted cannot enroll by account.
    pub families: BTreeMap<DeviceFamily, Ownership>,
    /// If true, the portal directs personal devices from iOS 15 on to Settings; otherwise from iOS 18 on, where it is
    /// the only way.
    pub from_ios_15: bool,
    /// The authentication method.
    pub method: AuthenticationMethod,
    /// Days after which people have to sign in again on their device. If omitted, never.
    pub sign_in_again_after_days: Option<u32>,
    /// App Store number of one app that can be installed later without asking the person (`RequiredAppIDForMDM`).
    /// Applies to devices that enroll after the change.
    pub required_app_id: Option<u64>,
    /// Refuses devices that do not prove with their built-in identity that they were made by Apple. The CAs of newer
    /// devices may be unknown: see `devices.device_ca_certificates` in the configuration.
    pub genuine_devices_only: bool,
}

impl Default for AccountDriven {
    fn default() -> AccountDriven {
        let personal = [DeviceFamily::IPhone, DeviceFamily::IPad].map(|family| (family, Ownership::Personal));
        AccountDriven {
            families: personal.into(),
            from_ios_15: false,
            method: AuthenticationMethod::AppleAsWeb,
            sign_in_again_after_days: None,
            required_app_id: None,
            genuine_devices_only: false,
        }
    }
}

impl AccountDriven {
    /// Returns the mode in which a device family enrolls by account. `kinds`: the ownership kinds that may enroll at
    /// all.
    pub fn mode(&self, family: DeviceFamily, kinds: &BTreeSet<Ownership>) -> Option<EnrollmentMode> {
        let ownership = self.families.get(&family).filter(|ownership| kinds.contains(ownership))?;
        Some(EnrollmentMode::of(*ownership))
    }
}
