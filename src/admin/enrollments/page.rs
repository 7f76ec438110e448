//! Page of one enrollment: the current step, advice for the help desk, the timeline, and the duration of each step.

use super::{advice, parse_enrollment, words};
use crate::admin::audit::event_href;
use crate::admin::devices::{Fact, href as device_href};
use crate::admin::lineage::person_href;
use crate::admin::pages::show;
use crate::admin::problem::Problem;
use crate::admin::query::Query;
use crate::admin::render::view;
use crate::admin::session::{May, SeesAudit, SeesFunnel, SeesInventory, Staff, is_permitted};
use crate::admin::words::{Chip, Instant, outcome};
use crate::web::content::content;
use actix_web::{HttpResponse, web};
use events::enrollment::{AttributeName, EnrollmentId, EnrollmentRefusal, ReceivedAttributes};
use events::log::Log;
use events::staff::StaffActivityEvent;
use events::{ActorKind, Timestamp};
use projections::audit::{self, AuditFilter, Row};
use projections::enrollments::{self, Enrollment, EnrollmentFilter, Refusal, State, Step, StepTime};
use projections::{ProjectionError, Projections};
use serde::Serialize;
use std::collections::BTreeSet;

/// Maximum number of events read for the page; an enrollment has few.
const TIMELINE: usize = 300;
/// Maximum number of other enrollments of the same person that are shown.
const OTHERS: usize = 10;

#[derive(Serialize)]
struct EnrollmentPage {
    who: String,
    sub: String,
    state: Chip,
    now: String,
    tell: Vec<String>,
    facts: Vec<Fact>,
    refusals: Vec<Said>,
    steps: Vec<Stood>,
    others: Vec<super::Line>,
    timeline: Vec<Happened>,
}

view!(enrollment, Menu, EnrollmentPage { who, sub, state, now, tell, facts, refusals, steps, others, timeline });

#[derive(Serialize)]
struct Said {
    at: Instant,
    sentence: String,
}

content!(Said { at, sentence });

#[derive(Serialize)]
struct Stood {
    step: &'static str,
    took: String,
    here: bool,
}

content!(Stood { step, took, here });

#[derive(Serialize)]
struct Happened {
    at: Instant,
    sentence: String,
    class: &'static str,
    outcome: Option<Chip>,
    href: Option<String>,
}

content!(Happened { at, sentence, class, outcome, href });

struct Found {
    enrollment: Enrollment,
    steps: Vec<StepTime>,
    refusals: Vec<Refusal>,
    others: Vec<Enrollment>,
    rows: Vec<Row>,
    /// Old management may still be on the device.
    old: bool,
}

/// Maximum number of names shown of groups and of each claim.
const NAMES: usize = 50;

/// Shows the page.
///
/// # Errors
/// Returns an error if there is no such enrollment, or the event log or the projections are unavailable.
pub(crate) async fn page(staff: May<SeesFunnel>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let id = parse_enrollment(&path)?;
    let old = staff.may_have_old_management(id).await?;
    let found = look_up(staff.projections(), staff.log(), id, old).await.map_err(|error| staff.broken(error))?;
    let found = found.ok_or(Problem::NotFound)?;
    staff.record(StaffActivityEvent::VisitViewed { enrollment: id }).await?;
    let received = staff.received_on(id).await?;
    let mut page = assemble(&found, &staff, staff.now());
    page.facts.extend(received.into_iter().flat_map(|(provider, attributes)| arrived(&provider, attributes.as_ref())));
    show(&format!("Enrollment {}", found.enrollment.help_code), "enrollments", &staff, &page)
}

async fn look_up(
    projections: &Projections,
    log: &Log,
    id: EnrollmentId,
    old: bool,
) -> Result<Option<Found>, ProjectionError> {
    let Some(enrollment) = enrollments::get(projections, id).await? else { return Ok(None) };
    let filter = AuditFilter { device: Some(id.device()), ..AuditFilter::default() };
    let mut rows = audit::query(projections, log, filter, TIMELINE).await?.rows;
    rows.retain(is_of_the_enrollment);
    rows.reverse();
    let others = match enrollment.owner.as_ref().or(enrollment.signed_in.as_ref()) {
        Some(named) => {
            let filter = EnrollmentFilter { person: Some(named.person), ..EnrollmentFilter::default() };
            enrollments::list(projections, filter, OTHERS + 1).await?.enrollments
        }
        None => Vec::new(),
    };
    let others = others.into_iter().filter(|other| other.id != id).take(OTHERS).collect();
    let (steps, refusals) = (enrollments::steps(projections, id).await?, enrollments::refusals(projections, id).await?);
    Ok(Some(Found { enrollment, steps, refusals, others, rows, old }))
}

// The help desk does not see what the device reports after enrollment, nor who viewed it.
fn is_of_the_enrollment(row: &Row) -> bool {
    row.stream.category() == "enrollment"
        || matches!(row.event_type.as_str(), "DeviceAuthenticated" | "DeviceEnrolled" | "DeviceCheckedOut")
}

