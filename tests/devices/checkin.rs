//! Tests of check-ins: messages in order and out of order, and forged messages.

use decisions::device::{Command, Device};
use events::Personal;
use events::device::{BodyHash, DeviceEvent, DeviceIdentifiers, PushAddress};
use events::enrollment::{EnrollmentEvent, EnrollmentKind, EnrollmentRefusal};
use harness::TestServer;
use harness::devices::{TestDevice, base64, invite};
use harness::test_name;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use platform::context::Context;
use plist::Value;
use simulator::messages::{Identifier, xml};
use simulator::signature::{Digest, Identity, Style, mdm_signature};
use std::sync::Arc;

const KINDS: [EnrollmentKind; 2] = [EnrollmentKind::UserEnrollment, EnrollmentKind::DeviceEnrollment];

#[actix_web::test]
async fn authenticate_and_the_first_token_update_enroll_a_device_in_either_mode() {
    let server = TestServer::start().await;
    for kind in KINDS {
        let device = TestDevice::enrolled(&server, kind).await;
        let events = device.events(&server).await;
        let DeviceEvent::DeviceAuthenticated { identifiers, os_version, .. } = &events[0] else { panic!("{events:?}") };
        assert_eq!(os_version.unwrap().to_string(), "17.5");
        match (identifiers, &device.identifier) {
            (DeviceIdentifiers::UserEnrollment { enrollment_id }, Identifier::EnrollmentId(id)) => {
                assert_eq!(enrollment_id.text(), id);
            }
            (DeviceIdentifiers::DeviceEnrollment { udid, serial_number, .. }, Identifier::Udid(id)) => {
                assert_eq!((udid.text(), serial_number.as_ref().unwrap().text()), (id.as_str(), "F5JM992LF193"));
            }
            other => panic!("{other:?}"),
        }
        let DeviceEvent::DeviceEnrolled { push, .. } = &events[1] else { panic!("{events:?}") };
        assert_eq!((push.token.text(), push.push_magic.text()), (base64(&[7; 32]).as_str(), "MAGIC"));
        assert_eq!(push.unlock_token.is_some(), kind == EnrollmentKind::DeviceEnrollment);
        assert_eq!(push.token.key(), &device.id.key());
    }
    server.stop().await;
}

#[actix_web::test]
async fn a_check_in_keeps_where_it_came_from_under_the_persons_key() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    let entry = &server.log_of(&device.id.stream()).await[0];
    let source = entry.source.as_ref().unwrap();
    assert!(source.text() == "127.0.0.1" && source.key().0.starts_with("person-"), "{source:?}");
    assert_eq!(entry.actor.id, device.id.to_string());
    server.stop().await;
}

#[actix_web::test]
async fn signatures_of_every_style_are_taken() {
    let server = TestServer::start().await;
    let mut device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    for (nth, digest) in [Digest::Sha1, Digest::Sha256].into_iter().enumerate() {
        for signed_attributes in [false, true] {
            for indefinite in [false, true] {
                device.style = Style { digest, signed_attributes, indefinite };
                let mut message = device.authenticate();
                message.insert("Nth".into(), format!("{nth}").into());
                assert_eq!(device.check_in(&message).await, 200, "{:?}", device.style);
            }
        }
    }
    server.stop().await;
}

#[actix_web::test]
async fn a_body_that_is_no_good_is_answered_400_and_changes_nothing() {
    let server = TestServer::start().await;
    let device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    let mut binary = Vec::new();
    Value::Dictionary(device.authenticate()).to_writer_binary(&mut binary).unwrap();
    let text = String::from_utf8(xml(&device.authenticate())).unwrap();
    let subset = "<!DOCTYPE plist [<!ENTITY a \"b\">]>";
    let with_subset = format!("<?xml version=\"1.0\"?>{subset}{}", &text[text.find("<plist").unwrap()..]);
    let nested = format!("<plist version=\"1.0\">{}", "<array>".repeat(9_000));
    for (what, body) in [
        ("no property list", b"hello".to_vec()),
        ("nothing", vec![]),
        ("a binary property list", binary),
        ("an internal DTD subset", with_subset.into_bytes()),
        ("deep nesting", nested.into_bytes()),
        ("a mebibyte of zeros", vec![0; 1 << 20]),
        ("an array", b"<plist version=\"1.0\"><array/></plist>".to_vec()),
        ("an empty dictionary", b"<plist version=\"1.0\"><dict/></plist>".to_vec()),
        ("more than 64 KiB", format!("{text}{}", " ".repeat(64 * 1024)).into_bytes()),
    ] {
        let answer = device.put("checkin", &body).await;
        assert_eq!((answer.status, answer.body.len()), (400, 0), "{what}");
    }
    assert!(device.changes(&server).await.is_empty());
    server.stop().await;
}

