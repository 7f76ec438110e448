//! Records that claim the hardware of other records, and the decisions of administrators about these claims.
//!
//! A claim is open while both records are managed and no administrator decided that they are different devices. The
//! state of the records is read from [`crate::devices`].

use crate::{Projection, ProjectionError, Projections};
use events::device::{AttestationRefusal, DeviceEvent, DeviceId};
use events::{Entry, Event, EventId, Timestamp};
use rusqlite::{Connection, params};
use uuid::Uuid;

/// SQL for the records whose hardware device `d` claims, as a list of ids separated by spaces. `+` makes SQLite look
/// the other record up by its id, and not walk all enrolled ones.
pub(crate) const CLAIMS: &str = "(SELECT group_concat(c.earlier, ' ') FROM claims_pairs c
    JOIN devices_current o ON o.id = c.earlier
    WHERE c.later = d.id AND NOT c.dismissed AND d.phase = 'enrolled' AND +o.phase = 'enrolled')";

/// Same as [`CLAIMS`], for the records that claim the hardware of `d`.
pub(crate) const CLAIMED_BY: &str = "(SELECT group_concat(c.later, ' ') FROM claims_pairs c
    JOIN devices_current o ON o.id = c.later
    WHERE c.earlier = d.id AND NOT c.dismissed AND d.phase = 'enrolled' AND +o.phase = 'enrolled')";

/// A claim of one record on the hardware of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The record that reported the UDID of the other.
    pub later: DeviceId,
    pub earlier: DeviceId,
    pub at: Timestamp,
    /// The event that recorded the claim.
    pub event: EventId,
    /// Result of the last request for an attestation. `None` if there was no request, it has no answer yet, or it
    /// succeeded.
    pub attestation: Option<AttestationRefusal>,
}

/// Returns the open claims by or about a device, the latest twenty, newest first.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn open_of(projections: &Projections, device: DeviceId) -> Result<Vec<Claim>, ProjectionError> {
    projections
        .read_of("claims", move |rows| {
            let select = "SELECT c.later, c.earlier, c.at, c.event, a.refused FROM claims_pairs c
                JOIN devices_current l ON l.id = c.later JOIN devices_current e ON e.id = c.earlier
                LEFT JOIN claims_attestations a ON a.device = c.later
                WHERE (c.later = ?1 OR c.earlier = ?1) AND NOT c.dismissed
                    AND +l.phase = 'enrolled' AND +e.phase = 'enrolled'
                ORDER BY c.at DESC, c.earlier LIMIT 20";
            let mut select = rows.prepare_cached(select)?;
            let found = select.query_map([device.to_string()], |row| {
                let refused: Option<String> = row.get(4)?;
                Ok((row.get(0)?, row.get(1)?, Timestamp(row.get(2)?), row.get(3)?, refused))
            })?;
            Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().filter_map(claim_of).collect())
        })
        .await
}

fn claim_of(
    (later, earlier, at, event, refused): (String, String, Timestamp, String, Option<String>),
) -> Option<Claim> {
    let id = |text: &str| Uuid::parse_str(text).ok();
    let attestation =
        refused.and_then(|name| AttestationRefusal::ALL.into_iter().find(|refusal| refusal.as_str() == name));
    Some(Claim {
        later: DeviceId(id(&later)?),
        earlier: DeviceId(id(&earlier)?),
        at,
        event: EventId(id(&event)?),
        attestation,
    })
}

/// Parses a list of ids as built by the queries above.
pub(crate) fn ids(list: Option<&str>) -> Vec<DeviceId> {
    list.unwrap_or_default().split(' ').filter_map(|id| Uuid::parse_str(id).ok()).map(DeviceId).collect()
}

pub(crate) struct Claims;

