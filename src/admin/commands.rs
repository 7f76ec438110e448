//! Commands of administrators: for one device, from its page (`one`), or for many, after a rehearsal that shows which
//! devices would accept the command (`many`). `form` reads the submitted form, `wanted` turns it into an action.

mod batch;
mod form;
mod many;
mod one;
mod wanted;

pub(crate) use one::{Standing, standing};
pub(crate) use wanted::possible;

use super::carried::About;
use super::devices::{Choice, parse_device};
use super::problem::Problem;
use super::query::ReadWhole as _;
use super::session::{Acts, May, Staff, is_fresh, is_permitted};
use actix_web::web;
use devices::commands::QueueError;
use devices::commands::table::{CommandSpec, QUESTIONS, command};
use platform::PerformError;
use projections::devices as inventory;
use uuid::Uuid;

pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/devices/{device}/commands/{command}/cancel").post(one::cancel))
        .service(web::resource("/devices/{device}/commands/{verb}").read_whole(one::page).post(one::submit))
        .service(web::resource("/commands").read_whole(many::choose))
        .service(web::resource("/commands/{verb}").read_whole(many::page))
        .service(web::resource("/commands/{verb}/try").post(many::rehearse))
        .service(web::resource("/commands/{verb}/do").post(many::perform));
}

/// Returns whether the staff member must confirm first. Irreversible actions need a confirmation of the last minutes,
/// one for the whole batch.
fn must_prove(staff: &May<Acts>, spec: &CommandSpec) -> bool {
    spec.irreversible && !is_fresh(staff)
}

/// Redirects a staff member without such a confirmation to the confirmation page, which returns to `page`. Submitted
/// forms are not redirected; their content is kept by [`carried`].
fn prove(staff: &May<Acts>, spec: &CommandSpec, page: String) -> Result<(), Problem> {
    if must_prove(staff, spec) { Err(Problem::Confirm { next: page }) } else { Ok(()) }
}

/// Returns the action that a confirmation leading to `next` is for, if the staff member may act.
///
/// # Errors
/// Returns an error if the projections are unavailable.
pub(crate) async fn about(staff: &Staff, next: &str) -> Result<Option<About>, Problem> {
    let segments: Vec<&str> = next.trim_start_matches('/').split('/').collect();
    let irreversible = |name: &str| command(name).filter(|spec| spec.irreversible);
    if !is_permitted::<Acts>(&staff.roles) {
        return Ok(None);
    }
    match segments[..] {
        ["console", "commands", name] => Ok(irreversible(name).map(|spec| About::chosen_later(spec.label))),
        ["console", "devices", device, "commands", name] => {
            let (Ok(id), Some(spec)) = (parse_device(device), irreversible(name)) else { return Ok(None) };
            let found = inventory::get(staff.projections(), id, None).await.map_err(|error| staff.broken(error))?;
            Ok(found.map(|device| About::one(spec.label, &device)))
        }
        _ => Ok(None),
    }
}

/// Returns the options of the field `question` of the command `ask`. The first is selected.
fn questions() -> Vec<Choice> {
    let chosen = QUESTIONS.first().map(|question| question.name);
    QUESTIONS.iter().map(|question| Choice::new(question.name, question.label, chosen)).collect()
}

/// Returns why a device would refuse the command. Internal errors stay errors.
fn refusal(error: QueueError, code: Uuid) -> Result<String, Problem> {
    match error {
        QueueError::Perform(PerformError::Refused(refusal)) => Ok(refusal.to_string()),
        unconfirmed @ QueueError::Unconfirmed(_) => Ok(unconfirmed.to_string()),
        other => Err(Problem::unavailable(other, code)),
    }
}
