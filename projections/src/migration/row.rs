//! The row of a record: its state is worked out anew after each event that it depends on.

use super::state::{Facts, Invitation, Linked, MigrationState, state};
use super::{At, MOST_BY_PERSON};
use events::record::RecordOwner;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// Name of the source of enrollments of this installation. No import may have it.
const OWN: &str = "Muster";

pub(super) const DAY: i64 = 86_400_000_000;

/// What a row keeps for its state.
struct Kept {
    source: String,
    origin: String,
    begun: i64,
    owner: String,
    person: Option<String>,
    missing: Option<i64>,
    said: Option<i64>,
    ended: Option<i64>,
    unregistered: Option<i64>,
    is_erased: bool,
    is_exception: bool,
    invitation: Option<String>,
    was_invited: bool,
    used_by: Option<String>,
    is_in_wave: bool,
    state: Option<String>,
}

const KEPT: &str = "SELECT r.source, r.origin, r.begun, r.owner, r.person, r.missing, r.said, d.ended, d.unregistered,
    r.erased, r.exception IS NOT NULL, r.invited, r.invitation IS NOT NULL, r.used_by, r.wave IS NOT NULL, r.state
    FROM migration_rows r LEFT JOIN migration_devices d ON r.origin = 'own' AND d.device = r.record
    WHERE r.record = ?1";

fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    Ok(Kept {
        source: row.get(0)?,
        origin: row.get(1)?,
        begun: row.get(2)?,
        owner: row.get(3)?,
        person: row.get(4)?,
        missing: row.get(5)?,
        said: row.get(6)?,
        ended: row.get(7)?,
        unregistered: row.get(8)?,
        is_erased: row.get(9)?,
        is_exception: row.get(10)?,
        invitation: row.get(11)?,
        was_invited: row.get(12)?,
        used_by: row.get(13)?,
        is_in_wave: row.get(14)?,
        state: row.get(15)?,
    })
}

/// Creates the row of an enrollment of this installation, unless the record has one. Ids that are no device of this
/// installation get none.
pub(super) fn ensure_own(rows: &Connection, record: &str, at: At) -> rusqlite::Result<()> {
    let insert = "INSERT INTO migration_rows (record, source, origin, begun, model, owner, person, last_contact, since)
        SELECT device, ?2, 'own', ?3, model, 'unique', person, enrolled, ?3
        FROM migration_devices WHERE device = ?1
        ON CONFLICT DO NOTHING";
    rows.prepare_cached(insert)?.execute(params![record, OWN, at.effective.0]).map(drop)
}

/// Returns the records that a query with one parameter finds.
pub(super) fn ids(rows: &Connection, select: &str, parameter: &str) -> rusqlite::Result<Vec<String>> {
    rows.prepare_cached(select)?.query_map([parameter], |row| row.get(0))?.collect()
}

/// Sets the owner. The number of records of a person decides what their enrollments say, so the rows of the earlier and
/// of the present owner follow.
pub(super) fn own(rows: &Connection, record: &str, owner: Option<RecordOwner>, at: At) -> rusqlite::Result<()> {
    let select = "SELECT person FROM migration_rows WHERE record = ?1";
    let before: Option<String> =
        rows.prepare_cached(select)?.query_row([record], |row| row.get(0)).optional()?.flatten();
    let word = owner.map_or("unresolved", RecordOwner::as_str);
    let person = owner.and_then(RecordOwner::person).map(|person| person.to_string());
    let update = "UPDATE migration_rows SET owner = ?2, person = ?3 WHERE record = ?1";
    rows.prepare_cached(update)?.execute(params![record, word, person])?;
    refresh(rows, record, at)?;
    if before == person {
        return Ok(());
    }
    before.iter().chain(&person).try_for_each(|person| refresh_of_person(rows, person, at))
}

