//! Wakes devices with APNs over HTTP/2, using the MDM push certificate. This crate knows nothing of events or
//! enrollments.
//!
//! MDM supports only certificates, not tokens. The body is exactly `{"mdm":"<PushMagic>"}`; with an additional `aps`
//! key the device ignores the notification (Apple, "Sending push notifications to devices").

pub(crate) mod back_off;
mod farewell;
mod gate;
mod outcome;
mod section;

pub use gate::Condition;
pub use outcome::{Fault, PushOutcome, Trouble};
pub use section::{Push, is_service_of_apple};

use back_off::Next;
use farewell::Farewell;
use gate::{Gate, Pass};
use openssl::pkey::PKey;
use reqwest::{Certificate, Client, Identity, Response, StatusCode};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use world::World;
use world::regular_file;

/// A push notification that wakes one device.
#[derive(Clone, Copy)]
pub struct Notification<'a> {
    /// The device's token, as `TokenUpdate` reported it.
    pub token: &'a [u8],
    /// `PushMagic`, as `TokenUpdate` reported it.
    pub push_magic: &'a str,
    /// The topic that the device enrolled with, which is the `UID` of the certificate.
    pub topic: &'a str,
    /// Time until which APNs keeps the notification for a device that is off, in seconds since 1970.
    pub expires_unix: i64,
}

/// Seconds for which APNs may keep a notification. It keeps only the last one, so a long time costs nothing.
pub const KEEP_SECONDS: i64 = 7 * 24 * 3600;

/// The push service, and the credentials for it.
#[derive(Clone)]
pub struct Options<'a> {
    /// `https://api.push.apple.com`, or a private push server.
    pub base_url: &'a str,
    /// PEM, followed by its intermediates.
    pub certificate: &'a [u8],
    /// PEM.
    pub key: &'a [u8],
    /// CA of the push server in PEM, if it is not publicly trusted.
    pub root: Option<&'a [u8]>,
}

#[derive(Debug, thiserror::Error)]
pub enum PushError {
    #[error("cannot read {path}: {source}; check [push] in the configuration and the file's permissions", path = .path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("[push] names a certificate but no key: both are needed")]
    NoKey,
    #[error("the push key is not a PEM private key: {0}")]
    Key(openssl::error::ErrorStack),
    #[error("the push certificate, its key or the push server's root cannot be used: {0}")]
    Tls(reqwest::Error),
    #[error("the push certificate, its key or the push server's root cannot be used: {0}")]
    Farewell(native_tls::Error),
    #[error("push base URL {0:?} is not an https URL without path")]
    BaseUrl(String),
}

/// Number of connections over which notifications are distributed as streams. It is small, as Apple asks, but more
/// than one, so that tries can continue if one connection hangs.
const CONNECTIONS: usize = 2;

/// Connections to the push service, kept open and shared.
#[derive(Clone)]
pub struct Pusher {
    inner: Arc<Inner>,
}

struct Inner {
    clients: [Client; CONNECTIONS],
    turn: AtomicUsize,
    base_url: String,
    gate: Gate,
    farewell: Farewell,
}

impl Pusher {
    /// Loads the files that the configuration names. Returns `None` if it names no certificate.
    ///
    /// # Errors
    /// Returns an error that says which file or setting cannot be used.
    pub fn load(push: &Push) -> Result<Option<Pusher>, PushError> {
        let Some(certificate) = &push.certificate else { return Ok(None) };
        let certificate = read(certificate)?;
        let key = read(push.key.as_ref().ok_or(PushError::NoKey)?)?;
        let root = push.root.as_deref().map(read).transpose()?;
        let options = Options { base_url: &push.base_url, certificate: &certificate, key: &key, root: root.as_deref() };
        Pusher::new(&options).map(Some)
    }

    /// Creates a pusher.
    ///
    /// # Errors
    ///
    /// Returns an error that says which option cannot be used.
    pub fn new(options: &Options<'_>) -> Result<Pusher, PushError> {
        let base_url = options.base_url.trim_end_matches('/');
        let url = url::Url::parse(base_url).ok().filter(|url| url.scheme() == "https" && url.path() == "/");
        let url = url.ok_or_else(|| PushError::BaseUrl(options.base_url.into()))?;
        // `Identity` accepts only PKCS #8, but keys have other PEM forms as well. A key with a passphrase is an
        // error; without the callback, OpenSSL would ask at the terminal.
        let key = PKey::private_key_from_pem_callback(options.key, |_| Ok(0)).map_err(PushError::Key)?;
        let key = key.private_key_to_pem_pkcs8().map_err(PushError::Key)?;
        let identity = Identity::from_pkcs8_pem(options.certificate, &key).map_err(PushError::Tls)?;
        let root = options.root.map(Certificate::from_pem).transpose().map_err(PushError::Tls)?;
        let client = || {
            let mut client = Client::builder()
                .identity(identity.clone())
                .https_only(true)
                // APNs supports only HTTP/2. With prior knowledge the client opens one connection, not one for each
                // stream.
                .http2_prior_knowledge()
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(Duration::from_secs(10))
                .timeout(Duration::from_secs(20))
                .pool_idle_timeout(Duration::from_secs(3600))
                .http2_keep_alive_interval(Duration::from_secs(60))
                .http2_keep_alive_timeout(Duration::from_secs(15))
                .http2_keep_alive_while_idle(true);
            if let Some(root) = &root {
                client = client.add_root_certificate(root.clone());
            }
            client.build().map_err(PushError::Tls)
        };
        let clients = [client()?, client()?];
        let farewell = Farewell::new(&url, options, &key)?;
        let (turn, gate) = (AtomicUsize::new(0), Gate::default());
        let inner = Inner { clients, turn, base_url: base_url.into(), gate, farewell };
        Ok(Pusher { inner: Arc::new(inner) })
    }

