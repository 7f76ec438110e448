//! Cache of a provider's metadata and keys. They are fetched when needed and kept for an hour.

use super::Provider;
use super::metadata::Metadata;
use crate::{Disbelief, Fault};
use openidconnect::JsonWebKeySet;
use openidconnect::core::CoreJsonWebKey;
use openidconnect::http::{Method, Request, header::ACCEPT};
use std::sync::{Arc, Mutex, PoisonError};
use world::Timestamp;

/// Age at which metadata and keys are fetched again, so that a key that the provider withdrew does not stay trusted.
const FRESH_SECONDS: i64 = 3_600;
/// Age up to which the cached metadata and keys are used while the provider does not answer.
const STALE_SECONDS: i64 = 24 * 3_600;
/// Pause after a provider did not answer. Without it, each waiting request would wait for its own time-out.
const SILENCE_SECONDS: i64 = 5;
/// Number of refreshes within `REFRESH_SECONDS` that unknown keys may cause. The limit prevents anyone who can send
/// tokens from causing a constant stream of requests. It is more than one because a provider may change its key
/// twice.
const REFRESHES: usize = 4;
const REFRESH_SECONDS: i64 = 60;

/// Metadata and keys at one point in time.
pub(crate) struct Known {
    pub metadata: Metadata,
    pub keys: Vec<CoreJsonWebKey>,
    at: Timestamp,
}

#[derive(Default)]
pub(crate) struct Cache {
    state: Mutex<State>,
    /// One task asks the provider; the others wait for its result.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    known: Option<Arc<Known>>,
    failed: Option<(Timestamp, Disbelief)>,
    /// Times of refreshes caused by unknown keys, within the last `REFRESH_SECONDS`.
    refreshed: Vec<Timestamp>,
}

impl Cache {
    /// Returns the metadata and keys of the provider.
    pub(crate) async fn get(&self, provider: &Provider, now: Timestamp) -> Result<Arc<Known>, Disbelief> {
        if let Some(answer) = self.state().without_asking(now) {
            return answer;
        }
        let _turn = self.asking.lock().await;
        if let Some(answer) = self.state().without_asking(now) {
            return answer;
        }
        self.ask(provider, now).await
    }

    /// Returns something newer than `seen`, because `seen` lacks a key. Returns `None` if no refresh is allowed yet.
    pub(crate) async fn newer(&self, provider: &Provider, seen: &Arc<Known>, now: Timestamp) -> Option<Arc<Known>> {
        let _turn = self.asking.lock().await;
        {
            let mut state = self.state();
            if let Some(known) = state.known.as_ref().filter(|known| !Arc::ptr_eq(known, seen)) {
                return Some(Arc::clone(known));
            }
            state.refreshed.retain(|at| now.seconds_since(*at) < REFRESH_SECONDS);
            if state.refreshed.len() >= REFRESHES {
                return None;
            }
            state.refreshed.push(now);
        }
        tracing::info!(
            provider = provider.config.name,
            "fetching the provider's keys again: a token names an unknown key"
        );
        self.ask(provider, now).await.ok()
    }

    async fn ask(&self, provider: &Provider, now: Timestamp) -> Result<Arc<Known>, Disbelief> {
        let answer = discover(provider).await;
        let mut state = self.state();
        match answer {
            Ok((metadata, keys)) => {
                let known = Arc::new(Known { metadata, keys, at: now });
                state.known = Some(Arc::clone(&known));
                state.failed = None;
                Ok(known)
            }
            Err(why) => {
                tracing::warn!(provider = provider.config.name, %why, "the identity provider cannot be reached");
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

async fn discover(provider: &Provider) -> Result<(Metadata, Vec<CoreJsonWebKey>), Disbelief> {
    let address = format!("{}/.well-known/openid-configuration", provider.config.issuer.trim_end_matches('/'));
    let unfit = |why: String| Disbelief::new(Fault::ProviderUnavailable, format!("{address}: {why}"));
    let document = fetch(provider, &address).await.map_err(unfit)?;
    let metadata = Metadata::parse(&document, provider).map_err(unfit)?;
    let address = metadata.jwks_uri.as_str();
    let unfit = |why: String| Disbelief::new(Fault::ProviderUnavailable, format!("{address}: {why}"));
    let document = fetch(provider, address).await.map_err(unfit)?;
    // Keys of an unknown kind are ignored, and so is the Content-Type of the answer.
    let keys: JsonWebKeySet<CoreJsonWebKey> =
        serde_json::from_slice(&document).map_err(|error| unfit(format!("the key set cannot be parsed: {error}")))?;
    let keys = keys.keys().clone();
    Ok((metadata, keys))
}

async fn fetch(provider: &Provider, address: &str) -> Result<Vec<u8>, String> {
    let request = Request::builder().method(Method::GET).uri(address).header(ACCEPT, "application/json");
    let request = request.body(Vec::new()).map_err(|error| error.to_string())?;
    let answer = provider.http.send(request).await.map_err(|error| error.to_string())?;
    if !answer.status().is_success() {
        return Err(format!("it returned {}", answer.status()));
    }
    Ok(answer.into_body())
}
