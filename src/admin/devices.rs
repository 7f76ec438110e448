//! The inventory: the list of devices, and one device with its timeline, now or at a given time.

mod done;
mod export;
mod fact;
mod identity;
mod page;
mod reported;

pub(crate) use done::{after, after_command};
pub(crate) use export::export;
pub(crate) use fact::Fact;
pub(crate) use page::page;

use super::cleared::{self, Reader};
use super::pages::show;
use super::problem::Problem;
use super::query::{Parameters, Query, filled, read};
use super::render::view;
use super::session::{ExportsInventory, May, SeesInventory, Staff, is_permitted};
use super::words::{self, Chip, Instant, NONE, parse_instant};
use crate::web::content::content;
use actix_web::HttpResponse;
use events::Timestamp;
use events::device::DeviceId;
use events::person::PersonId;
use events::staff::StaffActivityEvent;
use projections::devices::{self as inventory, Device, DeviceCursor, DeviceFilter, NoDeviceCursor, State};
use projections::renewals;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Devices per page.
const PAGE: usize = 50;

pub(crate) const PATH: &str = "/console/devices";

const EXPORT: &str = "/console/devices/export";

/// Filters as query parameters.
#[derive(Deserialize)]
pub(crate) struct Filters {
    q: Option<String>,
    state: Option<String>,
    kind: Option<String>,
    identity: Option<String>,
    as_of: Option<String>,
    archived: Option<String>,
    /// User name or id of a person.
    person: Option<String>,
    after: Option<String>,
}

#[derive(Serialize)]
struct DevicesPage {
    as_of: Option<Instant>,
    q: String,
    person: String,
    states: Vec<Choice>,
    kinds: Vec<Choice>,
    identities: Vec<Choice>,
    counts: Vec<identity::Count>,
    archived: bool,
    filtered: bool,
    cut: bool,
    devices: Vec<Line>,
    enroll_url: String,
    exports: Vec<Export>,
    older: Option<String>,
    newest: Option<String>,
}

view!(
    devices,
    Menu,
    DevicesPage {
        as_of,
        q,
        person,
        states,
        kinds,
        identities,
        counts,
        archived,
        filtered,
        cut,
        devices,
        enroll_url,
        exports,
        older,
        newest
    }
);

/// An option of a select field.
#[derive(Serialize)]
pub(crate) struct Choice {
    pub value: String,
    pub label: String,
    pub selected: bool,
}

content!(Choice { value, label, selected });

impl Choice {
    pub(crate) fn new(value: &str, label: &str, chosen: Option<&str>) -> Choice {
        Choice { value: value.to_owned(), label: label.to_owned(), selected: value == chosen.unwrap_or_default() }
    }
}

#[derive(Serialize)]
struct Line {
    href: String,
    label: String,
    product: Option<String>,
    state: Chip,
    claim: bool,
    archived: bool,
    person: String,
    kind: &'static str,
    os_version: String,
    enrolled: Option<Instant>,
    last_seen: Option<Instant>,
}

content!(Line { href, label, product, state, claim, archived, person, kind, os_version, enrolled, last_seen });

/// Shows the list.
///
/// # Errors
/// Returns an error if a filter is invalid, or the event log or the projections are unavailable.
pub(crate) async fn list(staff: May<SeesInventory>, address: Parameters<Filters>) -> Result<HttpResponse, Problem> {
    let Parameters(filters, _) = address;
    let now = staff.now();
    let filter = filters.parse(now)?;
    staff.record(StaffActivityEvent::DeviceListViewed {}).await?;
    let found = inventory::list(staff.projections(), filter.clone(), PAGE).await;
    let found = found.map_err(|error| staff.broken(error))?;
    let devices = cleared::devices(staff.projections(), &Reader::Staff(&staff.roles), found.devices).await;
    let devices = devices.map_err(|error| staff.broken(error))?;
    let query = filters.query();
    let counts = renewals::counts(staff.projections(), now).await.map_err(|error| staff.broken(error))?;
    let page = DevicesPage {
        as_of: filter.as_of.map(|at| Instant::of(at, now)),
        q: filters.q.clone().unwrap_or_default(),
        person: filters.person.clone().unwrap_or_default(),
        states: filters.states(),
        kinds: filters.kinds(),
        identities: identity::choices(filters.identity.as_deref()),
        counts: identity::shown(&counts),
        archived: filter.archived,
        filtered: !query.is_empty(),
        cut: found.is_cut,
        devices: devices.iter().map(|device| line(device, filter.as_of, now)).collect(),
        exports: exports(&staff, &query),
        enroll_url: format!("{}/enroll", staff.public_url()),
        older: found.next.map(|next| query.clone().with("after", Some(&next.to_string())).href(PATH)),
        newest: filter.after.map(|_| query.href(PATH)),
    };
    show("Devices", "devices", &staff, &page)
}

/// Link to an export file.
#[derive(Serialize)]
pub(crate) struct Export {
    href: String,
    label: &'static str,
}

content!(Export { href, label });

impl Export {
    /// Returns the links for all formats with these filters.
    pub(crate) fn all(query: &Query, path: &str) -> Vec<Export> {
        [("csv", "Export CSV"), ("jsonl", "Export JSON lines")]
            .map(|(format, label)| Export { href: query.clone().with("format", Some(format)).href(path), label })
            .into()
    }
}

