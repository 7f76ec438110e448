//! Imports device records of other MDM products into previous records: reads a file row by row, and appends what is new
//! or changed. A repeated import changes nothing. An import can be undone.
//!
//! `file` reads the rows, `details` converts a row, [`run`] does an import, `undo` reverts one. [`uploads`] holds the
//! files that staff upload.

mod details;
mod file;
pub mod run;
mod undo;
pub mod uploads;

pub use file::Noted;
pub use run::{Finished, ImportError, Order, Told};
pub use undo::Undone;

use events::record::{ImportId, RecordId};
use platform::Platform;
use std::sync::PoisonError;
use tokio::sync::{Mutex, MutexGuard};

/// The service of imports. One import or undo runs at a time.
pub struct Imports {
    platform: Platform,
    turn: Mutex<()>,
    running: std::sync::Mutex<Option<ImportId>>,
}

impl Imports {
    pub fn new(platform: Platform) -> Imports {
        Imports { platform, turn: Mutex::default(), running: std::sync::Mutex::default() }
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

/// How many ids of records are read at once.
const PAGE: u32 = 1_000;

#[cfg(test)]
mod tests;
