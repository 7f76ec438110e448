//! Exports the devices of a wave for the product that manages them now: a list, and one profile with a Web Clip for
//! each device, in a ZIP file.

use super::members::{handed_out, open_after};
use crate::admin::export::{head, lines};
use crate::admin::invitations::words::parse_wave;
use crate::admin::problem::Problem;
use crate::admin::query::{Parameters, read};
use crate::admin::record::{DeviceLink, ToldApart};
use crate::admin::records::folded;
use crate::admin::session::{Invites, May, Staff};
use ::devices::web_clip::WebClip;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use events::invitation::InvitationDelivery;
use events::record::RecordId;
use events::staff::{ExportFormat, StaffActivityEvent};
use projections::invitations::InvitationRow;
use serde::Deserialize;
use std::io::{Cursor, Write as _};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Maximum number of devices in one file: it is made in memory, at about 6 kB for each device.
pub(super) const MOST: usize = 1_000;

/// Number of the part as a query parameter, from 1.
#[derive(Deserialize)]
pub(crate) struct Part {
    part: Option<String>,
}

/// Sends the file of one part of the wave.
///
/// # Errors
/// Returns an error if there is no such wave, its invitations are not bound to devices, or the event log or the
/// projections are unavailable.
pub(crate) async fn export(
    staff: May<Invites>,
    path: web::Path<String>,
    address: Parameters<Part>,
) -> Result<HttpResponse, Problem> {
    let Parameters(Part { part }, _) = address;
    let wave = parse_wave(&path)?;
    let part = read("part", part.as_deref(), |text| {
        text.parse::<u64>().ok().filter(|part| *part > 0).ok_or(Problem::Bad("It must be a number from 1 on."))
    })?;
    let part = part.unwrap_or(1);
    handed_out(&staff, wave, &[InvitationDelivery::WebClip]).await?;
    let after = (part - 1).saturating_mul(MOST as u64).checked_sub(1);
    let now = staff.now();
    let found = open_after(staff.projections(), wave, after, MOST, now).await.map_err(|error| staff.broken(error))?;
    let rows = found.open.len() as u64;
    staff.record(StaffActivityEvent::InvitationsExported { wave, format: ExportFormat::Csv, rows }).await?;
    let body = packed(&staff, &found.open).await?;
    let name = format!("attachment; filename=\"muster-devices-{}-{part}.zip\"", now.day());
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/zip"))
        .insert_header((CONTENT_DISPOSITION, name))
        .body(body))
}

async fn packed(staff: &May<Invites>, rows: &[InvitationRow]) -> Result<Vec<u8>, Problem> {
    let organization = staff.settings().await?.organization;
    let mut archive = Archive::default();
    let mut links = Vec::new();
    for (nth, row) in rows.iter().enumerate() {
        let Some(record) = row.record else { continue };
        let told = told_apart(staff, record).await?;
        let url = staff.credentials().link(row.invitation, row.generation);
        let clip = WebClip { invitation: row.invitation, generation: row.generation, url: &url };
        let profile = staff.app().devices.web_clip_profile(clip, &organization).await;
        let profile = profile.map_err(|error| staff.broken(error))?;
        let name = format!("profiles/{:04}-{}.mobileconfig", nth + 1, plain(&told, record));
        archive.add(&name, &profile).map_err(|error| staff.broken(error))?;
        links.push(DeviceLink::of(&told, row, url, name));
    }
    let list = [head::<DeviceLink>(ExportFormat::Csv), lines(ExportFormat::Csv, links)].concat();
    archive.add("devices.csv", &list).map_err(|error| staff.broken(error))?;
    archive.finish().map_err(|error| staff.broken(error))
}

async fn told_apart(staff: &Staff, record: RecordId) -> Result<ToldApart, Problem> {
    if !record.is_imported() {
        let source = Some("Muster".to_owned());
        return Ok(ToldApart { source, device_id: Some(record.to_string()), ..ToldApart::default() });
    }
    let found = folded(staff, record, None).await?.record;
    let personal = found.details.as_ref().and_then(|details| details.personal.get());
    Ok(ToldApart {
        source: found.source.clone(),
        device_id: personal.map(|personal| personal.source_id.clone()),
        serial_number: personal.and_then(|personal| personal.serial_number.clone()),
        udid: personal.and_then(|personal| personal.udid.clone()),
    })
}

// Returns a part of a file name: values of another product may have any characters.
fn plain(told: &ToldApart, record: RecordId) -> String {
    let plain = |text: &String| text.chars().filter(char::is_ascii_alphanumeric).take(40).collect::<String>();
    let known = told.serial_number.as_ref().or(told.device_id.as_ref()).map(plain);
    known.filter(|name| !name.is_empty()).unwrap_or_else(|| record.to_string())
}

/// A ZIP file in memory, without compression.
struct Archive(ZipWriter<Cursor<Vec<u8>>>);

impl Default for Archive {
    fn default() -> Archive {
        Archive(ZipWriter::new(Cursor::default()))
    }
}

impl Archive {
    fn add(&mut self, name: &str, content: &[u8]) -> Result<(), ZipError> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        self.0.start_file(name, options)?;
        Ok(self.0.write_all(content)?)
    }

    fn finish(self) -> Result<Vec<u8>, ZipError> {
        Ok(self.0.finish()?.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_file_name_has_only_plain_characters() {
        let record = RecordId(Uuid::from_u128(1));
        let named = |serial: Option<&str>, id: Option<&str>| {
            let (serial_number, device_id) = (serial.map(str::to_owned), id.map(str::to_owned));
            plain(&ToldApart { serial_number, device_id, ..ToldApart::default() }, record)
        };
        assert_eq!(named(Some("F2LX"), Some("17")), "F2LX");
        assert_eq!(named(Some("../../etc/a\u{202e}b"), None), "etcab");
        assert_eq!(named(None, Some("17")), "17");
        assert_eq!(named(Some("…"), None), record.to_string());
    }
}