#[actix_web::test]
async fn a_wrong_signature_is_answered_400_and_changes_nothing() {
    let server = TestServer::start().await;
    let device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    let body = xml(&device.authenticate());
    let other_body = mdm_signature(b"another body", &device.identity, Style::REAL).unwrap();
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let stolen = Identity::new(device.identity.certificate.clone(), key);
    let other_key = mdm_signature(&body, &stolen, Style::REAL).unwrap();
    for (what, signature) in [
        ("none", None),
        ("an empty one", Some("")),
        ("not base64", Some("!")),
        ("not CMS", Some("aGVsbG8=")),
        ("another body's", Some(other_body.as_str())),
        ("another key's", Some(other_key.as_str())),
    ] {
        for endpoint in ["checkin", "command"] {
            assert_eq!(device.put_signed(endpoint, &body, signature).await.status, 400, "{what} at {endpoint}");
        }
    }
    assert!(device.history(&server).await.is_empty());
    server.stop().await;
}

#[actix_web::test]
async fn a_foreign_certificate_is_answered_403_without_a_code() {
    let server = TestServer::start().await;
    let mut device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    let before = device.history(&server).await;
    // The certificate names the device as the server's certificates do, but is self-signed.
    let subject = simulator::certificate_request::subject(&[("CN".into(), device.id.to_string())]).unwrap();
    device.identity = simulator::certificate_request::self_signed(&subject, &device.identity.key).unwrap();
    for endpoint in ["checkin", "command"] {
        let answer = device.put(endpoint, &xml(&device.token_update("OTHER"))).await;
        assert_eq!((answer.status, answer.body.len()), (403, 0), "{endpoint}");
    }
    assert_eq!(device.history(&server).await[..2], before[..2]);
    server.stop().await;
}

#[actix_web::test]
async fn whose_certificate_it_is_comes_before_whether_its_signature_fits() {
    let server = TestServer::start().await;
    let mut device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    let subject = simulator::certificate_request::subject(&[("CN".into(), device.id.to_string())]).unwrap();
    device.identity = simulator::certificate_request::self_signed(&subject, &device.identity.key).unwrap();
    let of_another_body = mdm_signature(b"another body", &device.identity, Style::REAL).unwrap();
    let body = xml(&device.authenticate());
    for endpoint in ["checkin", "command"] {
        assert_eq!(device.put_signed(endpoint, &body, Some(&of_another_body)).await.status, 403, "{endpoint}");
    }
    server.stop().await;
}

#[actix_web::test]
async fn another_devices_certificate_is_answered_403_without_a_code() {
    let server = TestServer::start().await;
    let (ours, other) = (
        TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await,
        TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await,
    );
    let mut impostor = other.clone();
    impostor.identifier = ours.identifier.clone();
    for message in [impostor.token_update("OTHER"), impostor.message("CheckOut")] {
        assert_eq!(impostor.check_in(&message).await, 403);
    }
    let answer = impostor.report_on(&impostor.report("Idle", None)).await;
    assert_eq!((answer.status, answer.body.len()), (403, 0));
    for device in [&ours, &other] {
        let history = device.history(&server).await;
        assert!(!history.iter().any(|name| name == "PushTokenRenewed" || name == "DeviceCheckedOut"), "{history:?}");
    }
    server.stop().await;
}

