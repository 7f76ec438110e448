//! Queries about waves of invitations.

use crate::columns::{unknown, uuid};
use crate::cursor::Cursor;
use crate::invitations::InvitationState;
use crate::{ProjectionError, Projections};
use events::Timestamp;
use events::invitation::{InvitationDelivery, InvitationId, NotInvited, WaveId};
use events::record::RecordId;
use rusqlite::{OptionalExtension as _, Row, params};
use std::collections::BTreeMap;

/// A wave as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaveRow {
    pub wave: WaveId,
    pub name: String,
    pub delivery: InvitationDelivery,
    pub language: String,
    pub most_per_hour: u32,
    pub valid_days: u32,
    pub remind_after_days: u32,
    pub most_reminders: u32,
    pub deadline: Timestamp,
    pub begun_at: Timestamp,
    /// `None`: not paused.
    pub paused_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub deadline_passed_at: Option<Timestamp>,
    /// Number of records that were not done when the deadline passed.
    pub open_at_deadline: Option<u64>,
}

/// A page of the list.
#[derive(Debug, Clone)]
pub struct ListedWaves {
    pub waves: Vec<WaveRow>,
    /// Pass this to [`list`] to get the next page.
    pub next: Option<Cursor>,
}

/// A record of a wave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Place in the order, from 0.
    pub place: u64,
    pub record: RecordId,
    pub state: MemberState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberState {
    Waiting,
    /// Nobody was invited, for this reason.
    Skipped(NotInvited),
    Invited(InvitationId, InvitationState),
}

/// The records of a wave by what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaveCounts {
    pub records: u64,
    /// Nobody was invited yet.
    pub waiting: u64,
    pub skipped: u64,
    /// By state of their invitation. States that no invitation has are left out.
    pub invited: BTreeMap<InvitationState, u64>,
}

const COLUMNS: &str = "wave, name, delivery, language, most_per_hour, valid_days, remind_after_days, most_reminders,
    deadline, begun_at, paused_at, ended_at, deadline_passed_at, open_at_deadline";

/// Returns up to `limit` waves, the latest first.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn list(
    projections: &Projections,
    after: Option<Cursor>,
    limit: usize,
) -> Result<ListedWaves, ProjectionError> {
    projections
        .read_of("waves", move |rows| {
            let condition = if after.is_some() { "(begun_at, wave) < (?1, ?2)" } else { "?1 IS NULL AND ?2 IS NULL" };
            let select = format!(
                "SELECT {COLUMNS} FROM waves_current WHERE {condition} ORDER BY begun_at DESC, wave DESC LIMIT ?3"
            );
            // One row more than requested shows whether there is another page.
            let fetch = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
            let (at, wave) = (after.map(|after| after.at.0), after.map(|after| after.id.to_string()));
            let mut select = rows.prepare_cached(&select)?;
            let mut waves: Vec<WaveRow> =
                select.query_map(params![at, wave, fetch], row_of)?.collect::<Result<_, _>>()?;
            let has_more = waves.len() > limit;
            waves.truncate(limit);
            let cursor = |row: &WaveRow| Cursor { at: row.begun_at, id: row.wave.0 };
            let next = waves.last().filter(|_| has_more).map(cursor);
            Ok(ListedWaves { waves, next })
        })
        .await
}

/// Returns a wave, if it has begun.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn by_id(projections: &Projections, wave: WaveId) -> Result<Option<WaveRow>, ProjectionError> {
    projections
        .read_of("waves", move |rows| {
            let select = format!("SELECT {COLUMNS} FROM waves_current WHERE wave = ?1");
            rows.prepare_cached(&select)?.query_row([wave.to_string()], row_of).optional()
        })
        .await
}

/// Returns up to `limit` records of a wave after this place, in their order.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn members(
    projections: &Projections,
    wave: WaveId,
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<Member>, ProjectionError> {
    projections
        .read_of("waves", move |rows| {
            let select = "SELECT m.place, m.record, m.skipped, m.invitation, i.state FROM waves_members m
                LEFT JOIN invitations_current i ON i.invitation = m.invitation
                WHERE m.wave = ?1 AND m.place > ?2 ORDER BY m.place LIMIT ?3";
            let after = after.and_then(|after| i64::try_from(after).ok()).unwrap_or(-1);
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut select = rows.prepare_cached(select)?;
            select.query_map(params![wave.to_string(), after, limit], member_of)?.collect()
        })
        .await
}

/// Returns up to `limit` records of a wave whose owners are to be invited next.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn next_to_invite(
    projections: &Projections,
    wave: WaveId,
    limit: usize,
) -> Result<Vec<RecordId>, ProjectionError> {
    projections
        .read_of("waves", move |rows| {
            let select = "SELECT record FROM waves_members
                WHERE wave = ?1 AND invitation IS NULL AND skipped IS NULL ORDER BY place LIMIT ?2";
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut select = rows.prepare_cached(select)?;
            select.query_map(params![wave.to_string(), limit], |row| Ok(RecordId(uuid(row, 0)?)))?.collect()
        })
        .await
}

