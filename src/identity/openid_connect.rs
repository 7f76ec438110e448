//! Sign-in at another site by OpenID Connect: the code flow with PKCE, and everything that is checked about its answer.
//!
//! A provider is asked for its metadata when it is needed, not at the start: one that is down must not stop the server.
//! What is accepted is pinned by the configuration, never by what the provider says of itself.

mod account;
mod http;
mod known;
mod token;

use crate::config::identity::OpenIdConnect;
use crate::identity::{Account, Disbelief, Fault};
use crate::world::Timestamp;
use account::Mapping;
use http::Http;
use known::{Cache, Known};
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreJwsSigningAlgorithm};
use openidconnect::{
    AuthType, AuthenticationContextClass, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use std::fs;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Clocks may differ by so many seconds.
const LEEWAY_SECONDS: i64 = 60;

/// One identity provider.
pub struct Provider {
    config: OpenIdConnect,
    client_secret: ClientSecret,
    algorithms: Vec<CoreJwsSigningAlgorithm>,
    mapping: Mapping,
    http: Http,
    known: Cache,
}

/// What ties an answer to the request it answers: secrets that only the server and (but for the verifier) the provider
/// and the browser that was sent there know.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub state: &'a str,
    pub nonce: &'a str,
    /// PKCE (RFC 7636): 43 to 128 characters of `[A-Za-z0-9-._~]`.
    pub verifier: &'a str,
    /// Where the browser comes back; the same in both legs.
    pub redirect_uri: &'a str,
}

/// What the browser brings back, as it stands in the query.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub code: Option<String>,
    /// `iss` of RFC 9207.
    pub issuer: Option<String>,
    pub error: Option<String>,
}

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

impl Provider {
    /// From the configuration and the files it names; the provider itself is not asked.
    ///
    /// # Errors
    /// Says which key or file is wrong.
    pub fn load(config: &OpenIdConnect) -> Result<Provider, String> {
        let about = |key: &str| format!("identity.openid_connect {:?}, {key}", config.name);
        let path = &config.client_secret;
        let secret = fs::read_to_string(path)
            .map_err(|error| format!("{}: cannot read {}: {error}", about("client_secret"), path.display()))?;
        let secret = secret.lines().next().unwrap_or_default().trim();
        if secret.is_empty() {
            return Err(format!("{}: the first line of {} is empty", about("client_secret"), path.display()));
        }
        let root = match &config.root {
            None => None,
            Some(path) => Some(
                fs::read(path)
                    .map_err(|error| format!("{}: cannot read {}: {error}", about("root"), path.display()))?,
            ),
        };
        let algorithms = config.algorithms.iter().map(|name| token::algorithm(name)).collect::<Result<_, _>>();
        Ok(Provider {
            client_secret: ClientSecret::new(secret.to_owned()),
            algorithms: algorithms.map_err(|why| format!("{}: {why}", about("algorithms")))?,
            mapping: Mapping::of(config),
            http: Http::new(config, root.as_deref()).map_err(|why| format!("{}: {why}", about("root")))?,
            known: Cache::default(),
            config: config.clone(),
        })
    }

