//! Numbers of identities by the hour in which they expire or are due, kept in the fold.

use rusqlite::{Connection, OptionalExtension as _, params};

const HOUR: i64 = 3_600_000_000;

/// Identities of enrolled devices that are counted together, and the time by whose hour they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// All, by expiry.
    All,
    /// The last renewal failed; by expiry.
    Failing,
    /// No renewal is pending or failed; by expiry.
    Calm,
    /// Same as `Calm`, by the time at which the renewal begins.
    CalmByDue,
}

impl Kind {
    fn code(self) -> i64 {
        match self {
            Kind::All => 1,
            Kind::Failing => 2,
            Kind::Calm => 3,
            Kind::CalmByDue => 4,
        }
    }

    /// The rows of an hour: the index, the time and the condition.
    fn rows(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Kind::All => ("renewals_by_expires", "expires", "enrolled"),
            Kind::Failing => ("renewals_failing", "expires", "enrolled AND failures > 0"),
            Kind::Calm => ("renewals_by_begin", "expires", "enrolled AND failures = 0 AND command IS NULL"),
            Kind::CalmByDue => ("renewals_by_due", "due_at", "enrolled AND failures = 0 AND command IS NULL"),
        }
    }

    /// Returns the query of the identities of this kind whose time is after `?1` and up to `?2`.
    pub(super) fn select(self) -> String {
        let (index, time, condition) = self.rows();
        format!(
            "SELECT count(*) FROM renewals_devices INDEXED BY {index}
            WHERE {condition} AND {time} > ?1 AND {time} <= ?2"
        )
    }
}

/// The counts to which a device contributes.
pub(super) type Contribution = Vec<(Kind, i64)>;

pub(super) fn of(rows: &Connection, device: &str) -> rusqlite::Result<Contribution> {
    let select = "SELECT expires, due_at, command IS NOT NULL, failures > 0 FROM renewals_devices
        WHERE device = ?1 AND enrolled";
    let found = rows.prepare_cached(select)?.query_row([device], |row| {
        let (expires, due): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
        let mut kinds = vec![(Kind::All, hour(expires))];
        match (row.get(2)?, row.get(3)?) {
            (_, true) => kinds.push((Kind::Failing, hour(expires))),
            (true, false) => {}
            (false, false) => {
                kinds.push((Kind::Calm, hour(expires)));
                kinds.extend(due.map(|due| (Kind::CalmByDue, hour(due))));
            }
        }
        Ok(kinds)
    });
    Ok(found.optional()?.unwrap_or_default())
}

fn hour(at: i64) -> i64 {
    at.div_euclid(HOUR)
}

/// Changes the counts from one contribution to another.
pub(super) fn change(rows: &Connection, before: &Contribution, after: &Contribution) -> rusqlite::Result<()> {
    let gone = before.iter().filter(|kind| !after.contains(kind)).map(|kind| (kind, -1));
    let new = after.iter().filter(|kind| !before.contains(kind)).map(|kind| (kind, 1));
    for ((kind, hour), by) in gone.chain(new) {
        let upsert = "INSERT INTO renewals_counts (kind, hour, count) VALUES (?1, ?2, ?3)
            ON CONFLICT (kind, hour) DO UPDATE SET count = count + excluded.count RETURNING count";
        let count: i64 = rows.prepare_cached(upsert)?.query_row(params![kind.code(), hour, by], |row| row.get(0))?;
        if count == 0 {
            let delete = "DELETE FROM renewals_counts WHERE kind = ?1 AND hour = ?2";
            rows.prepare_cached(delete)?.execute(params![kind.code(), hour])?;
        }
    }
    Ok(())
}

/// Returns how many identities of a kind have their time up to `now`, and how many have it afterwards.
pub(super) fn split(rows: &Connection, kind: Kind, now: i64) -> rusqlite::Result<(i64, i64)> {
    let this = hour(now);
    let sum = "SELECT coalesce(sum(count) FILTER (WHERE hour < ?2), 0), coalesce(sum(count), 0)
        FROM renewals_counts WHERE kind = ?1";
    let (earlier, all): (i64, i64) =
        rows.prepare_cached(sum)?.query_row(params![kind.code(), this], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let within: i64 =
        rows.prepare_cached(&kind.select())?.query_row(params![this * HOUR - 1, now], |row| row.get(0))?;
    let past = earlier + within;
    Ok((past, all - past))
}
