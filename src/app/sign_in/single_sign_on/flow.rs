//! The round trip itself, the same for people who enroll and for staff.

use super::Place;
use super::providers::{IdentityProvider, Protocol};
use crate::app::App;
use crate::telemetry::Alarm;
use identity::openid_connect::{Answer, Request};
use identity::{Account, Disbelief, Fault};
use url::Url;

/// A request waits so long for its answer: people look for a password, and for the telephone with the second factor.
pub const REQUEST_SECONDS: i64 = 15 * 60;

/// Where to send the browser, and what has to come back.
pub(super) struct Sent {
    pub to: Url,
    /// A secret: of the visit or session only its hash is kept.
    pub request: String,
}

/// What the browser brings back from a provider that speaks OpenID Connect.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub struct Back {
    pub state: Option<String>,
    pub code: Option<String>,
    pub iss: Option<String>,
    pub error: Option<String>,
    pub error_description: Option<String>,
}

/// Makes a request.
pub(super) async fn send(app: &App, provider: &IdentityProvider, place: Place) -> Result<Sent, Disbelief> {
    match provider.protocol()? {
        Protocol::OpenIdConnect(speaker) => {
            let state = app.world.secret();
            let secrets = Secrets::of(app, provider, place, &state);
            let to = speaker.begin(secrets.request(&state), app.world.now()).await?;
            Ok(Sent { to, request: state })
        }
        Protocol::Saml(saml) => {
            let consumer = match place {
                Place::Portal => saml.portal_consumer(),
                Place::Console => saml.console_consumer(),
            };
            let unavailable = |why: String| Disbelief::new(Fault::ProviderUnavailable, why);
            let begun = saml.begin(&app.world, consumer).map_err(unavailable)?;
            let to = Url::parse(&begun.url).map_err(|error| unavailable(error.to_string()))?;
            Ok(Sent { to, request: begun.request_id })
        }
    }
}

/// Who came back with the answer to the request `state`. That it is this browser's is for the caller to see to.
pub(super) async fn answered(
    app: &App,
    provider: &IdentityProvider,
    place: Place,
    state: &str,
    back: &Back,
) -> Result<Account, Disbelief> {
    match provider.protocol()? {
        Protocol::OpenIdConnect(speaker) => {
            let secrets = Secrets::of(app, provider, place, state);
            let Back { code, iss: issuer, error, error_description, .. } = back.clone();
            let answer = Answer { code, issuer, error, error_description };
            speaker.finish(secrets.request(state), &answer, app.world.now()).await
        }
        Protocol::Saml(_) => Err(unsolicited("this provider's answers are posted")),
    }
}

/// Where somebody who signs out here is led to sign out at the provider that they signed in at as well, and comes back to
/// `back`; `None` if it is none of ours any more, or offers that nowhere.
pub async fn sign_out(app: &App, provider: &str, back: &str) -> Option<Url> {
    match app.identity_providers.find(provider)?.protocol().ok()? {
        Protocol::OpenIdConnect(speaker) => {
            let here = app.config.server.public_url.trim_end_matches('/');
            speaker.sign_out(&format!("{here}{back}"), app.world.now()).await
        }
        Protocol::Saml(_) => None,
    }
}

/// Raises the alarm where it is the provider that cannot be asked, and not an answer that is not believed.
pub(super) fn alarm(app: &App, why: &Disbelief) {
    if why.fault == Fault::ProviderUnavailable {
        app.metrics.alarm(Alarm::ProviderUnavailable);
    }
}

/// An answer that nobody here waits for.
pub(super) fn unsolicited(detail: &str) -> Disbelief {
    Disbelief::new(Fault::Unsolicited, detail)
}

/// The address that the provider sends people back to, as it is registered there.
pub(super) fn address(app: &App, provider: &IdentityProvider, place: Place, leaf: &str) -> String {
    let here = app.config.server.public_url.trim_end_matches('/');
    format!("{here}{}/{}/{leaf}", place.path(), provider.name)
}

// Derived from the state, so that they need not be kept anywhere.
struct Secrets {
    nonce: String,
    verifier: String,
    redirect_uri: String,
}

impl Secrets {
    fn of(app: &App, provider: &IdentityProvider, place: Place, state: &str) -> Secrets {
        Secrets {
            nonce: app.secrets.tag("oidc-nonce", &[state]),
            verifier: app.secrets.tag("oidc-verifier", &[state]),
            redirect_uri: address(app, provider, place, "callback"),
        }
    }

    fn request<'a>(&'a self, state: &'a str) -> Request<'a> {
        Request { state, nonce: &self.nonce, verifier: &self.verifier, redirect_uri: &self.redirect_uri }
    }
}
