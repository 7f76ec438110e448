//! The dictionaries of the audit trail. Rows name subjects, kinds of events and source addresses by integers.
//!
//! The integers are those that a rebuild assigns: subjects and kinds are numbered in the order of the log and never
//! deleted, and the number of a source address is the position of the first event with it.

use super::AuditOutcome;
use super::message::Message;
use crate::sql;
use events::{ActorKind, Entry};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, ToSql, params};
use uuid::Uuid;

/// Id of a subject: a device, an enrollment, a person, staff, a record, an account, or a name under which the server
/// acts. A device and its enrollment are one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// Stored with its bytes in reverse order, so that the end of an id, as pages show it, is a prefix.
    Id(Uuid),
    Name(String),
}

impl Key {
    pub(super) fn of(id: &str) -> Key {
        Uuid::parse_str(id).map_or_else(|_| Key::Name(id.to_owned()), Key::Id)
    }

    pub(super) fn uuid(&self) -> Option<Uuid> {
        match self {
            Key::Id(id) => Some(*id),
            Key::Name(_) => None,
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Key::Id(id) => id.to_string(),
            Key::Name(name) => name.clone(),
        }
    }
}

impl ToSql for Key {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Key::Id(id) => ToSqlOutput::Owned(Value::Blob(reversed(*id).to_vec())),
            Key::Name(name) => ToSqlOutput::Borrowed(ValueRef::Text(name.as_bytes())),
        })
    }
}

impl rusqlite::types::FromSql for Key {
    fn column_result(value: ValueRef<'_>) -> rusqlite::types::FromSqlResult<Key> {
        match value {
            ValueRef::Blob(_) => {
                let bytes: [u8; 16] = rusqlite::types::FromSql::column_result(value)?;
                Ok(Key::Id(Uuid::from_u128(u128::from_le_bytes(bytes))))
            }
            ValueRef::Text(_) => Ok(Key::Name(rusqlite::types::FromSql::column_result(value)?)),
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => {
                Err(rusqlite::types::FromSqlError::InvalidType)
            }
        }
    }
}

/// Returns the bytes of an id in reverse order.
pub(super) fn reversed(id: Uuid) -> [u8; 16] {
    id.as_u128().to_le_bytes()
}

/// Returns the number of a subject; `None` if no event named it.
pub(super) fn known(rows: &Connection, key: &Key) -> rusqlite::Result<Option<i64>> {
    let select = "SELECT id FROM audit_subjects WHERE key = ?1";
    rows.prepare_cached(select)?.query_row([key], |row| row.get(0)).optional()
}

/// Returns the number of a subject, which is added if it is new.
pub(super) fn subject(rows: &Connection, key: &Key) -> rusqlite::Result<i64> {
    if let Some(known) = known(rows, key)? {
        return Ok(known);
    }
    rows.prepare_cached("INSERT INTO audit_subjects (key) VALUES (?1)")?.execute([key])?;
    Ok(rows.last_insert_rowid())
}

/// Returns the person that a device or an account belongs to.
pub(super) fn owner(rows: &Connection, subject: i64) -> rusqlite::Result<Option<i64>> {
    let select = "SELECT owner FROM audit_subjects WHERE id = ?1";
    Ok(rows.prepare_cached(select)?.query_row([subject], |row| row.get(0)).optional()?.flatten())
}

pub(super) fn set_owner(rows: &Connection, subject: i64, owner: i64) -> rusqlite::Result<()> {
    let update = "UPDATE audit_subjects SET owner = ?2 WHERE id = ?1";
    rows.prepare_cached(update)?.execute([subject, owner]).map(drop)
}

pub(super) fn key_of(rows: &Connection, subject: i64) -> rusqlite::Result<Key> {
    rows.prepare_cached("SELECT key FROM audit_subjects WHERE id = ?1")?.query_row([subject], |row| row.get(0))
}

/// What an event's row says besides its subjects, and what all events of the same kind share.
pub(super) struct Kind<'a> {
    pub event_type: &'a str,
    pub said: &'a Message,
    pub outcome: AuditOutcome,
    pub actor: ActorKind,
    /// Name of the command in the sentence; empty if there is none.
    pub command: &'a str,
}

impl Kind<'_> {
    // Compared instead of the texts.
    fn hash(&self) -> i64 {
        let texts = [self.said.key, self.said.reason, self.command, self.event_type];
        let texts = texts.into_iter().chain([self.outcome.as_str(), super::actor_name(self.actor)]);
        hash(texts.flat_map(|text| [text.as_bytes(), &[0]]))
    }
}

/// Returns the number of a kind of events, and counts one more event of it.
pub(super) fn kind(rows: &Connection, kind: &Kind<'_>) -> rusqlite::Result<i64> {
    let hash = kind.hash();
    let select = "SELECT id FROM audit_kinds WHERE hash = ?1";
    let known: Option<i64> = rows.prepare_cached(select)?.query_row([hash], |row| row.get(0)).optional()?;
    if let Some(known) = known {
        let count = "UPDATE audit_kinds SET events = events + 1 WHERE id = ?1";
        rows.prepare_cached(count)?.execute([known])?;
        return Ok(known);
    }
    let insert = "INSERT INTO audit_kinds (hash, message, actor, reason, command, type, outcome, events)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1)";
    let (actor, outcome) = (super::actor_name(kind.actor), kind.outcome.as_str());
    let values = params![hash, kind.said.key, actor, kind.said.reason, kind.command, kind.event_type, outcome];
    rows.prepare_cached(insert)?.execute(values)?;
    Ok(rows.last_insert_rowid())
}

/// Returns the number of an event's source address; `None` if there is none that can be read.
pub(super) fn source(rows: &Connection, entry: &Entry) -> rusqlite::Result<Option<i64>> {
    let Some(source) = &entry.source else { return Ok(None) };
    let Some(address) = source.get() else { return Ok(None) };
    let key = hash([source.key().first().0.as_bytes()]);
    let select = "SELECT id FROM audit_sources WHERE key = ?1 AND address = ?2";
    let known = rows.prepare_cached(select)?.query_row(params![key, address], |row| row.get(0)).optional()?;
    if known.is_some() {
        return Ok(known);
    }
    let id = sql(entry.position);
    let insert = "INSERT INTO audit_sources (id, key, address) VALUES (?1, ?2, ?3)";
    rows.prepare_cached(insert)?.execute(params![id, key, address])?;
    Ok(Some(id))
}

/// Returns 64 bits of texts (FNV-1a), which are stored instead of them. The texts contain a random id, or are few.
pub(super) fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> i64 {
    let bytes = parts.into_iter().flatten();
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    hash.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_id_is_the_beginning_of_its_key() {
        let id = Uuid::parse_str("01920000-0000-7000-8000-0000abcd3fff").unwrap();
        assert_eq!(reversed(id)[..4], [0xff, 0x3f, 0xcd, 0xab]);
        assert_eq!(Key::of(&id.to_string()), Key::Id(id));
        assert_eq!(Key::of("renewals").text(), "renewals");
    }

    #[test]
    fn a_hash_is_the_known_one_and_differs_between_names() {
        assert_eq!(hash([b"a".as_slice()]).cast_unsigned(), 0xaf63_dc4c_8601_ec8c, "FNV-1a");
        assert_ne!(hash([b"person-1".as_slice()]), hash([b"person-2".as_slice()]));
    }
}
