//! Checks a configuration without starting the server, and says how to correct each finding.

mod attestation;
pub(crate) mod certificates;
mod devices;
mod files;
pub(crate) mod push;
mod reading;
mod server;
#[cfg(test)]
mod tests;
pub(crate) mod tls;

use super::Config;
use events::Timestamp;
use findings::{Finding, Severity};
use reading::Reading;

/// Code of the finding that the current settings name something that the configuration does not have.
pub(crate) const SETTINGS_DO_NOT_FIT: &str = "settings-do-not-fit";

/// Returns whether `serve` refuses to start because of this finding. It does start, with an alarm, if only the TLS
/// certificate is at fault. It also starts if only the settings must be changed, because changing them takes a running
/// server, and if only one identity provider is unusable.
pub(crate) fn stops_serve(finding: &Finding) -> bool {
    let starts =
        finding.code == SETTINGS_DO_NOT_FIT || tls::ALARMING.contains(&finding.code) || is_of_one_provider(finding);
    finding.severity == Severity::Error && !starts
}

/// Returns whether a finding concerns a single identity provider. The other providers and the rest of the server still
/// work.
pub(crate) fn is_of_one_provider(finding: &Finding) -> bool {
    ["identity.openid_connect.", "identity.saml."].iter().any(|about| finding.about.starts_with(about))
}

/// Runs all checks. The most severe findings come first.
pub(crate) fn check(config: &Config, now: Timestamp) -> Vec<Finding> {
    let reading = Reading::of(config);
    let mut findings = server::check(config);
    findings.extend(telemetry::check(&config.logging));
    findings.extend(files::check(config));
    findings.extend(config.mail.iter().flat_map(|mail| mail::check(mail, &config.own_name())));
    findings.extend(devices::check(&config.devices));
    findings.extend(attestation::check(&config.pki));
    findings.extend(identity::check::check(&config.identity, &config.server.public_url));
    findings.extend(certificates::check(config, &reading, now));
    findings.extend(tls::check(config, &reading, &tls::public_roots()));
    // A missing file or one that is not a certificate has its own finding.
    if !findings.iter().any(|found| stops_serve(found) && found.about.starts_with("pki.tls_")) {
        findings.extend(tls::refused(&config.pki));
    }
    findings.sort_by_key(|finding| finding.severity);
    findings
}
