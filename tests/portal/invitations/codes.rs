//! Codes: typed at the portal, typed in the sheet of Settings, and shown by the page of a device-bound invitation.

use super::*;
use harness::account::{self, scene_in};
use harness::cast::Visitor;
use reqwest::header::{HeaderMap, HeaderValue};
use scraper::{Html, Selector};
use simulator::model::Family;

async fn type_code(guest: &mut Guest, code: &str) -> harness::guest::Answer {
    guest.get("/enroll/sign-in").await;
    guest.post("/enroll/invitation", &[("code", code)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_typed_before_the_sign_in() {
    let (server, _) = server().await;
    let id = invite(&server).await;
    let code = server.app().invitations.code(id, 0).await.unwrap();
    let mut guest = Guest::new(&server, &iphone("17.5"));
    let page = guest.get("/enroll/sign-in").await.body;
    assert!(page.contains("I have an invitation code"), "{page}");
    let typed = code.to_lowercase().replace('-', " ");
    assert_eq!(type_code(&mut guest, &typed).await.led_to(), Some("/enroll/sign-in"));
    let page = guest.get("/enroll/sign-in").await.body;
    assert!(page.contains("You were invited.") && !page.contains("I have an invitation code"), "{page}");
    sign_in(&mut guest, ADA).await;
    assert_eq!(state(&server, id).await.used.unwrap().token, InvitationToken::Code);
    // The code of an invitation that was used says so.
    enroll_used(&server, id).await;
    let mut late = Guest::new(&server, &iphone("17.5"));
    let page = type_code(&mut late, &code).await;
    assert_eq!(page.status, 422);
    assert!(page.body.contains("This invitation was used already."), "{}", page.body);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_code_is_refused_and_recorded_and_opens_no_enrollment() {
    let (server, _) = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    for wrong in ["000-000", "", "hello"] {
        let page = type_code(&mut guest, wrong).await;
        assert_eq!(page.status, 422, "{wrong}");
        assert!(page.body.contains("This is not the code of an invitation."), "{}", page.body);
    }
    let recorded: Vec<String> = server.events_of("refusals").await.iter().map(|event| event.type_name()).collect();
    assert_eq!(recorded, ["InvitationCodeRefused"; 3]);
    assert!(server.events_of("enrollment").await.is_empty());
    server.stop().await;
}

fn from(address: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-forwarded-for", HeaderValue::from_str(address).unwrap());
    headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
    headers
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_bounded_and_block_neither_others_nor_sign_ins() {
    let clock = Arc::new(ManualClock::at(devices::now()));
    let server = TestServer::start_with(World::at(clock.clone()), |config| {
        config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    server.add_user(ADA, PASSWORD, &[Privilege::Enroll]).await;
    let id = invite(&server).await;
    let code = server.app().invitations.code(id, 0).await.unwrap();
    let mut guesser = Guest::new(&server, &iphone("17.5"));
    guesser.get("/enroll/sign-in").await;
    let mut refused = 0;
    loop {
        let answer = guesser.post_with("/enroll/invitation", &[("code", "000-000")], from("203.0.113.1")).await;
        match answer.status {
            422 => refused += 1,
            429 => break,
            status => panic!("{status}"),
        }
        assert!(refused <= 100, "guesses are bounded");
    }
    assert_eq!(refused, 30);
    let answer = guesser.post_with("/enroll/invitation", &[("code", &code)], from("203.0.113.1")).await;
    assert_eq!(answer.status, 429, "the source has to wait, also with the right code");
    assert!(answer.headers.contains_key("retry-after") && answer.body.contains("Too many wrong codes."));
    // The same source still signs in, with all attempts that it had.
    let fields = [("user_name", ADA), ("password", PASSWORD)];
    let signed_in = guesser.post_with("/enroll/sign-in", &fields, from("203.0.113.1")).await;
    assert_eq!(signed_in.led_to(), Some("/enroll/ownership"));
    // Another source is not blocked.
    let mut other = Guest::new(&server, &iphone("17.5"));
    other.get("/enroll/sign-in").await;
    let answer = other.post_with("/enroll/invitation", &[("code", &code)], from("203.0.113.2")).await;
    assert_eq!(answer.led_to(), Some("/enroll/sign-in"));
    clock.advance_seconds(60);
    let mut again = Guest::new(&server, &iphone("17.5"));
    again.get("/enroll/sign-in").await;
    let answer = again.post_with("/enroll/invitation", &[("code", "000-000")], from("203.0.113.1")).await;
    assert_eq!(answer.status, 422, "with time there is room again");
    server.stop().await;
}

fn field(page: &str, name: &str) -> String {
    let document = Html::parse_document(page);
    let field = Selector::parse(&format!("#invitation input[name={name}]")).unwrap();
    document.select(&field).next().unwrap_or_else(|| panic!("no {name} in {page}")).attr("value").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_typed_in_the_sheet_of_settings() {
    let clock = Arc::new(ManualClock::at(devices::now()));
    let scene = scene_in(World::at(clock)).await;
    scene.server.add_user(ADA, PASSWORD, &[Privilege::Enroll]).await;
    let id = invite(&scene.server).await;
    let code = scene.server.app().invitations.code(id, 0).await.unwrap();
    let walk = account::walk(&scene, Visitor::personal(Family::IPhone, "18.2"));
    let link = account::link(&scene.server, &walk.device, "mdm-byod").await;
    let mut sheet = Guest::new(&scene.server, &iphone("18.2"));
    let page = sheet.get(&format!("{link}?user-identifier=ada%40school.example")).await.body;
    let (account, user_name) = (field(&page, "account"), field(&page, "user_name"));
    assert_eq!(user_name, ADA);
    let fields = [("code", "000-000"), ("account", &account), ("user_name", &user_name)];
    let wrong = sheet.post("/enroll/invitation", &fields).await;
    assert_eq!(wrong.status, 422);
    let fields = [("code", &*code), ("account", &account), ("user_name", &user_name)];
    let answer = sheet.post("/enroll/invitation", &fields).await;
    let next = answer.led_to().unwrap().to_owned();
    let page = sheet.get(&next).await.body;
    assert!(page.contains("You were invited.") && page.contains(ADA), "{page}");
    let fields = [("user_name", ADA), ("password", PASSWORD), ("account", &account)];
    let signed_in = sheet.post("/enroll/sign-in", &fields).await;
    assert!(matches!(signed_in.status, 303 | 308), "{signed_in:?}");
    let used = state(&scene.server, id).await.used.unwrap();
    assert_eq!(used.token, InvitationToken::Code);
    assert!(!used.is_device_bound, "a code proves the person, not the device");
    scene.strike().await;
}

fn shown_code(page: &str) -> String {
    let document = Html::parse_document(page);
    let code = Selector::parse("#code").unwrap();
    document.select(&code).next().unwrap_or_else(|| panic!("no code in {page}")).text().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_device_bound_invitation_shows_a_code_for_ten_minutes() {
    let (server, clock) = server().await;
    let id = invite_device(&server).await;
    let link = path(&server, id, 0);
    let mut safari = Guest::new(&server, &iphone("18.2"));
    let page = safari.get(&link).await.body;
    assert!(page.contains("Show the code"), "{page}");
    assert_eq!(events(&server, id).await, Vec::<String>::new());
    let first = shown_code(&safari.post(&link, &[]).await.body);
    let second = shown_code(&safari.post(&link, &[]).await.body);
    assert_ne!(first, second);
    assert_eq!(events(&server, id).await, ["InvitationCodeIssued", "InvitationCodeIssued"]);
    // Both are valid, since the first may have been typed already.
    clock.advance_seconds(599);
    let mut settings = Guest::new(&server, &iphone("18.2"));
    assert_eq!(type_code(&mut settings, &first).await.led_to(), Some("/enroll/sign-in"));
    clock.advance_seconds(1);
    let mut late = Guest::new(&server, &iphone("18.2"));
    assert_eq!(type_code(&mut late, &second).await.status, 422, "after ten minutes a code is void");
    settings.get("/enroll/sign-in").await;
    sign_in(&mut settings, ADA).await;
    server.reacted().await;
    let used = state(&server, id).await.used.unwrap();
    assert_eq!((used.token, used.is_device_bound), (InvitationToken::DeviceCode, true));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_a_device_bound_invitation_leads_on_in_safari_where_profiles_are_installed_there() {
    let (server, _) = server().await;
    let id = invite_device(&server).await;
    let link = path(&server, id, 0);
    let mut safari = Guest::new(&server, &iphone("17.5"));
    let page = safari.get(&link).await.body;
    assert!(page.contains("again, with its new management") && !page.contains("Show the code"), "{page}");
    assert_eq!(safari.post(&link, &[]).await.led_to(), Some("/enroll"));
    safari.get("/enroll/sign-in").await;
    sign_in(&mut safari, ADA).await;
    server.reacted().await;
    let used = state(&server, id).await.used.unwrap();
    assert_eq!((used.token, used.is_device_bound), (InvitationToken::Link, true));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailed_link_shows_its_code_where_personal_devices_enroll_in_settings() {
    let (server, _) = server().await;
    let id = invite(&server).await;
    let code = server.app().invitations.code(id, 0).await.unwrap();
    let link = path(&server, id, 0);
    let mut safari = Guest::new(&server, &iphone("18.2"));
    assert!(!safari.get("/enroll/sign-in").await.body.contains(&code));
    safari.get(&link).await;
    safari.post(&link, &[]).await;
    let page = safari.get("/enroll/sign-in").await.body;
    assert!(page.contains(&code), "the person types it in Settings: {page}");
    server.stop().await;
}

/// The person comes from Settings, types a code and signs in. Returns the page of earlier records, or what follows it.
async fn through_settings(scene: &harness::cast::Scene, code: &str) -> (Guest, harness::guest::Answer) {
    let walk = account::walk(scene, Visitor::personal(Family::IPhone, "18.2"));
    let link = account::link(&scene.server, &walk.device, "mdm-byod").await;
    let mut sheet = Guest::new(&scene.server, &iphone("18.2"));
    let page = sheet.get(&format!("{link}?user-identifier=ada%40school.example")).await.body;
    let account = field(&page, "account");
    let fields = [("code", code), ("account", &*account), ("user_name", ADA)];
    let answer = sheet.post("/enroll/invitation", &fields).await;
    if answer.status != 303 {
        return (sheet, answer);
    }
    let next = answer.led_to().unwrap().to_owned();
    sheet.get(&next).await;
    let fields = [("user_name", ADA), ("password", PASSWORD), ("account", &*account)];
    let answer = sheet.post("/enroll/sign-in", &fields).await;
    (sheet, answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_to_remove_the_old_management_first_types_the_same_code_again_until_a_device_is_enrolled() {
    let clock = Arc::new(ManualClock::at(devices::now()));
    let scene = scene_in(World::at(clock)).await;
    scene.server.add_user(ADA, PASSWORD, &[Privilege::Enroll]).await;
    let id = invite_device(&scene.server).await;
    let link = path(&scene.server, id, 0);
    let mut safari = Guest::new(&scene.server, &iphone("18.2"));
    let page = safari.post(&link, &[]).await;
    assert_eq!(page.status, 403, "without the token of the page");
    safari.get(&link).await;
    let page = safari.post(&link, &[]).await.body;
    assert!(page.contains("Remove Management"), "the old management is removed first: {page}");
    let code = shown_code(&page);
    let (mut sheet, answer) = through_settings(&scene, &code).await;
    assert_eq!(answer.led_to(), Some("/enroll/previous"));
    let page = sheet.get("/enroll/previous").await.body;
    assert!(page.contains("type your invitation code again"), "{page}");
    let first = state(&scene.server, id).await.used.unwrap();
    // The old management is gone, and the sheet was closed. The Safari page still shows the code, or a new one.
    let again = shown_code(&safari.post(&link, &[]).await.body);
    for code in [&code, &again] {
        let (_, answer) = through_settings(&scene, code).await;
        assert_eq!(answer.led_to(), Some("/enroll/previous"));
    }
    scene.server.reacted().await;
    let used = state(&scene.server, id).await.used.unwrap();
    assert_ne!(used.enrollment, first.enrollment);
    assert_eq!((used.token, used.is_device_bound), (InvitationToken::DeviceCode, true));
    let now = scene.server.app().platform.world.now();
    managed(&scene.server, DeviceId(used.enrollment.0), used.person, now).await;
    let (_, late) = through_settings(&scene, &again).await;
    assert_eq!(late.status, 422, "a device has it now");
    assert!(late.body.contains("This invitation was used already."), "{}", late.body);
    scene.strike().await;
}
