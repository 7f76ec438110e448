//! Commands for many devices: first the selection of devices and command; then a rehearsal, which changes nothing and
//! shows which devices would accept the command; then the action, on the list that was shown ([`super::batch`]).

mod rehearsal;
mod selection;

use super::batch::{Batch, Shown};
use super::form::Sent;
use super::wanted::{command, parameters, wanted};
use super::{must_prove, prove, questions};
use crate::admin::act::wait;
use crate::admin::carried::{About, Act as Waiting};
use crate::admin::devices::Choice;
use crate::admin::pages::{show, show_as};
use crate::admin::problem::Problem;
use crate::admin::proof;
use crate::admin::render::view;
use crate::admin::session::{Acts, May, Own};
use crate::admin::words;
use crate::web::content::content;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use devices::commands::request::CommandRequest;
use devices::commands::table::{COMMANDS, CommandSpec};
use devices::commands::{Consent, QueueError, Violation};
use events::device::DeviceId;
use events::staff::StaffActivityEvent;
use projections::devices as inventory;
use rehearsal::{Answer, Kept, Rehearsal, gone, kept, line};
use selection::filter;
use serde::Serialize;
use uuid::Uuid;

/// Maximum number of devices in one batch: each is checked against its own stream.
const AT_MOST: usize = 500;
/// Reasons why a device of the list is left out.
const DAMAGED: &str = "its record is damaged and cannot be read. Nothing was queued for it";
const CHANGED: &str = "its record changed after the list was shown (person, name, kind or state). Rehearse again";

#[derive(Serialize)]
struct Verbs {
    verbs: Vec<Offered>,
}

view!(commands, Menu, Verbs { verbs });

#[derive(Serialize)]
struct Offered {
    href: String,
    label: &'static str,
    consequence: &'static str,
    class: &'static str,
}

content!(Offered { href, label, consequence, class });

/// Shows the commands for many devices.
///
/// # Errors
/// Returns an error if the template cannot be rendered.
pub(crate) async fn choose(staff: May<Acts>) -> Result<HttpResponse, Problem> {
    let offered = |spec: &CommandSpec| Offered {
        href: format!("/console/commands/{}", spec.name),
        label: spec.label,
        consequence: spec.consequence,
        class: if spec.irreversible { "bad" } else { "" },
    };
    show("Commands", "commands", &staff, &Verbs { verbs: COMMANDS.iter().map(offered).collect() })
}

#[derive(Serialize)]
struct BulkCommandPage {
    verb: &'static str,
    label: &'static str,
    consequence: &'static str,
    action: String,
    request: Uuid,
    /// Error because of which the form is shown again.
    wrong: Option<&'static str>,
    all: bool,
    person: String,
    ids: String,
    named: String,
    kinds: Vec<Choice>,
    questions: Vec<Choice>,
}

view!(
    commands_which,
    Menu,
    BulkCommandPage {
        verb among COMMANDS.map(|spec| spec.name),
        label,
        consequence,
        action,
        request,
        wrong,
        all,
        person,
        ids,
        named,
        kinds,
        questions
    }
);

/// Shows the form for the devices and the command's parameters.
///
/// # Errors
/// Returns an error if there is no such command.
pub(crate) async fn page(staff: May<Acts>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let spec = command(&path)?;
    prove(&staff, spec, page_of(spec))?;
    show_form(&staff, spec, &Sent::default(), None)
}

fn show_form(
    staff: &May<Acts>,
    spec: &'static CommandSpec,
    sent: &Sent,
    wrong: Option<&'static str>,
) -> Result<HttpResponse, Problem> {
    let typed = |name: &str| sent.text(name).unwrap_or_default().to_owned();
    let page = BulkCommandPage {
        verb: spec.name,
        label: spec.label,
        consequence: spec.consequence,
        action: format!("/console/commands/{}/try", spec.name),
        request: staff.app().platform.world.random_uuid(),
        wrong,
        all: sent.text("which") == Some("all"),
        person: typed("person"),
        ids: typed("ids"),
        named: typed("named"),
        kinds: words::kinds().map(|(value, label)| Choice::new(value, label, sent.text("kind"))).collect(),
        questions: questions(),
    };
    let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    show_as(status, spec.label, "commands", staff, &page)
}

