//! Exports a person's enrollments, records and links as a file. The export is recorded as an event before the first
//! byte is sent.

use super::gathered::{Gathered, gather};
use super::{AsOf, parse_person};
use crate::admin::devices::parse_as_of;
use crate::admin::export::{Wanted, file, head, lines};
use crate::admin::problem::Problem;
use crate::admin::query::{Parameters, read};
use crate::admin::record::LineageRecord;
use crate::admin::session::{ExportsLineage, May};
use actix_web::{HttpResponse, web};
use events::staff::StaffActivityEvent;

/// Sends the file: what the page shows, in its order, and then the links.
///
/// # Errors
/// Returns an error if there is no such person, or the event log or the projections are unavailable.
pub(crate) async fn export(
    staff: May<ExportsLineage>,
    path: web::Path<String>,
    address: Parameters<AsOf, Wanted>,
) -> Result<HttpResponse, Problem> {
    let Parameters(AsOf { as_of }, wanted) = address;
    let (person, format) = (parse_person(&path)?, wanted.format()?);
    let as_of = read("as_of", as_of.as_deref(), parse_as_of)?.map(|at| at.min(staff.now()));
    let found = gather(&staff, person, as_of).await?;
    let rows = rows(&found);
    let at = as_of.map(|at| format!("as_of={}", at.to_rfc3339()));
    let filters = std::iter::once(format!("person={person}")).chain(at).collect();
    let count = rows.len() as u64;
    staff.record(StaffActivityEvent::LineageExported { filters, format, rows: count }).await?;
    Ok(file("person", format, staff.now()).body([head::<LineageRecord>(format), lines(format, rows)].concat()))
}

fn rows(found: &Gathered) -> Vec<LineageRecord> {
    let mut rows = Vec::new();
    for (phone, sides) in (1..).zip(&found.phones) {
        rows.extend(sides.iter().map(|side| LineageRecord::of_side(side, phone)));
    }
    rows.extend(found.links.iter().map(LineageRecord::of_link));
    rows
}
