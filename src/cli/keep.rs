//! `muster replay`, `muster backup`, `muster restore`.

use super::administer::tell_corruption;
use super::{At, say};
use crate::app::App;
use crate::app::assemble::check_keys_of;
use crate::world::World;
use anyhow::Context as _;
use clap::Args;
use events::store::sqlite::backup::{self, Manifest};
use projections::disposable;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Args)]
pub struct Replay {
    #[command(flatten)]
    at: At,
}

impl Replay {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let app = App::open(self.at.load()?, World::system()).await?;
        let rebuilt = app.projections.rebuild(&app.log).await?;
        say(format_args!("{} events folded", rebuilt.events));
        match rebuilt.changed {
            Some(tables) if tables.is_empty() => say("the same rows as before"),
            Some(tables) => say(format_args!("other rows than before in: {}", tables.join(", "))),
            None => say("what was there before stood at another position"),
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Args)]
pub struct Backup {
    /// A directory that is not there yet, or empty.
    destination: PathBuf,
    #[command(flatten)]
    at: At,
}

impl Backup {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let (config, destination) = (self.at.load()?, self.destination.clone());
        let directory = config.store.directory.clone();
        let copied = tokio::task::spawn_blocking(move || backup::backup(&directory, &destination)).await?;
        if let Err(error) = &copied {
            tell_corruption(&config, error.corruption().into_iter().collect()).await;
        }
        tell("backed up, verified", &copied?);
        say(format_args!(
            "in {}; the master key is not in it: keep a copy of that elsewhere",
            self.destination.display()
        ));
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Args)]
pub struct Restore {
    /// The directory that `muster backup` made.
    source: PathBuf,
    #[command(flatten)]
    at: At,
}

impl Restore {
    /// Into the store directory of the configuration, which holds no log yet. The keys must be those of the log, which
    /// is found out before anything is put there.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let (config, source) = (self.at.load()?, self.source);
        let directory = config.store.directory.clone();
        backup::read_manifest(&source)?;
        check_keys_of(&source, &config).await.context("nothing was restored")?;
        let restore = move || backup::restore(&source, &directory, || clear(&directory));
        let restored = tokio::task::spawn_blocking(restore).await??;
        tell("restored, verified", &restored);
        say("the master key and the certificates are those of this log; `muster serve` builds the projections again");
        Ok(ExitCode::SUCCESS)
    }
}

// Folded from another log: from where it stands, the next events of this one would be skipped.
fn clear(directory: &Path) -> std::io::Result<()> {
    disposable::remove(&directory.join(projections::FILE))
}

fn tell(what: &str, manifest: &Manifest) {
    let Manifest { events, streams, keys, .. } = manifest;
    say(format_args!("{what}: {events} events in {streams} streams, {keys} keys"));
}
