//! Records whose devices enrolled again: hidden from the list, cleared as the settings say, and exported to be deleted
//! at their source.

use super::*;
use events::device::DeviceId;
use events::record::{LinkBand, LinkProof, RecordEvent, RecordId};
use events::settings::{ClearedView, Settings};
use harness::desk::{enrolled, write};

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
