//! The service: the current settings in memory, and what a change of them is checked against.

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
    /// `identity`: the section `[identity]`, which settings refer to by name. `directories`: those of it, to look groups up in.
    pub fn new(platform: Platform, identity: Arc<Identity>, directories: Vec<Arc<Ldap>>) -> SettingsService {
        SettingsService { platform, identity, directories, memory: SettingsInMemory::default() }
    }

    /// The current settings.
    ///
    /// # Errors
    /// Returns an error if the stream of settings cannot be read.
    pub async fn current(&self) -> Result<Settings, ReadError> {
        Ok(self.loaded().await?.0.settings)
    }

    /// The settings at `position`. An effect follows from the settings at the time of its cause, however late it is tried again.
    ///
    /// # Errors
    /// Returns an error if the stream of settings cannot be read.
    pub async fn at(&self, position: Position) -> Result<Settings, ReadError> {
        self.memory.at(&self.platform.log, position).await
    }

    /// The current settings with the revision of their stream.
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

/// The current settings as `log` has them. Reads the whole stream of settings; a server asks [`SettingsService::current`].
///
/// # Errors
/// Returns an error if the stream of settings cannot be read.
pub async fn stored(log: &Log) -> Result<Current, ReadError> {
    Ok(platform::load(log, &stream()).await?.0)
}
