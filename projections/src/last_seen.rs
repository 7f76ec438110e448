//! Time of the last contact of each device. A side table that may be lost, since a poll does not justify an event.
//!
//! A contact is noted in memory, so that a poll neither writes to the disk nor waits for the projections' writer.
//! [`write()`] stores what was noted. The server calls it every [`WRITE_SECONDS`] and when it stops, so a crash loses
//! the contacts of the last two seconds. Readers of this module and of [`devices`](crate::devices) see what was noted
//! at once.

use crate::{ProjectionError, Projections};
use events::Timestamp;
use events::device::DeviceId;
use quick_cache::sync::Cache;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Seconds between two writes of the noted contacts.
pub const WRITE_SECONDS: u64 = 2;

/// Maximum number of devices whose last contact is in memory. An entry takes about 60 bytes. For other devices it is
/// read from the table.
const REMEMBERED: usize = 131_072;

/// Last contacts in memory.
pub(crate) struct LastSeen {
    /// Contacts that are not in the table yet: one for each device that made contact since the last write.
    unwritten: Mutex<HashMap<DeviceId, Timestamp>>,
    recent: Cache<DeviceId, Timestamp>,
}

impl LastSeen {
    pub(crate) fn new() -> LastSeen {
        LastSeen { unwritten: Mutex::default(), recent: Cache::new(REMEMBERED) }
    }

    fn unwritten(&self) -> MutexGuard<'_, HashMap<DeviceId, Timestamp>> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the later of the noted contact and `stored`, the one in the table.
    pub(crate) fn newest(&self, device: DeviceId, stored: Option<Timestamp>) -> Option<Timestamp> {
        self.unwritten().get(&device).copied().max(stored)
    }
}

/// Notes that `device` made contact.
pub fn touch(projections: &Projections, device: DeviceId, at: Timestamp) {
    let memory = &projections.inner.last_seen;
    let mut unwritten = memory.unwritten();
    let newest = unwritten.entry(device).or_insert(at);
    *newest = at.max(*newest);
    let newest = memory.recent.get(&device).max(Some(*newest)).unwrap_or(at);
    memory.recent.insert(device, newest);
}

/// Stores the noted contacts. After an error they remain noted.
///
/// # Errors
/// Returns an error if the file cannot be written.
pub async fn write(projections: &Projections) -> Result<(), ProjectionError> {
    let noted = projections.inner.last_seen.unwritten().clone();
    if noted.is_empty() {
        return Ok(());
    }
    let noted = projections.write_common(move |rows| store(rows, &noted).map(|()| noted)).await?;
    // A device that made contact meanwhile stays noted.
    projections.inner.last_seen.unwritten().retain(|device, at| noted.get(device) != Some(at));
    Ok(())
}

fn store(rows: &mut Connection, noted: &HashMap<DeviceId, Timestamp>) -> Result<(), ProjectionError> {
    let transaction = rows.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut keep = transaction.prepare_cached(
            "INSERT INTO last_seen (device, at) VALUES (?1, ?2)
            ON CONFLICT (device) DO UPDATE SET at = max(at, excluded.at)",
        )?;
        for (device, at) in noted {
            keep.execute(params![device.to_string(), at.0])?;
        }
    }
    Ok(transaction.commit()?)
}

/// Returns the time of the last contact of `device`; `None` if it is unknown.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn last_seen(projections: &Projections, device: DeviceId) -> Result<Option<Timestamp>, ProjectionError> {
    let memory = &projections.inner.last_seen;
    if let Some(at) = memory.recent.get(&device) {
        return Ok(Some(at));
    }
    let stored = projections
        .read_common(move |rows| {
            rows.prepare_cached("SELECT at FROM last_seen WHERE device = ?1")?
                .query_row([device.to_string()], |row| row.get(0))
                .optional()
                .map(|at| at.map(Timestamp))
        })
        .await?;
    let newest = memory.newest(device, stored);
    if let Some(at) = newest {
        memory.recent.insert(device, at);
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[tokio::test]
    async fn what_was_written_is_noted_no_longer_and_what_comes_afterwards_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let (projections, _) = Projections::open(directory.path(), None).expect("opened");
        let [one, other] = [1, 2].map(|id| DeviceId(Uuid::from_u128(id)));
        let noted = || projections.inner.last_seen.unwritten().keys().copied().collect::<Vec<_>>();
        touch(&projections, one, Timestamp(5));
        write(&projections).await.expect("written");
        assert_eq!(noted(), []);
        touch(&projections, other, Timestamp(6));
        assert_eq!(noted(), [other]);
        assert_eq!(last_seen(&projections, one).await.expect("read"), Some(Timestamp(5)));
    }
}