fn assemble(found: &Found, staff: &Staff, now: Timestamp) -> EnrollmentPage {
    let enrollment = &found.enrollment;
    let last = found.refusals.iter().rev().find_map(|refusal| refusal.reason);
    let advice = advice::advice(enrollment, (last, found.old), &format!("{}/enroll", staff.public_url()));
    EnrollmentPage {
        who: words::who(enrollment),
        sub: format!("{}, help code {}", words::device(enrollment), enrollment.help_code),
        state: words::state(enrollment.state),
        now: decided(found).map_or_else(|| advice.now.to_owned(), |decided| format!("{} {decided}", advice.now)),
        tell: advice.tell,
        facts: facts(enrollment, staff, now),
        refusals: found
            .refusals
            .iter()
            .map(|refusal| Said { at: Instant::of(refusal.at, now), sentence: refusal.sentence.clone() })
            .collect(),
        steps: found
            .steps
            .iter()
            .filter(|step| step.step != Step::Enrolled)
            .map(|step| stood(step, enrollment, now))
            .collect(),
        others: found.others.iter().map(|other| super::line(other, now)).collect(),
        timeline: found.rows.iter().map(|row| happened(row, staff, now)).collect(),
    }
}

// Returns the access decision with its rule, if the access rules stopped the person.
fn decided(found: &Found) -> Option<String> {
    let by_rules = found.enrollment.why == Some(EnrollmentRefusal::NotPermitted);
    let row = found.rows.iter().rev().find(|row| row.event_type == "AccessDecided").filter(|_| by_rules)?;
    Some(format!("{}.", row.sentence))
}

fn facts(enrollment: &Enrollment, staff: &Staff, now: Timestamp) -> Vec<Fact> {
    let time = |at: Timestamp| Instant::of(at, now);
    let mut facts = vec![
        Fact::new("Step", words::step(enrollment.step)),
        Fact::new("Since", time(enrollment.step_since).ago),
        Fact::new("Started in", if enrollment.by_account { "Settings (account-driven)" } else { "Portal" }),
        Fact::new("Opened", time(enrollment.opened).words),
        Fact::new("Last event", time(enrollment.last).words),
        Fact::new("Signed in with", words::signed_in_with(enrollment)),
        Fact::new("Language", &enrollment.language),
    ];
    if let (Some(signed_in), Some(owner)) = (&enrollment.signed_in, &enrollment.owner)
        && signed_in.person != owner.person
    {
        facts.push(Fact::new("Device of", words::name(owner)));
        facts.push(Fact::new("Enrolled by", words::name(signed_in)));
    }
    if let Some(named) = enrollment.owner.as_ref().or(enrollment.signed_in.as_ref()) {
        facts.push(Fact::linked("Person", words::name(named), person_href(named.person, None)));
    }
    if let Some(ended) = enrollment.ended {
        facts.push(Fact::new("Ended", time(ended).words));
    }
    if enrollment.state == State::Enrolled && is_permitted::<SeesInventory>(&staff.roles) {
        facts.push(Fact::linked("Device", "its record", device_href(enrollment.id.device(), None)));
    }
    if is_permitted::<SeesAudit>(&staff.roles) {
        let all = Query::default().with("device", Some(&enrollment.id.to_string())).href(crate::admin::audit::PATH);
        facts.push(Fact::linked("All events", "in the audit trail", all));
    }
    facts
}

// Returns the received groups and claims, which access rules can use.
fn arrived(provider: &str, attributes: Option<&ReceivedAttributes>) -> Vec<Fact> {
    let Some(attributes) = attributes else { return vec![Fact::new("Groups received", "erased")] };
    let untold = |attribute: &AttributeName| attributes.untold.iter().any(|untold| untold.attribute == *attribute);
    let mut facts = vec![Fact::new(
        "Groups received",
        format!("{} (from {provider})", listed(&attributes.groups, untold(&AttributeName::Groups))),
    )];
    let named = attributes.untold.iter().filter_map(|untold| match &untold.attribute {
        AttributeName::Claim(name) => Some(name),
        AttributeName::Groups => None,
    });
    let names: BTreeSet<&String> = attributes.claims.keys().chain(named).collect();
    for name in names {
        let values = attributes.claims.get(name).cloned().unwrap_or_default();
        let said = listed(&values, untold(&AttributeName::Claim(name.clone())));
        facts.push(Fact::new("Claim received", format!("{name}: {said}")));
    }
    if attributes.left_out > 0 {
        facts.push(Fact::new("Not kept", format!("{} more groups and values", attributes.left_out)));
    }
    facts
}

fn listed(names: &BTreeSet<String>, untold: bool) -> String {
    let shown = names.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
    match (names.len(), untold) {
        (0, false) => "none".to_owned(),
        (0, true) => "the provider did not send them".to_owned(),
        (count, _) if count > NAMES => format!("{shown}, and {} more", count - NAMES),
        (_, false) => shown,
        (_, true) => format!("{shown}, and possibly others"),
    }
}

fn stood(step: &StepTime, enrollment: &Enrollment, now: Timestamp) -> Stood {
    let here = enrollment.state == State::Open && step.left.is_none();
    let took = match (step.left, here) {
        (Some(left), _) => words::lasting(left.seconds_since(step.reached)),
        (None, true) => words::lasting(now.seconds_since(step.reached)),
        (None, false) => String::new(),
    };
    Stood { step: words::step(step.step), took, here }
}

fn happened(row: &Row, staff: &Staff, now: Timestamp) -> Happened {
    let class = match (row.outcome, row.actor_kind) {
        (projections::audit::AuditOutcome::Refused, _) => "refused",
        (projections::audit::AuditOutcome::Failed, _) => "failed",
        (_, ActorKind::Person | ActorKind::Visitor) => "person",
        _ => "",
    };
    Happened {
        at: Instant::of(row.at, now),
        sentence: row.sentence.clone(),
        class,
        outcome: outcome(row.outcome),
        href: is_permitted::<SeesAudit>(&staff.roles).then(|| event_href(row.event)),
    }
}
