//! The page of a person: their devices over time and across sources, as of any instant; and its export.

use super::{administrator, at, decide, imported, own, page, person_of, propose, proposed};
use events::Event;
use events::person::{PersonEvent, PersonId};
use events::record::RecordId;
use events::staff::{ExportFormat, StaffActivityEvent};
use harness::TestServer;
use harness::desk::{Browser, enrolled_twice, renamed, write};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use world::{Clock as _, ManualClock, SystemClock, World};

const ROW: &str = "F2LXJ0AAAA1,ada,Ada,ada's old phone,iPhone 14,PersonalDeviceProfile,2024-03-04T05:06:07Z,1";

/// A person with two enrollments and a record of another product, all linked.
async fn stage(server: &TestServer) -> (Browser, PersonId, RecordId, [events::device::DeviceId; 2]) {
    let root = administrator(server, "root").await;
    let (old, new) = proposed(server, "ada").await;
    let person = person_of(server, new).await;
    let record = imported(server, &root, "17", ROW).await;
    own(server, record, person).await;
    propose(server, record, new, 7).await;
    (root, person, record, [old, new])
}

fn lines(answer: &harness::desk::Answer) -> Vec<Value> {
    answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_person_has_one_row_for_each_record_and_enrollment_grouped_by_phone() {
    let server = TestServer::start().await;
    let (root, person, record, [old, new]) = stage(&server).await;
    let path = format!("/console/people/{person}");
    let shown = root.get(&path).await;
    assert_eq!(shown.texts(".sub"), ["1 to 3 devices · 2 enrollments · 1 previous record"], "proposals are no facts");
    assert_eq!(shown.texts(".time tbody").len(), 3, "only proposed: {}", shown.body);
    let export = root.get(&format!("{path}/export?format=jsonl")).await;
    let devices: BTreeSet<_> = lines(&export).iter().filter_map(|row| row["device"].as_u64()).collect();
    assert_eq!(devices.len(), 3, "{}", export.body);
    decide(&root, (record, new), "confirm", "list").await;
    decide(&root, (RecordId::of_device(old), new), "confirm", "list").await;
    let shown = root.get(&path).await;
    assert_eq!(shown.texts(".sub"), ["1 device · 2 enrollments · 1 previous record"]);
    assert_eq!(shown.texts(".time tbody").len(), 1, "confirmed: one phone");
    let rows = shown.texts(".time tbody tr:not(.group) th");
    assert!(
        rows[0].starts_with("ada's old phone") && rows[0].contains("Old Jamf · Personal Device Profile"),
        "{rows:?}"
    );
    assert!(rows[1].contains("Muster · User Enrollment"), "{rows:?}");
    let cells = shown.texts(".time tbody tr:nth-of-type(2) td");
    assert!(cells[2].contains("4 Mar 2024") && cells[2].contains("last contact"), "{cells:?}");
    assert!(cells[3].contains("Confirmed"), "{cells:?}");
    assert_eq!(shown.texts("svg rect").len(), 3, "each has its bar");
    decide(&root, (record, new), "undo", "list").await;
    server.reacted().await;
    for successor in [old, new] {
        decide(&root, (record, successor), "reject", "list").await;
    }
    let shown = root.get(&path).await;
    assert_eq!(shown.texts(".time tbody").len(), 2, "rejected: two phones");
    assert!(shown.texts(".sub")[0].starts_with("2 devices · "), "{}", shown.body);
    let viewed = Event::StaffActivity(StaffActivityEvent::PersonViewed { person });
    assert_eq!(server.events_of("access").await.iter().filter(|event| **event == viewed).count(), 3);
    assert_eq!(root.get("/console/people/00000000-0000-0000-0000-000000000001").await.status, 404);
    server.stop().await;
}

#[tokio::test]
async fn a_record_shows_the_lineage_of_its_phone_and_an_own_one_leads_to_its_device() {
    let server = TestServer::start().await;
    let (root, person, record, [old, new]) = stage(&server).await;
    let shown = root.get(&format!("/console/records/{record}")).await;
    assert_eq!(shown.texts("ol.line li").len(), 3, "through the later device to its other record: {}", shown.body);
    assert!(shown.texts("ol.line li[aria-current]").concat().contains("ada's old phone"));
    // Both enrollments of the owner may be the phone of the record.
    let both = super::DECISIONS.repeat(2);
    assert_eq!(shown.texts(".card.link form button"), both);
    assert!(shown.body.contains(&format!("href=\"/console/people/{person}\"")));
    let moved = root.get(&format!("/console/records/{old}")).await;
    assert_eq!((moved.status, moved.location()), (303, page(old).as_str()));
    decide(&root, (record, new), "confirm", "record").await;
    server.caught_up().await;
    let history = root.get(&format!("/console/records/{record}")).await.texts(".log .said");
    let confirmed = history.iter().find(|said| said.contains("device confirmed: ")).unwrap();
    assert!(confirmed.ends_with("· root of Example School"), "who decided: {history:?}");
    let shown = root.get(&page(new)).await;
    assert_eq!(shown.texts("ol.line li.proposed").len(), 1, "the other record is only proposed: {}", shown.body);
    server.stop().await;
}

#[tokio::test]
async fn a_person_is_shown_as_of_any_instant() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    let start = clock.now();
    clock.advance_seconds(60);
    let (root, person, record, [_, new]) = stage(&server).await;
    clock.advance_seconds(60);
    let proposed = clock.now();
    clock.advance_seconds(60);
    decide(&root, (record, new), "confirm", "list").await;
    let page = async |at: Option<_>| {
        let at = at.map(|instant| format!("?as_of={}", super::at(instant))).unwrap_or_default();
        root.get(&format!("/console/people/{person}{at}")).await
    };
    let nothing = page(Some(start)).await;
    assert!(nothing.texts(".empty").concat().contains("at that time"), "{}", nothing.body);
    let ties = async |at| page(at).await.texts("td[data-label='Earlier record of']").concat();
    let then = ties(Some(proposed)).await;
    assert!(then.contains("Proposed") && !then.contains("Confirmed"), "{then}");
    assert!(ties(None).await.contains("Confirmed"));
    let future = root.get(&format!("/console/people/{person}?as_of=2099-01-01T00:00:00Z")).await;
    assert!(future.texts("main > .notice").concat().contains(&at(clock.now())[..4]), "{}", future.body);
    assert!(!future.body.contains("2099"), "nothing is known about the future");
    let export = format!("/console/people/{person}/export?format=jsonl&as_of={}", at(proposed));
    let link = lines(&root.get(&export).await).into_iter().find(|row| row["successor_id"] == new.to_string());
    assert_eq!(link.unwrap()["state"], "Proposed");
    server.stop().await;
}

