//! The identity providers of the configuration, whichever protocol they speak.

use crate::config::identity::Identity;
use crate::identity::openid_connect;
use crate::identity::saml::Saml;
use events::enrollment::SignInMethodName;

/// All of them.
pub struct Providers(Vec<IdentityProvider>);

pub struct IdentityProvider {
    pub name: String,
    pub title: String,
    pub(super) protocol: Protocol,
}

pub(super) enum Protocol {
    OpenIdConnect(Box<openid_connect::Provider>),
    Saml(Box<Saml>),
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Offer {
    pub name: String,
    pub title: String,
}

impl Providers {
    /// From the configuration and the files it names; no provider is asked anything.
    ///
    /// # Errors
    /// Says which key or file is wrong.
    pub fn load(config: &Identity, public_url: &str) -> Result<Providers, String> {
        let mut providers = Vec::new();
        for one in &config.openid_connect {
            providers.push(IdentityProvider {
                name: one.name.clone(),
                title: one.title.clone(),
                protocol: Protocol::OpenIdConnect(Box::new(openid_connect::Provider::load(one)?)),
            });
        }
        for one in &config.saml {
            providers.push(IdentityProvider {
                name: one.name.clone(),
                title: one.title.clone(),
                protocol: Protocol::Saml(Box::new(Saml::load(one, public_url)?)),
            });
        }
        Ok(Providers(providers))
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
    pub fn method(&self) -> SignInMethodName {
        match &self.protocol {
            Protocol::OpenIdConnect(_) => SignInMethodName::OpenIdConnect,
            Protocol::Saml(_) => SignInMethodName::Saml,
        }
    }
}
