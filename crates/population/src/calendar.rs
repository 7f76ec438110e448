//! Instants in seconds since 1970-01-01T00:00:00Z, and durations in seconds.

/// Seconds of a minute.
pub const MINUTE: i64 = 60;
/// Seconds of an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Seconds of a day.
pub const DAY: i64 = 24 * HOUR;

/// Returns the start of a day in UTC, in seconds since 1970-01-01T00:00:00Z. The month is 1 to 12, the day 1 to 31.
pub const fn date(year: i64, month: i64, day: i64) -> i64 {
    // Days from civil, in years that begin on March 1st:
    // https://howardhinnant.github.io/date_algorithms.html#days_from_civil
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era - 719_468) * DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_seconds_since_1970() {
        assert_eq!(
            [date(1970, 1, 1), date(2024, 2, 29), date(2024, 3, 1), date(2027, 1, 31)],
            [0, 1_709_164_800, 1_709_251_200, 1_801_353_600]
        );
    }
}
