//! Opens what an installation consists of and puts it together; refuses keys that are not those of the log.

use crate::app::connections::Connections;
use crate::app::health::Health;
use crate::app::lost_keys;
use crate::app::secrets::Secrets;
use crate::app::sign_in::single_sign_on::Providers;
use crate::app::sign_in::{Directories, SignIn};
use crate::app::staff_sessions::StaffSessions;
use crate::app::{App, Parts, throttles};
use crate::config::check::Finding;
use crate::config::{self, Config};
use crate::identity;
use crate::identity::throttle::Throttle;
use crate::pki::Pki;
use crate::pki::attestation::AttestationRoots;
use crate::pki::device_cas::DeviceCas;
use crate::push::Pusher;
use crate::telemetry::{Alarm, Metrics};
use crate::world::World;
use events::envelope::NewEvent;
use events::log::Log;
use events::personal::keys::{self, KeyError, MasterKey, SqliteKeyStore};
use events::store::sqlite::{OpenError, SqliteStore};
use events::store::{AppendError, EventStore, ReadError};
use events::system::{LogEvent, LogFingerprints, log_stream};
use events::upcast::upcast;
use events::{Event, Revision, Timestamp};
use projections::Projections;
use projections::disposable::SetAside;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Why the server does not start. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `setting` names the address in the configuration.
    #[error("cannot listen on {address}, which `{setting}` names: {why}; {}", mend(.why))]
    Listen { setting: &'static str, address: SocketAddr, why: std::io::Error },
    #[error(
        "cannot use the TLS certificate {} with the key {}: {why}; `muster check-config` says more",
        .certificate.display(), .key.display()
    )]
    Tls { certificate: PathBuf, key: PathBuf, why: openssl::error::ErrorStack },
    #[error("cannot read the master key {}: {why}; restore it from its backup, a new one cannot replace it", .path.display())]
    MasterKey { path: PathBuf, why: String },
    #[error("cannot open the log in {}: {why}", .directory.display())]
    Store { directory: PathBuf, why: OpenError },
    #[error("cannot open the keys in {}: {why}", .directory.display())]
    Keys { directory: PathBuf, why: KeyError },
    #[error(
        "{} is older than the log: it counts {found} changes of keys, the log has seen {needed}; {missing} keys that events are \
         sealed under are missing. Restore the newest keys.db (or log and keys together, from the newest backup: `muster restore`). If \
         there is none, `muster serve --accept-lost-keys` starts without them: what they sealed can never be read again",
        .path.display()
    )]
    OlderKeys { path: PathBuf, found: u64, needed: u64, missing: usize },
    #[error("cannot write to the log: {0}")]
    Append(#[from] AppendError),
    #[error("cannot load certificates and keys: {0}; `muster check-config` says more")]
    Pki(String),
    #[error("cannot use an identity provider: {0}; `muster check-config` says more")]
    Identity(String),
    #[error("cannot wake devices: {0}; `muster check-config` says more")]
    Push(String),
    #[error("cannot open the sessions in {}: {why}; sessions.db may be deleted: staff sign in anew", .directory.display())]
    Sessions { directory: PathBuf, why: String },
    #[error("cannot open the projections in {}: {why}", .directory.display())]
    Projections { directory: PathBuf, why: String },
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the log in {} does not begin with LogCreated: it is not a log of Muster's, or its beginning is lost", .directory.display())]
    NoLogCreated { directory: PathBuf },
    #[error(
        "{what} in {} is not the one this log was created with (fingerprint {found}, the log says {expected}): check the \
         paths in the configuration, or restore the file from its backup",
        .path.display()
    )]
    WrongKey { what: &'static str, path: PathBuf, found: String, expected: String },
    #[error("cannot open the command socket {}: {why}", .path.display())]
    Socket { path: PathBuf, why: std::io::Error },
    #[error("cannot start the server: {0}")]
    Io(#[from] std::io::Error),
}

fn mend(why: &std::io::Error) -> &'static str {
    match why.kind() {
        ErrorKind::AddrInUse => {
            "another server, or another listener of this one, has that port: end it, or name a free one there"
        }
        ErrorKind::PermissionDenied => {
            "ports below 1024 need the capability CAP_NET_BIND_SERVICE; or name a higher one there"
        }
        ErrorKind::AddrNotAvailable => {
            "this machine has no such address: name one that it has there, or 0.0.0.0 for all"
        }
        _ => "name an address there that this machine can listen on",
    }
}

