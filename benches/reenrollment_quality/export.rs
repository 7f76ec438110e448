//! Exports of the old product as files, and their import.

use super::installation::{Installation, timestamp};
use imports::{Order, Told};
use platform::context::Context;
use population::{Export, ExportRow};
use records::{Columns, Field, Mapping};
use std::io::Cursor;
use tokio::sync::mpsc;

/// Name of the source.
pub const SOURCE: &str = "Old product";

/// The columns: name, field and cell. A column without any cell is left out of the file, as an export that was made
/// without it.
///
/// The state of management has no column: no field of an import can say that the other product knows that a device
/// left.
type Column = (&'static str, Field, fn(&ExportRow) -> Option<String>);

const COLUMNS: [Column; 12] = [
    ("id", Field::SourceId, |row| Some(row.record.0.to_string())),
    ("device name", Field::DeviceName, |row| Some(row.device_name.to_string())),
    ("model identifier", Field::ProductName, |row| row.model.contains(',').then(|| row.model.to_owned())),
    ("model", Field::ModelName, |row| (!row.model.contains(',')).then(|| row.model.to_owned())),
    ("serial number", Field::SerialNumber, |row| text(&row.serial)),
    ("UDID", Field::Udid, |row| text(&row.udid)),
    ("version", Field::OsVersion, |row| row.os.map(|version| version.to_string())),
    ("last contact", Field::LastContact, |row| row.last_contact.map(date)),
    ("enrolled", Field::EnrolledAt, |row| row.enrolled.map(date)),
    ("user name", Field::UserName, |row| text(&row.user_name)),
    ("mail", Field::Mail, |row| text(&row.mail)),
    ("full name", Field::FullName, |row| text(&row.full_name)),
];

fn text(cell: &Option<std::sync::Arc<str>>) -> Option<String> {
    cell.as_deref().map(str::to_owned)
}

fn date(seconds: i64) -> String {
    timestamp(seconds).to_rfc3339()
}

/// Imports an export, with owner rules by user name and mail address.
pub async fn import(installation: &Installation, export: &Export) {
    if export.rows.is_empty() {
        return;
    }
    let columns: Vec<&Column> =
        COLUMNS.iter().filter(|(_, _, cell)| export.rows.iter().any(|row| cell(row).is_some())).collect();
    let order = Order { mapping: mapping(&columns), is_complete: export.complete, is_rehearsal: false };
    let file = Cursor::new(file(export, &columns));
    let app = &installation.app;
    let context = Context::operator(app.platform.world.uuid());
    let (told, mut heard) = mpsc::channel::<Told>(16);
    let running = async move { app.imports.run(file, order, &context, &told).await.expect("imported") };
    let hearing = async { while heard.recv().await.is_some() {} };
    let (finished, ()) = tokio::join!(running, hearing);
    assert_eq!((finished.counts.bad, finished.skipped), (0, 0), "each row is a record");
}

fn mapping(columns: &[&Column]) -> Mapping {
    Mapping {
        source: Some(SOURCE.into()),
        columns: columns.iter().map(|(name, field, _)| (*field, Columns::One((*name).into()))).collect(),
        owner: ["user_name=local:user_name", "mail=local:mail"].map(|rule| rule.parse().expect("a rule")).into(),
        ..Mapping::default()
    }
}

// No cell has a quotation mark.
fn file(export: &Export, columns: &[&Column]) -> Vec<u8> {
    let header: Vec<String> = columns.iter().map(|(name, _, _)| (*name).to_owned()).collect();
    let row = |row: &ExportRow| columns.iter().map(|(_, _, cell)| quoted(cell(row))).collect::<Vec<_>>().join(",");
    let rows = std::iter::once(header.join(",")).chain(export.rows.iter().map(row));
    rows.map(|row| row + "\n").collect::<String>().into_bytes()
}

fn quoted(cell: Option<String>) -> String {
    cell.map_or_else(String::new, |text| format!("\"{text}\""))
}
