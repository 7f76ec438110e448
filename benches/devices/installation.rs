//! Creates the installation to measure: its log contains all devices, each with its own streams and certificate.

use super::AT_ONCE;
use super::shared::{draft, pass_over, plan};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use events::device::{
    BodyHash, CommandId, CommandPayload, CommandStatus, DeviceEvent, DeviceId, DeviceIdentifiers, Priority, PushAddress,
};
use events::enrollment::{
    ChosenBy, DeviceFamily, EnrollmentEvent, EnrollmentKind, IssuedCertificate, OsVersion, Ownership, Platform,
    SecretHash, ServedProfile, SignInMethodName,
};
use events::person::PersonId;
use events::store::Expected;
use events::{Event, KeyName, Personal, StreamName, Timestamp};
use futures_util::StreamExt as _;
use muster::app::App;
use muster::app::initialize::initialize;
use muster::config::Config;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use pki::Issued;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use uuid::Uuid;
use world::World;

/// Number of keys that the devices share: generating a key takes longer than everything else.
const KEYS: usize = 8;
/// Number of commands in one append of a long history.
const BATCH: usize = 100;
/// Number of devices per person.
const DEVICES_EACH: usize = 2;

/// A device that sends messages in this run.
#[derive(Serialize, Deserialize)]
pub struct Speaker {
    /// The certificate: DER in base64.
    pub certificate: String,
    /// Index of its key.
    pub key: usize,
    pub enrollment_id: String,
    /// The command that the device was given but has not answered.
    pub command: Uuid,
}

/// The data that the sending devices need.
#[derive(Serialize, Deserialize)]
pub struct Speakers {
    /// The private keys, as PEM.
    pub keys: Vec<String>,
    pub topic: String,
    pub tls_root: PathBuf,
    pub speakers: Vec<Speaker>,
}

/// The created installation: its files, the number of its events, and the durations of writing the log and of building
/// the projections.
pub struct Made {
    pub config: PathBuf,
    pub speakers: PathBuf,
    pub events: u64,
    pub log: Duration,
    pub projections: Duration,
}

struct Maker {
    app: App,
    keys: Vec<PKey<Private>>,
    devices: usize,
    speakers: usize,
}

/// Creates the installation and closes it. Every `devices / speakers`th device sends messages.
pub async fn make(directory: &Path, devices: usize, speakers: usize, history: usize) -> Made {
    let world = World::system();
    let plan = plan(directory, "https://localhost:0");
    let made = initialize(&plan, &world).await.expect("an installation");
    let app = App::open(Config::load(&made.config).expect("its configuration"), world).await.expect("it opens");
    let key = |_| PKey::from_rsa(Rsa::generate(2048).expect("a key is made")).expect("a key");
    let maker = Maker { app, keys: (0..KEYS).map(key).collect(), devices, speakers };
    let begun = Instant::now();
    let known = maker.enroll_all().await;
    let log = begun.elapsed();
    let oldest = DeviceId(Uuid::parse_str(&known[0].enrollment_id).expect("an id"));
    maker.grow_old(oldest, history / 3).await;
    let file = directory.join("speakers.json");
    let tls_root = made.tls_root.expect("a trial has a root");
    std::fs::write(&file, serde_json::to_vec(&maker.speak(known, tls_root)).expect("JSON")).expect("it is written");
    let (events, projections) = maker.project().await;
    maker.app.platform.engine.close().await;
    Made { config: made.config, speakers: file, events, log, projections }
}

impl Maker {
    async fn enroll_all(&self) -> Vec<Speaker> {
        let ids: Vec<DeviceId> = (0..self.devices).map(|_| DeviceId(self.app.platform.world.uuid())).collect();
        self.make_keys(&ids).await;
        let every = self.devices / self.speakers;
        let enrolling = ids.iter().enumerate().map(|(nth, id)| self.enroll(nth, *id, nth % every == 0));
        let enrolled = futures_util::stream::iter(enrolling).buffered(AT_ONCE);
        enrolled.filter_map(std::future::ready).take(self.speakers).collect::<Vec<_>>().await
    }

    fn person(&self, nth: usize) -> PersonId {
        PersonId(Uuid::from_u128(nth as u128 / DEVICES_EACH as u128 + 1))
    }

    // A thousand at a time: single writes would each be synced.
    async fn make_keys(&self, ids: &[DeviceId]) {
        let names: Vec<KeyName> =
            ids.iter().enumerate().flat_map(|(nth, id)| [id.key(), self.person(nth).key()]).collect();
        let keys = std::sync::Arc::clone(&self.app.platform.keys);
        let made = tokio::task::spawn_blocking(move || names.chunks(2_000).try_for_each(|names| keys.ensure(names)));
        made.await.expect("keys are made").expect("a key store");
    }

