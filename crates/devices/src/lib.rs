//! Enrolled devices: who speaks, commands and their results, the enrollment profile, renewal and revocation of identities, wake-ups.

pub mod attestation;
pub mod commands;
pub mod conversations;
mod device_budget;
pub mod device_message;
pub mod enrollment_profile;
pub mod identify;
pub mod inventory;
mod push_notice;
pub mod push_topics;
pub mod renewal;
mod revocation;

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

/// What the server needs to manage devices.
pub struct Devices {
    pub platform: Platform,
    pub settings: Arc<SettingsService>,
    pub pki: Pki,
    /// Who certifies devices when they are made.
    pub device_cas: DeviceCas,
    /// Whose attestations of hardware are trusted.
    pub attestation_roots: AttestationRoots,
    /// `None` where no push certificate is configured.
    pub pusher: Option<Pusher>,
    /// `devices.url`: where devices prove their identity in TLS; `None` where they sign each message.
    pub url: Option<String>,
    pub conversations: Conversations,
    /// Devices whose streams cannot be read, of which the log was told.
    pub(crate) unreadable_devices: Seldom<DeviceId>,
    /// What single devices may make the server write.
    pub(crate) device_budget: DeviceBudget,
    pub(crate) revocations: Revocations,
}

/// What a [`Devices`] is made of besides what it keeps in memory.
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
