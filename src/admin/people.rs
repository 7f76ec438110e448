//! A person: their phones, the enrollments and previous records of each over time, and the links between them, now or
//! at a given time.

mod export;
mod gathered;
mod strip;

pub(crate) use export::export;

use super::audit;
use super::devices::{self, Export, Fact, parse_as_of};
use super::invitations::words;
use super::lineage::{End, PEOPLE, Side, person_href};
use super::links::{Shown, shown, words as link_words};
use super::pages::show;
use super::problem::Problem;
use super::query::{Parameters, Query, read};
use super::render::view;
use super::session::{ExportsLineage, May, SeesAudit, SeesInventory, SeesPeople, Staff, is_permitted};
use super::words::{Chip, Day, Instant, NONE, UNNAMED};
use crate::web::content::content;
use actix_web::{HttpResponse, web};
use events::Timestamp;
use events::person::PersonId;
use events::record::RecordId;
use events::staff::StaffActivityEvent;
use gathered::{Gathered, gather};
use names::visible;
use plural::counted;
use projections::links::{LinkRow, LinkState};
use projections::people::Person;
use serde::{Deserialize, Serialize};
use strip::{Axis, Bar};
use uuid::Uuid;

#[derive(Deserialize)]
pub(crate) struct AsOf {
    as_of: Option<String>,
}

#[derive(Serialize)]
struct PersonPage {
    name: String,
    sub: String,
    erased: bool,
    href: String,
    as_of: Option<Instant>,
    now_or_then: String,
    facts: Vec<Fact>,
    axis: Option<Axis>,
    phones: Vec<Phone>,
    links: Vec<Shown>,
    /// Address of the form that invites the person.
    invite_href: Option<String>,
    /// There are more devices, records or links than are shown.
    more: bool,
    exports: Vec<Export>,
    devices_href: Option<String>,
    audit_href: Option<String>,
}

view!(
    person,
    Menu,
    PersonPage {
        name,
        sub,
        erased,
        href,
        as_of,
        now_or_then,
        facts,
        axis,
        phones,
        links,
        invite_href,
        more,
        exports,
        devices_href,
        audit_href
    }
);

/// Records and enrollments that confirmed links connect.
#[derive(Serialize)]
struct Phone {
    title: String,
    items: Vec<Item>,
}

content!(Phone { title, items });

#[derive(Serialize)]
struct Item {
    end: End,
    os_version: String,
    begun: Option<Day>,
    ended: Option<Day>,
    /// The end is the last contact that the source knew.
    contact: bool,
    bar: Option<Bar>,
    ties: Vec<Tie>,
}

content!(Item { end, os_version, begun, ended, contact, bar, ties });

/// A link from a record to the device that was enrolled later.
#[derive(Serialize)]
struct Tie {
    to: String,
    state: Chip,
}

content!(Tie { to, state });

fn parse_person(text: &str) -> Result<PersonId, Problem> {
    Uuid::parse_str(text).map(PersonId).map_err(|_| Problem::NotFound)
}

/// Shows the page.
///
/// # Errors
/// Returns an error if there is no such person, or the event log or the projections are unavailable.
pub(crate) async fn page(
    staff: May<SeesPeople>,
    path: web::Path<String>,
    address: Parameters<AsOf>,
) -> Result<HttpResponse, Problem> {
    let Parameters(AsOf { as_of }, _) = address;
    let person = parse_person(&path)?;
    let as_of = read("as_of", as_of.as_deref(), parse_as_of)?.map(|at| at.min(staff.now()));
    let found = gather(&staff, person, as_of).await?;
    staff.record(StaffActivityEvent::PersonViewed { person }).await?;
    let mut links = Vec::new();
    for link in &found.links {
        links.push(shown(&staff, link, as_of, None).await?);
    }
    let page = assemble(&found, &staff, links);
    show(&page.name, "again", &staff, &page)
}

