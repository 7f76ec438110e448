//! Creates an installation: configuration, master key, certificates, key store and a log that begins with `LogCreated`.

use crate::config::template::{self, Answers};
use crate::config::{self, Config, ConfigError};
use decisions::staff::SetUpLink;
use events::Event;
use events::log::Log;
use events::personal::keys::{KeyError, MasterKey, SqliteKeyStore};
use events::settings::{self, Settings, SettingsEvent};
use events::side_files::remove_empty;
use events::staff::StaffEvent;
use events::store::StoreLifecycle as _;
use events::store::sqlite::{OpenError, SqliteStore};
use events::store::{AppendError, Expected};
use events::system::{LogEvent, LogFingerprints, log_stream};
use findings::{Finding, Severity};
use pki::create::{self, CreateError, Given, PushServerFiles};
use pki::files::PkiError;
use pki::{Fingerprints, Pki};
use platform::context::operator_draft;
use platform::secrets::Secrets;
use push::Push;
use staff::set_up::{self, NewLink};
use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use world::World;

/// Description of the installation to create.
pub struct Plan {
    /// Directory of the installation. It must be empty or not exist.
    pub directory: PathBuf,
    pub organization: String,
    /// `https://name`, with a port if it is not 443.
    pub public_url: String,
    pub listen: String,
    pub metrics_listen: String,
    /// DNS names and IP addresses for a TLS certificate that Muster issues.
    pub hosts: Vec<String>,
    /// Create a trial: a private TLS root, and a push certificate that only a simulated push server accepts.
    pub trial: bool,
    pub given: Given,
    pub push_base_url: String,
}

/// Created installation.
pub struct Made {
    /// The configuration file.
    pub config: PathBuf,
    pub master_key: PathBuf,
    /// Certificates of the simulated push server; trials only.
    pub push_server: Option<PushServerFiles>,
    pub tls_root: Option<PathBuf>,
    /// URL at which the first administrator creates their account. It works once, within a day.
    pub set_up_link: String,
}

