//! Rows of the board as lists and pages show them.

use super::state::MigrationState;
use crate::columns::{maybe_uuid, uuid};
use crate::records::OwnerOutcome;
use crate::{ProjectionError, Projections};
use events::Timestamp;
use events::device::DeviceId;
use events::invitation::WaveId;
use events::migration::MigrationException;
use events::person::PersonId;
use events::record::RecordId;
use rusqlite::Row;

/// A record on the board. Personal values are `None` if they are unknown or erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardRow {
    pub record: RecordId,
    /// Whether another product has the record. Otherwise it is an enrollment of this installation.
    pub is_imported: bool,
    pub source: String,
    pub site: Option<String>,
    pub device_name: Option<String>,
    pub model_name: Option<String>,
    pub product_name: Option<String>,
    pub owner: BoardOwner,
    pub last_contact: Option<Timestamp>,
    pub wave: Option<WaveId>,
    pub wave_name: Option<String>,
    pub state: MigrationState,
    /// When the state was reached.
    pub since: Timestamp,
    /// When the old management was removed, as far as it is known.
    pub removed: Option<Timestamp>,
    pub exception: Option<MigrationException>,
    /// The device that is confirmed or proposed as the successor, or that the owner enrolled.
    pub successor: Option<DeviceId>,
}

/// The owner of a record on the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardOwner {
    pub outcome: OwnerOutcome,
    pub person: Option<PersonId>,
    /// Name of the owner as their provider told it, else as the record has it.
    pub name: Option<String>,
    /// User name of the owner, else as the record has it.
    pub user_name: Option<String>,
    pub is_erased: bool,
}

pub(super) const SELECT: &str = "SELECT m.record, m.origin = 'imported', m.source, m.site,
    coalesce(c.device_name, d.name), coalesce(c.model_name, d.model), coalesce(c.product_name, d.product_name),
    m.owner, m.person, coalesce(p.display_name, c.full_name), coalesce(p.user_name, c.user_name),
    m.erased OR coalesce(c.erased, 0) OR coalesce(p.erased, 0), m.last_contact, m.wave, w.name, m.state, m.since,
    m.removed, m.exception, m.successor, s.at
    FROM migration_rows m
    LEFT JOIN records_current c ON c.record = m.record
    LEFT JOIN devices_current d ON m.origin = 'own' AND d.id = m.record
    LEFT JOIN last_seen s ON m.origin = 'own' AND s.device = m.record
    LEFT JOIN people_names p ON p.id = m.person
    LEFT JOIN migration_waves w ON w.wave = m.wave";

pub(super) fn board_row(row: &Row<'_>, projections: &Projections) -> rusqlite::Result<BoardRow> {
    let time = |column: usize| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp))
    };
    let record = RecordId(uuid(row, 0)?);
    let is_imported = row.get(1)?;
    let last_contact = match is_imported {
        true => time(12)?,
        false => projections.inner.last_seen.newest(record.device(), time(12)?.max(time(20)?)),
    };
    Ok(BoardRow {
        record,
        is_imported,
        source: row.get(2)?,
        site: row.get(3)?,
        device_name: row.get(4)?,
        model_name: row.get(5)?,
        product_name: row.get(6)?,
        owner: BoardOwner {
            outcome: OwnerOutcome::parse(&row.get::<_, String>(7)?).unwrap_or(OwnerOutcome::Unresolved),
            person: maybe_uuid(row, 8)?.map(PersonId),
            name: row.get(9)?,
            user_name: row.get(10)?,
            is_erased: row.get(11)?,
        },
        last_contact,
        wave: maybe_uuid(row, 13)?.map(WaveId),
        wave_name: row.get(14)?,
        state: MigrationState::parse(&row.get::<_, String>(15)?).unwrap_or(MigrationState::ToInvite),
        since: Timestamp(row.get(16)?),
        removed: time(17)?,
        exception: row.get::<_, Option<String>>(18)?.as_deref().and_then(MigrationException::parse),
        successor: maybe_uuid(row, 19)?.map(DeviceId),
    })
}

/// Returns the rows of these records, in their order; those that are not on the board are left out.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn of_records(projections: &Projections, records: Vec<RecordId>) -> Result<Vec<BoardRow>, ProjectionError> {
    let of = projections.clone();
    projections
        .read_of("migration", move |rows| {
            let mut select = rows.prepare_cached(&format!("{SELECT} WHERE m.record = ?1 AND m.state IS NOT NULL"))?;
            let mut found = Vec::new();
            for record in records {
                let row = select.query_map([record.to_string()], |row| board_row(row, &of))?;
                found.extend(row.collect::<Result<Vec<_>, _>>()?);
            }
            Ok(found)
        })
        .await
}

/// Returns the number of records whose old management was removed at `until` or earlier, and whose owner has not
/// enrolled.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn late(projections: &Projections, until: Timestamp) -> Result<u64, ProjectionError> {
    projections
        .read_of("migration", move |rows| {
            let select = "SELECT count(*) FROM migration_rows INDEXED BY migration_removed
                WHERE state = 'removed' AND removed <= ?1";
            rows.prepare_cached(select)?.query_row([until.0], |row| row.get(0))
        })
        .await
}
