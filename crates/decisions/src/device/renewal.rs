//! Renewal of a device's identity. The enrollment profile is sent again, and the device gets another certificate with
//! its challenge. It sends `Authenticate` and `TokenUpdate` with the new certificate and uses it from then on. If any
//! step fails, the device returns to its earlier identity (Apple, "Deploying MDM enrollment profiles").
//!
//! At most one renewal is pending. A re-enrollment is never confused with a renewal: its certificate is recorded in
//! `IdentityIssued`, that of a renewal in `IdentityRenewed`.

use super::{Command, Device, Refusal, decide};
use events::Timestamp;
use events::device::{CommandId, CommandStatus, DeviceEvent, RenewalFailure};
use events::enrollment::{IssuedCertificate, SecretHash};
use std::cmp::Ordering;

/// The latest renewal.
#[derive(Debug, Clone, PartialEq)]
pub struct Renewal {
    /// The `InstallProfile` command with the enrollment profile.
    pub command: CommandId,
    pub challenge: SecretHash,
    pub challenge_expires: Timestamp,
    /// The certificate issued for the challenge.
    pub identity: Option<IssuedCertificate>,
    /// Whether the renewal has ended, successfully or not.
    pub over: bool,
}

impl Device {
    /// Returns the pending renewal.
    pub(crate) fn renewal_under_way(&self) -> Option<&Renewal> {
        self.renewal.as_ref().filter(|renewal| !renewal.over)
    }

    /// Returns whether this certificate was issued by a renewal.
    pub fn is_renewed(&self, certificate: &str) -> bool {
        self.renewed.iter().any(|renewed| renewed.fingerprint == certificate)
    }

    /// Returns whether this certificate is not the one in use. False while a renewal is pending: then the renewal
    /// itself determines the certificate in use.
    pub fn speaks_otherwise_with(&self, certificate: &str) -> bool {
        self.turn(certificate).is_some_and(|turn| turn != Ordering::Equal)
    }

    // `Greater`: a later certificate than the one in use; `Less`: an earlier one.
    fn turn(&self, certificate: &str) -> Option<Ordering> {
        let settled = self.phase == super::Phase::Enrolled && self.renewal_under_way().is_none();
        let in_use = self.in_use.as_deref().or(self.certificate.as_deref())?;
        settled.then_some(self.age(certificate)?.cmp(&self.age(in_use)?))
    }

    // 0: the certificate of the enrollment; then the certificates of the renewals, in order.
    fn age(&self, certificate: &str) -> Option<usize> {
        let renewed = self.renewed.iter().rposition(|renewed| renewed.fingerprint == certificate);
        renewed.map(|nth| nth + 1).or((self.certificate.as_deref() == Some(certificate)).then_some(0))
    }

    /// Returns whether `Authenticate` with this certificate continues the existing enrollment: the device installs its
    /// profile again, or returns to its earlier one. A new enrollment has a new certificate.
    pub(crate) fn goes_on_with(&self, certificate: &str) -> bool {
        self.phase == super::Phase::Enrolled && self.age(certificate).is_some()
    }
}

// Starts a renewal, unless one is pending.
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

// Issues one certificate per challenge, and repeats it for the same key only.
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

// The device's new identifiers are accepted: it is not documented whether EnrollmentID stays the same when the
// enrollment profile is replaced. Hardware identifiers stay the same.
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

// The TokenUpdate that completes a renewal has the renewed certificate of the preceding `Authenticate`.
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

// Acknowledged does not complete a renewal. The TokenUpdate with the new identity does, before or after the answer.
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

// Ends the renewal because its time is over, whatever the status of the command.
pub(super) fn lapse(device: &Device, id: CommandId) -> Vec<DeviceEvent> {
    let waits = device.command(id).is_some_and(|command| command.status.is_waiting());
    let failed = ended(device, id, if waits { RenewalFailure::NotFetched } else { RenewalFailure::NotUsed });
    let expired = (waits && failed.is_some()).then_some(DeviceEvent::MdmCommandExpired { command: id });
    expired.into_iter().chain(failed).collect()
}

// Recorded once. A certificate from RenewalReq is in use from here on; before that, its response may have been lost. A
// certificate that the device returned to is renewed again.
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
