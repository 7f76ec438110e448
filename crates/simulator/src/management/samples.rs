//! The messages of a simulated device as files: `samples/user-enrollment` and `samples/device-enrollment`. They are
//! compared with what the simulator makes today, and every one is checked against Apple's rule tables (crate `apple`).
//!
//! With the environment variable `MUSTER_WRITE_SAMPLES=1` the test writes the files. Review the difference before you
//! commit it.

use super::Management;
use crate::apps::bundle_identifier;
use crate::certificate_request::{self_signed, subject};
use crate::commands::Reply;
use crate::device::Device;
use crate::keys::KeyPool;
use crate::messages::{self, Identifier, dictionary, xml};
use crate::model::{Family, Hardware, IosVersion};
use crate::profile::{MdmPayload, Profile, ScepPayload};
use crate::push_server::PushServer;
use crate::signature::Identity;
use apple::{EnrollmentKind, OsVersion, Target};
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use plist::{Dictionary, Value};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const TOPIC: &str = "com.apple.mgmt.External.00000000-0000-4000-8000-000000000001";
const COMMAND_UUID: &str = "00000000-0000-4000-8000-000000000002";
const PROFILE: &str = "com.example.enrollment";
/// Number of an app in the App Store.
const APP: u64 = 361_309_726;

/// Keys that a device adds to every answer (mdm/commands of the schema, `responsekeys` common to all commands).
const ENVELOPE: &[&str] = &["Status", "CommandUUID", "UDID", "EnrollmentID", "RequestType", "ErrorChain"];

/// Name of the file, and its content.
type Sample = (String, Dictionary);

fn target(kind: EnrollmentKind) -> Target {
    Target::new(kind, Some(OsVersion::parse("17.5").unwrap()))
}

fn device() -> Device {
    let mut hardware = Hardware::new(Family::IPhone, IosVersion::new(17, 5));
    hardware.udid = "00008110-0000000000000001".into();
    hardware.serial_number = "SAMPLE0001".into();
    hardware.imei = Some("35 000000 000000 1".into());
    let mut device = Device::new(hardware, KeyPool::fresh(), PushServer::nowhere());
    device.unlock_token = vec![2; 64];
    device.apps.licensed = vec![APP];
    device
}

fn management(kind: EnrollmentKind, device: &Device) -> Management {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let certificate = self_signed(&subject(&[("CN".into(), "A device".into())]).unwrap(), &key).unwrap().certificate;
    let mut push = device.push_server.connect(TOPIC);
    push.token = vec![1; 32];
    Management {
        profile: Profile {
            identifier: PROFILE.into(),
            uuid: "00000000-0000-4000-8000-000000000003".into(),
            display_name: "Enrollment".into(),
            certificates: vec![],
            scep: None,
            mdm: None,
            service: None,
            signed: true,
            dictionary: Dictionary::new(),
        },
        mdm: MdmPayload {
            server_url: "https://mdm.example.com/mdm/command".into(),
            check_in_url: "https://mdm.example.com/mdm/checkin".into(),
            topic: TOPIC.into(),
            identity_certificate_uuid: "00000000-0000-4000-8000-000000000004".into(),
            sign_message: true,
            managed_apple_id: None,
            check_out_when_removed: true,
            enrollment_mode: None,
        },
        scep: ScepPayload {
            uuid: "00000000-0000-4000-8000-000000000004".into(),
            url: "https://mdm.example.com/scep".into(),
            name: None,
            subject: vec![],
            challenge: None,
            key_size: 2048,
            ca_fingerprint: None,
        },
        identity: Identity::new(certificate, key),
        identifier: match kind {
            EnrollmentKind::UserEnrollment => Identifier::EnrollmentId("00000000-0000-4000-8000-000000000005".into()),
            EnrollmentKind::DeviceEnrollment => Identifier::Udid(device.hardware.udid.clone()),
        },
        push,
        push_magic: "00000000-0000-4000-8000-000000000006".into(),
        unsent: None,
        tokens: None,
        answers_as: None,
    }
}

fn check_ins(kind: EnrollmentKind) -> Vec<Sample> {
    let device = device();
    let management = management(kind, &device);
    let identifier = &management.identifier;
    let unlock_token = (kind == EnrollmentKind::DeviceEnrollment).then_some(device.unlock_token.as_slice());
    let update =
        messages::token_update(identifier, TOPIC, &management.push.token, &management.push_magic, unlock_token);
    vec![
        ("Authenticate".into(), messages::authenticate(&device.hardware, identifier, TOPIC)),
        ("TokenUpdate".into(), update),
        ("CheckOut".into(), messages::check_out(identifier, TOPIC)),
    ]
}

