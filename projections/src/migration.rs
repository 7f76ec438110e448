//! The migration board: how far each previous record has come, now and on earlier days.
//!
//! A row is a record of another product, or an enrollment of this installation that is part of a migration: an
//! invitation was issued for it, it belongs to a wave, or a link of band probable or strong with it as the earlier
//! record is proposed or confirmed. If that link is rejected or withdrawn, the enrollment leaves the board.
//!
//! The rows have no personal values: queries join them from `records` and `devices`, where they are erased.

mod answers;
mod chart;
mod choices;
mod devices;
mod invitations;
mod list;
mod query;
mod records;
mod row;
mod state;

pub use chart::{Day, StatePeriod, days, history};
pub use choices::{Choices, WaveChoice, choices};
pub use list::{BoardFilter, Contact, ListedBoard, by_id, count, counts, list};
pub use query::{BoardOwner, BoardRow, late, of_records};
pub use state::MigrationState;

use crate::{Projection, sql};
use events::person::PersonEvent;
use events::{Entry, Event, Timestamp};
use row::refresh;
use rusqlite::Connection;

/// Days after which a removed old management without an enrollment is late.
pub const LATE_AFTER_DAYS: i64 = 3;

/// Number of records on the board up to which an enrollment of their owner says something about each of them. A person
/// with more is a technician or a cart.
const MOST_BY_PERSON: usize = 20;

pub(crate) struct Migration;

