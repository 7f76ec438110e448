//! Commands for many devices: first the selection of devices and command; then a rehearsal, which changes nothing and
//! shows which devices would accept the command; then the action, on the list that was shown ([`super::batch`]).

use super::batch::{Batch, Shown};
use super::form::Sent;
use super::wanted::{Verb, wanted};
use super::{must_prove, prove};
use crate::admin::carried::{About, Act as Waiting};
use crate::admin::devices::{Choice, href, of_person, parse_device};
use crate::admin::pages::{show, show_as, view};
use crate::admin::problem::Problem;
use crate::admin::proof;
use crate::admin::session::{Acts, May, Own};
use crate::admin::words;
use crate::web::content::content;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use devices::commands::act::{Act, Wanted};
use devices::commands::{Consent, QueueError, Violation, lines};
use events::device::DeviceId;
use events::enrollment::EnrollmentKind;
use events::staff::AccessEvent;
use projections::devices::{self as inventory, Device, DeviceFilter, State};
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
pub async fn choose(staff: May<Acts>) -> Result<HttpResponse, Problem> {
    let offered = |verb: Verb| Offered {
        href: format!("/console/commands/{}", verb.as_str()),
        label: verb.label(),
        consequence: verb.consequence(),
        class: if verb.is_destructive() { "bad" } else { "" },
    };
    show("Commands", "commands", &staff, &Verbs { verbs: Verb::ALL.map(offered).into() })
}

#[derive(Serialize)]
struct Page {
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
}

view!(
    commands_which,
    Menu,
    Page {
        verb among Verb::ALL.map(Verb::as_str),
        label,
        consequence,
        action,
        request,
        wrong,
        all,
        person,
        ids,
        named,
        kinds
    }
);

/// Shows the form for the devices and the command's parameters.
///
/// # Errors
/// Returns an error if there is no such command.
pub async fn page(staff: May<Acts>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let verb = Verb::parse(&path)?;
    prove(&staff, verb, page_of(verb))?;
    show_form(&staff, verb, &Sent::default(), None)
}

fn show_form(staff: &May<Acts>, verb: Verb, sent: &Sent, wrong: Option<&'static str>) -> Result<HttpResponse, Problem> {
    let typed = |name: &str| sent.text(name).unwrap_or_default().to_owned();
    let kinds = [("", "Any"), ("user", "User Enrollment"), ("device", "Device Enrollment")];
    let page = Page {
        verb: verb.as_str(),
        label: verb.label(),
        consequence: verb.consequence(),
        action: format!("/console/commands/{}/try", verb.as_str()),
        request: staff.app().platform.world.random_uuid(),
        wrong,
        all: sent.text("which") == Some("all"),
        person: typed("person"),
        ids: typed("ids"),
        named: typed("named"),
        kinds: kinds.map(|(value, label)| Choice::new(value, label, sent.text("kind"))).into(),
    };
    let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    show_as(status, verb.label(), "commands", staff, &page)
}

#[derive(Serialize)]
struct Rehearsal {
    label: &'static str,
    consequence: &'static str,
    action: String,
    back: String,
    destructive: bool,
    /// Text to type as a confirmation before a destructive command.
    confirm: Option<String>,
    /// The typed text was different.
    wrong: bool,
    typed: String,
    /// The submitted list is no longer valid.
    stale: bool,
    request: Uuid,
    /// Fields of the request, to be sent again.
    kept: Vec<Kept>,
    /// Some of the devices would ignore some keys of the profile.
    warned: bool,
    /// The profile has a payload type that Muster does not know.
    doubted: bool,
    /// Token of the list of devices that would accept the command.
    batch: String,
    /// Requested identifiers that no device has.
    unknown: Vec<String>,
    accepting: usize,
    refusing: usize,
    /// Id of the last device of this list, if more devices match; and the address for rehearsing those.
    next: Option<String>,
    next_action: String,
    done: bool,
    lines: Vec<Line>,
}

view!(
    commands_try,
    Menu,
    Rehearsal {
        label,
        consequence,
        action,
        back,
        destructive,
        confirm,
        wrong,
        typed,
        stale,
        request,
        kept,
        warned,
        doubted,
        batch,
        unknown,
        accepting,
        refusing,
        next,
        next_action,
        done,
        lines
    }
);

#[derive(Serialize)]
struct Kept {
    name: &'static str,
    value: String,
}

content!(Kept { name, value });

