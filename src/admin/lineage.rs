//! What the pages of links, devices, records and people say about an earlier record or a later enrollment, and the
//! records and enrollments of one phone over time.

use super::devices;
use super::enrollments;
use super::problem::Problem;
use super::query::Query;
use super::records::{self, Folded, folded};
use super::session::{SeesFunnel, SeesInventory, Staff, is_permitted};
use super::words::{self, Chip, Day, NONE, capital};
use crate::web::content::content;
use events::Timestamp;
use events::device::DeviceId;
use events::person::PersonId;
use events::record::{RecordDetails, RecordId};
use names::visible;
use projections::devices::{self as inventory, Device, State};
use projections::links::{LinkState, lineage};
use serde::Serialize;
use std::collections::BTreeSet;

pub(crate) const PEOPLE: &str = "/console/people";

/// Maximum number of records and enrollments that the lineage of one shows.
const MOST_MEMBERS: usize = 20;

/// A previous record, or an enrollment of this installation, at a time.
pub(crate) struct Side {
    pub record: RecordId,
    /// `false`: there is nothing about it at that time.
    pub is_known: bool,
    pub label: String,
    pub href: Option<String>,
    pub source: String,
    /// Kind of enrollment, in words.
    pub kind: String,
    /// The best name of the model.
    pub model: Option<String>,
    pub os_version: Option<String>,
    pub person: Option<PersonId>,
    pub user_name: Option<String>,
    pub is_erased: bool,
    pub begun: Option<Timestamp>,
    /// When it ended; of an imported record, its last contact.
    pub ended: Option<Timestamp>,
    pub state: Chip,
}

/// A side as pages show it.
#[derive(Serialize)]
pub(crate) struct End {
    pub label: String,
    pub href: Option<String>,
    /// Source and kind of enrollment.
    pub what: String,
    pub span: String,
    pub state: Chip,
}

// Two contents: a page has many of them, and with every content of each, the tests of pages would be slow.
#[cfg(test)]
impl crate::web::content::Content for End {
    fn count() -> usize {
        2
    }

    fn nth(nth: usize) -> End {
        let text = <String as crate::web::content::Content>::nth;
        let href = (nth == 0).then(|| text(0));
        End {
            label: text(0),
            href,
            what: text(0),
            span: text(0),
            state: <Chip as crate::web::content::Content>::nth(nth),
        }
    }
}

impl Side {
    pub(crate) fn end(&self, now: Timestamp) -> End {
        let (what, span) = (format!("{} · {}", self.source, self.kind), self.span(now));
        End { label: self.label.clone(), href: self.href.clone(), what, span, state: self.state.clone() }
    }

    // Returns what is known about its time, such as `30 Sep 2021 – 10 Jan 2026`.
    fn span(&self, now: Timestamp) -> String {
        let day = |at: Option<Timestamp>| at.map(|at| Day::of(at, now).words);
        match (day(self.begun), day(self.ended), self.record.is_imported()) {
            (Some(begun), Some(ended), _) if begun == ended => begun,
            (Some(begun), Some(ended), _) => format!("{begun} – {ended}"),
            (Some(begun), None, true) => format!("enrolled on {begun}"),
            (Some(begun), None, false) => format!("since {begun}"),
            (None, Some(ended), true) => format!("last contact on {ended}"),
            (None, Some(ended), false) => format!("until {ended}"),
            (None, None, _) => "time unknown".to_owned(),
        }
    }
}

/// Returns what is known about a record or an enrollment at `as_of`.
///
/// # Errors
/// Returns an error if the event log or the projections are unavailable.
pub(crate) async fn side(staff: &Staff, id: RecordId, as_of: Option<Timestamp>) -> Result<Side, Problem> {
    if id.is_imported() {
        return Ok(imported(&folded(staff, id, as_of).await?, as_of));
    }
    let device = inventory::get(staff.projections(), id.device(), as_of).await;
    Ok(match device.map_err(|error| staff.broken(error))? {
        Some(device) => own(&device, staff, as_of),
        None => unknown(id, staff),
    })
}

fn imported(found: &Folded, as_of: Option<Timestamp>) -> Side {
    let (id, record) = (found.id, &found.record);
    let details = record.details.as_ref();
    let personal = details.and_then(|details| details.personal.get());
    let state = match (details, record.missing_since) {
        (None, _) if found.entries.is_empty() => Chip { label: "Not there yet", class: "" },
        (None, _) => Chip { label: "Import undone", class: "warn" },
        (Some(_), Some(_)) => Chip { label: "No longer there", class: "warn" },
        (Some(_), None) => Chip { label: "Previous record", class: "" },
    };
    let plain = |value: fn(&RecordDetails) -> Option<&str>| details.and_then(value).map(str::to_owned);
    let models = details.map(|details| [details.model_name.as_deref(), details.product_name.as_deref()]);
    let name = personal.and_then(|personal| personal.device_name.as_deref());
    Side {
        record: id,
        is_known: details.is_some(),
        label: records::words::label(name, models.unwrap_or_default(), id),
        href: (!found.entries.is_empty()).then(|| at_time(&records::href(id), as_of)),
        source: record.source.clone().unwrap_or_else(|| NONE.to_owned()),
        kind: match details {
            Some(details) => capital(details.kind.name()),
            None if found.entries.is_empty() => NONE.to_owned(),
            None => "the import of the record was undone".to_owned(),
        },
        model: models.and_then(|[model_name, product_name]| model([product_name, model_name])),
        os_version: plain(|details| details.os_version.as_deref()),
        person: record.owner.and_then(|owner| owner.person()),
        user_name: personal.and_then(|personal| personal.user_name.clone()),
        is_erased: details.is_some() && personal.is_none(),
        begun: details.and_then(|details| details.enrolled_at),
        ended: details.and_then(|details| details.last_contact),
        state,
    }
}

