//! What is known of a provider: its metadata and keys, asked for when they are needed and kept for an hour.

use super::Provider;
use super::http::HttpError;
use crate::identity::{Disbelief, Fault};
use crate::world::Timestamp;
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType,
};
use openidconnect::http::{Method, Request, header::ACCEPT};
use openidconnect::{AdditionalProviderMetadata, DiscoveryError, JsonWebKeySet, ProviderMetadata};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use url::Url;

/// Metadata is asked for anew after so long, so that a key the provider withdrew is not believed for ever …
const FRESH_SECONDS: i64 = 3_600;
/// … and while the provider does not answer, what it said is good for so long.
const STALE_SECONDS: i64 = 24 * 3_600;
/// A provider that did not answer is not asked again at once: those who wait would each wait out its silence.
const SILENCE_SECONDS: i64 = 5;
/// An unknown key makes us ask no more often than this: whoever can send tokens could make us ask all the time.
const REFRESH_SECONDS: i64 = 60;

pub type Metadata = ProviderMetadata<
    Further,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// What later documents added to the metadata.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub struct Further {
    /// OpenID Connect RP-Initiated Logout 1.0.
    pub end_session_endpoint: Option<Url>,
    /// RFC 9207.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Further {}

pub struct Known {
    pub metadata: Metadata,
    at: Timestamp,
}

#[derive(Default)]
pub struct Cache {
    state: Mutex<State>,
    /// One asks, the others wait for the answer.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    known: Option<Arc<Known>>,
    failed: Option<(Timestamp, Disbelief)>,
    refreshed: Option<Timestamp>,
}

impl Cache {
    /// What the provider says of itself.
    pub async fn get(&self, provider: &Provider, now: Timestamp) -> Result<Arc<Known>, Disbelief> {
        if let Some(answer) = self.state().without_asking(now) {
            return answer;
        }
        let _turn = self.asking.lock().await;
        if let Some(answer) = self.state().without_asking(now) {
            return answer;
        }
        self.ask(provider, now).await
    }

    /// Something newer than `seen`, because a key was not in it; `None` if that may not be asked for yet.
    pub async fn newer(&self, provider: &Provider, seen: &Known, now: Timestamp) -> Option<Arc<Known>> {
        let _turn = self.asking.lock().await;
        {
            let mut state = self.state();
            if let Some(known) = state.known.as_ref().filter(|known| known.at > seen.at) {
                return Some(Arc::clone(known));
            }
            if state.refreshed.is_some_and(|last| now.seconds_since(last) < REFRESH_SECONDS) {
                return None;
            }
            state.refreshed = Some(now);
        }
        tracing::info!(provider = provider.config.name, "the provider's keys are asked for anew: one is unknown");
        self.ask(provider, now).await.ok()
    }

    async fn ask(&self, provider: &Provider, now: Timestamp) -> Result<Arc<Known>, Disbelief> {
        let answer = discover(provider).await;
        let mut state = self.state();
        match answer {
            Ok(metadata) => {
                let known = Arc::new(Known { metadata, at: now });
                state.known = Some(Arc::clone(&known));
                state.failed = None;
                Ok(known)
            }
            Err(why) => {
                tracing::warn!(provider = provider.config.name, %why, "the identity provider cannot be asked");
                state.failed = Some((now, why.clone()));
                state.known.clone().filter(|known| known.age(now) < STALE_SECONDS).ok_or(why)
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn age(&self, now: Timestamp) -> i64 {
        now.seconds_since(self.at)
    }
}

impl State {
    fn without_asking(&self, now: Timestamp) -> Option<Result<Arc<Known>, Disbelief>> {
        if let Some(known) = self.known.as_ref().filter(|known| known.age(now) < FRESH_SECONDS) {
            return Some(Ok(Arc::clone(known)));
        }
        let (_, why) = self.failed.as_ref().filter(|(at, _)| now.seconds_since(*at) < SILENCE_SECONDS)?;
        let stale = self.known.clone().filter(|known| known.age(now) < STALE_SECONDS);
        Some(stale.ok_or_else(|| why.clone()))
    }
}

// Not `ProviderMetadata::discover_async`: what is wrong with an issuer can be said more clearly.
async fn discover(provider: &Provider) -> Result<Metadata, Disbelief> {
    let issuer = &provider.config.issuer;
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let unfit = |why: String| Disbelief::new(Fault::ProviderUnavailable, format!("{address}: {why}"));
    let request = Request::builder().method(Method::GET).uri(&address).header(ACCEPT, "application/json");
    let request = request.body(Vec::new()).map_err(|error| unfit(error.to_string()))?;
    let answer = provider.http.send(request).await.map_err(|error| unfit(error.to_string()))?;
    if !answer.status().is_success() {
        return Err(unfit(format!("it answers {}", answer.status())));
    }
    let metadata: Metadata = serde_json::from_slice(answer.body())
        .map_err(|error| unfit(format!("this is no metadata of OpenID Connect: {error}")))?;
    check_issuer(issuer, metadata.issuer()).map_err(unfit)?;
    check_endpoints(provider, &metadata).map_err(unfit)?;
    let send = |request| provider.http.send(request);
    let keys = JsonWebKeySet::fetch_async(metadata.jwks_uri(), &send).await;
    Ok(metadata.clone().set_jwks(keys.map_err(|error| no_keys(&metadata, &error))?))
}

// Byte for byte (OpenID Connect Discovery §4.3).
fn check_issuer(configured: &str, found: &str) -> Result<(), String> {
    if configured == found {
        return Ok(());
    }
    let advice = if found.contains("{tenantid}") {
        "this address stands for every tenant at once, and none of them could be told from another: configure the issuer \
         of one tenant"
            .to_owned()
    } else if configured.trim_end_matches('/') == found.trim_end_matches('/') {
        format!("write issuer = {found:?}: the slash at the end counts")
    } else {
        format!("write issuer = {found:?} if this is the provider you mean")
    };
    Err(format!("the provider calls itself {found:?}, the configuration calls it {configured:?}; {advice}"))
}

fn check_endpoints(provider: &Provider, metadata: &Metadata) -> Result<(), String> {
    let token = metadata.token_endpoint().ok_or("it names no token_endpoint")?;
    let endpoints = [
        ("authorization_endpoint", Some(metadata.authorization_endpoint().url())),
        ("token_endpoint", Some(token.url())),
        ("jwks_uri", Some(metadata.jwks_uri().url())),
        ("userinfo_endpoint", metadata.userinfo_endpoint().map(|endpoint| endpoint.url())),
        ("end_session_endpoint", metadata.additional_metadata().end_session_endpoint.as_ref()),
    ];
    for (name, address) in endpoints {
        if let Some(address) = address.filter(|address| !provider.config.may_be_asked(address)) {
            return Err(format!("its {name} is {address}, which is no https address"));
        }
    }
    Ok(())
}

fn no_keys(metadata: &Metadata, error: &DiscoveryError<HttpError>) -> Disbelief {
    let why = match error {
        DiscoveryError::Request(error) => error.to_string(),
        DiscoveryError::Parse(error) => format!("these are no keys: {error}"),
        error => error.to_string(),
    };
    Disbelief::new(Fault::ProviderUnavailable, format!("{}: {why}", metadata.jwks_uri().as_str()))
}