/// Works out the states of a person's records. Of a person with too many records, no state depends on their devices.
pub(super) fn refresh_of_person(rows: &Connection, person: &str, at: At) -> rusqlite::Result<()> {
    let select = "SELECT record FROM migration_rows WHERE person = ?1 ORDER BY record LIMIT ?2";
    // The one that is too many changes what the enrollments of the person say about the others.
    let limit = MOST_BY_PERSON + 2;
    let records: Vec<String> =
        rows.prepare_cached(select)?.query_map(params![person, limit], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if records.len() == limit {
        return Ok(());
    }
    records.iter().try_for_each(|record| refresh(rows, record, at))
}

/// Works out the state of a record, and keeps its change. A record without a row has no state.
pub(super) fn refresh(rows: &Connection, record: &str, at: At) -> rusqlite::Result<()> {
    let Some(kept) = rows.prepare_cached(KEPT)?.query_row([record], kept).optional()? else { return Ok(()) };
    let link = link(rows, record)?;
    let enrolled = match &link {
        Some((Linked::Confirmed, _)) => None,
        Some(_) | None => enrolled(rows, record, &kept)?,
    };
    let linked = link.as_ref().map_or(Linked::No, |(linked, _)| *linked);
    let is_part = match kept.origin.as_str() {
        "imported" => true,
        "own" => kept.was_invited || kept.is_in_wave || linked != Linked::No,
        _ => false,
    };
    let seen = [kept.said, kept.ended, kept.unregistered].into_iter().flatten().min();
    let next = is_part.then(|| {
        state(Facts {
            linked,
            is_exception: kept.is_exception,
            is_enrolled: enrolled.is_some(),
            is_ownerless: kept.is_erased || kept.owner == "left",
            is_removed: seen.is_some(),
            is_missing: kept.missing.is_some(),
            was_invited: kept.was_invited,
            invitation: match kept.invitation.as_deref() {
                Some("issued") => Invitation::Issued,
                Some("opened") => Invitation::Opened,
                Some(_) | None => Invitation::None,
            },
        })
    });
    let removed = seen.into_iter().chain(kept.missing).min();
    let update = "UPDATE migration_rows SET removed = ?2, successor = ?3
        WHERE record = ?1 AND (removed IS NOT ?2 OR successor IS NOT ?3)";
    let successor = link.map(|(_, successor)| successor).or(enrolled);
    rows.prepare_cached(update)?.execute(params![record, removed, successor])?;
    change(rows, record, &kept, next, at)
}

fn change(rows: &Connection, record: &str, kept: &Kept, next: Option<MigrationState>, at: At) -> rusqlite::Result<()> {
    let next = next.map(MigrationState::as_str);
    if kept.state.as_deref() == next {
        return Ok(());
    }
    let update = "UPDATE migration_rows SET state = ?2, since = ?3 WHERE record = ?1";
    rows.prepare_cached(update)?.execute(params![record, next, at.effective.0])?;
    let close = "UPDATE migration_states SET valid_to = ?2 WHERE record = ?1 AND valid_to IS NULL";
    rows.prepare_cached(close)?.execute(params![record, at.effective.0])?;
    let count = "INSERT INTO migration_days (day, source, state, delta) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (day, source, state) DO UPDATE SET delta = delta + excluded.delta";
    let (mut count, day) = (rows.prepare_cached(count)?, at.effective.0.div_euclid(DAY));
    if let Some(before) = &kept.state {
        count.execute(params![day, kept.source, before, -1])?;
    }
    if let Some(next) = next {
        count.execute(params![day, kept.source, next, 1])?;
        // One event may change a state twice.
        let open = "INSERT INTO migration_states (record, position, state, valid_from) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET state = excluded.state, valid_to = NULL";
        rows.prepare_cached(open)?.execute(params![record, at.position, next, at.effective.0])?;
    }
    Ok(())
}

// The link that counts: the confirmed one, else the strongest that is proposed.
fn link(rows: &Connection, record: &str) -> rusqlite::Result<Option<(Linked, String)>> {
    let select = "SELECT state = 'confirmed', successor FROM migration_links
        WHERE record = ?1 AND (state = 'confirmed' OR (state = 'open' AND band IN ('probable', 'strong')))
        ORDER BY state = 'confirmed' DESC, score DESC, successor LIMIT 1";
    let of = |row: &Row<'_>| {
        let linked = if row.get(0)? { Linked::Confirmed } else { Linked::Proposed };
        Ok((linked, row.get(1)?))
    };
    rows.prepare_cached(select)?.query_row([record], of).optional()
}

// The device that the owner enrolled since. One that is known to be another device does not count: its link with this
// record is rejected, or it took the place of another record of the same source.
fn enrolled(rows: &Connection, record: &str, kept: &Kept) -> rusqlite::Result<Option<String>> {
    if let Some(device) = &kept.used_by {
        let select = "SELECT device FROM migration_devices d
            WHERE device = ?1 AND enrolled IS NOT NULL AND ended IS NULL AND NOT EXISTS (
                SELECT 1 FROM migration_links l WHERE l.record = ?2 AND l.successor = d.device AND l.state = 'rejected')";
        let used = rows.prepare_cached(select)?.query_row([device.as_str(), record], |row| row.get(0)).optional()?;
        if used.is_some() {
            return Ok(used);
        }
    }
    let Some(person) = &kept.person else { return Ok(None) };
    let count = "SELECT count(*) FROM (SELECT 1 FROM migration_rows WHERE person = ?1 LIMIT ?2)";
    let limit = MOST_BY_PERSON + 1;
    let records: usize = rows.prepare_cached(count)?.query_row(params![person, limit], |row| row.get(0))?;
    if records == limit {
        return Ok(None);
    }
    let select = "SELECT device FROM migration_devices d
        WHERE person = ?1 AND enrolled >= ?2 AND ended IS NULL AND device <> ?3 AND NOT EXISTS (
            SELECT 1 FROM migration_links l WHERE l.record = ?3 AND l.successor = d.device AND l.state = 'rejected')
        AND NOT EXISTS (
            SELECT 1 FROM migration_links l JOIN migration_rows r ON r.record = l.record
            WHERE l.successor = d.device AND l.state = 'confirmed' AND l.record <> ?3 AND r.source = ?4)
        ORDER BY enrolled, device LIMIT 1";
    rows.prepare_cached(select)?
        .query_row(params![person, kept.begun, record, kept.source], |row| row.get(0))
        .optional()
}
