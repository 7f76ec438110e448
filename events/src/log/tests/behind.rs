//! A follower with a backlog that somebody waits for.

use super::memory::{ANNA, append, log};
use crate::background::Lane;
use crate::log::Next;
use crate::log::reading::{BACKLOG, BACKLOG_READS};

#[tokio::test]
async fn a_follower_that_somebody_waits_for_does_not_wait_for_threads_of_low_priority() {
    let (log, _, _) = log();
    append(&log, BACKLOG, &ANNA.key(), "Anna").await;
    let _all = BACKLOG_READS.acquire_many(2).await.unwrap();
    let mut follower = log.follow(None);
    let Next::Events(first) = follower.next().await.unwrap() else { panic!("there are events") };
    assert_eq!(first.lane(), Lane::Background);
    tokio::select! {
        biased;
        _ = follower.next() => panic!("the background is busy"),
        () = tokio::task::yield_now() => {}
    }
    follower.await_by(true);
    assert!(matches!(follower.next().await.unwrap(), Next::CaughtUp));
}
