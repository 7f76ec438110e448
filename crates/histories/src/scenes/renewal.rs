//! The identity of a device after its enrollment, and records of the same hardware.

use super::commands::{self, Ask, answered, body, deliver, push};
use super::console::by_staff;
use super::identity::{IDENTITY_DAYS, identity, transaction};
use crate::phone::{Phone, build};
use crate::scene::{Cue, Scene};
use events::device::{
    AttestationRefusal, CommandId, CommandStatus, DeviceEvent, Priority, RenewalFailure, SupersessionEvidence,
};
use events::enrollment::{OsVersion, SecretHash};
use events::envelope::EventId;
use events::{Event, Personal};

// Base64 of a signed profile of the size that the server makes.
const PROFILE_BYTES: usize = 2_400;

// Requests a renewal. Returns the command, the event that queued it and the challenge.
fn request(scene: &mut Scene, phone: &Phone) -> (CommandId, EventId, SecretHash) {
    let (command, challenge) = (CommandId(scene.dice.uuid()), SecretHash(scene.dice.hash()));
    let challenge_expires = scene.later(28 * 86_400);
    let profile = format!("\t<key>Payload</key>\n\t<data>{}</data>\n", scene.dice.base64::<PROFILE_BYTES>());
    let ask = Ask {
        is_sealed: true,
        priority: Priority::Normal,
        expires: Some(challenge_expires),
        ..Ask::order("InstallProfile", &profile)
    };
    let requested = DeviceEvent::IdentityRenewalRequested { command, challenge: challenge.clone(), challenge_expires };
    let queued = ask.queued(phone, command);
    let cue = Cue::system("renewals", phone.device.0).with(phone.key());
    let queued = scene.append(&phone.device.stream(), &cue, [requested, queued]);
    push(scene, phone, queued);
    (command, queued, challenge)
}

/// The server renews the identity before it expires.
pub(crate) fn renew(scene: &mut Scene, phone: &Phone, os: OsVersion) {
    let stream = phone.device.stream();
    let (command, _, challenge) = request(scene, phone);
    scene.wait(1, 3_600);
    let cue = phone.cue(scene.at, &mut scene.dice).with(phone.key());
    deliver(scene, phone, &cue, command);
    let (identity, transaction) = (identity(scene, phone, 1, IDENTITY_DAYS), transaction(scene));
    let (fingerprint, serial, not_after) = (identity.fingerprint.clone(), identity.serial.clone(), identity.not_after);
    let renewed = DeviceEvent::IdentityRenewed { identity, transaction, challenge: Some(challenge) };
    scene.say(&stream, &cue, renewed);
    let again = DeviceEvent::DeviceReauthenticated {
        identifiers: phone.identifiers(),
        certificate: fingerprint.clone(),
        os_version: Some(os),
        build_version: Some(build(os)),
        product_name: Some(phone.product.to_owned()),
        body: body(scene),
    };
    scene.say(&stream, &cue, again);
    let token = DeviceEvent::PushTokenRenewed { push: super::device::push_address(scene, phone), body: body(scene) };
    let completed = DeviceEvent::IdentityRenewalCompleted { fingerprint, serial, not_after };
    scene.append(&stream, &cue, [token, completed]);
    let answer = answered(scene, command, CommandStatus::Acknowledged);
    scene.say(&stream, &cue, answer);
}

/// The device does not fetch its profile in time.
pub(crate) fn renew_in_vain(scene: &mut Scene, phone: &Phone) {
    let (command, queued, _) = request(scene, phone);
    scene.wait(28 * 86_400, 28 * 86_400 + 60);
    let expired = DeviceEvent::MdmCommandExpired { command };
    let failed = DeviceEvent::IdentityRenewalFailed { why: RenewalFailure::NotFetched };
    let cue = Cue::system("timer", phone.device.0);
    scene.effect(&phone.device.stream(), (queued, "expire"), &cue, [expired, failed]);
}

