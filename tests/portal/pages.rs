//! Tests of the portal's pages over HTTPS, in the order of the steps and out of order.

mod arrival;

use events::Event;
use events::enrollment::{EnrollmentEvent, EnrollmentRefusal, Evidence, FoundRecord, Ownership, SignInRefusal};
use events::staff::Privilege;
use harness::cast::{self, Scene, Visitor, walk_on};
use harness::guest::{Guest, PASSWORD, iphone, server};
use harness::{TestServer, logs};
use muster::portal::texts::Language;
use reqwest::header::HeaderMap;
use simulator::acts::Nobody;
use simulator::model::Family;
use simulator::safari::Page;
use simulator::walk::Ending;
use std::collections::BTreeSet;

async fn enrollment_events(server: &TestServer) -> Vec<EnrollmentEvent> {
    let events = server.events_of("enrollment").await;
    events.into_iter().filter_map(|event| EnrollmentEvent::try_from(event).ok()).collect()
}

async fn names(server: &TestServer) -> Vec<String> {
    enrollment_events(server).await.into_iter().map(|event| Event::from(event).type_name()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_around_writes_nothing() {
    let server = server().await;
    let before = server.whole_log().await.len();
    let mut guest = Guest::new(&server, &iphone("17.5"));
    for path in ["/", "/enroll", "/enroll/sign-in", "/enroll/about", "/enroll/ca", "/enroll/mdm", "/enroll/complete"] {
        guest.get(path).await;
    }
    assert_eq!(server.whole_log().await.len(), before);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_out_of_order_lead_back_to_the_right_step() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    let pages = ["previous", "ownership", "ca", "managed-apple-id", "mdm", "complete", "stopped"];
    for page in pages {
        assert_eq!(guest.get(&format!("/enroll/{page}")).await.led_to(), Some("/enroll/sign-in"), "{page}");
    }
    guest.sign_in("ada", PASSWORD).await;
    for page in ["sign-in", "previous", "ca", "managed-apple-id", "mdm", "complete", "stopped"] {
        assert_eq!(guest.get(&format!("/enroll/{page}")).await.led_to(), Some("/enroll/ownership"), "{page}");
    }
    assert_eq!(guest.get("/enroll").await.led_to(), Some("/enroll/ownership"));
    // A form out of order changes nothing either.
    guest.get("/enroll/ownership").await;
    assert_eq!(guest.post("/enroll/ca", &[]).await.led_to(), Some("/enroll"));
    assert_eq!(
        guest.post("/enroll/managed-apple-id", &[("managed_apple_id", "a@b.co")]).await.led_to(),
        Some("/enroll/ownership")
    );
    assert_eq!(names(&server).await, ["VisitOpened", "UserSignedIn"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_enrollment_goes_on_where_it_was_after_leaving_for_settings() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.walk_to_mdm(Ownership::Personal).await;
    // Safari was closed, and only its cookies are left.
    assert_eq!(guest.get("/enroll").await.led_to(), Some("/enroll/mdm"));
    assert_eq!(guest.get("/").await.led_to(), Some("/enroll"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn step_two_is_shown_only_if_both_kinds_are_enabled() {
    let server = server().await;
    server.settings(|settings| settings.ownership_kinds = BTreeSet::from([Ownership::Institutional])).await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    assert_eq!(guest.sign_in("ada", PASSWORD).await.led_to(), Some("/enroll/ca"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_administrators_description_is_shown_to_people_with_personal_devices_and_cannot_do_harm() {
    let server = server().await;
    server
        .settings(|settings| {
            let text = "We see **nothing** private.<script>alert(1)</script>";
            settings.personal_description.insert("en".into(), text.into());
        })
        .await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.sign_in("ada", PASSWORD).await;
    let page = guest.get("/enroll/ownership").await;
    assert!(page.body.contains("<strong>nothing</strong>"));
    assert!(!page.body.contains("alert(1)") && !page.body.contains("<div lang"));
    guest.languages = "de".into();
    let german = guest.get("/enroll/ownership").await;
    assert!(german.body.contains("<div lang=\"en\"><p>We see"), "{}", german.body);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ca_step_can_be_switched_off_and_an_event_says_so() {
    let server = server().await;
    server.settings(|settings| settings.skip_ca_profile = true).await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.sign_in("ada", PASSWORD).await;
    guest.get("/enroll/ownership").await;
    let answer = guest.post("/enroll/ownership", &[("ownership", "institutional")]).await;
    assert_eq!(answer.led_to(), Some("/enroll/mdm"));
    assert!(names(&server).await.contains(&"CaStepSkipped".to_owned()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mdm_profile_is_offered_before_the_ca_is_reported() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.sign_in("ada", PASSWORD).await;
    guest.get("/enroll/ownership").await;
    guest.post("/enroll/ownership", &[("ownership", "institutional")]).await;
    assert_eq!(guest.get("/enroll/mdm").await.led_to(), Some("/enroll/ca"));
    let page = guest.get("/enroll/ca").await;
    assert!(page.body.contains("eight minutes"));
    // The step is reported before the profile was downloaded; the page says what to do first.
    let early = guest.post("/enroll/ca", &[]).await;
    assert_eq!(early.status, 409);
    assert!(early.body.contains("First tap"));
    let link = page.link("profile");
    assert_eq!(guest.get(&link).await.header("content-type"), "application/x-apple-aspen-config");
    let page = guest.get("/enroll/ca").await;
    assert!(page.body.contains("Download the profile again") && !page.body.contains("Tap <b>Continue</b> below"));
    assert_eq!(guest.post("/enroll/ca", &[]).await.led_to(), Some("/enroll/mdm"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mdm_profile_is_offered_without_a_push_topic() {
    let server = TestServer::start_with(world::World::system(), |config| {
        config.push.certificate = None;
        config.push.key = None;
    })
    .await;
    server.add_user("ada", PASSWORD, &[Privilege::Enroll]).await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.walk_to_mdm(Ownership::Institutional).await;
    let page = guest.get("/enroll/mdm").await;
    assert_eq!(page.status, 503);
    assert!(page.body.contains("push certificate") && !page.body.contains("id=\"profile\""));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_managed_apple_id_is_checked_kept_to_the_allowed_domains_and_remembered() {
    let server = server().await;
    server.settings(|settings| settings.managed_apple_id_domains = BTreeSet::from(["example.com".into()])).await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.walk_to_managed_apple_id().await;
    for (wrong, says) in [("ada", "not an account name"), ("ada@evil.org", "@example.com")] {
        let answer = guest.post("/enroll/managed-apple-id", &[("managed_apple_id", wrong)]).await;
        assert_eq!(answer.status, 422);
        assert!(answer.body.contains(says), "{wrong}");
        assert!(answer.body.contains(&format!("value=\"{wrong}\"")), "the input is kept");
    }
    let answer = guest.post("/enroll/managed-apple-id", &[("managed_apple_id", "Ada@Example.com ")]).await;
    assert_eq!(answer.led_to(), Some("/enroll/mdm"));
    // On the next enrollment, the field is filled in.
    let mut again = Guest::new(&server, &iphone("17.5"));
    again.walk_to_managed_apple_id().await;
    assert!(again.get("/enroll/managed-apple-id").await.body.contains("value=\"Ada@example.com\""));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_devices_are_led_by_their_version() {
    let server = server().await;
    for (version, why, says) in [
        ("12.4", EnrollmentRefusal::VersionTooOld, "version 12.4"),
        ("18.1", EnrollmentRefusal::AccountDrivenOnly, "Sign In to Work or School Account"),
    ] {
        let mut guest = Guest::new(&server, &iphone(version));
        guest.sign_in("ada", PASSWORD).await;
        guest.get("/enroll/ownership").await;
        let answer = guest.post("/enroll/ownership", &[("ownership", "personal")]).await;
        assert_eq!(answer.led_to(), Some("/enroll/stopped"));
        let page = guest.get("/enroll/stopped").await;
        assert!(page.body.contains(says), "{version}: {}", page.body);
        let refused = enrollment_events(&server)
            .await
            .into_iter()
            .any(|event| event == EnrollmentEvent::EnrollmentRefused { why });
        assert!(refused, "{why:?}");
        // Signing out starts a new enrollment.
        assert_eq!(guest.post("/enroll/sign-out", &[]).await.led_to(), Some("/enroll/sign-in"));
        assert_eq!(guest.sign_in("ada", PASSWORD).await.led_to(), Some("/enroll/ownership"));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_for_a_personal_device_never_reaches_a_version_it_is_not_for() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    let link = guest.walk_to_mdm(Ownership::Personal).await.link("profile");
    let before = server.whole_log().await.len();
    let chrome = |version: &str| iphone(version).replace(&format!("Version/{version}"), "CriOS/126.0");
    for agent in [iphone("18.0"), iphone("26.1"), iphone("12.4"), chrome("18.0"), chrome("12.4")] {
        let answer = Guest::new(&server, &agent).get(&link).await;
        assert_eq!((answer.status, answer.header("content-type").starts_with("text/html")), (403, true), "{agent}");
        assert!(answer.body.contains("not for this version of iOS"), "{agent}");
    }
    // These requests changed nothing, and the enrollment can continue in its own browser.
    assert_eq!(server.whole_log().await.len(), before);
    assert_eq!(guest.get("/enroll").await.led_to(), Some("/enroll/mdm"));
    for agent in [chrome("17.5"), "curl/8.0".into(), "Settings/1.0".into()] {
        assert_eq!(Guest::new(&server, &agent).get(&link).await.status, 200, "{agent}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_an_enrolled_device_opened_by_a_newer_ios_leaves_its_stream_as_it_was() {
    let scene = Scene::set().await;
    let mut walk = scene.walk(Visitor::personal(Family::IPhone, "17.5"));
    let page = walk.arrive(&scene.address(), &mut Nobody).await.unwrap();
    let mut link = String::new();
    let remember = |page: &Page| {
        if let Some(found) = page.link("profile") {
            link = found.url.to_string();
        }
    };
    walk_on(&mut walk, page, remember).await.unwrap();
    scene.answer_first_commands(&mut walk.device).await;
    let (server, id) = (&scene.server, cast::id_of(&walk.device));
    let link = link.strip_prefix(&server.url()).unwrap_or(&link);
    assert!(link.contains("/mdm-"), "{link}");
    let streams = [id.stream(), id.enrollment().stream()];
    let before = [server.log_of(&streams[0]).await.len(), server.log_of(&streams[1]).await.len()];
    assert_eq!(Guest::new(server, &iphone("18.0")).get(link).await.status, 403);
    let after = [server.log_of(&streams[0]).await.len(), server.log_of(&streams[1]).await.len()];
    assert_eq!(before, after);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_page_looks_again_by_itself_until_told_not_to() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    let link = guest.walk_to_mdm(Ownership::Institutional).await.link("profile");
    assert_eq!(guest.get("/enroll/complete").await.led_to(), Some("/enroll/mdm"), "the profile was not downloaded yet");
    guest.get(&link).await;
    guest.get("/enroll/mdm").await;
    assert_eq!(guest.post("/enroll/mdm", &[]).await.led_to(), Some("/enroll/complete"));
    let page = guest.get("/enroll/complete").await;
    assert_eq!(page.header("refresh"), "5");
    assert!(page.body.contains("Check now") && !page.body.contains("Self Service"));
    assert_eq!(guest.get("/enroll/complete?still").await.header("refresh"), "");
    let (step, waiting) = (guest.get("/enroll/mdm").await.progress(), page.progress());
    assert_eq!(
        (step.as_deref(), waiting.as_deref()),
        (Some("Step 4 of 5"), Some("Step 4 of 5")),
        "the progress does not go back"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_language_leads_back_to_the_page_where_it_was_chosen() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    let link = guest.walk_to_mdm(Ownership::Personal).await.link("profile");
    guest.get(&link).await;
    guest.get("/enroll/mdm").await;
    guest.post("/enroll/mdm", &[]).await;
    for page in [
        "/enroll/complete",
        "/enroll/complete?still",
        "/enroll/mdm",
        "/enroll/managed-apple-id?change",
        "/enroll/about",
    ] {
        let back = guest.get(page).await.back();
        let answer = guest.post("/enroll/language", &[("language", "de"), ("back", &back)]).await;
        assert_eq!(answer.led_to(), Some(page));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_problem_has_the_help_code_as_every_other_page_and_its_mail_too() {
    let server = server().await;
    server.settings(|settings| settings.help = Some("help@school.example".into())).await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.sign_in("ada", PASSWORD).await;
    let page = guest.get("/enroll/ownership").await.body;
    let code = page.split("Help code ").nth(1).unwrap()[..7].to_owned();
    guest.csrf = "x".into();
    let forged = guest.post("/enroll/ownership", &[("ownership", "personal")]).await;
    let gone = guest.get("/enroll/profile/mdm-x.mobileconfig").await;
    assert_eq!((forged.status, gone.status), (403, 410));
    for answer in [forged, gone] {
        let mail = format!("mailto:help@school.example?subject&#x3D;Help%20code%20{code}");
        assert!(answer.body.contains(&format!("Help code {code}")) && answer.body.contains(&mail), "{}", answer.body);
        assert!(!answer.body.contains("Code:"), "{}", answer.body);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_serving_of_a_profile_is_recorded_and_a_look_at_its_head_is_not() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    let link = guest.walk_to_mdm(Ownership::Personal).await.link("profile");
    let head = guest.head(&link).await;
    assert_eq!((head.status, head.header("content-type").as_str()), (200, "application/x-apple-aspen-config"));
    assert!(!names(&server).await.contains(&"MdmProfileServed".to_owned()));
    // The request has no cookie, because the part of iOS that downloads the profile may not send Safari's cookies.
    for _ in 0..2 {
        assert_eq!(Guest::new(&server, &iphone("17.5")).get(&link).await.status, 200);
    }
    let servings: Vec<_> = enrollment_events(&server)
        .await
        .into_iter()
        .filter_map(|event| match event {
            EnrollmentEvent::MdmProfileServed { profile, challenge, .. } => Some((profile, challenge)),
            _ => None,
        })
        .collect();
    assert_eq!(servings.len(), 2);
    assert_ne!(servings[0].1, servings[1].1, "each serving has its own challenge");
    assert_eq!(servings[0].0.managed_apple_id.as_ref().map(|id| id.text()), Some("ada@example.com"));
    assert_eq!(servings[0].0.access_rights, None);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_link_says_what_to_do() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    let link = guest.walk_to_mdm(Ownership::Institutional).await.link("profile");
    for wrong in [link.replace("mdm-", "ca-"), link.replacen(".mobileconfig", "x.mobileconfig", 1)] {
        let answer = guest.get(&wrong).await;
        assert_eq!(answer.status, 410, "{wrong}");
        assert!(answer.body.contains("This link no longer works") && answer.body.contains("Help code "));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn error_pages_say_what_happened_what_to_do_and_a_code_that_finds_the_enrollment() {
    let server = server().await;
    server.settings(|settings| settings.help = Some("Call 4711".into())).await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.sign_in("ada", PASSWORD).await;
    let code = {
        let page = guest.get("/enroll/ownership").await.body;
        let at = page.find("Help code ").unwrap() + "Help code ".len();
        page[at..at + 7].to_owned()
    };
    let missing = guest.get("/enroll/nonsense").await;
    assert_eq!(missing.status, 404);
    for part in ["Page not found", "What to do now", &code, "Call 4711"] {
        assert!(missing.body.contains(part), "{part} in {}", missing.body);
    }
    let method = guest.request(reqwest::Method::DELETE, "/enroll/sign-in", HeaderMap::new(), String::new()).await;
    assert_eq!(method.status, 405);
    assert!(method.body.contains("That is not possible here"));
    let large = guest.post("/enroll/ownership", &[("ownership", &"x".repeat(40_000))]).await;
    assert_eq!(large.status, 413);
    assert!(large.body.contains("Too much text"));
    assert_eq!(guest.post("/enroll/ownership", &[("ownership", "both")]).await.status, 400);
    assert_eq!(guest.post("/enroll/ownership", &[]).await.status, 422, "nothing chosen");
    let id = server
        .whole_log()
        .await
        .iter()
        .find_map(|entry| (entry.stream.category() == "enrollment").then_some(entry.correlation));
    assert_eq!(events::enrollment::help_code(events::enrollment::EnrollmentId(id.unwrap())), code);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_recorded_with_the_reason_and_without_the_name_that_was_typed() {
    let server = server().await;
    server.add_user("eve", PASSWORD, &[Privilege::Auditor]).await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    for (name, password) in [("nobody", PASSWORD), ("ada", "wrong password"), ("eve", PASSWORD)] {
        assert_eq!(guest.sign_in(name, password).await.status, 401);
    }
    let refusals: Vec<_> = enrollment_events(&server)
        .await
        .into_iter()
        .filter_map(|event| match event {
            EnrollmentEvent::SignInRefused { reason, account, name, .. } => Some((reason, account.is_some(), name)),
            _ => None,
        })
        .collect();
    let reasons: Vec<_> = refusals.iter().map(|(reason, ..)| *reason).collect();
    assert_eq!(reasons, [SignInRefusal::UnknownName, SignInRefusal::WrongPassword, SignInRefusal::NotEntitled]);
    assert_eq!(refusals.iter().map(|(_, account, _)| *account).collect::<Vec<_>>(), [false, true, true]);
    let name = refusals[0].2.clone().unwrap();
    assert_eq!(name.len(), 64, "an HMAC");
    assert!(refusals[1].2.is_none() && refusals[2].2.is_none());
    // All three attempts belong to one enrollment.
    assert_eq!(names(&server).await.iter().filter(|name| *name == "VisitOpened").count(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_page_offers_self_service_once_the_device_is_enrolled() {
    let scene = Scene::set().await;
    let shop = "https://apps.apple.com/app/id1";
    scene.server.settings(|settings| settings.self_service_url = Some(shop.into())).await;
    let mut walk = scene.walk(Visitor::institutional(Family::IPhone, "17.5"));
    let Ending::Enrolled(page) = walk.run(&scene.address(), &mut Nobody).await.unwrap() else { panic!("not enrolled") };
    assert!(page.text.contains("Your iPhone is enrolled") && page.refresh.is_none(), "{}", page.text);
    assert_eq!(page.link("self-service").unwrap().url.as_str(), shop);
    scene.answer_first_commands(&mut walk.device).await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_an_enrolled_device_is_told_what_to_do_about_it_first() {
    let scene = Scene::set().await;
    let first = scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await;
    scene.server.caught_up().await;
    let mut guest = Guest::new(&scene.server, &iphone("17.5"));
    guest.get("/enroll/sign-in").await;
    let fields = [("user_name", "ada"), ("password", cast::PASSWORD)];
    assert_eq!(guest.post("/enroll/sign-in", &fields).await.led_to(), Some("/enroll/previous"));
    let page = guest.get("/enroll/previous").await;
    let since = Language::English.date(scene.server.app().platform.world.now()).unwrap();
    assert!(
        page.body.contains(&format!("Enrolled here on {since}")) && page.body.contains("Remove Management"),
        "{}",
        page.body
    );
    let found = enrollment_events(&scene.server).await.into_iter().find_map(|event| match event {
        EnrollmentEvent::PreviousRecordFound { records, count } => Some((records, count)),
        _ => None,
    });
    let evidence = vec![Evidence::SamePerson, Evidence::SameFamily];
    assert_eq!(found, Some((vec![FoundRecord { device: cast::id_of(&first), evidence }], 1)));
    assert_eq!(guest.post("/enroll/previous", &[]).await.led_to(), Some("/enroll/ownership"));
    assert!(names(&scene.server).await.contains(&"PreviousRecordsNoted".to_owned()));
    scene.strike().await;
}

#[tokio::test]
async fn the_lines_about_requests_of_an_enrollment_hold_its_help_code() {
    let server = TestServer::start().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    let page = guest.sign_in("nobody", "a wrong one").await;
    let code = page.body.split_once("Help code ").expect("a help code").1[..7].to_owned();
    guest.get("/enroll/sign-in").await;
    let logged = logs::so_far();
    let lines: Vec<&str> = logged.lines().filter(|line| line.contains("answered") && line.contains(&code)).collect();
    assert_eq!(lines.len(), 2, "one line for the request that opened the enrollment and one for the next: {lines:?}");
    server.stop().await;
}
