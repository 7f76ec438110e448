//! Which devices cannot enroll, by what they say of themselves at the portal. An unknown version or model is not refused
//! here: the device tells the truth at `Authenticate`.

use super::super::{FIRST_ACCOUNT_DRIVEN_ONLY, FIRST_USER_ENROLLMENT};
use crate::enrollment::limits;
use events::enrollment::{Access, EnrollmentRefusal, OsVersion, Ownership, Platform};
use events::settings::Limits;

pub(super) fn barrier(
    platform: Platform,
    ownership: Ownership,
    limits: &Limits,
    access: Option<&Access>,
) -> Option<EnrollmentRefusal> {
    if let Some(refusal) = limits::family(limits, platform.family) {
        return Some(refusal);
    }
    let version = platform.version?;
    mode(ownership, version, access).or_else(|| limits::version(limits, ownership, version))
}

// Profile-based User Enrollment lives from iOS 13.1 to 17 (design §8). Nobody is led to Settings who may not enroll there.
fn mode(ownership: Ownership, version: OsVersion, access: Option<&Access>) -> Option<EnrollmentRefusal> {
    match ownership {
        Ownership::Personal if version < FIRST_USER_ENROLLMENT => Some(EnrollmentRefusal::VersionTooOld),
        Ownership::Personal if version >= FIRST_ACCOUNT_DRIVEN_ONLY => Some(match access {
            Some(access) if !access.account_driven => EnrollmentRefusal::NotPermitted,
            _ => EnrollmentRefusal::AccountDrivenOnly,
        }),
        Ownership::Personal | Ownership::Institutional => None,
    }
}
