//! The events of made-up devices over three years.

use super::later;
use events::device::{BodyHash, CommandId, DeviceEvent, DeviceId, DeviceIdentifiers, InventoryValue, PushAddress};
use events::enrollment::{
    ChosenBy, DeviceFamily, EnrollmentEvent, IssuedCertificate, OsVersion, Ownership, Platform, SecretHash,
    SignInMethodName,
};
use events::envelope::{Actor, ActorKind};
use events::person::{PersonAttributes, PersonEvent, PersonId};
use events::{Entry, Event, EventId, Personal, Position, Revision, StreamName, Timestamp};
use uuid::Uuid;

pub(super) const NOW: Timestamp = Timestamp(1_794_916_800_000_000);

const YEAR: u64 = 365 * 86_400;

/// Pseudo-random bits of a number.
pub(super) fn scattered(n: u64) -> u64 {
    let mixed = (n ^ (n >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 8
}

pub(super) fn device(n: u64) -> DeviceId {
    DeviceId(Uuid::from_u64_pair(0x0192_0000_0000_7000 | (n << 16), scattered(n) | (1 << 63)))
}

pub(super) fn person(n: u64) -> PersonId {
    PersonId(Uuid::from_u64_pair(0x0191_0000_0000_7000 | ((n / 2) << 16), scattered(n / 2) | (1 << 63)))
}

pub(super) fn user_name(n: u64) -> String {
    let first = ["ada", "grace", "joan", "radia", "karen", "hedy", "mary", "anita"][(scattered(n / 2) % 8) as usize];
    format!("{first}.{}", scattered(n / 2) % 1_000_003)
}

const MODELS: [&str; 12] = [
    "iPhone12,1",
    "iPhone14,7",
    "iPhone15,2",
    "iPhone16,1",
    "iPhone17,3",
    "iPad11,6",
    "iPad12,1",
    "iPad13,18",
    "iPad14,3",
    "iPad7,11",
    "iPhone11,8",
    "iPhone10,4",
];

pub(super) fn model(n: u64) -> &'static str {
    // One of a thousand devices is of a rare model.
    if n.is_multiple_of(1_000) { "iPod9,1" } else { MODELS[(scattered(n) % 12) as usize] }
}

struct Writer<'a> {
    position: u64,
    write: &'a mut dyn FnMut(Entry),
}

impl Writer<'_> {
    fn write(&mut self, stream: StreamName, at: Timestamp, event: impl Into<Event>) {
        self.position += 1;
        (self.write)(Entry {
            stream,
            revision: Revision(0),
            position: Position(self.position),
            leaf: [0; 32],
            id: EventId(Uuid::from_u64_pair(0x0192_0000_0000_7000, self.position | (1 << 63))),
            at,
            actor: Actor::new(ActorKind::System, "measure"),
            source: None,
            correlation: Uuid::nil(),
            causation: None,
            event: event.into(),
        });
    }
}

/// Calls `write` with the events in the order of the log: device `n` enrolls, and earlier devices report.
pub(super) fn events(number: u64, write: &mut dyn FnMut(Entry)) {
    let mut writer = Writer { position: 0, write };
    let begin = NOW.plus_seconds(-i64::try_from(3 * YEAR).unwrap());
    for step in 0..number + number / 2 {
        let at = later(begin, 3 * YEAR * step / (number + number / 2));
        if step < number {
            enroll(&mut writer, step, at);
        }
        for (nth, lag) in [(1, number / 8), (2, number / 4), (3, number / 3)] {
            if let Some(n) = step.checked_sub(lag).filter(|n| *n < number) {
                report(&mut writer, n, nth, at);
            }
        }
        // A visit whose person gives up.
        if step % 6 == 0 {
            let visit =
                DeviceId(Uuid::from_u64_pair(0x0193_0000_0000_7000 | (step << 16), scattered(step) | (1 << 63)));
            open(&mut writer, visit, step, at);
            if step + 2_000 < number {
                writer.write(visit.enrollment().stream(), later(at, 400), EnrollmentEvent::EnrollmentAbandoned {});
            }
        }
    }
}

fn open(writer: &mut Writer<'_>, device: DeviceId, n: u64, at: Timestamp) {
    let major = 15 + (scattered(n) % 4) as u16;
    let opened = EnrollmentEvent::VisitOpened {
        session: SecretHash("00".into()),
        user_agent: Personal::new(device.enrollment().enrollment_key(), "Safari".to_owned()),
        platform: Platform { family: DeviceFamily::IPhone, version: Some(OsVersion::new(major, 5)) },
        language: ["en", "de", "fr"][(scattered(n) % 3) as usize].into(),
    };
    writer.write(device.enrollment().stream(), at, opened);
}