#[tokio::test]
async fn the_export_says_what_the_page_says_and_is_recorded() {
    let server = TestServer::start().await;
    let (root, person, record, [old, new]) = stage(&server).await;
    let shown = root.get(&format!("/console/people/{person}")).await;
    let export = root.get(&format!("/console/people/{person}/export?format=jsonl")).await;
    let rows = lines(&export);
    let of = |what: &str| rows.iter().filter(|row| row["what"] == what).collect::<Vec<_>>();
    assert_eq!((of("previous_record").len(), of("enrollment").len(), of("link").len()), (1, 2, 3), "{}", export.body);
    assert_eq!(of("previous_record")[0]["id"], record.to_string());
    let ids = |what| of(what).iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(ids("enrollment"), [old.to_string(), new.to_string()].into());
    assert_eq!(ids("link"), [record.to_string(), old.to_string()].into());
    // Each name, and each sum, is on the page as well.
    for row in rows.iter().filter(|row| row["name"].is_string()) {
        assert!(shown.texts(".time th").concat().contains(row["name"].as_str().unwrap()), "{row}");
    }
    let sums = of("link")
        .iter()
        .map(|row| format!("{} = {}", row["link_evidence"].as_str().unwrap(), row["link_score"]))
        .collect::<Vec<_>>();
    let told = shown.texts(".links td.why");
    assert!(told.iter().zip(&sums).all(|(told, sum)| told.ends_with(sum.as_str())), "{told:?} {sums:?}");
    let csv = root.get(&format!("/console/people/{person}/export")).await;
    assert_eq!(csv.body.lines().count(), 1 + rows.len());
    assert!(csv.body.starts_with("\"what\",\"id\",\"device\""), "{}", csv.body);
    let exported = |format| {
        let filters = vec![format!("person={person}")];
        Event::StaffActivity(StaffActivityEvent::LineageExported { filters, format, rows: rows.len() as u64 })
    };
    let access = server.events_of("access").await;
    assert!(
        access.contains(&exported(ExportFormat::Jsonl)) && access.contains(&exported(ExportFormat::Csv)),
        "{access:?}"
    );
    server.caught_up().await;
    let trail = root.get("/console/audit?type=LineageExported").await;
    assert!(
        trail.texts("tbody th")[0].starts_with("Exported devices, records and links of a person: 6 rows"),
        "{}",
        trail.body
    );
    server.stop().await;
}

