//! Points 16 to 22: forms, headers, redirects, documents, errors, audit events, caching.

use super::{PASSWORD, PORTAL_SESSION, guest, is_in, server};
use events::enrollment::{EnrollmentKind, Ownership};
use events::staff::Privilege;
use events::{Actor, ActorKind};
use harness::TestServer;
use harness::desk::Browser;
use harness::desk::{act, staff_id};
use harness::devices::TestDevice;
use harness::factors::set_up_codes;
use harness::guest::Guest;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue};

/// Pages of the console that an administrator may open.
const CONSOLE: [&str; 4] = ["/console/devices", "/console/earlier", "/console/audit", "/console/sign-in"];
/// Every page of the portal.
const PORTAL: [&str; 11] = [
    "/",
    "/enroll",
    "/enroll/sign-in",
    "/enroll/previous",
    "/enroll/ownership",
    "/enroll/ca",
    "/enroll/managed-apple-id",
    "/enroll/mdm",
    "/enroll/about",
    "/enroll/complete",
    "/enroll/stopped",
];

/// ASVS 3.5.1, 3.5.3.
#[tokio::test(flavor = "multi_thread")]
async fn point_16_no_form_works_from_elsewhere_and_no_page_view_advances_anything() {
    let server = server().await;
    let mut portal = guest(&server);
    portal.sign_in("ada", PASSWORD).await;
    let console = Browser::new(&server);
    console.sign_in("grace", PASSWORD).await;
    let csrf = console.get("/console/devices").await.csrf();
    portal.get("/enroll/ownership").await;
    let before = (portal_events(&server).await, staff_events(&server).await);
    for path in [
        "sign-in",
        "sign-in/school",
        "sign-out",
        "device",
        "language",
        "for-whom",
        "previous",
        "ownership",
        "terms",
        "terms/decline",
        "ca",
        "managed-apple-id",
        "mdm",
    ] {
        let path = format!("/enroll/{path}");
        let answer = portal.post_with(&path, &[], elsewhere()).await;
        assert_eq!(answer.status, 403, "{path} from another site");
        let genuine = std::mem::replace(&mut portal.csrf, "made-up".into());
        let answer = portal.post(&path, &[]).await;
        assert!([400, 403].contains(&answer.status), "{path} with an invented token: {}", answer.status);
        portal.csrf = genuine;
    }
    let forms = forms_of_the_console();
    assert!(forms.len() >= 50, "{forms:?}");
    for path in &forms {
        let genuine = console.post_from("https://evil.example", path, &filled_in(&csrf)).await;
        assert_eq!(genuine.status, 403, "{path} from another site: {}", genuine.body);
        // The form of a file is read as multipart/form-data, so these fields have no token at all.
        let refused = if path == "/console/imports" { 400 } else { 403 };
        assert_eq!(console.post(path, &filled_in("made-up")).await.status, refused, "{path} with an invented token");
    }
    for path in PORTAL {
        portal.get(path).await;
        portal.head(path).await;
    }
    for path in CONSOLE {
        console.get(path).await;
    }
    assert_eq!((portal_events(&server).await, staff_events(&server).await), before);
    assert!(is_in(&mut portal).await);
    server.stop().await;
}

/// Returns the path of every form of the console, read from its routes, with a value for each parameter.
fn forms_of_the_console() -> Vec<String> {
    let sources = [
        include_str!("../../../src/admin.rs"),
        include_str!("../../../src/admin/commands.rs"),
        include_str!("../../../src/admin/invitations.rs"),
        include_str!("../../../src/admin/waves.rs"),
    ];
    let routes = sources.into_iter().flat_map(|source| source.split("web::resource(\"").skip(1));
    let forms = routes.filter(|route| route.contains(".post(")).map(|route| route.split('"').next().unwrap());
    let within = |path: &str| if ["/preview", "/apply"].contains(&path) { "/settings" } else { "" };
    // The forms that identity providers post have no form token, and they carry no authority of a session.
    forms
        .filter(|path| !path.ends_with("/acs"))
        .map(|path| format!("/console{}{}", within(path), named(path)))
        .collect()
}

