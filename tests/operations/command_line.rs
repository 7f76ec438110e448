//! The commands of the real binary, with and without a running server.

mod backup;
mod backup_faults;
mod init;
mod log;

use events::side_files::remove_database;
use harness::binary::{Serving, muster, muster_at};
use harness::installation;
use harness::projection_files::file_of;
use harness::waiting::{PATIENCE, seen};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const PASSWORD: &str = "four plain words here\n";

fn write(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn who_stops_listening_is_not_answered_with_a_panic_and_a_full_disk_is_a_failure() {
    let (_directory, config) = installation().await;
    let show = |stdout: std::process::Stdio| {
        let mut command = std::process::Command::new(harness::binary::path());
        command.args(["settings", "show", "--config"]).arg(&config).stdout(stdout);
        command.stderr(std::process::Stdio::piped()).spawn().unwrap().wait_with_output().unwrap()
    };
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = show(writer.into());
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    let full = show(std::fs::File::options().write(true).open("/dev/full").unwrap().into());
    assert_eq!(full.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&full.stderr).contains("cannot write to standard output"), "{full:?}");
}

#[tokio::test]
async fn an_address_that_nobody_can_have_is_refused() {
    let (_directory, config) = installation().await;
    for option in ["--mail", "--managed-apple-id"] {
        for nonsense in
            ["ada", "@school.example", "ada@", "ada@school", "a@b@school.example", "ada lovelace@school.example"]
        {
            let said =
                muster_at(&config, &["user", "add", "ada", "--enroll", option, nonsense], PASSWORD).expect_failure();
            assert!(said.contains(option) && said.contains("is not an address"), "{said}");
        }
    }
    let mail = ["user", "add", "ada", "--enroll", "--mail", "ada@school.example"];
    muster_at(&config, &mail, PASSWORD).expect_success();
}

#[tokio::test]
async fn check_config_finds_what_the_server_would_refuse_at_its_start() {
    let (_directory, config) = installation().await;
    let text = std::fs::read_to_string(&config).unwrap();
    let findings = |config: &Path, code: &str| {
        let said = muster_at(config, &["check-config", "--json"], "");
        assert_eq!(said.code, Some(1), "{said:?}");
        let findings: Vec<serde_json::Value> = serde_json::from_str(&said.out).unwrap();
        assert!(findings.iter().any(|finding| finding["code"] == code), "{code} is missing in {}", said.out);
    };
    let changed = config.with_file_name("changed.toml");
    std::fs::write(&changed, text.replace("[logging]", "[logging]\ncolour = 1")).unwrap();
    findings(&changed, "configuration-unreadable");
    findings(&config.with_file_name("missing.toml"), "configuration-unreadable");
    let bare = text.split("[logging]").next().unwrap();
    std::fs::write(&changed, format!("{bare}[logging]\nfilter = \"muster=loud\"\n")).unwrap();
    findings(&changed, "logging-filter-not-understood");
    let projections = config.with_file_name("data").join("projections");
    std::fs::create_dir_all(projections.join("common.db")).unwrap();
    findings(&config, "file-unwritable");
    std::fs::remove_dir_all(&projections).unwrap();
    let key = config.with_file_name("master.key");
    let wrong: String = std::fs::read_to_string(&key).unwrap().trim().chars().rev().collect();
    std::fs::write(&key, wrong).unwrap();
    findings(&config, "keys-not-of-the-log");
}

#[test]
fn simulate_wants_a_device_and_says_why_nobody_answers() {
    let url = ["simulate", "--url", "https://localhost:1", "--user", "ada", "--password", "x"];
    let none = muster(&[&url[..], &["--devices", "0"]].concat(), "").expect_failure();
    assert!(none.contains("--devices"), "{none}");
    let refused = muster(&[&url[..], &["--devices", "3", "--keys", "1"]].concat(), "");
    assert_eq!(refused.code, Some(1));
    let failures: Vec<&str> = refused.out.lines().filter(|line| line.contains("refused")).collect();
    assert!(matches!(failures[..], [one] if one.trim().starts_with('3')), "{}", refused.out);
}

