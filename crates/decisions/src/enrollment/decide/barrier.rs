//! Determines which devices cannot enroll, from what the browser or device reports at the portal. An unknown version or
//! model is not refused here: the device reports the actual values in `Authenticate`.

use super::super::{
    FIRST_ACCOUNT_DRIVEN, FIRST_ACCOUNT_DRIVEN_DEVICE, FIRST_ACCOUNT_DRIVEN_ONLY, FIRST_USER_ENROLLMENT, Policy,
};
use crate::limits;
use events::enrollment::{Access, EnrollmentMode, EnrollmentRefusal, OsVersion, Ownership, Platform};

/// The data that is checked.
#[derive(Clone, Copy)]
pub(super) struct Barrier<'a> {
    pub platform: Platform,
    pub ownership: Ownership,
    /// The mode, if the enrollment began in Settings.
    pub by_account: Option<EnrollmentMode>,
    pub access: Option<&'a Access>,
    pub policy: &'a Policy,
}

pub(super) fn barrier(at: &Barrier<'_>) -> Option<EnrollmentRefusal> {
    let limits = &at.policy.limits;
    if let Some(refusal) = limits::family(limits, at.platform.family) {
        return Some(refusal);
    }
    let version = at.platform.version?;
    let by_mode = match (at.by_account, at.ownership) {
        (Some(EnrollmentMode::Byod), _) => too_old(version, FIRST_ACCOUNT_DRIVEN),
        (Some(EnrollmentMode::Adde), _) => too_old(version, FIRST_ACCOUNT_DRIVEN_DEVICE),
        (None, Ownership::Personal) => too_old(version, FIRST_USER_ENROLLMENT).or_else(|| personal(at, version)),
        (None, Ownership::Institutional) => None,
    };
    by_mode.or_else(|| limits::version(limits, at.ownership, version))
}

fn too_old(version: OsVersion, first: OsVersion) -> Option<EnrollmentRefusal> {
    (version < first).then_some(EnrollmentRefusal::VersionTooOld)
}

// Profile-based User Enrollment is available from iOS 13.1 to 17. People are only directed to Settings if they may
// enroll there.
fn personal(at: &Barrier<'_>, version: OsVersion) -> Option<EnrollmentRefusal> {
    let permitted = at.access.is_none_or(|access| access.account_driven);
    let leads = permitted && at.policy.leads_to_settings(at.platform);
    if version < FIRST_ACCOUNT_DRIVEN_ONLY {
        return (leads && at.policy.account_driven.from_ios_15).then_some(EnrollmentRefusal::AccountDrivenOnly);
    }
    Some(match (leads, permitted) {
        (true, _) => EnrollmentRefusal::AccountDrivenOnly,
        (false, true) => EnrollmentRefusal::AccountDrivenNotOffered,
        (false, false) => EnrollmentRefusal::NotPermitted,
    })
}

impl Policy {
    /// Returns whether a personal device of this platform can enroll from Settings instead.
    pub(super) fn leads_to_settings(&self, platform: Platform) -> bool {
        let offered = self.account_driven.mode(platform.family, &self.offered) == Some(EnrollmentMode::Byod);
        offered && platform.version.is_none_or(|version| version >= FIRST_ACCOUNT_DRIVEN)
    }
}
