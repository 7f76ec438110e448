//! `[[identity.…]]`: the configured directories and identity providers. The settings decide which of them serve the
//! portal and which the console.

mod directory;
mod openid_connect;
mod saml;

pub use directory::{Directory, Groups};
pub(crate) use openid_connect::ALGORITHMS;
pub use openid_connect::OpenIdConnect;
pub use saml::Saml;

use crate::redirect::RedirectConfig;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;

/// Section `[identity]`. Names are unique across all three lists, because they are used in addresses, settings and
/// the log.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    pub directory: Vec<Directory>,
    pub openid_connect: Vec<OpenIdConnect>,
    pub saml: Vec<Saml>,
}

impl Identity {
    /// Returns the providers that people are redirected to, in the order of their sections.
    pub fn redirect_methods(&self) -> Vec<Arc<dyn RedirectConfig>> {
        let openid_connect = self.openid_connect.iter().map(|one| Arc::new(one.clone()) as Arc<dyn RedirectConfig>);
        let saml = self.saml.iter().map(|one| Arc::new(one.clone()) as Arc<dyn RedirectConfig>);
        openid_connect.chain(saml).collect()
    }

    /// Returns the paths in this section. The caller resolves relative ones against the directory of the
    /// configuration file.
    pub fn paths_mut(&mut self) -> Vec<&mut PathBuf> {
        let directories = self.directory.iter_mut().flat_map(Directory::paths_mut);
        let openid_connect = self.openid_connect.iter_mut().flat_map(OpenIdConnect::paths_mut);
        directories.chain(openid_connect).chain(self.saml.iter_mut().flat_map(Saml::paths_mut)).collect()
    }
}

/// How to treat groups or claims that Muster asked a provider for and that are absent from its answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// Their values are unknown. If the decision of the access rules depends on them, the person is not admitted.
    #[default]
    Unknown,
    /// They are empty: this provider omits empty lists.
    None,
}