/// Shows which devices would accept the command. Nothing is queued.
///
/// # Errors
/// Returns an error if the form is invalid, or the event log or the projections are unavailable.
pub(crate) async fn rehearse(
    staff: May<Acts>,
    own: Own,
    path: web::Path<String>,
    sent: Sent,
) -> Result<HttpResponse, Problem> {
    let spec = command(&path)?;
    let filter = match filter(&sent)? {
        Ok(filter) => filter,
        Err(wrong) => return show_form(&staff, spec, &sent, Some(wrong)),
    };
    if must_prove(&staff, spec) {
        let label = format!("Rehearse: {}", spec.label);
        return proof::first(&own, &carried(spec, "try", About::chosen_later(&label), &sent));
    }
    let wanted = wanted(spec, &sent, staff.now())?;
    staff.record(StaffActivityEvent::DeviceListViewed {}).await?;
    let found = inventory::list_whole(staff.projections(), filter.clone(), AT_MOST).await;
    let found = found.map_err(|error| staff.broken(error))?;
    let (mut lines, mut accepting, mut needed) = (Vec::new(), Vec::new(), Consent::Nothing);
    for device in &found.devices {
        let answer = said(staff.app().devices.would_accept(device.id, &wanted).await, &staff)?;
        if let Ok(concerns) = &answer {
            accepting.push(device);
            needed = needed.max(Consent::needed(concerns));
        }
        lines.push(line(device, answer));
    }
    let what = parameters(&wanted, &sent);
    let batch = Batch { staff: &staff, spec, request: wanted.id, what: &what };
    let page = Rehearsal {
        confirm: phrase(spec, accepting.len()),
        warned: needed == Consent::Warned,
        doubted: needed == Consent::Confirmed,
        batch: batch.seal(accepting.iter().copied()),
        kept: kept(what, &sent),
        accepting: accepting.len(),
        refusing: lines.len() - accepting.len(),
        unknown: inventory::unknown(staff.projections(), filter.ids).await.map_err(|error| staff.broken(error))?,
        next: found.next.map(|last| last.to_string()),
        ..Rehearsal::of(spec, wanted.id, lines, false)
    };
    show(&format!("Rehearsal: {}", spec.label), "commands", &staff, &page)
}

/// Returns the text to type as a confirmation before a destructive command on this number of devices.
fn phrase(spec: &'static CommandSpec, devices: usize) -> Option<String> {
    spec.irreversible.then(|| format!("{} {devices}", spec.name))
}

// Keeps the submitted form for sending it again after the confirmation.
fn carried(spec: &'static CommandSpec, act: &str, about: About, sent: &Sent) -> Waiting {
    Waiting {
        path: format!("{}/{act}", page_of(spec)),
        about,
        consequence: spec.consequence.to_owned(),
        fields: sent.carried(),
        back: page_of(spec),
    }
}

// Answers a form whose list is no longer valid: the page leads to a rehearsal with the same parameters.
fn stale(
    staff: &May<Acts>,
    spec: &'static CommandSpec,
    wanted: &CommandRequest,
    kept: Vec<Kept>,
) -> Result<HttpResponse, Problem> {
    let page = Rehearsal { stale: true, kept, ..Rehearsal::of(spec, wanted.id, vec![], false) };
    show_as(StatusCode::CONFLICT, &format!("Nothing was done: {}", spec.label), "commands", staff, &page)
}

