//! Page of one previous record, now or at a given time: everything that is kept, and its history. It is read from the
//! log, so that erased data is gone from it at once.

use super::{Folded, folded, href, parse_record, words};
use crate::admin::audit::{self, event_href};
use crate::admin::cleared::{self, Hidden};
use crate::admin::devices::{Fact, parse_as_of};
use crate::admin::imports;
use crate::admin::invitations::words::invite_owner;
use crate::admin::lineage::{self, Lineage};
use crate::admin::links::{self, Shown};
use crate::admin::migration::{self, Migrating, migrating};
use crate::admin::pages::show;
use crate::admin::problem::Problem;
use crate::admin::query::{Parameters, Query, read};
use crate::admin::render::view;
use crate::admin::session::{May, SeesAudit, SeesRecords, Staff, is_permitted, see_other};
use crate::admin::words::{Chip, Instant, NONE, capital};
use crate::web::content::content;
use actix_web::{HttpResponse, web};
use decisions::record::Record;
use events::record::{ImportId, PersonalDetails, RecordDetails, RecordEvent, RecordOwner};
use events::settings::ClearedView;
use events::staff::StaffActivityEvent;
use events::{Entry, Event, Timestamp};
use projections::audit::{english, find as audit_row, message};
use projections::records::OwnerOutcome;
use serde::{Deserialize, Serialize};

/// Label of the site of the device.
const SITE: &str = "Site";

#[derive(Deserialize)]
pub(crate) struct AsOf {
    as_of: Option<String>,
}

#[derive(Serialize)]
struct RecordPage {
    /// Message about what the previous form did.
    done: Option<String>,
    href: String,
    label: String,
    sub: String,
    owner: Chip,
    missing: bool,
    /// Its device enrolled again: a link is confirmed.
    retired: bool,
    /// What the re-enrollment settings hide.
    hidden: Option<String>,
    /// The record is kept no longer: its import was undone.
    gone: bool,
    as_of: Option<Instant>,
    now_or_then: String,
    source: Vec<Fact>,
    device: Vec<Fact>,
    person: Vec<Fact>,
    /// Labels of the values that the source did not give.
    absent: String,
    owner_sentence: &'static str,
    links: Vec<Shown>,
    /// Address of the form that invites the owner.
    invite_href: Option<String>,
    lineage: Option<Lineage>,
    migration: Option<Migrating>,
    timeline: Vec<Happened>,
    audit_href: Option<String>,
    viewed_href: Option<String>,
}

view!(
    previous_record,
    Menu,
    RecordPage {
        done,
        href,
        label,
        sub,
        owner,
        missing,
        retired,
        hidden,
        gone,
        as_of,
        now_or_then,
        source,
        device,
        person,
        absent,
        owner_sentence,
        links,
        invite_href,
        lineage,
        migration,
        timeline,
        audit_href,
        viewed_href
    }
);

#[derive(Serialize)]
struct Happened {
    at: Instant,
    sentence: String,
    /// Who decided about a link or an exception, or wrote a note.
    by: Option<String>,
    import_href: Option<String>,
    href: Option<String>,
}

content!(Happened { at, sentence, by, import_href, href });

/// Shows the page. An enrollment of this installation has the page of its device.
///
/// # Errors
/// Returns an error if there is no such record now or at the given time, or the event log is unavailable.
pub(crate) async fn page(
    staff: May<SeesRecords>,
    path: web::Path<String>,
    address: Parameters<AsOf, links::Asked>,
) -> Result<HttpResponse, Problem> {
    let Parameters(AsOf { as_of }, asked) = address;
    let id = parse_record(&path)?;
    let as_of = read("as_of", as_of.as_deref(), parse_as_of)?;
    if !id.is_imported() {
        return lineage::href(id.device(), &staff, as_of).map(|href| see_other(&href)).ok_or(Problem::NotFound);
    }
    let found = folded(&staff, id, as_of).await?;
    if found.entries.is_empty() {
        return Err(Problem::NotFound);
    }
    staff.record(StaffActivityEvent::PreviousRecordViewed { record: id }).await?;
    let hidden = cleared::hidden(&staff, id).await?;
    let migration = migrating(&staff, id, as_of).await?.map(|said| said.shown(&hidden));
    let done = match migration::said(migration.as_ref(), asked.done.as_deref()) {
        None => links::said(&staff, &asked).await?,
        done => done,
    };
    let page = RecordPage {
        done,
        migration,
        links: links::of_record(&staff, id, as_of).await?,
        lineage: lineage::of(&staff, id, as_of).await?,
        timeline: timeline(&found, &hidden, &staff).await?,
        ..assemble(&found, &hidden, &staff, as_of)
    };
    show(&page.label, "again", &staff, &page)
}

