//! Page of one device: its record, the reported inventory, earlier records, the timeline, and the possible actions.

use super::fact::Fact;
use super::{done, identity, reported};
use super::{href, parse_as_of, parse_device};
use crate::admin::act;
use crate::admin::audit;
use crate::admin::claims;
use crate::admin::cleared::{self, Hidden};
use crate::admin::commands::{Standing, possible as commands_of, standing};
use crate::admin::invitations::words::invite_owner;
use crate::admin::lineage::{self, Lineage};
use crate::admin::links::{self, Shown};
use crate::admin::migration::{self, Migrating, migrating};
use crate::admin::pages::show;
use crate::admin::problem::Problem;
use crate::admin::query::{Parameters, Query, read};
use crate::admin::render::view;
use crate::admin::session::{Acts, May, SeesInventory, Staff, is_permitted};
use crate::admin::words::{self, Chip, Instant, NONE};
use crate::web::content::content;
use ::devices::commands::table::CommandSpec;
use actix_web::{HttpResponse, web};
use events::device::DeviceId;
use events::enrollment::EnrollmentKind;
use events::log::Log;
use events::record::RecordId;
use events::settings::ClearedView;
use events::staff::StaffActivityEvent;
use events::{ActorKind, Timestamp};
use projections::audit::{AuditFilter, Match, Row, supersession};
use projections::claims::{Claim, open_of};
use projections::commands::{self, ManagedApp, Queued};
use projections::devices::{self as inventory, Device};
use projections::enrollments;
use projections::reenrollment::{self, Earlier};
use projections::renewals::{self, Renewal};
use projections::{ProjectionError, Projections, last_seen};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Earlier and later records shown.
const EARLIER: usize = 5;
/// Events shown; the others are in the audit trail.
const TIMELINE: usize = 100;

/// Maximum number of commands read for the page.
const COMMANDS: usize = 25;
/// Number of finished commands that are shown at once; the others are folded away.
const NEWEST_OVER: usize = 3;

#[derive(Deserialize)]
pub(crate) struct AsOf {
    as_of: Option<String>,
}

#[derive(Serialize)]
struct DevicePage {
    /// Message about what the previous form did.
    done: Option<String>,
    href: String,
    label: String,
    sub: String,
    ownership: Option<String>,
    state: Chip,
    archived: bool,
    /// What the re-enrollment settings hide.
    hidden: Option<String>,
    /// The re-enrollment settings hide commands.
    hides_commands: bool,
    as_of: Option<Instant>,
    now_or_then: String,
    facts: Vec<Fact>,
    inventory: Vec<Fact>,
    claims: Vec<claims::Shown>,
    /// Links to earlier records.
    links: Vec<Shown>,
    /// Links to later enrollments.
    later: Vec<Shown>,
    lineage: Option<Lineage>,
    migration: Option<Migrating>,
    /// Records that were found at sign-in, or by the same UDID.
    earlier: Vec<Relative>,
    /// Address of the list of all records of the person, if there are more than are shown.
    earlier_more: Option<String>,
    manage: Vec<Manage>,
    /// Address of the form that invites the person to enroll this device again.
    invite_href: Option<String>,
    acts: Vec<Offered>,
    commands: Vec<Standing>,
    /// Finished commands except the newest.
    commands_over: Vec<Standing>,
    apps: Vec<AppLine>,
    lists: Vec<reported::List>,
    timeline: Vec<Happened>,
    more: bool,
    audit_href: String,
}

view!(
    device,
    Menu,
    DevicePage {
        done,
        href,
        label,
        sub,
        ownership,
        state,
        archived,
        hidden,
        hides_commands,
        as_of,
        now_or_then,
        facts,
        inventory,
        claims,
        links,
        later,
        lineage,
        migration,
        earlier,
        earlier_more,
        manage,
        invite_href,
        acts,
        commands,
        commands_over,
        apps,
        lists,
        timeline,
        more,
        audit_href
    }
);

#[derive(Serialize)]
struct Relative {
    href: Option<String>,
    label: String,
    relation: &'static str,
    class: &'static str,
    evidence: String,
    at: Instant,
}

content!(Relative { href, label, relation, class, evidence, at });

#[derive(Serialize)]
struct Manage {
    verb: &'static str,
    consequence: &'static str,
    action: String,
    class: &'static str,
}

content!(Manage { verb, consequence, action, class });

#[derive(Serialize)]
struct Happened {
    at: Instant,
    sentence: String,
    by: Option<String>,
    class: &'static str,
    outcome: Option<Chip>,
    href: String,
}

