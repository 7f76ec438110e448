//! Events altered outside of the store: refused by every reader and append, reported once, without effect on other
//! streams.

use super::{Factory, Subject, events, numbers_in, stream, write};
use crate::envelope::{Position, Revision};
use crate::store::{AppendError, EventStore, Expected, ReadError};
use std::sync::Arc;

pub(super) async fn all(factory: &dyn Factory) {
    a_sound_log_has_no_findings(factory).await;
    every_reader_notes_a_corrupt_event_once(factory).await;
    other_streams_are_served_beside_a_corrupt_one(factory).await;
}

async fn a_sound_log_has_no_findings(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    write(&store, "a", Expected::NoStream, 0..3).await;
    store.read_all(None, 10).await.expect("read");
    assert_eq!(store.findings().all(), []);
}

/// Creates streams a and b with two events each and damages the second event of a. Returns its position.
async fn damaged(factory: &dyn Factory) -> (Box<dyn Subject>, Position) {
    let mut subject = factory.empty().await;
    let store = subject.store();
    write(&store, "a", Expected::NoStream, 0..1).await;
    let second = store.append(&stream("a"), Expected::Exact(Revision(0)), events(1..2)).await.expect("written");
    write(&store, "b", Expected::NoStream, 2..4).await;
    subject.damage(second.position).await;
    subject.reopen().await;
    (subject, second.position)
}

async fn every_reader_notes_a_corrupt_event_once(factory: &dyn Factory) {
    for reader in ["a stream", "the log"] {
        let (subject, position) = damaged(factory).await;
        let store = subject.store();
        for _ in 0..2 {
            let error = read_by(&store, reader).await;
            assert!(matches!(error, ReadError::Corrupt { .. }), "{reader}: {error}");
        }
        let found = store.findings().all();
        let places: Vec<_> = found.iter().map(|one| (one.stream.as_str(), one.revision, one.position)).collect();
        assert_eq!(places, [(stream("a").as_str(), 1, position.0)], "{reader}");
    }
}

async fn read_by(store: &Arc<dyn EventStore>, reader: &str) -> ReadError {
    match reader {
        "a stream" => store.read_stream(&stream("a"), Revision(0), 10).await.expect_err("corrupt"),
        _ => {
            let sound = store.read_all(None, 10).await.expect("what stands before it");
            store.read_all(sound.last().map(|event| event.position), 10).await.expect_err("corrupt")
        }
    }
}

async fn other_streams_are_served_beside_a_corrupt_one(factory: &dyn Factory) {
    let (subject, _) = damaged(factory).await;
    let store = subject.store();
    store.read_stream(&stream("a"), Revision(0), 10).await.expect_err("corrupt");
    let refused = store.append(&stream("a"), Expected::Exact(Revision(1)), events(9..10)).await;
    assert!(matches!(refused, Err(AppendError::Corrupt { .. })), "{refused:?}");
    write(&store, "b", Expected::Exact(Revision(1)), 4..5).await;
    assert_eq!(numbers_in(&store, "b").await, [2, 3, 4]);
}
