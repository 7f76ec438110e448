//! The funnel rolled up per day: for each day of opening and each iOS version, language and provider, how many
//! enrollments ended how, which steps they reached, and how long the steps took.
//!
//! Only enrollments that ended are in the rows of days. An event of such an enrollment takes it out of its day and adds
//! it again with its new values. Durations are counted in classes: one for each second up to two minutes, then 64 for
//! each doubling. So a median is off by less than 0.8 %.

use super::query::State;
use super::step::Step;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeMap;

/// Microseconds of a day.
pub(super) const DAY: i64 = 86_400_000_000;

/// Number of states and steps.
const STATES: u32 = 5;
const STEPS: u32 = 11;

/// Classes of durations per step.
const CLASSES: u32 = 128 + 64 * 24;

/// A number in the funnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// Enrollments that are or ended at a step, in a state.
    End(Step, State),
    /// Enrollments that reached a step.
    Reached(Step),
    /// Enrollments that left a step after a duration of a class.
    Took(Step, u32),
    /// Enrollments that took a duration of a class until the device was enrolled.
    Enrolled(u32),
}

impl Measure {
    fn code(self) -> u32 {
        let step = |step: Step| u32::try_from(step.code()).unwrap_or(0);
        match self {
            Measure::End(at, state) => step(at) * STATES + place(state),
            Measure::Reached(at) => STEPS * STATES + step(at),
            Measure::Took(at, class) => STEPS * (STATES + 1) + step(at) * CLASSES + class,
            Measure::Enrolled(class) => STEPS * (STATES + 1) + STEPS * CLASSES + class,
        }
    }
}

fn place(state: State) -> u32 {
    State::ALL.iter().position(|known| *known == state).and_then(|place| u32::try_from(place).ok()).unwrap_or(0)
}

/// Returns the class of a duration in seconds.
fn class(seconds: i64) -> u32 {
    let seconds = u32::try_from(seconds.clamp(0, i64::from(u32::MAX >> 2))).unwrap_or(0);
    if seconds < 128 {
        return seconds;
    }
    let doublings = seconds.ilog2() - 6;
    128 + (doublings - 1) * 64 + (seconds >> doublings) - 64
}

/// Returns the duration in the middle of a class, in seconds.
fn duration(class: u32) -> i64 {
    if class < 128 {
        return i64::from(class);
    }
    let doublings = (class - 128) / 64 + 1;
    let first = u64::from((class - 128) % 64 + 64) << doublings;
    i64::try_from(first + ((1_u64 << doublings) - 1) / 2).unwrap_or(i64::MAX)
}

/// Numbers of the funnel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts(BTreeMap<u32, i64>);

impl Counts {
    fn add(&mut self, measure: Measure, by: i64) {
        *self.0.entry(measure.code()).or_default() += by;
    }

    /// Adds other numbers, `by` times.
    pub(super) fn merge(&mut self, other: &Counts, by: i64) {
        for (code, count) in &other.0 {
            *self.0.entry(*code).or_default() += count * by;
        }
        self.0.retain(|_, count| *count != 0);
    }

    fn get(&self, measure: Measure) -> u64 {
        self.0.get(&measure.code()).map_or(0, |count| u64::try_from(*count).unwrap_or(0))
    }

    pub(super) fn ended(&self, step: Step, state: State) -> u64 {
        self.get(Measure::End(step, state))
    }

    pub(super) fn reached(&self, step: Step) -> u64 {
        self.get(Measure::Reached(step))
    }

    /// Returns the lower median of the time at a step, in seconds.
    pub(super) fn median_at(&self, step: Step) -> Option<i64> {
        self.median(Measure::Took(step, 0).code())
    }

    /// Returns the lower median of the time until the device was enrolled, in seconds.
    pub(super) fn median(&self, first: u32) -> Option<i64> {
        let classes = || self.0.range(first..first + CLASSES);
        let all: i64 = classes().map(|(_, count)| count).sum();
        let mut before = 0;
        for (code, count) in classes() {
            before += count;
            if before >= (all + 1) / 2 {
                return Some(duration(code - first));
            }
        }
        None
    }

    pub(super) fn median_of_all(&self) -> Option<i64> {
        self.median(Measure::Enrolled(0).code())
    }

    // Pairs of numbers of variable length: the distance to the previous code, and the count.
    fn to_bytes(&self) -> Vec<u8> {
        let (mut bytes, mut last) = (Vec::with_capacity(self.0.len() * 3), 0);
        for (code, count) in &self.0 {
            write(&mut bytes, u64::from(code - last));
            write(&mut bytes, u64::try_from(*count).unwrap_or(0));
            last = *code;
        }
        bytes
    }

    /// Adds the numbers that [`Counts::to_bytes`] wrote.
    pub(super) fn merge_bytes(&mut self, mut bytes: &[u8]) {
        let mut code = 0_u32;
        while let Some((distance, count)) = read(&mut bytes).zip(read(&mut bytes)) {
            code = code.wrapping_add(u32::try_from(distance).unwrap_or(0));
            *self.0.entry(code).or_default() += i64::try_from(count).unwrap_or(0);
        }
    }
}

fn write(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or(0));
}

fn read(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0_u64, 0_u32);
    loop {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f).checked_shl(shift)?;
        if first & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

/// What one enrollment contributes to the funnel.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Counted {
    day: i64,
    /// `None`: unknown.
    pub(super) major: Option<i64>,
    pub(super) language: String,
    /// The directory or identity provider; without one, the sign-in method.
    pub(super) provider: Option<String>,
    pub(super) state: State,
    pub(super) counts: Counts,
}

