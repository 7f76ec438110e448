//! Enrollment from Settings, by account: which devices, and for how long a sign-in holds.

use crate::enrollment::{DeviceFamily, EnrollmentMode, Ownership};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How a device lets its person sign in, in Apple's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthenticationMethod {
    /// On our pages, which hand it an access token.
    #[default]
    AppleAsWeb,
    /// On our pages, which hand it a code. It redeems that for tokens and gets new ones by itself, each time asked
    /// whether the person still may, until they have to sign in again.
    #[serde(rename = "apple-oauth2")]
    AppleOAuth2,
}

/// Account-driven enrollment: Settings › General › VPN & Device Management › Sign In to Work or School Account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountDriven {
    /// Whose device an iPhone or iPad is that enrolls so: there is one answer for everybody, and no question. A family that
    /// is left out does not enroll by account.
    pub families: BTreeMap<DeviceFamily, Ownership>,
    /// The portal leads personal devices to Settings from iOS 15 on; otherwise from iOS 18 on, where there is no other way.
    pub from_ios_15: bool,
    /// How a device lets its person sign in.
    pub method: AuthenticationMethod,
    /// Days after which people sign in again on their device; left out: never.
    pub sign_in_again_after_days: Option<u32>,
    /// The number in the App Store of one app that may be installed later without asking (`RequiredAppIDForMDM`). It holds
    /// for devices that enroll from then on.
    pub required_app_id: Option<u64>,
    /// Refuse devices that do not prove with the identity they were made with that they are Apple's. The CAs of newer
    /// devices may not be known: see `devices.device_ca_certificates` in the configuration.
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
    /// The mode in which a family enrolls by account, of the kinds that may enroll at all.
    pub fn mode(&self, family: DeviceFamily, kinds: &BTreeSet<Ownership>) -> Option<EnrollmentMode> {
        let ownership = self.families.get(&family).filter(|ownership| kinds.contains(ownership))?;
        Some(EnrollmentMode::of(*ownership))
    }
}
