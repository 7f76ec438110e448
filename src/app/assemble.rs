//! Opens what an installation consists of and puts it together; refuses keys that are not those of the log.

use crate::app::health::Health;
use crate::app::secrets::Secrets;
use crate::app::sign_in::SignIn;
use crate::app::staff_sessions::StaffSessions;
use crate::app::{App, Parts};
use crate::config::Config;
use crate::pki::Pki;
use crate::push::Pusher;
use crate::telemetry::Metrics;
use crate::world::World;
use events::log::Log;
use events::personal::keys::{KeyError, MasterKey, SqliteKeyStore};
use events::store::ReadError;
use events::store::sqlite::{OpenError, SqliteStore};
use events::system::{LogEvent, LogFingerprints, log_stream};
use events::{Event, Revision};
use projections::Projections;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Why the server does not start. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {address}: {why}; is another server running there? `server.listen` names the address")]
    Listen { address: SocketAddr, why: std::io::Error },
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
    #[error("cannot load certificates and keys: {0}; `muster check-config` says more")]
    Pki(String),
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

/// Whether the log is opened to be written, which only one process may do, or to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Write,
    Read,
}

impl App {
    /// Opens the installation that `config` describes.
    ///
    /// # Errors
    /// Says what is missing, or which key is a wrong one.
    pub async fn open(config: Config, world: World, access: Access) -> Result<App, StartError> {
        let directory = config.store.directory.clone();
        let master = read_master_key(&config)?;
        let (secrets, master_fingerprint) = (Secrets::derive(&master), master.fingerprint());
        let health = Health::default();
        let (engine, log) = open_log(&config, master, access)?;
        let pki = Pki::load(&config.pki, &config.push).map_err(|error| StartError::Pki(error.to_string()))?;
        let found = pki.fingerprints();
        let found = LogFingerprints {
            identity_ca: found.identity_ca,
            registration_authority: found.registration_authority,
            master_key: master_fingerprint,
        };
        check_keys(&config, &created(&log, &config).await?, &found)?;
        let projections = Projections::open(&directory)
            .map_err(|error| StartError::Projections { directory: directory.clone(), why: error.to_string() })?;
        let pusher = Pusher::load(&config.push).map_err(|error| StartError::Push(error.to_string()))?;
        let staff_sessions = StaffSessions::open(&directory)
            .map_err(|error| StartError::Sessions { directory: directory.clone(), why: error.to_string() })?;
        let sign_in = SignIn::new(&log, &secrets, &world);
        Ok(App::new(Parts {
            engine,
            log,
            world,
            config: Arc::new(config),
            secrets,
            pki,
            projections,
            sign_in,
            staff_sessions,
            pusher,
            health,
            metrics: Metrics::new(),
        }))
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

fn open_log(config: &Config, master: MasterKey, access: Access) -> Result<(Arc<SqliteStore>, Log), StartError> {
    let directory = &config.store.directory;
    let unusable = |why| StartError::Store { directory: directory.clone(), why };
    let store = match access {
        Access::Write => SqliteStore::open(directory).map_err(unusable)?,
        Access::Read => SqliteStore::open_read_only(directory).map_err(unusable)?,
    };
    let keys = SqliteKeyStore::open(&directory.join("keys.db"), master, World::fill)
        .map_err(|why| StartError::Keys { directory: directory.clone(), why })?;
    let engine = Arc::new(store);
    Ok((Arc::clone(&engine), Log::new(engine, Arc::new(keys))))
}

async fn created(log: &Log, config: &Config) -> Result<LogFingerprints, StartError> {
    let first = log.store().read_stream(&log_stream(), Revision(0), 1).await?;
    match log.open(first).await?.into_iter().next().map(|entry| entry.event) {
        Some(Event::Log(LogEvent::LogCreated { fingerprints, .. })) => Ok(fingerprints),
        _ => Err(StartError::NoLogCreated { directory: config.store.directory.clone() }),
    }
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