/// The day of an instant in UTC, since 1970.
pub(super) fn day(at: i64) -> i64 {
    at.div_euclid(DAY)
}

/// Returns the contribution of an enrollment.
pub(super) fn of(rows: &Connection, n: i64) -> rusqlite::Result<Counted> {
    let select = "SELECT opened, major, language, coalesce(provider, method), state, step, ended
        FROM visits_visits WHERE n = ?1";
    let (mut counted, at, lasted) = rows.prepare_cached(select)?.query_row([n], |row| {
        let (opened, ended): (i64, Option<i64>) = (row.get(0)?, row.get(6)?);
        let counted = Counted {
            day: day(opened),
            major: row.get(1)?,
            language: row.get(2)?,
            provider: row.get(3)?,
            state: State::parse(row.get_ref(4)?.as_str()?).unwrap_or(State::Open),
            counts: Counts::default(),
        };
        let step = Step::from_code(row.get(5)?).unwrap_or(Step::SignIn);
        Ok((counted, step, ended.map(|ended| (ended - opened) / 1_000_000)))
    })?;
    let counts = &mut counted.counts;
    counts.add(Measure::End(at, counted.state), 1);
    if let Some(lasted) = lasted.filter(|_| counted.state == State::Enrolled) {
        counts.add(Measure::Enrolled(class(lasted)), 1);
    }
    let mut steps = rows.prepare_cached("SELECT step, reached, left FROM visits_steps WHERE visit = ?1")?;
    let mut steps = steps.query([n])?;
    while let Some(row) = steps.next()? {
        let Some(step) = Step::from_code(row.get(0)?) else { continue };
        counts.add(Measure::Reached(step), 1);
        // Only enrollments that continued: the time that people stayed before they gave up says nothing about the step.
        if let Some(left) = row.get::<_, Option<i64>>(2)?.filter(|_| step != at) {
            counts.add(Measure::Took(step, class((left - row.get::<_, i64>(1)?) / 1_000_000)), 1);
        }
    }
    Ok(counted)
}

/// Returns what an enrollment contributes to its day: nothing while it is open. `state`: its state.
pub(super) fn counted(rows: &Connection, n: i64, state: State) -> rusqlite::Result<Option<Counted>> {
    if state == State::Open { Ok(None) } else { of(rows, n).map(Some) }
}

/// Changes the rows of days after an event. `before`: what the enrollment contributed before it.
pub(super) fn settle(rows: &Connection, n: i64, before: Option<Counted>) -> rusqlite::Result<()> {
    let select = "SELECT state <> 'open' FROM visits_visits WHERE n = ?1";
    let has_ended: bool = rows.prepare_cached(select)?.query_row([n], |row| row.get(0))?;
    let after = if has_ended { Some(of(rows, n)?) } else { None };
    if before == after {
        return Ok(());
    }
    before.map_or(Ok(()), |before| add(rows, &before, -1))?;
    after.map_or(Ok(()), |after| add(rows, &after, 1))
}

fn add(rows: &Connection, of: &Counted, by: i64) -> rusqlite::Result<()> {
    let provider = of.provider.as_deref().unwrap_or_default();
    let key = params![of.day, of.major.unwrap_or(-1), of.language, provider];
    let select = "SELECT n, counts FROM visits_days
        WHERE day = ?1 AND major = ?2 AND language = ?3 AND provider = ?4";
    let mut counts = Counts::default();
    let found = rows.prepare_cached(select)?.query_row(key, |row| {
        counts.merge_bytes(row.get_ref(1)?.as_blob()?);
        row.get::<_, i64>(0)
    });
    let n = found.optional()?;
    counts.merge(&of.counts, by);
    let enrolled = if of.state == State::Enrolled { by } else { 0 };
    match n {
        Some(n) => {
            let update = "UPDATE visits_days SET enrollments = enrollments + ?2, enrolled = enrolled + ?3, counts = ?4
                WHERE n = ?1";
            rows.prepare_cached(update)?.execute(params![n, by, enrolled, counts.to_bytes()]).map(drop)
        }
        None => {
            let insert = "INSERT INTO visits_days (day, major, language, provider, enrollments, enrolled, counts)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let row = params![of.day, of.major.unwrap_or(-1), of.language, provider, by, enrolled, counts.to_bytes()];
            rows.prepare_cached(insert)?.execute(row).map(drop)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_duration_of_a_class_is_less_than_one_percent_off() {
        for seconds in (0..200).chain((200..4_000_000).step_by(997)) {
            let told = duration(class(seconds));
            assert!((told - seconds).abs() * 1_000 <= seconds * 8, "{told} for {seconds}");
            assert!(class(seconds) < CLASSES);
        }
        assert!(class(i64::MAX) < CLASSES && class(-1) == 0);
    }

    #[test]
    fn counts_are_read_as_they_were_written() {
        let mut counts = Counts::default();
        counts.add(Measure::End(Step::Install, State::Abandoned), 1);
        counts.add(Measure::Took(Step::Connect, 300), 200);
        counts.add(Measure::Enrolled(1_000), 70_000);
        let mut read = Counts::default();
        read.merge_bytes(&counts.to_bytes());
        assert_eq!(read, counts);
        read.merge(&counts, -1);
        assert_eq!(read, Counts::default());
    }
}