content!(Happened { at, sentence, by, class, outcome, href });

/// An action with its own page.
#[derive(Serialize)]
struct Offered {
    href: String,
    label: &'static str,
    class: &'static str,
}

content!(Offered { href, label, class });

/// An app installed by management.
#[derive(Serialize)]
struct AppLine {
    app: String,
    status: String,
    at: Instant,
}

content!(AppLine { app, status, at });

/// Data that the page is made from.
struct Found {
    commands: Vec<Queued>,
    apps: Vec<ManagedApp>,
    device: Device,
    by_account: bool,
    /// State of the identity's renewal, for an enrolled device.
    renewal: Option<Renewal>,
    known: BTreeMap<String, Option<String>>,
    claims: Vec<(Claim, Option<Device>)>,
    /// For each claim, when an attestation was last requested from the later record's device.
    asked: Vec<Option<Timestamp>>,
    earlier: Vec<(Earlier, Option<Device>)>,
    /// Event in which the device reported its attributes before it got its profile, if it was asked.
    told_before: Option<Row>,
    rows: Vec<Row>,
    more: bool,
}

/// Shows the page.
///
/// # Errors
/// Returns an error if there is no such device now or at the given time, or the event log or the projections are
/// unavailable.
pub(crate) async fn page(
    staff: May<SeesInventory>,
    path: web::Path<String>,
    address: Parameters<AsOf, done::Asked>,
) -> Result<HttpResponse, Problem> {
    let Parameters(AsOf { as_of }, asked) = address;
    let id = parse_device(&path)?;
    let as_of = read("as_of", as_of.as_deref(), parse_as_of)?;
    let found = look_up(staff.projections(), staff.log(), id, as_of).await.map_err(|error| staff.broken(error))?;
    let mut found = found.ok_or(Problem::NotFound)?;
    staff.record(StaffActivityEvent::DeviceViewed { device: id }).await?;
    let label = words::label(&found.device);
    let wanted = asked.wanted();
    let done = match as_of {
        None => done::said(&staff, &found.device, &found.commands, &found.claims, &asked).await,
        Some(_) => Ok(None),
    };
    let done = match done.map_err(|error| staff.broken(error))? {
        None if as_of.is_none() => links::said(&staff, &asked.of_link()).await?,
        done => done,
    };
    let (earlier, later) = links::of_device(&staff, id, as_of).await?;
    let lineage = lineage::of(&staff, RecordId::of_device(id), as_of).await?;
    let hidden = cleared::hidden(&staff, RecordId::of_device(id)).await?;
    let hides_commands;
    (found.commands, hides_commands) = cleared::commands(&staff, id, found.commands).await?;
    hide(&mut found, &hidden);
    let page = assemble(&found, &staff, as_of, staff.now());
    let migration = migrating(&staff, RecordId::of_device(id), as_of).await?.map(|said| said.shown(&hidden));
    let done = done.or_else(|| migration::said(migration.as_ref(), wanted.as_deref()));
    let hidden = hidden.sentence;
    let is_done = migration.as_ref().is_some_and(|migration| migration.is_done);
    let invite_href = page.invite_href.clone().filter(|_| !is_done);
    let page =
        DevicePage { invite_href, done, links: earlier, later, lineage, hidden, hides_commands, migration, ..page };
    show(&label, "devices", &staff, &page)
}

// An earlier enrollment has one owner, so it has no earlier ones.
fn hide(found: &mut Found, hidden: &Hidden) {
    if hidden.hides(ClearedView::Location) {
        (found.device.person, found.device.user_name) = (None, None);
    }
    if hidden.hides(ClearedView::Logs) {
        (found.rows, found.more) = (vec![], false);
    }
}

