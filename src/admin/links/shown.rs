//! A link as pages show it: both sides, the evidence, the two answers, and the decisions that are possible.

use super::{PATH, words};
use crate::admin::audit::event_href;
use crate::admin::lineage::{End, person_href, side};
use crate::admin::problem::Problem;
use crate::admin::session::{DecidesLinks, SeesAudit, Staff, is_permitted};
use crate::admin::words::{self as plain, Chip, Instant};
use crate::web::content::content;
use events::device::DeviceId;
use events::record::{LinkBand, RecordId};
use events::{ActorKind, Timestamp};
use projections::audit::{Row, find};
use projections::links::{self, LinkRow, LinkState, of_successor};
use serde::Serialize;

/// Maximum number of links shown on the page of a device or a record, in each direction.
const SHOWN: usize = 20;

/// Why a link is withdrawn whose evidence nothing contradicts.
const UNDONE: &str = "the import of the record was undone";

/// The page with the form of a decision, to which the answer leads back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    List,
    Device,
    /// The page of the earlier record, which may be a device's.
    Record,
}

impl Place {
    const ALL: [Place; 3] = [Place::List, Place::Device, Place::Record];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Place::List => "list",
            Place::Device => "device",
            Place::Record => "record",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Place> {
        Place::ALL.into_iter().find(|place| place.as_str() == word)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Confirm,
    Reject,
    Undo,
}

impl Decision {
    const ALL: [Decision; 3] = [Decision::Confirm, Decision::Reject, Decision::Undo];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Decision::Confirm => "confirm",
            Decision::Reject => "reject",
            Decision::Undo => "undo",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Decision> {
        Decision::ALL.into_iter().find(|decision| decision.as_str() == word)
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Decision::Confirm => "Confirm: it took the record’s place",
            Decision::Reject => "Reject: it did not take its place",
            Decision::Undo => "Undo the decision",
        }
    }

    pub(crate) fn consequence(self) -> &'static str {
        match self {
            Decision::Confirm => {
                "The earlier record counts as the past of this device. This does not say that both are the same device. Nothing \
                 changes on the device, nothing is deleted, and you can undo it."
            }
            Decision::Reject => {
                "Both stay separate, and Muster does not propose this link again. Nothing changes on the device, and you can \
                 undo it."
            }
            Decision::Undo => "The link is proposed again, as it was before the decision.",
        }
    }

    fn possible(state: LinkState) -> &'static [Decision] {
        match state {
            LinkState::Proposed => &[Decision::Confirm, Decision::Reject],
            LinkState::Confirmed | LinkState::Rejected => &[Decision::Undo],
            LinkState::Withdrawn => &[],
        }
    }
}

/// A link.
#[derive(Serialize)]
pub(crate) struct Shown {
    old: End,
    new: End,
    /// The person of the device.
    person: String,
    person_href: Option<String>,
    state: Chip,
    band: Chip,
    sum: String,
    retired: Chip,
    same: Chip,
    at: Instant,
    /// Who decided.
    who: Option<String>,
    event_href: Option<String>,
    decisions: Vec<Offered>,
}

content!(Shown { old, new, person, person_href, state, band, sum, retired, same, at, who, event_href, decisions });

#[derive(Serialize)]
struct Offered {
    label: &'static str,
    consequence: &'static str,
    action: String,
    class: &'static str,
    from: &'static str,
}

content!(Offered { label, consequence, action, class, from });

/// Returns the address of a decision.
pub(crate) fn action(record: RecordId, successor: DeviceId, decision: Decision) -> String {
    format!("{PATH}/{record}/{successor}/{}", decision.as_str())
}

