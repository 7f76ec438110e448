//! Tests the output of `muster access explain`.

use super::settings::{with_providers, write};
use super::{guest, server_with, toml_settings};
use events::enrollment::Ownership;
use events::staff::Privilege;
use harness::binary::{Said, muster_at};
use harness::directory::slapd::{self, Slapd};
use harness::guest::PASSWORD;
use harness::test_name;
use harness::{TestServer, installation};

const SETTINGS: &str = r#"
    [sign_in.enrollment]
    local_accounts = true
    directories = ["main"]

    [[access]]
    name = "Local accounts"
    who = "everyone"
    provider = "local"
    enroll = ["institutional"]

    [[access]]
    name = "Mathematicians"
    who = { claim = { name = "department", value = "Mathematics" } }
    enroll = ["institutional"]

    [[access]]
    name = "Staff"
    who = { group = "cn=staff (all)*,ou=groups,dc=example,dc=test" }
    enroll = ["personal", "institutional"]
    terms_required = true
    devices_per_person = 2

    [[access]]
    name = "Everybody"
    who = "everyone"
    enroll = []

    [terms.personal]
    version = "2026-09"
    text = { en = "Be kind." }

    [terms.institutional]
    version = "1"
    text = { en = "Be careful." }

    [limits]
    models = ["iPad", "iPhone"]
    versions = { institutional = { minimum = "16", maximum = "18" }, personal = { minimum = "15.2" } }
"#;

async fn explain(server: &TestServer, arguments: &[&str]) -> Said {
    let config = server.config_file();
    let arguments: Vec<String> = ["access", "explain"].iter().chain(arguments).map(|one| (*one).to_owned()).collect();
    tokio::task::spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        muster_at(&config, &arguments, "")
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_is_told_with_its_reason_and_what_comes_of_the_one_that_decides() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let server = server_with(&slapd).await;
    server.add_user("carol", PASSWORD, &[Privilege::Enroll]).await;
    server.settings(|settings| *settings = toml_settings(SETTINGS)).await;
    let said = explain(&server, &["grace"]).await.expect_success();
    let wanted = r#"grace, grace of Example School (directory "main")
  can sign in at the portal
  groups: "cn=staff (all)*,ou=groups,dc=example,dc=test"
  claims: none

Access rules in order; the first one that matches grace decides:
  1. "Local accounts": no, it is for everyone of "local", but grace is of "main"
  2. "Mathematicians": no, it is for people whose department is "Mathematics", but grace has no such claim
  3. "Staff": YES, it is for the group "cn=staff (all)*,ou=groups,dc=example,dc=test": this rule decides
  4. "Everybody": not evaluated

grace may enroll at the portal: a personal device or a device of the organization.
From Settings, by account: no.
Terms of use for a personal device: version "2026-09" has to be accepted.
Terms of use for a device of the organization: version "1" has to be accepted.
Number of devices: 2 at a time; 0 enrolled now.
Versions of iOS for a personal device: 15.2 and newer; not iOS 18 and newer, which enroll only from Settings.
Versions of iOS for a device of the organization: 16 to 18, including all versions of 18.
Models: "iPad", "iPhone".
"#;
    assert_eq!(said, wanted, "{said}");
    let said = explain(&server, &["carol"]).await.expect_success();
    assert!(said.contains("1. \"Local accounts\": YES, it is for everyone of \"local\": this rule decides"), "{said}");
    assert!(said.contains("Number of devices: not limited; 0 enrolled now."), "{said}");
    let said = explain(&server, &["alan"]).await.expect_success();
    assert!(said.contains("but alan is in no group") || said.contains("but alan is not in this group"), "{said}");
    assert!(
        said.contains("4. \"Everybody\": YES")
            && said.ends_with("alan may not enroll a device at the portal.\nFrom Settings, by account: no.\n"),
        "{said}"
    );
    let said = explain(&server, &["nobody-here"]).await.expect_failure();
    assert!(said.contains("no local account \"nobody-here\", and no account with this name in main"), "{said}");
    server.stop().await;
}

