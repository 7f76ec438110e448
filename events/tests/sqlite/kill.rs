//! Kills a process with SIGKILL while it writes. Afterwards every acknowledged event exists, streams have no gaps, and
//! every event can be opened with the existing keys.
//!
//! `MUSTER_KILL_ROUNDS` sets the number of rounds; the default is 20.

use crate::again;
use crate::typed::{chosen, enrollment, log, opened};
use events::enrollment::EnrollmentEvent;
use events::store::sqlite::SqliteStore;
use events::store::sqlite::verify::verify;
use events::store::{EventStore, Expected};
use events::{Event, Log};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const PRODUCERS: u128 = 8;

fn rounds() -> u64 {
    std::env::var("MUSTER_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(20)
}

/// Runs test `name` in another process and kills it repeatedly, each time a little later. `check` examines the result.
fn kill_in_rounds(name: &str, check: impl Fn(&Path, &str)) {
    let directory = tempfile::tempdir().unwrap();
    drop(SqliteStore::create(&directory.path().join("log")).unwrap());
    let acknowledged = directory.path().join("acknowledged");
    for round in 0..rounds() {
        File::create(&acknowledged).unwrap();
        let mut child = again::command(name, directory.path(), "").spawn().unwrap();
        // Waits until the process writes: a round that kills an idle process shows nothing. Two minutes, for a machine
        // under load.
        for _ in 0..24_000 {
            if std::fs::metadata(&acknowledged).unwrap().len() > 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        // The kill time is the subject: each round has another one. No condition describes these moments from outside.
        std::thread::sleep(Duration::from_millis(round * 37 % 150));
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success(), "the process was killed while it was writing");
        let lines = std::fs::read_to_string(&acknowledged).unwrap();
        assert!(!lines.is_empty(), "the process wrote before it was killed");
        check(&directory.path().join("log"), &lines);
    }
}

/// The work of the killed process: producers that append without end and note each acknowledgement.
#[tokio::main]
async fn produce(directory: &Path, append: fn(Log, u128, u128) -> Appending) {
    let store = Arc::new(SqliteStore::open(&directory.join("log")).unwrap());
    let before = store.head().await.unwrap().map_or(0, |position| u128::from(position.0));
    let log = log(&store);
    let notes = OpenOptions::new().append(true).open(directory.join("acknowledged")).unwrap();
    let notes = Arc::new(notes);
    let mut producers = JoinSet::new();
    for producer in 0..PRODUCERS {
        let (log, notes) = (log.clone(), notes.clone());
        producers.spawn(async move {
            for n in before.. {
                let note = append(log.clone(), producer, n).await;
                // One write, which the kernel keeps when this process dies.
                (&*notes).write_all(note.as_bytes()).unwrap();
            }
        });
    }
    producers.join_all().await;
}

type Appending = Pin<Box<dyn Future<Output = String> + Send>>;

/// Appends to a new enrollment each time, and so with a new key each time.
fn append_with_a_new_key(log: Log, producer: u128, n: u128) -> Appending {
    Box::pin(async move {
        let enrollment = enrollment(n * PRODUCERS + producer);
        let drafts = vec![opened(enrollment, "Safari"), chosen(enrollment, 1)];
        log.append(&enrollment.stream(), Expected::NoStream, drafts).await.unwrap();
        format!("{enrollment}\n")
    })
}

/// Appends to streams that several producers share.
fn append_to_a_shared_stream(log: Log, producer: u128, n: u128) -> Appending {
    Box::pin(async move {
        let enrollment = enrollment(producer % 3);
        let appended =
            log.append(&enrollment.stream(), Expected::Any, vec![chosen(enrollment, n * PRODUCERS + producer)]).await;
        let appended = appended.unwrap();
        format!("{enrollment} {} {}\n", appended.revision.0, appended.position)
    })
}

#[test]
fn every_acknowledged_event_outlives_sigkill_in_dense_streams() {
    const NAME: &str = "kill::every_acknowledged_event_outlives_sigkill_in_dense_streams";
    if let Some(directory) = again::directory() {
        return produce(&directory, append_to_a_shared_stream);
    }
    kill_in_rounds(NAME, |log, notes| {
        let connection = rusqlite::Connection::open(log.join(events::store::sqlite::FILE)).unwrap();
        let mut select = connection.prepare("SELECT revision FROM log WHERE position = ?1 AND stream = ?2").unwrap();
        for note in notes.lines() {
            let [enrollment, revision, position] = note.split(' ').collect::<Vec<_>>()[..] else { panic!("{note}") };
            let name = format!("enrollment-{enrollment}");
            let there: u64 = select.query_row((position, name), |row| row.get(0)).expect("an acknowledged event");
            assert_eq!(there.to_string(), revision);
        }
        drop(select);
        drop(connection);
        verify(log).unwrap();
    });
}

#[test]
fn every_event_that_outlives_sigkill_has_its_key() {
    const NAME: &str = "kill::every_event_that_outlives_sigkill_has_its_key";
    if let Some(directory) = again::directory() {
        return produce(&directory, append_with_a_new_key);
    }
    kill_in_rounds(NAME, |log, notes| {
        let opened = open_all(log);
        for enrollment in notes.lines() {
            assert_eq!(opened.get(enrollment), Some(&2), "both events of an acknowledged append are readable");
        }
    });
}

/// Opens all events and returns the number of events of each enrollment.
#[tokio::main]
async fn open_all(directory: &Path) -> BTreeMap<String, usize> {
    let store = Arc::new(SqliteStore::open(directory).unwrap());
    let mut enrollments = BTreeMap::new();
    for entry in log(&store).page(None, 1_000_000).await.unwrap() {
        *enrollments.entry(entry.stream.id().to_owned()).or_default() += 1;
        assert_eq!(entry.source.unwrap().get().map(String::as_str), Some("192.0.2.7"), "{}", entry.stream);
        if let Event::Enrollment(EnrollmentEvent::VisitOpened { user_agent, .. }) = entry.event {
            assert_eq!(user_agent.get().map(String::as_str), Some("Safari"), "{}", entry.stream);
        }
    }
    enrollments
}