#[test]
fn a_demo_that_is_terminated_takes_its_installation_with_it() {
    let mut command = std::process::Command::new(harness::binary::path());
    let mut demo = command.arg("demo").stdout(std::process::Stdio::piped()).spawn().unwrap();
    let id = demo.id().to_string();
    // If the demo does not print the expected line, it would run forever: the watchdog kills it, which ends the
    // reading of its output.
    let (watched, ended) = (id.clone(), std::sync::mpsc::channel::<()>());
    let (done, waits) = ended;
    let watchdog = std::thread::spawn(move || {
        let late = waits.recv_timeout(PATIENCE).is_err_and(|error| error == std::sync::mpsc::RecvTimeoutError::Timeout);
        let _ = late.then(|| std::process::Command::new("kill").args(["-KILL", &watched]).status());
    });
    let mut said = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
    let there =
        said.find_map(|line| Some(line.strip_prefix("The installation is in ")?.split_once(". ")?.0.to_owned()));
    let there = there.expect("the demo prints the directory of its installation");
    assert!(Path::new(&there).exists());
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    said.for_each(drop);
    assert_eq!(demo.wait().unwrap().code(), Some(0));
    drop(done);
    watchdog.join().unwrap();
    assert!(!Path::new(&there).exists(), "{there} was not removed");
}

#[test]
fn a_demo_that_cannot_listen_names_its_option() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = muster(&["demo", "--listen", &address], "").expect_failure();
    assert!(said.contains(&address) && said.contains("--listen"), "{said}");
}

#[tokio::test]
async fn users_are_added_listed_disabled_and_enabled_without_a_server() {
    let (_directory, config) = installation().await;
    let added = muster_at(&config, &["user", "add", "ada", "--enroll", "--display-name", "Ada L."], PASSWORD);
    assert!(added.expect_success().contains("ada may enroll devices"));
    let again = muster_at(&config, &["user", "add", "ADA", "--enroll"], PASSWORD).expect_failure();
    assert!(again.contains("a user of that name already"), "{again}");
    let listed = muster_at(&config, &["user", "list"], "").expect_success();
    assert!(listed.contains("ada") && listed.contains("Ada L.") && !listed.contains("disabled"), "{listed}");
    let header: Vec<&str> = listed.lines().next().unwrap().split("  ").filter(|word| !word.is_empty()).collect();
    assert_eq!(header.iter().map(|word| word.trim()).collect::<Vec<_>>(), ["USER NAME", "NAME", "MAY", "ACCOUNT"]);
    let json: serde_json::Value =
        serde_json::from_str(&muster_at(&config, &["user", "list", "--json"], "").expect_success()).unwrap();
    assert_eq!((&json[0]["user_name"], &json[0]["disabled"]), (&"ada".into(), &false.into()), "{json}");
    muster_at(&config, &["user", "disable", "ada"], "").expect_success();
    assert!(muster_at(&config, &["user", "list"], "").expect_success().contains("(disabled)"));
    assert!(muster_at(&config, &["user", "disable", "ada"], "").expect_success().contains("already"));
    muster_at(&config, &["user", "enable", "ada"], "").expect_success();
    assert!(!muster_at(&config, &["user", "list"], "").expect_success().contains("(disabled)"));
    assert!(muster_at(&config, &["user", "disable", "eve"], "").expect_failure().contains("no user"));
}

