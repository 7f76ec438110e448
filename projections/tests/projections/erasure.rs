//! Erasing a person removes their text from every table, at once and in the same way as a rebuild does.
#![expect(clippy::unwrap_used, reason = "a helper of tests that cannot go on fails the test")]

use crate::records::owned_record;
use crate::support::*;
use events::device::{
    BodyHash, CommandId, CommandStatus, DeviceEvent, DeviceId, DeviceIdentifiers, InventoryValue, MdmError,
};
use events::enrollment::{EnrollmentEvent, OsVersion, SecretHash, SignInMethodName, SignInRefusal};
use events::envelope::{Actor, ActorKind};
use events::person::{AccountEvent, PersonAttributes, PersonEvent, PersonId};
use events::staff::{StaffActivityEvent, StaffId};
use events::system::{SuppressedRefusals, SuppressedSource};
use events::{Personal, StreamName};
use projections::Projections;
use projections::audit::{self, AuditFilter};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// In each personal value of the person, and nowhere else.
const MARK: &str = "zuleika";

fn zuleika() -> PersonId {
    person(1)
}

/// Signs in for [`zuleika`] and for herself.
fn technician() -> PersonId {
    person(2)
}

fn marked(what: &str) -> Personal<String> {
    Personal::new(zuleika().key(), format!("{MARK}-{what}"))
}

/// Writes events of a person who signs in, enrolls two devices (one with the help of a technician), owns a record, is
/// refused, and is looked at by staff.
async fn life(desk: &Desk) -> DeviceId {
    let keys = desk.log.keys();
    for event in [names("first"), names("second")] {
        desk.write(&zuleika().stream(), NOON, event).await;
    }
    let device = DeviceId(Uuid::from_u128(0x1001));
    let visit = device.enrollment();
    let visitor = Personal::new(visit.enrollment_key(), format!("{MARK}-visitor"));
    desk.write_as(&visit.stream(), NOON, Actor::new(ActorKind::Visitor, visit), Some(visitor), opened(device)).await;
    keys.set_owner(&visit.enrollment_key(), &zuleika().key()).unwrap();
    let here = Some(marked("portal"));
    let actor = || Actor::new(ActorKind::Person, zuleika());
    desk.write_as(&visit.stream(), NOON, actor(), here.clone(), signed_in(zuleika(), marked("user"))).await;
    let given = EnrollmentEvent::ManagedAppleIdGiven { managed_apple_id: marked("maid") };
    desk.write_as(&visit.stream(), NOON, actor(), here, given).await;
    for event in [reports(device), reports_otherwise(), refuses_a_command()].into_iter().flatten() {
        let actor = Actor::new(ActorKind::Device, device);
        desk.write_as(&device.stream(), later(60), actor, Some(marked("network")), event).await;
    }
    assisted(desk).await;
    refused(desk).await;
    let record = owned_record(desk, 7, zuleika(), MARK).await;
    keys.set_owner(&record.key(), &zuleika().key()).unwrap();
    looked_at(desk, device).await;
    device
}

fn names(nth: &str) -> PersonEvent {
    let name = |what: &str| Some(marked(&format!("{nth}-{what}")));
    let attributes = PersonAttributes {
        user_name: name("user"),
        display_name: name("full name"),
        mail: name("mail"),
        ..PersonAttributes::default()
    };
    match nth {
        "first" => PersonEvent::PersonKnown {
            method: SignInMethodName::LocalAccount,
            account: "00".into(),
            attributes,
            keys: vec![],
            names: vec![],
        },
        _ => PersonEvent::PersonAttributesChanged { attributes },
    }
}

fn signed_in(person: PersonId, user_name: Personal<String>) -> EnrollmentEvent {
    EnrollmentEvent::UserSignedIn {
        method: SignInMethodName::LocalAccount,
        person,
        account: "00".into(),
        user_name,
        session: SecretHash("01".into()),
    }
}

fn reports(device: DeviceId) -> Vec<DeviceEvent> {
    let identifiers = DeviceIdentifiers::DeviceEnrollment {
        udid: marked("udid"),
        serial_number: Some(marked("serial")),
        imei: Some(marked("imei")),
        meid: None,
    };
    let authenticated = DeviceEvent::DeviceAuthenticated {
        person: zuleika(),
        identifiers,
        certificate: "00".into(),
        topic: "com.apple.mgmt.External.1".into(),
        os_version: Some(OsVersion::new(17, 5)),
        build_version: Some("21F79".into()),
        product_name: Some("iPhone14,7".into()),
        body: BodyHash("00".into()),
    };
    vec![authenticated, enrolled(device)]
}

fn inventory(values: &[(&str, &str)]) -> DeviceEvent {
    let value = |text: &str| InventoryValue::Personal(Personal::new(zuleika().key(), Value::from(text)));
    let changes: BTreeMap<_, _> =
        values.iter().map(|(name, text)| ((*name).to_owned(), value(&format!("{MARK}-{text}")))).collect();
    DeviceEvent::InventoryReported { changes }
}

