//! Imports of previous records: the list with the form for a file, one import, its undo, uploaded files, and the
//! migrations of their sources.

pub(crate) mod closing;
pub(crate) mod import;
pub(crate) mod received;
pub(crate) mod undo;
pub(crate) mod upload;

use super::devices::{Choice, Fact};
use super::pages::show;
use super::problem::Problem;
use super::query::{Parameters, Query, read};
use super::records::words as record_words;
use super::render::view;
use super::session::{ImportsRecords, May, SeesRecords, is_permitted};
use super::words::{Chip, Instant, capital};
use crate::web::content::content;
use ::imports::uploads::{Asked, LARGEST, Stage, Upload, UploadId};
use actix_web::HttpResponse;
use closing::{Migration, migrations};
use events::record::{ImportCounts, ImportId, OwnerCounts};
use events::staff::StaffActivityEvent;
use events::{ActorKind, Timestamp};
use names::visible;
use projections::records::{self as previous, ImportRow, OwnerOutcome};
use records::Preset;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) const PATH: &str = "/console/imports";

/// Imports per page.
const PAGE: usize = 50;

/// The cursor as a query parameter.
#[derive(Deserialize)]
pub(crate) struct Cursor {
    after: Option<String>,
}

impl Cursor {
    /// Returns the import that the page continues after.
    ///
    /// # Errors
    /// Returns an error if it is not the id of an import.
    pub(crate) fn after(&self) -> Result<Option<ImportId>, Problem> {
        read("after", self.after.as_deref(), parse_import)
    }
}

#[derive(Serialize)]
struct ImportsPage {
    /// The form; `None` for staff who may not import.
    form: Option<How>,
    largest: u64,
    waiting: Vec<Waiting>,
    migrations: Vec<Migration>,
    imports: Vec<Line>,
    older: Option<String>,
    newest: Option<String>,
}

view!(imports as imports_page, Menu, ImportsPage { form, largest, waiting, migrations, imports, older, newest });

/// The fields of the form that say how a file is read.
#[derive(Serialize)]
struct How {
    presets: Vec<Choice>,
    source: String,
    mapping: String,
    owners: String,
    is_complete: bool,
}

content!(How { presets, source, mapping, owners, is_complete });

impl How {
    fn of(asked: &Asked) -> How {
        let chosen = asked.preset.map(Preset::name);
        let presets = Preset::ALL.map(|preset| Choice::new(preset.name(), product(preset), chosen));
        let recognized = Choice::new("", "Recognize from the columns", chosen);
        How {
            presets: std::iter::once(recognized).chain(presets).collect(),
            source: asked.source.clone(),
            mapping: asked.mapping.clone(),
            owners: asked.owners.clone(),
            is_complete: asked.is_complete,
        }
    }
}

/// An uploaded file with which something is left to do.
#[derive(Serialize)]
struct Waiting {
    href: String,
    name: String,
    stage: Chip,
    at: Instant,
}

content!(Waiting { href, name, stage, at });

#[derive(Serialize)]
struct Line {
    href: String,
    source: String,
    state: Chip,
    who: String,
    begun: Instant,
    counts: Option<Counts>,
}

content!(Line { href, source, state, who, begun, counts });

/// Numbers of an import.
#[derive(Serialize)]
struct Counts {
    new: u64,
    changed: u64,
    unchanged: u64,
    missing: u64,
    erased: u64,
    bad: u64,
}

content!(Counts { new, changed, unchanged, missing, erased, bad });

impl From<ImportCounts> for Counts {
    fn from(counts: ImportCounts) -> Counts {
        let ImportCounts { new, changed, unchanged, missing, bad, erased } = counts;
        Counts { new, changed, unchanged, missing, erased, bad }
    }
}

/// What an import found out about the owners of the rows.
fn owners(counts: OwnerCounts) -> Vec<Fact> {
    let OwnerCounts { unique, account, none, several, left, unresolved } = counts;
    let counts = [unique, account, none, several, left, unresolved];
    let labels = OwnerOutcome::ALL.map(|outcome| record_words::owner(outcome).label);
    labels.into_iter().zip(counts).map(|(label, count)| Fact::new(label, count.to_string())).collect()
}

/// A note of the reader on values of rows that were read.
#[derive(Serialize)]
struct Noted {
    field: String,
    text: String,
    count: u64,
    first_line: u64,
}

content!(Noted { field, text, count, first_line });

fn notes(upload: &Upload) -> Vec<Noted> {
    let noted = |note: &::imports::Noted| Noted {
        field: note.field.map_or_else(|| "Row".to_owned(), |field| upload::label(field).to_owned()),
        text: capital(&note.kind.to_string()),
        count: note.count,
        first_line: note.first_line,
    };
    upload.noted.iter().map(noted).collect()
}

