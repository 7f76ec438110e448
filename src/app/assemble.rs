//! Opens the parts of an installation and assembles the server. Rejects keys that do not belong to the log.

use crate::app::lost_keys;
use crate::app::older_log;
use crate::app::start_error::{StartError, told_of_full_disk, unusable_keys};
use crate::app::{App, Parts};
use crate::config::{self, Config};
use connections::Connections;
use devices::{Devices, Trust};
use enroll::Enroll;
use events::envelope::NewEvent;
use events::log::Log;
use events::personal::keys::{self, Held, KeyError, KeyStore as _, MasterKey, SqliteKeyStore};
use events::store::EventStore;
use events::store::sqlite::{OpenError, SqliteStore};
use events::system::{LogEvent, LogFingerprints, log_stream};
use events::upcast::upcast;
use events::{Event, KeyName, Timestamp};
use findings::Finding;
use imports::Imports;
use imports::uploads::Uploads;
use invitations::Invitations;
use pki::Pki;
use pki::attestation::AttestationRoots;
use pki::device_cas::DeviceCas;
use platform::Platform;
use platform::health::Health;
use platform::secrets::Secrets;
use platform::states::file::StateFile;
use platform::states::origin;
use platform::strangers::Strangers;
use projections::disposable::SetAside;
use projections::origin::remove_if_of_another_log;
use projections::{ProjectionError, Projections};
use push::Pusher;
use reenrollment::Reenrollment;
use settings::SettingsService;
use sign_in::redirect::Providers;
use sign_in::staff_sessions::StaffSessions;
use sign_in::{Directories, SignIn, throttles};
use staff::Staff;
use std::path::Path;
use std::sync::Arc;
use telemetry::{Alarm, Metrics};
use tokio::sync::Semaphore;
use world::World;

impl App {
    /// Opens the installation that `config` describes for reading and writing. Only one process at a time can do this.
    ///
    /// # Errors
    /// Returns an error if a file is missing or damaged, if a key does not belong to the log, or if another process has
    /// opened the installation.
    pub async fn open(config: Config, world: World) -> Result<App, StartError> {
        let directory = config.store.directory.clone();
        App::assemble(config, world).await.map_err(|error| told_of_full_disk(&directory, error))
    }

