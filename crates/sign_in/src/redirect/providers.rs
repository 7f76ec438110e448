//! The identity providers of the configuration, whatever their protocol. The files that the configuration names are read at the start
//! and again when one of them changes. A provider that cannot be used stops only itself.

use events::enrollment::SignInMethodName;
use identity::config::Identity;
use identity::redirect::{RedirectConfig, RedirectMethod, RedirectSignIn};
use identity::{Disbelief, Fault};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// All providers of the configuration.
pub struct Providers(Vec<IdentityProvider>);

/// One provider of the configuration.
pub struct IdentityProvider {
    pub name: String,
    configured: Arc<dyn RedirectConfig>,
    public_url: String,
    loaded: Mutex<Loaded>,
}

/// What the files said, and which state of them that was.
struct Loaded {
    files: Files,
    protocol: Result<Arc<dyn RedirectSignIn>, String>,
}

/// For each file the time of its last change and its length in bytes; `None` for a file that cannot be read.
type Files = Vec<Option<(SystemTime, u64)>>;

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Offer {
    pub name: String,
    pub title: String,
}

impl Providers {
    /// Reads the configuration and the files it names. No provider is asked anything.
    pub fn load(config: &Identity, public_url: &str) -> Providers {
        Providers(config.redirect_methods().into_iter().map(|one| IdentityProvider::load(one, public_url)).collect())
    }

    /// The providers that cannot be used as they are configured, each with the reason.
    pub fn unusable(&self) -> Vec<(&str, String)> {
        let why = |one: &IdentityProvider| one.protocol().err().map(|why| why.detail);
        self.0.iter().filter_map(|one| Some((one.name.as_str(), why(one)?))).collect()
    }

    /// A button for each provider that the settings name, in their order. A provider that is not configured is left out.
    pub fn offers(&self, names: &[String]) -> Vec<Offer> {
        let known = names.iter().filter_map(|name| self.find(name));
        known.map(|one| Offer { name: one.name.clone(), title: one.configured.title().to_owned() }).collect()
    }

    /// The provider, if the settings offer it.
    pub fn offered(&self, names: &[String], name: &str) -> Option<&IdentityProvider> {
        self.find(name).filter(|one| names.contains(&one.name))
    }

    /// The provider, offered or not.
    pub fn find(&self, name: &str) -> Option<&IdentityProvider> {
        self.0.iter().find(|one| one.name == name)
    }
}

impl IdentityProvider {
    fn load(configured: Arc<dyn RedirectConfig>, public_url: &str) -> IdentityProvider {
        let files = stamps(&*configured);
        let protocol = configured.load(public_url);
        IdentityProvider {
            name: configured.name().to_owned(),
            configured,
            public_url: public_url.to_owned(),
            loaded: Mutex::new(Loaded { files, protocol }),
        }
    }

    /// The method as events name it.
    pub fn method(&self) -> SignInMethodName {
        match self.configured.method() {
            RedirectMethod::OpenIdConnect => SignInMethodName::OpenIdConnect,
            RedirectMethod::Saml => SignInMethodName::Saml,
        }
    }

    /// The provider as its files describe it now. What a changed file no longer says does not hold, even if the new file cannot be used:
    /// a key that was removed is not trusted because of a mistake next to it.
    ///
    /// # Errors
    /// Returns `ProviderUnavailable` if the files cannot be used.
    pub fn protocol(&self) -> Result<Arc<dyn RedirectSignIn>, Disbelief> {
        let files = stamps(&*self.configured);
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if loaded.files != files {
            loaded.protocol = self.configured.load(&self.public_url);
            loaded.files = files;
            match &loaded.protocol {
                Ok(_) => {
                    tracing::info!(provider = self.name, "files of the identity provider changed and were read again")
                }
                Err(why) => {
                    tracing::error!(
                        provider = self.name,
                        why,
                        "files of the identity provider changed and cannot be used"
                    );
                }
            }
        }
        loaded.protocol.clone().map_err(|why| Disbelief::new(Fault::ProviderUnavailable, why))
    }
}

fn stamps(configured: &dyn RedirectConfig) -> Files {
    configured.files().iter().map(|path| stamp(path)).collect()
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
