//! Stores the counters of failed sign-ins in `sessions.db`, so that they survive a restart. They contain only digests
//! and times, which reveal neither names nor addresses.

use super::{SessionError, StaffSessions};
use events::Timestamp;
use identity::throttle::{Counts, Kept};
use rusqlite::params;

impl StaffSessions {
    /// Replaces the stored counters of a throttle with `kept`.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub(crate) async fn keep_throttle(&self, throttle: &'static str, kept: Vec<Kept>) -> Result<(), SessionError> {
        self.with(move |connection| {
            let rows = connection.unchecked_transaction()?;
            rows.execute("DELETE FROM throttles WHERE throttle = ?1", [throttle])?;
            let insert = "INSERT INTO throttles (throttle, counts, digest, until) VALUES (?1, ?2, ?3, ?4)";
            for Kept { counts, digest, until } in &kept {
                rows.prepare_cached(insert)?.execute(params![throttle, word(*counts), &digest[..], until.0])?;
            }
            rows.commit()
        })
        .await
    }

    /// Returns the stored counters of a throttle.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub(crate) fn kept_throttle(&self, throttle: &'static str) -> Result<Vec<Kept>, SessionError> {
        let rows = self.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut select = rows.prepare("SELECT counts, digest, until FROM throttles WHERE throttle = ?1")?;
        let found = select.query_map([throttle], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, i64>(2)?))
        })?;
        let mut kept = Vec::new();
        for row in found {
            let (counts, digest, until) = row?;
            let counts =
                [Counts::Failures, Counts::Known, Counts::Name].into_iter().find(|known| word(*known) == counts);
            // Rows that this version does not understand are ignored.
            if let (Some(counts), Ok(digest)) = (counts, digest.try_into()) {
                kept.push(Kept { counts, digest, until: Timestamp(until) });
            }
        }
        Ok(kept)
    }
}

fn word(counts: Counts) -> &'static str {
    match counts {
        Counts::Failures => "failures",
        Counts::Known => "known",
        Counts::Name => "name",
    }
}
