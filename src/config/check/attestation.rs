//! Further roots of attestations: for tests, and worth a warning anywhere else.

use super::devices;
use crate::config::PkiFiles;
use findings::Finding;

pub fn check(pki: &PkiFiles) -> Vec<Finding> {
    let about = "pki.attestation_roots";
    let mut findings = devices::certificates(about, &pki.attestation_roots);
    if !pki.attestation_roots.is_empty() {
        let wrong = "attestations of hardware are trusted from other roots than Apple's: whoever has the key of one can end the \
                     management of any device by an enrollment that claims its UDID";
        let mend = "leave it out: it is for tests with simulated devices";
        findings.push(Finding::warning("attestation-roots-set", about, wrong, mend));
    }
    findings
}
