//! Waves of invitations: the plan and the state of each, and its records in the order in which their owners are
//! invited.

mod query;

pub use query::{
    ListedWaves, Member, MemberState, WaveCounts, WaveRow, by_id, counts, deadlines_due, inviting, list, members,
    next_to_invite, of_record,
};

use crate::Projection;
use events::invitation::{InvitationEvent, WaveEvent};
use events::{Entry, Event, Timestamp};
use rusqlite::{Connection, params};

pub(crate) struct Waves;

impl Projection for Waves {
    fn name(&self) -> &'static str {
        "waves"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["waves_current", "waves_members"]
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS waves_current (
            wave TEXT PRIMARY KEY, name TEXT NOT NULL, delivery TEXT NOT NULL, language TEXT NOT NULL,
            most_per_hour INTEGER NOT NULL, valid_days INTEGER NOT NULL, remind_after_days INTEGER NOT NULL,
            most_reminders INTEGER NOT NULL, deadline INTEGER NOT NULL, begun_at INTEGER NOT NULL,
            paused_at INTEGER, ended_at INTEGER, deadline_passed_at INTEGER, open_at_deadline INTEGER
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS waves_by_time ON waves_current (begun_at, wave);
        CREATE INDEX IF NOT EXISTS waves_by_deadline ON waves_current (deadline) WHERE deadline_passed_at IS NULL;
        -- place: from 0, in the order in which they are invited.
        CREATE TABLE IF NOT EXISTS waves_members (
            wave TEXT NOT NULL, place INTEGER NOT NULL, record TEXT NOT NULL, invitation TEXT,
            -- Why nobody was invited.
            skipped TEXT, PRIMARY KEY (wave, place)
        ) WITHOUT ROWID;
        CREATE UNIQUE INDEX IF NOT EXISTS waves_members_by_record ON waves_members (record, wave);
        CREATE INDEX IF NOT EXISTS waves_members_waiting ON waves_members (wave, place)
            WHERE invitation IS NULL AND skipped IS NULL;"
    }

    fn joins(&self) -> &'static [&'static str] {
        &["invitations"]
    }

    fn fold(&self, rows: &Connection, entry: &Entry, effective: Timestamp) -> rusqlite::Result<()> {
        let fold = Fold { rows, id: entry.stream.id(), at: effective.0 };
        match &entry.event {
            Event::Wave(event) => fold.wave(event),
            Event::Invitation(event) => fold.invitation(event),
            Event::Log(_) | Event::Enrollment(_) | Event::Device(_) | Event::Person(_) | Event::Account(_) => Ok(()),
            Event::Hardware(_) | Event::Staff(_) | Event::UserName(_) | Event::StaffActivity(_) => Ok(()),
            Event::Refusal(_) | Event::Request(_) | Event::Assertion(_) | Event::Settings(_) => Ok(()),
            Event::Record(_) | Event::Import(_) | Event::Successor(_) => Ok(()),
            Event::Code(_) | Event::Migration(_) => Ok(()),
        }
    }
}

struct Fold<'a> {
    rows: &'a Connection,
    id: &'a str,
    at: i64,
}

impl Fold<'_> {
    fn wave(&self, event: &WaveEvent) -> rusqlite::Result<()> {
        match event {
            WaveEvent::WaveBegun {
                name,
                delivery,
                language,
                most_per_hour,
                valid_days,
                remind_after_days,
                most_reminders,
                deadline,
            } => {
                let insert = "INSERT OR REPLACE INTO waves_current (wave, name, delivery, language, most_per_hour,
                    valid_days, remind_after_days, most_reminders, deadline, begun_at)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
                self.execute(
                    insert,
                    params![
                        self.id,
                        name,
                        delivery.as_str(),
                        language,
                        most_per_hour,
                        valid_days,
                        remind_after_days,
                        most_reminders,
                        deadline.0,
                        self.at
                    ],
                )
            }
            WaveEvent::WaveRecordsAdded { records } => {
                let next = "SELECT coalesce(max(place) + 1, 0) FROM waves_members WHERE wave = ?1";
                let next: i64 = self.rows.prepare_cached(next)?.query_row([self.id], |row| row.get(0))?;
                // A record that the wave has already keeps its place.
                let insert = "INSERT INTO waves_members (wave, place, record) VALUES (?1, ?2, ?3)
                    ON CONFLICT DO NOTHING";
                (next..)
                    .zip(records)
                    .try_for_each(|(place, record)| self.execute(insert, params![self.id, place, record.to_string()]))
            }
            WaveEvent::WaveRecordSkipped { record, why } => {
                let update = "UPDATE waves_members SET skipped = ?3 WHERE wave = ?1 AND record = ?2";
                self.execute(update, params![self.id, record.to_string(), why.as_str()])
            }
            WaveEvent::WavePaused {} => self.time("paused_at", Some(self.at)),
            WaveEvent::WaveResumed {} => self.time("paused_at", None),
            WaveEvent::WaveEnded {} => self.time("ended_at", Some(self.at)),
            WaveEvent::WaveDeadlinePassed { open } => {
                let update = "UPDATE waves_current SET deadline_passed_at = ?2, open_at_deadline = ?3 WHERE wave = ?1";
                self.execute(update, params![self.id, self.at, open])
            }
        }
    }

    fn invitation(&self, event: &InvitationEvent) -> rusqlite::Result<()> {
        match event {
            InvitationEvent::InvitationIssued { wave: Some(wave), record: Some(record), .. } => {
                let update = "UPDATE waves_members SET invitation = ?3, skipped = NULL WHERE wave = ?1 AND record = ?2";
                self.execute(update, params![wave.to_string(), record.to_string(), self.id])
            }
            InvitationEvent::InvitationIssued { .. } | InvitationEvent::InvitationRenewed { .. } => Ok(()),
            InvitationEvent::InvitationSent { .. } | InvitationEvent::InvitationNotSent { .. } => Ok(()),
            InvitationEvent::InvitationOpened { .. } | InvitationEvent::InvitationCodeIssued { .. } => Ok(()),
            InvitationEvent::InvitationUsed { .. } | InvitationEvent::InvitationRefused { .. } => Ok(()),
            InvitationEvent::InvitationRevoked {} | InvitationEvent::InvitationExpired {} => Ok(()),
        }
    }

    fn time(&self, column: &str, at: Option<i64>) -> rusqlite::Result<()> {
        self.execute(&format!("UPDATE waves_current SET {column} = ?2 WHERE wave = ?1"), params![self.id, at])
    }

    fn execute(&self, statement: &str, values: &[&dyn rusqlite::ToSql]) -> rusqlite::Result<()> {
        self.rows.prepare_cached(statement)?.execute(values).map(drop)
    }
}
