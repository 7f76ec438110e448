//! Devices that send what a test wants. Their enrollments are created by commands, their identities are issued by SCEP,
//! and every message goes over TLS to the endpoints.

use crate::waiting::until;
use crate::{TestServer, inspector};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use decisions::enrollment::{Admission, Command, Enrollment, Entry, ImportedRecords, Policy, SignedIn};
use decisions::staff::UserName;
use devices::enrollment_profile;
use events::device::{DeviceEvent, DeviceId};
use events::enrollment::{
    DeviceFamily, EnrollmentId, EnrollmentKind, OsVersion, Ownership, Platform, ServedProfile, SignInMethodName,
};
use events::person::PersonId;
use events::staff::Privilege;
use events::{Actor, ActorKind, Personal, StreamName, Timestamp};
use platform::context::Context;
use platform::secrets;
use plist::{Dictionary, Value};
use sign_in::account_name;
use simulator::inspection::Given;
use simulator::keys::KeyPool;
use simulator::messages::{self, Identifier};
use simulator::model::{Family, Hardware, IosVersion};
use simulator::profile::ScepPayload;
use simulator::scep::{self, ScepError};
use simulator::signature::{Identity, Style, mdm_signature};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use uuid::Uuid;

/// Generating keys is slow, and tests need few different ones.
pub static KEYS: LazyLock<KeyPool> = LazyLock::new(|| KeyPool::shared(3).unwrap());

pub const IOS: IosVersion = IosVersion::new(17, 5);

/// An enrollment at its last step: the MDM profile was served with this challenge.
pub struct Invited {
    pub enrollment: EnrollmentId,
    pub profile: ServedProfile,
    pub challenge: String,
}

/// Brings an enrollment to the point where the device has its profile.
pub async fn invite(server: &TestServer, kind: EnrollmentKind) -> Invited {
    invite_by(server, kind, None).await
}

/// Same as [`invite`], with this person as the technician who enrolls the device for its user.
pub async fn invite_by(server: &TestServer, kind: EnrollmentKind, technician: Option<PersonId>) -> Invited {
    let (enrollment, person) = (EnrollmentId(uuid()), PersonId(uuid()));
    let ownership = match kind {
        EnrollmentKind::UserEnrollment => Ownership::Personal,
        EnrollmentKind::DeviceEnrollment => Ownership::Institutional,
    };
    let policy = Policy {
        offered: BTreeSet::from([Ownership::Personal, Ownership::Institutional]),
        skip_ca_profile: true,
        ..Policy::default()
    };
    let admission = Admission {
        access: None,
        received: None,
        previous: vec![].into(),
        imported: ImportedRecords::default(),
        policy: policy.clone(),
    };
    let personal = |text: &str| Personal::new(person.key(), text.to_owned());
    let method = SignInMethodName::LocalAccount;
    let account_of = account(server, HOLDER, Privilege::Enroll).await;
    let holder = SignedIn { method, person, account: account_of, user_name: personal(HOLDER) };
    let session = secrets::hash("signed in");
    let mut steps = vec![Command::Open {
        session: secrets::hash("session"),
        user_agent: personal("Safari"),
        platform: Platform { family: DeviceFamily::IPhone, version: Some(OsVersion::new(17, 5)) },
        language: "en".into(),
        account_driven: None,
    }];
    match technician {
        None => steps.push(Command::SignIn { signed_in: holder, session, entry: Entry::Oneself(admission) }),
        Some(technician) => {
            let account = account(server, TECHNICIAN, Privilege::EnrollForOthers).await;
            let user_name = Personal::new(technician.key(), TECHNICIAN.to_owned());
            let signed_in = SignedIn { method, person: technician, account, user_name };
            steps.push(Command::SignIn { signed_in, session, entry: Entry::AskForWhom { for_oneself: false } });
            steps.push(Command::Assign { to: holder, admission });
        }
    }
    steps.push(Command::ChooseOwnership { ownership, policy });
    if kind == EnrollmentKind::UserEnrollment {
        steps.push(Command::GiveManagedAppleId { managed_apple_id: personal("ada@example.org") });
    }
    for step in steps {
        perform(server, enrollment, &step).await;
    }
    let profile = profile(server, kind, person);
    let challenge = serve(server, enrollment, &profile, 3_600).await;
    Invited { enrollment, profile, challenge }
}

