//! Imports device records of other MDM products into previous records: reads a file row by row, and appends what is new
//! or changed. A repeated import changes nothing. An import can be undone.
//!
//! `file` reads the rows, `details` converts a row, `owners` finds who owns it, [`run`] does an import, `undo` reverts
//! one. [`uploads`] holds the files that staff upload.

mod details;
mod error;
mod file;
mod owners;
mod row;
pub mod run;
mod undo;
pub mod uploads;

pub use error::ImportError;
pub use file::{Noted, SetAside};
pub use owners::{Resolved, WrongRule};
pub use run::{Finished, Order, Told};
pub use undo::Undone;

use events::record::{ImportId, RecordId};
use futures_util::{StreamExt as _, TryStreamExt as _};
use platform::Platform;
use sign_in::SignIn;
use std::sync::{Arc, PoisonError};
use tokio::sync::{Mutex, MutexGuard};

/// The service of imports. One import or undo runs at a time.
pub struct Imports {
    platform: Platform,
    /// Has the directories and identity providers.
    sign_in: Arc<SignIn>,
    turn: Mutex<()>,
    /// Owners of records that exist are resolved one after the other.
    resolving: Mutex<()>,
    running: std::sync::Mutex<Option<ImportId>>,
}

impl Imports {
    pub fn new(platform: Platform, sign_in: Arc<SignIn>) -> Imports {
        let (turn, resolving, running) = Default::default();
        Imports { platform, sign_in, turn, resolving, running }
    }

    // Two imports of one source would count each other's records as missing.
    fn turn(&self) -> Result<MutexGuard<'_, ()>, ImportError> {
        self.turn.try_lock().map_err(|_| ImportError::Busy)
    }

    /// Returns the import that runs now.
    pub fn running(&self) -> Option<ImportId> {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn announce(&self, import: ImportId) -> Announced<'_> {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(import);
        Announced(self)
    }

    /// Returns the id of the record that a source has under this id.
    pub fn record_id(&self, source: &str, source_id: &str) -> RecordId {
        let digest = self.platform.secrets.name("record", &[source, source_id]);
        let mut bytes = [0; 16];
        // 64 hexadecimal digits always fill 16 bytes.
        let _ = hex::decode_to_slice(&digest[..32], &mut bytes);
        RecordId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// An import runs, until this value is dropped.
struct Announced<'a>(&'a Imports);

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        *self.0.running.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// How many rows are worked on at once.
const AT_ONCE: usize = 64;

// A list and not an iterator: the compiler does not prove that a stream of futures that borrow can change threads.
async fn all<T, E>(works: Vec<impl Future<Output = Result<T, E>>>, at_once: usize) -> Result<Vec<T>, E> {
    futures_util::stream::iter(works).buffer_unordered(at_once).try_collect().await
}

/// How many ids of records are read at once.
const PAGE: u32 = 1_000;

#[cfg(test)]
mod tests;
