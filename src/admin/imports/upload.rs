//! An uploaded file: what its rehearsal found, its import with the progress, and the rows that were set aside.

use super::received::{self, Received, problem};
use super::{Counts, How, Noted, PATH, file_name, href_of_records, href_of_upload as href, notes, owners, stage};
use crate::admin::carried::{About, Act};
use crate::admin::devices::Fact;
use crate::admin::export::file;
use crate::admin::form::{Empty, Genuine};
use crate::admin::pages::show;
use crate::admin::problem::Problem;
use crate::admin::proof;
use crate::admin::render::view;
use crate::admin::session::{ImportsRecords, May, Own, is_fresh, see_other};
use crate::admin::words::{Chip, Instant, capital};
use crate::web::content::content;
use ::imports::uploads::{BadLine, Stage, Upload, UploadId};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use events::Timestamp;
use events::record::ImportCounts;
use events::staff::{ExportFormat, StaffActivityEvent};
use futures_util::Stream;
use plural::counted;
use records::{Delimiter, Encoding, Field, Format, Layout};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use uuid::Uuid;

/// Seconds after which the page asks for the state again while something goes on.
const REFRESH: HeaderValue = HeaderValue::from_static("2");

/// Bytes that are read at once from the file of set-aside rows.
const PIECE: usize = 64 * 1024;

#[derive(Serialize)]
struct UploadPage {
    href: String,
    name: String,
    stage: Chip,
    sub: String,
    /// Something goes on: what, and how much of the file was read.
    goes_on: Option<GoesOn>,
    wrong: Option<String>,
    /// The import ended early.
    interrupted: bool,
    /// The rehearsal is done, and the file can be imported.
    ready: bool,
    imported: Option<Imported>,
    counts: Option<Counts>,
    /// What was found out about the owners of the rows.
    owners: Vec<Fact>,
    /// The file was read, and there is no owner rule.
    no_owners: bool,
    notes: Vec<Noted>,
    skipped: u64,
    layout: Option<Found>,
    bad: Vec<Bad>,
    bad_more: u64,
    bad_cut: bool,
    bad_file: bool,
    /// The form that reads the file in another way.
    again: Option<How>,
}

view!(
    import_upload,
    Menu,
    UploadPage {
        href,
        name,
        stage,
        sub,
        goes_on,
        wrong,
        interrupted,
        ready,
        imported,
        counts,
        owners,
        no_owners,
        notes,
        skipped,
        layout,
        bad,
        bad_more,
        bad_cut,
        bad_file,
        again
    }
);

#[derive(Serialize)]
struct GoesOn {
    what: &'static str,
    percent: u64,
}

content!(GoesOn { what, percent });

#[derive(Serialize)]
struct Imported {
    href: String,
    records_href: String,
}

content!(Imported { href, records_href });

/// What was found out about the file.
#[derive(Serialize)]
struct Found {
    source: String,
    product: &'static str,
    format: &'static str,
    encoding: &'static str,
    complete: bool,
    fields: Vec<Used>,
    absent: String,
    ignored: Vec<String>,
}

content!(Found { source, product, format, encoding, complete, fields, absent, ignored });

#[derive(Serialize)]
struct Used {
    field: &'static str,
    /// As mappings and messages name the field.
    name: String,
    columns: String,
}

content!(Used { field, name, columns });

#[derive(Serialize)]
struct Bad {
    reasons: String,
    text: String,
}

content!(Bad { reasons, text });

/// Receives a file, and begins its rehearsal.
///
/// # Errors
/// Returns an error if the form is incomplete, did not come from a page of this session, or its file is not accepted.
pub(crate) async fn receive(
    staff: May<ImportsRecords>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let Received { asked, name, file } = received::receive(&staff, &request, payload).await?;
    let id = file.keep(name, asked, staff.context()).await.map_err(|error| problem(&staff, error))?;
    Ok(see_other(&href(id)))
}

/// Shows the page.
///
/// # Errors
/// Returns an error if there is no such upload.
pub(crate) async fn page(staff: May<ImportsRecords>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let id = parse(&path)?;
    let upload = staff.app().uploads.get(id).map_err(|error| problem(&staff, error))?;
    let page = assemble(id, &upload, staff.now());
    let mut response = show(&page.name, "again", &staff, &page)?;
    if upload.is_under_way() {
        response.headers_mut().insert(HeaderName::from_static("refresh"), REFRESH);
    }
    Ok(response)
}

