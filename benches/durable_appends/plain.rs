//! The plain append-only file: the maximum rate of this machine for a writer that syncs before answering. It accepts
//! the same events as the store, encodes them to the same bytes, and compares the revision with the previous one in
//! memory. It has no index, checksum or hash, and cannot be read back.

use crate::Target;
use crate::store::{Events, name};
use events::Revision;
use events::envelope::canonical;
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

/// Maximum number of events in one write, as in the store.
const BATCH: usize = 1_024;

type Waiting = (usize, u64, Vec<u8>, oneshot::Sender<()>);

pub struct Plain {
    events: Events,
    queue: mpsc::Sender<Waiting>,
    _directory: TempDir,
}

impl Plain {
    pub fn new() -> Plain {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let path = directory.path().join("plain");
        let (queue, mut waiting) = mpsc::channel::<Waiting>(BATCH);
        std::thread::spawn(move || {
            let mut file = OpenOptions::new().create(true).append(true).open(path).expect("a new file");
            let (mut bytes, mut replies) = (Vec::new(), Vec::new());
            let mut revisions = HashMap::<usize, u64>::new();
            while let Some(first) = waiting.blocking_recv() {
                let mut next = Some(first);
                while let Some((stream, revision, event, reply)) = next {
                    let expected = revisions.entry(stream).or_default();
                    assert_eq!(*expected, revision, "an append without a conflict");
                    *expected += 1;
                    bytes.extend_from_slice(&event);
                    replies.push(reply);
                    next = if replies.len() < BATCH { waiting.try_recv().ok() } else { None };
                }
                file.write_all(&bytes).and_then(|()| file.sync_data()).expect("the disk accepts the write");
                bytes.clear();
                for reply in replies.drain(..) {
                    let _ = reply.send(());
                }
            }
        });
        Plain { events: Events::new(), queue, _directory: directory }
    }
}

impl Target for Plain {
    async fn append(&self, stream: usize, nth: u64) {
        let event = canonical(&name(stream), Revision(nth), &self.events.one(stream, nth));
        let (reply, answer) = oneshot::channel();
        self.queue.send((stream, nth, event, reply)).await.expect("a writer");
        answer.await.expect("an answer");
    }
}
