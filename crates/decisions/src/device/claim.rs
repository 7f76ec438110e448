//! Other records of the same hardware: the claims of this device, attestations, and how this record is superseded by
//! another one and revived.
//!
//! A device's statement about its hardware is a claim and does not change other records. A record ends only on evidence
//! (docs/decisions/18-a-claim-is-not-a-proof.md). If the evidence is an inference, contact with the old identity
//! revives the record.

use super::{Device, Phase, Refusal, decide};
use events::Timestamp;
use events::device::{
    AttestationRefusal, BodyHash, CommandId, CommandPayload, CommandStatus, DeviceEvent, DeviceId, Priority,
    SupersessionEvidence,
};
use events::personal::Personal;
use std::collections::{BTreeSet, HashSet};

/// How long a record that ended on an inference can be revived, in seconds.
pub const REVIVABLE_SECONDS: i64 = 30 * 24 * 3_600;

/// Minimum time between two requests for an attestation, in seconds. Apple creates a new one at most once in seven days
/// (mdm/commands/information.device.yaml, `DeviceAttestationNonce`).
pub(crate) const ATTESTATION_SECONDS: i64 = 7 * 24 * 3_600;

/// The claims of a device, and the evidence about them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Claims {
    /// Managed records with the same UDID when this device enrolled.
    pub others: BTreeSet<DeviceId>,
    /// Records that an administrator decided are other devices.
    pub dismissed: BTreeSet<DeviceId>,
    /// The pending command that requests an attestation.
    pub asked: Option<CommandId>,
    /// The device is not asked for an attestation before this time.
    pub ask_again_after: Option<Timestamp>,
    /// Whether Apple attested the hardware of this record.
    pub attested: bool,
    /// Records that superseded this one on an inference before it was revived. The same inference is not accepted for
    /// them again.
    pub survived: BTreeSet<DeviceId>,
}

/// A superseded record that can be revived.
#[derive(Debug, Clone, PartialEq)]
pub struct Revivable {
    pub by: DeviceId,
    /// `None`: no time limit.
    pub until: Option<Timestamp>,
    /// The record before it was superseded.
    before: Device,
}

/// The verified result of an answer to a request for an attestation.
#[derive(Debug, Clone, PartialEq)]
pub enum Attestation {
    /// The certificate chain, sealed with the person's key.
    Proven(Personal<Vec<String>>),
    Refused(AttestationRefusal),
}

impl Device {
    /// Returns whether this message revives the record. A message that already had an effect does not.
    pub fn is_revived_by(&self, body: &BodyHash, now: Timestamp) -> bool {
        self.may_come_back(now) && !self.seen.contains(body)
    }

    /// Returns whether the identity is in use: the device is enrolled, or its record can be revived. Meanwhile its
    /// enrollment issues no other identity, since that would revoke the current one.
    pub fn lives_by_its_identity(&self, now: Timestamp) -> bool {
        self.phase == Phase::Enrolled || self.may_come_back(now)
    }

    fn may_come_back(&self, now: Timestamp) -> bool {
        self.revivable.as_deref().is_some_and(|revivable| revivable.until.is_none_or(|until| now < until))
    }

    /// Returns whether this device claims the hardware of `other`, and no administrator decided that they are different
    /// devices.
    pub fn claims_hardware_of(&self, other: DeviceId) -> bool {
        self.claims.others.contains(&other) && !self.claims.dismissed.contains(&other)
    }
}

pub(super) fn supersede(
    device: &Device,
    by: DeviceId,
    evidence: SupersessionEvidence,
    now: Timestamp,
) -> Vec<DeviceEvent> {
    let lives = matches!(device.phase, Phase::Authenticated | Phase::Enrolled);
    // A record that ended on an inference ends for good on a proof.
    let is_firmer = device.revivable.is_some() && !evidence.is_reversible();
    let holds = match evidence {
        SupersessionEvidence::Claimed => false,
        SupersessionEvidence::PushUnregistered => {
            device.phase == Phase::Enrolled && device.push_is_dead && !device.claims.survived.contains(&by)
        }
        SupersessionEvidence::ProfileService
        | SupersessionEvidence::Attestation
        | SupersessionEvidence::Administrator => lives || is_firmer,
    };
    let revivable_until = evidence.is_reversible().then(|| now.plus_seconds(REVIVABLE_SECONDS));
    if holds { vec![DeviceEvent::DeviceSuperseded { by, evidence, revivable_until }] } else { vec![] }
}