/// Imports a file that was checked.
///
/// # Errors
/// Returns an error if there is no such upload, it was not checked, or another import runs.
pub(crate) async fn import(
    staff: May<ImportsRecords>,
    own: Own,
    path: web::Path<String>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    let id = parse(&path)?;
    let uploads = &staff.app().uploads;
    let upload = uploads.get(id).map_err(|error| problem(&staff, error))?;
    if !is_fresh(&staff) {
        return proof::first(&own, &act(id, &upload));
    }
    uploads.import(id, staff.context()).map_err(|error| problem(&staff, error))?;
    Ok(see_other(&href(id)))
}

/// Reads the file in another way.
///
/// # Errors
/// Returns an error if there is no such upload, or it is being imported.
pub(crate) async fn check_again(
    staff: May<ImportsRecords>,
    path: web::Path<String>,
    Genuine(fields): Genuine<Fields>,
) -> Result<HttpResponse, Problem> {
    let id = parse(&path)?;
    let asked = received::asked(&fields.0)?;
    staff.app().uploads.check_again(id, asked, staff.context()).map_err(|error| problem(&staff, error))?;
    Ok(see_other(&href(id)))
}

/// Any fields of a form.
#[derive(Deserialize)]
pub(crate) struct Fields(BTreeMap<String, String>);

/// Removes an uploaded file.
///
/// # Errors
/// Returns an error if it is being imported.
pub(crate) async fn discard(
    staff: May<ImportsRecords>,
    path: web::Path<String>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    staff.app().uploads.discard(parse(&path)?).map_err(|error| problem(&staff, error))?;
    Ok(see_other(PATH))
}

/// Sends the file of the rows that were set aside. They have names and identifiers, so it is recorded as an export.
///
/// # Errors
/// Returns an error if there is no such file, or the event log is unavailable.
pub(crate) async fn set_aside(staff: May<ImportsRecords>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let id = parse(&path)?;
    let uploads = &staff.app().uploads;
    let upload = uploads.get(id).map_err(|error| problem(&staff, error))?;
    let (path, format) = uploads.bad_file(id).map_err(|error| problem(&staff, error))?;
    let format = match format {
        Format::Csv(_) => ExportFormat::Csv,
        Format::JsonLines => ExportFormat::Jsonl,
    };
    let opened = File::open(path).await.map_err(|error| staff.broken(error))?;
    let (filters, rows) = (vec!["set aside by an import".to_owned()], upload.counts.bad);
    staff.record(StaffActivityEvent::InventoryExported { filters, format, rows }).await?;
    Ok(file("set-aside", format, staff.now()).streaming(pieces(opened)))
}

fn pieces(file: File) -> impl Stream<Item = io::Result<Bytes>> {
    futures_util::stream::unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(read) => {
                piece.truncate(read);
                Some((Ok(Bytes::from(piece)), file))
            }
            Err(error) => Some((Err(error), file)),
        }
    })
}

fn parse(text: &str) -> Result<UploadId, Problem> {
    Uuid::parse_str(text).map(UploadId).map_err(|_| Problem::NotFound)
}

fn act(id: UploadId, upload: &Upload) -> Act {
    let ImportCounts { new, changed, missing, .. } = upload.counts;
    let name = file_name(&upload.name);
    let what = format!("{name}: {new} new, {changed} changed, {missing} no longer there");
    Act {
        path: format!("{}/import", href(id)),
        about: About::of("Import", what),
        consequence: "Writes these records. You can undo the import afterwards.".to_owned(),
        fields: vec![],
        back: href(id),
    }
}

