//! Owners of previous records: the keys of records, the keys of known people, and the queries that join both.

use super::query::{COLUMNS, RecordRow, record_of};
use crate::columns::uuid;
use crate::{ProjectionError, Projections, sql};
use events::Position;
use events::person::{PersonEvent, PersonId};
use events::record::{NameKey, OwnerAttribute, OwnerKey, RecordId, RecordOwner};
use rusqlite::{Connection, Row, params};
use std::collections::{BTreeMap, BTreeSet};

// Makes these the present keys of the record. All others stay as earlier ones.
pub(super) fn replace_keys(
    rows: &Connection,
    record: &str,
    present: &[OwnerKey],
    earlier: &[OwnerKey],
) -> rusqlite::Result<()> {
    rows.prepare_cached("UPDATE records_keys SET present = 0 WHERE record = ?1")?.execute([record])?;
    let insert = "INSERT INTO records_keys (hmac, record, present) VALUES (?1, ?2, ?3)
        ON CONFLICT DO UPDATE SET present = excluded.present";
    let mut insert = rows.prepare_cached(insert)?;
    for (keys, is_present) in [(earlier, false), (present, true)] {
        for key in keys {
            insert.execute(params![key.hmac, record, is_present])?;
        }
    }
    Ok(())
}

// Names of earlier values stay, so that the record is erased with each person whom it named.
pub(super) fn add_names(rows: &Connection, record: &str, names: &[NameKey]) -> rusqlite::Result<()> {
    let mut insert =
        rows.prepare_cached("INSERT INTO records_names (hmac, record) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    names.iter().try_for_each(|NameKey(hmac)| insert.execute(params![hmac, record]).map(drop))
}

// Whether these are the present keys of the record.
pub(super) fn has_keys(rows: &Connection, record: &str, keys: &[OwnerKey]) -> rusqlite::Result<bool> {
    let select = "SELECT hmac FROM records_keys WHERE record = ?1 AND present";
    let kept: BTreeSet<String> =
        rows.prepare_cached(select)?.query_map([record], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(kept == keys.iter().map(|key| key.hmac.clone()).collect())
}

pub(super) fn own(
    rows: &Connection,
    record: &str,
    owner: Option<RecordOwner>,
    position: Position,
) -> rusqlite::Result<()> {
    let person = owner.and_then(RecordOwner::person).map(|person| person.to_string());
    let update = "UPDATE records_current SET owner = ?2, person = ?3, resolved = ?4 WHERE record = ?1";
    let word = owner.map(RecordOwner::as_str);
    rows.prepare_cached(update)?.execute(params![record, word, person, sql(position)]).map(drop)
}

pub(super) fn person(rows: &Connection, person: &str, event: &PersonEvent, position: Position) -> rusqlite::Result<()> {
    match event {
        PersonEvent::PersonKnown { keys, names, .. } | PersonEvent::PersonKeysNoted { keys, names } => {
            note(rows, person, (keys, names), position)
        }
        PersonEvent::PersonErased {} => erase(rows, person),
        PersonEvent::PersonAttributesChanged { .. } => Ok(()),
        PersonEvent::ManagedAppleIdLearned { .. } | PersonEvent::TermsAcceptanceKept { .. } => Ok(()),
        PersonEvent::PersonRecordsResolved { .. } => Ok(()),
    }
}

fn note(
    rows: &Connection,
    person: &str,
    (keys, names): (&[OwnerKey], &[NameKey]),
    position: Position,
) -> rusqlite::Result<()> {
    let insert = "INSERT INTO records_people (hmac, person, provider, attribute, position)
        VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
    let mut insert = rows.prepare_cached(insert)?;
    for key in keys {
        insert.execute(params![key.hmac, person, key.provider, key.attribute.as_str(), sql(position)])?;
    }
    let insert = "INSERT INTO records_people_names (hmac, person) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    let mut insert = rows.prepare_cached(insert)?;
    names.iter().try_for_each(|NameKey(hmac)| insert.execute(params![hmac, person]).map(drop))
}

/// A record with the name `n.hmac` is erased with the person `?1`, unless its only owner is somebody else who has the
/// same name at another provider.
const NAMES: &str = "NOT EXISTS (SELECT 1 FROM records_current c JOIN records_people_names o ON o.person = c.person
    WHERE c.record = n.record AND o.hmac = n.hmac AND o.person <> ?1)";

// The key of this record was destroyed. Who owned it is part of what is forgotten.
pub(super) fn shred(rows: &Connection, record: &str) -> rusqlite::Result<()> {
    let clear = format!("UPDATE records_current SET {CLEAR}, owner = NULL WHERE record = ?1");
    rows.prepare_cached(&clear)?.execute([record])?;
    rows.prepare_cached("DELETE FROM records_keys WHERE record = ?1")?.execute([record])?;
    rows.prepare_cached("DELETE FROM records_names WHERE record = ?1")?.execute([record]).map(drop)
}

const CLEAR: &str = "source_id = NULL, serial_number = NULL, udid = NULL, device_name = NULL, asset_tag = NULL,
    user_name = NULL, mail = NULL, full_name = NULL, employee_number = NULL, erased = 1, person = NULL";

// The keys of these records were destroyed with the person's.
fn erase(rows: &Connection, person: &str) -> rusqlite::Result<()> {
    let clear = format!(
        "UPDATE records_current SET {CLEAR}
        WHERE person = ?1 OR record IN (
            SELECT records_keys.record FROM records_people JOIN records_keys USING (hmac) WHERE person = ?1)
            OR record IN (
                SELECT n.record FROM records_people_names p JOIN records_names n USING (hmac)
                WHERE p.person = ?1 AND {NAMES})"
    );
    rows.prepare_cached(&clear)?.execute([person])?;
    rows.prepare_cached("DELETE FROM records_people_names WHERE person = ?1")?.execute([person])?;
    rows.prepare_cached("DELETE FROM records_people WHERE person = ?1")?.execute([person]).map(drop)
}

/// Returns the records that may be shown to a person as theirs: those that they own as the only one, that the source
/// still has and that are not erased. The record with the latest contact comes first: up to `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn owned_by(
    projections: &Projections,
    person: PersonId,
    limit: u32,
) -> Result<Vec<RecordRow>, ProjectionError> {
    projections
        .read_of("records", move |rows| {
            // The conditions are those of the index records_by_person, which has this order. NULL is the smallest
            // value.
            let select = format!(
                "SELECT {COLUMNS} FROM records_current WHERE person = ?1 AND missing IS NULL AND erased = 0
                    ORDER BY last_contact DESC, record LIMIT ?2"
            );
            rows.prepare_cached(&select)?.query_map(params![person.to_string(), limit], record_of)?.collect()
        })
        .await
}

