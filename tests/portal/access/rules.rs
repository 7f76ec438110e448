//! Tests of access rules, which are evaluated at sign-in.

use super::{enrollments, guest, rules, server_with, text};
use events::enrollment::{Access, EnrollmentEvent, EnrollmentRefusal, Ownership};
use events::staff::Privilege;
use harness::TestServer;
use harness::desk::Browser;
use harness::directory::slapd::{self, Slapd};
use harness::guest::{PASSWORD, server};
use harness::test_name;

const RULES: &str = r#"
    [[access]]
    name = "Physicists"
    who = { claim = { name = "department", value = "physics" } }
    enroll = ["personal"]

    [[access]]
    name = "Staff"
    who = { group = "CN=Staff (all)*,OU=groups,DC=example,DC=test" }
    provider = "main"
    enroll = ["institutional"]
    account_driven = true

    [[access]]
    name = "Local accounts"
    who = "everyone"
    provider = "local"
    enroll = ["personal", "institutional"]
"#;

async fn decided(server: &TestServer) -> Vec<Access> {
    let decided = enrollments(server).await.into_iter().filter_map(|event| match event {
        EnrollmentEvent::AccessDecided { access } => Some(access),
        _ => None,
    });
    decided.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_rule_about_somebody_decides_at_sign_in_by_claim_group_and_provider() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let server = server_with(&slapd).await;
    server.add_user("carol", PASSWORD, &[Privilege::Enroll]).await;
    server.settings(|settings| settings.access = rules(RULES)).await;
    let sign_in = async |name: &str, password: &str| {
        let mut guest = guest(&server, "17.5");
        let answer = guest.sign_in(name, password).await;
        answer.led_to().map(str::to_owned)
    };
    // Ada is also in the group of the second rule, but the rule for physicists comes first. It allows only one
    // ownership, so she does not choose.
    assert_eq!(sign_in("ada", slapd::PASSWORD).await.as_deref(), Some("/enroll/ca"));
    assert_eq!(sign_in("grace", slapd::PASSWORD).await.as_deref(), Some("/enroll/ca"));
    assert_eq!(sign_in("carol", PASSWORD).await.as_deref(), Some("/enroll/ownership"));
    assert_eq!(sign_in("alan", slapd::PASSWORD).await.as_deref(), Some("/enroll/stopped"));
    let decided = decided(&server).await;
    let rules: Vec<Option<&str>> = decided.iter().map(|access| access.rule.as_deref()).collect();
    assert_eq!(rules, [Some("Physicists"), Some("Staff"), Some("Local accounts"), None]);
    let providers: Vec<&str> = decided.iter().map(|access| access.provider.as_str()).collect();
    assert_eq!(providers, ["main", "main", "local", "main"]);
    let chosen: Vec<Ownership> = enrollments(&server)
        .await
        .into_iter()
        .filter_map(|event| match event {
            EnrollmentEvent::OwnershipChosen { ownership, .. } => Some(ownership),
            _ => None,
        })
        .collect();
    assert_eq!(chosen, [Ownership::Personal, Ownership::Institutional]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_no_rule_permits_anything_is_told_so_and_what_to_do_before_any_other_page() {
    let server = server().await;
    let nobody = r#"
        [[access]]
        name = "Nobody"
        who = "everyone"
        enroll = []
    "#;
    server.settings(|settings| settings.access = rules(nobody)).await;
    let mut guest = guest(&server, "17.5");
    assert_eq!(guest.sign_in("ada", PASSWORD).await.led_to(), Some("/enroll/stopped"));
    let page = text(&guest.get("/enroll/stopped").await);
    for part in
        ["does not allow your account to enroll", "ask your help desk", "Help code", "Signed in as ada", "Start again"]
    {
        assert!(page.contains(part), "{part:?} is not in {page:?}");
    }
    for beyond in ["ownership", "terms", "ca", "mdm"] {
        assert_eq!(guest.get(&format!("/enroll/{beyond}")).await.led_to(), Some("/enroll/stopped"), "{beyond}");
    }
    let refused = EnrollmentEvent::EnrollmentRefused { why: EnrollmentRefusal::NotPermitted };
    assert!(enrollments(&server).await.contains(&refused));
    // The help desk sees the rule that applied, not a message that no rule applied.
    server.caught_up().await;
    let desk = Browser::signed_in(&server, "heidi", &[Privilege::HelpDesk]).await;
    let enrollment = desk.get("/console/visits?state=refused").await.attribute("tbody a", "href").unwrap();
    let page = desk.get(&enrollment).await.body;
    assert!(page.contains("enroll the device here. The access rule “Nobody” applies: may enroll nothing."), "{page}");
    assert!(page.contains("Enrollment refused: the access rules do not permit it"), "{page}");
    assert!(!page.contains("No access rule") && !page.contains("no access rule"), "{page}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_account_without_the_privilege_learns_no_more_than_from_a_wrong_password() {
    let server = server().await;
    server.add_user("grace", PASSWORD, &[Privilege::Auditor]).await;
    server
        .settings(|settings| {
            settings.access = rules("[[access]]\nname = 'All'\nwho = 'everyone'\nenroll = ['personal']")
        })
        .await;
    let mut pages = Vec::new();
    for (name, password) in [("grace", PASSWORD), ("ada", "a wrong password")] {
        let mut guest = guest(&server, "17.5");
        let answer = guest.sign_in(name, password).await;
        pages.push((answer.status, text(&answer).split("Help code").next().unwrap().to_owned()));
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[0].0, 401);
    assert!(decided(&server).await.is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_enroll_from_settings_only_is_led_there() {
    let server = server().await;
    let rule = "[[access]]\nname = 'All'\nwho = 'everyone'\naccount_driven = true";
    server.settings(|settings| settings.access = rules(rule)).await;
    let mut guest = guest(&server, "17.5");
    guest.sign_in("ada", PASSWORD).await;
    let page = text(&guest.get("/enroll/stopped").await);
    assert!(page.contains("Enroll in Settings instead"), "{page}");
    server.stop().await;
}
