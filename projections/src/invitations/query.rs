//! Queries about invitations.

use crate::columns::{maybe_uuid, unknown, uuid};
use crate::cursor::Cursor;
use crate::{ProjectionError, Projections, like};
use events::Timestamp;
use events::enrollment::EnrollmentId;
use events::invitation::{InvitationDelivery, InvitationId, WaveId};
use events::person::PersonId;
use events::record::RecordId;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};
use std::collections::BTreeMap;

/// How far an invitation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InvitationState {
    /// Its mail is not sent yet, or it is handed over.
    Issued,
    Sent,
    /// Its mail could not be sent and is not tried again.
    NotSent,
    Opened,
    Used,
    Expired,
    Revoked,
}

impl InvitationState {
    pub const ALL: [InvitationState; 7] = [
        InvitationState::Issued,
        InvitationState::Sent,
        InvitationState::NotSent,
        InvitationState::Opened,
        InvitationState::Used,
        InvitationState::Expired,
        InvitationState::Revoked,
    ];

    /// Returns the word that rows and filters use.
    pub fn as_str(self) -> &'static str {
        match self {
            InvitationState::Issued => "issued",
            InvitationState::Sent => "sent",
            InvitationState::NotSent => "not_sent",
            InvitationState::Opened => "opened",
            InvitationState::Used => "used",
            InvitationState::Expired => "expired",
            InvitationState::Revoked => "revoked",
        }
    }

    /// Parses the word of [`InvitationState::as_str`]; `None` for any other text.
    pub fn parse(word: &str) -> Option<InvitationState> {
        InvitationState::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// An invitation as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationRow {
    pub invitation: InvitationId,
    pub state: InvitationState,
    pub record: Option<RecordId>,
    /// The recipient, if they were known when it was issued.
    pub person: Option<PersonId>,
    pub wave: Option<WaveId>,
    pub delivery: InvitationDelivery,
    pub language: String,
    /// Number of the valid link and code.
    pub generation: u32,
    pub reminders: u32,
    /// Number of times that the mail with the present link could not be sent.
    pub failures: u32,
    /// Word of [`events::invitation::MailFailure`].
    pub why_not_sent: Option<String>,
    pub expires: Timestamp,
    pub issued_at: Timestamp,
    pub renewed_at: Option<Timestamp>,
    /// When the mail with the present link was sent.
    pub sent_at: Option<Timestamp>,
    pub not_sent_at: Option<Timestamp>,
    /// The first time.
    pub opened_at: Option<Timestamp>,
    pub used_at: Option<Timestamp>,
    pub used_by: Option<PersonId>,
    pub used_in: Option<EnrollmentId>,
    /// Word of [`events::invitation::InvitationToken`] with which it was used.
    pub token: Option<String>,
    pub expired_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    /// The last time that somebody could not use it.
    pub refused_at: Option<Timestamp>,
    /// Word of [`events::invitation::InvitationRefusal`].
    pub why_refused: Option<String>,
    /// `None`: unknown or erased.
    pub full_name: Option<String>,
    pub mail: Option<String>,
}

/// Filter for invitations. All given values must match.
#[derive(Debug, Clone, Default)]
pub struct InvitationFilter {
    pub state: Option<InvitationState>,
    pub wave: Option<WaveId>,
    pub record: Option<RecordId>,
    /// The recipient, or who used it.
    pub person: Option<PersonId>,
    pub delivery: Option<InvitationDelivery>,
    /// A part of the name or of the mail address of the recipient.
    pub text: Option<String>,
    /// Continue after this invitation.
    pub after: Option<Cursor>,
}

/// A page of the list.
#[derive(Debug, Clone)]
pub struct ListedInvitations {
    pub invitations: Vec<InvitationRow>,
    /// Pass this as [`InvitationFilter::after`] to get the next page.
    pub next: Option<Cursor>,
}

const COLUMNS: &str = "i.invitation, i.state, i.record, i.person, i.wave, i.delivery, i.language, i.generation,
    i.reminders, i.failures, i.why_not_sent, i.expires, i.issued_at, i.renewed_at, i.sent_at, i.not_sent_at, i.opened_at,
    i.used_at, i.used_by, i.used_in, i.token, i.expired_at, i.revoked_at, i.refused_at, i.why_refused,
    coalesce(i.full_name, r.full_name, p.display_name, p.user_name), coalesce(i.mail, r.mail, p.mail)";

const NAME: &str = "coalesce(i.full_name, r.full_name, p.display_name, p.user_name)";
const MAIL: &str = "coalesce(i.mail, r.mail, p.mail)";

const FROM: &str = "invitations_current i LEFT JOIN records_current r ON r.record = i.record
        -- An invitation is revoked when its record gets another owner, whose name is not the recipient's.
        AND (i.revoked_at IS NULL OR r.person = i.person)
    LEFT JOIN people_names p ON p.id = coalesce(i.person, i.used_by)";