pub(super) fn revive(device: &Device, body: &BodyHash, now: Timestamp) -> Vec<DeviceEvent> {
    let revivable = device.revivable.as_deref().filter(|_| device.is_revived_by(body, now));
    revivable.map(|revivable| DeviceEvent::DeviceRevived { superseded_by: revivable.by }).into_iter().collect()
}

pub(super) fn note(device: &Device, others: &[DeviceId], count: u32) -> Result<Vec<DeviceEvent>, Refusal> {
    decide::enrolled(device)?;
    let new: Vec<DeviceId> = others.iter().copied().filter(|other| !device.claims.others.contains(other)).collect();
    Ok(if new.is_empty() { vec![] } else { vec![DeviceEvent::HardwareClaimNoted { others: new, count }] })
}

pub(super) fn dismiss(device: &Device, other: DeviceId) -> Result<Vec<DeviceEvent>, Refusal> {
    if device.phase == Phase::Unknown {
        return Err(Refusal::NotEnrolled(device.phase));
    }
    let is_dismissed = device.claims.dismissed.contains(&other);
    Ok(if is_dismissed { vec![] } else { vec![DeviceEvent::HardwareClaimDismissed { other }] })
}

pub(super) fn request_attestation(
    device: &Device,
    id: CommandId,
    payload: &CommandPayload,
    now: Timestamp,
) -> Result<Vec<DeviceEvent>, Refusal> {
    decide::enrolled(device)?;
    let is_early = device.claims.ask_again_after.is_some_and(|after| now < after);
    if is_early || device.claims.attested || device.command(id).is_some() {
        return Ok(vec![]);
    }
    let request_type = "DeviceInformation".to_owned();
    if let Some(target) = device.target() {
        apple::command_allowed(&request_type, target)
            .map_err(|why| Refusal::CommandForbidden { request_type: request_type.clone(), why })?;
    }
    let again_after = now.plus_seconds(ATTESTATION_SECONDS);
    Ok(vec![
        DeviceEvent::HardwareAttestationRequested { command: id, again_after },
        DeviceEvent::MdmCommandQueued {
            command: id,
            request_type,
            payload: payload.clone(),
            unenrolls: false,
            priority: Priority::Normal,
            expires: None,
        },
    ])
}

/// Returns the result of an answer to `command`, if it requested an attestation.
pub(super) fn answered(
    device: &Device,
    command: CommandId,
    status: CommandStatus,
    attestation: Option<&Attestation>,
) -> Option<DeviceEvent> {
    device.claims.asked.filter(|asked| *asked == command)?;
    let refused = |why| Some(DeviceEvent::HardwareAttestationRefused { command, why });
    match (status, attestation) {
        (CommandStatus::NotNow, _) => None,
        (CommandStatus::Acknowledged, Some(Attestation::Proven(chain))) => {
            Some(DeviceEvent::HardwareAttested { command, chain: chain.clone() })
        }
        (CommandStatus::Acknowledged, Some(Attestation::Refused(why))) => refused(*why),
        (CommandStatus::Acknowledged | CommandStatus::Error | CommandStatus::CommandFormatError, _) => {
            refused(AttestationRefusal::NotGiven)
        }
    }
}

/// Returns the record before `DeviceSuperseded`, kept while it can be revived.
pub(super) fn keep(
    device: &Device,
    by: DeviceId,
    evidence: SupersessionEvidence,
    until: Option<Timestamp>,
) -> Option<Box<Revivable>> {
    let may_come_back = !device.phase.has_ended() && evidence.is_reversible();
    may_come_back.then(|| {
        // The set of seen messages remains in the record itself.
        let before = Device { seen: HashSet::new(), ..device.clone() };
        Box::new(Revivable { by, until, before })
    })
}

/// Returns the record after `DeviceRevived`: as it was before, with the messages seen since.
pub(super) fn bring_back(mut device: Device, superseded_by: DeviceId) -> Device {
    let Some(revivable) = device.revivable.take() else { return device };
    let mut before = revivable.before;
    before.seen = device.seen;
    before.refused_messages = device.refused_messages;
    before.refused_identities = device.refused_identities;
    before.archived = device.archived;
    before.claims.survived.insert(superseded_by);
    before
}

/// Resets the claims for a new management. The seven days between attestations are kept, since Apple counts them per
/// hardware.
pub(super) fn begin_anew(device: &mut Device) {
    device.revivable = None;
    let ask_again_after = device.claims.ask_again_after;
    device.claims = Claims { ask_again_after, ..Claims::default() };
}
