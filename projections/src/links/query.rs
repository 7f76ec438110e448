//! Queries of links.

use super::Weight;
use crate::columns::{unknown, unreadable, uuid};
use crate::{ProjectionError, Projections};
use events::device::DeviceId;
use events::record::{LinkBand, LinkProof, RecordId, Silence, Weighed};
use events::{EventId, Timestamp};
use rusqlite::{OptionalExtension as _, Row, params};

/// State of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LinkState {
    Proposed,
    /// The evidence no longer suffices, or the import of the record was undone.
    Withdrawn,
    Confirmed,
    Rejected,
}

impl LinkState {
    pub const ALL: [LinkState; 4] =
        [LinkState::Proposed, LinkState::Withdrawn, LinkState::Confirmed, LinkState::Rejected];

    /// Returns the word that rows use.
    pub fn as_str(self) -> &'static str {
        match self {
            LinkState::Proposed => "proposed",
            LinkState::Withdrawn => "withdrawn",
            LinkState::Confirmed => "confirmed",
            LinkState::Rejected => "rejected",
        }
    }

    /// Parses the word of [`LinkState::as_str`]; `None` for any other text.
    pub fn parse(word: &str) -> Option<LinkState> {
        LinkState::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A link between an earlier record and a later enrollment.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkRow {
    pub record: RecordId,
    pub successor: DeviceId,
    pub state: LinkState,
    pub evidence: Vec<Weighed>,
    pub score: i32,
    pub band: LinkBand,
    pub proof: LinkProof,
    pub silence: Option<Silence>,
    /// When it changed last, its evidence included.
    pub at: Timestamp,
    /// When it got this state; of a proposal, when it was weighed last.
    pub since: Timestamp,
    /// The event that gave it this state.
    pub event: EventId,
}

pub(super) const COLUMNS: &str = "record, successor, state, weight, valid_from, event, since";

pub(super) fn link(row: &Row<'_>) -> rusqlite::Result<LinkRow> {
    let Weight { evidence, score, band, proof, silence } = weight(row, 3)?;
    Ok(LinkRow {
        record: RecordId(uuid(row, 0)?),
        successor: DeviceId(uuid(row, 1)?),
        state: state(row, 2)?,
        evidence,
        score,
        band: band.unwrap_or(LinkBand::None),
        proof,
        silence,
        at: Timestamp(row.get(4)?),
        since: Timestamp(row.get(6)?),
        event: EventId(uuid(row, 5)?),
    })
}

pub(super) fn successor(row: &Row<'_>) -> rusqlite::Result<DeviceId> {
    uuid(row, 0).map(DeviceId)
}

pub(super) fn state(row: &Row<'_>, column: usize) -> rusqlite::Result<LinkState> {
    let word: String = row.get(column)?;
    LinkState::parse(&word).ok_or_else(|| unknown(column, &word))
}

pub(super) fn weight(row: &Row<'_>, column: usize) -> rusqlite::Result<Weight> {
    serde_json::from_str(&row.get::<_, String>(column)?).map_err(|error| unreadable(column, error))
}

/// Returns the links of a record, as known at `as_of`: the newest `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn of_record(
    projections: &Projections,
    record: RecordId,
    as_of: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<LinkRow>, ProjectionError> {
    by(projections, "record", record.to_string(), as_of, limit).await
}

/// Returns the links that lead to an enrollment, as known at `as_of`: the newest `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn of_successor(
    projections: &Projections,
    successor: DeviceId,
    as_of: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<LinkRow>, ProjectionError> {
    by(projections, "successor", successor.to_string(), as_of, limit).await
}

async fn by(
    projections: &Projections,
    column: &'static str,
    id: String,
    as_of: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<LinkRow>, ProjectionError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    projections
        .read_of("links", move |rows| {
            let at = match as_of {
                Some(_) => "valid_from <= ?2 AND (valid_to IS NULL OR valid_to > ?2)",
                None => "valid_to IS NULL AND ?2 IS NULL",
            };
            let select = format!(
                "SELECT {COLUMNS} FROM links_versions WHERE {column} = ?1 AND {at} ORDER BY position DESC LIMIT ?3"
            );
            rows.prepare_cached(&select)?.query_map(params![id, as_of.map(|at| at.0), limit], link)?.collect()
        })
        .await
}

/// Returns the proposed links of records of a source, after (`record`, `successor`) in this order: up to `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn proposed_of_source(
    projections: &Projections,
    source: String,
    after: Option<(RecordId, DeviceId)>,
    limit: usize,
) -> Result<Vec<LinkRow>, ProjectionError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (record, successor) = after.map(|(record, successor)| (record.to_string(), successor.to_string())).unzip();
    projections
        .read_of("links", move |rows| {
            let select = format!(
                "SELECT {COLUMNS} FROM links_versions WHERE state = 'proposed' AND valid_to IS NULL
                    AND (record, successor) > (?2, ?3)
                    AND EXISTS (SELECT 1 FROM records_current r WHERE r.record = links_versions.record AND r.source = ?1)
                    ORDER BY record, successor LIMIT ?4"
            );
            let values = params![source, record.unwrap_or_default(), successor.unwrap_or_default(), limit];
            rows.prepare_cached(&select)?.query_map(values, link)?.collect()
        })
        .await
}

/// A proposal for which nobody asked yet whether the old management was heard from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    pub record: RecordId,
    pub successor: DeviceId,
    /// The proposal.
    pub event: EventId,
}

/// Returns the questions about proposals that were recorded at `before` or earlier, the oldest first: up to `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn questions(
    projections: &Projections,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<Question>, ProjectionError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    projections
        .read_of("links", move |rows| {
            let select = "SELECT record, successor, event FROM links_versions
                WHERE ask_from <= ?1 AND ask_from IS NOT NULL AND valid_to IS NULL ORDER BY ask_from LIMIT ?2";
            let question = |row: &Row<'_>| {
                let (record, successor) = (RecordId(uuid(row, 0)?), DeviceId(uuid(row, 1)?));
                Ok(Question { record, successor, event: EventId(uuid(row, 2)?) })
            };
            rows.prepare_cached(select)?.query_map(params![before.0, limit], question)?.collect()
        })
        .await
}

/// The contact of a device that is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact {
    /// From then on each first contact is an event.
    pub watched_from: Timestamp,
    /// The last push that APNs accepted.
    pub pushed_at: Option<Timestamp>,
    /// The last contact that is an event.
    pub heard_at: Option<Timestamp>,
}

/// Returns what is known about the contact of a device; `None` if it is not watched.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn contact(projections: &Projections, device: DeviceId) -> Result<Option<Contact>, ProjectionError> {
    projections
        .read_of("links", move |rows| {
            let select = "SELECT watched_from, pushed_at, heard_at FROM links_contact WHERE device = ?1";
            let contact = |row: &Row<'_>| {
                let time = |column| row.get::<_, Option<i64>>(column).map(|at| at.map(Timestamp));
                Ok(Contact { watched_from: Timestamp(row.get(0)?), pushed_at: time(1)?, heard_at: time(2)? })
            };
            rows.prepare_cached(select)?.query_row([device.to_string()], contact).optional()
        })
        .await
}
