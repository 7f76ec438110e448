//! Sign-in at another site by OpenID Connect: the code flow with PKCE, and everything that is checked about its answer.
//!
//! A provider is asked for its metadata when it is needed, not at the start: one that is down must not stop the server.
//! What is accepted is pinned by the configuration, never by what the provider says of itself.

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
    pub error_description: Option<String>,
}

impl Provider {
    /// From the configuration and the files it names; the provider itself is not asked.
    ///
    /// # Errors
    /// Says which key or file is wrong.
    pub fn load(config: &OpenIdConnect) -> Result<Provider, String> {
        let about = |key: &str| format!("identity.openid_connect {:?}, {key}", config.name);
        if !Url::parse(&config.issuer).is_ok_and(|issuer| config.may_be_asked(&issuer)) {
            return Err(format!("{}: {:?} is no https address", about("issuer"), config.issuer));
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

    /// Who came back. The caller has made sure that the answer belongs to the request, and to the browser that was sent.
    ///
    /// # Errors
    /// Why the answer is not believed.
    pub async fn finish(&self, request: Request<'_>, answer: &Answer, now: Timestamp) -> Result<Account, Disbelief> {
        let known = self.known.get(self, now).await?;
        self.check_sender(&known, answer)?;
        if let Some(error) = &answer.error {
            let said = exchange::said(error, answer.error_description.as_deref());
            return Err(Disbelief::new(Fault::ProviderRefused, format!("the provider answers {said}")));
        }
        let missing = || Disbelief::new(Fault::NotUnderstood, "the answer holds neither a code nor an error");
        let code = answer.code.as_deref().ok_or_else(missing)?;
        let tokens = exchange::exchange(self, &known.metadata, request, code).await?;
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
        let mut url = known.metadata.end_session_endpoint.clone()?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.config.client_id)
            .append_pair("post_logout_redirect_uri", back);
        Some(url)
    }

    /// Asks the provider what can be asked without a person, for `muster check-config --live`. `redirect_uri`: one of the
    /// addresses that are registered there.
    ///
    /// # Errors
    /// If it tells neither metadata nor keys, and why.
    pub async fn probe(&self, redirect_uri: &str, now: Timestamp) -> Result<Vec<Result<String, Wrong>>, Disbelief> {
        probe::probe(self, redirect_uri, now).await
    }

    // Another provider's answer is not taken for this one's (RFC 9207 §2.4).
    fn check_sender(&self, known: &Known, answer: &Answer) -> Result<(), Disbelief> {
        let promised = known.metadata.answers_name_issuer;
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
}

/// What a stranger wrote, cut to what a log line bears.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
