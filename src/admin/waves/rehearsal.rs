//! The page of a rehearsal: for how many records of a wave somebody can be invited, and why not for the others.

use super::plan::{Fields, Typed};
use super::records::Records;
use crate::admin::invitations::words;
use crate::admin::mails::language_name;
use crate::admin::render::view;
use crate::admin::session::{Invites, May};
use crate::admin::words::{Day, capital};
use crate::web::content::content;
use ::invitations::{MOST_REHEARSED, WaveRehearsal};
use decisions::wave::Plan;
use events::invitation::{InvitationDelivery, NotInvited};
use serde::Serialize;
use uuid::Uuid;

#[derive(Serialize)]
pub(super) struct RehearsalPage {
    request: Uuid,
    rehearsed: String,
    list: String,
    typed: Fields,
    delivery: &'static str,
    language: String,
    deadline: Day,
    mail: bool,
    records: u64,
    can: u64,
    cannot: Vec<Reason>,
    /// Number of records that were looked at and cannot be invited for.
    refusing: u64,
    /// Number of records that were not looked at.
    unknown: u64,
    looked: u64,
    /// Hours until everybody is invited.
    hours: u64,
}

view!(
    wave_rehearsal,
    Menu,
    RehearsalPage {
        request,
        rehearsed,
        list,
        typed,
        delivery,
        language,
        deadline,
        mail,
        records,
        can,
        cannot,
        refusing,
        unknown,
        looked,
        hours
    }
);

#[derive(Serialize)]
struct Reason {
    count: u64,
    why: String,
}

content!(Reason { count, why });

pub(super) fn rehearsal(
    staff: &May<Invites>,
    (request, typed): (Uuid, &Typed),
    plan: &Plan,
    records: &Records,
    found: &WaveRehearsal,
) -> RehearsalPage {
    let reason = |(why, count): (&NotInvited, &u64)| Reason { count: *count, why: capital(why.name()) };
    RehearsalPage {
        request,
        rehearsed: records.sealed(staff, request, &typed.written()),
        list: records.written(),
        typed: Fields::from(typed),
        delivery: words::delivery(plan.delivery),
        language: language_name(&plan.language).to_owned(),
        deadline: Day::of(plan.deadline, staff.now()),
        mail: plan.delivery == InvitationDelivery::Mail,
        records: records.0.len() as u64,
        can: found.can,
        refusing: found.cannot.values().sum(),
        cannot: found.cannot.iter().map(reason).collect(),
        unknown: found.unknown,
        looked: MOST_REHEARSED as u64,
        hours: (found.can + found.unknown).div_ceil(u64::from(plan.most_per_hour)),
    }
}
