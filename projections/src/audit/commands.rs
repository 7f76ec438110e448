//! The names of commands. Only the event that queues a command contains its name; later events contain its id.

use super::ids::hash;
use events::device::{CommandId, DeviceEvent};
use events::{Entry, Event};
use rusqlite::{Connection, OptionalExtension as _, params};

/// Returns the name of the command that the sentence about an event names, such as `DeviceInformation`. Empty if it
/// names none, or one that was never queued.
pub(super) fn name_of(rows: &Connection, entry: &Entry) -> rusqlite::Result<String> {
    let Event::Device(event) = &entry.event else { return Ok(String::new()) };
    if let DeviceEvent::MdmCommandQueued { command, request_type, .. } = event {
        keep(rows, code(entry, *command), request_type)?;
        return Ok(request_type.clone());
    }
    let Some(command) = command_of(event) else { return Ok(String::new()) };
    let select = "SELECT r.name FROM audit_commands c JOIN audit_requests r ON r.id = c.request WHERE c.id = ?1";
    let found = rows.prepare_cached(select)?.query_row([code(entry, command)], |row| row.get(0));
    Ok(found.optional()?.unwrap_or_default())
}

// A device's command, in eight bytes. Ids are random, so that two commands with one code are improbable.
fn code(entry: &Entry, command: CommandId) -> i64 {
    hash([entry.stream.id().as_bytes(), command.0.as_bytes()])
}

fn keep(rows: &Connection, command: i64, name: &str) -> rusqlite::Result<()> {
    let select = "SELECT id FROM audit_requests WHERE name = ?1";
    let request: Option<i64> = rows.prepare_cached(select)?.query_row([name], |row| row.get(0)).optional()?;
    let request = match request {
        Some(request) => request,
        None => {
            rows.prepare_cached("INSERT INTO audit_requests (name) VALUES (?1)")?.execute([name])?;
            rows.last_insert_rowid()
        }
    };
    let keep = "INSERT INTO audit_commands (id, request) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    rows.prepare_cached(keep)?.execute(params![command, request]).map(drop)
}

/// Returns the command that the sentence about an event names.
fn command_of(event: &DeviceEvent) -> Option<CommandId> {
    match event {
        DeviceEvent::MdmCommandDelivered { command }
        | DeviceEvent::MdmCommandAnswered { command, .. }
        | DeviceEvent::MdmCommandCancelled { command }
        | DeviceEvent::MdmCommandExpired { command }
        | DeviceEvent::MdmAnswerUnreadable { command, .. } => Some(*command),
        DeviceEvent::MdmResultTooLarge { command, .. } => *command,
        DeviceEvent::DeviceAuthenticated { .. } | DeviceEvent::DeviceEnrolled { .. } => None,
        DeviceEvent::PushTokenRenewed { .. } | DeviceEvent::IdentityRenewed { .. } => None,
        DeviceEvent::IdentityRenewalRequested { .. } | DeviceEvent::DeviceReauthenticated { .. } => None,
        DeviceEvent::IdentityRenewalCompleted { .. } | DeviceEvent::IdentityRenewalFailed { .. } => None,
        DeviceEvent::IdentityRolledBack { .. } | DeviceEvent::MdmCommandQueued { .. } => None,
        DeviceEvent::ManagedAppReported { .. } | DeviceEvent::InventoryReported { .. } => None,
        DeviceEvent::DeviceHeardFrom {}
        | DeviceEvent::ContactWatchBegun { .. }
        | DeviceEvent::DevicePushed { .. }
        | DeviceEvent::PushFailed { .. } => None,
        DeviceEvent::DeviceCheckedOut { .. } | DeviceEvent::DeviceUnenrolled { .. } => None,
        DeviceEvent::DeviceSuperseded { .. } | DeviceEvent::RecordArchived {} => None,
        DeviceEvent::EarlierViewsCleared { .. } => None,
        DeviceEvent::RecordRestored {} => None,
        DeviceEvent::IdentityRenewalRefused { .. } | DeviceEvent::DeviceMessageRefused { .. } => None,
        DeviceEvent::DeviceFieldsLeftOut { .. } | DeviceEvent::DeviceEventsSuppressed { .. } => None,
        DeviceEvent::DeviceRevived { .. } | DeviceEvent::HardwareClaimNoted { .. } => None,
        DeviceEvent::HardwareClaimDismissed { .. } | DeviceEvent::HardwareAttested { .. } => None,
        DeviceEvent::HardwareAttestationRequested { .. } => None,
        DeviceEvent::HardwareAttestationRefused { .. } => None,
    }
}
