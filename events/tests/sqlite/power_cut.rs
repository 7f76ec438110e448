//! A power failure at any moment of a run: every acknowledged event is in the log, and the log is whole.
//!
//! Another process appends under `strace`, which records its writes and syncs with their bytes (module `trace`). From
//! the record, the files are rebuilt as a disk could show them after a failure between two system calls: what was
//! synced is there, and of later writes none, all, only the last, or the last one torn in the middle. Each of these
//! images is opened and examined. The index of SQLite's write-ahead log (`-shm`) is shared memory that no failure
//! keeps.
//!
//! `MUSTER_POWER_CUTS` sets the number of moments; the default is 60, evenly spread.

use crate::again;
use crate::older::as_format_1;
use crate::trace::{self, Disk, Loss, Step};
use events::envelope::Revision;
use events::store::StoreLifecycle as _;
use events::store::contract::{events, stream};
use events::store::sqlite::SqliteStore;
use events::store::sqlite::verify::verify;
use events::store::{EventStore, Expected};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const APPENDS: u32 = 120;
const STREAMS: u32 = 7;

fn moments() -> usize {
    std::env::var("MUSTER_POWER_CUTS").ok().and_then(|moments| moments.parse().ok()).unwrap_or(60)
}

/// The work of the recorded process: it appends, and notes each acknowledgement. It opens the log twice, so that the
/// record has the end of a run too. Its batches are small, so that the index by stream has runs that are merged.
#[tokio::main]
async fn append_and_note(directory: &Path) {
    let mut notes = OpenOptions::new().append(true).create(true).open(directory.join("acknowledged")).unwrap();
    for half in [0..APPENDS / 2, APPENDS / 2..APPENDS] {
        let store = SqliteStore::open_with_batches(&directory.join("log"), 4).unwrap();
        for number in half {
            let name = stream(&(number % STREAMS).to_string());
            let appended = store.append(&name, Expected::Any, events(number..number + 1)).await.unwrap();
            // One write, which the record shows as one call.
            notes.write_all(format!("{number} {}\n", appended.position).as_bytes()).unwrap();
        }
        store.close().await;
    }
}

/// Records the run in `directory`. `None`: this machine does not let us.
fn recorded(name: &str, directory: &Path) -> Option<Vec<Step>> {
    let allowed = Command::new("strace").args(["-o", "/dev/null", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        return None;
    }
    let calls = "trace=pwrite64,write,ftruncate,fsync,fdatasync,unlink,unlinkat";
    let inner = again::command(name, directory, "");
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-xx", "-s", "1000000", "-e", calls, "-o"]).arg(directory.join("trace"));
    command.arg(inner.get_program()).args(inner.get_args()).stdout(Stdio::null());
    for (name, value) in inner.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    assert!(command.status().unwrap().success());
    Some(trace::read(&std::fs::read_to_string(directory.join("trace")).unwrap(), directory))
}

/// Opens the log that a failure left, and compares it with what was acknowledged.
#[tokio::main]
async fn examine(log: &Path, acknowledged: &[(u32, u64)], about: &str) {
    let store = SqliteStore::open(log).unwrap_or_else(|error| panic!("{about}: {error}"));
    let all = store.read_all(None, 10_000).await.unwrap_or_else(|error| panic!("{about}: {error}"));
    for (number, position) in acknowledged {
        let there = all.iter().find(|event| event.position.0 == *position);
        let event = there.unwrap_or_else(|| panic!("{about}: event {number} was acknowledged and is lost"));
        assert_eq!(event.event.data["number"], *number, "{about}");
    }
    for n in 0..STREAMS {
        let name = stream(&n.to_string());
        let wanted: Vec<_> = all.iter().filter(|event| event.stream == name).cloned().collect();
        let read = store.read_stream(&name, Revision(0), 10_000).await;
        assert_eq!(read.unwrap_or_else(|error| panic!("{about}: {name}: {error}")), wanted, "{about}");
    }
    store.append(&stream("0"), Expected::Any, events(9_000..9_001)).await.unwrap();
    store.close().await;
    verify(log).unwrap_or_else(|error| panic!("{about}: {error}"));
}

fn survives_every_failure(name: &str, prepare: fn(&Path)) {
    if let Some(directory) = again::directory() {
        return append_and_note(&directory);
    }
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    drop(SqliteStore::create(&log).unwrap());
    prepare(&log);
    let before = Disk::of(&log);
    let Some(steps) = recorded(name, directory.path()) else {
        return left_out(name);
    };
    assert!(
        steps.iter().filter(|step| matches!(step, Step::Sync { .. })).count() > APPENDS as usize,
        "syncs are recorded"
    );
    let every = (steps.len() / moments()).max(1);
    let (mut disk, mut acknowledged, mut examined) = (before, Vec::new(), 0);
    for (nth, step) in steps.iter().enumerate() {
        match step {
            Step::Acknowledged(number, position) => acknowledged.push((*number, *position)),
            step => disk.apply(step),
        }
        if nth % every == 0 {
            for loss in Loss::ALL {
                let image = tempfile::tempdir().unwrap();
                disk.write(image.path(), loss);
                examine(image.path(), &acknowledged, &format!("after call {nth} of {}, {loss:?}", steps.len()));
                examined += 1;
            }
        }
    }
    assert_eq!(acknowledged.len(), APPENDS as usize);
    assert!(examined >= moments().min(steps.len()) * Loss::ALL.len() / 2, "{examined}");
}

fn left_out(test: &str) {
    let _ = std::io::stderr().write_all(format!("left out: {test}: strace cannot be used here\n").as_bytes());
}

#[test]
fn no_acknowledged_event_is_lost_by_a_power_failure() {
    survives_every_failure("power_cut::no_acknowledged_event_is_lost_by_a_power_failure", |_| ());
}

#[test]
fn a_power_failure_while_a_log_of_format_1_becomes_format_2_loses_nothing() {
    survives_every_failure(
        "power_cut::a_power_failure_while_a_log_of_format_1_becomes_format_2_loses_nothing",
        as_format_1,
    );
}
