//! Decisions for enrollments that begin in Settings, and for people of enrolled devices who sign in again.

use super::super::{Enrollment, Entry, MachineInformation, Policy, Refusal, SignedIn, told};
use events::Timestamp;
use events::enrollment::{
    Access, EnrollmentEvent, EnrollmentMode, EnrollmentRefusal, Ownership, Refresh, SecretHash, SignInAgainReason,
    SignInRefusal,
};

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

// A person who may not enroll institutional devices at the portal may not enroll one by account either.
fn permits(mode: EnrollmentMode, access: Option<&Access>) -> bool {
    access.is_none_or(|access| {
        access.account_driven && (mode == EnrollmentMode::Byod || access.offered.contains(&Ownership::Institutional))
    })
}

/// Accepts the repeated sign-in of the same person if they are still permitted; the device can then get another token.
/// Anybody else is refused, and the device keeps asking.
pub(super) fn sign_in_again(
    enrollment: &Enrollment,
    signed_in: &SignedIn,
    session: &SecretHash,
    entry: &Entry,
) -> Vec<EnrollmentEvent> {
    let refused = |reason| {
        let account = Some(signed_in.account.clone());
        let refusal = EnrollmentEvent::SignInRefused { method: signed_in.method, reason, account, name: None };
        if told::is_news(enrollment, reason, &signed_in.account) { vec![refusal] } else { vec![] }
    };
    if enrollment.owner().map(|owner| owner.person) != Some(signed_in.person) {
        return refused(SignInRefusal::AnotherPerson);
    }
    let access = match entry {
        Entry::Oneself(admission) => admission.access.as_ref(),
        Entry::AskForWhom { .. } => enrollment.access.as_ref(),
    };
    if !enrollment.account_driven.is_some_and(|mode| permits(mode, access)) {
        return refused(SignInRefusal::NotEntitled);
    }
    vec![EnrollmentEvent::UserSignedInAgain { method: signed_in.method, session: session.clone() }]
}

/// Redeems a code. It is valid once.
pub(super) fn redeem(
    enrollment: &Enrollment,
    code: &SecretHash,
    token: &SecretHash,
    refresh_token: &SecretHash,
    now: Timestamp,
) -> Result<Vec<EnrollmentEvent>, Refusal> {
    if !enrollment.redeems(code, now) {
        return Err(Refusal::InvalidGrant);
    }
    let refresh = Refresh { refresh_token: refresh_token.clone(), code: code.clone() };
    Ok(vec![EnrollmentEvent::AccessTokenIssued { token: token.clone(), issued: now, refresh: Some(refresh) }])
}

/// Refreshes an access token. A refresh token can be used repeatedly, since a device that lost the response asks again.
pub(super) fn refresh(
    enrollment: &Enrollment,
    refresh_token: &SecretHash,
    token: &SecretHash,
    now: Timestamp,
    last_for_days: Option<u32>,
) -> Result<Vec<EnrollmentEvent>, Refusal> {
    if !enrollment.refreshes(refresh_token, now, last_for_days) {
        return Err(Refusal::InvalidGrant);
    }
    let (token, refresh_token) = (token.clone(), refresh_token.clone());
    Ok(vec![EnrollmentEvent::AccessTokenRefreshed { token, issued: now, refresh_token }])
}

/// Records the device's attributes. A device sends them with each attempt; equal ones are recorded once.
pub(super) fn receive(enrollment: &Enrollment, machine: &MachineInformation) -> Option<EnrollmentEvent> {
    let MachineInformation { signature, product, build_version, os_version } = machine.clone();
    (enrollment.machine.as_ref() != Some(machine)).then_some(EnrollmentEvent::MachineInformationReceived {
        signature,
        product,
        build_version,
        os_version,
    })
}

/// Records that a device asks its person to sign in again. It is recorded once until the sign-in, since a waiting
/// device asks repeatedly.
pub(super) fn ask_to_sign_in_again(
    enrollment: &Enrollment,
    why: SignInAgainReason,
    device_enrolled: bool,
) -> Option<EnrollmentEvent> {
    let asks = device_enrolled && enrollment.account_driven.is_some() && enrollment.sign_in_again.is_none();
    asks.then_some(EnrollmentEvent::SignInAgainAsked { why })
}
