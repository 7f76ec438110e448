//! Exceptions for many records: first a rehearsal, which changes nothing and shows which records would change; then the
//! action, on the list that was shown.

use super::filters::Filters;
use super::frozen::{AT_MOST, Frozen, Shown};
use super::line::{href, owner};
use super::{Kept, PATH, words};
use crate::admin::act::wait;
use crate::admin::cleared::{self, Reader};
use crate::admin::form::Genuine;
use crate::admin::pages::{show, show_as};
use crate::admin::problem::Problem;
use crate::admin::query::filled;
use crate::admin::records::{self, parse_record};
use crate::admin::render::view;
use crate::admin::session::{MakesExceptions, May};
use crate::admin::words::Chip;
use crate::web::content::content;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use decisions::record::{Command, Record};
use events::migration::MigrationException;
use events::record::RecordId;
use events::staff::StaffActivityEvent;
use platform::PerformError;
use projections::migration::{self as board, BoardRow, MigrationState};
use serde::Serialize;
use std::collections::BTreeMap;

/// Beginning of the names of checkboxes; the id of the record follows.
const TICK: &str = "tick-";

const DAMAGED: &str = "its record is damaged and cannot be read. Nothing was done";
const CHANGED: &str = "its record changed after the list was shown. Rehearse again";
const GONE: &str = "it is no longer on the board";

/// What is done with each record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Except(MigrationException),
    End,
}

impl Act {
    fn parse(verb: &str, why: Option<&str>) -> Result<Act, Problem> {
        match verb {
            "except" => {
                let why = why.and_then(MigrationException::parse);
                why.map(Act::Except).ok_or(Problem::Bad("Choose a reason for the exception."))
            }
            _ => Ok(Act::End),
        }
    }

    fn label(self) -> String {
        match self {
            Act::Except(why) => format!("Make an exception: {}", why.name()),
            Act::End => "End the exception".to_owned(),
        }
    }

    fn consequence(self) -> &'static str {
        match self {
            Act::Except(_) => {
                "These records need not be enrolled. Nobody is invited or reminded for them, and they no longer count as \
                 open. Nothing changes on a device, and you can end the exceptions."
            }
            Act::End => "These records get the state again that they have without the exception.",
        }
    }

    fn path(self) -> String {
        match self {
            Act::Except(_) => format!("{PATH}/except"),
            Act::End => format!("{PATH}/end-exception"),
        }
    }

    // The context of the frozen list.
    fn what(self) -> String {
        match self {
            Act::Except(why) => format!("except {}", why.as_str()),
            Act::End => "end".to_owned(),
        }
    }

    fn command(self) -> Command {
        match self {
            Act::Except(why) => Command::MakeException(why),
            Act::End => Command::EndException,
        }
    }

    // Why nothing would change; `None` if it would.
    fn refusal(self, row: &BoardRow) -> Option<&'static str> {
        match self {
            Act::Except(_) if row.state == MigrationState::Done => Some("it is done"),
            Act::Except(why) if row.exception == Some(why) => Some("it already has this exception"),
            Act::End if row.exception.is_none() => Some("it has no exception"),
            Act::Except(_) | Act::End => None,
        }
    }
}

#[derive(Serialize)]
struct RehearsalPage {
    label: String,
    consequence: &'static str,
    action: String,
    back: String,
    /// The submitted list is no longer valid.
    stale: bool,
    done: bool,
    /// Token of the list of records that would change.
    batch: String,
    /// Fields of the request, to be sent again.
    kept: Vec<Kept>,
    accepting: usize,
    refusing: usize,
    /// Where the next records begin, if more match; and the address for rehearsing those.
    next: Option<String>,
    next_action: String,
    lines: Vec<RehearsedLine>,
}

view!(
    migration_try,
    Menu,
    RehearsalPage {
        label,
        consequence,
        action,
        back,
        stale,
        done,
        batch,
        kept,
        accepting,
        refusing,
        next,
        next_action,
        lines
    }
);

#[derive(Serialize)]
struct RehearsedLine {
    href: Option<String>,
    label: String,
    source: String,
    owner: String,
    state: Option<Chip>,
    /// Why nothing changes; empty if something does.
    why: String,
}

content!(RehearsedLine { href, label, source, owner, state, why });

type Fields = BTreeMap<String, String>;

/// A submitted form.
struct Asked {
    act: Act,
    fields: Fields,
    back: String,
}

impl Asked {
    fn read(verb: &str, fields: Fields) -> Result<Asked, Problem> {
        let act = Act::parse(verb, filled(fields.get("why").map(String::as_str)))?;
        let back = Filters::of_form(&fields).query().href(PATH);
        Ok(Asked { act, fields, back })
    }

    fn text(&self, name: &str) -> Option<&str> {
        filled(self.fields.get(name).map(String::as_str))
    }

    // Everything that selects the records and says what to do with them.
    fn kept(&self) -> Vec<Kept> {
        let is_kept = |name: &&String| !["csrf", "batch", "next", "after"].contains(&name.as_str());
        let kept = self.fields.iter().filter(|(name, value)| is_kept(name) && !value.is_empty());
        kept.map(|(name, value)| Kept { name: name.clone(), value: value.clone() }).collect()
    }

    fn page(&self, lines: Vec<RehearsedLine>) -> RehearsalPage {
        let refusing = lines.iter().filter(|line| !line.why.is_empty()).count();
        RehearsalPage {
            label: self.act.label(),
            consequence: self.act.consequence(),
            action: format!("{}/do", self.act.path()),
            back: self.back.clone(),
            stale: false,
            done: false,
            batch: String::new(),
            kept: self.kept(),
            accepting: lines.len() - refusing,
            refusing,
            next: None,
            next_action: format!("{}/try", self.act.path()),
            lines,
        }
    }
}

