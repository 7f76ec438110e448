//! `muster replay`: builds projections again from the log, through the running server or without one.

use super::{At, say};
use crate::app::App;
use crate::server::command_socket;
use crate::server::command_socket::replay::{Replayed, progress, replay};
use anyhow::bail;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use plural::counted;
use projections::Building;
use std::process::ExitCode;
use std::time::Duration;
use world::World;

#[derive(Args)]
pub(crate) struct Replay {
    /// The projections to build again, such as `devices` or `audit`. Without a name, all.
    names: Vec<String>,
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
