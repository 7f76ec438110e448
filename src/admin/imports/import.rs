//! Page of one import: its numbers, its state, and what became of its undo.

use super::{Counts, Noted, href_of_records, href_of_upload, notes, owners, parse_import, product, state, who};
use crate::admin::audit::PATH as AUDIT;
use crate::admin::devices::Fact;
use crate::admin::pages::show;
use crate::admin::problem::Problem;
use crate::admin::query::Query;
use crate::admin::render::view;
use crate::admin::session::{ImportsRecords, May, SeesAudit, SeesRecords, is_permitted};
use crate::admin::words::{Chip, Instant, NONE};
use ::imports::Undone;
use ::imports::uploads::{Stage, UndoStage, Upload, UploadId};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, web};
use events::Timestamp;
use projections::records::{self as previous, ImportRow, UndoPreview};
use records::Preset;
use serde::Serialize;

/// Seconds after which the page asks for the state again while something goes on.
const REFRESH: HeaderValue = HeaderValue::from_static("2");

#[derive(Serialize)]
struct ImportPage {
    href: String,
    source: String,
    state: Chip,
    sub: String,
    /// What goes on, or what the undo did.
    notice: Option<String>,
    wrong: Option<String>,
    /// It was interrupted: the advice is to repeat it.
    unfinished: bool,
    counts: Option<Counts>,
    /// What the import found out about the owners of the rows.
    owners: Vec<Fact>,
    /// The import had no owner rule.
    no_owners: bool,
    /// Notes of the reader, while the server has them.
    notes: Vec<Noted>,
    skipped: u64,
    facts: Vec<Fact>,
    records_href: Option<String>,
    bad_href: Option<String>,
    bad_gone: bool,
    undo: Option<&'static str>,
    audit_href: Option<String>,
}

view!(
    import,
    Menu,
    ImportPage {
        href,
        source,
        state,
        sub,
        notice,
        wrong,
        unfinished,
        counts,
        owners,
        no_owners,
        notes,
        skipped,
        facts,
        records_href,
        bad_href,
        bad_gone,
        undo,
        audit_href
    }
);

/// What goes on with an import.
struct Now {
    is_running: bool,
    undo: Option<UndoStage>,
    preview: UndoPreview,
    /// Its file, if it was uploaded within the last hour.
    upload: Option<(UploadId, Upload)>,
}

/// Shows the page.
///
/// # Errors
/// Returns an error if there is no such import, or the projections are unavailable.
pub(crate) async fn page(staff: May<SeesRecords>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let id = parse_import(&path)?;
    let row = previous::import_of_id(staff.projections(), id).await.map_err(|error| staff.broken(error))?;
    let row = row.ok_or(Problem::NotFound)?;
    let preview = previous::undo_preview(staff.projections(), id).await.map_err(|error| staff.broken(error))?;
    let of_this = |(_, upload): &(UploadId, Upload)| upload.stage == Stage::Imported(id);
    let now = Now {
        is_running: staff.is_running(id),
        undo: staff.undo_of(id),
        preview,
        upload: staff.uploaded().into_iter().find(of_this),
    };
    let page = assemble(&row, &now, &staff);
    let mut response = show(&format!("Import of {}", row.source), "again", &staff, &page)?;
    if now.is_running || now.undo == Some(UndoStage::Running) {
        response.headers_mut().insert(HeaderName::from_static("refresh"), REFRESH);
    }
    Ok(response)
}

fn assemble(row: &ImportRow, now: &Now, staff: &May<SeesRecords>) -> ImportPage {
    let (notice, wrong) = told(row, now);
    let UndoPreview { removed, restored, kept } = now.preview;
    let touched = removed + restored + kept;
    let bad = row.counts.map_or(0, |counts| counts.bad);
    let bad_href = now.upload.as_ref().filter(|_| bad > 0).map(|(id, _)| format!("{}/set-aside", href_of_upload(*id)));
    let import = row.import.to_string();
    let may_import = is_permitted::<ImportsRecords>(&staff.roles);
    let audit = Query::default().with("q", Some(&format!("import-{import}"))).href(AUDIT);
    ImportPage {
        href: super::href(row.import),
        source: row.source.clone(),
        state: state(row, now.is_running),
        sub: format!("{}, by {}", Instant::of(row.begun, staff.now()).words, who(row)),
        notice,
        wrong,
        unfinished: row.counts.is_none() && !now.is_running && !row.is_undone,
        counts: row.counts.map(Counts::from),
        owners: row.owners.map(owners).unwrap_or_default(),
        no_owners: row.counts.is_some() && row.owners.is_none(),
        notes: now.upload.as_ref().map(|(_, upload)| notes(upload)).unwrap_or_default(),
        skipped: now.upload.as_ref().map_or(0, |(_, upload)| upload.skipped),
        facts: facts(row, staff.now()),
        records_href: (touched > 0).then(|| href_of_records(row.import)),
        bad_gone: may_import && bad > 0 && bad_href.is_none(),
        bad_href,
        undo: undo(row, now).filter(|_| may_import),
        audit_href: is_permitted::<SeesAudit>(&staff.roles).then_some(audit),
    }
}

fn told(row: &ImportRow, now: &Now) -> (Option<String>, Option<String>) {
    let left = now.preview.removed + now.preview.restored;
    match &now.undo {
        Some(UndoStage::Running) => (Some("The import is being undone. You may leave this page.".to_owned()), None),
        Some(UndoStage::Undone(undone)) => {
            let Undone { restored, kept } = undone;
            let said = format!(
                "The import is undone. Records that are as they were before it: {restored}. Records that stay, because a \
                 later import changed them: {kept}."
            );
            (Some(said), None)
        }
        Some(UndoStage::Interrupted(why)) => (None, Some(format!("The undo ended early: {why}"))),
        None if now.is_running => (Some("The records are being imported.".to_owned()), None),
        None if row.is_undone && left > 0 => {
            (None, Some(format!("The undo was interrupted. Records that are still as this import left them: {left}.")))
        }
        None => (None, None),
    }
}

// Returns the label of the button, if there is something to undo.
fn undo(row: &ImportRow, now: &Now) -> Option<&'static str> {
    let left = now.preview.removed + now.preview.restored;
    // The row may not have the end of an undo yet.
    let is_undone = row.is_undone || matches!(now.undo, Some(UndoStage::Undone(_)));
    match (is_undone, now.undo == Some(UndoStage::Running) || now.is_running) {
        (_, true) => None,
        (false, false) => Some("Undo this import…"),
        (true, false) => (left > 0).then_some("Finish the undo…"),
    }
}

fn facts(row: &ImportRow, now: Timestamp) -> Vec<Fact> {
    let known = |name: &&str| Preset::ALL.into_iter().find(|preset| preset.name() == *name);
    let named = row.preset.as_deref().map(|name| known(&name).map_or(name, |preset| product(preset)));
    vec![
        Fact::new("Source", &row.source),
        Fact::new("Read as", named.unwrap_or("own mapping")),
        Fact::new("File", if row.is_complete { "all records of the source" } else { "some records of the source" }),
        Fact::new("Begun", Instant::of(row.begun, now).words),
        Fact::new("Finished", row.finished.map_or_else(|| NONE.to_owned(), |at| Instant::of(at, now).words)),
        Fact::new("By", who(row)),
    ]
}