#[actix_web::test]
async fn a_valid_certificate_without_a_stream_is_answered_503_with_an_alarm() {
    let server = TestServer::start().await;
    let mut device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    let key = PKey::public_key_from_der(&device.identity.key.public_key_to_der().unwrap()).unwrap();
    let now = server.app().platform.world.now().0 / 1_000_000;
    let unknown = server.app().devices.pki.issue(&key, harness::devices::uuid(), now, 30).unwrap();
    device.identity.certificate = unknown.certificate;
    for (endpoint, message) in [("checkin", device.authenticate()), ("command", device.report("Idle", None))] {
        assert_eq!(device.put(endpoint, &xml(&message)).await.status, 503, "{endpoint}");
    }
    let metrics = server.app().platform.metrics.render();
    assert!(metrics.contains("muster_alarms_total{alarm=\"valid-certificate-without-stream\"} 2"), "{metrics}");
    server.stop().await;
}

#[actix_web::test]
async fn a_certificate_that_was_signed_but_never_handed_out_opens_nothing() {
    let server = TestServer::start().await;
    let mut device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    let key = PKey::public_key_from_der(&device.identity.key.public_key_to_der().unwrap()).unwrap();
    let now = server.app().platform.world.now().0 / 1_000_000;
    // A device that lost a race for the challenge would hold such a certificate.
    device.identity.certificate = server.app().devices.pki.issue(&key, device.id.0, now, 30).unwrap().certificate;
    assert_eq!(device.check_in(&device.authenticate()).await, 403);
    assert!(device.history(&server).await.is_empty());
    server.stop().await;
}

#[actix_web::test]
async fn a_wrong_topic_is_refused() {
    let server = TestServer::start().await;
    let device = TestDevice::invited(&server, EnrollmentKind::UserEnrollment).await;
    let elsewhere = |mut message: plist::Dictionary| {
        message.insert("Topic".into(), "com.apple.mgmt.External.another".into());
        message
    };
    assert_eq!(device.check_in(&elsewhere(device.authenticate())).await, 403);
    assert!(device.changes(&server).await.is_empty());
    assert_eq!(device.check_in(&device.authenticate()).await, 200);
    assert_eq!(device.check_in(&elsewhere(device.token_update("MAGIC"))).await, 403);
    assert_eq!(device.check_in(&elsewhere(device.message("CheckOut"))).await, 403);
    assert_eq!(device.changes(&server).await, ["DeviceAuthenticated"]);
    server.stop().await;
}

#[actix_web::test]
async fn a_device_that_leaves_is_let_go_though_its_check_out_names_no_topic() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    let mut check_out = device.message("CheckOut");
    check_out.remove("Topic");
    assert_eq!(device.check_in(&check_out).await, 200);
    assert_eq!(device.history(&server).await.last().map(String::as_str), Some("DeviceCheckedOut"));
    let mut token_update = device.token_update("MAGIC");
    token_update.remove("Topic");
    assert_eq!(device.check_in(&token_update).await, 400, "a TokenUpdate needs a topic");
    server.stop().await;
}

#[actix_web::test]
async fn what_a_user_of_the_device_says_changes_nothing_of_the_device() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    server.reacted().await;
    let before = server.app().platform.device(device.id).await.unwrap();
    let question = before.waiting().next().map(|command| command.id.to_string());
    for key in ["UserID", "UserShortName", "EnrollmentUserID"] {
        let of_a_user = |mut message: plist::Dictionary| {
            message.insert(key.into(), "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF".into());
            message
        };
        let mut token = of_a_user(device.token_update("MAGIC OF THE USER"));
        token.insert("Token".into(), Value::Data(vec![9; 32]));
        assert_eq!(device.check_in(&token).await, 200, "{key}");
        assert_eq!(device.check_in(&of_a_user(device.message("CheckOut"))).await, 200, "{key}");
        assert_eq!(device.check_in(&of_a_user(device.authenticate())).await, 400, "{key}");
        let idle = device.report_on(&of_a_user(device.report("Idle", None))).await;
        assert_eq!((idle.status, idle.body.len()), (200, 0), "{key}: users get no commands");
        let answer = of_a_user(device.report("Acknowledged", question.as_deref()));
        assert_eq!(device.report_on(&answer).await.status, 200, "{key}");
    }
    assert_eq!(server.app().platform.device(device.id).await.unwrap(), before);
    assert_eq!(before.push.clone().unwrap().push_magic.text(), "MAGIC");
    assert!(device.poll().await.is_some(), "the device itself still gets commands");
    server.stop().await;
}

