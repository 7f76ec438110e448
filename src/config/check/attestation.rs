//! Checks additional attestation roots. They are for tests; anywhere else they cause a warning.

use super::devices;
use crate::config::PkiFiles;
use findings::Finding;

pub(crate) fn check(pki: &PkiFiles) -> Vec<Finding> {
    let about = "pki.attestation_roots";
    let mut findings = devices::certificates(about, &pki.attestation_roots);
    if !pki.attestation_roots.is_empty() {
        let wrong = "hardware attestations are trusted from roots other than Apple's: a holder of such a root's key can end the \
                     management of any device by an enrollment that claims its UDID";
        let mend = "remove this setting: it is only for tests with simulated devices";
        findings.push(Finding::warning("attestation-roots-set", about, wrong, mend));
    }
    findings
}
