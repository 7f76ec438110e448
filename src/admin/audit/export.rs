//! The audit trail as a file, by the filters of the page. That it was taken is an event before its first byte is sent.

use super::filters::Filters;
use crate::admin::export::{Wanted, file, head, lines};
use crate::admin::problem::Problem;
use crate::admin::query::Parameters;
use crate::admin::record::EventRecord;
use crate::admin::session::{Exports, May};
use actix_web::HttpResponse;
use actix_web::web::Bytes;
use events::staff::{AccessEvent, ExportFormat};
use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use projections::audit::{self as trail, AuditFilter};
use projections::{ProjectionError, Projections};

/// Events that are read and sent at a time.
const CHUNK: usize = 500;

/// The file, the oldest event first. It ends where the trail ended when it was asked for, so that the number of rows in
/// the event is that of the file; if it cannot be read to its end, the transfer breaks off and is seen to be incomplete.
///
/// # Errors
/// If a filter is not understood, or log or projections cannot be used.
pub async fn export(staff: May<Exports>, address: Parameters<Filters, Wanted>) -> Result<HttpResponse, Problem> {
    let Parameters(filters, wanted) = address;
    let format = wanted.format()?;
    let filter = filters.parse(staff.projections(), |error| staff.broken(error)).await?;
    let filter = AuditFilter { after: None, ..filter };
    let extent = trail::extent(staff.projections(), filter.clone()).await.map_err(|error| staff.broken(error))?;
    staff.record(AccessEvent::AuditTrailExported { filters: filters.told(), format, rows: extent.rows }).await?;
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
                tracing::error!(%error, "an export of the audit trail breaks off");
            })?;
            let bytes = lines(format, page.rows.iter().map(EventRecord::from));
            let next = page.next.map(|after| AuditFilter { after: Some(after), ..filter });
            Ok(Some((bytes, next)))
        }
    });
    // An empty chunk would end the body.
    first.chain(rest).try_filter(|bytes| std::future::ready(!bytes.is_empty()))
}