/// User name of the local account that signs in to these enrollments; it has the privilege to enroll.
pub const HOLDER: &str = "holder";
/// User name of the local account that enrolls devices for others.
const TECHNICIAN: &str = "technician";

// Identities are issued only while the account may enroll, so the account must exist.
async fn account(server: &TestServer, user_name: &str, privilege: Privilege) -> String {
    let (app, issuer) = (server.app(), identity::LOCAL);
    let name = StreamName::of("username", app.platform.secrets.name("username", &[user_name]));
    if app.platform.load::<UserName>(&name).await.unwrap().0.account.is_none() {
        server.add_user(user_name, "four plain words here", &[privilege]).await;
    }
    let id = app.platform.load::<UserName>(&name).await.unwrap().0.account.unwrap();
    account_name(&app.platform.secrets, SignInMethodName::LocalAccount, issuer, &id.to_string())
}

async fn perform(server: &TestServer, enrollment: EnrollmentId, command: &Command) {
    let context = Context::of(Actor::new(ActorKind::Visitor, enrollment), None, enrollment.0);
    server.app().platform.perform::<Enrollment>(&enrollment.stream(), command, &context).await.unwrap();
}

fn profile(server: &TestServer, kind: EnrollmentKind, person: PersonId) -> ServedProfile {
    let device_enrollment = kind == EnrollmentKind::DeviceEnrollment;
    let managed_apple_id = || Personal::new(person.key(), "ada@example.org".to_owned());
    ServedProfile {
        kind,
        identifier: format!("muster.{}", uuid()),
        profile_uuid: uuid(),
        identity_uuid: uuid(),
        mdm_uuid: uuid(),
        topic: server.app().devices.pki.push_topic().unwrap().to_owned(),
        server_url: format!("{}/mdm/command", server.url()),
        check_in_url: format!("{}/mdm/checkin", server.url()),
        scep_url: format!("{}/scep", server.url()),
        access_rights: device_enrollment.then_some(8191),
        managed_apple_id: (!device_enrollment).then(managed_apple_id),
        enrollment_mode: None,
        required_app_id: None,
        sign_message: Some(true),
    }
}

/// Serves the profile again with a new challenge, which is valid for this number of seconds.
pub async fn serve(server: &TestServer, enrollment: EnrollmentId, profile: &ServedProfile, seconds: i64) -> String {
    let secret = server.app().platform.world.secret();
    let serve = Command::ServeMdmProfile {
        verified_by: None,
        profile: profile.clone(),
        challenge: secrets::hash(&secret),
        challenge_expires: server.app().platform.world.now().plus_seconds(seconds),
        device_enrolled: false,
    };
    perform(server, enrollment, &serve).await;
    enrollment_profile::challenge(enrollment, &secret)
}

/// Returns the SCEP payload of a profile with this challenge.
pub fn scep_payload(server: &TestServer, challenge: &str) -> ScepPayload {
    ScepPayload {
        uuid: uuid().to_string(),
        url: format!("{}/scep", server.url()),
        name: Some("Muster".into()),
        subject: vec![("CN".into(), "whatever a device says".into())],
        challenge: Some(challenge.to_owned()),
        key_size: 2048,
        ca_fingerprint: None,
    }
}

/// A device with an identity that the server issued.
#[derive(Clone)]
pub struct TestDevice {
    pub id: DeviceId,
    pub profile: ServedProfile,
    pub identity: Identity,
    pub identifier: Identifier,
    pub style: Style,
    /// Supervised by Apple Configurator before the enrollment.
    pub supervised: bool,
    client: reqwest::Client,
}

