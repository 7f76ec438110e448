//! Other records of the same hardware: claims, attestations, supersession and revival.

use super::super::claim::{ATTESTATION_SECONDS, Attestation, REVIVABLE_SECONDS};
use super::super::{Device, Phase, Refusal};
use super::{Decision, enrolled, permitted};
use events::Timestamp;
use events::device::{
    AttestationRefusal, BodyHash, CommandId, CommandPayload, CommandStatus, DeviceEvent, DeviceId, Priority,
    SupersessionEvidence,
};

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
            device.phase == Phase::Enrolled && device.push_dead_since.is_some() && !device.claims.survived.contains(&by)
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

pub(super) fn note(device: &Device, others: &[DeviceId], count: u32) -> Decision {
    enrolled(device)?;
    let new: Vec<DeviceId> = others.iter().copied().filter(|other| !device.claims.others.contains(other)).collect();
    Ok(if new.is_empty() { vec![] } else { vec![DeviceEvent::HardwareClaimNoted { others: new, count }] })
}

pub(super) fn dismiss(device: &Device, other: DeviceId) -> Decision {
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
) -> Decision {
    enrolled(device)?;
    let is_early = device.claims.ask_again_after.is_some_and(|after| now < after);
    if is_early || device.claims.attested || device.command(id).is_some() {
        return Ok(vec![]);
    }
    let request_type = "DeviceInformation".to_owned();
    permitted(device, &request_type)?;
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
