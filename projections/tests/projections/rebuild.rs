//! The rows are the same whether folded live, folded again or folded after a crash. Also tests what stops the
//! projections.

use crate::invitations;
use crate::mails;
use crate::migration::a_bit_of_each;
use crate::records::import_with_owners;
use crate::support::*;
use events::background::Lane;
use events::device::{AppStatus, DeviceEvent};
use events::invitation::{InvitationDelivery, InvitationEvent};
use events::migration::{MigrationEvent, MigrationId};
use events::person::AccountEvent;
use events::record::{LinkBand, LinkEvidence, LinkProof, RecordEvent, RecordId, Weighed};
use events::settings::ClearedView;
use events::staff::{StaffEvent, StaffId};
use events::store::StoreLifecycle as _;
use events::{Personal, Position, StreamName};
use projections::origin::remove_if_of_another_log;
use projections::{ProjectionError, Projections, devices, last_seen};
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn a_rebuilt_projection_equals_the_live_one_in_every_table() {
    let desk = Desk::new();
    let projections = desk.projections().await;
    // Live: followed event by event while the events are written.
    let run = tokio::spawn({
        let (projections, log) = (projections.clone(), desk.log.clone());
        async move { projections.run(log).await }
    });
    let (first, _) = busy_day(&desk).await;
    desk.write(&first.stream(), later(20_000), queued(1, "SecurityInfo", None)).await;
    let waits =
        DeviceEvent::ManagedAppReported { app: "org.example.app".into(), status: AppStatus::Prompting, command: None };
    desk.write(&first.stream(), later(20_001), waits).await;
    let dead_one = desk.enroll(9, person(1), "ada", later(20_001)).await;
    let dead = DeviceEvent::PushFailed {
        status: Some(410),
        reason: "Unregistered".into(),
        unregistered_since: Some(later(0)),
    };
    desk.write(&dead_one.stream(), later(20_002), dead).await;
    let claims = DeviceEvent::HardwareClaimNoted { others: vec![first], count: 1 };
    desk.write(&dead_one.stream(), later(20_002), claims).await;
    let attests = DeviceEvent::HardwareAttestationRequested { command: command(2), again_after: later(90_000) };
    desk.write(&dead_one.stream(), later(20_002), attests).await;
    let staff = StaffId(Uuid::from_u128(0x3000));
    let user_name = Personal::new(staff.key(), "sync".to_owned());
    desk.write(&staff.stream(), later(20_002), StaffEvent::ApiClientAdded { user_name, display_name: None }).await;
    let reserved = AccountEvent::AccountReserved { person: person(1) };
    desk.write(&StreamName::of("account", "00"), later(20_002), reserved).await;
    import_with_owners(&desk).await;
    a_bit_of_each(&desk).await;
    let record = RecordId::of_device(first);
    let (evidence, proof) = (vec![Weighed { evidence: LinkEvidence::SamePerson {}, points: 3 }], LinkProof::default());
    let proposed =
        |band| RecordEvent::LinkProposed { successor: dead_one, evidence: evidence.clone(), score: 3, band, proof };
    desk.write(&record.stream(), later(20_010), proposed(LinkBand::Weak)).await;
    desk.write(&record.stream(), later(20_011), proposed(LinkBand::Probable)).await;
    desk.write(&first.stream(), later(20_012), DeviceEvent::ContactWatchBegun { successor: dead_one }).await;
    desk.write(&first.stream(), later(20_012), DeviceEvent::RecordArchived {}).await;
    desk.write(&first.stream(), later(20_012), DeviceEvent::RecordRestored {}).await;
    let retires = LinkProof { may_be_retired: true, ..proof };
    let confirmed = RecordEvent::LinkConfirmed { successor: dead_one, proof: retires };
    desk.write(&record.stream(), later(20_013), confirmed).await;
    let views = [ClearedView::Location].into();
    desk.write(&dead_one.stream(), later(20_014), DeviceEvent::EarlierViewsCleared { record, views }).await;
    let migration = MigrationId(Uuid::from_u128(0x4000)).stream();
    desk.write(&migration, later(20_015), MigrationEvent::MigrationClosed { source: "Jamf Pro".into() }).await;
    desk.write(&mails::wave(1).stream(), later(20_013), mails::begun(2)).await;
    let mailed = mails::issued(1, InvitationDelivery::Mail, Some(mails::wave(1)));
    desk.write(&mails::invitation(1).stream(), later(20_014), mailed).await;
    let sent = InvitationEvent::InvitationSent { generation: 0 };
    desk.write(&mails::invitation(1).stream(), later(20_015), sent).await;
    desk.write(&mails::invitation(2).stream(), later(20_016), invitations::to_address(2, "a")).await;
    desk.write(&mails::wave(1).stream(), later(20_017), invitations::added([3])).await;
    let head = desk.log.store().head().await.unwrap().unwrap();
    projections.wait_for(head).await.unwrap();
    let live = projections.dump().await.unwrap();
    assert!(live.iter().all(|table| !table.rows.is_empty() || table.table == "due_settings"), "{live:#?}");

    let rebuilt = projections.rebuild(&desk.log).await.unwrap();
    assert_eq!(rebuilt.position, Some(head));
    assert_eq!(rebuilt.changed, Some(vec![]));
    assert_eq!(projections.dump().await.unwrap(), live);
    run.abort();
}

