//! Invitations to enroll: one row each, with its state and the times of what happened to it.
//!
//! Name and mail address of a recipient are kept here only if the invitation's own key sealed them. Otherwise queries
//! join those of the earlier record or of the person, where they are erased.

mod query;

pub use query::{
    InvitationFilter, InvitationRow, InvitationState, ListedInvitations, by_id, count, counts, due_to_expire, list,
    made_since, of_person, of_record, sealed_for,
};

use crate::{Projection, sql};
use events::invitation::{InvitationDelivery, InvitationEvent, InvitationId, Recipient};
use events::person::PersonEvent;
use events::record::OwnerKey;
use events::{Entry, Event, Timestamp};
use rusqlite::{Connection, params};
use uuid::Uuid;

/// Seconds for which an issued or renewed invitation is counted.
const REMEMBERED: i64 = 2 * 3_600;

pub(crate) struct Invitations;

impl Projection for Invitations {
    fn name(&self) -> &'static str {
        "invitations"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["invitations_current", "invitations_keys", "invitations_people", "invitations_made"]
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS invitations_current (
            invitation TEXT PRIMARY KEY, record TEXT, person TEXT, wave TEXT, delivery TEXT NOT NULL,
            language TEXT NOT NULL, state TEXT NOT NULL, generation INTEGER NOT NULL DEFAULT 0,
            reminders INTEGER NOT NULL DEFAULT 0,
            -- Of the mail with the present link.
            failures INTEGER NOT NULL DEFAULT 0, why_not_sent TEXT,
            expires INTEGER NOT NULL, issued_at INTEGER NOT NULL, renewed_at INTEGER, sent_at INTEGER,
            not_sent_at INTEGER, opened_at INTEGER, used_at INTEGER, used_by TEXT, used_in TEXT, token TEXT,
            expired_at INTEGER, revoked_at INTEGER, refused_at INTEGER, why_refused TEXT,
            -- Only if the key of the invitation sealed them.
            full_name TEXT, mail TEXT
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS invitations_by_time ON invitations_current (issued_at, invitation);
        CREATE INDEX IF NOT EXISTS invitations_by_state ON invitations_current (state, issued_at, invitation);
        CREATE INDEX IF NOT EXISTS invitations_by_wave ON invitations_current (wave, state, issued_at, invitation)
            WHERE wave IS NOT NULL;
        CREATE INDEX IF NOT EXISTS invitations_by_record ON invitations_current (record, issued_at, invitation)
            WHERE record IS NOT NULL;
        CREATE INDEX IF NOT EXISTS invitations_by_person ON invitations_current (person) WHERE person IS NOT NULL;
        CREATE INDEX IF NOT EXISTS invitations_by_user ON invitations_current (used_by) WHERE used_by IS NOT NULL;
        CREATE INDEX IF NOT EXISTS invitations_by_end ON invitations_current (expires)
            WHERE used_at IS NULL AND revoked_at IS NULL AND expired_at IS NULL;
        -- Of invitations whose recipient was no known person.
        CREATE TABLE IF NOT EXISTS invitations_keys (
            hmac TEXT NOT NULL, invitation TEXT NOT NULL, PRIMARY KEY (hmac, invitation)
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS invitations_people (
            person TEXT NOT NULL, hmac TEXT NOT NULL, PRIMARY KEY (person, hmac)
        ) WITHOUT ROWID;
        -- Times at which invitations were issued or renewed lately.
        CREATE TABLE IF NOT EXISTS invitations_made (
            position INTEGER PRIMARY KEY, at INTEGER NOT NULL, wave TEXT, mail INTEGER NOT NULL
        );
        CREATE INDEX IF NOT EXISTS invitations_made_by_time ON invitations_made (at);"
    }

    fn joins(&self) -> &'static [&'static str] {
        &["people", "records"]
    }

