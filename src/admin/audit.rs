//! The audit trail. Its filters are in the address.

mod export;
mod filters;

pub(crate) use export::export;
pub(crate) use filters::Filters;

use super::devices::href as device_href;
use super::enrollments;
use super::pages::show;
use super::problem::Problem;
use super::query::{Parameters, Query};
use super::records;
use super::render::view;
use super::session::{Exports, May, SeesAudit, SeesFunnel, Staff, is_permitted};
use super::words::{self, Chip, Instant, NONE};
use crate::admin::devices::{Choice, Export};
use crate::web::content::content;
use actix_web::HttpResponse;
use events::device::DeviceId;
use events::record::RecordId;
use events::staff::StaffActivityEvent;
use events::{ActorKind, EventId, Timestamp};
use filters::Shown;
use names::visible;
use projections::audit::{self as trail, Row};
use serde::Serialize;

pub(crate) const PATH: &str = "/console/audit";

const EXPORT: &str = "/console/audit/export";

/// Events per page.
const PAGE: usize = 50;

#[derive(Serialize)]
struct AuditPage {
    filter: Shown,
    presets: Vec<Link>,
    chips: Vec<Link>,
    types: Vec<Choice>,
    actors: Vec<Choice>,
    outcomes: Vec<Choice>,
    more_open: bool,
    rows: Vec<Line>,
    /// The time back to which the search came, if it ended early.
    reached: Option<Instant>,
    /// Words that too many names contain.
    broad: Vec<String>,
    older: Option<String>,
    newest: Option<String>,
    exports: Vec<Export>,
}

view!(
    audit,
    Menu,
    AuditPage {
        filter,
        presets,
        chips,
        types,
        actors,
        outcomes,
        more_open,
        rows,
        reached,
        broad,
        older,
        newest,
        exports
    }
);

#[derive(Serialize)]
struct Link {
    href: String,
    label: String,
}

content!(Link { href, label });

#[derive(Serialize)]
struct Line {
    href: String,
    at: Instant,
    sentence: String,
    event_type: String,
    outcome: Option<Chip>,
    actor: String,
    actor_href: String,
    about: String,
    device_href: Option<String>,
    source: String,
}

content!(Line { href, at, sentence, event_type, outcome, actor, actor_href, about, device_href, source });

/// Returns the address of an event's page.
pub(crate) fn event_href(event: EventId) -> String {
    format!("{PATH}/{event}")
}

/// Shows the list.
///
/// # Errors
/// Returns an error if a filter is invalid, or the event log or the projections are unavailable.
pub(crate) async fn list(staff: May<SeesAudit>, address: Parameters<Filters>) -> Result<HttpResponse, Problem> {
    let Parameters(filters, _) = address;
    let filter = filters.parse(staff.projections(), |error| staff.broken(error)).await?;
    let query = filters.query();
    // The event contains the names of the filters without their values, because values may be personal.
    let names = query.iter().map(|(name, _)| (*name).to_owned()).collect();
    staff.record(StaffActivityEvent::AuditTrailViewed { filters: names }).await?;
    let continued = filter.after.is_some();
    let found =
        trail::query(staff.projections(), staff.log(), filter, PAGE).await.map_err(|error| staff.broken(error))?;
    let types = trail::types(staff.projections()).await.map_err(|error| staff.broken(error))?;
    let now = staff.now();
    let page = AuditPage {
        filter: filters.shown(),
        presets: presets(now),
        chips: chips(&query),
        types: filters.types(&types),
        actors: filters.actors(),
        outcomes: filters.outcomes(),
        more_open: filters.more(),
        rows: found.rows.iter().map(|row| line(row, &staff, now)).collect(),
        reached: found.reached.map(|at| Instant::of(at, now)),
        broad: found.broad,
        older: found.next.map(|next| query.clone().with("after", Some(&next.to_string())).href(PATH)),
        newest: continued.then(|| query.href(PATH)),
        exports: exports(&staff, &query),
    };
    show("Audit trail", "audit", &staff, &page)
}