    /// Where to send the browser.
    ///
    /// # Errors
    /// If the provider's metadata cannot be had.
    pub async fn begin(&self, request: Request<'_>, now: Timestamp) -> Result<Url, Disbelief> {
        let known = self.known.get(self, now).await?;
        let (client, state, nonce) =
            (self.client(&known, request)?, request.state.to_owned(), request.nonce.to_owned());
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let mut going = client
            .authorize_url(flow, || CsrfToken::new(state), || Nonce::new(nonce))
            .add_scopes(self.config.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier(request)));
        if let Some(seconds) = self.config.max_age_seconds {
            going = going.set_max_age(Duration::from_secs(seconds));
        }
        if let Some(acr) = &self.config.acr {
            going = going.add_auth_context_value(AuthenticationContextClass::new(acr.clone()));
        }
        let (url, _, _) = going.url();
        Ok(url)
    }

    /// Who came back. The caller has made sure that the answer belongs to the request, and to the browser that was sent.
    ///
    /// # Errors
    /// Why the answer is not believed.
    pub async fn finish(&self, request: Request<'_>, answer: &Answer, now: Timestamp) -> Result<Account, Disbelief> {
        let known = self.known.get(self, now).await?;
        self.check_sender(&known, answer)?;
        if let Some(error) = &answer.error {
            return Err(Disbelief::new(Fault::ProviderRefused, format!("the provider answers {:?}", short(error))));
        }
        let missing = || Disbelief::new(Fault::NotUnderstood, "the answer holds neither a code nor an error");
        let code = AuthorizationCode::new(answer.code.clone().ok_or_else(missing)?);
        let client = self.client(&known, request)?;
        let unfit = |error: openidconnect::ConfigurationError| {
            Disbelief::new(Fault::ProviderUnavailable, format!("the provider names no token endpoint: {error}"))
        };
        let exchange = client.exchange_code(code).map_err(unfit)?.set_pkce_verifier(verifier(request));
        let send = |request| self.http.send(request);
        let tokens = exchange.request_async(&send).await.map_err(token::not_exchanged)?;
        let claims = token::verify(self, known, &tokens, request.nonce, now).await?;
        account::of(self, claims, &tokens, now).await
    }

    /// Where to send a browser so that the person is signed out at the provider as well; `None` where it offers that
    /// nowhere, or the configuration says not to. The person is not named: an ID token in an address would tell
    /// everybody who reads it who they are, and keeping one would be keeping a secret for nothing.
    pub async fn sign_out(&self, back: &str, now: Timestamp) -> Option<Url> {
        if !self.config.sign_out_at_provider {
            return None;
        }
        // A provider that does not answer cannot be signed out at either.
        let known = self.known.get(self, now).await.ok()?;
        let mut url = known.metadata.additional_metadata().end_session_endpoint.clone()?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.config.client_id)
            .append_pair("post_logout_redirect_uri", back);
        Some(url)
    }

    /// Asks the provider for its metadata and keys now, for `muster check-config --live`.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub async fn probe(&self, now: Timestamp) -> Result<String, Disbelief> {
        let known = self.known.get(self, now).await?;
        let keys = known.metadata.jwks().keys().len();
        Ok(format!("{} answers, with {keys} keys", self.config.issuer))
    }

    // Another provider's answer is not taken for this one's (RFC 9207 §2.4).
    fn check_sender(&self, known: &Known, answer: &Answer) -> Result<(), Disbelief> {
        let promised = known.metadata.additional_metadata().authorization_response_iss_parameter_supported;
        match &answer.issuer {
            Some(issuer) if *issuer == self.config.issuer => Ok(()),
            None if !promised => Ok(()),
            other => {
                let who = other.as_deref().map_or("nobody".into(), |issuer| format!("{:?}", short(issuer)));
                let why = format!("the answer was expected from {:?} and says it is from {who}", self.config.issuer);
                Err(Disbelief::new(Fault::WrongIssuer, why))
            }
        }
    }

    fn client(&self, known: &Arc<Known>, request: Request<'_>) -> Result<Client, Disbelief> {
        let redirect = RedirectUrl::new(request.redirect_uri.to_owned())
            .map_err(|error| Disbelief::new(Fault::NotUnderstood, format!("server.public_url: {error}")))?;
        let client_id = ClientId::new(self.config.client_id.clone());
        let client =
            CoreClient::from_provider_metadata(known.metadata.clone(), client_id, Some(self.client_secret.clone()));
        // Basic is the default (OpenID Connect Core §9), and some know the other way only.
        let ways = known.metadata.token_endpoint_auth_methods_supported();
        let posted = ways.is_some_and(|ways| {
            !ways.contains(&CoreClientAuthMethod::ClientSecretBasic)
                && ways.contains(&CoreClientAuthMethod::ClientSecretPost)
        });
        let way = if posted { AuthType::RequestBody } else { AuthType::BasicAuth };
        Ok(client.set_redirect_uri(redirect).set_auth_type(way))
    }
}

fn verifier(request: Request<'_>) -> PkceCodeVerifier {
    PkceCodeVerifier::new(request.verifier.to_owned())
}

/// What a stranger wrote, cut to what a log line bears.
fn short(text: &str) -> String {
    text.chars().take(120).collect()
}
