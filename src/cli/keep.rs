//! `muster backup`, `muster restore`.

mod faults;

use super::administer::tell_corruption;
use super::{At, say};
use crate::app::assemble::{check_keys_of, damaged_keys};
use crate::config::Config;
use crate::installation_files::{self, Catalog, gather, own_place_of};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use events::KeyName;
use events::personal::keys::MasterKey;
use events::store::Corruption;
use events::store::sqlite::backup::{self, BackupError, Manifest};
use names::visible::visible_path;
use plural::counted;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Backup {
    #[command(subcommand)]
    what: Option<OfBackup>,
    /// Directory for the backup. It must not exist yet, or be empty.
    #[arg(required = true)]
    #[arg(value_parser = super::directory())]
    destination: Option<PathBuf>,
    #[command(flatten)]
    at: At,
}

#[derive(Subcommand)]
enum OfBackup {
    /// Read a whole backup and check that it is sound.
    Verify(Verify),
}

#[derive(Args)]
struct Verify {
    /// The directory that `muster backup` created.
    source: PathBuf,
    /// The master key, to check the sealed files as well. Without it, and without a configuration that names it, they
    /// are not opened.
    #[arg(long)]
    master_key: Option<PathBuf>,
}

impl Backup {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match (self.what, self.destination) {
            (Some(OfBackup::Verify(verify)), _) => verify.run(&self.at).await,
            (None, destination) => make(&self.at, destination.context("specify a directory for the backup")?).await,
        }
    }
}

async fn make(at: &At, destination: PathBuf) -> anyhow::Result<ExitCode> {
    let config = at.load()?;
    if let Some(own) = own_place_of(&destination, &at.config, &config)? {
        bail!(
            "{} is in {}, which the installation works with: choose a directory elsewhere, preferably on another disk",
            visible_path(&destination),
            visible_path(&own)
        );
    }
    let master = MasterKey::read_file(&config.store.master_key)?;
    let (gathered, left_out) = gather(&at.config, &config)?;
    let count = gathered.len();
    let (directory, place) = (config.store.directory.clone(), destination.clone());
    let also = move |unfinished: &Path| {
        // First check the master key: with a wrong one, the files would be sealed under a key that opens nothing else.
        let damaged = damaged_keys(unfinished, master.clone()).map_err(std::io::Error::other)?;
        Catalog::write(unfinished, &gathered, &master).map_err(std::io::Error::other)?;
        Ok(damaged)
    };
    let copied = tokio::task::spawn_blocking(move || backup::backup(&directory, &place, also)).await?;
    if let Some(damage) = copied.as_ref().err().and_then(BackupError::corruption) {
        let remedy = damage.damaged.remedy().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        let told = format!("nothing was backed up: {damage}{remedy}");
        tell_corruption(&config, vec![damage]).await;
        bail!(told);
    }
    let (manifest, damaged) = copied?;
    print("backed up, verified", &manifest);
    say(format_args!(
        "with {}: the configuration and its certificates, keys and secrets; all files except the configuration are sealed under the master key",
        counted(count, "file")
    ));
    say(format_args!(
        "in {}; the master key is not in it: keep a copy of {} elsewhere, because without it the backup is useless",
        destination.display(),
        config.store.master_key.display()
    ));
    tell_corruption(&config, damaged.iter().map(Corruption::of_key).collect()).await;
    let mut lacks = faults::damaged_keys(&damaged);
    lacks.extend(faults::missing_keys(&manifest.missing_keys));
    lacks.extend(faults::left_out(&left_out));
    whole(&lacks, "the backup was made and is kept, but it is incomplete")
}

impl Verify {
    async fn run(self, at: &At) -> anyhow::Result<ExitCode> {
        let source = self.source.clone();
        let manifest = tokio::task::spawn_blocking(move || backup::verify(&source)).await??;
        let catalog = Catalog::read(&self.source)?;
        let files = catalog.as_ref().map(|catalog| catalog.stored(&self.source)).transpose()?.map(|files| files.len());
        let configured = || at.load().ok().map(|config| config.store.master_key).filter(|path| path.is_file());
        let Some(path) = self.master_key.or_else(configured) else {
            print("sound as far as can be checked without the master key", &manifest);
            say_files(files, "unchanged; the master key to open them is missing: specify it with --master-key");
            say("for the same reason, the keys were not opened");
            return whole(&faults::missing_keys(&manifest.missing_keys), "the backup is not sound");
        };
        let master = MasterKey::read_file(&path)?;
        catalog.map(|catalog| catalog.open(&self.source, &master)).transpose()?;
        let source = self.source.clone();
        let damaged = tokio::task::spawn_blocking(move || damaged_keys(&source, master)).await??;
        let mut lacks = faults::damaged_keys(&damaged);
        lacks.extend(faults::missing_keys(&manifest.missing_keys));
        print(if lacks.is_empty() { "sound" } else { "read" }, &manifest);
        say_files(files, &format!("each opened with {}", path.display()));
        whole(&lacks, "the backup is not sound; everything that is not listed here can be restored from it")
    }
}

fn say_files(files: Option<usize>, how: &str) {
    match files {
        Some(files) => say(format_args!("{}, {how}", counted(files, "file"))),
        None => say(
            "only log and keys, as made by earlier versions: configuration, certificates and their keys are not included",
        ),
    }
}