fn assemble(id: UploadId, upload: &Upload, now: Timestamp) -> UploadPage {
    let (wrong, interrupted) = match &upload.stage {
        Stage::Unreadable(why) => (Some(capital(why)), false),
        Stage::Interrupted(why) => (Some(capital(why)), true),
        Stage::Checking | Stage::Checked | Stage::Importing | Stage::Imported(_) => (None, false),
    };
    let imported = match &upload.stage {
        Stage::Imported(import) => Some(*import),
        _ => None,
    };
    let bad_more = upload.counts.bad.saturating_sub(upload.bad.len() as u64);
    UploadPage {
        href: href(id),
        name: file_name(&upload.name),
        stage: stage(&upload.stage),
        sub: format!("{}, uploaded {}", size(upload.size), Instant::of(upload.at, now).ago),
        goes_on: goes_on(upload),
        ready: matches!(upload.stage, Stage::Checked | Stage::Interrupted(_)),
        imported: imported.map(|import| Imported { href: super::href(import), records_href: href_of_records(import) }),
        counts: upload.layout.is_some().then(|| Counts::from(upload.counts)),
        owners: upload.owners.map(owners).unwrap_or_default(),
        no_owners: matches!(upload.stage, Stage::Checked | Stage::Imported(_)) && upload.owners.is_none(),
        notes: notes(upload),
        skipped: upload.skipped,
        layout: upload.layout.as_ref().map(|layout| found(layout, upload.asked.is_complete)),
        bad: upload.bad.iter().map(bad).collect(),
        bad_more,
        bad_cut: upload.is_bad_file_cut,
        bad_file: upload.counts.bad > 0 && !upload.is_under_way(),
        again: matches!(upload.stage, Stage::Checked | Stage::Unreadable(_)).then(|| How::of(&upload.asked)),
        wrong,
        interrupted,
    }
}

fn goes_on(upload: &Upload) -> Option<GoesOn> {
    let what = match upload.stage {
        Stage::Checking => "The file is being checked. Nothing is imported yet.",
        Stage::Importing => "The records are being imported. You may leave this page: the import goes on.",
        Stage::Checked | Stage::Unreadable(_) | Stage::Imported(_) | Stage::Interrupted(_) => return None,
    };
    let percent = (upload.bytes.saturating_mul(100) / upload.size.max(1)).min(100);
    Some(GoesOn { what, percent })
}

fn bad(line: &BadLine) -> Bad {
    Bad { reasons: line.reasons.clone(), text: line.text.clone() }
}

fn found(layout: &Layout, complete: bool) -> Found {
    let used: BTreeSet<&String> = layout.fields.iter().flat_map(|(_, columns)| columns).collect();
    let is_there = |field: &Field| layout.fields.iter().any(|(there, _)| there == field);
    let absent = Field::ALL.into_iter().filter(|field| !is_there(field)).map(label);
    let used_columns = |(field, columns): &(Field, Vec<String>)| Used {
        field: label(*field),
        name: field.to_string(),
        columns: columns.join(", "),
    };
    Found {
        source: layout.source.clone(),
        product: layout.preset.map_or("Own mapping", super::product),
        format: format(layout.format),
        encoding: encoding(layout.encoding),
        complete,
        fields: layout.fields.iter().map(used_columns).collect(),
        absent: absent.collect::<Vec<_>>().join(", "),
        ignored: layout.columns.iter().filter(|column| !used.contains(column)).cloned().collect(),
    }
}

// The words of a record's page.
pub(super) fn label(field: Field) -> &'static str {
    match field {
        Field::SourceId => "Id in the source",
        Field::Kind => "Kind of enrollment",
        Field::SerialNumber => "Serial number",
        Field::Udid => "UDID",
        Field::Imei => "IMEI",
        Field::Meid => "MEID",
        Field::WifiMac => "Wi-Fi address",
        Field::BluetoothMac => "Bluetooth address",
        Field::ProductName => "Model identifier",
        Field::ModelName => "Model",
        Field::OsVersion => "OS version",
        Field::DeviceName => "Device name",
        Field::UserName => "User name",
        Field::Mail => "Mail address",
        Field::FullName => "Full name",
        Field::EmployeeNumber => "Employee number",
        Field::LastContact => "Last contact",
        Field::EnrolledAt => "Enrolled",
        Field::ProfileIdentifier => "Enrollment profile",
        Field::Site => "Site",
        Field::AssetTag => "Asset tag",
    }
}

fn format(format: Format) -> &'static str {
    match format {
        Format::Csv(Delimiter::Comma) => "CSV, with commas",
        Format::Csv(Delimiter::Semicolon) => "CSV, with semicolons",
        Format::Csv(Delimiter::Tab) => "CSV, with tabs",
        Format::JsonLines => "JSON Lines",
    }
}

fn encoding(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Utf8 => "UTF-8",
        Encoding::Utf16Le | Encoding::Utf16Be => "UTF-16",
        Encoding::Windows1252 => "Windows-1252",
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_024 => counted(bytes, "byte"),
        1_024..1_048_576 => format!("{} KB", bytes / 1_024),
        _ => format!("{} MB", bytes / 1_048_576),
    }
}
