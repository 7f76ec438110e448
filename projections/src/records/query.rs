//! Queries of previous records and imports.

use crate::audit::ACTOR_KINDS;
use crate::columns::{maybe_uuid, uuid};
use crate::{ProjectionError, Projections};
use events::person::PersonId;
use events::record::{ImportCounts, ImportId, OwnerCounts, RecordId};
use events::settings::ClearedView;
use events::{ActorKind, Timestamp};
use rusqlite::{OptionalExtension as _, Row, params};
use std::collections::{BTreeMap, BTreeSet};

/// A previous record as lists show it. Personal values are `None` if they were not given or are erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    pub record: RecordId,
    pub source: String,
    /// The source no longer has it.
    pub is_missing: bool,
    /// Its device enrolled again: a link is confirmed.
    pub is_retired: bool,
    /// Parts that administrators no longer see.
    pub cleared: BTreeSet<ClearedView>,
    /// Word of [`events::record::PreviousKind`].
    pub kind: String,
    pub product_name: Option<String>,
    pub model_name: Option<String>,
    pub os_version: Option<String>,
    pub last_contact: Option<Timestamp>,
    pub enrolled_at: Option<Timestamp>,
    pub serial_number: Option<String>,
    pub device_name: Option<String>,
    pub user_name: Option<String>,
    pub is_erased: bool,
    /// Word of [`events::record::RecordOwner`]; `None`: not resolved yet.
    pub owner: Option<String>,
    pub person: Option<PersonId>,
}

pub(super) const COLUMNS: &str =
    "record, source, missing IS NOT NULL, kind, product_name, model_name, os_version, last_contact,
    enrolled_at, serial_number, device_name, user_name, erased, owner, person,
    EXISTS (SELECT 1 FROM records_retired x WHERE x.record = records_current.record),
    (SELECT c.views FROM records_cleared c JOIN records_retired x USING (record, successor)
        WHERE c.record = records_current.record)";

pub(super) fn record_of(row: &Row<'_>) -> rusqlite::Result<RecordRow> {
    Ok(RecordRow {
        record: RecordId(uuid(row, 0)?),
        source: row.get(1)?,
        is_missing: row.get(2)?,
        is_retired: row.get(15)?,
        cleared: views(row.get(16)?),
        kind: row.get(3)?,
        product_name: row.get(4)?,
        model_name: row.get(5)?,
        os_version: row.get(6)?,
        last_contact: row.get::<_, Option<i64>>(7)?.map(Timestamp),
        enrolled_at: row.get::<_, Option<i64>>(8)?.map(Timestamp),
        serial_number: row.get(9)?,
        device_name: row.get(10)?,
        user_name: row.get(11)?,
        is_erased: row.get(12)?,
        owner: row.get(13)?,
        person: maybe_uuid(row, 14)?.map(PersonId),
    })
}

fn views(json: Option<String>) -> BTreeSet<ClearedView> {
    json.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default()
}

/// What administrators no longer see of an earlier record, because its device enrolled again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleared {
    pub views: BTreeSet<ClearedView>,
    pub at: Timestamp,
}

/// Returns what is hidden of an earlier record of any kind while its link is confirmed.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn cleared(projections: &Projections, record: RecordId) -> Result<Option<Cleared>, ProjectionError> {
    projections
        .read_of("records", move |rows| {
            let select = "SELECT c.views, c.at FROM records_cleared c JOIN records_retired x USING (record, successor)
                WHERE c.record = ?1";
            let cleared = |row: &Row<'_>| Ok(Cleared { views: views(row.get(0)?), at: Timestamp(row.get(1)?) });
            rows.prepare_cached(select)?.query_row([record.to_string()], cleared).optional()
        })
        .await
}

/// Returns what is hidden of each of these earlier records; those of which nothing is hidden are left out.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn cleared_among(
    projections: &Projections,
    records: Vec<RecordId>,
) -> Result<BTreeMap<RecordId, BTreeSet<ClearedView>>, ProjectionError> {
    projections
        .read_of("records", move |rows| {
            let select = "SELECT c.views FROM records_cleared c JOIN records_retired x USING (record, successor)
                WHERE c.record = ?1";
            let mut select = rows.prepare_cached(select)?;
            let mut found = BTreeMap::new();
            for record in records {
                let json = select.query_row([record.to_string()], |row| row.get(0)).optional()?;
                found.extend(json.map(|json| (record, views(json))));
            }
            Ok(found)
        })
        .await
}