fn assemble(found: &Gathered, staff: &Staff, links: Vec<Shown>) -> PersonPage {
    let (now, as_of, person) = (staff.now(), found.as_of, found.id);
    let is = (is_permitted::<SeesInventory>(&staff.roles), is_permitted::<SeesAudit>(&staff.roles));
    let of_person = || Query::default().with("person", Some(&person.to_string()));
    let axis = Axis::of(found.phones.iter().flatten(), as_of.unwrap_or(now), now);
    let phone = |sides: &Vec<Side>| phone(sides, found, axis.as_ref(), now);
    PersonPage {
        name: name(&found.person),
        sub: sub(found),
        erased: found.person.is_erased,
        href: person_href(person, None),
        as_of: as_of.map(|at| Instant::of(at, now)),
        now_or_then: Instant::of(as_of.unwrap_or(now), now).input,
        facts: facts(found),
        phones: found.phones.iter().map(phone).collect(),
        axis,
        links,
        invite_href: words::invite_person(staff, person).filter(|_| as_of.is_none() && !found.person.is_erased),
        more: found.is_cut,
        exports: exports(staff, person, as_of),
        devices_href: is.0.then(|| of_person().with("archived", Some("yes")).href(devices::PATH)),
        audit_href: is.1.then(|| of_person().href(audit::PATH)),
    }
}

fn name(person: &Person) -> String {
    if person.is_erased {
        return "(erased)".to_owned();
    }
    let names = [person.display_name.as_deref(), person.user_name.as_deref()];
    names.into_iter().find_map(visible::name).unwrap_or_else(|| UNNAMED.to_owned())
}

fn sub(found: &Gathered) -> String {
    let sides = || found.phones.iter().flatten();
    let records = sides().filter(|side| side.record.is_imported()).count();
    let count = |number: usize, what: &str| counted(i64::try_from(number).unwrap_or(i64::MAX), what);
    let devices = count(found.phones.len(), "device");
    let parts = [
        // Proposals are no facts: each may make two devices one.
        if found.least < found.phones.len() { format!("{} to {devices}", found.least) } else { devices },
        count(sides().count() - records, "enrollment"),
        count(records, "previous record"),
    ];
    parts.join(" · ")
}

fn facts(found: &Gathered) -> Vec<Fact> {
    let Person { user_name, mail, is_erased, .. } = &found.person;
    let value = |value: &Option<String>| match value {
        Some(value) => value.clone(),
        None if *is_erased => "(erased)".to_owned(),
        None => NONE.to_owned(),
    };
    vec![Fact::new("User name", value(user_name)), Fact::new("Mail address", value(mail))]
}

fn exports(staff: &Staff, person: PersonId, as_of: Option<Timestamp>) -> Vec<Export> {
    let query = Query::default().with("as_of", as_of.map(Timestamp::to_rfc3339).as_deref());
    match is_permitted::<ExportsLineage>(&staff.roles) {
        true => Export::all(&query, &format!("{PEOPLE}/{person}/export")),
        false => Vec::new(),
    }
}

fn phone(sides: &[Side], found: &Gathered, axis: Option<&Axis>, now: Timestamp) -> Phone {
    let models = sides.iter().rev().find_map(|side| side.model.clone());
    let title = models.unwrap_or_else(|| "Model unknown".to_owned());
    let item = |side: &Side| Item {
        end: side.end(now),
        os_version: side.os_version.clone().unwrap_or_else(|| NONE.to_owned()),
        begun: side.begun.map(|at| Day::of(at, now)),
        ended: side.ended.map(|at| Day::of(at, now)),
        contact: side.record.is_imported(),
        bar: axis.and_then(|axis| axis.bar(side)),
        ties: ties(side, found),
    };
    Phone { title, items: sides.iter().map(item).collect() }
}

fn ties(side: &Side, found: &Gathered) -> Vec<Tie> {
    let tie = |link: &LinkRow| {
        let successor = RecordId::of_device(link.successor);
        let label =
            found.phones.iter().flatten().find(|other| other.record == successor).map(|other| other.label.clone());
        Tie {
            to: label.unwrap_or_else(|| "a device of another person".to_owned()),
            state: link_words::state(link.state),
        }
    };
    let of_side = |link: &&LinkRow| link.record == side.record && link.state != LinkState::Withdrawn;
    found.links.iter().filter(of_side).map(tie).collect()
}
