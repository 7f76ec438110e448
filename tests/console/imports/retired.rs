//! Records whose devices enrolled again: hidden from the list, cleared as the settings say, and exported to be deleted
//! at their source.

use super::*;
use events::device::DeviceId;
use events::record::{LinkBand, LinkProof, RecordEvent, RecordId};
use events::settings::{ClearedView, Settings};
use harness::desk::{enrolled, enrolled_twice, write};
use staff::administration::{Answer as StaffAnswer, Request, execute};

fn record(server: &TestServer, id: &str) -> RecordId {
    server.app().imports.record_id("Jamf Pro", id)
}

fn page(record: RecordId) -> String {
    format!("/console/records/{record}")
}

/// The link of a record and a device is confirmed.
async fn confirm(server: &TestServer, record: RecordId, successor: DeviceId, may_be_retired: bool) {
    let now = server.app().platform.world.now();
    let proof = LinkProof { may_be_retired, is_same_device: false };
    let (evidence, band) = (vec![], LinkBand::Strong);
    let proposed = RecordEvent::LinkProposed { successor, evidence, score: 8, band, proof };
    write(server, &record.stream(), now, proposed).await;
    write(server, &record.stream(), now, RecordEvent::LinkConfirmed { successor, proof }).await;
    server.reacted().await;
}

/// A server with the records of ada and grace, and a device of ada.
async fn stage(change: impl FnOnce(&mut Settings)) -> (TestServer, Browser, DeviceId) {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    import(&server, &root, &[("complete", "yes")], export(&[ADA, GRACE])).await;
    server.settings(change).await;
    let device = enrolled(&server, "ada", server.app().platform.world.now()).await;
    (server, root, device)
}

