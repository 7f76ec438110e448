//! The assembled server: every service, put together once, and what the surfaces keep besides.

pub mod assemble;
pub mod initialize;
pub mod lost_keys;
pub mod older_log;
pub mod public_url;
pub mod suppressed;

use crate::config::Config;
use connections::Connections;
use devices::Devices;
use enroll::Enroll;
use events::personal::keys::SqliteKeyStore;
use events::store::sqlite::SqliteStore;
use platform::Platform;
use platform::strangers::Strangers;
use settings::SettingsService;
use sign_in::SignIn;
use staff::Staff;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The services of one installation; clones share them. Handlers take the services they need.
#[derive(Clone)]
pub struct App {
    inner: Arc<Parts>,
}

/// What an [`App`] is made of.
pub struct Parts {
    pub config: Arc<Config>,
    /// The engine of the log. Everything but the assembly and its tests uses [`Platform`].
    pub store: Arc<SqliteStore>,
    /// The key store of the engine, likewise.
    pub keys: Arc<SqliteKeyStore>,
    pub platform: Platform,
    pub settings: Arc<SettingsService>,
    pub sign_in: Arc<SignIn>,
    pub devices: Arc<Devices>,
    pub enroll: Arc<Enroll>,
    pub staff: Arc<Staff>,
    /// Permits to hold a large body in memory: one at a time.
    pub large_bodies: Arc<Semaphore>,
    /// Open connections of the surfaces.
    pub connections: Connections,
    /// Turns for work without an identity.
    pub strangers: Arc<Strangers>,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.inner
    }
}
