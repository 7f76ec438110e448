//! The profile with the Web Clip of one invitation, for the management that is on the device now.

use super::folded::folded;
use super::words::parse_invitation;
use crate::admin::problem::Problem;
use crate::admin::session::{Invites, May};
use ::devices::web_clip::WebClip;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use events::staff::StaffActivityEvent;

/// Sends the signed profile.
///
/// # Errors
/// Returns an error if there is no such invitation, it is not bound to a device or cannot be used, or the event log is
/// unavailable.
pub(crate) async fn profile(staff: May<Invites>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let found = folded(&staff, parse_invitation(&path)?).await?;
    if !found.invitation.is_device_bound() || !found.is_open(staff.now()) {
        return Err(Problem::NotFound);
    }
    staff.record(StaffActivityEvent::InvitationViewed { invitation: found.id }).await?;
    let organization = staff.settings().await?.organization;
    let generation = found.invitation.generation;
    let url = staff.credentials().link(found.id, generation);
    let clip = WebClip { invitation: found.id, generation, url: &url };
    let file = staff.app().devices.web_clip_profile(clip, &organization).await.map_err(|error| staff.broken(error))?;
    let name = format!("attachment; filename=\"invitation-{}.mobileconfig\"", found.id);
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/x-apple-aspen-config"))
        .insert_header((CONTENT_DISPOSITION, name))
        .body(file))
}
