//! `muster backup`, `muster backup verify` and `muster restore`. A backup contains everything that a new machine
//! needs, except the master key.

use harness::binary::{Serving, muster, muster_at};
use harness::cast::{Scene, Visitor};
use harness::installation;
use harness::process::Installation;
use simulator::chance;
use simulator::device::Device;
use simulator::messages;
use simulator::model::Family;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const PASSWORD: &str = "a long walk in eleven steps";

/// Creates an installation that never ran a server, and its backup.
async fn backed_up() -> (TempDir, PathBuf, PathBuf) {
    let (directory, config) = installation().await;
    let copy = directory.path().join("backup");
    muster_at(&config, &["backup", copy.to_str().unwrap()], "").expect_success();
    (directory, config, copy)
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Restores into an empty directory, with a master key from another place.
fn restore(copy: &Path, master_key: &Path, bare: &Path) -> harness::binary::Said {
    let config = bare.join("muster.toml");
    let (copy, key) = (copy.to_str().unwrap(), master_key.to_str().unwrap());
    muster(&["restore", copy, "--master-key", key, "--config", config.to_str().unwrap()], "")
}

async fn is_served(device: &Device) -> u16 {
    let management = device.management().unwrap();
    let token = chance::bytes::<32>();
    let (identifier, topic) = (&management.identifier, &management.mdm.topic);
    let message = messages::token_update(identifier, topic, &token, &management.push_magic, None);
    let url = &management.mdm.check_in_url;
    let kind = "application/x-apple-aspen-mdm-checkin";
    device.send(management, url, kind, &messages::xml(&message)).await.unwrap().status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_and_the_master_key_are_all_that_a_bare_machine_needs() {
    let scene = Scene::set().await;
    let device = scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await;
    let lost = Installation::of(scene.server).await;
    muster_at(lost.config(), &["user", "add", "heidi", "--help-desk"], PASSWORD).expect_success();
    let elsewhere = tempfile::tempdir().unwrap();
    let (copy, key) = (elsewhere.path().join("backup"), elsewhere.path().join("master.key"));
    std::fs::copy(lost.config().with_file_name("master.key"), &key).unwrap();
    let said = muster_at(lost.config(), &["backup", copy.to_str().unwrap()], "").expect_success();
    assert!(said.contains("the master key is not in it"), "{said}");
    drop(lost);

    let bare = elsewhere.path().join("bare/machine");
    let said = restore(&copy, &key, &bare).expect_success();
    for file in ["muster.toml", "master.key", "pki/identity-ca.key", "pki/tls.key"] {
        assert!(said.contains(&format!("restored {}", bare.join(file).display())), "{file}: {said}");
        assert_eq!(std::fs::metadata(bare.join(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
    let config = bare.join("muster.toml");
    assert!(muster_at(&config, &["user", "list"], "").expect_success().contains("heidi"));
    let mut server = Serving::start(&config);
    assert_eq!(is_served(&device).await, 200, "the device accepts the restored server and its keys");
    assert_eq!(server.terminate().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_holds_no_private_key_and_no_password_in_the_clear_and_is_nobody_elses() {
    let (directory, config) = installation().await;
    let secret = config.with_file_name("directory.password");
    std::fs::write(&secret, "the searcher's own secret\n").unwrap();
    std::fs::write(config.with_file_name("pki/both.pem"), "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n")
        .unwrap();
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str(&format!(
        "\n[[identity.directory]]\nname = \"main\"\nservers = [\"ldaps://dc.example.test\"]\nbind_dn = \"cn=m\"\nbase = \"dc=t\"\nbind_password = {:?}\n\
         [mail]\nhost = \"mail.example.test\"\nfrom = \"m@example.test\"\nuser_name = \"m\"\npassword_file = \"mail.password\"\n",
        secret.to_str().unwrap()
    ));
    std::fs::write(config.with_file_name("mail.password"), "the mail server's own secret\n").unwrap();
    std::fs::write(&config, text).unwrap();
    let copy = directory.path().join("backup");
    muster_at(&config, &["backup", copy.to_str().unwrap()], "").expect_success();
    let master = std::fs::read_to_string(config.with_file_name("master.key")).unwrap();
    for file in files(&copy) {
        let bytes = std::fs::read(&file).unwrap();
        for told in ["PRIVATE KEY", "the searcher's own secret", "the mail server's own secret", master.trim()] {
            assert!(!bytes.windows(told.len()).any(|part| part == told.as_bytes()), "{}: {told}", file.display());
        }
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o700);
    let key = config.with_file_name("master.key");
    let bare = directory.path().join("bare");
    restore(&copy, &key, &bare).expect_success();
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "the searcher's own secret\n");
    assert_eq!(std::fs::read_to_string(bare.join("mail.password")).unwrap(), "the mail server's own secret\n");
    assert_eq!(
        std::fs::read(bare.join("pki/both.pem")).unwrap(),
        std::fs::read(config.with_file_name("pki/both.pem")).unwrap()
    );
}

/// A change made to a file.
type Change<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_was_changed_brings_nothing_back_and_verify_says_so() {
    let (directory, config, copy) = backed_up().await;
    let key = config.with_file_name("master.key");
    let verify = |more: &[&str]| {
        let elsewhere = directory.path().join("nowhere.toml");
        let arguments =
            [&["backup", "verify", copy.to_str().unwrap(), "--config", elsewhere.to_str().unwrap()], more].concat();
        muster(&arguments, "")
    };
    let sealed = ["--master-key", key.to_str().unwrap()];
    assert!(verify(&[]).expect_success().contains("the master key to open them is missing"));
    assert!(verify(&sealed).expect_success().contains("each opened"));
    let changes: [(&str, Change<'_>); 4] = [
        ("installation/000", &|text| [text, b"\n# more\n"].concat()),
        ("installation/003", &|bytes| [&bytes[..bytes.len() - 1], &[bytes[bytes.len() - 1] ^ 1]].concat()),
        ("installation.json", &|text| {
            String::from_utf8(text.to_vec()).unwrap().replace("pki/", "../../elsewhere/").into_bytes()
        }),
        ("backup.json", &|text| {
            String::from_utf8(text.to_vec()).unwrap().replace("\"events\": ", "\"events\": 1").into_bytes()
        }),
    ];
    for (file, change) in changes {
        let path = copy.join(file);
        let whole = std::fs::read(&path).unwrap();
        let changed = change(&whole);
        assert_ne!(changed, whole, "{file}");
        std::fs::write(&path, changed).unwrap();
        let said = verify(&sealed).expect_failure();
        assert!(said.contains("changed since") || said.contains("altered"), "{file}: {said}");
        let bare = directory.path().join("bare");
        restore(&copy, &key, &bare).expect_failure();
        let left = if bare.exists() { files(&bare) } else { vec![] };
        assert!(left.iter().all(|path| path.ends_with("data/muster.lock")), "{file}: {left:?}");
        assert!(!directory.path().join("elsewhere").exists());
        std::fs::write(&path, whole).unwrap();
    }
    let other = directory.path().join("other.key");
    std::fs::write(&other, "0".repeat(64)).unwrap();
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o600)).unwrap();
    let bare = directory.path().join("bare");
    let said = restore(&copy, &other, &bare).expect_failure();
    assert!(said.contains("another master key") && !bare.join("master.key").exists(), "{said}");
    let said = muster(&["restore", copy.to_str().unwrap(), "--config", bare.join("muster.toml").to_str().unwrap()], "")
        .expect_failure();
    assert!(said.contains("there is no master key at") && said.contains("--master-key"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn restoring_replaces_no_file_that_is_there() {
    let (directory, config, copy) = backed_up().await;
    let bare = directory.path().join("bare");
    std::fs::create_dir_all(bare.join("pki")).unwrap();
    let text = std::fs::read_to_string(&config).unwrap();
    let own = text.replace("[logging]", "# moved to another machine\n[logging]");
    assert_ne!(own, text);
    std::fs::write(bare.join("muster.toml"), &own).unwrap();
    // A symbolic link from a killed restore or an attacker: the restore must not write through it.
    let elsewhere = directory.path().join("elsewhere");
    std::fs::write(&elsewhere, "untouched").unwrap();
    std::os::unix::fs::symlink(&elsewhere, bare.join("pki/tls.key.restoring")).unwrap();
    let said = restore(&copy, &config.with_file_name("master.key"), &bare).expect_failure();
    assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "untouched");
    assert!(files(&bare).iter().all(|path| path.extension().is_none_or(|end| end != "restoring")));
    let kept = format!("not replaced, although it differs from the backup: {}", bare.join("muster.toml").display());
    assert!(said.contains(&kept), "{said}");
    assert_eq!(std::fs::read_to_string(bare.join("muster.toml")).unwrap(), own);
    // Nothing is restored over an existing log.
    let again = restore(&copy, &config.with_file_name("master.key"), &bare).expect_failure();
    assert!(again.contains("there is a log in"), "{again}");
}
