//! Events of records: imports, owners, links and exceptions.

use super::At;
use super::row::{ensure_own, ids, own, refresh, refresh_of_person};
use events::device::DeviceId;
use events::record::{LinkBand, OwnerKey, RecordDetails, RecordEvent, RestoredRecord, replaces_keys};
use rusqlite::{Connection, OptionalExtension as _, params};

pub(super) fn record(rows: &Connection, id: &str, event: &RecordEvent, at: At) -> rusqlite::Result<()> {
    match event {
        RecordEvent::PreviousRecordImported { source, details, owner_keys, owner, .. } => {
            let insert = "INSERT INTO migration_rows (record, source, origin, begun, owner, since)
                VALUES (?1, ?2, 'imported', ?3, 'unresolved', ?3)
                ON CONFLICT (record) DO UPDATE SET source = excluded.source, origin = 'imported', begun = excluded.begun";
            rows.prepare_cached(insert)?.execute(params![id, source, at.effective.0])?;
            keep(rows, id, details)?;
            set_keys(rows, id, owner_keys)?;
            own(rows, id, *owner, at)
        }
        RecordEvent::PreviousRecordChanged { changed, details, owner_keys, .. } => {
            keep(rows, id, details)?;
            if replaces_keys(changed, owner_keys) && set_keys(rows, id, owner_keys)? {
                return own(rows, id, None, at);
            }
            refresh(rows, id, at)
        }
        RecordEvent::PreviousRecordMissing { .. } => miss(rows, id, Some(at.effective.0), at),
        RecordEvent::PreviousRecordReturned { .. } => miss(rows, id, None, at),
        RecordEvent::PreviousRecordImportUndone { restored, .. } => undo(rows, id, restored.as_deref(), at),
        RecordEvent::PreviousRecordOwnerResolved { owner } => own(rows, id, Some(*owner), at),
        RecordEvent::LinkProposed { successor, score, band, .. } => propose(rows, id, (*successor, *score, *band), at),
        RecordEvent::LinkConfirmed { successor, .. } => {
            let device = successor.to_string();
            decide(rows, id, &device, "confirmed")?;
            refresh(rows, id, at)?;
            // The device is another one than those of the owner's other records.
            let others = ids(rows, "SELECT record FROM migration_rows WHERE successor = ?1", &device)?;
            others.iter().filter(|other| *other != id).try_for_each(|other| refresh(rows, other, at))
        }
        RecordEvent::LinkRejected { successor } => {
            decide(rows, id, &successor.to_string(), "rejected")?;
            refresh(rows, id, at)
        }
        RecordEvent::LinkUndone { successor } => {
            let device = successor.to_string();
            decide(rows, id, &device, "open")?;
            refresh(rows, id, at)?;
            let people = ids(rows, "SELECT person FROM migration_devices WHERE device = ?1", &device)?;
            people.iter().try_for_each(|person| refresh_of_person(rows, person, at))
        }
        RecordEvent::MigrationExceptionMade { why } => except(rows, id, Some(why.as_str()), at),
        RecordEvent::MigrationExceptionEnded {} => except(rows, id, None, at),
        RecordEvent::PreviousRecordShredded {} => {
            rows.prepare_cached("UPDATE migration_rows SET erased = 1 WHERE record = ?1")?.execute([id])?;
            refresh(rows, id, at)
        }
        RecordEvent::SilenceAsked { .. }
        | RecordEvent::RecordNoteAdded { .. }
        | RecordEvent::RetirementNotified { .. } => Ok(()),
    }
}

// The identifier of the model comes first: other products name one model in several ways.
fn keep(rows: &Connection, id: &str, details: &RecordDetails) -> rusqlite::Result<()> {
    let update = "UPDATE migration_rows SET site = ?2, model = ?3, last_contact = ?4, missing = NULL WHERE record = ?1";
    let model = details.product_name.as_ref().or(details.model_name.as_ref());
    let contact = details.last_contact.map(|at| at.0);
    rows.prepare_cached(update)?.execute(params![id, details.site, model, contact]).map(drop)
}

// Returns whether the keys are others than before.
fn set_keys(rows: &Connection, id: &str, keys: &[OwnerKey]) -> rusqlite::Result<bool> {
    let mut keys: Vec<&str> = keys.iter().map(|key| key.hmac.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    let update = "UPDATE migration_rows SET keys = ?2 WHERE record = ?1 AND keys <> ?2";
    Ok(rows.prepare_cached(update)?.execute([id, &keys.join(" ")])? > 0)
}

fn miss(rows: &Connection, id: &str, since: Option<i64>, at: At) -> rusqlite::Result<()> {
    let update = "UPDATE migration_rows SET missing = ?2 WHERE record = ?1";
    rows.prepare_cached(update)?.execute(params![id, since])?;
    refresh(rows, id, at)
}

fn undo(rows: &Connection, id: &str, restored: Option<&RestoredRecord>, at: At) -> rusqlite::Result<()> {
    let Some(restored) = restored else {
        // Decisions stay, but nothing speaks for the links any more.
        rows.prepare_cached("DELETE FROM migration_links WHERE record = ?1 AND state = 'open'")?.execute([id])?;
        let forget = "UPDATE migration_links SET band = 'none', score = 0 WHERE record = ?1";
        rows.prepare_cached(forget)?.execute([id])?;
        let leave = "UPDATE migration_rows SET origin = 'undone', missing = NULL, keys = '' WHERE record = ?1";
        rows.prepare_cached(leave)?.execute([id])?;
        return own(rows, id, None, at);
    };
    let select = "SELECT missing FROM migration_rows WHERE record = ?1";
    let missing: Option<i64> = rows.prepare_cached(select)?.query_row([id], |row| row.get(0)).optional()?.flatten();
    keep(rows, id, &restored.details)?;
    set_keys(rows, id, &restored.owner_keys)?;
    let since = restored.missing_since.map(|_| missing.unwrap_or(at.effective.0));
    rows.prepare_cached("UPDATE migration_rows SET missing = ?2 WHERE record = ?1")?.execute(params![id, since])?;
    own(rows, id, restored.owner, at)
}

fn propose(
    rows: &Connection,
    id: &str,
    (successor, score, band): (DeviceId, i32, LinkBand),
    at: At,
) -> rusqlite::Result<()> {
    ensure_own(rows, id, at)?;
    // A decision stays: the proposal corrects what it proves.
    let upsert = "INSERT INTO migration_links (record, successor, state, band, score) VALUES (?1, ?2, 'open', ?3, ?4)
        ON CONFLICT (record, successor) DO UPDATE SET band = excluded.band, score = excluded.score";
    rows.prepare_cached(upsert)?.execute(params![id, successor.to_string(), band.as_str(), score])?;
    refresh(rows, id, at)
}

fn decide(rows: &Connection, id: &str, successor: &str, state: &str) -> rusqlite::Result<()> {
    let update = "UPDATE migration_links SET state = ?3 WHERE record = ?1 AND successor = ?2";
    rows.prepare_cached(update)?.execute([id, successor, state]).map(drop)
}

fn except(rows: &Connection, id: &str, why: Option<&str>, at: At) -> rusqlite::Result<()> {
    ensure_own(rows, id, at)?;
    rows.prepare_cached("UPDATE migration_rows SET exception = ?2 WHERE record = ?1")?.execute(params![id, why])?;
    refresh(rows, id, at)
}