#[tokio::test]
async fn a_new_user_needs_a_privilege_and_a_password_that_is_not_guessed_first() {
    let (_directory, config) = installation().await;
    let none = muster_at(&config, &["user", "add", "ada"], PASSWORD).expect_failure();
    assert!(none.contains("--enroll"), "{none}");
    let empty = muster_at(&config, &["user", "add", "ada", "--enroll"], "").expect_failure();
    assert!(empty.contains("no password"), "{empty}");
    let weak = muster_at(&config, &["user", "add", "ada", "--enroll"], "password1\n").expect_failure();
    assert!(weak.contains("easy to guess"), "{weak}");
    let made = muster_at(&config, &["user", "add", "ada", "--enroll", "--generate-password"], "").expect_success();
    let password = made.lines().find_map(|line| line.strip_prefix("password: ")).unwrap();
    assert_eq!(password.len(), 23, "{made}");
}

#[tokio::test]
async fn commands_that_write_go_through_the_socket_of_the_running_server() {
    let (_directory, config) = installation().await;
    let mut server = Serving::start(&config);
    let socket = config.parent().unwrap().join("data/muster.sock");
    assert_eq!(mode(&socket), 0o600);
    muster_at(&config, &["user", "add", "ada", "--admin"], PASSWORD).expect_success();
    assert!(muster_at(&config, &["user", "list"], "").expect_success().contains("administrator"));
    assert!(muster_at(&config, &["replay"], "").expect_success().contains("the same rows as before"));
    assert_eq!(server.terminate().code(), Some(0));
    assert!(!socket.exists(), "the socket was not removed");
    assert!(muster_at(&config, &["user", "list"], "").expect_success().contains("ada"));
}

#[tokio::test]
async fn where_the_log_is_json_a_mistake_in_the_configuration_is_one_line_of_json() {
    let (_directory, config) = installation().await;
    let sound = std::fs::read_to_string(&config).unwrap();
    let json = sound.replacen("format = \"text\"", "format = \"json\"", 1);
    for (text, told) in [
        (json.replacen("listen = ", "lissten = ", 1), "unknown field `lissten`"),
        (json.replacen("filter = \"info\"", "filter = \"muster=loud\"", 1), "logging.filter"),
    ] {
        std::fs::write(&config, text).unwrap();
        let said = muster_at(&config, &["serve"], "").expect_failure();
        let lines: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        let [line] = &lines[..] else { panic!("{said}") };
        assert!(line["message"].as_str().unwrap().contains(told), "{said}");
    }
}

#[tokio::test]
async fn a_second_server_on_the_same_log_is_refused() {
    let (_directory, config) = installation().await;
    let _server = Serving::start(&config);
    let second = muster_at(&config, &["serve"], "").expect_failure();
    assert!(second.contains("another process"), "{second}");
}

#[tokio::test]
async fn a_socket_that_a_crash_left_behind_is_replaced() {
    let (_directory, config) = installation().await;
    drop(Serving::start(&config));
    assert!(config.parent().unwrap().join("data/muster.sock").exists(), "a killed server leaves its socket");
    muster_at(&config, &["user", "add", "ada", "--admin"], PASSWORD).expect_success();
    let _server = Serving::start(&config);
    muster_at(&config, &["user", "add", "bob", "--auditor"], PASSWORD).expect_success();
    assert!(muster_at(&config, &["user", "list"], "").expect_success().contains("bob"));
}

#[tokio::test]
async fn settings_are_applied_with_before_and_after_and_shown() {
    let (directory, config) = installation().await;
    let file = write(
        directory.path(),
        "settings.toml",
        "organization = \"New School\"\nskip_ca_profile = true\nownership_kinds = [\"personal\"]\n",
    );
    let said = muster_at(&config, &["settings", "apply", &file], "").expect_success();
    assert!(said.contains("organization: \"Example School\" -> \"New School\""), "{said}");
    assert!(said.contains("skip_ca_profile: false -> true"), "{said}");
    assert!(!said.contains("abandon_after_hours"), "{said}");
    let shown = muster_at(&config, &["settings", "show"], "").expect_success();
    let shown_file = write(directory.path(), "shown.toml", &shown);
    let again = muster_at(&config, &["settings", "apply", &shown_file], "").expect_success();
    assert!(again.contains("already the current settings"), "the output of `settings show` can be applied: {again}");
}

