//! What is wrong with a configuration and how to mend it, without starting anything.

mod attestation;
pub mod certificates;
mod devices;
mod files;
pub mod push;
mod server;
#[cfg(test)]
mod tests;
pub mod tls;

use super::Config;
use certificates::Reading;
use events::Timestamp;
use findings::{Finding, Severity};

/// The settings in force name what the configuration does not have.
pub const SETTINGS_DO_NOT_FIT: &str = "settings-do-not-fit";

/// Whether `serve` refuses to start with it. It starts, with an alarm, if the TLS certificate alone is at fault, and where only
/// the settings have to be changed, which takes a server.
pub fn stops_serve(finding: &Finding) -> bool {
    let starts =
        finding.code == SETTINGS_DO_NOT_FIT || tls::ALARMING.contains(&finding.code) || is_of_one_provider(finding);
    finding.severity == Severity::Error && !starts
}

/// An identity provider cannot be used: the others, and everything else, can.
pub fn is_of_one_provider(finding: &Finding) -> bool {
    ["identity.openid_connect.", "identity.saml."].iter().any(|about| finding.about.starts_with(about))
}

/// Everything that can be found, the worst first.
pub fn check(config: &Config, now: Timestamp) -> Vec<Finding> {
    let reading = Reading::of(config);
    let mut findings = server::check(config);
    findings.extend(telemetry::check(&config.logging));
    findings.extend(files::check(config));
    findings.extend(devices::check(&config.devices));
    findings.extend(attestation::check(&config.pki));
    findings.extend(identity::check::check(&config.identity, &config.server.public_url));
    findings.extend(certificates::check(config, &reading, now));
    findings.extend(tls::check(config, &reading, &tls::public_roots()));
    // A file that is missing or no certificate has its own finding.
    if !findings.iter().any(|found| stops_serve(found) && found.about.starts_with("pki.tls_")) {
        findings.extend(tls::refused(&config.pki));
    }
    findings.sort_by_key(|finding| finding.severity);
    findings
}
