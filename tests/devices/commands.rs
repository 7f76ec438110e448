//! Tests of commands: queued, delivered, answered once; commands that an enrollment type forbids; results of every
//! kind, and results that are too large.

mod queue;
mod reported;
mod self_service;
mod unreadable;

use decisions::device::{Phase, Refusal};
use devices::commands::{QueueError, device_information, security_info};
use events::device::{BodyHash, CommandId, CommandStatus, DeviceEvent, InventoryValue};
use events::enrollment::EnrollmentKind;
use events::{Actor, ActorKind};
use harness::TestServer;
use harness::devices::{TestDevice, command};
use pki::fingerprint;
use platform::PerformError;
use platform::context::Context;
use plist::{Dictionary, Value};
use simulator::messages::xml;
use simulator::signature::mdm_signature;

fn context(device: &TestDevice) -> Context {
    Context::of(Actor::new(ActorKind::Staff, "a test"), None, device.id.0)
}

fn id() -> CommandId {
    CommandId(harness::devices::uuid())
}

fn request(request_type: &str) -> Dictionary {
    [("RequestType".to_owned(), Value::from(request_type))].into_iter().collect()
}

async fn queue(
    server: &TestServer,
    device: &TestDevice,
    id: CommandId,
    command: &Dictionary,
) -> Result<(), QueueError> {
    server.app().devices.queue_command(device.id, id, command, &context(device)).await.map(|_| ())
}

async fn ask_for_apps(server: &TestServer, device: events::device::DeviceId) {
    let context = Context::of(Actor::new(ActorKind::Staff, "a test"), None, device.0);
    let command = devices::commands::build::managed_apps(&[]);
    server.app().devices.queue_command(device, id(), &command, &context).await.unwrap();
}

async fn answered(server: &TestServer, device: &TestDevice, id: CommandId) -> Vec<CommandStatus> {
    let events = device.events(server).await.into_iter();
    events
        .filter_map(|event| match event {
            DeviceEvent::MdmCommandAnswered { command, status, .. } if command == id => Some(status),
            _ => None,
        })
        .collect()
}

#[actix_web::test]
async fn commands_that_are_queued_at_once_are_all_queued_or_none_and_only_once() {
    let server = TestServer::start().await;
    let device = TestDevice::quiet(&server, EnrollmentKind::UserEnrollment).await;
    let queued = async || {
        let events = device.events(&server).await.into_iter();
        let queued = events.filter_map(|event| match event {
            DeviceEvent::MdmCommandQueued { command, .. } => Some(command),
            _ => None,
        });
        queued.collect::<Vec<_>>()
    };
    let before = queued().await;
    let (first, second) = (id(), id());
    let at_once = async |commands: [(CommandId, Dictionary); 2]| {
        let commands = commands.map(|(id, command)| (id, command, context(&device)));
        server.app().devices.queue_commands(device.id, &commands).await.map(drop)
    };
    let refused = at_once([(first, security_info()), (second, devices::commands::build::erase())]).await;
    assert!(matches!(refused, Err(QueueError::Perform(PerformError::Refused(_)))), "{refused:?}");
    assert_eq!(queued().await, before, "one of them is forbidden");
    for _ in 0..2 {
        at_once([(first, security_info()), (second, devices::commands::build::profile_list())]).await.unwrap();
        assert_eq!(queued().await, [before.clone(), vec![first, second]].concat());
    }
    server.stop().await;
}