/// Shows which records would change. Nothing is changed.
///
/// # Errors
/// Returns an error if the form is invalid, or the event log or the projections are unavailable.
pub(crate) async fn rehearse(
    staff: May<MakesExceptions>,
    verb: web::Path<String>,
    form: Genuine<Fields>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::read(&verb, form.0)?;
    let filters = Filters::of_form(&asked.fields).names_and_values();
    staff.record(StaffActivityEvent::MigrationBoardViewed { filters }).await?;
    let (rows, next) = selected(&staff, &asked).await?;
    let what = asked.act.what();
    let changing = rows.iter().filter(|row| asked.act.refusal(row).is_none());
    let batch = Frozen { staff: &staff, what: &what }.seal(changing);
    let rows = cleared::board(staff.projections(), &Reader::Staff(&staff.roles), rows).await;
    let rows = rows.map_err(|error| staff.broken(error))?;
    let lines = rows.iter().map(|row| line(row, asked.act.refusal(row).unwrap_or_default(), &staff)).collect();
    let page = RehearsalPage { batch, next, ..asked.page(lines) };
    show(&format!("Rehearsal: {}", page.label), "migration", &staff, &page)
}

// The ticked records, or those that match the filters, in order of their ids.
async fn selected(staff: &May<MakesExceptions>, asked: &Asked) -> Result<(Vec<BoardRow>, Option<String>), Problem> {
    let broken = |error| staff.broken(error);
    if asked.text("which") == Some("all") {
        let choices = board::choices(staff.projections()).await.map_err(broken)?;
        // The page of the board from which the form came says nothing about the selection.
        let filter = Filters::of_form(&asked.fields).parse(staff.now(), &choices)?;
        let found = board::by_id(staff.projections(), filter, AT_MOST).await.map_err(broken)?;
        return Ok((found.rows, found.next.map(|next| next.to_string())));
    }
    let ticked = ticked(&asked.fields)?;
    let rows = board::of_records(staff.projections(), ticked.into_iter().take(AT_MOST).collect()).await;
    Ok((rows.map_err(broken)?, None))
}

/// Returns the ticked records of a form of the board.
///
/// # Errors
/// Returns an error if none is ticked.
pub(super) fn ticked(fields: &Fields) -> Result<Vec<RecordId>, Problem> {
    let ticked = fields.keys().filter_map(|name| name.strip_prefix(TICK));
    let ticked: Vec<RecordId> = ticked.map(parse_record).collect::<Result<_, _>>()?;
    match ticked.is_empty() {
        true => Err(Problem::Bad("No record is ticked. Tick at least one, or choose all records that match.")),
        false => Ok(ticked),
    }
}

fn line(row: &BoardRow, why: &str, staff: &May<MakesExceptions>) -> RehearsedLine {
    let models = [row.model_name.as_deref(), row.product_name.as_deref()];
    RehearsedLine {
        href: href(row.record, staff),
        label: records::words::label(row.device_name.as_deref(), models, row.record),
        source: row.source.clone(),
        owner: owner(row),
        state: Some(words::chip(row.state)),
        why: why.to_owned(),
    }
}

/// Does it with the records of the rehearsal. Each record's aggregate decides again. A record that differs from what
/// was shown is left out and reported.
///
/// # Errors
/// Returns an error if the form is invalid, or the event log or the projections are unavailable.
pub(crate) async fn perform(
    staff: May<MakesExceptions>,
    verb: web::Path<String>,
    form: Genuine<Fields>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::read(&verb, form.0)?;
    let what = asked.act.what();
    let frozen = Frozen { staff: &staff, what: &what };
    let Some(list) = frozen.open(asked.text("batch").unwrap_or_default()) else {
        let page = RehearsalPage { stale: true, ..asked.page(vec![]) };
        let title = format!("Nothing was done: {}", page.label);
        return show_as(StatusCode::CONFLICT, &title, "migration", &staff, &page);
    };
    let (mut lines, mut last) = (Vec::new(), None);
    for shown in list {
        lines.push(perform_one(&staff, asked.act, &shown, &mut last).await?);
    }
    if let Some(last) = last {
        wait(staff.app(), last).await;
    }
    let next = asked.text("next").map(str::to_owned);
    let page = RehearsalPage { done: true, next, ..asked.page(lines) };
    show(&page.label, "migration", &staff, &page).map_err(Problem::reporting)
}

async fn perform_one(
    staff: &May<MakesExceptions>,
    act: Act,
    shown: &Shown,
    last: &mut Option<events::Position>,
) -> Result<RehearsedLine, Problem> {
    let rows = board::of_records(staff.projections(), vec![shown.record]).await;
    let Some(row) = rows.map_err(|error| staff.broken(error))?.pop() else { return Ok(gone(shown.record)) };
    if !shown.still_is(&row) {
        return Ok(line(&row, CHANGED, staff));
    }
    let platform = &staff.app().platform;
    let done = platform.perform::<Record>(&shown.record.stream(), &act.command(), &staff.context()).await;
    match done {
        Ok(done) => {
            *last = (*last).max(done.appended.map(|appended| appended.position));
            Ok(line(&row, "", staff))
        }
        Err(PerformError::Refused(refusal)) => Ok(line(&row, &refusal.to_string(), staff)),
        // A corrupt record is left out and reported; it does not block the others.
        Err(error) if error.is_damage() => Ok(line(&row, DAMAGED, staff)),
        Err(error) => Err(staff.broken(error)),
    }
}

fn gone(record: RecordId) -> RehearsedLine {
    RehearsedLine {
        href: None,
        label: record.to_string(),
        source: crate::admin::words::NONE.to_owned(),
        owner: crate::admin::words::NONE.to_owned(),
        state: None,
        why: GONE.to_owned(),
    }
}
