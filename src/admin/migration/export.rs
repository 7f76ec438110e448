//! Exports the board as a file, with the filters of the page. The export is recorded as an event before the first byte
//! is sent.

use super::filters::Filters;
use crate::admin::cleared::{self, Reader};
use crate::admin::export::{Wanted, file, streamed};
use crate::admin::problem::Problem;
use crate::admin::query::Parameters;
use crate::admin::record::BoardRecord;
use crate::admin::session::{ExportsMigration, May};
use actix_web::HttpResponse;
use events::staff::StaffActivityEvent;
use projections::ProjectionError;
use projections::migration::{self as board, BoardFilter};

pub(super) const PATH: &str = "/console/migration/export";

/// Records per chunk.
const CHUNK: usize = 500;

/// Sends the file, in order of the ids, so that no record is sent twice. Each has its state at that moment.
/// If the records cannot be read to their end, the transfer is aborted: the client sees that the file is incomplete.
///
/// # Errors
/// Returns an error if a filter is invalid, or the event log or the projections are unavailable.
pub(crate) async fn export(
    staff: May<ExportsMigration>,
    address: Parameters<Filters, Wanted>,
) -> Result<HttpResponse, Problem> {
    let Parameters(filters, wanted) = address;
    let format = wanted.format()?;
    let choices = board::choices(staff.projections()).await.map_err(|error| staff.broken(error))?;
    let filter = BoardFilter { after: None, ..filters.parse(staff.now(), &choices)? };
    let rows = board::count(staff.projections(), filter.clone()).await.map_err(|error| staff.broken(error))?;
    let filters = filters.names_and_values();
    staff.record(StaffActivityEvent::MigrationBoardExported { filters, format, rows }).await?;
    let (projections, roles) = (staff.projections().clone(), staff.roles.clone());
    let page = move |filter: BoardFilter| {
        let (projections, roles) = (projections.clone(), roles.clone());
        async move {
            let found = board::by_id(&projections, filter.clone(), CHUNK).await?;
            let rows = cleared::board(&projections, &Reader::Staff(&roles), found.rows).await?;
            let records: Vec<BoardRecord> = rows.iter().map(BoardRecord::from).collect();
            Ok::<_, ProjectionError>((records, found.next.map(|next| BoardFilter { after: Some(next), ..filter })))
        }
    };
    Ok(file("migration", format, staff.now()).streaming(streamed(format, Some(filter), page)))
}