#[actix_web::test]
async fn a_command_is_delivered_again_under_its_id_until_it_is_answered_and_recorded_once() {
    let server = TestServer::start().await;
    let device = TestDevice::quiet(&server, EnrollmentKind::DeviceEnrollment).await;
    let id = id();
    for _ in 0..2 {
        queue(&server, &device, id, &security_info()).await.unwrap();
    }
    for _ in 0..3 {
        let (given, command) = device.poll().await.unwrap();
        assert_eq!(
            (given, command.get("RequestType").and_then(Value::as_string)),
            (id.to_string(), Some("SecurityInfo"))
        );
    }
    let report = device.report("Acknowledged", Some(&id.to_string()));
    for _ in 0..3 {
        let answer = device.report_on(&report).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0), "an empty body ends the conversation");
    }
    assert_eq!(device.poll().await, None);
    let events = device.events(&server).await;
    let count = |of: fn(&DeviceEvent) -> Option<CommandId>| events.iter().filter(|event| of(event) == Some(id)).count();
    assert_eq!(
        count(|event| if let DeviceEvent::MdmCommandQueued { command, .. } = event { Some(*command) } else { None }),
        1
    );
    assert_eq!(
        count(|event| if let DeviceEvent::MdmCommandDelivered { command } = event { Some(*command) } else { None }),
        1
    );
    assert_eq!(answered(&server, &device, id).await, [CommandStatus::Acknowledged]);
    server.stop().await;
}

#[actix_web::test]
async fn not_now_puts_a_command_off_and_lets_the_next_one_through() {
    let server = TestServer::start().await;
    let device = TestDevice::quiet(&server, EnrollmentKind::DeviceEnrollment).await;
    let (first, second) = (id(), id());
    queue(&server, &device, first, &request("ProfileList")).await.unwrap();
    queue(&server, &device, second, &request("CertificateList")).await.unwrap();
    let (given, _) = device.poll().await.unwrap();
    assert_eq!(given, first.to_string());
    let next = command(&device.report_on(&device.report("NotNow", Some(&given))).await);
    assert_eq!(next.unwrap().0, second.to_string());
    // The server does not offer the first command again in this conversation, but in the next one.
    let end = device.report_on(&device.report("Acknowledged", Some(&second.to_string()))).await;
    assert_eq!(command(&end), None);
    assert_eq!(device.poll().await.unwrap().0, first.to_string());
    device.report_on(&device.report("Acknowledged", Some(&first.to_string()))).await;
    assert_eq!(device.poll().await, None);
    assert_eq!(answered(&server, &device, first).await, [CommandStatus::NotNow, CommandStatus::Acknowledged]);
    server.stop().await;
}

#[actix_web::test]
async fn errors_end_a_command_and_are_kept_to_be_read() {
    let server = TestServer::start().await;
    let device = TestDevice::quiet(&server, EnrollmentKind::DeviceEnrollment).await;
    for status in ["Error", "CommandFormatError"] {
        let id = id();
        queue(&server, &device, id, &request("ProfileList")).await.unwrap();
        device.poll().await.unwrap();
        let mut report = device.report(status, Some(&id.to_string()));
        let item: Dictionary = [
            ("ErrorCode".to_owned(), Value::from(12021)),
            ("ErrorDomain".to_owned(), "MCMDMErrorDomain".into()),
            ("LocalizedDescription".to_owned(), "„ProfileList“ ist kein gültiger Befehl.".into()),
            ("USEnglishDescription".to_owned(), "“ProfileList” is not a valid request type.".into()),
        ]
        .into_iter()
        .collect();
        report.insert("ErrorChain".into(), Value::Array(vec![item.into()]));
        assert_eq!(command(&device.report_on(&report).await), None);
        assert_eq!(device.poll().await, None, "{status} settles the command");
        let errors = device.events(&server).await.into_iter().find_map(|event| match event {
            DeviceEvent::MdmCommandAnswered { command, errors, .. } if command == id => Some(errors),
            _ => None,
        });
        let errors = errors.unwrap();
        assert_eq!((errors[0].code, errors[0].domain.as_str()), (12021, "MCMDMErrorDomain"));
        let said = errors[0].description.as_ref().and_then(events::Personal::get);
        assert_eq!(said.map(String::as_str), Some("“ProfileList” is not a valid request type."));
    }
    assert!(server.app().platform.metrics.render().contains("muster_alarms_total{alarm=\"command-format-error\"} 1"));
    server.stop().await;
}

