//! The index by stream: which positions the events of a stream have.
//!
//! It is in a file of its own, `index.db`, and is built behind the log: an append writes only the log, and a thread
//! ([`builder`]) adds the new events to the index in large batches. The events that are not indexed yet are in memory
//! ([`tail`]). The file can be rebuilt from the log at any time, so its commits are not synced; SQLite's write-ahead
//! log keeps it consistent. It is emptied if it belongs to another log, is ahead of the log, or differs from it.
//!
//! The file is a log-structured merge tree in SQLite. A batch is written as a run ([`runs`]): its places sorted by
//! stream, packed into blocks ([`block`]). Runs are merged into larger ones ([`merge`]), so that an event is written a
//! few times, however many streams there are, and a search ([`search`]) reads few runs. A table with a row for each
//! stream would be changed nearly everywhere by each batch.

mod block;
pub(super) mod builder;
mod contents;
pub(super) mod file;
mod filter;
pub(super) mod handle;
mod logged;
mod merge;
pub(super) mod recent;
mod runs;
pub(super) mod search;
pub(super) mod tail;
mod work;

use crate::envelope::StreamName;
use openssl::sha::sha256;

/// The first 16 bytes of the SHA-256 of a stream's name. Equal keys of different names are ruled out in practice, and
/// readers compare the name of each event that they find.
pub(super) type Key = [u8; 16];

/// Returns the key of a stream.
pub(super) fn key(stream: &StreamName) -> Key {
    let hash = sha256(stream.as_str().as_bytes());
    hash[..16].try_into().expect("a hash of 32 bytes has 16")
}

/// An event's revision in its stream, and its position in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) revision: u64,
    pub(super) position: u64,
}