fn exports(staff: &Staff, query: &Query) -> Vec<Export> {
    match is_permitted::<Exports>(&staff.roles) {
        true => Export::all(query, EXPORT),
        false => Vec::new(),
    }
}

fn presets(now: Timestamp) -> Vec<Link> {
    let day = Instant::of(now.plus_seconds(-86_400), now).input;
    let link = |label: &str, filters: &[(&'static str, &str)]| {
        let query = filters.iter().fold(Query::default(), |query, (name, value)| query.with(name, Some(value)));
        Link { href: query.href(PATH), label: label.to_owned() }
    };
    vec![
        link("Last 24 hours", &[("from", &day)]),
        link("Refused or failed", &[("outcome", "-ok")]),
        link("Devices enrolled", &[("type", "DeviceEnrolled")]),
        link("Actions by staff", &[("actor", "staff")]),
        link("Devices viewed", &[("type", "DeviceViewed")]),
    ]
}

// Returns the active filters, each with the address that removes it.
fn chips(query: &Query) -> Vec<Link> {
    let chip = |(name, value): &(&'static str, String)| Link {
        href: query.without(name).href(PATH),
        label: format!("{}: {value}", filters::label(name)),
    };
    query.iter().map(chip).collect()
}

fn line(row: &Row, staff: &Staff, now: Timestamp) -> Line {
    Line {
        href: event_href(row.event),
        at: Instant::of(row.at, now),
        sentence: row.sentence.clone(),
        event_type: row.event_type.clone(),
        outcome: words::outcome(row.outcome),
        actor: actor(row),
        actor_href: actor_href(row),
        about: about(row),
        device_href: row.device.and_then(|device| about_href(row, device, staff)),
        source: source(row),
    }
}

/// Returns the source address of the request.
pub(crate) fn source(row: &Row) -> String {
    match (&row.source, row.source_erased) {
        (Some(source), _) => source.clone(),
        (None, true) => "(erased)".to_owned(),
        (None, false) => NONE.to_owned(),
    }
}

/// Returns the name of the actor.
pub(crate) fn actor(row: &Row) -> String {
    let kind = match row.actor_kind {
        ActorKind::Visitor => "Visitor",
        ActorKind::Person => "Person",
        ActorKind::Device => "Device",
        ActorKind::Staff => "Staff",
        ActorKind::Operator => "Operator",
        ActorKind::System => "System",
    };
    match (visible::name(row.actor_name.as_deref()), row.actor_kind) {
        (Some(name), ActorKind::Person | ActorKind::Staff) => name,
        // This name is unproven.
        (Some(name), _) => format!("{kind}, as {name}"),
        (None, ActorKind::System | ActorKind::Operator) => format!("{kind}: {}", row.actor_id),
        (None, _) => format!("{kind} {}", words::short(&row.actor_id)),
    }
}

/// Returns the address of the list of the actor's events.
pub(crate) fn actor_href(row: &Row) -> String {
    Query::default().with("actor_id", Some(&row.actor_id)).href(PATH)
}

fn about(row: &Row) -> String {
    match (row.device, visible::name(row.person_name.as_deref())) {
        (Some(device), Some(name)) => format!("{name}, {}", words::short(&device.to_string())),
        (Some(device), None) => words::short(&device.to_string()).to_owned(),
        (None, Some(name)) => name,
        (None, None) => NONE.to_owned(),
    }
}

/// Returns the address of the page of a device, or of the imported record that has this id.
pub(crate) fn record_href(device: DeviceId) -> String {
    let record = RecordId::of_device(device);
    if record.is_imported() { records::href(record) } else { device_href(device, None) }
}

// An enrollment has its own page, which is linked only for roles that may see it.
fn about_href(row: &Row, device: DeviceId, staff: &Staff) -> Option<String> {
    if row.stream.category() == "enrollment" || row.event_type == "VisitViewed" {
        return is_permitted::<SeesFunnel>(&staff.roles).then(|| enrollments::href(device.enrollment()));
    }
    Some(record_href(device))
}
