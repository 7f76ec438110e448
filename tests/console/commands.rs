//! Commands for one device in the console: queued, cancelled, refused.

mod many;

use events::device::{CommandPayload, DeviceEvent};
use events::enrollment::EnrollmentKind;
use events::envelope::ActorKind;
use events::staff::Privilege;
use harness::TestServer;
use harness::desk::{Answer, Browser, enrolled, write};
use harness::devices::{TestDevice, command};
use harness::profiles::profile;
use harness::waiting::until;

pub async fn administrator(server: &TestServer) -> Browser {
    Browser::signed_in(server, "root", &[Privilege::Administrator]).await
}

pub fn fields<'a>(page: &'a Answer, more: &[(&'a str, &'a str)]) -> Vec<(String, String)> {
    let given = |name: &str| more.iter().any(|(given, _)| *given == name);
    let kept = page.hidden().into_iter().filter(|(name, _)| !given(name));
    let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    kept.chain(more).collect()
}

/// The form field that selects all devices for a bulk command.
pub const ALL: (&str, &str) = ("which", "all");

pub async fn post(browser: &Browser, path: &str, fields: &[(String, String)]) -> Answer {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post(path, &fields).await
}

pub async fn queued(server: &TestServer, device: &TestDevice) -> Vec<String> {
    let log = server.log_of(&device.id.stream()).await;
    log.into_iter()
        .filter(|entry| entry.actor.kind == ActorKind::Staff)
        .filter_map(|entry| match DeviceEvent::try_from(entry.event) {
            Ok(DeviceEvent::MdmCommandQueued { request_type, .. }) => Some(request_type),
            _ => None,
        })
        .collect()
}

#[actix_web::test]
async fn a_device_is_locked_with_a_message_once_however_often_the_form_is_sent_and_in_the_name_of_who_sent_it() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    server.caught_up().await;
    let browser = administrator(&server).await;
    let path = format!("/console/devices/{}/commands/lock", device.id);
    let page = browser.get(&path).await;
    assert!(page.texts("main .consequence")[0].contains("Locks the screen at once"), "{}", page.body);
    let form = fields(&page, &[("message", "Please bring me back"), ("expires", "1")]);
    for said in ["DeviceLock is queued", "DeviceLock was already queued by this form. It was not queued again"] {
        let sent = post(&browser, &path, &form).await;
        assert_eq!(sent.status, 303);
        let page = browser.get(sent.location()).await;
        assert!(page.texts("main > .done").concat().contains(said), "{said}: {}", page.body);
    }
    assert_eq!(queued(&server, &device).await, ["DeviceLock"]);
    let another = browser.get(&path).await.texts("main > .notice.warn").concat();
    assert!(another.contains("still waits for the device"), "{another}");
    let page = browser.get(&format!("/console/devices/{}", device.id)).await;
    assert!(
        page.texts(".command").iter().any(|line| line.contains("DeviceLock") && line.contains("until")),
        "{}",
        page.body
    );
    let (_, command) = device.poll().await.unwrap();
    assert_eq!(command.get("Message").and_then(plist::Value::as_string), Some("Please bring me back"));
    server.stop().await;
}

#[actix_web::test]
async fn a_personal_device_is_offered_no_erasing_and_who_asks_for_it_all_the_same_is_refused() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    server.caught_up().await;
    let browser = administrator(&server).await;
    let page = browser.get(&format!("/console/devices/{}", device.id)).await;
    assert!(page.body.contains("commands/lock") && !page.body.contains("commands/erase"));
    for verb in ["erase", "clear-passcode"] {
        let path = format!("/console/devices/{}/commands/{verb}", device.id);
        assert_eq!(browser.get(&path).await.status, 409);
        let form = fields(&page, &[("request", "0190aaaa-0000-7000-8000-000000000001"), ("confirm", "x")]);
        assert_eq!(post(&browser, &path, &form).await.status, 409);
    }
    assert_eq!(queued(&server, &device).await, Vec::<String>::new());
    server.stop().await;
}

