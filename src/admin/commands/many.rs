//! Many devices at once: which, and what; then a rehearsal, on which nothing happens, that says what each would accept; then
//! the act, on those that would.

use super::form::Sent;
use super::wanted::{Verb, wanted};
use crate::admin::devices::{href, parse_device};
use crate::admin::pages::{show, view};
use crate::admin::problem::Problem;
use crate::admin::session::{Acts, May};
use crate::admin::words;
use crate::app::commands::QueueError;
use crate::app::commands::act::{Act, Wanted};
use crate::web::content::content;
use actix_web::{HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use events::device::DeviceId;
use events::enrollment::EnrollmentKind;
use events::staff::AccessEvent;
use projections::devices::{self as inventory, Device, DeviceFilter, State};
use serde::Serialize;
use uuid::Uuid;

/// Devices in one go: each is tried against its own stream.
const AT_MOST: usize = 500;

#[derive(Serialize)]
struct Choice {
    verbs: Vec<Offered>,
}

view!(commands, Menu, Choice { verbs });

#[derive(Serialize)]
struct Offered {
    href: String,
    label: &'static str,
    consequence: &'static str,
    class: &'static str,
}

content!(Offered { href, label, consequence, class });

/// What can be wanted of many devices.
///
/// # Errors
/// If the page cannot be made.
pub async fn choose(staff: May<Acts>) -> Result<HttpResponse, Problem> {
    let offered = |verb: Verb| Offered {
        href: format!("/console/commands/{}", verb.as_str()),
        label: verb.label(),
        consequence: verb.consequence(),
        class: if verb.is_destructive() { "bad" } else { "" },
    };
    show("Commands", "commands", &staff, &Choice { verbs: Verb::ALL.map(offered).into() })
}

#[derive(Serialize)]
struct Page {
    verb: &'static str,
    label: &'static str,
    consequence: &'static str,
    action: String,
    request: Uuid,
}

view!(commands_which, Menu, Page { verb among Verb::ALL.map(Verb::as_str), label, consequence, action, request });

/// Which devices, and what the act takes.
///
/// # Errors
/// If there is no such act.
pub async fn page(staff: May<Acts>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let verb = Verb::parse(&path)?;
    let page = Page {
        verb: verb.as_str(),
        label: verb.label(),
        consequence: verb.consequence(),
        action: format!("/console/commands/{}/try", verb.as_str()),
        request: staff.app().world.random_uuid(),
    };
    show(verb.label(), "commands", &staff, &page)
}

#[derive(Serialize)]
struct Rehearsal {
    label: &'static str,
    consequence: &'static str,
    action: String,
    back: String,
    destructive: bool,
    /// What has to be typed before many devices lose something.
    confirm: Option<String>,
    request: Uuid,
    /// What was asked for, to be sent again.
    kept: Vec<Kept>,
    devices: String,
    accepting: usize,
    refusing: usize,
    /// The last of these devices, where more match; and where their rehearsal is asked for.
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
        request,
        kept,
        devices,
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
    person: String,
    version: String,
    kind: &'static str,
    /// Why it would not; empty if it would.
    why: String,
}

content!(Line { href, label, person, version, kind, why });

/// What each device would accept. Nothing is queued.
///
/// # Errors
/// If the form makes no sense, or log or projections cannot be used.
pub async fn rehearse(staff: May<Acts>, path: web::Path<String>, sent: Sent) -> Result<HttpResponse, Problem> {
    let verb = Verb::parse(&path)?;
    let wanted = wanted(verb, &sent, staff.now())?;
    staff.record(AccessEvent::DeviceListViewed {}).await?;
    let found = inventory::list(staff.projections(), filter(&sent)?, AT_MOST).await;
    let found = found.map_err(|error| staff.broken(error))?;
    let (mut lines, mut accepting) = (Vec::new(), Vec::new());
    for device in &found.devices {
        let why = said(staff.app().would_accept(device.id, &wanted.act).await, &staff)?;
        if why.is_empty() {
            accepting.push(device.id.to_string());
        }
        lines.push(line(device, why));
    }
    let confirm = verb.is_destructive().then(|| format!("{} {}", verb.as_str(), accepting.len()));
    let page = Rehearsal {
        action: format!("/console/commands/{}/do", verb.as_str()),
        confirm,
        kept: kept(&wanted, &sent),
        accepting: accepting.len(),
        refusing: lines.len() - accepting.len(),
        devices: accepting.join(" "),
        next: found.next.map(|last| last.to_string()),
        ..Rehearsal::of(verb, wanted.request, lines, false)
    };
    show(&format!("Rehearsal: {}", verb.label()), "commands", &staff, &page)
}

/// Does it, on the devices of the rehearsal. Each decides once more.
///
/// # Errors
/// If the form makes no sense, or log or projections cannot be used; what was queued before that stays queued.
pub async fn perform(staff: May<Acts>, path: web::Path<String>, sent: Sent) -> Result<HttpResponse, Problem> {
    let verb = Verb::parse(&path)?;
    let wanted = wanted(verb, &sent, staff.now())?;
    let ids: Vec<DeviceId> =
        sent.text("devices").unwrap_or_default().split(' ').map(parse_device).collect::<Result<_, _>>()?;
    if ids.len() > AT_MOST {
        return Err(Problem::Bad("These are more devices than one rehearsal has."));
    }
    let phrase = format!("{} {}", verb.as_str(), ids.len());
    if verb.is_destructive() && sent.text("confirm") != Some(phrase.as_str()) {
        return Err(Problem::Refused(format!("Nothing was done: to go on, type “{phrase}”.")));
    }
    let (mut lines, mut done) = (Vec::new(), 0);
    for id in ids {
        let found = inventory::get(staff.projections(), id, None).await.map_err(|error| staff.broken(error))?;
        let Some(device) = found else { continue };
        let queued = staff.app().want(id, &wanted, &staff.context()).await.map(drop);
        let why = said(queued, &staff)?;
        done += usize::from(why.is_empty());
        lines.push(line(&device, why));
    }
    let page = Rehearsal {
        accepting: done,
        refusing: lines.len() - done,
        kept: kept(&wanted, &sent),
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
            action: String::new(),
            back: format!("/console/commands/{}", verb.as_str()),
            destructive: verb.is_destructive(),
            confirm: None,
            request,
            kept: vec![],
            devices: String::new(),
            accepting: 0,
            refusing: 0,
            next: None,
            next_action: format!("/console/commands/{}/try", verb.as_str()),
            done,
            lines,
        }
    }
}

