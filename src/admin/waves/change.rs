//! Pauses, resumes and ends a wave.

use crate::admin::act::wait_for_all;
use crate::admin::carried::{About, Act};
use crate::admin::form::{Empty, Genuine};
use crate::admin::invitations::words::{parse_wave, wave_href};
use crate::admin::pages::show;
use crate::admin::problem::Problem;
use crate::admin::proof;
use crate::admin::render::view;
use crate::admin::session::{Invites, May, Own, Staff, is_fresh, see_other};
use ::invitations::WaveError;
use actix_web::{HttpResponse, web};
use events::invitation::WaveId;
use projections::waves::{self, WaveRow};
use serde::Serialize;

const CONSEQUENCE: &str = "Nobody else of this wave is invited or reminded, and this cannot be undone. Invitations that \
    were issued stay valid.";

/// Pauses or resumes a wave. A form that is sent twice changes nothing the second time.
///
/// # Errors
/// Returns an error if there is no such wave, it has ended, or the event log is unavailable.
pub(crate) async fn change(
    staff: May<Invites>,
    path: web::Path<(String, String)>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    let wave = find(&staff, parse_wave(&path.0)?).await?.wave;
    let (invitations, context) = (&staff.app().invitations, staff.context());
    let changed = match &*path.1 {
        "pause" => invitations.pause_wave(wave, &context).await,
        "resume" => invitations.resume_wave(wave, &context).await,
        _ => return Err(Problem::NotFound),
    };
    finish(&staff, wave, changed).await
}

#[derive(Serialize)]
struct EndPage {
    href: String,
    name: String,
    consequence: &'static str,
}

view!(wave_end, Menu, EndPage { href, name, consequence });

/// Shows what ending the wave does.
///
/// # Errors
/// Returns an error if there is no such wave, or the projections are unavailable.
pub(crate) async fn ask(staff: May<Invites>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let row = find(&staff, parse_wave(&path)?).await?;
    if row.ended_at.is_some() {
        return Ok(see_other(&wave_href(row.wave)));
    }
    let page = EndPage { href: wave_href(row.wave), name: row.name, consequence: CONSEQUENCE };
    show("End a wave", "again", &staff, &page)
}

/// Ends the wave.
///
/// # Errors
/// Returns an error if there is no such wave, or the event log is unavailable.
pub(crate) async fn end(
    staff: May<Invites>,
    own: Own,
    path: web::Path<String>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    let row = find(&staff, parse_wave(&path)?).await?;
    if !is_fresh(&staff) {
        let href = wave_href(row.wave);
        let act = Act {
            path: format!("{href}/end"),
            about: About::of("End the wave", row.name),
            consequence: CONSEQUENCE.to_owned(),
            fields: vec![],
            back: href,
        };
        return proof::first(&own, &act);
    }
    let ended = staff.app().invitations.end_wave(row.wave, &staff.context()).await;
    finish(&staff, row.wave, ended).await
}

async fn find(staff: &Staff, wave: WaveId) -> Result<WaveRow, Problem> {
    let row = waves::by_id(staff.projections(), wave).await.map_err(|error| staff.broken(error))?;
    row.ok_or(Problem::NotFound)
}

async fn finish(staff: &May<Invites>, wave: WaveId, changed: Result<(), WaveError>) -> Result<HttpResponse, Problem> {
    match changed {
        Ok(()) => {}
        Err(WaveError::Refused(refusal)) => {
            return Err(Problem::Refused(format!("This is not possible: {refusal}.")));
        }
        Err(WaveError::Failed(error)) => return Err(staff.broken(error)),
    }
    wait_for_all(staff.app()).await;
    Ok(see_other(&wave_href(wave)))
}
