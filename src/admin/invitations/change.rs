//! Sends an invitation again, revokes it, and puts its Web Clip on a device that this server manages.

use super::folded::{Folded, folded};
use super::words::{href, parse_invitation};
use crate::admin::act::{wait, wait_for_all};
use crate::admin::carried::{About, Act};
use crate::admin::devices::after_command;
use crate::admin::form::{Empty, Genuine};
use crate::admin::pages::show;
use crate::admin::problem::Problem;
use crate::admin::proof;
use crate::admin::query::Query;
use crate::admin::render::view;
use crate::admin::session::{Acts, Invites, May, Own, Staff, is_fresh, see_other};
use ::devices::commands::QueueError;
use ::devices::web_clip::{WebClip, WebClipError};
use ::invitations::{AgainError, ChangeError};
use actix_web::{HttpResponse, web};
use events::invitation::{InvitationId, RenewalCause};
use platform::PerformError;
use projections::devices::{self as inventory, Device, State};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Seconds in a day.
const DAY: i64 = 86_400;

const CONSEQUENCE: &str = "The link and the code are void from now on. Whoever opens them is told so. This cannot be \
    undone, but the person can be invited again.";

#[derive(Deserialize)]
pub(crate) struct Renew {
    /// Number of the link that the page showed.
    #[serde(default)]
    generation: String,
}

/// Makes a new link and code. A form that is sent twice does it once.
///
/// # Errors
/// Returns an error if there is no such invitation, it was used or revoked, nobody can be invited for its record now,
/// or the event log is unavailable.
pub(crate) async fn renew(
    staff: May<Invites>,
    path: web::Path<String>,
    form: Genuine<Renew>,
) -> Result<HttpResponse, Problem> {
    let id = parse_invitation(&path)?;
    let generation = form.0.generation.parse().map_err(|_| Problem::Bad("The form is incomplete."))?;
    folded(&staff, id).await?;
    let days = staff.settings().await?.invitations.valid_days;
    let expires = staff.now().plus_seconds(i64::from(days) * DAY);
    let (invitations, cause) = (&staff.app().invitations, RenewalCause::SentAgain);
    let renewed = invitations.renew_from(id, generation, cause, expires, &staff.context()).await;
    renewed.map_err(|error| match error {
        AgainError::NotNow(why) => Problem::Refused(format!("This is not possible: {why}.")),
        AgainError::Change(error) => refused(&staff, error),
    })?;
    wait_for_all(staff.app()).await;
    Ok(see_other(&done(id, "renewed")))
}

#[derive(Serialize)]
struct RevokePage {
    href: String,
    title: String,
    consequence: &'static str,
}

view!(invitation_revoke, Menu, RevokePage { href, title, consequence });

/// Shows what revoking does.
///
/// # Errors
/// Returns an error if there is no such invitation, or the event log is unavailable.
pub(crate) async fn ask(staff: May<Invites>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let found = folded(&staff, parse_invitation(&path)?).await?;
    if !found.can_be_renewed() {
        return Ok(see_other(&href(found.id)));
    }
    let page = RevokePage { href: href(found.id), title: found.title(), consequence: CONSEQUENCE };
    show("Revoke an invitation", "again", &staff, &page)
}

/// Revokes the invitation.
///
/// # Errors
/// Returns an error if there is no such invitation, it was used, or the event log is unavailable.
pub(crate) async fn revoke(
    staff: May<Invites>,
    own: Own,
    path: web::Path<String>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    let found = folded(&staff, parse_invitation(&path)?).await?;
    if !is_fresh(&staff) {
        let act = Act {
            path: format!("{}/revoke", href(found.id)),
            about: About::of("Revoke the invitation", format!("Invitation of {}", found.title())),
            consequence: CONSEQUENCE.to_owned(),
            fields: vec![],
            back: href(found.id),
        };
        return proof::first(&own, &act);
    }
    let revoked = staff.app().invitations.revoke(found.id, &staff.context()).await;
    revoked.map_err(|error| refused(&staff, error))?;
    wait_for_all(staff.app()).await;
    Ok(see_other(&done(found.id, "revoked")))
}

fn refused(staff: &Staff, error: ChangeError) -> Problem {
    match error {
        ChangeError::Refused(refusal) => Problem::Refused(format!("This is not possible: {refusal}.")),
        ChangeError::Failed(error) => staff.broken(error),
    }
}

/// Returns the address of an invitation's page after a form.
pub(super) fn done(id: InvitationId, what: &str) -> String {
    Query::default().with("done", Some(what)).href(&href(id))
}

/// Returns the device of a device-bound invitation if this server still manages it.
///
/// # Errors
/// Returns an error if the projections are unavailable.
pub(super) async fn managed(found: &Folded, staff: &Staff) -> Result<Option<Device>, Problem> {
    let own = found.issued.record.filter(|record| found.invitation.is_device_bound() && !record.is_imported());
    let Some(record) = own else { return Ok(None) };
    let device = inventory::get(staff.projections(), record.device(), None).await;
    Ok(device.map_err(|error| staff.broken(error))?.filter(|device| device.state == State::Enrolled))
}

#[derive(Deserialize)]
pub(crate) struct Install {
    #[serde(default)]
    request: String,
}

/// Queues the profile with the Web Clip for the device. A form that is sent twice queues it once.
///
/// # Errors
/// Returns an error if the invitation cannot be used, this server does not manage its device, the device would not
/// accept the profile, or the event log is unavailable.
pub(crate) async fn install(
    staff: May<Acts>,
    path: web::Path<String>,
    form: Genuine<Install>,
) -> Result<HttpResponse, Problem> {
    let request = Uuid::parse_str(&form.0.request).map_err(|_| Problem::Bad("The form is incomplete."))?;
    let found = folded(&staff, parse_invitation(&path)?).await?;
    let device = managed(&found, &staff).await?.filter(|_| found.is_open(staff.now()));
    let device = device.ok_or_else(|| {
        Problem::Refused(
            "The invitation cannot be used any more, or this server does not manage its device.".to_owned(),
        )
    })?;
    let (app, generation) = (staff.app(), found.invitation.generation);
    let url = app.invitations.link(found.id, generation);
    let clip = WebClip { invitation: found.id, generation, url: &url };
    let queued = app.devices.put_web_clip(device.id, clip, request, &staff.context()).await;
    let (command, performed) = queued.map_err(|error| match error {
        WebClipError::Queue(QueueError::Perform(PerformError::Refused(refusal))) => {
            Problem::Refused(format!("This is not possible: {refusal}."))
        }
        other => staff.broken(other),
    })?;
    if let Some(appended) = performed.appended {
        wait(app, appended.position).await;
    }
    Ok(see_other(&after_command(device.id, command, performed.appended.is_none())))
}