/// The device renews its identity on its own, and later returns to the one of before.
pub(crate) fn roll_back(scene: &mut Scene, phone: &Phone) {
    let (stream, cue) = (phone.device.stream(), phone.cue(scene.at, &mut scene.dice));
    let renewed = identity(scene, phone, 2, IDENTITY_DAYS);
    let transaction = transaction(scene);
    let (fingerprint, serial, not_after) = (renewed.fingerprint.clone(), renewed.serial.clone(), renewed.not_after);
    scene.say(&stream, &cue, DeviceEvent::IdentityRenewed { identity: renewed, transaction, challenge: None });
    scene.wait(60, 3_600);
    scene.say(&stream, &cue, DeviceEvent::IdentityRenewalCompleted { fingerprint, serial, not_after });
    scene.wait(86_400, 10 * 86_400);
    let first = identity(scene, phone, 0, IDENTITY_DAYS);
    let (fingerprint, serial, not_after) = (first.fingerprint, first.serial, first.not_after);
    scene.say(&stream, &cue, DeviceEvent::IdentityRolledBack { fingerprint, serial, not_after });
}

/// The new device claims the hardware of an earlier record. If Apple attests it, the earlier record ends.
pub(crate) fn claim(scene: &mut Scene, (phone, is_attested): (&Phone, bool), older: &Phone, enrolled: EventId) {
    let (stream, id) = (phone.device.stream(), phone.device.0);
    let noted = DeviceEvent::HardwareClaimNoted { others: vec![older.device], count: 1 };
    scene.effect(&stream, (enrolled, "note-claim"), &Cue::system("note-claim", id), [noted]);
    let effect = "attest-hardware";
    let command = CommandId(enrolled.caused("attest-hardware-command", 0).0);
    let nonce = format!(
        "\t<key>Queries</key>\n\t<array>\n\t\t<string>DevicePropertiesAttestation</string>\n\t</array>\n\
         \t<key>DeviceAttestationNonce</key>\n\t<data>{}</data>\n",
        scene.dice.base64::<32>()
    );
    let requested = DeviceEvent::HardwareAttestationRequested { command, again_after: scene.later(7 * 86_400) };
    let queued = Ask::order("DeviceInformation", &nonce).queued(phone, command);
    let queued = scene.effect(&stream, (enrolled, effect), &Cue::system(effect, id), [requested, queued]);
    push(scene, phone, queued);
    scene.wait(2, 600);
    let cue = phone.cue(scene.at, &mut scene.dice);
    deliver(scene, phone, &cue, command);
    let answer = answered(scene, command, CommandStatus::Acknowledged);
    if !is_attested {
        let refused = DeviceEvent::HardwareAttestationRefused { command, why: AttestationRefusal::NotGiven };
        scene.append(&stream, &cue, [answer, refused]);
        return;
    }
    let chain = Personal::new(phone.owner.key(), vec![scene.dice.base64::<700>(), scene.dice.base64::<500>()]);
    let attested = DeviceEvent::HardwareAttested { command, chain };
    let attested = scene.append(&stream, &cue, [answer, attested]);
    let (by, evidence) = (phone.device, SupersessionEvidence::Attestation);
    let superseded = DeviceEvent::DeviceSuperseded { by, evidence, revivable_until: None };
    let end = Cue::system("end-record", older.device.0);
    scene.effect(&older.device.stream(), (attested, "end-record"), &end, [superseded]);
}

/// The record of an erased phone ends in favour of its person's new record; then the old phone is heard from again.
pub(crate) fn revive(scene: &mut Scene, older: &Phone, by: events::device::DeviceId) {
    let stream = older.device.stream();
    let staff = by_staff(scene);
    let (_, queued) = commands::queue(scene, older, &staff, Ask::order("SecurityInfo", ""));
    let failed = DeviceEvent::PushFailed {
        status: Some(410),
        reason: "Unregistered".to_owned(),
        unregistered_since: Some(scene.now()),
    };
    let push = Cue::system("push", older.device.0);
    let failed = scene.effect(&stream, (queued, "push"), &push, [failed]);
    let superseded = DeviceEvent::DeviceSuperseded {
        by,
        evidence: SupersessionEvidence::PushUnregistered,
        revivable_until: Some(scene.later(30 * 86_400)),
    };
    let end = Cue::system("end-record", older.device.0);
    scene.effect(&stream, (failed, "end-record"), &end, [superseded]);
    scene.wait(86_400, 5 * 86_400);
    let cue = older.cue(scene.at, &mut scene.dice);
    scene.say(&stream, &cue, Event::from(DeviceEvent::DeviceRevived { superseded_by: by }));
}
