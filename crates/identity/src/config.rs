//! `[[identity.…]]`: directories and identity providers that vouch for people. Who of them is asked at the portal and who
//! at the console is a setting.

mod directory;
mod openid_connect;
mod saml;

pub use directory::{Directory, Groups};
pub use openid_connect::{ALGORITHMS, OpenIdConnect};
pub use saml::Saml;

use crate::redirect::RedirectConfig;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;

/// `[identity]`. Names are unique across all three: they stand in addresses, settings and the log.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    pub directory: Vec<Directory>,
    pub openid_connect: Vec<OpenIdConnect>,
    pub saml: Vec<Saml>,
}

impl Identity {
    /// The providers that people are redirected to, in the order of their sections.
    pub fn redirect_methods(&self) -> Vec<Arc<dyn RedirectConfig>> {
        let openid_connect = self.openid_connect.iter().map(|one| Arc::new(one.clone()) as Arc<dyn RedirectConfig>);
        let saml = self.saml.iter().map(|one| Arc::new(one.clone()) as Arc<dyn RedirectConfig>);
        openid_connect.chain(saml).collect()
    }

    /// The paths that the section names: relative ones are taken from the directory of the file.
    pub fn paths_mut(&mut self) -> Vec<&mut PathBuf> {
        let directories = self.directory.iter_mut().flat_map(Directory::paths_mut);
        let openid_connect = self.openid_connect.iter_mut().flat_map(OpenIdConnect::paths_mut);
        directories.chain(openid_connect).chain(self.saml.iter_mut().flat_map(Saml::paths_mut)).collect()
    }
}

/// What it means that a provider says nothing of groups or claims that it is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// They are not known. Where access rules would decide differently, nobody is let in by chance.
    #[default]
    Unknown,
    /// There are none: this provider leaves out an empty list.
    None,
}