fn assemble(found: &Folded, hidden: &Hidden, staff: &Staff, as_of: Option<Timestamp>) -> RecordPage {
    let (id, record, now) = (found.id, &found.record, staff.now());
    let none = PersonalDetails::default();
    let personal = record.details.as_ref().and_then(|details| details.personal.get()).unwrap_or(&none);
    let models =
        record.details.as_ref().map(|details| [details.model_name.as_deref(), details.product_name.as_deref()]);
    let sees_audit = is_permitted::<SeesAudit>(&staff.roles);
    let filtered = |name, value: &str| Query::default().with(name, Some(value)).href(audit::PATH);
    let device = record.details.as_ref().map(|details| device(details, now)).unwrap_or_default();
    let person = record.details.as_ref().map(|details| person(details, record.owner, as_of)).unwrap_or_default();
    let hides_owner = hidden.hides(ClearedView::Location);
    let is_shown = |fact: &Fact| !hides_owner || fact.label != SITE;
    let device: Vec<Fact> = device.into_iter().filter(is_shown).collect();
    let person = if hides_owner { vec![] } else { person };
    let is_absent = |fact: &&Fact| fact.value == NONE;
    let absent: Vec<&str> = person.iter().chain(&device).filter(is_absent).map(|fact| fact.label.as_str()).collect();
    let absent = absent.join(", ");
    let given = |facts: Vec<Fact>| facts.into_iter().filter(|fact| fact.value != NONE).collect();
    RecordPage {
        done: None,
        links: vec![],
        invite_href: invite_owner(staff, id)
            .filter(|_| as_of.is_none() && record.details.is_some() && record.successor().is_none()),
        lineage: None,
        migration: None,
        href: href(id),
        label: words::label(personal.device_name.as_deref(), models.unwrap_or_default(), id),
        sub: sub(record),
        owner: if hides_owner { Chip { label: "Hidden", class: "" } } else { words::owner(outcome(record.owner)) },
        missing: record.missing_since.is_some(),
        retired: record.successor().is_some(),
        hidden: hidden.sentence.clone(),
        gone: record.details.is_none(),
        as_of: as_of.map(|at| Instant::of(at, now)),
        now_or_then: Instant::of(as_of.unwrap_or(now), now).input,
        source: source(found, now),
        device: given(device),
        person: given(person),
        absent,
        owner_sentence: if hides_owner { "" } else { words::owner_sentence(record.owner) },
        timeline: vec![],
        audit_href: sees_audit.then(|| filtered("q", id.stream().to_string().as_str())),
        viewed_href: sees_audit.then(|| filtered("device", &id.to_string())),
    }
}

fn outcome(owner: Option<RecordOwner>) -> OwnerOutcome {
    owner.and_then(|owner| OwnerOutcome::parse(owner.as_str())).unwrap_or(OwnerOutcome::Unresolved)
}

