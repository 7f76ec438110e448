//! Configuration profiles from real use, installed from the console. Ignored keys are named first, unknown payload
//! types need a confirmation, and what the kind of enrollment forbids stays forbidden.

use super::commands::{ALL, administrator, fields, post, queued};
use events::enrollment::EnrollmentKind;
use harness::TestServer;
use harness::desk::{Answer, Browser};
use harness::devices::TestDevice;
use harness::profiles::profile;
use harness::waiting::{seen, until};
use plist::{Dictionary, Value};

const REMOVABLE: &str = "<key>PayloadRemovalDisallowed</key><false/>";
const UNREMOVABLE: &str = "<key>PayloadRemovalDisallowed</key><true/>";
const RESTRICTIONS: &str = "com.apple.applicationaccess";
const AIRDROP_OFF: &str = "<key>allowAirDrop</key><false/>";
const CAMERA_OFF: &str = "<key>allowCamera</key><false/>";

struct Desk {
    server: TestServer,
    device: TestDevice,
    browser: Browser,
}

impl Desk {
    async fn with(kind: EnrollmentKind) -> Desk {
        let server = TestServer::start().await;
        let device = TestDevice::enrolled(&server, kind).await;
        // The queries that the enrollment causes are queued.
        server.reacted().await;
        let browser = administrator(&server).await;
        Desk { server, device, browser }
    }

    fn path(&self) -> String {
        format!("/console/devices/{}/commands/install-profile", self.device.id)
    }

    async fn install(&self, file: Vec<u8>) -> Answer {
        let page = self.browser.get(&self.path()).await;
        self.browser.upload(&self.path(), &fields(&page, &[("expires", "30")]), file).await
    }

    async fn queued(&self) -> usize {
        queued(&self.server, &self.device).await.iter().filter(|command| *command == "InstallProfile").count()
    }

    // Returns the profile that the device receives, after answering the commands queued before it.
    async fn delivered(&self) -> Vec<u8> {
        seen("the profile", async || {
            let (id, command) = self.device.poll().await.expect("a profile is queued");
            self.device.report_on(&self.device.report("Acknowledged", Some(&id))).await;
            command.get("Payload").and_then(Value::as_data).map(<[u8]>::to_vec)
        })
        .await
    }

    // Answers all queries like an iPad supervised with Apple Configurator.
    async fn says_that_it_is_supervised(&mut self) {
        self.device.supervised = true;
        until("an empty queue", async || {
            let Some((id, command)) = self.device.poll().await else { return true };
            let mut report = self.device.report("Acknowledged", Some(&id));
            if command.contains_key("Queries") {
                let told: Dictionary = [("IsSupervised".to_owned(), Value::Boolean(true))].into_iter().collect();
                report.insert("QueryResponses".into(), told.into());
            }
            self.device.report_on(&report).await;
            false
        })
        .await;
    }
}

// Inserts `more` at the top of the profile.
fn with(file: &[u8], more: &str) -> Vec<u8> {
    String::from_utf8(file.to_vec()).unwrap().replacen("<dict>", &format!("<dict>{more}"), 1).into_bytes()
}

#[actix_web::test]
async fn a_profile_that_anybody_may_remove_and_a_restriction_at_its_default_need_no_supervision() {
    let desk = Desk::with(EnrollmentKind::DeviceEnrollment).await;
    let harmless = with(&profile(RESTRICTIONS, "<key>allowAirDrop</key><true/>"), REMOVABLE);
    let sent = desk.install(harmless.clone()).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    assert_eq!(desk.delivered().await, harmless);
    for (file, key) in [
        (profile(RESTRICTIONS, AIRDROP_OFF), "allowAirDrop"),
        (with(&profile(RESTRICTIONS, CAMERA_OFF), UNREMOVABLE), "PayloadRemovalDisallowed"),
    ] {
        let refused = desk.install(file).await;
        let said = refused.texts("main")[0].clone();
        assert!(refused.status == 409 && said.contains(&format!("{key} is for supervised devices only")), "{said}");
    }
    desk.server.stop().await;
}

