//! The plain append-only file: what a disk gives at most to whoever syncs before answering.

use crate::{EVENT, Target};
use std::fs::OpenOptions;
use std::io::Write as _;
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

/// Most events in one write, as in the store.
const BATCH: usize = 1_024;

type Waiting = (Vec<u8>, oneshot::Sender<()>);

pub struct Plain {
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
            while let Some(first) = waiting.blocking_recv() {
                let mut next = Some(first);
                while let Some((event, reply)) = next {
                    bytes.extend_from_slice(&event);
                    replies.push(reply);
                    next = if replies.len() < BATCH { waiting.try_recv().ok() } else { None };
                }
                file.write_all(&bytes).and_then(|()| file.sync_data()).expect("a disk that takes it");
                bytes.clear();
                for reply in replies.drain(..) {
                    let _ = reply.send(());
                }
            }
        });
        Plain { queue, _directory: directory }
    }
}

impl Target for Plain {
    async fn append(&self, producer: usize, nth: u64) {
        let mut event = vec![b'x'; EVENT];
        event[..8].copy_from_slice(&(producer as u64 ^ nth).to_be_bytes());
        let (reply, answer) = oneshot::channel();
        self.queue.send((event, reply)).await.expect("a writer");
        answer.await.expect("an answer");
    }
}
