//! `muster status`: shows the state of an installation on one screen.

mod figures;
mod text;

use super::health::reachable;
use super::{At, say};
use crate::app::assemble::read_log;
use crate::config::Config;
use crate::config::check::certificates::days;
use clap::Args;
use figures::Figures;
use identity::ldap::Ldap;
use names::visible::visible;
use openssl::asn1::Asn1Time;
use pki::files;
use reqwest::redirect::Policy;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// Timeout for an answer of the server.
const PATIENCE: Duration = Duration::from_secs(4);
/// Limit for an answer, in bytes: larger than the metrics.
const LONGEST: usize = 4 << 20;

#[derive(Args)]
pub(crate) struct Status {
    /// Print the state as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

/// The state of the installation.
#[derive(Debug, Serialize)]
struct Report {
    server: Server,
    log: Log,
    /// The server's metrics; `None` if it does not answer.
    figures: Option<Figures>,
    push_topic: Option<String>,
    /// The certificates, by purpose.
    certificates: BTreeMap<&'static str, Certificate>,
    /// The trouble of each directory; `None` if it answers.
    directories: BTreeMap<String, Option<String>>,
}

#[derive(Debug, Serialize)]
struct Server {
    address: String,
    answers: bool,
    ready: bool,
    /// The problems that `/readyz` reports.
    problems: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Log {
    /// Position of the newest event, read from the file; `None` if it cannot be read.
    position: Option<u64>,
    /// Size of the database and its write-ahead log, in bytes.
    bytes: u64,
    why: Option<String>,
}

#[derive(Debug, Serialize)]
struct Certificate {
    /// Expiry in OpenSSL's format; `None` if the file cannot be read.
    not_after: Option<String>,
    days_left: Option<i32>,
}

impl Status {
    /// Exit code 1 if the server does not answer or is not ready, a certificate has expired, or a directory does not
    /// answer.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.at.load()?;
        let report = Report::of(&config).await;
        if self.json {
            say(serde_json::to_string_pretty(&report)?);
        } else {
            text::lines(&report).into_iter().for_each(say);
        }
        Ok(if report.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Report {
    async fn of(config: &Config) -> Report {
        let (server, figures) = ask(config).await;
        let mut directories = BTreeMap::new();
        for directory in &config.identity.directory {
            directories.insert(directory.name.clone(), trouble(directory).await);
        }
        Report {
            server,
            log: log(config).await,
            figures,
            push_topic: pki::Pki::load(&config.pki, config.push_files())
                .ok()
                .and_then(|pki| pki.push_topic().map(Into::into)),
            certificates: certificates(config),
            directories,
        }
    }

    fn is_well(&self) -> bool {
        self.server.ready
            && self.certificates.values().all(|certificate| certificate.days_left.is_some_and(|days| days >= 0))
            && self.directories.values().all(Option::is_none)
    }
}

async fn ask(config: &Config) -> (Server, Option<Figures>) {
    let address = reachable(config.server.metrics_listen);
    let mut server = Server { address: address.to_string(), answers: false, ready: false, problems: vec![] };
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().redirect(Policy::none()).build();
    let get = async |path: &str| {
        let answer = client.as_ref().ok()?.get(format!("http://{address}{path}")).send().await.ok()?;
        Some((answer.status().is_success(), text_of(answer).await?))
    };
    // A different program on that port does not report a Muster version.
    let figures =
        get("/metrics").await.map(|(_, text)| Figures::read(&text)).filter(|figures| !figures.version.is_empty());
    if let (Some((ready, told)), Some(_)) = (get("/readyz").await, &figures) {
        (server.answers, server.ready) = (true, ready);
        server.problems = if ready { vec![] } else { told.lines().map(str::to_owned).collect() };
    }
    (server, figures)
}

// Limited in size, since another program may answer. Terminal control characters are escaped.
async fn text_of(mut answer: reqwest::Response) -> Option<String> {
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.ok()? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > LONGEST {
            return None;
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    Some(text.lines().map(|line| visible(line).into_owned()).collect::<Vec<_>>().join("\n"))
}

async fn log(config: &Config) -> Log {
    let size = |ending: &str| {
        let file = format!("{}{ending}", events::store::sqlite::FILE);
        std::fs::metadata(config.store.directory.join(file)).map_or(0, |file| file.len())
    };
    let bytes = size("") + size("-wal");
    let head = match read_log(config) {
        Ok(log) => log.store().head().await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match head {
        Ok(head) => Log { position: head.map(|position| position.0), bytes, why: None },
        Err(why) => Log { position: None, bytes, why: Some(why) },
    }
}

fn certificates(config: &Config) -> BTreeMap<&'static str, Certificate> {
    let pki = &config.pki;
    let all = [
        ("TLS", Some(&pki.tls_certificate)),
        ("TLS root", pki.tls_root.as_ref()),
        ("device identity CA", Some(&pki.identity_ca_certificate)),
        ("SCEP registration authority", Some(&pki.registration_authority_certificate)),
        ("profile signer", Some(&pki.profile_signer_certificate)),
        ("push", config.push.certificate.as_ref()),
    ];
    all.into_iter().filter_map(|(what, path)| Some((what, Certificate::read(path?)))).collect()
}

impl Certificate {
    fn read(path: &Path) -> Certificate {
        let Ok(certificate) = files::certificate(path) else { return Certificate { not_after: None, days_left: None } };
        let now = Asn1Time::days_from_now(0).ok();
        let days_left = now.and_then(|now| days(&now, certificate.not_after()));
        Certificate { not_after: Some(certificate.not_after().to_string()), days_left }
    }
}

// No user is looked up: it suffices that the service account can bind and search.
async fn trouble(directory: &identity::config::Directory) -> Option<String> {
    match Ldap::load(directory) {
        Ok(ldap) => ldap
            .live_check(None)
            .await
            .into_iter()
            .find_map(|step| step.outcome.err())
            .map(|trouble| trouble.to_string()),
        Err(why) => Some(why),
    }
}
