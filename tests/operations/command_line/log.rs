//! `muster log doctor`, with and without a running server, and what a server says about a log with a double revision.

use harness::binary::muster_at;
use harness::cast::{Scene, Visitor};
use harness::installation;
use harness::process::Installation;
use simulator::model::Family;
use std::path::Path;

fn change(config: &Path, statement: &str) {
    let file = rusqlite::Connection::open(config.with_file_name("data").join("events.db")).unwrap();
    assert_eq!(file.execute(statement, []).unwrap(), 1, "{statement}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_reads_the_log_of_a_running_server_and_finds_nothing() {
    let scene = Scene::set().await;
    scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await;
    let config = scene.server.directory().join("muster.toml");
    let said = muster_at(&config, &["log", "doctor"], "").expect_success();
    assert!(said.contains(" streams read: no fault"), "{said}");
    let closed = Installation::of(scene.server).await;
    let said = muster_at(closed.config(), &["log", "doctor"], "").expect_success();
    assert!(said.contains(" streams read: no fault"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_the_index_alone_asks_for_no_backup() {
    let (_directory, config) = installation().await;
    let index = rusqlite::Connection::open(config.with_file_name("data").join("index.db")).unwrap();
    index.execute("UPDATE origin SET position = position + 1000", []).unwrap();
    let said = muster_at(&config, &["log", "doctor"], "");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("1 fault") && said.out.contains("delete index.db, and start it"), "{said:?}");
    assert!(!said.out.contains("restore the newest backup"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_revision_is_named_by_the_doctor_and_ends_the_server() {
    let (_directory, config) = installation().await;
    change(
        &config,
        "INSERT INTO log SELECT (SELECT max(position) + 1 FROM log), stream, revision, event_id, leaf, crc, envelope
         FROM log WHERE position = 1",
    );
    let said = muster_at(&config, &["log", "doctor"], "");
    assert_eq!(said.code, Some(1), "{said:?}");
    for word in ["two events have revision 0 of stream ", "position 1, ", "1 fault", "muster restore"] {
        assert!(said.out.contains(word), "{word} is missing in {said:?}");
    }
    let served = muster_at(&config, &["serve"], "");
    // It ends while it starts (1) or just after (70): the index meets the second event meanwhile.
    assert!(matches!(served.code, Some(1 | 70)), "{served:?}");
    assert!(served.err.contains("muster log doctor"), "{served:?}");
}
