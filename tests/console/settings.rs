//! Settings in the console: display, changes based on the displayed version, refusal of invalid or concurrent changes.

use events::Event;
use events::envelope::ActorKind;
use events::settings::SettingsEvent;
use events::staff::{Privilege, StaffActivityEvent};
use harness::TestServer;
use harness::desk::{Browser, form};
use std::sync::Arc;
use world::{ManualClock, World};

async fn changes(server: &TestServer) -> Vec<(ActorKind, SettingsEvent)> {
    let log = server.log_of(&events::settings::stream()).await.into_iter();
    log.filter_map(|entry| match entry.event {
        Event::Settings(event) => Some((entry.actor.kind, event)),
        _ => None,
    })
    .collect()
}

#[tokio::test]
async fn an_administrator_sees_what_would_change_and_applies_it() {
    let server = TestServer::start().await;
    let browser = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    let before = changes(&server).await.len();
    let viewed = async || {
        let access = server.events_of("access").await.into_iter();
        access.filter(|event| *event == Event::StaffActivity(StaffActivityEvent::SettingsViewed {})).count()
    };
    let page = browser.get("/console/settings/change").await;
    assert_eq!(viewed().await, 1, "the form shows the settings, so it is recorded");
    let (text, over) = form(&page);
    assert!(text.contains("organization = \"Example School\""), "{text}");
    // Browsers send line breaks in forms as CR LF.
    let changed = text.replace("Example School", "Another School").replace('\n', "\r\n");
    let csrf = page.csrf();
    let fields = [("csrf", csrf.as_str()), ("text", changed.as_str()), ("over", over.as_str())];

    let preview = browser.post("/console/settings/preview", &fields).await;
    assert_eq!(preview.status, 200, "{}", preview.body);
    assert_eq!(preview.texts("main pre"), [r#"organization: "Example School" -> "Another School""#]);
    assert_eq!(changes(&server).await.len(), before, "a preview changes nothing");

    let applied = browser.post("/console/settings/apply", &fields).await;
    assert_eq!((applied.status, applied.location()), (303, "/console/settings"), "{}", applied.body);
    assert_eq!(server.app().settings.current().await.unwrap().organization, "Another School");
    let changes = changes(&server).await;
    let (actor, SettingsEvent::SettingsChanged { whole, changes: told, .. }) = changes.last().unwrap();
    assert_eq!((*actor, changes.len(), whole), (ActorKind::Staff, before + 1, &None));
    let expected = serde_json::json!({ "organization": { "before": "Example School", "after": "Another School" } });
    assert_eq!(serde_json::to_value(told).unwrap(), expected, "only the changed settings");

    let page = browser.get("/console/settings").await;
    let newest = &page.texts("details.card")[0];
    assert!(newest.contains("root of Example School") && newest.contains("-> \"Another School\""), "{newest}");
    assert_eq!(viewed().await, 2);
    server.stop().await;
}

#[tokio::test]
async fn settings_that_make_no_sense_are_not_applied_and_the_page_says_why() {
    let server = TestServer::start().await;
    let browser = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    let page = browser.get("/console/settings/change").await;
    let ((text, over), csrf) = (form(&page), page.csrf());
    let before = server.app().settings.current().await.unwrap();
    for (typed, why) in [
        (text.replace("Example School", ""), "organization is empty"),
        ("organisation = \"Example School\"".to_owned(), "unknown field"),
        ("organization = ".to_owned(), "line 1"),
    ] {
        for path in ["/console/settings/preview", "/console/settings/apply"] {
            let fields = [("csrf", csrf.as_str()), ("text", typed.as_str()), ("over", over.as_str())];
            let answer = browser.post(path, &fields).await;
            let said = answer.texts("[role=alert]").join(" ");
            assert!(said.contains(why), "{path}: {said:?}");
            assert_eq!(form(&answer).0.trim(), typed.trim(), "the input is kept");
        }
    }
    assert_eq!(server.app().settings.current().await.unwrap(), before);
    server.stop().await;
}

#[tokio::test]
async fn what_another_applied_in_the_meantime_is_not_overwritten() {
    let server = TestServer::start().await;
    let browser = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    let page = browser.get("/console/settings/change").await;
    let ((text, over), csrf) = (form(&page), page.csrf());
    server.settings(|settings| settings.help = Some("Room 12".into())).await;
    let mine = text.replace("Example School", "Another School");
    let fields = [("csrf", csrf.as_str()), ("text", mine.as_str()), ("over", over.as_str())];
    let answer = browser.post("/console/settings/apply", &fields).await;
    assert_eq!(answer.status, 409, "{}", answer.body);
    let settings = server.app().settings.current().await.unwrap();
    assert_eq!((settings.help.as_deref(), settings.organization.as_str()), (Some("Room 12"), "Example School"));
    server.stop().await;
}

#[tokio::test]
async fn settings_change_only_after_a_proof_of_these_minutes_and_what_was_typed_is_kept() {
    let clock = Arc::new(ManualClock::at(World::system().now()));
    let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    let browser = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    let page = browser.get("/console/settings/change").await;
    let ((text, over), csrf) = (form(&page), page.csrf());
    clock.advance_seconds(6 * 60);
    let mine = text.replace("Example School", "Another School");
    let fields = [("csrf", csrf.as_str()), ("text", mine.as_str()), ("over", over.as_str())];
    let answer = browser.post("/console/settings/apply", &fields).await;
    assert_eq!(answer.status, 200);
    assert!(answer.texts("[role=alert]")[0].contains("Confirm in a new tab"), "{}", answer.body);
    assert_eq!(form(&answer).0.trim(), mine.trim());
    assert_eq!(server.app().settings.current().await.unwrap().organization, "Example School");
    server.stop().await;
}

#[tokio::test]
async fn nobody_else_sees_or_changes_the_settings() {
    let server = TestServer::start().await;
    let admin = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    let (text, over) = form(&admin.get("/console/settings/change").await);
    for (name, role) in [("grace", Privilege::Auditor), ("heidi", Privilege::HelpDesk)] {
        let browser = Browser::signed_in(&server, name, &[role]).await;
        let csrf = browser.get("/console").await;
        let csrf = browser.get(csrf.location()).await.csrf();
        for path in ["/console/settings", "/console/settings/change"] {
            assert_eq!(browser.get(path).await.status, 403, "{name} {path}");
        }
        let mine = text.replace("Example School", "Another School");
        let fields = [("csrf", csrf.as_str()), ("text", mine.as_str()), ("over", over.as_str())];
        for path in ["/console/settings/preview", "/console/settings/apply"] {
            assert_eq!(browser.post(path, &fields).await.status, 403, "{name} {path}");
        }
    }
    let refused = server.events_of("access").await.into_iter().filter(
        |event| matches!(event, Event::StaffActivity(StaffActivityEvent::AccessRefused { act, .. }) if act == "change settings"),
    );
    assert_eq!(refused.count(), 8);
    assert_eq!(server.app().settings.current().await.unwrap().organization, "Example School");
    server.stop().await;
}

#[tokio::test]
async fn a_change_is_seen_at_once_and_each_position_of_the_log_has_its_settings() {
    let server = TestServer::start().await;
    let app = server.app();
    for nth in 0..20 {
        server.settings(|settings| settings.help = Some(format!("Room {nth}"))).await;
        assert_eq!(app.settings.current().await.unwrap().help, Some(format!("Room {nth}")));
    }
    let log = server.log_of(&events::settings::stream()).await;
    for (nth, change) in log.iter().skip(1).enumerate() {
        let then = app.settings.at(change.position).await.unwrap();
        assert_eq!(then.help, Some(format!("Room {nth}")), "at {:?}", change.position);
    }
    let wholes = log
        .iter()
        .filter(|entry| matches!(&entry.event, Event::Settings(SettingsEvent::SettingsChanged { whole: Some(_), .. })));
    assert_eq!(wholes.count(), 1, "only the first event contains all settings");
    server.stop().await;
}

#[tokio::test]
async fn settings_of_an_older_version_in_the_log_are_understood_and_gone_on_from() {
    let server = TestServer::start().await;
    let before = serde_json::json!({ "organization": "Example School", "abandon_after_hours": 24 });
    let after = serde_json::json!({ "organization": "Old School", "abandon_after_hours": 48, "limits": { "models": ["iPad"] } });
    let world = &server.app().platform.world;
    let old = events::envelope::NewEvent {
        id: events::envelope::EventId::fresh(world),
        event_type: "SettingsChanged".into(),
        version: 1,
        at: world.now(),
        actor: events::Actor::new(ActorKind::Operator, "command-line"),
        source: serde_json::Value::Null,
        correlation: world.uuid(),
        causation: None,
        data: serde_json::json!({ "before": before, "after": after }),
    };
    let expected = events::store::Expected::Any;
    server.app().platform.log.store().append(&events::settings::stream(), expected, vec![old]).await.unwrap();
    let told = server.app().settings.current().await.unwrap();
    assert_eq!((told.organization.as_str(), told.abandon_after_hours), ("Old School", 48));
    assert!(told.limits.models.contains("iPad"));
    server.settings(|settings| settings.help = Some("Room 12".into())).await;
    let told = server.app().settings.current().await.unwrap();
    assert_eq!((told.organization.as_str(), told.help.as_deref()), ("Old School", Some("Room 12")));
    assert!(told.limits.models.contains("iPad"));
    let browser = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    server.caught_up().await;
    let shown = browser.get("/console/settings").await.texts("details.card").join("\n");
    assert!(shown.contains("\"Example School\" -> \"Old School\"") && shown.contains("limits.models"), "{shown}");
    server.stop().await;
}