/// Returns a link as a page shows it. `place`: the page that may have forms; `None`: it has none.
///
/// # Errors
/// Returns an error if the event log or the projections are unavailable.
pub(crate) async fn shown(
    staff: &Staff,
    link: &LinkRow,
    as_of: Option<Timestamp>,
    place: Option<Place>,
) -> Result<Shown, Problem> {
    let old = side(staff, link.record, as_of).await?;
    let new = side(staff, RecordId::of_device(link.successor), as_of).await?;
    let decides = is_permitted::<DecidesLinks>(&staff.roles) && as_of.is_none();
    let possible = if decides { Decision::possible(link.state) } else { &[] };
    let offered = |place: Place| possible.iter().map(move |decision| offered(link, *decision, place)).collect();
    let person = match new.person {
        Some(_) => plain::person([new.user_name.as_deref()]),
        None => plain::NONE.to_owned(),
    };
    let now = staff.now();
    let is_withdrawn = link.state == LinkState::Withdrawn;
    // Facts against a link leave no band; only the undo of the import leaves what was proposed.
    let is_undone = is_withdrawn && link.band != LinkBand::None;
    Ok(Shown {
        old: old.end(now),
        new: new.end(now),
        person,
        person_href: new.person.map(|person| person_href(person, as_of)),
        state: words::state(link.state),
        band: if is_withdrawn { words::band(LinkBand::None) } else { words::band(link.band) },
        sum: if is_undone { UNDONE.to_owned() } else { words::sum(&link.evidence, link.score) },
        retired: if is_withdrawn { unanswered() } else { words::retired(link.proof.may_be_retired) },
        same: if is_withdrawn { unanswered() } else { words::same(link.proof.is_same_device) },
        at: Instant::of(link.since, now),
        who: decided_by(staff, link).await?,
        event_href: is_permitted::<SeesAudit>(&staff.roles).then(|| event_href(link.event)),
        decisions: place.map(offered).unwrap_or_default(),
    })
}

// A withdrawn link answers no question.
fn unanswered() -> Chip {
    Chip { label: plain::NONE, class: "muted" }
}

fn offered(link: &LinkRow, decision: Decision, place: Place) -> Offered {
    Offered {
        label: decision.label(),
        consequence: decision.consequence(),
        action: action(link.record, link.successor, decision),
        class: if decision == Decision::Confirm { "primary" } else { "" },
        from: place.as_str(),
    }
}

async fn decided_by(staff: &Staff, link: &LinkRow) -> Result<Option<String>, Problem> {
    match link.state {
        LinkState::Confirmed | LinkState::Rejected => Ok(Some(doer(staff, link).await?.1)),
        LinkState::Proposed | LinkState::Withdrawn => Ok(None),
    }
}

/// Returns the id and the name of who brought the link into its state.
///
/// # Errors
/// Returns an error if the projections are unavailable.
pub(crate) async fn doer(staff: &Staff, link: &LinkRow) -> Result<(String, String), Problem> {
    let row = find(staff.projections(), staff.log(), link.event).await.map_err(|error| staff.broken(error))?;
    Ok(row.map_or_else(Default::default, |row| (row.actor_id.clone(), name(&row))))
}

/// Returns the name of who caused an event.
pub(crate) fn name(row: &Row) -> String {
    match row.actor_kind {
        ActorKind::Staff => plain::person([row.actor_name.as_deref()]),
        ActorKind::Operator => "An operator".to_owned(),
        ActorKind::Visitor | ActorKind::Person | ActorKind::Device | ActorKind::System => "Muster".to_owned(),
    }
}

/// Returns the links of a device that say something now: to its earlier records, and to later enrollments.
///
/// # Errors
/// Returns an error if the event log or the projections are unavailable.
pub(crate) async fn of_device(
    staff: &Staff,
    device: DeviceId,
    as_of: Option<Timestamp>,
) -> Result<(Vec<Shown>, Vec<Shown>), Problem> {
    let earlier = of_successor(staff.projections(), device, as_of, SHOWN).await.map_err(|error| staff.broken(error))?;
    Ok((all(staff, earlier, as_of, Place::Device).await?, of_record(staff, RecordId::of_device(device), as_of).await?))
}

/// Returns the links of a record that say something now.
///
/// # Errors
/// Returns an error if the event log or the projections are unavailable.
pub(crate) async fn of_record(
    staff: &Staff,
    record: RecordId,
    as_of: Option<Timestamp>,
) -> Result<Vec<Shown>, Problem> {
    let later =
        links::of_record(staff.projections(), record, as_of, SHOWN).await.map_err(|error| staff.broken(error))?;
    all(staff, later, as_of, Place::Record).await
}

async fn all(
    staff: &Staff,
    links: Vec<LinkRow>,
    as_of: Option<Timestamp>,
    place: Place,
) -> Result<Vec<Shown>, Problem> {
    let mut lines = Vec::new();
    for link in links.iter().filter(|link| link.state != LinkState::Withdrawn) {
        lines.push(shown(staff, link, as_of, Some(place)).await?);
    }
    Ok(lines)
}
