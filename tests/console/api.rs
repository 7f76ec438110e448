//! The API: the life of a token, the paged resources, the audit entries of requests, and the accuracy of docs/api.md.

mod http;

use events::Event;
use events::device::{DeviceEvent, DeviceId};
use events::staff::{ApiRefusal, ApiResource, Privilege, StaffActivityEvent, StaffEvent};
use events::system::RefusalEvent;
use harness::TestServer;
use harness::binary::muster_at;
use harness::desk::{enrolled, write};
use serde_json::Value;
use staff::administration::{Answer, Request, execute};
use std::collections::BTreeSet;
use std::sync::Arc;
use world::{ManualClock, World};

struct Reply {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

async fn ask(server: &TestServer, path: &str, token: Option<&str>) -> Reply {
    let mut request = server.client().get(format!("{}{path}", server.url()));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Reply { status, headers, body: response.json().await.unwrap() }
}

async fn token(server: &TestServer, request: Request) -> String {
    match execute(&server.app().staff, request).await {
        Answer::TokenIssued { token, .. } => token.0,
        other => panic!("{other:?}"),
    }
}

async fn program(server: &TestServer, name: &str) -> String {
    token(server, Request::AddApiClient { user_name: name.into(), display_name: None }).await
}

async fn refusals(server: &TestServer) -> Vec<ApiRefusal> {
    let staff = server.events_of("staff").await.into_iter();
    staff
        .filter_map(|event| match event {
            Event::Staff(StaffEvent::ApiTokenRefused { reason }) => Some(reason),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_token_works_until_it_is_replaced_or_its_program_is_disabled() {
    let server = TestServer::start().await;
    let first = program(&server, "sync").await;
    let status = async |token: &str| ask(&server, "/api/v1/devices", Some(token)).await.status;
    assert_eq!(status(&first).await, 200);

    let second = token(&server, Request::RotateToken { user_name: "sync".into() }).await;
    assert_ne!(first, second);
    assert_eq!((status(&first).await, status(&second).await), (401, 200), "the previous token ends at once");

    server.execute(Request::DisableUser { user_name: "sync".into() }).await;
    assert_eq!(status(&second).await, 401);
    let rotated = execute(&server.app().staff, Request::RotateToken { user_name: "sync".into() }).await;
    assert!(matches!(rotated, Answer::Refused { .. }), "no new token while the program is disabled");
    server.execute(Request::EnableUser { user_name: "sync".into() }).await;
    assert_eq!(status(&second).await, 200);
    assert_eq!(refusals(&server).await, [ApiRefusal::WrongToken, ApiRefusal::AccountDisabled]);

    // Neither token appears in the log, and neither gives access to the console.
    let secrets = [&first, &second].map(|token| token.split_once('.').unwrap().1.to_owned());
    for entry in server.whole_log().await {
        let (_, data) = entry.event.to_parts();
        assert!(secrets.iter().all(|secret| !data.to_string().contains(secret)), "{data}");
    }
    let browser = harness::desk::Browser::new(&server);
    assert_eq!(browser.sign_in("sync", &second).await.status, 401);
    assert_eq!(browser.sign_in("sync", "").await.status, 401);
    server.stop().await;
}

#[tokio::test]
async fn without_a_token_that_is_in_force_nothing_is_handed_out_and_it_is_written_down() {
    let server = TestServer::start().await;
    server.add_user("ada", "four plain words here", &[Privilege::Administrator]).await;
    let right = program(&server, "sync").await;
    let none = ask(&server, "/api/v1/audit", None).await;
    assert_eq!((none.status, none.headers["www-authenticate"].to_str().unwrap()), (401, "Bearer realm=\"muster\""));
    assert_eq!(none.body["error"]["code"], "no_token");

    let (id, _) = right.split_once('.').unwrap();
    let unknown = "api-00000000-0000-4000-8000-000000000000.guess".to_owned();
    for wrong in [format!("{id}.guess"), unknown, "guess".into()] {
        let answer = ask(&server, "/api/v1/audit", Some(&wrong)).await;
        assert_eq!((answer.status, answer.body["error"]["code"].as_str().unwrap()), (401, "invalid_token"), "{wrong}");
        assert!(answer.headers["www-authenticate"].to_str().unwrap().contains("error=\"invalid_token\""));
        assert!(answer.headers.get("set-cookie").is_none());
    }
    // An administrator's session does not replace a token.
    let browser = harness::desk::Browser::new(&server);
    browser.sign_in("ada", "four plain words here").await;
    assert_eq!(browser.get("/api/v1/devices").await.status, 401);

    assert_eq!(refusals(&server).await, [ApiRefusal::WrongToken]);
    let unknown = server.events_of("refusals").await;
    assert_eq!(unknown, vec![Event::Refusal(RefusalEvent::UnknownApiTokenRefused {}); 2]);
    let refused = server.whole_log().await.into_iter().filter(|entry| entry.event.type_name().contains("TokenRefused"));
    assert!(refused.into_iter().all(|entry| entry.source.is_some()), "every refusal has a source address");
    server.stop().await;
}

#[tokio::test]
async fn guessing_is_slowed_down_and_holds_up_no_token_that_is_right() {
    let server = TestServer::start().await;
    let right = program(&server, "sync").await;
    let (id, _) = right.split_once('.').unwrap();
    let mut statuses = Vec::new();
    for nth in 0..7 {
        statuses.push(ask(&server, "/api/v1/devices", Some(&format!("{id}.{nth}"))).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
    let waiting = ask(&server, "/api/v1/devices", Some(&format!("{id}.7"))).await;
    assert!(waiting.headers.contains_key("retry-after"));
    assert_eq!(ask(&server, "/api/v1/devices", Some(&right)).await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn the_trail_is_followed_by_its_cursor_with_nothing_twice_and_nothing_left_out() {
    let server = TestServer::start().await;
    let token = program(&server, "siem").await;
    let device = enrolled(&server, "ada", server.app().platform.world.now()).await;
    // The server's own first queries are in the log before the log is read.
    server.reacted().await;
    server.caught_up().await;
    let (mut seen, mut after) = (Vec::new(), String::new());
    // Reads all pages, then the events that arrived in the meantime.
    for round in 0..2 {
        loop {
            let page = ask(&server, &format!("/api/v1/audit?limit=4&after={after}"), Some(&token)).await;
            assert_eq!(page.status, 200, "{}", page.body);
            let events = page.body["events"].as_array().unwrap();
            assert!(events.len() <= 4 && seen.len() < 1_000, "the pages do not end");
            seen.extend(events.iter().map(|event| event["id"].as_str().unwrap().to_owned()));
            after = page.body["next"].as_str().unwrap().to_owned();
            if page.body["more"] == false {
                break;
            }
        }
        if round == 0 {
            write(&server, &device.stream(), server.app().platform.world.now(), DeviceEvent::DeviceHeardFrom {}).await;
            server.reacted().await;
            server.caught_up().await;
        }
    }
    server.caught_up().await;
    let log = server.whole_log().await;
    let all: Vec<_> = log.iter().map(|entry| entry.id.to_string()).collect();
    assert_eq!(seen, all[..seen.len()]);
    // After the last page, only the outcomes of pushes may follow. The pushes fail because there is no push server.
    assert!(
        log[seen.len()..].iter().all(|entry| entry.event.type_name() == "PushFailed"),
        "{} of {}",
        seen.len(),
        all.len()
    );
    let end = ask(&server, &format!("/api/v1/audit?type=DeviceEnrolled&after={after}"), Some(&token)).await;
    assert_eq!((end.body["events"].as_array().unwrap().len(), end.body["next"].as_str()), (0, Some(after.as_str())));

    for (query, code) in [
        ("after=00000000-0000-0000-0000-000000000000", "unknown_cursor"),
        ("limit=0", "bad_request"),
        ("limit=1001", "bad_request"),
        ("limit=many", "bad_request"),
        ("from=yesterday", "bad_request"),
        ("outcome=splendid", "bad_request"),
    ] {
        let answer = ask(&server, &format!("/api/v1/audit?{query}"), Some(&token)).await;
        assert_eq!((answer.status, answer.body["error"]["code"].as_str().unwrap()), (400, code), "{query}");
    }
    assert_eq!(ask(&server, "/api/v1/people", Some(&token)).await.status, 404);
    let posted = server.client().post(format!("{}/api/v1/audit", server.url())).send().await.unwrap();
    assert_eq!(posted.status(), 405);
    server.stop().await;
}

#[tokio::test]
async fn the_inventory_is_read_page_by_page_by_the_filters_of_its_page() {
    let server = TestServer::start().await;
    let token = program(&server, "sync").await;
    let mut enrolled_ones = Vec::new();
    for name in ["ada", "eve", "bob"] {
        enrolled_ones.push(enrolled(&server, name, server.app().platform.world.now()).await);
    }
    let (mut seen, mut after): (Vec<String>, Option<String>) = (Vec::new(), None);
    loop {
        let after_query = after.map(|after| format!("&after={after}")).unwrap_or_default();
        let page = ask(&server, &format!("/api/v1/devices?limit=2{after_query}"), Some(&token)).await;
        seen.extend(page.body["devices"].as_array().unwrap().iter().map(|d| d["id"].as_str().unwrap().to_owned()));
        after = page.body["next"].as_str().map(str::to_owned);
        assert!(seen.len() < 100, "the pages do not end");
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, enrolled_ones.iter().rev().map(DeviceId::to_string).collect::<Vec<_>>());
    let eve = ask(&server, "/api/v1/devices?q=eve&state=enrolled", Some(&token)).await;
    assert_eq!(eve.body["devices"].as_array().unwrap().len(), 1);
    assert_eq!((&eve.body["devices"][0]["user_name"], &eve.body["next"]), (&Value::from("eve"), &Value::Null));
    let lost = ask(&server, "/api/v1/devices?after=00000000-0000-0000-0000-000000000000", Some(&token)).await;
    assert_eq!(lost.body["error"]["code"], "unknown_cursor");
    server.stop().await;
}

#[tokio::test]
async fn programs_page_through_previous_records_and_the_reading_is_recorded() {
    use crate::imports::{ADA, GRACE, administrator, export, import};
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    import(&server, &root, &[("source", "Old")], export(&[ADA, GRACE])).await;
    let token = program(&server, "sync").await;
    let page = async |after: &str| {
        let path = format!("/api/v1/records?limit=1&source=Old&q=f2lxj0&after={after}");
        ask(&server, &path, Some(&token)).await.body
    };
    let first = page("").await;
    assert_eq!(first["records"][0]["user_name"], "ada");
    let second = page(first["next"].as_str().unwrap()).await;
    assert_eq!((&second["records"][0]["user_name"], &second["next"]), (&Value::from("grace"), &Value::Null));
    let lost = ask(&server, "/api/v1/records?after=00000000-0000-0000-0000-000000000000", Some(&token)).await;
    assert_eq!(lost.body["error"]["code"], "unknown_cursor");
    let imports = ask(&server, "/api/v1/imports", Some(&token)).await.body;
    assert_eq!((&imports["imports"][0]["new"], &imports["imports"][0]["source"]), (&2.into(), &"Old".into()));
    assert_eq!(imports["next"], Value::Null);
    import(&server, &root, &[("source", "Newer")], export(&[ADA])).await;
    let first = ask(&server, "/api/v1/imports?limit=1&after=", Some(&token)).await.body;
    assert_eq!(first["imports"][0]["source"], "Newer");
    let path = format!("/api/v1/imports?limit=1&after={}", first["next"].as_str().unwrap());
    let second = ask(&server, &path, Some(&token)).await.body;
    assert_eq!((&second["imports"][0]["source"], &second["next"]), (&"Old".into(), &Value::Null));
    let lost = ask(&server, "/api/v1/imports?after=00000000-0000-0000-0000-000000000000", Some(&token)).await;
    assert_eq!(lost.body["error"]["code"], "unknown_cursor");
    let read = |resource, filters: &[&str]| {
        let filters = filters.iter().map(|filter| (*filter).to_owned()).collect();
        Event::StaffActivity(StaffActivityEvent::ApiRead { resource, filters })
    };
    let access = server.events_of("access").await;
    for read in [read(ApiResource::Records, &["q", "source=Old"]), read(ApiResource::Imports, &[])] {
        assert!(access.contains(&read), "{read:?}: {access:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn reading_is_written_down_once_an_hour_for_each_question() {
    let clock = Arc::new(ManualClock::at(World::system().now()));
    let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    let token = program(&server, "sync").await;
    let read = async || {
        let access = server.events_of("access").await.into_iter();
        access
            .filter(|event| matches!(event, Event::StaffActivity(StaffActivityEvent::ApiRead { .. })))
            .collect::<Vec<_>>()
    };
    for _ in 0..3 {
        ask(&server, "/api/v1/audit?q=ada&outcome=refused", Some(&token)).await;
        ask(&server, "/api/v1/devices", Some(&token)).await;
    }
    let filters = vec!["q".to_owned(), "outcome=refused".to_owned()];
    let expected = [
        Event::StaffActivity(StaffActivityEvent::ApiRead { resource: ApiResource::Audit, filters }),
        Event::StaffActivity(StaffActivityEvent::ApiRead { resource: ApiResource::Devices, filters: vec![] }),
    ];
    assert_eq!(read().await, expected, "the search text is not recorded");
    clock.advance_seconds(3_600);
    ask(&server, "/api/v1/devices", Some(&token)).await;
    assert_eq!(read().await.len(), 3);
    server.stop().await;
}

/// Returns the names in code font in the first column of the table that follows `heading` and begins with `first`.
fn described(text: &str, heading: &str, first: &str) -> BTreeSet<String> {
    let section = text.split(&format!("## {heading}")).nth(1).unwrap().split("\n## ").next().unwrap();
    let table = section.split(&format!("| {first} |")).nth(1).unwrap_or_else(|| panic!("no table of {first}"));
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let names = rows.flat_map(|row| {
        let column = row.split('|').nth(1).unwrap().to_owned();
        column.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    });
    names.collect()
}

fn keys(record: &Value) -> BTreeSet<String> {
    record.as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
async fn the_description_of_the_api_is_true() {
    let text = include_str!("../../docs/api.md");
    let server = TestServer::start().await;
    let token = program(&server, "sync").await;
    enrolled(&server, "ada", server.app().platform.world.now()).await;
    let root = harness::desk::Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    crate::imports::import(&server, &root, &[], crate::imports::export(&[crate::imports::ADA])).await;
    crate::links::proposed(&server, "grace").await;
    for (heading, path, list) in [
        ("`GET /api/v1/devices`", "/api/v1/devices", "devices"),
        ("`GET /api/v1/records`", "/api/v1/records", "records"),
        ("`GET /api/v1/imports`", "/api/v1/imports", "imports"),
        ("`GET /api/v1/links`", "/api/v1/links", "links"),
        ("`GET /api/v1/audit`", "/api/v1/audit", "events"),
    ] {
        let answer = ask(&server, path, Some(&token)).await;
        let fields = described(text, heading, &format!("Field of `{list}`"));
        assert_eq!(keys(&answer.body[list][0]), fields, "{path}");
        for key in keys(&answer.body).into_iter().filter(|key| key != list) {
            assert!(text.contains(&format!("`{key}`")), "{key}");
        }
        // Every parameter has an effect: an invalid value is refused, or it matches nothing.
        for parameter in described(text, heading, "Parameter") {
            let odd = ask(&server, &format!("{path}?{parameter}=no-such-thing"), Some(&token)).await;
            let heeded = odd.status == 400 || odd.body[list].as_array().is_some_and(Vec::is_empty);
            assert!(heeded, "{path} ignores {parameter}: {}", odd.body);
        }
    }
    assert_eq!(ask(&server, "/api/v1/devices?archived=yes", Some(&token)).await.status, 200);
    for code in ["bad_request", "unknown_cursor", "no_token", "invalid_token", "not_found", "method_not_allowed"] {
        assert!(text.contains(&format!("`{code}`")), "{code}");
    }
    for command in ["add", "rotate-token", "disable"] {
        assert!(text.contains(&format!("muster user {command}")));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_shows_a_token_once_and_it_works() {
    let server = TestServer::start().await;
    let config = server.config_file();
    let added = muster_at(&config, &["user", "add", "sync", "--api", "--display-name", "Inventory sync"], "");
    let added = added.expect_success();
    let token = |said: &str| said.lines().find_map(|line| line.strip_prefix("token: ").map(str::to_owned)).unwrap();
    assert_eq!(ask(&server, "/api/v1/devices", Some(&token(&added))).await.status, 200);
    let listed = muster_at(&config, &["user", "list"], "").expect_success();
    assert!(listed.contains("Inventory sync") && listed.contains("read data through the API"), "{listed}");
    assert!(!listed.contains(&token(&added)));

    let rotated = muster_at(&config, &["user", "rotate-token", "sync"], "").expect_success();
    assert_eq!(ask(&server, "/api/v1/devices", Some(&token(&added))).await.status, 401);
    assert_eq!(ask(&server, "/api/v1/devices", Some(&token(&rotated))).await.status, 200);

    for (arguments, why) in [
        (vec!["user", "add", "sync", "--api"], "a user of that name already"),
        (vec!["user", "add", "both", "--api", "--admin"], "cannot be used with"),
        (vec!["user", "rotate-token", "nobody"], "no user"),
    ] {
        let said = muster_at(&config, &arguments, "").expect_failure();
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
    muster_at(&config, &["user", "add", "ada", "--help-desk"], "four plain words here\n").expect_success();
    let person = muster_at(&config, &["user", "rotate-token", "ada"], "").expect_failure();
    assert!(person.contains("not of a program"), "{person}");
    server.stop().await;
}
