//! Words and addresses of invitations and waves.

use crate::admin::problem::Problem;
use crate::admin::query::Query;
use crate::admin::session::{Invites, Staff, is_permitted};
use crate::admin::words::Chip;
use decisions::invitation::{Invitation, Standing};
use events::Timestamp;
use events::invitation::{InvitationDelivery, InvitationId, InvitationRefusal, WaveId};
use events::person::PersonId;
use events::record::RecordId;
use projections::invitations::InvitationState;
use projections::waves::WaveRow;
use uuid::Uuid;

pub(crate) const PATH: &str = "/console/invitations";
pub(crate) const WAVES: &str = "/console/waves";

/// Returns the address of an invitation's page.
pub(crate) fn href(invitation: InvitationId) -> String {
    format!("{PATH}/{invitation}")
}

/// Returns the address of a wave's page.
pub(crate) fn wave_href(wave: WaveId) -> String {
    format!("{WAVES}/{wave}")
}

/// Returns the address of the form that invites a person; `None` for staff who may not invite.
pub(crate) fn invite_person(staff: &Staff, person: PersonId) -> Option<String> {
    invite(staff, Query::default().with("person", Some(&person.to_string())))
}

/// Returns the address of the form that invites the owner of a record; `None` for staff who may not invite.
pub(crate) fn invite_owner(staff: &Staff, record: RecordId) -> Option<String> {
    invite(staff, Query::default().with("record", Some(&record.to_string())))
}

fn invite(staff: &Staff, query: Query) -> Option<String> {
    is_permitted::<Invites>(&staff.roles).then(|| query.href(&format!("{PATH}/new")))
}

/// Parses an invitation id from an address.
pub(crate) fn parse_invitation(text: &str) -> Result<InvitationId, Problem> {
    Uuid::parse_str(text).map(InvitationId).map_err(|_| Problem::NotFound)
}

/// Parses a person id from an address.
pub(crate) fn parse_person(text: &str) -> Result<PersonId, Problem> {
    Uuid::parse_str(text).map(PersonId).map_err(|_| Problem::NotFound)
}

/// Parses a wave id from an address.
pub(crate) fn parse_wave(text: &str) -> Result<WaveId, Problem> {
    Uuid::parse_str(text).map(WaveId).map_err(|_| Problem::NotFound)
}

/// Returns the state of an invitation at `now`. `is_given_up`: its mail will not be sent.
pub(crate) fn state(invitation: &Invitation, is_given_up: bool, now: Timestamp) -> Chip {
    let is_mail = invitation.issued.as_ref().is_some_and(|issued| issued.delivery == InvitationDelivery::Mail);
    listed(match invitation.standing(now) {
        Standing::Closed(InvitationRefusal::Used) => InvitationState::Used,
        Standing::Closed(InvitationRefusal::Revoked) => InvitationState::Revoked,
        Standing::Closed(_) | Standing::Unknown => InvitationState::Expired,
        Standing::Open if !invitation.opened.is_empty() => InvitationState::Opened,
        Standing::Open if is_given_up => InvitationState::NotSent,
        Standing::Open if is_mail && invitation.is_mail_settled => InvitationState::Sent,
        Standing::Open => InvitationState::Issued,
    })
}

/// Returns the state of an invitation in a list.
pub(crate) fn listed(state: InvitationState) -> Chip {
    match state {
        InvitationState::Issued => Chip { label: "Issued", class: "" },
        InvitationState::Sent => Chip { label: "Sent", class: "" },
        InvitationState::NotSent => Chip { label: "Not sent", class: "bad" },
        InvitationState::Opened => Chip { label: "Opened", class: "warn" },
        InvitationState::Used => Chip { label: "Used", class: "ok" },
        InvitationState::Expired => Chip { label: "Expired", class: "warn" },
        InvitationState::Revoked => Chip { label: "Revoked", class: "" },
    }
}

pub(crate) fn delivery(delivery: InvitationDelivery) -> &'static str {
    match delivery {
        InvitationDelivery::Mail => "By mail",
        InvitationDelivery::ByHand => "Handed over",
        InvitationDelivery::WebClip => "Web Clip",
    }
}

/// Returns the state of a wave. `waiting`: number of records that have not had their turn.
pub(crate) fn wave(row: &WaveRow, waiting: u64) -> Chip {
    match row {
        WaveRow { ended_at: Some(_), .. } => Chip { label: "Ended", class: "" },
        WaveRow { paused_at: Some(_), .. } => Chip { label: "Paused", class: "warn" },
        WaveRow { deadline_passed_at: Some(_), .. } => Chip { label: "Deadline passed", class: "warn" },
        WaveRow { .. } if waiting == 0 => Chip { label: "All had their turn", class: "ok" },
        WaveRow { .. } => Chip { label: "Inviting", class: "ok" },
    }
}

/// Returns what a form says about a delivery.
pub(crate) fn delivery_explained(delivery: InvitationDelivery) -> &'static str {
    match delivery {
        InvitationDelivery::Mail => "By mail. Muster sends it, and reminds people who do not use it.",
        InvitationDelivery::ByHand => "Handed over. You show or print the link, its QR code or its code.",
        InvitationDelivery::WebClip => {
            "As a Web Clip. The management that is on the device now puts the link on its Home Screen. Only this proves \
             the device."
        }
    }
}
