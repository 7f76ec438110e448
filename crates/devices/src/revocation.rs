//! Builds and caches the certificate revocation list (CRL). It is rebuilt at most once a minute.

use crate::Devices;
use events::Timestamp;
use pki::revocation::RevokedIdentity;
use std::sync::{Mutex, PoisonError};

/// Time for which a list is served from the cache.
const FRESH_SECONDS: i64 = 60;
/// Validity of a list (`nextUpdate`): clients that keep a copy fetch a new list within this time.
const GOOD_FOR_SECONDS: u64 = 24 * 3_600;

/// Cache of the last list.
#[derive(Default)]
pub(crate) struct Revocations {
    last: Mutex<Option<(Timestamp, Vec<u8>)>>,
}

impl Devices {
    /// Returns the list of revoked identities as a DER-encoded CRL.
    ///
    /// # Errors
    /// Returns an error if the projections are incomplete or cannot be read, or OpenSSL fails.
    pub async fn revocation_list(&self) -> Result<Vec<u8>, String> {
        let now = self.platform.world.now();
        if let Some(list) = self.revocations.fresh(now) {
            return Ok(list);
        }
        // Clients would accept a signed but incomplete list as complete for a day.
        if let Some(why) = self.platform.projections_trouble().await {
            return Err(format!("it would lack revoked identities, because the projections are incomplete: {why}"));
        }
        let revoked =
            projections::certificates::revoked(&self.platform.projections, now).await.map_err(|e| e.to_string())?;
        let revoked: Vec<RevokedIdentity> = revoked
            .into_iter()
            .map(|revoked| RevokedIdentity { serial: revoked.serial, at: seconds(revoked.at) })
            .collect();
        let (pki, at) = (self.pki.clone(), seconds(now));
        let made = tokio::task::spawn_blocking(move || pki.revocation_list(&revoked, at, at + GOOD_FOR_SECONDS)).await;
        let list = made.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        *self.revocations.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, list.clone()));
        Ok(list)
    }
}

impl Revocations {
    fn fresh(&self, now: Timestamp) -> Option<Vec<u8>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (made, list) = last.as_ref()?;
        (0..FRESH_SECONDS).contains(&now.seconds_since(*made)).then(|| list.clone())
    }
}

fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.0 / 1_000_000).unwrap_or_default()
}
