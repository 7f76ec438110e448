//! Sign-in at another site: the interface of every method that redirects the browser to an identity provider (OpenID Connect, SAML).
//!
//! A further method adds a folder with an implementation, its configuration section with a line in
//! [`Identity::redirect_methods`](crate::config::Identity::redirect_methods), a variant of [`RedirectMethod`], and texts.

use crate::{Account, Disbelief, Fault};
use async_trait::async_trait;
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;
use world::{Timestamp, World};

/// Where people sign in and return to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    Portal,
    Console,
}

impl Place {
    /// The path under which the endpoints of identity providers are.
    pub fn path(self) -> &'static str {
        match self {
            Place::Portal => "/enroll/sso",
            Place::Console => "/console/sso",
        }
    }
}

/// The protocol of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectMethod {
    OpenIdConnect,
    Saml,
}

/// One round trip to a provider.
pub struct Trip<'a> {
    pub place: Place,
    /// The address that the provider sends the browser back to, as it is registered there.
    pub callback: &'a str,
    pub world: &'a World,
    /// Derives a secret for a purpose from the request, so that it need not be kept: 43 characters of base64url.
    pub derive: &'a (dyn Fn(&str, &str) -> String + Sync),
}

/// Where to send the browser, and what has to come back.
pub struct Begun {
    pub to: Url,
    /// A secret that names the request. Only its hash is kept.
    pub request: String,
}

/// The query with which the browser returns from a provider.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub struct Back {
    pub state: Option<String>,
    pub code: Option<String>,
    /// `iss` of RFC 9207.
    pub iss: Option<String>,
    pub error: Option<String>,
    pub error_description: Option<String>,
}

/// A posted answer that is believed, if it was asked for and is seen for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostedAnswer {
    /// The request that it answers; `None` only where unsolicited answers are allowed.
    pub in_response_to: Option<String>,
    /// The caller accepts each pair of issuer and answer once.
    pub answer_id: String,
    pub issuer: String,
    pub account: Account,
}

/// A posted answer that is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostRefused {
    pub disbelief: Disbelief,
    /// The request that it claims to answer.
    pub in_response_to: Option<String>,
}

/// A provider that is loaded. Its answers come either back with the browser's query, or posted from its own site.
#[async_trait]
pub trait RedirectSignIn: Send + Sync {
    /// Begins a sign-in.
    ///
    /// # Errors
    /// Returns `ProviderUnavailable` if the provider cannot be asked or its metadata has expired.
    async fn begin(&self, trip: &Trip<'_>) -> Result<Begun, Disbelief>;

    /// Whether answers are posted from the provider's site, so that no cookie of ours comes with them.
    fn posts_its_answers(&self) -> bool {
        false
    }

    /// The account that the browser's query proves for the request `state`. The caller checks that the request is this browser's.
    ///
    /// # Errors
    /// Returns why the answer is not believed.
    async fn read_query(&self, _trip: &Trip<'_>, _state: &str, _back: &Back) -> Result<Account, Disbelief> {
        Err(Disbelief::new(Fault::Unsolicited, "this provider's answers are posted"))
    }

    /// The account that a posted answer proves. `None` if this method's answers are not posted.
    fn read_post(&self, _place: Place, _field: &str, _now: Timestamp) -> Option<Result<PostedAnswer, PostRefused>> {
        None
    }

    /// The address at which a person signs out at the provider and returns to `back`. `None` if the provider has none.
    async fn sign_out(&self, _back: &str, _now: Timestamp) -> Option<Url> {
        None
    }

    /// The metadata document about this server for the provider's administrator, with the addresses of `places`. `None` if the method
    /// has no such document.
    fn metadata(&self, _places: &[Place]) -> Option<String> {
        None
    }
}

/// The configuration of one provider.
pub trait RedirectConfig: Send + Sync {
    /// The name in settings and addresses.
    fn name(&self) -> &str;
    /// The text on the button.
    fn title(&self) -> &str;
    fn method(&self) -> RedirectMethod;
    /// The files that it names.
    fn files(&self) -> Vec<PathBuf>;

    /// Reads the files. The provider itself is not asked.
    ///
    /// # Errors
    /// Says which key or file is wrong.
    fn load(&self, public_url: &str) -> Result<Arc<dyn RedirectSignIn>, String>;
}
