//! Events about other records of the same hardware.

use super::super::seen::Seen;
use super::super::{Claims, Device, Phase, Revivable};
use super::end::end;
use events::Timestamp;
use events::device::{CommandId, DeviceId, SupersessionEvidence};

pub(super) fn supersede(
    device: &mut Device,
    by: DeviceId,
    evidence: SupersessionEvidence,
    revivable_until: Option<Timestamp>,
) {
    let before = keep(device, by, evidence, revivable_until);
    end(device, Phase::Superseded);
    device.revivable = before;
}

/// Returns the record before `DeviceSuperseded`, kept while it can be revived.
fn keep(
    device: &Device,
    by: DeviceId,
    evidence: SupersessionEvidence,
    until: Option<Timestamp>,
) -> Option<Box<Revivable>> {
    let may_come_back = !device.phase.has_ended() && evidence.is_reversible();
    may_come_back.then(|| {
        // The set of seen messages remains in the record itself.
        let before = Device { seen: Seen::default(), ..device.clone() };
        Box::new(Revivable { by, until, before })
    })
}

/// Restores the record as it was before it was superseded, with the messages seen since.
pub(super) fn revive(device: &mut Device, superseded_by: DeviceId) {
    let Some(revivable) = device.revivable.take() else { return };
    let superseded = std::mem::replace(device, revivable.before);
    device.seen = superseded.seen;
    device.refused_messages = superseded.refused_messages;
    device.refused_identities = superseded.refused_identities;
    device.archived = superseded.archived;
    device.claims.survived.insert(superseded_by);
}

/// Resets the claims for a new management. The seven days between attestations are kept, since Apple counts them per
/// hardware.
pub(super) fn reset(device: &mut Device) {
    device.revivable = None;
    let ask_again_after = device.claims.ask_again_after;
    device.claims = Claims { ask_again_after, ..Claims::default() };
}

pub(super) fn request_attestation(device: &mut Device, command: CommandId, again_after: Timestamp) {
    device.claims.asked = Some(command);
    device.claims.ask_again_after = Some(again_after);
}

pub(super) fn attest(device: &mut Device) {
    device.claims.asked = None;
    device.claims.attested = true;
}