#[tokio::test]
async fn a_settings_file_does_not_overwrite_what_others_changed_since_it_was_shown() {
    let (directory, config) = installation().await;
    let shown = muster_at(&config, &["settings", "show"], "").expect_success();
    assert!(shown.starts_with("# Revision 1."), "{shown}");
    let mine = write(directory.path(), "mine.toml", &shown.replace("Example School", "My School"));
    let theirs = write(
        directory.path(),
        "theirs.toml",
        &format!("{shown}\n[limits]\nmodels = [\"iPad\"]\n").replace("[limits]\nmodels = []\n", ""),
    );
    let theirs = muster_at(&config, &["settings", "apply", &theirs], "").expect_success();
    assert!(theirs.contains("limits.models"), "{theirs}");

    let refused = muster_at(&config, &["settings", "apply", &mine], "").expect_failure();
    for part in ["revision 1, now 2", "operator command-line: limits", "muster settings show", "--over 2"] {
        assert!(refused.contains(part), "{part} is missing in {refused}");
    }
    let now = muster_at(&config, &["settings", "show"], "").expect_success();
    assert!(now.starts_with("# Revision 2.") && now.contains("Example School"), "{now}");
    let knowingly = muster_at(&config, &["settings", "apply", &mine, "--over", "2"], "").expect_success();
    assert!(knowingly.contains("My School"), "{knowingly}");

    for head in ["#Revision 1.", "# revision 1.", "\u{feff}# Revision 1."] {
        let retyped = write(directory.path(), "retyped.toml", &shown.replace("# Revision 1.", head));
        let refused = muster_at(&config, &["settings", "apply", &retyped], "").expect_failure();
        assert!(refused.contains("revision 1, now 3"), "{head}: {refused}");
    }
    let of_another = write(directory.path(), "other.toml", &shown.replace("# Revision 1.", "# Revision 411."));
    let refused = muster_at(&config, &["settings", "apply", &of_another], "").expect_failure();
    assert!(refused.contains("made from revision 411") && refused.contains("--over 3"), "{refused}");

    let spoilt = write(directory.path(), "spoilt.toml", "# Revision two\n");
    let refused = muster_at(&config, &["settings", "apply", &spoilt], "").expect_failure();
    assert!(refused.contains("there is no number"), "{refused}");

    let before = muster_at(&config, &["settings", "show"], "").expect_success();
    let empty = write(directory.path(), "empty.toml", "\n# nothing\n");
    let refused = muster_at(&config, &["settings", "apply", &empty], "").expect_failure();
    assert!(refused.contains("contains no setting"), "{refused}");
    assert_eq!(muster_at(&config, &["settings", "show"], "").expect_success(), before);
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused_and_change_nothing() {
    let (directory, config) = installation().await;
    let before = muster_at(&config, &["settings", "show"], "").expect_success();
    for (text, why) in [
        ("organization = \"\"", "organization is empty"),
        ("ownership_kinds = []", "ownership_kinds is empty"),
        ("self_service_url = \"http://apps.apple.com/\"", "self_service_url"),
        ("organisation = \"Example School\"", "unknown field `organisation`"),
        ("ownership_kinds = [\"mine\"]", "mine"),
    ] {
        let file = write(directory.path(), "settings.toml", text);
        let said = muster_at(&config, &["settings", "apply", &file], "").expect_failure();
        assert!(said.contains(why), "{why} is missing in {said}");
    }
    assert_eq!(muster_at(&config, &["settings", "show"], "").expect_success(), before);
}

#[tokio::test]
async fn check_config_tells_machines_and_people_and_its_exit_code_says_whether_the_server_starts() {
    let (directory, config) = installation().await;
    let text = std::fs::read_to_string(&config).unwrap();
    let broken = text.replace("https://localhost:0", "https://other.example.com/mdm");
    let broken = write(config.parent().unwrap(), "broken.toml", &broken);
    let said = muster(&["check-config", "--config", &broken], "");
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("server.public_url") && said.out.contains("does not start"), "{}", said.out);
    let said = muster(&["check-config", "--json", "--config", &broken], "");
    let findings: Vec<serde_json::Value> = serde_json::from_str(&said.out).unwrap();
    assert!(findings.iter().any(|finding| finding["code"] == "public-url-with-path" && finding["severity"] == "error"));
    let serve = muster(&["serve", "--config", &broken], "").expect_failure();
    assert!(serve.contains("server.public_url"), "{serve}");
    let unknown = write(directory.path(), "unknown.toml", &text.replace("[logging]", "[logging]\ncolour = 1"));
    let said = muster(&["check-config", "--config", &unknown], "").expect_failure();
    assert!(said.contains("colour") && said.contains("format") && said.contains("filter"), "{said}");
}

