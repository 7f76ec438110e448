//! Previous records and their imports at the console: an upload, its rehearsal, the import, the pages of records, the
//! undo; who may do what; files and forms that are refused.

mod closing;
mod hostile;
mod lists;
mod retired;
mod roles;

use events::Event;
use events::record::ImportEvent;
use events::staff::{ExportFormat, Privilege, StaffActivityEvent};
use harness::TestServer;
use harness::desk::{Answer, Browser, PASSWORD};
use harness::waiting::seen;
use std::path::PathBuf;

const HEADER: &str = "JSS Mobile Device ID,Serial Number,Username,Full Name,Display Name,Model,Device Ownership Type,\
    Last Inventory Update,Ticket";

/// An export of Jamf Pro with these rows.
pub fn export(rows: &[&str]) -> Vec<u8> {
    format!("{HEADER}\r\n{}\r\n", rows.join("\r\n")).into_bytes()
}

pub const ADA: &str =
    "17,F2LXJ0AAAA1,ada,Ada Lovelace,ada's phone,iPhone 13,PersonalDeviceProfile,2024-03-04T05:06:07Z,1";
pub const GRACE: &str =
    "18,F2LXJ0AAAA2,grace,Grace Hopper,grace's phone,iPhone 11,Institutional,2023-03-04T05:06:07Z,2";
pub const BAD: &str = ",F2LXJ0AAAA3,eve,Eve,=1+1,iPhone 11,Institutional,2023-03-04T05:06:07Z,3";

pub async fn administrator(server: &TestServer) -> Browser {
    Browser::signed_in(server, "root", &[Privilege::Administrator]).await
}

/// Uploads a file with the fields of the form, and returns the page of the file.
pub async fn upload(browser: &Browser, fields: &[(&str, &str)], file: Vec<u8>) -> String {
    let answer = send(browser, fields, file).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.location().to_owned()
}

async fn send(browser: &Browser, fields: &[(&str, &str)], file: Vec<u8>) -> Answer {
    let csrf = ("csrf".to_owned(), browser.get("/console/imports").await.csrf());
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    browser.upload("/console/imports", &std::iter::once(csrf).chain(fields).collect::<Vec<_>>(), file).await
}

/// Returns the page as soon as nothing goes on any more.
pub async fn ended(browser: &Browser, path: &str) -> Answer {
    seen("nothing goes on any more", async || {
        let page = browser.get(path).await;
        (!page.headers.contains_key("refresh")).then_some(page)
    })
    .await
}

async fn post(browser: &Browser, path: &str) -> Answer {
    let csrf = browser.get("/console/imports").await.csrf();
    browser.post(path, &[("csrf", &csrf)]).await
}

/// Imports a file, and returns the page of the import.
pub async fn import(server: &TestServer, browser: &Browser, fields: &[(&str, &str)], file: Vec<u8>) -> String {
    let path = upload(browser, fields, file).await;
    let checked = ended(browser, &path).await;
    assert_eq!(checked.texts("h1 .chip"), ["Checked"], "{}", checked.body);
    assert_eq!(post(browser, &format!("{path}/import")).await.status, 303);
    let imported = ended(browser, &path).await;
    assert_eq!(imported.texts("h1 .chip"), ["Imported"], "{}", imported.body);
    server.caught_up().await;
    imported.attribute(".acts a:nth-of-type(2)", "href").unwrap()
}

fn numbers(page: &Answer) -> Vec<String> {
    page.texts(".totals dd")
}

fn folder(server: &TestServer) -> PathBuf {
    server.app().config.store.directory.join("uploads")
}

/// Returns the number of files that uploads have left.
fn files(server: &TestServer) -> usize {
    std::fs::read_dir(folder(server)).map_or(0, Iterator::count)
}

async fn import_events(server: &TestServer) -> usize {
    server.events_of("import").await.len()
}

