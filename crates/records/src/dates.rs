//! Dates in the forms of exports: ISO 8601, US and European forms, names of months, Excel's serial numbers, seconds and
//! milliseconds since 1970.

#[cfg(test)]
mod tests;
mod text;

use crate::absent::is_absent_identifier;
use crate::excel;
use crate::note::LeftOut;
use serde::Deserialize;
use time::{Date, Duration, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// The order of day and month in dates such as 03/04/2024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateOrder {
    DayFirst,
    MonthFirst,
}

/// The day from which Excel counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "u16")]
pub enum ExcelDates {
    #[default]
    From1900,
    /// Workbooks of old versions of Excel for Mac.
    From1904,
}

impl TryFrom<u16> for ExcelDates {
    type Error = &'static str;

    fn try_from(year: u16) -> Result<ExcelDates, &'static str> {
        match year {
            1900 => Ok(ExcelDates::From1900),
            1904 => Ok(ExcelDates::From1904),
            _ => Err("excel_dates is not 1900 or 1904"),
        }
    }
}

/// An offset from UTC, as in `+02:00`; `UTC` is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Zone(UtcOffset);

impl Zone {
    pub const UTC: Zone = Zone(UtcOffset::UTC);

    /// Parses `UTC`, `Z`, `+02:00`, `+0200` or `+02`.
    pub fn parse(text: &str) -> Option<Zone> {
        text::offset(text.trim()).map(Zone)
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(text: String) -> Result<Zone, String> {
        Zone::parse(&text).ok_or_else(|| {
            format!("zone {} is no offset from UTC: write it as \"+02:00\" or \"UTC\"", names::quoted(&text))
        })
    }
}

/// What the mapping says about dates.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DateRules {
    pub(crate) order: Option<DateOrder>,
    pub(crate) zone: Option<Zone>,
    pub(crate) excel: ExcelDates,
}

/// A date that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FoundDate {
    /// In UTC, in whole seconds.
    pub(crate) at: OffsetDateTime,
    /// Whether text and mapping name no zone, and UTC was assumed.
    pub(crate) is_zone_assumed: bool,
}

/// A date and time with the zone that its text names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    date: Date,
    time: Time,
    zone: Option<UtcOffset>,
}

/// Reads a date. `Ok(None)` if the text says that there is none, as Intune does with the year 1 and Fleet with the
/// beginning of 2000.
pub(crate) fn read(text: &str, rules: DateRules) -> Result<Option<FoundDate>, LeftOut> {
    let text = excel::unwrapped(text);
    if is_absent_identifier(text) {
        return Ok(None);
    }
    let written = match number(text) {
        Some(number) => from_number(number, rules.excel)?,
        None if excel::scientific(text).is_some() => return Err(LeftOut::LostDigits),
        None => text::read(text, rules.order)?,
    };
    if is_for_never(&written) {
        return Ok(None);
    }
    if !(2007..=2199).contains(&written.date.year()) {
        return Err(LeftOut::ImplausibleDate);
    }
    let is_zone_assumed = written.zone.is_none() && rules.zone.is_none();
    let zone = written.zone.or(rules.zone.map(|zone| zone.0)).unwrap_or(UtcOffset::UTC);
    let local = PrimitiveDateTime::new(written.date, written.time).assume_offset(zone);
    let at = local.checked_to_offset(UtcOffset::UTC).ok_or(LeftOut::ImplausibleDate)?;
    Ok(Some(FoundDate { at, is_zone_assumed }))
}

// The instants that products and databases write for "never".
fn is_for_never(written: &Written) -> bool {
    let (year, day) = (written.date.year(), written.date.ordinal());
    matches!(year, 1 | 1601 | 1900 | 1904 | 1970 | 2000) && day == 1 && written.time == Time::MIDNIGHT
}

// A text of digits with at most one decimal point or comma.
fn number(text: &str) -> Option<f64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','));
    let points = text.bytes().filter(|byte| !byte.is_ascii_digit()).count();
    if !is_number || points > 1 || text.len() > 24 {
        return None;
    }
    text.replace(',', ".").parse().ok()
}

fn from_number(number: f64, excel: ExcelDates) -> Result<Written, LeftOut> {
    let whole = number.trunc();
    // Ranges that cannot be confused: serial numbers of the years 1954 to 2119, dates without separators, seconds and
    // milliseconds of the years 2001 to 2128.
    if (20_000.0..80_000.0).contains(&number) {
        return serial(number, excel);
    }
    if (20_070_101.0..21_991_232.0).contains(&whole) && whole == number {
        let (year, month, day) = (whole as i32 / 10_000, whole as i32 / 100 % 100, whole as i32 % 100);
        return text::date(year, month, day).map(|date| Written { date, time: Time::MIDNIGHT, zone: None });
    }
    let seconds = match number {
        _ if (1e9..5e9).contains(&number) => whole,
        _ if (1e12..5e12).contains(&number) => (number / 1000.0).trunc(),
        _ => return Err(LeftOut::Form),
    };
    let at = OffsetDateTime::from_unix_timestamp(seconds as i64).map_err(|_| LeftOut::Form)?;
    Ok(Written { date: at.date(), time: at.time(), zone: Some(UtcOffset::UTC) })
}

// Days since the epoch of the workbook; the fraction is the time of day. Excel counts the day 1900-02-29, which never
// was, so that its day 0 is 1899-12-30 for all later days.
fn serial(number: f64, excel: ExcelDates) -> Result<Written, LeftOut> {
    let epoch = match excel {
        ExcelDates::From1900 => Date::from_ordinal_date(1899, 364),
        ExcelDates::From1904 => Date::from_ordinal_date(1904, 1),
    };
    let start = PrimitiveDateTime::new(epoch.map_err(|_| LeftOut::Form)?, Time::MIDNIGHT);
    let at = start + Duration::seconds((number * 86_400.0).round() as i64);
    Ok(Written { date: at.date(), time: at.time(), zone: None })
}
