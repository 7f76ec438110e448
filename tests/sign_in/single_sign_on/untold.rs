//! Access rules on groups that a provider did not send: nobody is accepted by chance, and the help desk sees what
//! arrived.

use super::enrollment_events;
use super::tokens::{come_back_with, stage, strike};
use events::enrollment::{Absence, AttributeName, EnrollmentEvent, EnrollmentId, EnrollmentRefusal, Untold, help_code};
use events::log::Entry;
use events::settings::{AccessRule, Settings};
use events::staff::Privilege;
use harness::TestServer;
use harness::binary::{Said, muster_at};
use harness::desk::Browser;
use harness::logs;
use identity::config::Absent;
use serde_json::json;

const LEAVERS: &str = r#"
    [[access]]
    name = "Leavers"
    who = { group = 'leavers' }
    enroll = []

    [[access]]
    name = "Everybody else"
    who = "everyone"
    enroll = ["institutional"]
"#;

fn rules(text: &str) -> Vec<AccessRule> {
    toml::from_str::<Settings>(text).unwrap().access
}

async fn enrollment_entries(server: &TestServer) -> Vec<Entry> {
    let log = server.whole_log().await;
    log.into_iter().filter(|entry| entry.stream.category() == "enrollment").collect()
}

async fn refusals(server: &TestServer) -> Vec<EnrollmentRefusal> {
    let refused = enrollment_events(server).await.into_iter().filter_map(|event| match event {
        EnrollmentEvent::EnrollmentRefused { why } => Some(why),
        _ => None,
    });
    refused.collect()
}

/// Runs `muster access explain` for the enrollment with this help code.
async fn explain(server: &TestServer, code: &str) -> Said {
    let (config, code) = (server.config_file(), code.to_owned());
    let said = tokio::task::spawn_blocking(move || muster_at(&config, &["access", "explain", "--visit", &code], ""));
    said.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_groups_for_one_token_are_not_taken_for_none_and_their_address_is_not_asked() {
    let (server, hostile) = stage(|config| config.absent_groups = Absent::None).await;
    server.settings(|settings| settings.access = rules(LEAVERS)).await;
    let graph = format!("{}/graph", hostile.issuer);
    let answer = come_back_with(&server, &hostile, |nonce| {
        let mut token = hostile.token(nonce);
        token.claims.as_object_mut().unwrap().remove("groups");
        token.claims["_claim_names"] = json!({ "groups": "src1" });
        token.claims["_claim_sources"] = json!({ "src1": { "endpoint": graph } });
        token.honest()
    });
    assert_eq!(answer.await.led_to(), Some("/enroll/stopped"));
    assert_eq!(hostile.asked("/graph"), 0);
    assert_eq!(refusals(&server).await, [EnrollmentRefusal::AccessUnknown]);
    let untold = vec![Untold { attribute: AttributeName::Groups, why: Absence::Elsewhere }];
    let decided = enrollment_events(&server).await.into_iter().find_map(|event| match event {
        EnrollmentEvent::AccessDecided { access } => Some(access),
        _ => None,
    });
    assert_eq!(decided.map(|access| access.untold), Some(untold));
    let line = logs::so_far().lines().any(|line| line.contains("did not report") && line.contains("Elsewhere"));
    assert!(line, "{}", logs::so_far());
    strike(server, hostile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_is_shown_on_the_page_of_the_enrollment_and_explained_by_its_help_code() {
    let (server, hostile) = stage(|config| config.claims = vec!["department".into()]).await;
    server.settings(|settings| settings.access = rules(LEAVERS)).await;
    let with_groups = async |groups: Option<&[&str]>| {
        come_back_with(&server, &hostile, |nonce| {
            let mut token = hostile.token(nonce);
            token.claims.as_object_mut().unwrap().remove("groups");
            if let Some(groups) = groups {
                token.claims["groups"] = json!(groups);
            }
            token.claims["department"] = json!("Physics");
            token.honest()
        })
        .await
    };
    assert_eq!(with_groups(Some(&["/staff", "/Leavers"])).await.led_to(), Some("/enroll/ca"));
    assert_eq!(with_groups(Some(&["Leavers"])).await.led_to(), Some("/enroll/stopped"));
    assert_eq!(with_groups(None).await.led_to(), Some("/enroll/stopped"));
    server.caught_up().await;
    let browser = Browser::signed_in(&server, "helen", &[Privilege::HelpDesk]).await;
    let mut seen = vec![];
    for entry in enrollment_entries(&server).await {
        let EnrollmentEvent::AttributesReceived { .. } = EnrollmentEvent::try_from(entry.event.clone()).unwrap() else {
            continue;
        };
        let id = entry.stream.id().to_owned();
        let page = browser.get(&format!("/console/visits/{id}")).await;
        assert_eq!(page.status, 200, "{}", page.body);
        assert!(page.texts("dd").iter().any(|fact| fact.contains("department: Physics")), "{}", page.body);
        let code = help_code(EnrollmentId(id.parse().unwrap()));
        let said = explain(&server, &code).await.expect_success();
        seen.push((page.texts("dd").join(" | "), said));
    }
    let [(page, said), (_, shut_out), (silent, refused)] = &seen[..] else { panic!("{seen:?}") };
    assert!(page.contains("/Leavers, /staff (from school)"), "{page}");
    assert!(said.contains("groups: \"/Leavers\", \"/staff\"") && said.contains("\"Everybody else\": YES"), "{said}");
    assert!(shut_out.contains("\"Leavers\": YES"), "{shut_out}");
    assert!(silent.contains("the provider did not send them"), "{silent}");
    assert!(refused.contains("\"Leavers\": PERHAPS") && refused.contains("it is REFUSED"), "{refused}");
    // A code that no enrollment has.
    let nobody = explain(&server, "000-000").await;
    assert!(nobody.code != Some(0) && nobody.err.contains("no enrollment has the help code"), "{nobody:?}");
    strike(server, hostile).await;
}
