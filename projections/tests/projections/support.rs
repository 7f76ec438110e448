//! A log on SQLite in a temporary directory, and events to write to it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use events::device::{
    BodyHash, CommandId, CommandPayload, CommandStatus, DeviceEvent, DeviceId, DeviceIdentifiers, InventoryValue,
    Priority, PushAddress,
};
use events::enrollment::{
    ChosenBy, DeviceFamily, EnrollmentEvent, Evidence, FoundRecord, IssuedCertificate, OsVersion, Ownership, Platform,
    SecretHash, SignInMethodName, SignInRefusal,
};
use events::envelope::{Actor, ActorKind};
use events::log::{Draft, Log};
use events::person::{PersonAttributes, PersonEvent, PersonId};
use events::personal::keys::MasterKey;
use events::personal::keys::SqliteKeyStore;
use events::staff::{StaffActivityEvent, StaffId};
use events::store::Expected;
use events::store::sqlite::SqliteStore;
use events::system::RefusalEvent;
use events::{Event, EventId, Personal, Position, StreamName, Timestamp};
use projections::Projections;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// Noon of a day in November 2026.
pub(crate) const NOON: Timestamp = Timestamp(1_794_916_800_000_000);

pub(crate) struct Desk {
    pub log: Log,
    pub store: Arc<SqliteStore>,
    pub directory: tempfile::TempDir,
    next: AtomicU64,
}

impl Desk {
    pub(crate) fn new() -> Desk {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::create(directory.path()).unwrap());
        let master = MasterKey::from_bytes([7; 32]);
        let keys = SqliteKeyStore::create(&directory.path().join("keys.db"), master, counting).unwrap();
        let log = Log::new(store.clone(), Arc::new(keys));
        Desk { log, store, directory, next: AtomicU64::new(1) }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) async fn projections(&self) -> Projections {
        let head = self.log.store().head().await.unwrap();
        Projections::open(self.path(), head).unwrap().0
    }

    /// Opens the projections and lets them follow the log until all its events are folded.
    pub(crate) async fn caught_up(&self) -> Projections {
        let projections = self.projections().await;
        self.follow(&projections).await;
        projections
    }

    /// Same as [`Desk::caught_up`], in another directory: every event is folded again.
    pub(crate) async fn caught_up_anew(&self) -> Projections {
        let head = self.log.store().head().await.unwrap();
        let projections = Projections::open(&self.path().join("anew"), head).unwrap().0;
        self.follow(&projections).await;
        projections
    }

    pub(crate) async fn follow(&self, projections: &Projections) {
        let task = tokio::spawn({
            let (projections, log) = (projections.clone(), self.log.clone());
            async move { projections.run(log).await }
        });
        if let Some(head) = self.log.store().head().await.unwrap() {
            projections.wait_for(head).await.unwrap();
        }
        task.abort();
        task.await.unwrap_err();
    }

    pub(crate) async fn write(
        &self,
        stream: &StreamName,
        at: Timestamp,
        event: impl Into<Event>,
    ) -> (EventId, Position) {
        self.write_as(stream, at, Actor::new(ActorKind::System, "test"), None, event).await
    }

    pub(crate) async fn write_as(
        &self,
        stream: &StreamName,
        at: Timestamp,
        actor: Actor,
        source: Option<Personal<String>>,
        event: impl Into<Event>,
    ) -> (EventId, Position) {
        let nth = self.next.fetch_add(1, Ordering::SeqCst);
        let id = EventId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 | u128::from(nth)));
        let correlation = Uuid::parse_str(stream.id()).unwrap_or(Uuid::nil());
        let draft = Draft { id, at, actor, source, correlation, causation: None, event: event.into() };
        let appended = self.log.append(stream, Expected::Any, vec![draft]).await.unwrap();
        (id, appended.position)
    }

    /// Enrolls an iPhone or iPad of a person through the portal; returns the device.
    pub(crate) async fn enroll(&self, nth: u128, person: PersonId, name: &str, at: Timestamp) -> DeviceId {
        let device = DeviceId(Uuid::from_u128(0x1000 + nth));
        let enrollment = device.enrollment().stream();
        self.write(&person.stream(), at, known(person, name)).await;
        for event in way(device, person, name) {
            self.write(&enrollment, at, event).await;
        }
        self.write(&device.stream(), at.plus_seconds(60), authenticated(person, "EID-1")).await;
        self.write(&device.stream(), at.plus_seconds(61), enrolled(device)).await;
        device
    }
}

// Not random: here keys only have to differ.
fn counting(bytes: &mut [u8]) {
    static STATE: AtomicU64 = AtomicU64::new(1);
    for byte in bytes {
        *byte = STATE.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0];
    }
}

pub(crate) fn person(nth: u128) -> PersonId {
    PersonId(Uuid::from_u128(0x2000 + nth))
}

pub(crate) fn known(person: PersonId, name: &str) -> PersonEvent {
    let user_name = Some(Personal::new(person.key(), name.to_owned()));
    let attributes = PersonAttributes { user_name, ..PersonAttributes::default() };
    PersonEvent::PersonKnown {
        method: SignInMethodName::LocalAccount,
        account: "00".into(),
        attributes,
        keys: vec![],
        names: vec![],
    }
}

pub(crate) fn opened(device: DeviceId) -> EnrollmentEvent {
    EnrollmentEvent::VisitOpened {
        session: SecretHash("00".into()),
        user_agent: Personal::new(device.enrollment().enrollment_key(), "Safari".to_owned()),
        platform: Platform { family: DeviceFamily::IPhone, version: Some(OsVersion::new(17, 5)) },
        language: "en".into(),
    }
}