#[derive(Serialize)]
struct Line {
    href: String,
    label: String,
    /// Serial number, if there is one. With the beginning of the id it distinguishes devices of the same name.
    serial: Option<String>,
    id: String,
    /// The record claims another record's hardware, or the other way around.
    claim: bool,
    person: String,
    version: String,
    kind: &'static str,
    /// Reason why the device would refuse; empty if it would accept.
    why: String,
    /// Findings that need consent.
    but: Vec<String>,
}

content!(Line { href, label, serial, id, claim, person, version, kind, why, but });

/// Result of a rehearsal for one device: the findings that need consent, or the reason for a refusal.
type Answer = Result<Vec<Violation>, String>;

/// Shows which devices would accept the command. Nothing is queued.
///
/// # Errors
/// Returns an error if the form is invalid, or the event log or the projections are unavailable.
pub async fn rehearse(
    staff: May<Acts>,
    own: Own,
    path: web::Path<String>,
    sent: Sent,
) -> Result<HttpResponse, Problem> {
    let verb = Verb::parse(&path)?;
    let filter = match filter(&sent)? {
        Ok(filter) => filter,
        Err(wrong) => return show_form(&staff, verb, &sent, Some(wrong)),
    };
    if must_prove(&staff, verb) {
        let label = format!("Rehearse: {}", verb.label());
        return proof::first(&own, &carried(verb, "try", About::chosen_later(&label), &sent));
    }
    let wanted = wanted(verb, &sent, staff.now())?;
    staff.record(AccessEvent::DeviceListViewed {}).await?;
    let found = inventory::list(staff.projections(), filter.clone(), AT_MOST).await;
    let found = found.map_err(|error| staff.broken(error))?;
    let (mut lines, mut accepting, mut needed) = (Vec::new(), Vec::new(), Consent::Nothing);
    for device in &found.devices {
        let answer = said(staff.app().devices.would_accept(device.id, &wanted.act).await, &staff)?;
        if let Ok(concerns) = &answer {
            accepting.push(device);
            needed = needed.max(Consent::needed(concerns));
        }
        lines.push(line(device, answer));
    }
    let what = what(&wanted, &sent);
    let batch = Batch { staff: &staff, verb, request: wanted.request, what: &what };
    let page = Rehearsal {
        confirm: phrase(verb, accepting.len()),
        warned: needed == Consent::Warned,
        doubted: needed == Consent::Confirmed,
        batch: batch.seal(accepting.iter().copied()),
        kept: kept(what, &sent),
        accepting: accepting.len(),
        refusing: lines.len() - accepting.len(),
        unknown: inventory::unknown(staff.projections(), filter.ids).await.map_err(|error| staff.broken(error))?,
        next: found.next.map(|last| last.to_string()),
        ..Rehearsal::of(verb, wanted.request, lines, false)
    };
    show(&format!("Rehearsal: {}", verb.label()), "commands", &staff, &page)
}

/// Returns the text to type as a confirmation before a destructive command on this number of devices.
fn phrase(verb: Verb, devices: usize) -> Option<String> {
    verb.is_destructive().then(|| format!("{} {devices}", verb.as_str()))
}

// Keeps the submitted form for sending it again after the confirmation.
fn carried(verb: Verb, act: &str, about: About, sent: &Sent) -> Waiting {
    Waiting {
        path: format!("{}/{act}", page_of(verb)),
        about,
        consequence: verb.consequence().to_owned(),
        fields: sent.carried(),
        back: page_of(verb),
    }
}

// Answers a form whose list is no longer valid: the page leads to a rehearsal with the same parameters.
fn stale(staff: &May<Acts>, verb: Verb, wanted: &Wanted, kept: Vec<Kept>) -> Result<HttpResponse, Problem> {
    let page = Rehearsal { stale: true, kept, ..Rehearsal::of(verb, wanted.request, vec![], false) };
    show_as(StatusCode::CONFLICT, &format!("Nothing was done: {}", verb.label()), "commands", staff, &page)
}

