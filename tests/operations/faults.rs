//! Faults around the server: keys, paths, disks, damaged files. The server reports them or stops. It never continues
//! as if nothing had happened.

mod behind_devices;
mod corruption;
mod damaged_keys;
mod disposable;
mod held_up;
mod lost_keys;

use events::staff::Privilege;
use events::store::contract::Fault;
use harness::binary::{Serving, muster_at};
use harness::test_name;
use harness::waiting::{PATIENCE, seen, until};
use harness::{TestServer, installation, left_out};
use reqwest::StatusCode;
use staff::administration::{Answer, NewUser, Request, execute};
use std::path::{Path, PathBuf};
use std::time::Duration;

const PASSWORD: &str = "four plain words here";

/// Writes the configuration `config` with `from` replaced by `to` into the same directory, and returns its path.
fn changed(config: &Path, from: &str, to: &str) -> PathBuf {
    let text = std::fs::read_to_string(config).unwrap();
    assert!(text.contains(from), "{from:?} is missing in {text}");
    let path = config.with_file_name("changed.toml");
    std::fs::write(&path, text.replace(from, to)).unwrap();
    path
}

#[tokio::test]
async fn a_missing_master_key_is_refused_at_the_start() {
    let (_directory, config) = installation().await;
    std::fs::remove_file(config.with_file_name("master.key")).unwrap();
    let said = muster_at(&config, &["serve"], "").expect_failure();
    assert!(said.contains("master.key") && said.contains("restore the file from its backup"), "{said}");
}

#[tokio::test]
async fn a_wrong_master_key_is_refused_at_the_start_also_with_a_key_store_of_its_own() {
    let (_directory, config) = installation().await;
    let key = config.with_file_name("master.key");
    let wrong: String = std::fs::read_to_string(&key).unwrap().trim().chars().rev().collect();
    std::fs::write(&key, wrong).unwrap();
    let said = muster_at(&config, &["serve"], "").expect_failure();
    assert!(said.contains("master key"), "{said}");
}

#[tokio::test]
async fn a_ca_that_is_not_the_one_of_the_log_is_refused_at_the_start() {
    let (_directory, config) = installation().await;
    let (_other_directory, other) = new_installation();
    for file in ["identity-ca.pem", "identity-ca.key", "scep.pem", "scep.key"] {
        std::fs::copy(other.with_file_name("pki").join(file), config.with_file_name("pki").join(file)).unwrap();
    }
    let said = muster_at(&config, &["serve"], "").expect_failure();
    assert!(said.contains("the identity CA in") && said.contains("is not the one this log was created with"), "{said}");
    assert!(said.contains("identity-ca.pem"), "{said}");
}

/// Creates an installation with its own keys, unlike the copies that [`installation`] returns.
fn new_installation() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let there = directory.path().join("muster");
    let arguments =
        ["init", there.to_str().unwrap(), "--public-url", "https://localhost", "--trial", "--organization", "Other"];
    harness::binary::muster(&arguments, "").expect_success();
    let config = there.join("muster.toml");
    (directory, config)
}

#[tokio::test]
async fn a_mistyped_path_is_refused_and_never_becomes_a_second_log() {
    let (_directory, config) = installation().await;
    let mistyped = changed(&config, "directory = \"data\"", "directory = \"daat\"");
    for command in [&["serve"][..], &["replay"], &["user", "list"], &["settings", "show"], &["user", "disable", "ada"]]
    {
        let said = muster_at(&mistyped, command, "").expect_failure();
        assert!(said.contains("daat"), "{command:?}: {said}");
    }
    assert!(!config.with_file_name("daat").exists(), "the mistyped directory must not be created");
    // The directory exists but does not contain the log.
    std::fs::create_dir(config.with_file_name("daat")).unwrap();
    let said = muster_at(&mistyped, &["serve"], "").expect_failure();
    assert!(said.contains("events.db"), "{said}");
    assert!(!config.with_file_name("daat").join("events.db").exists());
}

