//! Sessions: sign-in, expiry, sign-out.

use events::Event;
use events::enrollment::SignInRefusal;
use events::staff::{Privilege, StaffEvent};
use events::system::RefusalEvent;
use harness::TestServer;
use harness::desk::{Browser, PASSWORD};
use harness::waiting::until;
use reqwest::header::{COOKIE, HeaderMap};
use staff::administration::Request;
use std::sync::Arc;
use world::{ManualClock, World};

fn with_cookie(value: &str) -> HeaderMap {
    let cookie = format!("__Host-muster-console={value}").parse().unwrap();
    HeaderMap::from_iter([(COOKIE, cookie)])
}

#[tokio::test]
async fn staff_sign_in_and_go_on_where_they_wanted_to_go() {
    let server = TestServer::start().await;
    server.add_user("grace", PASSWORD, &[Privilege::Auditor]).await;
    let browser = Browser::new(&server);
    let sent_away = browser.get("/console/audit?type=DeviceEnrolled").await;
    assert_eq!(sent_away.status, 303);
    let form = browser.get(sent_away.location()).await;
    let next = form.attribute("input[name=next]", "value").unwrap();
    let fields = [("csrf", form.csrf()), ("user_name", "Grace".into()), ("password", PASSWORD.into()), ("next", next)];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let signed_in = browser.post("/console/sign-in", &fields).await;
    assert_eq!((signed_in.status, signed_in.location()), (303, "/console/audit?type=DeviceEnrolled"));
    assert_eq!(browser.get(signed_in.location()).await.status, 200);
    let staff = server.events_of("staff").await;
    assert!(matches!(staff.last(), Some(Event::Staff(StaffEvent::StaffSignedIn { .. }))));
    server.stop().await;
}

