//! Tests of rules that exclude people. Such a rule must apply even if the directory writes the group's name
//! differently, and must not be skipped because a provider did not return groups or claims.

use super::settings::{with_providers, write};
use super::{enrollments, guest, rules, server_with, text, toml_settings};
use events::enrollment::{EnrollmentEvent, EnrollmentRefusal};
use events::staff::Privilege;
use harness::TestServer;
use harness::binary::muster_at;
use harness::directory::slapd::{self, GROUPS, PASSWORD, Slapd};
use harness::directory::{changed, proven, verdict};
use harness::installation;
use harness::test_name;
use identity::config::{Absent, Groups};

const LEAVERS: &str = r#"
    [[access]]
    name = "Leavers"
    who = { group = 'cn=Leavers\, suspended,ou=groups,dc=example,dc=test' }
    enroll = []

    [[access]]
    name = "Everybody else"
    who = "everyone"
    enroll = ["institutional"]
"#;

fn group_of(name: &str, member: &str) -> String {
    format!(
        "dn: cn={name},{GROUPS}\nchangetype: add\nobjectClass: groupOfNames\nmember: uid={member},ou=people,dc=example,dc=test\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_finds_its_group_however_the_directory_writes_its_name() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    slapd.modify(&group_of("Leavers\\, suspended", "alan"));
    let server = server_with(&slapd).await;
    server.settings(|settings| settings.access = rules(LEAVERS)).await;
    for (name, led_to) in [("alan", "/enroll/stopped"), ("grace", "/enroll/ca")] {
        assert_eq!(guest(&server, "17.5").sign_in(name, PASSWORD).await.led_to(), Some(led_to), "{name}");
    }
    // slapd escapes the comma differently than the rule does.
    let received = enrollments(&server).await.into_iter().find_map(|event| match event {
        EnrollmentEvent::AttributesReceived { attributes, .. } => attributes.get().cloned(),
        _ => None,
    });
    let groups = received.unwrap().groups;
    assert!(groups.iter().any(|group| group.starts_with("cn=Leavers\\2C suspended,")), "{groups:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_that_the_searcher_may_not_read_are_not_known_and_those_that_are_not_there_are_none() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let hiding = Slapd::start_with("access to attrs=memberOf,departmentNumber by * none");
    let open = Slapd::start();
    let untold = async |slapd: &Slapd, name: &str, absent: Absent| {
        let ldap = changed(slapd, |config| {
            config.groups = Groups::MemberOf {};
            config.department_attribute = Some("departmentNumber".into());
            (config.absent_groups, config.absent_claims) = (absent, absent);
        });
        let account = proven(verdict(&ldap, name, PASSWORD).await);
        (account.groups.len(), account.untold.groups.is_some(), account.untold.claims.len())
    };
    // Alan is in no group and has no departmentNumber. This directory shows both attributes, so nothing is unknown.
    assert_eq!(untold(&open, "alan", Absent::Unknown).await, (0, false, 0));
    assert_eq!(untold(&open, "ada", Absent::Unknown).await, (2, false, 0));
    // Ada is in groups, but this directory does not maintain memberOf.
    let keeping_none = Slapd::start_keeping_no_member_of();
    assert_eq!(untold(&keeping_none, "ada", Absent::Unknown).await, (0, true, 0));
    // Ada is in groups, but this directory hides them.
    for name in ["ada", "alan"] {
        assert_eq!(untold(&hiding, name, Absent::Unknown).await, (0, true, 1), "{name}");
        assert_eq!(untold(&hiding, name, Absent::None).await, (0, false, 0), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_about_what_the_directory_does_not_show_lets_nobody_in_by_chance() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start_with("access to attrs=memberOf by * none");
    slapd.modify(&group_of("Leavers\\, suspended", "alan"));
    let server = server_with(&slapd).await;
    server.settings(|settings| settings.access = rules(LEAVERS)).await;
    let mut alan = guest(&server, "17.5");
    let stopped = alan.sign_in("alan", PASSWORD).await;
    assert_eq!(stopped.led_to(), Some("/enroll/stopped"));
    let page = text(&alan.get("/enroll/stopped").await);
    assert!(page.contains("We could not check whether you may enroll this iPhone"), "{page}");
    assert_eq!(refusals(&server).await, [EnrollmentRefusal::AccessUnknown]);
    server.stop().await;
}

async fn refusals(server: &TestServer) -> Vec<EnrollmentRefusal> {
    let refused = enrollments(server).await.into_iter().filter_map(|event| match event {
        EnrollmentEvent::EnrollmentRefused { why } => Some(why),
        _ => None,
    });
    refused.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_no_directory_has_is_told_when_settings_are_applied_and_by_the_live_check() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let server = server_with(&slapd).await;
    let settings = |group: &str| {
        let all = toml_settings("[sign_in.enrollment]\ndirectories = [\"main\"]\n");
        let text = toml::to_string(&all).unwrap();
        let text: String = text.lines().filter(|line| *line != "access = []").map(|line| format!("{line}\n")).collect();
        format!("{text}\n[[access]]\nname = \"Staff\"\nwho = {{ group = '{group}' }}\nenroll = [\"institutional\"]\n")
    };
    let config = server.config_file();
    let apply = |group: &str| {
        let file = write(&config, "groups.toml", &settings(group));
        let config = config.clone();
        tokio::task::spawn_blocking(move || muster_at(&config, &["settings", "apply", &file], ""))
    };
    let told = apply("cn=staff (all)*,ou=groups,dc=example,dc=test").await.unwrap();
    assert!(told.code == Some(0) && !told.err.contains("group") && !told.out.contains("is not in"), "{told:?}");
    let told = apply("cn=staff,ou=grops,dc=example,dc=test").await.unwrap();
    let all = format!("{}{}", told.out, told.err);
    assert!(
        told.code == Some(0) && all.contains("the group \"cn=staff,ou=grops,dc=example,dc=test\" is not in \"main\""),
        "{told:?}"
    );
    let told = apply("staff").await.unwrap();
    let all = format!("{}{}", told.out, told.err);
    assert!(told.code == Some(0) && all.contains("\"staff\" is not a distinguished name"), "{told:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_was_renamed_is_an_error_while_the_settings_name_the_old_one() {
    let (_directory, config) = installation().await;
    with_providers(&config);
    let file = write(&config, "ways.toml", include_str!("../../../docs/settings-example.toml"));
    muster_at(&config, &["settings", "apply", &file], "").expect_success();
    let before = muster_at(&config, &["check-config"], "");
    assert!(!before.out.contains("error: settings: "), "{before:?}");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("name = \"school\"", "name = \"college\"")).unwrap();
    let said = muster_at(&config, &["check-config"], "");
    assert!(said.code != Some(0), "{said:?}");
    let wanted = "names \"school\", not in the configuration; available: \"local\", \"main\" or \"college\"";
    assert!(said.out.contains("error: settings: ") && said.out.contains(wanted), "{said:?}");
    assert!(said.out.contains("the server starts, but devices or people cannot use it: 3 errors"), "{said:?}");
    let refused = muster_at(&config, &["settings", "apply", &file], "");
    assert!(refused.code != Some(0) && refused.err.contains("\"school\" is not in the configuration"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_a_local_account_is_found_in_whichever_unicode_form_it_is_typed() {
    let server = TestServer::start().await;
    server.add_user("\u{e9}mile", harness::guest::PASSWORD, &[Privilege::Enroll]).await;
    for typed in ["\u{c9}mile", "e\u{301}mile", " E\u{301}MILE"] {
        let answer = guest(&server, "17.5").sign_in(typed, harness::guest::PASSWORD).await;
        assert_eq!(answer.led_to(), Some("/enroll/ownership"), "{typed:?}: {}", answer.body);
    }
    server.stop().await;
}
