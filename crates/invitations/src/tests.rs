//! Invitations on a real log: who can be invited, what opens them, and who can use them.

mod issued;
mod opened;
mod present;
mod spent;
mod waves;

use super::*;
use decisions::person::{Command as OfPerson, Person};
use decisions::record::{Command as OfRecord, Record};
use events::device::{BodyHash, DeviceEvent, DeviceId, DeviceIdentifiers};
use events::enrollment::{EnrollmentId, SignInMethodName};
use events::invitation::{InvitationDelivery, InvitationId};
use events::log::Draft;
use events::log::Log;
use events::person::{PersonAttributes, PersonId};
use events::personal::Personal;
use events::personal::keys::{MasterKey, SqliteKeyStore};
use events::record::{
    ImportId, OwnerAttribute, OwnerKey, PersonalDetails, PreviousKind, RecordDetails, RecordId, RecordOwner,
};
use events::store::Expected;
use events::store::sqlite::SqliteStore;
use events::{EventId, KeyName, Timestamp};
use identity::LOCAL;
use platform::Parts;
use platform::health::Health;
use platform::secrets::Secrets;
use projections::Projections;
use settings::SettingsService;
use sign_in::Directories;
use sign_in::redirect::Providers;
use sign_in::staff_sessions::StaffSessions;
use std::net::IpAddr;
use telemetry::Metrics;
use uuid::Uuid;
use world::{ManualClock, World};

const ADA: PersonId = PersonId(Uuid::from_u128(1));
const GRACE: PersonId = PersonId(Uuid::from_u128(2));
const HOME: EnrollmentId = EnrollmentId(Uuid::from_u128(3));
const OTHER: EnrollmentId = EnrollmentId(Uuid::from_u128(4));
const SCHOOL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

/// A service on a log in a temporary directory, whose projections are folded.
struct Scene {
    _directory: tempfile::TempDir,
    clock: Arc<ManualClock>,
    invitations: Invitations,
}

impl Scene {
    async fn set() -> Scene {
        let directory = tempfile::tempdir().unwrap();
        let engine = Arc::new(SqliteStore::create(directory.path()).unwrap());
        let master = MasterKey::from_bytes([7; 32]);
        let secrets = Secrets::derive(&master);
        let file = directory.path().join("keys.db");
        let keys = Arc::new(SqliteKeyStore::create(&file, master, World::fill).unwrap());
        let log = Log::new(Arc::clone(&engine) as _, Arc::clone(&keys) as _);
        let (projections, _) = Projections::open(directory.path(), None).unwrap();
        let (following, of) = (projections.clone(), log.clone());
        tokio::spawn(async move { following.run(of).await });
        let clock = Arc::new(ManualClock::at(Timestamp(1_700_000_000_000_000)));
        let parts = Parts {
            engine,
            keys,
            log,
            world: World::at(Arc::clone(&clock) as _),
            secrets,
            public_url: "https://mdm.example".into(),
            projections,
            health: Health::default(),
            disk: Default::default(),
            turns: Default::default(),
            metrics: Metrics::new(),
        };
        let platform = Platform::new(parts, None);
        let settings = SettingsService::new(platform.clone(), Arc::default(), Vec::new());
        let (sessions, _) = StaffSessions::open(directory.path()).unwrap();
        let providers = Providers::load(&Default::default(), "https://mdm.example");
        let directories = Directories::default();
        let sign_in = SignIn::new(platform.clone(), Arc::new(settings), directories, providers, sessions);
        Scene { _directory: directory, clock, invitations: Invitations::new(platform, Arc::new(sign_in)) }
    }

    fn platform(&self) -> &Platform {
        &self.invitations.platform
    }

    fn key(&self, mail: &str) -> OwnerKey {
        sign_in::owner_key(&self.platform().secrets, LOCAL, OwnerAttribute::Mail, mail).unwrap()
    }

    async fn know(&self, person: PersonId, mail: &str) {
        self.know_by(person, mail, vec![self.key(mail)]).await;
    }

    /// Same as [`Scene::know`], with these keys.
    async fn know_by(&self, person: PersonId, mail: &str, keys: Vec<OwnerKey>) {
        let sealed = |text: &str| Some(Personal::new(person.key(), text.to_owned()));
        let attributes =
            PersonAttributes { display_name: sealed("Ada L."), mail: sealed(mail), ..PersonAttributes::default() };
        let command = OfPerson::Know {
            method: SignInMethodName::LocalAccount,
            account: mail.into(),
            attributes: Box::new(attributes),
            keys,
            names: vec![],
        };
        self.platform().perform::<Person>(&person.stream(), &command, &operator()).await.unwrap();
    }

    /// Imports a record with this mail address. `has_rule`: an owner rule is about the address.
    async fn import(&self, mail: Option<&str>, has_rule: bool, owner: Option<RecordOwner>) -> RecordId {
        let owner_keys = mail.filter(|_| has_rule).map(|mail| self.key(mail)).into_iter().collect();
        self.import_by(mail, owner_keys, owner).await
    }

