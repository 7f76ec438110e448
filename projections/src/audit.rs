//! The audit trail: every event as a row of a compact index over the log.
//!
//! A row has only integers and the event's id: who acted, what the event is about, and its kind. Sentences, streams and
//! source addresses of a page are rendered from the log itself ([`query`]), so that erased and damaged text reads as
//! the log says. The only personal texts here are source addresses, each once for the key that seals it.
//!
//! **Persons.** A row names its person only if the event itself does and the person is not the one whose device it is.
//! Otherwise the row's person is the owner of its account, or else of its device, also if the owner was learned later.

mod about;
mod commands;
mod english;
mod erase;
mod filter;
mod found;
mod ids;
mod kinds;
mod list;
#[cfg(test)]
mod measured;
mod message;
mod outcome;
#[cfg(test)]
mod plans;
mod query;
mod render;
mod search;
mod subjects;
mod test;
mod text;

pub use english::english;
pub use filter::{AuditFilter, Match};
pub use message::{
    Message, attestation_refusal, evidence_words, faults, link_evidence, mail_failure, message, rejection,
    renewal_failure, supersession,
};
pub use outcome::AuditOutcome;
pub use query::{AuditPage, EXAMINED, Extent, extent, find, has_acted, query, types};
pub use render::Row;
pub use text::{MOST_NAMES, MOST_WORDS};

use crate::{Projection, sql};
use about::{account_of, device_of, person_named};
use events::enrollment::{self, EnrollmentId};
use events::person::{AccountEvent, PersonEvent};
use events::record::RecordEvent;
use events::{ActorKind, Entry, Event, Timestamp};
use ids::{Key, Kind};
use rusqlite::{Connection, params};
use uuid::Uuid;

/// All kinds of actors, with their names in filters.
pub const ACTOR_KINDS: [(ActorKind, &str); 6] = [
    (ActorKind::Visitor, "visitor"),
    (ActorKind::Person, "person"),
    (ActorKind::Device, "device"),
    (ActorKind::Staff, "staff"),
    (ActorKind::Operator, "operator"),
    (ActorKind::System, "system"),
];

/// Returns the name of a kind of actor in filters.
pub fn actor_name(kind: ActorKind) -> &'static str {
    ACTOR_KINDS.iter().find(|(known, _)| *known == kind).map_or("", |(_, name)| name)
}

/// Returns the help code that finds the events of `correlation`. For an enrollment it is the enrollment's help code.
pub fn help_code(correlation: Uuid) -> String {
    enrollment::help_code(EnrollmentId(correlation))
}

/// Returns the help code of `correlation` as a number: its 30 lowest bits.
fn code_of(correlation: Uuid) -> i64 {
    i64::try_from(correlation.as_u128() & ((1 << 30) - 1)).unwrap_or_default()
}

pub(crate) struct Audit;

impl Projection for Audit {
    fn name(&self) -> &'static str {
        "audit"
    }

    fn version(&self) -> u32 {
        12
    }

    fn tables(&self) -> &'static [&'static str] {
        &["audit_events", "audit_subjects", "audit_kinds", "audit_sources", "audit_commands", "audit_requests"]
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS audit_events (
            position INTEGER PRIMARY KEY, effective INTEGER NOT NULL, event BLOB NOT NULL, kind INTEGER NOT NULL,
            -- The help code of the correlation.
            code INTEGER NOT NULL,
            device INTEGER,
            -- NULL: the device.
            actor INTEGER,
            person INTEGER,
            -- The account of a refused sign-in.
            account INTEGER,
            -- The subject of the stream, if none of the above is.
            stream INTEGER,
            source INTEGER
        );
        CREATE INDEX IF NOT EXISTS audit_by_account ON audit_events (account) WHERE account IS NOT NULL;
        -- `owner`: the person that a device or an account belongs to.
        CREATE TABLE IF NOT EXISTS audit_subjects (id INTEGER PRIMARY KEY, key ANY NOT NULL UNIQUE, owner INTEGER);
        CREATE INDEX IF NOT EXISTS audit_subjects_by_owner ON audit_subjects (owner) WHERE owner IS NOT NULL;
        -- What all events of a kind share, and how many there are.
        CREATE TABLE IF NOT EXISTS audit_kinds (
            id INTEGER PRIMARY KEY, events INTEGER NOT NULL,
            -- Of the texts.
            hash INTEGER NOT NULL UNIQUE,
            message TEXT NOT NULL, actor TEXT NOT NULL, reason TEXT NOT NULL, command TEXT NOT NULL,
            type TEXT NOT NULL, outcome TEXT NOT NULL
        );
        -- `key`: a hash of the name of the key that seals the address.
        CREATE TABLE IF NOT EXISTS audit_sources (id INTEGER PRIMARY KEY, key INTEGER NOT NULL, address TEXT NOT NULL);
        CREATE INDEX IF NOT EXISTS audit_sources_by_key ON audit_sources (key, address);
        -- `id`: a hash of the device and the command. Never deleted: a device can answer at any time, and twice.
        CREATE TABLE IF NOT EXISTS audit_commands (id INTEGER PRIMARY KEY, request INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS audit_requests (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    }

    fn joins(&self) -> &'static [&'static str] {
        &["people"]
    }

    // Each index ends with the position, the row's id. The index by event is not unique, so that a log which contains
    // an event id twice is shown completely. An erasure uses the index by source; a rebuild finds nothing to erase.
    fn indexes(&self) -> &'static str {
        "CREATE INDEX IF NOT EXISTS audit_by_event ON audit_events (event);
        CREATE INDEX IF NOT EXISTS audit_by_kind ON audit_events (kind);
        CREATE INDEX IF NOT EXISTS audit_by_code ON audit_events (code);
        CREATE INDEX IF NOT EXISTS audit_by_device ON audit_events (device) WHERE device IS NOT NULL;
        CREATE INDEX IF NOT EXISTS audit_by_actor ON audit_events (actor) WHERE actor IS NOT NULL;
        CREATE INDEX IF NOT EXISTS audit_by_person ON audit_events (person) WHERE person IS NOT NULL;
        CREATE INDEX IF NOT EXISTS audit_by_stream ON audit_events (stream) WHERE stream IS NOT NULL;
        CREATE INDEX IF NOT EXISTS audit_by_source ON audit_events (source) WHERE source IS NOT NULL;
        CREATE INDEX IF NOT EXISTS audit_sources_by_address ON audit_sources (address);"
    }

    fn fold(&self, rows: &Connection, entry: &Entry, effective: Timestamp) -> rusqlite::Result<()> {
        insert(rows, entry, effective)?;
        if let Event::Account(AccountEvent::AccountReserved { person }) = &entry.event {
            own(rows, &Key::of(entry.stream.id()), &Key::Id(person.0))?;
        }
        if let Event::Person(PersonEvent::PersonErased {}) = &entry.event {
            erase::erase(rows, entry.stream.id())?;
        }
        if let Event::Record(RecordEvent::PreviousRecordShredded {}) = &entry.event {
            erase::erase_record(rows, entry.stream.id())?;
        }
        Ok(())
    }
}