async fn look_up(
    projections: &Projections,
    log: &Log,
    id: DeviceId,
    as_of: Option<Timestamp>,
) -> Result<Option<Found>, ProjectionError> {
    let Some(mut device) = inventory::get(projections, id, as_of).await? else { return Ok(None) };
    device.last_seen = match as_of {
        None => last_seen::last_seen(projections, id).await?,
        Some(_) => None,
    };
    let known = inventory::known(projections, id, as_of).await?;
    let to = as_of.map(|at| Timestamp(at.0 + 1));
    // The timeline shows what happened to the device. Views of its record are only in the audit trail.
    let event_type = Some(Match::is_not("DeviceViewed".to_owned()));
    let filter = AuditFilter { device: Some(id), to, event_type, ..AuditFilter::default() };
    let history = projections::audit::query(projections, log, filter, TIMELINE).await?;
    let event_type = Some(Match::is("DeviceAttributesReported".to_owned()));
    let filter = AuditFilter { device: Some(id), to, event_type, ..AuditFilter::default() };
    let told_before = projections::audit::query(projections, log, filter, 1).await?.rows.pop();
    let mut earlier = Vec::new();
    // Reads one more than is shown, to know whether there are others.
    for found in reenrollment::of_device(projections, id, as_of, EARLIER + 1).await? {
        let other = if found.enrollment == id { found.previous } else { found.enrollment };
        let other = inventory::get(projections, other, None).await?;
        earlier.push((found, other));
    }
    let (mut claims, mut asked) = (Vec::new(), Vec::new());
    // Claims, like commands, are only shown for the present.
    if as_of.is_none() {
        for claim in open_of(projections, id).await? {
            let other = if claim.later == id { claim.earlier } else { claim.later };
            let other = inventory::get(projections, other, None).await?;
            asked.push(claims::asked(projections, log, claim.later).await?);
            claims.push((claim, other));
        }
    }
    let enrollment = enrollments::get(projections, id.enrollment()).await?;
    // Commands, apps and renewals are only shown for the present.
    let (commands, apps, renewal) = match as_of {
        None => (
            commands::of_device(projections, id, COMMANDS).await?,
            commands::apps(projections, id).await?,
            renewals::of_device(projections, id).await?,
        ),
        Some(_) => (vec![], vec![], None),
    };
    let by_account = enrollment.is_some_and(|enrollment| enrollment.by_account);
    let (more, rows) = (history.next.is_some(), history.rows);
    Ok(Some(Found {
        commands,
        apps,
        by_account,
        device,
        renewal,
        known,
        claims,
        asked,
        earlier,
        told_before,
        rows,
        more,
    }))
}

fn assemble(found: &Found, staff: &Staff, as_of: Option<Timestamp>, now: Timestamp) -> DevicePage {
    let device = &found.device;
    let acts = is_permitted::<Acts>(&staff.roles) && as_of.is_none();
    let (commands, commands_over) = split(found.commands.iter().map(|queued| standing(device.id, queued, acts, now)));
    DevicePage {
        done: None,
        links: vec![],
        later: vec![],
        lineage: None,
        migration: None,
        href: href(device.id, None),
        label: words::label(device),
        sub: sub(device),
        ownership: device.ownership.map(words::ownership),
        state: words::state(device.state),
        archived: device.archived,
        hidden: None,
        hides_commands: false,
        as_of: as_of.map(|at| Instant::of(at, now)),
        now_or_then: Instant::of(as_of.unwrap_or(now), now).input,
        facts: facts(found, as_of, now),
        inventory: reported::facts(&found.known),
        lists: reported::lists(&found.known),
        commands,
        commands_over,
        apps: found.apps.iter().map(|app| app_line(app, now)).collect(),
        acts: if acts { offered(device) } else { vec![] },
        earlier_more: device
            .person
            .filter(|_| found.earlier.len() > EARLIER)
            .map(|person| lineage::person_href(person, as_of)),
        claims: found
            .claims
            .iter()
            .zip(&found.asked)
            .map(|((claim, other), asked)| claims::shown(device.id, (claim, *asked), other.as_ref(), acts, now))
            .collect(),
        earlier: found
            .earlier
            .iter()
            .take(EARLIER)
            .map(|(earlier, other)| relative(device.id, earlier, other.as_ref(), now))
            .collect(),
        manage: if acts { manage(device) } else { vec![] },
        invite_href: invite_owner(staff, RecordId::of_device(device.id)).filter(|_| as_of.is_none()),
        timeline: found.rows.iter().map(|row| happened(row, now)).collect(),
        more: found.more,
        audit_href: Query::default().with("device", Some(&device.id.to_string())).href(audit::PATH),
    }
}

// Splits off the commands to show at once: waiting ones and the newest finished ones. The others are folded away.
fn split(commands: impl Iterator<Item = Standing>) -> (Vec<Standing>, Vec<Standing>) {
    let mut over = 0;
    commands.partition(|command| {
        over += usize::from(!command.waits);
        command.waits || over <= NEWEST_OVER
    })
}

