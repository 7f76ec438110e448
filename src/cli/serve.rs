//! `muster serve`.

use super::At;
use crate::config::check::Severity;
use crate::server;
use crate::telemetry;
use crate::world::World;
use anyhow::bail;
use clap::Args;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Exit code of a server whose event store failed. A supervisor starts it again; what was acknowledged is in the log.
pub const STORE_FAILED: u8 = 70;
/// After the store failed, requests that wait get this long to be told so.
const LAST_WORDS: Duration = Duration::from_millis(600);

#[derive(Args)]
pub struct Serve {
    /// Start though `keys.db` is older than the log or gone, and no newer one is left. What the missing keys sealed can never
    /// be read again, and says so.
    #[arg(long)]
    accept_lost_keys: bool,
    #[command(flatten)]
    at: At,
}

impl Serve {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let mut config = self.at.load()?;
        config.store.accept_lost_keys = self.accept_lost_keys;
        telemetry::start(&config.logging).map_err(anyhow::Error::msg)?;
        let world = World::system();
        for finding in crate::app::assemble::check(&config, world.now()) {
            match finding.severity {
                Severity::Error => bail!("{finding}\n(`muster check-config` says all that is wrong)"),
                Severity::Warning => tracing::warn!(about = finding.about, "{}; {}", finding.wrong, finding.mend),
                Severity::Note => tracing::info!(about = finding.about, "{}; {}", finding.wrong, finding.mend),
            }
        }
        // Before anybody is told that we serve: who hears it may ask us to stop at once.
        let mut terminate = signal(SignalKind::terminate())?;
        let running = server::start(config, world).await?;
        super::say(format_args!("serving {} (listening on {})", running.app.config.server.public_url, running.address));
        let health = running.app.health.clone();
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
            why = health.failed() => {
                running.abort(LAST_WORDS).await;
                super::complain(&anyhow::anyhow!("the event store failed: {why}; stopped, so that nothing is promised that is not kept"));
                return Ok(ExitCode::from(STORE_FAILED));
            }
        }
        running.stop().await;
        Ok(ExitCode::SUCCESS)
    }
}
