//! Following the log: every event once, in order, and `CaughtUp` when all events were delivered.

use super::{Factory, stream, write};
use crate::envelope::Position;
use crate::store::{Expected, Follow, Followed};
use std::sync::Arc;
use std::time::Duration;

pub(super) async fn all(factory: &dyn Factory) {
    an_empty_log_is_caught_up_at_once(factory).await;
    a_follower_gets_what_is_there_then_the_word_then_what_comes(factory).await;
    a_follower_begins_after_its_position(factory).await;
    followers_under_load_get_every_event_once_in_order(factory).await;
    a_follower_ends_when_the_store_closes(factory).await;
}

async fn next(follow: &mut Follow) -> Option<Followed> {
    let waited = tokio::time::timeout(Duration::from_secs(20), follow.next()).await;
    waited.expect("a follower is told within 20 seconds").expect("a log that can be read")
}

/// Returns the numbers up to `CaughtUp`, and the position that it names.
async fn until_caught_up(follow: &mut Follow) -> (Vec<u64>, Option<Position>) {
    let mut numbers = Vec::new();
    loop {
        match next(follow).await.expect("the store is open") {
            Followed::CaughtUp(position) => return (numbers, position),
            Followed::Events(events) => {
                assert!(!events.is_empty());
                numbers.extend(events.iter().map(|event| event.event.data["number"].as_u64().expect("ours")));
            }
        }
    }
}

async fn an_empty_log_is_caught_up_at_once(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    assert_eq!(until_caught_up(&mut store.follow(None)).await, (vec![], None));
}

async fn a_follower_gets_what_is_there_then_the_word_then_what_comes(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    write(&store, "a", Expected::NoStream, 0..3).await;
    let mut follow = store.follow(None);
    assert_eq!(until_caught_up(&mut follow).await, (vec![0, 1, 2], store.head().await.expect("a head")));
    for number in 3..6 {
        write(&store, "b", Expected::Any, number..number + 1).await;
        let head = store.head().await.expect("a head");
        assert_eq!(until_caught_up(&mut follow).await, (vec![u64::from(number)], head));
    }
}

async fn a_follower_begins_after_its_position(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    write(&store, "a", Expected::NoStream, 0..5).await;
    let second = store.read_all(None, 2).await.expect("read")[1].position;
    assert_eq!(until_caught_up(&mut store.follow(Some(second))).await.0, [2, 3, 4]);
    let head = store.head().await.expect("a head");
    assert_eq!(until_caught_up(&mut store.follow(head)).await, (vec![], head));
}

async fn followers_under_load_get_every_event_once_in_order(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    let mut followers: Vec<Follow> = (0..3).map(|_| store.follow(None)).collect();
    let writers: Vec<_> = (0..8u32)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for n in 0..50 {
                    write(&store, &format!("s{writer}"), Expected::Any, writer * 100 + n..writer * 100 + n + 1).await;
                }
            })
        })
        .collect();
    for follower in &mut followers {
        let mut positions = Vec::new();
        while positions.len() < 400 {
            if let Followed::Events(events) = next(follower).await.expect("the store is open") {
                positions.extend(events.iter().map(|event| event.position));
            }
        }
        let log = store.read_all(None, 1_000).await.expect("read");
        assert_eq!(positions, log.iter().map(|event| event.position).collect::<Vec<_>>());
    }
    for writer in writers {
        writer.await.expect("no panic");
    }
    assert_eq!(store.read_stream(&stream("s0"), crate::Revision(0), 100).await.expect("read").len(), 50);
}

async fn a_follower_ends_when_the_store_closes(factory: &dyn Factory) {
    let mut subject = factory.empty().await;
    write(&subject.store(), "a", Expected::NoStream, 0..1).await;
    let mut follow = subject.store().follow(None);
    assert_eq!(until_caught_up(&mut follow).await.0, [0]);
    subject.reopen().await;
    assert!(next(&mut follow).await.is_none());
}
