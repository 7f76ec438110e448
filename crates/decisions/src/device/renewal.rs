//! Renewal of a device's identity. The enrollment profile is sent again, and the device gets another certificate with
//! its challenge. It sends `Authenticate` and `TokenUpdate` with the new certificate and uses it from then on. If any
//! step fails, the device returns to its earlier identity (Apple, "Deploying MDM enrollment profiles").
//!
//! At most one renewal is pending. A re-enrollment is never confused with a renewal: its certificate is recorded in
//! `IdentityIssued`, that of a renewal in `IdentityRenewed`.

use super::{Device, Phase};
use events::Timestamp;
use events::device::CommandId;
use events::enrollment::{IssuedCertificate, SecretHash};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// The latest renewal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Renewal {
    /// The `InstallProfile` command with the enrollment profile.
    pub command: CommandId,
    pub challenge: SecretHash,
    pub challenge_expires: Timestamp,
    /// The certificate issued for the challenge.
    pub identity: Option<IssuedCertificate>,
    /// Whether the renewal has ended, successfully or not.
    pub over: bool,
}

impl Device {
    /// Returns the pending renewal.
    pub(crate) fn renewal_under_way(&self) -> Option<&Renewal> {
        self.renewal.as_ref().filter(|renewal| !renewal.over)
    }

    /// Returns whether this certificate was issued by a renewal.
    pub fn is_renewed(&self, certificate: &str) -> bool {
        self.renewed.iter().any(|renewed| renewed.fingerprint == certificate)
    }

    /// Returns whether this certificate is not the one in use. False while a renewal is pending: then the renewal
    /// itself determines the certificate in use.
    pub fn speaks_otherwise_with(&self, certificate: &str) -> bool {
        self.turn(certificate).is_some_and(|turn| turn != Ordering::Equal)
    }

    /// Compares this certificate with the one in use. `Greater`: a later one; `Less`: an earlier one.
    pub(super) fn turn(&self, certificate: &str) -> Option<Ordering> {
        let settled = self.phase == Phase::Enrolled && self.renewal_under_way().is_none();
        let in_use = self.in_use.as_deref().or(self.certificate.as_deref())?;
        settled.then_some(self.age(certificate)?.cmp(&self.age(in_use)?))
    }

    // 0: the certificate of the enrollment; then the certificates of the renewals, in order.
    fn age(&self, certificate: &str) -> Option<usize> {
        let renewed = self.renewed.iter().rposition(|renewed| renewed.fingerprint == certificate);
        renewed.map(|nth| nth + 1).or((self.certificate.as_deref() == Some(certificate)).then_some(0))
    }

    /// Returns whether `Authenticate` with this certificate continues the existing enrollment: the device installs its
    /// profile again, or returns to its earlier one. A new enrollment has a new certificate.
    pub(crate) fn goes_on_with(&self, certificate: &str) -> bool {
        self.phase == Phase::Enrolled && self.age(certificate).is_some()
    }
}
