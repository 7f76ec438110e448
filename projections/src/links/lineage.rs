//! Lineage: the records and enrollments that are probably one phone, found by following links in both directions.

use super::query::{COLUMNS, LinkRow, LinkState, link};
use crate::{ProjectionError, Projections};
use events::Timestamp;
use events::record::RecordId;
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Number of links read of each member in each direction.
const MOST_LINKS: i64 = 32;

/// What is linked with a record or an enrollment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lineage {
    /// The records, with the one that was asked for; enrollments of this installation as [`RecordId::of_device`].
    pub members: BTreeSet<RecordId>,
    /// The confirmed and proposed links between them.
    pub links: Vec<LinkRow>,
    /// There are more members than were read.
    pub is_cut: bool,
}

/// Follows confirmed and proposed links from a record, as known at `as_of`, to at most `most` members.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn lineage(
    projections: &Projections,
    start: RecordId,
    as_of: Option<Timestamp>,
    most: usize,
) -> Result<Lineage, ProjectionError> {
    projections.read_of("links", move |rows| follow(rows, start, as_of, most)).await
}

// Confirmed links are followed first, so that a bound leaves out what is least certain.
fn follow(rows: &Connection, start: RecordId, as_of: Option<Timestamp>, most: usize) -> rusqlite::Result<Lineage> {
    let mut members = BTreeSet::from([start]);
    let mut links: BTreeMap<_, LinkRow> = BTreeMap::new();
    let (mut confirmed, mut proposed) = (VecDeque::from([start]), VecDeque::new());
    let mut is_cut = false;
    while let Some(member) = confirmed.pop_front().or_else(|| proposed.pop_front()) {
        for found in links_of(rows, member, as_of)?.into_iter().filter(is_open) {
            for end in [found.record, RecordId::of_device(found.successor)] {
                if members.contains(&end) {
                    continue;
                }
                if members.len() >= most {
                    is_cut = true;
                    continue;
                }
                members.insert(end);
                let queue = if found.state == LinkState::Confirmed { &mut confirmed } else { &mut proposed };
                queue.push_back(end);
            }
            links.insert((found.record, found.successor), found);
        }
    }
    let is_inside =
        |link: &LinkRow| members.contains(&link.record) && members.contains(&RecordId::of_device(link.successor));
    let links = links.into_values().filter(is_inside).collect();
    Ok(Lineage { members, links, is_cut })
}

fn is_open(link: &LinkRow) -> bool {
    matches!(link.state, LinkState::Confirmed | LinkState::Proposed)
}

/// Returns the links that begin or end at one of these records, as known at `as_of`, in any state, the newest first.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn between(
    projections: &Projections,
    records: Vec<RecordId>,
    as_of: Option<Timestamp>,
) -> Result<Vec<LinkRow>, ProjectionError> {
    projections
        .read_of("links", move |rows| {
            let mut links = BTreeMap::new();
            for record in records {
                let found = links_of(rows, record, as_of)?;
                links.extend(found.into_iter().map(|link| ((link.record, link.successor), link)));
            }
            let mut links: Vec<LinkRow> = links.into_values().collect();
            links.sort_by_key(|link| std::cmp::Reverse((link.at, link.record, link.successor)));
            Ok(links)
        })
        .await
}

// Returns the newest links of which this is the earlier record or the later enrollment.
fn links_of(rows: &Connection, member: RecordId, as_of: Option<Timestamp>) -> rusqlite::Result<Vec<LinkRow>> {
    let at = match as_of {
        Some(_) => "valid_from <= ?2 AND (valid_to IS NULL OR valid_to > ?2)",
        None => "valid_to IS NULL AND ?2 IS NULL",
    };
    let mut links = Vec::new();
    for column in ["record", "successor"] {
        let select = format!(
            "SELECT {COLUMNS} FROM links_versions WHERE {column} = ?1 AND {at} ORDER BY position DESC LIMIT ?3"
        );
        let mut select = rows.prepare_cached(&select)?;
        let values = params![member.to_string(), as_of.map(|at| at.0), MOST_LINKS];
        for found in select.query_map(values, link)? {
            links.push(found?);
        }
    }
    Ok(links)
}
