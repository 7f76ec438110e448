//! Time of the last contact of each device. A side table that may be lost, since a poll does not justify an event.

use crate::{ProjectionError, Projections};
use events::Timestamp;
use events::device::DeviceId;
use rusqlite::{OptionalExtension as _, params};

/// Stores that `device` made contact.
///
/// # Errors
/// Returns an error if the file cannot be written.
pub async fn touch(projections: &Projections, device: DeviceId, at: Timestamp) -> Result<(), ProjectionError> {
    projections
        .write(move |rows| {
            let keep = "INSERT INTO last_seen (device, at) VALUES (?1, ?2)
                ON CONFLICT (device) DO UPDATE SET at = max(at, excluded.at)";
            rows.prepare_cached(keep)?.execute(params![device.to_string(), at.0])?;
            Ok(())
        })
        .await
}

/// Returns the time of the last contact of `device`; `None` if it is unknown.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn last_seen(projections: &Projections, device: DeviceId) -> Result<Option<Timestamp>, ProjectionError> {
    projections
        .read(move |rows| {
            rows.query_row("SELECT at FROM last_seen WHERE device = ?1", [device.to_string()], |row| row.get(0))
                .optional()
                .map(|at| at.map(Timestamp))
        })
        .await
}