#[tokio::test]
async fn a_backup_of_a_running_server_is_restored_into_an_installation_that_lost_its_data() {
    let (directory, config) = installation().await;
    muster_at(&config, &["user", "add", "ada", "--admin"], PASSWORD).expect_success();
    let server = Serving::start(&config);
    let copy = directory.path().join("backup");
    let copy = copy.to_str().unwrap();
    let said = muster_at(&config, &["backup", copy], "").expect_success();
    assert!(said.contains("verified"), "{said}");
    drop(server);
    let data = config.parent().unwrap().join("data");
    let refused = muster_at(&config, &["restore", copy], "").expect_failure();
    assert!(refused.contains("there is a log in"), "{refused}");
    std::fs::remove_dir_all(&data).unwrap();
    muster_at(&config, &["restore", copy], "").expect_success();
    assert!(muster_at(&config, &["user", "list"], "").expect_success().contains("ada"));
    assert_eq!(Serving::start(&config).terminate().code(), Some(0));
}

#[tokio::test]
async fn a_log_is_restored_without_what_was_made_of_a_newer_one() {
    let (directory, config) = installation().await;
    let copy = directory.path().join("backup");
    let copy = copy.to_str().unwrap();
    muster_at(&config, &["backup", copy], "").expect_success();
    for user in ["ada", "grace"] {
        muster_at(&config, &["user", "add", user, "--admin"], PASSWORD).expect_success();
    }
    muster_at(&config, &["replay"], "").expect_success();
    let data = config.with_file_name("data");
    let (log, projections) = (data.join("events.db"), data.join("projections"));
    for database in [&log, &data.join("keys.db")] {
        remove_database(database).unwrap();
    }
    // Simulates the newest changes of a log that was moved away.
    std::fs::write(data.join("events.db-wal"), "changes").unwrap();
    let said = muster_at(&config, &["restore", copy], "").expect_failure();
    assert!(said.contains("events.db-wal was left by a database that is no longer here"), "{said}");
    assert!(!log.exists() && projections.exists(), "nothing was restored, and nothing removed");
    std::fs::remove_file(data.join("events.db-wal")).unwrap();
    muster_at(&config, &["restore", copy], "").expect_success();
    assert!(!projections.exists());
    assert!(muster_at(&config, &["replay"], "").expect_success().contains("events folded"));
}

