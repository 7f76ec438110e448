//! The way that begins in Settings, and the person of an enrolled device who signs in once more.

use super::super::{Entry, MachineInformation, Policy, Refusal, SignedIn, Visit, told};
use events::Timestamp;
use events::enrollment::{
    Access, EnrollmentEvent, EnrollmentMode, EnrollmentRefusal, Ownership, Refresh, SecretHash, SignInAgainReason,
    SignInRefusal,
};

/// Why this person may not enroll a device of theirs by account; `devices`: how many they have.
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

// Who may not enroll an institutional device at the portal may not have one by account either.
fn permits(mode: EnrollmentMode, access: Option<&Access>) -> bool {
    access.is_none_or(|access| {
        access.account_driven && (mode == EnrollmentMode::Byod || access.offered.contains(&Ownership::Institutional))
    })
}

/// The same person, and still permitted: the device may be handed another token. Anybody else is told no, and the device
/// goes on asking.
pub(super) fn sign_in_again(
    visit: &Visit,
    signed_in: &SignedIn,
    session: &SecretHash,
    entry: &Entry,
) -> Vec<EnrollmentEvent> {
    let refused = |reason| {
        let account = Some(signed_in.account.clone());
        let refusal = EnrollmentEvent::SignInRefused { method: signed_in.method, reason, account, name: None };
        if told::is_news(visit, reason, &signed_in.account) { vec![refusal] } else { vec![] }
    };
    if visit.owner().map(|owner| owner.person) != Some(signed_in.person) {
        return refused(SignInRefusal::AnotherPerson);
    }
    let access = match entry {
        Entry::Oneself(admission) => admission.access.as_ref(),
        Entry::AskForWhom { .. } => visit.access.as_ref(),
    };
    if !visit.account_driven.is_some_and(|mode| permits(mode, access)) {
        return refused(SignInRefusal::NotEntitled);
    }
    vec![EnrollmentEvent::UserSignedInAgain { method: signed_in.method, session: session.clone() }]
}

/// A code is good once.
pub(super) fn redeem(
    visit: &Visit,
    code: &SecretHash,
    token: &SecretHash,
    refresh_token: &SecretHash,
    now: Timestamp,
) -> Result<Vec<EnrollmentEvent>, Refusal> {
    if !visit.redeems(code, now) {
        return Err(Refusal::InvalidGrant);
    }
    let refresh = Refresh { refresh_token: refresh_token.clone(), code: code.clone() };
    Ok(vec![EnrollmentEvent::AccessTokenIssued { token: token.clone(), issued: now, refresh: Some(refresh) }])
}

/// A refresh token is good again and again: a device that lost the answer asks once more.
pub(super) fn refresh(
    visit: &Visit,
    refresh_token: &SecretHash,
    token: &SecretHash,
    now: Timestamp,
    last_for_days: Option<u32>,
) -> Result<Vec<EnrollmentEvent>, Refusal> {
    if !visit.refreshes(refresh_token, now, last_for_days) {
        return Err(Refusal::InvalidGrant);
    }
    let (token, refresh_token) = (token.clone(), refresh_token.clone());
    Ok(vec![EnrollmentEvent::AccessTokenRefreshed { token, issued: now, refresh_token }])
}

/// A device says the same with each try; it is written down once.
pub(super) fn receive(visit: &Visit, machine: &MachineInformation) -> Option<EnrollmentEvent> {
    let MachineInformation { signature, product, build_version, os_version } = machine.clone();
    (visit.machine.as_ref() != Some(machine)).then_some(EnrollmentEvent::MachineInformationReceived {
        signature,
        product,
        build_version,
        os_version,
    })
}

/// Once, until they have signed in: a device that waits for its person comes again and again.
pub(super) fn ask_to_sign_in_again(
    visit: &Visit,
    why: SignInAgainReason,
    device_enrolled: bool,
) -> Option<EnrollmentEvent> {
    let asks = device_enrolled && visit.account_driven.is_some() && visit.sign_in_again.is_none();
    asks.then_some(EnrollmentEvent::SignInAgainAsked { why })
}