fn own(device: &Device, staff: &Staff, as_of: Option<Timestamp>) -> Side {
    Side {
        record: RecordId::of_device(device.id),
        is_known: true,
        label: words::label(device),
        href: href(device.id, staff, as_of),
        source: "Muster".to_owned(),
        kind: words::kind(device.kind).to_owned(),
        model: model([device.product_name.as_deref(), device.model.as_deref()]),
        os_version: device.os_version.clone(),
        person: device.person,
        user_name: device.user_name.clone(),
        is_erased: device.person.is_some() && device.user_name.is_none(),
        begun: device.enrolled_at,
        ended: device.ended_at.filter(|_| !matches!(device.state, State::Enrolled | State::Installing)),
        state: words::state(device.state),
    }
}

// An enrollment that did not become a device at that time.
fn unknown(id: RecordId, staff: &Staff) -> Side {
    let visit = is_permitted::<SeesFunnel>(&staff.roles).then(|| enrollments::href(id.device().enrollment()));
    Side {
        record: id,
        is_known: false,
        label: format!("Enrollment {}", words::short(&id.to_string())),
        href: visit,
        source: "Muster".to_owned(),
        kind: NONE.to_owned(),
        model: None,
        os_version: None,
        person: None,
        user_name: None,
        is_erased: false,
        begun: None,
        ended: None,
        state: Chip { label: "Not enrolled", class: "" },
    }
}

// Returns the marketing name if the identifier is known, else the name that the device or the source told.
fn model([identifier, name]: [Option<&str>; 2]) -> Option<String> {
    let known = identifier.and_then(apple::models::name).map(str::to_owned);
    known.or_else(|| [name, identifier].into_iter().find_map(visible::name))
}

/// Returns the page of an enrolled device that these roles may see: the help desk sees its enrollment.
pub(crate) fn href(device: DeviceId, staff: &Staff, as_of: Option<Timestamp>) -> Option<String> {
    if is_permitted::<SeesInventory>(&staff.roles) {
        return Some(devices::href(device, as_of));
    }
    is_permitted::<SeesFunnel>(&staff.roles).then(|| enrollments::href(device.enrollment()))
}

/// Returns the address of a person's page.
pub(crate) fn person_href(person: PersonId, as_of: Option<Timestamp>) -> String {
    at_time(&format!("{PEOPLE}/{person}"), as_of)
}

// Returns the address with the time that is looked at.
fn at_time(path: &str, as_of: Option<Timestamp>) -> String {
    Query::default().with("as_of", as_of.map(Timestamp::to_rfc3339).as_deref()).href(path)
}

/// The records and enrollments of one phone, the earliest first.
#[derive(Serialize)]
pub(crate) struct Lineage {
    members: Vec<Member>,
    /// There are more members than are shown.
    more: bool,
}

content!(Lineage { members, more });

#[derive(Serialize)]
struct Member {
    end: End,
    /// The record whose page this is.
    here: bool,
    /// Only a proposal leads to it.
    proposed: bool,
}

content!(Member { end, here, proposed });

/// Returns the lineage of a record or an enrollment; `None` if nothing is linked with it.
///
/// # Errors
/// Returns an error if the event log or the projections are unavailable.
pub(crate) async fn of(staff: &Staff, start: RecordId, as_of: Option<Timestamp>) -> Result<Option<Lineage>, Problem> {
    let found = lineage(staff.projections(), start, as_of, MOST_MEMBERS).await.map_err(|error| staff.broken(error))?;
    if found.members.len() < 2 {
        return Ok(None);
    }
    let mut sides = Vec::new();
    for member in &found.members {
        sides.push(side(staff, *member, as_of).await?);
    }
    sides.sort_by_key(|side| (side.begun.or(side.ended), side.record));
    let certain = certain(start, &found);
    let now = staff.now();
    let member = |side: &Side| Member {
        end: side.end(now),
        here: side.record == start,
        proposed: !certain.contains(&side.record),
    };
    Ok(Some(Lineage { members: sides.iter().map(member).collect(), more: found.is_cut }))
}

// Returns the members to which confirmed links lead.
fn certain(start: RecordId, found: &projections::links::Lineage) -> BTreeSet<RecordId> {
    let confirmed = || found.links.iter().filter(|link| link.state == LinkState::Confirmed);
    let mut certain = BTreeSet::from([start]);
    loop {
        let before = certain.len();
        for link in confirmed() {
            let ends = [link.record, RecordId::of_device(link.successor)];
            if ends.iter().any(|end| certain.contains(end)) {
                certain.extend(ends);
            }
        }
        if certain.len() == before {
            return certain;
        }
    }
}
