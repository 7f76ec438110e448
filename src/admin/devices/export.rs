//! Exports the inventory as a file, with the filters of the page. The export is recorded as an event before the first
//! byte is sent.

use super::Filters;
use crate::admin::cleared::{self, Reader};
use crate::admin::export::{Wanted, file, head, lines};
use crate::admin::problem::Problem;
use crate::admin::query::Parameters;
use crate::admin::record::DeviceRecord;
use crate::admin::session::{ExportsInventory, May};
use actix_web::HttpResponse;
use events::staff::StaffActivityEvent;
use projections::devices::{self as inventory, DeviceFilter};

/// Maximum number of records in one file. They are read at once, so that the file is a consistent snapshot.
const MOST: usize = 100_000;

/// Sends the file, in the order of the page.
///
/// # Errors
/// Returns an error if a filter is invalid, if too many records match, or if the event log or the projections are
/// unavailable.
pub(crate) async fn export(
    staff: May<ExportsInventory>,
    address: Parameters<Filters, Wanted>,
) -> Result<HttpResponse, Problem> {
    let Parameters(filters, wanted) = address;
    let format = wanted.format()?;
    let filter = DeviceFilter { after: None, ..filters.parse(staff.now())? };
    let found = inventory::list(staff.projections(), filter, MOST).await.map_err(|error| staff.broken(error))?;
    if found.next.is_some() {
        return Err(Problem::Bad("More than 100,000 records match. Narrow the filters and export in parts."));
    }
    let rows = found.devices.len() as u64;
    staff.record(StaffActivityEvent::InventoryExported { filters: filters.names_and_values(), format, rows }).await?;
    let devices = cleared::devices(staff.projections(), &Reader::Staff(&staff.roles), found.devices).await;
    let devices = devices.map_err(|error| staff.broken(error))?;
    let records = lines(format, devices.iter().map(DeviceRecord::from));
    Ok(file("devices", format, staff.now()).body([head::<DeviceRecord>(format), records].concat()))
}
