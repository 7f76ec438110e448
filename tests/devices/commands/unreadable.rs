//! Tests of results that are unreadable as a whole or in part: the command is settled, and the queue continues.

use events::device::{AnswerFault, CommandId, CommandStatus, DeviceEvent, InventoryValue};
use events::enrollment::EnrollmentKind;
use events::staff::Privilege;
use harness::TestServer;
use harness::desk::Browser;
use harness::devices::{Answer, TestDevice, command};
use plist::Value;
use uuid::Uuid;

/// Returns a result of `DeviceInformation` with this name, which may be any bytes.
fn named(device: &TestDevice, id: &str, name: &[u8]) -> Vec<u8> {
    let (key, value) = device.identifier.entry();
    let head = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><plist version=\"1.0\"><dict><key>CommandUUID</key><string>{id}</string>\
         <key>QueryResponses</key><dict><key>DeviceName</key>"
    );
    let tail = format!(
        "<key>OSVersion</key><string>17.6</string></dict><key>Status</key><string>Acknowledged</string>\
         <key>{key}</key><string>{value}</string></dict></plist>"
    );
    [head.as_bytes(), name, tail.as_bytes()].concat()
}

fn request_type(answer: &Answer) -> Option<String> {
    let (_, command) = command(answer)?;
    Some(command["RequestType"].as_string().unwrap().to_owned())
}

async fn unreadable(server: &TestServer, device: &TestDevice) -> Vec<(String, Vec<AnswerFault>, bool)> {
    let events = device.events(server).await.into_iter();
    let unreadable = events.filter_map(|event| match event {
        DeviceEvent::MdmAnswerUnreadable { command, why, in_part, .. } => Some((command.to_string(), why, in_part)),
        _ => None,
    });
    unreadable.collect()
}

/// Returns the last value that the device reported under this name.
async fn told(server: &TestServer, device: &TestDevice, name: &str) -> Option<String> {
    let inventory = server.app().platform.device(device.id).await.unwrap().inventory.clone();
    match inventory.get(name)? {
        InventoryValue::Personal(sealed) => sealed.get()?.as_str().map(str::to_owned),
        InventoryValue::Plain(value) => value.as_str().map(str::to_owned),
    }
}

#[actix_web::test]
async fn what_cannot_be_kept_of_an_answer_is_left_out_and_the_next_question_comes() {
    let server = TestServer::start().await;
    let text = |inner: &[u8]| [b"<string>Ada", inner, b"</string>"].concat();
    let (characters, number) = (AnswerFault::Characters, AnswerFault::Number);
    let names = [
        (text(&"🏾".as_bytes()[..3]), Some("Ada"), characters),
        (text(b"\xed\xa0\xbd"), Some("Ada"), characters),
        (text(b"&#0;"), Some("Ada"), characters),
        (text(b"\0"), Some("Ada"), characters),
        (b"<integer/>".to_vec(), None, number),
        (b"<integer>18446744073709551616</integer>".to_vec(), None, number),
        (b"<date>9999-12-31T23:59:59-23:59</date>".to_vec(), None, AnswerFault::Date),
        (b"<real>-inf</real>".to_vec(), None, number),
    ];
    for (name, kept, fault) in names {
        let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
        server.reacted().await;
        let (id, asked) = device.poll().await.expect("a command");
        assert_eq!(asked["RequestType"].as_string(), Some("DeviceInformation"));
        let answer = device.put("command", &named(&device, &id, &name)).await;
        assert_eq!(request_type(&answer).as_deref(), Some("SecurityInfo"), "{}", String::from_utf8_lossy(&name));
        assert_eq!(told(&server, &device, "DeviceName").await.as_deref(), kept);
        assert_eq!(told(&server, &device, "OSVersion").await.as_deref(), Some("17.6"));
        assert_eq!(unreadable(&server, &device).await, [(id.to_lowercase(), vec![fault], true)]);
    }
    server.stop().await;
}

#[actix_web::test]
async fn a_name_in_cdata_is_the_devices_name_and_an_empty_one_leaves_its_model() {
    let server = TestServer::start().await;
    let browser = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    for (name, shown) in [("<![CDATA[Ada & Bob]]>", "Ada & Bob"), ("", "iPhone 13")] {
        let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
        server.reacted().await;
        let (id, _) = device.poll().await.expect("a command");
        let answer = named(&device, &id, format!("<string>{name}</string>").as_bytes());
        assert_eq!(device.put("command", &answer).await.status, 200);
        assert_eq!(unreadable(&server, &device).await, [], "every value was readable");
        server.caught_up().await;
        assert_eq!(browser.get("/console/devices").await.texts("tbody th a").first().map(String::as_str), Some(shown));
    }
    server.stop().await;
}

