//! Rare things that happen to an enrolled device, each of them to a few devices in a thousand.

use super::commands::{self, Ask, answered, answered_with, body, deliver, push, serve};
use super::console::by_staff;
use super::{renewal, visit};
use crate::phone::Phone;
use crate::scene::{Cue, Scene};
use events::device::{
    AnswerFault, AppStatus, CommandStatus, DeviceEvent, MdmError, MessageRefusal, Priority, RejectionReason,
};
use events::enrollment::{EnrollmentKind, IdentityRefusal};
use std::collections::{BTreeMap, BTreeSet};

/// Number of troubles.
pub(crate) const COUNT: u64 = 24;

const APP: &str = "\t<key>iTunesStoreID</key>\n\t<integer>1234567890</integer>\n";

/// Plays the trouble with this number, from 0 to below [`COUNT`], with a device that stays enrolled for 70 days more.
/// `successor`: a later device of the same person.
pub(crate) fn play(scene: &mut Scene, phone: &Phone, nth: u64, other: Option<events::device::DeviceId>) {
    match nth {
        0 => lock(scene, phone),
        1 => put_off(scene, phone),
        2 => install_app(scene, phone),
        3 => reject_app(scene, phone),
        4 => cancel(scene, phone),
        5 => expire(scene, phone),
        6 => fail(scene, phone),
        7 => answer_too_large(scene, phone),
        8 => answer_unreadable(scene, phone),
        9 => renewal::renew_in_vain(scene, phone),
        10 => renewal::roll_back(scene, phone),
        11 => by_device(scene, phone, DeviceEvent::IdentityRenewalRefused { why: IdentityRefusal::ChallengeExpired }),
        12 => by_device(scene, phone, DeviceEvent::DeviceMessageRefused { why: MessageRefusal::NotUnderstood }),
        13 => {
            let fields = BTreeSet::from(["ProductName".to_owned(), "UnlockToken".to_owned()]);
            by_device(scene, phone, DeviceEvent::DeviceFieldsLeftOut { fields });
        }
        14 => suppress(scene, phone),
        15 | 16 => archive(scene, phone),
        17 => dismiss(scene, phone, other),
        18 => {
            if let Some(other) = other {
                renewal::revive(scene, phone, other);
            }
        }
        19 | 20 if phone.by_account => visit::sign_in_again(scene, phone),
        21 if phone.by_account => visit::refresh_token(scene, phone),
        22 => fail_for_now(scene, phone),
        _ => by_device(scene, phone, DeviceEvent::DeviceHeardFrom {}),
    }
}

fn by_device(scene: &mut Scene, phone: &Phone, event: DeviceEvent) {
    let cue = phone.cue(scene.at, &mut scene.dice);
    scene.say(&phone.device.stream(), &cue, event);
}

fn lock(scene: &mut Scene, phone: &Phone) {
    let staff = by_staff(scene);
    let message =
        format!("\t<key>Message</key>\n\t<string>Lost. Please call {}.</string>\n", scene.dice.below(10_000_000));
    let (request_type, message) = match phone.kind {
        EnrollmentKind::DeviceEnrollment => ("DeviceLock", message),
        EnrollmentKind::UserEnrollment => ("DeviceLock", String::new()),
    };
    let ask = Ask { is_sealed: true, priority: Priority::Urgent, ..Ask::order(request_type, &message) };
    let (command, queued) = commands::queue(scene, phone, &staff, ask);
    push(scene, phone, queued);
    scene.wait(1, 7_200);
    let cue = phone.cue(scene.at, &mut scene.dice);
    serve(scene, phone, &cue, command, []);
}

fn put_off(scene: &mut Scene, phone: &Phone) {
    let staff = by_staff(scene);
    let profile = format!("\t<key>Payload</key>\n\t<data>{}</data>\n", scene.dice.base64::<1_200>());
    let ask = Ask { is_sealed: true, ..Ask::order("InstallProfile", &profile) };
    let (command, queued) = commands::queue(scene, phone, &staff, ask);
    push(scene, phone, queued);
    let stream = phone.device.stream();
    let cue = phone.cue(scene.at, &mut scene.dice);
    deliver(scene, phone, &cue, command);
    let not_now = answered(scene, command, CommandStatus::NotNow);
    let not_now = scene.say(&stream, &cue, not_now);
    let again = DeviceEvent::DevicePushed { apns_id: None, put_off_since: true };
    let pushes = Cue::system("push", phone.device.0);
    scene.effect(&stream, (not_now, "push"), &pushes, [again]);
    scene.wait(600, 40_000);
    let cue = phone.cue(scene.at, &mut scene.dice);
    serve(scene, phone, &cue, command, []);
}

fn install_app(scene: &mut Scene, phone: &Phone) {
    let staff = by_staff(scene);
    let (command, queued) = commands::queue(scene, phone, &staff, Ask::order("InstallApplication", APP));
    push(scene, phone, queued);
    let cue = phone.cue(scene.at, &mut scene.dice);
    let app = "org.example.selfservice".to_owned();
    let prompting =
        DeviceEvent::ManagedAppReported { app: app.clone(), status: AppStatus::Prompting, command: Some(command) };
    serve(scene, phone, &cue, command, [prompting]);
    scene.wait(600, 1_200);
    let timer = Cue::system("timer", phone.device.0);
    let list = Ask { expires: Some(scene.later(86_400)), ..Ask::query("ManagedApplicationList", "") };
    let (list, queued) = commands::queue(scene, phone, &timer, list);
    push(scene, phone, queued);
    let managed = DeviceEvent::ManagedAppReported { app, status: AppStatus::Managed, command: None };
    serve(scene, phone, &cue, list, [managed]);
}

