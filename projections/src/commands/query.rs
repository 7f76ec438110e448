//! Queries about commands and managed apps.

use crate::{ProjectionError, Projections};
use events::device::{CommandId, DeviceId, Priority};
use events::{EventId, Timestamp};
use rusqlite::{Row, params};
use uuid::Uuid;

/// State of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    Queued,
    Delivered,
    /// Answered with NotNow.
    Deferred,
    Acknowledged,
    Failed,
    /// The device rejected the app.
    Rejected,
    /// Answered with `CommandFormatError`.
    NotUnderstood,
    TooLarge,
    Cancelled,
    Expired,
    /// Management ended before an answer.
    Ended,
}

impl State {
    pub const ALL: [State; 11] = [
        State::Queued,
        State::Delivered,
        State::Deferred,
        State::Acknowledged,
        State::Failed,
        State::Rejected,
        State::NotUnderstood,
        State::TooLarge,
        State::Cancelled,
        State::Expired,
        State::Ended,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Delivered => "delivered",
            State::Deferred => "deferred",
            State::Acknowledged => "acknowledged",
            State::Failed => "failed",
            State::Rejected => "rejected",
            State::NotUnderstood => "not_understood",
            State::TooLarge => "too_large",
            State::Cancelled => "cancelled",
            State::Expired => "expired",
            State::Ended => "ended",
        }
    }

    /// Returns whether an answer of the device is pending.
    pub fn is_waiting(self) -> bool {
        matches!(self, State::Queued | State::Delivered | State::Deferred)
    }
}

/// A command and its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    pub command: CommandId,
    /// `RequestType` of the command, such as `DeviceInformation`.
    pub request_type: String,
    pub priority: Priority,
    pub state: State,
    pub queued_at: Timestamp,
    pub expires: Option<Timestamp>,
    pub changed_at: Timestamp,
    /// Why the device did not run the command, if it reported a reason.
    pub why: Option<String>,
    /// The event that queued the command.
    pub event: EventId,
}

/// An app that is or will be installed by management.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedApp {
    /// Its bundle identifier.
    pub app: String,
    /// The status as the device reported it.
    pub status: String,
    pub at: Timestamp,
}

/// An action that is due for a device's commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DueAct {
    /// A command has expired.
    Expire,
    /// Query the status of the device's apps.
    AskForApps,
}

/// A due action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandDue {
    pub device: DeviceId,
    pub act: DueAct,
    pub at: Timestamp,
    /// The event that the due time is based on; it is the cause of the action.
    pub cause: EventId,
}

/// Returns up to `limit` commands of the device: first those without an answer, then the others, each newest first.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn of_device(
    projections: &Projections,
    device: DeviceId,
    limit: usize,
) -> Result<Vec<Queued>, ProjectionError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    projections
        .read_of("commands", move |rows| {
            let select = "SELECT command, request_type, priority, state, queued_at, expires, changed_at, event, why
                FROM commands_queue WHERE device = ?1
                ORDER BY state NOT IN ('queued', 'delivered', 'deferred'), position DESC LIMIT ?2";
            let mut select = rows.prepare_cached(select)?;
            let found = select.query_map(params![device.to_string(), limit], queued_of)?;
            Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        })
        .await
}

/// Returns the number of commands without an answer, of all devices.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn waiting(projections: &Projections) -> Result<u64, ProjectionError> {
    projections
        .read_of("commands", |rows| {
            let select = "SELECT COUNT(*) FROM commands_queue WHERE state IN ('queued', 'delivered', 'deferred')";
            rows.prepare_cached(select)?.query_row([], |row| row.get::<_, i64>(0))
        })
        .await
        .map(|count| u64::try_from(count).unwrap_or_default())
}

/// Returns the device's managed apps.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn apps(projections: &Projections, device: DeviceId) -> Result<Vec<ManagedApp>, ProjectionError> {
    projections
        .read_of("commands", move |rows| {
            let select = "SELECT app, status, at FROM commands_apps WHERE device = ?1 ORDER BY app";
            let mut select = rows.prepare_cached(select)?;
            let found = select.query_map([device.to_string()], |row| {
                Ok(ManagedApp { app: row.get(0)?, status: row.get(1)?, at: Timestamp(row.get(2)?) })
            })?;
            found.collect()
        })
        .await
}

/// Returns up to `limit` actions that are due at `now`, the longest overdue first.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn due(projections: &Projections, now: Timestamp, limit: usize) -> Result<Vec<CommandDue>, ProjectionError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    projections
        .read_of("commands", move |rows| {
            let select = "SELECT device, 'expire' AS act, expires AS at, event FROM commands_queue
                    WHERE expires <= ?1 AND state IN ('queued', 'delivered', 'deferred')
                UNION ALL SELECT device, 'ask', due_at, event FROM commands_following WHERE due_at <= ?1
                ORDER BY at, device LIMIT ?2";
            let mut select = rows.prepare_cached(select)?;
            let found = select.query_map(params![now.0, limit], due_of)?;
            Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        })
        .await
}

pub(super) fn priority_name(priority: Priority) -> &'static str {
    match priority {
        Priority::Urgent => "urgent",
        Priority::Normal => "normal",
        Priority::Background => "background",
    }
}

fn due_of(row: &Row<'_>) -> rusqlite::Result<Option<CommandDue>> {
    let (device, act, event): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(3)?);
    let act = if act == "expire" { DueAct::Expire } else { DueAct::AskForApps };
    let at = Timestamp(row.get(2)?);
    Ok(match (Uuid::parse_str(&device), Uuid::parse_str(&event)) {
        (Ok(device), Ok(event)) => Some(CommandDue { device: DeviceId(device), act, at, cause: EventId(event) }),
        _ => None,
    })
}

// Returns `None` for a row that this version did not write.
fn queued_of(row: &Row<'_>) -> rusqlite::Result<Option<Queued>> {
    let (command, priority, state): (String, String, String) = (row.get(0)?, row.get(2)?, row.get(3)?);
    let event: String = row.get(7)?;
    let known = [Priority::Urgent, Priority::Normal, Priority::Background];
    let priority = known.into_iter().find(|known| priority_name(*known) == priority);
    let state = State::ALL.into_iter().find(|known| known.as_str() == state);
    let (Ok(command), Some(priority), Some(state), Ok(event)) =
        (Uuid::parse_str(&command), priority, state, Uuid::parse_str(&event))
    else {
        return Ok(None);
    };
    Ok(Some(Queued {
        command: CommandId(command),
        request_type: row.get(1)?,
        priority,
        state,
        queued_at: Timestamp(row.get(4)?),
        expires: row.get::<_, Option<i64>>(5)?.map(Timestamp),
        changed_at: Timestamp(row.get(6)?),
        why: row.get(8)?,
        event: EventId(event),
    }))
}