#[actix_web::test]
async fn a_command_whose_answer_cannot_be_read_has_failed_and_the_console_says_why() {
    let server = TestServer::start().await;
    let browser = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    type Cut = fn(&str) -> String;
    let cuts: [(Cut, AnswerFault); 4] = [
        (|whole| whole.replace("</plist>", ""), AnswerFault::NotAPropertyList),
        (|whole| whole.replace("Acknowledged", "Fine"), AnswerFault::Status),
        (|whole| whole.replace("Status", "State"), AnswerFault::Status),
        (|whole| whole.replace("<key>UDID</key>", "<key>Other</key>"), AnswerFault::Structure),
    ];
    for (cut, fault) in cuts {
        let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
        server.reacted().await;
        let (id, _) = device.poll().await.expect("a command");
        let whole = String::from_utf8(named(&device, &id, b"<string>Ada</string>")).unwrap();
        let answer = device.put("command", cut(&whole).as_bytes()).await;
        assert_eq!(request_type(&answer).as_deref(), Some("SecurityInfo"), "{fault:?}");
        assert_eq!(unreadable(&server, &device).await, [(id.to_lowercase(), vec![fault], false)]);
        server.caught_up().await;
        let page = browser.get(&format!("/console/devices/{}", device.id)).await;
        let line = page.texts(".command").into_iter().find(|line| line.contains("DeviceInformation")).unwrap();
        assert!(line.contains("Failed") && line.contains("could not be read"), "{line}");
    }
    server.stop().await;
}

#[actix_web::test]
async fn a_command_is_settled_after_three_answers_of_which_nobody_can_tell_to_what_they_are() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    server.reacted().await;
    let mut settled = vec![];
    // All results have the same bytes; they settle the second command as well as the first.
    for (question, next) in [("DeviceInformation", Some("SecurityInfo")), ("SecurityInfo", None)] {
        for nth in 1..=3 {
            let (id, asked) = device.poll().await.expect("a command");
            assert_eq!(asked["RequestType"].as_string(), Some(question));
            let answer = device.put("command", b"bplist00: no device sends this").await;
            match nth {
                3 => {
                    assert_eq!(request_type(&answer).as_deref(), next);
                    settled.push((id.to_lowercase(), vec![AnswerFault::NotAPropertyList], false));
                    assert_eq!(unreadable(&server, &device).await, settled);
                }
                _ => assert_eq!(answer.status, 400),
            }
        }
    }
    server.stop().await;
}

#[actix_web::test]
async fn a_device_that_only_answers_what_it_was_not_asked_does_not_keep_its_command_for_ever() {
    let server = TestServer::start().await;
    let device = TestDevice::quiet(&server, EnrollmentKind::DeviceEnrollment).await;
    let id = super::id();
    super::queue(&server, &device, id, &super::request("ProfileList")).await.unwrap();
    let mut given = vec![];
    for nth in 0..4 {
        let Some((asked, _)) = device.poll().await else { break };
        given.push(asked);
        let mut report = device.report("Acknowledged", Some(&CommandId(Uuid::from_u128(nth)).to_string()));
        report.insert("ProfileList".into(), Value::Array(vec![]));
        assert_eq!(device.report_on(&report).await.status, 200);
    }
    assert_eq!(given, vec![id.to_string(); 3]);
    assert_eq!(unreadable(&server, &device).await, [(id.to_string(), vec![AnswerFault::OtherCommand], false)]);
    server.stop().await;
}

#[actix_web::test]
async fn an_answer_that_cannot_be_read_is_no_answer_of_another_device() {
    let server = TestServer::start().await;
    let (device, other) = (
        TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await,
        TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await,
    );
    server.reacted().await;
    let (id, _) = device.poll().await.expect("a command");
    let named_other = named(&other, &id, b"<integer/>");
    assert_eq!(device.put("command", &named_other).await.status, 403);
    let unsigned = device.put_signed("command", &named(&device, &id, b"<integer/>"), None).await;
    assert_eq!(unsigned.status, 400);
    let signature_of_other = other.put("command", &named(&device, &id, b"<integer/>")).await;
    assert_eq!(signature_of_other.status, 403);
    assert_eq!(unreadable(&server, &device).await, []);
    let answers = device.events(&server).await;
    let answered = |event: &DeviceEvent| {
        matches!(event, DeviceEvent::MdmCommandAnswered { status: CommandStatus::Acknowledged, .. })
    };
    assert!(!answers.iter().any(answered));
    server.stop().await;
}
