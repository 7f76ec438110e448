//! Injects faults for the contract suite: a failing commit, in both variants.

use crate::store::contract::Fault;
use rusqlite::{Connection, ErrorCode, ffi};
use std::sync::{Mutex, PoisonError};

/// The fault of the next commit.
#[derive(Default)]
pub(super) struct Faults(Mutex<Option<Fault>>);

impl Faults {
    pub(super) fn set(&self, fault: Fault) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }

    pub(super) fn take(&self) -> Option<Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Ends the open transaction according to the fault, and returns the error of a failed sync.
pub(super) fn strike(fault: Fault, connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(match fault {
        Fault::Lost => "ROLLBACK",
        Fault::Kept => "COMMIT",
    })?;
    let code = ffi::Error { code: ErrorCode::SystemIoFailure, extended_code: ffi::SQLITE_IOERR_FSYNC };
    Err(rusqlite::Error::SqliteFailure(code, Some("disk I/O error on demand".into())))
}
