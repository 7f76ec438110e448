//! Appends: expected state, repeated appends, concurrent appends, size limits.

use super::{Factory, event, event_with, events, numbers_in, stream, write};
use crate::envelope::Revision;
use crate::store::{AppendError, EventStore, Expected};
use serde_json::json;
use std::sync::Arc;

pub(super) async fn all(factory: &dyn Factory) {
    a_new_stream_begins_at_revision_zero(factory).await;
    a_stream_grows_from_its_expected_revision(factory).await;
    a_wrong_expectation_is_a_conflict_that_names_the_current_revision(factory).await;
    a_conflict_writes_nothing(factory).await;
    any_appends_wherever_the_stream_is(factory).await;
    a_repeated_append_returns_the_first_ones_places(factory).await;
    a_repeated_append_is_known_after_the_stream_went_on(factory).await;
    a_repeat_with_other_ids_or_only_some_of_them_is_a_conflict(factory).await;
    a_repeat_that_goes_beyond_the_end_is_a_conflict(factory).await;
    any_repeated_at_the_streams_end_is_not_written_again(factory).await;
    the_same_id_may_stand_in_two_streams(factory).await;
    of_many_appends_at_one_place_one_wins(factory).await;
    many_callers_at_once_get_dense_revisions_and_own_positions(factory).await;
    an_append_over_the_limit_is_refused_whole(factory).await;
    what_was_acknowledged_is_there_after_reopening(factory).await;
}

async fn a_new_stream_begins_at_revision_zero(factory: &dyn Factory) {
    let subject = factory.empty().await;
    let appended = subject.store().append(&stream("a"), Expected::NoStream, events(0..3)).await.expect("written");
    assert_eq!(appended.revision, Revision(2));
    assert_eq!(subject.store().head().await.expect("a head"), Some(appended.position));
    assert_eq!(numbers_in(&subject.store(), "a").await, [0, 1, 2]);
}

async fn a_stream_grows_from_its_expected_revision(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    let first = store.append(&stream("a"), Expected::NoStream, events(0..1)).await.expect("written");
    let second = store.append(&stream("a"), Expected::Exact(first.revision), events(1..3)).await.expect("written");
    assert_eq!(second.revision, Revision(2));
    assert!(second.position > first.position);
    assert_eq!(numbers_in(&store, "a").await, [0, 1, 2]);
}

async fn conflict(store: &Arc<dyn EventStore>, expected: Expected, numbers: std::ops::Range<u32>) -> Option<Revision> {
    match store.append(&stream("a"), expected, events(numbers.clone())).await {
        Err(AppendError::Conflict { current, stream: named }) => {
            assert_eq!(named, stream("a"));
            current
        }
        other => panic!("{expected:?} {numbers:?} must be a conflict, not {other:?}"),
    }
}

async fn a_wrong_expectation_is_a_conflict_that_names_the_current_revision(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    assert_eq!(conflict(&store, Expected::Exact(Revision(0)), 0..1).await, None);
    write(&store, "a", Expected::NoStream, 0..2).await;
    assert_eq!(conflict(&store, Expected::NoStream, 10..11).await, Some(Revision(1)));
    assert_eq!(conflict(&store, Expected::Exact(Revision(0)), 10..11).await, Some(Revision(1)));
    assert_eq!(conflict(&store, Expected::Exact(Revision(2)), 10..11).await, Some(Revision(1)));
}

async fn a_conflict_writes_nothing(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    write(&store, "a", Expected::NoStream, 0..1).await;
    let head = store.head().await.expect("a head");
    conflict(&store, Expected::NoStream, 1..3).await;
    conflict(&store, Expected::Exact(Revision(4)), 1..3).await;
    assert_eq!(store.head().await.expect("a head"), head);
    assert_eq!(numbers_in(&store, "a").await, [0]);
}

async fn any_appends_wherever_the_stream_is(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    for number in 0..4 {
        let appended = store.append(&stream("a"), Expected::Any, vec![event(number)]).await.expect("written");
        assert_eq!(appended.revision, Revision(u64::from(number)));
    }
    assert_eq!(numbers_in(&store, "a").await, [0, 1, 2, 3]);
}

async fn a_repeated_append_returns_the_first_ones_places(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    for (expected, numbers) in [(Expected::NoStream, 0..2), (Expected::Exact(Revision(1)), 2..5)] {
        let first = store.append(&stream("a"), expected, events(numbers.clone())).await.expect("written");
        let again = store.append(&stream("a"), expected, events(numbers)).await.expect("known");
        assert_eq!(first, again);
    }
    assert_eq!(numbers_in(&store, "a").await, [0, 1, 2, 3, 4]);
}

