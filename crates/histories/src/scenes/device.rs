//! Check-in messages and the inventory.

use super::commands::{self, Ask, body, information_queries, push, queue_effect, serve};
use super::console::by_staff;
use crate::phone::{Phone, TOPIC, build, marketing_name};
use crate::scene::{Cue, Lately, Scene};
use events::device::{DeviceEvent, InventoryValue, PushAddress, UnenrolledBy};
use events::enrollment::{EnrollmentKind, OsVersion};
use events::envelope::EventId;
use events::system::HardwareEvent;
use events::{Event, Personal};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A push address of the device.
pub(crate) fn push_address(scene: &mut Scene, phone: &Phone) -> PushAddress {
    let sealed = |text: String| Personal::new(phone.key(), text);
    PushAddress {
        token: sealed(scene.dice.base64::<32>()),
        push_magic: sealed(scene.dice.uuid().to_string().to_uppercase()),
        unlock_token: (phone.kind == EnrollmentKind::DeviceEnrollment).then(|| sealed(scene.dice.base64::<600>())),
    }
}

/// `Authenticate`, `TokenUpdate` and the first questions. Returns the event `DeviceEnrolled`.
pub(crate) fn enroll(scene: &mut Scene, phone: &Phone) -> EventId {
    let (stream, os) = (phone.device.stream(), phone.os);
    let cue = phone.cue(scene.at, &mut scene.dice);
    let authenticated = DeviceEvent::DeviceAuthenticated {
        person: phone.owner.person,
        identifiers: phone.identifiers(),
        certificate: phone.fingerprint(0),
        topic: TOPIC.to_owned(),
        os_version: Some(os),
        build_version: Some(build(os)),
        product_name: Some(phone.product.to_owned()),
        body: body(scene),
    };
    scene.say(&stream, &cue, authenticated);
    let enrolled = DeviceEvent::DeviceEnrolled { push: push_address(scene, phone), body: body(scene) };
    let enrolled = scene.say(&stream, &cue.clone().with(phone.key()), enrolled);
    scene.stage.lately.push_front(Lately { device: phone.device, person: phone.owner.person });
    scene.stage.lately.truncate(64);
    if let Some((_, udid)) = &phone.hardware {
        let hardware = scene.secrets().hardware(udid);
        let note = Cue::system("note-hardware", phone.device.0);
        let event = HardwareEvent::HardwareEnrolled { device: phone.device };
        scene.effect(&hardware, (enrolled, "note-hardware"), &note, [event]);
    }
    first_questions(scene, phone, &cue, enrolled);
    enrolled
}

fn first_questions(scene: &mut Scene, phone: &Phone, cue: &Cue, enrolled: EventId) {
    let queries = information_queries(phone.kind, phone.os);
    let ask = Ask::query("DeviceInformation", &queries);
    let (information, _) = queue_effect(scene, phone, (enrolled, "ask-device-information"), ask);
    let (security, last) = queue_effect(scene, phone, (enrolled, "ask-security-info"), Ask::query("SecurityInfo", ""));
    push(scene, phone, last);
    // Some are switched off at once, or lose their network: they are not heard from.
    if scene.dice.chance(80) {
        return;
    }
    scene.wait(1, 20);
    let inventory = DeviceEvent::InventoryReported { changes: information_of(phone) };
    serve(scene, phone, cue, information, [inventory]);
    let inventory = DeviceEvent::InventoryReported { changes: security_of(phone) };
    serve(scene, phone, cue, security, [inventory]);
}

fn information_of(phone: &Phone) -> BTreeMap<String, InventoryValue> {
    let mut dice = phone.dice(30);
    let capacity = *dice.pick(&["64", "128", "128", "256", "512"]);
    let mut plain = vec![
        ("BuildVersion", json!(build(phone.os))),
        ("DeviceCapacity", json!(capacity)),
        ("IsSupervised", json!(false)),
        ("Model", json!(phone.product)),
        ("ModelName", json!(marketing_name(phone.product))),
        ("OSVersion", json!(phone.os.to_string())),
        ("ProductName", json!(phone.product)),
    ];
    let mut personal = vec![("DeviceName", phone.name())];
    if let Some((serial, udid)) = &phone.hardware {
        plain.push(("IsActivationLockEnabled", json!(dice.chance(700))));
        plain.push(("IsCloudBackupEnabled", json!(dice.chance(600))));
        personal.push(("SerialNumber", serial.to_string()));
        personal.push(("UDID", udid.to_string()));
        personal.push(("WiFiMAC", mac(&dice.bytes())));
        personal.push(("BluetoothMAC", mac(&dice.bytes())));
    }
    let plain = plain.into_iter().map(|(name, value)| (name.to_owned(), InventoryValue::Plain(value)));
    let sealed = |text: String| InventoryValue::Personal(Personal::new(phone.owner.key(), Value::from(text)));
    plain.chain(personal.into_iter().map(|(name, text)| (name.to_owned(), sealed(text)))).collect()
}

