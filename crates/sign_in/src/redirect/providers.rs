//! The identity providers of the configuration, for all protocols. The files that the configuration names are read when
//! the server starts and again after a change. A provider that cannot be used does not affect the other sign-in
//! methods.

use events::enrollment::SignInMethodName;
use identity::config::Identity;
use identity::redirect::{RedirectConfig, RedirectMethod, RedirectSignIn};
use identity::{Disbelief, Fault, Identifier};
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

/// The provider as loaded, and the state of its files at that time.
struct Loaded {
    files: Files,
    protocol: Result<Arc<dyn RedirectSignIn>, String>,
}

/// For each file the time of its last modification and its length in bytes. `None` for a file that cannot be read.
type Files = Vec<Option<(SystemTime, u64)>>;

/// A provider that the sign-in page offers as a button.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Offer {
    pub name: String,
    pub title: String,
}

impl Providers {
    /// Reads the configuration and the files it names. Sends no request to a provider.
    pub fn load(config: &Identity, public_url: &str) -> Providers {
        Providers(config.redirect_methods().into_iter().map(|one| IdentityProvider::load(one, public_url)).collect())
    }

    /// Returns the providers whose configuration cannot be used, each with the reason.
    pub fn unusable(&self) -> Vec<(&str, String)> {
        let why = |one: &IdentityProvider| one.protocol().err().map(|why| why.detail);
        self.0.iter().filter_map(|one| Some((one.name.as_str(), why(one)?))).collect()
    }

    /// Returns a button for each provider in `names`, in this order. Skips providers that are not configured.
    pub fn offers(&self, names: &[String]) -> Vec<Offer> {
        let known = names.iter().filter_map(|name| self.find(name));
        known.map(|one| Offer { name: one.name.clone(), title: one.configured.title().to_owned() }).collect()
    }

    /// Returns the provider `name` if the settings enable it. `names` are the enabled providers.
    pub fn offered(&self, names: &[String], name: &str) -> Option<&IdentityProvider> {
        self.find(name).filter(|one| names.contains(&one.name))
    }

    /// Returns the names of all configured providers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|one| one.name.as_str())
    }

    /// Returns the configured provider, even if the settings do not enable it.
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

    /// Returns whether the provider can state this identifier.
    pub fn has(&self, identifier: Identifier) -> bool {
        self.configured.has(identifier)
    }

    /// Returns the sign-in method that events record.
    pub fn method(&self) -> SignInMethodName {
        match self.configured.method() {
            RedirectMethod::OpenIdConnect => SignInMethodName::OpenIdConnect,
            RedirectMethod::Saml => SignInMethodName::Saml,
        }
    }

    /// Returns the provider as its files describe it now. If a changed file cannot be used, the earlier content is not
    /// used either: a key that was removed from the file must not stay trusted because of a mistake in the file.
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
                    tracing::info!(
                        provider = self.name,
                        "the files of the identity provider changed and were read again"
                    )
                }
                Err(why) => {
                    tracing::error!(
                        provider = self.name,
                        why,
                        "the files of the identity provider changed and cannot be used: nobody can sign in with it"
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