// Shows the same list again, because the typed text was wrong.
async fn again(
    staff: &May<Acts>,
    verb: Verb,
    (wanted, shown): (&Wanted, &[Shown]),
    page: Rehearsal,
) -> Result<HttpResponse, Problem> {
    let mut lines = Vec::new();
    for shown in shown {
        let found = inventory::get(staff.projections(), shown.device, None).await;
        lines.push(match found.map_err(|error| staff.broken(error))? {
            None => gone(shown.device),
            Some(device) if !shown.still_is(&device) => line(&device, Err(CHANGED.to_owned())),
            Some(device) => line(&device, said(staff.app().devices.would_accept(device.id, &wanted.act).await, staff)?),
        });
    }
    let refusing = lines.iter().filter(|line| !line.why.is_empty()).count();
    let page = Rehearsal { accepting: lines.len() - refusing, refusing, lines, ..page };
    show_as(StatusCode::CONFLICT, &format!("Rehearsal: {}", verb.label()), "commands", staff, &page)
}

/// Queues the command for the devices of the rehearsal. Each device's aggregate decides again. A record that differs
/// from what was shown is left out and reported.
///
/// # Errors
/// Returns an error if the form is invalid, or the event log or the projections are unavailable.
pub async fn perform(staff: May<Acts>, own: Own, path: web::Path<String>, sent: Sent) -> Result<HttpResponse, Problem> {
    let verb = Verb::parse(&path)?;
    let wanted = wanted(verb, &sent, staff.now())?;
    let what = what(&wanted, &sent);
    let batch = Batch { staff: &staff, verb, request: wanted.request, what: &what };
    let sealed = sent.text("batch").unwrap_or_default();
    let Some(shown) = batch.open(sealed) else { return stale(&staff, verb, &wanted, kept(what, &sent)) };
    let confirm = phrase(verb, shown.len());
    if confirm.as_deref().is_some_and(|phrase| sent.text("confirm") != Some(phrase)) {
        let page = Rehearsal {
            wrong: true,
            typed: sent.text("confirm").unwrap_or_default().to_owned(),
            confirm,
            batch: sealed.to_owned(),
            kept: kept(what, &sent),
            next: sent.text("next").map(str::to_owned),
            ..Rehearsal::of(verb, wanted.request, vec![], false)
        };
        return again(&staff, verb, (&wanted, &shown), page).await;
    }
    if must_prove(&staff, verb) {
        let devices: Vec<DeviceId> = shown.iter().map(|shown| shown.device).collect();
        let about = About::many(&format!("{} on {}", verb.label(), shown.len()), &devices, &staff).await?;
        return proof::first(&own, &carried(verb, "do", about, &sent));
    }
    let (mut lines, mut done) = (Vec::new(), 0);
    for shown in shown {
        let found = inventory::get(staff.projections(), shown.device, None).await;
        let Some(device) = found.map_err(|error| staff.broken(error))? else {
            lines.push(gone(shown.device));
            continue;
        };
        let answer = if shown.still_is(&device) {
            said(staff.app().devices.want(shown.device, &wanted, &staff.context()).await.map(|_| vec![]), &staff)?
        } else {
            Err(CHANGED.to_owned())
        };
        done += usize::from(answer.is_ok());
        lines.push(line(&device, answer));
    }
    let page = Rehearsal {
        accepting: done,
        refusing: lines.len() - done,
        kept: kept(what, &sent),
        next: sent.text("next").map(str::to_owned),
        ..Rehearsal::of(verb, wanted.request, lines, true)
    };
    show(&format!("Queued: {}", verb.label()), "commands", &staff, &page).map_err(Problem::reporting)
}

impl Rehearsal {
    fn of(verb: Verb, request: Uuid, lines: Vec<Line>, done: bool) -> Rehearsal {
        Rehearsal {
            label: verb.label(),
            consequence: verb.consequence(),
            action: format!("{}/do", page_of(verb)),
            back: format!("/console/commands/{}", verb.as_str()),
            destructive: verb.is_destructive(),
            confirm: None,
            wrong: false,
            typed: String::new(),
            stale: false,
            request,
            kept: vec![],
            warned: false,
            doubted: false,
            batch: String::new(),
            unknown: vec![],
            accepting: 0,
            refusing: 0,
            next: None,
            next_action: format!("/console/commands/{}/try", verb.as_str()),
            done,
            lines,
        }
    }
}

// A corrupt record is left out and reported; it does not block the other devices.
fn said(outcome: Result<Vec<Violation>, QueueError>, staff: &May<Acts>) -> Result<Answer, Problem> {
    match outcome {
        Ok(concerns) => Ok(Ok(concerns)),
        Err(QueueError::Perform(error)) if error.is_damage() => Ok(Err(DAMAGED.to_owned())),
        Err(error) => super::refusal(error, staff.correlation()).map(Err),
    }
}

