//! Instants are added, compared, written and read back; days are those of UTC.

use super::Timestamp;

const NOON: Timestamp = Timestamp(1_794_916_800_000_000);

#[test]
fn a_deadline_in_seconds_is_that_many_seconds_away() {
    let deadline = NOON.plus_seconds(90);
    assert_eq!(deadline, Timestamp(1_794_916_890_000_000));
    assert_eq!(deadline.seconds_since(NOON), 90);
    assert_eq!(NOON.seconds_since(deadline), -90);
    assert_eq!(deadline.plus_seconds(-90), NOON);
}

#[test]
fn a_second_that_has_begun_is_not_counted_before_it_is_over() {
    let (begun, over) = (Timestamp(NOON.0 + 1_999_999), Timestamp(NOON.0 + 2_000_000));
    assert_eq!((begun.seconds_since(NOON), over.seconds_since(NOON)), (1, 2));
}

#[test]
fn people_read_instants_in_utc_with_their_fractions() {
    assert_eq!(NOON.to_rfc3339(), "2026-11-17T12:00:00Z");
    assert_eq!(Timestamp(NOON.0 + 250_000).to_rfc3339(), "2026-11-17T12:00:00.25Z");
    assert_eq!(Timestamp(i64::MAX).to_rfc3339(), "9223372036854775807 µs since 1970", "no date has such a year");
}

#[test]
fn an_instant_is_read_in_whatever_time_zone_it_is_written() {
    for text in ["2026-11-17T12:00:00Z", "2026-11-17T13:00:00+01:00", "2026-11-17T06:30:00.000000-05:30"] {
        assert_eq!(Timestamp::parse_rfc3339(text), Some(NOON), "{text}");
    }
    let fraction = Timestamp::parse_rfc3339("2026-11-17T12:00:00.000001Z");
    assert_eq!(fraction, Some(Timestamp(NOON.0 + 1)));
    for no_instant in ["", "2026-11-17", "2026-11-17T12:00:00", "2026-13-17T12:00:00Z", "noon"] {
        assert_eq!(Timestamp::parse_rfc3339(no_instant), None, "{no_instant}");
    }
}

#[test]
fn a_day_begins_at_midnight_in_utc_before_1970_too() {
    let midnight = Timestamp::parse_rfc3339("2026-11-18T00:00:00Z").unwrap();
    assert_eq!((Timestamp(midnight.0 - 1).day().as_str(), midnight.day().as_str()), ("20261117", "20261118"));
    assert_eq!(Timestamp(0).day(), "19700101");
    assert_eq!(Timestamp(-1).day(), "19691231");
    assert_eq!(Timestamp::parse_rfc3339("2027-03-04T05:06:07Z").unwrap().day(), "20270304");
}
