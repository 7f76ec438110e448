//! `muster replay`: builds projections again from the log, through the running server or without one, or ahead of an
//! upgrade.

use super::{At, say};
use crate::app::App;
use crate::app::assemble::read_log;
use crate::config::Config;
use crate::server::command_socket;
use crate::server::command_socket::replay::{Replayed, progress, replay};
use anyhow::bail;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use plural::counted;
use projections::{Building, build_ahead};
use std::process::ExitCode;
use std::time::Duration;
use world::World;

#[derive(Args)]
pub(crate) struct Replay {
    /// The projections to build again, such as `devices` or `audit`. Without a name, all.
    names: Vec<String>,
    /// Before an upgrade, with the new program while the old one still serves: build what the new one needs, so that no
    /// page has to wait for it.
    #[arg(long, conflicts_with = "names")]
    ahead: bool,
    #[command(flatten)]
    at: At,
}

impl Replay {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.at.load()?;
        let bar = ProgressBar::new(1);
        let style = "{wide_bar} {percent} % of the log, {eta} left";
        bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
        let tell = |reached: u64, of: u64| {
            bar.set_length(of);
            bar.set_position(reached);
        };
        if self.ahead {
            return ahead(&config, tell).await.inspect(|_| bar.finish_and_clear());
        }
        let replayed = match command_socket::connect(&config.store.directory).await {
            Some(server) => server.replay(self.names, tell).await?,
            None => {
                let app = App::open(config, World::system()).await?;
                alone(&app, &self.names, tell).await?
            }
        };
        bar.finish_and_clear();
        report(&replayed)
    }
}

async fn ahead(config: &Config, tell: impl Fn(u64, u64)) -> anyhow::Result<ExitCode> {
    let log = read_log(config)?;
    let built = build_ahead(&config.store.directory, &log, tell).await?;
    match &built[..] {
        [] => say("there is nothing to build: each projection has a file of this version of the program"),
        built => say(format_args!("built ahead: {}; restart the server with this program now", built.join(", "))),
    }
    Ok(ExitCode::SUCCESS)
}

async fn alone(app: &App, names: &[String], tell: impl Fn(u64, u64)) -> anyhow::Result<Replayed> {
    let work = replay(app, names);
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done.map_err(anyhow::Error::msg),
            () = tokio::time::sleep(Duration::from_millis(200)) => {
                if let Some(Building { reached, of }) = progress(&app.platform.projections) {
                    tell(reached, of);
                }
            }
        }
    }
}

fn report(replayed: &Replayed) -> anyhow::Result<ExitCode> {
    say(format_args!("{} folded", counted(replayed.events, "event")));
    match &replayed.changed {
        Some(tables) if tables.is_empty() => say("the projections have the same rows as before"),
        Some(tables) => say(format_args!("the projections differ from before in: {}", tables.join(", "))),
        None => say(
            "the projections before the replay had read only a part of the log, so they were not compared with the new ones",
        ),
    }
    if !replayed.failed.is_empty() {
        bail!("{}; the rows of before are kept", replayed.failed.join("; "));
    }
    Ok(ExitCode::SUCCESS)
}
