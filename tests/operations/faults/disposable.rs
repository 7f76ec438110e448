//! Damage to files that are derived from the log or may be lost: the server starts, only the affected part stops, and
//! both are reported.

use events::enrollment::{EnrollmentEvent, EnrollmentId, EnrollmentKind};
use events::log::Entry;
use events::person::{PersonAttributes, PersonEvent, PersonId};
use events::staff::Privilege;
use events::{Personal, Timestamp};
use harness::TestServer;
use harness::desk::{Browser, write};
use harness::devices::TestDevice;
use harness::projection_files::file_of;
use harness::waiting::{seen, until};
use std::path::Path;
use std::sync::Arc;

const PAGE: usize = 4_096;

async fn ready(server: &TestServer) -> (u16, String) {
    let answer = reqwest::get(format!("{}/readyz", server.metrics_url())).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn overwrite(file: &Path, from: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[from..].fill(0xa5);
    std::fs::write(file, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_that_may_be_lost_is_set_aside_and_made_anew_at_the_start() {
    let mut server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    server.reacted().await;
    server.caught_up().await;
    let data = server.directory().join("data");
    // Overwrites either the first page, or everything after it.
    for from in [0, PAGE] {
        let files = [file_of(&data, "devices"), data.join("sessions.db")];
        server.restart_after(|| files.iter().for_each(|file| overwrite(file, from))).await;
        server.caught_up().await;
        until("readiness", async || ready(&server).await.0 == 200).await;
        let metrics = server.metrics().await;
        assert!(metrics.contains("muster_alarms_total{alarm=\"database-damaged\"} 2"), "{from}: {metrics}");
        let shown = projections::devices::get(&server.app().platform.projections, device.id, None).await.unwrap();
        assert!(shown.is_some(), "the projections are rebuilt");
        let staff = Browser::signed_in(&server, &format!("staff{from}"), &[Privilege::Auditor]).await;
        assert_eq!(staff.get("/console/audit").await.status, 200);
    }
    let name = file_of(&data, "devices").file_name().unwrap().to_str().unwrap().to_owned();
    let of_projection = ["aside-1", "aside-2"].map(|aside| format!("projections/{name}.{aside}"));
    for file in of_projection.iter().map(String::as_str).chain(["sessions.db.aside-2"]) {
        assert!(data.join(file).is_file(), "{file} is kept");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_that_is_found_while_the_server_runs_is_told_and_mended_by_the_next_start() {
    let mut server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    server.reacted().await;
    server.caught_up().await;
    server.restart().await;
    server.caught_up().await;
    // Damages the file under the running server, like a failing disk. Pages that the server has in memory are not
    // affected.
    let file = file_of(&server.directory().join("data"), "devices");
    let damaged = async || {
        overwrite(&file, PAGE);
        // A commit makes readers read the file again.
        let _ = rusqlite::Connection::open(&file).unwrap().execute("UPDATE checkpoints SET effective = effective", []);
        projections::devices::get(&server.app().platform.projections, device.id, None).await.is_err()
    };
    until("damage", damaged).await;
    let told = async || {
        Some(ready(&server).await)
            .filter(|(status, text)| *status == 503 && text.contains("projections/devices is damaged"))
    };
    seen("damage in the answer of /readyz", told).await;
    assert_eq!(device.report_on(&device.report("Idle", None)).await.status, 200, "devices are still served");
    let alarm = async || server.metrics().await.contains("muster_alarms_total{alarm=\"database-damaged\"} 1");
    until("the alarm", alarm).await;
    server.restart().await;
    server.caught_up().await;
    until("readiness", async || ready(&server).await.0 == 200).await;
    let mut aside = file.into_os_string();
    aside.push(".aside-1");
    assert!(Path::new(&aside).is_file());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_whose_fold_fails_stops_alone_and_its_pages_say_so() {
    let mut server = TestServer::start().await;
    server.caught_up().await;
    let file = file_of(&server.directory().join("data"), "audit");
    let set_a_trap = || {
        let rows = rusqlite::Connection::open(&file).unwrap();
        let trap = "CREATE TRIGGER trap BEFORE INSERT ON audit_events BEGIN SELECT RAISE(FAIL, 'a trap'); END";
        rows.execute_batch(trap).unwrap();
    };
    server.restart_after(set_a_trap).await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    let staff = Browser::signed_in(&server, "grace", &[Privilege::Administrator, Privilege::Auditor]).await;
    let told = async || Some(ready(&server).await).filter(|(status, text)| *status == 503 && text.contains("audit: "));
    let (_, text) = seen("a stopped projection", told).await;
    assert!(text.contains("a trap") && !text.contains("projections: "), "{text}");
    server.caught_up().await;
    assert!(projections::devices::get(&server.app().platform.projections, device.id, None).await.unwrap().is_some());
    assert_eq!(staff.get("/console/devices").await.status, 200);
    assert_eq!(staff.get("/console/audit").await.status, 503);
    let alarm = async || server.metrics().await.contains("muster_alarms_total{alarm=\"projections-stopped\"} 1");
    until("the alarm", alarm).await;
    // After the repair, the projection continues from its own checkpoint.
    server
        .restart_after(|| rusqlite::Connection::open(&file).unwrap().execute_batch("DROP TRIGGER trap").unwrap())
        .await;
    server.caught_up().await;
    until("readiness", async || ready(&server).await.0 == 200).await;
    assert_eq!(staff.get("/console/audit").await.status, 200);
    // The view of the page is an event too.
    server.caught_up().await;
    let app = server.app();
    assert_eq!(
        app.platform.projections.rebuild(&app.platform.log).await.unwrap().changed,
        Some(vec![]),
        "no event was skipped or folded twice"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_that_fails_is_set_aside_and_holds_up_no_other() {
    let server = TestServer::start().await;
    let app = server.app().clone();
    let (person, enrollment) =
        (PersonId(app.platform.world.random_uuid()), EnrollmentId(app.platform.world.random_uuid()));
    let now = app.platform.world.now();
    let personal = |text: &str| Personal::new(person.key(), text.to_owned());
    // A person who signed in and whose key is destroyed since then. Nothing can be stored for this person.
    let attributes = PersonAttributes { user_name: Some(personal("ada")), ..PersonAttributes::default() };
    let method = events::enrollment::SignInMethodName::LocalAccount;
    let known = PersonEvent::PersonKnown { method, account: "a".into(), attributes, keys: vec![], names: vec![] };
    write(&server, &person.stream(), now, known).await;
    let session = events::enrollment::SecretHash("0".into());
    let signed_in =
        EnrollmentEvent::UserSignedIn { method, person, account: "a".into(), user_name: personal("ada"), session };
    write(&server, &enrollment.stream(), now, signed_in).await;
    server.reacted().await;
    let keys = Arc::clone(&app.platform.keys);
    let key = person.key();
    tokio::task::spawn_blocking(move || events::personal::keys::KeyStore::destroy(keys.as_ref(), &key))
        .await
        .unwrap()
        .unwrap();
    let given = Personal::new(events::KeyName::of("staff", enrollment), "ada@example.com".to_owned());
    write(&server, &enrollment.stream(), now, EnrollmentEvent::ManagedAppleIdGiven { managed_apple_id: given }).await;
    // The next effect is not delayed.
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    until("the first questions", async || {
        device.history(&server).await.iter().any(|event| event == "MdmCommandQueued")
    })
    .await;
    server.reacted().await;
    let aside = app.platform.projections.set_aside("reactions-effects", 10).await.unwrap();
    let log = server.whole_log().await;
    let failed: Vec<_> = log.iter().filter(|entry| is_given(entry, enrollment)).map(|entry| entry.position).collect();
    assert_eq!(aside, failed);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_that_were_set_aside_are_removed_when_a_person_is_erased() {
    let server = TestServer::start().await;
    let data = server.directory().join("data");
    let names =
        ["projections/a.db.aside-1", "projections/b.db.aside-3-wal", "sessions.db.aside-1", "sessions.db.aside-2-shm"];
    let files = names.map(|name| data.join(name));
    files.iter().for_each(|file| std::fs::write(file, "ada").unwrap());
    let person = PersonId(server.app().platform.world.random_uuid());
    write(&server, &person.stream(), server.app().platform.world.now(), PersonEvent::PersonErased {}).await;
    server.reacted().await;
    for file in files {
        assert!(!file.exists(), "{} still exists", file.display());
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_opened_is_set_aside_and_holds_up_no_effect_of_another() {
    let mut server = TestServer::start().await;
    let enrollment = EnrollmentId(server.app().platform.world.random_uuid());
    let key = events::KeyName::of("staff", enrollment);
    let given = Personal::new(key.clone(), "ada@example.com".to_owned());
    let given = EnrollmentEvent::ManagedAppleIdGiven { managed_apple_id: given };
    write(&server, &enrollment.stream(), server.app().platform.world.now(), given).await;
    server.reacted().await;
    let data = server.directory().join("data");
    let alter_its_key = || {
        let keys = rusqlite::Connection::open(data.join("keys.db")).unwrap();
        let alter = "UPDATE key SET wrapped = zeroblob(length(wrapped)) WHERE name = ?1";
        assert_eq!(keys.execute(alter, [&key.0]).unwrap(), 1);
        // Removes the checkpoints, so that every effect is tried again.
        projections::remove(&data).unwrap();
    };
    server.restart_after(alter_its_key).await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    until("the first questions", async || {
        device.history(&server).await.iter().any(|event| event == "MdmCommandQueued")
    })
    .await;
    let app = server.app();
    let corrupt: Vec<_> = app.platform.log.store().findings().all().iter().map(|found| found.position).collect();
    let aside = app.platform.projections.set_aside("reactions-effects", 10).await.unwrap();
    assert!(aside.iter().any(|position| corrupt.contains(&position.0)), "{aside:?}, {corrupt:?}");
    server.abandon().await;
}

fn is_given(entry: &Entry, enrollment: EnrollmentId) -> bool {
    entry.stream == enrollment.stream() && entry.event.type_name() == "ManagedAppleIdGiven"
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_disk_that_is_nearly_full_refusals_of_strangers_are_not_written() {
    let server = TestServer::start().await;
    let app = server.app();
    let refusals = async || {
        let events = server.events_of("refusals").await;
        events.iter().filter(|event| event.type_name() == "UnknownStaffRefused").count()
    };
    let refuse = async || {
        let answer = Browser::new(&server).sign_in("nobody", "wrong wrong wrong").await;
        assert_eq!(answer.status, 401);
    };
    let room = |free: u64| world::Room { free, total: 100 };
    let later = |seconds: i64| -> Timestamp { app.platform.world.now().plus_seconds(seconds) };
    // Waits for the server's own first check of the disk, so that it does not disturb the test. The next check is much
    // later.
    let looked = async || {
        let metrics = server.metrics().await;
        metrics.lines().any(|line| line.starts_with("muster_disk_free_bytes ") && !line.ends_with(" 0"))
    };
    until("a look at the disk", looked).await;
    assert!(app.platform.disk.note(later(0), room(9)));
    refuse().await;
    assert_eq!(refusals().await, 0);
    app.platform.disk.note(later(1), room(90));
    refuse().await;
    assert_eq!(refusals().await, 1);
    server.stop().await;
}
