//! Migrations that an administrator closed, and how far the records of people who never enrolled are shredded.

use crate::columns::{maybe_uuid, uuid};
use crate::{Projection, ProjectionError, Projections};
use events::migration::{MigrationEvent, MigrationId};
use events::record::RecordId;
use events::{Entry, Event, EventId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// A migration that was closed, and perhaps reopened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    pub migration: MigrationId,
    pub source: String,
    /// `None`: it was reopened.
    pub closed: Option<Timestamp>,
    /// Number of records that were shredded since it was closed last.
    pub shredded: u64,
    /// The record up to which all are looked at, in the order of their ids.
    pub up_to: Option<RecordId>,
    /// The event that closed it, or the last one about its progress.
    pub cause: EventId,
}

/// A record that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookedAt {
    pub record: RecordId,
    /// Its owner never enrolled: no link is proposed or confirmed, and its owner, if they are known, enrolled nothing
    /// since it was imported.
    pub is_left: bool,
}

const COLUMNS: &str = "id, source, closed, shredded, up_to, cause";

/// Returns the migration of a source; `None` if it was never closed.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn of_source(projections: &Projections, source: String) -> Result<Option<Closing>, ProjectionError> {
    projections
        .read_of("closings", move |rows| {
            let select = format!("SELECT {COLUMNS} FROM closings_current WHERE source = ?1");
            rows.prepare_cached(&select)?.query_row([source], closing_of).optional()
        })
        .await
}

/// Returns the migrations that were closed at `before` or earlier and have records that were not looked at: up to
/// `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn due(projections: &Projections, before: Timestamp, limit: usize) -> Result<Vec<Closing>, ProjectionError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    projections
        .read_of("closings", move |rows| {
            let select = format!(
                "SELECT {COLUMNS} FROM closings_current WHERE closed <= ?1 AND EXISTS (
                    SELECT 1 FROM records_current r
                    WHERE r.source = closings_current.source AND r.record > coalesce(up_to, ''))
                ORDER BY closed LIMIT ?2"
            );
            rows.prepare_cached(&select)?.query_map(params![before.0, limit], closing_of)?.collect()
        })
        .await
}

/// Returns the next records of a closed migration, in order of their ids: up to `limit`. A record that was imported
/// after the migration was closed is not left over.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn next(
    projections: &Projections,
    closing: &Closing,
    limit: usize,
) -> Result<Vec<LookedAt>, ProjectionError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (source, closed) = (closing.source.clone(), closing.closed.map(|at| at.0));
    let after = closing.up_to.map(|after| after.to_string()).unwrap_or_default();
    projections
        .read_of("closings", move |rows| {
            let select = "SELECT record, erased = 0 AND imported <= ?3
                    AND NOT EXISTS (SELECT 1 FROM links_versions l
                        WHERE l.record = p.record AND l.valid_to IS NULL AND l.state IN ('proposed', 'confirmed'))
                    AND NOT EXISTS (SELECT 1 FROM devices_current d
                        WHERE d.person = p.person AND d.enrolled_at >= p.imported)
                FROM (SELECT r.record, r.person, r.erased, (
                        SELECT min(i.begun) FROM records_imports i WHERE i.source = r.source AND i.undone = 0
                            AND EXISTS (SELECT 1 FROM records_touched t
                                WHERE t.import = i.import AND t.record = r.record AND t.mark = 0)) AS imported
                    FROM records_current r WHERE r.source = ?1 AND r.record > ?2 ORDER BY r.record LIMIT ?4) p";
            let looked_at = |row: &Row<'_>| {
                let is_left = row.get::<_, Option<bool>>(1)?.unwrap_or(false);
                Ok(LookedAt { record: RecordId(uuid(row, 0)?), is_left })
            };
            rows.prepare_cached(select)?.query_map(params![source, after, closed, limit], looked_at)?.collect()
        })
        .await
}

fn closing_of(row: &Row<'_>) -> rusqlite::Result<Closing> {
    Ok(Closing {
        migration: MigrationId(uuid(row, 0)?),
        source: row.get(1)?,
        closed: row.get::<_, Option<i64>>(2)?.map(Timestamp),
        shredded: row.get(3)?,
        up_to: maybe_uuid(row, 4)?.map(RecordId),
        cause: EventId(uuid(row, 5)?),
    })
}

pub(crate) struct Closings;

impl Projection for Closings {
    fn name(&self) -> &'static str {
        "closings"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["closings_current"]
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS closings_current (
            id TEXT PRIMARY KEY, source TEXT NOT NULL, closed INTEGER, shredded INTEGER NOT NULL, up_to TEXT,
            cause TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS closings_by_source ON closings_current (source);"
    }

    fn joins(&self) -> &'static [&'static str] {
        &["links", "records", "devices"]
    }

    fn fold(&self, rows: &Connection, entry: &Entry, effective: Timestamp) -> rusqlite::Result<()> {
        match &entry.event {
            Event::Migration(event) => migration(rows, entry, event, effective),
            Event::Log(_) | Event::Enrollment(_) | Event::Device(_) | Event::Person(_) | Event::Account(_) => Ok(()),
            Event::Hardware(_) | Event::Staff(_) | Event::UserName(_) | Event::StaffActivity(_) => Ok(()),
            Event::Refusal(_) | Event::Request(_) | Event::Assertion(_) | Event::Settings(_) => Ok(()),
            Event::Record(_) | Event::Import(_) | Event::Successor(_) => Ok(()),
            Event::Invitation(_) | Event::Code(_) | Event::Wave(_) => Ok(()),
        }
    }
}

fn migration(rows: &Connection, entry: &Entry, event: &MigrationEvent, at: Timestamp) -> rusqlite::Result<()> {
    let (id, cause) = (entry.stream.id(), entry.id.to_string());
    match event {
        MigrationEvent::MigrationClosed { source } => {
            let insert = "INSERT INTO closings_current (id, source, closed, shredded, cause) VALUES (?1, ?2, ?3, 0, ?4)
                ON CONFLICT (id) DO UPDATE SET closed = excluded.closed, shredded = 0, up_to = NULL,
                    cause = excluded.cause";
            rows.prepare_cached(insert)?.execute(params![id, source, at.0, cause]).map(drop)
        }
        MigrationEvent::MigrationReopened {} => {
            let update = "UPDATE closings_current SET closed = NULL, up_to = NULL, cause = ?2 WHERE id = ?1";
            rows.prepare_cached(update)?.execute([id, &cause]).map(drop)
        }
        MigrationEvent::MigrationRecordsShredded { count, up_to } => {
            let update = "UPDATE closings_current SET shredded = shredded + ?2, up_to = ?3, cause = ?4 WHERE id = ?1";
            rows.prepare_cached(update)?.execute(params![id, count, up_to.to_string(), cause]).map(drop)
        }
    }
}
