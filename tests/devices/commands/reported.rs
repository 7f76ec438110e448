//! Tests of a device that reports too much. The server stores nothing that a personal device must not reveal, in the
//! result of any command.

use super::{id, queue, request};
use decisions::apple_target;
use devices::commands::Consent;
use devices::commands::build::{self, AppName};
use devices::commands::input::Input;
use devices::commands::request::CommandRequest;
use devices::commands::table::{QUESTIONS, command};
use events::device::{DeviceEvent, InventoryValue};
use events::enrollment::{EnrollmentKind, OsVersion};
use events::{Actor, ActorKind};
use harness::TestServer;
use harness::cast::{Scene, Visitor, id_of};
use harness::devices::TestDevice;
use platform::context::Context;
use plist::{Dictionary, Value};
use simulator::acts::Nobody;
use simulator::model::Family;
use simulator::walk::Ending;

fn dictionary(entries: &[(&str, Value)]) -> Dictionary {
    entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

fn list(entry: &[(&str, Value)]) -> Value {
    Value::Array(vec![dictionary(entry).into()])
}

/// Returns everything that any device could report, in one result. Each value contains a word that the test searches
/// for.
fn everything() -> Dictionary {
    let secret = || Value::from("SECRET");
    let hardware =
        ["UDID", "SerialNumber", "IMEI", "MEID", "ICCID", "PhoneNumber", "WiFiMAC", "BluetoothMAC", "PushToken"];
    let responses: Dictionary = hardware.iter().map(|key| ((*key).to_owned(), secret())).collect();
    let restrictions = dictionary(&[("restrictedBool", dictionary(&[("SECRET", secret())]).into())]);
    dictionary(&[
        ("QueryResponses", responses.into()),
        ("SecurityInfo", dictionary(&[("PasscodePresent", true.into()), ("Diary", secret())]).into()),
        ("ProfileList", list(&[("PayloadIdentifier", secret()), ("PayloadDisplayName", secret())])),
        ("ProvisioningProfileList", list(&[("Name", secret()), ("UUID", secret())])),
        ("InstalledApplicationList", list(&[("Identifier", secret()), ("Name", secret())])),
        (
            "ManagedApplicationList",
            dictionary(&[("SECRET", dictionary(&[("Status", "Managed".into())]).into())]).into(),
        ),
        ("CertificateList", list(&[("CommonName", secret()), ("Data", Value::Data(b"SECRET".to_vec()))])),
        (
            "ManagedApplicationFeedback",
            list(&[("Identifier", secret()), ("Feedback", dictionary(&[("a", secret())]).into())]),
        ),
        ("ApplicationConfigurations", list(&[("Identifier", secret())])),
        ("ApplicationAttributes", list(&[("Identifier", secret())])),
        ("Books", list(&[("Title", secret())])),
        ("GlobalRestrictions", restrictions.into()),
        ("UnlockToken", Value::Data(b"SECRET".to_vec())),
        ("ActivationLockBypassCode", secret()),
        ("MessageResult", secret()),
        ("Latitude", Value::Real(52.5)),
        ("Longitude", Value::Real(13.4)),
        ("RequestType", secret()),
        ("Identifier", "an app called SECRET".into()),
        ("State", "SECRET".into()),
        (
            "ErrorChain",
            list(&[
                ("ErrorCode", 12021.into()),
                ("ErrorDomain", "the SECRET domain".into()),
                ("LocalizedDescription", secret()),
                ("USEnglishDescription", secret()),
            ]),
        ),
    ])
}

/// Returns a command of this type with its required keys.
fn asked(request_type: &str) -> Dictionary {
    let mut command = request(request_type);
    let app = || Value::Array(vec!["org.example.app".into()]);
    match request_type {
        "DeviceInformation" => {
            return build::device_information(EnrollmentKind::UserEnrollment, OsVersion::parse("17.5"));
        }
        "InstallApplication" => return build::install_app(&AppName::Store(7), true),
        "Settings" => return build::organization_info("Example School"),
        "ManagedApplicationAttributes" | "ManagedApplicationConfiguration" | "ManagedApplicationFeedback" => {
            command.insert("Identifiers".into(), app());
        }
        "InstallMedia" => {
            command.insert("MediaType".into(), "Book".into());
            command.insert("iTunesStoreID".into(), 7.into());
        }
        _ => {}
    }
    command
}

async fn answer_with_everything(server: &TestServer, device: &TestDevice, request_type: &str, status: &str) {
    let id = id();
    queue(server, device, id, &asked(request_type)).await.unwrap_or_else(|error| panic!("{request_type}: {error}"));
    let (given, _) = device.poll().await.unwrap();
    assert_eq!(given, id.to_string());
    let mut report = device.report(status, Some(&given));
    report.extend(everything());
    if status == "Error" {
        report.insert("RejectionReason".into(), "SECRET".into());
    }
    assert_eq!(device.report_on(&report).await.status, 200);
}

#[actix_web::test]
async fn of_a_personal_device_nothing_is_stored_that_it_must_not_reveal_whatever_it_answers() {
    let server = TestServer::start().await;
    let device = TestDevice::quiet(&server, EnrollmentKind::UserEnrollment).await;
    let (mut tried, mut refused) = (vec![], vec![]);
    for request_type in apple::commands_with_results() {
        match apple::command_allowed(
            request_type,
            apple_target(EnrollmentKind::UserEnrollment, OsVersion::parse("17.5")),
        ) {
            Ok(()) => {
                for status in ["Acknowledged", "Error"] {
                    answer_with_everything(&server, &device, request_type, status).await;
                }
                tried.push(request_type);
            }
            Err(_) => {
                queue(&server, &device, id(), &request(request_type)).await.unwrap_err();
                refused.push(request_type);
            }
        }
    }
    println!("told too much in answer to {}; cannot be asked: {}", tried.join(", "), refused.join(", "));
    assert!(tried.len() >= 13 && refused.contains(&"DeviceLocation"), "{tried:?} {refused:?}");
    for entry in server.log_of(&device.id.stream()).await {
        let (name, data) = entry.event.to_parts();
        let data = data.to_string();
        assert!(!data.contains("SECRET") && !data.contains("U0VDUkVU"), "{name}: {data}");
        assert!(!data.contains("PasscodePresent") && !data.contains("52.5"), "{name}: {data}");
    }
    server.stop().await;
}

#[actix_web::test]
async fn of_an_institutional_device_lists_are_kept_cut_to_what_is_of_use_and_sealed() {
    let server = TestServer::start().await;
    let device = TestDevice::quiet(&server, EnrollmentKind::DeviceEnrollment).await;
    answer_with_everything(&server, &device, "InstalledApplicationList", "Acknowledged").await;
    answer_with_everything(&server, &device, "CertificateList", "Acknowledged").await;
    let mut lists = std::collections::BTreeMap::new();
    for event in device.events(&server).await {
        let DeviceEvent::InventoryReported { changes } = event else { continue };
        for (name, value) in changes {
            if let InventoryValue::Personal(value) = value {
                lists.insert(name, value.get().unwrap().to_string());
            }
        }
    }
    assert_eq!(lists["InstalledApplicationList"], r#"[{"Identifier":"SECRET","Name":"SECRET"}]"#);
    assert_eq!(lists["CertificateList"], r#"[{"CommonName":"SECRET"}]"#, "the certificate itself is not stored");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_talkative_iphone_is_asked_everything_and_its_record_holds_nothing_private() {
    let scene = Scene::set().await;
    let mut walk = scene.walk(Visitor::personal(Family::IPhone, "17.5"));
    walk.device.tells_too_much = true;
    walk.device.apps.private = vec!["org.private.diary".into()];
    let ending = walk.run(&scene.address(), &mut Nobody).await.unwrap();
    assert!(matches!(ending, Ending::Enrolled(_)), "{ending:?}");
    scene.answer_first_commands(&mut walk.device).await;
    let id = id_of(&walk.device);
    let context = Context::of(Actor::new(ActorKind::Staff, "a test"), None, id.0);
    for question in QUESTIONS.map(|question| question.name) {
        let input = Input::new([("question", question.to_owned())].into(), None);
        let ask = command("ask").unwrap();
        let wanted = CommandRequest::new(ask, input, harness::devices::uuid(), None, Consent::Nothing).unwrap();
        scene.server.app().devices.request(id, &wanted, &context).await.unwrap();
    }
    let handled = walk.device.poll().await.unwrap();
    assert_eq!(handled.iter().filter(|one| one.status == "Acknowledged").count(), QUESTIONS.len(), "{handled:?}");
    let hardware = &walk.device.hardware;
    let imei = hardware.imei.clone().unwrap();
    let private =
        [hardware.udid.as_str(), &hardware.serial_number, &imei, "555 0100", "02:00:00", "org.private", "tax office"];
    let log = scene.server.log_of(&id.stream()).await;
    let told: String = log.iter().map(|entry| entry.event.to_parts().1.to_string()).collect();
    for word in private {
        assert!(!told.contains(word), "{word} is in {told}");
    }
    assert!(
        told.contains("ProfileList") && told.contains("CertificateList"),
        "profiles and certificates that management installed are stored"
    );
    scene.strike().await;
}