/// Returns those of [`owned_by`] that have this UDID or serial number: up to `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn owned_of_hardware(
    projections: &Projections,
    person: PersonId,
    (udid, serial_number): (Option<String>, Option<String>),
    limit: u32,
) -> Result<Vec<RecordId>, ProjectionError> {
    projections
        .read_of("records", move |rows| {
            let select = "SELECT record FROM records_current WHERE person = ?1 AND missing IS NULL AND erased = 0
                AND (udid = ?2 COLLATE NOCASE OR serial_number = ?3 COLLATE NOCASE)
                ORDER BY last_contact DESC, record LIMIT ?4";
            let values = params![person.to_string(), udid, serial_number, limit];
            rows.prepare_cached(select)?.query_map(values, record_id)?.collect()
        })
        .await
}

/// Number of people with one key that are read. Two are enough to see that it is ambiguous.
const HOLDERS: u32 = 2;

/// Returns the known people who have one of these keys, with all their keys. Of a key that many people have, only some
/// of them are returned, but more than one. Erased people are unknown.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn known_people(
    projections: &Projections,
    hmacs: BTreeSet<String>,
) -> Result<BTreeMap<PersonId, BTreeSet<OwnerKey>>, ProjectionError> {
    projections
        .read_of("records", move |rows| {
            let mut people = BTreeMap::new();
            let mut holders = rows.prepare_cached("SELECT person FROM records_people WHERE hmac = ?1 LIMIT ?2")?;
            for hmac in hmacs {
                for person in holders.query_map(params![hmac, HOLDERS], person_of)? {
                    people.insert(person?, BTreeSet::new());
                }
            }
            let mut keys =
                rows.prepare_cached("SELECT provider, attribute, hmac FROM records_people WHERE person = ?1")?;
            for (person, all) in &mut people {
                *all = keys
                    .query_map([person.to_string()], key_of)?
                    .filter_map(Result::transpose)
                    .collect::<Result<_, _>>()?;
            }
            Ok(people)
        })
        .await
}

fn person_of(row: &Row<'_>) -> rusqlite::Result<PersonId> {
    uuid(row, 0).map(PersonId)
}

fn record_id(row: &Row<'_>) -> rusqlite::Result<RecordId> {
    uuid(row, 0).map(RecordId)
}

fn key_of(row: &Row<'_>) -> rusqlite::Result<Option<OwnerKey>> {
    let Some(attribute) = OwnerAttribute::parse(&row.get::<_, String>(1)?) else { return Ok(None) };
    Ok(Some(OwnerKey { provider: row.get(0)?, attribute, hmac: row.get(2)? }))
}

