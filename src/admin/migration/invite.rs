//! Leads from the board to a new wave of invitations: the ticked records, or all that match.

use super::bulk::ticked;
use super::filters::Filters;
use crate::admin::form::Genuine;
use crate::admin::problem::Problem;
use crate::admin::query::filled;
use crate::admin::session::{Invites, May};
use crate::admin::waves;
use actix_web::HttpResponse;
use events::record::RecordId;
use events::staff::StaffActivityEvent;
use projections::migration as board;
use std::collections::BTreeMap;

/// Records that are read at once.
const CHUNK: usize = 1_000;

/// Shows the form of a wave for the chosen records. Nothing is changed.
///
/// # Errors
/// Returns an error if the form is invalid or has no record, too many records match, or the event log or the
/// projections are unavailable.
pub(crate) async fn invite(
    staff: May<Invites>,
    form: Genuine<BTreeMap<String, String>>,
) -> Result<HttpResponse, Problem> {
    let (fields, filters) = (&form.0, Filters::of_form(&form.0));
    staff.record(StaffActivityEvent::MigrationBoardViewed { filters: filters.names_and_values() }).await?;
    let records = match filled(fields.get("which").map(String::as_str)) {
        Some("all") => matching(&staff, &filters).await?,
        _ => ticked(fields)?,
    };
    waves::begin_with(&staff, records).await
}

// One more than a wave accepts says that there are too many.
async fn matching(staff: &May<Invites>, filters: &Filters) -> Result<Vec<RecordId>, Problem> {
    let broken = |error| staff.broken(error);
    let choices = board::choices(staff.projections()).await.map_err(broken)?;
    let mut filter = filters.parse(staff.now(), &choices)?;
    let mut records = Vec::new();
    loop {
        let found = board::by_id(staff.projections(), filter.clone(), CHUNK).await.map_err(broken)?;
        records.extend(found.rows.iter().map(|row| row.record));
        match found.next {
            Some(next) if records.len() <= waves::MOST_RECORDS => filter.after = Some(next),
            Some(_) | None => return Ok(records),
        }
    }
}