/// Parses the selection of devices. An empty form never selects all devices; that is a separate choice. An invalid
/// selection returns a message for the form.
fn filter(sent: &Sent) -> Result<Result<DeviceFilter, &'static str>, Problem> {
    let kind = match sent.text("kind") {
        None => None,
        Some("user") => Some(EnrollmentKind::UserEnrollment),
        Some("device") => Some(EnrollmentKind::DeviceEnrollment),
        Some(_) => return Err(Problem::Bad("There is no such kind of enrollment.")),
    };
    if let Some(wrong) = wrong_choice(sent) {
        return Ok(Err(wrong));
    }
    let separated = |c: char| c.is_whitespace() || c == ',' || c == ';';
    let ids = sent.text("ids").unwrap_or_default().split(separated).filter(|id| !id.is_empty());
    let ids: Vec<String> = ids.map(str::to_owned).collect();
    if ids.len() > AT_MOST {
        return Ok(Err("These are too many identifiers. One rehearsal accepts at most 500."));
    }
    let of = of_person(sent.text("person"));
    let named = sent.text("named").map(str::to_owned);
    let after = sent.text("after").map(parse_device).transpose()?;
    // An archived record is hidden from lists, but its device is still managed.
    Ok(Ok(DeviceFilter { state: Some(State::Enrolled), archived: true, kind, ids, named, after, ..of }))
}

fn wrong_choice(sent: &Sent) -> Option<&'static str> {
    let blank = [
        (
            "person",
            "The field for the person contains only spaces. Enter the full user name, or leave the field empty.",
        ),
        (
            "ids",
            "The field for serial numbers or ids contains only spaces. Enter at least one, or leave the field empty.",
        ),
        ("named", "The field for name or model contains only spaces. Enter a part of it, or leave the field empty."),
    ];
    if let Some((_, wrong)) = blank.into_iter().find(|(name, _)| sent.is_blank(name)) {
        return Some(wrong);
    }
    let narrowed = ["person", "ids", "named", "kind"].into_iter().any(|name| sent.text(name).is_some());
    match (sent.text("which"), narrowed) {
        (Some("all"), false) | (Some("these") | None, true) => None,
        (Some("all"), true) => Some("Choose all enrolled devices or fill in the fields, not both."),
        _ => Some("Fill in at least one field, or choose all enrolled devices."),
    }
}

/// Returns the command's parameters, to be sent again with the list of devices they were rehearsed for.
fn what(wanted: &Wanted, sent: &Sent) -> Vec<(&'static str, String)> {
    let names = ["question", "message", "phone_number", "identifier", "app", "licensed", "expires"];
    let mut what: Vec<_> = names.into_iter().filter_map(|name| Some((name, sent.text(name)?.to_owned()))).collect();
    if let Act::InstallProfile(upload) = &wanted.act {
        what.push(("profile", STANDARD.encode(&upload.file)));
    }
    what
}

fn kept(what: Vec<(&'static str, String)>, sent: &Sent) -> Vec<Kept> {
    let which = ["which", "kind", "person", "ids", "named"].into_iter();
    let which = which.filter_map(|name| Some((name, sent.text(name)?.to_owned())));
    which.chain(what).map(|(name, value)| Kept { name, value }).collect()
}

fn page_of(verb: Verb) -> String {
    format!("/console/commands/{}", verb.as_str())
}

fn gone(device: DeviceId) -> Line {
    let none = || words::NONE.to_owned();
    let why = "this record no longer exists".to_owned();
    Line {
        href: href(device, None),
        label: device.to_string(),
        serial: None,
        id: words::beginning(&device.to_string()).to_owned(),
        claim: false,
        person: none(),
        version: none(),
        kind: words::NONE,
        why,
        but: vec![],
    }
}

fn line(device: &Device, answer: Answer) -> Line {
    let (why, but) = match answer {
        Ok(concerns) => (String::new(), lines(&concerns)),
        Err(why) => (why, vec![]),
    };
    Line {
        href: href(device.id, None),
        label: words::label(device),
        serial: device.serial_number.clone(),
        id: words::beginning(&device.id.to_string()).to_owned(),
        claim: !device.claims.is_empty() || !device.claimed_by.is_empty(),
        person: device.user_name.clone().unwrap_or_else(|| words::NONE.to_owned()),
        version: device.os_version.clone().unwrap_or_else(|| words::NONE.to_owned()),
        kind: words::kind(device.kind),
        why,
        but,
    }
}
