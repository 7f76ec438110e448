//! The identity providers of the configuration, whichever protocol they speak. The files that the configuration names are
//! read at the start, and again when one of them changes. A provider that cannot be used stops nothing but itself.

use events::enrollment::SignInMethodName;
use identity::config::{self, Identity};
use identity::saml::Saml;
use identity::{Disbelief, Fault, openid_connect};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// All of them.
pub struct Providers(Vec<IdentityProvider>);

pub struct IdentityProvider {
    pub name: String,
    pub title: String,
    configured: Configured,
    public_url: String,
    loaded: Mutex<Loaded>,
}

enum Configured {
    OpenIdConnect(Box<config::OpenIdConnect>),
    Saml(Box<config::Saml>),
}

#[derive(Clone)]
pub(super) enum Protocol {
    OpenIdConnect(Arc<openid_connect::Provider>),
    Saml(Arc<Saml>),
}

/// What the files said, and which state of them that was.
struct Loaded {
    files: Files,
    protocol: Result<Protocol, String>,
}

/// For each file when it was written, and how long it is; `None` for one that cannot be read.
type Files = Vec<Option<(SystemTime, u64)>>;

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Offer {
    pub name: String,
    pub title: String,
}

impl Providers {
    /// From the configuration and the files it names; no provider is asked anything.
    pub fn load(config: &Identity, public_url: &str) -> Providers {
        let openid = config.openid_connect.iter().map(|one| {
            IdentityProvider::load(&one.name, &one.title, Configured::OpenIdConnect(Box::new(one.clone())), public_url)
        });
        let saml = config.saml.iter().map(|one| {
            IdentityProvider::load(&one.name, &one.title, Configured::Saml(Box::new(one.clone())), public_url)
        });
        Providers(openid.chain(saml).collect())
    }

    /// Those that cannot be used as they are configured, and why.
    pub fn unusable(&self) -> Vec<(&str, String)> {
        let why = |one: &IdentityProvider| one.protocol().err().map(|why| why.detail);
        self.0.iter().filter_map(|one| Some((one.name.as_str(), why(one)?))).collect()
    }

    /// A button for each that the settings name, in their order. What is not configured is left out.
    pub fn offers(&self, names: &[String]) -> Vec<Offer> {
        let known = names.iter().filter_map(|name| self.find(name));
        known.map(|one| Offer { name: one.name.clone(), title: one.title.clone() }).collect()
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
    fn load(name: &str, title: &str, configured: Configured, public_url: &str) -> IdentityProvider {
        let files = configured.files();
        let protocol = configured.load(name, public_url);
        IdentityProvider {
            name: name.to_owned(),
            title: title.to_owned(),
            configured,
            public_url: public_url.to_owned(),
            loaded: Mutex::new(Loaded { files, protocol }),
        }
    }

    pub fn method(&self) -> SignInMethodName {
        match &self.configured {
            Configured::OpenIdConnect(_) => SignInMethodName::OpenIdConnect,
            Configured::Saml(_) => SignInMethodName::Saml,
        }
    }

    /// The provider as its files describe it now. What a changed file does not say any more holds no longer, also if the
    /// new one cannot be used: a key that was taken away is not trusted because of a mistake beside it.
    pub(super) fn protocol(&self) -> Result<Protocol, Disbelief> {
        let files = self.configured.files();
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if loaded.files != files {
            loaded.protocol = self.configured.load(&self.name, &self.public_url);
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

impl Configured {
    fn load(&self, name: &str, public_url: &str) -> Result<Protocol, String> {
        match self {
            Configured::OpenIdConnect(config) => {
                openid_connect::Provider::load(config).map(Arc::new).map(Protocol::OpenIdConnect)
            }
            Configured::Saml(config) => {
                let saml = Saml::load(config, public_url)?;
                for why in saml.passed_over() {
                    tracing::warn!(
                        provider = name,
                        why,
                        "a signing certificate of the provider's metadata is passed over"
                    );
                }
                Ok(Protocol::Saml(Arc::new(saml)))
            }
        }
    }

    fn files(&self) -> Files {
        let paths = match self {
            Configured::OpenIdConnect(config) => config.paths(),
            Configured::Saml(config) => config.paths(),
        };
        paths.into_iter().map(stamp).collect()
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
