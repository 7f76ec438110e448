//! Exports the records that can be deleted at their source, because their devices enrolled here: a CSV with the
//! identifiers that the other product deletes by. The export is recorded as an event before the first byte is sent.

use crate::admin::export::{file, streamed};
use crate::admin::problem::Problem;
use crate::admin::query::{Parameters, filled};
use crate::admin::record::Record;
use crate::admin::session::{ExportsRecords, May};
use ::records::Preset;
use actix_web::HttpResponse;
use events::staff::{ExportFormat, StaffActivityEvent};
use projections::records::{self as previous, Deletable};
use serde::{Deserialize, Serialize};

/// Records per chunk.
const CHUNK: usize = 500;

#[derive(Deserialize)]
pub(crate) struct Of {
    source: Option<String>,
}

/// Defines the columns of one product from the fields of a record.
macro_rules! columns {
    ($(#[$doc:meta])* $name:ident { $($column:literal: $field:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Serialize)]
        struct $name { $(#[serde(rename = $column)] $field: String),+ }

        impl Record for $name {
            const COLUMNS: &'static [&'static str] = &[$($column),+];

            fn cells(&self) -> Vec<String> {
                vec![$(self.$field.clone()),+]
            }
        }

        impl From<Identifiers> for $name {
            fn from(identifiers: Identifiers) -> $name {
                $name { $($field: identifiers.$field),+ }
            }
        }
    };
}

columns! {
    /// Jamf Pro: its ids are what the classic API and mass actions delete by.
    JamfPro { "JSS Mobile Device ID": source_id, "Serial Number": serial_number, "UDID": udid }
}

columns! {
    /// Intune: ids of managed devices.
    Intune { "Device ID": source_id, "Serial number": serial_number }
}

columns! {
    /// Fleet: ids of hosts.
    Fleet { "id": source_id, "hardware_serial": serial_number, "uuid": udid }
}

columns! {
    /// Mosyle deletes by serial number or UDID.
    Mosyle { "Serial Number": serial_number, "UDID": udid }
}

columns! {
    /// Another product, by the names that a mapping uses.
    Other { "source_id": source_id, "serial_number": serial_number, "udid": udid }
}

/// The identifiers of a record at its source; empty if it has none.
struct Identifiers {
    source_id: String,
    serial_number: String,
    udid: String,
}

impl From<Deletable> for Identifiers {
    fn from(record: Deletable) -> Identifiers {
        let Deletable { source_id, serial_number, udid, .. } = record;
        Identifiers { source_id, serial_number: serial_number.unwrap_or_default(), udid: udid.unwrap_or_default() }
    }
}

/// Sends the file for one source.
///
/// # Errors
/// Returns an error if no source is named, or the event log or the projections are unavailable.
pub(crate) async fn deletable(staff: May<ExportsRecords>, address: Parameters<Of>) -> Result<HttpResponse, Problem> {
    let Parameters(Of { source }, _) = address;
    let source = filled(source.as_deref()).ok_or(Problem::Bad("Choose a source.").of("source"))?.to_owned();
    let projections = staff.projections();
    let rows = previous::count_deletable(projections, source.clone()).await.map_err(|error| staff.broken(error))?;
    let preset = previous::preset_of(projections, source.clone()).await.map_err(|error| staff.broken(error))?;
    let filters = vec![format!("source={source}"), "retired=proven".to_owned(), "missing=no".to_owned()];
    let format = ExportFormat::Csv;
    staff.record(StaffActivityEvent::PreviousRecordsExported { filters, format, rows }).await?;
    let preset = Preset::ALL.into_iter().find(|known| Some(known.name()) == preset.as_deref());
    Ok(match preset {
        Some(Preset::JamfPro) => send::<JamfPro>(&staff, source),
        Some(Preset::Intune) => send::<Intune>(&staff, source),
        Some(Preset::Fleet) => send::<Fleet>(&staff, source),
        Some(Preset::Mosyle) => send::<Mosyle>(&staff, source),
        None => send::<Other>(&staff, source),
    })
}

fn send<R: Record + From<Identifiers> + 'static>(staff: &May<ExportsRecords>, source: String) -> HttpResponse {
    let projections = staff.projections().clone();
    let page = move |after| {
        let (projections, source) = (projections.clone(), source.clone());
        async move {
            let found = previous::deletable(&projections, source, after, CHUNK).await?;
            let next = found.last().filter(|_| found.len() == CHUNK).map(|last| Some(last.record));
            Ok((found.into_iter().map(|record| R::from(Identifiers::from(record))).collect(), next))
        }
    };
    file("safe-to-delete", ExportFormat::Csv, staff.now()).streaming(streamed(ExportFormat::Csv, Some(None), page))
}
