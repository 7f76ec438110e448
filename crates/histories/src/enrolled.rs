//! Devices of the population as the server knows them.

use crate::dice::Dice;
use crate::phone::Phone;
use crate::who::Who;
use events::device::DeviceId;
use events::enrollment::{EnrollmentKind, OsVersion};
use population::{Enrolled, Kind, Way};
use std::sync::Arc;

/// Seconds of a visit before the device is enrolled.
pub(crate) const VISIT: i64 = 420;

/// The device of an enrollment, which is complete at `time`, in seconds since 1970.
pub(crate) fn phone(seed: u64, time: i64, enrolled: &Enrolled, owner: Arc<Who>, until: i64) -> Phone {
    let mut dice = Dice::of(&[seed, 78, u64::from(enrolled.enrollment.0)]);
    let device = DeviceId(dice.uuid_at((time - VISIT) * 1_000_000));
    let kind = match enrolled.kind {
        Kind::Device => EnrollmentKind::DeviceEnrollment,
        Kind::User => EnrollmentKind::UserEnrollment,
    };
    let by_account = enrolled.way == Way::Account;
    let hardware = enrolled.hardware.as_ref().map(|hardware| (hardware.serial.clone(), hardware.udid.clone()));
    let (product, os) = match dice.below(12) {
        0 if !by_account => old(&mut dice, enrolled.model.starts_with("iPad")),
        _ => (enrolled.model, version(enrolled.os)),
    };
    Phone { seed, device, owner, kind, by_account, product, os, hardware, enrolled: time, until }
}

// The population has no devices that are older than iOS 15.
fn old(dice: &mut Dice, is_tablet: bool) -> (&'static str, OsVersion) {
    let minor = dice.below(7) as u16;
    match (is_tablet, dice.below(3)) {
        (true, _) => ("iPad7,5", OsVersion::new(14 + minor % 2, minor)),
        (false, 0) => ("iPhone8,1", OsVersion::new(13, 1 + minor)),
        (false, 1) => ("iPhone8,1", OsVersion::new(14, minor)),
        (false, _) => ("iPhone9,3", OsVersion::new(15, minor)),
    }
}

/// The version as events have it.
pub(crate) fn version(version: population::OsVersion) -> OsVersion {
    let population::OsVersion { major, minor, patch } = version;
    OsVersion { major: major.into(), minor: minor.into(), patch: patch.into() }
}