fn named(path: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{verb}" => "lock",
        "{provider}" => "school",
        "{token}" => "setup-00000000-0000-0000-0000-000000000000.secret",
        // A parameter that lists its values, such as {verb:archive|restore}.
        choice if choice.contains('|') => choice.split([':', '|']).nth(1).unwrap(),
        id if id.starts_with('{') => "00000000-0000-0000-0000-000000000000",
        plain => plain,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Returns valid fields for any form, so that only the token can be wrong.
fn filled_in(csrf: &str) -> [(&str, &str); 9] {
    [
        ("csrf", csrf),
        ("user_name", "grace"),
        ("password", PASSWORD),
        ("again", PASSWORD),
        ("code", "123456"),
        ("answer", "{}"),
        ("label", "a key"),
        ("text", "organization = \"Example School\""),
        ("over", "0"),
    ]
}

fn elsewhere() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
    headers.insert("origin", HeaderValue::from_static("https://evil.example"));
    headers
}

async fn portal_events(server: &TestServer) -> usize {
    server.events_of("enrollment").await.len()
}

async fn staff_events(server: &TestServer) -> usize {
    server.events_of("staff").await.len()
}

/// Returns the headers of one response of each kind at each surface for people: page, redirect, refusal, missing page,
/// file.
async fn one_of_each(server: &TestServer) -> Vec<(String, HeaderMap)> {
    let mut portal = guest(server);
    let link = portal.walk_to_mdm(Ownership::Institutional).await.link("profile");
    let console = Browser::new(server);
    console.sign_in("grace", PASSWORD).await;
    let mut answers = Vec::new();
    for path in PORTAL.into_iter().chain(["/nonsense", "/assets/portal.css", &link]) {
        answers.push((path.to_owned(), portal.get(path).await.headers));
    }
    answers.push(("a forged form".into(), portal.post_with("/enroll/mdm", &[], elsewhere()).await.headers));
    for path in CONSOLE.into_iter().chain(["/console/nonsense", "/console/console.css", "/console"]) {
        answers.push((path.to_owned(), console.get(path).await.headers));
    }
    answers.push(("signed out".into(), Browser::new(server).get("/console/devices").await.headers));
    answers
}

fn value<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// ASVS 3.4.1 and 3.4.3 to 3.4.8. HSTS has its own test, because it depends on the certificate's trust.
#[tokio::test(flavor = "multi_thread")]
async fn point_17_every_answer_carries_the_headers_that_keep_it_from_being_misused() {
    let server = server().await;
    for (path, headers) in one_of_each(&server).await {
        let policy = value(&headers, "content-security-policy");
        for part in ["default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {part} in {policy:?}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        for (name, wanted) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(value(&headers, name), wanted, "{path}: {name}");
        }
    }
    server.stop().await;
}

/// ASVS 3.7.2.
#[tokio::test(flavor = "multi_thread")]
async fn point_18_a_redirect_never_leads_to_another_site() {
    let server = server().await;
    for evil in ["//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example", "/console/\r\nx: y"]
    {
        let console = Browser::new(&server);
        let csrf = console.get("/console/sign-in").await.csrf();
        let fields = [("csrf", csrf.as_str()), ("user_name", "grace"), ("password", PASSWORD), ("next", evil)];
        let answer = console.post("/console/sign-in", &fields).await;
        assert_eq!((answer.status, answer.location()), (303, "/console/devices"), "{evil:?}");
        let mut portal = guest(&server);
        portal.get("/enroll/sign-in").await;
        let fields = [("language", "de"), ("back", evil), ("next", evil)];
        assert_eq!(portal.post("/enroll/language", &fields).await.led_to(), Some("/enroll"), "{evil:?}");
    }
    server.stop().await;
}

