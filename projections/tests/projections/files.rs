//! Each projection has a file of its own: it is built beside while the rows of before are read, stops alone, and goes
//! on.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use crate::support::*;
use events::device::DeviceEvent;
use events::log::{Draft, Log};
use events::store::Expected;
use events::{Actor, ActorKind, EventId, Position};
use projections::{DIRECTORY, ProjectionError, Projections, devices, last_seen};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// More events than are folded in place.
const MANY: u128 = 20_100;

fn following(projections: &Projections, log: &Log) -> JoinHandle<()> {
    let (projections, log) = (projections.clone(), log.clone());
    tokio::spawn(async move { projections.run(log).await.unwrap() })
}

async fn write_many(desk: &Desk, device: events::device::DeviceId) {
    let draft = |nth: u128| Draft {
        id: EventId(Uuid::from_u128(1 << 80 | nth)),
        at: later(30_000),
        actor: Actor::new(ActorKind::Device, device.to_string()),
        source: None,
        correlation: device.0,
        causation: None,
        event: DeviceEvent::DeviceHeardFrom {}.into(),
    };
    let events: Vec<Draft> = (0..MANY).map(draft).collect();
    for events in events.chunks(2_000) {
        desk.log.append(&device.stream(), Expected::Any, events.to_vec()).await.unwrap();
    }
}

