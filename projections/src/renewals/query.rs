//! Queries about renewals, for the timer and for people.

use super::BEGIN_BEFORE;
use super::kept::{Kind, split};
use crate::{ProjectionError, Projections};
use events::device::{CommandId, DeviceId, RenewalFailure};
use events::{EventId, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
use uuid::Uuid;

/// State of a device's identity, if it needs attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// A renewal is due or pending.
    Due,
    /// The last renewal failed.
    Failing,
    /// The identity has expired: the device can no longer connect.
    Expired,
}

impl Standing {
    pub const ALL: [Standing; 3] = [Standing::Due, Standing::Failing, Standing::Expired];

    pub fn as_str(self) -> &'static str {
        match self {
            Standing::Due => "due",
            Standing::Failing => "failing",
            Standing::Expired => "expired",
        }
    }

    pub fn parse(name: &str) -> Option<Standing> {
        Standing::ALL.into_iter().find(|standing| standing.as_str() == name)
    }
}

/// SQL for the name of the state of row `r` at `:now`; NULL if it needs no attention.
const STANDING: &str = "CASE WHEN NOT r.enrolled THEN NULL WHEN r.expires <= :now THEN 'expired'
    WHEN r.failures > 0 THEN 'failing' WHEN r.command IS NOT NULL OR r.due_at <= :now THEN 'due' END";

/// Returns the state of a device's identity at `now`; `None` if it needs no attention.
pub(crate) fn standing_of(rows: &Connection, device: &str, now: Timestamp) -> rusqlite::Result<Option<Standing>> {
    let select = format!("SELECT {STANDING} FROM renewals_devices r WHERE r.device = :device");
    let values = named_params! { ":device": device, ":now": now.0 };
    let found = rows.prepare_cached(&select)?.query_row(values, |row| row.get::<_, Option<String>>(0)).optional()?;
    Ok(found.flatten().as_deref().and_then(Standing::parse))
}

/// Returns queries, from `FROM` on, and their values, that together find the identities `r` with this state at `now`
/// along indexes.
pub(crate) fn selects(standing: Standing, now: Timestamp) -> Vec<(&'static str, Vec<Value>)> {
    let now = Value::Integer(now.0);
    match standing {
        Standing::Expired => {
            let select = "FROM renewals_devices r INDEXED BY renewals_by_expires WHERE r.enrolled AND r.expires <= ?";
            vec![(select, vec![now])]
        }
        Standing::Failing => {
            let select = "FROM renewals_devices r INDEXED BY renewals_failing
                WHERE r.enrolled AND r.failures > 0 AND r.expires > ?";
            vec![(select, vec![now])]
        }
        Standing::Due => {
            let Value::Integer(at) = now else { return Vec::new() };
            let latest = Value::Integer(Timestamp(at).plus_seconds(BEGIN_BEFORE).0);
            let due = "FROM renewals_devices r INDEXED BY renewals_by_begin
                WHERE r.enrolled AND r.command IS NULL AND r.expires > ? AND r.expires <= ?
                    AND r.due_at <= ? AND r.failures = 0";
            let pending = "FROM renewals_devices r INDEXED BY renewals_by_end
                WHERE r.enrolled AND r.command IS NOT NULL AND r.failures = 0 AND r.expires > ?";
            vec![(due, vec![now.clone(), latest, now.clone()]), (pending, vec![now])]
        }
    }
}

pub(super) fn name(why: RenewalFailure) -> &'static str {
    match why {
        RenewalFailure::Refused => "refused",
        RenewalFailure::NotFetched => "not_fetched",
        RenewalFailure::NotUsed => "not_used",
        RenewalFailure::Cancelled => "cancelled",
        RenewalFailure::NotPermitted => "not_permitted",
    }
}

pub(super) const ROLLED_BACK: &str = "rolled_back";

fn outcome(name: &str) -> Option<RenewalOutcome> {
    use RenewalFailure as F;
    let failure = [F::Refused, F::NotFetched, F::NotUsed, F::Cancelled, F::NotPermitted];
    let failed = || failure.into_iter().find(|why| self::name(*why) == name).map(RenewalOutcome::Failed);
    match name {
        "renewed" => Some(RenewalOutcome::Renewed),
        ROLLED_BACK => Some(RenewalOutcome::RolledBack),
        _ => failed(),
    }
}

/// Result of a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenewalOutcome {
    Renewed,
    /// The renewal was completed, and the device reverted it.
    RolledBack,
    Failed(RenewalFailure),
}

/// Number of devices in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub due: u64,
    pub failing: u64,
    pub expired: u64,
}

impl Counts {
    pub fn of(&self, standing: Standing) -> u64 {
        match standing {
            Standing::Due => self.due,
            Standing::Failing => self.failing,
            Standing::Expired => self.expired,
        }
    }
}

/// An action that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Start a renewal of the device's identity.
    Request,
    /// End the renewal with this command, whose time is over.
    Lapse(CommandId),
}

/// A due action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub device: DeviceId,
    pub act: Act,
    /// The event that the due time is based on.
    pub cause: EventId,
}