impl Projection for Migration {
    fn name(&self) -> &'static str {
        "migration"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &[
            "migration_rows",
            "migration_links",
            "migration_invitations",
            "migration_waves",
            "migration_devices",
            "migration_states",
            "migration_days",
        ]
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS migration_rows (
            record TEXT PRIMARY KEY, source TEXT NOT NULL,
            -- 'imported', 'own' (an enrollment of this installation), or 'undone' (its import was undone).
            origin TEXT NOT NULL,
            -- When it became part of a migration.
            begun INTEGER NOT NULL,
            site TEXT, model TEXT, last_contact INTEGER, owner TEXT NOT NULL, person TEXT,
            -- The keys of the owner, to see whether an import has others.
            keys TEXT NOT NULL DEFAULT '',
            -- When a complete import lacked it, and when the person said that the old management is removed.
            missing INTEGER, said INTEGER,
            erased INTEGER NOT NULL DEFAULT 0, exception TEXT,
            -- The newest invitation: 'issued', 'opened', 'ended'. used_by: the enrollment that used an invitation.
            invitation TEXT, invited TEXT, used_by TEXT, wave TEXT,
            -- NULL: not part of a migration. since: of this state. removed: when the old management was.
            state TEXT, since INTEGER NOT NULL, removed INTEGER,
            -- The device of the state: confirmed, proposed or enrolled.
            successor TEXT
        ) WITHOUT ROWID;
        -- Each has what filters compare, so that lists and counts read nothing else.
        CREATE INDEX IF NOT EXISTS migration_by_since ON migration_rows
            (since, record, state, source, site, model, owner, person, wave, last_contact, origin, removed)
            WHERE state IS NOT NULL;
        CREATE INDEX IF NOT EXISTS migration_by_state ON migration_rows
            (state, since, record, source, site, model, owner, person, wave, last_contact, origin, removed)
            WHERE state IS NOT NULL;
        CREATE INDEX IF NOT EXISTS migration_removed ON migration_rows (removed) WHERE state = 'removed';
        CREATE INDEX IF NOT EXISTS migration_by_person ON migration_rows (person) WHERE person IS NOT NULL;
        CREATE INDEX IF NOT EXISTS migration_by_successor ON migration_rows (successor) WHERE successor IS NOT NULL;
        CREATE INDEX IF NOT EXISTS migration_by_user ON migration_rows (used_by) WHERE used_by IS NOT NULL;
        CREATE INDEX IF NOT EXISTS migration_by_source ON migration_rows (source) WHERE state IS NOT NULL;
        CREATE INDEX IF NOT EXISTS migration_by_site ON migration_rows (site) WHERE site IS NOT NULL;
        CREATE INDEX IF NOT EXISTS migration_by_model ON migration_rows (model) WHERE model IS NOT NULL;
        -- state: 'open', 'confirmed' or 'rejected'.
        CREATE TABLE IF NOT EXISTS migration_links (
            record TEXT NOT NULL, successor TEXT NOT NULL, state TEXT NOT NULL, band TEXT NOT NULL,
            score INTEGER NOT NULL, PRIMARY KEY (record, successor)
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS migration_links_confirmed ON migration_links (successor) WHERE state = 'confirmed';
        CREATE TABLE IF NOT EXISTS migration_invitations (invitation TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS migration_waves (wave TEXT PRIMARY KEY, name TEXT NOT NULL, begun INTEGER NOT NULL)
            WITHOUT ROWID;
        -- The devices of this installation. unregistered: since when APNs does not know the device any more.
        CREATE TABLE IF NOT EXISTS migration_devices (
            device TEXT PRIMARY KEY, person TEXT NOT NULL, model TEXT, enrolled INTEGER, ended INTEGER,
            unregistered INTEGER
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS migration_devices_by_person ON migration_devices (person, enrolled)
            WHERE enrolled IS NOT NULL;
        CREATE TABLE IF NOT EXISTS migration_states (
            record TEXT NOT NULL, position INTEGER NOT NULL, state TEXT NOT NULL, valid_from INTEGER NOT NULL,
            valid_to INTEGER, PRIMARY KEY (record, position)
        ) WITHOUT ROWID;
        -- By how much the number of records in a state changed on a day. day: days since 1970 in UTC.
        CREATE TABLE IF NOT EXISTS migration_days (
            day INTEGER NOT NULL, source TEXT NOT NULL, state TEXT NOT NULL, delta INTEGER NOT NULL,
            PRIMARY KEY (day, source, state)
        ) WITHOUT ROWID;"
    }

    fn joins(&self) -> &'static [&'static str] {
        &["records", "people", "devices"]
    }

    fn fold(&self, rows: &Connection, entry: &Entry, effective: Timestamp) -> rusqlite::Result<()> {
        let (id, at) = (entry.stream.id(), At { effective, position: sql(entry.position) });
        match &entry.event {
            Event::Record(event) => records::record(rows, id, event, at),
            Event::Device(event) => devices::device(rows, id, event, at),
            Event::Enrollment(event) => answers::enrollment(rows, event, at),
            Event::Invitation(event) => invitations::invitation(rows, id, event, at),
            Event::Wave(event) => invitations::wave(rows, id, event, at),
            Event::Person(event) => person(rows, id, event, at),
            Event::Import(_) | Event::Migration(_) | Event::Code(_) | Event::Successor(_) => Ok(()),
            Event::Log(_) | Event::Account(_) | Event::Hardware(_) | Event::Staff(_) | Event::UserName(_) => Ok(()),
            Event::StaffActivity(_) | Event::Refusal(_) | Event::Request(_) | Event::Assertion(_) => Ok(()),
            Event::Settings(_) => Ok(()),
        }
    }
}

/// When and where in the log something happened.
#[derive(Debug, Clone, Copy)]
struct At {
    effective: Timestamp,
    position: i64,
}

fn person(rows: &Connection, id: &str, event: &PersonEvent, at: At) -> rusqlite::Result<()> {
    match event {
        PersonEvent::PersonErased {} => {
            let records = row::ids(rows, "SELECT record FROM migration_rows WHERE person = ?1", id)?;
            rows.prepare_cached("UPDATE migration_rows SET person = NULL, erased = 1 WHERE person = ?1")?
                .execute([id])?;
            records.iter().try_for_each(|record| refresh(rows, record, at))
        }
        PersonEvent::PersonKnown { .. } | PersonEvent::PersonAttributesChanged { .. } => Ok(()),
        PersonEvent::ManagedAppleIdLearned { .. } | PersonEvent::TermsAcceptanceKept { .. } => Ok(()),
        PersonEvent::PersonKeysNoted { .. } | PersonEvent::PersonRecordsResolved { .. } => Ok(()),
    }
}
