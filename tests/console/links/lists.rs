//! The list of links: order, filters, pages; and the same through the API.

use super::{LIST, administrator, decide, imported, page, propose, proposed};
use events::Event;
use events::record::RecordId;
use events::staff::{ApiResource, StaffActivityEvent};
use harness::TestServer;
use harness::desk::{enrolled, renamed};
use serde_json::Value;
use staff::administration::{Answer, Request, execute};
use std::collections::BTreeSet;

async fn program(server: &TestServer) -> String {
    let request = Request::AddApiClient { user_name: "sync".into(), display_name: None };
    match execute(&server.app().staff, request).await {
        Answer::TokenIssued { token, .. } => token.0,
        other => panic!("{other:?}"),
    }
}

async fn ask(server: &TestServer, token: &str, path: &str) -> (u16, Value) {
    let request = server.client().get(format!("{}/api/v1/links{path}", server.url()));
    let response = request.header("authorization", format!("Bearer {token}")).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Proposes `count` links of as many earlier enrollments to one device, with the scores 3 to 10 in turn.
async fn many(server: &TestServer, count: i64) {
    let now = server.app().platform.world.now();
    let new = enrolled(server, "ada", now).await;
    for nth in 0..count {
        let old = RecordId(server.app().platform.world.random_uuid());
        propose(server, old, new, 3 + i32::try_from(nth % 8).unwrap()).await;
    }
}

#[tokio::test]
async fn proposals_come_strongest_first_page_by_page_each_once() {
    let server = TestServer::start().await;
    many(&server, 60).await;
    let root = administrator(&server, "root").await;
    let (mut path, mut seen, mut scores) = (LIST.to_owned(), BTreeSet::new(), Vec::new());
    let mut pages = 0;
    while !path.is_empty() {
        let shown = root.get(&path).await;
        for sum in shown.texts("td.why") {
            scores.push(sum.rsplit(' ').next().unwrap().parse::<i32>().unwrap());
        }
        for form in shown.texts("tbody th") {
            seen.insert(form);
        }
        path = shown.attribute("a[rel=next]", "href").unwrap_or_default();
        pages += 1;
        // A decision between two pages does not move the others.
        if pages == 1 {
            let first = shown.attribute("tbody form", "action").unwrap();
            let csrf = shown.csrf();
            assert_eq!(root.post(&first, &[("csrf", &csrf), ("from", "list")]).await.status, 303);
        }
    }
    assert_eq!((pages, scores.len(), seen.len()), (2, 60, 60));
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    let tabs = root.get(LIST).await.texts(".presets a");
    assert_eq!(tabs, ["Proposed (59)", "Confirmed (1)", "Rejected", "Withdrawn", "All"]);
    let strong = root.get(&format!("{LIST}?band=strong")).await;
    assert!(strong.texts("td.why .chip").iter().all(|band| band == "Strong"), "{}", strong.body);
    for wrong in ["state=lost", "band=9", "after=1", "record=x", "device=x"] {
        assert_eq!(root.get(&format!("{LIST}?{wrong}")).await.status, 400, "{wrong}");
    }
    server.stop().await;
}

/// What a decision weighs again.
const WEIGHED: &str = "same person +3, same model +2, OS version not older +1";

#[tokio::test]
async fn programs_read_the_same_links_and_that_is_recorded() {
    let server = TestServer::start().await;
    many(&server, 5).await;
    let (old, new) = proposed(&server, "grace").await;
    let root = administrator(&server, "root").await;
    decide(&root, (RecordId::of_device(old), new), "confirm", "list").await;
    let token = program(&server).await;
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let (status, body) = ask(&server, &token, &format!("?limit=2&after={after}")).await;
        assert_eq!(status, 200, "{body}");
        seen.extend(
            body["links"].as_array().unwrap().iter().map(|link| link["record_id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = body["next"].as_str() else { break };
        after = next.to_owned();
    }
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 6);
    assert_eq!(seen.len(), 6, "each once");
    let (_, confirmed) = ask(&server, &token, &format!("?state=confirmed&device={new}")).await;
    let link = &confirmed["links"][0];
    assert_eq!((&link["record_id"], &link["state"]), (&old.to_string().into(), &"confirmed".into()));
    assert_eq!((&link["score"], &link["evidence"]), (&6.into(), &WEIGHED.into()));
    assert_eq!((&link["may_be_retired"], &link["same_device"]), (&false.into(), &false.into()));
    let row = root.get(&format!("{LIST}?record={old}")).await;
    assert!(row.texts("td.why").concat().ends_with(&format!("{WEIGHED} = 6")), "{}", row.body);
    let filters = vec!["state=confirmed".to_owned(), format!("device={new}")];
    let read = Event::StaffActivity(StaffActivityEvent::ApiRead { resource: ApiResource::Links, filters });
    assert!(server.events_of("access").await.contains(&read));
    server.stop().await;
}

#[tokio::test]
async fn names_from_devices_and_files_are_shown_escaped() {
    let server = TestServer::start().await;
    let now = server.app().platform.world.now();
    let root = administrator(&server, "root").await;
    let (old, new) = proposed(&server, "<i>ada</i>").await;
    renamed(&server, new, "<b>new</b>\u{202e}", now).await;
    let row = "F2LXJ0AAAA1,ada,Ada,<script>alert(1)</script>,iPhone 14,PersonalDeviceProfile,2024-03-04T05:06:07Z,1";
    let record = imported(&server, &root, "1", row).await;
    let person = super::person_of(&server, new).await;
    super::own(&server, record, person).await;
    propose(&server, record, new, 6).await;
    for path in [
        LIST.to_owned(),
        page(new),
        page(old),
        format!("/console/people/{person}"),
        format!("/console/records/{record}"),
    ] {
        let shown = root.get(&path).await;
        assert_eq!(shown.status, 200, "{path}");
        for raw in ["<b>new", "<script", "<i>ada", "\u{202e}", " style="] {
            assert!(!shown.body.contains(raw), "{path} has {raw:?}");
        }
    }
    assert!(root.get(LIST).await.body.contains("&lt;script&gt;"));
    server.stop().await;
}

#[tokio::test]
async fn a_link_of_an_undone_import_answers_nothing_and_says_why_it_is_withdrawn() {
    let server = TestServer::start().await;
    let root = administrator(&server, "root").await;
    let (_, new) = proposed(&server, "ada").await;
    let person = super::person_of(&server, new).await;
    let row = "F2LXJ0AAAA1,ada,Ada,,\"iPad13,1\",PersonalDeviceProfile,2024-03-04T05:06:07Z,1";
    let record = imported(&server, &root, "1", row).await;
    super::own(&server, record, person).await;
    propose(&server, record, new, 6).await;
    let shown = root.get(&format!("{LIST}?record={record}")).await;
    assert!(shown.texts("tbody th")[0].starts_with("iPad Air (4th generation)"), "{:?}", shown.texts("tbody th"));
    assert_eq!(shown.texts("tbody td")[3..5], ["Yes", "Not proven"]);

    let token = program(&server).await;
    let import = root.get("/console/imports").await.attribute("tbody th a", "href").unwrap();
    let csrf = root.get("/console/account").await.csrf();
    assert_eq!(root.post(&format!("{import}/undo"), &[("csrf", &csrf)]).await.status, 303);
    crate::imports::ended(&root, &import).await;
    server.reacted().await;
    let shown = root.get(&format!("{LIST}?record={record}")).await;
    let cells = shown.texts("tbody td");
    assert_eq!(cells[3..5], ["–", "–"], "{}", shown.body);
    assert!(cells[2].starts_with("No longer proposed") && cells[2].ends_with("was undone"), "{cells:?}");
    assert!(
        shown.texts("tbody th")[0].contains("the import of the record was undone"),
        "{:?}",
        shown.texts("tbody th")
    );
    let (_, body) = ask(&server, &token, &format!("?record={record}")).await;
    let link = &body["links"][0];
    assert_eq!(
        (&link["state"], &link["may_be_retired"], &link["same_device"]),
        (&"withdrawn".into(), &Value::Null, &Value::Null)
    );
    let again = root.get(&format!("{import}/undo")).await;
    assert_eq!((again.status, again.location()), (303, import.as_str()), "it is undone already");
    server.stop().await;
}
