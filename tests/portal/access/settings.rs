//! Tests settings with the real binary: they are checked before they are applied, and the output of `settings show` can
//! be applied again.

use harness::binary::muster_at;
use harness::installation;
use std::path::Path;

const EXAMPLE: &str = include_str!("../../../docs/settings-example.toml");

/// Adds the directory and the identity provider of the example to the configuration. Neither of them responds.
pub fn with_providers(config: &Path) {
    let here = config.parent().unwrap();
    std::fs::write(here.join("directory.password"), "secret\n").unwrap();
    std::fs::write(here.join("oidc.secret"), "secret\n").unwrap();
    let mut text = std::fs::read_to_string(config).unwrap();
    text.push_str(
        r#"
[[identity.directory]]
name = "main"
servers = ["ldaps://127.0.0.1:1"]
bind_dn = "cn=muster"
bind_password = "directory.password"
base = "dc=school,dc=example"

[[identity.openid_connect]]
name = "school"
title = "School"
issuer = "https://login.school.example"
client_id = "muster"
client_secret = "oidc.secret"
"#,
    );
    std::fs::write(config, text).unwrap();
}

pub fn write(config: &Path, name: &str, text: &str) -> String {
    let path = config.parent().unwrap().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_example_is_applied_shown_and_applied_again() {
    let (_directory, config) = installation().await;
    with_providers(&config);
    let file = write(&config, "example.toml", EXAMPLE);
    let said = muster_at(&config, &["settings", "apply", &file], "").expect_success();
    for line in [
        "access[\"Staff\"]: new",
        "  devices_per_person = 3",
        "limits.versions.personal.minimum: (none) -> \"15.0\"",
        "sign_in.enrollment.directories: [] -> [\"main\"]",
        "terms.institutional.version: (none) -> \"1\"",
        "terms.personal.text.en: (none) -> (a text of 4 lines)",
    ] {
        assert!(said.lines().any(|said| said == line), "{line:?} is not in {said}");
    }
    let shown = muster_at(&config, &["settings", "show"], "").expect_success();
    let file = write(&config, "shown.toml", &shown);
    let again = muster_at(&config, &["settings", "apply", &file], "").expect_success();
    assert_eq!(again, "nothing changed: these are already the current settings\n");
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused_all_at_once_and_nothing_is_applied() {
    let (_directory, config) = installation().await;
    with_providers(&config);
    let before = muster_at(&config, &["settings", "show"], "").expect_success();
    let wrong = EXAMPLE
        .replace("name = \"Suspended\"", "name = \"Staff\"")
        .replace("directories = [\"main\"]", "directories = [\"mian\"]")
        .replace("\"iPhone\"]", "\"Mac\"]")
        .replace("organization = \"Example School\"", "organization = \"Another School\"");
    let file = write(&config, "wrong.toml", &wrong);
    let said = muster_at(&config, &["settings", "apply", &file], "").expect_failure();
    for part in
        ["access rule 2 (\"Staff\"): another rule has this name", "\"mian\" is not in the configuration", "\"Mac\""]
    {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    assert_eq!(muster_at(&config, &["settings", "show"], "").expect_success(), before);
    // An unknown key is an error, too.
    let file = write(&config, "unknown.toml", &EXAMPLE.replace("terms_required", "terms_requried"));
    let said = muster_at(&config, &["settings", "apply", &file], "").expect_failure();
    assert!(said.contains("terms_requried"), "{said}");
    assert_eq!(muster_at(&config, &["settings", "show"], "").expect_success(), before);
}

#[tokio::test]
async fn what_may_not_be_meant_is_said_and_applied_all_the_same() {
    let (_directory, config) = installation().await;
    with_providers(&config);
    let personal_only = EXAMPLE.replace("[\"personal\", \"institutional\"]\n# Skip", "[\"personal\"]\n# Skip");
    let file = write(&config, "personal.toml", &personal_only);
    let said = muster_at(&config, &["settings", "apply", &file], "").expect_success();
    assert!(said.contains("note: access rule 1 (\"Staff\") lets people enroll institutional devices"), "{said}");
    assert!(
        muster_at(&config, &["settings", "show"], "").expect_success().contains("ownership_kinds = [\"personal\"]")
    );
}

#[tokio::test]
async fn a_mute_directory_is_told_once_and_its_groups_are_not_called_missing() {
    let (_directory, config) = installation().await;
    with_providers(&config);
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("https://login.school.example", "https://127.0.0.1:1")).unwrap();
    let file = write(&config, "example.toml", EXAMPLE);
    let applied = muster_at(&config, &["settings", "apply", &file], "").expect_success();
    assert_eq!(applied.matches("could not be looked up").count(), 1, "{applied}");
    let said = muster_at(&config, &["check-config", "--live", "--json"], "");
    assert_eq!(said.code, Some(1), "{said:?}");
    let findings: Vec<serde_json::Value> = serde_json::from_str(&said.out).unwrap();
    let of = |code: &str| findings.iter().filter(|finding| finding["code"] == code).collect::<Vec<_>>();
    assert_eq!((of("group-nowhere").len(), of("directory-does-not-do").len()), (0, 1), "{findings:#?}");
    let unknown = of("groups-not-looked-up");
    let wanted = "the groups of the directory \"main\" could not be looked up";
    assert!(matches!(unknown[..], [one] if one["wrong"] == wanted), "{unknown:?}");
}