    /// Appends the events that the server would have recorded, from the first sign-in to the answer of the first
    /// command.
    async fn enroll(&self, nth: usize, device: DeviceId, speaks: bool) -> Option<Speaker> {
        let key = nth % KEYS;
        let issued = if speaks { Some(self.issue(key, device).await) } else { None };
        let fingerprint = issued.as_ref().map_or_else(|| hex::encode(device.0), |issued| issued.fingerprint.clone());
        let person = self.person(nth);
        let enrollment = self.enrollment(device, person, issued.as_ref());
        self.append(&device.enrollment().stream(), enrollment.into_iter().map(Event::from)).await;
        let command = CommandId(self.app.platform.world.uuid());
        let management = self.management(device, person, fingerprint, command, speaks);
        self.append(&device.stream(), management.into_iter().map(Event::from)).await;
        let certificate = STANDARD.encode(issued?.certificate.to_der().expect("DER"));
        Some(Speaker { certificate, key, enrollment_id: device.0.to_string(), command: command.0 })
    }

    async fn issue(&self, key: usize, device: DeviceId) -> Issued {
        let (pki, now) = (self.app.devices.pki.clone(), self.app.platform.world.now().0.div_euclid(1_000_000));
        let public = PKey::public_key_from_der(&self.keys[key].public_key_to_der().expect("DER")).expect("a key");
        let issued = tokio::task::spawn_blocking(move || pki.issue(&public, device.0, now, 1_095)).await;
        issued.expect("it ends").expect("a certificate")
    }

    fn enrollment(&self, device: DeviceId, person: PersonId, issued: Option<&Issued>) -> Vec<EnrollmentEvent> {
        let session = SecretHash("00".repeat(32));
        let challenge = SecretHash(hex::encode(device.0));
        let method = SignInMethodName::LocalAccount;
        let personal = |text: &str| Personal::new(person.key(), text.to_owned());
        let (platform, user_agent) = (
            Platform { family: DeviceFamily::IPhone, version: Some(OsVersion::new(17, 5)) },
            personal("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)"),
        );
        vec![
            EnrollmentEvent::VisitOpened { session: session.clone(), user_agent, platform, language: "en".into() },
            EnrollmentEvent::UserSignedIn {
                method,
                person,
                account: hex::encode(person.0),
                user_name: personal("ada"),
                session,
            },
            EnrollmentEvent::OwnershipChosen { ownership: Ownership::Personal, chosen_by: ChosenBy::User },
            EnrollmentEvent::MdmProfileServed {
                profile: self.profile(device),
                challenge: challenge.clone(),
                challenge_expires: self.app.platform.world.now(),
                verified_by: None,
            },
            EnrollmentEvent::IdentityIssued { identity: recorded(device, issued), transaction: "AA".into(), challenge },
        ]
    }

    fn profile(&self, device: DeviceId) -> ServedProfile {
        ServedProfile {
            kind: EnrollmentKind::UserEnrollment,
            identifier: format!("com.example.enrollment.{device}"),
            profile_uuid: device.0,
            identity_uuid: device.0,
            mdm_uuid: device.0,
            topic: self.topic(),
            server_url: "https://localhost/mdm/command".into(),
            check_in_url: "https://localhost/mdm/checkin".into(),
            scep_url: "https://localhost/scep".into(),
            access_rights: None,
            managed_apple_id: None,
            enrollment_mode: None,
            required_app_id: None,
            sign_message: Some(true),
        }
    }

    fn topic(&self) -> String {
        self.app.devices.pki.push_topic().expect("a topic").to_owned()
    }