/// Returns the waves that have somebody to invite now, the earliest first: neither paused nor ended.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn inviting(projections: &Projections) -> Result<Vec<WaveRow>, ProjectionError> {
    projections
        .read_of("waves", move |rows| {
            let select = format!(
                "SELECT {COLUMNS} FROM waves_current w WHERE paused_at IS NULL AND ended_at IS NULL AND EXISTS (
                    SELECT 1 FROM waves_members m
                    WHERE m.wave = w.wave AND m.invitation IS NULL AND m.skipped IS NULL)
                ORDER BY begun_at, wave"
            );
            rows.prepare_cached(&select)?.query_map([], row_of)?.collect()
        })
        .await
}

/// Returns up to `limit` waves whose deadline has passed at `now` and that do not say so.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn deadlines_due(
    projections: &Projections,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<WaveId>, ProjectionError> {
    projections
        .read_of("waves", move |rows| {
            let select = "SELECT wave FROM waves_current WHERE deadline_passed_at IS NULL AND deadline <= ?1
                ORDER BY deadline, wave LIMIT ?2";
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut select = rows.prepare_cached(select)?;
            select.query_map(params![now.0, limit], |row| Ok(WaveId(uuid(row, 0)?)))?.collect()
        })
        .await
}

/// Returns the number of records of a wave, by what became of them.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn counts(projections: &Projections, wave: WaveId) -> Result<WaveCounts, ProjectionError> {
    projections
        .read_of("waves", move |rows| {
            let select = "SELECT i.state, m.skipped IS NOT NULL, count(*) FROM waves_members m
                LEFT JOIN invitations_current i ON i.invitation = m.invitation WHERE m.wave = ?1 GROUP BY 1, 2";
            let mut select = rows.prepare_cached(select)?;
            let mut counts = WaveCounts::default();
            let mut found = select.query([wave.to_string()])?;
            while let Some(row) = found.next()? {
                let (word, is_skipped, count): (Option<String>, bool, u64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                counts.records += count;
                match word {
                    Some(word) => {
                        let state = InvitationState::parse(&word).ok_or_else(|| unknown(0, &word))?;
                        *counts.invited.entry(state).or_default() += count;
                    }
                    None if is_skipped => counts.skipped += count,
                    None => counts.waiting += count,
                }
            }
            Ok(counts)
        })
        .await
}

/// Returns the waves that have this record, the latest first.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn of_record(projections: &Projections, record: RecordId) -> Result<Vec<WaveRow>, ProjectionError> {
    projections
        .read_of("waves", move |rows| {
            let select = format!(
                "SELECT {COLUMNS} FROM waves_current WHERE wave IN (SELECT wave FROM waves_members WHERE record = ?1)
                ORDER BY begun_at DESC, wave DESC"
            );
            rows.prepare_cached(&select)?.query_map([record.to_string()], row_of)?.collect()
        })
        .await
}

fn row_of(row: &Row<'_>) -> rusqlite::Result<WaveRow> {
    let time = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(Timestamp));
    let delivery: String = row.get(2)?;
    Ok(WaveRow {
        wave: WaveId(uuid(row, 0)?),
        name: row.get(1)?,
        delivery: InvitationDelivery::parse(&delivery).ok_or_else(|| unknown(2, &delivery))?,
        language: row.get(3)?,
        most_per_hour: row.get(4)?,
        valid_days: row.get(5)?,
        remind_after_days: row.get(6)?,
        most_reminders: row.get(7)?,
        deadline: Timestamp(row.get(8)?),
        begun_at: Timestamp(row.get(9)?),
        paused_at: time(10)?,
        ended_at: time(11)?,
        deadline_passed_at: time(12)?,
        open_at_deadline: row.get(13)?,
    })
}

fn member_of(row: &Row<'_>) -> rusqlite::Result<Member> {
    let place: i64 = row.get(0)?;
    let (skipped, state): (Option<String>, Option<String>) = (row.get(2)?, row.get(4)?);
    let state = match (state, skipped) {
        (Some(word), _) => {
            let state = InvitationState::parse(&word).ok_or_else(|| unknown(4, &word))?;
            MemberState::Invited(InvitationId(uuid(row, 3)?), state)
        }
        (None, Some(word)) => MemberState::Skipped(NotInvited::parse(&word).ok_or_else(|| unknown(2, &word))?),
        (None, None) => MemberState::Waiting,
    };
    Ok(Member { place: place.unsigned_abs(), record: RecordId(uuid(row, 1)?), state })
}
