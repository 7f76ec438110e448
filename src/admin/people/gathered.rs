//! Everything that a person's page and its export say: one collection for both.

use crate::admin::lineage::{Side, side};
use crate::admin::problem::Problem;
use crate::admin::session::Staff;
use events::Timestamp;
use events::person::PersonId;
use events::record::RecordId;
use projections::audit::{self, AuditFilter, Match};
use projections::devices as inventory;
use projections::links::{LinkRow, LinkState, between};
use projections::people::{self, Person};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Maximum number of devices of the person, and of previous records.
const MOST: usize = 50;

/// Maximum number of events read to find the previous records that were ever the person's.
const MOST_EVENTS: usize = 400;

/// A person at a time.
pub(super) struct Gathered {
    pub id: PersonId,
    pub as_of: Option<Timestamp>,
    pub person: Person,
    /// The person's enrollments and records, by phone, as confirmed links connect them; the phone with the latest
    /// enrollment first, in it the earliest.
    pub phones: Vec<Vec<Side>>,
    /// Number of phones if all proposed links were confirmed.
    pub least: usize,
    /// The links of these, the newest first.
    pub links: Vec<LinkRow>,
    /// There are more devices or records than were read.
    pub is_cut: bool,
}

/// Collects what is known about a person at `as_of`.
///
/// # Errors
/// Returns an error if there is no such person, or the event log or the projections are unavailable.
pub(super) async fn gather(staff: &Staff, id: PersonId, as_of: Option<Timestamp>) -> Result<Gathered, Problem> {
    let person = people::get(staff.projections(), id).await.map_err(|error| staff.broken(error))?;
    let person = person.ok_or(Problem::NotFound)?;
    let devices = inventory::of_person(staff.projections(), id, MOST + 1).await.map_err(|error| staff.broken(error))?;
    let records = ever_owned(staff, id).await?;
    let is_cut = devices.len() > MOST || records.len() > MOST;
    let own = devices.into_iter().take(MOST).map(RecordId::of_device);
    let mut sides = BTreeMap::new();
    for record in own.chain(records.into_iter().take(MOST)) {
        let side = side(staff, record, as_of).await?;
        // At another time it was not there yet, or was not theirs.
        if side.is_known && side.person == Some(id) {
            sides.insert(record, side);
        }
    }
    let links = between(staff.projections(), sides.keys().copied().collect(), as_of).await;
    let links = links.map_err(|error| staff.broken(error))?;
    let all: BTreeSet<RecordId> = sides.keys().copied().collect();
    let least = groups(all.clone(), &links, &[LinkState::Confirmed, LinkState::Proposed]).len();
    let groups = groups(all, &links, &[LinkState::Confirmed]);
    Ok(Gathered { id, as_of, person, phones: phones(sides, groups), least, links, is_cut })
}

// The records whose only owner this person is or was, the latest first. Records have no history in their projection.
async fn ever_owned(staff: &Staff, person: PersonId) -> Result<Vec<RecordId>, Problem> {
    let mut rows = Vec::new();
    for event_type in ["PreviousRecordImported", "PreviousRecordOwnerResolved"] {
        let event_type = Some(Match::is(event_type.to_owned()));
        let filter = AuditFilter { person: Some(person), event_type, ..AuditFilter::default() };
        let found = audit::query(staff.projections(), staff.log(), filter, MOST_EVENTS)
            .await
            .map_err(|error| staff.broken(error))?;
        rows.extend(found.rows);
    }
    rows.sort_by_key(|row| Reverse(row.at));
    let ids = rows.iter().filter_map(|row| Uuid::parse_str(row.stream.id()).ok()).map(RecordId);
    let mut known = BTreeSet::new();
    Ok(ids.filter(|id| known.insert(*id)).collect())
}

// Groups what links in these states connect.
fn groups(mut all: BTreeSet<RecordId>, links: &[LinkRow], states: &[LinkState]) -> Vec<BTreeSet<RecordId>> {
    let mut groups = Vec::new();
    while let Some(first) = all.pop_first() {
        let mut members = BTreeSet::from([first]);
        loop {
            let before = members.len();
            for link in links.iter().filter(|link| states.contains(&link.state)) {
                let ends = [link.record, RecordId::of_device(link.successor)];
                if ends.iter().any(|end| members.contains(end)) {
                    members.extend(ends);
                }
            }
            if members.len() == before {
                break;
            }
        }
        all.retain(|record| !members.contains(record));
        groups.push(members);
    }
    groups
}

fn phones(mut sides: BTreeMap<RecordId, Side>, groups: Vec<BTreeSet<RecordId>>) -> Vec<Vec<Side>> {
    let mut phones = Vec::new();
    for members in groups {
        let mut phone: Vec<Side> = members.iter().filter_map(|member| sides.remove(member)).collect();
        phone.sort_by_key(|side| (side.begun.or(side.ended), side.record));
        phones.push(phone);
    }
    let latest = |phone: &Vec<Side>| phone.iter().filter_map(|side| side.begun.or(side.ended)).max();
    phones.sort_by_key(|phone| (Reverse(latest(phone)), phone.first().map(|side| side.record)));
    phones
}
