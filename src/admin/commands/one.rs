//! Commands for one device: the form with the command's effect and parameters, the action, and the commands queued
//! before.

use super::form::Sent;
use super::wanted::{command, possible, wanted};
use super::{must_prove, prove, questions};
use crate::admin::act::wait;
use crate::admin::carried::{About, Act};
use crate::admin::devices::{Choice, after_command, href, parse_device};
use crate::admin::form::{Empty, Genuine};
use crate::admin::pages::show_as;
use crate::admin::problem::Problem;
use crate::admin::proof;
use crate::admin::render::view;
use crate::admin::session::{Acts, May, Own, see_other};
use crate::admin::words::{self, Chip, Instant};
use crate::web::content::content;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use devices::commands::request::CommandRequest;
#[cfg(test)]
use devices::commands::table::COMMANDS;
use devices::commands::table::CommandSpec;
use devices::commands::{QueueError, Violation, Weight, lines};
use events::Timestamp;
use events::device::{CommandId, DeviceId};
use events::staff::StaffActivityEvent;
use platform::PerformError;
use projections::commands::{self, Queued};
use projections::devices::{self as inventory, Device};
use serde::Serialize;
use uuid::Uuid;

/// Number of recent commands that are searched for one that still waits.
const RECENT: usize = 25;

/// The command for which the device's name is typed.
const ERASE: &str = "erase";

#[derive(Serialize)]
struct CommandPage {
    verb: &'static str,
    label: &'static str,
    consequence: &'static str,
    device: String,
    device_href: String,
    action: String,
    destructive: bool,
    /// Text to type as a confirmation before erasing.
    confirm: Option<String>,
    /// Request id, new with each page: a form that is sent twice is performed once.
    request: Uuid,
    /// Error because of which the form is shown again.
    wrong: Option<&'static str>,
    /// Distinguishing label of the device.
    told: String,
    /// Time since which such a command is already waiting.
    waits: Option<Instant>,
    concerns: Option<Concerns>,
    questions: Vec<Choice>,
}

view!(command, Menu, CommandPage {
    verb among COMMANDS.map(|spec| spec.name),
    label,
    consequence,
    device,
    device_href,
    action,
    destructive,
    confirm,
    request,
    wrong,
    told,
    waits,
    concerns,
    questions,
});

/// Findings that need consent before a profile is queued, and the submitted form to be sent again.
#[derive(Serialize)]
struct Concerns {
    /// Keys that the device ignores.
    warnings: Vec<String>,
    /// Payload types that Muster does not know.
    doubts: Vec<String>,
    profile: String,
    expires: String,
}

content!(Concerns { warnings, doubts, profile, expires });

impl Concerns {
    fn of(found: Vec<Violation>, wanted: &CommandRequest, sent: &Sent) -> Option<Concerns> {
        let file = wanted.input.file()?;
        let (doubts, warnings): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| found.weight > Weight::Warning);
        Some(Concerns {
            warnings: lines(&warnings),
            doubts: lines(&doubts),
            profile: STANDARD.encode(file),
            expires: sent.text("expires").unwrap_or_default().to_owned(),
        })
    }
}

/// Shows the command's effect and a form for its parameters.
///
/// # Errors
/// Returns an error if there is no such device, or the command is not possible on it.
pub(crate) async fn page(staff: May<Acts>, path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (id, spec) = (parse_device(&path.0)?, command(&path.1)?);
    let device = device(&staff, id, spec).await?;
    prove(&staff, spec, page_of(id, spec))?;
    staff.record(StaffActivityEvent::DeviceViewed { device: id }).await?;
    show_form(&staff, &device, spec, Again::default()).await
}

/// State of a form that is shown again after it was submitted.
#[derive(Default)]
struct Again {
    request: Option<Uuid>,
    wrong: Option<&'static str>,
    concerns: Option<Concerns>,
}

// Shows the form. After a submission it is shown with the message and the same request id.
async fn show_form(
    staff: &May<Acts>,
    device: &Device,
    spec: &'static CommandSpec,
    again: Again,
) -> Result<HttpResponse, Problem> {
    let (id, label) = (device.id, words::label(device));
    let queued = commands::of_device(staff.projections(), id, RECENT).await.map_err(|error| staff.broken(error))?;
    let same = |queued: &&Queued| queued.state.is_waiting() && spec.once == Some(queued.request_type.as_str());
    let now = staff.now();
    let page = CommandPage {
        verb: spec.name,
        label: spec.label,
        consequence: spec.consequence,
        device_href: href(id, None),
        action: page_of(id, spec),
        destructive: spec.irreversible,
        confirm: (spec.name == ERASE).then(|| label.clone()),
        request: again.request.unwrap_or_else(|| staff.app().platform.world.random_uuid()),
        wrong: again.wrong,
        concerns: again.concerns,
        questions: questions(),
        told: words::told_apart(device),
        waits: queued.iter().find(same).map(|queued| Instant::of(queued.queued_at, now)),
        device: label.clone(),
    };
    let status = if again.wrong.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    show_as(status, &format!("{}: {label}", spec.label), "devices", staff, &page)
}