#[tokio::test]
async fn a_rebuild_mends_rows_that_were_altered_and_says_in_which_table() {
    let desk = Desk::new();
    let (first, _) = busy_day(&desk).await;
    let projections = desk.caught_up().await;
    let right = projections.dump().await.unwrap();
    let file = rusqlite::Connection::open(projections.path_of("devices").unwrap()).unwrap();
    file.execute("UPDATE devices_current SET phase = 'unenrolled' WHERE id = ?1", [first.to_string()]).unwrap();
    drop(file);

    let rebuilt = projections.rebuild(&desk.log).await.unwrap();
    assert_eq!(rebuilt.changed, Some(vec!["devices_current".to_owned()]));
    assert_eq!(projections.dump().await.unwrap(), right);
}

#[tokio::test]
async fn events_that_come_while_a_rebuild_runs_are_not_lost() {
    let desk = Desk::new();
    busy_day(&desk).await;
    let projections = desk.caught_up().await;
    let run = tokio::spawn({
        let (projections, log) = (projections.clone(), desk.log.clone());
        async move { projections.run(log).await }
    });
    let rebuild = async {
        for _ in 0..5 {
            projections.rebuild(&desk.log).await.unwrap();
        }
    };
    let write = async {
        for n in 0..100 {
            desk.enroll(100 + n, person(100 + n), "bob", later(10_000)).await;
        }
    };
    tokio::join!(rebuild, write);
    let head = desk.log.store().head().await.unwrap().unwrap();
    projections.wait_for(head).await.unwrap();
    run.abort();
    let live = projections.dump().await.unwrap();
    let rebuilt = projections.rebuild(&desk.log).await.unwrap();
    assert_eq!((rebuilt.changed, projections.dump().await.unwrap()), (Some(vec![]), live));
}

#[tokio::test]
async fn after_a_crash_in_the_middle_the_rest_is_folded_once() {
    let desk = Desk::new();
    let expected = {
        busy_day(&desk).await;
        desk.caught_up().await.dump().await.unwrap()
    };
    // The same log, folded by processes that each stop after a few events at any point.
    let elsewhere = tempfile::tempdir().unwrap();
    let head = desk.log.store().head().await.unwrap();
    for next in desk.log.page(None, 1_000).await.unwrap().into_iter().map(|entry| entry.position) {
        let projections = Projections::open(elsewhere.path(), head).unwrap().0;
        let run = tokio::spawn({
            let (projections, log) = (projections.clone(), desk.log.clone());
            async move { projections.run(log).await }
        });
        projections.wait_for(next).await.unwrap();
        run.abort();
        run.await.unwrap_err();
    }
    let projections = Projections::open(elsewhere.path(), head).unwrap().0;
    assert_eq!(projections.dump().await.unwrap(), expected);
}