#[actix_web::test]
async fn a_device_that_said_it_is_supervised_takes_what_is_for_supervised_devices() {
    let mut desk = Desk::with(EnrollmentKind::DeviceEnrollment).await;
    desk.says_that_it_is_supervised().await;
    for file in [profile(RESTRICTIONS, AIRDROP_OFF), with(&profile(RESTRICTIONS, CAMERA_OFF), UNREMOVABLE)] {
        assert_eq!(desk.install(file.clone()).await.status, 303);
        assert_eq!(desk.delivered().await, file);
    }
    desk.server.stop().await;
}

#[actix_web::test]
async fn a_personal_device_that_says_it_is_supervised_stays_a_personal_device() {
    let mut desk = Desk::with(EnrollmentKind::UserEnrollment).await;
    desk.says_that_it_is_supervised().await;
    assert_eq!(desk.install(profile(RESTRICTIONS, AIRDROP_OFF)).await.status, 409);
    assert_eq!(desk.queued().await, 0);
    desk.server.stop().await;
}

// Keys that profile editors add, and a key of a later iOS version.
fn with_ignored_keys() -> [(Vec<u8>, Vec<&'static str>); 3] {
    let harmless = "<key>allowScreenShot</key><false/>";
    let vpn = "<key>VPNType</key><string>IKEv2</string><key>UserDefinedName</key><string>Campus</string><key>EAP</key><dict/>";
    [
        (
            profile(
                RESTRICTIONS,
                &format!("{harmless}<key>PayloadEnabled</key><true/><key>allowTomorrow</key><false/>"),
            ),
            vec![
                "com.apple.applicationaccess.PayloadEnabled is unknown",
                "com.apple.applicationaccess.allowTomorrow is unknown",
            ],
        ),
        (
            profile(RESTRICTIONS, &format!("{harmless}<key>allowMailSmartReplies</key><false/>")),
            vec!["com.apple.applicationaccess.allowMailSmartReplies is new in iOS 18.4, and the device has 17.5"],
        ),
        (profile("com.apple.vpn.managed", vpn), vec!["com.apple.vpn.managed.EAP is unknown"]),
    ]
}

#[actix_web::test]
async fn a_key_that_the_device_ignores_is_named_before_the_profile_is_queued() {
    for (kind, files) in [(EnrollmentKind::DeviceEnrollment, 3), (EnrollmentKind::UserEnrollment, 1)] {
        let desk = Desk::with(kind).await;
        for (nth, (file, lines)) in with_ignored_keys().into_iter().take(files).enumerate() {
            let warned = desk.install(file.clone()).await;
            assert_eq!((warned.status, desk.queued().await), (200, nth), "{}", warned.body);
            assert_eq!(warned.texts("main li"), lines);
            assert_eq!(post(&desk.browser, &desk.path(), &fields(&warned, &[])).await.status, 303);
            assert_eq!((desk.queued().await, desk.delivered().await), (nth + 1, file));
        }
        desk.server.stop().await;
    }
}

#[actix_web::test]
async fn an_unknown_payload_type_is_confirmed_on_an_institutional_device_and_refused_on_a_personal_one() {
    let file = profile("com.apple.tomorrow", "<key>Anything</key><true/>");
    let desk = Desk::with(EnrollmentKind::DeviceEnrollment).await;
    let asked = desk.install(file.clone()).await;
    assert!(
        asked.texts("main li")[0].contains("com.apple.tomorrow is a payload type that Muster does not know"),
        "{}",
        asked.body
    );
    // Acknowledging a warning does not count as a confirmation.
    for consent in [None, Some(("consent", "warned"))] {
        let again = post(&desk.browser, &desk.path(), &fields(&asked, consent.as_slice())).await;
        assert_eq!((again.status, desk.queued().await), (200, 0), "{}", again.body);
    }
    let confirmed = fields(&asked, &[("consent", "confirmed")]);
    assert_eq!(post(&desk.browser, &desk.path(), &confirmed).await.status, 303);
    assert_eq!(desk.delivered().await, file);
    desk.server.stop().await;

    let desk = Desk::with(EnrollmentKind::UserEnrollment).await;
    let page = desk.browser.get(&desk.path()).await;
    let confirmed = fields(&page, &[("consent", "confirmed")]);
    let forbidden = profile(RESTRICTIONS, CAMERA_OFF);
    for (file, why) in [(file, "com.apple.tomorrow"), (forbidden, "allowCamera is not for User Enrollment")] {
        let refused = desk.browser.upload(&desk.path(), &confirmed, file).await;
        assert!(refused.status == 409 && refused.texts("main")[0].contains(why), "{}", refused.body);
    }
    assert_eq!(desk.queued().await, 0, "a confirmation does not override what the kind of enrollment forbids");
    desk.server.stop().await;
}

#[actix_web::test]
async fn a_rehearsal_names_what_devices_ignore_and_asks_for_the_confirmation_of_unknown_types() {
    let desk = Desk::with(EnrollmentKind::DeviceEnrollment).await;
    // Each upload has its own form, because the same form sent twice is executed once.
    let rehearse = async |file| {
        let page = desk.browser.get("/console/commands/install-profile").await;
        desk.browser.upload("/console/commands/install-profile/try", &fields(&page, &[ALL]), file).await
    };
    let perform =
        async |form: Vec<(String, String)>| post(&desk.browser, "/console/commands/install-profile/do", &form).await;
    let warned = rehearse(profile(RESTRICTIONS, "<key>allowTomorrow</key><false/>")).await;
    assert!(warned.texts("tbody tr")[0].contains("allowTomorrow is unknown"), "{}", warned.body);
    assert_eq!(perform(fields(&warned, &[])).await.texts("h1"), ["Queued for 1"]);
    let doubted = rehearse(profile("com.apple.tomorrow", "")).await;
    assert_eq!(doubted.texts("h1"), ["1 would accept it"], "{}", doubted.body);
    let refused = perform(fields(&doubted, &[])).await;
    assert!(refused.body.contains("this needs a confirmation"), "{}", refused.body);
    assert_eq!(perform(fields(&doubted, &[("consent", "confirmed")])).await.texts("h1"), ["Queued for 1"]);
    assert_eq!(desk.queued().await, 2);
    desk.server.stop().await;
}

fn utf_16(file: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(file.to_vec()).unwrap();
    [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[actix_web::test]
async fn binary_and_utf_16_profiles_and_cdata_are_read_and_reach_the_device_as_they_are() {
    let desk = Desk::with(EnrollmentKind::DeviceEnrollment).await;
    let xml = profile(RESTRICTIONS, CAMERA_OFF);
    let mut binary = vec![];
    Value::from_reader_xml(&xml[..]).unwrap().to_writer_binary(&mut binary).unwrap();
    let text = String::from_utf8(xml.clone()).unwrap();
    let cdata = text.replace("<string>", "<string><![CDATA[").replace("</string>", "]]></string>");
    for file in [binary.clone(), utf_16(&xml), cdata.into_bytes()] {
        let sent = desk.install(file.clone()).await;
        assert_eq!(sent.status, 303, "{}", sent.body);
        assert_eq!(desk.delivered().await, file);
    }
    // The message names the problem of the file in words.
    for (file, why) in [
        (
            binary[..binary.len() / 2].to_vec(),
            "the file is not a configuration profile: it is a binary property list that is truncated",
        ),
        (
            b"<plist><dict><key>a</key><date>today</date></dict></plist>".to_vec(),
            "it contains a date that cannot be read",
        ),
    ] {
        let refused = desk.install(file).await;
        assert!(refused.status == 409 && refused.texts("main")[0].contains(why), "{}", refused.body);
    }
    desk.server.stop().await;
}
