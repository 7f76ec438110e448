//! Undoing an import: the page that says what will happen, and the act.

use super::received::problem;
use super::{href, parse_import};
use crate::admin::carried::{About, Act};
use crate::admin::form::{Empty, Genuine};
use crate::admin::pages::show;
use crate::admin::problem::Problem;
use crate::admin::proof;
use crate::admin::render::view;
use crate::admin::session::{ImportsRecords, May, Own, is_fresh, see_other};
use crate::admin::words::Instant;
use actix_web::{HttpResponse, web};
use events::record::ImportId;
use projections::records::{self as previous, ImportRow, UndoPreview};
use serde::Serialize;

const CONSEQUENCE: &str = "Records that this import brought are removed, and records that it changed are as they were \
    before it. Records that a later import changed stay as they are.";

#[derive(Serialize)]
struct UndoPage {
    href: String,
    source: String,
    begun: Instant,
    removed: u64,
    restored: u64,
    kept: u64,
}

view!(import_undo, Menu, UndoPage { href, source, begun, removed, restored, kept });

/// Shows what an undo would do.
///
/// # Errors
/// Returns an error if there is no such import, or the projections are unavailable.
pub(crate) async fn ask(staff: May<ImportsRecords>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let id = parse_import(&path)?;
    let row = find(&staff, id).await?;
    let preview = previous::undo_preview(staff.projections(), id).await.map_err(|error| staff.broken(error))?;
    let UndoPreview { removed, restored, kept } = preview;
    if row.is_undone && removed + restored == 0 {
        return Ok(see_other(&href(id)));
    }
    let (source, begun) = (row.source.clone(), Instant::of(row.begun, staff.now()));
    show("Undo an import", "again", &staff, &UndoPage { href: href(id), source, begun, removed, restored, kept })
}

/// Undoes the import.
///
/// # Errors
/// Returns an error if there is no such import, another import runs, or the projections are unavailable.
pub(crate) async fn undo(
    staff: May<ImportsRecords>,
    own: Own,
    path: web::Path<String>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    let id = parse_import(&path)?;
    let row = find(&staff, id).await?;
    if !is_fresh(&staff) {
        return proof::first(&own, &act(&row, &staff));
    }
    let begun = staff.app().uploads.undo(id, staff.context());
    begun.map_err(|error| problem(&staff, error))?;
    Ok(see_other(&href(id)))
}

async fn find(staff: &May<ImportsRecords>, id: ImportId) -> Result<ImportRow, Problem> {
    let row = previous::import_of_id(staff.projections(), id).await.map_err(|error| staff.broken(error))?;
    row.ok_or(Problem::NotFound)
}

fn act(row: &ImportRow, staff: &May<ImportsRecords>) -> Act {
    let what = format!("Import of {}, {}", row.source, Instant::of(row.begun, staff.now()).words);
    Act {
        path: format!("{}/undo", href(row.import)),
        about: About::of("Undo this import", what),
        consequence: CONSEQUENCE.to_owned(),
        fields: vec![],
        back: href(row.import),
    }
}