// A copy of a file alone lacks what is still in its write-ahead log.
fn copy_projections(from: &Desk, to: &Desk) {
    let [from, to] = [from, to].map(|desk| desk.path().join(projections::DIRECTORY));
    std::fs::create_dir_all(&to).expect("a directory");
    for file in std::fs::read_dir(from).expect("the directory is readable") {
        let path = file.expect("a file").path();
        if path.extension().is_some_and(|ending| ending == "db") {
            let to = to.join(path.file_name().expect("a name"));
            let from = rusqlite::Connection::open(path).expect("it is a database");
            from.execute("VACUUM INTO ?1", [to.to_str().expect("a path in UTF-8")]).expect("it is copied");
        }
    }
}

#[tokio::test]
async fn files_that_are_ahead_of_the_log_are_built_anew() {
    let (newer, desk) = (Desk::new(), Desk::new());
    busy_day(&newer).await;
    busy_day(&newer).await;
    busy_day(&desk).await;
    let expected = desk.caught_up().await.dump().await.unwrap();
    let head = desk.log.store().head().await.unwrap().unwrap();
    projections::remove(desk.path()).unwrap();
    // Two causes: the file was folded from another log, or only the reactions are ahead of the log.
    newer.caught_up().await;
    copy_projections(&newer, &desk);
    assert_eq!(desk.caught_up().await.dump().await.unwrap(), expected);
    desk.projections().await.set_checkpoint("effects", head).await.unwrap();
    assert_eq!(
        desk.projections().await.checkpoint("effects").await.unwrap(),
        Some(head),
        "a checkpoint at the end of the log is valid"
    );
    desk.projections().await.set_checkpoint("effects", Position(head.0 + 1)).await.unwrap();
    assert_eq!(desk.projections().await.checkpoint("effects").await.unwrap(), None);
}

#[tokio::test]
async fn a_file_of_another_log_is_built_anew_even_if_the_log_is_longer() {
    let (other, desk) = (Desk::new(), Desk::new());
    busy_day(&other).await;
    busy_day(&desk).await;
    desk.enroll(50, person(50), "eve", later(30_000)).await;
    let expected = desk.caught_up().await.dump().await.unwrap();
    assert_eq!(remove_if_of_another_log(desk.path(), &desk.log).await.unwrap(), None);
    projections::remove(desk.path()).unwrap();
    assert_eq!(remove_if_of_another_log(desk.path(), &desk.log).await.unwrap(), None);
    other.caught_up().await;
    copy_projections(&other, &desk);
    let last = other.log.store().head().await.unwrap();
    assert_eq!(remove_if_of_another_log(desk.path(), &desk.log).await.unwrap(), last);
    assert_eq!(desk.caught_up().await.dump().await.unwrap(), expected);
}

