//! What administrators want of devices: of one, from its page (`one`), or of many, after a rehearsal that says what each
//! would accept (`many`). `form` reads what was sent, `wanted` makes an act of it.

mod batch;
mod form;
mod many;
mod one;
mod wanted;

pub use one::{Standing, standing};
pub use wanted::{Verb, possible};

use super::problem::Problem;
use super::session::{Acts, May, is_fresh};
use crate::app::PerformError;
use crate::app::commands::QueueError;
use actix_web::web;
use uuid::Uuid;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/devices/{device}/commands/{command}/cancel").post(one::cancel))
        .service(web::resource("/devices/{device}/commands/{verb}").get(one::page).post(one::submit))
        .service(web::resource("/commands").get(many::choose))
        .service(web::resource("/commands/{verb}").get(many::page))
        .service(web::resource("/commands/{verb}/try").post(many::rehearse))
        .service(web::resource("/commands/{verb}/do").post(many::perform));
}

/// What cannot be undone takes a proof of the last minutes, one for the whole batch. Whoever has none is led to it, and from there to `page`.
fn prove(staff: &May<Acts>, verb: Verb, page: String) -> Result<(), Problem> {
    if verb.is_destructive() && !is_fresh(staff) {
        return Err(Problem::Confirm { next: page });
    }
    Ok(())
}

/// Why a device would not take it, in words; what is our fault stays ours.
fn refusal(error: QueueError, code: Uuid) -> Result<String, Problem> {
    match error {
        QueueError::Perform(PerformError::Refused(refusal)) => Ok(refusal.to_string()),
        other => Err(Problem::unavailable(other, code)),
    }
}