async fn a_repeated_append_is_known_after_the_stream_went_on(factory: &dyn Factory) {
    let mut subject = factory.empty().await;
    let store = subject.store();
    let first = store.append(&stream("a"), Expected::NoStream, events(0..2)).await.expect("written");
    write(&store, "a", Expected::Exact(Revision(1)), 2..4).await;
    write(&store, "b", Expected::NoStream, 4..5).await;
    drop(store);
    subject.reopen().await;
    let store = subject.store();
    assert_eq!(store.append(&stream("a"), Expected::NoStream, events(0..2)).await.expect("known"), first);
    let part = store.append(&stream("a"), Expected::Exact(Revision(0)), events(1..2)).await.expect("known");
    assert_eq!(part, first, "the place counts, not how many events stood in one append");
    assert_eq!(numbers_in(&store, "a").await, [0, 1, 2, 3]);
}

async fn a_repeat_with_other_ids_or_only_some_of_them_is_a_conflict(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    write(&store, "a", Expected::NoStream, 0..3).await;
    let current = Some(Revision(2));
    assert_eq!(conflict(&store, Expected::NoStream, 10..13).await, current);
    assert_eq!(conflict(&store, Expected::Exact(Revision(0)), 2..3).await, current, "the right id at the wrong place");
    let mixed = vec![event(0), event(11), event(2)];
    let answer = store.append(&stream("a"), Expected::NoStream, mixed).await;
    assert!(matches!(answer, Err(AppendError::Conflict { .. })), "{answer:?}");
}

async fn a_repeat_that_goes_beyond_the_end_is_a_conflict(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    write(&store, "a", Expected::NoStream, 0..2).await;
    assert_eq!(conflict(&store, Expected::NoStream, 0..3).await, Some(Revision(1)));
    assert_eq!(numbers_in(&store, "a").await, [0, 1]);
}

async fn any_repeated_at_the_streams_end_is_not_written_again(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    write(&store, "a", Expected::Any, 0..1).await;
    let first = store.append(&stream("a"), Expected::Any, events(1..3)).await.expect("written");
    assert_eq!(store.append(&stream("a"), Expected::Any, events(1..3)).await.expect("known"), first);
    write(&store, "a", Expected::Any, 3..4).await;
    assert_eq!(numbers_in(&store, "a").await, [0, 1, 2, 3]);
}

async fn the_same_id_may_stand_in_two_streams(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    write(&store, "a", Expected::NoStream, 0..1).await;
    write(&store, "b", Expected::NoStream, 0..1).await;
    assert_eq!(numbers_in(&store, "a").await, [0]);
    assert_eq!(numbers_in(&store, "b").await, [0]);
}

async fn of_many_appends_at_one_place_one_wins(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    for (expected, first) in [(Expected::NoStream, 0), (Expected::Exact(Revision(0)), 100)] {
        let rivals: Vec<_> = (first..first + 20)
            .map(|number| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.append(&stream("a"), expected, vec![event(number)]).await })
            })
            .collect();
        let mut winners = 0;
        for rival in rivals {
            match rival.await.expect("no panic") {
                Ok(_) => winners += 1,
                Err(AppendError::Conflict { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(winners, 1);
    }
    assert_eq!(numbers_in(&store, "a").await.len(), 2);
}

async fn many_callers_at_once_get_dense_revisions_and_own_positions(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    let callers: Vec<_> = (0..16u32)
        .map(|caller| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut positions = Vec::new();
                for n in 0..25u32 {
                    let name = stream(&format!("s{}", caller % 4));
                    let event = vec![event(caller * 1_000 + n)];
                    positions.push(store.append(&name, Expected::Any, event).await.expect("written").position);
                }
                positions
            })
        })
        .collect();
    let mut positions = Vec::new();
    for caller in callers {
        positions.extend(caller.await.expect("no panic"));
    }
    positions.sort();
    positions.dedup();
    assert_eq!(positions.len(), 400, "each event has a position of its own");
    for n in 0..4 {
        let events = store.read_stream(&stream(&format!("s{n}")), Revision(0), 1_000).await.expect("read");
        let revisions: Vec<u64> = events.iter().map(|event| event.revision.0).collect();
        assert_eq!(revisions, (0..100).collect::<Vec<_>>());
    }
}

async fn an_append_over_the_limit_is_refused_whole(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    let large = event_with(1, json!({ "number": 1, "filling": "x".repeat(32 * 1024 * 1024) }));
    match store.append(&stream("a"), Expected::NoStream, vec![event(0), large]).await {
        Err(AppendError::TooLarge { bytes, limit }) => assert!(bytes > limit),
        other => panic!("must be too large, not {other:?}"),
    }
    assert_eq!(store.head().await.expect("a head"), None);
    write(&store, "a", Expected::NoStream, 0..1).await;
}

async fn what_was_acknowledged_is_there_after_reopening(factory: &dyn Factory) {
    let mut subject = factory.empty().await;
    write(&subject.store(), "a", Expected::NoStream, 0..3).await;
    subject.reopen().await;
    assert_eq!(numbers_in(&subject.store(), "a").await, [0, 1, 2]);
    write(&subject.store(), "a", Expected::Exact(Revision(2)), 3..4).await;
    assert_eq!(numbers_in(&subject.store(), "a").await, [0, 1, 2, 3]);
}