    fn fold(&self, rows: &Connection, entry: &Entry, effective: Timestamp) -> rusqlite::Result<()> {
        let fold = Fold { rows, entry, id: entry.stream.id(), at: effective.0 };
        match &entry.event {
            Event::Invitation(event) => {
                fold.invitation(event)?;
                fold.restate()
            }
            Event::Person(event) => fold.person(event),
            Event::Log(_) | Event::Enrollment(_) | Event::Device(_) | Event::Account(_) | Event::Hardware(_) => Ok(()),
            Event::Staff(_) | Event::UserName(_) | Event::StaffActivity(_) | Event::Refusal(_) => Ok(()),
            Event::Request(_) | Event::Assertion(_) | Event::Settings(_) | Event::Record(_) => Ok(()),
            Event::Import(_) | Event::Successor(_) => Ok(()),
            Event::Code(_) | Event::Wave(_) | Event::Migration(_) => Ok(()),
        }
    }
}

struct Fold<'a> {
    rows: &'a Connection,
    entry: &'a Entry,
    id: &'a str,
    at: i64,
}

impl Fold<'_> {
    fn invitation(&self, event: &InvitationEvent) -> rusqlite::Result<()> {
        match event {
            InvitationEvent::InvitationIssued { recipient, record, wave, delivery, language, expires } => {
                let (record, wave) = (record.map(|record| record.to_string()), wave.map(|wave| wave.to_string()));
                let person = recipient.person.map(|person| person.to_string());
                let (full_name, mail) = self.own_text(recipient);
                let insert = "INSERT OR REPLACE INTO invitations_current (invitation, record, person, wave, delivery,
                    language, state, expires, issued_at, full_name, mail)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'issued', ?7, ?8, ?9, ?10)";
                let (word, at) = (delivery.as_str(), self.at);
                let values = params![self.id, record, person, wave, word, language, expires.0, at, full_name, mail];
                self.execute(insert, values)?;
                if person.is_none() {
                    self.add_keys(&recipient.keys)?;
                }
                self.make(wave.as_deref(), *delivery)
            }
            InvitationEvent::InvitationRenewed { generation, cause, expires } => {
                let update = "UPDATE invitations_current SET generation = ?2, reminders = reminders + ?3, expires = ?4,
                    renewed_at = ?5, failures = 0, why_not_sent = NULL, sent_at = NULL, not_sent_at = NULL,
                    expired_at = NULL WHERE invitation = ?1";
                let is_reminder = *cause == events::invitation::RenewalCause::Reminder;
                self.execute(update, params![self.id, generation, is_reminder, expires.0, self.at])?;
                self.make_again()
            }
            InvitationEvent::InvitationSent { generation } => {
                let update = "UPDATE invitations_current SET sent_at = ?3 WHERE invitation = ?1 AND generation = ?2";
                self.execute(update, params![self.id, generation, self.at])
            }
            InvitationEvent::InvitationNotSent { generation, why, code: _, is_final } => {
                let update =
                    "UPDATE invitations_current SET failures = failures + 1, why_not_sent = ?3, not_sent_at = ?4
                    WHERE invitation = ?1 AND generation = ?2";
                let at = is_final.then_some(self.at);
                self.execute(update, params![self.id, generation, why.as_str(), at])
            }
            // The button of a device-bound invitation shows a code where other invitations are opened.
            InvitationEvent::InvitationOpened { .. } | InvitationEvent::InvitationCodeIssued { .. } => {
                self.time("opened_at")
            }
            InvitationEvent::InvitationUsed { enrollment, person, token } => {
                let update = "UPDATE invitations_current SET used_at = ?2, used_by = ?3, used_in = ?4, token = ?5
                    WHERE invitation = ?1";
                let (person, enrollment) = (person.to_string(), enrollment.to_string());
                self.execute(update, params![self.id, self.at, person, enrollment, token.as_str()])
            }
            InvitationEvent::InvitationRefused { why, enrollment: _ } => {
                let update = "UPDATE invitations_current SET refused_at = ?2, why_refused = ?3 WHERE invitation = ?1";
                self.execute(update, params![self.id, self.at, why.as_str()])
            }
            InvitationEvent::InvitationRevoked {} => self.time("revoked_at"),
            InvitationEvent::InvitationExpired {} => self.time("expired_at"),
        }
    }

    // The text of a recipient who has an earlier record or is a person is theirs.
    fn own_text(&self, recipient: &Recipient) -> (Option<String>, Option<String>) {
        let own = Uuid::parse_str(self.id).map(|id| InvitationId(id).key());
        let is_own = own.is_ok_and(|key| recipient.details.key().first() == key);
        let details = recipient.details.get().filter(|_| is_own);
        details.map(|details| (details.full_name.clone(), details.mail.clone())).unwrap_or_default()
    }

    fn add_keys(&self, keys: &[OwnerKey]) -> rusqlite::Result<()> {
        let insert = "INSERT INTO invitations_keys (hmac, invitation) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        keys.iter().try_for_each(|key| self.execute(insert, params![key.hmac, self.id]))
    }

    fn make(&self, wave: Option<&str>, delivery: InvitationDelivery) -> rusqlite::Result<()> {
        // Recorded times, since they are compared with the clock.
        let at = self.entry.at;
        self.execute("DELETE FROM invitations_made WHERE at <= ?1", params![at.plus_seconds(-REMEMBERED).0])?;
        let insert = "INSERT OR REPLACE INTO invitations_made (position, at, wave, mail) VALUES (?1, ?2, ?3, ?4)";
        let is_mail = delivery == InvitationDelivery::Mail;
        self.execute(insert, params![sql(self.entry.position), at.0, wave, is_mail])
    }

    fn make_again(&self) -> rusqlite::Result<()> {
        let select = "SELECT wave, delivery FROM invitations_current WHERE invitation = ?1";
        let mut select = self.rows.prepare_cached(select)?;
        let mut found = select.query([self.id])?;
        let Some(row) = found.next()? else { return Ok(()) };
        let (wave, delivery): (Option<String>, String) = (row.get(0)?, row.get(1)?);
        match InvitationDelivery::parse(&delivery) {
            Some(delivery) => self.make(wave.as_deref(), delivery),
            None => Ok(()),
        }
    }

    // The first time counts.
    fn time(&self, column: &str) -> rusqlite::Result<()> {
        let update = format!("UPDATE invitations_current SET {column} = coalesce({column}, ?2) WHERE invitation = ?1");
        self.execute(&update, params![self.id, self.at])
    }

    fn restate(&self) -> rusqlite::Result<()> {
        let update = "UPDATE invitations_current SET state = CASE
            WHEN used_at IS NOT NULL THEN 'used' WHEN revoked_at IS NOT NULL THEN 'revoked'
            WHEN expired_at IS NOT NULL THEN 'expired' WHEN opened_at IS NOT NULL THEN 'opened'
            WHEN sent_at IS NOT NULL THEN 'sent' WHEN not_sent_at IS NOT NULL THEN 'not_sent'
            ELSE 'issued' END WHERE invitation = ?1";
        self.execute(update, params![self.id])
    }

    fn person(&self, event: &PersonEvent) -> rusqlite::Result<()> {
        match event {
            PersonEvent::PersonKnown { keys, .. } | PersonEvent::PersonKeysNoted { keys, .. } => {
                let insert = "INSERT INTO invitations_people (person, hmac) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
                keys.iter().try_for_each(|key| self.execute(insert, params![self.id, key.hmac]))
            }
            PersonEvent::PersonErased {} => {
                let erase = "UPDATE invitations_current SET full_name = NULL, mail = NULL
                    WHERE used_by = ?1 OR person = ?1 OR invitation IN (
                        SELECT k.invitation FROM invitations_people p JOIN invitations_keys k USING (hmac)
                        WHERE p.person = ?1)";
                self.execute(erase, params![self.id])?;
                self.execute("DELETE FROM invitations_people WHERE person = ?1", params![self.id])
            }
            PersonEvent::PersonAttributesChanged { .. } | PersonEvent::ManagedAppleIdLearned { .. } => Ok(()),
            PersonEvent::TermsAcceptanceKept { .. } | PersonEvent::PersonRecordsResolved { .. } => Ok(()),
        }
    }

    fn execute(&self, statement: &str, values: &[&dyn rusqlite::ToSql]) -> rusqlite::Result<()> {
        self.rows.prepare_cached(statement)?.execute(values).map(drop)
    }
}
