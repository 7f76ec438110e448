//! Values that must never appear in a log line or a metric, checked after whole enrollments.

use events::log::Entry;
use harness::cast::{Scene, Visitor};
use harness::logs;
use serde_json::{Value, json};
use simulator::model::Family;
use std::collections::BTreeSet;

/// Shorter values can occur in other words by chance.
const SHORTEST: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_and_no_secret_is_logged_or_counted() {
    let scene = Scene::set().await;
    let _personal = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    let _institutional = scene.enroll(Visitor::institutional(Family::IPad, "17.5")).await;
    let mut secrets = BTreeSet::from(["a long walk in eleven steps".to_owned(), "ada@appleid.example.com".to_owned()]);
    for entry in scene.server.whole_log().await {
        secrets.extend(personal(&entry));
    }
    // The server itself listens on this address and logs it.
    secrets.remove("127.0.0.1");
    assert!(secrets.len() > 10, "the enrollments have enough values to search for: {secrets:?}");

    let metrics = scene.server.metrics().await;
    for counted in ["muster_check_ins_total{message=\"TokenUpdate\"} 2", "muster_pushes_total{outcome=\"accepted\"}"] {
        assert!(metrics.contains(counted), "{counted} is missing in {metrics}");
    }
    let logged = logs::so_far();
    assert!(
        logged.contains("\"route\":\"/enroll/profile/{token}.mobileconfig\""),
        "requests are logged with their route"
    );
    for place in [&logged, &metrics] {
        for secret in &secrets {
            let line = place.lines().find(|line| line.contains(secret.as_str()));
            assert_eq!(line, None, "{secret:?} is in the output");
        }
        assert_eq!(bearer(place), None, "a cookie, a link or a challenge is in the output");
    }
    scene.strike().await;
}

/// Returns every personal value of an event.
fn personal(entry: &Entry) -> Vec<String> {
    let mut found = Vec::new();
    collect(&entry.event.to_parts().1, &mut found);
    collect(&json!(entry.source), &mut found);
    found.retain(|value| value.len() >= SHORTEST);
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => match fields.get("$personal") {
            Some(sealed) => texts(&sealed["value"], found),
            None => fields.values().for_each(|value| collect(value, found)),
        },
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

/// Returns a text of the form `<what>.<256 bits in base64url>`, the form of cookies, links and challenges.
fn bearer(text: &str) -> Option<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
    words
        .into_iter()
        .find(|word| word.rsplit_once('.').is_some_and(|(what, secret)| !what.is_empty() && secret.len() == 43))
}

#[test]
fn a_cookie_in_a_line_is_found() {
    let line = "cookie: 0190a1b2-0000-7000-8000-000000000000.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA; x";
    assert!(bearer(line).is_some());
    assert_eq!(bearer("events.db muster.toml 0190a1b2.1763858000"), None);
}
