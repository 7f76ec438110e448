//! Exports the audit trail as a file, with the filters of the page. The export is recorded as an event before the
//! first byte is sent.

use super::filters::Filters;
use crate::admin::export::{Wanted, file, head, lines};
use crate::admin::problem::Problem;
use crate::admin::query::Parameters;
use crate::admin::record::EventRecord;
use crate::admin::session::{Exports, May};
use actix_web::HttpResponse;
use actix_web::web::Bytes;
use events::staff::{ExportFormat, StaffActivityEvent};
use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use projections::audit::{self as trail, AuditFilter};
use projections::{ProjectionError, Projections};

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
    let extent = trail::extent(staff.projections(), filter.clone()).await.map_err(|error| staff.broken(error))?;
    staff
        .record(StaffActivityEvent::AuditTrailExported {
            filters: filters.names_and_values(),
            format,
            rows: extent.rows,
        })
        .await?;
    let mut file = file("audit", format, staff.now());
    let Some(newest) = extent.newest else { return Ok(file.body(head::<EventRecord>(format))) };
    let filter = AuditFilter { oldest_first: true, up_to: Some(newest), ..filter };
    Ok(file.streaming(body(staff.projections().clone(), filter, format)))
}

fn body(
    projections: Projections,
    filter: AuditFilter,
    format: ExportFormat,
) -> impl Stream<Item = Result<Bytes, ProjectionError>> {
    let first = stream::iter([Ok(head::<EventRecord>(format))]);
    let rest = stream::try_unfold(Some(filter), move |next| {
        let projections = projections.clone();
        async move {
            let Some(filter) = next else { return Ok(None) };
            let page = trail::query(&projections, filter.clone(), CHUNK).await.inspect_err(|error| {
                tracing::error!(%error, "an export of the audit trail is aborted");
            })?;
            let bytes = lines(format, page.rows.iter().map(EventRecord::from));
            let next = page.next.map(|after| AuditFilter { after: Some(after), ..filter });
            Ok(Some((bytes, next)))
        }
    });
    // Skips empty chunks, because an empty chunk would end the body.
    first.chain(rest).try_filter(|bytes| std::future::ready(!bytes.is_empty()))
}
