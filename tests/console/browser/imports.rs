//! Staff import previous records in real browsers: the empty list, an upload with its rehearsal, the import, a record,
//! the undo.

use super::Sight;
use crate::imports::{ADA, BAD, GRACE, ended, export, upload};
use fantoccini::Locator;
use harness::browser::{DESK, Engine, PHONE, arrive, wait_for};
use harness::waiting::until;

/// A name without a place to break it, as long as a phone is wide and longer.
const LONG: &str = "19,F2LXJ0AAAA9,adalovelace.of.the.department.of.analytical.engines@students.school.example,Ada,\
    IPHONEOFADALOVELACEOFTHEDEPARTMENTOFANALYTICALENGINES,iPhone 14 Pro Max,UserEnrollment,2024-05-04T05:06:07Z,3";

async fn look_around(engine: Engine, test: &'static str, size: (u32, u32), dark: bool) {
    let Some(sight) = Sight::begin(engine, test, size, dark).await else { return };
    let (server, helper) = (&sight.server, &sight.helper);
    sight.look("/console/records", "There are no previous records yet", "records-empty").await;
    sight.look("/console/imports", "Nothing has been imported yet", "imports-empty").await;

    let unreadable = upload(helper, &[("mapping", "colums = 1")], b"Nummer;Name\n1;ada\n".to_vec()).await;
    ended(helper, &unreadable).await;
    sight.look(&unreadable, "The file cannot be read in this way", "upload-unreadable").await;

    let path = choose_file(&sight, engine).await;
    ended(helper, &path).await;
    sight.look(&path, "Nothing is imported yet", "upload-checked").await;
    sight.click("form[action$=\"/import\"] button").await;
    // The page shows the progress until it shows the end.
    wait_for(&sight.browser, "a[href*=\"/console/records?import=\"]").await;
    sight.look(&path, "The records are imported", "upload-imported").await;
    server.caught_up().await;

    sight.look("/console/records", "adalovelace", "records").await;
    sight.look("/console/records?owner=several", "No previous record matches", "records-none").await;
    sight.look("/console/imports", "Finished", "imports").await;
    let record = helper.get("/console/records?q=F2LXJ0AAAA9").await.attribute("tbody th a", "href").unwrap();
    sight.look(&record, "F2LXJ0AAAA9", "record").await;
    let import = helper.get("/console/imports").await.attribute("tbody th a", "href").unwrap();
    sight.look(&import, "Records of this import", "import").await;
    sight.look(&format!("{import}/undo"), "Undo this import?", "undo").await;
    sight.click("main form button").await;
    // The address of the question begins with that of the import.
    let path_now = async || sight.browser.client.current_url().await.unwrap().path().to_owned();
    until("the page of the import", async || path_now().await == import).await;
    ended(helper, &import).await;
    server.caught_up().await;
    sight.look(&import, "The import is undone", "import-undone").await;
    sight.look(&record, "was undone", "record-undone").await;
    sight.end().await;
}

/// Uploads a file in the browser, and returns the path of its page. The WebDriver of WebKit cannot choose files.
async fn choose_file(sight: &Sight, engine: Engine) -> String {
    let content = export(&[ADA, GRACE, LONG, BAD]);
    if engine == Engine::WebKit {
        return upload(&sight.helper, &[("complete", "yes")], content).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mobile devices.csv");
    std::fs::write(&file, content).unwrap();
    sight.open("/console/imports").await;
    sight.click("input[name=complete]").await;
    let chosen = sight.browser.client.find(Locator::Id("file")).await.unwrap();
    chosen.send_keys(file.to_str().unwrap()).await.unwrap();
    sight.click("form[enctype] button").await;
    arrive(&sight.browser, "/console/imports/uploads/").await;
    sight.browser.client.current_url().await.unwrap().path().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_in_chromium_at_a_desk() {
    look_around(Engine::Chromium, "import-desk", DESK, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_in_chromium_on_a_phone_in_the_dark() {
    look_around(Engine::Chromium, "import-phone-dark", PHONE, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_in_webkit_at_a_desk() {
    look_around(Engine::WebKit, "import-webkit", DESK, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_in_webkit_on_a_phone() {
    look_around(Engine::WebKit, "import-webkit-phone", PHONE, false).await;
}
