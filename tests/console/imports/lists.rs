//! Long lists of imports and records: pages of imports, at the console and through the API; the export of records.

use super::{ADA, GRACE, administrator, ended, export, import, post, upload};
use events::Event;
use events::record::{ImportEvent, ImportId};
use events::staff::{ExportFormat, Privilege, StaffActivityEvent};
use harness::TestServer;
use harness::desk::{Answer, Browser, write};
use std::collections::BTreeSet;

/// Begins this many imports, one second apart, and returns them with the newest first.
async fn many_imports(server: &TestServer, count: i64) -> Vec<ImportId> {
    let now = server.app().platform.world.now();
    let begin = async |nth: i64| {
        let import = ImportId(server.app().platform.world.random_uuid());
        let begun = ImportEvent::ImportBegun { source: format!("Source {nth}"), preset: None, is_complete: false };
        write(server, &import.stream(), now.plus_seconds(nth), begun).await;
        import
    };
    let mut imports = Vec::new();
    for nth in 0..count {
        imports.push(begin(nth).await);
    }
    server.caught_up().await;
    imports.reverse();
    imports
}

fn shown(page: &Answer) -> Vec<String> {
    page.texts("tbody th a")
}

#[tokio::test]
async fn the_list_of_imports_has_pages() {
    let server = TestServer::start().await;
    many_imports(&server, 53).await;
    let auditor = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    let first = auditor.get("/console/imports").await;
    assert_eq!(first.texts("nav.pager a"), ["Older"]);
    let older = auditor.get(&first.attribute("nav.pager a", "href").unwrap()).await;
    assert_eq!(older.texts("nav.pager a"), ["Newest"]);
    assert_eq!(older.attribute("nav.pager a", "href").unwrap(), "/console/imports");
    let all: Vec<String> = (0..53).rev().map(|nth| format!("Source {nth}")).collect();
    assert_eq!([shown(&first), shown(&older)].concat(), all, "each once, the newest first");
    assert_eq!(shown(&first).len(), 50);
    assert_eq!(auditor.get("/console/imports?after=x").await.status, 400);
    assert_eq!(auditor.get("/console/imports?page=2").await.status, 400);
    server.stop().await;
}

/// 1,203 rows in three chunks, among them one that is a formula.
fn rows() -> Vec<String> {
    let row = |nth: u32| {
        format!(
            "{nth},F2LX{nth:07},person{nth},Person,phone {nth},iPhone 13,PersonalDeviceProfile,2024-03-04T05:06:07Z,1"
        )
    };
    let formula = "5000,F2LXFORMULA,=cmd(),Eve,@SUM(A1:A9),iPhone 11,Institutional,2023-03-04T05:06:07Z,1".to_owned();
    (0..1_202).map(row).chain([formula]).collect()
}

fn exported(filters: &[&str], format: ExportFormat, rows: u64) -> Event {
    let filters = filters.iter().map(|filter| (*filter).to_owned()).collect();
    Event::StaffActivity(StaffActivityEvent::PreviousRecordsExported { filters, format, rows })
}

#[tokio::test]
async fn an_export_holds_every_record_that_matches_once_and_is_recorded() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let rows = rows();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    import(&server, &root, &[], export(&rows)).await;
    let list = root.get("/console/records").await;
    assert_eq!(list.texts("a[download]"), ["Export CSV", "Export JSON lines"]);
    let csv = root.get(&list.attribute("a[download]", "href").unwrap()).await;
    assert_eq!(csv.status, 200, "{}", csv.body);
    assert!(csv.headers["content-disposition"].to_str().unwrap().contains("filename=\"muster-records-"));
    assert!(csv.body.starts_with("\"id\",\"source\",\"missing\","), "{}", &csv.body[..200]);
    let lines: Vec<&str> = csv.body.split("\r\n").filter(|line| !line.is_empty()).collect();
    assert_eq!((lines.len(), lines.iter().collect::<BTreeSet<_>>().len()), (1_204, 1_204), "a header, and each row");
    assert!(csv.body.contains("\"'=cmd()\"") && csv.body.contains("\"'@SUM(A1:A9)\""), "formulas are text");
    assert!(!csv.body.contains("\"=") && !csv.body.contains("\"@"), "formulas are text");
    let some = root.get("/console/records/export?q=phone+12&kind=personal_device_profile&format=jsonl&after=").await;
    let serials = some.body.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let serials: BTreeSet<String> = serials.map(|row| row["serial_number"].as_str().unwrap().to_owned()).collect();
    let expected = [12].into_iter().chain(120..130).chain(1_200..1_202).map(|nth: u32| format!("F2LX{nth:07}"));
    assert_eq!(serials, expected.collect());
    assert_eq!(root.get("/console/records/export?q=nothing+is+called+this").await.body.lines().count(), 1);
    let recorded = server.events_of("access").await;
    let expected = [
        exported(&["retired=no"], ExportFormat::Csv, 1_203),
        exported(&["q", "kind=personal_device_profile"], ExportFormat::Jsonl, 13),
        exported(&["q"], ExportFormat::Csv, 0),
    ];
    let recorded = recorded.into_iter().filter(|event| format!("{event:?}").contains("RecordsExported"));
    assert_eq!(recorded.collect::<Vec<_>>(), expected, "the search text is not recorded");
    server.caught_up().await;
    let trail = root.get("/console/audit?type=PreviousRecordsExported").await;
    let told = trail.texts("tbody th");
    assert!(
        told[1].starts_with("Exported 13 previous records as JSON lines, by q, kind=personal_device_profile"),
        "{told:?}"
    );
    assert!(told[2].starts_with("Exported 1203 previous records as CSV, by retired=no"), "{told:?}");
    server.stop().await;
}

