//! Many devices at once: which, and what; then a rehearsal, on which nothing happens, that says what each would accept; then
//! the act, on the list that was shown ([`super::batch`]).

use super::batch::Batch;
use super::form::Sent;
use super::prove;
use super::wanted::{Verb, wanted};
use crate::admin::devices::{href, of_person, parse_device};
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
/// Why a device of the list is left out.
const CHANGED: &str = "its record changed since the list was shown (person, name, kind or state): rehearse again";

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
    prove(&staff, verb, page_of(verb))?;
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
    /// The devices that would accept it.
    batch: String,
    /// Identifiers that were asked for and that no device has.
    unknown: Vec<String>,
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
    prove(&staff, verb, page_of(verb))?;
    let wanted = wanted(verb, &sent, staff.now())?;
    staff.record(AccessEvent::DeviceListViewed {}).await?;
    let filter = filter(&sent)?;
    let found = inventory::list(staff.projections(), filter.clone(), AT_MOST).await;
    let found = found.map_err(|error| staff.broken(error))?;
    let (mut lines, mut accepting) = (Vec::new(), Vec::new());
    for device in &found.devices {
        let why = said(staff.app().would_accept(device.id, &wanted.act).await, &staff)?;
        if why.is_empty() {
            accepting.push(device);
        }
        lines.push(line(device, why));
    }
    let what = what(&wanted, &sent);
    let batch = Batch { staff: &staff, verb, request: wanted.request, what: &what };
    let confirm = verb.is_destructive().then(|| format!("{} {}", verb.as_str(), accepting.len()));
    let page = Rehearsal {
        action: format!("/console/commands/{}/do", verb.as_str()),
        confirm,
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

/// Does it, on the devices of the rehearsal. Each decides once more; a record that is not what was shown is left out, and told.
///
/// # Errors
/// If the form makes no sense, or log or projections cannot be used; what was queued before that stays queued.
pub async fn perform(staff: May<Acts>, path: web::Path<String>, sent: Sent) -> Result<HttpResponse, Problem> {
    let verb = Verb::parse(&path)?;
    prove(&staff, verb, page_of(verb))?;
    let wanted = wanted(verb, &sent, staff.now())?;
    let what = what(&wanted, &sent);
    let batch = Batch { staff: &staff, verb, request: wanted.request, what: &what };
    let shown = batch.open(sent.text("batch").unwrap_or_default()).ok_or_else(|| {
        Problem::Refused(
            "Nothing was done: the list of devices is too old, or was made for something else. Rehearse again.".into(),
        )
    })?;
    let phrase = format!("{} {}", verb.as_str(), shown.len());
    if verb.is_destructive() && sent.text("confirm") != Some(phrase.as_str()) {
        return Err(Problem::Refused(format!("Nothing was done: to go on, type “{phrase}”.")));
    }
    let (mut lines, mut done) = (Vec::new(), 0);
    for shown in shown {
        let found = inventory::get(staff.projections(), shown.device, None).await;
        let Some(device) = found.map_err(|error| staff.broken(error))? else {
            lines.push(gone(shown.device));
            continue;
        };
        let why = if shown.still_is(&device) {
            said(staff.app().want(shown.device, &wanted, &staff.context()).await.map(drop), &staff)?
        } else {
            CHANGED.to_owned()
        };
        done += usize::from(why.is_empty());
        lines.push(line(&device, why));
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
            action: String::new(),
            back: format!("/console/commands/{}", verb.as_str()),
            destructive: verb.is_destructive(),
            confirm: None,
            request,
            kept: vec![],
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
    let separated = |c: char| c.is_whitespace() || c == ',' || c == ';';
    let ids = sent.text("ids").unwrap_or_default().split(separated).filter(|id| !id.is_empty());
    let ids: Vec<String> = ids.map(str::to_owned).collect();
    if ids.len() > AT_MOST {
        return Err(Problem::Bad("These are more identifiers than one rehearsal takes: 500."));
    }
    let of = of_person(sent.text("person"));
    let named = sent.text("named").map(str::to_owned);
    let after = sent.text("after").map(parse_device).transpose()?;
    // An archived record is hidden from lists; its device is managed all the same.
    Ok(DeviceFilter { state: Some(State::Enrolled), archived: true, kind, ids, named, after, ..of })
}

/// What the act takes, to be sent again with the list of devices that it was rehearsed for.
fn what(wanted: &Wanted, sent: &Sent) -> Vec<(&'static str, String)> {
    let names = ["question", "message", "phone_number", "identifier", "app", "licensed", "expires"];
    let mut what: Vec<_> = names.into_iter().filter_map(|name| Some((name, sent.text(name)?.to_owned()))).collect();
    if let Act::InstallProfile(upload) = &wanted.act {
        what.push(("profile", STANDARD.encode(&upload.file)));
    }
    what
}

fn kept(what: Vec<(&'static str, String)>, sent: &Sent) -> Vec<Kept> {
    let which = ["kind", "person", "ids", "named"].into_iter();
    let which = which.filter_map(|name| Some((name, sent.text(name)?.to_owned())));
    which.chain(what).map(|(name, value)| Kept { name, value }).collect()
}

fn page_of(verb: Verb) -> String {
    format!("/console/commands/{}", verb.as_str())
}

fn gone(device: DeviceId) -> Line {
    let none = || words::NONE.to_owned();
    let why = "there is no such record any more".to_owned();
    Line {
        href: href(device, None),
        label: device.to_string(),
        person: none(),
        version: none(),
        kind: words::NONE,
        why,
    }
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
