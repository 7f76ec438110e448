//! Enrolled devices: identification, commands and their results, the enrollment profile, renewal and revocation of
//! identities, push.

pub mod attestation;
pub mod commands;
pub(crate) mod conversations;
mod device_budget;
pub mod device_message;
pub mod enrollment_profile;
pub mod identify;
pub mod inventory;
mod push_notice;
pub mod push_topics;
pub mod renewal;
mod revocation;
pub mod web_clip;

pub use device_budget::{ByDeviceError, DrawsOnDevice, sum_up};

use conversations::Conversations;
use device_budget::DeviceBudget;
use events::device::DeviceId;
use pki::Pki;
use pki::attestation::AttestationRoots;
use pki::device_cas::DeviceCas;
use platform::Platform;
use platform::aside::Seldom;
use push::Pusher;
use revocation::Revocations;
use settings::SettingsService;
use std::sync::Arc;

/// Service that manages devices.
pub struct Devices {
    pub platform: Platform,
    pub settings: Arc<SettingsService>,
    pub pki: Pki,
    /// CAs that certify devices in the factory.
    pub device_cas: DeviceCas,
    /// Trusted roots of hardware attestations.
    pub attestation_roots: AttestationRoots,
    /// `None` if no push certificate is configured.
    pub pusher: Option<Pusher>,
    /// `devices.url`: address at which devices prove their identity in TLS. `None` if devices sign each message
    /// instead.
    pub url: Option<String>,
    pub conversations: Conversations,
    /// Limits the log messages about devices whose streams cannot be read.
    pub(crate) unreadable_devices: Seldom<DeviceId>,
    /// Budgets for the events of single devices.
    pub(crate) device_budget: DeviceBudget,
    pub(crate) revocations: Revocations,
}

/// Keys and certificates of a [`Devices`].
pub struct Trust {
    pub pki: Pki,
    pub device_cas: DeviceCas,
    pub attestation_roots: AttestationRoots,
}

impl Devices {
    pub fn new(
        platform: Platform,
        settings: Arc<SettingsService>,
        trust: Trust,
        pusher: Option<Pusher>,
        url: Option<String>,
    ) -> Devices {
        let Trust { pki, device_cas, attestation_roots } = trust;
        Devices {
            platform,
            settings,
            pki,
            device_cas,
            attestation_roots,
            pusher,
            url,
            conversations: Conversations::default(),
            unreadable_devices: Seldom::default(),
            device_budget: DeviceBudget::default(),
            revocations: Revocations::default(),
        }
    }
}
