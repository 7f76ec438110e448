//! Mails to send: invitations whose mail is due, those whose reminder is due, and how many were sent lately.
//!
//! Times are recorded times, not effective ones, since the sender compares them with the clock.

use crate::{Projection, ProjectionError, Projections, sql};
use events::invitation::{InvitationDelivery, InvitationEvent, InvitationId, RenewalCause, WaveEvent};
use events::{Entry, Event, EventId, Timestamp};
use rusqlite::{Connection, params};
use uuid::Uuid;

const DAY: i64 = 86_400;

/// Seconds until a mail is tried again, by the number of failures. The last one holds for all further failures.
const AGAIN_AFTER: [i64; 6] = [60, 5 * 60, 15 * 60, 3_600, 4 * 3_600, 12 * 3_600];

/// Seconds for which a sent mail is remembered.
const REMEMBERED: i64 = 2 * 3_600;

/// A mail that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailDue {
    pub invitation: InvitationId,
    /// Number of the link that the mail has.
    pub generation: u32,
    /// Number of times that it could not be sent.
    pub failures: u32,
    /// The event that made it due. It is the cause of what becomes of the mail.
    pub cause: EventId,
    /// Since when it is due. It is the date of the mail, so that a mail that is sent again after a crash is the same.
    pub at: Timestamp,
}

/// A reminder that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReminderDue {
    pub invitation: InvitationId,
    /// The event that tells that the last mail was sent.
    pub cause: EventId,
}

/// When people are reminded who have an invitation that belongs to no wave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reminding {
    pub after_days: u32,
    /// Number of reminders, after which nobody is reminded again.
    pub most: u32,
}

/// Returns up to `limit` mails that are due at `now`, the longest overdue first.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn due(projections: &Projections, now: Timestamp, limit: usize) -> Result<Vec<MailDue>, ProjectionError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    projections
        .read_of("mails", move |rows| {
            let select =
                "SELECT invitation, generation, failures, cause, due_at FROM mails_invitations WHERE due_at <= ?1
                ORDER BY due_at, invitation LIMIT ?2";
            let mut select = rows.prepare_cached(select)?;
            let found = select.query_map(params![now.0, limit], |row| {
                let (invitation, cause): (String, String) = (row.get(0)?, row.get(3)?);
                Ok((invitation, row.get(1)?, row.get(2)?, cause, Timestamp(row.get(4)?)))
            })?;
            let due = |(invitation, generation, failures, cause, at): (String, u32, u32, String, Timestamp)| {
                let (invitation, cause) = (InvitationId(uuid(&invitation)?), EventId(uuid(&cause)?));
                Some(MailDue { invitation, generation, failures, cause, at })
            };
            Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().filter_map(due).collect())
        })
        .await
}

/// Returns the number of mails that the mail server accepted after `since`, which is at most two hours ago.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn sent_since(projections: &Projections, since: Timestamp) -> Result<u64, ProjectionError> {
    let count = "SELECT count(*) FROM mails_sent WHERE at > ?1";
    projections.read_of("mails", move |rows| rows.query_row(count, [since.0], |row| row.get(0))).await
}

/// Returns up to `limit` invitations whose reminder is due at `now`, the longest overdue first. `besides`: the rule for
/// invitations that belong to no wave. A wave that was paused or has ended reminds nobody.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn reminders_due(
    projections: &Projections,
    now: Timestamp,
    besides: Reminding,
    limit: usize,
) -> Result<Vec<ReminderDue>, ProjectionError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    projections
        .read_of("mails", move |rows| {
            let select = "SELECT invitation, cause FROM mails_invitations
                LEFT JOIN mails_waves ON mails_waves.wave = mails_invitations.wave
                WHERE sent_at IS NOT NULL AND sent_at <= ?1 AND expired = 0
                    AND sent_at <= ?2 - coalesce(mails_waves.remind_after, ?3)
                    AND reminders < coalesce(mails_waves.most_reminders, ?4)
                    AND coalesce(mails_waves.stopped, 0) = 0
                ORDER BY sent_at, invitation LIMIT ?5";
            let mut select = rows.prepare_cached(select)?;
            let after = i64::from(besides.after_days) * DAY * 1_000_000;
            let values = params![now.plus_seconds(-DAY).0, now.0, after, besides.most, limit];
            let found = select.query_map(values, |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            let due = |(invitation, cause): (String, String)| {
                Some(ReminderDue { invitation: InvitationId(uuid(&invitation)?), cause: EventId(uuid(&cause)?) })
            };
            Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().filter_map(due).collect())
        })
        .await
}

fn uuid(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text).ok()
}

pub(crate) struct Mails;

impl Projection for Mails {
    fn name(&self) -> &'static str {
        "mails"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["mails_invitations", "mails_sent", "mails_waves"]
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS mails_invitations (
            invitation TEXT PRIMARY KEY, wave TEXT, generation INTEGER NOT NULL DEFAULT 0,
            failures INTEGER NOT NULL DEFAULT 0, reminders INTEGER NOT NULL DEFAULT 0, due_at INTEGER,
            sent_at INTEGER, expired INTEGER NOT NULL DEFAULT 0, cause TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS mails_by_due ON mails_invitations (due_at) WHERE due_at IS NOT NULL;
        CREATE INDEX IF NOT EXISTS mails_by_sent ON mails_invitations (sent_at) WHERE sent_at IS NOT NULL;
        CREATE TABLE IF NOT EXISTS mails_sent (position INTEGER PRIMARY KEY, at INTEGER NOT NULL);
        CREATE INDEX IF NOT EXISTS mails_sent_by_time ON mails_sent (at);
        CREATE TABLE IF NOT EXISTS mails_waves (
            wave TEXT PRIMARY KEY, remind_after INTEGER NOT NULL, most_reminders INTEGER NOT NULL,
            stopped INTEGER NOT NULL DEFAULT 0
        ) WITHOUT ROWID;"
    }