#[tokio::test]
async fn reading_commands_make_no_file_and_serving_makes_files_that_are_nobody_elses() {
    let (_directory, config) = installation().await;
    let data = config.with_file_name("data");
    for command in [["settings", "show"], ["user", "list"]] {
        muster_at(&config, &command, "").expect_success();
    }
    for made_by_serving in ["projections", "sessions.db", "muster.sock"] {
        assert!(!data.join(made_by_serving).exists(), "a reading command made {made_by_serving}");
    }
    let mut server = Serving::start(&config);
    let all = [data.clone(), data.join("projections")].map(|directory| std::fs::read_dir(directory).unwrap());
    for file in all.into_iter().flatten() {
        let path = file.unwrap().path();
        let open_to_others = mode(&path) & 0o077;
        assert!(open_to_others == 0 || path.ends_with("muster.lock"), "{}: {open_to_others:o}", path.display());
    }
    assert_eq!(mode(&data.join("sessions.db-wal")), 0o600);
    assert_eq!(mode(&data.join("projections/common.db-wal")), 0o600);
    server.terminate();
}

#[tokio::test]
async fn a_backup_is_not_restored_under_keys_that_are_not_its_own() {
    let (directory, config) = installation().await;
    let copy = directory.path().join("backup/");
    let copy = copy.to_str().unwrap();
    muster_at(&config, &["backup", copy], "").expect_success();
    let data = config.with_file_name("data");
    std::fs::remove_dir_all(&data).unwrap();
    let key = config.with_file_name("master.key");
    let right = std::fs::read_to_string(&key).unwrap();
    std::fs::write(&key, right.trim().chars().rev().collect::<String>()).unwrap();
    let said = muster_at(&config, &["restore", copy], "").expect_failure();
    assert!(said.contains("nothing was restored") && said.contains("master key"), "{said}");
    assert!(!data.exists(), "a refused restore must leave nothing behind");
    std::fs::write(&key, right).unwrap();
    muster_at(&config, &["restore", copy], "").expect_success();
    assert_eq!(mode(&data), 0o700);
    muster_at(&config, &["user", "list"], "").expect_success();
}

#[tokio::test]
async fn replay_builds_the_same_rows_again_also_when_the_projections_are_gone() {
    let (_directory, config) = installation().await;
    muster_at(&config, &["user", "add", "ada", "--admin"], PASSWORD).expect_success();
    muster_at(&config, &["replay"], "").expect_success();
    let again = muster_at(&config, &["replay"], "").expect_success();
    assert!(again.contains("the same rows as before"), "{again}");
    projections::remove(&config.with_file_name("data")).unwrap();
    let folded = muster_at(&config, &["replay"], "").expect_success();
    assert!(folded.contains("6 events folded"), "{folded}");
}

#[tokio::test]
async fn a_running_server_replays_one_projection_or_all_and_names_those_that_there_are() {
    let (_directory, config) = installation().await;
    muster_at(&config, &["user", "add", "ada", "--admin"], PASSWORD).expect_success();
    let mut server = Serving::start(&config);
    for names in [&["audit"][..], &["people", "devices"], &[]] {
        let said = muster_at(&config, &[&["replay"], names].concat(), "").expect_success();
        assert!(said.contains("6 events folded") && said.contains("the same rows as before"), "{said}");
    }
    let said = muster_at(&config, &["replay", "device"], "").expect_failure();
    assert!(said.contains("there is no projection “device”") && said.contains("devices"), "{said}");
    server.terminate();
    let said = muster_at(&config, &["replay", "device"], "").expect_failure();
    assert!(said.contains("there is no projection “device”"), "{said}");
}

#[tokio::test]
async fn what_a_new_program_needs_is_built_while_the_old_one_serves() {
    let (_directory, config) = installation().await;
    muster_at(&config, &["user", "add", "ada", "--admin"], PASSWORD).expect_success();
    let mut server = Serving::start(&config);
    let said = muster_at(&config, &["replay", "--ahead"], "").expect_success();
    assert!(said.contains("there is nothing to build"), "{said}");
    // As if the running program had an earlier version of this projection.
    let file = file_of(&config.with_file_name("data"), "staff");
    let earlier = file.with_file_name("staff.0.1.db");
    std::fs::rename(&file, &earlier).unwrap();
    let said = muster_at(&config, &["replay", "--ahead"], "").expect_success();
    assert!(said.contains("built ahead: staff; restart"), "{said}");
    assert!(earlier.exists() && file.exists(), "the file that is served stays");
    server.terminate();
    let mut server = Serving::start(&config);
    assert!(!earlier.exists() && file.exists());
    let said = muster_at(&config, &["replay", "staff"], "").expect_success();
    assert!(said.contains("the same rows as before"), "{said}");
    server.terminate();
}