fn mac(bytes: &[u8; 6]) -> String {
    bytes.map(|byte| format!("{byte:02x}")).join(":")
}

fn security_of(phone: &Phone) -> BTreeMap<String, InventoryValue> {
    let is_user = phone.kind == EnrollmentKind::UserEnrollment;
    let mut values = vec![
        ("HardwareEncryptionCaps", json!(3)),
        ("IsUserEnrollment", json!(is_user)),
        ("PasscodeCompliant", json!(true)),
    ];
    if !is_user {
        values.push(("PasscodeCompliantWithProfiles", json!(true)));
        values.push(("PasscodePresent", json!(phone.dice(31).chance(950))));
    }
    values.into_iter().map(|(name, value)| (name.to_owned(), InventoryValue::Plain(value))).collect()
}

/// Staff ask for the inventory, which has another version and sometimes another name than before.
pub(crate) fn refresh(scene: &mut Scene, phone: &Phone, os: OsVersion) {
    let staff = by_staff(scene);
    let queries = information_queries(phone.kind, os);
    let (command, queued) = commands::queue(scene, phone, &staff, Ask::order("DeviceInformation", &queries));
    push(scene, phone, queued);
    scene.wait(1, 1_800);
    let cue = phone.cue(scene.at, &mut scene.dice);
    let plain = |value: Value| InventoryValue::Plain(value);
    let mut changes = BTreeMap::from([
        ("OSVersion".to_owned(), plain(json!(os.to_string()))),
        ("BuildVersion".to_owned(), plain(json!(build(os)))),
    ]);
    if scene.dice.chance(150) {
        let name = format!("{} {}", phone.name(), scene.dice.below(1_000));
        let name = InventoryValue::Personal(Personal::new(phone.owner.key(), Value::from(name)));
        changes.insert("DeviceName".to_owned(), name);
    }
    serve(scene, phone, &cue, command, [DeviceEvent::InventoryReported { changes }]);
}

/// A `TokenUpdate` with another push token.
pub(crate) fn renew_token(scene: &mut Scene, phone: &Phone) {
    let cue = phone.cue(scene.at, &mut scene.dice).with(phone.key());
    let renewed = DeviceEvent::PushTokenRenewed { push: push_address(scene, phone), body: body(scene) };
    scene.say(&phone.device.stream(), &cue, renewed);
}

/// The first contact after a silence.
pub(crate) fn hear_from(scene: &mut Scene, phone: &Phone) {
    let cue = phone.cue(scene.at, &mut scene.dice);
    scene.say(&phone.device.stream(), &cue, DeviceEvent::DeviceHeardFrom {});
}

/// The person removes the profile.
pub(crate) fn check_out(scene: &mut Scene, phone: &Phone) {
    let cue = phone.cue(scene.at, &mut scene.dice);
    let checked_out = DeviceEvent::DeviceCheckedOut { body: body(scene) };
    scene.say(&phone.device.stream(), &cue, checked_out);
}

/// An administrator ends the management.
pub(crate) fn unenroll(scene: &mut Scene, phone: &Phone) {
    let staff = by_staff(scene);
    let identifier =
        format!("\t<key>Identifier</key>\n\t<string>org.example.mdm.muster.mdm.{}</string>\n", phone.device);
    let ask =
        Ask { unenrolls: true, priority: events::device::Priority::Urgent, ..Ask::order("RemoveProfile", &identifier) };
    let (command, queued) = commands::queue(scene, phone, &staff, ask);
    push(scene, phone, queued);
    scene.wait(1, 600);
    let cue = phone.cue(scene.at, &mut scene.dice);
    serve(scene, phone, &cue, command, [DeviceEvent::DeviceUnenrolled { by: UnenrolledBy::Server }]);
}

/// A push to a device that was erased: APNs knows its token no longer.
pub(crate) fn fail_push(scene: &mut Scene, phone: &Phone) {
    let staff = by_staff(scene);
    let ask = Ask { expires: Some(scene.later(14 * 86_400)), ..Ask::order("SecurityInfo", "") };
    let (command, queued) = commands::queue(scene, phone, &staff, ask);
    let failed = DeviceEvent::PushFailed {
        status: Some(410),
        reason: "Unregistered".to_owned(),
        unregistered_since: Some(scene.later(-3_600)),
    };
    let (stream, cue) = (phone.device.stream(), Cue::system("push", phone.device.0));
    scene.effect(&stream, (queued, "push"), &cue, [failed]);
    scene.wait(14 * 86_400, 14 * 86_400 + 60);
    let timer = Cue::system("timer", phone.device.0);
    let expired = DeviceEvent::MdmCommandExpired { command };
    scene.effect(&stream, (queued, "expire"), &timer, [Event::from(expired)]);
}