impl Projection for Claims {
    fn name(&self) -> &'static str {
        "claims"
    }

    fn version(&self) -> u32 {
        2
    }

    fn tables(&self) -> &'static [&'static str] {
        &["claims_pairs", "claims_attestations"]
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS claims_pairs (
            later TEXT NOT NULL, earlier TEXT NOT NULL, at INTEGER NOT NULL, event TEXT NOT NULL,
            dismissed INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (later, earlier)
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS claims_by_earlier ON claims_pairs (earlier);
        CREATE TABLE IF NOT EXISTS claims_attestations (device TEXT PRIMARY KEY, refused TEXT) WITHOUT ROWID;"
    }

    fn joins(&self) -> &'static [&'static str] {
        &["devices"]
    }

    fn fold(&self, rows: &Connection, entry: &Entry, effective: Timestamp) -> rusqlite::Result<()> {
        let Event::Device(event) = &entry.event else { return Ok(()) };
        let device = entry.stream.id();
        match event {
            DeviceEvent::HardwareClaimNoted { others, .. } => {
                others.iter().try_for_each(|other| noted(rows, entry, effective, device, &other.to_string()))
            }
            DeviceEvent::DeviceRevived { superseded_by } => {
                noted(rows, entry, effective, &superseded_by.to_string(), device)
            }
            DeviceEvent::HardwareClaimDismissed { other } => {
                let dismiss = "UPDATE claims_pairs SET dismissed = 1 WHERE later = ?1 AND earlier = ?2";
                rows.prepare_cached(dismiss)?.execute([device, &other.to_string()]).map(drop)
            }
            DeviceEvent::HardwareAttestationRequested { .. } => attestation(rows, device, None),
            DeviceEvent::HardwareAttestationRefused { why, .. } => attestation(rows, device, Some(why.as_str())),
            DeviceEvent::DeviceAuthenticated { .. } | DeviceEvent::DeviceEnrolled { .. } => Ok(()),
            DeviceEvent::PushTokenRenewed { .. } | DeviceEvent::IdentityRenewed { .. } => Ok(()),
            DeviceEvent::IdentityRenewalRequested { .. } | DeviceEvent::DeviceReauthenticated { .. } => Ok(()),
            DeviceEvent::IdentityRenewalCompleted { .. } | DeviceEvent::IdentityRenewalFailed { .. } => Ok(()),
            DeviceEvent::IdentityRenewalRefused { .. } | DeviceEvent::DeviceMessageRefused { .. } => Ok(()),
            DeviceEvent::IdentityRolledBack { .. } | DeviceEvent::MdmCommandQueued { .. } => Ok(()),
            DeviceEvent::MdmCommandDelivered { .. } | DeviceEvent::MdmCommandCancelled { .. } => Ok(()),
            DeviceEvent::MdmCommandExpired { .. } | DeviceEvent::MdmCommandAnswered { .. } => Ok(()),
            DeviceEvent::MdmAnswerUnreadable { .. } | DeviceEvent::MdmResultTooLarge { .. } => Ok(()),
            DeviceEvent::ManagedAppReported { .. } | DeviceEvent::InventoryReported { .. } => Ok(()),
            DeviceEvent::ContactWatchBegun { .. } => Ok(()),
            DeviceEvent::DeviceHeardFrom {} | DeviceEvent::DeviceFieldsLeftOut { .. } => Ok(()),
            DeviceEvent::DeviceEventsSuppressed { .. } => Ok(()),
            DeviceEvent::DevicePushed { .. } | DeviceEvent::PushFailed { .. } => Ok(()),
            DeviceEvent::DeviceCheckedOut { .. } | DeviceEvent::DeviceUnenrolled { .. } => Ok(()),
            DeviceEvent::DeviceSuperseded { .. } | DeviceEvent::HardwareAttested { .. } => Ok(()),
            DeviceEvent::EarlierViewsCleared { .. } => Ok(()),
            DeviceEvent::RecordArchived {} | DeviceEvent::RecordRestored {} => Ok(()),
        }
    }
}

fn noted(rows: &Connection, entry: &Entry, effective: Timestamp, later: &str, earlier: &str) -> rusqlite::Result<()> {
    let insert = "INSERT INTO claims_pairs (later, earlier, at, event) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (later, earlier) DO NOTHING";
    rows.prepare_cached(insert)?.execute(params![later, earlier, effective.0, entry.id.to_string()]).map(drop)
}

fn attestation(rows: &Connection, device: &str, refused: Option<&str>) -> rusqlite::Result<()> {
    let upsert = "INSERT INTO claims_attestations (device, refused) VALUES (?1, ?2)
        ON CONFLICT (device) DO UPDATE SET refused = excluded.refused";
    rows.prepare_cached(upsert)?.execute(params![device, refused]).map(drop)
}
