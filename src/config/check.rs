//! What is wrong with a configuration and how to mend it, without starting anything.

mod attestation;
pub mod certificates;
mod devices;
mod directory;
mod files;
mod identity;
mod openid_connect;
pub mod push;
mod server;
#[cfg(test)]
mod tests;
pub mod tls;

use super::{Config, Logging};
use certificates::Reading;
pub use directory::unreadable_secret;
use events::Timestamp;
pub use files::holds_private_key;
use serde::Serialize;
use std::fmt;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The server does not start with it, or devices refuse the server ([`Finding::stops_serve`]).
    Error,
    /// The server starts, but somebody will be stopped by it.
    Warning,
    /// Worth knowing.
    Note,
}

/// The settings in force name what the configuration does not have.
pub const SETTINGS_DO_NOT_FIT: &str = "settings-do-not-fit";

/// One thing that is wrong, or worth knowing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    /// Stable name of this kind of finding, for machines.
    pub code: &'static str,
    /// The key of the configuration it is about, such as `server.public_url`.
    pub about: String,
    pub wrong: String,
    pub mend: String,
}

impl Finding {
    fn new(severity: Severity, code: &'static str, about: &str, wrong: impl Into<String>, mend: &str) -> Finding {
        Finding { severity, code, about: about.into(), wrong: wrong.into(), mend: mend.into() }
    }

    pub fn error(code: &'static str, about: &str, wrong: impl Into<String>, mend: &str) -> Finding {
        Finding::new(Severity::Error, code, about, wrong, mend)
    }

    pub fn warning(code: &'static str, about: &str, wrong: impl Into<String>, mend: &str) -> Finding {
        Finding::new(Severity::Warning, code, about, wrong, mend)
    }

    pub fn note(code: &'static str, about: &str, wrong: impl Into<String>, mend: &str) -> Finding {
        Finding::new(Severity::Note, code, about, wrong, mend)
    }
}

impl Finding {
    /// Whether `serve` refuses to start with it. It starts, with an alarm, if the TLS certificate alone is at fault, and where only
    /// the settings have to be changed, which takes a server.
    pub fn stops_serve(&self) -> bool {
        let starts =
            self.code == SETTINGS_DO_NOT_FIT || tls::ALARMING.contains(&self.code) || self.is_of_one_provider();
        self.severity == Severity::Error && !starts
    }
}

impl Finding {
    /// An identity provider cannot be used: the others, and everything else, can.
    pub fn is_of_one_provider(&self) -> bool {
        ["identity.openid_connect.", "identity.saml."].iter().any(|about| self.about.starts_with(about))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        write!(f, "{severity}: {}: {}\n    {}", self.about, self.wrong, self.mend)
    }
}

fn logging(logging: &Logging) -> Option<Finding> {
    let why = crate::telemetry::filter(logging).err()?;
    let mend = "write \"info\", or a level for each crate, such as \"info,muster=debug\"";
    Some(Finding::error("logging-filter-not-understood", "logging.filter", why, mend))
}

/// Everything that can be found, the worst first.
pub fn check(config: &Config, now: Timestamp) -> Vec<Finding> {
    let reading = Reading::of(config);
    let mut findings = server::check(config);
    findings.extend(logging(&config.logging));
    findings.extend(files::check(config));
    findings.extend(devices::check(&config.devices));
    findings.extend(attestation::check(&config.pki));
    findings.extend(identity::check(&config.identity));
    findings.extend(directory::check(&config.identity.directory));
    findings.extend(openid_connect::check(config));
    findings.extend(certificates::check(config, &reading, now));
    findings.extend(tls::check(config, &reading, &tls::public_roots()));
    // A file that is missing or no certificate has its own finding.
    if !findings.iter().any(|found| found.stops_serve() && found.about.starts_with("pki.tls_")) {
        findings.extend(tls::refused(&config.pki));
    }
    findings.sort_by_key(|finding| finding.severity);
    findings
}