#[actix_web::test]
async fn an_institutional_device_is_erased_only_by_who_types_its_name() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    server.caught_up().await;
    let browser = administrator(&server).await;
    let path = format!("/console/devices/{}/commands/erase", device.id);
    let page = browser.get(&path).await;
    assert!(page.texts("main .consequence")[0].contains("You cannot undo this"));
    let name = page.texts("label[for=confirm] strong")[0].clone();
    let refused = post(&browser, &path, &fields(&page, &[("confirm", "iPad")])).await;
    assert_eq!(refused.status, 409);
    assert!(refused.texts("main")[0].contains("Nothing was erased"));
    assert_eq!(post(&browser, &path, &fields(&page, &[("confirm", &name)])).await.status, 303);
    assert_eq!(queued(&server, &device).await, ["EraseDevice"]);
    server.stop().await;
}

#[actix_web::test]
async fn a_profile_that_the_mode_does_not_take_is_refused_by_the_name_of_its_key() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    server.caught_up().await;
    let browser = administrator(&server).await;
    let path = format!("/console/devices/{}/commands/install-profile", device.id);
    let page = browser.get(&path).await;
    let upload = async |file: Vec<u8>| browser.upload(&path, &fields(&page, &[]), file).await;
    let camera = upload(profile("com.apple.applicationaccess", "<key>allowCamera</key><false/>")).await;
    assert_eq!(camera.status, 409);
    let said = camera.texts("main")[0].clone();
    assert!(said.contains("com.apple.applicationaccess.allowCamera is not for User Enrollment"), "{said}");
    assert!(upload(b"hello".to_vec()).await.texts("main")[0].contains("is not a configuration profile"));
    let entities = b"<!DOCTYPE plist [<!ENTITY a \"b\">]><plist><dict><key>PayloadIdentifier</key><string>&a;</string></dict></plist>";
    assert!(upload(entities.to_vec()).await.texts("main")[0].contains("internal subset"));
    let fine = profile("com.apple.applicationaccess", "<key>allowScreenShot</key><false/>");
    assert_eq!(upload(fine.clone()).await.status, 303);
    assert_eq!(queued(&server, &device).await, ["InstallProfile"]);
    let payload = device.events(&server).await.into_iter().find_map(|event| match event {
        DeviceEvent::MdmCommandQueued { payload: CommandPayload::Sealed(sealed), .. } => Some(sealed),
        _ => None,
    });
    assert!(payload.is_some(), "the payload is sealed, because profiles contain passwords");
    for _ in 0..10 {
        let Some((id, command)) = device.poll().await else { break };
        if let Some(sent) = command.get("Payload") {
            assert_eq!(sent, &plist::Value::Data(fine.clone()));
        }
        device.report_on(&device.report("Acknowledged", Some(&id))).await;
    }
    server.stop().await;
}

/// Queries a device from the console, and lets the device answer.
async fn asked_for(browser: &Browser, device: &TestDevice, question: &str, answer: &[(&str, plist::Value)]) {
    let path = format!("/console/devices/{}/commands/ask", device.id);
    let form = fields(&browser.get(&path).await, &[("question", question)]);
    assert_eq!(post(browser, &path, &form).await.status, 303);
    until("the answer to the query", async || {
        let (id, command) = device.poll().await.expect("the query is queued");
        let mut report = device.report("Acknowledged", Some(&id));
        report.extend(answer.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        assert_eq!(device.report_on(&report).await.status, 200);
        // The server's own first queries are before it in the queue.
        !command.contains_key("Queries") && command["RequestType"].as_string() != Some("SecurityInfo")
    })
    .await;
}

#[actix_web::test]
async fn the_page_of_a_device_that_told_its_lists_is_shown_and_a_lock_queued_there_is_not_denied() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    server.caught_up().await;
    let browser = administrator(&server).await;
    let list = |entries: &[(&str, &str)]| {
        let entry = entries.iter().map(|(key, value)| ((*key).to_owned(), plist::Value::from(*value))).collect();
        plist::Value::Array(vec![plist::Value::Dictionary(entry)])
    };
    let profile = list(&[("PayloadIdentifier", "org.example.wifi"), ("PayloadDisplayName", "Wi-Fi")]);
    asked_for(&browser, &device, "profiles", &[("ProfileList", profile)]).await;
    let app = list(&[("Identifier", "org.example.app"), ("Name", "An App"), ("ShortVersion", "1.0")]);
    asked_for(&browser, &device, "apps", &[("InstalledApplicationList", app)]).await;
    asked_for(&browser, &device, "certificates", &[("CertificateList", list(&[("CommonName", "A CA")]))]).await;
    server.caught_up().await;
    let path = format!("/console/devices/{}", device.id);
    let page = browser.get(&path).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let told = page.texts("summary");
    for list in ["Profiles (1)", "Apps (1)", "Certificates (1)"] {
        assert!(told.iter().any(|summary| summary == list), "{list} is missing in {told:?}");
    }
    let lock = format!("{path}/commands/lock");
    let locked = post(&browser, &lock, &fields(&browser.get(&lock).await, &[])).await;
    assert!(locked.status == 303 && locked.location().starts_with(&path), "{}", locked.location());
    let page = browser.get(locked.location()).await;
    assert!(page.texts("main > .done").concat().contains("DeviceLock is queued"), "{}", page.body);
    assert!(page.status == 200 && page.texts(".command").iter().any(|line| line.contains("DeviceLock")));
    server.stop().await;
}

