//! Queries of the audit trail.

use super::{ACTOR_KINDS, AuditOutcome, actor_name, english};
use crate::columns::{unreadable, uuid};
use crate::{ProjectionError, Projections, like};
use events::device::DeviceId;
use events::enrollment::parse_short_code;
use events::person::PersonId;
use events::{ActorKind, EventId, Revision, StreamName, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};
use std::collections::BTreeMap;
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
    /// Found anywhere in the sentence, the type, the stream or the names of the people involved.
    pub text: Option<String>,
    /// In the order of the log instead of newest first.
    pub oldest_first: bool,
    /// Continue after this event, in the selected order.
    pub after: Option<EventId>,
    /// No event that is newer than this one.
    pub up_to: Option<EventId>,
}

/// Number of matching events at one moment. With its newest event as [`AuditFilter::up_to`], later events do not match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    pub rows: u64,
    pub newest: Option<EventId>,
}

/// An event in the audit trail.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub event: EventId,
    pub at: Timestamp,
    pub effective: Timestamp,
    pub stream: StreamName,
    pub revision: Revision,
    pub event_type: String,
    pub actor_kind: ActorKind,
    /// Id within its kind, as in `Actor::id`.
    pub actor_id: String,
    /// Name of the actor, if it is a person or staff and the name is not erased.
    pub actor_name: Option<String>,
    pub person: Option<PersonId>,
    /// Display name, otherwise the user name; `None` if erased.
    pub person_name: Option<String>,
    pub device: Option<DeviceId>,
    pub correlation: Uuid,
    /// Such as `7KQ-3M2`: derived from the correlation id.
    pub help_code: String,
    /// Source address of the request, without port.
    pub source: Option<String>,
    /// True if there was a source address that is erased.
    pub source_erased: bool,
    pub outcome: AuditOutcome,
    /// What happened, in English.
    pub sentence: String,
}

/// A page of events, in the selected order.
#[derive(Debug, Clone)]
pub struct AuditPage {
    pub rows: Vec<Row>,
    /// Pass this as [`AuditFilter::after`] to get the next page.
    pub next: Option<EventId>,
}

const COLUMNS: &str = "SELECT e.event, e.at, e.effective, e.stream, e.revision, e.type, e.actor_kind, e.actor_id,
    coalesce(a.display_name, a.user_name), e.person, coalesce(p.display_name, p.user_name), e.device, e.correlation,
    e.help_code, e.source, e.source_erased, e.outcome, e.message, e.message_values
    FROM audit_events e
    LEFT JOIN people_names a ON a.id = e.actor_id
    LEFT JOIN people_names p ON p.id = e.person";

/// Returns up to `limit` events that match.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn query(projections: &Projections, filter: AuditFilter, limit: usize) -> Result<AuditPage, ProjectionError> {
    projections.read_of("audit", move |rows| query_in(rows, &filter, limit)).await
}

fn query_in(connection: &Connection, filter: &AuditFilter, limit: usize) -> rusqlite::Result<AuditPage> {
    let Conditions { sql, mut values } = conditions(filter);
    // One row more than requested shows whether there is another page.
    values.push(Value::Integer(i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX)));
    let order = if filter.oldest_first { "ASC" } else { "DESC" };
    let select = format!("{COLUMNS} WHERE {} ORDER BY e.position {order} LIMIT ?", sql.join(" AND "));
    let mut statement = connection.prepare_cached(&select)?;
    let found = statement.query_map(params_from_iter(values), row_of)?;
    let mut rows = found.collect::<Result<Vec<_>, _>>()?;
    let next = if rows.len() > limit {
        rows.truncate(limit);
        rows.last().map(|row| row.event)
    } else {
        None
    };
    Ok(AuditPage { rows, next })
}

/// Returns the number of matching events and the newest of them.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn extent(projections: &Projections, filter: AuditFilter) -> Result<Extent, ProjectionError> {
    projections
        .read_of("audit", move |rows| {
            let Conditions { sql, values } = conditions(&filter);
            let select = format!(
                "SELECT matching, (SELECT event FROM audit_events WHERE position = newest)
                FROM (SELECT count(*) matching, max(e.position) newest FROM audit_events e WHERE {})",
                sql.join(" AND ")
            );
            let extent =
                |row: &rusqlite::Row<'_>| Ok(Extent { rows: row.get(0)?, newest: optional_uuid(row, 1)?.map(EventId) });
            rows.prepare_cached(&select)?.query_row(params_from_iter(values), extent)
        })
        .await
}

/// Returns one event; `None` if there is none with this id.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn find(projections: &Projections, event: EventId) -> Result<Option<Row>, ProjectionError> {
    projections
        .read_of("audit", move |rows| {
            let select = format!("{COLUMNS} WHERE e.event = ?1");
            rows.prepare_cached(&select)?.query_row([event.to_string()], row_of).optional()
        })
        .await
}

/// Returns whether an actor with this id or name has caused any event.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn has_acted(projections: &Projections, actor: &str) -> Result<bool, ProjectionError> {
    let actor = actor.to_owned();
    projections
        .read_of("audit", move |rows| {
            let select = "SELECT EXISTS (SELECT 1 FROM audit_events WHERE actor_id = ?1)";
            rows.prepare_cached(select)?.query_row([&actor], |row| row.get(0))
        })
        .await
}

