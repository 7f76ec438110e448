//! Filters of the audit trail, and the conditions of the index that they stand for.

use super::found::positions;
use super::ids::{self, Key};
use super::kinds::{KindRow, kinds};
use super::list::{Column, List, Span, Union};
use super::search::{Clause, MOST_LISTS};
use super::subjects::{lists_of_person, number, with_code};
use super::test::Test;
use super::text::{self, Named};
use super::{AuditOutcome, actor_name};
use events::device::DeviceId;
use events::enrollment::parse_short_code;
use events::person::PersonId;
use events::{ActorKind, EventId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::HashSet;
use uuid::Uuid;

/// A value to match, or to exclude.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match<T> {
    pub value: T,
    pub negated: bool,
}

impl<T> Match<T> {
    pub fn is(value: T) -> Match<T> {
        Match { value, negated: false }
    }

    pub fn is_not(value: T) -> Match<T> {
        Match { value, negated: true }
    }
}

impl<T: PartialEq> Match<T> {
    fn accepts(&self, value: &T) -> bool {
        (self.value == *value) != self.negated
    }
}

/// Filter for events. All given values must match.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// At or after this instant, in effective time.
    pub from: Option<Timestamp>,
    /// Before this instant, in effective time.
    pub to: Option<Timestamp>,
    pub actor_kind: Option<Match<ActorKind>>,
    /// Id within its kind, as in `Actor::id`.
    pub actor_id: Option<String>,
    /// Name of the event type, such as `UserSignedIn`.
    pub event_type: Option<Match<String>>,
    /// A device and the enrollment with the same id.
    pub device: Option<DeviceId>,
    pub person: Option<PersonId>,
    pub outcome: Option<Match<AuditOutcome>>,
    /// Source address of the request.
    pub source: Option<String>,
    pub correlation: Option<Uuid>,
    /// The help code, as a page with a problem shows it.
    pub help_code: Option<String>,
    /// Words, separated by spaces; upper and lower case are equal. Each of the first 8 different words must match the
    /// event: its type, the fixed words of its sentence (also a reason that is one of a fixed list, and the name of a
    /// command), or one of its subjects. The subjects are the device, the person, the actor, the account and the
    /// subject of the stream. A subject matches by a part of one of its names, current or earlier (by the beginning
    /// if the word has less than 3 characters), by its id, by the end of its id (8 to 12 digits) or by the name of its
    /// stream. An event also matches by its id or a help code. Other values in a sentence are not searched. A word
    /// finds at most 200 names: [`AuditPage::broad`](super::AuditPage::broad).
    pub text: Option<String>,
    /// In the order of the log instead of newest first.
    pub oldest_first: bool,
    /// Continue after this event, in the selected order.
    pub after: Option<EventId>,
    /// No event that is newer than this one.
    pub up_to: Option<EventId>,
}

/// The conditions of a filter on the index.
pub(super) struct Conditions {
    pub span: Span,
    pub clauses: Vec<Clause>,
    /// The kinds that the filter accepts, if it has no other condition than on kinds and the span.
    pub only_kinds: Option<Vec<KindRow>>,
}

/// Returns the conditions of a filter; `None` if no row can meet them.
pub(super) fn conditions(
    rows: &Connection,
    filter: &AuditFilter,
    named: &[Named],
) -> rusqlite::Result<Option<Conditions>> {
    let Some(span) = span(rows, filter)? else { return Ok(None) };
    let all = kinds(rows)?;
    let accepted: Vec<&KindRow> = all.iter().filter(|kind| accepts(filter, kind)).collect();
    let mut clauses = Vec::new();
    match subjects(rows, filter)? {
        Some(about) => clauses.extend(about),
        None => return Ok(None),
    }
    for word in named {
        clauses.push(text::clause(rows, &all, word)?);
    }
    let only_kinds = clauses.is_empty().then(|| accepted.iter().map(|kind| (*kind).clone()).collect());
    if accepted.len() < all.len() {
        let ids: HashSet<i64> = accepted.iter().map(|kind| kind.id).collect();
        clauses.push(Clause::new(Union::of(Column::Kind, ids.iter().copied()), Test::Kinds(ids)));
    }
    Ok(Some(Conditions { span, clauses, only_kinds }))
}

fn accepts(filter: &AuditFilter, kind: &KindRow) -> bool {
    let actor = filter.actor_kind.as_ref().map(|wanted| (actor_name(wanted.value), wanted.negated));
    let outcome = filter.outcome.as_ref().map(|wanted| (wanted.value.as_str(), wanted.negated));
    let is = |wanted: Option<(&str, bool)>, value: &str| wanted.is_none_or(|(name, not)| (name == value) != not);
    is(actor, &kind.actor)
        && is(outcome, &kind.outcome)
        && filter.event_type.as_ref().is_none_or(|wanted| wanted.accepts(&kind.event_type))
}

