//! An older `keys.db` with a newer log: refused, or accepted as a loss. Erased data stays erased, and lost data is
//! reported as lost.

use events::Event;
use events::device::DeviceId;
use events::enrollment::EnrollmentId;
use events::log::Entry;
use events::person::{PersonEvent, PersonId};
use events::personal::Gone;
use events::personal::keys::{Held, KeyError, KeyStore};
use events::staff::Privilege;
use events::system::{LogEvent, log_stream};
use harness::TestServer;
use harness::binary::muster_at;
use harness::cast::{Scene, Visitor, id_of};
use harness::desk::{Browser, write};
use harness::guest::{Guest, iphone};
use harness::kept::kept;
use muster::app::older_log;
use muster::config::Config;
use simulator::model::Family;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Returns a server with a device of ada's, and a copy of the key store from before or after the enrollment. No work
/// is pending.
async fn scene_with_an_older_key_store(had_enrolled: bool) -> (Scene, PathBuf, DeviceId) {
    let mut scene = Scene::set().await;
    let data = scene.server.directory().join("data");
    let older = data.with_file_name("older-keys.db");
    let kept = async |scene: &mut Scene| {
        let copy = || {
            std::fs::copy(data.join("keys.db"), &older).unwrap();
        };
        scene.server.restart_after(copy).await;
    };
    if !had_enrolled {
        kept(&mut scene).await;
    }
    let device = id_of(&scene.enroll(Visitor::institutional(Family::IPad, "17.5")).await);
    scene.server.settled().await;
    if had_enrolled {
        kept(&mut scene).await;
    }
    (scene, older, device)
}

fn put_back(older: &Path, data: &Path) {
    for beside in ["keys.db-wal", "keys.db-shm"] {
        let _ = std::fs::remove_file(data.join(beside));
    }
    std::fs::copy(older, data.join("keys.db")).unwrap();
}

async fn person_of(server: &TestServer, device: DeviceId) -> PersonId {
    server.app().platform.device(device).await.unwrap().person.unwrap()
}

