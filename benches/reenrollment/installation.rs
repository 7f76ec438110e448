//! An installation whose log has previous records of many people, as imports and sign-ins leave them. Its reactions do
//! not run, so that they take nothing from what is measured.

use super::shared::{draft, plan};
use events::device::{BodyHash, DeviceEvent, DeviceId, DeviceIdentifiers, PushAddress};
use events::enrollment::{EnrollmentEvent, OsVersion, SignInMethodName};
use events::person::{PersonAttributes, PersonEvent, PersonId};
use events::record::{
    ImportId, OwnerKey, PersonalDetails, PreviousAnswer, PreviousKind, RecordDetails, RecordEvent, RecordId,
    RecordOwner,
};
use events::store::Expected;
use events::{Event, KeyName, Personal, Position, StreamName, Timestamp};
use futures_util::StreamExt as _;
use identity::{Account, Identifier, Identifiers, LOCAL};
use muster::app::App;
use muster::app::initialize::initialize;
use muster::config::Config;
use sign_in::owner_keys;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinHandle;
use uuid::Uuid;
use world::World;

/// Number of records of each person.
pub const RECORDS_EACH: usize = 2;

/// Number of appends at once.
const AT_ONCE: usize = 256;

/// Number of people whose keys are made in one commit.
const BATCH: usize = 2_000;

/// The first person whose records have no owner until they sign in.
const NEWCOMERS: usize = 1 << 40;

pub struct Installation {
    pub app: App,
    following: JoinHandle<()>,
    /// Number of people whose records have them as the owner.
    people: usize,
    newcomers: AtomicUsize,
}

impl Installation {
    pub async fn new(directory: &Path) -> Installation {
        let world = World::system();
        let made = initialize(&plan(directory, "https://localhost:0"), &world).await.expect("an installation");
        let app = App::open(Config::load(&made.config).expect("its configuration"), world).await.expect("it opens");
        let (projections, log) = (app.platform.projections.clone(), app.platform.log.clone());
        let following = tokio::spawn(async move { projections.run(log).await.expect("the log is followed") });
        Installation { app, following, people: 0, newcomers: AtomicUsize::new(NEWCOMERS) }
    }

    pub async fn close(self) {
        self.app.platform.engine.close().await;
        self.following.await.expect("it ends with the log");
    }

    pub fn records(&self) -> usize {
        self.people * RECORDS_EACH
    }

    /// Writes records until there are this many, and waits for the projections.
    pub async fn grow(&mut self, records: usize) {
        let wanted = records / RECORDS_EACH;
        self.write((self.people..wanted).collect(), true).await;
        self.people = wanted;
    }

    /// Returns some of the people, spread over the log.
    pub fn people(&self, count: usize) -> impl Iterator<Item = usize> {
        let step = (self.people / count).max(1);
        (0..count).map(move |nth| nth * step)
    }

    /// Writes people who have just signed in for the first time, and whose records were imported before that.
    pub async fn newcomers(&self, count: usize) -> Vec<usize> {
        let first = self.newcomers.fetch_add(count, Ordering::Relaxed);
        let newcomers: Vec<usize> = (first..first + count).collect();
        self.write(newcomers.clone(), false).await;
        newcomers
    }

    // While one batch is written, the projections fold the batch before it.
    async fn write(&self, people: Vec<usize>, is_owner_known: bool) {
        let mut written = None;
        for people in people.chunks(BATCH) {
            self.make_keys(people).await;
            let works = people.iter().map(|nth| self.person(*nth, is_owner_known));
            futures_util::stream::iter(works).buffer_unordered(AT_ONCE).collect::<()>().await;
            self.fold(written.replace(self.head().await)).await;
        }
        self.fold(written).await;
    }

    async fn head(&self) -> Position {
        self.app.platform.log.store().head().await.expect("the log").expect("events")
    }

    async fn fold(&self, position: Option<Position>) {
        if let Some(position) = position {
            self.app.platform.projections.wait_for(position).await.expect("folded");
        }
    }

    // Many in one commit: single ones would each be synced.
    async fn make_keys(&self, people: &[usize]) {
        let of_person = |nth: &usize| {
            let owner = person(*nth).key();
            records_of(*nth).map(|record| (record.key(), owner.clone())).collect::<Vec<_>>()
        };
        let owned: Vec<(KeyName, KeyName)> = people.iter().flat_map(of_person).collect();
        let names: Vec<KeyName> = owned.iter().flat_map(|(name, owner)| [name.clone(), owner.clone()]).collect();
        let keys = Arc::clone(&self.app.platform.keys);
        let made = tokio::task::spawn_blocking(move || keys.ensure(&names).and_then(|()| keys.set_owners(&owned)));
        made.await.expect("it ends").expect("a key store");
    }

