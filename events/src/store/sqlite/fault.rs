//! Faults on demand, for the contract suite: a commit that fails, in both of the ways it can.

use crate::store::contract::Fault;
use rusqlite::{Connection, ErrorCode, ffi};
use std::sync::{Mutex, PoisonError};

/// The next commit's fault.
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

/// Ends the open transaction as the fault says, and answers as a failed sync does.
pub(super) fn strike(fault: Fault, connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(match fault {
        Fault::Lost => "ROLLBACK",
        Fault::Kept => "COMMIT",
    })?;
    let code = ffi::Error { code: ErrorCode::SystemIoFailure, extended_code: ffi::SQLITE_IOERR_FSYNC };
    Err(rusqlite::Error::SqliteFailure(code, Some("disk I/O error on demand".into())))
}
