//! Exports previous records as a file, with the filters of the page. The export is recorded as an event before the
//! first byte is sent.

use super::Filters;
use crate::admin::cleared::{self, Reader};
use crate::admin::export::{Wanted, file, streamed};
use crate::admin::problem::Problem;
use crate::admin::query::Parameters;
use crate::admin::record::PreviousRecord;
use crate::admin::session::{ExportsRecords, May};
use actix_web::HttpResponse;
use events::staff::StaffActivityEvent;
use projections::ProjectionError;
use projections::records::{self as previous, RecordFilter};

/// Records per chunk.
const CHUNK: usize = 500;

/// Sends the file, in order of the ids. An import that runs meanwhile may change records before they are sent, but
/// none is left out or sent twice. If the records cannot be read to their end, the transfer is aborted, and the client
/// sees that the file is incomplete.
///
/// # Errors
/// Returns an error if a filter is invalid, or the event log or the projections are unavailable.
pub(crate) async fn export(
    staff: May<ExportsRecords>,
    address: Parameters<Filters, Wanted>,
) -> Result<HttpResponse, Problem> {
    let Parameters(filters, wanted) = address;
    let format = wanted.format()?;
    let filter = RecordFilter { after: None, ..filters.parse()? };
    let rows = previous::count(staff.projections(), filter.clone()).await.map_err(|error| staff.broken(error))?;
    let filters = filters.names_and_values();
    staff.record(StaffActivityEvent::PreviousRecordsExported { filters, format, rows }).await?;
    let projections = staff.projections().clone();
    let roles = staff.roles.clone();
    let page = move |filter: RecordFilter| {
        let (projections, roles) = (projections.clone(), roles.clone());
        async move {
            let found = previous::by_id(&projections, filter.clone(), CHUNK).await?;
            let shown = found.records.into_iter().map(|row| cleared::record(&Reader::Staff(&roles), row));
            let records: Vec<PreviousRecord> = shown.map(|row| PreviousRecord::from(&row)).collect();
            Ok::<_, ProjectionError>((records, found.next.map(|next| RecordFilter { after: Some(next), ..filter })))
        }
    };
    Ok(file("records", format, staff.now()).streaming(streamed(format, Some(filter), page)))
}