/// The renewal of a device's identity, as shown in its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    pub expires: Timestamp,
    /// Start of the pending renewal, if there is one.
    pub under_way_since: Option<Timestamp>,
    /// Time of the next renewal, if none is pending.
    pub next: Option<Timestamp>,
    /// Result and time of the last renewal.
    pub last: Option<(RenewalOutcome, Timestamp)>,
    /// Number of failures since the last completed renewal.
    pub failures: u64,
}

/// Pending renewals whose time is over.
pub(super) const ENDING: &str = "SELECT device, command, cause FROM renewals_devices INDEXED BY renewals_by_end
    WHERE enrolled AND due_at <= ?1 AND command IS NOT NULL ORDER BY due_at LIMIT ?2";

/// Renewals to start. No renewal begins more than [`BEGIN_BEFORE`] before the expiry, so the index leads past neither
/// the identities that expired nor those that are not due for long.
pub(super) const BEGINNING: &str = "SELECT device, command, cause FROM renewals_devices INDEXED BY renewals_by_begin
    WHERE enrolled AND command IS NULL AND expires > ?1 AND expires <= ?2 AND due_at <= ?1 ORDER BY expires LIMIT ?3";

/// Returns up to `begin` renewals to start at `now`, the identity that expires first before the others, and up to `end`
/// renewals whose time is over. An expired identity is not renewed, since its device cannot connect.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn due(
    projections: &Projections,
    now: Timestamp,
    begin: usize,
    end: usize,
) -> Result<Vec<Due>, ProjectionError> {
    let limit = |limit| i64::try_from(limit).unwrap_or(i64::MAX);
    let (begin, end) = (limit(begin), limit(end));
    projections
        .read_of("renewals", move |rows| {
            let latest = now.plus_seconds(BEGIN_BEFORE).0;
            let mut found = Vec::new();
            let mut ends = rows.prepare_cached(ENDING)?;
            found.extend(ends.query_map(params![now.0, end], due_of)?.collect::<Result<Vec<_>, _>>()?);
            let mut begins = rows.prepare_cached(BEGINNING)?;
            found.extend(begins.query_map(params![now.0, latest, begin], due_of)?.collect::<Result<Vec<_>, _>>()?);
            Ok(found.into_iter().flatten().collect())
        })
        .await
}

// Returns `None` for a row that this version did not write.
fn due_of(row: &Row<'_>) -> rusqlite::Result<Option<Due>> {
    let id = |text: String| Uuid::parse_str(&text).ok();
    let command = row.get::<_, Option<String>>(1)?.and_then(id).map(CommandId);
    let cause = row.get::<_, Option<String>>(2)?.and_then(id).map(EventId);
    let (Some(device), Some(cause)) = (id(row.get(0)?).map(DeviceId), cause) else { return Ok(None) };
    Ok(Some(Due { device, act: command.map_or(Act::Request, Act::Lapse), cause }))
}

/// Returns the number of renewals started after `since` and up to `now`. Requests that a fast clock recorded in the
/// future do not count.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn requested_between(
    projections: &Projections,
    since: Timestamp,
    now: Timestamp,
) -> Result<usize, ProjectionError> {
    let select = "SELECT count(*) FROM renewals_devices WHERE requested_at > ?1 AND requested_at <= ?2";
    projections
        .read_of("renewals", move |rows| rows.prepare_cached(select)?.query_row([since.0, now.0], |row| row.get(0)))
        .await
}

/// Returns how many identities are due, failing or expired at `now`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn counts(projections: &Projections, now: Timestamp) -> Result<Counts, ProjectionError> {
    projections
        .read_of("renewals", move |rows| {
            let of = |kind| split(rows, kind, now.0);
            let ((expired, valid), (_, failing)) = (of(Kind::All)?, of(Kind::Failing)?);
            let (expired_calm, valid_calm) = of(Kind::Calm)?;
            // A renewal is due before the identity expires, so the expired ones are among the due ones.
            let begins = of(Kind::CalmByDue)?.0 - expired_calm;
            let pending = valid - failing - valid_calm;
            let due = begins + pending;
            let count = |count: i64| u64::try_from(count).unwrap_or(0);
            Ok(Counts { due: count(due), failing: count(failing), expired: count(expired) })
        })
        .await
}

/// Returns the renewal of a device's identity; `None` for a device that is not enrolled.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn of_device(projections: &Projections, device: DeviceId) -> Result<Option<Renewal>, ProjectionError> {
    let select = "SELECT expires, command, requested_at, due_at, outcome, outcome_at, failures
        FROM renewals_devices WHERE device = ?1 AND enrolled";
    projections
        .read_of("renewals", move |rows| {
            let time = |row: &Row<'_>, column| row.get::<_, Option<i64>>(column).map(|at| at.map(Timestamp));
            let mut select = rows.prepare_cached(select)?;
            let found = select.query_row([device.to_string()], |row| {
                let under_way = row.get::<_, Option<String>>(1)?.is_some();
                let last = row.get::<_, Option<String>>(4)?.as_deref().and_then(outcome);
                Ok(Renewal {
                    expires: Timestamp(row.get(0)?),
                    under_way_since: time(row, 2)?.filter(|_| under_way),
                    next: time(row, 3)?.filter(|_| !under_way),
                    last: last.zip(time(row, 5)?),
                    failures: row.get(6)?,
                })
            });
            found.optional()
        })
        .await
}