/// Returns the types of all events in the log, sorted by name.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn types(projections: &Projections) -> Result<Vec<String>, ProjectionError> {
    projections
        .read_of("audit", |rows| {
            let select = "SELECT DISTINCT type FROM audit_events ORDER BY type";
            rows.prepare_cached(select)?.query_map([], |row| row.get(0))?.collect()
        })
        .await
}

struct Conditions {
    sql: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, condition: &str, value: impl Into<Value>) {
        self.sql.push(condition.to_owned());
        self.values.push(value.into());
    }

    fn compare(&mut self, column: &str, matched: Option<(&str, bool)>) {
        if let Some((value, negated)) = matched {
            let operator = if negated { "<>" } else { "=" };
            self.add(&format!("{column} {operator} ?"), value.to_owned());
        }
    }
}

fn conditions(filter: &AuditFilter) -> Conditions {
    let mut all = Conditions { sql: vec!["1".to_owned()], values: Vec::new() };
    if let Some(from) = filter.from {
        all.add("e.effective >= ?", from.0);
    }
    if let Some(to) = filter.to {
        all.add("e.effective < ?", to.0);
    }
    all.compare("e.actor_kind", filter.actor_kind.as_ref().map(|kind| (actor_name(kind.value), kind.negated)));
    all.compare("e.type", filter.event_type.as_ref().map(|kind| (kind.value.as_str(), kind.negated)));
    all.compare("e.outcome", filter.outcome.as_ref().map(|outcome| (outcome.value.as_str(), outcome.negated)));
    let exact = [
        ("e.actor_id = ?", filter.actor_id.clone()),
        ("e.device = ?", filter.device.map(|device| device.to_string())),
        ("e.person = ?", filter.person.map(|person| person.to_string())),
        ("e.source = ?", filter.source.clone()),
        ("e.correlation = ?", filter.correlation.map(|correlation| correlation.to_string())),
        (
            match filter.oldest_first {
                true => "e.position > (SELECT position FROM audit_events WHERE event = ?)",
                false => "e.position < (SELECT position FROM audit_events WHERE event = ?)",
            },
            filter.after.map(|after| after.to_string()),
        ),
        (
            "e.position <= (SELECT position FROM audit_events WHERE event = ?)",
            filter.up_to.map(|newest| newest.to_string()),
        ),
    ];
    for (condition, value) in exact {
        if let Some(value) = value {
            all.add(condition, value);
        }
    }
    if let Some(typed) = &filter.help_code {
        // Text that cannot be a help code matches no event.
        let code = parse_short_code(typed).unwrap_or_default();
        all.sql.push("(e.help_code = ? OR e.device_code = ?)".to_owned());
        all.values.extend([Value::Text(code.clone()), Value::Text(code)]);
    }
    if let Some(text) = &filter.text {
        search(&mut all, text);
    }
    all
}

// Matches the sentence or the name of a person involved.
fn search(all: &mut Conditions, text: &str) {
    let named = "SELECT id FROM people_names WHERE lower(coalesce(user_name, '') || char(10)
        || coalesce(display_name, '') || char(10) || coalesce(mail, '')) LIKE ? ESCAPE '\\'";
    let condition = format!("(e.text LIKE ? ESCAPE '\\' OR e.person IN ({named}) OR e.actor_id IN ({named}))");
    all.sql.push(condition);
    all.values.extend(std::iter::repeat_n(Value::Text(like(text)), 3));
}

fn row_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let actor_kind: String = row.get(6)?;
    let outcome: String = row.get(16)?;
    let (key, values): (String, String) = (row.get(17)?, row.get(18)?);
    let values: BTreeMap<String, Option<String>> = serde_json::from_str(&values).unwrap_or_default();
    Ok(Row {
        event: EventId(uuid(row, 0)?),
        at: Timestamp(row.get(1)?),
        effective: Timestamp(row.get(2)?),
        stream: StreamName::try_from(row.get::<_, String>(3)?).map_err(|error| unreadable(3, error))?,
        revision: Revision(row.get::<_, i64>(4)?.cast_unsigned()),
        event_type: row.get(5)?,
        actor_kind: ACTOR_KINDS
            .iter()
            .find(|(_, name)| *name == actor_kind)
            .map_or(ActorKind::System, |(kind, _)| *kind),
        actor_id: row.get(7)?,
        actor_name: row.get(8)?,
        person: optional_uuid(row, 9)?.map(PersonId),
        person_name: row.get(10)?,
        device: optional_uuid(row, 11)?.map(DeviceId),
        correlation: uuid(row, 12)?,
        help_code: row.get(13)?,
        source: row.get(14)?,
        source_erased: row.get(15)?,
        outcome: AuditOutcome::parse(&outcome).unwrap_or(AuditOutcome::Ok),
        sentence: english(&key, &values),
    })
}

fn optional_uuid(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<Uuid>> {
    Ok(row.get::<_, Option<String>>(column)?.and_then(|text| Uuid::parse_str(&text).ok()))
}