/// Commands that a device of this kind accepts. `CertificateList` is missing because certificates differ in every run.
fn commands(kind: EnrollmentKind) -> Vec<Dictionary> {
    let queries = apple::device_information_queries(target(kind)).into_iter().map(Value::from).collect();
    let name = dictionary([("OrganizationName", "Example School".into())]);
    let organization = dictionary([("Item", "OrganizationInfo".into()), ("OrganizationInfo", name.into())]);
    let licensed = dictionary([("PurchaseMethod", 1.into())]);
    let mut commands = vec![
        dictionary([("RequestType", "DeviceInformation".into()), ("Queries", Value::Array(queries))]),
        dictionary([("RequestType", "SecurityInfo".into())]),
        dictionary([("RequestType", "ProfileList".into())]),
        dictionary([("RequestType", "Settings".into()), ("Settings", Value::Array(vec![organization.into()]))]),
        dictionary([
            ("RequestType", "InstallApplication".into()),
            ("iTunesStoreID", APP.into()),
            ("ManagementFlags", 1.into()),
            ("Options", licensed.into()),
        ]),
        dictionary([
            ("RequestType", "ManagedApplicationList".into()),
            ("Identifiers", Value::Array(vec![bundle_identifier(APP).into()])),
        ]),
        dictionary([("RequestType", "InstalledApplicationList".into()), ("ManagedAppsOnly", true.into())]),
        dictionary([("RequestType", "DeviceLock".into())]),
    ];
    if kind == EnrollmentKind::DeviceEnrollment {
        let lock = commands.last_mut().unwrap();
        lock.insert("Message".into(), "Please call the office".into());
        commands.push(dictionary([
            ("RequestType", "ClearPasscode".into()),
            ("UnlockToken", Value::Data(device().unlock_token)),
        ]));
        commands.push(dictionary([("RequestType", "EraseDevice".into())]));
    }
    commands.push(dictionary([("RequestType", "RemoveProfile".into()), ("Identifier", PROFILE.into())]));
    commands
}

/// Each command as the device receives it, followed by its answer.
async fn conversation(kind: EnrollmentKind) -> Vec<Sample> {
    let mut device = device();
    let mut management = management(kind, &device);
    let mut samples = vec![("Idle".to_owned(), messages::idle(&management.identifier))];
    for command in commands(kind) {
        let name = command["RequestType"].as_string().unwrap().to_owned();
        let envelope = dictionary([("Command", command.into()), ("CommandUUID", COMMAND_UUID.into())]);
        let answer = device.obey(&mut management, &xml(&envelope), &mut vec![]).await.unwrap();
        samples.push((format!("{name}.command"), envelope));
        samples.push((format!("{name}.answer"), answer));
    }
    let description = "The device is locked.".to_owned();
    let error = Reply::Error { code: 12_021, domain: "MCMDMErrorDomain".into(), description };
    for (name, reply) in
        [("NotNow", Reply::NotNow), ("Error", error), ("CommandFormatError", Reply::CommandFormatError)]
    {
        device.script.reply("SecurityInfo", reply);
        let command = dictionary([("RequestType", "SecurityInfo".into())]);
        let envelope = dictionary([("Command", command.into()), ("CommandUUID", COMMAND_UUID.into())]);
        samples.push((name.into(), device.obey(&mut management, &xml(&envelope), &mut vec![]).await.unwrap()));
    }
    samples
}

fn folder(kind: EnrollmentKind) -> PathBuf {
    let name = match kind {
        EnrollmentKind::UserEnrollment => "user-enrollment",
        EnrollmentKind::DeviceEnrollment => "device-enrollment",
    };
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)
}

const KINDS: [EnrollmentKind; 2] = [EnrollmentKind::UserEnrollment, EnrollmentKind::DeviceEnrollment];

#[tokio::test]
async fn the_samples_are_what_the_simulator_makes_today_and_no_other_files() {
    for kind in KINDS {
        let folder = folder(kind);
        let samples = [check_ins(kind), conversation(kind).await].concat();
        if std::env::var_os("MUSTER_WRITE_SAMPLES").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            for (name, message) in &samples {
                std::fs::write(folder.join(format!("{name}.plist")), xml(message)).unwrap();
            }
        }
        for (name, message) in &samples {
            let path = folder.join(format!("{name}.plist"));
            let kept = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(kept == xml(message), "{} is not what the simulator makes today", path.display());
        }
        let files = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let names = samples.iter().map(|(name, _)| format!("{name}.plist"));
        assert_eq!(files.collect::<BTreeSet<_>>(), names.collect(), "the files in {}", folder.display());
    }
}

#[tokio::test]
async fn every_sample_is_permitted_by_the_rule_tables() {
    for kind in KINDS {
        for (name, message) in check_ins(kind) {
            assert_eq!(apple::check_check_in(&message.into(), target(kind)), [], "{name}");
        }
        for (name, message) in conversation(kind).await {
            match name.split_once('.') {
                Some((_, "command")) => {
                    assert_eq!(apple::check_command(&message["Command"], target(kind)), [], "{name}");
                }
                Some((request_type, _)) => {
                    let mut answer = message;
                    assert_eq!(answer["Status"].as_string(), Some("Acknowledged"), "{name}");
                    answer.retain(|key, _| !ENVELOPE.contains(&key.as_str()));
                    // Whatever the tables do not permit is removed.
                    assert_eq!(apple::reported(request_type, &answer, target(kind)), answer, "{name}");
                }
                None => {
                    assert_eq!(message["Status"].as_string(), Some(name.as_str()), "{name}");
                    assert!(message.keys().all(|key| ENVELOPE.contains(&key.as_str())), "{name}");
                }
            }
        }
    }
}