#[actix_web::test]
async fn the_wrong_mode_is_refused_and_none_of_its_identifiers_stored() {
    let server = TestServer::start().await;
    for kind in KINDS {
        let mut device = TestDevice::invited(&server, kind).await;
        device.identifier = match device.identifier {
            Identifier::EnrollmentId(_) => Identifier::Udid("00008110-000WRONGMODE".into()),
            Identifier::Udid(_) => Identifier::EnrollmentId("00008110-000WRONGMODE".into()),
        };
        let answer = device.put("checkin", &xml(&device.authenticate())).await;
        assert_eq!((answer.status, answer.body.len()), (403, 0));
        assert!(device.history(&server).await.is_empty());
        let enrollment = server.log_of(&device.id.enrollment().stream()).await;
        let refused = EnrollmentEvent::EnrollmentRefused { why: EnrollmentRefusal::WrongMode };
        assert!(enrollment.iter().any(|entry| entry.event == refused.clone().into()));
        // The identity is revoked, so a message of the correct type cannot follow.
        assert_eq!(device.check_in(&device.authenticate()).await, 403);
    }
    let log = server.whole_log().await;
    assert!(!log.iter().any(|entry| entry.event.to_parts().1.to_string().contains("WRONGMODE")));
    assert!(!log.iter().any(|entry| entry.event.to_parts().1.to_string().contains("F5JM992LF193")));
    server.stop().await;
}

#[actix_web::test]
async fn a_device_that_is_enrolled_keeps_its_identity_when_a_message_in_the_other_mode_comes() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    let mut odd = device.clone();
    odd.identifier = Identifier::Udid("00008110-000WRONGMODE".into());
    assert_eq!(odd.check_in(&odd.authenticate()).await, 403);
    assert_eq!(device.report_on(&device.report("Idle", None)).await.status, 200);
    server.stop().await;
}

#[actix_web::test]
async fn repeated_and_replayed_check_ins_change_nothing() {
    let server = TestServer::start().await;
    let device = TestDevice::invited(&server, EnrollmentKind::UserEnrollment).await;
    let (authenticate, first, second) =
        (device.authenticate(), device.token_update("FIRST"), device.token_update("SECOND"));
    for message in [&authenticate, &authenticate, &first, &first, &second] {
        assert_eq!(device.check_in(message).await, 200);
    }
    // An attacker replays all messages. The push address does not change back.
    for message in [&first, &authenticate, &second] {
        assert_eq!(device.check_in(message).await, 200);
    }
    let check_ins: Vec<_> = device
        .events(&server)
        .await
        .into_iter()
        .filter(|event| {
            matches!(
                event,
                DeviceEvent::DeviceAuthenticated { .. }
                    | DeviceEvent::DeviceEnrolled { .. }
                    | DeviceEvent::PushTokenRenewed { .. }
            )
        })
        .collect();
    assert!(
        matches!(
            check_ins[..],
            [
                DeviceEvent::DeviceAuthenticated { .. },
                DeviceEvent::DeviceEnrolled { .. },
                DeviceEvent::PushTokenRenewed { .. }
            ]
        ),
        "{check_ins:?}"
    );
    let push_magic = async || {
        let state = server.app().platform.device(device.id).await.unwrap();
        state.push.clone().unwrap().push_magic.text().to_owned()
    };
    assert_eq!(push_magic().await, "SECOND");
    // The state forgets old messages, and the log does not. The allowance of a device does not suffice for so many
    // check-ins, so they come from the log directly.
    let stream = device.id.stream();
    for n in 0..40 {
        let before = state_of(&server, &device).await;
        let push_magic = Personal::new(device.id.key(), format!("MAGIC {n}"));
        let update = Command::TokenUpdate {
            identifiers: before.identifiers.clone().unwrap(),
            push: PushAddress { push_magic, ..before.push.clone().unwrap() },
            certificate: before.certificate.clone().unwrap(),
            body: BodyHash(format!("{n:064x}")),
        };
        let context = Context::operator(device.id.0);
        server.app().platform.perform::<Device>(&stream, &update, &context).await.unwrap();
    }
    let state = server.app().platform.device(device.id).await.unwrap();
    assert_eq!(push_magic().await, "MAGIC 39");
    for message in [&first, &authenticate, &second] {
        assert_eq!(device.check_in(message).await, 200);
    }
    assert_eq!(server.app().platform.device(device.id).await.unwrap(), state);
    server.stop().await;
}