#[tokio::test]
async fn a_file_whose_reactions_passed_an_event_of_another_log_is_built_anew_too() {
    let desk = Desk::new();
    busy_day(&desk).await;
    let common = desk.log.store().head().await.unwrap();
    // The projections have folded what both logs have in common, and the reactions were further.
    desk.caught_up().await;
    busy_day(&desk).await;
    let own = desk.log.page(common, 1).await.unwrap().remove(0);
    desk.projections().await.set_checkpoint_at("reactions", own.position, [9; 32]).await.unwrap();
    assert_eq!(remove_if_of_another_log(desk.path(), &desk.log).await.unwrap(), Some(own.position));
    desk.projections().await.set_checkpoint_at("reactions", own.position, own.leaf).await.unwrap();
    assert_eq!(remove_if_of_another_log(desk.path(), &desk.log).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_the_projections_does_not_wait_for_threads_of_low_priority() {
    let desk = Desk::new();
    for _ in 0..40 {
        busy_day(&desk).await;
    }
    let head = desk.log.store().head().await.unwrap().unwrap();
    assert!(head.0 > 300, "a backlog");
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Arc::new(std::sync::Mutex::new(held));
    // More of them than there are threads.
    let busy = (0..16).map(|_| {
        let held = std::sync::Arc::clone(&held);
        Lane::Background.spawn_blocking(move || held.lock().unwrap().recv().is_ok())
    });
    let busy: Vec<_> = busy.collect();
    let projections = desk.projections().await;
    let run = tokio::spawn({
        let (projections, log) = (projections.clone(), desk.log.clone());
        async move { projections.run(log).await }
    });
    let waited = tokio::time::timeout(Duration::from_secs(60), projections.wait_for(head)).await;
    waited.expect("the threads of low priority are busy").unwrap();
    run.abort();
    drop(release);
    for one in busy {
        assert!(!one.await.unwrap());
    }
}

#[tokio::test]
async fn deleting_the_files_loses_nothing() {
    let desk = Desk::new();
    busy_day(&desk).await;
    let before = desk.caught_up().await.dump().await.unwrap();
    std::fs::remove_dir_all(desk.path().join("projections")).unwrap();
    assert_eq!(desk.caught_up().await.dump().await.unwrap(), before);
}

#[tokio::test]
async fn projections_stop_at_a_corrupt_event_and_say_which() {
    let desk = Desk::new();
    let (first, _) = busy_day(&desk).await;
    let entries = desk.log.page(None, 100).await.unwrap();
    let broken = &entries[9];
    desk.store.close().await;
    let file = rusqlite::Connection::open(desk.path().join("events.db")).unwrap();
    let changed =
        file.execute("UPDATE log SET envelope = envelope || ' ' WHERE position = ?1", [broken.position.0 as i64]);
    assert_eq!(changed.unwrap(), 1);
    drop(file);
    let store = std::sync::Arc::new(events::store::sqlite::SqliteStore::open_read_only(desk.path()).unwrap());
    let log = events::Log::new(store, desk.log.keys().clone());

    let projections = desk.projections().await;
    let error = projections.run(log.clone()).await.unwrap_err();
    assert!(matches!(error, ProjectionError::Stopped { .. }), "{error}");
    let health = projections.health();
    assert_eq!(health.position, Some(entries[8].position), "everything before the corrupt event is folded");
    assert!(health.stopped.unwrap().to_string().contains(&broken.position.to_string()));
    assert!(matches!(projections.wait_for(broken.position).await, Err(ProjectionError::Stopped { .. })));
    projections.wait_for(entries[8].position).await.unwrap();
    assert!(projections.rebuild(&log).await.is_err());
    assert!(
        devices::get(&projections, first, None).await.unwrap().is_some(),
        "the rows from earlier events stay readable"
    );
}

#[tokio::test]
async fn files_of_another_version_and_of_an_interrupted_rebuild_are_removed_and_the_projection_begins_again() {
    let desk = Desk::new();
    busy_day(&desk).await;
    let projections = desk.caught_up().await;
    let (expected, path) = (projections.dump().await.unwrap(), projections.path_of("devices").unwrap());
    drop(projections);
    let directory = path.parent().unwrap();
    let [earlier, unfinished, unknown] =
        ["devices.0.9.db", "people.2.9.building", "gone.1.1.db"].map(|name| directory.join(name));
    std::fs::rename(&path, &earlier).unwrap();
    std::fs::copy(&earlier, &unfinished).unwrap();
    std::fs::copy(&earlier, &unknown).unwrap();

    let projections = desk.projections().await;
    assert!([earlier, unfinished, unknown].iter().all(|file| !file.exists()));
    assert_eq!(projections.health().position, None, "one projection that starts again makes the readers of all wait");
    let run = tokio::spawn({
        let (projections, log) = (projections.clone(), desk.log.clone());
        async move { projections.run(log).await }
    });
    let head = desk.log.store().head().await.unwrap().unwrap();
    projections.wait_for(head).await.unwrap();
    assert!(projections.health().caught_up, "a request that waited must not read that they have not");
    run.abort();
    assert_eq!(projections.dump().await.unwrap(), expected);
}

#[tokio::test]
async fn projections_with_nothing_to_fold_have_caught_up() {
    let desk = Desk::new();
    busy_day(&desk).await;
    drop(desk.caught_up().await);
    let projections = desk.projections().await;
    let run = tokio::spawn({
        let (projections, log) = (projections.clone(), desk.log.clone());
        async move { projections.run(log).await }
    });
    let mut health = projections.watch();
    let caught_up = tokio::time::timeout(Duration::from_secs(120), health.wait_for(|health| health.caught_up)).await;
    caught_up.expect("the projections catch up").unwrap();
    run.abort();
}

#[tokio::test]
async fn what_an_earlier_release_folded_is_folded_again_whichever_projection_it_is() {
    let desk = Desk::new();
    busy_day(&desk).await;
    let head = desk.log.store().head().await.unwrap();
    let projections = desk.caught_up().await;
    let paths: Vec<_> = projections.names().into_iter().map(|name| projections.path_of(name).unwrap()).collect();
    drop(projections);
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        let (projection, version) = name.split_once('.').unwrap();
        let earlier = version.split_once('.').unwrap().0.parse::<u32>().unwrap() - 1;
        let kept = path.with_extension("kept");
        std::fs::copy(&path, &kept).unwrap();
        std::fs::rename(&path, path.with_file_name(format!("{projection}.{earlier}.1.db"))).unwrap();
        let opened = Projections::open(desk.path(), head).unwrap().0;
        let position = |projections: &Projections, name: &str| projections.health().each[name].position;
        assert_eq!(position(&opened, projection), None, "{projection} in version {earlier} is not taken over");
        let other = if projection == "audit" { "people" } else { "audit" };
        assert!(position(&opened, other).is_some(), "the others are");
        drop(opened);
        std::fs::rename(&kept, &path).unwrap();
    }
}

#[tokio::test]
async fn rows_whose_checkpoint_is_of_another_version_are_not_taken_over() {
    let desk = Desk::new();
    busy_day(&desk).await;
    let projections = desk.caught_up().await;
    let (expected, path) = (projections.dump().await.unwrap(), projections.path_of("devices").unwrap());
    drop(projections);
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch("UPDATE checkpoints SET version = 0; ALTER TABLE devices_current ADD COLUMN gone TEXT").unwrap();
    drop(file);
    assert_eq!(desk.caught_up().await.dump().await.unwrap(), expected);
}

#[tokio::test]
async fn damage_that_a_reader_meets_is_told_and_the_next_start_begins_anew() {
    let desk = Desk::new();
    let (first, _) = busy_day(&desk).await;
    let projections = desk.caught_up().await;
    let expected = projections.dump().await.unwrap();
    drop(projections);
    let projections = desk.projections().await;
    assert_eq!(projections.damage(), None);
    let path = projections.path_of("devices").unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4_096..].fill(0xff);
    std::fs::write(&path, bytes).unwrap();

    let error = devices::get(&projections, first, None).await.unwrap_err();
    assert!(matches!(error, ProjectionError::Damaged(_)), "{error}");
    until("the damage", async || projections.damage().is_some()).await;
    assert_eq!(projections.damage().unwrap().0, "projections/devices", "its query reads other files too");
    drop(projections);
    let head = desk.log.store().head().await.unwrap();
    let (projections, aside) = Projections::open(desk.path(), head).unwrap();
    assert!(aside.len() == 1 && projections.damage().is_none(), "{aside:?}");
    desk.follow(&projections).await;
    assert_eq!(projections.dump().await.unwrap(), expected);
}

