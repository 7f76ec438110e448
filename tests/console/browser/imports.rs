//! Staff import previous records in real browsers: the empty list, an upload with its rehearsal, the import, a record,
//! the undo.

use crate::imports::{ADA, BAD, GRACE, ended, export, upload};
use events::staff::Privilege;
use fantoccini::Locator;
use harness::TestServer;
use harness::browser::console::{DESK_BROWSER, PASSWORD, sign_in};
use harness::browser::{Axe, Browser, DESK, Engine, Looks, PHONE, arrive, browser, look_at, wait_for};
use harness::desk;
use harness::waiting::until;

/// A name without a place to break it, as long as a phone is wide and longer.
const LONG: &str = "19,F2LXJ0AAAA9,adalovelace.of.the.department.of.analytical.engines@students.school.example,Ada,\
    IPHONEOFADALOVELACEOFTHEDEPARTMENTOFANALYTICALENGINES,iPhone 14 Pro Max,UserEnrollment,2024-05-04T05:06:07Z,3";

async fn look_around(engine: Engine, test: &str, (width, height): (u32, u32), dark: bool) {
    let looks = Looks { user_agent: DESK_BROWSER, width, height, dark, language: "en" };
    let Some(browser) = browser(engine, test, &looks).await else { return };
    let axe = Axe::of(engine, test);
    let server = TestServer::start().await;
    server.add_user("root", PASSWORD, &[Privilege::Administrator]).await;
    let url = server.url();
    sign_in(&browser, &url, "root").await;
    let look = async |path: &str, text: &str, name: &str| {
        browser.client.goto(&format!("{url}{path}")).await.unwrap();
        let main = browser.client.find(Locator::Css("main")).await.unwrap().text().await.unwrap();
        assert!(main.contains(text), "{path} does not contain {text:?} but {main:?}");
        look_at(&browser, axe.as_ref(), &format!("{test}-{name}")).await;
    };
    look("/console/records", "There are no previous records yet", "records-empty").await;
    look("/console/imports", "Nothing has been imported yet", "imports-empty").await;

    let helper = desk::Browser::new(&server);
    helper.sign_in("root", PASSWORD).await;
    let unreadable = upload(&helper, &[("mapping", "colums = 1")], b"Nummer;Name\n1;ada\n".to_vec()).await;
    ended(&helper, &unreadable).await;
    look(&unreadable, "The file cannot be read in this way", "upload-unreadable").await;

    let path = choose_file(&browser, &helper, engine, &url).await;
    ended(&helper, &path).await;
    look(&path, "Nothing is imported yet", "upload-checked").await;
    browser.client.find(Locator::Css("form[action$=\"/import\"] button")).await.unwrap().click().await.unwrap();
    // The page shows the progress until it shows the end.
    wait_for(&browser, "a[href*=\"/console/records?import=\"]").await;
    look(&path, "The records are imported", "upload-imported").await;
    server.caught_up().await;

    look("/console/records", "adalovelace", "records").await;
    look("/console/records?owner=several", "No previous record matches", "records-none").await;
    look("/console/imports", "Finished", "imports").await;
    let record = helper.get("/console/records?q=F2LXJ0AAAA9").await.attribute("tbody th a", "href").unwrap();
    look(&record, "F2LXJ0AAAA9", "record").await;
    let import = helper.get("/console/imports").await.attribute("tbody th a", "href").unwrap();
    look(&import, "Records of this import", "import").await;
    look(&format!("{import}/undo"), "Undo this import?", "undo").await;
    browser.client.find(Locator::Css("main form button")).await.unwrap().click().await.unwrap();
    // The address of the question begins with that of the import.
    until("the page of the import", async || browser.client.current_url().await.unwrap().path() == import).await;
    ended(&helper, &import).await;
    server.caught_up().await;
    look(&import, "The import is undone", "import-undone").await;
    look(&record, "was undone", "record-undone").await;
    browser.close().await;
    server.stop().await;
}

/// Uploads a file in the browser, and returns the path of its page. The WebDriver of WebKit cannot choose files.
async fn choose_file(browser: &Browser, helper: &desk::Browser, engine: Engine, url: &str) -> String {
    let content = export(&[ADA, GRACE, LONG, BAD]);
    if engine == Engine::WebKit {
        return upload(helper, &[("complete", "yes")], content).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mobile devices.csv");
    std::fs::write(&file, content).unwrap();
    browser.client.goto(&format!("{url}/console/imports")).await.unwrap();
    browser.client.find(Locator::Css("input[name=complete]")).await.unwrap().click().await.unwrap();
    let chosen = browser.client.find(Locator::Id("file")).await.unwrap();
    chosen.send_keys(file.to_str().unwrap()).await.unwrap();
    browser.client.find(Locator::Css("form[enctype] button")).await.unwrap().click().await.unwrap();
    arrive(browser, "/console/imports/uploads/").await;
    browser.client.current_url().await.unwrap().path().to_owned()
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