// Returns `None` if there is no such subject.
fn subjects(rows: &Connection, filter: &AuditFilter) -> rusqlite::Result<Option<Vec<Clause>>> {
    let mut clauses = Vec::new();
    if let Some(device) = filter.device {
        let Some(device) = ids::known(rows, &Key::Id(device.0))? else { return Ok(None) };
        clauses.push(Clause::new(Union::of(Column::Device, [device]), Test::Device(device)));
    }
    if let Some(person) = filter.person {
        let Some(person) = ids::known(rows, &Key::Id(person.0))? else { return Ok(None) };
        let lists = Union { lists: lists_of_person(rows, person)?, fixed: Vec::new() };
        clauses.push(Clause::new(lists, Test::Person(person)));
    }
    if let Some(actor) = &filter.actor_id {
        let Some(actor) = ids::known(rows, &Key::of(actor))? else { return Ok(None) };
        let lists = vec![List::of(Column::Actor, actor), List::of(Column::Device, actor)];
        clauses.push(Clause::new(Union { lists, fixed: Vec::new() }, Test::Actor(actor)));
    }
    if let Some(correlation) = filter.correlation {
        let code = super::code_of(correlation);
        clauses.push(Clause::new(Union::of(Column::Code, [code]), Test::Code(Some(code), HashSet::new())));
    }
    if let Some(typed) = &filter.help_code {
        let Some(code) = parse_short_code(typed) else { return Ok(None) };
        clauses.push(help_code(rows, &code)?);
    }
    if let Some(address) = &filter.source {
        let sources = with_address(rows, address)?;
        clauses.push(Clause::new(Union::of(Column::Source, sources), Test::Source(address.clone())));
    }
    Ok(Some(clauses))
}

fn help_code(rows: &Connection, code: &str) -> rusqlite::Result<Clause> {
    let (number, devices) = (number(code), with_code(rows, code)?);
    let mut lists: Vec<List> = devices.iter().map(|device| List::of(Column::Device, *device)).collect();
    lists.extend(number.map(|number| List::of(Column::Code, number)));
    Ok(Clause::new(Union { lists, fixed: Vec::new() }, Test::Code(number, devices.into_iter().collect())))
}

pub(super) const WITH_ADDRESS: &str = "SELECT id FROM audit_sources WHERE address = ?1 LIMIT ?2";

// One more than a condition can have lists: then rows are examined one by one.
fn with_address(rows: &Connection, address: &str) -> rusqlite::Result<Vec<i64>> {
    let mut select = rows.prepare_cached(WITH_ADDRESS)?;
    select.query_map(params![address, MOST_LISTS + 1], |row| row.get(0))?.collect()
}

pub(super) const ENDS: &str =
    "SELECT (SELECT min(position) FROM audit_events), (SELECT max(position) FROM audit_events)";

/// Returns the span of a filter; `None` if it is empty.
fn span(rows: &Connection, filter: &AuditFilter) -> rusqlite::Result<Option<Span>> {
    let (oldest, newest): (Option<i64>, Option<i64>) =
        rows.prepare_cached(ENDS)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (Some(oldest), Some(newest)) = (oldest, newest) else { return Ok(None) };
    let mut span = Span { oldest, newest, oldest_first: filter.oldest_first };
    if let Some(from) = filter.from {
        span.oldest = since(rows, span, from)?;
    }
    if let Some(to) = filter.to {
        span.newest = since(rows, span, to)? - 1;
    }
    for (event, is_cursor) in [(filter.after, true), (filter.up_to, false)] {
        let Some(event) = event else { continue };
        let Some(position) = positions(rows, event.0)?.first().copied() else { return Ok(None) };
        match (is_cursor, filter.oldest_first) {
            (true, true) => span.oldest = span.oldest.max(position + 1),
            (true, false) => span.newest = span.newest.min(position - 1),
            (false, _) => span.newest = span.newest.min(position),
        }
    }
    Ok((span.oldest <= span.newest).then_some(span))
}

pub(super) const FROM: &str =
    "SELECT position, effective FROM audit_events WHERE position >= ?1 ORDER BY position LIMIT 1";

// Returns the first position of the span at which the effective time is not before `time`, or the one after the span.
// Effective time never decreases from one position to the next.
fn since(rows: &Connection, span: Span, time: Timestamp) -> rusqlite::Result<i64> {
    let (mut low, mut high) = (span.oldest, span.newest + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let place = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
        let found = rows.prepare_cached(FROM)?.query_row([middle], place).optional()?;
        match found {
            Some((position, effective)) if effective < time.0 => low = position + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Projection;
    use crate::audit::Audit;

    #[test]
    fn times_are_bounds_of_positions_also_between_equal_times_and_gaps() {
        let rows = Connection::open_in_memory().unwrap();
        rows.execute_batch(Audit.schema()).unwrap();
        let all = [(3, 10), (4, 20), (9, 20), (10, 20), (15, 30)];
        for (position, effective) in all {
            let insert =
                "INSERT INTO audit_events (position, effective, event, kind, code) VALUES (?1, ?2, x'00', 1, 0)";
            rows.execute(insert, [position, effective]).unwrap();
        }
        for from in 5..35 {
            for to in 5..35 {
                let [from, to] = [from, to].map(Timestamp);
                let filter = AuditFilter { from: Some(from), to: Some(to), ..AuditFilter::default() };
                let found = span(&rows, &filter).unwrap();
                let inside = |at: i64| found.is_some_and(|span| span.contains(at));
                for (position, effective) in all {
                    assert_eq!(
                        inside(position),
                        (from.0..to.0).contains(&effective),
                        "{effective}: {from:?} to {to:?}"
                    );
                }
            }
        }
    }
}