#[derive(Debug, thiserror::Error)]
pub enum InitError {
    #[error(
        "{} is not empty, and nothing is overwritten: use a new directory, or delete its content if an interrupted `muster init` left \
         it there",
        .0.display()
    )]
    NotEmpty(PathBuf),
    #[error("another `muster init` is writing to {}", .0.display())]
    Busy(PathBuf),
    #[error("cannot write {}: {why}", .path.display())]
    Write { path: PathBuf, why: std::io::Error },
    #[error(transparent)]
    Certificates(#[from] CreateError),
    #[error(transparent)]
    Pki(#[from] PkiError),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Store(#[from] OpenError),
    #[error("cannot write the first event: {0}")]
    Append(#[from] AppendError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Findings of `check-config`, one per line.
    #[error("nothing was created:\n{0}")]
    Unsound(String),
}

/// Empty file that is created first and marks an unfinished installation. At the end it becomes the configuration. A
/// directory that contains it contains only the files of an unfinished installation.
const UNFINISHED: &str = "muster.toml.unfinished";
const FINISHED: &str = "muster.toml";

/// Creates the installation. The remains of an earlier attempt that was killed are deleted first.
///
/// # Errors
/// Returns an error if the directory is not empty, another `muster init` uses it, a given file is unsuitable, or a file
/// cannot be written.
pub async fn initialize(plan: &Plan, world: &World) -> Result<Made, InitError> {
    let directory = std::path::absolute(&plan.directory).map_err(|why| write_error(&plan.directory, why))?;
    let there_before = directory.exists();
    // Locked until the end, so that a second `muster init` does not take this one for killed.
    let unfinished = prepare(&directory)?;
    let made = fill(&directory, plan, &unfinished, world).await;
    if made.is_err() {
        // An incomplete installation is of no use. Errors of the removal are ignored: the first error is reported.
        let _ = clear(&directory, there_before);
    }
    made
}

/// Removes the files of an unfinished installation, and the directory if it did not exist before.
fn clear(directory: &Path, keep_directory: bool) -> std::io::Result<()> {
    clear_all_but_mark(directory)?;
    std::fs::remove_file(directory.join(UNFINISHED))?;
    if keep_directory { Ok(()) } else { std::fs::remove_dir(directory) }
}

// The mark is kept; the caller removes it last, so that after a kill the next `muster init` can finish the removal.
fn clear_all_but_mark(directory: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => std::fs::remove_dir_all(entry.path())?,
            false if entry.file_name() == UNFINISHED => {}
            false => std::fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

async fn fill(directory: &Path, plan: &Plan, mut unfinished: &File, world: &World) -> Result<Made, InitError> {
    let certificates = create::Plan {
        organization: &plan.organization,
        hosts: &plan.hosts,
        trial: plan.trial,
        given: plan.given.clone(),
    };
    let made = create::create(&directory.join("pki"), &certificates, world)?;
    let fingerprints = Pki::load(&made.files, made.push())?.fingerprints();
    let master_key = directory.join("master.key");
    let master = MasterKey::from_bytes(world.random());
    master.write_file(&master_key)?;
    let new = set_up::new_link(world, set_up::staff_of(&Secrets::derive(&master), 0));
    let set_up_link = set_up::address(&plan.public_url, &new.token);
    let data = directory.join("data");
    make_log(&data, master, fingerprints, (&plan.organization, new), world).await?;
    for database in ["events.db", "index.db", "keys.db"].map(|name| data.join(name)) {
        remove_empty(&database).map_err(|why| write_error(&database, why))?;
    }
    // The configuration is written last: if it exists, the installation is complete.
    let begun = directory.join(UNFINISHED);
    let answers = Answers {
        public_url: plan.public_url.clone(),
        listen: plan.listen.clone(),
        metrics_listen: plan.metrics_listen.clone(),
        pki: made.files.clone(),
        push: Push {
            base_url: plan.push_base_url.clone(),
            certificate: made.push_certificate.clone(),
            key: made.push_key.clone(),
            root: made.push_server.as_ref().map(|server| server.root.clone()),
        },
    };
    let text = template::file(directory, &answers);
    unfinished
        .write_all(text.as_bytes())
        .and_then(|()| unfinished.sync_all())
        .map_err(|why| write_error(&begun, why))?;
    if plan.given.tls.is_some() {
        expect_sound(&Config::load(&begun)?, world)?;
    }
    let config = directory.join(FINISHED);
    std::fs::rename(&begun, &config)
        .and_then(|()| File::open(directory)?.sync_all())
        .map_err(|why| write_error(&config, why))?;
    Ok(Made { config, master_key, push_server: made.push_server, tls_root: made.files.tls_root, set_up_link })
}

/// Checks the given certificates against the requirements of devices now, before any device is enrolled.
fn expect_sound(config: &Config, world: &World) -> Result<(), InitError> {
    let findings = config::check::check(config, world.now());
    let errors = findings.into_iter().filter(|found| found.severity == Severity::Error);
    let errors: Vec<String> = errors.map(|found| by_option(found).to_string()).collect();
    if errors.is_empty() { Ok(()) } else { Err(InitError::Unsound(errors.join("\n"))) }
}

/// Replaces the field of the configuration in a finding with the option of `muster init` that sets it, because there is
/// no configuration yet.
fn by_option(finding: Finding) -> Finding {
    let option = match finding.about.as_str() {
        "server.public_url" => "--public-url".into(),
        "server.listen" => "--listen".into(),
        "server.metrics_listen" => "--metrics-listen".into(),
        "push.certificate" => "--push-certificate".into(),
        "push.key" => "--push-key".into(),
        about => match about.strip_prefix("pki.") {
            Some(field) => format!("--{}", field.replace('_', "-")),
            None => about.to_owned(),
        },
    };
    Finding { about: option, ..finding }
}

fn prepare(directory: &Path) -> Result<File, InitError> {
    let cannot = |why| write_error(directory, why);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(cannot)?;
    let mark = directory.join(UNFINISHED);
    if !mark.is_file() && std::fs::read_dir(directory).map_err(cannot)?.next().is_some() {
        return Err(InitError::NotEmpty(directory.to_owned()));
    }
    let cannot_mark = |why| write_error(&mark, why);
    let file = File::options().write(true).create(true).truncate(false).open(&mark).map_err(cannot_mark)?;
    file.try_lock().map_err(|why| match why {
        TryLockError::WouldBlock => InitError::Busy(directory.to_owned()),
        TryLockError::Error(why) => cannot_mark(why),
    })?;
    // Another `muster init` may have finished between the check and the lock.
    if directory.join(FINISHED).exists() {
        let _ = std::fs::remove_file(&mark);
        return Err(InitError::NotEmpty(directory.to_owned()));
    }
    clear_all_but_mark(directory).map_err(cannot)?;
    file.set_len(0).map_err(cannot_mark)?;
    Ok(file)
}

async fn make_log(
    directory: &Path,
    master: MasterKey,
    pki: Fingerprints,
    (organization, new): (&str, NewLink),
    world: &World,
) -> Result<(), InitError> {
    std::fs::DirBuilder::new().mode(0o700).create(directory).map_err(|why| write_error(directory, why))?;
    let fingerprints = LogFingerprints {
        identity_ca: pki.identity_ca,
        registration_authority: pki.registration_authority,
        master_key: master.fingerprint(),
    };
    let keys = SqliteKeyStore::create(&directory.join("keys.db"), master, World::fill)?;
    let store = Arc::new(SqliteStore::create(directory)?);
    let log = Log::new(Arc::clone(&store) as _, Arc::new(keys));
    let correlation = world.uuid();
    let draft = |event: Event| operator_draft(world, correlation, event);
    let created = LogEvent::LogCreated { log: world.random_uuid(), fingerprints };
    log.append(&log_stream(), Expected::NoStream, vec![draft(created.into())]).await?;
    // The pages show the same name as the certificates.
    let after = Settings { organization: organization.to_owned(), ..Settings::default() };
    let named = SettingsEvent::between(&Settings::default(), &after, None);
    log.append(&settings::stream(), Expected::NoStream, vec![draft(named.into())]).await?;
    let SetUpLink { hash, expires } = new.link;
    let issued = StaffEvent::SetUpLinkIssued { hash, expires };
    log.append(&new.staff.stream(), Expected::NoStream, vec![draft(issued.into())]).await?;
    store.close().await;
    Ok(())
}

fn write_error(path: &Path, why: std::io::Error) -> InitError {
    InitError::Write { path: path.to_owned(), why }
}