/// Returns up to `limit` invitations that match, the latest first.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn list(
    projections: &Projections,
    filter: InvitationFilter,
    limit: usize,
) -> Result<ListedInvitations, ProjectionError> {
    projections.read_of("invitations", move |rows| list_in(rows, &filter, limit)).await
}

/// Returns an invitation, if it was issued.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn by_id(
    projections: &Projections,
    invitation: InvitationId,
) -> Result<Option<InvitationRow>, ProjectionError> {
    projections
        .read_of("invitations", move |rows| {
            let select = format!("SELECT {COLUMNS} FROM {FROM} WHERE i.invitation = ?1");
            rows.prepare_cached(&select)?.query_row([invitation.to_string()], row_of).optional()
        })
        .await
}

/// Returns the invitations to enroll a record again, the latest first.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn of_record(
    projections: &Projections,
    record: RecordId,
    limit: usize,
) -> Result<Vec<InvitationRow>, ProjectionError> {
    let filter = InvitationFilter { record: Some(record), ..InvitationFilter::default() };
    Ok(list(projections, filter, limit).await?.invitations)
}

/// Returns the invitations for a person, and those that they used, the latest first.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn of_person(
    projections: &Projections,
    person: PersonId,
    limit: usize,
) -> Result<Vec<InvitationRow>, ProjectionError> {
    let filter = InvitationFilter { person: Some(person), ..InvitationFilter::default() };
    Ok(list(projections, filter, limit).await?.invitations)
}

/// Returns the number of invitations that match.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn count(projections: &Projections, filter: InvitationFilter) -> Result<u64, ProjectionError> {
    projections
        .read_of("invitations", move |rows| {
            let filter = InvitationFilter { after: None, ..filter };
            let Conditions { text, values } = Conditions::of(&filter);
            let select = format!("SELECT count(*) FROM {FROM} WHERE {text}");
            rows.prepare_cached(&select)?.query_row(&named(&values)[..], |row| row.get(0))
        })
        .await
}

/// Returns the number of invitations in each state: of a wave, or of all. States that no invitation has are left out.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn counts(
    projections: &Projections,
    wave: Option<WaveId>,
) -> Result<BTreeMap<InvitationState, u64>, ProjectionError> {
    projections
        .read_of("invitations", move |rows| {
            let condition = if wave.is_some() { "wave = ?1" } else { "?1 IS NULL" };
            let select = format!("SELECT state, count(*) FROM invitations_current WHERE {condition} GROUP BY state");
            let mut select = rows.prepare_cached(&select)?;
            let wave = wave.map(|wave| wave.to_string());
            let found = select.query_map([wave], |row| Ok((state(row, 0)?, row.get(1)?)))?;
            found.collect()
        })
        .await
}

/// Returns up to `limit` invitations that have expired at `now` and do not say so, the longest expired first.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn due_to_expire(
    projections: &Projections,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<InvitationId>, ProjectionError> {
    projections
        .read_of("invitations", move |rows| {
            let select = "SELECT invitation FROM invitations_current
                WHERE used_at IS NULL AND revoked_at IS NULL AND expired_at IS NULL AND expires <= ?1
                ORDER BY expires, invitation LIMIT ?2";
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut select = rows.prepare_cached(select)?;
            let found = select.query_map(params![now.0, limit], |row| Ok(InvitationId(uuid(row, 0)?)))?;
            found.collect()
        })
        .await
}

/// Returns how often invitations were issued or renewed after `since`, which is at most two hours ago: of a wave, or
/// of all. `mail_only`: only those that are sent by mail.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn made_since(
    projections: &Projections,
    wave: Option<WaveId>,
    mail_only: bool,
    since: Timestamp,
) -> Result<u64, ProjectionError> {
    projections
        .read_of("invitations", move |rows| {
            let select = "SELECT count(*) FROM invitations_made
                WHERE at > ?1 AND (?2 IS NULL OR wave = ?2) AND mail >= ?3";
            let wave = wave.map(|wave| wave.to_string());
            rows.prepare_cached(select)?.query_row(params![since.0, wave, mail_only], |row| row.get(0))
        })
        .await
}

/// Returns the invitations whose own key sealed text about this person, or may have: those that they used, and those
/// with one of their keys.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn sealed_for(
    projections: &Projections,
    person: PersonId,
    hmacs: Vec<String>,
) -> Result<Vec<InvitationId>, ProjectionError> {
    projections
        .read_of("invitations", move |rows| {
            let used = "SELECT invitation FROM invitations_current WHERE used_by = ?1";
            let mut used = rows.prepare_cached(used)?;
            let mut found: Vec<InvitationId> = used
                .query_map([person.to_string()], |row| Ok(InvitationId(uuid(row, 0)?)))?
                .collect::<Result<_, _>>()?;
            let mut named = rows.prepare_cached("SELECT invitation FROM invitations_keys WHERE hmac = ?1")?;
            for hmac in hmacs {
                for invitation in named.query_map([hmac], |row| Ok(InvitationId(uuid(row, 0)?)))? {
                    found.push(invitation?);
                }
            }
            found.sort_unstable();
            found.dedup();
            Ok(found)
        })
        .await
}

