//! Tests of headers, cookies, forged forms, sessions and guessed passwords at the portal: one test per rule.

use actix_web::body::to_bytes;
use actix_web::middleware::from_fn;
use actix_web::web;
use events::enrollment::Ownership;
use events::staff::{Privilege, StaffEvent};
use events::system::RefusalEvent;
use events::{Event, Timestamp};
use harness::TestServer;
use harness::desk::{Browser, write};
use harness::guest::{Guest, iphone};
use harness::guest::{PASSWORD, server};
use muster::app::suppressed;
use muster::portal::surround::surround;
use muster::server::surfaces::hand_out;
use reqwest::header::{HeaderMap, HeaderValue};
use staff::administration::Request;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;
use world::{ManualClock, World};

const SESSION: &str = "__Host-muster-enrollment";

/// Returns one response of each kind: page, redirect, unknown path, forged form, stylesheet, script, profile.
async fn one_of_each(server: &TestServer) -> Vec<(&'static str, harness::guest::Answer)> {
    let mut guest = Guest::new(server, &iphone("17.5"));
    let link = guest.walk_to_mdm(Ownership::Institutional).await.link("profile");
    vec![
        ("page", guest.get("/enroll/mdm").await),
        ("redirect", guest.get("/enroll").await),
        ("missing", guest.get("/nonsense").await),
        ("forged", guest.post_with("/enroll/mdm", &[("csrf", "x")], HeaderMap::new()).await),
        ("stylesheet", guest.get("/assets/portal.css").await),
        ("script", guest.get("/assets/portal.js").await),
        ("profile", guest.get(&link).await),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_the_content_security_policy() {
    let server = server().await;
    for (sort, answer) in one_of_each(&server).await {
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "form-action 'self' apple-remotemanagement-user-login:",
            "object-src 'none'",
            "base-uri 'none'",
            "script-src 'self'",
        ] {
            assert!(policy.contains(part), "{sort}: {part} in {policy}");
        }
        assert!(!policy.contains("unsafe"), "{sort}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_forbids_sniffing() {
    let server = server().await;
    for (sort, answer) in one_of_each(&server).await {
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{sort}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_keeps_its_address_from_other_sites() {
    let server = server().await;
    for (sort, answer) in one_of_each(&server).await {
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{sort}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_a_window_of_its_own() {
    let server = server().await;
    for (sort, answer) in one_of_each(&server).await {
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{sort}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_stylesheet_and_script_is_ever_stored() {
    let server = server().await;
    for (sort, answer) in one_of_each(&server).await {
        let expected = if matches!(sort, "stylesheet" | "script") { "public, max-age=3600" } else { "no-store" };
        assert_eq!(answer.header("cache-control"), expected, "{sort}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hsts_is_sent_only_where_the_certificate_is_publicly_trusted() {
    let server = server().await;
    for (sort, answer) in one_of_each(&server).await {
        assert_eq!(answer.header("strict-transport-security"), "", "{sort}: the certificate is not publicly trusted");
    }
    let console = Browser::new(&server).get("/console/sign-in").await;
    assert!(!console.headers.contains_key("strict-transport-security"));
    let root = server.tls_root();
    server.stop().await;
    let public = TestServer::start_with(World::system(), |config| config.pki.tls_root = None).await;
    let client = reqwest::Client::builder()
        .add_root_certificate(reqwest::Certificate::from_pem(&root).unwrap())
        .build()
        .unwrap();
    for path in ["/enroll/about", "/console/sign-in", "/console/console.css", "/console/nothing-here"] {
        let answer = client.get(format!("{}{path}", public.url())).send().await.unwrap();
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000", "{path}");
    }
    public.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_are_for_this_host_alone_and_out_of_reach_of_scripts() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    let mut seen = Vec::new();
    guest.get("/enroll/sign-in").await;
    seen.extend(guest.set_cookies.clone());
    guest.post("/enroll/language", &[("language", "en")]).await;
    seen.extend(guest.set_cookies.clone());
    guest.sign_in("ada", PASSWORD).await;
    seen.extend(guest.set_cookies.clone());
    assert_eq!(seen.len(), 4, "{seen:?}");
    for cookie in seen {
        assert!(cookie.starts_with("__Host-muster-"), "{cookie}");
        for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(cookie.contains(part), "{part} in {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_the_sessions_token_is_refused() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.sign_in("ada", PASSWORD).await;
    guest.get("/enroll/ownership").await;
    let mut stranger = Guest::new(&server, &iphone("17.5"));
    stranger.get("/enroll/sign-in").await;
    let before = server.whole_log().await.len();
    let own = guest.csrf.clone();
    for token in ["", "x", &stranger.csrf, &own[1..]] {
        guest.csrf = token.to_owned();
        let answer = guest.post("/enroll/ownership", &[("ownership", "institutional")]).await;
        assert_eq!(answer.status, 403, "{token:?}");
        assert!(answer.body.contains("The form has expired"));
    }
    assert_eq!(server.whole_log().await.len(), before);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_from_another_site_is_refused_whatever_its_token() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.sign_in("ada", PASSWORD).await;
    guest.get("/enroll/ownership").await;
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")]
    {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        let token = guest.csrf.clone();
        let answer = guest.post_with("/enroll/ownership", &[("ownership", "institutional")], headers).await;
        assert_eq!(answer.status, 403, "{name}: {value}");
        guest.csrf = token;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_changes_the_sessions_secret_and_the_old_one_is_dead() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.sign_in("ada", "wrong password").await;
    let before = guest.cookies[SESSION].clone();
    guest.sign_in("ada", PASSWORD).await;
    let after = guest.cookies[SESSION].clone();
    assert_ne!(before, after);
    assert_eq!(before.split('.').next(), after.split('.').next(), "the enrollment is the same");
    let mut thief = Guest::new(&server, &iphone("17.5"));
    thief.cookies.insert(SESSION.into(), before);
    assert_eq!(thief.get("/enroll/ownership").await.led_to(), Some("/enroll/sign-in"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_cookie_is_worth_nothing_after_logging_out() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.sign_in("ada", PASSWORD).await;
    let copy = guest.cookies[SESSION].clone();
    guest.get("/enroll/ownership").await;
    let answer = guest.post("/enroll/sign-out", &[]).await;
    assert_eq!(answer.led_to(), Some("/enroll/sign-in"));
    assert!(!guest.cookies.contains_key(SESSION));
    let mut thief = Guest::new(&server, &iphone("17.5"));
    thief.cookies.insert(SESSION.into(), copy);
    assert_eq!(thief.get("/enroll/ownership").await.led_to(), Some("/enroll/sign-in"));
    assert_eq!(thief.get("/enroll").await.led_to(), Some("/enroll/sign-in"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_outlives_safari_as_long_as_an_enrollment_may_take() {
    let server = server().await;
    server.settings(|settings| settings.abandon_after_hours = 5).await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.sign_in("ada", PASSWORD).await;
    let cookie = guest.set_cookies.iter().find(|cookie| cookie.starts_with(SESSION)).unwrap();
    assert!(cookie.contains("Max-Age=18000"), "{cookie}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn disabling_an_account_ends_its_sessions_and_its_links_at_once() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    let link = guest.walk_to_mdm(Ownership::Institutional).await.link("profile");
    server.execute(Request::DisableUser { user_name: "ada".into() }).await;
    let before = server.whole_log().await.len();
    for page in ["/enroll", "/enroll/mdm", "/enroll/complete"] {
        assert_eq!(guest.get(page).await.led_to(), Some("/enroll/sign-in"), "{page}");
    }
    for mut whoever in [guest, Guest::new(&server, &iphone("17.5"))] {
        let answer = whoever.get(&link).await;
        assert_eq!((answer.status, answer.header("content-type").as_str()), (410, "text/html; charset=utf-8"));
    }
    assert_eq!(server.whole_log().await.len(), before);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_the_privilege_to_enroll_ends_a_session_and_giving_it_back_revives_it() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.sign_in("Ada ", PASSWORD).await;
    let log = server.whole_log().await;
    let added = |event: &Event| matches!(event, Event::Staff(StaffEvent::LocalAccountAdded { .. }));
    let account = log.iter().find(|entry| added(&entry.event)).unwrap().stream.clone();
    let may = async |privilege: Privilege| {
        let changed = StaffEvent::PrivilegesChanged { before: BTreeSet::new(), after: BTreeSet::from([privilege]) };
        write(&server, &account, server.app().platform.world.now(), changed).await;
    };
    may(Privilege::Auditor).await;
    assert_eq!(guest.get("/enroll/ownership").await.led_to(), Some("/enroll/sign-in"));
    may(Privilege::Enroll).await;
    assert_eq!(guest.get("/enroll/ownership").await.status, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_after_a_day_at_the_latest() {
    let clock = Arc::new(ManualClock::at(Timestamp(1_790_000_000_000_000)));
    let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    server.add_user("ada", PASSWORD, &[Privilege::Enroll]).await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    guest.sign_in("ada", PASSWORD).await;
    clock.advance_seconds(24 * 3_600 - 60);
    assert_eq!(guest.get("/enroll/ownership").await.status, 200);
    clock.advance_seconds(120);
    assert_eq!(guest.get("/enroll/ownership").await.led_to(), Some("/enroll/sign-in"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_form_chooses_where_a_redirect_leads() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    for back in
        ["//evil.example", "/\\evil.example", "https:evil.example", "about\r\nX: y", "https://evil.example/about"]
    {
        guest.get("/enroll/sign-in").await;
        let answer = guest.post("/enroll/language", &[("language", "de"), ("back", back)]).await;
        assert_eq!(answer.led_to(), Some("/enroll"), "{back}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_name_wrong_password_and_missing_privilege_get_the_same_answer() {
    let server = server().await;
    server.add_user("eve", PASSWORD, &[Privilege::Auditor]).await;
    let mut answers = Vec::new();
    for (name, password) in [("nobody", PASSWORD), ("ada", "wrong password"), ("eve", PASSWORD)] {
        let mut guest = Guest::new(&server, &iphone("17.5"));
        let answer = guest.sign_in(name, password).await;
        let body = without_what_differs_by_enrollment(&answer.body, &guest.csrf);
        let headers: BTreeSet<String> = answer.headers.keys().map(ToString::to_string).collect();
        answers.push((answer.status, headers, body));
    }
    assert_eq!(answers[0].0, 401);
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[1], answers[2]);
    server.stop().await;
}

fn without_what_differs_by_enrollment(body: &str, token: &str) -> String {
    let body = body.replace(token, "TOKEN");
    let code = body.find("Help code ").expect("the enrollment has a code") + "Help code ".len();
    format!("{}{}", &body[..code], &body[code + 7..])
}

/// Compares durations, because an attacker can measure them. Compares the fastest of each, since other tests run on the
/// same machine. A skipped password check would take a tenth of the time.
#[tokio::test(flavor = "multi_thread")]
async fn unknown_name_wrong_password_and_missing_privilege_take_the_same_time() {
    let clock = Arc::new(ManualClock::at(Timestamp(1_790_000_000_000_000)));
    let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    server.add_user("ada", PASSWORD, &[Privilege::Enroll]).await;
    server.add_user("eve", PASSWORD, &[Privilege::Auditor]).await;
    let mut times = vec![Vec::new(); 3];
    for _ in 0..10 {
        // The clock advances so that no attempt is throttled.
        clock.advance_seconds(61);
        for (nth, (name, password)) in
            [("nobody", PASSWORD), ("ada", "wrong password"), ("eve", PASSWORD)].into_iter().enumerate()
        {
            let mut guest = Guest::new(&server, &iphone("17.5"));
            guest.get("/enroll/sign-in").await;
            let start = Instant::now();
            let answer = guest.post("/enroll/sign-in", &[("user_name", name), ("password", password)]).await;
            times[nth].push(start.elapsed().as_secs_f64());
            assert_eq!(answer.status, 401);
        }
    }
    let quickest: Vec<f64> = times.iter().map(|times| times.iter().copied().fold(f64::MAX, f64::min)).collect();
    let slowest = quickest.iter().copied().fold(0.0, f64::max);
    let fastest = quickest.iter().copied().fold(f64::MAX, f64::min);
    assert!(slowest / fastest < 2.0, "{quickest:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down_and_nobody_is_locked_out() {
    let clock = Arc::new(ManualClock::at(Timestamp(1_790_000_000_000_000)));
    let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    server.add_user("ada", PASSWORD, &[Privilege::Enroll]).await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    for _ in 0..5 {
        assert_eq!(guest.sign_in("ada", "wrong password").await.status, 401);
    }
    // The correct password is not checked either, so the response reveals nothing.
    let throttled = guest.sign_in("ada", PASSWORD).await;
    assert_eq!((throttled.status, throttled.header("retry-after").as_str()), (429, "60"));
    assert!(throttled.body.contains("Too many attempts"));
    // The page must not say that the account is not locked, because a directory may lock it.
    assert!(throttled.body.contains("Only this page makes you wait") && !throttled.body.contains("not locked"));
    // An unknown name is throttled, too.
    for _ in 0..5 {
        guest.sign_in("nobody", "wrong password").await;
    }
    assert_eq!(guest.sign_in("nobody", "wrong password").await.status, 429);
    clock.advance_seconds(61);
    assert_eq!(guest.sign_in("ada", PASSWORD).await.status, 303);
    server.stop().await;
}

/// Signs in thirty times at once, each in its own browser. Returns how often each status was returned.
async fn thirty_at_once(server: &TestServer, password: &str) -> BTreeMap<u16, usize> {
    let sign_in = async || Guest::new(server, &iphone("17.5")).sign_in("ada", password).await.status;
    let mut statuses = BTreeMap::new();
    for status in futures_util::future::join_all((0..30).map(|_| sign_in())).await {
        *statuses.entry(status).or_default() += 1;
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_right_sign_ins_at_once_all_get_in_and_thirty_wrong_ones_are_slowed_down() {
    let clock = Arc::new(ManualClock::at(Timestamp(1_790_000_000_000_000)));
    let server = TestServer::start_with(World::at(clock), |_| {}).await;
    server.add_user("ada", PASSWORD, &[Privilege::Enroll]).await;
    assert_eq!(thirty_at_once(&server, PASSWORD).await, BTreeMap::from([(303, 30)]));
    assert_eq!(thirty_at_once(&server, "wrong password").await, BTreeMap::from([(401, 5), (429, 25)]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_address_is_not_believed_unless_a_trusted_proxy_says_it() {
    let server = server().await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    let mut answers = Vec::new();
    for nth in 0..6 {
        guest.get("/enroll/sign-in").await;
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_str(&format!("203.0.113.{nth}")).unwrap());
        headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        let fields = [("user_name", "ada"), ("password", "wrong password")];
        answers.push(guest.post_with("/enroll/sign-in", &fields, headers).await.status);
    }
    assert_eq!(answers, [401, 401, 401, 401, 401, 429]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_cannot_fill_the_log() {
    let clock = Arc::new(ManualClock::at(Timestamp(1_790_000_000_000_000)));
    let server = TestServer::start_with(World::at(clock), |_| {}).await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    let before = server.whole_log().await.len();
    for nth in 0..150 {
        guest.get("/enroll/sign-in").await;
        // Every attempt comes from a browser that forgets its cookies, so it would open an enrollment.
        guest.cookies.remove(SESSION);
        let name = format!("name {}", nth % 30);
        let answer = guest.sign_in(&name, "wrong password").await;
        assert!([401, 429].contains(&answer.status), "{}", answer.status);
        guest.cookies.remove(SESSION);
    }
    suppressed::write_all(server.app()).await;
    let counted: Vec<u64> = server
        .events_of("refusals")
        .await
        .into_iter()
        .filter_map(|event| match event {
            Event::Refusal(RefusalEvent::RefusalsSuppressed(counted)) => Some(counted.count),
            _ => None,
        })
        .collect();
    assert_eq!(counted, [90], "throttled attempts are only counted");
    assert_eq!(
        server.whole_log().await.len() - before,
        2 * 60 + 1,
        "each refusal opens an enrollment and adds one event"
    );
    server.stop().await;
}

#[actix_web::test]
async fn a_handler_that_panics_ends_in_a_page_with_a_code_and_tells_nothing_else() {
    let server = server().await;
    let boom = web::scope("").wrap(from_fn(surround)).route("/boom", web::get().to(boom));
    let parts = |config: &mut web::ServiceConfig| hand_out(server.app(), config);
    let service = actix_web::App::new().configure(parts).service(boom);
    let service = actix_web::test::init_service(service).await;
    let request = actix_web::test::TestRequest::get().uri("/boom").to_request();
    let Err(error) = actix_web::test::try_call_service(&service, request).await else { panic!("no panic") };
    let response = error.error_response();
    assert_eq!(response.status(), 500);
    assert!(response.headers().contains_key("content-security-policy"));
    assert_eq!(response.headers().get("cache-control").unwrap(), "no-store");
    let page = String::from_utf8(to_bytes(response.into_body()).await.unwrap().to_vec()).unwrap();
    assert!(page.contains("Something went wrong here") && page.contains("Help code "), "{page}");
    assert!(!page.contains("a secret detail"));
    server.stop().await;
}

async fn boom() -> actix_web::HttpResponse {
    panic!("a secret detail")
}