impl App {
    /// Opens the installation that `config` describes, to be written to: one process at a time may.
    ///
    /// # Errors
    /// Says what is missing, or which key is a wrong one.
    pub async fn open(config: Config, world: World) -> Result<App, StartError> {
        let directory = config.store.directory.clone();
        let master = read_master_key(&config)?;
        let (secrets, fingerprint) = (Secrets::derive(&master), master.fingerprint());
        let health = Health::default();
        let accept = config.store.accept_lost_keys;
        let engine = Arc::new(SqliteStore::open(&directory).map_err(store_error(&directory))?);
        let pki = load_pki(&config)?;
        // Before a key store may be made: one that was made under a wrong master key would refuse the right one.
        check_keys(&config, &created(engine.as_ref(), &directory).await?, &fingerprints(&pki, fingerprint))?;
        let keys = open_keys(&directory, master, accept)?;
        let log = Log::new(Arc::clone(&engine) as _, Arc::clone(&keys) as _);
        let device_cas = DeviceCas::load(&config.devices.device_ca_certificates)
            .map_err(|error| StartError::Pki(error.to_string()))?;
        let attestation_roots = AttestationRoots::load(&config.pki.attestation_roots)
            .map_err(|error| StartError::Pki(error.to_string()))?;
        lost_keys::check(&log, &keys, &world, accept).await?;
        let (projections, projections_aside) = Projections::open(&directory, log.store().head().await?)
            .map_err(|error| StartError::Projections { directory: directory.clone(), why: error.to_string() })?;
        let pusher = Pusher::load(&config.push).map_err(|error| StartError::Push(error.to_string()))?;
        let (staff_sessions, sessions_aside) = StaffSessions::open(&directory)
            .map_err(|error| StartError::Sessions { directory: directory.clone(), why: error.to_string() })?;
        let identity_providers =
            Providers::load(&config.identity, &config.server.public_url).map_err(StartError::Identity)?;
        let directories = Directories::load(&config.identity).map_err(StartError::Identity)?;
        let sign_in = SignIn::new(&log, &secrets, &world, directories);
        let metrics = Metrics::new();
        metrics.push_certificate_ends(pki.push_not_after().unwrap_or(0));
        for SetAside { to, why } in [projections_aside, sessions_aside].into_iter().flatten() {
            tracing::error!(to = %to.display(), why, "a damaged database was set aside and made anew");
            metrics.alarm(Alarm::DatabaseDamaged);
        }
        let counting = secrets.throttles();
        let unusable = directory.clone();
        let app = App::new(Parts {
            engine,
            keys,
            log,
            world,
            config: Arc::new(config),
            secrets,
            settings: Default::default(),
            pki,
            device_cas,
            attestation_roots,
            projections,
            sign_in,
            identity_providers,
            staff_sessions,
            revocations: Default::default(),
            factor_throttle: Throttle::new(counting),
            pusher,
            health,
            conversations: Default::default(),
            device_budget: Default::default(),
            disk: Default::default(),
            turns: Default::default(),
            large_bodies: Arc::new(Semaphore::new(1)),
            connections: Connections::new(metrics.clone()),
            strangers: Default::default(),
            metrics,
        });
        throttles::restore(&app)
            .map_err(|error| StartError::Sessions { directory: unusable, why: error.to_string() })?;
        Ok(app)
    }
}

/// The master key that the configuration names.
///
/// # Errors
/// If it cannot be read, or is no key.
pub fn read_master_key(config: &Config) -> Result<MasterKey, StartError> {
    let path = &config.store.master_key;
    MasterKey::read_file(path).map_err(|why| StartError::MasterKey { path: path.clone(), why: why.to_string() })
}

/// The log of the installation, to be read whether a server runs or not; makes no file and opens none for writing.
///
/// # Errors
/// If it or its keys are not there, or the master key is another one.
pub fn read_log(config: &Config) -> Result<Log, StartError> {
    read_log_in(&config.store.directory, read_master_key(config)?)
}