/// Returns the records with one of these present keys that `person` may own, or that somebody else owned until now, in
/// order of their ids, after `after`: up to `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn to_resolve(
    projections: &Projections,
    hmacs: BTreeSet<String>,
    person: PersonId,
    after: Option<RecordId>,
    limit: u32,
) -> Result<Vec<RecordId>, ProjectionError> {
    let page = Page { person, after, limit };
    projections.read_of("records", move |rows| page.first(page.records(rows, TO_RESOLVE, &hmacs)?)).await
}

/// Like [`to_resolve`], without the records of which it was found out that the person does not own them, although they
/// have the key: another value contradicts. A key that was noted later makes them worth a look again.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn to_resolve_again(
    projections: &Projections,
    hmacs: BTreeSet<String>,
    person: PersonId,
    limit: u32,
) -> Result<Vec<RecordId>, ProjectionError> {
    let (select, page) = (format!("{TO_RESOLVE} AND {UNDECIDED}"), Page { person, after: None, limit });
    projections.read_of("records", move |rows| page.first(page.records(rows, &select, &hmacs)?)).await
}

/// Returns the records that have or had one of these keys (`keys`) or names: they are erased with `person`. A record of
/// somebody else who has the same name at another provider is left out. In order of their ids, after `after`: up to
/// `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn naming(
    projections: &Projections,
    (keys, names): (BTreeSet<String>, BTreeSet<NameKey>),
    person: PersonId,
    after: Option<RecordId>,
    limit: u32,
) -> Result<Vec<RecordId>, ProjectionError> {
    let page = Page { person, after, limit };
    projections
        .read_of("records", move |rows| {
            let mut records = page.records(rows, "SELECT n.record FROM records_keys n WHERE ?1 <> ''", &keys)?;
            let names = names.into_iter().map(|NameKey(hmac)| hmac).collect();
            let select = format!("SELECT n.record FROM records_names n WHERE {NAMES}");
            records.extend(page.records(rows, &select, &names)?);
            page.first(records)
        })
        .await
}

const TO_RESOLVE: &str = "SELECT n.record FROM records_keys n JOIN records_current r USING (record)
    WHERE n.present AND r.erased = 0 AND r.person IS NOT ?1 AND r.owner IS NOT 'several'";

/// A key that the projection does not have yet counts as new.
const UNDECIDED: &str = "(r.owner IS NOT 'unknown' OR NOT EXISTS (
    SELECT 1 FROM records_people p WHERE p.hmac = n.hmac AND p.person = ?1 AND p.position < r.resolved))";

/// The records of a person by their HMACs, in order of their ids.
#[derive(Clone, Copy)]
struct Page {
    person: PersonId,
    after: Option<RecordId>,
    limit: u32,
}

impl Page {
    // `select` has conditions about the table `n` with the HMACs, and the person as its first parameter.
    fn records(
        self,
        rows: &Connection,
        select: &str,
        hmacs: &BTreeSet<String>,
    ) -> rusqlite::Result<BTreeSet<RecordId>> {
        let select = format!("{select} AND n.hmac = ?2 AND n.record > ?3 ORDER BY n.record LIMIT ?4");
        let (mut select, mut records) = (rows.prepare_cached(&select)?, BTreeSet::new());
        let (person, after) = (self.person.to_string(), self.after.map(|after| after.to_string()).unwrap_or_default());
        for hmac in hmacs {
            for record in select.query_map(params![person, hmac, after, self.limit], record_id)? {
                records.insert(record?);
            }
        }
        Ok(records)
    }

    fn first(self, records: BTreeSet<RecordId>) -> rusqlite::Result<Vec<RecordId>> {
        Ok(records.into_iter().take(self.limit as usize).collect())
    }
}

/// Returns the records with a key that a person has been noted with after `position`, and that this person does not
/// own, in order of their ids, after `after`: up to `limit`.
///
/// # Errors
/// Returns an error if the file cannot be read.
pub async fn noted_since(
    projections: &Projections,
    position: Option<Position>,
    after: Option<RecordId>,
    limit: u32,
) -> Result<Vec<RecordId>, ProjectionError> {
    projections
        .read_of("records", move |rows| {
            let select = "SELECT DISTINCT records_keys.record
                FROM records_people JOIN records_keys USING (hmac) JOIN records_current USING (record)
                WHERE records_people.position > ?1 AND records_keys.record > ?2 AND present AND erased = 0
                    AND records_current.person IS NOT records_people.person AND owner IS NOT 'several'
                ORDER BY records_keys.record LIMIT ?3";
            let after = after.map(|after| after.to_string()).unwrap_or_default();
            let position = position.map_or(-1, |position| i64::try_from(position.0).unwrap_or(i64::MAX));
            rows.prepare_cached(select)?.query_map(params![position, after, limit], record_id)?.collect()
        })
        .await
}