fn reports_otherwise() -> Vec<DeviceEvent> {
    let plain = BTreeMap::from([("OSVersion".to_owned(), InventoryValue::Plain("17.6".into()))]);
    vec![
        inventory(&[("DeviceName", "iPhone"), ("PhoneNumber", "number"), ("UDID", "udid")]),
        DeviceEvent::InventoryReported { changes: plain },
        inventory(&[("DeviceName", "telephone"), ("UDID", "other udid"), ("SerialNumber", "serial")]),
        inventory(&[("DeviceName", "iPhone"), ("WiFiMAC", "address")]),
    ]
}

fn refuses_a_command() -> Vec<DeviceEvent> {
    let error = |description| MdmError { code: 12_021, domain: "MCMDMErrorDomain".into(), description };
    let answered = DeviceEvent::MdmCommandAnswered {
        command: CommandId(Uuid::from_u128(1)),
        status: CommandStatus::Error,
        errors: vec![error(Some(marked("error"))), error(None)],
        rejection: None,
        body: BodyHash("02".into()),
    };
    vec![queued(1, "InstallProfile", None), answered]
}

// The technician's enrollment: what was sealed before the assignment is the technician's.
async fn assisted(desk: &Desk) {
    let device = DeviceId(Uuid::from_u128(0x1002));
    let visit = device.enrollment().stream();
    desk.write(&technician().stream(), NOON, known(technician(), "tom")).await;
    desk.log.keys().set_owner(&device.enrollment().enrollment_key(), &technician().key()).unwrap();
    let from = |who: PersonId, text: &str| Some(Personal::new(who.key(), text.to_owned()));
    let actor = || Actor::new(ActorKind::Person, technician());
    let tom = Personal::new(technician().key(), "tom".to_owned());
    let assigned = EnrollmentEvent::EnrollmentAssigned {
        person: zuleika(),
        account: "00".into(),
        user_name: marked("assigned"),
        method: SignInMethodName::LocalAccount,
    };
    desk.write(&visit, NOON, opened(device)).await;
    for event in [signed_in(technician(), tom), assigned] {
        desk.write_as(&visit, NOON, actor(), from(technician(), "tom’s network"), event).await;
    }
    desk.write(&visit, NOON, EnrollmentEvent::ManagedAppleIdGiven { managed_apple_id: marked("second maid") }).await;
    for event in [authenticated(zuleika(), &format!("{MARK}-enrollment-id")), enrolled(device)] {
        let actor = Actor::new(ActorKind::Device, device);
        desk.write_as(&device.stream(), later(70), actor, Some(marked("home")), event).await;
    }
}

async fn refused(desk: &Desk) {
    let method = SignInMethodName::LocalAccount;
    let stream = StreamName::of("account", "a0");
    let actor = || Actor::new(ActorKind::Visitor, zuleika());
    let refused = AccountEvent::AccountSignInRefused { method, reason: SignInRefusal::WrongPassword };
    let counted = SuppressedRefusals {
        count: 3,
        sources: vec![SuppressedSource { source: marked("many"), count: 2 }],
        others: 1,
    };
    let reserved = AccountEvent::AccountReserved { person: zuleika() };
    for event in [reserved, refused, AccountEvent::AccountRefusalsSuppressed(counted)] {
        desk.write_as(&stream, later(80), actor(), Some(marked("typing")), event).await;
    }
}

async fn looked_at(desk: &Desk, device: DeviceId) {
    let staff = StaffId(Uuid::from_u128(0x3000));
    let views = [
        StaffActivityEvent::DeviceViewed { device },
        StaffActivityEvent::PersonViewed { person: zuleika() },
        StaffActivityEvent::VisitViewed { enrollment: device.enrollment() },
    ];
    for viewed in views {
        let source = Some(Personal::new(staff.key(), "192.0.2.7".to_owned()));
        let viewer = Actor::new(ActorKind::Staff, staff);
        desk.write_as(&staff.activity_stream("20261117"), later(90), viewer, source, viewed).await;
    }
}

/// Returns the rows that contain the mark.
async fn marked_rows(projections: &Projections) -> Vec<String> {
    let tables = projections.dump().await.unwrap();
    let rows = tables.into_iter().flat_map(|table| table.rows.into_iter().map(move |row| (table.table.clone(), row)));
    rows.filter(|(_, row)| row.to_lowercase().contains(MARK)).map(|(table, row)| format!("{table}: {row}")).collect()
}

async fn erase(desk: &Desk, person: PersonId) {
    desk.log.keys().destroy(&person.key()).unwrap();
    desk.write(&person.stream(), later(9_000), PersonEvent::PersonErased {}).await;
}

#[tokio::test]
async fn nothing_personal_of_an_erased_person_stays_in_any_table() {
    let desk = Desk::new();
    life(&desk).await;
    let projections = desk.caught_up().await;
    assert!(marked_rows(&projections).await.len() > 20, "the person is in the tables before");
    erase(&desk, zuleika()).await;
    desk.follow(&projections).await;
    assert_eq!(marked_rows(&projections).await, [] as [String; 0]);
}

