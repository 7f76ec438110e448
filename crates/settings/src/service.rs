//! The settings service: the current settings in memory, and the configuration that changes are checked against.

use crate::in_memory::SettingsInMemory;
use decisions::settings::Current;
use events::log::Log;
use events::settings::Settings;
use events::store::ReadError;
use events::{Position, settings::stream};
use identity::config::Identity;
use identity::ldap::Ldap;
use platform::{Loaded, Platform};
use std::sync::Arc;

/// The current settings of one installation.
pub struct SettingsService {
    pub(crate) platform: Platform,
    pub(crate) identity: Arc<Identity>,
    directories: Vec<Arc<Ldap>>,
    memory: SettingsInMemory,
}

impl SettingsService {
    /// Creates the service. `identity` is the section `[identity]` of the configuration, which settings refer to by
    /// name. `directories` are the directories of that section, in which groups are looked up.
    pub fn new(platform: Platform, identity: Arc<Identity>, directories: Vec<Arc<Ldap>>) -> SettingsService {
        SettingsService { platform, identity, directories, memory: SettingsInMemory::default() }
    }

    /// Returns the current settings.
    ///
    /// # Errors
    /// Returns an error if the stream of settings cannot be read.
    pub async fn current(&self) -> Result<Settings, ReadError> {
        Ok(self.loaded().await?.0.settings.clone())
    }

    /// Returns the settings at `position`. An effect uses the settings at the time of its cause, even if it is retried
    /// much later.
    ///
    /// # Errors
    /// Returns an error if the stream of settings cannot be read.
    pub async fn at(&self, position: Position) -> Result<Settings, ReadError> {
        self.memory.at(&self.platform.log, position).await
    }

    /// Returns the current settings with the revision of their stream.
    ///
    /// # Errors
    /// Returns an error if the stream of settings cannot be read.
    pub async fn loaded(&self) -> Result<Loaded<Current>, ReadError> {
        self.memory.current(&self.platform.log).await
    }

    pub(crate) fn directories(&self) -> Vec<&Ldap> {
        self.directories.iter().map(AsRef::as_ref).collect()
    }
}

/// Reads the current settings from `log`. Reads the whole stream of settings, so a running server uses
/// [`SettingsService::current`] instead.
///
/// # Errors
/// Returns an error if the stream of settings cannot be read.
pub async fn stored(log: &Log) -> Result<Current, ReadError> {
    Ok(Arc::unwrap_or_clone(platform::load(log, &stream()).await?.0))
}
