//! `muster push …`: requests, renews and installs the push certificate.

mod import;
mod request;

use crate::config::Config;
use clap::Subcommand;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Apple's portal for push certificates.
const PORTAL: &str = "https://identity.apple.com/pushcert";

#[derive(Subcommand)]
pub(crate) enum Push {
    /// Create a key and a request for a new or renewed push certificate, and say who must sign it.
    Request(request::Request),
    /// Check a push certificate from Apple's portal, and install it.
    Import(import::Import),
}

impl Push {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Push::Request(command) => command.run(),
            Push::Import(command) => command.run().await,
        }
    }
}

/// Files of a pending request, next to the configuration.
struct Pending {
    directory: PathBuf,
}

impl Pending {
    fn beside(config: &Path) -> anyhow::Result<Pending> {
        Ok(Pending { directory: home(config)?.join("pki/push-request") })
    }

    /// Returns the path of the private key. It never leaves this machine.
    fn key(&self) -> PathBuf {
        self.directory.join("push.key")
    }

    /// Returns the path of the request for the vendor that signs it.
    fn request(&self) -> PathBuf {
        self.directory.join("push.csr")
    }

    /// Returns the path of the signed request for Apple's portal.
    fn for_portal(&self) -> PathBuf {
        self.directory.join("push-for-apple.txt")
    }
}

/// Returns the directory of the configuration file.
fn home(config: &Path) -> anyhow::Result<PathBuf> {
    Ok(std::path::absolute(config)?.parent().unwrap_or(Path::new("/")).to_owned())
}

/// Paths of the certificate and the key, configured or default.
fn installed_at(config: &Config, home: &Path) -> (PathBuf, PathBuf) {
    let or = |given: &Option<PathBuf>, otherwise: &str| given.clone().unwrap_or_else(|| home.join(otherwise));
    (or(&config.push.certificate, "pki/push.pem"), or(&config.push.key, "pki/push.key"))
}

/// Formats a day for people, such as 3 March 2027.
fn day(unix: i64) -> String {
    let Ok(at) = time::OffsetDateTime::from_unix_timestamp(unix) else { return "a day outside the calendar".into() };
    format!("{} {} {}", at.day(), at.month(), at.year())
}