    async fn assemble(config: Config, world: World) -> Result<App, StartError> {
        let directory = config.store.directory.clone();
        let master = read_master_key(&config)?;
        let (secrets, fingerprint) = (Secrets::derive(&master), master.fingerprint());
        let accept = config.store.accept_lost_keys;
        let store = Arc::new(SqliteStore::open(&directory).map_err(store_error(&directory))?);
        let pki = load_pki(&config)?;
        // Checked before a key store may be created: one created under a wrong master key would reject the right one.
        check_keys(&config, &created(store.as_ref(), &directory).await?, &fingerprints(&pki, fingerprint))?;
        let keys = open_keys(&directory, master, accept)?;
        let log = Log::new(Arc::clone(&store) as _, Arc::clone(&keys) as _);
        let device_cas = DeviceCas::load(&config.devices.device_ca_certificates)
            .map_err(|error| StartError::Pki(error.to_string()))?;
        let attestation_roots = AttestationRoots::load(&config.pki.attestation_roots)
            .map_err(|error| StartError::Pki(error.to_string()))?;
        let trust = Trust { pki, device_cas, attestation_roots };
        if accept || config.store.accept_older_log {
            // What is accepted is recorded in a stream. The index of a newer log is built again first.
            store.indexed().await;
        }
        lost_keys::check(&log, &keys, &world, accept).await?;
        older_log::check(&log, &keys, &world, config.store.accept_older_log).await?;
        let of_another_log = remove_if_of_another_log(&directory, &log)
            .await
            .map_err(|error| StartError::Projections { directory: directory.clone(), why: bare(error) })?;
        let (projections, projections_aside) = Projections::open(&directory, log.store().head().await?)
            .map_err(|error| StartError::Projections { directory: directory.clone(), why: bare(error) })?;
        let whole = Arc::clone(&keys);
        let is_whole = move |name: &KeyName| whole.key(name).is_ok_and(|held| !matches!(held, Held::Missing));
        let anew = projections.fold_anew_if(is_whole).await;
        if anew.map_err(|error| StartError::Projections { directory: directory.clone(), why: bare(error) })? {
            tracing::info!(
                "keys that were damaged are readable again: the projections are built again with the data sealed under them"
            );
        }
        let pusher = Pusher::load(&config.push).map_err(|error| StartError::Push(error.to_string()))?;
        let metrics = Metrics::new();
        let mailer = config.mailer(metrics.clone()).map_err(|error| StartError::Mail(error.to_string()))?;
        let (staff_sessions, sessions_aside) = StaffSessions::open(&directory)
            .map_err(|error| StartError::Sessions { directory: directory.clone(), why: error.to_string() })?;
        let identity_providers = Providers::load(&config.identity, &config.server.public_url);
        let directories = Directories::load(&config.identity).map_err(StartError::Identity)?;
        for (provider, why) in identity_providers.unusable() {
            tracing::error!(
                alarm = Alarm::ProviderUnavailable.label(),
                provider,
                why,
                "an identity provider cannot be used: nobody can sign in there until its files are corrected; changed files are read again"
            );
            metrics.alarm(Alarm::ProviderUnavailable);
        }
        if let Some(at) = of_another_log {
            tracing::error!(
                alarm = Alarm::LogSetBack.label(),
                at = at.0,
                "the projections were built from another log: events.db was replaced; they are built again"
            );
            metrics.alarm(Alarm::LogSetBack);
        }
        if let Some(ahead) = projections.was_ahead() {
            let (at, last) = (ahead.0, log.store().head().await?.map_or(0, |head| head.0));
            tracing::error!(
                alarm = Alarm::LogSetBack.label(),
                at,
                last,
                "the log ends before the position that the projections have read: events.db was replaced by an older copy; they are built again"
            );
            metrics.alarm(Alarm::LogSetBack);
        }
        metrics.push_certificate_ends(trust.pki.push_not_after().unwrap_or(0));
        let (states, states_aside) = match StateFile::open(&directory, origin(&log).await?, secrets.states()) {
            Ok((file, aside)) => (Some(file), aside),
            Err(error) => {
                tracing::warn!(%error, "states.db cannot be used: states are folded from the log after each start");
                (None, None)
            }
        };
        for SetAside { to, why } in projections_aside.into_iter().chain(sessions_aside).chain(states_aside) {
            tracing::error!(to = %to.display(), why, "a damaged database was set aside and replaced by a new one");
            metrics.alarm(Alarm::DatabaseDamaged);
        }
        let platform = Platform::new(
            platform::Parts {
                engine: Arc::clone(&store) as _,
                keys: Arc::clone(&keys) as _,
                log,
                world,
                secrets,
                public_url: config.server.public_url.trim_end_matches('/').to_owned(),
                projections,
                health: Health::default(),
                disk: Default::default(),
                turns: Default::default(),
                metrics,
            },
            states,
        );
        let identity = Arc::new(config.identity.clone());
        let settings = Arc::new(SettingsService::new(platform.clone(), Arc::clone(&identity), directories.shared()));
        let sign_in =
            SignIn::new(platform.clone(), Arc::clone(&settings), directories, identity_providers, staff_sessions);
        throttles::restore(&sign_in).map_err(|error| StartError::Sessions { directory, why: error.to_string() })?;
        let sign_in = Arc::new(sign_in);
        let url = config.devices.url.clone();
        let devices = Arc::new(Devices::new(platform.clone(), Arc::clone(&settings), trust, pusher, url));
        let imports = Arc::new(Imports::new(platform.clone(), Arc::clone(&sign_in)));
        let invitations = Arc::new(Invitations::new(platform.clone(), Arc::clone(&sign_in)));
        let enroll = Arc::new(Enroll {
            platform: platform.clone(),
            settings: Arc::clone(&settings),
            sign_in: Arc::clone(&sign_in),
            devices: Arc::clone(&devices),
            imports: Arc::clone(&imports),
            invitations: Arc::clone(&invitations),
        });
        let staff = Arc::new(Staff {
            platform: platform.clone(),
            settings: Arc::clone(&settings),
            sign_in: Arc::clone(&sign_in),
            identity,
        });
        let reenrollment = Arc::new(Reenrollment::new(platform.clone(), Arc::clone(&settings)));
        let uploads = Arc::new(Uploads::new(Arc::clone(&imports), &config.store.directory));
        if let Err(error) = uploads.clear() {
            tracing::warn!(%error, "cannot remove the uploaded files that the last run has left");
        }
        let parts = Parts {
            config: Arc::new(config),
            store,
            keys,
            connections: Connections::new(platform.metrics.clone()),
            platform,
            settings,
            sign_in,
            devices,
            enroll,
            staff,
            imports,
            invitations,
            mailer,
            reenrollment,
            uploads,
            large_bodies: Arc::new(Semaphore::new(1)),
            strangers: Arc::new(Strangers::default()),
        };
        Ok(App { inner: Arc::new(parts) })
    }
}

