//! Reads and writes the rows of sessions.

use super::{Beginning, IDLE_SECONDS, LONGEST_SECONDS, PENDING_SECONDS, Session, TOUCH_SECONDS};
use events::Timestamp;
use events::enrollment::SignInMethodName;
use events::staff::StaffId;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

const COLUMNS: &str = "id, staff, method, began, last_seen, source, browser, entered, second, confirmed, rests_on";

/// Maximum number of sessions in a list. Further sessions can be ended only together with all others.
const LISTED: u32 = 100;

/// Returns the earliest last request and the earliest beginning of a session that has not ended, in microseconds.
fn bounds(now: Timestamp) -> (i64, i64) {
    (now.plus_seconds(-IDLE_SECONDS).0, now.plus_seconds(-LONGEST_SECONDS).0)
}

pub(super) fn begin(rows: &Connection, key_hash: &str, new: &Beginning, now: Timestamp) -> rusqlite::Result<()> {
    let (seen, began) = bounds(now);
    let replaced = new.replaced.as_deref().map(|key| super::hash(key).0);
    rows.execute(
        "DELETE FROM sessions WHERE last_seen < ?1 OR began < ?2 OR key_hash = ?3",
        params![seen, began, replaced],
    )?;
    rows.execute(
        "INSERT INTO sessions (key_hash, id, staff, method, began, last_seen, source, browser, entered, second, confirmed,
             rests_on)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, FALSE, ?5, ?9)",
        params![
            key_hash,
            new.id.to_string(),
            new.staff.to_string(),
            method_text(new.method),
            now.0,
            new.source,
            new.browser,
            new.entered,
            new.rests_on
        ],
    )?;
    Ok(())
}

pub(super) fn resume(rows: &Connection, key_hash: &str, now: Timestamp) -> rusqlite::Result<Option<Session>> {
    let (seen, began) = bounds(now);
    let select = format!("SELECT {COLUMNS} FROM sessions WHERE key_hash = ?1 AND last_seen >= ?2 AND began >= ?3");
    let found = rows.query_row(&select, params![key_hash, seen, began], session).optional()?;
    if let Some(session) = &found
        && now.seconds_since(session.last_seen) >= TOUCH_SECONDS
    {
        rows.execute("UPDATE sessions SET last_seen = ?2 WHERE key_hash = ?1", params![key_hash, now.0])?;
    }
    Ok(found)
}

pub(super) fn enter(rows: &Connection, old: &str, new: &str, second: bool, now: Timestamp) -> rusqlite::Result<bool> {
    let update = "UPDATE sessions SET key_hash = ?2, entered = TRUE, second = (second OR ?3), confirmed = ?4,
        last_seen = ?4, pending = NULL, pending_at = NULL WHERE key_hash = ?1";
    Ok(rows.execute(update, params![old, new, second, now.0])? > 0)
}

pub(super) fn confirm(rows: &Connection, key_hash: &str, now: Timestamp) -> rusqlite::Result<()> {
    rows.execute("UPDATE sessions SET confirmed = ?2 WHERE key_hash = ?1", params![key_hash, now.0]).map(drop)
}

pub(super) fn set_pending(rows: &Connection, key_hash: &str, what: &[u8], now: Timestamp) -> rusqlite::Result<()> {
    let update = "UPDATE sessions SET pending = ?2, pending_at = ?3 WHERE key_hash = ?1";
    rows.execute(update, params![key_hash, what, now.0]).map(drop)
}

pub(super) fn pending(rows: &Connection, key_hash: &str, now: Timestamp) -> rusqlite::Result<Option<Vec<u8>>> {
    let select = "SELECT pending FROM sessions WHERE key_hash = ?1 AND pending IS NOT NULL AND pending_at >= ?2";
    let since = now.plus_seconds(-PENDING_SECONDS).0;
    rows.query_row(select, params![key_hash, since], |row| row.get(0)).optional()
}

pub(super) fn take_pending(rows: &Connection, key_hash: &str, now: Timestamp) -> rusqlite::Result<Option<Vec<u8>>> {
    let found = pending(rows, key_hash, now)?;
    rows.execute("UPDATE sessions SET pending = NULL, pending_at = NULL WHERE key_hash = ?1", [key_hash])?;
    Ok(found)
}

pub(super) fn list(rows: &Connection, staff: Option<StaffId>, now: Timestamp) -> rusqlite::Result<Vec<Session>> {
    let (seen, began) = bounds(now);
    let select = format!(
        "SELECT {COLUMNS} FROM sessions WHERE last_seen >= ?1 AND began >= ?2 AND (?3 IS NULL OR staff = ?3)
         ORDER BY last_seen DESC, id LIMIT {LISTED}"
    );
    let mut select = rows.prepare(&select)?;
    let found = select.query_map(params![seen, began, staff.map(|staff| staff.to_string())], session)?;
    found.collect()
}

fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        id: uuid(row, 0)?,
        staff: StaffId(uuid(row, 1)?),
        method: method(row, 2)?,
        began: Timestamp(row.get(3)?),
        last_seen: Timestamp(row.get(4)?),
        source: row.get(5)?,
        browser: row.get(6)?,
        entered: row.get(7)?,
        second: row.get(8)?,
        confirmed: Timestamp(row.get(9)?),
        rests_on: row.get(10)?,
    })
}

fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    let text: String = row.get(column)?;
    Uuid::parse_str(&text).map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}

fn method_text(method: SignInMethodName) -> String {
    serde_json::to_string(&method).unwrap_or_default()
}

fn method(row: &Row<'_>, column: usize) -> rusqlite::Result<SignInMethodName> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}
