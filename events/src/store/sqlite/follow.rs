//! Live subscriptions: delivers the existing events in pages, then new events whenever the head moves.

use super::pool::Readers;
use super::reader;
use crate::envelope::Position;
use crate::store::{Follow, Followed, ReadError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Events per page. A read transaction returns one page at most.
const PAGE: usize = 1_000;

/// How often the head is polled if another process writes.
const LOOK: Duration = Duration::from_millis(200);

pub(super) fn start(
    readers: Arc<Readers>,
    head: Option<watch::Receiver<Option<Position>>>,
    after: Option<Position>,
) -> Follow {
    // At most one page is read ahead of the follower.
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut follower = Follower { readers, head, sender, at: after, told: false };
        if let Err(error) = follower.run().await {
            // An error here means that the follower is gone.
            let _ = follower.sender.send(Err(error)).await;
        }
    });
    Follow::new(receiver)
}

struct Follower {
    readers: Arc<Readers>,
    // None: another process writes.
    head: Option<watch::Receiver<Option<Position>>>,
    sender: mpsc::Sender<Result<Followed, ReadError>>,
    at: Option<Position>,
    told: bool,
}

impl Follower {
    // Ends with Ok when the store closes or the follower is dropped.
    async fn run(&mut self) -> Result<(), ReadError> {
        loop {
            if let Some(head) = &mut self.head {
                // An event that arrives after this instant wakes the wait below.
                head.mark_unchanged();
            }
            let after = self.at;
            let page = self.readers.read(move |reader| reader::read_all(reader, after, PAGE)).await?;
            let goes_on = if let Some(last) = page.last() {
                self.at = Some(last.position);
                self.told = false;
                self.sender.send(Ok(Followed::Events(page))).await.is_ok()
            } else if !self.told {
                self.told = true;
                self.sender.send(Ok(Followed::CaughtUp(self.at))).await.is_ok()
            } else {
                self.wait().await
            };
            if !goes_on {
                return Ok(());
            }
        }
    }

    async fn wait(&mut self) -> bool {
        match &mut self.head {
            Some(head) => tokio::select! {
                moved = head.changed() => moved.is_ok(),
                () = self.sender.closed() => false,
            },
            None => tokio::select! {
                () = tokio::time::sleep(LOOK) => true,
                () = self.sender.closed() => false,
            },
        }
    }
}
