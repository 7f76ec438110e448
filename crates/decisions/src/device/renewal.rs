//! How the identity of a device is renewed: the enrollment profile is sent anew, the device gets another certificate by
//! its challenge, says `Authenticate` and `TokenUpdate` with it, and from then on speaks with it. Whatever fails on the
//! way, the device goes back to the identity that it had (Apple, "Deploying MDM enrollment profiles").
//!
//! At most one renewal is under way. A re-enrollment is never taken for one: its certificate is named by an
//! `IdentityIssued`, a renewal's by an `IdentityRenewed`.

use super::{Command, Device, Refusal, decide};
use events::Timestamp;
use events::device::{CommandId, CommandStatus, DeviceEvent, RenewalFailure};
use events::enrollment::{IssuedCertificate, SecretHash};
use std::cmp::Ordering;

/// The renewal that was asked for last.
#[derive(Debug, Clone, PartialEq)]
pub struct Renewal {
    /// `InstallProfile` of the enrollment profile.
    pub command: CommandId,
    pub challenge: SecretHash,
    pub challenge_expires: Timestamp,
    /// The certificate that was issued for the challenge.
    pub identity: Option<IssuedCertificate>,
    /// It came to its end, good or bad.
    pub over: bool,
}

impl Device {
    /// The renewal that is under way.
    pub fn renewal_under_way(&self) -> Option<&Renewal> {
        self.renewal.as_ref().filter(|renewal| !renewal.over)
    }

    /// Whether this certificate came by renewal.
    pub fn is_renewed(&self, certificate: &str) -> bool {
        self.renewed.iter().any(|renewed| renewed.fingerprint == certificate)
    }

    /// Whether the device, speaking with this certificate, speaks with another one than before. While a renewal is under way
    /// that is its to tell.
    pub fn speaks_otherwise_with(&self, certificate: &str) -> bool {
        self.turn(certificate).is_some_and(|turn| turn != Ordering::Equal)
    }

    // `Greater`: to a certificate that was issued later than the one in use; `Less`: back to an earlier one.
    fn turn(&self, certificate: &str) -> Option<Ordering> {
        let settled = self.phase == super::Phase::Enrolled && self.renewal_under_way().is_none();
        let in_use = self.in_use.as_deref().or(self.certificate.as_deref())?;
        settled.then_some(self.age(certificate)?.cmp(&self.age(in_use)?))
    }

    // 0: the certificate that it enrolled with; then those that came by renewal, in their order.
    fn age(&self, certificate: &str) -> Option<usize> {
        let renewed = self.renewed.iter().rposition(|renewed| renewed.fingerprint == certificate);
        renewed.map(|nth| nth + 1).or((self.certificate.as_deref() == Some(certificate)).then_some(0))
    }

    /// Whether `Authenticate` with this certificate goes on with an enrollment that there is: the device installs its profile anew,
    /// or goes back to the one that it had. A new enrollment has a new certificate.
    pub fn goes_on_with(&self, certificate: &str) -> bool {
        self.phase == super::Phase::Enrolled && self.age(certificate).is_some()
    }
}

// Nobody is asked for a second one while the first is under way.
pub(super) fn request(device: &Device, command: &Command) -> Result<Vec<DeviceEvent>, Refusal> {
    let Command::RequestRenewal { id, payload, challenge, challenge_expires } = command else { return Ok(vec![]) };
    decide::enrolled(device)?;
    if device.renewal_under_way().is_some() || device.command(*id).is_some() {
        return Ok(vec![]);
    }
    let request_type = "InstallProfile".to_owned();
    if let Some(target) = device.target() {
        apple::command_allowed(&request_type, target)
            .map_err(|why| Refusal::CommandForbidden { request_type: request_type.clone(), why })?;
    }
    Ok(vec![
        DeviceEvent::IdentityRenewalRequested {
            command: *id,
            challenge: challenge.clone(),
            challenge_expires: *challenge_expires,
        },
        DeviceEvent::MdmCommandQueued {
            command: *id,
            request_type,
            payload: payload.clone(),
            unenrolls: false,
            priority: events::device::Priority::Normal,
            expires: Some(*challenge_expires),
        },
    ])
}

// Exactly once, and again to the same key only.
pub(super) fn issue(device: &Device, command: &Command) -> Result<Vec<DeviceEvent>, Refusal> {
    let Command::IssueRenewal { now, challenge, identity, transaction } = command else { return Ok(vec![]) };
    decide::enrolled(device)?;
    let renewal = device.renewal.as_ref().filter(|renewal| renewal.challenge == *challenge);
    let renewal = renewal.ok_or(Refusal::UnknownChallenge)?;
    match &renewal.identity {
        Some(issued) if issued.key_hash == identity.key_hash => Ok(vec![]),
        Some(_) => Err(Refusal::ChallengeUsed),
        None if renewal.over || renewal.challenge_expires <= *now => Err(Refusal::ExpiredChallenge),
        None => Ok(vec![DeviceEvent::IdentityRenewed {
            identity: identity.clone(),
            transaction: transaction.clone(),
            challenge: Some(challenge.clone()),
        }]),
    }
}

// The identifiers are the device's word now: nobody has settled whether EnrollmentID stays the same when the enrollment
// profile is replaced. Hardware does.
pub(super) fn reauthenticate(device: &Device, command: &Command) -> Result<Vec<DeviceEvent>, Refusal> {
    let Command::Authenticate { identifiers, certificate, os_version, build_version, product_name, body, .. } = command
    else {
        return Ok(vec![]);
    };
    let hardware = matches!(identifiers, events::device::DeviceIdentifiers::DeviceEnrollment { .. });
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

// The TokenUpdate that completes a renewal: from the renewed certificate that `Authenticate` came with.
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

// Acknowledged is no end: that is the TokenUpdate with the new identity, whether it comes before the answer or after.
pub(super) fn answered(device: &Device, command: CommandId, status: CommandStatus) -> Option<DeviceEvent> {
    match status {
        CommandStatus::Error | CommandStatus::CommandFormatError => ended(device, command, RenewalFailure::Refused),
        CommandStatus::Acknowledged | CommandStatus::NotNow => None,
    }
}

/// The renewal ends with its command.
pub(super) fn ended(device: &Device, command: CommandId, why: RenewalFailure) -> Option<DeviceEvent> {
    let renewal = device.renewal_under_way().filter(|renewal| renewal.command == command)?;
    let why = match (why, &renewal.identity) {
        (RenewalFailure::NotFetched, Some(_)) => RenewalFailure::NotUsed,
        (why, _) => why,
    };
    Some(DeviceEvent::IdentityRenewalFailed { why })
}

// Its time is over, whatever became of the command.
pub(super) fn lapse(device: &Device, id: CommandId) -> Vec<DeviceEvent> {
    let waits = device.command(id).is_some_and(|command| command.status.is_waiting());
    let failed = ended(device, id, if waits { RenewalFailure::NotFetched } else { RenewalFailure::NotUsed });
    let expired = (waits && failed.is_some()).then_some(DeviceEvent::MdmCommandExpired { command: id });
    expired.into_iter().chain(failed).collect()
}

// Written down once. What came by RenewalReq counts from here on, since its answer may have been lost; what the device went back
// to is renewed anew.
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
