//! The step of an enrollment from Settings at which the device gets an access token and requests its profile.

use super::super::{Command, Enrollment, MachineInformation, Refusal};
use super::{Decision, mdm_profile};
use events::Timestamp;
use events::enrollment::{EnrollmentEvent, Refresh, SecretHash};

pub(super) fn decide(enrollment: &Enrollment, command: &Command) -> Option<Decision> {
    let happened = match command {
        Command::IssueAccessToken { token, now } => {
            vec![EnrollmentEvent::AccessTokenIssued { token: token.clone(), issued: *now, refresh: None }]
        }
        Command::IssueAuthorizationCode { code, now } => {
            vec![EnrollmentEvent::AuthorizationCodeIssued { code: code.clone(), issued: *now }]
        }
        Command::ReceiveMachineInformation { machine } => receive(enrollment, machine).into_iter().collect(),
        _ => return grant(enrollment, command).or_else(|| mdm_profile::serve(enrollment, command)),
    };
    Some(Ok(happened))
}

/// Decides the requests of a device at the token endpoint. A device sends them without its person, so they are answered
/// while it waits for a repeated sign-in too.
pub(super) fn grant(enrollment: &Enrollment, command: &Command) -> Option<Decision> {
    match command {
        Command::RedeemCode { code, token, refresh_token, now } => {
            Some(redeem(enrollment, code, token, refresh_token, *now))
        }
        Command::RefreshAccess { refresh_token, token, now, last_for_days } => {
            Some(refresh(enrollment, refresh_token, token, *now, *last_for_days))
        }
        _ => None,
    }
}

/// Redeems a code. It is valid once.
fn redeem(
    enrollment: &Enrollment,
    code: &SecretHash,
    token: &SecretHash,
    refresh_token: &SecretHash,
    now: Timestamp,
) -> Decision {
    if !enrollment.redeems(code, now) {
        return Err(Refusal::InvalidGrant);
    }
    let refresh = Refresh { refresh_token: refresh_token.clone(), code: code.clone() };
    Ok(vec![EnrollmentEvent::AccessTokenIssued { token: token.clone(), issued: now, refresh: Some(refresh) }])
}

/// Refreshes an access token. A refresh token can be used repeatedly, since a device that lost the response asks again.
fn refresh(
    enrollment: &Enrollment,
    refresh_token: &SecretHash,
    token: &SecretHash,
    now: Timestamp,
    last_for_days: Option<u32>,
) -> Decision {
    if !enrollment.tokens.refreshes(refresh_token, now, last_for_days) {
        return Err(Refusal::InvalidGrant);
    }
    let (token, refresh_token) = (token.clone(), refresh_token.clone());
    Ok(vec![EnrollmentEvent::AccessTokenRefreshed { token, issued: now, refresh_token }])
}

/// Records the device's attributes. A device sends them with each attempt; equal ones are recorded once.
fn receive(enrollment: &Enrollment, machine: &MachineInformation) -> Option<EnrollmentEvent> {
    let MachineInformation { signature, product, build_version, os_version } = machine.clone();
    (enrollment.machine.as_ref() != Some(machine)).then_some(EnrollmentEvent::MachineInformationReceived {
        signature,
        product,
        build_version,
        os_version,
    })
}