#[tokio::test]
async fn whom_nobody_can_ask_about_is_explained_by_what_is_supposed_and_without_a_server() {
    let (_directory, config) = installation().await;
    with_providers(&config);
    let file = write(&config, "settings.toml", SETTINGS);
    muster_at(&config, &["settings", "apply", &file], "").expect_success();
    let explain = |more: &[&str]| {
        let arguments: Vec<&str> = ["access", "explain", "ada"].iter().chain(more).copied().collect();
        muster_at(&config, &arguments, "")
    };
    let supposed = ["--provider", "school", "--claim", "department=Physics", "--claim", "department=mathematics"];
    let said = explain(&supposed).expect_success();
    assert!(said.starts_with("ada (identity provider \"school\")\n"), "{said}");
    for part in [
        "cannot sign in at the portal: the setting sign_in.enrollment.single_sign_on does not enable \"school\"",
        "no provider was asked: groups and claims are those that you gave",
        "claims: department = \"Physics\", \"mathematics\"",
        "2. \"Mathematicians\": YES, it is for people whose department is \"Mathematics\": this rule decides",
        "ada may enroll at the portal: a device of the organization.",
    ] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    let of_group = ["--provider", "main", "--group", "CN=STAFF (all)*,ou=groups,dc=example,dc=test"];
    let said = explain(&of_group).expect_success();
    assert!(said.contains("3. \"Staff\": YES"), "{said}");
    assert!(said.contains("2 at a time; how many are enrolled is unknown"), "{said}");
    let wrong = |more: &[&str], parts: &[&str]| {
        let said = explain(more).expect_failure();
        parts.iter().for_each(|part| assert!(said.contains(part), "{part:?} is not in {said}"));
    };
    wrong(&["--group", "staff"], &["with --provider", "local, main, school"]);
    wrong(&["--provider", "schol"], &["the provider \"schol\" is not in the configuration", "local, main, school"]);
    wrong(&["--provider", "local"], &["there is no local account \"ada\"", "muster user list"]);
    wrong(&["--provider", "local", "--group", "x"], &["local accounts have no groups"]);
    wrong(&["--claim", "department"], &["NAME=VALUE"]);
    // The directory does not respond.
    wrong(&[], &["\"main\" cannot be queried", "muster check-config --live", "--provider main with --group"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_local_account_it_says_what_stands_in_the_way() {
    let server = TestServer::start().await;
    for (name, privilege) in
        [("ada", Privilege::Enroll), ("carol", Privilege::EnrollForOthers), ("grace", Privilege::Auditor)]
    {
        server.add_user(name, PASSWORD, &[privilege]).await;
    }
    let terms = toml_settings("[terms.personal]\nversion = '1'\ntext = { en = 'Be kind.' }").terms;
    server
        .settings(|settings| {
            settings.terms = terms;
            settings.ownership_kinds = [Ownership::Personal].into();
        })
        .await;
    let said = explain(&server, &["ada"]).await.expect_success();
    assert!(said.contains("There are no access rules: all people who can sign in may enroll"), "{said}");
    assert!(said.contains("version \"1\" has to be accepted"), "{said}");
    let mut ada = guest(&server, "17.5");
    ada.sign_in("ada", PASSWORD).await;
    let page = ada.get("/enroll/terms").await;
    let hash = page.body.split("name=\"text_hash\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    ada.post("/enroll/terms", &[("version", "1"), ("text_language", "en"), ("text_hash", &hash)]).await;
    let said = explain(&server, &["ada"]).await.expect_success();
    assert!(said.contains("version \"1\", accepted already"), "{said}");
    let said = explain(&server, &["carol"]).await.expect_success();
    assert!(said.contains("may enroll for others: the rules are evaluated for the person"), "{said}");
    assert!(said.ends_with("carol may not enroll a device for themselves.\n"), "{said}");
    let said = explain(&server, &["grace"]).await.expect_success();
    assert!(said.contains("lacks the privilege to enroll"), "{said}");
    server.execute(staff::administration::Request::DisableUser { user_name: "ada".into() }).await;
    let said = explain(&server, &["ADA"]).await.expect_success();
    assert!(said.contains("the account is disabled"), "{said}");
    // The command records nothing, because the question is not a fact.
    let before = server.whole_log().await.len();
    explain(&server, &["ada"]).await.expect_success();
    assert_eq!(server.whole_log().await.len(), before);
    server.stop().await;
}
