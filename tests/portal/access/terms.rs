//! Tests of terms of use: each person is asked once per version, and the acceptance is recorded.

use super::{enrollments, guest, text};
use events::Event;
use events::enrollment::{EnrollmentEvent, Ownership};
use events::person::PersonEvent;
use events::settings::Terms;
use harness::TestServer;
use harness::guest::{Answer, Guest};
use harness::guest::{PASSWORD, server};
use scraper::{Html, Selector};
use std::collections::BTreeMap;

const ENGLISH: &str = "Your device *stays* yours.\n\n<script>alert(1)</script>\n\n* Keep a passcode.";
const GERMAN: &str = "Dein Gerät bleibt deins.";

async fn set(server: &TestServer, version: &str, texts: &[(&str, &str)]) {
    let text: BTreeMap<_, _> = texts.iter().map(|(tag, text)| ((*tag).to_owned(), (*text).to_owned())).collect();
    let terms = Terms { version: version.to_owned(), text };
    server
        .settings(|settings| {
            settings.ownership_kinds = [Ownership::Personal].into();
            settings.terms = [(Ownership::Personal, terms)].into();
        })
        .await;
}

/// Returns the fields that Safari sends when the person taps the button.
fn fields(page: &Answer) -> Vec<(String, String)> {
    let page = Html::parse_document(&page.body);
    let hidden = Selector::parse("form#continue input[type=hidden]:not([name=csrf])").unwrap();
    let value = |field: scraper::ElementRef<'_>, name| field.attr(name).unwrap().to_owned();
    page.select(&hidden).map(|field| (value(field, "name"), value(field, "value"))).collect()
}

async fn accept(guest: &mut Guest, page: &Answer) -> Answer {
    let fields = fields(page);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    guest.post("/enroll/terms", &fields).await
}

/// Returns version, language and hash of every acceptance.
async fn accepted(server: &TestServer) -> Vec<(String, String, String)> {
    let accepted = enrollments(server).await.into_iter().filter_map(|event| match event {
        EnrollmentEvent::TermsAccepted { version, language, text_hash, .. } => Some((version, language, text_hash)),
        _ => None,
    });
    accepted.collect()
}

async fn requested(server: &TestServer) -> Vec<String> {
    let requested = enrollments(server).await.into_iter().filter_map(|event| match event {
        EnrollmentEvent::TermsRequested { version, .. } => Some(version),
        _ => None,
    });
    requested.collect()
}