fn page_of(id: DeviceId, spec: &'static CommandSpec) -> String {
    format!("{}/commands/{}", href(id, None), spec.name)
}

async fn device(staff: &May<Acts>, id: DeviceId, spec: &'static CommandSpec) -> Result<Device, Problem> {
    let found = inventory::get(staff.projections(), id, None).await.map_err(|error| staff.broken(error))?;
    let device = found.ok_or(Problem::NotFound)?;
    if possible(&device).contains(&spec) {
        return Ok(device);
    }
    Err(Problem::Refused(format!("{} is not possible on this device.", spec.label)))
}

/// Queues the command.
///
/// # Errors
/// Returns a refusal with the reason why the device would not accept the command; for a profile it names the key. Also
/// returns an error if the event log or the projections are unavailable.
pub(crate) async fn submit(
    staff: May<Acts>,
    own: Own,
    path: web::Path<(String, String)>,
    sent: Sent,
) -> Result<HttpResponse, Problem> {
    let (id, spec) = (parse_device(&path.0)?, command(&path.1)?);
    let device = device(&staff, id, spec).await?;
    let wanted = wanted(spec, &sent, staff.now())?;
    if spec.name == ERASE && sent.text("confirm") != Some(words::label(&device).trim()) {
        let wrong = "Nothing was erased: the text that you typed is not the device’s name.";
        let again = Again { request: Some(wanted.id), wrong: Some(wrong), concerns: None };
        return show_form(&staff, &device, spec, again).await;
    }
    if must_prove(&staff, spec) {
        let act = Act {
            path: page_of(id, spec),
            about: About::one(spec.label, &device),
            consequence: spec.consequence.to_owned(),
            fields: sent.carried(),
            back: href(id, None),
        };
        return proof::first(&own, &act);
    }
    let done = match staff.app().devices.request(id, &wanted, &staff.context()).await {
        Ok(done) => done,
        Err(QueueError::Unconfirmed(found)) => {
            let concerns = Concerns::of(found, &wanted, &sent);
            let again = Again { request: Some(wanted.id), wrong: None, concerns };
            return show_form(&staff, &device, spec, again).await;
        }
        Err(error) => {
            let why = super::refusal(error, staff.correlation())?;
            return Err(Problem::Refused(format!("This is not possible: {why}.")));
        }
    };
    if let Some(appended) = done.appended {
        wait(staff.app(), appended.position).await;
    }
    let before = done.appended.is_none();
    Ok(see_other(&done.command.map_or_else(|| href(id, None), |command| after_command(id, command, before))))
}

/// Cancels a command.
///
/// # Errors
/// Returns an error if the device has already answered the command, or the event log is unavailable.
pub(crate) async fn cancel(
    staff: May<Acts>,
    path: web::Path<(String, String)>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    let id = parse_device(&path.0)?;
    let command = Uuid::parse_str(&path.1).map(CommandId).map_err(|_| Problem::NotFound)?;
    match staff.app().devices.cancel_command(id, command, &staff.context()).await {
        Ok(performed) => {
            if let Some(appended) = performed.appended {
                wait(staff.app(), appended.position).await;
            }
        }
        Err(PerformError::Refused(refusal)) => {
            return Err(Problem::Refused(format!("This cannot be cancelled: {refusal}.")));
        }
        Err(error) => return Err(staff.broken(error)),
    }
    Ok(see_other(&after_command(id, command, false)))
}

/// A command as shown on the device's page.
#[derive(Serialize)]
pub(crate) struct Standing {
    /// The command is still waiting.
    pub waits: bool,
    request_type: String,
    state: Chip,
    queued: Instant,
    expires: Option<Instant>,
    /// Reason why the device did not perform the command.
    why: Option<String>,
    /// Address for cancelling the command, as long as that is possible.
    cancel: Option<String>,
}

content!(Standing { waits, request_type, state, queued, expires, why, cancel });

/// Returns a command as the device's page shows it.
pub(crate) fn standing(device: DeviceId, queued: &Queued, acts: bool, now: Timestamp) -> Standing {
    let waiting = queued.state.is_waiting();
    let cancel = || format!("{}/commands/{}/cancel", href(device, None), queued.command);
    Standing {
        waits: waiting,
        request_type: queued.request_type.clone(),
        state: words::command(queued.state),
        queued: Instant::of(queued.queued_at, now),
        expires: queued.expires.filter(|_| waiting).map(|at| Instant::of(at, now)),
        why: queued.why.clone(),
        cancel: (waiting && acts).then(cancel),
    }
}