/// Returns the records of a source that it has at present, in order of their ids, after `after`: up to `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn of_source(
    projections: &Projections,
    source: String,
    after: Option<RecordId>,
    limit: u32,
) -> Result<Vec<RecordId>, ProjectionError> {
    projections
        .read_of("records", move |rows| {
            let select = "SELECT record FROM records_current
                WHERE source = ?1 AND record > ?2 AND missing IS NULL ORDER BY record LIMIT ?3";
            let after = after.map(|after| after.to_string()).unwrap_or_default();
            let id = |row: &Row<'_>| Ok(RecordId(uuid(row, 0)?));
            rows.prepare_cached(select)?.query_map(params![source, after, limit], id)?.collect()
        })
        .await
}

/// Returns the records that an import created, changed, missed or had again, in order of their ids, after `after`: up
/// to `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn touched_by(
    projections: &Projections,
    import: ImportId,
    after: Option<RecordId>,
    limit: u32,
) -> Result<Vec<RecordId>, ProjectionError> {
    projections
        .read_of("records", move |rows| {
            let select =
                "SELECT record FROM records_touched WHERE import = ?1 AND record > ?2 ORDER BY record LIMIT ?3";
            let after = after.map(|after| after.to_string()).unwrap_or_default();
            let id = |row: &Row<'_>| Ok(RecordId(uuid(row, 0)?));
            rows.prepare_cached(select)?.query_map(params![import.to_string(), after, limit], id)?.collect()
        })
        .await
}

/// An import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRow {
    pub import: ImportId,
    pub source: String,
    pub preset: Option<String>,
    pub is_complete: bool,
    pub begun: Timestamp,
    /// `None`: it goes on, or it was interrupted.
    pub finished: Option<Timestamp>,
    /// `None`: it goes on, or it was interrupted.
    pub counts: Option<ImportCounts>,
    /// `None`: as for `counts`, or the mapping had no owner rule.
    pub owners: Option<OwnerCounts>,
    pub is_undone: bool,
    pub actor_kind: ActorKind,
    /// Id within its kind, as in `Actor::id`.
    pub actor_id: String,
    /// Name of the actor, if it is staff and the name is not erased.
    pub actor_name: Option<String>,
}

const IMPORTS: &str = "SELECT i.import, i.source, i.preset, i.complete, i.begun, i.created, i.changed, i.unchanged,
    i.missing, i.bad, i.erased, i.undone, i.finished, i.actor_kind, i.actor, coalesce(p.display_name, p.user_name),
    i.one_person, i.one_account, i.nobody, i.several, i.has_left, i.unresolved
    FROM records_imports i LEFT JOIN people_names p ON p.id = i.actor";

/// A page of the imports.
#[derive(Debug, Clone)]
pub struct ListedImports {
    pub imports: Vec<ImportRow>,
    /// Continue after this import to get the next page.
    pub next: Option<ImportId>,
}

/// Returns the imports that began before `after` (all if `None`), the newest first: up to `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn imports(
    projections: &Projections,
    after: Option<ImportId>,
    limit: usize,
) -> Result<ListedImports, ProjectionError> {
    projections
        .read_of("records", move |rows| {
            let select = format!(
                "{IMPORTS} WHERE ?1 IS NULL
                    OR (i.begun, i.import) < (SELECT o.begun, o.import FROM records_imports o WHERE o.import = ?1)
                    ORDER BY i.begun DESC, i.import DESC LIMIT ?2"
            );
            // One row more than requested shows whether there is another page.
            let fetch = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
            let after = after.map(|after| after.to_string());
            let mut select = rows.prepare_cached(&select)?;
            let found = select.query_map(params![after, fetch], import_of)?;
            let mut imports = found.collect::<Result<Vec<_>, _>>()?;
            let is_cut = imports.len() > limit;
            imports.truncate(limit);
            let next = imports.last().filter(|_| is_cut).map(|last| last.import);
            Ok(ListedImports { imports, next })
        })
        .await
}