    fn management(
        &self,
        device: DeviceId,
        person: PersonId,
        certificate: String,
        waits: CommandId,
        speaks: bool,
    ) -> Vec<DeviceEvent> {
        let sealed = |text: String| Personal::new(device.key(), text);
        let push = PushAddress {
            token: sealed(STANDARD.encode(self.app.platform.world.random::<32>())),
            push_magic: sealed(device.to_string()),
            unlock_token: None,
        };
        let enrollment_id = Personal::new(person.key(), device.to_string());
        let answered = CommandId(self.app.platform.world.uuid());
        let mut events = vec![
            DeviceEvent::DeviceAuthenticated {
                person,
                identifiers: DeviceIdentifiers::UserEnrollment { enrollment_id },
                certificate,
                topic: self.topic(),
                os_version: Some(OsVersion::new(17, 5)),
                build_version: Some("21F79".into()),
                product_name: Some("iPhone14,5".into()),
                body: BodyHash(hex::encode(device.0)),
            },
            DeviceEvent::DeviceEnrolled { push, body: BodyHash(hex::encode(answered.0)) },
            queued(answered),
            DeviceEvent::MdmCommandDelivered { command: answered },
            DeviceEvent::DevicePushed { apns_id: None, put_off_since: false },
            DeviceEvent::MdmCommandAnswered {
                command: answered,
                status: CommandStatus::Acknowledged,
                errors: vec![],
                rejection: None,
                body: BodyHash(hex::encode(waits.0)),
            },
        ];
        if speaks {
            let woken = DeviceEvent::DevicePushed { apns_id: None, put_off_since: false };
            events.extend([queued(waits), woken, DeviceEvent::MdmCommandDelivered { command: waits }]);
        }
        events
    }

    /// Appends a long history to the first speaking device: a command each hour for some months.
    async fn grow_old(&self, device: DeviceId, commands: usize) {
        let expected = self.app.platform.log.store().stream_head(&device.stream()).await.expect("the log");
        let mut revision = expected.expect("the device has events").revision;
        for _ in 0..commands.div_ceil(BATCH) {
            let batch =
                (0..BATCH).flat_map(|_| self.asked()).map(|event| draft(&self.app.platform.world, event.into()));
            let appended =
                self.app.platform.log.append(&device.stream(), Expected::Exact(revision), batch.collect()).await;
            revision = appended.expect("appended").revision;
        }
    }

    fn asked(&self) -> [DeviceEvent; 3] {
        let id = CommandId(self.app.platform.world.uuid());
        let body = BodyHash(hex::encode(openssl::sha::sha256(id.0.as_bytes())));
        let (status, errors, rejection) = (CommandStatus::Acknowledged, vec![], None);
        [
            queued(id),
            DeviceEvent::MdmCommandDelivered { command: id },
            DeviceEvent::MdmCommandAnswered { command: id, status, errors, rejection, body },
        ]
    }

    async fn append(&self, stream: &StreamName, events: impl Iterator<Item = Event>) {
        self.app
            .platform
            .log
            .append(stream, Expected::NoStream, events.map(|event| draft(&self.app.platform.world, event)).collect())
            .await
            .expect("appended");
    }

    fn speak(&self, speakers: Vec<Speaker>, tls_root: PathBuf) -> Speakers {
        let pem =
            |key: &PKey<Private>| String::from_utf8(key.private_key_to_pem_pkcs8().expect("PEM")).expect("PEM is text");
        Speakers { keys: self.keys.iter().map(pem).collect(), topic: self.topic(), tls_root, speakers }
    }

    /// Builds the inventory of all devices, so that the server has nothing to catch up with.
    async fn project(&self) -> (u64, Duration) {
        let head = self.app.platform.log.store().head().await.expect("the log").expect("events");
        let (begun, projections, log) =
            (Instant::now(), self.app.platform.projections.clone(), self.app.platform.log.clone());
        let running = tokio::spawn(async move { projections.run(log).await });
        self.app.platform.projections.wait_for(head).await.expect("the projections follow");
        let took = begun.elapsed();
        running.abort();
        pass_over(&self.app, head).await;
        (head.0, took)
    }
}

fn queued(command: CommandId) -> DeviceEvent {
    DeviceEvent::MdmCommandQueued {
        command,
        request_type: "SecurityInfo".into(),
        payload: CommandPayload::Plain(
            "<plist version=\"1.0\"><dict><key>RequestType</key><string>SecurityInfo</string></dict></plist>".into(),
        ),
        unenrolls: false,
        priority: Priority::Normal,
        expires: None,
    }
}

// A device that never sends a message gets no signed certificate, but a placeholder of the same length.
fn recorded(device: DeviceId, issued: Option<&Issued>) -> IssuedCertificate {
    let Some(issued) = issued else {
        return IssuedCertificate {
            certificate: STANDARD.encode([0x30; 1_000]),
            serial: hex::encode_upper(device.0),
            fingerprint: hex::encode(device.0),
            key_hash: hex::encode(device.0),
            not_after: Timestamp(4_000_000_000_000_000),
        };
    };
    IssuedCertificate {
        certificate: STANDARD.encode(issued.certificate.to_der().expect("DER")),
        serial: issued.serial.clone(),
        fingerprint: issued.fingerprint.clone(),
        key_hash: issued.key_hash.clone(),
        not_after: Timestamp(issued.not_after * 1_000_000),
    }
}