#[tokio::test]
async fn a_retired_record_is_hidden_from_the_list_until_its_link_is_undone() {
    let (server, root, device) = stage(|_| {}).await;
    let list = async |query: &str| root.get(&format!("/console/records{query}")).await.texts("tbody th a");
    confirm(&server, record(&server, "17"), device, true).await;
    assert_eq!(list("").await, ["grace's phone"]);
    assert_eq!(list("?retired=yes").await, ["ada's phone"]);
    assert_eq!(list("?retired=all").await.len(), 2);
    assert_eq!(root.get("/console/records?retired=perhaps").await.status, 400);
    let shown = root.get(&page(record(&server, "17"))).await;
    assert!(shown.texts("h1 .chip").contains(&"Retired".to_owned()), "{}", shown.body);
    let now = server.app().platform.world.now();
    let undone = RecordEvent::LinkUndone { successor: device };
    write(&server, &record(&server, "17").stream(), now, undone).await;
    server.reacted().await;
    assert_eq!(list("").await.len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn what_the_settings_clear_is_hidden_from_administrators_and_shown_to_auditors_and_after_an_undo() {
    let views = ClearedView::ALL.into();
    let (server, root, device) = stage(|settings| settings.reenrollment.clear_views = views).await;
    let old = record(&server, "17");
    let before = server.log_of(&old.stream()).await.len();
    assert!(root.get(&page(old)).await.body.contains("Ada Lovelace"));
    confirm(&server, old, device, true).await;
    let shown = root.get(&page(old)).await;
    let told = shown.texts(".notice").concat();
    assert!(told.contains("Hidden by the re-enrollment settings on") && told.contains("owner and site"), "{told}");
    assert!(!shown.body.contains("Ada Lovelace"), "{}", shown.body);
    assert_eq!(shown.texts(".said"), Vec::<String>::new());
    let row = root.get("/console/records?retired=yes").await;
    assert!(row.texts("td .chip").contains(&"Hidden".to_owned()), "{}", row.body);
    let file = root.get("/console/records/export?retired=yes").await.body;
    assert!(file.contains("hidden") && !file.contains("\"ada\""), "{file}");
    let auditor = Browser::signed_in(&server, "audit", &[Privilege::Auditor]).await;
    let shown = auditor.get(&page(old)).await;
    assert!(shown.body.contains("Ada Lovelace") && !shown.texts(".said").is_empty(), "{}", shown.body);
    assert_eq!(server.log_of(&old.stream()).await.len(), before + 2, "clearing removes no event");
    let now = server.app().platform.world.now();
    write(&server, &old.stream(), now, RecordEvent::LinkUndone { successor: device }).await;
    server.reacted().await;
    let shown = root.get(&page(old)).await;
    assert!(shown.body.contains("Ada Lovelace") && !shown.texts(".said").is_empty(), "{}", shown.body);
    server.stop().await;
}

/// Asks the API.
async fn program(server: &TestServer) -> impl AsyncFn(&str) -> serde_json::Value + use<> {
    let request = Request::AddApiClient { user_name: "sync".into(), display_name: None };
    let token = match execute(&server.app().staff, request).await {
        StaffAnswer::TokenIssued { token, .. } => token.0,
        other => panic!("{other:?}"),
    };
    let (client, url) = (server.client(), server.url());
    async move |path: &str| {
        let request = client.get(format!("{url}{path}")).header("authorization", format!("Bearer {token}"));
        request.send().await.unwrap().json().await.unwrap()
    }
}

fn hides_owners(settings: &mut Settings) {
    settings.reenrollment.clear_views = [ClearedView::Location].into();
}

#[tokio::test]
async fn a_cleared_owner_of_a_record_is_hidden_on_the_board_in_its_files_and_in_the_api() {
    let (server, root, device) = stage(hides_owners).await;
    let auditor = Browser::signed_in(&server, "audit", &[Privilege::Auditor]).await;
    let ask = program(&server).await;
    let board = ["/console/migration", "/console/migration/export?format=csv"];
    for page in board {
        assert!(root.get(page).await.body.contains("Ada Lovelace"), "{page}");
    }
    confirm(&server, record(&server, "17"), device, true).await;
    for page in board {
        let body = root.get(page).await.body;
        assert!(!body.contains("Ada Lovelace") && body.contains("hidden"), "{page}: {body}");
        assert!(body.contains("Grace Hopper"), "only what is linked is hidden: {body}");
    }
    assert!(auditor.get(board[0]).await.body.contains("Ada Lovelace"), "auditors see it");
    let records = ask("/api/v1/records?retired=all").await["records"].clone();
    let named =
        records.as_array().unwrap().iter().map(|record| (record["name"].as_str(), record["user_name"].as_str()));
    let mut named: Vec<_> = named.collect();
    named.sort();
    assert_eq!(named, [(Some("ada's phone"), None), (Some("grace's phone"), Some("grace"))]);
    server.stop().await;
}

#[tokio::test]
async fn a_cleared_person_of_an_earlier_enrollment_is_hidden_in_the_device_list_its_file_and_the_api() {
    let (server, root, _) = stage(hides_owners).await;
    let (old, new) = enrolled_twice(&server, "eve", server.app().platform.world.now()).await;
    let auditor = Browser::signed_in(&server, "audit", &[Privilege::Auditor]).await;
    let ask = program(&server).await;
    confirm(&server, RecordId::of_device(old), new, true).await;
    let list = "/console/devices?archived=yes";
    let named = async |browser: &Browser| {
        browser.get(list).await.texts("tbody tr").iter().filter(|row| row.contains("eve")).count()
    };
    assert_eq!((named(&root).await, named(&auditor).await), (1, 2));
    let file = root.get("/console/devices/export?format=jsonl&archived=yes").await.body;
    let devices = ask("/api/v1/devices?archived=yes").await["devices"].clone();
    let in_file = file.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    for devices in [in_file.collect::<Vec<_>>(), devices.as_array().unwrap().clone()] {
        let of = |id: DeviceId| devices.iter().find(|device| device["id"] == id.to_string().as_str()).unwrap().clone();
        assert_eq!((of(new)["user_name"].as_str(), of(old)["user_name"].as_str()), (Some("eve"), None), "{devices:?}");
        assert!(of(old)["person_id"].is_null(), "{devices:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_file_of_what_can_be_deleted_at_the_source_has_only_proven_records_that_it_still_has() {
    let (server, root, device) = stage(|_| {}).await;
    let file = async || root.get("/console/records/deletable?source=Jamf+Pro").await.body;
    let header = "\"JSS Mobile Device ID\",\"Serial Number\",\"UDID\"\r\n";
    assert_eq!(file().await, header, "nothing is retired");
    confirm(&server, record(&server, "18"), device, false).await;
    assert_eq!(file().await, header, "nothing proves that this record may be retired");
    confirm(&server, record(&server, "17"), device, true).await;
    assert_eq!(file().await, format!("{header}\"17\",\"F2LXJ0AAAA1\",\"\"\r\n"));
    let list = root.get("/console/records?retired=proven&source=Jamf+Pro").await;
    assert_eq!(list.attribute("a[download]", "href").as_deref(), Some("/console/records/deletable?source=Jamf+Pro"));
    import(&server, &root, &[("complete", "yes")], export(&[GRACE])).await;
    assert_eq!(file().await, header, "it is deleted there");
    assert_eq!(root.get("/console/records/deletable").await.status, 400);
    let heidi = Browser::signed_in(&server, "heidi", &[Privilege::HelpDesk]).await;
    assert_eq!(heidi.get("/console/records/deletable?source=Jamf+Pro").await.status, 403);
    let recorded = server.events_of("access").await.into_iter().filter_map(|event| match event {
        Event::StaffActivity(StaffActivityEvent::PreviousRecordsExported { filters, rows, .. }) => {
            Some((filters, rows))
        }
        _ => None,
    });
    let recorded: Vec<_> = recorded.collect();
    assert_eq!(recorded[2], (vec!["source=Jamf Pro".into(), "retired=proven".into(), "missing=no".into()], 1));
    server.stop().await;
}