fn way(device: DeviceId, person: PersonId, name: &str) -> Vec<EnrollmentEvent> {
    vec![
        opened(device),
        EnrollmentEvent::UserSignedIn {
            method: SignInMethodName::LocalAccount,
            person,
            account: "00".into(),
            user_name: Personal::new(person.key(), name.to_owned()),
            session: SecretHash("01".into()),
        },
        EnrollmentEvent::OwnershipChosen { ownership: Ownership::Personal, chosen_by: ChosenBy::User },
        EnrollmentEvent::ManagedAppleIdGiven {
            managed_apple_id: Personal::new(person.key(), format!("{name}@example.com")),
        },
        EnrollmentEvent::IdentityIssued {
            identity: IssuedCertificate {
                certificate: "AA==".into(),
                serial: "5F21".into(),
                fingerprint: "00".into(),
                key_hash: "00".into(),
                not_after: NOON.plus_seconds(365 * 86_400),
            },
            transaction: "1".into(),
            challenge: SecretHash("02".into()),
        },
    ]
}

pub(crate) fn authenticated(person: PersonId, enrollment_id: &str) -> DeviceEvent {
    DeviceEvent::DeviceAuthenticated {
        person,
        identifiers: DeviceIdentifiers::UserEnrollment {
            enrollment_id: Personal::new(person.key(), enrollment_id.to_owned()),
        },
        certificate: "00".into(),
        topic: "com.apple.mgmt.External.1".into(),
        os_version: Some(OsVersion::new(17, 5)),
        build_version: Some("21F79".into()),
        product_name: Some("iPhone14,7".into()),
        body: BodyHash("00".into()),
    }
}

pub(crate) fn enrolled(device: DeviceId) -> DeviceEvent {
    let personal = |value: &str| Personal::new(device.key(), value.to_owned());
    let push = PushAddress { token: personal("AA=="), push_magic: personal("magic"), unlock_token: None };
    DeviceEvent::DeviceEnrolled { push, body: BodyHash("01".into()) }
}

pub(crate) fn reported(person: PersonId, name: &str, battery: u8, version: &str) -> DeviceEvent {
    let plain = |value: serde_json::Value| InventoryValue::Plain(value);
    let name = Personal::new(person.key(), serde_json::Value::from(name));
    let changes = BTreeMap::from([
        ("DeviceName".to_owned(), InventoryValue::Personal(name)),
        ("OSVersion".to_owned(), plain(version.into())),
        ("BatteryLevel".to_owned(), plain(battery.into())),
        ("IsSupervised".to_owned(), plain(false.into())),
    ]);
    DeviceEvent::InventoryReported { changes }
}

pub(crate) fn later(seconds: i64) -> Timestamp {
    NOON.plus_seconds(seconds)
}

/// Two people, two devices, reports, an end, a refusal and an access by staff: events for every table.
pub(crate) async fn busy_day(desk: &Desk) -> (DeviceId, DeviceId) {
    let (ada, eve) = (person(1), person(2));
    let first = desk.enroll(1, ada, "ada", NOON).await;
    let second = desk.enroll(2, eve, "eve", later(600)).await;
    desk.write(&first.stream(), later(900), reported(ada, "ada’s iPhone", 90, "17.5.1")).await;
    desk.write(&first.stream(), later(7_200), reported(ada, "Ada’s telephone", 20, "17.6")).await;
    let found = FoundRecord { device: first, evidence: vec![Evidence::SamePerson, Evidence::SameFamily] };
    let previous = EnrollmentEvent::PreviousRecordFound { records: vec![found], count: 1 };
    let enrollment = DeviceId(Uuid::from_u128(0x1003)).enrollment();
    desk.write(&enrollment.stream(), later(7_300), opened(enrollment.device())).await;
    desk.write(&enrollment.stream(), later(7_301), previous).await;
    let refused = EnrollmentEvent::SignInRefused {
        method: SignInMethodName::LocalAccount,
        reason: SignInRefusal::WrongPassword,
        account: None,
        name: None,
    };
    desk.write(&enrollment.stream(), later(7_302), refused).await;
    desk.write(
        &second.stream(),
        later(8_000),
        DeviceEvent::DeviceSuperseded {
            by: first,
            evidence: events::device::SupersessionEvidence::ProfileService,
            revivable_until: None,
        },
    )
    .await;
    let refused = RefusalEvent::UnknownStaffRefused {
        method: SignInMethodName::LocalAccount,
        reason: SignInRefusal::UnknownName,
        provider: None,
        name: "00".into(),
    };
    desk.write(&StreamName::of("refusals", "20261117"), later(8_100), refused).await;
    let staff = StaffId(Uuid::from_u128(0x3000));
    let source = Some(Personal::new(staff.key(), "192.0.2.7".to_owned()));
    let viewer = Actor::new(ActorKind::Staff, staff);
    let viewed = StaffActivityEvent::DeviceViewed { device: first };
    desk.write_as(&staff.activity_stream("20261117"), later(8_200), viewer, source, viewed).await;
    (first, second)
}

pub(crate) fn command(n: u128) -> CommandId {
    CommandId(Uuid::from_u128(n))
}

pub(crate) fn queued(n: u128, request_type: &str, expires: Option<Timestamp>) -> DeviceEvent {
    DeviceEvent::MdmCommandQueued {
        command: command(n),
        request_type: request_type.into(),
        payload: CommandPayload::Plain("<plist/>".into()),
        unenrolls: false,
        priority: Priority::Urgent,
        expires,
    }
}

pub(crate) fn answered(n: u128, status: CommandStatus) -> DeviceEvent {
    DeviceEvent::MdmCommandAnswered {
        command: command(n),
        status,
        errors: vec![],
        rejection: None,
        body: BodyHash(format!("{n} {status:?}")),
    }
}

/// Waits until `holds` returns true.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), waited).await.unwrap_or_else(|_| panic!("{what}"));
}
