//! Devices as the server knows them: one per management relationship.

use crate::dice::Dice;
use crate::scene::Cue;
use crate::who::Who;
use events::device::{DeviceId, DeviceIdentifiers};
use events::enrollment::{DeviceFamily, EnrollmentKind, EnrollmentMode, OsVersion, Ownership, Platform};
use events::{Actor, ActorKind, KeyName, Personal};
use std::sync::Arc;

/// The push topic of the installation.
pub(crate) const TOPIC: &str = "com.apple.mgmt.External.2b5c7389-5fef-44ee-9ead-a758fd4cbe3f";

/// A device in one management relationship.
#[derive(Debug)]
pub(crate) struct Phone {
    pub(crate) seed: u64,
    pub(crate) device: DeviceId,
    pub(crate) owner: Arc<Who>,
    pub(crate) kind: EnrollmentKind,
    /// Enrolled from Settings.
    pub(crate) by_account: bool,
    /// Model identifier.
    pub(crate) product: &'static str,
    /// Version at the enrollment.
    pub(crate) os: OsVersion,
    /// Serial number and UDID, in Device Enrollment.
    pub(crate) hardware: Option<(Arc<str>, Arc<str>)>,
    /// Seconds since 1970.
    pub(crate) enrolled: i64,
    /// When management was removed from the device, or the end of the plan.
    pub(crate) until: i64,
}

impl Phone {
    pub(crate) fn dice(&self, purpose: u64) -> Dice {
        let (high, low) = self.device.0.as_u64_pair();
        Dice::of(&[self.seed, high, low, purpose])
    }

    pub(crate) fn key(&self) -> KeyName {
        self.device.key()
    }

    /// A message of the device, from the address that its person has.
    pub(crate) fn cue(&self, at: i64, dice: &mut Dice) -> Cue {
        let actor = Actor::new(ActorKind::Device, self.device);
        Cue::from(actor, self.owner.address(at, dice), self.owner.key(), self.device.0)
    }

    pub(crate) fn family(&self) -> DeviceFamily {
        if self.product.starts_with("iPad") { DeviceFamily::IPad } else { DeviceFamily::IPhone }
    }

    pub(crate) fn platform(&self) -> Platform {
        // From iOS 26 on, Safari no longer tells the version.
        Platform { family: self.family(), version: (self.os.major < 26).then_some(self.os) }
    }

    pub(crate) fn ownership(&self) -> Ownership {
        match self.kind {
            EnrollmentKind::UserEnrollment => Ownership::Personal,
            EnrollmentKind::DeviceEnrollment => Ownership::Institutional,
        }
    }

    pub(crate) fn mode(&self) -> Option<EnrollmentMode> {
        self.by_account.then(|| EnrollmentMode::of(self.ownership()))
    }

    pub(crate) fn identifiers(&self) -> DeviceIdentifiers {
        let sealed = |text: &str| Personal::new(self.owner.key(), text.to_owned());
        match &self.hardware {
            None => DeviceIdentifiers::UserEnrollment {
                enrollment_id: sealed(&self.dice(1).uuid().to_string().to_uppercase()),
            },
            Some((serial, udid)) => DeviceIdentifiers::DeviceEnrollment {
                udid: sealed(udid),
                serial_number: Some(sealed(serial)),
                imei: (self.family() == DeviceFamily::IPhone).then(|| sealed(&imei(&mut self.dice(2)))),
                meid: None,
            },
        }
    }

    /// The name in Settings: half of the people keep the one that iOS gave.
    pub(crate) fn name(&self) -> String {
        let family = self.family().name();
        let first = self.owner.names.full_name.split(' ').next().unwrap_or_default();
        match self.dice(3).below(6) {
            0 | 1 => family.to_owned(),
            2 | 3 => format!("{family} von {first}"),
            4 => format!("{first}’s {family}"),
            _ => format!("{first} {}", self.dice(3).below(100)),
        }
    }

    /// SHA-256 of the certificate with this number, lower-case hex.
    pub(crate) fn fingerprint(&self, nth: u64) -> String {
        self.dice(10 + nth).hash()
    }
}

// Fifteen digits; the first eight name a model.
fn imei(dice: &mut Dice) -> String {
    format!("35{:06} {:06} {}", dice.below(1_000_000), dice.below(1_000_000), dice.below(10))
}

/// The build of a version. The first number is that of Darwin, the letter the minor version.
pub(crate) fn build(os: OsVersion) -> String {
    let darwin = if os.major >= 26 { os.major - 3 } else { os.major + 4 };
    let letter = char::from(b'A' + (os.minor % 26) as u8);
    format!("{darwin}{letter}{}", 79 + os.patch)
}

/// The name of a model in the shop.
pub(crate) fn marketing_name(product: &str) -> &'static str {
    match product {
        "iPhone8,1" => "iPhone 6s",
        "iPhone9,3" => "iPhone 7",
        "iPhone12,1" => "iPhone 11",
        "iPhone12,8" => "iPhone SE (2nd generation)",
        "iPhone13,2" => "iPhone 12",
        "iPhone14,5" => "iPhone 13",
        "iPhone14,6" => "iPhone SE (3rd generation)",
        "iPhone14,7" => "iPhone 14",
        "iPhone15,4" => "iPhone 15",
        "iPhone17,3" => "iPhone 16",
        "iPhone18,3" => "iPhone 17",
        "iPad7,5" => "iPad (6th generation)",
        "iPad12,1" | "iPad12,2" => "iPad (9th generation)",
        "iPad13,18" => "iPad (10th generation)",
        "iPad13,16" => "iPad Air (5th generation)",
        product if product.starts_with("iPad") => "iPad",
        _ => "iPhone",
    }
}