fn enroll(writer: &mut Writer<'_>, n: u64, at: Timestamp) {
    let (device, person) = (device(n), person(n));
    let personal = |text: String| Personal::new(person.key(), text);
    let stream = device.enrollment().stream();
    if n.is_multiple_of(2) {
        let attributes = PersonAttributes {
            user_name: Some(personal(user_name(n))),
            display_name: Some(personal(format!("Person {}", scattered(n / 2)))),
            ..PersonAttributes::default()
        };
        let known = PersonEvent::PersonKnown {
            method: SignInMethodName::Directory,
            account: "00".into(),
            attributes,
            keys: vec![],
            names: vec![],
        };
        writer.write(person.stream(), at, known);
    }
    open(writer, device, n, at);
    let method = if n.is_multiple_of(3) { SignInMethodName::Saml } else { SignInMethodName::LocalAccount };
    let signed_in = EnrollmentEvent::UserSignedIn {
        method,
        person,
        account: "00".into(),
        user_name: personal(user_name(n)),
        session: SecretHash("01".into()),
    };
    writer.write(stream.clone(), later(at, 20 + scattered(n) % 60), signed_in);
    let ownership = if n.is_multiple_of(3) { Ownership::Institutional } else { Ownership::Personal };
    let chosen = EnrollmentEvent::OwnershipChosen { ownership, chosen_by: ChosenBy::User };
    writer.write(stream.clone(), later(at, 90 + scattered(n) % 30), chosen);
    let given = EnrollmentEvent::ManagedAppleIdGiven { managed_apple_id: personal(format!("{}@school", user_name(n))) };
    writer.write(stream.clone(), later(at, 130), given);
    writer.write(stream, later(at, 150 + scattered(n) % 100), issued(n, at));
    let identifiers = match ownership {
        Ownership::Personal => {
            DeviceIdentifiers::UserEnrollment { enrollment_id: personal(format!("{:032X}", scattered(n))) }
        }
        Ownership::Institutional => DeviceIdentifiers::DeviceEnrollment {
            udid: personal(format!("00008110-{:016X}", scattered(n))),
            serial_number: Some(personal(serial(n))),
            imei: None,
            meid: None,
        },
    };
    let authenticated = DeviceEvent::DeviceAuthenticated {
        person,
        identifiers,
        certificate: "00".into(),
        topic: "com.apple.mgmt.External.1".into(),
        os_version: Some(OsVersion::new(15 + (scattered(n) % 4) as u16, 5)),
        build_version: Some("21F79".into()),
        product_name: Some(model(n).into()),
        body: BodyHash("00".into()),
    };
    writer.write(device.stream(), later(at, 260), authenticated);
    let secret = |value: &str| Personal::new(device.key(), value.to_owned());
    let push = PushAddress { token: secret("AA=="), push_magic: secret("magic"), unlock_token: None };
    writer.write(device.stream(), later(at, 270), DeviceEvent::DeviceEnrolled { push, body: BodyHash("01".into()) });
    let name = format!("{}’s {} {}", user_name(n), &model(n)[..4], scattered(n) % 10_000);
    let changes = [
        ("DeviceName".to_owned(), InventoryValue::Personal(personal(name).map_json())),
        ("ModelName".to_owned(), InventoryValue::Plain(model(n)[..4].into())),
        ("IsSupervised".to_owned(), InventoryValue::Plain(false.into())),
    ];
    writer.write(device.stream(), later(at, 300), DeviceEvent::InventoryReported { changes: changes.into() });
}

trait Json {
    fn map_json(self) -> Personal<serde_json::Value>;
}

impl Json for Personal<String> {
    fn map_json(self) -> Personal<serde_json::Value> {
        let text = self.shown().unwrap_or_default().to_owned();
        Personal::new(self.key().clone(), text.into())
    }
}

pub(super) fn serial(n: u64) -> String {
    format!("F{:011}", scattered(n) % 100_000_000_000)
}

fn issued(n: u64, at: Timestamp) -> EnrollmentEvent {
    let identity = IssuedCertificate {
        certificate: "AA==".into(),
        serial: format!("{:032X}", scattered(n)),
        fingerprint: "00".into(),
        key_hash: "00".into(),
        not_after: later(at, YEAR),
    };
    EnrollmentEvent::IdentityIssued { identity, transaction: "1".into(), challenge: SecretHash("02".into()) }
}

fn report(writer: &mut Writer<'_>, n: u64, nth: u64, at: Timestamp) {
    let device = device(n);
    let version = OsVersion::new(15 + (scattered(n) % 4 + nth) as u16, (scattered(n + nth) % 6) as u16);
    let changes = [
        ("OSVersion".to_owned(), InventoryValue::Plain(version.to_string().into())),
        ("BuildVersion".to_owned(), InventoryValue::Plain(format!("2{nth}F{}", scattered(n) % 90).into())),
    ];
    writer.write(device.stream(), at, DeviceEvent::InventoryReported { changes: changes.into() });
    if nth != 2 {
        let command = CommandId(Uuid::from_u64_pair(n, nth));
        let requested = DeviceEvent::IdentityRenewalRequested {
            command,
            challenge: SecretHash("03".into()),
            challenge_expires: later(at, 86_400),
        };
        writer.write(device.stream(), at, requested);
        if scattered(n) % 500 != 7 {
            let completed = DeviceEvent::IdentityRenewalCompleted {
                fingerprint: "00".into(),
                serial: format!("{:032X}", scattered(n + nth)),
                not_after: later(at, YEAR),
            };
            writer.write(device.stream(), at, completed);
        }
    }
    if nth == 3 && scattered(n).is_multiple_of(10) {
        writer.write(device.stream(), at, DeviceEvent::DeviceCheckedOut { body: BodyHash("02".into()) });
    }
}