fn insert(rows: &Connection, entry: &Entry, effective: Timestamp) -> rusqlite::Result<()> {
    let number = |id: Option<Uuid>| id.map(|id| ids::subject(rows, &Key::Id(id))).transpose();
    let device = device_of(entry);
    let named = person_named(entry);
    let numbered = number(device)?;
    let person = match (numbered, number(named)?) {
        (Some(device), Some(person)) => learn(rows, device, person)?,
        (_, person) => person,
    };
    let account = account_of(entry).map(|account| ids::subject(rows, &Key::of(account))).transpose()?;
    let actor = Key::of(&entry.actor.id);
    let is_the_device = device.is_some() && actor.uuid() == device;
    let stream = stream_of(entry).filter(|stream| {
        let stream = stream.uuid();
        stream.is_none() || ![device, named, actor.uuid()].contains(&stream)
    });
    let insert = "INSERT INTO audit_events
        (position, effective, event, kind, code, device, actor, person, account, stream, source)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let values = params![
        sql(entry.position),
        effective.0,
        entry.id.0.as_bytes(),
        kind_of(rows, entry)?,
        code_of(entry.correlation),
        numbered,
        if is_the_device { None } else { Some(ids::subject(rows, &actor)?) },
        person,
        account,
        stream.map(|stream| ids::subject(rows, &stream)).transpose()?,
        ids::source(rows, entry)?
    ];
    rows.prepare_cached(insert)?.execute(values).map(drop)
}

fn kind_of(rows: &Connection, entry: &Entry) -> rusqlite::Result<i64> {
    let command = commands::name_of(rows, entry)?;
    let kind = Kind {
        event_type: &entry.event.type_name(),
        said: &message(&entry.event),
        outcome: AuditOutcome::of(&entry.event),
        actor: entry.actor.kind,
        command: &command,
    };
    ids::kind(rows, &kind)
}

// Returns the person that the row must name: `None` if they own the device. The first person that an event of a device
// names owns the device.
fn learn(rows: &Connection, device: i64, person: i64) -> rusqlite::Result<Option<i64>> {
    let owner = ids::owner(rows, device)?;
    if owner.is_none() {
        ids::set_owner(rows, device, person)?;
    }
    Ok((owner.unwrap_or(person) != person).then_some(person))
}

// The refused sign-ins of an account, also those from before, are its owner's. Those of an earlier owner remain theirs.
fn own(rows: &Connection, account: &Key, person: &Key) -> rusqlite::Result<()> {
    let (account, person) = (ids::subject(rows, account)?, ids::subject(rows, person)?);
    if let Some(earlier) = ids::owner(rows, account)?.filter(|earlier| *earlier != person) {
        let update = "UPDATE audit_events SET person = ?2 WHERE account = ?1 AND person IS NULL";
        rows.prepare_cached(update)?.execute([account, earlier])?;
    }
    ids::set_owner(rows, account, person)
}

// Streams whose names are hashes or dates are not named: a search for their events would be of no use.
fn stream_of(entry: &Entry) -> Option<Key> {
    let key = Key::of(entry.stream.id());
    let is_account = matches!(entry.event, Event::Account(AccountEvent::AccountReserved { .. }));
    (key.uuid().is_some() || is_account).then_some(key)
}