async fn state_of(server: &TestServer, device: &TestDevice) -> Arc<Device> {
    server.app().platform.device(device.id).await.unwrap()
}

#[actix_web::test]
async fn check_ins_out_of_order_are_refused_and_the_right_order_still_works() {
    let server = TestServer::start().await;
    let device = TestDevice::invited(&server, EnrollmentKind::UserEnrollment).await;
    assert_eq!(device.check_in(&device.token_update("MAGIC")).await, 400);
    assert_eq!(device.check_in(&device.message("CheckOut")).await, 400);
    let answer = device.report_on(&device.report("Idle", None)).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert!(device.changes(&server).await.is_empty());
    assert_eq!(device.check_in(&device.authenticate()).await, 200);
    assert_eq!(device.check_in(&device.token_update("MAGIC")).await, 200);
    assert_eq!(device.changes(&server).await[..2], ["DeviceAuthenticated", "DeviceEnrolled"]);
    server.stop().await;
}

#[actix_web::test]
async fn after_a_check_out_old_messages_revive_nothing() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    let check_out = device.message("CheckOut");
    for _ in 0..2 {
        assert_eq!(device.check_in(&check_out).await, 200);
    }
    let mut again = device.authenticate();
    again.insert("BuildVersion".into(), "21G80".into());
    for message in [again, device.token_update("LATER")] {
        assert_eq!(device.check_in(&message).await, 403);
    }
    let answer = device.report_on(&device.report("Idle", None)).await;
    assert_eq!((answer.status, answer.body.len()), (403, 0));
    let history = device.changes(&server).await;
    assert_eq!(history.iter().filter(|name| *name == "DeviceCheckedOut").count(), 1);
    assert_eq!(history.last().map(String::as_str), Some("DeviceCheckedOut"));
    server.stop().await;
}

#[actix_web::test]
async fn messages_that_are_not_for_us_get_their_own_answers() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    let mut declarative = device.message("DeclarativeManagement");
    declarative.insert("Endpoint".into(), "tokens".into());
    assert_eq!(device.check_in(&declarative).await, 404);
    assert_eq!(device.check_in(&device.message("GetToken")).await, 400);
    assert_eq!(device.check_in(&device.message("UserAuthenticate")).await, 410);
    assert_eq!(device.check_in(&device.message("SomethingNew")).await, 400);
    server.stop().await;
}

#[actix_web::test]
async fn an_expired_certificate_is_refused_without_ending_management() {
    let clock = std::sync::Arc::new(world::ManualClock::at(harness::devices::now()));
    let world = world::World::at(clock.clone());
    let server = TestServer::start_with(world, |_| {}).await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    clock.advance_seconds(i64::from(enroll::issue::IDENTITY_DAYS + 1) * 24 * 3600);
    let answer = device.report_on(&device.report("Idle", None)).await;
    assert_eq!((answer.status, answer.body.len()), (403, 0));
    server.stop().await;
}

#[actix_web::test]
async fn a_log_that_takes_nothing_any_more_is_answered_503_and_never_401() {
    let server = TestServer::start().await;
    let device = TestDevice::invited(&server, EnrollmentKind::UserEnrollment).await;
    server.caught_up().await;
    server.app().platform.engine.close().await;
    assert_eq!(device.check_in(&device.authenticate()).await, 503);
    server.stop().await;
}