/// ASVS 1.5.1, 1.3.6, 13.2.4, for documents that devices send. The answers of identity providers have their own
/// corpus.
#[tokio::test(flavor = "multi_thread")]
async fn point_19_documents_with_entities_or_foreign_references_are_refused_and_nothing_is_fetched() {
    let server = server().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let bait = format!("http://{}/bait", listener.local_addr().unwrap());
    let device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    for document in [
        format!(r#"<!DOCTYPE plist SYSTEM "{bait}" [<!ENTITY x "y">]><plist version="1.0"><dict/></plist>"#),
        format!(r#"<!DOCTYPE plist [<!ENTITY x SYSTEM "{bait}">]><plist version="1.0"><string>&x;</string></plist>"#),
        format!(r#"<!DOCTYPE plist [<!ENTITY % x SYSTEM "{bait}"> %x;]><plist version="1.0"><dict/></plist>"#),
        r#"<!DOCTYPE plist [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><plist><string>&b;</string></plist>"#.into(),
    ] {
        assert_eq!(device.put("checkin", document.as_bytes()).await.status, 400, "{document}");
    }
    assert!(listener.accept().is_err(), "the external reference was fetched");
    server.stop().await;
}

/// ASVS 16.5.1, 16.5.3, 16.5.4.
#[tokio::test(flavor = "multi_thread")]
async fn point_20_what_breaks_lets_nobody_in_and_tells_nothing_of_itself() {
    let server = server().await;
    let (mut portal, console) = (guest(&server), Browser::new(&server));
    portal.get("/enroll/sign-in").await;
    console.get("/console/sign-in").await;
    server.caught_up().await;
    server.app().platform.engine.close().await;
    let at_portal = portal.post("/enroll/sign-in", &[("user_name", "ada"), ("password", PASSWORD)]).await;
    let at_console = console.sign_in("grace", PASSWORD).await;
    for (status, body) in [(at_portal.status, &at_portal.body), (at_console.status, &at_console.body)] {
        assert_eq!(status, 503, "{body}");
        for inside in ["sqlite", "SQLite", "panicked", "src/", ".rs", "events.db"] {
            assert!(!body.contains(inside), "the answer reveals {inside}: {body}");
        }
    }
    assert!(!portal.cookies.contains_key(PORTAL_SESSION));
    server.stop().await;
}

/// ASVS 16.2.1 to 16.2.5 and 16.3.1 to 16.3.4.
#[tokio::test(flavor = "multi_thread")]
async fn point_21_every_sign_in_refusal_and_change_of_factors_or_roles_is_written_down_with_who_when_where_and_how() {
    let server = server().await;
    server.add_user("eve", PASSWORD, &[Privilege::HelpDesk]).await;
    let mut portal = guest(&server);
    portal.sign_in("ada", "wrong\r\npassword").await;
    portal.sign_in("ada", PASSWORD).await;
    guest(&server).sign_in("nobody\r\nforged: line", "my password in the wrong field").await;
    Browser::new(&server).sign_in("grace", "wrong password").await;
    let grace = Browser::new(&server);
    grace.sign_in("grace", PASSWORD).await;
    Browser::new(&server).sign_in("nobody at all", PASSWORD).await;
    let [id, eve] = [staff_id(&server, "grace").await, staff_id(&server, "eve").await];
    act(&grace, eve, "roles", &[("auditor", "on")]).await;
    set_up_codes(&server, &grace).await;
    let log = server.whole_log().await;
    for wanted in ["PrivilegesChanged", "OneTimeCodesAdded", "RecoveryCodesMade"] {
        let change =
            log.iter().find(|entry| entry.event.type_name() == wanted).unwrap_or_else(|| panic!("no {wanted}"));
        assert_eq!(change.actor, Actor::new(ActorKind::Staff, id), "{wanted}");
        let source = change.source.as_ref().and_then(|source| source.get());
        assert_eq!(source.map(String::as_str), Some("127.0.0.1"), "{wanted}");
        let session = log.iter().find(|entry| entry.event.type_name() == "StaffSignedIn").unwrap();
        assert_eq!(change.correlation, session.correlation, "{wanted}: the sign-in has the same correlation");
    }
    for wanted in ["SignInRefused", "UserSignedIn", "StaffSignInRefused", "StaffSignedIn", "UnknownStaffRefused"] {
        let entries: Vec<_> = log.iter().filter(|entry| entry.event.type_name() == wanted).collect();
        assert!(!entries.is_empty(), "{wanted} is not recorded");
        for entry in entries {
            let (_, data) = entry.event.to_parts();
            assert!(entry.at.0 > 0 && data.get("method").is_some(), "{wanted}: {data}");
            let source = entry.source.as_ref().and_then(|source| source.get());
            assert_eq!(source.map(String::as_str), Some("127.0.0.1"), "{wanted}");
        }
    }
    let all: String = log.iter().map(|entry| format!("{:?}", entry.event.to_parts())).collect();
    for secret in [PASSWORD, "wrong password", "my password in the wrong field", "nobody at all"] {
        assert!(!all.contains(secret), "{secret:?} is in the log");
    }
    server.stop().await;
}

/// ASVS 14.3.2.
#[tokio::test(flavor = "multi_thread")]
async fn point_22_nothing_that_belongs_to_somebody_is_kept_by_browsers_or_proxies() {
    let server = server().await;
    for (path, headers) in one_of_each(&server).await {
        let kept = value(&headers, "cache-control");
        if path.ends_with(".css") {
            assert!(kept.starts_with("public"), "{path}: {kept}");
        } else {
            assert_eq!(kept, "no-store", "{path}");
        }
    }
    let mut portal: Guest = guest(&server);
    let page = portal.request(Method::GET, "/enroll/sign-in", HeaderMap::new(), String::new()).await;
    assert_eq!(page.header("cache-control"), "no-store");
    server.stop().await;
}