    /// Returns the state of the push service.
    pub fn condition(&self) -> Condition {
        self.inner.gate.condition()
    }

    /// Wakes a device with as many tries as `back_off` allows and passes each result to `tried`. Waits while the
    /// push service is in trouble, for any length of time. Never fails: errors are part of the outcome, which is that
    /// of the last try.
    pub async fn deliver(
        &self,
        notification: Notification<'_>,
        world: &World,
        tried: impl Fn(&PushOutcome),
    ) -> PushOutcome {
        let gate = &self.inner.gate;
        let _unsettled = gate.begin();
        let mut tries = Tries::default();
        loop {
            let pass = gate.enter().await;
            let outcome = self.wake(notification).await;
            tried(&outcome);
            let tries = tries.count(&outcome, gate.times_well());
            let chance = world.chance();
            hand_back(pass, &outcome, chance);
            match back_off::next(tries, &outcome, chance) {
                Next::Settled | Next::Leave => return outcome,
                // Trouble of all notifications is waited for at the gate.
                Next::Again { trouble: Trouble::Service | Trouble::Certificate, .. } => {}
                Next::Again { trouble: Trouble::Device, after } => tokio::time::sleep(after).await,
            }
        }
    }

    /// Sends one notification to the push service. Never fails: errors are part of the outcome.
    pub async fn wake(&self, notification: Notification<'_>) -> PushOutcome {
        let Inner { clients, turn, base_url, farewell, .. } = &*self.inner;
        let url = format!("{base_url}/3/device/{}", hex::encode(notification.token));
        let body = serde_json::json!({ "mdm": notification.push_magic }).to_string();
        let request = clients[turn.fetch_add(1, Ordering::Relaxed) % CONNECTIONS]
            .post(url)
            .header("apns-topic", notification.topic)
            .header("apns-push-type", "mdm")
            .header("apns-expiration", notification.expires_unix)
            .header("content-type", "application/json")
            .body(body);
        match request.send().await {
            Ok(answer) => read_answer(answer).await,
            Err(error) => {
                let was_closed = !error.is_timeout() && !error.is_connect();
                // Without the URL, because it contains the token.
                let mut causes = causes(&error.without_url());
                if was_closed && !outcome::is_told(&causes) {
                    causes.extend(farewell.heard().await);
                }
                PushOutcome::broken(&causes)
            }
        }
    }
}

/// Counts the tries of one notification. A failure of the whole service does not count, because some notification has
/// to find out when the trouble is over. A notification that fails repeatedly while others get through is given up.
#[derive(Default)]
struct Tries {
    counted: u32,
    /// Number of successes when a try last failed for trouble of all notifications.
    well_then: Option<u64>,
}

impl Tries {
    /// Counts a try and returns the number of counted tries. `times_well` is the number of successes of all
    /// notifications.
    fn count(&mut self, outcome: &PushOutcome, times_well: u64) -> u32 {
        let for_all =
            matches!(outcome, PushOutcome::RetryLater { trouble: Trouble::Service | Trouble::Certificate, .. });
        let counts = !for_all || self.well_then.replace(times_well) != Some(times_well);
        self.counted += u32::from(counts);
        self.counted
    }
}

fn hand_back(pass: Pass<'_>, outcome: &PushOutcome, chance: f64) {
    match outcome {
        PushOutcome::RetryLater {
            trouble: trouble @ (Trouble::Service | Trouble::Certificate),
            reason,
            after_seconds,
            ..
        } => {
            pass.failed(*trouble, reason, *after_seconds, chance);
        }
        _ => pass.went_well(),
    }
}

async fn read_answer(answer: Response) -> PushOutcome {
    let status = answer.status();
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    if status == StatusCode::OK {
        return PushOutcome::Accepted { apns_id: header("apns-id") };
    }
    let after_seconds = header("retry-after").and_then(|after| outcome::retry_after(&after, header("date").as_deref()));
    let body = answer.bytes().await.unwrap_or_default();
    PushOutcome::refused(status.as_u16(), &body, after_seconds)
}

/// Returns the texts of an error and its causes, the outermost first.
fn causes(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect()
}

fn read(path: impl AsRef<Path>) -> Result<Vec<u8>, PushError> {
    let path = path.as_ref();
    regular_file::read(path).map_err(|source| PushError::File { path: path.into(), source })
}

#[cfg(test)]
mod tests;
