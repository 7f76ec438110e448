//! `muster serve`.

use super::At;
use crate::app::App;
use crate::app::assemble::read_log;
use crate::app::public_url::{self, Addresses};
use crate::config::check::{is_of_one_provider, stops_serve};
use crate::config::{self, Config};
use crate::server;
use anyhow::bail;
use clap::Args;
use findings::{Finding, Severity};
use platform::held::origin;
use std::process::ExitCode;
use std::time::Duration;
use telemetry::{Alarm, LogFormat};
use tokio::signal::unix::{SignalKind, signal};
use world::World;

/// Exit code of a server whose event store failed. A supervisor restarts it; everything that it acknowledged is in the
/// log.
pub(crate) const STORE_FAILED: u8 = 70;
/// Time that waiting requests get for an error response after the store has failed.
const LAST_WORDS: Duration = Duration::from_millis(600);

#[derive(Args)]
pub(crate) struct Serve {
    /// Start even though `keys.db` is older than the log or missing, if no newer copy is left. Data sealed by the
    /// missing keys can never be read again; the log records which keys are lost.
    #[arg(long)]
    accept_lost_keys: bool,
    /// Start even though `events.db` ends before the position that `keys.db` has recorded: an older copy has replaced
    /// it, and no newer one is left. The events in between are lost; the log records this.
    #[arg(long)]
    accept_older_log: bool,
    /// A former public_url (or devices.url) that enrolled devices still use: confirms that it still leads to this
    /// server. This is recorded, so it is needed only once.
    #[arg(long, value_name = "OLD", value_parser = address_of_devices)]
    accept_public_url: Vec<String>,
    #[command(flatten)]
    at: At,
}

fn address_of_devices(text: &str) -> Result<String, String> {
    let is_address = text.starts_with("https://") && origin(text).is_some();
    is_address
        .then(|| text.to_owned())
        .ok_or_else(|| "write it as a URL, such as https://enroll.example.com".to_owned())
}

impl Serve {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let mut config = self.at.load().inspect_err(|_| {
            // A collector that reads standard error as JSON gets the error as JSON too.
            config::log_format(&self.at.config).into_iter().for_each(telemetry::follow);
        })?;
        config.store.accept_lost_keys = self.accept_lost_keys;
        config.store.accept_older_log = self.accept_older_log;
        telemetry::start(&config.logging).map_err(anyhow::Error::msg)?;
        let world = World::system();
        let (mut alarms, mut stopping) = (Vec::new(), Vec::new());
        for finding in crate::app::assemble::check(&config, world.now()) {
            if stops_serve(&finding) {
                stopping.push(finding);
                continue;
            }
            let Finding { about, wrong, mend, .. } = &finding;
            match finding.severity {
                Severity::Error => {
                    tracing::error!(about, "{wrong}; {mend}");
                    alarms.extend(alarm_of(&finding));
                }
                Severity::Warning => tracing::warn!(about, "{wrong}; {mend}"),
                Severity::Note => tracing::info!(about, "{wrong}; {mend}"),
            }
        }
        if (config.store.accept_lost_keys || config.store.accept_older_log) && stopping.is_empty() {
            // Checked first: without keys the log cannot be read below.
            drop(App::open(config.clone(), world.clone()).await?);
        }
        let addresses = addresses(&config, &self.accept_public_url).await;
        match &addresses {
            Addresses::Lost(lost) => stopping.insert(0, lost.finding()),
            Addresses::Known if !self.accept_public_url.is_empty() => tracing::warn!(
                "--accept-public-url has no effect: the addresses are those of the last start, or were not compared"
            ),
            Addresses::New { unheld, .. } if !unheld.is_empty() => {
                tracing::warn!(addresses = ?unheld, "no enrolled device holds an address that --accept-public-url names");
            }
            Addresses::Known | Addresses::New { .. } => {}
        }
        if !stopping.is_empty() {
            let told: Vec<String> = stopping.iter().map(ToString::to_string).collect();
            bail!("{}\n(`muster check-config` lists all findings)", told.join("\n"));
        }
        // Before the message that the server runs: its reader may stop the server at once.
        let mut terminate = signal(SignalKind::terminate())?;
        let running = server::start(config, world).await?;
        if let Addresses::New { new, old, .. } = addresses {
            running.app.accept_public_url(new, old).await?;
        }
        alarms.into_iter().for_each(|alarm| running.app.platform.metrics.alarm(alarm));
        // With JSON the log line "serving" replaces this output, since a collector may read both streams as one.
        if running.app.config.logging.format == LogFormat::Text {
            let address = running.address;
            super::say(format_args!("serving {} (listening on {address})", running.app.config.server.public_url));
        }
        let health = running.app.platform.health.clone();
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
            why = health.failed() => {
                running.abort(LAST_WORDS).await;
                super::complain(&anyhow::anyhow!("the event store failed: {why}; the server stopped, so that it acknowledges nothing that is not stored"));
                return Ok(ExitCode::from(STORE_FAILED));
            }
        }
        running.stop().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// Returns the alarm for an error with which the server still starts.
// For an unusable provider, the start itself raises the alarm.
fn alarm_of(finding: &Finding) -> Option<Alarm> {
    match finding.code {
        _ if is_of_one_provider(finding) => None,
        "certificate-expired" => Some(Alarm::TlsCertificateExpired),
        _ => Some(Alarm::TlsCertificateUnfit),
    }
}

async fn addresses(config: &Config, accepted: &[String]) -> Addresses {
    // If the log or keys cannot be opened, the start itself reports it, with what to restore.
    let Ok(log) = read_log(config) else { return Addresses::Known };
    public_url::examine(&log, config, accepted).await.unwrap_or_else(|error| {
        // Devices with intact streams are still served.
        tracing::error!(%error, "cannot check whether enrolled devices use a different server address");
        Addresses::Known
    })
}