fn sub(record: &Record) -> String {
    let details = record.details.as_ref();
    let kind = details.map(|details| capital(details.kind.name()));
    let source = record.source.as_ref().map(|source| format!("from {source}"));
    [kind, source].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn source(found: &Folded, now: Timestamp) -> Vec<Fact> {
    let record = &found.record;
    let instant = |entry: &Entry| Instant::of(entry.at, now).words;
    let mut facts = vec![Fact::new("Source", record.source.as_deref().unwrap_or(NONE))];
    if let Some(details) = &record.details {
        facts.push(Fact::new("Id in the source", text(details, |personal| Some(personal.source_id.as_str()))));
    }
    if let Some(first) = found.entries.first() {
        facts.push(Fact::new("First imported", instant(first)));
    }
    let changed = |entry: &&Entry| matches!(&entry.event, Event::Record(RecordEvent::PreviousRecordChanged { .. }));
    if let Some(last) = found.entries.iter().rev().find(changed) {
        facts.push(Fact::new("Last changed", instant(last)));
    }
    if let Some(import) = record.import {
        facts.push(Fact::linked("Values from", "this import", imports::href(import)));
    }
    if let Some(import) = record.missing_since {
        facts.push(Fact::linked("Missing since", "this import", imports::href(import)).of_class("warn"));
    }
    facts
}

fn device(details: &RecordDetails, now: Timestamp) -> Vec<Fact> {
    let plain = |value: &Option<String>| value.clone().unwrap_or_else(|| NONE.to_owned());
    let instant = |at: Option<Timestamp>| at.map_or_else(|| NONE.to_owned(), |at| Instant::of(at, now).words);
    vec![
        Fact::new("Kind of enrollment", capital(details.kind.name())),
        Fact::new("Model", plain(&details.model_name)),
        Fact::new("Model identifier", plain(&details.product_name)),
        Fact::new("OS version", plain(&details.os_version)),
        Fact::new("Device name", text(details, |personal| personal.device_name.as_deref())),
        Fact::new("Serial number", text(details, |personal| personal.serial_number.as_deref())),
        Fact::new("UDID", text(details, |personal| personal.udid.as_deref())),
        Fact::new("IMEI", several(details, |personal| &personal.imeis)),
        Fact::new("MEID", several(details, |personal| &personal.meids)),
        Fact::new("Wi-Fi address", text(details, |personal| personal.wifi_mac.as_deref())),
        Fact::new("Bluetooth address", text(details, |personal| personal.bluetooth_mac.as_deref())),
        Fact::new("Asset tag", text(details, |personal| personal.asset_tag.as_deref())),
        Fact::new("Enrolled", instant(details.enrolled_at)),
        Fact::new("Last contact", instant(details.last_contact)),
        Fact::new("Enrollment profile", plain(&details.profile_identifier)),
        Fact::new(SITE, plain(&details.site)),
    ]
}

fn person(details: &RecordDetails, owner: Option<RecordOwner>, as_of: Option<Timestamp>) -> Vec<Fact> {
    let mut facts = vec![
        Fact::new("User name", text(details, |personal| personal.user_name.as_deref())),
        Fact::new("Full name", text(details, |personal| personal.full_name.as_deref())),
        Fact::new("Mail address", text(details, |personal| personal.mail.as_deref())),
        Fact::new("Employee number", text(details, |personal| personal.employee_number.as_deref())),
    ];
    if let Some(RecordOwner::Unique { person }) = owner {
        facts.push(Fact::linked("Person", "their devices over time", lineage::person_href(person, as_of)));
    }
    facts
}

fn text(details: &RecordDetails, value: impl FnOnce(&PersonalDetails) -> Option<&str>) -> String {
    match details.personal.get() {
        Some(personal) => value(personal).unwrap_or(NONE).to_owned(),
        None => "(erased)".to_owned(),
    }
}

fn several(details: &RecordDetails, values: impl FnOnce(&PersonalDetails) -> &Vec<String>) -> String {
    match details.personal.get().map(|personal| values(personal).join(", ")) {
        Some(joined) if joined.is_empty() => NONE.to_owned(),
        Some(joined) => joined,
        None => "(erased)".to_owned(),
    }
}

async fn timeline(found: &Folded, hidden: &Hidden, staff: &Staff) -> Result<Vec<Happened>, Problem> {
    let sees_audit = is_permitted::<SeesAudit>(&staff.roles);
    let mut timeline = Vec::new();
    let is_shown = |entry: &&Entry| !matches!(&entry.event, Event::Record(event) if hidden.hides_event(event));
    for entry in found.entries.iter().rev().filter(is_shown) {
        if let Some(happened) = happened(entry, sees_audit, staff.now()) {
            timeline.push(Happened { by: decided_by(entry, staff).await?, ..happened });
        }
    }
    Ok(timeline)
}

async fn decided_by(entry: &Entry, staff: &Staff) -> Result<Option<String>, Problem> {
    let is_decision = matches!(
        &entry.event,
        Event::Record(
            RecordEvent::LinkConfirmed { .. }
                | RecordEvent::LinkRejected { .. }
                | RecordEvent::LinkUndone { .. }
                | RecordEvent::MigrationExceptionMade { .. }
                | RecordEvent::MigrationExceptionEnded {}
                | RecordEvent::RecordNoteAdded { .. }
        )
    );
    if !is_decision {
        return Ok(None);
    }
    let row = audit_row(staff.projections(), staff.log(), entry.id).await.map_err(|error| staff.broken(error))?;
    Ok(row.as_ref().map(links::name))
}

fn happened(entry: &Entry, sees_audit: bool, now: Timestamp) -> Option<Happened> {
    let Event::Record(event) = &entry.event else { return None };
    let said = message(&entry.event);
    Some(Happened {
        at: Instant::of(entry.at, now),
        sentence: english(said.key, &said.values),
        by: None,
        import_href: import_of(event).map(imports::href),
        href: sees_audit.then(|| event_href(entry.id)),
    })
}

fn import_of(event: &RecordEvent) -> Option<ImportId> {
    match event {
        RecordEvent::PreviousRecordImported { import, .. }
        | RecordEvent::PreviousRecordChanged { import, .. }
        | RecordEvent::PreviousRecordMissing { import }
        | RecordEvent::PreviousRecordReturned { import }
        | RecordEvent::PreviousRecordImportUndone { import, .. } => Some(*import),
        RecordEvent::PreviousRecordOwnerResolved { .. } => None,
        RecordEvent::LinkProposed { .. } | RecordEvent::SilenceAsked { .. } | RecordEvent::LinkConfirmed { .. } => None,
        RecordEvent::MigrationExceptionMade { .. }
        | RecordEvent::MigrationExceptionEnded {}
        | RecordEvent::RecordNoteAdded { .. }
        | RecordEvent::RetirementNotified { .. }
        | RecordEvent::PreviousRecordShredded {} => None,
        RecordEvent::LinkRejected { .. } | RecordEvent::LinkUndone { .. } => None,
    }
}
