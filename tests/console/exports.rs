//! Exports of the audit trail and the inventory: their contents, the permission, and the record of each export.

use events::Event;
use events::device::DeviceEvent;
use events::staff::{ExportFormat, Privilege, StaffActivityEvent};
use harness::TestServer;
use harness::desk::{Browser, enrolled, renamed, write};

async fn access(server: &TestServer) -> Vec<StaffActivityEvent> {
    let access = server.events_of("access").await.into_iter();
    access.filter_map(|event| if let Event::StaffActivity(event) = event { Some(event) } else { None }).collect()
}

#[tokio::test]
async fn an_export_holds_every_event_that_matches_and_is_itself_an_event() {
    let server = TestServer::start().await;
    let now = server.app().platform.world.now();
    let device = enrolled(&server, "ada", now).await;
    // More events than one read returns.
    for _ in 0..620 {
        write(&server, &device.stream(), now, DeviceEvent::DeviceHeardFrom {}).await;
    }
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    server.caught_up().await;
    let before = server.whole_log().await;

    let file = browser.get("/console/audit/export?format=jsonl").await;
    assert_eq!(file.status, 200, "{}", file.body);
    assert!(file.headers["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"muster-audit-"));
    let lines: Vec<serde_json::Value> = file.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<_> = lines.iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        ids,
        before.iter().map(|entry| entry.id.to_string()).collect::<Vec<_>>(),
        "all events, the oldest first"
    );
    assert_eq!(lines[0]["event"], "LogCreated");
    assert!(lines.iter().all(|line| line["time"].as_str().unwrap().ends_with('Z')));
    let rows = before.len() as u64;
    let taken = StaffActivityEvent::AuditTrailExported { filters: vec![], format: ExportFormat::Jsonl, rows };
    assert_eq!(access(&server).await, [taken]);

    let some = browser.get("/console/audit/export?type=DeviceHeardFrom&q=heard&format=csv&after=").await;
    assert_eq!(some.body.matches("\r\n").count(), 621, "a header, and every row");
    let filters = vec!["q".to_owned(), "type=DeviceHeardFrom".to_owned()];
    let taken = StaffActivityEvent::AuditTrailExported { filters, format: ExportFormat::Csv, rows: 620 };
    assert_eq!(access(&server).await.last(), Some(&taken), "the search text is not recorded");

    let none = browser.get("/console/audit/export?q=nothing+is+called+this").await;
    assert_eq!((none.status, none.body.lines().count()), (200, 1));
    assert_eq!(browser.get("/console/audit/export?format=xls").await.status, 400);
    server.stop().await;
}

#[tokio::test]
async fn a_name_that_is_a_formula_reaches_no_spreadsheet() {
    let server = TestServer::start().await;
    let now = server.app().platform.world.now();
    let device = enrolled(&server, "=cmd()", now).await;
    renamed(&server, device, "@SUM(A1:A9)\",=1", now).await;
    let browser = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    server.caught_up().await;
    let inventory = browser.get("/console/devices/export").await;
    assert_eq!(inventory.status, 200, "{}", inventory.body);
    assert!(inventory.body.contains(r#""'@SUM(A1:A9)"",=1""#), "{}", inventory.body);
    let trail = browser.get("/console/audit/export?type=UserSignedIn").await;
    assert!(trail.body.contains(r#""'=cmd()""#), "{}", trail.body);
    for body in [&inventory.body, &trail.body] {
        assert!(!body.contains("\"=") && !body.contains("\"@"), "{body}");
    }
    let taken = StaffActivityEvent::InventoryExported { filters: vec![], format: ExportFormat::Csv, rows: 1 };
    assert_eq!(access(&server).await[0], taken);
    server.stop().await;
}

#[tokio::test]
async fn only_who_may_export_sees_the_buttons_and_gets_a_file() {
    let server = TestServer::start().await;
    enrolled(&server, "ada", server.app().platform.world.now()).await;
    let auditor = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    let buttons = |page: &harness::desk::Answer| page.texts("a[download]");
    let trail = auditor.get("/console/audit?type=UserSignedIn").await;
    assert_eq!(buttons(&trail), ["Export CSV", "Export JSON lines"]);
    let href = trail.attribute("a[download]", "href").unwrap();
    assert_eq!(href, "/console/audit/export?type=UserSignedIn&format=csv", "the link has the filters of the page");
    assert_eq!(buttons(&auditor.get("/console/devices").await), Vec::<String>::new());
    assert_eq!(auditor.get("/console/devices/export").await.status, 403);
    let desk = Browser::signed_in(&server, "heidi", &[Privilege::HelpDesk]).await;
    for path in ["/console/audit/export", "/console/devices/export"] {
        let answer = desk.get(path).await;
        assert_eq!((answer.status, answer.headers.get("content-disposition")), (403, None), "{path}");
    }
    let refused = access(&server).await.into_iter().filter_map(|event| match event {
        StaffActivityEvent::AccessRefused { act, .. } => Some(act),
        _ => None,
    });
    let expected = ["export the inventory", "export the audit trail", "export the inventory"];
    assert_eq!(refused.collect::<Vec<_>>(), expected);
    let admin = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    assert_eq!(buttons(&admin.get("/console/devices").await).len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn an_export_of_more_devices_than_one_read_has_each_once_although_they_change_meanwhile() {
    let server = TestServer::start().await;
    let now = server.app().platform.world.now();
    let mut devices = Vec::new();
    // More devices than one read returns.
    for _ in 0..510 {
        devices.push(enrolled(&server, "ada", now).await);
    }
    let browser = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    server.caught_up().await;
    let changes = async {
        for device in devices.iter().step_by(20) {
            renamed(&server, *device, "Renamed", now).await;
        }
    };
    let (file, ()) = tokio::join!(browser.get("/console/devices/export?format=jsonl"), changes);
    assert_eq!(file.status, 200, "{}", file.body);
    let id = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_str().unwrap().to_owned();
    let mut found: Vec<String> = file.body.lines().map(id).collect();
    let mut expected: Vec<String> = devices.iter().map(ToString::to_string).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    let taken = StaffActivityEvent::InventoryExported { filters: vec![], format: ExportFormat::Jsonl, rows: 510 };
    assert_eq!(access(&server).await[0], taken);
    server.stop().await;
}
