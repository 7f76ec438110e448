//! Reads: streams by revision, the log by position; events are returned as they were appended.

use super::{Factory, event, event_with, events, stream, write};
use crate::envelope::{EventId, Position, Recorded, Revision, canonical};
use crate::proof::leaf_hash;
use crate::store::{EventStore, Expected, StreamHead};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use uuid::Uuid;

pub(super) async fn all(factory: &dyn Factory) {
    an_empty_log_has_no_events_and_no_head(factory).await;
    a_stream_is_read_in_parts(factory).await;
    events_come_back_as_they_were_given(factory).await;
    the_log_is_read_in_order_of_position(factory).await;
    the_log_is_read_in_parts_without_gap_or_repeat(factory).await;
    a_write_is_read_by_its_writer_at_once(factory).await;
    nothing_appears_before_what_was_read(factory).await;
    the_head_of_a_stream_is_its_last_event(factory).await;
    a_text_and_an_id_are_found_in_their_stream_only(factory).await;
    the_head_of_a_stream_is_never_older_than_an_acknowledged_append(factory).await;
}

async fn an_empty_log_has_no_events_and_no_head(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    assert_eq!(store.head().await.expect("a head"), None);
    assert_eq!(store.read_all(None, 10).await.expect("read"), []);
    assert_eq!(store.read_stream(&stream("a"), Revision(0), 10).await.expect("read"), []);
}

async fn a_stream_is_read_in_parts(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    write(&store, "a", Expected::NoStream, 0..5).await;
    let revisions = async |from, limit| -> Vec<u64> {
        let events = store.read_stream(&stream("a"), Revision(from), limit).await.expect("read");
        events.iter().map(|event| event.revision.0).collect()
    };
    assert_eq!(revisions(0, 2).await, [0, 1]);
    assert_eq!(revisions(2, 2).await, [2, 3]);
    assert_eq!(revisions(4, 2).await, [4]);
    assert_eq!(revisions(5, 2).await, [0u64; 0]);
    assert_eq!(revisions(9, 2).await, [0u64; 0]);
}

async fn events_come_back_as_they_were_given(factory: &dyn Factory) {
    let mut subject = factory.empty().await;
    let mut given =
        event_with(3, json!({ "ß": ["\u{1F600}", null, -7, true, { "": "\"\\\n" }], "a": {}, "Z": u64::MAX }));
    given.causation = Some(EventId(Uuid::from_u128(5)));
    given.source = json!({ "any": "thing" });
    let appended =
        subject.store().append(&stream("a"), Expected::NoStream, vec![given.clone()]).await.expect("written");
    subject.reopen().await;
    let read = subject.store().read_stream(&stream("a"), Revision(0), 10).await.expect("read");
    let leaf = leaf_hash(&canonical(&stream("a"), Revision(0), &given));
    let wanted =
        Recorded { stream: stream("a"), revision: Revision(0), position: appended.position, leaf, event: given };
    assert_eq!(read, [wanted]);
    assert_eq!(subject.store().read_all(None, 10).await.expect("read"), read);
}

async fn the_log_is_read_in_order_of_position(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    write(&store, "a", Expected::NoStream, 0..2).await;
    write(&store, "b", Expected::NoStream, 2..4).await;
    write(&store, "a", Expected::Exact(Revision(1)), 4..5).await;
    let log = store.read_all(None, 100).await.expect("read");
    assert_eq!(numbers(&log), [0, 1, 2, 3, 4]);
    assert!(log.is_sorted_by(|a, b| a.position < b.position));
    assert_eq!(log.last().map(|event| event.position), store.head().await.expect("a head"));
}

async fn the_log_is_read_in_parts_without_gap_or_repeat(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    for n in 0..10 {
        write(&store, &format!("s{}", n % 3), Expected::Any, n * 2..n * 2 + 2).await;
    }
    let mut after: Option<Position> = None;
    let mut read = Vec::new();
    loop {
        let page = store.read_all(after, 3).await.expect("read");
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3 && read.len() < 100, "the pages do not end");
        after = Some(last.position);
        read.extend(numbers(&page));
    }
    assert_eq!(read, (0..20).collect::<Vec<u64>>());
}

async fn a_write_is_read_by_its_writer_at_once(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    for number in 0..20 {
        let appended = store.append(&stream("a"), Expected::Any, vec![event(number)]).await.expect("written");
        let read = store.read_stream(&stream("a"), appended.revision, 1).await.expect("read");
        assert_eq!(numbers(&read), [u64::from(number)]);
        assert_eq!(store.head().await.expect("a head"), Some(appended.position));
    }
}