#[tokio::test]
async fn erased_rows_are_those_that_a_rebuild_makes() {
    let desk = Desk::new();
    life(&desk).await;
    let projections = desk.caught_up().await;
    erase(&desk, zuleika()).await;
    desk.follow(&projections).await;
    let erased = projections.dump().await.unwrap();
    let rebuilt = projections.rebuild(&desk.log).await.unwrap();
    for (before, after) in erased.iter().zip(projections.dump().await.unwrap()) {
        assert_eq!(before.rows, after.rows, "{}", after.table);
    }
    assert_eq!(rebuilt.changed, Some(vec![]));
    assert_eq!(marked_rows(&projections).await, [] as [String; 0]);
}

#[tokio::test]
async fn what_others_did_about_an_erased_person_stays_readable() {
    let desk = Desk::new();
    let device = life(&desk).await;
    let projections = desk.caught_up().await;
    erase(&desk, zuleika()).await;
    desk.follow(&projections).await;
    let all = audit::query(&projections, &desk.log, AuditFilter::default(), 1_000).await.unwrap().rows;
    let sources: Vec<_> = all.iter().filter_map(|row| row.source.as_deref()).collect();
    assert_eq!(sources.iter().filter(|source| **source == "192.0.2.7").count(), 3, "staff: {sources:?}");
    assert_eq!(sources.iter().filter(|source| **source == "tom’s network").count(), 2, "the technician: {sources:?}");
    assert_eq!(sources.len(), 5);
    assert_eq!(all.iter().filter(|row| row.source_erased).count(), 16);
    let said = |wanted: &str| all.iter().any(|row| row.sentence == wanted);
    assert!(said("Signed in as (erased) with a local account"));
    assert!(said("Signed in as tom with a local account"));
    assert!(said("InstallProfile failed: MCMDMErrorDomain 12021, MCMDMErrorDomain 12021"), "{:?}", sentences(&all));
    assert!(all.iter().any(|row| row.sentence.contains("(erased) (2), others (1)")), "{:?}", sentences(&all));
    let searched = AuditFilter { text: Some(MARK.into()), ..AuditFilter::default() };
    assert_eq!(audit::query(&projections, &desk.log, searched, 10).await.unwrap().rows.len(), 0);
    let device = projections::devices::get(&projections, device, None).await.unwrap().unwrap();
    assert_eq!((device.name, device.serial_number, device.os_version.as_deref()), (None, None, Some("17.6")));
}

fn sentences(rows: &[audit::Row]) -> Vec<&str> {
    rows.iter().map(|row| row.sentence.as_str()).collect()
}

#[tokio::test]
async fn another_person_keeps_their_text() {
    let desk = Desk::new();
    life(&desk).await;
    let projections = desk.caught_up().await;
    let rows = marked_rows(&projections).await.len();
    erase(&desk, technician()).await;
    desk.follow(&projections).await;
    let dump = projections.dump().await.unwrap();
    assert!(!dump.iter().flat_map(|table| &table.rows).any(|row| row.contains("tom")), "{dump:?}");
    assert_eq!(marked_rows(&projections).await.len(), rows);
    assert_eq!(projections.rebuild(&desk.log).await.unwrap().changed, Some(vec![]));
}

#[tokio::test]
async fn the_index_of_names_keeps_no_part_of_an_erased_name() {
    let desk = Desk::new();
    let (ada, eve) = (person(1), person(2));
    // Three characters of the name take nine bytes: no other text has them by chance.
    let name = "ꝣꝥꝧꝩꝫ";
    let device = desk.enroll(1, ada, name, NOON).await;
    desk.enroll(2, eve, "eve", later(1)).await;
    desk.write(&device.stream(), later(2), inventory_of(ada, &format!("telephone of {name}"))).await;
    let projections = desk.caught_up().await;
    let parts: Vec<String> = name.chars().collect::<Vec<_>>().windows(3).map(|part| part.iter().collect()).collect();
    let files = || {
        let directory = desk.path().join("projections");
        let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
        files.filter(|file| file.is_file()).map(|file| std::fs::read(file).unwrap()).collect::<Vec<_>>()
    };
    let there = |files: &[Vec<u8>]| {
        let contains =
            |part: &str| files.iter().any(|file| file.windows(part.len()).any(|window| window == part.as_bytes()));
        parts.iter().filter(|part| contains(part)).count()
    };
    assert!(there(&files()) > 0, "the name is in the files before");
    let found = async |text: &str| {
        let filter = AuditFilter { text: Some(text.to_owned()), ..AuditFilter::default() };
        audit::query(&projections, &desk.log, filter, 100).await.unwrap().rows.len()
    };
    assert!(found("ꝥꝧꝩ").await > 5);
    erase(&desk, ada).await;
    desk.follow(&projections).await;
    assert_eq!(there(&files()), 0, "a part of an erased name is still on the disk");
    assert_eq!((found("ꝥꝧꝩ").await, found("telephone").await), (0, 0));
    assert!(found("eve").await > 5);
}

fn inventory_of(person: PersonId, name: &str) -> DeviceEvent {
    let value = InventoryValue::Personal(Personal::new(person.key(), Value::from(name)));
    DeviceEvent::InventoryReported { changes: BTreeMap::from([("DeviceName".to_owned(), value)]) }
}