#[tokio::test]
async fn an_erased_person_shows_as_erased() {
    let server = TestServer::start().await;
    let (root, person, record, [_, new]) = stage(&server).await;
    let app = server.app();
    // As erasing does it: the record's key is the person's from the time that its owner is known.
    app.platform.log.keys().set_owner(&record.key(), &person.key()).unwrap();
    app.platform.log.keys().destroy(&person.key()).unwrap();
    write(&server, &person.stream(), app.platform.world.now(), PersonEvent::PersonErased {}).await;
    server.caught_up().await;
    let shown = root.get(&format!("/console/people/{person}")).await;
    assert_eq!(shown.texts("h1")[0], "(erased) Person Erased", "{}", shown.body);
    assert_eq!(shown.texts("dd")[..2], ["(erased)", "(erased)"]);
    // As a word: an id in hexadecimal digits may contain these letters.
    let mut words = shown.body.split(|letter: char| !letter.is_alphanumeric());
    assert!(words.all(|word| word != "ada"), "{}", shown.body);
    let export = root.get(&format!("/console/people/{person}/export?format=jsonl")).await;
    assert!(!export.body.contains("ada's old phone"), "{}", export.body);
    assert!(lines(&export).iter().any(|row| row["erased"] == true), "{}", export.body);
    for path in [super::LIST.to_owned(), page(new), format!("/console/records/{record}")] {
        assert!(!root.get(&path).await.body.contains("ada's old phone"), "{path}");
    }
    server.stop().await;
}

const MARK: &str = "zuleika";

async fn rows_with_the_mark(server: &TestServer) -> Vec<String> {
    let tables = server.app().platform.projections.dump().await.unwrap();
    let rows = tables.into_iter().flat_map(|table| table.rows.into_iter().map(move |row| (table.table.clone(), row)));
    rows.filter(|(_, row)| row.contains(MARK)).map(|(table, row)| format!("{table}: {row}")).collect()
}

#[tokio::test]
async fn an_erased_person_is_in_no_row_that_pages_are_made_of() {
    let server = TestServer::start().await;
    let root = administrator(&server, "root").await;
    let app = server.app();
    let (_, device) = enrolled_twice(&server, MARK, app.platform.world.now()).await;
    renamed(&server, device, "zuleika's phone", app.platform.world.now()).await;
    let person = person_of(&server, device).await;
    let row = "F2LXJ0AAAA2,zuleika,Zuleika,zuleika's old phone,iPhone 14,PersonalDeviceProfile,2024-03-04T05:06:07Z,1";
    let record = imported(&server, &root, "18", row).await;
    own(&server, record, person).await;
    app.platform.log.keys().set_owner(&record.key(), &person.key()).unwrap();
    for path in [page(device), format!("/console/people/{person}"), "/console/audit?q=zuleika".to_owned()] {
        assert!(root.get(&path).await.body.contains(MARK), "{path}");
    }
    server.reacted().await;
    assert!(rows_with_the_mark(&server).await.len() > 5);
    app.platform.log.keys().destroy(&person.key()).unwrap();
    write(&server, &person.stream(), app.platform.world.now(), PersonEvent::PersonErased {}).await;
    server.reacted().await;
    assert_eq!(rows_with_the_mark(&server).await, Vec::<String>::new());
    assert_eq!(root.get("/console/audit?q=zuleika").await.texts("tbody tr"), Vec::<String>::new());
    let rebuilt = app.platform.projections.rebuild(&app.platform.log).await.unwrap();
    assert_eq!(rows_with_the_mark(&server).await, Vec::<String>::new());
    // The follower may have folded events of this test's own visits meanwhile; then nothing is compared.
    assert!(rebuilt.changed.unwrap_or_default().is_empty(), "erased rows are those of a rebuild");
    server.stop().await;
}
