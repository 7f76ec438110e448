//! One record of a migration: what its page shows, exceptions and notes.

use super::{reasons, words};
use crate::admin::act::wait;
use crate::admin::cleared::Hidden;
use crate::admin::devices::{self, Choice};
use crate::admin::form::{Empty, Genuine};
use crate::admin::invitations::words::PATH as INVITATIONS;
use crate::admin::links;
use crate::admin::problem::Problem;
use crate::admin::query::{Query, filled};
use crate::admin::records::{self, folded, parse_record};
use crate::admin::session::{
    MakesExceptions, May, Permit, SeesInvitations, SeesMigration, Staff, Writes, WritesNotes, is_permitted, see_other,
};
use crate::admin::words::{Chip, Day, Instant, capital};
use actix_web::{HttpResponse, web};
use decisions::record::{Command, Record};
use events::migration::MigrationException;
use events::record::{RecordEvent, RecordId};
use events::settings::ClearedView;
use events::{Entry, Event, Personal, Timestamp};
use platform::PerformError;
use projections::audit::find as audit_row;
use projections::invitations;
use projections::migration::{BoardRow, MigrationState, StatePeriod, history, of_records};
use serde::{Deserialize, Serialize};

/// Number of characters of a note.
const LONGEST: usize = 2_000;

/// Number of earlier states that are shown.
const MOST_STATES: u32 = 100;

/// What the page of a record says about its migration.
#[derive(Serialize)]
pub(crate) struct Migrating {
    state: Chip,
    meaning: &'static str,
    since: Day,
    wave: Option<String>,
    /// The list of the invitations of this record, if there are any.
    invitations_href: Option<String>,
    reason: Option<String>,
    earlier: Vec<EarlierState>,
    notes: Vec<Note>,
    /// Address for the forms.
    href: String,
    may_except: bool,
    may_note: bool,
    /// Its device is enrolled again.
    pub(crate) is_done: bool,
    reasons: Vec<Choice>,
}

impl Migrating {
    /// Returns the same without the notes, if the re-enrollment settings hide them.
    pub(crate) fn shown(self, hidden: &Hidden) -> Migrating {
        match hidden.hides(ClearedView::ExtensionValues) {
            true => Migrating { notes: vec![], may_note: false, ..self },
            false => self,
        }
    }
}

#[derive(Serialize)]
struct EarlierState {
    label: &'static str,
    from: Day,
}

#[derive(Serialize)]
struct Note {
    at: Instant,
    by: Option<String>,
    text: String,
}

// Two contents: with every content, the tests of the pages that show it would be slow.
#[cfg(test)]
impl crate::web::content::Content for Migrating {
    fn count() -> usize {
        2
    }

    fn nth(nth: usize) -> Migrating {
        let (text, is_full) = (|| String::nth(0), nth == 0);
        let perhaps = || is_full.then(text);
        let note = |by| Note { at: Instant::nth(0), by, text: text() };
        Migrating {
            state: Chip::nth(0),
            meaning: "It need not be enrolled.",
            since: Day::nth(0),
            wave: perhaps(),
            invitations_href: perhaps(),
            reason: perhaps(),
            earlier: if is_full { vec![EarlierState { label: "Invited", from: Day::nth(0) }] } else { vec![] },
            notes: if is_full { vec![note(perhaps()), note(None)] } else { vec![] },
            href: text(),
            may_except: is_full,
            may_note: is_full,
            is_done: false,
            reasons: if is_full { reasons() } else { vec![] },
        }
    }
}

/// Returns what the page of a record says about its migration at `as_of`; `None` if the record was not part of one, or
/// the staff member may not see it.
///
/// # Errors
/// Returns an error if the event log or the projections are unavailable.
pub(crate) async fn migrating(
    staff: &Staff,
    record: RecordId,
    as_of: Option<Timestamp>,
) -> Result<Option<Migrating>, Problem> {
    if !is_permitted::<SeesMigration>(&staff.roles) {
        return Ok(None);
    }
    let (now, broken) = (staff.now(), |error| staff.broken(error));
    let mut states = history(staff.projections(), record, MOST_STATES).await.map_err(broken)?;
    states.retain(|state| as_of.is_none_or(|as_of| state.from <= as_of));
    let is_over = |state: &StatePeriod| state.until.is_some_and(|until| as_of.is_none_or(|as_of| until <= as_of));
    let Some(current) = states.pop().filter(|state| !is_over(state)) else { return Ok(None) };
    let row = of_records(staff.projections(), vec![record]).await.map_err(broken)?.pop();
    let of_now = row.filter(|_| as_of.is_none());
    let found = folded(staff, record, as_of).await?;
    let (is_now, is_done) = (as_of.is_none(), current.state == MigrationState::Done);
    Ok(Some(Migrating {
        state: words::chip(current.state),
        meaning: words::meaning(current.state),
        since: Day::of(current.from, now),
        invitations_href: invitations_href(staff, record).await?,
        wave: of_now.and_then(|row| row.wave_name),
        reason: found.record.exception.map(|why| capital(why.name())),
        earlier: states
            .iter()
            .map(|state| EarlierState { label: words::label(state.state), from: Day::of(state.from, now) })
            .collect(),
        notes: notes(staff, &found.entries).await?,
        href: records::href(record),
        may_except: is_now && !is_done && is_permitted::<MakesExceptions>(&staff.roles),
        may_note: is_now && is_permitted::<WritesNotes>(&staff.roles),
        is_done,
        reasons: reasons(),
    }))
}