/// The conditions of a filter. Only what is asked for is in the query: a condition for any value would keep SQLite from
/// using an index.
struct Conditions {
    text: String,
    values: Vec<(&'static str, Box<dyn ToSql>)>,
}

impl Conditions {
    fn of(filter: &InvitationFilter) -> Conditions {
        let mut conditions = Conditions { text: "1".into(), values: vec![] };
        let InvitationFilter { state, wave, record, person, delivery, ref text, after } = *filter;
        conditions.add("i.state = :state", ":state", state.map(|state| state.as_str().to_owned()));
        conditions.add("i.wave = :wave", ":wave", wave.map(|wave| wave.to_string()));
        conditions.add("i.record = :record", ":record", record.map(|record| record.to_string()));
        conditions.add("i.delivery = :delivery", ":delivery", delivery.map(|delivery| delivery.as_str().to_owned()));
        let of_person = "i.invitation IN (
            SELECT invitation FROM invitations_current WHERE person = :person
            UNION SELECT invitation FROM invitations_current WHERE used_by = :person
            UNION SELECT k.invitation FROM invitations_people h JOIN invitations_keys k USING (hmac)
                WHERE h.person = :person)";
        conditions.add(of_person, ":person", person.map(|person| person.to_string()));
        let named = format!("lower(coalesce({NAME}, '') || char(10) || coalesce({MAIL}, '')) LIKE :text ESCAPE '\\'");
        conditions.add(&named, ":text", text.as_deref().map(like));
        if let Some(after) = after {
            conditions.text += " AND (i.issued_at, i.invitation) < (:at, :after)";
            conditions.values.push((":at", Box::new(after.at.0)));
            conditions.values.push((":after", Box::new(after.id.to_string())));
        }
        conditions
    }

    fn add(&mut self, condition: &str, name: &'static str, value: Option<String>) {
        if let Some(value) = value {
            self.text += " AND ";
            self.text += condition;
            self.values.push((name, Box::new(value)));
        }
    }
}

fn named<'a>(values: &'a [(&'static str, Box<dyn ToSql>)]) -> Vec<(&'a str, &'a dyn ToSql)> {
    values.iter().map(|(name, value)| (*name, value.as_ref())).collect()
}

fn list_in(rows: &Connection, filter: &InvitationFilter, limit: usize) -> rusqlite::Result<ListedInvitations> {
    let Conditions { text, mut values } = Conditions::of(filter);
    // One row more than requested shows whether there is another page.
    values.push((":limit", Box::new(i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX))));
    let select =
        format!("SELECT {COLUMNS} FROM {FROM} WHERE {text} ORDER BY i.issued_at DESC, i.invitation DESC LIMIT :limit");
    let mut statement = rows.prepare_cached(&select)?;
    let found = statement.query_map(&named(&values)[..], row_of)?;
    let mut invitations = found.collect::<Result<Vec<_>, _>>()?;
    let has_more = invitations.len() > limit;
    invitations.truncate(limit);
    let cursor = |row: &InvitationRow| Cursor { at: row.issued_at, id: row.invitation.0 };
    let next = invitations.last().filter(|_| has_more).map(cursor);
    Ok(ListedInvitations { invitations, next })
}

fn row_of(row: &Row<'_>) -> rusqlite::Result<InvitationRow> {
    let time = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(Timestamp));
    let delivery: String = row.get(5)?;
    Ok(InvitationRow {
        invitation: InvitationId(uuid(row, 0)?),
        state: state(row, 1)?,
        record: maybe_uuid(row, 2)?.map(RecordId),
        person: maybe_uuid(row, 3)?.map(PersonId),
        wave: maybe_uuid(row, 4)?.map(WaveId),
        delivery: InvitationDelivery::parse(&delivery).ok_or_else(|| unknown(5, &delivery))?,
        language: row.get(6)?,
        generation: row.get(7)?,
        reminders: row.get(8)?,
        failures: row.get(9)?,
        why_not_sent: row.get(10)?,
        expires: Timestamp(row.get(11)?),
        issued_at: Timestamp(row.get(12)?),
        renewed_at: time(13)?,
        sent_at: time(14)?,
        not_sent_at: time(15)?,
        opened_at: time(16)?,
        used_at: time(17)?,
        used_by: maybe_uuid(row, 18)?.map(PersonId),
        used_in: maybe_uuid(row, 19)?.map(EnrollmentId),
        token: row.get(20)?,
        expired_at: time(21)?,
        revoked_at: time(22)?,
        refused_at: time(23)?,
        why_refused: row.get(24)?,
        full_name: row.get(25)?,
        mail: row.get(26)?,
    })
}

fn state(row: &Row<'_>, column: usize) -> rusqlite::Result<InvitationState> {
    let word: String = row.get(column)?;
    InvitationState::parse(&word).ok_or_else(|| unknown(column, &word))
}