/// Returns an import; `None` if there is none with this id.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn import_of_id(projections: &Projections, import: ImportId) -> Result<Option<ImportRow>, ProjectionError> {
    projections
        .read_of("records", move |rows| {
            let select = format!("{IMPORTS} WHERE i.import = ?1");
            rows.prepare_cached(&select)?.query_row([import.to_string()], import_of).optional()
        })
        .await
}

/// What an undo of an import would do to its records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UndoPreview {
    /// Records that the import brought: they would be gone.
    pub removed: u64,
    /// Records that would be as they were before the import.
    pub restored: u64,
    /// Records that a later import changed: they would stay.
    pub kept: u64,
}

/// Returns what an undo of this import would do now.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn undo_preview(projections: &Projections, import: ImportId) -> Result<UndoPreview, ProjectionError> {
    projections
        .read_of("records", move |rows| {
            let select = "SELECT count(*) FILTER (WHERE gave AND NOT has_before),
                count(*) FILTER (WHERE (gave AND has_before) OR (marked AND NOT gave)),
                count(*) FILTER (WHERE NOT gave AND NOT marked)
                FROM (SELECT coalesce(r.import = t.import, 0) AS gave, t.mark AND r.record IS NOT NULL AS marked,
                    r.has_before
                FROM records_touched t LEFT JOIN records_current r ON r.record = t.record WHERE t.import = ?1)";
            let preview =
                |row: &Row<'_>| Ok(UndoPreview { removed: row.get(0)?, restored: row.get(1)?, kept: row.get(2)? });
            rows.prepare_cached(select)?.query_row([import.to_string()], preview)
        })
        .await
}

/// Returns until when the complete exports of a source are known to be up to date: a record that was heard from
/// before would say so. `None`: no import tells.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn known_until(projections: &Projections, source: String) -> Result<Option<Timestamp>, ProjectionError> {
    projections
        .read_of("records", move |rows| {
            let select =
                "SELECT max(newest_contact) FROM records_imports WHERE source = ?1 AND complete = 1 AND undone = 0";
            rows.prepare_cached(select)?.query_row([source], |row| row.get::<_, Option<i64>>(0))
        })
        .await
        .map(|at| at.map(Timestamp))
}

/// Returns the time after which the export of this import was made: the newest contact in it. `None`: it is not known,
/// or the import is not complete, not finished or undone.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn made_after(projections: &Projections, import: ImportId) -> Result<Option<Timestamp>, ProjectionError> {
    projections
        .read_of("records", move |rows| {
            let select = "SELECT newest_contact FROM records_imports WHERE import = ?1 AND complete = 1 AND undone = 0";
            let row = |row: &Row<'_>| row.get::<_, Option<i64>>(0);
            rows.prepare_cached(select)?.query_row([import.to_string()], row).optional()
        })
        .await
        .map(|at| at.flatten().map(Timestamp))
}

fn import_of(row: &Row<'_>) -> rusqlite::Result<ImportRow> {
    let new: Option<u64> = row.get(5)?;
    let counts = |new| -> rusqlite::Result<ImportCounts> {
        Ok(ImportCounts {
            new,
            changed: row.get(6)?,
            unchanged: row.get(7)?,
            missing: row.get(8)?,
            bad: row.get(9)?,
            erased: row.get(10)?,
        })
    };
    let one_person: Option<u64> = row.get(16)?;
    let owners = |unique| -> rusqlite::Result<OwnerCounts> {
        Ok(OwnerCounts {
            unique,
            account: row.get(17)?,
            none: row.get(18)?,
            several: row.get(19)?,
            left: row.get(20)?,
            unresolved: row.get(21)?,
        })
    };
    let kind: String = row.get(13)?;
    Ok(ImportRow {
        import: ImportId(uuid(row, 0)?),
        source: row.get(1)?,
        preset: row.get(2)?,
        is_complete: row.get(3)?,
        begun: Timestamp(row.get(4)?),
        counts: new.map(counts).transpose()?,
        owners: one_person.map(owners).transpose()?,
        is_undone: row.get(11)?,
        finished: row.get::<_, Option<i64>>(12)?.map(Timestamp),
        actor_kind: ACTOR_KINDS.iter().find(|(_, name)| *name == kind).map_or(ActorKind::System, |(kind, _)| *kind),
        actor_id: row.get(14)?,
        actor_name: row.get(15)?,
    })
}
