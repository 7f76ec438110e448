//! Connections to the servers of a directory: one shared connection for searches, and a separate one for each
//! password.

use super::denial::denial;
use super::search::{self, Query, Rows};
use super::trouble::{INVALID_CREDENTIALS, SUCCESS, Trouble};
use crate::Denial;
use crate::config::Directory;
use findings::files::unreadable_secret;
use ldap3::{Ldap as Handle, LdapConnAsync, LdapConnSettings, LdapResult};
use native_tls::{Certificate, Protocol, TlsConnector};
use secrecy::{ExposeSecret, SecretString};
use std::path::Path;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;
use url::Url;
use world::regular_file;

/// Number of passwords that are verified at the same time. Others wait.
const PASSWORDS_AT_A_TIME: usize = 16;
/// Pause after no server answered in time. Without it, each query would wait for its own time-out, and queries in
/// sequence would wait for several.
const PAUSE_WHEN_MUTE: Duration = Duration::from_secs(5);
/// Time limit for the unbind request.
const FAREWELL: Duration = Duration::from_secs(1);

pub(crate) struct Servers {
    urls: Vec<Url>,
    connector: TlsConnector,
    connect_timeout: Duration,
    timeout: Duration,
    searcher: (String, SecretString),
    /// Pause after the directory rejected `bind_dn`. Further attempts could lock that account.
    pause_when_denied: Duration,
    /// Index of the server that answered last. It is asked first, so a server that does not answer costs its time-out
    /// only once.
    preferred: AtomicUsize,
    kept: Mutex<Kept>,
    failures: AtomicU64,
    /// When the servers were found not to answer, and the error.
    mute: std::sync::Mutex<Option<(Instant, Trouble)>>,
    passwords: Semaphore,
}

/// The shared connection, bound as `bind_dn`.
#[derive(Default)]
struct Kept {
    handle: Option<Handle>,
    /// Number of connections opened so far. It identifies the current one.
    number: u64,
    failed: Option<Trouble>,
    denied: Option<Instant>,
}

struct Searcher {
    number: u64,
    handle: Handle,
    /// Whether the connection was opened for this search.
    fresh: bool,
}

/// Result of a bind.
pub(crate) enum Bound {
    Proven,
    Denied(Denial),
}

/// The directory neither accepted nor rejected the bind.
pub(crate) struct Unproven {
    pub trouble: Trouble,
    /// Whether the directory may have received the password and may count it as wrong.
    pub sent: bool,
}

impl Servers {
    pub(crate) fn load(config: &Directory) -> Result<Servers, String> {
        let urls = config.servers.iter().map(|server| Directory::server(server)).collect::<Result<Vec<_>, _>>()?;
        if urls.is_empty() {
            return Err("servers is empty: name at least one server".into());
        }
        let password = password(&config.bind_password)?;
        Ok(Servers {
            urls,
            connector: connector(config.root.as_deref())?,
            connect_timeout: Duration::from_secs(config.connect_timeout_seconds),
            timeout: Duration::from_secs(config.timeout_seconds),
            searcher: (config.bind_dn.clone(), password),
            pause_when_denied: Duration::from_secs(u64::from(config.lockout_minutes) * 60),
            preferred: AtomicUsize::new(0),
            kept: Mutex::default(),
            failures: AtomicU64::new(0),
            mute: std::sync::Mutex::default(),
            passwords: Semaphore::new(PASSWORDS_AT_A_TIME),
        })
    }

    pub(crate) fn urls(&self) -> &[Url] {
        &self.urls
    }

    /// Searches as `bind_dn`. If the connection was lost, connects again once.
    pub(crate) async fn search(&self, query: &Query) -> Result<Rows, Trouble> {
        let mut searcher = self.searcher(None).await?;
        match self.search_on(&mut searcher, query).await {
            Err(trouble) if trouble.lost && !searcher.fresh => {
                let mut another = self.searcher(Some(searcher.number)).await?;
                self.search_on(&mut another, query).await
            }
            outcome => outcome,
        }
    }

