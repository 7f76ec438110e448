//! What is known of a provider: its metadata and keys, asked for when they are needed and kept for an hour.

use super::Provider;
use super::metadata::Metadata;
use crate::{Disbelief, Fault};
use openidconnect::JsonWebKeySet;
use openidconnect::core::CoreJsonWebKey;
use openidconnect::http::{Method, Request, header::ACCEPT};
use std::sync::{Arc, Mutex, PoisonError};
use world::Timestamp;

/// Metadata is asked for anew after so long, so that a key the provider withdrew is not believed for ever …
const FRESH_SECONDS: i64 = 3_600;
/// … and while the provider does not answer, what it said is good for so long.
const STALE_SECONDS: i64 = 24 * 3_600;
/// A provider that did not answer is not asked again at once: those who wait would each wait out its silence.
const SILENCE_SECONDS: i64 = 5;
/// Unknown keys make us ask so often within so many seconds, and no more: whoever can send tokens could make us ask all the
/// time. More than once, because a provider may change its key twice.
const REFRESHES: usize = 4;
const REFRESH_SECONDS: i64 = 60;

/// Metadata and keys, as they were at a moment.
pub struct Known {
    pub metadata: Metadata,
    pub keys: Vec<CoreJsonWebKey>,
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
    /// When unknown keys made us ask, within the last `REFRESH_SECONDS`.
    refreshed: Vec<Timestamp>,
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
    pub async fn newer(&self, provider: &Provider, seen: &Arc<Known>, now: Timestamp) -> Option<Arc<Known>> {
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
        tracing::info!(provider = provider.config.name, "the provider's keys are asked for anew: one is unknown");
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

async fn discover(provider: &Provider) -> Result<(Metadata, Vec<CoreJsonWebKey>), Disbelief> {
    let address = format!("{}/.well-known/openid-configuration", provider.config.issuer.trim_end_matches('/'));
    let unfit = |why: String| Disbelief::new(Fault::ProviderUnavailable, format!("{address}: {why}"));
    let document = fetch(provider, &address).await.map_err(unfit)?;
    let metadata = Metadata::parse(&document, provider).map_err(unfit)?;
    let address = metadata.jwks_uri.as_str();
    let unfit = |why: String| Disbelief::new(Fault::ProviderUnavailable, format!("{address}: {why}"));
    let document = fetch(provider, address).await.map_err(unfit)?;
    // Keys of a kind that is not known are passed over, and so is what the answer calls its content.
    let keys: JsonWebKeySet<CoreJsonWebKey> =
        serde_json::from_slice(&document).map_err(|error| unfit(format!("these are no keys: {error}")))?;
    let keys = keys.keys().clone();
    Ok((metadata, keys))
}

async fn fetch(provider: &Provider, address: &str) -> Result<Vec<u8>, String> {
    let request = Request::builder().method(Method::GET).uri(address).header(ACCEPT, "application/json");
    let request = request.body(Vec::new()).map_err(|error| error.to_string())?;
    let answer = provider.http.send(request).await.map_err(|error| error.to_string())?;
    if !answer.status().is_success() {
        return Err(format!("it answers {}", answer.status()));
    }
    Ok(answer.into_body())
}
