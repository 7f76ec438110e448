//! Checks that the device CA files are readable. An expired CA, such as Apple's own, is not a finding.

use crate::config::Devices;
use findings::Finding;
use findings::files;
use openssl::x509::X509;
use std::path::PathBuf;
use world::regular_file;

pub(crate) fn check(devices: &Devices) -> Vec<Finding> {
    certificates("devices.device_ca_certificates", &devices.device_ca_certificates)
}

/// Checks that each of these files contains a certificate.
pub(super) fn certificates(about: &str, files: &[PathBuf]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in files {
        let pem = match regular_file::read(path) {
            Ok(pem) => pem,
            Err(_) => {
                findings.extend(files::missing(about, path));
                continue;
            }
        };
        if !X509::stack_from_pem(&pem).is_ok_and(|found| !found.is_empty()) {
            let wrong = format!("there is no certificate in {}", path.display());
            let mend = "use a PEM file: it begins with -----BEGIN CERTIFICATE-----";
            findings.push(Finding::error("not-a-certificate", about, wrong, mend));
        }
    }
    findings
}
