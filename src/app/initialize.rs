//! Makes a new installation: configuration, master key, certificates, key store and a log that begins with `LogCreated`.

use crate::app::context::operator_draft;
use crate::app::secrets::Secrets;
use crate::app::set_up::{self, NewLink};
use crate::config::check::Severity;
use crate::config::template::{self, Answers};
use crate::config::{self, Config, ConfigError};
use crate::enrollment::staff::SetUpLink;
use crate::pki::create::{self, CreateError, Given, PushServerFiles};
use crate::pki::files::PkiError;
use crate::pki::{Fingerprints, Pki};
use crate::world::World;
use events::Event;
use events::log::Log;
use events::personal::keys::{KeyError, MasterKey, SqliteKeyStore};
use events::settings::{self, Settings, SettingsEvent};
use events::side_files::remove_empty;
use events::staff::StaffEvent;
use events::store::sqlite::{OpenError, SqliteStore};
use events::store::{AppendError, Expected};
use events::system::{LogEvent, LogFingerprints, log_stream};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What to make.
pub struct Plan {
    /// New, or empty.
    pub directory: PathBuf,
    pub organization: String,
    /// `https://name`, with a port if it is not 443.
    pub public_url: String,
    pub listen: String,
    pub metrics_listen: String,
    /// DNS names and addresses for a TLS certificate of our own making.
    pub hosts: Vec<String>,
    /// Make what a trial needs: a private TLS root, a push certificate that only a push server of our own believes.
    pub trial: bool,
    pub given: Given,
    pub push_base_url: String,
}

/// What was made.
pub struct Made {
    /// The configuration file.
    pub config: PathBuf,
    pub master_key: PathBuf,
    /// Certificates of a push server of our own; trials only.
    pub push_server: Option<PushServerFiles>,
    pub tls_root: Option<PathBuf>,
    /// Where the first administrator makes their account, once, within a day.
    pub set_up_link: String,
}

#[derive(Debug, thiserror::Error)]
pub enum InitError {
    #[error("{} holds something already: nothing is overwritten; give a new directory", .0.display())]
    NotEmpty(PathBuf),
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
    /// Findings of `check-config`, one after the other.
    #[error("nothing was made:\n{0}")]
    Unsound(String),
}

/// Makes it.
///
/// # Errors
/// If the directory holds something, a given file does not do, or something cannot be written.
pub async fn initialize(plan: &Plan, world: &World) -> Result<Made, InitError> {
    let directory = std::path::absolute(&plan.directory).map_err(|why| write_error(&plan.directory, why))?;
    let there_before = directory.exists();
    prepare(&directory)?;
    let made = fill(&directory, plan, world).await;
    if made.is_err() {
        // Half an installation is of no use to anybody, and the first error is the one to tell.
        let _ = clear(&directory, there_before);
    }
    made
}

/// Takes away what was put into a directory that was new, or empty.
fn clear(directory: &Path, keep_directory: bool) -> std::io::Result<()> {
    std::fs::remove_dir_all(directory)?;
    if keep_directory { std::fs::DirBuilder::new().mode(0o700).create(directory) } else { Ok(()) }
}

async fn fill(directory: &Path, plan: &Plan, world: &World) -> Result<Made, InitError> {
    let certificates = create::Plan {
        organization: &plan.organization,
        hosts: &plan.hosts,
        trial: plan.trial,
        given: plan.given.clone(),
    };
    let made = create::create(&directory.join("pki"), &certificates, world)?;
    let push = made.push(&plan.push_base_url);
    let fingerprints = Pki::load(&made.files, &push)?.fingerprints();
    let master_key = directory.join("master.key");
    let master = MasterKey::from_bytes(world.random());
    master.write_file(&master_key)?;
    let new = set_up::new_link(world, set_up::staff_of(&Secrets::derive(&master), 0));
    let set_up_link = set_up::address(&plan.public_url, &new.token);
    let data = directory.join("data");
    make_log(&data, master, fingerprints, (&plan.organization, new), world).await?;
    for database in ["events.db", "keys.db"].map(|name| data.join(name)) {
        remove_empty(&database).map_err(|why| write_error(&database, why))?;
    }
    // The configuration comes last: where it is, the installation is whole.
    let config = directory.join("muster.toml");
    let answers = Answers {
        public_url: plan.public_url.clone(),
        listen: plan.listen.clone(),
        metrics_listen: plan.metrics_listen.clone(),
        pki: made.files.clone(),
        push,
    };
    write_new(&config, &template::file(directory, &answers))?;
    if plan.given.tls.is_some() {
        expect_sound(&Config::load(&config)?, world)?;
    }
    Ok(Made { config, master_key, push_server: made.push_server, tls_root: made.files.tls_root, set_up_link })
}

/// Certificates that were given are held against what devices ask of them while nobody is enrolled yet.
fn expect_sound(config: &Config, world: &World) -> Result<(), InitError> {
    let findings = config::check::check(config, world.now());
    let errors: Vec<String> =
        findings.iter().filter(|found| found.severity == Severity::Error).map(ToString::to_string).collect();
    if errors.is_empty() { Ok(()) } else { Err(InitError::Unsound(errors.join("\n"))) }
}

fn prepare(directory: &Path) -> Result<(), InitError> {
    let cannot = |why| write_error(directory, why);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(cannot)?;
    let mut entries = std::fs::read_dir(directory).map_err(cannot)?;
    if entries.next().is_some() { Err(InitError::NotEmpty(directory.to_owned())) } else { Ok(()) }
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
    // The name that the certificates bear is the one that people read on the pages.
    let after = Settings { organization: organization.to_owned(), ..Settings::default() };
    let named = SettingsEvent::between(&Settings::default(), &after, None);
    log.append(&settings::stream(), Expected::NoStream, vec![draft(named.into())]).await?;
    let SetUpLink { hash, expires } = new.link;
    let issued = StaffEvent::SetUpLinkIssued { hash, expires };
    log.append(&new.staff.stream(), Expected::NoStream, vec![draft(issued.into())]).await?;
    store.close().await;
    Ok(())
}

fn write_new(path: &Path, text: &str) -> Result<(), InitError> {
    let cannot = |why| write_error(path, why);
    let mut file = std::fs::File::create_new(path).map_err(cannot)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(cannot)
}

fn write_error(path: &Path, why: std::io::Error) -> InitError {
    InitError::Write { path: path.to_owned(), why }
}