// Returns an error with one line per fault, for a command that otherwise did its work.
fn whole(faults: &[String], otherwise: &str) -> anyhow::Result<ExitCode> {
    if faults.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    bail!("{otherwise}:\n  {}", faults.join("\n  "))
}

#[derive(Args)]
pub(crate) struct Restore {
    /// The directory that `muster backup` created.
    source: PathBuf,
    /// The master key, if it is not yet at the path that the configuration names. It is copied there.
    #[arg(long)]
    master_key: Option<PathBuf>,
    #[command(flatten)]
    at: At,
}

impl Restore {
    /// Restores into the store directory of the configuration, which must not contain a log yet. If there is no
    /// configuration, the one in the backup is used. Missing files are restored; existing files stay. The keys must
    /// belong to the log; this is checked before the log is restored.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        backup::read_manifest(&self.source)?;
        let catalog = Catalog::read(&self.source)?;
        let config = self.config(catalog.as_ref())?;
        backup::expect_no_log(&config.store.directory).context("nothing was restored")?;
        let (master, place) = self.master_key(&config)?;
        let files = catalog.as_ref().map(|catalog| catalog.open(&self.source, &master)).transpose();
        let files = files.context("nothing was restored")?.unwrap_or_default();
        let home = std::path::absolute(&self.at.config)?;
        if let Some(place) = &place {
            copy_master_key(&master, place)?;
        }
        let put_back = installation_files::put_back(&files, home.parent().unwrap_or(Path::new("/")))
            .inspect_err(|_| installation_files::take_away(place.as_slice()))
            .context("nothing was restored")?;
        let written: Vec<PathBuf> = put_back.written.iter().cloned().chain(place).collect();
        let restored = self.log(&config, master).await.inspect_err(|_| installation_files::take_away(&written));
        let (manifest, damaged) = restored.context("nothing was restored")?;
        print("restored, verified", &manifest);
        written.iter().for_each(|path| say(format_args!("restored {}", visible_path(path))));
        if catalog.is_none() {
            say(
                "the backup contains only the log and the keys: configuration, certificates and their keys must already exist",
            );
        }
        say("next: `muster check-config`, then `muster serve`, which rebuilds the projections");
        let mut differ = faults::damaged_keys(&damaged);
        differ.extend(faults::missing_keys(&manifest.missing_keys));
        differ.extend(faults::kept(&put_back.kept));
        whole(
            &differ,
            "log and keys were restored, but some data differs from the installation at the time of the backup",
        )
    }

    // Also returns the keys that are damaged in the backup.
    async fn log(&self, config: &Config, master: MasterKey) -> anyhow::Result<(Manifest, Vec<KeyName>)> {
        check_keys_of(&self.source, config).await?;
        let (source, directory) = (self.source.clone(), config.store.directory.clone());
        let restore = move || {
            let damaged = damaged_keys(&source, master)?;
            Ok((backup::restore(&source, &directory, || clear(&directory))?, damaged))
        };
        tokio::task::spawn_blocking(restore).await?
    }

    fn config(&self, catalog: Option<&Catalog>) -> anyhow::Result<Config> {
        match catalog {
            Some(catalog) if !self.at.config.exists() => {
                let home = std::path::absolute(&self.at.config)?;
                let text = String::from_utf8(catalog.configuration(&self.source)?)?;
                Ok(Config::parse(&text, home.parent().unwrap_or(Path::new("/")))?)
            }
            _ => self.at.load(),
        }
    }

    // Also returns the path to copy the key to, if it is not there yet.
    fn master_key(&self, config: &Config) -> anyhow::Result<(MasterKey, Option<PathBuf>)> {
        let place = &config.store.master_key;
        match &self.master_key {
            Some(given) if place.exists() => {
                let (there, given_key) = (MasterKey::read_file(place)?, MasterKey::read_file(given)?);
                if there.fingerprint() != given_key.fingerprint() {
                    bail!(
                        "{} already exists and is not the master key in {}: omit --master-key if the existing file is correct, otherwise move it away",
                        place.display(),
                        given.display()
                    );
                }
                Ok((there, None))
            }
            Some(given) => Ok((MasterKey::read_file(given)?, Some(place.clone()))),
            None if !place.exists() => bail!(
                "there is no master key at {}: a backup does not contain it. Put your copy there, or specify it with --master-key",
                place.display()
            ),
            None => Ok((MasterKey::read_file(place)?, None)),
        }
    }
}

fn copy_master_key(master: &MasterKey, place: &Path) -> anyhow::Result<()> {
    if let Some(parent) = place.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    Ok(master.write_file(place)?)
}

// The projections come from a different log. From their position, events of this log would be skipped.
fn clear(directory: &Path) -> std::io::Result<()> {
    projections::remove(directory)
}

fn print(what: &str, manifest: &Manifest) {
    let Manifest { events, streams, keys, .. } = manifest;
    let [events, streams, keys] =
        [(events, "event"), (streams, "stream"), (keys, "key")].map(|(number, noun)| counted(*number, noun));
    say(format_args!("{what}: {events} in {streams}, {keys}"));
}