#[tokio::test]
async fn whatever_is_wrong_with_a_sign_in_the_answer_is_the_same_and_the_log_knows() {
    let server = TestServer::start().await;
    server.add_user("grace", PASSWORD, &[Privilege::Auditor]).await;
    server.add_user("ada", PASSWORD, &[Privilege::Enroll]).await;
    server.add_user("gone", PASSWORD, &[Privilege::Administrator]).await;
    server.execute(Request::DisableUser { user_name: "gone".into() }).await;
    let mut answers = Vec::new();
    for (name, password) in [("nobody", PASSWORD), ("grace", "wrong words"), ("ada", PASSWORD), ("gone", PASSWORD)] {
        let browser = Browser::new(&server);
        let answer = browser.sign_in(name, password).await;
        answers.push((answer.status, answer.body.replace(&answer.csrf(), "")));
        assert_eq!(browser.get("/console/devices").await.status, 303, "{name} is not signed in");
    }
    assert_eq!(answers[0].0, 401);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");

    let refusals = server.events_of("staff").await.into_iter().filter_map(|event| match event {
        Event::Staff(StaffEvent::StaffSignInRefused { reason, .. }) => Some(reason),
        _ => None,
    });
    let expected = [SignInRefusal::WrongPassword, SignInRefusal::NotEntitled, SignInRefusal::AccountDisabled];
    let refusals: Vec<_> = refusals.collect();
    assert!(expected.iter().all(|reason| refusals.contains(reason)) && refusals.len() == 3, "{refusals:?}");
    let unknown = server.events_of("refusals").await;
    assert!(matches!(unknown[..], [Event::Refusal(RefusalEvent::UnknownStaffRefused { .. })]));
    let browser = Browser::signed_in(&server, "root", &[Privilege::Auditor]).await;
    server.caught_up().await;
    let trail = browser.get("/console/audit?outcome=refused&q=wrong+password").await;
    let who = trail.texts("td[data-label=Who]");
    assert_eq!(
        who,
        vec!["Visitor, as grace of Example School"],
        "the actor is the visitor, because the identity was not proven"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_cookie_planted_before_sign_in_is_nobodys_afterwards() {
    let server = TestServer::start().await;
    server.add_user("grace", PASSWORD, &[Privilege::Auditor]).await;
    let browser = Browser::new(&server);
    let planted = browser.get("/console/sign-in").await.cookie().unwrap();
    let key = browser.sign_in("grace", PASSWORD).await.cookie().unwrap();
    assert_ne!(planted, key);
    let attacker = Browser::new(&server);
    assert_eq!(attacker.get_with("/console/devices", with_cookie(&planted)).await.status, 303);
    assert_eq!(attacker.get_with("/console/devices", with_cookie(&key)).await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn the_sessions_cookie_is_for_this_host_over_tls_and_not_for_scripts() {
    let server = TestServer::start().await;
    let answer = Browser::new(&server).get("/console/sign-in").await;
    let cookie = answer.headers.get("set-cookie").unwrap().to_str().unwrap().to_owned();
    for attribute in ["__Host-", "Secure", "HttpOnly", "Path=/", "SameSite=Lax"] {
        assert!(cookie.contains(attribute), "{attribute}: {cookie}");
    }
    assert!(!cookie.contains("Domain"));
    server.stop().await;
}

#[tokio::test]
async fn after_signing_out_a_copied_cookie_is_worth_nothing() {
    let server = TestServer::start().await;
    server.add_user("grace", PASSWORD, &[Privilege::Auditor]).await;
    let browser = Browser::new(&server);
    let key = browser.sign_in("grace", PASSWORD).await.cookie().unwrap();
    let csrf = browser.get("/console/devices").await.csrf();
    assert_eq!(browser.post("/console/sign-out", &[("csrf", &csrf)]).await.status, 303);
    assert_eq!(browser.get("/console/devices").await.status, 303);
    assert_eq!(Browser::new(&server).get_with("/console/devices", with_cookie(&key)).await.status, 303);
    let staff = server.events_of("staff").await;
    assert!(matches!(staff.last(), Some(Event::Staff(StaffEvent::StaffSignedOut {}))));
    server.stop().await;
}

#[tokio::test]
async fn a_session_outlives_a_restart_but_not_half_an_hour_of_silence() {
    let clock = Arc::new(ManualClock::at(World::system().now()));
    let mut server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    clock.advance_seconds(20 * 60);
    assert_eq!(browser.get("/console/devices").await.status, 200);
    server.restart().await;
    clock.advance_seconds(20 * 60);
    assert_eq!(browser.get("/console/devices").await.status, 200);
    clock.advance_seconds(31 * 60);
    assert_eq!(browser.get("/console/devices").await.status, 303);
    server.stop().await;
}

#[tokio::test]
async fn disabling_an_account_ends_its_sessions_at_once() {
    let server = TestServer::start().await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    server.execute(Request::DisableUser { user_name: "grace".into() }).await;
    assert_eq!(browser.get("/console/devices").await.status, 303);
    server.execute(Request::EnableUser { user_name: "grace".into() }).await;
    assert_eq!(browser.get("/console/devices").await.status, 303, "the session does not become valid again");
    server.stop().await;
}

#[tokio::test]
async fn guessing_is_slowed_down_and_the_answer_says_how_long() {
    let server = TestServer::start().await;
    server.add_user("grace", PASSWORD, &[Privilege::Auditor]).await;
    let browser = Browser::new(&server);
    for _ in 0..5 {
        assert_eq!(browser.sign_in("grace", "wrong words").await.status, 401);
    }
    let waiting = browser.sign_in("grace", PASSWORD).await;
    assert_eq!(waiting.status, 429);
    assert!(waiting.headers.contains_key("retry-after"));
    server.stop().await;
}

#[tokio::test]
async fn a_form_from_another_site_or_without_its_token_does_nothing() {
    let server = TestServer::start().await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    let csrf = browser.get("/console/devices").await.csrf();
    for (answer, why) in [
        (browser.post("/console/sign-out", &[("csrf", "")]).await, "no token"),
        (browser.post("/console/sign-out", &[("csrf", "AAAA")]).await, "made up"),
        (browser.post_from("https://evil.example", "/console/sign-out", &[("csrf", &csrf)]).await, "another site"),
    ] {
        assert_eq!(answer.status, 403, "{why}");
    }
    assert_eq!(browser.post("/console/sign-out", &[]).await.status, 400);
    assert_eq!(browser.get("/console/devices").await.status, 200, "the session is still valid");
    server.stop().await;
}

#[tokio::test]
async fn sign_ins_and_refusals_are_counted_by_method_and_outcome_and_name_nobody() {
    let server = TestServer::start().await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    assert_eq!(Browser::new(&server).sign_in("grace", "wrong words").await.status, 401);
    assert_eq!(Browser::new(&server).sign_in("nobody", "wrong words").await.status, 401);
    assert_eq!(browser.get("/api/v1/audit").await.status, 401, "a request without a token is not a sign-in attempt");
    let wanted = [("ok", 1), ("wrong_password", 1), ("unknown_name", 1)].map(|(outcome, count)| {
        format!("muster_sign_ins_total{{method=\"local_account\",outcome=\"{outcome}\",surface=\"console\"}} {count}")
    });
    // The metrics are updated as the server follows the log.
    for line in &wanted {
        until(line, async || server.app().platform.metrics.render().contains(line)).await;
    }
    let metrics = server.app().platform.metrics.render();
    assert!(!metrics.contains("grace") && !metrics.contains("nobody") && !metrics.contains("127.0.0.1"));
    server.stop().await;
}
