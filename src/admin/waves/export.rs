//! Exports the links and codes of a wave as a file. The export is recorded as an event before the first byte is sent.

use super::members::{handed_out, open_after};
use crate::admin::export::{Wanted, file, streamed};
use crate::admin::invitations::words::parse_wave;
use crate::admin::problem::Problem;
use crate::admin::query::Parameters;
use crate::admin::record::InvitationLink;
use crate::admin::session::{Invites, May};
use ::invitations::InvitationError;
use actix_web::{HttpResponse, web};
use events::invitation::InvitationDelivery;
use events::staff::StaffActivityEvent;
use projections::invitations::InvitationState;
use projections::waves;

/// Records per chunk.
const CHUNK: usize = 500;

/// Sends the file, in the order of the wave. If the links cannot be read to their end, the transfer is aborted, and the
/// client sees that the file is incomplete.
///
/// # Errors
/// Returns an error if there is no such wave, Muster mails its links, or the event log or the projections are
/// unavailable.
pub(crate) async fn export(
    staff: May<Invites>,
    path: web::Path<String>,
    address: Parameters<Wanted>,
) -> Result<HttpResponse, Problem> {
    let Parameters(wanted, _) = address;
    let (wave, format, now) = (parse_wave(&path)?, wanted.format()?, staff.now());
    handed_out(&staff, wave, &[InvitationDelivery::ByHand, InvitationDelivery::WebClip]).await?;
    let counts = waves::counts(staff.projections(), wave).await.map_err(|error| staff.broken(error))?;
    let is_open = |state: &InvitationState| match state {
        InvitationState::Issued | InvitationState::Sent | InvitationState::NotSent | InvitationState::Opened => true,
        InvitationState::Used | InvitationState::Expired | InvitationState::Revoked => false,
    };
    let rows = counts.invited.iter().filter(|(state, _)| is_open(state)).map(|(_, count)| count).sum();
    staff.record(StaffActivityEvent::InvitationsExported { wave, format, rows }).await?;
    let (projections, credentials) = (staff.projections().clone(), staff.credentials());
    let page = move |after: Option<u64>| {
        let (projections, credentials) = (projections.clone(), credentials.clone());
        async move {
            let part = open_after(&projections, wave, after, CHUNK, now).await?;
            let mut links = Vec::new();
            for row in &part.open {
                let code = credentials.code(row.invitation, row.generation).await?;
                links.push(InvitationLink::of(row, credentials.link(row.invitation, row.generation), code));
            }
            Ok::<_, InvitationError>((links, part.next.map(Some)))
        }
    };
    Ok(file("invitations", format, now).streaming(streamed(format, Some(None), page)))
}
