//! The period of a funnel: whole days in UTC, which are rolled up, and the parts of days at its edges, whose
//! enrollments are read one by one.

use super::days::{DAY, day};
use rusqlite::{Connection, params};

/// Maximum number of enrollments of a part of a day. If a part has more, the whole day is in the period.
const EDGE: i64 = 2_000;

/// A period in days and parts of days.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Period {
    /// The first day, and the day after the last one.
    pub(super) days: (i64, i64),
    /// Parts of days: the first instant, and the instant after the last one.
    pub(super) parts: Vec<(i64, i64)>,
    /// The period that these make up. `None`: without an end.
    pub(super) from: Option<i64>,
    pub(super) to: Option<i64>,
}

/// Days that no enrollment is before, or after.
const NEVER: i64 = i64::MAX / DAY;

/// Returns the period from `from` up to and without `to`.
pub(super) fn period(rows: &Connection, from: Option<i64>, to: Option<i64>) -> rusqlite::Result<Period> {
    let is_small = |part| is_small(rows, part);
    divided(from, to, is_small)
}

fn divided(
    from: Option<i64>,
    to: Option<i64>,
    is_small: impl Fn((i64, i64)) -> rusqlite::Result<bool>,
) -> rusqlite::Result<Period> {
    let mut period = Period { days: (-NEVER, NEVER), parts: Vec::new(), from, to };
    if let (Some(from), Some(to)) = (from, to)
        && to <= from
    {
        return Ok(Period { days: (0, 0), ..period });
    }
    if let (Some(from), Some(to)) = (from, to)
        && day(from) == day(to)
        && is_small((from, to))?
    {
        return Ok(Period { days: (0, 0), parts: vec![(from, to)], ..period });
    }
    if let Some(from) = from {
        let part = (from, (day(from) + 1) * DAY);
        period.days.0 = day(from);
        if from.rem_euclid(DAY) != 0 {
            match is_small(part)? {
                true => {
                    period.days.0 += 1;
                    period.parts.push(part);
                }
                false => period.from = Some(day(from) * DAY),
            }
        }
    }
    if let Some(to) = to {
        let part = (day(to) * DAY, to);
        period.days.1 = day(to);
        if to.rem_euclid(DAY) != 0 {
            match is_small(part)? {
                true => period.parts.push(part),
                false => {
                    period.days.1 += 1;
                    period.to = Some(period.days.1 * DAY);
                }
            }
        }
    }
    Ok(period)
}

fn is_small(rows: &Connection, (from, to): (i64, i64)) -> rusqlite::Result<bool> {
    let select = "SELECT count(*) FROM (SELECT 1 FROM visits_visits INDEXED BY visits_by_opened
        WHERE opened >= ?1 AND opened < ?2 LIMIT ?3)";
    let found: i64 = rows.prepare_cached(select)?.query_row(params![from, to, EDGE + 1], |row| row.get(0))?;
    Ok(found <= EDGE)
}

#[cfg(test)]
mod tests {
    use super::{DAY, NEVER, divided};

    #[test]
    fn a_period_has_whole_days_and_the_parts_of_days_at_its_edges() {
        let few = |from, to| divided(from, to, |_| Ok(true)).expect("divided");
        let noon = DAY / 2;
        let period = few(Some(3 * DAY + noon), Some(7 * DAY + noon));
        assert_eq!((period.days, period.parts), ((4, 7), vec![(3 * DAY + noon, 4 * DAY), (7 * DAY, 7 * DAY + noon)]));
        let period = few(Some(3 * DAY), None);
        assert_eq!((period.days, period.parts), ((3, NEVER), vec![]));
        let period = few(Some(3 * DAY + 1), Some(3 * DAY + noon));
        assert_eq!((period.days, period.parts), ((0, 0), vec![(3 * DAY + 1, 3 * DAY + noon)]));
        assert_eq!(few(Some(9), Some(8)).days, (0, 0));
    }

    #[test]
    fn a_part_with_many_enrollments_becomes_the_whole_day_and_the_period_says_so() {
        let many = |from, to| divided(from, to, |_| Ok(false)).expect("divided");
        let noon = DAY / 2;
        let period = many(Some(3 * DAY + noon), Some(7 * DAY + noon));
        assert_eq!((period.days, period.from, period.to), ((3, 8), Some(3 * DAY), Some(8 * DAY)));
        let period = many(Some(3 * DAY + 1), Some(3 * DAY + noon));
        assert_eq!((period.days, period.from, period.to), ((3, 4), Some(3 * DAY), Some(4 * DAY)));
    }
}