#[actix_web::test]
async fn a_queued_command_is_called_off_on_the_devices_page() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    // The server's first queries are queued first. The page lists the newest command first, and that must be the
    // command below.
    server.reacted().await;
    server.caught_up().await;
    let browser = administrator(&server).await;
    let path = format!("/console/devices/{}/commands/ask", device.id);
    let page = browser.get(&path).await;
    assert_eq!(post(&browser, &path, &fields(&page, &[("question", "profiles")])).await.status, 303);
    let page = browser.get(&format!("/console/devices/{}", device.id)).await;
    let cancel = page.attribute(".command form", "action").unwrap();
    let cancelled = post(&browser, &cancel, &fields(&page, &[])).await;
    assert_eq!(cancelled.status, 303);
    let page = browser.get(cancelled.location()).await;
    assert_eq!(page.texts("main > .done"), ["ProfileList: Cancelled."]);
    assert!(page.texts(".command").iter().any(|line| line.contains("ProfileList Cancelled")), "{}", page.body);
    assert!(page.texts(".said").iter().any(|said| said.contains("ProfileList was cancelled")), "{}", page.body);
    server.stop().await;
}

#[actix_web::test]
async fn a_rehearsal_says_what_each_device_would_accept_and_queues_nothing_before_it_is_confirmed() {
    let server = TestServer::start().await;
    let personal = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    let institutional = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    server.caught_up().await;
    let browser = administrator(&server).await;
    let page = browser.get("/console/commands/clear-passcode").await;
    let tried = post(&browser, "/console/commands/clear-passcode/try", &fields(&page, &[ALL])).await;
    assert_eq!(tried.texts("h1"), ["1 would accept it, 1 would not"], "{}", tried.body);
    let lines = tried.texts("tbody tr");
    assert!(
        lines.iter().any(|line| line.contains("No: ClearPasscode") && line.contains("not for User Enrollment")),
        "{lines:?}"
    );
    assert_eq!(queued(&server, &institutional).await, Vec::<String>::new(), "a rehearsal queues nothing");
    let refused = post(&browser, "/console/commands/clear-passcode/do", &fields(&tried, &[("confirm", "yes")])).await;
    assert_eq!(refused.status, 409);
    for _ in 0..2 {
        let form = fields(&tried, &[("confirm", "clear-passcode 1")]);
        let done = post(&browser, "/console/commands/clear-passcode/do", &form).await;
        assert_eq!((done.status, done.texts("h1")), (200, vec!["Queued for 1".to_owned()]), "{}", done.body);
    }
    assert_eq!(
        queued(&server, &institutional).await,
        ["ClearPasscode"],
        "the form was sent twice, the command is queued once"
    );
    assert_eq!(queued(&server, &personal).await, Vec::<String>::new());
    // The rehearsal keeps the complete profile.
    let page = browser.get("/console/commands/install-profile").await;
    let file = profile("com.apple.applicationaccess", "<key>allowCamera</key><false/>");
    let tried = browser.upload("/console/commands/install-profile/try", &fields(&page, &[ALL]), file).await;
    assert!(tried.body.contains("applicationaccess.allowCamera"), "{}", tried.body);
    assert_eq!(tried.texts("h1"), ["1 would accept it, 1 would not"], "{}", tried.body);
    let done = post(&browser, "/console/commands/install-profile/do", &fields(&tried, &[])).await;
    assert_eq!((done.status, done.texts("h1")), (200, vec!["Queued for 1".to_owned()]), "{}", done.body);
    assert_eq!(queued(&server, &institutional).await, ["ClearPasscode", "InstallProfile"]);
    assert_eq!(queued(&server, &personal).await, Vec::<String>::new());
    server.stop().await;
}