#[tokio::test]
async fn an_administrator_uploads_a_file_sees_what_would_happen_imports_it_and_undoes_the_import() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let page = root.get("/console/records").await;
    assert!(page.texts(".empty").concat().contains("There are no previous records yet"), "{}", page.body);

    let path = upload(&root, &[("complete", "yes")], export(&[ADA, GRACE, BAD])).await;
    let checked = ended(&root, &path).await;
    assert_eq!(numbers(&checked), ["2", "0", "0", "0", "0", "1"], "{}", checked.body);
    let found = checked.texts("dl.narrow dd");
    assert_eq!(found, ["Jamf Pro", "Jamf Pro", "CSV, with commas", "UTF-8", "all records of the source"]);
    assert!(checked.texts("table.narrow td").contains(&"JSS Mobile Device ID".to_owned()));
    assert!(checked.body.contains("not used: <code>Ticket</code>"), "{}", checked.body);
    assert!(checked.texts(".why")[0].starts_with("line 4: source_id has no value"), "{:?}", checked.texts(".why"));
    assert_eq!(import_events(&server).await, 0, "a rehearsal writes nothing");

    assert_eq!(post(&root, &format!("{path}/import")).await.location(), path);
    let imported = ended(&root, &path).await;
    assert_eq!(numbers(&imported), ["2", "0", "0", "0", "0", "1"], "{}", imported.body);
    server.caught_up().await;
    let of_import = imported.attribute(".acts a", "href").unwrap();
    let list = root.get(&of_import).await;
    assert_eq!(list.texts("tbody th a"), ["ada's phone", "grace's phone"], "the latest contact first");
    let record = root.get(&list.attribute("tbody th a", "href").unwrap()).await;
    for value in ["F2LXJ0AAAA1", "Ada Lovelace", "iPhone 13", "Personal Device Profile", "4 Mar 2024, 05:06:07", "17"] {
        assert!(record.texts("dd").contains(&value.to_owned()), "{value}: {:?}", record.texts("dd"));
    }
    assert_eq!(record.texts(".said").len(), 1);

    let page = imported.attribute(".acts a:nth-of-type(2)", "href").unwrap();
    let shown = root.get(&page).await;
    assert_eq!(shown.texts("h1 .chip"), ["Finished"]);
    assert!(
        shown.texts("dd").contains(&"root of Example School".to_owned()),
        "who imported it: {:?}",
        shown.texts("dd")
    );
    let ask = root.get(&format!("{page}/undo")).await;
    assert_eq!(ask.texts(".about strong"), ["2", "0", "0"]);
    assert_eq!(post(&root, &format!("{page}/undo")).await.location(), page);
    let undone = ended(&root, &page).await;
    assert!(undone.texts(".done").concat().contains("before it: 2."), "{}", undone.body);
    server.caught_up().await;
    assert_eq!(root.get("/console/records").await.texts("tbody tr").len(), 0);
    let events = server.events_of("import").await;
    assert!(matches!(
        events[..],
        [
            Event::Import(ImportEvent::ImportBegun { is_complete: true, .. }),
            Event::Import(ImportEvent::ImportFinished { .. }),
            Event::Import(ImportEvent::ImportUndone {})
        ]
    ));
    let record = root.get(&list.attribute("tbody th a", "href").unwrap()).await;
    assert!(record.texts(".notice").concat().contains("was undone"), "{}", record.body);
    assert_eq!(record.texts(".said").len(), 2, "the history stays");
    assert!(!root.get(&page).await.body.contains(&format!("{page}/undo")), "it cannot be undone twice");
    server.stop().await;
}