#[tokio::test]
async fn a_read_only_data_directory_is_refused_at_the_start() {
    let (directory, config) = installation().await;
    let Some(user) = Unprivileged::owning(directory.path()) else {
        left_out(test_name!(), "it needs a user that is not root, or setpriv");
        return;
    };
    let data = config.with_file_name("data");
    user.run(&["chmod", "500", data.to_str().unwrap()]);
    let said = user.muster(&["serve", "--config", config.to_str().unwrap()]);
    user.run(&["chmod", "700", data.to_str().unwrap()]);
    assert!(said.contains("cannot write into") && said.contains("data"), "{said}");
}

/// Runs commands as a user to whom file permissions apply: the current user or, if that is root, `nobody`.
struct Unprivileged {
    prefix: Vec<&'static str>,
    binary: PathBuf,
}

impl Unprivileged {
    fn owning(directory: &Path) -> Option<Unprivileged> {
        let binary = directory.join("muster-binary");
        std::fs::copy(harness::binary::path(), &binary).unwrap();
        let is_root = std::process::Command::new("id").arg("-u").output().ok()?.stdout == b"0\n";
        if !is_root {
            return Some(Unprivileged { prefix: vec![], binary });
        }
        let owned = std::process::Command::new("chown").args(["-R", "65534:65534"]).arg(directory).status().ok()?;
        let prefix = vec!["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        let can = std::process::Command::new("setpriv").args(&prefix[1..]).arg("true").status().ok()?;
        (owned.success() && can.success()).then_some(Unprivileged { prefix, binary })
    }

    fn command(&self, command: &[&str]) -> std::process::Output {
        let words: Vec<&str> = self.prefix.iter().chain(command).copied().collect();
        std::process::Command::new(words[0]).args(&words[1..]).output().unwrap()
    }

    fn run(&self, command: &[&str]) {
        assert!(self.command(command).status.success(), "{command:?}");
    }

    /// Runs `muster`, which must fail, and returns its error output.
    fn muster(&self, arguments: &[&str]) -> String {
        let words: Vec<&str> = [self.binary.to_str().unwrap()].into_iter().chain(arguments.iter().copied()).collect();
        let output = self.command(&words);
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

#[tokio::test]
async fn when_the_disk_is_full_the_command_that_waits_is_refused_and_the_process_ends_within_a_second() {
    let (directory, config) = installation().await;
    let mut server = Serving::start_with_small_disk(&config, 1_024);
    let file = directory.path().join("settings.toml");
    let mut refused = None;
    for nth in 0..500 {
        std::fs::write(&file, format!("organization = \"School {nth} {}\"", "x".repeat(4_000))).unwrap();
        let said = muster_at(&config, &["settings", "apply", file.to_str().unwrap()], "");
        if said.code != Some(0) {
            refused = Some((nth, said.err));
            break;
        }
    }
    let (acknowledged, why) = refused.expect("the disk becomes full");
    // The real duration is the subject: the process must not wait for the grace period of a stop (five seconds).
    let ended = server.wait(Duration::from_secs(1)).expect("the process ends within a second");
    assert_eq!(ended.code(), Some(70), "after {why}");
    // Every acknowledged change exists, and the same log continues when the disk has room again.
    let shown = muster_at(&config, &["settings", "show"], "").expect_success();
    assert!(shown.contains(&format!("School {} x", acknowledged - 1)), "{acknowledged}: {}", &shown[..60]);
    assert_eq!(Serving::start(&config).terminate().code(), Some(0));
}

#[tokio::test]
async fn requests_that_wait_for_a_failed_commit_get_503_and_nothing_after_it_is_acknowledged() {
    for fault in [Fault::Lost, Fault::Kept] {
        let server = TestServer::start().await;
        server.add_user("ada", PASSWORD, &[Privilege::Administrator]).await;
        server.app().store.fail_next_commit(fault);
        assert_eq!(sign_in_at_console(&server, "ada").await, StatusCode::SERVICE_UNAVAILABLE, "{fault:?}");
        let failed = tokio::time::timeout(PATIENCE, server.app().platform.health.failed()).await;
        assert!(failed.expect("the failure is reported").contains("disk I/O error"));
        assert_eq!(sign_in_at_console(&server, "ada").await, StatusCode::SERVICE_UNAVAILABLE, "{fault:?}");
        let ready = reqwest::get(format!("{}/readyz", server.metrics_url())).await.unwrap();
        assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(ready.text().await.unwrap().contains("store: "));
        server.abandon().await;
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_written_stops_the_server_as_an_event_does() {
    let server = TestServer::start().await;
    server.app().keys.fail_commits().unwrap();
    let ada = NewUser {
        user_name: "ada".into(),
        password: PASSWORD.into(),
        privileges: [Privilege::Administrator].into(),
        display_name: None,
        mail: None,
        managed_apple_id: None,
    };
    let answer = execute(&server.app().staff, Request::AddUser(ada)).await;
    assert!(matches!(&answer, Answer::Refused { why } if why.contains("keys.db")), "{answer:?}");
    let failed = tokio::time::timeout(PATIENCE, server.app().platform.health.failed()).await;
    assert!(failed.expect("the failure is reported").contains("keys.db"));
    server.abandon().await;
}

/// Sends the console's sign-in form like a browser.
async fn sign_in_at_console(server: &TestServer, user_name: &str) -> StatusCode {
    let url = format!("{}/console/sign-in", server.url());
    let client = server.client_with_cookies();
    let page = client.get(&url).send().await.unwrap().text().await.unwrap();
    let token = page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    let form = [("csrf", token.as_str()), ("user_name", user_name), ("password", PASSWORD)];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let post = client.post(&url).header("content-type", "application/x-www-form-urlencoded").body(body);
    post.header("origin", server.url()).send().await.unwrap().status()
}

// The commands send requests to the server, which needs its own thread to answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_event_stops_the_projections_there_and_the_server_says_that_it_is_not_ready() {
    let (directory, config) = installation().await;
    for name in ["ada", "bob", "cleo"] {
        muster_at(&config, &["user", "add", name, "--admin"], PASSWORD).expect_success();
    }
    damage(&config.with_file_name("data").join("events.db"), 4);
    projections::remove(&config.with_file_name("data")).unwrap();
    let server = TestServer::start_in(directory, &config).await;
    let corrupt = async || {
        let answer = reqwest::get(format!("{}/readyz", server.metrics_url())).await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        (status == StatusCode::SERVICE_UNAVAILABLE && text.contains("position 4")).then_some(text)
    };
    let text = seen("a server that is not ready", corrupt).await;
    assert!(text.contains("projections: "), "{text}");
    // The place of the corrupt event can be known before the projections get there.
    let alarm = "muster_alarms_total{alarm=\"projections-stopped\"} 1";
    until("the alarm of the projections", async || server.metrics().await.contains(alarm)).await;
    // The server refuses the CRL: an incomplete list would be signed as if it were complete.
    let list = server.client().get(format!("{}/crl", server.url())).send().await.unwrap();
    assert_eq!(list.status(), StatusCode::SERVICE_UNAVAILABLE);
    // No reader skips the corrupt event: commands that read the whole log also stop there.
    assert!(muster_at(&config, &["user", "list"], "").expect_failure().contains("corrupt"));
    assert!(muster_at(&config, &["backup", "copy"], "").expect_failure().contains("position 4"));
    server.abandon().await;
}

/// Changes one character of the event at `position`.
fn damage(log: &Path, position: i64) {
    let log = rusqlite::Connection::open(log).unwrap();
    let change = "UPDATE log SET envelope = replace(envelope, 'command-line', 'command-linf') WHERE position = ?1";
    assert_eq!(log.execute(change, [position]).unwrap(), 1);
}
