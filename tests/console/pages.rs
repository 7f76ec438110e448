//! Contents of pages, and the staff activity that viewing them records.

use events::device::{DeviceEvent, UnenrolledBy};
use events::staff::{Privilege, StaffActivityEvent};
use events::{Event, Timestamp};
use harness::TestServer;
use harness::desk::{Browser, enrolled, renamed, write};

/// Noon of 17 November 2100, later than the first event of the log. If it were earlier, its effective time would be
/// that of the first event.
const NOON: Timestamp = Timestamp(4_130_136_000_000_000);

async fn views(server: &TestServer) -> Vec<StaffActivityEvent> {
    let events = server.events_of("access").await;
    events.into_iter().filter_map(|event| StaffActivityEvent::try_from(event).ok()).collect()
}

#[tokio::test]
async fn looking_at_a_list_a_record_or_the_trail_is_an_event() {
    let server = TestServer::start().await;
    let device = enrolled(&server, "ada", server.app().platform.world.now()).await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    assert_eq!(browser.get("/console/devices").await.status, 200);
    assert_eq!(browser.get(&format!("/console/devices/{device}")).await.status, 200);
    assert_eq!(browser.get("/console/audit?q=ada&outcome=refused").await.status, 200);
    assert_eq!(
        views(&server).await,
        vec![
            StaffActivityEvent::DeviceListViewed {},
            StaffActivityEvent::DeviceViewed { device },
            StaffActivityEvent::AuditTrailViewed { filters: vec!["q".into(), "outcome".into()] },
        ]
    );
    let log = server.whole_log().await;
    let viewed = log.iter().find(|entry| entry.stream.category() == "access").unwrap();
    assert_eq!(viewed.source.as_ref().unwrap().text(), "127.0.0.1");
    assert_eq!(
        log.iter().filter(|entry| entry.correlation == viewed.correlation).count(),
        4,
        "three views and the sign-in"
    );
    server.stop().await;
}

#[tokio::test]
async fn who_may_not_look_is_shown_nothing_and_nothing_is_written() {
    let server = TestServer::start().await;
    let device = enrolled(&server, "ada", server.app().platform.world.now()).await;
    let browser = Browser::new(&server);
    for path in
        ["/console", "/console/devices", "/console/audit", "/console/links", &format!("/console/devices/{device}")]
    {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, 303, "{path}");
        assert!(!answer.body.contains("ada"));
    }
    assert_eq!(views(&server).await, vec![]);
    server.stop().await;
}

#[tokio::test]
async fn a_device_as_of_an_instant_is_shown_as_it_was() {
    let server = TestServer::start().await;
    let device = enrolled(&server, "ada", NOON).await;
    renamed(&server, device, "ada’s iPhone", NOON.plus_seconds(60)).await;
    renamed(&server, device, "Telephone <b>of</b> Ada", NOON.plus_seconds(3_600)).await;
    let unenrolled = DeviceEvent::DeviceUnenrolled { by: UnenrolledBy::Server };
    write(&server, &device.stream(), NOON.plus_seconds(7_200), unenrolled).await;
    server.caught_up().await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    let at = async |query: &str| browser.get(&format!("/console/devices/{device}{query}")).await;

    let now = at("").await;
    assert_eq!(
        now.texts("h1"),
        vec!["Telephone <b>of</b> Ada Personal device Unenrolled"],
        "the name is not interpreted as markup"
    );
    let then = at("?as_of=2100-11-17T12:30").await;
    assert_eq!(then.texts("h1"), vec!["ada’s iPhone Personal device Enrolled"]);
    assert!(then.texts(".said").iter().all(|said| !said.starts_with("Unenrolled")));
    assert!(now.texts(".said").iter().any(|said| said.starts_with("Unenrolled")));
    assert_eq!(at("?as_of=2100-11-17T11:00").await.status, 404);
    assert_eq!(at("?as_of=yesterday").await.status, 400);

    let list = browser.get("/console/devices?as_of=2100-11-17T12:30&state=enrolled").await;
    assert_eq!(list.texts("tbody th a"), vec!["ada’s iPhone"]);
    let list = browser.get("/console/devices?state=enrolled").await;
    assert_eq!(list.texts("tbody th a"), Vec::<String>::new());
    server.stop().await;
}

