//! Exports the audit trail as a file, with the filters of the page. The export is recorded as an event before the
//! first byte is sent.

use super::filters::Filters;
use crate::admin::export::{Wanted, file, streamed};
use crate::admin::problem::Problem;
use crate::admin::query::Parameters;
use crate::admin::record::EventRecord;
use crate::admin::session::{Exports, May};
use actix_web::HttpResponse;
use events::staff::StaffActivityEvent;
use projections::ProjectionError;
use projections::audit::{self as trail, AuditFilter};

/// Events per chunk.
const CHUNK: usize = 500;

/// Sends the file, oldest event first. It ends where the trail ended when the request came, so that the row count in
/// the event is the file's. If the trail cannot be read to its end, the transfer is aborted, and the client sees that
/// the file is incomplete.
///
/// # Errors
/// Returns an error if a filter is invalid, or the event log or the projections are unavailable.
pub(crate) async fn export(staff: May<Exports>, address: Parameters<Filters, Wanted>) -> Result<HttpResponse, Problem> {
    let Parameters(filters, wanted) = address;
    let format = wanted.format()?;
    let filter = filters.parse(staff.projections(), |error| staff.broken(error)).await?;
    let filter = AuditFilter { after: None, ..filter };
    let extent =
        trail::extent(staff.projections(), staff.log(), filter.clone()).await.map_err(|error| staff.broken(error))?;
    staff
        .record(StaffActivityEvent::AuditTrailExported {
            filters: filters.names_and_values(),
            format,
            rows: extent.rows,
        })
        .await?;
    let filter = extent.newest.map(|newest| AuditFilter { oldest_first: true, up_to: Some(newest), ..filter });
    let (projections, log) = (staff.projections().clone(), staff.log().clone());
    let page = move |filter: AuditFilter| {
        let (projections, log) = (projections.clone(), log.clone());
        async move {
            let page = trail::query(&projections, &log, filter.clone(), CHUNK).await?;
            let records: Vec<EventRecord> = page.rows.iter().map(EventRecord::from).collect();
            Ok::<_, ProjectionError>((records, page.next.map(|after| AuditFilter { after: Some(after), ..filter })))
        }
    };
    Ok(file("audit", format, staff.now()).streaming(streamed(format, filter, page)))
}