#[tokio::test]
async fn the_status_of_an_installation_stands_on_one_screen_for_people_and_for_machines() {
    let (_directory, config) = installation().await;
    let down = muster_at(&config, &["status"], "");
    assert_eq!(down.code, Some(1), "{down:?}");
    assert!(down.out.contains("Server        does not answer at 127.0.0.1:"), "{}", down.out);
    assert!(
        down.out.contains("Log           at position "),
        "the log is read although the server is down: {}",
        down.out
    );
    // Gives the metrics a free port.
    let text = std::fs::read_to_string(&config).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    std::fs::write(
        &config,
        text.replace("metrics_listen = \"127.0.0.1:0\"", &format!("metrics_listen = \"127.0.0.1:{port}\"")),
    )
    .unwrap();
    let mut server = Serving::start(&config);
    // The server is ready after a first check of the log. The pages may be up to date a moment later.
    let status = async || {
        let up = muster_at(&config, &["status"], "");
        (up.code == Some(0) && up.out.contains("show every event")).then_some(up.out)
    };
    let told = seen("a server that is ready and has read every event", status).await;
    for words in [
        concat!("Server        version ", env!("CARGO_PKG_VERSION"), " is ready, at 127.0.0.1:"),
        "Pages         show every event",
        "Commands      0 wait for their devices",
        "Push          com.apple.mgmt.External.",
        "TLS: ends on ",
        "device identity CA: ends on ",
        "Alarms        none since the start",
    ] {
        assert!(told.contains(words), "{words:?} is missing in {told}");
    }
    assert!(told.lines().count() <= 24, "the status fits on one screen: {told}");
    let json: serde_json::Value =
        serde_json::from_str(&muster_at(&config, &["status", "--json"], "").expect_success()).unwrap();
    assert_eq!((&json["server"]["ready"], &json["figures"]["commands_waiting"]), (&true.into(), &0.into()));
    assert!(json["certificates"]["push"]["days_left"].as_i64().unwrap() > 300, "{json}");
    server.terminate();
}

#[test]
fn shells_and_man_know_each_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = muster(&["completions", shell], "").expect_success();
        assert!(script.contains("check-config") && script.contains("set-up-link"), "{shell}");
    }
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("man1");
    muster(&["man", pages.to_str().unwrap()], "").expect_success();
    for page in ["muster.1", "muster-backup-verify.1", "muster-user-set-up-link.1"] {
        let text = std::fs::read_to_string(pages.join(page)).unwrap();
        for section in ["EXIT STATUS", "ENVIRONMENT", "FILES", "SEE ALSO"] {
            assert!(
                text.contains(&format!(".SH \"{section}\"")) || text.contains(&format!(".SH {section}")),
                "{page}: {text}"
            );
        }
        let title = text.lines().find(|line| line.starts_with(".TH")).unwrap();
        assert!(title.contains("MUSTER") && title.contains("\"Muster ") && title.contains("Muster manual"), "{title}");
    }
    let page = |name: &str| std::fs::read_to_string(pages.join(name)).unwrap();
    assert!(page("muster-simulate.1").contains("institutional"), "the page lists the possible values");
    assert!(page("muster-check-config.1").contains("even if it is only a warning"));
    assert!(page("muster-serve.1").contains("MUSTER_CONFIG") && page("muster-serve.1").contains("70"));
    let help = muster(&["check-config", "--help"], "").expect_success();
    assert!(help.contains("Exit status:") && help.contains("even if it is only a warning"), "{help}");
}