#[tokio::test]
async fn a_later_import_changes_marks_and_keeps_and_its_undo_restores() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let first = import(&server, &root, &[("complete", "yes")], export(&[ADA, GRACE])).await;
    let renamed = ADA.replace("Ada Lovelace", "Ada King");
    let second = import(&server, &root, &[("complete", "yes")], export(&[&renamed])).await;
    assert_eq!(numbers(&root.get(&second).await), ["0", "1", "0", "1", "0", "0"]);
    let list = async |query: &str| root.get(&format!("/console/records?{query}")).await.texts("tbody th a");
    assert_eq!(list("missing=yes").await, ["grace's phone"]);
    assert_eq!(list("q=F2LXJ0AAAA1").await, ["ada's phone"]);
    assert_eq!(list("q=GRACE&kind=device_enrollment&owner=unresolved&source=Jamf+Pro").await, ["grace's phone"]);
    assert_eq!(list("kind=user_enrollment").await, [""; 0]);
    assert_eq!(root.get("/console/records?owner=everyone").await.status, 400);

    let record = root.get("/console/records?q=ada").await.attribute("tbody th a", "href").unwrap();
    let said = root.get(&record).await.texts(".said");
    assert!(said[0].starts_with("A later import changed the previous record: full name"), "{said:?}");
    assert!(root.get(&record).await.texts("dd").contains(&"Ada King".to_owned()));
    assert_eq!(root.get(&format!("{record}?as_of=2001-01-01T00:00")).await.status, 404);

    assert_eq!(root.get(&format!("{first}/undo")).await.texts(".about strong"), ["1", "0", "1"]);
    assert_eq!(root.get(&format!("{second}/undo")).await.texts(".about strong"), ["0", "2", "0"]);
    assert_eq!(post(&root, &format!("{second}/undo")).await.status, 303);
    ended(&root, &second).await;
    server.caught_up().await;
    assert!(root.get(&record).await.texts("dd").contains(&"Ada Lovelace".to_owned()));
    assert_eq!(list("missing=yes").await, [""; 0]);
    server.stop().await;
}

#[tokio::test]
async fn a_file_that_cannot_be_read_can_be_read_in_another_way_without_another_upload() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let path = upload(&root, &[("mapping", "colums = 1")], b"Nummer;Name\n1;ada\n".to_vec()).await;
    let wrong = ended(&root, &path).await;
    assert!(wrong.texts("[role=alert]").concat().contains("colums"), "{}", wrong.body);
    assert_eq!(wrong.texts("#mapping"), ["colums = 1"], "the typed text is not lost");
    assert_eq!(post(&root, &format!("{path}/import")).await.status, 400);

    let csrf = wrong.csrf();
    let mapping = "columns.source_id = \"Nummer\"\r\ncolumns.user_name = \"Name\"";
    let fields = [("csrf", csrf.as_str()), ("mapping", mapping), ("source", "Old list"), ("preset", "")];
    assert_eq!(root.post(&format!("{path}/check"), &fields).await.location(), path);
    let checked = ended(&root, &path).await;
    assert_eq!(numbers(&checked)[0], "1", "{}", checked.body);
    assert_eq!(checked.texts("dl.narrow dd")[..3], ["Old list", "Own mapping", "CSV, with semicolons"]);
    assert_eq!(post(&root, &format!("{path}/discard")).await.location(), "/console/imports");
    assert_eq!(root.get(&path).await.status, 404);
    assert_eq!(files(&server), 0);
    server.stop().await;
}

#[tokio::test]
async fn the_rows_that_were_set_aside_are_downloaded_for_a_spreadsheet_and_the_download_is_recorded() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let path = upload(&root, &[], export(&[ADA, BAD])).await;
    ended(&root, &path).await;
    let file = root.get(&format!("{path}/set-aside")).await;
    let disposition = file.headers["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment; filename=\"muster-set-aside-"), "{disposition}");
    assert!(file.body.starts_with("\u{feff}Import error,JSS Mobile Device ID,"), "Excel reads UTF-8: {}", file.body);
    assert!(file.body.contains(",Eve,'=1+1,iPhone 11,"), "a formula is a text: {}", file.body);
    let filters = vec!["set aside by an import".to_owned()];
    let exported = StaffActivityEvent::InventoryExported { filters, format: ExportFormat::Csv, rows: 1 };
    assert_eq!(server.events_of("access").await.last(), Some(&Event::StaffActivity(exported)));
    server.stop().await;
}