#[actix_web::test]
async fn reports_on_commands_that_were_never_queued_are_taken_and_change_nothing() {
    let server = TestServer::start().await;
    let device = TestDevice::quiet(&server, EnrollmentKind::UserEnrollment).await;
    let before = device.history(&server).await;
    for id in [harness::devices::uuid().to_string(), "not an id of ours".to_owned()] {
        assert_eq!(command(&device.report_on(&device.report("Acknowledged", Some(&id))).await), None);
    }
    assert_eq!(device.history(&server).await, before);
    server.stop().await;
}

#[actix_web::test]
async fn what_a_mode_forbids_cannot_be_queued_and_the_refusal_says_why() {
    let server = TestServer::start().await;
    let personal = TestDevice::quiet(&server, EnrollmentKind::UserEnrollment).await;
    for forbidden in ["EraseDevice", "ClearPasscode", "RequestUnlockToken", "EnableLostMode", "Restrictions"] {
        let refused = queue(&server, &personal, id(), &request(forbidden)).await;
        let Err(QueueError::Perform(PerformError::Refused(Refusal::CommandForbidden { request_type, why }))) = refused
        else {
            panic!("{forbidden}: {refused:?}")
        };
        assert!(request_type == forbidden && !why.is_empty());
    }
    assert_eq!(personal.poll().await, None);
    let institutional = TestDevice::quiet(&server, EnrollmentKind::DeviceEnrollment).await;
    let mut clear = request("ClearPasscode");
    clear.insert("UnlockToken".into(), Value::Data(vec![8; 300]));
    queue(&server, &institutional, id(), &clear).await.unwrap();
    // The command is allowed, but one of its keys is not.
    let mut nosy = request("DeviceInformation");
    nosy.insert("Queries".into(), Value::Array(vec!["OSVersion".into(), "SerialNumber".into()]));
    let refused = queue(&server, &personal, id(), &nosy).await.unwrap_err().to_string();
    assert!(refused.contains("DeviceInformation") && refused.contains("SerialNumber"), "{refused}");
    queue(&server, &institutional, id(), &nosy).await.unwrap();
    server.stop().await;
}