    /// Same as [`Scene::import`], with these keys.
    async fn import_by(&self, mail: Option<&str>, owner_keys: Vec<OwnerKey>, owner: Option<RecordOwner>) -> RecordId {
        let id =
            RecordId(uuid::Builder::from_custom_bytes(*self.platform().world.random_uuid().as_bytes()).into_uuid());
        let personal = PersonalDetails {
            source_id: "7".into(),
            mail: mail.map(str::to_owned),
            full_name: Some("Ada Lovelace".into()),
            ..PersonalDetails::default()
        };
        let details = RecordDetails {
            kind: PreviousKind::PersonalDeviceProfile,
            product_name: None,
            model_name: None,
            os_version: None,
            last_contact: None,
            enrolled_at: None,
            profile_identifier: None,
            site: None,
            personal: Personal::new(id.key(), personal),
        };
        let command = OfRecord::Import {
            import: ImportId(Uuid::from_u128(9)),
            source: "Jamf Pro".into(),
            details: Box::new(details),
            owner_keys,
            names: vec![],
            owner,
        };
        self.platform().perform::<Record>(&id.stream(), &command, &operator()).await.unwrap();
        id
    }

    /// Imports the record with other keys; its owner is looked for again.
    async fn import_again(&self, record: RecordId, owner_keys: Vec<OwnerKey>) {
        let (state, _) = self.platform().load::<Record>(&record.stream()).await.unwrap();
        let command = OfRecord::Import {
            import: ImportId(Uuid::from_u128(10)),
            source: "Jamf Pro".into(),
            details: Box::new(state.details.clone().unwrap()),
            owner_keys,
            names: vec![],
            owner: None,
        };
        self.platform().perform::<Record>(&record.stream(), &command, &operator()).await.unwrap();
    }

    async fn own(&self, record: RecordId, owner: RecordOwner) {
        let (state, _) = self.platform().load::<Record>(&record.stream()).await.unwrap();
        let command = OfRecord::ResolveOwner { keys: state.owner_keys.clone(), owner };
        self.platform().perform::<Record>(&record.stream(), &command, &operator()).await.unwrap();
    }

    /// The device of an enrollment authenticates.
    async fn authenticate(&self, enrollment: EnrollmentId, person: PersonId) {
        let device = DeviceId(enrollment.0);
        let event = DeviceEvent::DeviceAuthenticated {
            person,
            identifiers: DeviceIdentifiers::UserEnrollment { enrollment_id: Personal::new(person.key(), "EID".into()) },
            certificate: "00".into(),
            topic: "com.apple.mgmt.External.1".into(),
            os_version: None,
            build_version: None,
            product_name: None,
            body: BodyHash("00".into()),
        };
        let (log, context) = (&self.platform().log, operator());
        let draft = Draft {
            id: EventId::fresh(&self.platform().world),
            at: self.platform().world.now(),
            actor: context.actor,
            source: None,
            correlation: device.0,
            causation: None,
            event: event.into(),
        };
        log.append(&device.stream(), Expected::Any, vec![draft]).await.unwrap();
    }

    /// Destroys a key, as the erasure of its owner does.
    fn destroy(&self, key: &KeyName) {
        self.platform().log.keys().destroy(key).unwrap();
    }

    async fn head(&self) {
        if let Some(head) = self.platform().log.store().head().await.unwrap() {
            self.platform().projections.wait_for(head).await.unwrap();
        }
    }

    fn request(&self, invitee: Invitee, delivery: InvitationDelivery) -> Request {
        Request {
            id: self.invitations.id_of("one"),
            invitee,
            wave: None,
            delivery,
            language: "en".into(),
            expires: self.platform().world.now().plus_seconds(DAY),
        }
    }

    async fn issue(&self, invitee: Invitee, delivery: InvitationDelivery) -> Result<InvitationId, NotIssued> {
        let request = self.request(invitee, delivery);
        match self.invitations.issue(&request, &operator()).await {
            Ok(_) => Ok(request.id),
            Err(IssueError::Refused(why)) => Err(why),
            Err(IssueError::Failed(error)) => panic!("{error}"),
        }
    }

    async fn by_hand(&self, invitee: Invitee) -> InvitationId {
        self.issue(invitee, InvitationDelivery::ByHand).await.unwrap()
    }

    async fn seen(&self, invitation: InvitationId, generation: u32) -> Seen {
        let link = self.invitations.link(invitation, generation);
        let token = link.strip_prefix("https://mdm.example/invitation/").unwrap();
        self.invitations.by_link(token).await.unwrap().unwrap()
    }

    async fn typed(&self, code: &str) -> Option<Seen> {
        let guess = self.invitations.begin_guess(SCHOOL).ok().unwrap();
        match self.invitations.by_code(code, guess).await.unwrap() {
            Typed::Invitation(seen) => Some(seen),
            Typed::Wrong { .. } => None,
        }
    }

    async fn open(&self, seen: &Seen, enrollment: EnrollmentId) -> Opened {
        self.invitations.open(seen, Some(enrollment), &operator()).await.unwrap()
    }

    async fn spend(&self, invitation: InvitationId, enrollment: EnrollmentId, person: PersonId) -> Spent {
        self.invitations.spend(invitation, Spender { enrollment, person, is_now: true }, &operator()).await.unwrap()
    }

    async fn events(&self, invitation: InvitationId) -> Vec<String> {
        let entries = self.platform().log.read(&invitation.stream()).await.unwrap();
        entries.iter().map(|entry| entry.event.type_name()).collect()
    }
}

const DAY: i64 = 86_400;

fn operator() -> Context {
    Context::operator(Uuid::from_u128(1))
}
