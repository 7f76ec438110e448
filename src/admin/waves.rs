//! Waves of invitations: the list, a new one, one wave, and its links for those who hand them out.

mod change;
mod devices;
mod export;
mod members;
mod new;
mod page;
mod plan;
mod print;
mod records;
mod rehearsal;

pub(crate) use new::with as begin_with;
pub(crate) use records::MOST as MOST_RECORDS;

use super::invitations::words::{self, WAVES};
use super::pages::show;
use super::problem::Problem;
use super::query::{Parameters, Query, ReadWhole as _, read};
use super::render::view;
use super::session::{Invites, May, SeesInvitations, is_permitted};
use super::words::{Chip, Day};
use crate::web::content::content;
use crate::web::methods::Read as _;
use actix_web::middleware::Compress;
use actix_web::{HttpResponse, web};
use events::Timestamp;
use events::staff::StaffActivityEvent;
use projections::waves::{self, WaveCounts, WaveRow};
use serde::{Deserialize, Serialize};

/// Waves per page.
const PAGE: usize = 50;

/// Maximum size in bytes of the forms that begin a wave: they have the ids of up to 20,000 records, as text.
const LARGEST_FORM: usize = 1024 * 1024;

pub(crate) fn routes(config: &mut web::ServiceConfig) {
    let limit = || web::FormConfig::default().limit(LARGEST_FORM);
    config
        .service(web::resource("/waves").app_data(limit()).read(list).post(new::begin))
        .service(web::resource("/waves/new").app_data(limit()).read_whole(new::page).post(new::chosen))
        .service(web::resource("/waves/rehearse").app_data(limit()).post(new::rehearse))
        .service(web::resource("/waves/{wave}").read(page::page))
        .service(web::resource("/waves/{wave}/export").read(export::export).wrap(Compress::default()))
        .service(web::resource("/waves/{wave}/devices").read(devices::export))
        .service(web::resource("/waves/{wave}/print").read(print::page))
        .service(web::resource("/waves/{wave}/end").read_whole(change::ask).post(change::end))
        .service(web::resource("/waves/{wave}/{verb:pause|resume}").post(change::change));
}

/// The cursor as a query parameter.
#[derive(Deserialize)]
pub(crate) struct Cursor {
    after: Option<String>,
}

#[derive(Serialize)]
struct WavesPage {
    may_invite: bool,
    waves: Vec<Line>,
    older: Option<String>,
    newest: Option<String>,
}

view!(waves as waves_page, Menu, WavesPage { may_invite, waves, older, newest });

#[derive(Serialize)]
struct Line {
    href: String,
    name: String,
    state: Chip,
    delivery: &'static str,
    begun: Day,
    deadline: Day,
    records: u64,
    waiting: u64,
    invited: u64,
    used: u64,
}

content!(Line { href, name, state, delivery, begun, deadline, records, waiting, invited, used });

/// Shows the list.
///
/// # Errors
/// Returns an error if the cursor is invalid, or the event log or the projections are unavailable.
pub(crate) async fn list(staff: May<SeesInvitations>, address: Parameters<Cursor>) -> Result<HttpResponse, Problem> {
    let Parameters(Cursor { after }, _) = address;
    let after = read("after", after.as_deref(), |text| {
        text.parse().map_err(|_| Problem::Bad("Use “next” of the previous page, unchanged."))
    })?;
    staff.record(StaffActivityEvent::InvitationListViewed {}).await?;
    let found = waves::list(staff.projections(), after, PAGE).await.map_err(|error| staff.broken(error))?;
    let mut lines = Vec::new();
    for row in &found.waves {
        let counts = waves::counts(staff.projections(), row.wave).await.map_err(|error| staff.broken(error))?;
        lines.push(line(row, &counts, staff.now()));
    }
    let page = WavesPage {
        may_invite: is_permitted::<Invites>(&staff.roles),
        waves: lines,
        older: found.next.map(|next| Query::default().with("after", Some(&next.to_string())).href(WAVES)),
        newest: after.map(|_| WAVES.to_owned()),
    };
    show("Waves", "again", &staff, &page)
}

fn line(row: &WaveRow, counts: &WaveCounts, now: Timestamp) -> Line {
    let used = counts.invited.get(&projections::invitations::InvitationState::Used);
    Line {
        href: words::wave_href(row.wave),
        name: row.name.clone(),
        state: words::wave(row, counts.waiting),
        delivery: words::delivery(row.delivery),
        begun: Day::of(row.begun_at, now),
        deadline: Day::of(row.deadline, now),
        records: counts.records,
        waiting: counts.waiting,
        invited: counts.invited.values().sum(),
        used: used.copied().unwrap_or_default(),
    }
}
