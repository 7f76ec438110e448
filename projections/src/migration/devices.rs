//! Events of devices of this installation: they are earlier records themselves, and what earlier records become.

use super::At;
use super::row::{ids, refresh, refresh_of_person};
use events::device::DeviceEvent;
use rusqlite::{Connection, params};

/// Status of APNs for a token that it no longer knows.
const UNREGISTERED: u16 = 410;

pub(super) fn device(rows: &Connection, id: &str, event: &DeviceEvent, at: At) -> rusqlite::Result<()> {
    match event {
        DeviceEvent::DeviceAuthenticated { person, product_name, .. } => {
            authenticated(rows, id, (&person.to_string(), product_name.as_deref()), at)
        }
        DeviceEvent::DeviceEnrolled { .. } => {
            let update = "UPDATE migration_devices SET enrolled = ?2 WHERE device = ?1";
            rows.prepare_cached(update)?.execute(params![id, at.effective.0])?;
            heard(rows, id, at)?;
            counts_again(rows, id, at)
        }
        DeviceEvent::DeviceCheckedOut { .. }
        | DeviceEvent::DeviceUnenrolled { .. }
        | DeviceEvent::DeviceSuperseded { .. } => {
            // The first end counts.
            let update = "UPDATE migration_devices SET ended = ?2 WHERE device = ?1 AND ended IS NULL";
            rows.prepare_cached(update)?.execute(params![id, at.effective.0])?;
            refresh(rows, id, at)?;
            let enrolled = ids(rows, "SELECT record FROM migration_rows WHERE successor = ?1", id)?;
            enrolled.iter().try_for_each(|record| refresh(rows, record, at))
        }
        DeviceEvent::DeviceRevived { .. } => {
            rows.prepare_cached("UPDATE migration_devices SET ended = NULL WHERE device = ?1")?.execute([id])?;
            heard(rows, id, at)?;
            refresh(rows, id, at)?;
            counts_again(rows, id, at)
        }
        DeviceEvent::PushFailed { status: Some(UNREGISTERED), .. } => {
            let update = "UPDATE migration_devices SET unregistered = ?2 WHERE device = ?1 AND unregistered IS NULL";
            match rows.prepare_cached(update)?.execute(params![id, at.effective.0])? {
                0 => Ok(()),
                _ => refresh(rows, id, at),
            }
        }
        DeviceEvent::DevicePushed { .. } | DeviceEvent::PushTokenRenewed { .. } => {
            let update = "UPDATE migration_devices SET unregistered = NULL
                WHERE device = ?1 AND unregistered IS NOT NULL";
            match rows.prepare_cached(update)?.execute([id])? {
                0 => Ok(()),
                _ => refresh(rows, id, at),
            }
        }
        DeviceEvent::InventoryReported { .. }
        | DeviceEvent::DeviceHeardFrom {}
        | DeviceEvent::DeviceReauthenticated { .. } => heard(rows, id, at),
        DeviceEvent::PushFailed { .. } => Ok(()),
        DeviceEvent::IdentityRenewed { .. } => Ok(()),
        DeviceEvent::IdentityRenewalRequested { .. } => Ok(()),
        DeviceEvent::IdentityRenewalCompleted { .. } | DeviceEvent::IdentityRenewalFailed { .. } => Ok(()),
        DeviceEvent::IdentityRolledBack { .. } | DeviceEvent::MdmCommandQueued { .. } => Ok(()),
        DeviceEvent::MdmCommandDelivered { .. } | DeviceEvent::MdmCommandCancelled { .. } => Ok(()),
        DeviceEvent::MdmCommandExpired { .. } | DeviceEvent::MdmCommandAnswered { .. } => Ok(()),
        DeviceEvent::MdmResultTooLarge { .. } | DeviceEvent::ManagedAppReported { .. } => Ok(()),
        DeviceEvent::ContactWatchBegun { .. } => Ok(()),
        DeviceEvent::IdentityRenewalRefused { .. } | DeviceEvent::DeviceMessageRefused { .. } => Ok(()),
        DeviceEvent::DeviceFieldsLeftOut { .. } | DeviceEvent::DeviceEventsSuppressed { .. } => Ok(()),
        DeviceEvent::MdmAnswerUnreadable { .. } => Ok(()),
        DeviceEvent::HardwareClaimNoted { .. } => Ok(()),
        DeviceEvent::HardwareClaimDismissed { .. } => Ok(()),
        DeviceEvent::HardwareAttestationRequested { .. } => Ok(()),
        DeviceEvent::HardwareAttested { .. } | DeviceEvent::HardwareAttestationRefused { .. } => Ok(()),
        DeviceEvent::EarlierViewsCleared { .. } => Ok(()),
        DeviceEvent::RecordArchived {} | DeviceEvent::RecordRestored {} => Ok(()),
    }
}

fn authenticated(rows: &Connection, id: &str, (person, model): (&str, Option<&str>), at: At) -> rusqlite::Result<()> {
    let upsert = "INSERT INTO migration_devices (device, person, model) VALUES (?1, ?2, ?3)
        ON CONFLICT (device) DO UPDATE SET person = excluded.person, model = coalesce(excluded.model, model),
            enrolled = NULL, ended = NULL, unregistered = NULL";
    rows.prepare_cached(upsert)?.execute(params![id, person, model])?;
    let update = "UPDATE migration_rows SET model = coalesce(?2, model) WHERE record = ?1 AND origin = 'own'";
    rows.prepare_cached(update)?.execute(params![id, model])?;
    refresh(rows, id, at)
}

// Events of each contact would be too many: the time of the last contact is a side table, which queries join.
fn heard(rows: &Connection, id: &str, at: At) -> rusqlite::Result<()> {
    let update = "UPDATE migration_rows SET last_contact = ?2 WHERE record = ?1 AND origin = 'own'";
    rows.prepare_cached(update)?.execute(params![id, at.effective.0]).map(drop)
}

// The device is managed from now on, which says something about the earlier records of its person, and about those
// whose invitation it used.
fn counts_again(rows: &Connection, id: &str, at: At) -> rusqlite::Result<()> {
    let people = ids(rows, "SELECT person FROM migration_devices WHERE device = ?1", id)?;
    people.iter().try_for_each(|person| refresh_of_person(rows, person, at))?;
    let invited = ids(rows, "SELECT record FROM migration_rows WHERE used_by = ?1", id)?;
    invited.iter().try_for_each(|record| refresh(rows, record, at))
}
