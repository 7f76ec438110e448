//! Certificates of devices.

use crate::phone::Phone;
use crate::scene::{SECOND, Scene};
use events::Timestamp;
use events::enrollment::IssuedCertificate;
use population::DAY;

/// How long an identity is valid, in days.
pub(crate) const IDENTITY_DAYS: i64 = 1_095;

/// The certificate with this number of a device.
pub(crate) fn identity(scene: &mut Scene, phone: &Phone, nth: u64, days: i64) -> IssuedCertificate {
    let mut dice = phone.dice(1_000 + nth);
    let second = scene.at.div_euclid(SECOND) * SECOND;
    IssuedCertificate {
        certificate: format!("MIIDwDCCAqigAwIBAgIQ{}", dice.base64::<951>()),
        serial: dice.hash()[..32].to_uppercase(),
        fingerprint: phone.fingerprint(nth),
        key_hash: dice.hash(),
        not_after: Timestamp(second + days * DAY * SECOND),
    }
}

/// The `transactionID` of a SCEP request.
pub(crate) fn transaction(scene: &mut Scene) -> String {
    scene.dice.hash()[..40].to_uppercase()
}