fn gone(entries: &[Entry]) -> Vec<Option<Gone>> {
    entries.iter().filter_map(|entry| entry.source.as_ref().map(|source| source.gone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_key_store_is_refused_at_the_start_with_what_to_restore() {
    let (scene, older, _) = scene_with_an_older_key_store(false).await;
    let directory = scene.server.stop_keeping().await;
    let config = directory.path().join("muster/muster.toml");
    let data = config.with_file_name("data");
    let newest = data.with_file_name("newest-keys.db");
    std::fs::copy(data.join("keys.db"), &newest).unwrap();
    put_back(&older, &data);
    let log = std::fs::read(data.join("events.db")).unwrap();
    let found = muster_at(&config, &["check-config"], "");
    assert!(found.code == Some(1) && found.out.contains("keys.db is older than the log"), "{found:?}");
    for _ in 0..2 {
        let said = muster_at(&config, &["serve"], "").expect_failure();
        for word in ["keys.db is older than the log", "Restore the newest keys.db", "--accept-lost-keys"] {
            assert!(said.contains(word), "{word} is missing in {said}");
        }
    }
    assert_eq!(std::fs::read(data.join("events.db")).unwrap(), log, "nothing was written");
    put_back(&newest, &data);
    let server = TestServer::start_in(directory, &config).await;
    server.caught_up().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lost_keys_sealed_reads_key_lost_and_its_person_goes_on_under_another_key() {
    let (mut scene, older, device) = scene_with_an_older_key_store(false).await;
    let person = person_of(&scene.server, device).await;
    let data = scene.server.directory().join("data");
    let put_older_back = |config: &mut Config| {
        put_back(&older, &data);
        config.store.accept_lost_keys = true;
    };
    scene.server.restart_with(put_older_back).await;
    let lost = |entries: Vec<Entry>| -> Vec<usize> {
        let events = entries.into_iter().map(|entry| entry.event);
        events
            .filter_map(|event| match event {
                Event::Log(LogEvent::KeysLost { names }) => Some(names.len()),
                _ => None,
            })
            .collect()
    };
    let told = lost(scene.server.log_of(&log_stream()).await);
    assert!(told.len() == 1 && told[0] >= 2, "{told:?}");
    let enrollment = gone(&scene.server.log_of(&device.enrollment().stream()).await);
    assert!(!enrollment.is_empty() && enrollment.iter().all(|gone| *gone == Some(Gone::Lost)), "{enrollment:?}");
    scene.server.caught_up().await;
    let staff = Browser::signed_in(&scene.server, "auditor", &[Privilege::Administrator, Privilege::Auditor]).await;
    let trail = staff.get("/console/audit").await;
    assert!(trail.body.contains("(key lost)") && !trail.body.contains("(erased)"), "{}", trail.body);
    let shown = staff.get(&format!("/console/devices/{device}")).await;
    assert!(shown.status == 200 && shown.body.contains("(key lost)"), "{}", shown.body);
    // The loss is accepted once: the next start needs no option and records nothing more.
    scene.server.restart_with(|config| config.store.accept_lost_keys = false).await;
    scene.server.caught_up().await;
    assert_eq!(lost(scene.server.log_of(&log_stream()).await), told);
    // She is still the same person, and her attributes are recorded again.
    let another = id_of(&scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await);
    assert_eq!(person_of(&scene.server, another).await, person);
    let known = scene.server.log_of(&person.stream()).await;
    let attributes = known.iter().rev().find_map(|entry| match &entry.event {
        Event::Person(PersonEvent::PersonAttributesChanged { attributes }) => attributes.user_name.clone(),
        _ => None,
    });
    let attributes = attributes.expect("the attributes of her account are recorded again");
    assert_eq!((attributes.text(), attributes.key()), ("ada", &person.key().successor()));
    scene.server.settled().await;
    scene.strike().await;
}

async fn erase(server: &TestServer, person: PersonId) {
    let keys = Arc::clone(&server.app().platform.keys);
    tokio::task::spawn_blocking(move || KeyStore::destroy(keys.as_ref(), &person.key())).await.unwrap().unwrap();
    write(server, &person.stream(), server.app().platform.world.now(), PersonEvent::PersonErased {}).await;
    server.settled().await;
}

/// Asserts that the keys of an erased person and of their enrollment are destroyed, and that the enrollment reads as
/// erased.
async fn reads_erased(server: &TestServer, person: PersonId, enrollment: EnrollmentId) {
    for key in [person.key(), enrollment.enrollment_key()] {
        let held = server.app().platform.log.keys().key(&key).unwrap();
        assert!(matches!(held, Held::Destroyed), "{} exists again or is lost", key.0);
    }
    let opened = server.log_of(&enrollment.stream()).await.remove(0);
    assert_eq!(opened.source.unwrap().gone(), Some(Gone::Erased));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_stays_erased_when_an_older_key_store_is_accepted_though_the_first_start_is_cut_off() {
    let (mut scene, older, device) = scene_with_an_older_key_store(true).await;
    let person = person_of(&scene.server, device).await;
    erase(&scene.server, person).await;
    let (file, data) = (scene.server.config_file(), scene.server.directory().join("data"));
    let keys = |sql: &str| rusqlite::Connection::open(data.join("keys.db")).unwrap().execute_batch(sql).unwrap();
    let cut_off_once = |config: &mut Config| {
        put_back(&older, &data);
        keys(
            "CREATE TRIGGER cut_off BEFORE UPDATE ON key WHEN new.wrapped IS NULL
             BEGIN SELECT RAISE(FAIL, 'cut off'); END",
        );
        let said = muster_at(&file, &["serve", "--accept-lost-keys"], "").expect_failure();
        assert!(said.contains("cut off"), "{said}");
        assert!(!data.join("projections").exists(), "no rows remain of the data that the next start erases");
        keys("DROP TRIGGER cut_off");
        let said = muster_at(&file, &["serve"], "").expect_failure();
        assert!(said.contains("keys.db is older than the log"), "{said}");
        config.store.accept_lost_keys = true;
    };
    scene.server.restart_with(cut_off_once).await;
    reads_erased(&scene.server, person, device.enrollment()).await;
    scene.server.abandon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_whose_key_the_older_key_store_lacks_reads_erased_and_is_not_told_as_lost() {
    let (mut scene, older, device) = scene_with_an_older_key_store(false).await;
    let person = person_of(&scene.server, device).await;
    erase(&scene.server, person).await;
    let data = scene.server.directory().join("data");
    let put_older_back = |config: &mut Config| {
        put_back(&older, &data);
        config.store.accept_lost_keys = true;
    };
    scene.server.restart_with(put_older_back).await;
    reads_erased(&scene.server, person, device.enrollment()).await;
    for entry in scene.server.log_of(&log_stream()).await {
        if let Event::Log(LogEvent::KeysLost { names }) = entry.event {
            assert!(names.iter().all(|name| name.first() != person.key()), "{names:?}");
            assert!(!names.contains(&device.enrollment().enrollment_key()), "{names:?}");
        }
    }
    let again = person.key();
    let keys = Arc::clone(&scene.server.app().platform.keys);
    let ensured = tokio::task::spawn_blocking(move || keys.ensure(&[again])).await.unwrap();
    assert!(matches!(ensured, Err(KeyError::Destroyed(_))), "no successor of the key is created: {ensured:?}");
    scene.server.abandon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_key_store_the_server_starts_only_if_the_loss_is_accepted() {
    let (directory, config) = kept().await;
    let data = config.with_file_name("data");
    std::fs::remove_file(data.join("keys.db")).unwrap();
    let said = muster_at(&config, &["replay"], "").expect_failure();
    assert!(said.contains("there is no key store"), "{said}");
    assert!(!data.join("keys.db").exists());
    let key = config.with_file_name("master.key");
    let right = std::fs::read_to_string(&key).unwrap();
    std::fs::write(&key, right.trim().chars().rev().collect::<String>()).unwrap();
    let said = muster_at(&config, &["serve", "--accept-lost-keys"], "").expect_failure();
    assert!(said.contains("the master key in"), "{said}");
    assert!(!data.join("keys.db").exists(), "a key store created with a wrong master key would refuse the right one");
    std::fs::write(&key, right).unwrap();
    let mut loaded = Config::load(&config).unwrap();
    loaded.store.accept_lost_keys = true;
    let app = muster::app::App::open(loaded, world::World::system()).await.unwrap();
    let log = app.platform.log.page(None, 1_000).await.unwrap();
    assert!(
        log.iter().any(|entry| matches!(&entry.event, Event::Log(LogEvent::KeysLost { names }) if names.len() > 5))
    );
    drop(app);
    // The passwords are lost, too. With a new password, people can sign in.
    let users = muster_at(&config, &["user", "list"], "").expect_success();
    assert!(users.contains("(key lost)") && !users.contains("ada"), "{users}");
    let password = "a new walk in eleven steps";
    muster_at(&config, &["user", "set-password", "ada"], &format!("{password}\n")).expect_success();
    let server = TestServer::start_in(directory, &config).await;
    let mut guest = Guest::new(&server, &iphone("17.5"));
    let answer = guest.sign_in("ada", password).await;
    let page = guest.get(answer.led_to().unwrap()).await;
    assert_eq!((page.status, answer.status), (200, 303), "{}", page.body);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_damaged_key_store_the_message_says_what_to_do_and_that_helps() {
    let (directory, config) = kept().await;
    let data = config.with_file_name("data");
    let whole = std::fs::read(data.join("keys.db")).unwrap();
    let garbage = [&whole[..100], &vec![0xa5; whole.len() - 100]].concat();
    // An empty file is a valid database without tables.
    for content in [vec![], garbage] {
        std::fs::write(data.join("keys.db"), content).unwrap();
        for arguments in [&["serve"][..], &["serve", "--accept-lost-keys"]] {
            let said = muster_at(&config, arguments, "").expect_failure();
            for word in [
                "is damaged",
                "newest keys.db",
                "move keys.db, keys.db-wal and keys.db-shm out of",
                "--accept-lost-keys",
            ] {
                assert!(said.contains(word), "{word} is missing in {said}");
            }
        }
    }
    for name in ["keys.db", "keys.db-wal", "keys.db-shm"] {
        let _ = std::fs::rename(data.join(name), config.with_file_name(name));
    }
    let mut loaded = Config::load(&config).unwrap();
    loaded.store.accept_lost_keys = true;
    drop(muster::app::App::open(loaded, world::World::system()).await.unwrap());
    drop(directory);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_log_that_is_lost_or_garbage_the_message_says_what_to_restore_and_where() {
    let (directory, config) = kept().await;
    let data = config.with_file_name("data");
    let backup = config.with_file_name("backup");
    muster_at(&config, &["backup", backup.to_str().unwrap()], "").expect_success();
    std::fs::write(data.join("events.db"), "garbage ".repeat(4_096)).unwrap();
    let says_what_to_restore = || {
        let said = muster_at(&config, &["serve"], "").expect_failure();
        for word in ["events.db and keys.db", "muster restore BACKUP", data.to_str().unwrap()] {
            assert!(said.contains(word), "{word} is missing in {said}");
        }
    };
    says_what_to_restore();
    for name in ["events.db", "events.db-wal", "events.db-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    says_what_to_restore();
    // Follows the instructions of the message.
    std::fs::rename(data.join("keys.db"), config.with_file_name("keys.db")).unwrap();
    muster_at(&config, &["restore", backup.to_str().unwrap()], "").expect_success();
    drop(directory);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_log_beside_newer_keys_is_refused_and_accepted_once_on_record() {
    let (directory, config) = kept().await;
    let data = config.with_file_name("data");
    let older = config.with_file_name("older-events.db");
    // Starts the server once, so that the file has the current tables.
    let directory = TestServer::start_in(directory, &config).await.stop_keeping().await;
    std::fs::copy(data.join("events.db"), &older).unwrap();
    let mut server = TestServer::start_in(directory, &config).await;
    server.add_user("later", "four plain words here", &[Privilege::Auditor]).await;
    server.settings(|settings| settings.organization = "Later".into()).await;
    let directory = server.stop_keeping().await;
    // A backup made in this state is consistent in itself and can be restored.
    let backup = config.with_file_name("backup");
    muster_at(&config, &["backup", backup.to_str().unwrap()], "").expect_success();
    for beside in ["events.db", "events.db-wal", "events.db-shm"] {
        let _ = std::fs::remove_file(data.join(beside));
    }
    std::fs::copy(&older, data.join("events.db")).unwrap();
    let bytes = std::fs::read(data.join("events.db")).unwrap();
    let found = muster_at(&config, &["check-config"], "");
    assert!(found.code == Some(1) && found.out.contains("is older than keys.db"), "{found:?}");
    let said = muster_at(&config, &["serve"], "").expect_failure();
    for word in ["is older than keys.db", "Put the newest events.db back", "--accept-older-log"] {
        assert!(said.contains(word), "{word} is missing in {said}");
    }
    assert!(std::fs::read(data.join("events.db")).unwrap() == bytes, "nothing was written");
    let mut loaded = Config::load(&config).unwrap();
    loaded.store.accept_older_log = true;
    let app = muster::app::App::open(loaded, world::World::system()).await.unwrap();
    let metrics = app.platform.metrics.render();
    assert!(metrics.contains("muster_alarms_total{alarm=\"log-set-back\"} 1"), "{metrics}");
    app.platform.engine.close().await;
    drop(app);
    // The older log is accepted once: this start needs no option.
    server = TestServer::start_in(directory, &config).await;
    let accepted =
        |entry: &Entry| matches!(entry.event, Event::Log(LogEvent::OlderLogAccepted { last, seen }) if last < seen);
    assert_eq!(server.log_of(&log_stream()).await.iter().filter(|entry| accepted(entry)).count(), 1);
    server.caught_up().await;
    drop(server.stop_keeping().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_log_of_an_earlier_program_uses_and_its_key_store_lacks_is_missed_at_the_first_start() {
    let (_directory, config) = kept().await;
    let keys = rusqlite::Connection::open(config.with_file_name("data/keys.db")).unwrap();
    assert_eq!(keys.execute("DELETE FROM key WHERE name LIKE 'person-%'", []).unwrap(), 1);
    drop(keys);
    let said = muster_at(&config, &["replay"], "").expect_failure();
    assert!(said.contains("1 keys that events are sealed under are missing"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_log_is_refused_after_a_kill_too_though_no_key_was_made_since() {
    let (directory, config) = kept().await;
    let data = config.with_file_name("data");
    let directory = TestServer::start_in(directory, &config).await.stop_keeping().await;
    let older = config.with_file_name("older");
    std::fs::create_dir(&older).unwrap();
    std::fs::copy(data.join("events.db"), older.join("events.db")).unwrap();
    let server = TestServer::start_in(directory, &config).await;
    server.settings(|settings| settings.organization = "Later".into()).await;
    older_log::keep(server.app()).await;
    // The files of the key store as a kill leaves them.
    for name in ["keys.db", "keys.db-wal"] {
        std::fs::copy(data.join(name), older.join(name)).unwrap();
    }
    let directory = server.stop_keeping().await;
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::create_dir(&data).unwrap();
    for file in std::fs::read_dir(&older).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), data.join(file.file_name())).unwrap();
    }
    let said = muster_at(&config, &["serve"], "").expect_failure();
    assert!(said.contains("is older than keys.db"), "{said}");
    drop(directory);
}
