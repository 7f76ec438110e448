//! Exports the inventory as a file, with the filters of the page. The export is recorded as an event before the first
//! byte is sent.

use super::Filters;
use crate::admin::cleared::{self, Reader};
use crate::admin::export::{Wanted, file, streamed};
use crate::admin::problem::Problem;
use crate::admin::query::Parameters;
use crate::admin::record::DeviceRecord;
use crate::admin::session::{ExportsInventory, May};
use actix_web::HttpResponse;
use events::staff::StaffActivityEvent;
use projections::ProjectionError;
use projections::devices::{self as inventory, DeviceFilter, DeviceSort};

/// Devices per chunk.
const CHUNK: usize = 500;

/// Sends the file, the devices that were added last first. Devices may change before they are sent, but none is left
/// out or sent twice, since the time of adding does not change. The event has the number of devices that matched before
/// the first byte. If the devices cannot be read to their end, the transfer is aborted, and the client sees that the
/// file is incomplete.
///
/// # Errors
/// Returns an error if a filter is invalid, or the event log or the projections are unavailable.
pub(crate) async fn export(
    staff: May<ExportsInventory>,
    address: Parameters<Filters, Wanted>,
) -> Result<HttpResponse, Problem> {
    let Parameters(filters, wanted) = address;
    let format = wanted.format()?;
    let parsed = filters.parse(staff.now())?;
    let filter = DeviceFilter { after: None, sort: DeviceSort::Added, direction: None, ..parsed };
    let rows = inventory::count_whole(staff.projections(), filter.clone()).await;
    let rows = rows.map_err(|error| staff.broken(error))?;
    staff.record(StaffActivityEvent::InventoryExported { filters: filters.names_and_values(), format, rows }).await?;
    let (projections, roles) = (staff.projections().clone(), staff.roles.clone());
    let page = move |filter: DeviceFilter| {
        let (projections, roles) = (projections.clone(), roles.clone());
        async move {
            let found = inventory::list(&projections, filter.clone(), CHUNK).await?;
            let devices = cleared::devices(&projections, &Reader::Staff(&roles), found.devices).await?;
            let records: Vec<DeviceRecord> = devices.iter().map(DeviceRecord::from).collect();
            Ok::<_, ProjectionError>((records, found.next.map(|next| DeviceFilter { after: Some(next), ..filter })))
        }
    };
    Ok(file("devices", format, staff.now()).streaming(streamed(format, Some(filter), page)))
}
