//! The watched end of the log, by which followers learn what was appended.

use super::{Factory, stream, write};
use crate::envelope::Position;
use crate::store::Expected;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

pub(super) async fn all(factory: &dyn Factory) {
    the_watched_head_shows_every_event_once_in_order(factory).await;
    the_watched_head_ends_when_the_store_closes(factory).await;
}

type Head = watch::Receiver<Option<Position>>;

/// Returns the head once it is after `position`; `None` if the store was closed.
async fn after(head: &mut Head, position: Option<Position>) -> Option<Position> {
    let waited = tokio::time::timeout(Duration::from_secs(20), head.wait_for(|head| *head > position)).await;
    waited.expect("the head moves within 20 seconds").ok().and_then(|head| *head)
}

async fn the_watched_head_shows_every_event_once_in_order(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    let Some(mut head) = store.watch_head() else { return };
    assert_eq!(*head.borrow_and_update(), None);
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
    let mut positions: Vec<Position> = Vec::new();
    while positions.len() < 400 {
        let last = positions.last().copied();
        let head = after(&mut head, last).await.expect("the store is open");
        let page = store.read_all(last, 1_000).await.expect("read");
        assert!(page.last().is_some_and(|event| event.position >= head), "what the head shows can be read");
        positions.extend(page.iter().map(|event| event.position));
    }
    let log = store.read_all(None, 1_000).await.expect("read");
    assert_eq!(positions, log.iter().map(|event| event.position).collect::<Vec<_>>());
    for writer in writers {
        writer.await.expect("no panic");
    }
    assert_eq!(store.read_stream(&stream("s0"), crate::Revision(0), 100).await.expect("read").len(), 50);
}

async fn the_watched_head_ends_when_the_store_closes(factory: &dyn Factory) {
    let mut subject = factory.empty().await;
    write(&subject.store(), "a", Expected::NoStream, 0..1).await;
    let Some(mut head) = subject.store().watch_head() else { return };
    let first = after(&mut head, None).await;
    assert!(first.is_some());
    subject.reopen().await;
    assert_eq!(after(&mut head, first).await, None);
}