fn hash(text: &str) -> String {
    hex::encode(openssl::sha::sha256(text.as_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn terms_are_asked_once_per_version_and_language_and_text_are_on_record() {
    let server = server().await;
    set(&server, "1", &[("en", ENGLISH), ("de", GERMAN)]).await;
    let mut first = guest(&server, "17.5");
    first.languages = "de".into();
    assert_eq!(first.sign_in("ada", PASSWORD).await.led_to(), Some("/enroll/terms"));
    let page = first.get("/enroll/terms").await;
    assert!(text(&page).contains("Dein Gerät bleibt deins.") && text(&page).contains("Fassung 1"), "{}", text(&page));
    assert_eq!(accept(&mut first, &page).await.led_to(), Some("/enroll/ca"));
    assert_eq!(accepted(&server).await, [("1".to_owned(), "de".to_owned(), hash(GERMAN))]);
    let kept = server.events_of("person").await;
    assert!(kept.iter().any(
        |event| matches!(event, Event::Person(PersonEvent::TermsAcceptanceKept { version, .. }) if version == "1")
    ));
    // The same version is not requested again, in any language.
    assert_eq!(guest(&server, "17.5").sign_in("ada", PASSWORD).await.led_to(), Some("/enroll/ca"));
    // A new version is requested. If there is no text in the page's language, the page shows the English text and says
    // so.
    set(&server, "2", &[("en", ENGLISH), ("de", GERMAN)]).await;
    let mut third = guest(&server, "17.5");
    third.languages = "ja".into();
    assert_eq!(third.sign_in("ada", PASSWORD).await.led_to(), Some("/enroll/terms"));
    let page = third.get("/enroll/terms").await;
    let html = Html::parse_document(&page.body);
    assert_eq!(html.select(&Selector::parse("html[lang=ja] div[lang=en] em").unwrap()).count(), 1);
    assert!(!page.body.contains("alert(1)"), "the page contains no active content from the text");
    accept(&mut third, &page).await;
    assert_eq!(accepted(&server).await[1], ("2".to_owned(), "en".to_owned(), hash(ENGLISH)));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn terms_that_change_while_they_are_read_are_shown_again_and_nothing_is_accepted() {
    let server = server().await;
    set(&server, "1", &[("en", "The old text.")]).await;
    let mut guest = guest(&server, "17.5");
    guest.sign_in("ada", PASSWORD).await;
    let old = guest.get("/enroll/terms").await;
    // A new version: it is requested, and the request is recorded.
    set(&server, "2", &[("en", "The new text.")]).await;
    let again = accept(&mut guest, &old).await;
    assert_eq!(again.status, 409);
    assert!(text(&again).contains("The terms changed") && text(&again).contains("The new text."), "{}", text(&again));
    assert_eq!((requested(&server).await, accepted(&server).await.len()), (vec!["1".to_owned(), "2".to_owned()], 0));
    // A new text of the same version: it is shown, but no new request is recorded.
    set(&server, "2", &[("en", "The new text, mended.")]).await;
    let mended = accept(&mut guest, &again).await;
    assert_eq!(mended.status, 409);
    assert!(text(&mended).contains("mended"), "{}", text(&mended));
    assert_eq!((requested(&server).await.len(), accepted(&server).await.len()), (2, 0));
    assert_eq!(accept(&mut guest, &mended).await.led_to(), Some("/enroll/ca"));
    assert_eq!(accepted(&server).await, [("2".to_owned(), "en".to_owned(), hash("The new text, mended."))]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_the_text_that_is_shown_can_be_accepted() {
    let server = server().await;
    set(&server, "1", &[("en", ENGLISH), ("de", GERMAN)]).await;
    let mut guest = guest(&server, "17.5");
    guest.sign_in("ada", PASSWORD).await;
    let form = |version: &'static str, language: &'static str, hash: String| {
        [("version", version.to_owned()), ("text_language", language.to_owned()), ("text_hash", hash)]
    };
    for (form, status) in [
        (form("1", "en", hash("Another text.")), 409),
        (form("1", "de", hash(ENGLISH)), 409),
        // There is no Japanese text, so the person cannot have read it.
        (form("1", "ja", hash(ENGLISH)), 409),
        (form("7", "en", hash(ENGLISH)), 409),
        (form("1", "tlh", hash(ENGLISH)), 400),
    ] {
        guest.get("/enroll/terms").await;
        let fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(guest.post("/enroll/terms", &fields).await.status, status, "{fields:?}");
    }
    guest.get("/enroll/terms").await;
    assert_eq!(guest.post("/enroll/terms", &[("version", "1")]).await.status, 400);
    assert!(accepted(&server).await.is_empty());
    assert_eq!(guest.get("/enroll/ca").await.led_to(), Some("/enroll/terms"), "the step cannot be skipped");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_accept_is_logged_out_and_nothing_was_installed() {
    let server = server().await;
    set(&server, "1", &[("en", ENGLISH)]).await;
    let mut guest = guest(&server, "17.5");
    guest.sign_in("ada", PASSWORD).await;
    let page = text(&guest.get("/enroll/terms").await);
    assert!(page.contains("I do not accept") && page.contains("you are signed out and nothing"), "{page}");
    assert_eq!(guest.post("/enroll/sign-out", &[]).await.led_to(), Some("/enroll/sign-in"));
    assert_eq!(guest.get("/enroll/terms").await.led_to(), Some("/enroll/sign-in"));
    let events = enrollments(&server).await;
    assert_eq!(events.last(), Some(&EnrollmentEvent::SignedOut {}));
    assert!(accepted(&server).await.is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn terms_that_are_taken_back_while_they_are_read_lead_to_a_new_start() {
    let server = server().await;
    set(&server, "1", &[("en", ENGLISH)]).await;
    let mut guest = guest(&server, "17.5");
    guest.sign_in("ada", PASSWORD).await;
    let page = guest.get("/enroll/terms").await;
    server.settings(|settings| settings.terms.clear()).await;
    let withdrawn = accept(&mut guest, &page).await;
    assert_eq!(withdrawn.status, 409);
    assert!(text(&withdrawn).contains("no longer need to accept terms"), "{}", text(&withdrawn));
    guest.post("/enroll/sign-out", &[]).await;
    assert_eq!(guest.sign_in("ada", PASSWORD).await.led_to(), Some("/enroll/ca"));
    server.stop().await;
}
