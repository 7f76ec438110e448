//! `muster check-config --live`: its output for a working and for a faulty directory.

use harness::binary::{Said, muster_at};
use harness::directory::slapd::{self, GROUPS, Slapd};
use harness::installation;
use harness::test_name;

/// Runs the command for an installation with this directory.
async fn said(slapd: &Slapd, changes: &[(&str, &str)], arguments: &[&str]) -> Said {
    let (directory, config) = installation().await;
    let quoted = |path: std::path::PathBuf| format!("{:?}", path.to_str().unwrap());
    let mut fields = std::collections::BTreeMap::from([
        ("name", "\"main\"".to_owned()),
        ("servers", format!("[\"{}\", \"{}\"]", slapd.ldaps(), slapd.ldap())),
        ("root", quoted(slapd.ca())),
        ("bind_dn", format!("\"{}\"", slapd::SEARCHER)),
        ("bind_password", quoted(slapd.searcher_password())),
        ("base", format!("\"{}\"", slapd::PEOPLE)),
    ]);
    fields.extend(changes.iter().map(|(key, value)| (*key, (*value).to_owned())));
    let lines: Vec<String> = fields.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str(&format!("\n[[identity.directory]]\n{}", lines.concat()));
    std::fs::write(&config, text).unwrap();
    let arguments: Vec<&str> = ["check-config"].into_iter().chain(arguments.iter().copied()).collect();
    let said = tokio::task::block_in_place(|| muster_at(&config, &arguments, ""));
    drop(directory);
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_directory_that_works_every_step_is_told() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let told = said(&slapd, &[], &["--live", "--live-user", "ada"]).await.expect_success();
    for words in [
        format!("directory main: bind at {}: {} is bound over TLS", slapd.ldaps(), slapd::SEARCHER),
        format!("directory main: bind at {}: {} is bound over TLS", slapd.ldap(), slapd::SEARCHER),
        format!("find the base of people, {}: found", slapd::PEOPLE),
        "search ada with (&(objectClass=person)(uid={name})): cn=Lovelace".into(),
        "user name ada, display name Lovelace, Ada (Countess)*, mail ada@example.test, Managed Apple ID none".into(),
        "look up their groups by member_of: in 2: cn=level1,ou=groups".into(),
    ] {
        assert!(told.contains(&words), "{words:?} is missing in {told}");
    }
    let walk = format!("{{ by = \"walk\", base = \"{GROUPS}\" }}");
    let told = said(&slapd, &[("groups", &walk)], &["--live"]).await.expect_success();
    assert!(told.contains("look up groups by walk: the search works") && told.contains("--live-user"), "{told}");
    assert!(
        said(&slapd, &[("groups", &walk)], &[]).await.expect_success().lines().all(|line| !line.contains("bind at"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_that_does_not_what_is_wrong_is_told_and_how_to_mend_it() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let wrong_password = slapd.searcher_password().with_file_name("wrong.password");
    std::fs::write(&wrong_password, "not it\n").unwrap();
    let (wrong_password, other_ca) = (format!("{wrong_password:?}"), format!("{:?}", slapd.other_ca()));
    let in_chain = format!("{{ by = \"active_directory_nested\", base = \"{GROUPS}\" }}");
    for (key, value, wrong, mend) in [
        (
            "bind_password",
            wrong_password.as_str(),
            "rejected the name or password (result 49)",
            "correct bind_dn and bind_password",
        ),
        ("bind_dn", "\"not a DN\"", "a DN is malformed (result 34)", "RFC 4514"),
        ("root", &other_ca, "certificate verify failed", "name the CA of the server's certificate in root"),
        ("servers", "[\"ldaps://127.0.0.1:1\"]", "no connection: Connection refused", "check that the server runs"),
        ("servers", "[\"ldaps://no-such-host.invalid\"]", "no connection", "its name and port are right"),
        ("base", "\"ou=nowhere,dc=example,dc=test\"", "there is no such entry (result 32)", "correct the base"),
        (
            "groups",
            "{ by = \"walk\", base = \"ou=nowhere,dc=example,dc=test\" }",
            "no such entry (result 32)",
            "correct the base",
        ),
        ("groups", &in_chain, "this is not Active Directory", "by walk"),
        ("unique_attribute", "\"objectGUID\"", "an entry has no objectGUID", "let bind_dn read it"),
        ("user_filter", "\"(|(uid={name})(uid=alan))\"", "several entries are found for ada", "user_filter"),
        ("user_filter", "\"(uid=nobody-{name})\"", "no entry is found for ada", "user_filter"),
    ] {
        let said = said(&slapd, &[(key, value)], &["--live", "--live-user", "ada"]).await;
        assert_eq!(said.code, Some(1), "{key} = {value}: {said:?}");
        assert!(said.out.contains(wrong) && said.out.contains(mend), "{key} = {value}: {}", said.out);
        assert!(
            !said.out.contains("does not start"),
            "the server starts, although some people cannot sign in: {}",
            said.out
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn for_machines_what_is_wrong_is_json() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let said = said(&slapd, &[("base", "\"ou=nowhere,dc=example,dc=test\"")], &["--live", "--json"]).await;
    assert_eq!(said.code, Some(1));
    let findings: Vec<serde_json::Value> = serde_json::from_str(&said.out).unwrap();
    let live: Vec<_> = findings.iter().filter(|finding| finding["code"] == "directory-does-not-do").collect();
    assert_eq!(live.len(), 1, "{findings:?}");
    assert_eq!((&live[0]["severity"], &live[0]["about"]), (&"warning".into(), &"identity.directory.main".into()));
}
