//! Previous records: devices as other products knew them, and the imports that they come from.

mod deletable;
mod list;
mod owners;
mod query;

pub use deletable::{Deletable, count_deletable, deletable, preset_of};
pub use list::{Listed, OwnerOutcome, RecordFilter, Retired, by_id, count, is_known, list, live_sources, sources};
pub use owners::{known_people, naming, noted_since, owned_by, owned_of_hardware, to_resolve, to_resolve_again};
pub use query::{
    Cleared, ImportRow, ListedImports, RecordRow, UndoPreview, cleared, cleared_among, import_of_id, imports,
    known_until, made_after, of_source, touched_by, undo_preview,
};

use crate::Projection;
use crate::audit::actor_name;
use events::device::DeviceEvent;
use events::personal::Gone;
use events::record::{
    ImportEvent, ImportId, PersonalDetails, RecordDetails, RecordEvent, RestoredRecord, replaces_keys,
};
use events::settings::ClearedView;
use events::{Actor, Entry, Event, Position, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeSet;

pub(crate) struct Records;

impl Projection for Records {
    fn name(&self) -> &'static str {
        "records"
    }

    fn version(&self) -> u32 {
        5
    }

    fn tables(&self) -> &'static [&'static str] {
        &[
            "records_current",
            "records_keys",
            "records_names",
            "records_people",
            "records_people_names",
            "records_imports",
            "records_touched",
            "records_retired",
            "records_cleared",
        ]
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS records_current (
            record TEXT PRIMARY KEY, source TEXT NOT NULL,
            -- The import that gave the present values.
            import TEXT,
            -- An undo of that import restores the values before it. Otherwise the record would be gone.
            has_before INTEGER NOT NULL DEFAULT 0,
            -- The complete import that did not have the record any more.
            missing TEXT,
            kind TEXT NOT NULL, product_name TEXT, model_name TEXT, os_version TEXT, last_contact INTEGER,
            enrolled_at INTEGER, profile_identifier TEXT, site TEXT,
            source_id TEXT, serial_number TEXT, udid TEXT, device_name TEXT, asset_tag TEXT,
            user_name TEXT, mail TEXT, full_name TEXT, employee_number TEXT, erased INTEGER NOT NULL,
            -- resolved: where the log has the owner.
            owner TEXT, person TEXT, resolved INTEGER
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS records_by_source ON records_current (source, record);
        CREATE INDEX IF NOT EXISTS records_by_contact ON records_current (coalesce(last_contact, 0), record);
        CREATE INDEX IF NOT EXISTS records_by_person ON records_current (person, last_contact DESC, record)
            WHERE person IS NOT NULL AND missing IS NULL AND erased = 0;
        CREATE INDEX IF NOT EXISTS records_by_user_name ON records_current (lower(user_name))
            WHERE user_name IS NOT NULL;
        -- present: a key of the present values. Those of earlier values and of undone imports stay, so that the record
        -- is erased with each person whom it named.
        CREATE TABLE IF NOT EXISTS records_keys (
            hmac TEXT NOT NULL, record TEXT NOT NULL, present INTEGER NOT NULL, PRIMARY KEY (hmac, record)
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS records_keys_by_record ON records_keys (record);
        -- The values that name the owner, at present or earlier, whatever provider knows them.
        CREATE TABLE IF NOT EXISTS records_names (
            hmac TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (hmac, record)
        ) WITHOUT ROWID;
        -- Known people, and where their keys were noted in the log.
        CREATE TABLE IF NOT EXISTS records_people (
            hmac TEXT NOT NULL, person TEXT NOT NULL, provider TEXT NOT NULL, attribute TEXT NOT NULL,
            position INTEGER NOT NULL, PRIMARY KEY (hmac, person)
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS records_people_by_person ON records_people (person);
        CREATE INDEX IF NOT EXISTS records_people_by_position ON records_people (position);
        CREATE TABLE IF NOT EXISTS records_people_names (
            hmac TEXT NOT NULL, person TEXT NOT NULL, PRIMARY KEY (hmac, person)
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS records_people_names_by_person ON records_people_names (person);
        CREATE TABLE IF NOT EXISTS records_imports (
            import TEXT PRIMARY KEY, source TEXT NOT NULL, preset TEXT, complete INTEGER NOT NULL, begun INTEGER NOT NULL,
            actor_kind TEXT NOT NULL, actor TEXT NOT NULL,
            finished INTEGER, created INTEGER, changed INTEGER, unchanged INTEGER, missing INTEGER, bad INTEGER,
            erased INTEGER, newest_contact INTEGER,
            -- The rows by what was found out about their owners; NULL without an owner rule.
            one_person INTEGER, one_account INTEGER, nobody INTEGER, several INTEGER, has_left INTEGER,
            unresolved INTEGER,
            undone INTEGER NOT NULL DEFAULT 0
        ) WITHOUT ROWID;
        -- The records that an import created, changed, missed or had again. mark: it gave no values.
        CREATE TABLE IF NOT EXISTS records_touched (
            import TEXT NOT NULL, record TEXT NOT NULL, mark INTEGER NOT NULL, PRIMARY KEY (import, record)
        ) WITHOUT ROWID;
        -- Records whose device enrolled again: the link is confirmed. proven: the record may be deleted at its source.
        CREATE TABLE IF NOT EXISTS records_retired (
            record TEXT PRIMARY KEY, successor TEXT NOT NULL, proven INTEGER NOT NULL
        ) WITHOUT ROWID;
        -- Parts of an earlier record (JSON) that administrators do not see while this successor is confirmed.
        CREATE TABLE IF NOT EXISTS records_cleared (
            record TEXT NOT NULL, successor TEXT NOT NULL, views TEXT NOT NULL, at INTEGER NOT NULL,
            PRIMARY KEY (record, successor)
        ) WITHOUT ROWID;"
    }

    fn joins(&self) -> &'static [&'static str] {
        &["people"]
    }

    fn fold(&self, rows: &Connection, entry: &Entry, effective: Timestamp) -> rusqlite::Result<()> {
        let id = entry.stream.id();
        match &entry.event {
            Event::Record(event) => record(rows, id, event, entry.position),
            Event::Import(event) => import(rows, id, event, &entry.actor, effective),
            Event::Person(event) => owners::person(rows, id, event, entry.position),
            Event::Device(event) => device(rows, id, event, effective),
            Event::Log(_) | Event::Enrollment(_) | Event::Account(_) => Ok(()),
            Event::Hardware(_) | Event::Staff(_) | Event::UserName(_) | Event::StaffActivity(_) => Ok(()),
            Event::Refusal(_) | Event::Request(_) | Event::Assertion(_) | Event::Settings(_) => Ok(()),
            Event::Invitation(_) | Event::Code(_) | Event::Wave(_) | Event::Migration(_) => Ok(()),
            Event::Successor(_) => Ok(()),
        }
    }
}

fn record(rows: &Connection, id: &str, event: &RecordEvent, position: Position) -> rusqlite::Result<()> {
    match event {
        RecordEvent::PreviousRecordImported { import, source, details, owner_keys, names, owner } => {
            let insert = "INSERT INTO records_current (record, source, kind, erased) VALUES (?1, ?2, '', 0)
                ON CONFLICT (record) DO UPDATE SET source = excluded.source";
            rows.prepare_cached(insert)?.execute([id, source])?;
            imported(rows, id, (*import, false), details)?;
            owners::add_names(rows, id, names)?;
            owners::replace_keys(rows, id, owner_keys, &[])?;
            owners::own(rows, id, *owner, position)
        }
        RecordEvent::PreviousRecordChanged { import, changed, details, owner_keys, names } => {
            imported(rows, id, (*import, true), details)?;
            owners::add_names(rows, id, names)?;
            if !replaces_keys(changed, owner_keys) || owners::has_keys(rows, id, owner_keys)? {
                return Ok(());
            }
            owners::replace_keys(rows, id, owner_keys, &[])?;
            owners::own(rows, id, None, position)
        }
        RecordEvent::PreviousRecordMissing { import } => {
            touch(rows, id, *import, true)?;
            miss(rows, id, Some(*import))
        }
        RecordEvent::PreviousRecordReturned { import } => {
            touch(rows, id, *import, true)?;
            miss(rows, id, None)
        }
        RecordEvent::PreviousRecordImportUndone { import, restored } => {
            let forget = "DELETE FROM records_touched WHERE import = ?1 AND record = ?2";
            rows.prepare_cached(forget)?.execute([import.to_string().as_str(), id])?;
            undo(rows, id, restored.as_deref(), position)
        }
        RecordEvent::PreviousRecordOwnerResolved { owner } => owners::own(rows, id, Some(*owner), position),
        RecordEvent::LinkConfirmed { successor, proof } => {
            let insert = "INSERT INTO records_retired (record, successor, proven) VALUES (?1, ?2, ?3)
                ON CONFLICT (record) DO UPDATE SET successor = excluded.successor, proven = excluded.proven";
            let values = params![id, successor.to_string(), proof.may_be_retired];
            rows.prepare_cached(insert)?.execute(values).map(drop)
        }
        // What is proven of a confirmed link may change.
        RecordEvent::LinkProposed { successor, proof, .. } => {
            let update = "UPDATE records_retired SET proven = ?3 WHERE record = ?1 AND successor = ?2";
            let values = params![id, successor.to_string(), proof.may_be_retired];
            rows.prepare_cached(update)?.execute(values).map(drop)
        }
        RecordEvent::LinkUndone { successor } => {
            let delete = "DELETE FROM records_retired WHERE record = ?1 AND successor = ?2";
            rows.prepare_cached(delete)?.execute([id, &successor.to_string()]).map(drop)
        }
        RecordEvent::SilenceAsked { .. } | RecordEvent::LinkRejected { .. } => Ok(()),
        RecordEvent::MigrationExceptionMade { .. }
        | RecordEvent::MigrationExceptionEnded {}
        | RecordEvent::RecordNoteAdded { .. }
        | RecordEvent::RetirementNotified { .. } => Ok(()),
        RecordEvent::PreviousRecordShredded {} => owners::shred(rows, id),
    }
}

fn device(rows: &Connection, id: &str, event: &DeviceEvent, at: Timestamp) -> rusqlite::Result<()> {
    match event {
        DeviceEvent::EarlierViewsCleared { record, views } => clear(rows, record.to_string(), id, views, at),
        DeviceEvent::DeviceAuthenticated { .. }
        | DeviceEvent::DeviceEnrolled { .. }
        | DeviceEvent::DeviceCheckedOut { .. }
        | DeviceEvent::DeviceUnenrolled { .. }
        | DeviceEvent::DeviceReauthenticated { .. }
        | DeviceEvent::DeviceRevived { .. }
        | DeviceEvent::DeviceSuperseded { .. }
        | DeviceEvent::DeviceHeardFrom { .. }
        | DeviceEvent::DevicePushed { .. }
        | DeviceEvent::DeviceEventsSuppressed { .. }
        | DeviceEvent::DeviceFieldsLeftOut { .. }
        | DeviceEvent::DeviceMessageRefused { .. }
        | DeviceEvent::ContactWatchBegun { .. }
        | DeviceEvent::HardwareAttestationRefused { .. }
        | DeviceEvent::HardwareAttestationRequested { .. }
        | DeviceEvent::HardwareAttested { .. }
        | DeviceEvent::HardwareClaimDismissed { .. }
        | DeviceEvent::HardwareClaimNoted { .. }
        | DeviceEvent::IdentityRenewalCompleted { .. }
        | DeviceEvent::IdentityRenewalFailed { .. }
        | DeviceEvent::IdentityRenewalRefused { .. }
        | DeviceEvent::IdentityRenewalRequested { .. }
        | DeviceEvent::IdentityRenewed { .. }
        | DeviceEvent::IdentityRolledBack { .. }
        | DeviceEvent::InventoryReported { .. }
        | DeviceEvent::ManagedAppReported { .. }
        | DeviceEvent::MdmAnswerUnreadable { .. }
        | DeviceEvent::MdmCommandAnswered { .. }
        | DeviceEvent::MdmCommandCancelled { .. }
        | DeviceEvent::MdmCommandDelivered { .. }
        | DeviceEvent::MdmCommandExpired { .. }
        | DeviceEvent::MdmCommandQueued { .. }
        | DeviceEvent::MdmResultTooLarge { .. }
        | DeviceEvent::PushFailed { .. }
        | DeviceEvent::PushTokenRenewed { .. }
        | DeviceEvent::RecordArchived { .. }
        | DeviceEvent::RecordRestored { .. } => Ok(()),
    }
}

// The device keeps what was cleared before, so all of it is still hidden.
fn clear(
    rows: &Connection,
    record: String,
    successor: &str,
    views: &BTreeSet<ClearedView>,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let select = "SELECT views FROM records_cleared WHERE record = ?1 AND successor = ?2";
    let before: Option<String> =
        rows.prepare_cached(select)?.query_row([record.as_str(), successor], |row| row.get(0)).optional()?;
    let before: BTreeSet<ClearedView> = before.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    let all: BTreeSet<ClearedView> = before.union(views).copied().collect();
    let insert = "INSERT INTO records_cleared (record, successor, views, at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (record, successor) DO UPDATE SET views = excluded.views, at = excluded.at";
    let views = serde_json::to_string(&all).unwrap_or_default();
    rows.prepare_cached(insert)?.execute(params![record, successor, views, at.0]).map(drop)
}

fn imported(
    rows: &Connection,
    id: &str,
    (import, has_before): (ImportId, bool),
    details: &RecordDetails,
) -> rusqlite::Result<()> {
    touch(rows, id, import, false)?;
    keep(rows, id, details, (import, has_before))?;
    miss(rows, id, None)
}

fn touch(rows: &Connection, id: &str, import: ImportId, is_mark: bool) -> rusqlite::Result<()> {
    let insert = "INSERT INTO records_touched (import, record, mark) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    rows.prepare_cached(insert)?.execute(params![import.to_string(), id, is_mark]).map(drop)
}

fn keep(
    rows: &Connection,
    id: &str,
    details: &RecordDetails,
    (import, has_before): (ImportId, bool),
) -> rusqlite::Result<()> {
    let none = PersonalDetails::default();
    let personal = details.personal.get().unwrap_or(&none);
    let update = "UPDATE records_current SET kind = ?2, product_name = ?3, model_name = ?4, os_version = ?5,
        last_contact = ?6, enrolled_at = ?7, profile_identifier = ?8, site = ?9, source_id = nullif(?10, ''),
        serial_number = ?11, udid = ?12, device_name = ?13, asset_tag = ?14, user_name = ?15, mail = ?16, full_name = ?17,
        employee_number = ?18, erased = ?19, import = ?20, has_before = ?21 WHERE record = ?1";
    rows.prepare_cached(update)?
        .execute(params![
            id,
            details.kind.as_str(),
            details.product_name,
            details.model_name,
            details.os_version,
            details.last_contact.map(|at| at.0),
            details.enrolled_at.map(|at| at.0),
            details.profile_identifier,
            details.site,
            personal.source_id,
            personal.serial_number,
            personal.udid,
            personal.device_name,
            personal.asset_tag,
            personal.user_name,
            personal.mail,
            personal.full_name,
            personal.employee_number,
            details.personal.gone() == Some(Gone::Erased),
            import.to_string(),
            has_before,
        ])
        .map(drop)
}

fn miss(rows: &Connection, id: &str, import: Option<ImportId>) -> rusqlite::Result<()> {
    let update = "UPDATE records_current SET missing = ?2 WHERE record = ?1";
    rows.prepare_cached(update)?.execute(params![id, import.map(|import| import.to_string())]).map(drop)
}

fn undo(rows: &Connection, id: &str, restored: Option<&RestoredRecord>, position: Position) -> rusqlite::Result<()> {
    let Some(RestoredRecord { import, details, owner_keys, earlier_keys, names, owner, missing_since }) = restored
    else {
        owners::replace_keys(rows, id, &[], &[])?;
        return rows.prepare_cached("DELETE FROM records_current WHERE record = ?1")?.execute([id]).map(drop);
    };
    keep(rows, id, details, (*import, false))?;
    owners::replace_keys(rows, id, owner_keys, earlier_keys)?;
    owners::add_names(rows, id, names)?;
    owners::own(rows, id, *owner, position)?;
    miss(rows, id, *missing_since)
}

fn import(rows: &Connection, id: &str, event: &ImportEvent, by: &Actor, at: Timestamp) -> rusqlite::Result<()> {
    match event {
        ImportEvent::ImportBegun { source, preset, is_complete, .. } => {
            let insert = "INSERT INTO records_imports (import, source, preset, complete, begun, actor_kind, actor)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
            let kind = actor_name(by.kind);
            rows.prepare_cached(insert)?.execute(params![id, source, preset, is_complete, at.0, kind, by.id]).map(drop)
        }
        ImportEvent::ImportFinished { counts, owners, newest_contact, .. } => {
            let update = "UPDATE records_imports SET finished = ?2, created = ?3, changed = ?4, unchanged = ?5,
                missing = ?6, bad = ?7, erased = ?8, newest_contact = ?9, one_person = ?10, one_account = ?11,
                nobody = ?12, several = ?13, has_left = ?14, unresolved = ?15 WHERE import = ?1";
            let (new, changed, unchanged) = (counts.new, counts.changed, counts.unchanged);
            rows.prepare_cached(update)?
                .execute(params![
                    id,
                    at.0,
                    new,
                    changed,
                    unchanged,
                    counts.missing,
                    counts.bad,
                    counts.erased,
                    newest_contact.map(|at| at.0),
                    owners.map(|owners| owners.unique),
                    owners.map(|owners| owners.account),
                    owners.map(|owners| owners.none),
                    owners.map(|owners| owners.several),
                    owners.map(|owners| owners.left),
                    owners.map(|owners| owners.unresolved),
                ])
                .map(drop)
        }
        ImportEvent::ImportUndone {} => {
            rows.prepare_cached("UPDATE records_imports SET undone = 1 WHERE import = ?1")?.execute([id]).map(drop)
        }
        ImportEvent::ImportQuestionsAnswered { .. } => Ok(()),
    }
}
