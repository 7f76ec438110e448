//! Names typed by strangers: every link has a text, and control characters do not change the display of the
//! surrounding text.

use events::Personal;
use events::person::{PersonAttributes, PersonEvent};
use events::staff::Privilege;
use harness::TestServer;
use harness::desk::{Browser, enrolled, renamed, write};
use scraper::{Html, Selector};

/// Returns the links and buttons of a page that have neither visible text nor a label for screen readers.
fn wordless(body: &str) -> Vec<String> {
    let page = Html::parse_document(body);
    let selector = Selector::parse("a, button").unwrap();
    let is_wordless = |element: &scraper::ElementRef<'_>| {
        let seen: String =
            element.text().filter(|text| !text.trim_matches(['\u{200b}', '\u{3164}']).is_empty()).collect();
        seen.trim().is_empty() && element.value().attr("aria-label").is_none_or(|label| label.trim().is_empty())
    };
    page.select(&selector).filter(is_wordless).map(|element| element.html()).collect()
}

#[tokio::test]
async fn every_link_and_button_has_words_whatever_devices_and_people_are_called() {
    let server = TestServer::start().await;
    let now = server.app().platform.world.now();
    server.add_user("root", harness::desk::PASSWORD, &[Privilege::Administrator, Privilege::Auditor]).await;
    let browser = Browser::new(&server);
    assert_eq!(browser.sign_in("root", harness::desk::PASSWORD).await.status, 303);
    for name in ["", " ", "\u{200b}", "\u{3164}"] {
        let device = enrolled(&server, name, now).await;
        renamed(&server, device, name, now).await;
        let person = server.app().platform.device(device).await.unwrap().person.unwrap();
        let display_name = Some(Personal::new(person.key(), name.to_owned()));
        let attributes = PersonAttributes { display_name, ..PersonAttributes::default() };
        write(&server, &person.stream(), now, PersonEvent::PersonAttributesChanged { attributes }).await;
        server.caught_up().await;
        let list = browser.get("/console/devices").await;
        assert_eq!(list.texts("tbody th a").first().map(String::as_str), Some("iPhone 14"), "{name:?}");
        let paths = ["/console/devices", "/console/visits", "/console/audit", "/console/staff", "/console/links"];
        let of_device = [
            format!("/console/devices/{device}"),
            format!("/console/visits/{device}"),
            format!("/console/people/{person}"),
        ];
        for path in paths.into_iter().map(str::to_owned).chain(of_device) {
            let page = browser.get(&path).await;
            assert_eq!((page.status, wordless(&page.body)), (200, vec![]), "{path} with {name:?}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn characters_that_act_on_the_text_around_them_are_shown_escaped_on_pages_and_in_files() {
    let server = TestServer::start().await;
    let now = server.app().platform.world.now();
    let device = enrolled(&server, "ada\u{202e}", now).await;
    renamed(&server, device, "Ada\u{202e}enohPi\u{9b}2J\u{2066}", now).await;
    let browser = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    server.caught_up().await;
    let shown = "Ada\\u{202e}enohPi\\u{9b}2J\\u{2066}";
    let paths = [
        "/console/devices".to_owned(),
        format!("/console/devices/{device}"),
        "/console/visits".to_owned(),
        "/console/devices/export?format=csv".to_owned(),
        "/console/devices/export?format=jsonl".to_owned(),
        "/console/audit/export?format=csv".to_owned(),
    ];
    for path in paths {
        let page = browser.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.body.contains(['\u{202e}', '\u{2066}', '\u{9b}']), "{path}: {}", page.body);
        let escaped = page.body.replace("\\\\u", "\\u");
        assert!(escaped.contains(shown) || escaped.contains("ada\\u{202e}"), "{path}: {}", page.body);
    }
    let erase = browser.get(&format!("/console/devices/{device}/commands/lock")).await;
    assert!(erase.body.contains(shown), "{}", erase.body);
    // The search field keeps the search text unescaped.
    let searched = browser.get("/console/devices?q=%E2%80%AEenohPi").await;
    assert_eq!(searched.attribute("#q", "value").as_deref(), Some("\u{202e}enohPi"));
    assert_eq!(searched.texts("tbody th a"), [shown]);
    server.stop().await;
}