/// Reads the master key that the configuration names.
///
/// # Errors
/// Returns an error if the file cannot be read or does not contain a key.
pub(crate) fn read_master_key(config: &Config) -> Result<MasterKey, StartError> {
    let path = &config.store.master_key;
    MasterKey::read_file(path).map_err(|why| StartError::MasterKey { path: path.clone(), why: why.to_string() })
}

/// Opens the log of the installation read-only, whether or not a server runs. Creates no file and opens none for
/// writing.
///
/// # Errors
/// Returns an error if the log or its key store is missing, or if the key store belongs to a different master key.
pub fn read_log(config: &Config) -> Result<Log, StartError> {
    read_log_in(&config.store.directory, read_master_key(config)?)
}

/// Returns the findings of `check-config` that need no network access, the most severe first.
pub fn check(config: &Config, now: Timestamp) -> Vec<Finding> {
    let mut findings = config::check::check(config, now);
    for one in &config.identity.saml {
        findings.extend(identity::saml::check(one, &config.server.public_url, now));
    }
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// Checks that the log in `directory` was created with the keys that `config` names, and that neither the log nor its
/// key store is older than the other. `directory` is the store directory of the installation, or a backup.
///
/// # Errors
/// Returns an error if a key is a different one, if the key store or the log is older than the other, or if a file
/// cannot be read.
pub(crate) async fn check_keys_of(directory: &Path, config: &Config) -> Result<(), StartError> {
    let master = read_master_key(config)?;
    let found = fingerprints(&load_pki(config)?, master.fingerprint());
    let store = SqliteStore::open_read_only(directory).map_err(store_error(directory))?;
    check_keys(config, &created(&store, directory).await?, &found)?;
    // Read before the keys are opened: a running server adds to both, and it adds the key first.
    let needed = store.key_sequence().await?;
    let keys = Arc::new(open_keys_to_read(directory, master)?);
    let log = Log::new(Arc::new(store), Arc::clone(&keys) as _);
    lost_keys::refuse_older(&log, &keys, needed).await?;
    // Read after the keys were opened: a running server writes the log first.
    older_log::refuse(&log, &keys).await
}

/// Returns the data keys in the key store in `directory` that the master key cannot unwrap. Blocks.
///
/// # Errors
/// Returns an error if the key store cannot be read or was created with a different master key.
pub(crate) fn damaged_keys(directory: &Path, master: MasterKey) -> Result<Vec<KeyName>, StartError> {
    open_keys_to_read(directory, master)?.damaged().map_err(key_error(directory))
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
        // All keys are lost.
        false => SqliteKeyStore::create(&path, master, World::fill),
    };
    Ok(Arc::new(keys.map_err(key_error(directory))?))
}

fn store_error(directory: &Path) -> impl FnOnce(OpenError) -> StartError {
    move |why| StartError::Store { directory: directory.to_owned(), why }
}

fn key_error(directory: &Path) -> impl FnOnce(KeyError) -> StartError {
    move |why| unusable_keys(directory, why)
}

// Returns the error without its remedy, because `StartError` states the remedy.
fn bare(error: ProjectionError) -> String {
    match error {
        ProjectionError::Database(why) | ProjectionError::DiskFull(why) => why,
        error => error.to_string(),
    }
}

fn load_pki(config: &Config) -> Result<Pki, StartError> {
    Pki::load(&config.pki, config.push_files()).map_err(|error| StartError::Pki(error.to_string()))
}

fn fingerprints(pki: &Pki, master_key: String) -> LogFingerprints {
    let found = pki.fingerprints();
    LogFingerprints { identity_ca: found.identity_ca, registration_authority: found.registration_authority, master_key }
}

// The first event has no sealed fields, so it can be read before the keys are opened. It is read by its position: the
// server starts while a lost index by stream is built again.
async fn created(store: &dyn EventStore, directory: &Path) -> Result<LogFingerprints, StartError> {
    let missing = || StartError::NoLogCreated { directory: directory.to_owned() };
    let first = store.read_all(None, 1).await?.into_iter().next();
    let first = first.filter(|first| first.stream == log_stream()).ok_or_else(missing)?;
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
