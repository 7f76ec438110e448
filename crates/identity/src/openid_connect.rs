//! Sign-in by OpenID Connect: the authorization code flow with PKCE, and the verification of its response.
//!
//! A provider's metadata is fetched when it is needed, not at the start, so a provider that is down does not stop the
//! server. The configuration decides what is accepted, never the provider's own metadata.

mod account;
mod exchange;
mod http;
mod jws;
mod known;
mod metadata;
mod probe;
mod redirect;
mod token;

pub use probe::Wrong;

use crate::config::OpenIdConnect;
use crate::{Account, Disbelief, Fault};
use account::Mapping;
use http::Http;
use known::{Cache, Known};
use openidconnect::core::CoreJwsSigningAlgorithm;
use openidconnect::{ClientSecret, PkceCodeChallenge, PkceCodeVerifier};
use url::Url;
use world::Timestamp;
use world::regular_file;

/// Allowed difference between clocks, in seconds.
const LEEWAY_SECONDS: i64 = 60;

/// A configured identity provider.
pub struct Provider {
    config: OpenIdConnect,
    client_secret: ClientSecret,
    algorithms: Vec<CoreJwsSigningAlgorithm>,
    mapping: Mapping,
    http: Http,
    known: Cache,
}

/// The values that tie a response to its request. They are secrets of the server. The provider and the browser also
/// know them, except the verifier.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// `state` (RFC 6749 §4.1.1): repeated in the response.
    pub state: &'a str,
    /// `nonce` (OpenID Connect Core §3.1.2.1): repeated in the ID token.
    pub nonce: &'a str,
    /// PKCE (RFC 7636): 43 to 128 characters of `[A-Za-z0-9-._~]`.
    pub verifier: &'a str,
    /// Address that the browser returns to. It must be the same in both requests.
    pub redirect_uri: &'a str,
}

/// Query parameters of the authorization response, as the browser delivers them.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Authorization code (RFC 6749 §4.1.2). As received: not checked.
    pub code: Option<String>,
    /// `iss` of RFC 9207.
    pub issuer: Option<String>,
    /// Error code (RFC 6749 §4.1.2.1), such as `access_denied`. As received: not checked.
    pub error: Option<String>,
    /// Text for people. As received: shorten it before it is logged.
    pub error_description: Option<String>,
}

impl Provider {
    /// Loads the configuration and its files. Does not connect to the provider.
    ///
    /// # Errors
    /// Returns an error that names the key or file that is wrong.
    pub fn load(config: &OpenIdConnect) -> Result<Provider, String> {
        let about = |key: &str| format!("identity.openid_connect {:?}, {key}", config.name);
        if !Url::parse(&config.issuer).is_ok_and(|issuer| config.may_be_asked(&issuer)) {
            return Err(format!("{}: {:?} is not an https address", about("issuer"), config.issuer));
        }
        let path = &config.client_secret;
        let secret = regular_file::read_to_string(path)
            .map_err(|error| format!("{}: cannot read {}: {error}", about("client_secret"), path.display()))?;
        let secret = secret.lines().next().unwrap_or_default().trim();
        if secret.is_empty() {
            return Err(format!("{}: the first line of {} is empty", about("client_secret"), path.display()));
        }
        let root = match &config.root {
            None => None,
            Some(path) => Some(
                regular_file::read(path)
                    .map_err(|error| format!("{}: cannot read {}: {error}", about("root"), path.display()))?,
            ),
        };
        let algorithms = config.algorithms.iter().map(|name| jws::algorithm(name)).collect::<Result<_, _>>();
        Ok(Provider {
            client_secret: ClientSecret::new(secret.to_owned()),
            algorithms: algorithms.map_err(|why| format!("{}: {why}", about("algorithms")))?,
            mapping: Mapping::of(config),
            http: Http::new(config, root.as_deref()).map_err(|why| format!("{}: {why}", about("root")))?,
            known: Cache::default(),
            config: config.clone(),
        })
    }