fn reject_app(scene: &mut Scene, phone: &Phone) {
    let staff = by_staff(scene);
    let (command, queued) = commands::queue(scene, phone, &staff, Ask::order("InstallApplication", APP));
    push(scene, phone, queued);
    let cue = phone.cue(scene.at, &mut scene.dice);
    deliver(scene, phone, &cue, command);
    let error = MdmError { code: 12_026, domain: "MCMDMErrorDomain".to_owned(), description: None };
    let rejection = Some(RejectionReason::AppAlreadyInstalled);
    let answer = answered_with(scene, command, CommandStatus::Error, vec![error], rejection);
    scene.say(&phone.device.stream(), &cue, answer);
}

fn cancel(scene: &mut Scene, phone: &Phone) {
    let staff = by_staff(scene);
    let (command, _) = commands::queue(scene, phone, &staff, Ask::order("CertificateList", ""));
    scene.wait(30, 3_600);
    scene.say(&phone.device.stream(), &staff, DeviceEvent::MdmCommandCancelled { command });
}

fn expire(scene: &mut Scene, phone: &Phone) {
    let staff = by_staff(scene);
    let ask = Ask { expires: Some(scene.later(7 * 86_400)), ..Ask::order("ProfileList", "") };
    let (command, queued) = commands::queue(scene, phone, &staff, ask);
    push(scene, phone, queued);
    scene.wait(7 * 86_400, 7 * 86_400 + 60);
    let timer = Cue::system("timer", phone.device.0);
    let expired = DeviceEvent::MdmCommandExpired { command };
    scene.effect(&phone.device.stream(), (queued, "expire"), &timer, [expired]);
}

fn fail(scene: &mut Scene, phone: &Phone) {
    let staff = by_staff(scene);
    let (command, queued) = commands::queue(scene, phone, &staff, Ask::order("RemoveApplication", APP));
    push(scene, phone, queued);
    scene.wait(1, 60);
    let cue = phone.cue(scene.at, &mut scene.dice);
    deliver(scene, phone, &cue, command);
    let is_known = phone.kind == EnrollmentKind::DeviceEnrollment;
    let description =
        is_known.then(|| events::Personal::new(phone.owner.key(), "The app is not managed on this device.".to_owned()));
    let error = MdmError { code: 12_021, domain: "MCMDMErrorDomain".to_owned(), description };
    let answer = answered_with(scene, command, CommandStatus::Error, vec![error], None);
    scene.say(&phone.device.stream(), &cue, answer);
}

fn answer_too_large(scene: &mut Scene, phone: &Phone) {
    let staff = by_staff(scene);
    let (command, queued) = commands::queue(scene, phone, &staff, Ask::order("InstalledApplicationList", ""));
    push(scene, phone, queued);
    let cue = phone.cue(scene.at, &mut scene.dice);
    deliver(scene, phone, &cue, command);
    let too_large =
        DeviceEvent::MdmResultTooLarge { command: Some(command), bytes: 5_300_000, body: Some(body(scene)) };
    scene.say(&phone.device.stream(), &cue, too_large);
}

fn answer_unreadable(scene: &mut Scene, phone: &Phone) {
    let staff = by_staff(scene);
    let (command, queued) = commands::queue(scene, phone, &staff, Ask::order("InstalledApplicationList", ""));
    push(scene, phone, queued);
    let cue = phone.cue(scene.at, &mut scene.dice);
    deliver(scene, phone, &cue, command);
    let why = vec![AnswerFault::Characters];
    let unreadable = DeviceEvent::MdmAnswerUnreadable { command, why, in_part: false, body: body(scene) };
    scene.say(&phone.device.stream(), &cue, unreadable);
}

fn suppress(scene: &mut Scene, phone: &Phone) {
    let events = BTreeMap::from([("PushTokenRenewed".to_owned(), 240), ("DeviceMessageRefused".to_owned(), 12)]);
    let suppressed = DeviceEvent::DeviceEventsSuppressed { count: 252, events };
    scene.say(&phone.device.stream(), &Cue::system("device-budget", phone.device.0), suppressed);
}

fn archive(scene: &mut Scene, phone: &Phone) {
    let staff = by_staff(scene);
    scene.say(&phone.device.stream(), &staff, DeviceEvent::RecordArchived {});
    scene.wait(86_400, 20 * 86_400);
    let staff = by_staff(scene);
    scene.say(&phone.device.stream(), &staff, DeviceEvent::RecordRestored {});
}

fn dismiss(scene: &mut Scene, phone: &Phone, other: Option<events::device::DeviceId>) {
    let Some(other) = other else { return };
    let cue = Cue::system("note-claim", phone.device.0);
    let noted = DeviceEvent::HardwareClaimNoted { others: vec![other], count: 1 };
    scene.say(&phone.device.stream(), &cue, noted);
    scene.wait(86_400, 5 * 86_400);
    let staff = by_staff(scene);
    scene.say(&phone.device.stream(), &staff, DeviceEvent::HardwareClaimDismissed { other });
}

fn fail_for_now(scene: &mut Scene, phone: &Phone) {
    let staff = by_staff(scene);
    let (command, queued) = commands::queue(scene, phone, &staff, Ask::order("SecurityInfo", ""));
    let failed =
        DeviceEvent::PushFailed { status: Some(429), reason: "TooManyRequests".to_owned(), unregistered_since: None };
    let pushes = Cue::system("push", phone.device.0);
    scene.effect(&phone.device.stream(), (queued, "push"), &pushes, [failed]);
    scene.wait(60, 7_200);
    let cue = phone.cue(scene.at, &mut scene.dice);
    serve(scene, phone, &cue, command, []);
}
