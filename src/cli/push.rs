//! `muster push …`: getting, renewing and installing the certificate that wakes devices.

mod import;
mod request;

use crate::config::Config;
use clap::Subcommand;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where Apple makes push certificates.
const PORTAL: &str = "https://identity.apple.com/pushcert";

#[derive(Subcommand)]
pub enum Push {
    /// Make a key and a request for a push certificate, new or to renew one; says who has to sign it.
    Request(request::Request),
    /// Check a push certificate that Apple's portal gave, and install it.
    Import(import::Import),
}

impl Push {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Push::Request(command) => command.run(),
            Push::Import(command) => command.run().await,
        }
    }
}

/// Files of a request that is under way, beside the configuration.
struct Pending {
    directory: PathBuf,
}

impl Pending {
    fn beside(config: &Path) -> anyhow::Result<Pending> {
        Ok(Pending { directory: home(config)?.join("pki/push-request") })
    }

    /// Never leaves this machine.
    fn key(&self) -> PathBuf {
        self.directory.join("push.key")
    }

    /// For whoever signs.
    fn request(&self) -> PathBuf {
        self.directory.join("push.csr")
    }

    /// For Apple's portal.
    fn for_portal(&self) -> PathBuf {
        self.directory.join("push-for-apple.txt")
    }
}

/// The directory of the configuration file.
fn home(config: &Path) -> anyhow::Result<PathBuf> {
    Ok(std::path::absolute(config)?.parent().unwrap_or(Path::new("/")).to_owned())
}

/// Where certificate and key are, or would be.
fn installed_at(config: &Config, home: &Path) -> (PathBuf, PathBuf) {
    let or = |given: &Option<PathBuf>, otherwise: &str| given.clone().unwrap_or_else(|| home.join(otherwise));
    (or(&config.push.certificate, "pki/push.pem"), or(&config.push.key, "pki/push.key"))
}

/// A day as people write it, such as 3 March 2027.
fn day(unix: i64) -> String {
    let Ok(at) = time::OffsetDateTime::from_unix_timestamp(unix) else { return "a day beyond reckoning".into() };
    format!("{} {} {}", at.day(), at.month(), at.year())
}