    /// Returns the address to send the browser to.
    ///
    /// # Errors
    /// Returns an error if the provider's metadata cannot be fetched.
    pub async fn begin(&self, request: Request<'_>, now: Timestamp) -> Result<Url, Disbelief> {
        let known = self.known.get(self, now).await?;
        let scopes: Vec<&str> = ["openid"].into_iter().chain(self.config.scopes.iter().map(String::as_str)).collect();
        let challenge =
            PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(request.verifier.to_owned()));
        let mut url = known.metadata.authorization_endpoint.clone();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", request.redirect_uri)
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", request.state)
            .append_pair("nonce", request.nonce)
            .append_pair("code_challenge", challenge.as_str())
            .append_pair("code_challenge_method", "S256");
        if let Some(seconds) = self.config.max_age_seconds {
            query.append_pair("max_age", &seconds.to_string());
        }
        if let Some(acr) = &self.config.acr {
            query.append_pair("acr_values", acr);
        }
        drop(query);
        Ok(url)
    }

    /// Exchanges the code, verifies the tokens and returns the account. The caller must have checked that the
    /// response belongs to the request and to the browser that started it.
    ///
    /// # Errors
    /// Returns why the response is rejected.
    pub async fn finish(&self, request: Request<'_>, answer: &Answer, now: Timestamp) -> Result<Account, Disbelief> {
        let known = self.known.get(self, now).await?;
        self.check_sender(&known, answer)?;
        if let Some(error) = &answer.error {
            let said = exchange::said(error, answer.error_description.as_deref());
            return Err(Disbelief::new(Fault::ProviderRefused, format!("the provider returned the error {said}")));
        }
        let missing = || Disbelief::new(Fault::NotUnderstood, "the answer contains neither a code nor an error");
        let code = answer.code.as_deref().ok_or_else(missing)?;
        let tokens = exchange::exchange(self, &known.metadata, request, code).await?;
        let claims = token::verify(self, known, &tokens, request.nonce, now).await?;
        account::of(self, claims, &tokens, now).await
    }

    /// Returns the address that signs the person out at the provider and then redirects to `back`. Returns `None` if
    /// the provider has no such address or the configuration does not want it. The request does not name the person: an
    /// ID token in an address would reveal the person to everyone who reads the address, and Muster would have to keep
    /// a token only for this purpose.
    pub async fn sign_out(&self, back: &str, now: Timestamp) -> Option<Url> {
        if !self.config.sign_out_at_provider {
            return None;
        }
        // A provider that does not answer cannot sign the person out either.
        let known = self.known.get(self, now).await.ok()?;
        let mut url = known.metadata.end_session_endpoint.clone()?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.config.client_id)
            .append_pair("post_logout_redirect_uri", back);
        Some(url)
    }

    /// Checks what the provider reveals without a person, for `muster check-config --live`. `redirect_uri` is one of
    /// the addresses that are registered at the provider.
    ///
    /// # Errors
    /// Returns an error if the provider returns no metadata or no keys.
    pub async fn probe(&self, redirect_uri: &str, now: Timestamp) -> Result<Vec<Result<String, Wrong>>, Disbelief> {
        probe::probe(self, redirect_uri, now).await
    }

    // Rejects an answer of another provider (RFC 9207 §2.4).
    fn check_sender(&self, known: &Known, answer: &Answer) -> Result<(), Disbelief> {
        let promised = known.metadata.answers_name_issuer;
        match &answer.issuer {
            Some(issuer) if *issuer == self.config.issuer => Ok(()),
            None if !promised => Ok(()),
            other => {
                let who = other.as_deref().map_or("missing".into(), |issuer| format!("{:?}", short(issuer)));
                let why = format!("the answer was expected from {:?} but its iss is {who}", self.config.issuer);
                Err(Disbelief::new(Fault::WrongIssuer, why))
            }
        }
    }
}

/// Shortens a text from outside for the log and removes control characters.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
