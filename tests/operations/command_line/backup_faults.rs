//! Incomplete backups and restored installations: the command fails and names what is missing, such as damaged keys,
//! omitted files and files that differ.

use harness::binary::{Said, muster, muster_at, muster_with_small_disk};
use harness::installation;
use std::ffi::OsStr;
use std::fs::Permissions;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

const PASSWORD: &str = "a long walk in eleven steps";

fn backup(config: &Path, copy: &Path) -> Said {
    muster_at(config, &["backup", copy.to_str().unwrap()], "")
}

fn make_pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_keys_are_named_by_backup_verify_and_restore_and_the_copy_is_kept() {
    let (directory, config) = installation().await;
    for name in ["heidi", "rudi"] {
        muster_at(&config, &["user", "add", name, "--help-desk"], PASSWORD).expect_success();
    }
    let keys = rusqlite::Connection::open(config.with_file_name("data/keys.db")).unwrap();
    let damaged: String = keys
        .query_row(
            "UPDATE key SET wrapped = zeroblob(length(wrapped)) WHERE name = (SELECT min(name) FROM key) RETURNING name",
            [],
            |row| row.get(0),
        )
        .unwrap();
    drop(keys);
    let told = |said: &Said| said.code == Some(1) && said.err.contains(&format!("1 damaged key in keys.db: {damaged}"));
    let copy = directory.path().join("backup");
    let said = backup(&config, &copy);
    assert!(told(&said) && said.err.contains("is kept"), "{said:?}");
    let verify = |more: &[&str]| {
        let nowhere = directory.path().join("nowhere.toml");
        muster(
            &[&["backup", "verify", copy.to_str().unwrap(), "--config", nowhere.to_str().unwrap()], more].concat(),
            "",
        )
    };
    let key = config.with_file_name("master.key");
    let said = verify(&["--master-key", key.to_str().unwrap()]);
    assert!(told(&said) && !said.out.contains("sound"), "{said:?}");
    let said = verify(&[]).expect_success();
    assert!(said.contains("the keys were not opened"), "{said}");
    let bare = directory.path().join("bare/muster.toml");
    let said = muster(
        &["restore", copy.to_str().unwrap(), "--master-key", key.to_str().unwrap(), "--config", bare.to_str().unwrap()],
        "",
    );
    assert!(told(&said) && said.out.contains("restored, verified"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_another_master_key_is_not_made() {
    let (directory, config) = installation().await;
    let master = config.with_file_name("master.key");
    std::fs::write(&master, "0".repeat(64)).unwrap();
    let copy = directory.path().join("backup");
    let said = backup(&config, &copy).expect_failure();
    assert!(said.contains("was made with another master key") && !copy.exists(), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_in_pki_is_taken_or_named_and_nothing_is_waited_for() {
    let (directory, config) = installation().await;
    let pki = config.with_file_name("pki");
    let elsewhere = directory.path().join("elsewhere");
    std::fs::write(&elsewhere, "linked").unwrap();
    symlink(&elsewhere, pki.join("link.pem")).unwrap();
    symlink(config.with_file_name("master.key"), pki.join("master-link.key")).unwrap();
    symlink(directory.path().join("none"), pki.join("dangling.pem")).unwrap();
    symlink(directory.path(), pki.join("circle")).unwrap();
    std::fs::File::create(pki.join("huge.pem")).unwrap().set_len(5 << 20).unwrap();
    std::fs::create_dir_all(pki.join("a/b/deep")).unwrap();
    std::fs::write(pki.join("a/b/deep/key.pem"), "deep").unwrap();
    std::fs::write(pki.join("a/b/key.pem"), "not so deep").unwrap();
    make_pipe(&pki.join("pipe"));
    let copy = directory.path().join("backup");
    let said = backup(&config, &copy);
    assert!(said.code == Some(1) && said.err.contains("is kept"), "{said:?}");
    for (path, why) in [
        ("dangling.pem", "a symbolic link whose target cannot be read"),
        ("circle", "a symbolic link to a directory"),
        ("huge.pem", "larger than 4 MiB"),
        ("a/b/deep", "deeper than 3 levels"),
        ("pipe", "a named pipe (FIFO)"),
    ] {
        let line = format!("left out: {}: ", pki.join(path).display());
        assert!(said.err.lines().any(|one| one.contains(&line) && one.contains(why)), "{path}: {}", said.err);
    }
    assert_eq!(said.err.matches("left out: ").count(), 5, "{}", said.err);
    let catalog = std::fs::read_to_string(copy.join("installation.json")).unwrap();
    assert!(catalog.contains("pki/link.pem") && catalog.contains("pki/a/b/key.pem"), "{catalog}");
    assert!(!catalog.contains("master"), "{catalog}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_regular_file_is_refused_by_kind_in_place_of_any_file_of_the_configuration() {
    let (directory, config) = installation().await;
    let named = ["master.key", "pki/identity-ca.pem", "pki/identity-ca.key", "pki/profile-signer.key", "muster.toml"];
    for name in named {
        let path = config.with_file_name(name);
        let aside = path.with_extension("aside");
        std::fs::rename(&path, &aside).unwrap();
        make_pipe(&path);
        let copy = directory.path().join(format!("backup of {}", name.replace('/', "-")));
        for arguments in [&["check-config"][..], &["backup", copy.to_str().unwrap()], &["serve"]] {
            let said = muster_at(&config, arguments, "");
            let told = format!("{}{}", said.out, said.err);
            let line = told.lines().find(|line| line.contains("a named pipe (FIFO): give a regular file"));
            assert!(
                said.code == Some(1) && line.is_some_and(|line| line.contains(path.to_str().unwrap())),
                "{name}: {told}"
            );
        }
        // Without the configuration or the master key, no backup is made. Without another file, the backup is made and
        // lacks that file.
        let is_made = !matches!(name, "master.key" | "muster.toml");
        assert_eq!(copy.join("installation.json").exists(), is_made, "{name}");
        std::fs::remove_file(&path).unwrap();
        std::fs::rename(&aside, &path).unwrap();
    }
    let path = config.with_file_name("pki/identity-ca.pem");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let said = muster_at(&config, &["check-config"], "");
    assert!(said.out.contains("it is a directory: give a regular file"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_configuration_names_and_that_cannot_be_taken_is_named_and_the_backup_is_kept() {
    let (directory, config) = installation().await;
    let pki = config.with_file_name("pki");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str(
        "\n[[identity.openid_connect]]\nname = \"school\"\ntitle = \"School\"\nissuer = \"https://id.example\"\nclient_id = \"muster\"\nclient_secret = \"Pa55-word\"\n\
         [[identity.saml]]\nname = \"federation\"\ntitle = \"F\"\nmetadata = \"huge.xml\"\n\
         [mail]\nhost = \"mail.example\"\nfrom = \"m@school.example\"\nuser_name = \"m\"\npassword_file = \"hunter2\"\n",
    );
    std::fs::write(&config, text).unwrap();
    std::fs::File::create(config.with_file_name("huge.xml")).unwrap().set_len(5 << 20).unwrap();
    std::fs::remove_file(pki.join("tls-root.pem")).unwrap();
    let copy = directory.path().join("backup");
    let said = backup(&config, &copy);
    assert!(
        said.code == Some(1) && said.err.contains("is kept") && copy.join("installation.json").exists(),
        "{said:?}"
    );
    for secret in ["Pa55-word", "hunter2"] {
        assert!(!said.err.contains(secret), "a value entered where a path belongs must not be printed: {}", said.err);
    }
    for (what, why) in [
        ("[[identity.openid_connect]] \"school\": client_secret".to_owned(), "no file has that name"),
        ("[mail]: password_file".to_owned(), "no file has that name"),
        (
            config.with_file_name("huge.xml").display().to_string(),
            "muster.toml names it, and it cannot be read: it is larger",
        ),
        (pki.join("tls-root.pem").display().to_string(), "muster.toml names it, and it cannot be read: No such file"),
    ] {
        let line = said.err.lines().find(|line| line.contains(&format!("left out: {what}: ")));
        assert!(line.is_some_and(|line| line.contains(why)), "{what}: {}", said.err);
    }
    assert_eq!(said.err.matches("left out: ").count(), 4, "{}", said.err);
    muster_at(&config, &["backup", "verify", copy.to_str().unwrap()], "").expect_success();
}

#[tokio::test(flavor = "multi_thread")]
async fn any_name_of_a_file_is_taken_or_named_and_printed_in_one_line() {
    let (directory, config) = installation().await;
    let pki = config.with_file_name("pki");
    std::fs::write(pki.join(OsStr::from_bytes(b"latin-\xe9.pem")), "a name that is no UTF-8").unwrap();
    std::fs::write(pki.join("a\n\u{1b}[2Jb.pem"), "taken").unwrap();
    symlink(directory.path().join("none"), pki.join("c\n\u{1b}d.pem")).unwrap();
    let copy = directory.path().join("backup");
    let said = backup(&config, &copy);
    assert!(said.code == Some(1) && said.err.contains("is kept") && !said.err.contains("panicked"), "{said:?}");
    for (name, why) in
        [("latin-\u{fffd}.pem", "its name is not UTF-8"), ("c\\u{a}\\u{1b}d.pem", "a symbolic link whose")]
    {
        let line = format!("left out: {}: {why}", pki.join(name).display());
        assert!(said.err.contains(&line), "{line}: {}", said.err);
    }
    assert!(copy.exists() && !directory.path().join("backup.unfinished").exists());
    let (key, bare) = (config.with_file_name("master.key"), directory.path().join("bare/muster.toml"));
    let (key, at) = (key.to_str().unwrap(), bare.to_str().unwrap());
    let said = muster(&["restore", copy.to_str().unwrap(), "--master-key", key, "--config", at], "").expect_success();
    let line = format!("restored {}", bare.with_file_name("pki/a\\u{a}\\u{1b}[2Jb.pem").display());
    assert!(said.contains(&line) && !said.contains('\u{1b}'), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_master_key_is_left_out_and_named() {
    let (directory, config) = installation().await;
    let pki = config.with_file_name("pki");
    let master = std::fs::read_to_string(config.with_file_name("master.key")).unwrap();
    std::fs::write(pki.join("master.key.old"), &master).unwrap();
    std::fs::write(pki.join("notes.txt"), format!("keep this: {}!", master.trim().to_uppercase())).unwrap();
    let copy = directory.path().join("backup");
    let said = backup(&config, &copy);
    assert!(said.code == Some(1) && said.err.contains("is kept"), "{said:?}");
    for name in ["master.key.old", "notes.txt"] {
        let line = format!("left out: {}: it contains the master key", pki.join(name).display());
        assert!(said.err.contains(&line), "{line}: {}", said.err);
    }
    let catalog = std::fs::read_to_string(copy.join("installation.json")).unwrap();
    assert!(!catalog.contains("master.key.old") && !catalog.contains("notes.txt"), "{catalog}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_goes_neither_into_the_installations_own_directories_nor_into_one_without_a_name() {
    let (directory, config) = installation().await;
    let link = directory.path().join("link");
    symlink(config.with_file_name("pki"), &link).unwrap();
    for place in [config.with_file_name("pki/backup"), config.with_file_name("data/a/b"), link.join("backup")] {
        let said = backup(&config, &place).expect_failure();
        assert!(said.contains("which the installation works with"), "{said}");
        assert!(!place.exists() && !place.parent().unwrap().join("a").exists());
    }
    let empty = directory.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let mut command = std::process::Command::new(harness::binary::path());
    let said =
        command.current_dir(&empty).args(["backup", ".", "--config", config.to_str().unwrap()]).output().unwrap();
    let told = String::from_utf8(said.stderr).unwrap();
    assert!(said.status.code() == Some(1) && told.contains(". has no directory name: give a path"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_key_is_named_by_backup_verify_and_restore_and_the_copy_is_kept() {
    let (directory, config) = installation().await;
    muster_at(&config, &["user", "add", "heidi", "--help-desk"], PASSWORD).expect_success();
    let keys = rusqlite::Connection::open(config.with_file_name("data/keys.db")).unwrap();
    let name: String = keys
        .query_row("DELETE FROM key WHERE name = (SELECT min(name) FROM key) RETURNING name", [], |row| row.get(0))
        .unwrap();
    drop(keys);
    let told = |said: &Said| {
        said.code == Some(1)
            && said.err.contains(&format!("1 missing key in keys.db: {name}"))
            && said.err.contains("An older or lost keys.db")
    };
    let copy = directory.path().join("backup");
    let said = backup(&config, &copy);
    assert!(told(&said) && said.err.contains("is kept"), "{said:?}");
    let said = muster_at(&config, &["backup", "verify", copy.to_str().unwrap()], "");
    assert!(told(&said) && !said.out.contains("sound"), "{said:?}");
    let (key, bare) = (config.with_file_name("master.key"), directory.path().join("bare/muster.toml"));
    let (key, bare) = (key.to_str().unwrap(), bare.to_str().unwrap());
    let said = muster(&["restore", copy.to_str().unwrap(), "--master-key", key, "--config", bare], "");
    assert!(told(&said) && said.out.contains("restored, verified"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_at_the_destination_is_told_of_the_destination() {
    let (directory, config) = installation().await;
    // The disk has room for the index of the write-ahead log, which the source needs, but not for the log.
    let log = rusqlite::Connection::open(config.with_file_name("data/events.db")).unwrap();
    log.execute_batch("CREATE TABLE filler (bytes); INSERT INTO filler VALUES (zeroblob(40000))").unwrap();
    drop(log);
    let copy = directory.path().join("backup");
    let said = muster_with_small_disk(&["backup", copy.to_str().unwrap(), "--config", config.to_str().unwrap()], 40);
    let said = said.expect_failure();
    assert!(said.contains("cannot write the copy") && said.contains("backup.unfinished/events.db"), "{said}");
    assert!(!said.contains(config.with_file_name("data").to_str().unwrap()) && !copy.exists(), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_restore_says_that_there_is_a_log_and_the_same_master_key_is_no_hindrance() {
    let (directory, config) = installation().await;
    let copy = directory.path().join("backup");
    backup(&config, &copy).expect_success();
    let (key, bare) = (config.with_file_name("master.key"), directory.path().join("bare/muster.toml"));
    let restore = |key: &Path| {
        let (copy, key, bare) = (copy.to_str().unwrap(), key.to_str().unwrap(), bare.to_str().unwrap());
        muster(&["restore", copy, "--master-key", key, "--config", bare], "")
    };
    restore(&key).expect_success();
    let said = restore(&key).expect_failure();
    assert!(said.contains("there is a log in") && !said.contains("omit --master-key"), "{said}");
    std::fs::remove_dir_all(bare.with_file_name("data")).unwrap();
    let other = directory.path().join("other.key");
    std::fs::write(&other, "0".repeat(64)).unwrap();
    std::fs::set_permissions(&other, Permissions::from_mode(0o600)).unwrap();
    let said = restore(&other).expect_failure();
    assert!(said.contains("is not the master key in"), "{said}");
    restore(&key).expect_success();
    std::fs::remove_dir_all(bare.with_file_name("data")).unwrap();
    let text = std::fs::read_to_string(&bare).unwrap();
    std::fs::write(&bare, text + "# moved\n").unwrap();
    let said = restore(&key);
    let told = format!("not replaced, although it differs from the backup: {}", bare.display());
    assert!(said.code == Some(1) && said.err.contains(&told) && said.out.contains("restored, verified"), "{said:?}");
}