    async fn person(&self, nth: usize, is_owner_known: bool) {
        let (person, account) = (person(nth), account(nth));
        let keys = owner_keys(&self.app.platform.secrets, &account);
        let attributes = PersonAttributes {
            user_name: Some(Personal::new(person.key(), account.user_name.clone())),
            ..PersonAttributes::default()
        };
        let method = SignInMethodName::LocalAccount;
        let (account_name, names) = (hex::encode(person.0), vec![]);
        let known = PersonEvent::PersonKnown { method, account: account_name, attributes, keys: keys.clone(), names };
        for record in records_of(nth) {
            let owner = is_owner_known
                .then_some(RecordEvent::PreviousRecordOwnerResolved { owner: RecordOwner::Unique { person } });
            let imported = imported(record, &account, keys.clone());
            self.append(&record.stream(), [imported].into_iter().chain(owner).map(Event::from)).await;
        }
        self.append(&person.stream(), std::iter::once(known.into())).await;
    }

    /// Writes that a person enrolled a device after they said that the first of their records is this device.
    pub async fn enroll(&self, nth: usize) -> (DeviceId, Position) {
        let (world, person) = (&self.app.platform.world, person(nth));
        let device = DeviceId(world.uuid());
        let answer = PreviousAnswer::ThisDevice;
        let answered = records_of(nth)
            .take(1)
            .map(|record| EnrollmentEvent::PreviousRecordAnswered { record, answer, removed: None }.into());
        self.append(&device.enrollment().stream(), answered).await;
        let sealed = |text: &str| Personal::new(device.key(), text.to_owned());
        let push = PushAddress { token: sealed("dG9rZW4="), push_magic: sealed("magic"), unlock_token: None };
        let authenticated = DeviceEvent::DeviceAuthenticated {
            person,
            identifiers: DeviceIdentifiers::UserEnrollment {
                enrollment_id: Personal::new(person.key(), device.to_string()),
            },
            certificate: hex::encode(device.0),
            topic: "com.apple.mgmt.External.bench".into(),
            os_version: Some(OsVersion::new(17, 5)),
            build_version: Some("21F79".into()),
            product_name: Some("iPhone14,5".into()),
            body: BodyHash(hex::encode(device.0)),
        };
        let enrolled = DeviceEvent::DeviceEnrolled { push, body: BodyHash(hex::encode(world.uuid())) };
        (device, self.append(&device.stream(), [authenticated.into(), enrolled.into()].into_iter()).await)
    }

    pub async fn append(&self, stream: &StreamName, events: impl Iterator<Item = Event>) -> Position {
        let drafts = events.map(|event| draft(&self.app.platform.world, event)).collect();
        self.app.platform.log.append(stream, Expected::NoStream, drafts).await.expect("appended").position
    }
}

pub fn person(nth: usize) -> PersonId {
    PersonId(scattered("person", nth))
}

/// Returns the account that a person signs in with.
pub fn account(nth: usize) -> Account {
    let name = format!("person.number.{nth}");
    let mut identifiers = Identifiers::default();
    identifiers.add(Identifier::UserName, [name.clone()]);
    Account {
        provider: LOCAL.into(),
        issuer: LOCAL.into(),
        subject: nth.to_string(),
        user_name: name,
        display_name: None,
        mail: None,
        managed_apple_id: None,
        groups: Default::default(),
        claims: Default::default(),
        untold: Default::default(),
        identifiers,
    }
}

pub fn records_of(nth: usize) -> impl Iterator<Item = RecordId> {
    (0..RECORDS_EACH).map(move |of| RecordId(scattered("record", nth * RECORDS_EACH + of)))
}

// An id that is not in the order of the numbers, as random ids and HMACs are.
fn scattered(of: &str, nth: usize) -> Uuid {
    let digest = openssl::sha::sha256(format!("{of} {nth}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

fn imported(record: RecordId, account: &Account, owner_keys: Vec<OwnerKey>) -> RecordEvent {
    let personal = PersonalDetails {
        source_id: record.to_string(),
        serial_number: Some("F2LX00000001".into()),
        udid: Some(format!("00008110-{}", &record.0.simple().to_string()[..16])),
        imeis: vec!["356938035643809".into()],
        device_name: Some(format!("Phone of {}", account.user_name)),
        user_name: Some(account.user_name.clone()),
        mail: Some(format!("{}@students.school.example", account.user_name)),
        ..PersonalDetails::default()
    };
    let details = RecordDetails {
        kind: PreviousKind::PersonalDeviceProfile,
        product_name: Some("iPhone14,5".into()),
        model_name: Some("iPhone 13 (128 GB)".into()),
        os_version: Some("15.7.1".into()),
        last_contact: Some(Timestamp(1_700_000_000_000_000)),
        enrolled_at: Some(Timestamp(1_630_000_000_000_000)),
        profile_identifier: None,
        site: Some(format!("Campus {}", record.0.as_bytes()[0] % 20)),
        personal: Personal::new(record.key(), personal),
    };
    let (import, source) = (ImportId(Uuid::from_u128(1)), "Jamf Pro".into());
    RecordEvent::PreviousRecordImported {
        import,
        source,
        details: Box::new(details),
        owner_keys,
        names: vec![],
        owner: None,
    }
}
