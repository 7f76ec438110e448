//! Single sign-on: the interface of every sign-in method that redirects the browser to an identity provider (OpenID
//! Connect, SAML).
//!
//! A further method adds a folder with an implementation, its configuration section with a line in
//! [`Identity::redirect_methods`](crate::config::Identity::redirect_methods), a variant of [`RedirectMethod`], and
//! texts.

use crate::{Account, Disbelief, Fault, Identifier};
use async_trait::async_trait;
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;
use world::{Timestamp, World};

/// The surface where people sign in and to which they return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    Portal,
    Console,
}

impl Place {
    /// Returns the path of the endpoints for identity providers at this place.
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

/// One redirect to a provider and back.
pub struct Trip<'a> {
    pub place: Place,
    /// The address to which the provider redirects the browser, as it is registered at the provider.
    pub callback: &'a str,
    pub world: &'a World,
    /// Derives a secret from a purpose and the request, so that it does not have to be stored: 43 characters of
    /// base64url.
    pub derive: &'a (dyn Fn(&str, &str) -> String + Sync),
}

/// The redirect that begins a sign-in.
pub struct Begun {
    /// Address at the provider.
    pub to: Url,
    /// A secret that names the request. Only its hash is stored.
    pub request: String,
}

/// The query with which the browser returns from a provider.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub struct Back {
    /// Value of the request that the provider repeats. As received, as are all these fields: not checked.
    pub state: Option<String>,
    /// Authorization code (RFC 6749 §4.1.2).
    pub code: Option<String>,
    /// `iss` of RFC 9207.
    pub iss: Option<String>,
    /// Error code (RFC 6749 §4.1.2.1), such as `access_denied`.
    pub error: Option<String>,
    pub error_description: Option<String>,
}

/// A valid posted answer. The caller still checks that it was requested and is not a repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostedAnswer {
    /// The request that it answers. `None` only if unsolicited answers are allowed.
    pub in_response_to: Option<String>,
    /// Id of the answer. The caller accepts each pair of issuer and id once.
    pub answer_id: String,
    /// Entity ID of the provider.
    pub issuer: String,
    pub account: Account,
}

/// A posted answer that is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostRefused {
    pub disbelief: Disbelief,
    /// The request that it claims to answer, if it names one.
    pub in_response_to: Option<String>,
}

/// A loaded provider. Its answers arrive in the query with which the browser returns, or as a form that the provider's
/// site posts.
#[async_trait]
pub trait RedirectSignIn: Send + Sync {
    /// Begins a sign-in.
    ///
    /// # Errors
    /// Returns `ProviderUnavailable` if the provider cannot be reached or its metadata has expired.
    async fn begin(&self, trip: &Trip<'_>) -> Result<Begun, Disbelief>;

    /// Returns the name of the form field in which the provider's site posts an answer. The browser sends no cookie of
    /// this server with it. `None` if answers are not posted.
    fn post_field(&self) -> Option<&'static str> {
        None
    }

    /// Returns the account that the browser's query proves for the request `state`. The caller checks that this browser
    /// began the request.
    ///
    /// # Errors
    /// Returns why the answer is rejected.
    async fn read_query(&self, _trip: &Trip<'_>, _state: &str, _back: &Back) -> Result<Account, Disbelief> {
        Err(Disbelief::new(Fault::Unsolicited, "this provider's answers are posted"))
    }

    /// Reads a posted answer: the value of the field [`RedirectSignIn::post_field`]. `None` if this method's answers
    /// are not posted.
    fn read_post(&self, _place: Place, _field: &str, _now: Timestamp) -> Option<Result<PostedAnswer, PostRefused>> {
        None
    }

    /// Returns the address at which a person signs out at the provider and returns to `back`. `None` if the provider
    /// has none.
    async fn sign_out(&self, _back: &str, _now: Timestamp) -> Option<Url> {
        None
    }

    /// Returns the metadata document about this server for the provider's administrator, with the addresses of
    /// `places`. `None` if the method has no such document.
    fn metadata(&self, _places: &[Place]) -> Option<String> {
        None
    }
}

/// The configuration of one provider.
pub trait RedirectConfig: Send + Sync {
    /// Returns the name of the provider in settings and addresses.
    fn name(&self) -> &str;
    /// Returns the text on the button.
    fn title(&self) -> &str;
    fn method(&self) -> RedirectMethod;
    /// Returns whether the provider can state this identifier: whether its claim or attribute is configured.
    fn has(&self, identifier: Identifier) -> bool;
    /// Returns the files that the configuration names.
    fn files(&self) -> Vec<PathBuf>;

    /// Reads the files. This does not connect to the provider.
    ///
    /// # Errors
    /// Returns a message that names the wrong key or file.
    fn load(&self, public_url: &str) -> Result<Arc<dyn RedirectSignIn>, String>;
}