    async fn search_on(&self, searcher: &mut Searcher, query: &Query) -> Result<Rows, Trouble> {
        let outcome = search::search(&mut searcher.handle, query, self.timeout).await;
        if let Err(trouble) = &outcome
            && trouble.lost
        {
            self.forget(searcher).await;
            if searcher.fresh {
                self.note(trouble);
            }
        }
        outcome
    }

    // The pause begins here, after the time-out.
    fn note(&self, trouble: &Trouble) {
        if trouble.mute {
            *self.mute.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), trouble.clone()));
        }
    }

    fn still_mute(&self) -> Option<Trouble> {
        let mute = self.mute.lock().unwrap_or_else(PoisonError::into_inner);
        mute.as_ref().filter(|(since, _)| since.elapsed() < PAUSE_WHEN_MUTE).map(|(_, trouble)| trouble.clone())
    }

    /// Verifies a password on a separate connection, because a bind changes the identity of its connection.
    pub(crate) async fn bind(&self, dn: &str, password: &SecretString) -> Result<Bound, Unproven> {
        let unsent = |trouble| Unproven { trouble, sent: false };
        // The semaphore is never closed.
        let _turn = self.passwords.acquire().await;
        let mut handle = self.open().await.map_err(unsent)?;
        let result = self.simple_bind(&mut handle, dn, password).await;
        farewell(handle).await;
        let result = result.map_err(|trouble| Unproven { trouble, sent: true })?;
        match result.rc {
            SUCCESS => Ok(Bound::Proven),
            INVALID_CREDENTIALS => Ok(Bound::Denied(denial(&result.text))),
            _ => Err(Unproven { trouble: Trouble::of_result(&result), sent: true }),
        }
    }

    // One task opens the connection. Tasks that wait meanwhile share its result.
    async fn searcher(&self, lost: Option<u64>) -> Result<Searcher, Trouble> {
        let failures = self.failures.load(Ordering::SeqCst);
        let mut kept = self.kept.lock().await;
        let number = kept.number;
        if let Some(handle) = &mut kept.handle
            && lost != Some(number)
            && !handle.is_closed()
        {
            return Ok(Searcher { number, handle: handle.clone(), fresh: false });
        }
        if self.failures.load(Ordering::SeqCst) != failures
            && let Some(trouble) = &kept.failed
        {
            return Err(trouble.clone());
        }
        if let Some(trouble) = self.still_mute() {
            return Err(trouble);
        }
        if kept.denied.is_some_and(|denied| denied.elapsed() < self.pause_when_denied) {
            return Err(self.paused());
        }
        match self.open_for_searcher().await {
            Ok(handle) => {
                *kept = Kept { handle: Some(handle.clone()), number: number + 1, failed: None, denied: None };
                Ok(Searcher { number: number + 1, handle, fresh: true })
            }
            Err(trouble) => {
                self.note(&trouble);
                kept.handle = None;
                kept.denied = (trouble.code == Some(INVALID_CREDENTIALS)).then(Instant::now);
                kept.failed = Some(trouble.clone());
                self.failures.fetch_add(1, Ordering::SeqCst);
                Err(trouble)
            }
        }
    }

    fn paused(&self) -> Trouble {
        Trouble::new(
            format!(
                "the directory rejected bind_dn and bind_password; Muster does not try them again for {} min, so that the \
                 account of bind_dn is not locked",
                self.pause_when_denied.as_secs() / 60
            ),
            "correct them and restart the server; `muster check-config --live` tries them immediately",
        )
    }

    // A server that loses a new connection is not asked first again.
    async fn forget(&self, searcher: &Searcher) {
        let mut kept = self.kept.lock().await;
        if kept.number == searcher.number {
            kept.handle = None;
            if searcher.fresh {
                self.preferred.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    async fn open_for_searcher(&self) -> Result<Handle, Trouble> {
        let mut troubles = Vec::new();
        for (nth, url) in self.in_order() {
            match self.connect_as_searcher(url).await {
                Ok(handle) => {
                    self.preferred.store(nth, Ordering::SeqCst);
                    return Ok(handle);
                }
                // The other servers would answer the same, and the directory counts each attempt.
                Err(trouble) if trouble.code == Some(INVALID_CREDENTIALS) => return Err(trouble),
                Err(trouble) => troubles.push((url.to_string(), trouble)),
            }
        }
        Err(Trouble::of_all(troubles))
    }

    async fn open(&self) -> Result<Handle, Trouble> {
        if let Some(trouble) = self.still_mute() {
            return Err(trouble);
        }
        let mut troubles = Vec::new();
        for (nth, url) in self.in_order() {
            match self.connect(url).await {
                Ok(handle) => {
                    self.preferred.store(nth, Ordering::SeqCst);
                    return Ok(handle);
                }
                Err(trouble) => troubles.push((url.to_string(), trouble)),
            }
        }
        let trouble = Trouble::of_all(troubles);
        self.note(&trouble);
        Err(trouble)
    }

    fn in_order(&self) -> impl Iterator<Item = (usize, &Url)> {
        let first = self.preferred.load(Ordering::SeqCst) % self.urls.len();
        let (before, after) = (self.urls.iter().enumerate().take(first), self.urls.iter().enumerate().skip(first));
        after.chain(before)
    }

    /// Opens a connection that is bound as `bind_dn`.
    pub(crate) async fn connect_as_searcher(&self, url: &Url) -> Result<Handle, Trouble> {
        let mut handle = self.connect(url).await?;
        let (dn, password) = &self.searcher;
        let result = self.simple_bind(&mut handle, dn, password).await?;
        if result.rc == SUCCESS { Ok(handle) } else { Err(Trouble::of_result(&result)) }
    }

    /// Opens a connection over TLS without a bind.
    pub(crate) async fn connect(&self, url: &Url) -> Result<Handle, Trouble> {
        let settings = LdapConnSettings::new()
            .set_conn_timeout(self.connect_timeout)
            // Has no effect with ldaps.
            .set_starttls(true)
            .set_connector(self.connector.clone());
        let opened = LdapConnAsync::from_url_with_settings(settings, url).await;
        let (connection, handle) = opened.map_err(|error| Trouble::of_error(error, self.connect_timeout))?;
        // Pending operations fail when the connection ends. The text of the ldap3 error is dropped because it may
        // contain the query.
        tokio::spawn(async move { drop(connection.drive().await) });
        Ok(handle)
    }

    async fn simple_bind(&self, handle: &mut Handle, dn: &str, password: &SecretString) -> Result<LdapResult, Trouble> {
        let bound = handle.with_timeout(self.timeout).simple_bind(dn, password.expose_secret()).await;
        bound.map_err(|error| Trouble::of_error(error, self.timeout))
    }

    pub(crate) async fn search_once(&self, handle: &mut Handle, query: &Query) -> Result<Rows, Trouble> {
        search::search(handle, query, self.timeout).await
    }
}

async fn farewell(mut handle: Handle) {
    // The connection ends with its handle in any case.
    let _ = handle.with_timeout(FAREWELL).unbind().await;
}

fn password(path: &Path) -> Result<SecretString, String> {
    let unreadable = |error| format!("bind_password: {}", unreadable_secret(path, &error));
    let text = regular_file::read_to_string(path).map_err(unreadable)?;
    let line = text.lines().next().unwrap_or_default();
    // A bind without a password would be anonymous and would succeed.
    if line.is_empty() {
        return Err(format!("the first line of {} is empty: it must be the password of bind_dn", path.display()));
    }
    Ok(SecretString::from(line))
}

// If `root` is configured, the directory's certificate must come from that CA. Public CAs are then not trusted.
fn connector(root: Option<&Path>) -> Result<TlsConnector, String> {
    let mut builder = TlsConnector::builder();
    builder.min_protocol_version(Some(Protocol::Tlsv12));
    if let Some(path) = root {
        let pem = regular_file::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let certificates = Certificate::stack_from_pem(&pem).unwrap_or_default();
        if certificates.is_empty() {
            return Err(format!("{} contains no PEM certificate", path.display()));
        }
        builder.disable_built_in_roots(true);
        for certificate in certificates {
            builder.add_root_certificate(certificate);
        }
    }
    builder.build().map_err(|error| format!("cannot prepare TLS: {error}"))
}
