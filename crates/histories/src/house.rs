//! The acts of the whole organization: staff, settings, imports, waves, refusals of strangers.

use crate::act::{Act, House};
use crate::dice::Dice;
use crate::plan::{END, Plan, START};
use crate::scenes::house::Rows;
use crate::scenes::settings;
use events::record::RecordId;
use population::{Calendar, DAY, HOUR, date};

/// When the waves begin.
pub(crate) const WAVES: [i64; 2] = [date(2024, 8, 5) + 9 * HOUR, date(2025, 6, 10) + 9 * HOUR];

/// When the migration is closed.
pub(crate) const CLOSED: i64 = date(2026, 7, 15) + 10 * HOUR;

/// When the records are shredded whose owner never enrolled.
pub(crate) const SHREDDED: i64 = date(2026, 10, 15) + 3 * HOUR;

/// Returns the acts of the organization. `rows`: those of each import. `shredded`: the number of shredded records, and
/// the last one.
pub(crate) fn acts(
    plan: &Plan,
    calendar: &Calendar,
    rows: &[Rows],
    shredded: Option<(u64, RecordId)>,
) -> Vec<(i64, Act)> {
    let mut acts = Vec::new();
    let mut add = |time: i64, house: House| acts.push((time, Act::House(house)));
    for nth in 0..plan.staff() {
        add(START + 3_600 + nth as i64 * 900, House::AddStaff(nth));
    }
    for (nth, day) in settings::DAYS.iter().enumerate() {
        add(*day, House::ChangeSettings(nth));
    }
    for (nth, (export, rows)) in calendar.exports.iter().zip(rows).enumerate() {
        add(export.time, House::BeginImport(nth, export.complete));
        add(export.time + 3_100, House::FinishImport(nth, *rows));
    }
    add(date(2024, 7, 19) + 14 * HOUR, House::UndoImport);
    for (nth, time) in (0..).zip(WAVES) {
        add(time, House::BeginWave(nth));
        add(time + 300 * DAY, House::EndWave(nth));
    }
    add(CLOSED, House::CloseMigration);
    if let Some((count, up_to)) = shredded {
        add(SHREDDED + 60, House::NoteShredded(count, up_to));
    }
    days(plan, &mut add);
    acts.sort_by_key(|(time, _)| *time);
    acts
}

// The work of staff, the API and strangers, day by day. There is as much of it as there are devices.
fn days(plan: &Plan, add: &mut impl FnMut(i64, House)) {
    let days = (END - START) / DAY;
    // Half a sign-in of staff for ten devices in three years.
    let sign_ins = u64::from(plan.devices) / 20 + 120;
    let mut dice = Dice::of(&[plan.seed, 90]);
    for day in 1..days - 1 {
        let morning = START + day * DAY + 7 * HOUR;
        let today = (sign_ins * (day as u64 + 1)) / days as u64 - (sign_ins * day as u64) / days as u64;
        for _ in 0..today {
            let time = morning + dice.between(0, 9 * HOUR);
            add(time, House::Work(dice.below(plan.staff())));
        }
        if dice.chance(80) {
            add(morning + dice.between(0, 12 * HOUR), House::Refuse);
        }
        if day % 90 == 30 {
            add(morning, House::Maintain(dice.below(plan.staff())));
        }
        if day % 7 == 3 {
            add(morning + 2 * HOUR, House::ReadByApi { is_new: day == 3 });
        }
    }
}
