//! Which devices cannot enroll, by what they say of themselves at the portal. An unknown version or model is not refused
//! here: the device tells the truth at `Authenticate`.

use super::super::{FIRST_ACCOUNT_DRIVEN_ONLY, FIRST_USER_ENROLLMENT};
use events::enrollment::{DeviceFamily, EnrollmentRefusal, OsVersion, Ownership, Platform};
use events::settings::{Limits, VersionRange};

pub(super) fn barrier(platform: Platform, ownership: Ownership, limits: &Limits) -> Option<EnrollmentRefusal> {
    if !family_may_enroll(platform.family, limits) {
        return Some(EnrollmentRefusal::ModelNotPermitted);
    }
    let version = platform.version?;
    let range = limits.versions.get(&ownership).copied().unwrap_or_default();
    mode(ownership, version).or_else(|| outside(version, range))
}

// Profile-based User Enrollment lives from iOS 13.1 to 17 (design §8).
fn mode(ownership: Ownership, version: OsVersion) -> Option<EnrollmentRefusal> {
    match ownership {
        Ownership::Personal if version < FIRST_USER_ENROLLMENT => Some(EnrollmentRefusal::VersionTooOld),
        Ownership::Personal if version >= FIRST_ACCOUNT_DRIVEN_ONLY => Some(EnrollmentRefusal::AccountDrivenOnly),
        Ownership::Personal | Ownership::Institutional => None,
    }
}

fn outside(version: OsVersion, range: VersionRange) -> Option<EnrollmentRefusal> {
    if range.minimum.is_some_and(|minimum| version < minimum) {
        Some(EnrollmentRefusal::VersionBelowMinimum)
    } else if range.maximum.is_some_and(|maximum| version > maximum && !within(version, maximum)) {
        Some(EnrollmentRefusal::VersionAboveMaximum)
    } else {
        None
    }
}

// `17` as a maximum means every 17.x, `17.5` every 17.5.x.
fn within(version: OsVersion, maximum: OsVersion) -> bool {
    let minor = maximum.minor == 0 || maximum.minor == version.minor;
    version.major == maximum.major && minor && maximum.patch == 0
}

// The browser tells the family alone; `iPad13,` may still be what is in the visitor's hands.
fn family_may_enroll(family: DeviceFamily, limits: &Limits) -> bool {
    let name = match family {
        DeviceFamily::IPhone => "iPhone",
        DeviceFamily::IPad => "iPad",
    };
    limits.models.is_empty() || limits.models.iter().any(|model| model.starts_with(name) || name.starts_with(model))
}