#[tokio::test]
async fn followers_keep_their_place_through_a_rebuild_and_devices_are_last_seen() {
    let desk = Desk::new();
    let (first, _) = busy_day(&desk).await;
    let projections = desk.caught_up().await;
    assert_eq!(projections.checkpoint("reactions").await.unwrap(), None);
    projections.set_checkpoint("reactions", Position(3)).await.unwrap();
    last_seen::touch(&projections, first, later(100));
    last_seen::touch(&projections, first, later(50));
    last_seen::write(&projections).await.unwrap();
    projections.rebuild(&desk.log).await.unwrap();
    assert_eq!(projections.checkpoint("reactions").await.unwrap(), Some(Position(3)));
    let reopened = desk.projections().await;
    assert_eq!(last_seen::last_seen(&reopened, first).await.unwrap(), Some(later(100)));
}

#[tokio::test]
async fn work_that_could_not_be_done_is_kept_for_its_follower_until_it_is_done() {
    let desk = Desk::new();
    let projections = desk.projections().await;
    projections.put_aside("reactions", vec![Position(3)]).await.unwrap();
    projections.set_checkpoint("reactions", Position(5)).await.unwrap();
    projections.put_aside("reactions", vec![Position(4), Position(2), Position(3)]).await.unwrap();
    let aside = async |name, limit| {
        let positions = projections.set_aside(name, limit).await.unwrap();
        positions.into_iter().map(|position| position.0).collect::<Vec<_>>()
    };
    assert_eq!(projections.checkpoint("reactions").await.unwrap(), Some(Position(5)));
    assert_eq!((aside("reactions", 10).await, aside("reactions", 2).await), (vec![2, 3, 4], vec![2, 3]));
    assert_eq!(aside("mail", 10).await, Vec::<u64>::new(), "another follower's work");
    projections.done("reactions", Position(3)).await.unwrap();
    assert_eq!(aside("reactions", 10).await, [2, 4]);
}