#[tokio::test]
async fn the_list_of_devices_is_filtered_and_paged_by_its_address() {
    let server = TestServer::start().await;
    for n in 0..52 {
        enrolled(&server, if n == 7 { "hopper" } else { "ada" }, NOON.plus_seconds(n)).await;
    }
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    let first = browser.get("/console/devices?kind=user").await;
    assert_eq!(first.texts("tbody th a").len(), 50);
    let older = first.attribute("a[rel=next]", "href").unwrap();
    let second = browser.get(&older).await;
    assert_eq!(second.texts("tbody th a").len(), 2);
    assert_eq!(browser.get("/console/devices?q=Hopper").await.texts("tbody tr").len(), 1);
    assert_eq!(browser.get("/console/devices?kind=device").await.texts("tbody tr").len(), 0);
    assert_eq!(browser.get("/console/devices?state=stolen").await.status, 400);
    server.stop().await;
}

#[tokio::test]
async fn the_audit_trail_is_filtered_by_its_address_and_leads_to_the_event() {
    let server = TestServer::start().await;
    let device = enrolled(&server, "ada", NOON).await;
    enrolled(&server, "eve", NOON.plus_seconds(3_600)).await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    server.caught_up().await;
    let rows = async |query: &str| browser.get(&format!("/console/audit?{query}")).await.texts("tbody tr").len();
    assert_eq!(rows("type=DeviceEnrolled").await, 2);
    assert_eq!(rows(&format!("type=DeviceEnrolled&device={device}")).await, 1);
    assert_eq!(rows("type=DeviceEnrolled&to=2100-11-17T12:30").await, 1);
    assert_eq!(rows("actor=staff&type=-AuditTrailViewed").await, 1, "only the sign-in");
    assert_eq!(rows("q=signed+in+as+EVE").await, 1);
    assert_eq!(rows("outcome=refused").await, 0);
    assert_eq!(rows("source=127.0.0.1&type=StaffSignedIn").await, 1);
    let code = events::enrollment::help_code(device.enrollment());
    assert_eq!(rows(&format!("code={code}&type=DeviceEnrolled")).await, 1);
    assert_eq!(browser.get("/console/audit?device=mine").await.status, 400);

    let list = browser.get(&format!("/console/audit?type=DeviceEnrolled&device={device}")).await;
    let event = browser.get(&list.attribute("td.when a", "href").unwrap()).await;
    assert_eq!(event.texts("h1"), vec!["Device enrolled"]);
    assert!(event.texts("pre")[0].contains("(not shown)"));
    assert!(!event.body.contains("cHVzaCB0b2tlbg") && !event.body.contains("push magic"));
    server.stop().await;
}

#[tokio::test]
async fn a_password_hash_is_shown_to_nobody() {
    let server = TestServer::start().await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Administrator]).await;
    server.caught_up().await;
    let list = browser.get("/console/audit?type=LocalAccountAdded").await;
    let event = browser.get(&list.attribute("td.when a", "href").unwrap()).await;
    assert!(event.texts("pre")[0].contains("\"user_name\": \"grace\""));
    assert!(!event.body.contains("argon2id"));
    server.stop().await;
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_it_from_being_misused() {
    let server = TestServer::start().await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    for path in [
        "/console/devices",
        "/console/sign-in",
        "/console/nowhere",
        "/console/links",
        "/console/console.css",
        "/console",
    ] {
        let answer = browser.get(path).await;
        let header = |name: &str| answer.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let policy = header("content-security-policy");
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"));
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{path}");
        let cached = path.ends_with(".css");
        assert_eq!(header("cache-control") == "no-store", !cached, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn pages_need_no_scripts_and_no_inline_styles() {
    let server = TestServer::start().await;
    let device = enrolled(&server, "ada", NOON).await;
    let browser = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    for path in ["/console/devices", "/console/audit", "/console/links", &format!("/console/devices/{device}")] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        for forbidden in ["<script", "<style", " style=", "onclick", "http://"] {
            assert!(!page.body.contains(forbidden), "{path} has {forbidden}");
        }
        assert_eq!(page.texts("h1").len(), 1, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn every_event_the_console_can_meet_has_a_page() {
    let server = TestServer::start().await;
    let device = enrolled(&server, "ada", NOON).await;
    renamed(&server, device, "ada’s iPhone", NOON.plus_seconds(60)).await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    server.caught_up().await;
    for entry in server.whole_log().await {
        let page = browser.get(&format!("/console/audit/{}", entry.id)).await;
        assert_eq!(page.status, 200, "{:?}: {}", entry.event, page.body);
    }
    assert_eq!(browser.get("/console/audit/00000000-0000-0000-0000-000000000000").await.status, 404);
    assert!(matches!(server.events_of("log").await[0], Event::Log(_)));
    server.stop().await;
}
