//! Dates that are written with separators or names of months.

use super::{DateOrder, Written};
use crate::note::LeftOut;
use time::{Date, Month, Time, UtcOffset};

/// Reads a date with an optional time and zone: `2022-03-15T17:23:56Z`, `15.03.2022 17:23`, `Mar 15, 2022 at 5:23 PM`.
pub(super) fn read(text: &str, order: Option<DateOrder>) -> Result<Written, LeftOut> {
    // Browsers and systems of Apple write U+202F before AM and PM.
    let text = text.replace(['\u{202f}', '\u{a0}'], " ");
    if text.len() > 64 || !text.is_ascii() {
        return Err(LeftOut::Form);
    }
    let text = parted(&text);
    let (mut pieces, mut separator) = (Vec::new(), ' ');
    let (mut clock, mut half, mut zone) = (None, None, None);
    for word in text.split_ascii_whitespace() {
        if word.contains(':') && clock.is_none() {
            let (read, attached) = clock_of(word)?;
            clock = Some(read);
            half = half.or(attached.half);
            zone = zone.or(attached.zone);
        } else if let Some(offset) = offset(word).filter(|_| clock.is_some()) {
            zone = Some(offset);
        } else if let Some(is_afternoon) = half_of(word) {
            half = Some(is_afternoon);
        } else if !is_filler(word) {
            // A word after the time that is none of these is the name of a zone.
            if clock.is_some() && word.bytes().all(|byte| byte.is_ascii_alphabetic()) && month(word).is_none() {
                return Err(LeftOut::NamedZone);
            }
            separator = word.chars().find(|letter| matches!(letter, '-' | '/' | '.')).unwrap_or(separator);
            pieces.extend(word.split(['-', '/', '.']).filter(|piece| !piece.is_empty()).map(str::to_owned));
        }
    }
    let date = date_of(&pieces, separator, order)?;
    let time = time_of(clock.unwrap_or_default(), half)?;
    Ok(Written { date, time, zone })
}

// Separates date and time of ISO 8601, and removes commas. In "2022-03-15T17:23", the T is between digits.
fn parted(text: &str) -> String {
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let letter = |(at, letter): (usize, char)| match letter {
        'T' | 't' if is_digit(at.checked_sub(1)) && is_digit(Some(at + 1)) => ' ',
        ',' => ' ',
        other => other,
    };
    text.char_indices().map(letter).collect()
}

fn is_filler(word: &str) -> bool {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let start = word.get(..3).unwrap_or_default();
    let is_day = word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'.')
        && DAYS.iter().any(|day| start.eq_ignore_ascii_case(day));
    is_day || word.eq_ignore_ascii_case("at")
}

fn half_of(word: &str) -> Option<bool> {
    let plain = word.replace('.', "");
    match plain {
        _ if plain.eq_ignore_ascii_case("am") => Some(false),
        _ if plain.eq_ignore_ascii_case("pm") => Some(true),
        _ => None,
    }
}

/// Parses `Z`, `UTC`, `GMT` or an offset such as `+02:00`, `+0200` and `+02`.
pub(super) fn offset(word: &str) -> Option<UtcOffset> {
    if ["z", "utc", "gmt"].iter().any(|name| word.eq_ignore_ascii_case(name)) {
        return Some(UtcOffset::UTC);
    }
    let word = word.strip_prefix("UTC").or_else(|| word.strip_prefix("GMT")).unwrap_or(word);
    let (sign, digits) = match word.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        5 => digits.split_once(':')?,
        4 => digits.split_at_checked(2)?,
        2 => (digits, "0"),
        _ => return None,
    };
    let (hours, minutes) = (whole(hours)?, whole(minutes)?);
    let is_zone = hours <= 14 && minutes < 60;
    is_zone.then(|| UtcOffset::from_hms(sign * hours as i8, sign * minutes as i8, 0).ok())?
}

/// What is attached to a time without a blank: `5:23PM`, `17:23:56+01:00`.
#[derive(Default)]
struct Attached {
    half: Option<bool>,
    zone: Option<UtcOffset>,
}

#[derive(Default, Clone, Copy)]
struct Clock {
    hours: i32,
    minutes: i32,
    seconds: i32,
}