fn sub(device: &Device) -> String {
    let version = device.os_version.as_ref().map(|version| format!("iOS {version}"));
    let identifier = device.product_name.as_deref();
    let model = words::model(identifier).map(|model| match identifier {
        Some(identifier) if identifier != model => format!("{model} ({identifier})"),
        _ => model,
    });
    let parts = [model, version, device.user_name.clone()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn facts(found: &Found, as_of: Option<Timestamp>, now: Timestamp) -> Vec<Fact> {
    let device = &found.device;
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| NONE.to_owned());
    let instant = |at: Option<Timestamp>| at.map_or_else(|| NONE.to_owned(), |at| Instant::of(at, now).words);
    let mut facts = vec![Fact::new("Enrolled", instant(device.enrolled_at))];
    if device.ended_at.is_some() {
        facts.push(Fact::new("Ended", instant(device.ended_at)));
    }
    if let Some(at) = device.last_seen {
        facts.push(Fact::new("Last contact", Instant::of(at, now).ago));
    }
    let way = if found.by_account { "account-driven" } else { "profile-based" };
    facts.push(Fact::new("Enrollment", format!("{}, {way}", words::kind(device.kind))));
    if let Some(person) = device.person {
        let name = words::person([device.user_name.as_deref()]);
        facts.push(Fact::linked("Person", name, lineage::person_href(person, as_of)));
    }
    if device.kind == Some(EnrollmentKind::UserEnrollment) {
        facts.push(Fact::new(words::account_name(device), text(&device.managed_apple_id)));
        facts.push(Fact::new("Enrollment ID", text(&device.enrollment_id)));
        facts.push(Fact::new("Serial number, UDID", "not collected"));
    } else {
        facts.push(Fact::new("Serial number", text(&device.serial_number)));
        facts.push(Fact::new("UDID", text(&device.udid)));
    }
    if let Some(row) = &found.told_before {
        facts.push(Fact::linked("Before the MDM profile", &row.sentence, audit::event_href(row.event)));
    }
    facts.push(Fact::new("Build", text(&device.build_version)));
    facts.extend(identity::facts(device, found.renewal.as_ref(), now));
    if let Some(by) = device.superseded_by {
        facts.push(Fact::linked("Enrolled again as", words::short(&by.to_string()), href(by, None)));
    }
    if let Some(evidence) = device.superseded_evidence {
        facts.push(Fact::new("Evidence", supersession(evidence)));
    }
    facts
}

fn app_line(app: &ManagedApp, now: Timestamp) -> AppLine {
    AppLine { app: app.app.clone(), status: words::app(&app.status).to_owned(), at: Instant::of(app.at, now) }
}

fn offered(device: &Device) -> Vec<Offered> {
    let offer = |spec: &CommandSpec| Offered {
        href: format!("{}/commands/{}", href(device.id, None), spec.name),
        label: spec.label,
        class: if spec.irreversible { "bad" } else { "" },
    };
    commands_of(device).into_iter().map(offer).collect()
}

fn relative(id: DeviceId, found: &Earlier, other: Option<&Device>, now: Timestamp) -> Relative {
    let (other_id, relation, class) = if found.enrollment == id {
        (found.previous, "Earlier record", "warn")
    } else {
        (found.enrollment, "Later record", "muted")
    };
    Relative {
        href: other.map(|other| href(other.id, None)),
        label: other.map_or_else(|| format!("Enrollment {}", words::short(&other_id.to_string())), words::label),
        relation,
        class,
        evidence: evidence(&found.evidence),
        at: Instant::of(found.at, now),
    }
}

fn evidence(found: &[reenrollment::Found]) -> String {
    use reenrollment::Found as F;
    let words = found.iter().map(|found| match found {
        F::SamePerson => "same person",
        F::SameFamily => "same kind of device",
        F::SameHardware => "same UDID",
    });
    words.collect::<Vec<_>>().join(", ")
}

fn manage(device: &Device) -> Vec<Manage> {
    act::possible(device)
        .into_iter()
        .map(|verb| Manage {
            verb: verb.label(),
            consequence: verb.consequence(),
            action: format!("{}/{}", href(device.id, None), verb.as_str()),
            class: if verb == act::Verb::Unenroll { "bad" } else { "" },
        })
        .collect()
}

fn happened(row: &Row, now: Timestamp) -> Happened {
    let class = match row.outcome {
        projections::audit::AuditOutcome::Ok if matches!(row.actor_kind, ActorKind::Person | ActorKind::Staff) => {
            "person"
        }
        projections::audit::AuditOutcome::Ok => "",
        other => other.as_str(),
    };
    Happened {
        at: Instant::of(row.at, now),
        sentence: row.sentence.clone(),
        by: row.actor_name.clone().filter(|_| matches!(row.actor_kind, ActorKind::Person | ActorKind::Staff)),
        class,
        outcome: words::outcome(row.outcome),
        href: audit::event_href(row.event),
    }
}