#[actix_web::test]
async fn inventory_keeps_what_changed_and_only_what_the_mode_may_tell() {
    let server = TestServer::start().await;
    let device = TestDevice::quiet(&server, EnrollmentKind::UserEnrollment).await;
    let mut reported = Vec::new();
    for (name, version) in [("Ada's iPhone", "17.5"), ("Ada's iPhone", "17.5"), ("Ada's iPhone", "17.6")] {
        let id = id();
        let ask = device_information(EnrollmentKind::UserEnrollment, None);
        queue(&server, &device, id, &ask).await.unwrap();
        device.poll().await.unwrap();
        let told: Dictionary = [
            ("DeviceName", Value::from(name)),
            ("OSVersion", version.into()),
            ("DeviceCapacity", Value::Real(128.0)),
            ("BatteryLevel", Value::Real(0.5)),
            ("AvailableDeviceCapacity", Value::Real(11.25)),
            ("SerialNumber", "F5JM992LF193".into()),
            ("PhoneNumber", "+1 555 0100".into()),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
        let mut report = device.report("Acknowledged", Some(&id.to_string()));
        report.insert("QueryResponses".into(), Value::Dictionary(told));
        device.report_on(&report).await;
        let events = device.events(&server).await.into_iter();
        reported = events
            .filter_map(|event| match event {
                DeviceEvent::InventoryReported { changes } => Some(changes),
                _ => None,
            })
            .collect();
    }
    assert_eq!(reported.len(), 2, "the second result contained nothing new: {reported:?}");
    assert_eq!(reported[0].keys().collect::<Vec<_>>(), ["DeviceCapacity", "DeviceName", "OSVersion"]);
    assert!(
        matches!(&reported[0]["DeviceName"], InventoryValue::Personal(name) if name.key().0.starts_with("person-"))
    );
    assert_eq!(reported[1].keys().collect::<Vec<_>>(), ["OSVersion"]);
    server.stop().await;
}

#[actix_web::test]
async fn an_answer_of_more_than_four_mebibytes_is_taken_recorded_as_too_large_and_not_asked_again() {
    let server = TestServer::start().await;
    let device = TestDevice::quiet(&server, EnrollmentKind::DeviceEnrollment).await;
    let id = id();
    queue(&server, &device, id, &request("InstalledApplicationList")).await.unwrap();
    device.poll().await.unwrap();
    let mut report = device.report("Acknowledged", Some(&id.to_string()));
    report.insert("Filler".into(), Value::Data(vec![0; 4 * 1024 * 1024]));
    let body = xml(&report);
    let answer = device.put("command", &body).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    let hash = BodyHash(hex::encode(openssl::sha::sha256(
        &[fingerprint(&device.identity.certificate).as_bytes(), &body[..]].concat(),
    )));
    let too_large = DeviceEvent::MdmResultTooLarge { command: Some(id), bytes: body.len() as u64, body: Some(hash) };
    assert!(device.events(&server).await.contains(&too_large));
    // The same body sent again, while another command is pending, settles nothing.
    let other = self::id();
    queue(&server, &device, other, &request("ProfileList")).await.unwrap();
    assert_eq!(device.poll().await.map(|(given, _)| given), Some(other.to_string()));
    assert_eq!(device.put("command", &body).await.status, 200);
    assert_eq!(device.poll().await.map(|(given, _)| given), Some(other.to_string()));
    server.stop().await;
}

#[actix_web::test]
async fn a_body_that_is_too_large_settles_nothing_unless_the_device_sent_it() {
    let server = TestServer::start().await;
    let device = TestDevice::quiet(&server, EnrollmentKind::DeviceEnrollment).await;
    let id = id();
    queue(&server, &device, id, &request("InstalledApplicationList")).await.unwrap();
    device.poll().await.unwrap();
    let before = device.history(&server).await;
    let too_large = vec![b'x'; 4 * 1024 * 1024 + 1];
    // The signature is one that the device made for other bytes: certificate and signature are not secret.
    let replayed = mdm_signature(b"something small", &device.identity, device.style).unwrap();
    assert_eq!(device.put_signed("command", &too_large, Some(&replayed)).await.status, 400);
    assert_eq!(device.history(&server).await, before);
    assert_eq!(device.poll().await.map(|(given, _)| given), Some(id.to_string()), "the command is still pending");

    assert_eq!(device.check_in(&device.message("CheckOut")).await, 200);
    let left = device.history(&server).await;
    device.put("command", &too_large).await;
    assert_eq!(device.history(&server).await, left, "a device that left settles nothing either");
    server.stop().await;
}

#[actix_web::test]
async fn what_was_put_off_in_an_earlier_conversation_is_served_behind_what_is_new() {
    let server = TestServer::start().await;
    let device = TestDevice::quiet(&server, EnrollmentKind::UserEnrollment).await;
    let (first, second) = (id(), id());
    queue(&server, &device, first, &request("ProfileList")).await.unwrap();
    device.poll().await.unwrap();
    device.report_on(&device.report("NotNow", Some(&first.to_string()))).await;
    queue(&server, &device, second, &request("SecurityInfo")).await.unwrap();
    assert_eq!(device.poll().await.map(|(given, _)| given), Some(second.to_string()));
    let next = device.report_on(&device.report("Acknowledged", Some(&second.to_string()))).await;
    assert_eq!(
        command(&next).map(|(given, _)| given),
        Some(first.to_string()),
        "the command would otherwise wait for another push"
    );
    let next = device.report_on(&device.report("NotNow", Some(&first.to_string()))).await;
    assert_eq!(command(&next), None, "not again in the same conversation");
    server.stop().await;
}

#[actix_web::test]
async fn a_large_answer_is_read_and_one_of_a_stranger_is_not() {
    let server = TestServer::start().await;
    let mut device = TestDevice::quiet(&server, EnrollmentKind::DeviceEnrollment).await;
    let id = id();
    queue(&server, &device, id, &request("InstalledApplicationList")).await.unwrap();
    device.poll().await.unwrap();
    let mut report = device.report("Acknowledged", Some(&id.to_string()));
    report.insert("InstalledApplicationList".into(), Value::Data(vec![0; 2 * 1024 * 1024]));
    assert_eq!(device.report_on(&report).await.status, 200);
    assert_eq!(answered(&server, &device, id).await, [CommandStatus::Acknowledged]);
    // The same with a certificate that the server did not issue; the server refuses it by its header.
    let subject = simulator::certificate_request::subject(&[("CN".into(), device.id.to_string())]).unwrap();
    let own = simulator::certificate_request::self_signed(&subject, &device.identity.key).unwrap();
    device.identity = own;
    let small = device.report("Idle", None);
    assert_eq!(device.report_on(&small).await.status, 403);
    server.stop().await;
}

#[actix_web::test]
async fn deep_nesting_and_other_bad_bodies_are_answered_400() {
    let server = TestServer::start().await;
    let device = TestDevice::quiet(&server, EnrollmentKind::UserEnrollment).await;
    let mut wanted = device.history(&server).await;
    let nested = format!("<plist version=\"1.0\">{}", "<array>".repeat(500_000));
    for body in [nested.into_bytes(), vec![0; 1 << 20], b"bplist00".to_vec(), xml(&device.report("Nonsense", None))] {
        assert_eq!(device.put("command", &body).await.status, 400);
    }
    // The log records once that there were such messages.
    wanted.push("DeviceMessageRefused".into());
    assert_eq!(device.history(&server).await, wanted);
    server.stop().await;
}

#[actix_web::test]
async fn removing_the_enrollment_profile_ends_management_and_who_still_speaks_is_told_so() {
    let server = TestServer::start().await;
    for kind in [EnrollmentKind::UserEnrollment, EnrollmentKind::DeviceEnrollment] {
        let device = TestDevice::quiet(&server, kind).await;
        server.app().devices.unenroll(device.id, id(), &context(&device)).await.unwrap();
        let (given, command) = device.poll().await.unwrap();
        assert_eq!(command.get("RequestType").and_then(Value::as_string), Some("RemoveProfile"));
        assert_eq!(command.get("Identifier").and_then(Value::as_string), Some(device.profile.identifier.as_str()));
        let answer = device.report_on(&device.report("Acknowledged", Some(&given))).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0));
        assert_eq!(server.app().platform.device(device.id).await.unwrap().phase, Phase::Unenrolled);
        assert_eq!(device.check_in(&device.message("CheckOut")).await, 200);
        // The device may have come back from a backup. Its management has ended, so the server tells it to remove the
        // profile.
        let told = device.report_on(&device.report("Idle", None)).await;
        assert_eq!(told.status, 403);
        assert_eq!(String::from_utf8(told.body).unwrap(), r#"{"code":"com.apple.unrecognized.device"}"#);
    }
    server.stop().await;
}

#[actix_web::test]
async fn removing_another_profile_ends_nothing() {
    let server = TestServer::start().await;
    let device = TestDevice::quiet(&server, EnrollmentKind::DeviceEnrollment).await;
    let mut remove = request("RemoveProfile");
    remove.insert("Identifier".into(), "org.example.wifi".into());
    queue(&server, &device, id(), &remove).await.unwrap();
    let (given, _) = device.poll().await.unwrap();
    device.report_on(&device.report("Acknowledged", Some(&given))).await;
    assert_eq!(server.app().platform.device(device.id).await.unwrap().phase, Phase::Enrolled);
    server.stop().await;
}
