//! Renders the rows of a page from the log: what happened, where, and from which address.

use super::found::{Owners, Record};
use super::ids::{Key, key_of};
use super::{ACTOR_KINDS, AuditOutcome, english, message};
use crate::{ProjectionError, Projections};
use events::device::DeviceId;
use events::enrollment::short_code;
use events::log::Log;
use events::person::PersonId;
use events::personal::Gone;
use events::store::ReadError;
use events::{ActorKind, Entry, EventId, Position, Revision, StreamName, Timestamp};
use rusqlite::{Connection, OptionalExtension as _};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

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
    /// Nil if the event cannot be read.
    pub correlation: Uuid,
    /// Such as `7KQ-3M2`: derived from the correlation id.
    pub help_code: String,
    /// Source address of the request, without port.
    pub source: Option<String>,
    /// True if there was a source address that is erased.
    pub source_erased: bool,
    pub outcome: AuditOutcome,
    /// What happened, in English; why the event cannot be read, if it cannot.
    pub sentence: String,
}

/// A row of the index with the texts of its dictionaries.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub record: Record,
    device: Option<Uuid>,
    person: Option<Uuid>,
    actor: String,
    actor_kind: ActorKind,
    event_type: String,
    outcome: AuditOutcome,
    command: String,
}

pub(super) const KIND: &str = "SELECT actor, type, outcome, command FROM audit_kinds WHERE id = ?1";

/// Looks up the texts of a row.
pub(super) fn known(rows: &Connection, record: Record, owners: &mut Owners<'_>) -> rusqlite::Result<Known> {
    let device = record.device.map(|device| key_of(rows, device)).transpose()?;
    let person = owners.person(&record)?.map(|person| key_of(rows, person)).transpose()?;
    let actor = record.actor.map(|actor| key_of(rows, actor)).transpose()?.or_else(|| device.clone());
    let [actor_kind, event_type, outcome, command] = rows
        .prepare_cached(KIND)?
        .query_row([record.kind], |row| Ok([row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
    let actor_kind = ACTOR_KINDS.iter().find(|(_, name)| *name == actor_kind);
    Ok(Known {
        record,
        device: device.and_then(|device| device.uuid()),
        person: person.and_then(|person| person.uuid()),
        actor: actor.as_ref().map(Key::text).unwrap_or_default(),
        actor_kind: actor_kind.map_or(ActorKind::System, |(kind, _)| *kind),
        event_type,
        outcome: AuditOutcome::parse(&outcome).unwrap_or(AuditOutcome::Ok),
        command,
    })
}

/// Reads the events of rows from the log and renders them.
///
/// # Errors
/// Returns an error if the log or the names cannot be read. An event that cannot be read is no error.
pub(super) async fn rows(projections: &Projections, log: &Log, known: Vec<Known>) -> Result<Vec<Row>, ProjectionError> {
    let positions: Vec<Position> = known.iter().map(|known| Position(known.record.position.cast_unsigned())).collect();
    let mut entries = log.view_at(&positions).await.map_err(|error| ProjectionError::Log(error.to_string()))?;
    let names = names(projections, &known).await?;
    let rendered = known.into_iter().zip(positions).map(|(known, position)| {
        let entry = entries.remove(&position);
        row(known, entry, &names)
    });
    Ok(rendered.collect())
}

pub(super) const NAME: &str = "SELECT coalesce(display_name, user_name) FROM people_names WHERE id = ?1";

async fn names(projections: &Projections, known: &[Known]) -> Result<HashMap<String, String>, ProjectionError> {
    let persons = known.iter().filter_map(|known| known.person).map(|person| person.to_string());
    let ids: HashSet<String> = known.iter().map(|known| known.actor.clone()).chain(persons).collect();
    projections
        .read_of("people", move |rows| {
            let mut names = HashMap::new();
            let mut select = rows.prepare_cached(NAME)?;
            for id in ids {
                let name: Option<String> = select.query_row([&id], |row| row.get(0)).optional()?.flatten();
                names.extend(name.map(|name| (id, name)));
            }
            Ok(names)
        })
        .await
}

fn row(known: Known, entry: Option<Result<Entry, ReadError>>, names: &HashMap<String, String>) -> Row {
    let record = &known.record;
    let row = Row {
        event: EventId(record.event),
        at: Timestamp(record.effective),
        effective: Timestamp(record.effective),
        stream: StreamName::of("unreadable", record.event),
        revision: Revision(0),
        event_type: known.event_type,
        actor_kind: known.actor_kind,
        actor_name: names.get(&known.actor).cloned(),
        actor_id: known.actor,
        person: known.person.map(PersonId),
        person_name: known.person.and_then(|person| names.get(&person.to_string()).cloned()),
        device: known.device.map(DeviceId),
        correlation: Uuid::nil(),
        help_code: short_code(u128::from(record.code.cast_unsigned())),
        source: None,
        source_erased: false,
        outcome: known.outcome,
        sentence: "This event cannot be read: it is not in the log".to_owned(),
    };
    match entry {
        Some(Ok(entry)) => told(row, entry, known.command),
        Some(Err(error)) => unreadable(row, &error),
        None => row,
    }
}

fn told(row: Row, entry: Entry, command: String) -> Row {
    let said = message(&entry.event);
    let said = if command.is_empty() { said } else { said.with("command", command) };
    let source = entry.source.as_ref();
    Row {
        at: entry.at,
        stream: entry.stream,
        revision: entry.revision,
        correlation: entry.correlation,
        source: source.and_then(|source| source.shown()).map(str::to_owned),
        source_erased: source.is_some_and(|source| source.gone() == Some(Gone::Erased)),
        sentence: english(said.key, &said.values),
        ..row
    }
}

fn unreadable(row: Row, error: &ReadError) -> Row {
    let sentence = format!("This event cannot be read: {error}");
    match error.corruption() {
        Some(found) => {
            let stream = StreamName::try_from(found.stream).unwrap_or(row.stream);
            Row { stream, revision: Revision(found.revision), sentence, ..row }
        }
        None => Row { sentence, ..row },
    }
}
