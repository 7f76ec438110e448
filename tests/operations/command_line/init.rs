//! `muster init`: what it creates, refuses, resumes and leaves unchanged.

use super::*;
use std::time::Instant;

#[test]
fn init_makes_an_installation_that_check_config_finds_nothing_fatal_in_and_says_what_to_do_next() {
    let directory = tempfile::tempdir().unwrap();
    let there = directory.path().join("muster");
    let arguments = init(&there, "https://enroll.example.com", &["--trial"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let said = muster(&arguments, "").expect_success();
    for next in ["back up", "master.key", "user add NAME --admin", "user add NAME --enroll", "serve", "check-config"] {
        assert!(said.contains(next), "{next} is missing in {said}");
    }
    let left = std::fs::read_dir(there.join("data")).unwrap().map(|file| file.unwrap().file_name());
    let left: std::collections::BTreeSet<_> = left.collect();
    assert_eq!(
        left,
        ["events.db", "index.db", "keys.db", "muster.lock"].map(Into::into).into(),
        "no unfinished file is left"
    );
    muster_at(&there.join("muster.toml"), &["check-config"], "").expect_success();
    for secret in ["master.key", "pki/identity-ca.key", "pki/tls.key", "pki/push.key", "data/events.db", "data/keys.db"]
    {
        assert_eq!(mode(&there.join(secret)) & 0o077, 0, "{secret} is readable by other users");
    }
    let again = muster(&arguments, "").expect_failure();
    assert!(again.contains("nothing is overwritten"), "{again}");
}

#[test]
fn an_init_that_was_killed_leaves_nothing_that_serves_and_is_begun_again() {
    let directory = tempfile::tempdir().unwrap();
    for (name, until) in [("a", "pki"), ("b", "master.key"), ("c", "data/keys.db")] {
        let there = directory.path().join(name);
        let config = there.join("muster.toml");
        let arguments = init(&there, "https://enroll.example.com", &["--trial"]);
        let mut killed = std::process::Command::new(harness::binary::path())
            .args(&arguments)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        // `init` may finish between the last of these files and the kill. Then the installation is complete and stays.
        while !there.join(until).exists() && killed.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < PATIENCE, "init does not create {until}");
            std::thread::yield_now();
        }
        killed.kill().unwrap();
        killed.wait().unwrap();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        if !config.exists() {
            muster_at(&config, &["serve"], "").expect_failure();
            // Simulates a kill during the creation of the log.
            std::fs::create_dir_all(there.join("data")).unwrap();
            for half in ["events.db.new", "events.db.new-journal"] {
                std::fs::write(there.join("data").join(half), "half").unwrap();
            }
            muster(&arguments, "").expect_success();
        }
        muster_at(&config, &["check-config"], "").expect_success();
        assert!(!there.join("muster.toml.unfinished").exists() && !there.join("data/events.db.new").exists());
        assert!(muster(&arguments, "").expect_failure().contains("nothing is overwritten"));
    }
}

#[test]
fn init_deletes_nothing_that_it_did_not_make() {
    let directory = tempfile::tempdir().unwrap();
    let there = directory.path().join("muster");
    std::fs::create_dir(&there).unwrap();
    std::fs::write(there.join("master.key"), "somebody's").unwrap();
    let arguments = init(&there, "https://enroll.example.com", &["--trial"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    assert!(muster(&arguments, "").expect_failure().contains("nothing is overwritten"));
    assert_eq!(std::fs::read_to_string(there.join("master.key")).unwrap(), "somebody's");
}

#[test]
fn init_without_a_tls_certificate_says_what_to_give() {
    let directory = tempfile::tempdir().unwrap();
    let there = directory.path().join("muster");
    let refused = |url: &str, more: &[&str]| {
        let arguments = init(&there, url, more);
        muster(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), "").expect_failure()
    };
    let said = refused("https://enroll.example.com", &[]);
    assert!(said.contains("--tls-certificate") && said.contains("--trial"), "{said}");
    assert!(!there.exists(), "a failed init must remove its directory");
    for more_than_a_name in ["https://a.example/b", "https://ada@a.example", "https://a.example?b=c"] {
        assert!(refused(more_than_a_name, &["--trial"]).contains("without a path"), "{more_than_a_name}");
    }
    let said = refused("https://a.example", &["--trial", "--listen", "everywhere"]);
    assert!(said.contains("--listen") && said.contains("everywhere"), "{said}");
    for taken in ["127.0.0.1:9443", "0.0.0.0:9443"] {
        let said = refused("https://a.example", &["--trial", "--listen", taken]);
        assert!(said.contains("--metrics-listen 127.0.0.1:9443 have the same port"), "{said}");
    }
    std::fs::create_dir(&there).unwrap();
    refused("https://a.example", &[]);
    assert_eq!(std::fs::read_dir(&there).unwrap().count(), 0, "a directory that was empty is empty again");
    let nameless = muster(&["init", there.to_str().unwrap(), "--public-url", "https://a.example", "--trial"], "");
    assert!(nameless.expect_failure().contains("--organization"));
    for organization in ["", "  ", "\u{200b}", "Example\u{202e}loohcS", "Example\nSchool"] {
        let url = ["--public-url", "https://a.example", "--trial", "--organization", organization];
        let said = muster(&[&["init", there.to_str().unwrap()], &url[..]].concat(), "").expect_failure();
        assert!(said.contains("--organization contains "), "{organization:?}: {said}");
        assert_eq!(std::fs::read_dir(&there).unwrap().count(), 0, "{organization:?}");
    }
}

#[test]
fn init_takes_a_ca_and_a_registration_authority_that_there_are_already() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (directory.path().join("first"), directory.path().join("second"));
    let run = |there: &Path, more: &[&str]| {
        let arguments = init(there, "https://enroll.example.com", more);
        muster(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), "").expect_success()
    };
    run(&first, &["--trial"]);
    let file = |name: &str| first.join("pki").join(name).to_str().unwrap().to_owned();
    let (ca, ca_key, ra, ra_key) =
        (file("identity-ca.pem"), file("identity-ca.key"), file("scep.pem"), file("scep.key"));
    let ca = ["--identity-ca-certificate", &ca, "--identity-ca-key", &ca_key];
    let ra = ["--registration-authority-certificate", &ra, "--registration-authority-key", &ra_key];
    run(&second, &[&["--trial"], &ca[..], &ra[..]].concat());
    let config = std::fs::read_to_string(second.join("muster.toml")).unwrap();
    assert!(config.contains(ra[1]) && config.contains(ra[3]), "{config}");
    muster_at(&second.join("muster.toml"), &["check-config"], "").expect_success();
}

/// Returns the arguments of `muster init`.
fn init(there: &Path, public_url: &str, more: &[&str]) -> Vec<String> {
    let there = there.to_str().unwrap();
    let arguments = ["init", there, "--public-url", public_url, "--organization", "Example School"];
    arguments.iter().chain(more).map(|&argument| argument.to_owned()).collect()
}
