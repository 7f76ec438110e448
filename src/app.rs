//! The assembled server: all services, and the shared state that belongs to none of them.

pub mod assemble;
pub mod initialize;
pub(crate) mod lost_keys;
pub mod older_log;
pub(crate) mod public_url;
pub mod start_error;
pub mod suppressed;

use crate::config::Config;
use connections::Connections;
use devices::Devices;
use enroll::Enroll;
use events::personal::keys::SqliteKeyStore;
use events::store::sqlite::SqliteStore;
use imports::Imports;
use imports::uploads::Uploads;
use invitations::Invitations;
use mail::Mailer;
use platform::Platform;
use platform::strangers::Strangers;
use reenrollment::Reenrollment;
use settings::SettingsService;
use sign_in::SignIn;
use staff::Staff;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Services of one installation. Clones share them. Handlers get a part of them: `server::surfaces`.
#[derive(Clone)]
pub struct App {
    inner: Arc<Parts>,
}

/// Parts of an [`App`].
pub struct Parts {
    pub config: Arc<Config>,
    /// Storage engine of the log. Only the assembly and its tests use it directly; other code uses [`Platform`].
    pub store: Arc<SqliteStore>,
    /// Key store of the engine. Only the assembly and its tests use it directly.
    pub keys: Arc<SqliteKeyStore>,
    pub platform: Platform,
    pub settings: Arc<SettingsService>,
    pub sign_in: Arc<SignIn>,
    pub devices: Arc<Devices>,
    pub enroll: Arc<Enroll>,
    pub staff: Arc<Staff>,
    pub imports: Arc<Imports>,
    pub invitations: Arc<Invitations>,
    pub mailer: Mailer,
    pub reenrollment: Arc<Reenrollment>,
    /// Files that staff upload to import.
    pub uploads: Arc<Uploads>,
    /// Permit to hold a large body in memory. There is one permit.
    pub large_bodies: Arc<Semaphore>,
    /// Open connections of the surfaces.
    pub connections: Connections,
    /// Limits work for clients without a proven identity.
    pub strangers: Arc<Strangers>,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.inner
    }
}
