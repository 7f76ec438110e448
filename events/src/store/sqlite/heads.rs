//! The last events of streams, in memory. Only the process that writes keeps them: every other process reads the file.

use super::append::Request;
use crate::envelope::StreamName;
use crate::store::{ReadError, StreamHead};
use quick_cache::sync::Cache;
use std::future::Future;

/// Maximum number of streams whose head is in memory. An entry takes about 150 bytes. Other heads are read from the
/// file.
const REMEMBERED: usize = 131_072;

pub(super) struct Heads {
    cache: Cache<StreamName, StreamHead>,
}

impl Heads {
    pub(super) fn new() -> Heads {
        Heads { cache: Cache::new(REMEMBERED) }
    }

    /// Notes a committed append.
    pub(super) fn note(&self, request: &Request, head: StreamHead) {
        self.cache.insert(request.stream().clone(), head);
    }

    /// Returns the head of `stream` if it is in memory.
    pub(super) fn known(&self, stream: &StreamName) -> Option<StreamHead> {
        self.cache.get(stream)
    }

    /// Returns the head of `stream`, and reads it with `read` if it is not in memory.
    ///
    /// # Errors
    /// Returns an error of `read`.
    // The place of the entry is reserved before the read. An append that commits meanwhile fills the place, and then
    // the value that was read, which may be older, is not stored.
    pub(super) async fn get(
        &self,
        stream: &StreamName,
        read: impl Future<Output = Result<Option<StreamHead>, ReadError>>,
    ) -> Result<Option<StreamHead>, ReadError> {
        match self.cache.get_value_or_guard_async(stream).await {
            Ok(head) => Ok(Some(head)),
            Err(place) => {
                let found = read.await?;
                if let Some(head) = found {
                    // An error: the place was filled meanwhile.
                    let _ = place.insert(head);
                }
                Ok(found)
            }
        }
    }
}