#[tokio::test]
async fn a_file_that_was_ahead_says_how_far_until_the_next_start() {
    let desk = Desk::new();
    busy_day(&desk).await;
    let head = desk.log.store().head().await.unwrap().unwrap();
    let ahead = Position(head.0 + 7);
    desk.caught_up().await.set_checkpoint("reactions", ahead).await.unwrap();
    assert_eq!(desk.projections().await.was_ahead(), Some(ahead));
    assert_eq!(desk.caught_up().await.was_ahead(), None);
}

#[tokio::test]
async fn rows_that_were_folded_without_a_key_are_folded_again_once_the_key_is_whole() {
    let desk = Desk::new();
    busy_day(&desk).await;
    let projections = desk.caught_up().await;
    let (expected, position) = (projections.dump().await.unwrap(), projections.health().position);
    let names = expected.iter().find(|table| table.table == "people_names").unwrap();
    assert!(names.rows.iter().any(|row| row.contains("\"ada\"")), "{names:?}");
    assert!(!projections.fold_anew_if(|_| true).await.unwrap(), "no key was damaged");
    let file = rusqlite::Connection::open(projections.common_path()).unwrap();
    file.execute("INSERT INTO damaged_keys (name) VALUES ('person-1'), ('person-2')", []).unwrap();

    assert!(!projections.fold_anew_if(|_| false).await.unwrap(), "the keys are still damaged");
    assert_eq!((projections.dump().await.unwrap(), projections.health().position), (expected.clone(), position));
    assert!(projections.fold_anew_if(|key| key.0 == "person-2").await.unwrap());
    assert_eq!(projections.health().position, None);
    assert!(projections.dump().await.unwrap().iter().all(|table| table.rows.is_empty()));
    desk.follow(&projections).await;
    assert_eq!(projections.dump().await.unwrap(), expected);
    assert!(!projections.fold_anew_if(|_| true).await.unwrap(), "nothing is remembered of the keys");
}

#[tokio::test]
async fn rows_that_had_read_only_a_part_of_the_log_are_compared_if_they_are_followed_and_not_after_a_start() {
    let desk = Desk::new();
    desk.enroll(1, person(1), "ada", NOON).await;
    let projections = desk.caught_up().await;
    desk.enroll(2, person(2), "eve", later(600)).await;
    let head = desk.log.store().head().await.unwrap();
    let rebuilt = projections.rebuild(&desk.log).await.unwrap();
    let events = desk.log.page(None, 100).await.unwrap().len() as u64;
    assert_eq!((rebuilt.events, rebuilt.position, rebuilt.changed), (events, head, Some(vec![])));
    assert_eq!(projections.health().position, head);
    drop(projections);
    desk.enroll(3, person(3), "bob", later(900)).await;
    let projections = desk.projections().await;
    let rebuilt = projections.rebuild(&desk.log).await.unwrap();
    assert_eq!(rebuilt.changed, None);
    assert_eq!(projections.health().position, desk.log.store().head().await.unwrap());
}
