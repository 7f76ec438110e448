//! The drawn timeline: one bar for each enrollment or record, all on one axis. The table beside it says the same in
//! words.

use crate::admin::lineage::Side;
use crate::admin::words::Day;
use events::Timestamp;
use serde::Serialize;

/// Width of the axis in units of the drawing.
const WIDTH: i64 = 1_000;

/// Smallest width of a bar, so that a day can be seen.
const NARROWEST: i64 = 12;

/// The time from the earliest begin to the end of what is known.
#[derive(Debug, Serialize)]
pub(super) struct Axis {
    pub first: Day,
    pub last: Day,
    #[serde(skip)]
    from: i64,
    #[serde(skip)]
    to: i64,
}

/// A bar in units of the drawing.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Bar {
    pub x: u64,
    pub width: u64,
    pub class: &'static str,
}

#[cfg(test)]
impl crate::web::content::Content for Bar {
    fn count() -> usize {
        1
    }

    fn nth(_: usize) -> Bar {
        Bar { x: 0, width: 12, class: "over" }
    }
}

#[cfg(test)]
impl crate::web::content::Content for Axis {
    fn count() -> usize {
        1
    }

    fn nth(_: usize) -> Axis {
        let day = |at| Day::of(Timestamp(at), Timestamp(at));
        Axis { first: day(0), last: day(1), from: 0, to: 1 }
    }
}

impl Axis {
    /// Returns the axis on which these sides are drawn; `None` if no time is known, or if it is a single day. `end`:
    /// the time that is looked at.
    pub(super) fn of<'a>(sides: impl Iterator<Item = &'a Side>, end: Timestamp, now: Timestamp) -> Option<Axis> {
        let from = sides.flat_map(|side| [side.begun, side.ended]).flatten().min()?;
        if end.seconds_since(from) < 24 * 3_600 {
            return None;
        }
        Some(Axis { first: Day::of(from, now), last: Day::of(end, now), from: from.0, to: end.0 })
    }

    /// Returns the bar of a side; `None` if its time is unknown.
    pub(super) fn bar(&self, side: &Side) -> Option<Bar> {
        let last = if side.record.is_imported() {
            side.ended.or(side.begun)?
        } else {
            side.ended.unwrap_or(Timestamp(self.to))
        };
        let first = side.begun.or(side.ended)?;
        let place = |at: Timestamp| {
            let part = i128::from(at.0.clamp(self.from, self.to) - self.from) * i128::from(WIDTH);
            i64::try_from(part / i128::from((self.to - self.from).max(1))).unwrap_or(0)
        };
        let width = (place(last) - place(first)).clamp(NARROWEST, WIDTH);
        let x = place(first).clamp(0, WIDTH - width);
        let class = match (side.record.is_imported(), side.ended) {
            (true, _) => "imported",
            (false, None) => "active",
            (false, Some(_)) => "over",
        };
        Some(Bar { x: x.cast_unsigned(), width: width.cast_unsigned(), class })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::words::Chip;
    use events::record::RecordId;
    use uuid::Uuid;

    const DAY: i64 = 24 * 3_600;

    fn at(day: i64) -> Timestamp {
        Timestamp(1_700_000_000_000_000).plus_seconds(day * DAY)
    }

    fn side(is_imported: bool, begun: Option<i64>, ended: Option<i64>) -> Side {
        let id =
            if is_imported { "5c1d0c1e-7b7a-8a11-9d1e-0f2b3c4d5e6f" } else { "5c1d0c1e-7b7a-4a11-9d1e-0f2b3c4d5e6f" };
        Side {
            record: RecordId(Uuid::parse_str(id).unwrap()),
            is_known: true,
            label: String::new(),
            href: None,
            source: String::new(),
            kind: String::new(),
            model: None,
            os_version: None,
            person: None,
            user_name: None,
            is_erased: false,
            begun: begun.map(at),
            ended: ended.map(at),
            state: Chip { label: "", class: "" },
        }
    }

    fn axis(sides: &[Side], end: i64) -> Option<Axis> {
        Axis::of(sides.iter(), at(end), at(end))
    }

    #[test]
    fn a_bar_reaches_from_the_begin_to_the_end_and_of_an_active_device_to_the_time_looked_at() {
        let sides = [side(true, Some(0), Some(50)), side(false, Some(50), None), side(false, Some(25), Some(75))];
        let axis = axis(&sides, 100).unwrap();
        let bars = sides.iter().map(|side| axis.bar(side).unwrap()).map(|bar| (bar.x, bar.width, bar.class));
        let expected = [(0, 500, "imported"), (500, 500, "active"), (250, 500, "over")];
        assert_eq!(bars.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_instant_has_a_bar_that_can_be_seen_and_an_unknown_time_has_none() {
        let sides = [side(true, None, Some(0)), side(false, Some(100), None), side(true, None, None)];
        let axis = axis(&sides, 100).unwrap();
        assert_eq!(axis.bar(&sides[0]).map(|bar| (bar.x, bar.width)), Some((0, 12)));
        assert_eq!(axis.bar(&sides[1]).map(|bar| (bar.x, bar.width)), Some((988, 12)), "it stays inside the axis");
        assert_eq!(axis.bar(&sides[2]), None);
    }

    #[test]
    fn less_than_a_day_is_not_drawn() {
        assert!(axis(&[side(false, Some(0), None)], 0).is_none());
        assert!(axis(&[side(true, None, None)], 100).is_none());
    }
}