/// A response, as the device receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl TestDevice {
    /// Creates a device with an identity, before `Authenticate`.
    pub async fn invited(server: &TestServer, kind: EnrollmentKind) -> TestDevice {
        TestDevice::by(server, invite(server, kind).await, kind).await
    }

    /// Same as [`TestDevice::invited`], with this invitation.
    pub async fn by(server: &TestServer, invited: Invited, kind: EnrollmentKind) -> TestDevice {
        TestDevice::with(server, invited, kind).await.unwrap()
    }

    async fn with(server: &TestServer, invited: Invited, kind: EnrollmentKind) -> Result<TestDevice, ScepError> {
        let client = server.client();
        let identity = scep::enroll(&client, &scep_payload(server, &invited.challenge), IOS, &KEYS).await?;
        let name = uuid().to_string().to_uppercase();
        let identifier = match kind {
            EnrollmentKind::UserEnrollment => Identifier::EnrollmentId(name),
            EnrollmentKind::DeviceEnrollment => Identifier::Udid(name),
        };
        let (id, profile) = (invited.enrollment.device(), invited.profile);
        Ok(TestDevice { id, profile, identity, identifier, style: Style::REAL, supervised: false, client })
    }

    /// Creates an enrolled device. The server will send it its first commands.
    pub async fn enrolled(server: &TestServer, kind: EnrollmentKind) -> TestDevice {
        TestDevice::of(server, invite(server, kind).await, kind).await
    }

    /// Same as [`TestDevice::enrolled`], with this invitation.
    pub async fn of(server: &TestServer, invited: Invited, kind: EnrollmentKind) -> TestDevice {
        let device = TestDevice::by(server, invited, kind).await;
        assert_eq!(device.check_in(&device.authenticate()).await, 200);
        assert_eq!(device.check_in(&device.token_update("MAGIC")).await, 200);
        device
    }

    /// Creates an enrolled device that has answered the server's first commands. Commands queued later are the only
    /// ones in the queue.
    pub async fn quiet(server: &TestServer, kind: EnrollmentKind) -> TestDevice {
        let device = TestDevice::enrolled(server, kind).await;
        server.caught_up().await;
        until("the answers to the first commands", async || {
            device.acknowledge_all().await;
            // The server sends DeviceInformation and SecurityInfo without a request.
            device.history(server).await.iter().filter(|name| *name == "MdmCommandAnswered").count() >= 2
        })
        .await;
        device
    }

    /// Returns the same device with another identity.
    pub fn with_identity(&self, identity: Identity) -> TestDevice {
        TestDevice { identity, ..self.clone() }
    }

    fn named(&self, entries: &[(&str, Value)]) -> Dictionary {
        let (key, id) = self.identifier.entry();
        let entries = entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        entries.chain([(key.to_owned(), id.into())]).collect()
    }

    pub fn message(&self, message_type: &str) -> Dictionary {
        self.named(&[("MessageType", message_type.into()), ("Topic", self.profile.topic.as_str().into())])
    }

    pub fn authenticate(&self) -> Dictionary {
        let mut message = self.message("Authenticate");
        message.insert("OSVersion".into(), "17.5".into());
        message.insert("BuildVersion".into(), "21F79".into());
        message.insert("ProductName".into(), "iPhone14,5".into());
        if matches!(self.identifier, Identifier::Udid(_)) {
            message.insert("SerialNumber".into(), "F5JM992LF193".into());
            message.insert("IMEI".into(), "35 000000 000000 1".into());
        }
        message
    }

    pub fn token_update(&self, push_magic: &str) -> Dictionary {
        let mut message = self.message("TokenUpdate");
        message.insert("Token".into(), Value::Data(vec![7; 32]));
        message.insert("PushMagic".into(), push_magic.into());
        if matches!(self.identifier, Identifier::Udid(_)) {
            message.insert("UnlockToken".into(), Value::Data(vec![8; 300]));
        }
        message
    }

    pub fn report(&self, status: &str, command: Option<&str>) -> Dictionary {
        let mut report = self.named(&[("Status", status.into())]);
        if let Some(command) = command {
            report.insert("CommandUUID".into(), command.into());
        }
        report
    }

    /// Sends a check-in and returns the status of the response.
    pub async fn check_in(&self, message: &Dictionary) -> u16 {
        self.put("checkin", &messages::xml(message)).await.status
    }

    pub async fn report_on(&self, report: &Dictionary) -> Answer {
        self.put("command", &messages::xml(report)).await
    }

    /// Sends any bytes, signed.
    pub async fn put(&self, endpoint: &str, body: &[u8]) -> Answer {
        let signature = mdm_signature(body, &self.identity, self.style).unwrap();
        self.put_signed(endpoint, body, Some(&signature)).await
    }

    pub async fn put_signed(&self, endpoint: &str, body: &[u8], signature: Option<&str>) -> Answer {
        let url = if endpoint == "checkin" { &self.profile.check_in_url } else { &self.profile.server_url };
        let mut request = self.client.put(url).body(body.to_vec());
        if let Some(signature) = signature {
            request = request.header("Mdm-Signature", signature);
        }
        let answer = request.send().await.unwrap();
        let content_type = answer.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
        let answer = Answer { status: answer.status().as_u16(), body: answer.bytes().await.unwrap().to_vec() };
        self.inspect(&content_type.unwrap_or_default(), &answer.body);
        answer
    }

    fn inspect(&self, content_type: &str, body: &[u8]) {
        if !body.is_empty() {
            let user_enrollment = Some(self.profile.kind == EnrollmentKind::UserEnrollment);
            let hardware = Hardware { supervised: self.supervised, ..Hardware::new(Family::IPhone, IOS) };
            inspector::look(&Given { to: &hardware, user_enrollment, content_type, body });
        }
    }

    /// Polls for a command and returns its id and dictionary, if there is one.
    pub async fn poll(&self) -> Option<(String, Dictionary)> {
        command(&self.report_on(&self.report("Idle", None)).await)
    }

    /// Acknowledges all queued commands and returns them in their order. The test fails if the queue does not end.
    pub async fn acknowledge_all(&self) -> Vec<Dictionary> {
        let mut commands = Vec::new();
        while let Some((id, command)) = self.poll().await {
            self.report_on(&self.report("Acknowledged", Some(&id))).await;
            commands.push(command);
            assert!(commands.len() < 100, "the queue of the device does not end");
        }
        commands
    }

    /// Returns the type names of the device's events.
    pub async fn history(&self, server: &TestServer) -> Vec<String> {
        server.log_of(&self.id.stream()).await.iter().map(|entry| entry.event.type_name()).collect()
    }

    /// Same as [`TestDevice::history`], without refused messages, which change nothing.
    pub async fn changes(&self, server: &TestServer) -> Vec<String> {
        let mut history = self.history(server).await;
        history.retain(|name| name != "DeviceMessageRefused");
        history
    }

    pub async fn events(&self, server: &TestServer) -> Vec<DeviceEvent> {
        let log = server.log_of(&self.id.stream()).await;
        log.into_iter().filter_map(|entry| DeviceEvent::try_from(entry.event).ok()).collect()
    }
}

/// Returns the command in a response of status 200; `None` if the body is empty.
pub fn command(answer: &Answer) -> Option<(String, Dictionary)> {
    assert_eq!(answer.status, 200);
    if answer.body.is_empty() {
        return None;
    }
    let envelope = Value::from_reader_xml(&answer.body[..]).unwrap().into_dictionary().unwrap();
    let id = envelope.get("CommandUUID").and_then(Value::as_string).unwrap().to_owned();
    Some((id, envelope.get("Command").and_then(Value::as_dictionary).unwrap().clone()))
}

/// Encodes bytes as Base64, as in the log.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub fn uuid() -> Uuid {
    world::World::system().random_uuid()
}

/// Returns the machine's time. Tests start their manual clocks at it.
pub fn now() -> Timestamp {
    world::World::system().now()
}