fn clock_of(word: &str) -> Result<(Clock, Attached), LeftOut> {
    let end = word.find(|letter: char| !(letter.is_ascii_digit() || matches!(letter, ':' | '.'))).unwrap_or(word.len());
    let (clock, rest) = word.split_at(end);
    let attached = match rest {
        "" => Attached::default(),
        rest => Attached { half: half_of(rest), zone: offset(rest) },
    };
    if !rest.is_empty() && attached.half.is_none() && attached.zone.is_none() {
        return Err(LeftOut::Form);
    }
    let whole_seconds = clock.split('.').next().unwrap_or_default();
    let parts = whole_seconds.split(':').map(whole).collect::<Option<Vec<i32>>>().ok_or(LeftOut::Form)?;
    let clock = match parts[..] {
        [hours, minutes] => Clock { hours, minutes, seconds: 0 },
        [hours, minutes, seconds] => Clock { hours, minutes, seconds },
        _ => return Err(LeftOut::Form),
    };
    Ok((clock, attached))
}

fn time_of(clock: Clock, half: Option<bool>) -> Result<Time, LeftOut> {
    let hours = match half {
        None => clock.hours,
        Some(_) if !(1..=12).contains(&clock.hours) => return Err(LeftOut::Form),
        Some(is_afternoon) => clock.hours % 12 + if is_afternoon { 12 } else { 0 },
    };
    let part = |number: i32| u8::try_from(number).map_err(|_| LeftOut::Form);
    Time::from_hms(part(hours)?, part(clock.minutes)?, part(clock.seconds)?).map_err(|_| LeftOut::Form)
}

fn date_of(pieces: &[String], separator: char, order: Option<DateOrder>) -> Result<Date, LeftOut> {
    let [first, second, third] = pieces else { return Err(LeftOut::Form) };
    if let Some(named) = month(second) {
        // 15 Mar 2022, 15-Mar-22
        return date(year(third)?, named, whole(first).ok_or(LeftOut::Form)?);
    }
    if let Some(named) = month(first) {
        // Mar 15 2022
        return date(year(third)?, named, whole(second).ok_or(LeftOut::Form)?);
    }
    if first.len() == 4 {
        let number = |piece: &str| whole(piece).ok_or(LeftOut::Form);
        return date(number(first)?, number(second)?, number(third)?);
    }
    // A year of two digits between dashes may be the first or the last number.
    if separator == '-' && third.len() != 4 {
        return Err(LeftOut::AmbiguousDate);
    }
    let number = |piece: &str| whole(piece).filter(|_| piece.len() <= 2).ok_or(LeftOut::Form);
    let (first, second) = (number(first)?, number(second)?);
    let (day, month) = day_and_month(first, second, separator, order)?;
    date(year(third)?, month, day)
}

// With points, the day is first in every country that writes so.
fn day_and_month(first: i32, second: i32, separator: char, order: Option<DateOrder>) -> Result<(i32, i32), LeftOut> {
    let possible = match (first > 12, second > 12) {
        _ if separator == '.' => Some(DateOrder::DayFirst),
        (true, true) => return Err(LeftOut::Form),
        (true, false) => Some(DateOrder::DayFirst),
        (false, true) => Some(DateOrder::MonthFirst),
        (false, false) => None,
    };
    let order = match (possible, order) {
        (Some(possible), Some(order)) if possible != order && separator != '.' => return Err(LeftOut::DateOrder),
        (Some(order), _) | (None, Some(order)) => order,
        (None, None) if first == second => DateOrder::DayFirst,
        (None, None) => return Err(LeftOut::AmbiguousDate),
    };
    Ok(match order {
        DateOrder::DayFirst => (first, second),
        DateOrder::MonthFirst => (second, first),
    })
}

/// Returns a date of the calendar.
pub(super) fn date(year: i32, month: i32, day: i32) -> Result<Date, LeftOut> {
    let month = u8::try_from(month).ok().and_then(|month| Month::try_from(month).ok()).ok_or(LeftOut::Form)?;
    let day = u8::try_from(day).map_err(|_| LeftOut::Form)?;
    Date::from_calendar_date(year, month, day).map_err(|_| LeftOut::Form)
}

// A year of two digits is one of this century: no export is older.
fn year(piece: &str) -> Result<i32, LeftOut> {
    let number = whole(piece).ok_or(LeftOut::Form)?;
    match piece.len() {
        4 => Ok(number),
        2 => Ok(2000 + number),
        _ => Err(LeftOut::Form),
    }
}

fn month(word: &str) -> Option<i32> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = word.to_ascii_lowercase();
    let at = MONTHS.iter().position(|month| word.len() >= 3 && month.starts_with(&word))?;
    i32::try_from(at + 1).ok()
}

// Digits alone: Rust's parser accepts a sign.
fn whole(text: &str) -> Option<i32> {
    let is_digits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok())?
}