#[actix_web::test]
async fn the_enrollment_profile_goes_by_unenrolling_only_and_never_as_one_profile_among_others() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    server.caught_up().await;
    let browser = administrator(&server).await;
    let its_own = [("identifier", device.profile.identifier.as_str())];
    let path = format!("/console/devices/{}/commands/remove-profile", device.id);
    let page = browser.get(&path).await;
    let refused = post(&browser, &path, &fields(&page, &its_own)).await;
    assert_eq!(refused.status, 409);
    assert!(refused.texts("main")[0].contains("Unenroll"), "{}", refused.body);
    // A bulk command cannot remove it either. That form asks for no phrase to type.
    let page = browser.get("/console/commands/remove-profile").await;
    let tried = post(&browser, "/console/commands/remove-profile/try", &fields(&page, &[ALL, its_own[0]])).await;
    assert_eq!(tried.texts("h1"), ["0 would accept it, 1 would not"], "{}", tried.body);
    let form = fields(&page, &[its_own[0], ("batch", &format!("{}:00.1.x", device.id))]);
    assert_eq!(post(&browser, "/console/commands/remove-profile/do", &form).await.status, 409);
    assert_eq!(queued(&server, &device).await, Vec::<String>::new());
    server.stop().await;
}

#[actix_web::test]
async fn apps_come_and_go_and_a_personal_device_takes_one_with_a_licence_only() {
    let server = TestServer::start().await;
    let personal = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    let institutional = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    server.caught_up().await;
    let browser = administrator(&server).await;
    let free = [("app", "361309726")];
    let page = browser.get("/console/commands/install-app").await;
    let tried = post(&browser, "/console/commands/install-app/try", &fields(&page, &[ALL, free[0]])).await;
    assert_eq!(tried.texts("h1"), ["1 would accept it, 1 would not"], "{}", tried.body);
    assert!(tried.body.contains("accepts only apps with an assigned licence"), "{}", tried.body);
    for (device, fields_of_app, status) in [
        (&personal, vec![("app", "361309726")], 409),
        (&personal, vec![("app", "361309726"), ("licensed", "yes")], 303),
        (&institutional, vec![("app", "com.example.app")], 303),
    ] {
        let path = format!("/console/devices/{}/commands/install-app", device.id);
        let page = browser.get(&path).await;
        assert_eq!(post(&browser, &path, &fields(&page, &fields_of_app)).await.status, status, "{fields_of_app:?}");
        if status == 303 {
            // The organization's name is sent before the prompt that displays it.
            assert_eq!(queued(&server, device).await, ["Settings", "InstallApplication"]);
        }
    }
    let path = format!("/console/devices/{}/commands/remove-app", institutional.id);
    let page = browser.get(&path).await;
    assert_eq!(post(&browser, &path, &fields(&page, &[("identifier", "com.example.app")])).await.status, 303);
    assert_eq!(queued(&server, &institutional).await, ["Settings", "InstallApplication", "RemoveApplication"]);
    server.stop().await;
}

#[actix_web::test]
async fn who_may_not_act_is_refused_and_a_form_of_a_stranger_is_not_believed() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    server.caught_up().await;
    let auditor = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    let page = auditor.get(&format!("/console/devices/{}", device.id)).await;
    assert!(!page.body.contains("/commands/"), "the page has no button for a forbidden action");
    for path in ["/console/commands".to_owned(), format!("/console/devices/{}/commands/erase", device.id)] {
        assert_eq!(auditor.get(&path).await.status, 403, "{path}");
    }
    let form = fields(&page, &[("csrf", "x"), ("request", "0190aaaa-0000-7000-8000-000000000001")]);
    assert_eq!(post(&auditor, &format!("/console/devices/{}/commands/lock", device.id), &form).await.status, 403);
    let browser = administrator(&server).await;
    let path = format!("/console/devices/{}/commands/lock", device.id);
    let mut form = fields(&browser.get(&path).await, &[]);
    form.retain(|(name, _)| name != "csrf");
    assert_eq!(post(&browser, &path, &form).await.status, 403);
    assert_eq!(queued(&server, &device).await, Vec::<String>::new());
    let idle = command(&device.report_on(&device.report("Idle", None)).await);
    assert!(
        idle.is_none_or(
            |(_, command)| command.get("RequestType").and_then(plist::Value::as_string) != Some("DeviceLock")
        )
    );
    server.stop().await;
}
