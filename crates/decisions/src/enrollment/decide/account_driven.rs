//! Decides who may enroll a device that is enrolled from Settings.

use super::super::Policy;
use events::enrollment::{Access, EnrollmentMode, EnrollmentRefusal, Ownership};

/// Returns why this person may not enroll a device by account. `devices`: the number of their devices.
pub(super) fn refusal(
    mode: EnrollmentMode,
    access: Option<&Access>,
    devices: u64,
    policy: &Policy,
) -> Option<EnrollmentRefusal> {
    if access.is_some_and(|access| !access.untold.is_empty()) {
        return Some(EnrollmentRefusal::AccessUnknown);
    }
    if !policy.offered.contains(&mode.ownership()) || !permits(mode, access) {
        return Some(EnrollmentRefusal::NotPermitted);
    }
    let most = access?.devices_per_person?;
    (devices >= u64::from(most)).then_some(EnrollmentRefusal::TooManyDevices)
}

/// Returns whether the access rules permit the mode. A person who may not enroll institutional devices at the portal
/// may not enroll one by account either.
pub(super) fn permits(mode: EnrollmentMode, access: Option<&Access>) -> bool {
    access.is_none_or(|access| {
        access.account_driven && (mode == EnrollmentMode::Byod || access.offered.contains(&Ownership::Institutional))
    })
}
