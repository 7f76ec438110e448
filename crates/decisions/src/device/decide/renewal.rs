//! Renewal of the identity: request, certificate, completion and failure.

use super::super::{Command, Device, Refusal};
use super::{Decision, enrolled, permitted};
use events::Timestamp;
use events::device::{
    CommandId, CommandPayload, CommandStatus, DeviceEvent, DeviceIdentifiers, Priority, RenewalFailure,
};
use events::enrollment::{IssuedCertificate, SecretHash};
use std::cmp::Ordering;

/// Records a certificate from RenewalReq: the device renewed its identity on its own.
pub(super) fn renew(device: &Device, identity: &IssuedCertificate, transaction: &str) -> Decision {
    enrolled(device)?;
    if device.renewal_of(&identity.key_hash, identity.not_after).is_some() {
        return Ok(vec![]);
    }
    let (identity, transaction) = (identity.clone(), transaction.to_owned());
    Ok(vec![DeviceEvent::IdentityRenewed { identity, transaction, challenge: None }])
}

/// Starts a renewal, unless one is pending.
pub(super) fn request(
    device: &Device,
    id: CommandId,
    payload: &CommandPayload,
    challenge: &SecretHash,
    challenge_expires: Timestamp,
) -> Decision {
    enrolled(device)?;
    if device.renewal_under_way().is_some() || device.command(id).is_some() {
        return Ok(vec![]);
    }
    let request_type = "InstallProfile".to_owned();
    permitted(device, &request_type)?;
    Ok(vec![
        DeviceEvent::IdentityRenewalRequested { command: id, challenge: challenge.clone(), challenge_expires },
        DeviceEvent::MdmCommandQueued {
            command: id,
            request_type,
            payload: payload.clone(),
            unenrolls: false,
            priority: Priority::Normal,
            expires: Some(challenge_expires),
        },
    ])
}

/// Records that Apple's rules do not permit a renewal, unless one is pending.
pub(super) fn refuse(device: &Device) -> Decision {
    enrolled(device)?;
    let failed = DeviceEvent::IdentityRenewalFailed { why: RenewalFailure::NotPermitted };
    Ok(if device.renewal_under_way().is_some() { vec![] } else { vec![failed] })
}

/// Issues one certificate per challenge, and repeats it for the same key only.
pub(super) fn issue(
    device: &Device,
    now: Timestamp,
    challenge: &SecretHash,
    identity: &IssuedCertificate,
    transaction: &str,
) -> Decision {
    enrolled(device)?;
    let renewal = device.renewal.as_ref().filter(|renewal| renewal.challenge == *challenge);
    let renewal = renewal.ok_or(Refusal::UnknownChallenge)?;
    match &renewal.identity {
        Some(issued) if issued.key_hash == identity.key_hash => Ok(vec![]),
        Some(_) => Err(Refusal::ChallengeUsed),
        None if renewal.over || renewal.challenge_expires <= now => Err(Refusal::ExpiredChallenge),
        None => Ok(vec![DeviceEvent::IdentityRenewed {
            identity: identity.clone(),
            transaction: transaction.to_owned(),
            challenge: Some(challenge.clone()),
        }]),
    }
}

/// The device's new identifiers are accepted: it is not documented whether EnrollmentID stays the same when the
/// enrollment profile is replaced. Hardware identifiers stay the same.
pub(super) fn reauthenticate(device: &Device, command: &Command) -> Decision {
    let Command::Authenticate { identifiers, certificate, os_version, build_version, product_name, body, .. } = command
    else {
        return Ok(vec![]);
    };
    let hardware = matches!(identifiers, DeviceIdentifiers::DeviceEnrollment { .. });
    if (hardware || !device.is_renewed(certificate)) && !device.is(identifiers) {
        return Err(Refusal::OtherDevice);
    }
    Ok(vec![DeviceEvent::DeviceReauthenticated {
        identifiers: identifiers.clone(),
        certificate: certificate.clone(),
        os_version: *os_version,
        build_version: build_version.clone(),
        product_name: product_name.clone(),
        body: body.clone(),
    }])
}

/// The TokenUpdate that completes a renewal has the renewed certificate of the preceding `Authenticate`.
pub(super) fn completion(device: &Device, certificate: &str) -> Option<DeviceEvent> {
    device.reauthenticated.as_ref().filter(|reauthenticated| *reauthenticated == certificate)?;
    let identity = device.renewed.iter().find(|renewed| renewed.fingerprint == certificate)?;
    Some(completed(identity))
}

fn completed(identity: &IssuedCertificate) -> DeviceEvent {
    DeviceEvent::IdentityRenewalCompleted {
        fingerprint: identity.fingerprint.clone(),
        serial: identity.serial.clone(),
        not_after: identity.not_after,
    }
}

/// Acknowledged does not complete a renewal. The TokenUpdate with the new identity does, before or after the answer.
pub(super) fn answered(device: &Device, command: CommandId, status: CommandStatus) -> Option<DeviceEvent> {
    match status {
        CommandStatus::Error | CommandStatus::CommandFormatError => ended(device, command, RenewalFailure::Refused),
        CommandStatus::Acknowledged | CommandStatus::NotNow => None,
    }
}

/// Ends the renewal together with its command.
pub(super) fn ended(device: &Device, command: CommandId, why: RenewalFailure) -> Option<DeviceEvent> {
    let renewal = device.renewal_under_way().filter(|renewal| renewal.command == command)?;
    let why = match (why, &renewal.identity) {
        (RenewalFailure::NotFetched, Some(_)) => RenewalFailure::NotUsed,
        (why, _) => why,
    };
    Some(DeviceEvent::IdentityRenewalFailed { why })
}

/// Ends the renewal because its time is over, whatever the status of the command.
pub(super) fn lapse(device: &Device, id: CommandId) -> Vec<DeviceEvent> {
    let waits = device.command(id).is_some_and(|command| command.status.is_waiting());
    let failed = ended(device, id, if waits { RenewalFailure::NotFetched } else { RenewalFailure::NotUsed });
    let expired = (waits && failed.is_some()).then_some(DeviceEvent::MdmCommandExpired { command: id });
    expired.into_iter().chain(failed).collect()
}

/// Recorded once. A certificate from RenewalReq is in use from here on; before that, its response may have been lost. A
/// certificate that the device returned to is renewed again.
pub(super) fn note(device: &Device, identity: &IssuedCertificate) -> Vec<DeviceEvent> {
    match device.turn(&identity.fingerprint) {
        Some(Ordering::Greater) => vec![completed(identity)],
        Some(Ordering::Less) => vec![DeviceEvent::IdentityRolledBack {
            fingerprint: identity.fingerprint.clone(),
            serial: identity.serial.clone(),
            not_after: identity.not_after,
        }],
        Some(Ordering::Equal) | None => vec![],
    }
}