fn exports(staff: &Staff, query: &Query) -> Vec<Export> {
    match is_permitted::<ExportsInventory>(&staff.roles) {
        true => Export::all(query, EXPORT),
        false => Vec::new(),
    }
}

impl Filters {
    /// Returns the projection's filter.
    ///
    /// # Errors
    /// Returns an error that names the invalid filter.
    pub(crate) fn parse(&self, now: Timestamp) -> Result<DeviceFilter, Problem> {
        let as_of = read("as_of", self.as_of.as_deref(), parse_as_of)?;
        let after = read("after", self.after.as_deref(), parse_cursor)?;
        let state = read("state", self.state.as_deref(), |name| {
            State::parse(name).ok_or(Problem::Bad("There is no such state of a device."))
        })?;
        let kind = read("kind", self.kind.as_deref(), words::parse_kind)?;
        let identity = read("identity", self.identity.as_deref(), identity::parse)?.map(|standing| (standing, now));
        if identity.is_some() && as_of.is_some() {
            let why = "The state of identities is known only for the present. Remove this filter or the time.";
            return Err(Problem::Bad(why).of("identity"));
        }
        let archived = read("archived", self.archived.as_deref(), |text| match text {
            "yes" => Ok(true),
            _ => Err(Problem::Bad("It must be “yes” or left out.")),
        })?;
        let archived = archived.unwrap_or_default();
        let text = filled(self.q.as_deref()).map(str::to_owned);
        let of = of_person(filled(self.person.as_deref()));
        Ok(DeviceFilter { state, kind, archived, text, identity, as_of, after, ..of })
    }

    /// Returns the filters of an export or API request for its event. Search texts are left out because they may be
    /// personal.
    pub(crate) fn names_and_values(&self) -> Vec<String> {
        let told = |(name, value): &(&'static str, String)| match *name {
            "q" | "person" => (*name).to_owned(),
            name => format!("{name}={value}"),
        };
        self.query().iter().map(told).collect()
    }

    fn query(&self) -> Query {
        Query::default()
            .with("q", self.q.as_deref())
            .with("state", self.state.as_deref())
            .with("identity", self.identity.as_deref())
            .with("kind", self.kind.as_deref())
            .with("as_of", self.as_of.as_deref())
            .with("archived", self.archived.as_deref())
            .with("person", self.person.as_deref())
    }

    fn states(&self) -> Vec<Choice> {
        let chosen = self.state.as_deref();
        let all = State::ALL.map(|state| Choice::new(state.as_str(), words::state(state).label, chosen));
        std::iter::once(Choice::new("", "Any", chosen)).chain(all).collect()
    }

    fn kinds(&self) -> Vec<Choice> {
        words::kinds().map(|(value, label)| Choice::new(value, label, self.kind.as_deref())).collect()
    }
}

fn line(device: &Device, as_of: Option<Timestamp>, now: Timestamp) -> Line {
    let label = words::label(device);
    let product = words::model(device.product_name.as_deref()).filter(|product| *product != label);
    Line {
        href: href(device.id, as_of),
        label,
        product,
        state: words::state(device.state),
        claim: !device.claims.is_empty() || !device.claimed_by.is_empty(),
        archived: device.archived,
        person: device.user_name.clone().unwrap_or_else(|| NONE.to_owned()),
        kind: words::kind(device.kind),
        os_version: device.os_version.clone().unwrap_or_else(|| NONE.to_owned()),
        enrolled: device.enrolled_at.map(|at| Instant::of(at, now)),
        // The last contact is only known for the present.
        last_seen: device.last_seen.filter(|_| as_of.is_none()).map(|at| Instant::of(at, now)),
    }
}

/// Returns the address of a device's page.
pub(crate) fn href(device: DeviceId, as_of: Option<Timestamp>) -> String {
    let as_of = as_of.map(Timestamp::to_rfc3339);
    Query::default().with("as_of", as_of.as_deref()).href(&format!("{PATH}/{device}"))
}

pub(crate) fn parse_as_of(text: &str) -> Result<Timestamp, Problem> {
    parse_instant(text).ok_or(Problem::Bad("This is not a valid time. Write it as 2026-11-17T09:00, in UTC."))
}

/// Returns a filter for the devices of one person, by user name or id, or of all people if `text` is `None`.
pub(crate) fn of_person(text: Option<&str>) -> DeviceFilter {
    let id = text.and_then(|text| Uuid::parse_str(text).ok()).map(PersonId);
    let user_name = text.filter(|_| id.is_none()).map(str::to_owned);
    DeviceFilter { person: id, user_name, ..DeviceFilter::default() }
}

/// Parses the place where a page of devices ended.
pub(crate) fn parse_cursor(text: &str) -> Result<DeviceCursor, Problem> {
    text.parse().map_err(|NoDeviceCursor| Problem::NotFound)
}

/// Parses a device id from an address.
pub(crate) fn parse_device(text: &str) -> Result<DeviceId, Problem> {
    Uuid::parse_str(text).map(DeviceId).map_err(|_| Problem::NotFound)
}