#[tokio::test]
async fn only_administrators_export_records() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    import(&server, &root, &[], export(&[ADA, GRACE])).await;
    for (name, role) in [("grace", Privilege::Auditor), ("heidi", Privilege::HelpDesk)] {
        let staff = Browser::signed_in(&server, name, &[role]).await;
        assert_eq!(staff.get("/console/records").await.texts("a[download]"), Vec::<String>::new());
        let refused = staff.get("/console/records/export").await;
        assert_eq!((refused.status, refused.headers.get("content-disposition")), (403, None), "{name}");
    }
    let refused = |event: &Event| {
        matches!(event, Event::StaffActivity(StaffActivityEvent::AccessRefused { act, .. })
            if act == "export previous records")
    };
    assert_eq!(server.events_of("access").await.iter().filter(|event| refused(event)).count(), 2, "each is recorded");
    let filtered = root.get("/console/records?owner=unresolved&q=ada").await;
    let href = filtered.attribute("a[download]", "href").unwrap();
    assert_eq!(
        href, "/console/records/export?q=ada&owner=unresolved&retired=no&format=csv",
        "the link has the filters of the page"
    );
    assert_eq!(root.get("/console/records/export?format=xls").await.status, 400);
    server.stop().await;
}

#[tokio::test]
async fn the_check_and_the_import_say_what_became_of_owners_and_of_damaged_values() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let damaged = GRACE.replace("2023-03-04T05:06:07Z", "yesterday");
    let path = upload(&root, &[], export(&[ADA, &damaged])).await;
    let checked = ended(&root, &path).await;
    let told = checked.texts(".notice").concat();
    assert!(told.contains("Owners are not resolved: the mapping has no owner rule"), "{}", checked.body);
    let notes = checked.texts(".notes tbody tr");
    assert!(notes.len() == 1 && notes[0].starts_with("Last contact"), "{notes:?}");
    assert_eq!(checked.texts(".notes td")[1..], ["1", "3"], "how often, and in which line first");

    let csrf = root.get(&path).await.csrf();
    let fields = [("csrf", csrf.as_str()), ("owners", "user_name=local:user_name"), ("preset", "jamf-pro")];
    assert_eq!(root.post(&format!("{path}/check"), &fields).await.location(), path);
    let checked = ended(&root, &path).await;
    assert!(!checked.body.contains("Owners are not resolved"), "{}", checked.body);
    let owners = checked.texts(".owners dd");
    assert_eq!(owners.iter().map(|count| count.parse::<u64>().unwrap()).sum::<u64>(), 2, "{owners:?}");
    assert_eq!(checked.texts("#owners"), ["user_name=local:user_name"], "the rule is kept for another check");
    assert_eq!(post(&root, &format!("{path}/import")).await.status, 303);
    let imported = ended(&root, &path).await;
    server.caught_up().await;
    let page = root.get(&imported.attribute(".acts a:nth-of-type(2)", "href").unwrap()).await;
    for shown in [&imported, &page] {
        assert_eq!(shown.texts(".owners dd").len(), 6, "{}", shown.body);
        assert_eq!(shown.texts(".notes tbody tr").len(), 1, "{}", shown.body);
    }
    let path = upload(&root, &[("owners", "mail")], export(&[ADA])).await;
    let refused = ended(&root, &path).await;
    assert!(refused.texts(".notice.bad").concat().contains("is no owner rule"), "{}", refused.body);
    server.stop().await;
}