async fn nothing_appears_before_what_was_read(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    let writers: Vec<_> = (0..8u32)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for n in 0..20 {
                    let numbers = writer * 1_000 + n * 2;
                    let name = stream(&format!("s{writer}"));
                    store.append(&name, Expected::Any, events(numbers..numbers + 2)).await.expect("written");
                }
            })
        })
        .collect();
    let mut seen: Vec<Position> = Vec::new();
    let reading = async {
        while seen.len() < 320 {
            let page = store.read_all(seen.last().copied(), 7).await.expect("read");
            seen.extend(page.iter().map(|event| event.position));
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), reading).await.expect("all events are read");
    for writer in writers {
        writer.await.expect("no panic");
    }
    let log = store.read_all(None, 1_000).await.expect("read");
    assert_eq!(seen, log.iter().map(|event| event.position).collect::<Vec<_>>());
}

async fn the_head_of_a_stream_is_its_last_event(factory: &dyn Factory) {
    let mut subject = factory.empty().await;
    let store = subject.store();
    let at = |revision, number| Some(StreamHead { revision: Revision(revision), id: event(number).id });
    assert_eq!(head_of(&store, "a").await, None);
    write(&store, "a", Expected::NoStream, 0..3).await;
    write(&store, "b", Expected::Any, 10..11).await;
    assert_eq!(head_of(&store, "a").await, at(2, 2));
    assert_eq!(head_of(&store, "b").await, at(0, 10));
    write(&store, "a", Expected::Exact(Revision(2)), 3..4).await;
    // A repeated append returns its earlier place, and a conflict changes nothing.
    write(&store, "a", Expected::NoStream, 0..3).await;
    store.append(&stream("a"), Expected::Exact(Revision(2)), events(7..8)).await.expect_err("a conflict");
    assert_eq!(head_of(&store, "a").await, at(3, 3));
    drop(store);
    subject.reopen().await;
    let store = subject.store();
    assert_eq!(head_of(&store, "a").await, at(3, 3));
    write(&store, "a", Expected::Any, 4..6).await;
    assert_eq!(head_of(&store, "a").await, at(5, 5));
    assert_eq!(head_of(&store, "c").await, None);
}

// Asks in both ways.
async fn head_of(store: &Arc<dyn EventStore>, name: &str) -> Option<StreamHead> {
    let asked = {
        let (store, name) = (Arc::clone(store), stream(name));
        move || store.stream_head_here(&name)
    };
    let here = tokio::task::spawn_blocking(asked).await.expect("no panic");
    let head = store.stream_head(&stream(name)).await.expect("read");
    assert!(here.is_none_or(|here| here == head), "{here:?} is not {head:?}");
    head
}

async fn the_head_of_a_stream_is_never_older_than_an_acknowledged_append(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    let acknowledged = Arc::new(AtomicU64::new(0));
    let writer = tokio::spawn({
        let (store, acknowledged) = (Arc::clone(&store), Arc::clone(&acknowledged));
        async move {
            for number in 0..200 {
                let appended = store.append(&stream("a"), Expected::Any, vec![event(number)]).await.expect("written");
                acknowledged.store(appended.revision.0 + 1, Ordering::SeqCst);
            }
        }
    });
    let mut others = 1_000;
    while !writer.is_finished() {
        let before = acknowledged.load(Ordering::SeqCst);
        let head = store.stream_head(&stream("a")).await.expect("read");
        let events = head.map_or(0, |head| head.revision.0 + 1);
        assert!(events >= before, "{events} events, but {before} were acknowledged");
        let known = store.known_head(&stream("a")).map_or(u64::MAX, |head| head.revision.0 + 1);
        assert!(known >= before, "a head in memory is not older either: {known} events, {before} acknowledged");
        assert!(head.is_none_or(|head| head.id == event(u32::try_from(head.revision.0).expect("a number")).id));
        // Other streams, so that the head is also read from the file.
        write(&store, &format!("s{others}"), Expected::NoStream, others..others + 1).await;
        others += 1;
    }
    writer.await.expect("no panic");
}

async fn a_text_and_an_id_are_found_in_their_stream_only(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    let hash = "a5".repeat(32);
    store
        .append(&stream("a"), Expected::Any, vec![event(1), event_with(2, json!({ "body": hash })), event(3)])
        .await
        .expect("written");
    write(&store, "b", Expected::Any, 10..12).await;
    let mentions = async |name, text: &str| store.mentions(&stream(name), text).await.expect("read");
    assert!(mentions("a", &hash).await && mentions("a", &hash[1..]).await);
    let contains = async |name, number| store.contains(&stream(name), event(number).id).await.expect("read");
    assert!(contains("a", 1).await && contains("a", 3).await && contains("b", 11).await);
    assert!(!contains("a", 10).await && !contains("b", 1).await && !contains("c", 1).await);
    assert!(!mentions("b", &hash).await && !mentions("c", &hash).await && !mentions("a", &"b6".repeat(32)).await);
}

fn numbers(events: &[Recorded]) -> Vec<u64> {
    events.iter().map(|recorded| recorded.event.data["number"].as_u64().expect("an event of the suite")).collect()
}
