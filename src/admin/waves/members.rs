//! The records of a wave whose invitations can be used now, in the order of the wave.

use crate::admin::problem::Problem;
use crate::admin::session::Staff;
use events::Timestamp;
use events::invitation::{InvitationDelivery, WaveId};
use projections::invitations::{self, InvitationRow};
use projections::waves::{self, MemberState, WaveRow};
use projections::{ProjectionError, Projections};

/// Invitations of a part of a wave.
pub(super) struct Part {
    pub open: Vec<InvitationRow>,
    /// Place of the last record of the part, if more follow.
    pub next: Option<u64>,
}

/// Returns the invitations of the `limit` records after this place that can be used at `now`.
///
/// # Errors
/// Returns an error if the projections are unavailable.
pub(super) async fn open_after(
    projections: &Projections,
    wave: WaveId,
    after: Option<u64>,
    limit: usize,
    now: Timestamp,
) -> Result<Part, ProjectionError> {
    let members = waves::members(projections, wave, after, limit).await?;
    let mut open = Vec::new();
    for member in &members {
        let MemberState::Invited(invitation, _) = member.state else { continue };
        let row = invitations::by_id(projections, invitation).await?;
        open.extend(row.filter(|row| is_open(row, now)));
    }
    let is_full = members.len() == limit;
    Ok(Part { open, next: members.last().filter(|_| is_full).map(|member| member.place) })
}

fn is_open(row: &InvitationRow, now: Timestamp) -> bool {
    row.used_at.is_none() && row.revoked_at.is_none() && row.expired_at.is_none() && now < row.expires
}

/// Returns a wave whose links staff hand out.
///
/// # Errors
/// Returns an error if there is no such wave, its links are delivered in another way, or the projections are
/// unavailable.
pub(super) async fn handed_out(
    staff: &Staff,
    wave: WaveId,
    deliveries: &[InvitationDelivery],
) -> Result<WaveRow, Problem> {
    let row = waves::by_id(staff.projections(), wave).await.map_err(|error| staff.broken(error))?;
    row.filter(|row| deliveries.contains(&row.delivery)).ok_or(Problem::NotFound)
}