fn files(desk: &Desk) -> Vec<String> {
    let files = std::fs::read_dir(desk.path().join(DIRECTORY)).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm")).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_long_log_rows_are_built_beside_and_readers_get_all_of_them_or_an_error() {
    let desk = Desk::new();
    let (device, _) = busy_day(&desk).await;
    write_many(&desk, device).await;
    let head = desk.log.store().head().await.unwrap().unwrap();
    let projections = desk.projections().await;
    let read = async || devices::get(&projections, device, None).await;
    assert!(matches!(read().await, Err(ProjectionError::Building { projection: "devices", percent: 0 })));
    let run = following(&projections, &desk.log);
    let found = async || match read().await {
        Ok(device) => device.is_some() && projections.health().position >= Some(head),
        Err(ProjectionError::Building { .. }) => false,
        Err(error) => panic!("{error}"),
    };
    until("the rows", found).await;
    // What is appended afterwards is folded too.
    let other = desk.enroll(70, person(70), "eve", later(40_000)).await;
    projections.wait_for(desk.log.store().head().await.unwrap().unwrap()).await.unwrap();
    assert!(devices::get(&projections, other, None).await.unwrap().is_some());
    assert!(projections.health().each.values().all(|one| one.building.is_none()));
    let rebuilt = projections.rebuild(&desk.log).await.unwrap();
    assert_eq!(rebuilt.changed, Some(vec![]));
    run.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_read_during_a_rebuild_and_only_the_new_file_is_left_after_it() {
    let desk = Desk::new();
    let (device, _) = busy_day(&desk).await;
    let projections = desk.caught_up().await;
    let before = (files(&desk), projections.path_of("devices").unwrap());
    let read = async {
        for _ in 0..200 {
            assert!(devices::get(&projections, device, None).await.unwrap().is_some());
        }
    };
    let rebuild = async {
        for _ in 0..3 {
            assert_eq!(projections.rebuild_some(&desk.log, &["devices"]).await.unwrap().changed, Some(vec![]));
        }
    };
    tokio::join!(read, rebuild);
    let after = (files(&desk), projections.path_of("devices").unwrap());
    assert_ne!(after.1, before.1);
    assert_eq!(after.0.len(), before.0.len(), "{after:?}");
    assert_eq!(after.0.iter().filter(|name| before.0.contains(name)).count(), before.0.len() - 1, "one has a new file");
    assert_eq!(projections.dump().await.unwrap(), desk.caught_up_anew().await.dump().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_that_stopped_alone_goes_on_after_it_was_rebuilt_while_the_others_are_followed() {
    let desk = Desk::new();
    busy_day(&desk).await;
    drop(desk.caught_up().await);
    let projections = desk.projections().await;
    let trap = "CREATE TRIGGER trap BEFORE INSERT ON devices_current BEGIN SELECT RAISE(FAIL, 'a trap'); END";
    rusqlite::Connection::open(projections.path_of("devices").unwrap()).unwrap().execute_batch(trap).unwrap();
    let run = following(&projections, &desk.log);
    let device = desk.enroll(71, person(71), "eve", later(40_000)).await;
    let head = async || desk.log.store().head().await.unwrap().unwrap();
    projections.wait_for(head().await).await.unwrap();
    let health = projections.health();
    let stopped = &health.stopped_alone["devices"];
    let first =
        desk.log.page(None, 1_000).await.unwrap().into_iter().rfind(|entry| entry.stream.id() == device.to_string());
    assert!(matches!(stopped, ProjectionError::Stopped { why, .. } if why.contains("a trap")), "{stopped}");
    assert!(health.each["devices"].position < first.map(|entry| entry.position), "{health:?}");
    let read = devices::get(&projections, device, None).await;
    assert!(matches!(read, Err(ProjectionError::Stopped { projection: "devices", .. })), "{read:?}");

    assert_eq!(projections.rebuild_some(&desk.log, &["devices"]).await.unwrap().changed, None);
    assert!(projections.health().stopped_alone.is_empty());
    let other = desk.enroll(72, person(72), "bob", later(50_000)).await;
    projections.wait_for(head().await).await.unwrap();
    for device in [device, other] {
        assert!(devices::get(&projections, device, None).await.unwrap().is_some());
    }
    run.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_is_compared_with_the_rows_of_before_also_while_events_come() {
    let desk = Desk::new();
    let (device, _) = busy_day(&desk).await;
    let projections = desk.caught_up().await;
    let run = following(&projections, &desk.log);
    let write = async {
        for n in 0..200 {
            desk.write(&device.stream(), later(40_000 + n), DeviceEvent::DeviceHeardFrom {}).await;
        }
    };
    let rebuild = async {
        for _ in 0..5 {
            assert_eq!(projections.rebuild(&desk.log).await.unwrap().changed, Some(vec![]));
        }
    };
    tokio::join!(write, rebuild);
    projections.wait_for(desk.log.store().head().await.unwrap().unwrap()).await.unwrap();
    assert_eq!(projections.dump().await.unwrap(), desk.caught_up_anew().await.dump().await.unwrap());
    run.abort();
}

#[tokio::test]
async fn what_the_one_file_of_an_earlier_release_knew_besides_the_projections_is_taken_over() {
    let desk = Desk::new();
    let (device, _) = busy_day(&desk).await;
    let earlier = desk.path().join("projections.db");
    let file = rusqlite::Connection::open(&earlier).unwrap();
    file.execute_batch(
        "CREATE TABLE followers (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
         INSERT INTO followers VALUES ('reactions-effects', 3);
         CREATE TABLE set_aside (follower TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (follower, position));
         INSERT INTO set_aside VALUES ('reactions-effects', 2);
         CREATE TABLE last_seen (device TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
         CREATE TABLE people_names (id TEXT PRIMARY KEY, user_name TEXT);
         INSERT INTO people_names VALUES ('1', 'ada');",
    )
    .unwrap();
    file.execute("INSERT INTO last_seen VALUES (?1, 7)", [device.to_string()]).unwrap();
    drop(file);

    let projections = desk.caught_up().await;
    assert!(!earlier.exists(), "it holds personal text");
    assert_eq!(projections.checkpoint("reactions-effects").await.unwrap(), Some(Position(3)));
    assert_eq!(projections.set_aside("reactions-effects", 9).await.unwrap(), [Position(2)]);
    assert_eq!(last_seen::last_seen(&projections, device).await.unwrap(), Some(events::Timestamp(7)));
    assert!(devices::get(&projections, device, None).await.unwrap().is_some(), "the rows are folded again");
}

#[tokio::test]
async fn an_earlier_file_that_cannot_be_read_is_removed_and_prevents_no_start() {
    let desk = Desk::new();
    let (device, _) = busy_day(&desk).await;
    let earlier = desk.path().join("projections.db");
    std::fs::write(&earlier, "no database ".repeat(1_000)).unwrap();
    let projections = desk.caught_up().await;
    assert!(!earlier.exists());
    assert!(devices::get(&projections, device, None).await.unwrap().is_some());
}