// Shows the same list again, because the typed text was wrong.
async fn again(
    staff: &May<Acts>,
    spec: &'static CommandSpec,
    (wanted, shown): (&CommandRequest, &[Shown]),
    page: Rehearsal,
) -> Result<HttpResponse, Problem> {
    let mut lines = Vec::new();
    for shown in shown {
        let found = inventory::get(staff.projections(), shown.device, None).await;
        lines.push(match found.map_err(|error| staff.broken(error))? {
            None => gone(shown.device),
            Some(device) if !shown.still_is(&device) => line(&device, Err(CHANGED.to_owned())),
            Some(device) => line(&device, said(staff.app().devices.would_accept(device.id, wanted).await, staff)?),
        });
    }
    let refusing = lines.iter().filter(|line| !line.why.is_empty()).count();
    let page = Rehearsal { accepting: lines.len() - refusing, refusing, lines, ..page };
    show_as(StatusCode::CONFLICT, &format!("Rehearsal: {}", spec.label), "commands", staff, &page)
}

/// Queues the command for the devices of the rehearsal. Each device's aggregate decides again. A record that differs
/// from what was shown is left out and reported.
///
/// # Errors
/// Returns an error if the form is invalid, or the event log or the projections are unavailable.
pub(crate) async fn perform(
    staff: May<Acts>,
    own: Own,
    path: web::Path<String>,
    sent: Sent,
) -> Result<HttpResponse, Problem> {
    let spec = command(&path)?;
    let wanted = wanted(spec, &sent, staff.now())?;
    let what = parameters(&wanted, &sent);
    let batch = Batch { staff: &staff, spec, request: wanted.id, what: &what };
    let sealed = sent.text("batch").unwrap_or_default();
    let Some(shown) = batch.open(sealed) else { return stale(&staff, spec, &wanted, kept(what, &sent)) };
    let confirm = phrase(spec, shown.len());
    if confirm.as_deref().is_some_and(|phrase| sent.text("confirm") != Some(phrase)) {
        let page = Rehearsal {
            wrong: true,
            typed: sent.text("confirm").unwrap_or_default().to_owned(),
            confirm,
            batch: sealed.to_owned(),
            kept: kept(what, &sent),
            next: sent.text("next").map(str::to_owned),
            ..Rehearsal::of(spec, wanted.id, vec![], false)
        };
        return again(&staff, spec, (&wanted, &shown), page).await;
    }
    if must_prove(&staff, spec) {
        let devices: Vec<DeviceId> = shown.iter().map(|shown| shown.device).collect();
        let about = About::many(&format!("{} on {}", spec.label, shown.len()), &devices, &staff).await?;
        return proof::first(&own, &carried(spec, "do", about, &sent));
    }
    let (mut lines, mut done, mut last) = (Vec::new(), 0, None);
    for shown in shown {
        let found = inventory::get(staff.projections(), shown.device, None).await;
        let Some(device) = found.map_err(|error| staff.broken(error))? else {
            lines.push(gone(shown.device));
            continue;
        };
        let answer = if shown.still_is(&device) {
            let queued = staff.app().devices.request(shown.device, &wanted, &staff.context()).await;
            let appended = queued.as_ref().ok().and_then(|queued| queued.appended);
            last = last.max(appended.map(|appended| appended.position));
            said(queued.map(|_| vec![]), &staff)?
        } else {
            Err(CHANGED.to_owned())
        };
        done += usize::from(answer.is_ok());
        lines.push(line(&device, answer));
    }
    // The page leads to the records of the devices.
    if let Some(last) = last {
        wait(staff.app(), last).await;
    }
    let page = Rehearsal {
        accepting: done,
        refusing: lines.len() - done,
        kept: kept(what, &sent),
        next: sent.text("next").map(str::to_owned),
        ..Rehearsal::of(spec, wanted.id, lines, true)
    };
    show(&format!("Queued: {}", spec.label), "commands", &staff, &page).map_err(Problem::reporting)
}

// A corrupt record is left out and reported; it does not block the other devices.
fn said(outcome: Result<Vec<Violation>, QueueError>, staff: &May<Acts>) -> Result<Answer, Problem> {
    match outcome {
        Ok(concerns) => Ok(Ok(concerns)),
        Err(QueueError::Perform(error)) if error.is_damage() => Ok(Err(DAMAGED.to_owned())),
        Err(error) => super::refusal(error, staff.correlation()).map(Err),
    }
}

fn page_of(spec: &CommandSpec) -> String {
    format!("/console/commands/{}", spec.name)
}