fn said(outcome: Result<(), QueueError>, staff: &May<Acts>) -> Result<String, Problem> {
    outcome.map_or_else(|error| super::refusal(error, staff.correlation()), |()| Ok(String::new()))
}

fn filter(sent: &Sent) -> Result<DeviceFilter, Problem> {
    let kind = match sent.text("kind") {
        None => None,
        Some("user") => Some(EnrollmentKind::UserEnrollment),
        Some("device") => Some(EnrollmentKind::DeviceEnrollment),
        Some(_) => return Err(Problem::Bad("There is no such kind of enrollment.")),
    };
    let text = sent.text("q").map(str::to_owned);
    let after = sent.text("after").map(parse_device).transpose()?;
    // An archived record is hidden from lists; its device is managed all the same.
    Ok(DeviceFilter { state: Some(State::Enrolled), archived: true, kind, text, after, ..DeviceFilter::default() })
}

fn kept(wanted: &Wanted, sent: &Sent) -> Vec<Kept> {
    let which = ["kind", "q"];
    let what = ["question", "message", "phone_number", "identifier", "app", "licensed", "expires"];
    let mut kept: Vec<Kept> = which
        .into_iter()
        .chain(what)
        .filter_map(|name| Some(Kept { name, value: sent.text(name)?.to_owned() }))
        .collect();
    if let Act::InstallProfile(upload) = &wanted.act {
        kept.push(Kept { name: "profile", value: STANDARD.encode(&upload.file) });
    }
    kept
}

fn line(device: &Device, why: String) -> Line {
    Line {
        href: href(device.id, None),
        label: words::label(device),
        person: device.user_name.clone().unwrap_or_else(|| words::NONE.to_owned()),
        version: device.os_version.clone().unwrap_or_else(|| words::NONE.to_owned()),
        kind: words::kind(device.kind),
        why,
    }
}