    fn fold(&self, rows: &Connection, entry: &Entry, _effective: Timestamp) -> rusqlite::Result<()> {
        let fold = Fold { rows, entry, id: entry.stream.id() };
        match &entry.event {
            Event::Invitation(event) => fold.invitation(event),
            Event::Wave(event) => fold.wave(event),
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
    entry: &'a Entry,
    id: &'a str,
}

impl Fold<'_> {
    fn invitation(&self, event: &InvitationEvent) -> rusqlite::Result<()> {
        match event {
            InvitationEvent::InvitationIssued { delivery: InvitationDelivery::Mail, wave, .. } => {
                let insert = "INSERT OR REPLACE INTO mails_invitations (invitation, wave, due_at, cause)
                    VALUES (?1, ?2, ?3, ?4)";
                let wave = wave.map(|wave| wave.to_string());
                self.execute(insert, params![self.id, wave, self.entry.at.0, self.entry.id.to_string()])
            }
            InvitationEvent::InvitationRenewed { generation, cause, .. } => {
                let update = "UPDATE mails_invitations SET generation = ?2, reminders = reminders + ?3, failures = 0,
                    due_at = ?4, sent_at = NULL, expired = 0, cause = ?5 WHERE invitation = ?1";
                let reminder = *cause == RenewalCause::Reminder;
                let cause = self.entry.id.to_string();
                self.execute(update, params![self.id, generation, reminder, self.entry.at.0, cause])
            }
            InvitationEvent::InvitationSent { generation } => {
                let update = "UPDATE mails_invitations SET due_at = NULL, sent_at = ?3, cause = ?4
                    WHERE invitation = ?1 AND generation = ?2";
                let cause = self.entry.id.to_string();
                self.execute(update, params![self.id, generation, self.entry.at.0, cause])?;
                self.count()
            }
            InvitationEvent::InvitationNotSent { generation, is_final: true, .. } => {
                let update = "UPDATE mails_invitations SET due_at = NULL, failures = failures + 1
                    WHERE invitation = ?1 AND generation = ?2";
                self.execute(update, params![self.id, generation])
            }
            InvitationEvent::InvitationNotSent { generation, is_final: false, .. } => self.failed(*generation),
            InvitationEvent::InvitationUsed { .. } | InvitationEvent::InvitationRevoked {} => {
                self.execute("DELETE FROM mails_invitations WHERE invitation = ?1", params![self.id])
            }
            InvitationEvent::InvitationExpired {} => {
                let update = "UPDATE mails_invitations SET due_at = NULL, expired = 1 WHERE invitation = ?1";
                self.execute(update, params![self.id])
            }
            InvitationEvent::InvitationIssued { .. } | InvitationEvent::InvitationOpened { .. } => Ok(()),
            InvitationEvent::InvitationCodeIssued { .. } | InvitationEvent::InvitationRefused { .. } => Ok(()),
        }
    }

    fn wave(&self, event: &WaveEvent) -> rusqlite::Result<()> {
        let stopped = match event {
            WaveEvent::WaveBegun { remind_after_days, most_reminders, .. } => {
                let insert =
                    "INSERT OR REPLACE INTO mails_waves (wave, remind_after, most_reminders) VALUES (?1, ?2, ?3)";
                let after = i64::from(*remind_after_days) * DAY * 1_000_000;
                return self.execute(insert, params![self.id, after, most_reminders]);
            }
            WaveEvent::WavePaused {} | WaveEvent::WaveEnded {} => true,
            WaveEvent::WaveResumed {} => false,
            WaveEvent::WaveRecordsAdded { .. } | WaveEvent::WaveRecordSkipped { .. } => return Ok(()),
            WaveEvent::WaveDeadlinePassed { .. } => return Ok(()),
        };
        self.execute("UPDATE mails_waves SET stopped = ?2 WHERE wave = ?1", params![self.id, stopped])
    }

    fn failed(&self, generation: u32) -> rusqlite::Result<()> {
        let select = "SELECT failures FROM mails_invitations WHERE invitation = ?1 AND generation = ?2";
        let mut select = self.rows.prepare_cached(select)?;
        let mut found = select.query(params![self.id, generation])?;
        let Some(row) = found.next()? else { return Ok(()) };
        let failures: u32 = row.get(0)?;
        let last = AGAIN_AFTER.len() - 1;
        let again = AGAIN_AFTER[usize::try_from(failures).unwrap_or(last).min(last)];
        let update = "UPDATE mails_invitations SET failures = failures + 1, due_at = ?2, cause = ?3
            WHERE invitation = ?1";
        let due = self.entry.at.plus_seconds(again).0;
        self.execute(update, params![self.id, due, self.entry.id.to_string()])
    }

    fn count(&self) -> rusqlite::Result<()> {
        self.execute("DELETE FROM mails_sent WHERE at <= ?1", params![self.entry.at.plus_seconds(-REMEMBERED).0])?;
        let insert = "INSERT INTO mails_sent (position, at) VALUES (?1, ?2)";
        self.execute(insert, params![sql(self.entry.position), self.entry.at.0])
    }

    fn execute(&self, statement: &str, values: &[&dyn rusqlite::ToSql]) -> rusqlite::Result<()> {
        self.rows.prepare_cached(statement)?.execute(values).map(drop)
    }
}