#[actix_web::test]
async fn a_sign_of_life_after_seven_days_is_a_fact_and_others_are_not() {
    let clock = std::sync::Arc::new(world::ManualClock::at(harness::devices::now()));
    let server = TestServer::start_with(world::World::at(clock.clone()), |_| {}).await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    for (days, heard) in [(0, 0), (6, 0), (8, 1), (1, 1)] {
        clock.advance_seconds(days * 24 * 3600);
        assert_eq!(device.report_on(&device.report("Idle", None)).await.status, 200);
        let history = device.history(&server).await;
        let facts = history.iter().filter(|name| *name == "DeviceHeardFrom").count();
        assert_eq!(facts, heard, "{days} days later: {history:?}");
    }
    server.stop().await;
}

#[actix_web::test]
async fn the_samples_of_real_devices_parse_or_are_left_out_where_shared_is_missing() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples/checkin");
    let Ok(samples) = std::fs::read_dir(&folder) else {
        harness::left_out(test_name!(), &format!("no samples in {}", folder.display()));
        return;
    };
    let mut parsed = 0;
    for sample in samples {
        let path = sample.unwrap().path();
        let message = property_list::parse(&std::fs::read(&path).unwrap());
        assert!(message.unwrap().contains_key("UDID"), "{}", path.display());
        parsed += 1;
    }
    assert!(parsed > 0);
}

#[actix_web::test]
async fn what_real_devices_said_is_answered_as_they_expect_or_left_out_where_shared_is_missing() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples/checkin");
    if !folder.is_dir() {
        let test = test_name!();
        harness::left_out(test, &format!("no samples in {}", folder.display()));
        return;
    }
    let server = TestServer::start().await;
    // An iPad with iOS 9, and a Mac. Their messages contain keys that iPhones and iPads do not send.
    for (nth, udid) in
        [("1", "663b07bb783e9ade1dae4fbb92ea12afc0ce5b69"), ("2", "66ADE930-5FDF-5EC4-8429-15640684C489")]
    {
        let mut device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
        device.identifier = Identifier::Udid(udid.into());
        let topic = device.profile.topic.clone();
        // The original bytes, except for the topic.
        let sample = |name: &str| {
            let text = std::fs::read_to_string(folder.join(name)).unwrap();
            text.replace("com.apple.mgmt.External.e0bd1eac-1f17-4c8e-8a63-dd17d3dd35d9", &topic).into_bytes()
        };
        for message in ["Authenticate", "TokenUpdate"] {
            let body = sample(&format!("{message}.{nth}.plist"));
            let answer = device.put("checkin", &body).await;
            assert_eq!((answer.status, answer.body.len()), (200, 0), "{message}.{nth}");
        }
        assert_eq!(device.history(&server).await[..2], ["DeviceAuthenticated", "DeviceEnrolled"]);
        let said = property_list(&sample(&format!("TokenUpdate.{nth}.plist")));
        let push = server.app().platform.device(device.id).await.unwrap().push.clone().unwrap();
        assert_eq!(push.push_magic.text(), said["PushMagic"].as_string().unwrap());
        assert_eq!(push.token.text(), &base64(said["Token"].as_data().unwrap()));
        assert_eq!(push.unlock_token.is_some(), said.contains_key("UnlockToken"));
        if nth == "2" {
            // A result for a command of another server is accepted and has no effect.
            let answer = device.put("command", &sample("DeviceInformation.1.plist")).await;
            assert_eq!(answer.status, 200);
            let answered = |event: &DeviceEvent| matches!(event, DeviceEvent::MdmCommandAnswered { .. });
            assert!(!device.events(&server).await.iter().any(answered));
        }
    }
    server.stop().await;
}

fn property_list(xml: &[u8]) -> plist::Dictionary {
    Value::from_reader_xml(xml).unwrap().into_dictionary().unwrap()
}

#[actix_web::test]
async fn a_device_that_was_only_invited_leaves_no_device_stream() {
    let server = TestServer::start().await;
    let invited = invite(&server, EnrollmentKind::UserEnrollment).await;
    assert!(server.log_of(&invited.enrollment.device().stream()).await.is_empty());
    server.stop().await;
}