async fn invitations_href(staff: &Staff, record: RecordId) -> Result<Option<String>, Problem> {
    if !is_permitted::<SeesInvitations>(&staff.roles) {
        return Ok(None);
    }
    let found = invitations::of_record(staff.projections(), record, 1).await.map_err(|error| staff.broken(error))?;
    let query = Query::default().with("record", Some(&record.to_string()));
    Ok((!found.is_empty()).then(|| query.href(INVITATIONS)))
}

async fn notes(staff: &Staff, entries: &[Entry]) -> Result<Vec<Note>, Problem> {
    let mut notes = Vec::new();
    for entry in entries.iter().rev() {
        let Event::Record(RecordEvent::RecordNoteAdded { note }) = &entry.event else { continue };
        let row = audit_row(staff.projections(), staff.log(), entry.id).await.map_err(|error| staff.broken(error))?;
        notes.push(Note {
            at: Instant::of(entry.at, staff.now()),
            by: row.as_ref().map(links::name),
            text: note.shown().unwrap_or("(erased)").to_owned(),
        });
    }
    Ok(notes)
}

#[derive(Deserialize)]
pub(crate) struct Why {
    #[serde(default)]
    why: String,
}

#[derive(Deserialize)]
pub(crate) struct Text {
    #[serde(default)]
    note: String,
}

/// Makes an exception.
///
/// # Errors
/// Returns an error if the record is not on the board, or the event log or the projections are unavailable.
pub(crate) async fn except(
    staff: May<MakesExceptions>,
    path: web::Path<String>,
    form: Genuine<Why>,
) -> Result<HttpResponse, Problem> {
    let why = MigrationException::parse(&form.0.why).ok_or(Problem::Bad("Choose a reason for the exception."))?;
    let row = on_board(&staff, &path).await?;
    perform(&staff, &row, Command::MakeException(why), "excepted").await
}

/// Ends an exception.
///
/// # Errors
/// Returns an error if the record is not on the board, or the event log or the projections are unavailable.
pub(crate) async fn end_exception(
    staff: May<MakesExceptions>,
    path: web::Path<String>,
    _form: Genuine<Empty>,
) -> Result<HttpResponse, Problem> {
    let row = on_board(&staff, &path).await?;
    perform(&staff, &row, Command::EndException, "exception-ended").await
}

/// Adds a note. It is erased with the record or the person.
///
/// # Errors
/// Returns an error if the note is empty or too long, the record is not on the board or erased, or the event log or the
/// projections are unavailable.
pub(crate) async fn note(
    staff: May<WritesNotes>,
    path: web::Path<String>,
    form: Genuine<Text>,
) -> Result<HttpResponse, Problem> {
    let text = filled(Some(&form.0.note)).ok_or(Problem::Bad("The note is empty."))?;
    if text.chars().count() > LONGEST {
        return Err(Problem::Bad("The note is too long. It has at most 2,000 characters."));
    }
    let row = on_board(&staff, &path).await?;
    if row.owner.is_erased {
        return Err(Problem::Refused("The person of this record was erased, so no note about it is kept.".to_owned()));
    }
    let key = match (row.is_imported, row.owner.person) {
        (true, _) => row.record.key(),
        (false, Some(person)) => person.key(),
        (false, None) => row.record.device().key(),
    };
    let note = Personal::new(key, text.to_owned());
    perform(&staff, &row, Command::AddNote { note }, "noted").await
}

async fn on_board(staff: &Staff, record: &str) -> Result<BoardRow, Problem> {
    let record = parse_record(record)?;
    let rows = of_records(staff.projections(), vec![record]).await.map_err(|error| staff.broken(error))?;
    rows.into_iter().next().ok_or(Problem::NotFound)
}

async fn perform<P: Permit + Writes>(
    staff: &May<P>,
    row: &BoardRow,
    command: Command,
    done: &str,
) -> Result<HttpResponse, Problem> {
    let performed = staff.app().platform.perform::<Record>(&row.record.stream(), &command, &staff.context()).await;
    let performed = performed.map_err(|error| match error {
        PerformError::Refused(refusal) => Problem::Refused(format!("This is not possible: {refusal}.")),
        other => staff.broken(other),
    })?;
    if let Some(appended) = performed.appended {
        wait(staff.app(), appended.position).await;
    }
    let page = match row.is_imported {
        true => records::href(row.record),
        false => devices::href(row.record.device(), None),
    };
    Ok(see_other(&Query::default().with("done", Some(done)).href(&page)))
}

/// Returns what the previous form did. The text comes from the record, so that no address can make the page show
/// something false.
pub(crate) fn said(migrating: Option<&Migrating>, done: Option<&str>) -> Option<String> {
    let migrating = migrating?;
    match (filled(done)?, &migrating.reason) {
        ("excepted", Some(reason)) => Some(format!("The record is an exception: {reason}.")),
        ("exception-ended", None) => {
            Some(format!("The record has no exception. Its state: {}.", migrating.state.label))
        }
        ("noted", _) if !migrating.notes.is_empty() => Some("The note is kept.".to_owned()),
        _ => None,
    }
}
