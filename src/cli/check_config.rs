//! `muster check-config`.

mod live;

use super::{At, say};
use crate::app::assemble::{check, check_keys_of, read_log};
use crate::app::public_url::{self, Addresses};
use crate::config::check::{SETTINGS_DO_NOT_FIT, stops_serve};
use crate::config::{Config, ConfigError};
use clap::Args;
use devices::push_topics;
use events::settings::Settings;
use findings::{Finding, Severity};
use pki::Pki;
use plural::counted;
use std::process::ExitCode;
use world::World;

#[derive(Args)]
pub(crate) struct CheckConfig {
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
    /// Connect to public_url and devices.url as devices do, through the proxy if there is one; query the directories
    /// (bind, search, group lookup), the identity providers (metadata, keys, client secret) and the mail server (EHLO,
    /// TLS, authentication; no mail is sent). The exit code is 1 if any of these has a problem, even if it is only a
    /// warning.
    #[arg(long)]
    live: bool,
    /// Look up this user and the user's groups in the directories.
    #[arg(long, value_name = "NAME", requires = "live")]
    live_user: Option<String>,
    #[command(flatten)]
    at: At,
}

impl CheckConfig {
    /// Exit code 1 if there is an error, or if a live check found a problem. `reference::tables` has the same text.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let (mut findings, config) = match Config::load(&self.at.config) {
            Ok(config) => (found(&config).await, Some(config)),
            // With --json, errors are printed as JSON too.
            Err(error) if self.json => (vec![unreadable(&error)], None),
            Err(error) => return Err(error.into()),
        };
        // Findings at a live address do not prevent the server from starting.
        let starts = !findings.iter().any(stops_serve);
        let mut all_do = true;
        let mut address_refused = false;
        if let Some(config) = config.filter(|_| self.live) {
            for step in live::steps(&config, settings_in_force(&config).await.as_ref(), self.live_user.as_deref()).await
            {
                match step {
                    Ok(told) if self.json => drop(told),
                    Ok(told) => say(told),
                    Err(finding) => {
                        all_do = false;
                        address_refused |= finding.severity == Severity::Error;
                        findings.push(finding);
                    }
                }
            }
        }
        if self.json {
            say(serde_json::to_string_pretty(&findings)?);
        } else {
            print(&findings, starts, address_refused);
        }
        let fatal = findings.iter().any(|finding| finding.severity == Severity::Error);
        Ok(if fatal || !all_do { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

async fn found(config: &Config) -> Vec<Finding> {
    let mut findings = check(config, World::system().now());
    // Compared only if every file can be read.
    if !findings.iter().any(stops_serve)
        && let Err(error) = check_keys_of(&config.store.directory, config).await
    {
        let mend =
            "correct the path, or restore the file from its backup: the server does not start with a different one";
        findings.insert(0, Finding::error("keys-not-of-the-log", "store.directory", error.to_string(), mend));
    }
    // A change of public_url also affects the certificate and the devices' address, so these findings are shown
    // together.
    findings.splice(0..0, lost(config).await);
    findings.extend(deaf(config).await);
    findings.extend(unfit_settings(config).await);
    findings
}

/// Finds names in the current settings that the configuration does not have, such as a renamed provider: no one can
/// sign in there, and access rules for its people are skipped.
async fn unfit_settings(config: &Config) -> Vec<Finding> {
    let Some(settings) = settings_in_force(config).await else { return vec![] };
    let mend = "restore the provider's name in muster.toml, or change the settings: `muster settings show`, then \
                `muster settings apply`";
    let finding = |wrong| Finding::error(SETTINGS_DO_NOT_FIT, "settings", wrong, mend);
    settings::unknown_providers(&settings, &config.identity).into_iter().map(finding).collect()
}

/// `None`: the log cannot be read, which another finding reports.
async fn settings_in_force(config: &Config) -> Option<Settings> {
    let log = read_log(config).ok()?;
    Some(settings::stored(&log).await.ok()?.settings)
}

/// Finds devices that use a different server address.
async fn lost(config: &Config) -> Option<Finding> {
    match public_url::examine(&read_log(config).ok()?, config, &[]).await.ok()? {
        Addresses::Known | Addresses::New { .. } => None,
        Addresses::Lost(lost) => Some(lost.finding()),
    }
}

/// Finds devices whose push topic differs from that of the push certificate.
async fn deaf(config: &Config) -> Option<Finding> {
    let topics = push_topics::in_use(&read_log(config).ok()?).await.ok()?;
    let ours = Pki::load(&config.pki, config.push_files()).ok()?.push_topic()?.to_owned();
    let deaf: usize = topics.iter().filter(|(topic, _)| **topic != ours).map(|(_, count)| count).sum();
    (deaf > 0).then(|| {
        let (listen, they) = if deaf == 1 { ("device listens", "it") } else { ("devices listen", "they") };
        let wrong = format!("{deaf} enrolled {listen} to another topic than {ours}: {they} cannot be woken");
        let mend = "restore the certificate with their topic, or renew that one (Renew, not Create, at \
                    https://identity.apple.com/pushcert); `muster push import` lists the topics";
        Finding::warning("push-topic-of-other-devices", "push.certificate", wrong, mend)
    })
}

fn unreadable(error: &ConfigError) -> Finding {
    let mend = "correct the file; `muster init DIRECTORY` creates one with a comment on every field";
    Finding::error("configuration-unreadable", "--config", error.to_string(), mend)
}

fn print(findings: &[Finding], starts: bool, address_refused: bool) {
    for finding in findings {
        say(finding);
    }
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let told = match (starts, errors, warnings) {
        (_, 0, 0) => return say("no problems found"),
        (_, 0, _) => return say(format_args!("the server starts: {}", counted(warnings, "warning"))),
        (false, ..) => "the server does not start",
        (true, ..) if address_refused => "the server starts, but devices refuse what answers at its address",
        (true, ..) => "the server starts, but devices or people cannot use it",
    };
    say(format_args!("{told}: {}, {}", counted(errors, "error"), counted(warnings, "warning")));
}