/// Everything that `check-config` finds without asking anybody, the worst first.
pub fn check(config: &Config, now: Timestamp) -> Vec<Finding> {
    let mut findings = config::check::check(config, now);
    for one in &config.identity.saml {
        findings.extend(identity::saml::check(one, &config.server.public_url, now));
    }
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// Whether the log in `directory`, be it the installation's or a backup, was made with the keys that `config` names, and its key
/// store is not older.
///
/// # Errors
/// Says which key is another one, that the key store is older, or what cannot be read.
pub async fn check_keys_of(directory: &Path, config: &Config) -> Result<(), StartError> {
    let master = read_master_key(config)?;
    let found = fingerprints(&load_pki(config)?, master.fingerprint());
    let store = SqliteStore::open_read_only(directory).map_err(store_error(directory))?;
    check_keys(config, &created(&store, directory).await?, &found)?;
    // Read before the keys are opened: a server that runs makes more of both, the key first.
    let needed = store.key_sequence().await?;
    let keys = Arc::new(open_keys_to_read(directory, master)?);
    let log = Log::new(Arc::new(store), Arc::clone(&keys) as _);
    lost_keys::refuse_older(&log, &keys, needed).await
}

fn read_log_in(directory: &Path, master: MasterKey) -> Result<Log, StartError> {
    let store = SqliteStore::open_read_only(directory).map_err(store_error(directory))?;
    Ok(Log::new(Arc::new(store), Arc::new(open_keys_to_read(directory, master)?)))
}

fn open_keys_to_read(directory: &Path, master: MasterKey) -> Result<SqliteKeyStore, StartError> {
    SqliteKeyStore::open_read_only(&directory.join(keys::FILE), master, World::fill).map_err(key_error(directory))
}

fn open_keys(directory: &Path, master: MasterKey, accept_lost_keys: bool) -> Result<Arc<SqliteKeyStore>, StartError> {
    let path = directory.join(keys::FILE);
    let keys = match path.exists() || !accept_lost_keys {
        true => SqliteKeyStore::open(&path, master, World::fill),
        // All of them are lost.
        false => SqliteKeyStore::create(&path, master, World::fill),
    };
    Ok(Arc::new(keys.map_err(key_error(directory))?))
}

fn store_error(directory: &Path) -> impl FnOnce(OpenError) -> StartError {
    move |why| StartError::Store { directory: directory.to_owned(), why }
}

fn key_error(directory: &Path) -> impl FnOnce(KeyError) -> StartError {
    move |why| StartError::Keys { directory: directory.to_owned(), why }
}

fn load_pki(config: &Config) -> Result<Pki, StartError> {
    Pki::load(&config.pki, &config.push).map_err(|error| StartError::Pki(error.to_string()))
}

fn fingerprints(pki: &Pki, master_key: String) -> LogFingerprints {
    let found = pki.fingerprints();
    LogFingerprints { identity_ca: found.identity_ca, registration_authority: found.registration_authority, master_key }
}

// Nothing in the first event is sealed: it is read before the keys are opened.
async fn created(store: &dyn EventStore, directory: &Path) -> Result<LogFingerprints, StartError> {
    let missing = || StartError::NoLogCreated { directory: directory.to_owned() };
    let first = store.read_stream(&log_stream(), Revision(0), 1).await?.into_iter().next().ok_or_else(missing)?;
    let NewEvent { event_type, version, data, .. } = first.event;
    let data = upcast(&event_type, version, data).map_err(|_| missing())?;
    let event = Event::from_parts(log_stream().category(), &event_type, data);
    let Ok(Event::Log(LogEvent::LogCreated { fingerprints, .. })) = event else { return Err(missing()) };
    Ok(fingerprints)
}

fn check_keys(config: &Config, expected: &LogFingerprints, found: &LogFingerprints) -> Result<(), StartError> {
    let pki = &config.pki;
    let pairs = [
        ("the master key", &config.store.master_key, &expected.master_key, &found.master_key),
        ("the identity CA", &pki.identity_ca_certificate, &expected.identity_ca, &found.identity_ca),
        (
            "the registration authority",
            &pki.registration_authority_certificate,
            &expected.registration_authority,
            &found.registration_authority,
        ),
    ];
    for (what, path, expected, found) in pairs {
        if expected != found {
            let (expected, found, path) = (expected.clone(), found.clone(), path.clone());
            return Err(StartError::WrongKey { what, path, found, expected });
        }
    }
    Ok(())
}