/// Shows the list.
///
/// # Errors
/// Returns an error if the cursor is invalid, or the event log or the projections are unavailable.
pub(crate) async fn list(staff: May<SeesRecords>, address: Parameters<Cursor>) -> Result<HttpResponse, Problem> {
    let Parameters(from, _) = address;
    let after = from.after()?;
    staff.record(StaffActivityEvent::ImportListViewed {}).await?;
    let found = previous::imports(staff.projections(), after, PAGE).await.map_err(|error| staff.broken(error))?;
    let now = staff.now();
    let is_left = |upload: &Upload| !matches!(upload.stage, Stage::Imported(_));
    let waiting = staff.uploaded().into_iter().filter(|(_, upload)| is_left(upload));
    let may_import = is_permitted::<ImportsRecords>(&staff.roles);
    let page = ImportsPage {
        form: may_import.then(|| How::of(&Asked::default())),
        largest: LARGEST / 1024 / 1024,
        waiting: waiting.map(|(id, upload)| waits(id, &upload, now)).collect(),
        migrations: migrations(&staff).await?,
        imports: found.imports.iter().map(|row| line(row, &staff, now)).collect(),
        older: found.next.map(|next| Query::default().with("after", Some(&next.to_string())).href(PATH)),
        newest: after.map(|_| PATH.to_owned()),
    };
    show("Imports", "again", &staff, &page)
}

fn waits(id: UploadId, upload: &Upload, now: Timestamp) -> Waiting {
    Waiting {
        href: href_of_upload(id),
        name: file_name(&upload.name),
        stage: stage(&upload.stage),
        at: Instant::of(upload.at, now),
    }
}

fn line(row: &ImportRow, staff: &May<SeesRecords>, now: Timestamp) -> Line {
    Line {
        href: href(row.import),
        source: row.source.clone(),
        state: state(row, staff.is_running(row.import)),
        who: who(row),
        begun: Instant::of(row.begun, now),
        counts: row.counts.map(Counts::from),
    }
}

fn state(row: &ImportRow, is_running: bool) -> Chip {
    match (row.is_undone, row.counts, is_running) {
        (true, ..) => Chip { label: "Undone", class: "" },
        (_, Some(_), _) => Chip { label: "Finished", class: "ok" },
        (_, None, true) => Chip { label: "Running", class: "warn" },
        (_, None, false) => Chip { label: "Not finished", class: "bad" },
    }
}

fn stage(stage: &Stage) -> Chip {
    match stage {
        Stage::Checking => Chip { label: "Being checked", class: "" },
        Stage::Checked => Chip { label: "Checked", class: "ok" },
        Stage::Unreadable(_) => Chip { label: "Cannot be read", class: "bad" },
        Stage::Importing => Chip { label: "Being imported", class: "warn" },
        Stage::Imported(_) => Chip { label: "Imported", class: "ok" },
        Stage::Interrupted(_) => Chip { label: "Not finished", class: "bad" },
    }
}

fn who(row: &ImportRow) -> String {
    match row.actor_kind {
        ActorKind::Staff => visible::name(row.actor_name.as_deref()).unwrap_or_else(|| "Staff (erased)".to_owned()),
        ActorKind::Operator => "Operator, at the command line".to_owned(),
        ActorKind::Visitor | ActorKind::Person | ActorKind::Device | ActorKind::System => row.actor_id.clone(),
    }
}

fn product(preset: Preset) -> &'static str {
    match preset {
        Preset::JamfPro => "Jamf Pro",
        Preset::Intune => "Intune",
        Preset::Fleet => "Fleet",
        Preset::Mosyle => "Mosyle",
    }
}

// The name comes from the browser.
fn file_name(name: &str) -> String {
    let cut: String = name.chars().take(100).collect();
    visible::name(Some(&cut)).unwrap_or_else(|| "Uploaded file".to_owned())
}

/// Returns the address of the list of the records that an import created, changed or missed.
fn href_of_records(import: ImportId) -> String {
    Query::default().with("import", Some(&import.to_string())).href("/console/records")
}

/// Returns the address of an upload's page.
fn href_of_upload(upload: UploadId) -> String {
    format!("{PATH}/uploads/{}", upload.0)
}

/// Returns the address of an import's page.
pub(crate) fn href(import: ImportId) -> String {
    format!("{PATH}/{import}")
}

/// Parses an import id from an address.
pub(crate) fn parse_import(text: &str) -> Result<ImportId, Problem> {
    Uuid::parse_str(text).map(ImportId).map_err(|_| Problem::NotFound)
}