#[tokio::test]
async fn without_a_fresh_confirmation_the_import_and_the_undo_ask_for_one() {
    let (server, clock) = crate::factors::server().await;
    let root = administrator(&server).await;
    let path = upload(&root, &[], export(&[ADA])).await;
    ended(&root, &path).await;
    clock.advance_seconds(6 * 60);
    let asked = post(&root, &format!("{path}/import")).await;
    assert_eq!(asked.texts("h1"), ["Confirm it’s you"], "{}", asked.body);
    assert!(asked.texts(".about li").concat().contains("1 new, 0 changed"), "{}", asked.body);
    assert_eq!(import_events(&server).await, 0);
    let act = asked.attribute("input[name=act]", "value").unwrap();
    let csrf = asked.csrf();
    let form = [("csrf", csrf.as_str()), ("next", ""), ("act", &act), ("password", PASSWORD)];
    let go_on = root.post("/console/confirm/password", &form).await;
    let action = go_on.attribute("main form", "action").unwrap();
    assert_eq!(action, format!("{path}/import"));
    assert_eq!(root.post(&action, &[("csrf", &go_on.csrf())]).await.status, 303);
    let imported = ended(&root, &path).await;
    server.caught_up().await;
    clock.advance_seconds(6 * 60);
    let undo = format!("{}/undo", imported.attribute(".acts a:nth-of-type(2)", "href").unwrap());
    assert_eq!(post(&root, &undo).await.texts("h1"), ["Confirm it’s you"]);
    assert_eq!(import_events(&server).await, 2, "begun and finished, and not undone");
    server.stop().await;
}

#[tokio::test]
async fn after_a_restart_an_import_that_was_interrupted_says_so_and_uploaded_files_are_gone() {
    let mut server = TestServer::start().await;
    let root = administrator(&server).await;
    upload(&root, &[], export(&[ADA])).await;
    let import = events::record::ImportId(server.app().platform.world.uuid());
    let begun = ImportEvent::ImportBegun { source: "Jamf Pro".into(), preset: None, is_complete: false };
    harness::desk::write(&server, &import.stream(), server.app().platform.world.now(), begun).await;
    server.restart().await;
    server.caught_up().await;
    let root = Browser::new(&server);
    root.sign_in("root", PASSWORD).await;
    let list = root.get("/console/imports").await;
    assert_eq!(list.texts("td .chip"), ["Open", "Not finished"], "the migration and the import");
    assert_eq!(list.texts(".rows li").len(), 0);
    assert!(!folder(&server).exists());
    let page = root.get(&format!("/console/imports/{import}")).await;
    assert!(page.texts(".notice").concat().contains("Import the same file again"), "{}", page.body);
    server.stop().await;
}

#[tokio::test]
async fn the_page_of_an_import_shows_the_owners_that_it_found() {
    let server = TestServer::start().await;
    server.add_user("ada", "four plain words here", &[Privilege::Enroll]).await;
    let root = administrator(&server).await;
    let mapping = "[[owner]]\nfield = \"user_name\"\nprovider = \"local\"\nattribute = \"user_name\"\n";
    let page = import(&server, &root, &[("mapping", mapping)], export(&[ADA, GRACE])).await;
    let shown = root.get(&page).await;
    assert_eq!(numbers(&shown)[6..], ["0", "1", "1", "0", "0", "0"], "{}", shown.body);
    let labels = shown.texts(".totals dt");
    assert_eq!(labels[6..9], ["One person", "One account", "Nobody known"], "{}", shown.body);
    let list = root.get("/console/records?owner=account").await;
    assert_eq!(list.texts("tbody th a"), ["ada's phone"]);
    let record = root.get(&list.attribute("tbody th a", "href").unwrap()).await;
    assert!(record.body.contains("It becomes a person at the first sign-in."), "{}", record.body);
    let without = import(&server, &root, &[("source", "Other")], export(&[ADA])).await;
    assert_eq!(numbers(&root.get(&without).await).len(), 6, "no rule: owners were not looked for");
    server.stop().await;
}
