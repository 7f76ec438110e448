//! Followers share what was read, parsed and opened.

use super::memory::{ANNA, BERTA, append, log, shown};
use crate::log::{Delivery, Follower, Log, Next};
use crate::personal::keys::KeyStore as _;
use crate::store::EventStore as _;
use crate::store::ReadError;
use std::time::Duration;

async fn delivery(follower: &mut Follower) -> Delivery {
    loop {
        let next = tokio::time::timeout(Duration::from_secs(20), follower.next()).await;
        match next.expect("a follower is told within 20 seconds").expect("a log that can be read") {
            Next::Events(events) => return events,
            Next::CaughtUp => {}
            Next::Unreadable(..) | Next::Closed => panic!("no events"),
        }
    }
}

async fn caught_up(log: &Log) -> Follower {
    let mut follower = log.follow(None);
    while !matches!(follower.next().await.unwrap(), Next::CaughtUp) {}
    follower
}

#[tokio::test]
async fn an_event_is_read_and_opened_once_for_all_followers_and_not_at_all_if_none_needs_its_fields() {
    let (log, store, keys) = log();
    let mut followers = [caught_up(&log).await, caught_up(&log).await, caught_up(&log).await, caught_up(&log).await];
    append(&log, 1, &ANNA.key(), "Anna").await;
    let sealed = keys.times_used();
    let mut deliveries = Vec::new();
    for follower in &mut followers {
        deliveries.push(delivery(follower).await);
    }
    assert!(deliveries.iter().all(|delivery| delivery.recorded()[0].event.event_type == "PersonAttributesChanged"));
    assert_eq!((store.times_read(1), keys.times_used()), (1, sealed));
    for delivery in &deliveries {
        let opened = delivery.open(&log).await.unwrap();
        assert_eq!(shown(opened.viewed().next().unwrap().unwrap()), Some("Anna"));
    }
    assert_eq!((store.times_read(1), keys.times_used()), (1, sealed + 1));
}

#[tokio::test]
async fn what_was_opened_for_one_follower_is_erased_for_the_next_if_the_key_was_destroyed_in_between() {
    let (log, _, keys) = log();
    let (mut first, mut second) = (caught_up(&log).await, caught_up(&log).await);
    append(&log, 1, &ANNA.key(), "Anna").await;
    let opened = delivery(&mut first).await.open(&log).await.unwrap();
    assert_eq!(shown(opened.decided().next().unwrap().unwrap()), Some("Anna"));
    keys.destroy(&ANNA.key()).unwrap();
    let opened = delivery(&mut second).await.open(&log).await.unwrap();
    assert_eq!(shown(opened.decided().next().unwrap().unwrap()), None);
}

#[tokio::test]
async fn a_damaged_key_of_the_subject_stops_those_who_decide_and_one_of_another_subject_nobody() {
    let (log, store, keys) = log();
    let mut followers = [caught_up(&log).await, caught_up(&log).await];
    append(&log, 1, &ANNA.key(), "Anna").await;
    append(&log, 1, &BERTA.key(), "Berta").await;
    keys.damage(&ANNA.key());
    keys.damage(&BERTA.key());
    for follower in &mut followers {
        let (mut own, mut other) = (delivery(follower).await, None);
        if own.recorded().len() == 1 {
            other = Some(std::mem::replace(&mut own, delivery(follower).await));
        }
        let mut viewed = Vec::new();
        let mut decided = Vec::new();
        for delivery in other.iter().chain([&own]) {
            let opened = delivery.open(&log).await.unwrap();
            viewed.extend(opened.viewed().map(|entry| shown(entry.unwrap()).map(str::to_owned)));
            decided.extend(opened.decided().map(|entry| match entry {
                Ok(entry) => shown(entry).map(str::to_owned),
                Err(ReadError::Corrupt { position, .. }) => Some(format!("unreadable at {position}")),
                Err(error) => panic!("{error}"),
            }));
        }
        let damaged = || Some("(key damaged)".to_owned());
        assert_eq!(viewed, [damaged(), damaged()]);
        assert_eq!(decided, [Some("unreadable at 1".to_owned()), damaged()]);
    }
    assert_eq!(store.findings().all().len(), 2, "each key is reported once");
}

#[tokio::test]
async fn the_shared_reader_ends_with_its_last_follower_and_a_new_one_begins_where_it_wants() {
    let (log, store, _) = log();
    let follower = caught_up(&log).await;
    drop(follower);
    append(&log, 2, &ANNA.key(), "Anna").await;
    let mut again = log.follow(None);
    assert_eq!(delivery(&mut again).await.recorded().len(), 2);
    assert_eq!(store.times_read(1), 1, "nobody reads for a follower that is gone");
}
