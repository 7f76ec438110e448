//! Tests of the forms of dates.

use super::*;
use time::macros::datetime;

fn rules() -> DateRules {
    DateRules::default()
}

fn at(text: &str, rules: DateRules) -> Result<Option<OffsetDateTime>, LeftOut> {
    Ok(read(text, rules)?.map(|found| found.at))
}

#[test]
fn iso_8601_is_read_with_and_without_zone() {
    let expected = Ok(Some(datetime!(2022-03-15 17:23:56 UTC)));
    for text in [
        "2022-03-15T17:23:56Z",
        "2022-03-15T17:23:56.123Z",
        "2022-03-15t17:23:56z",
        "2022-03-15T18:23:56+01:00",
        "2022-03-15T18:23:56+0100",
        "2022-03-15T18:23:56.5+01",
        "2022-03-15 12:23:56 -0500",
        "2022-03-15 17:23:56 UTC",
        "2022-03-15 17:23:56.0000000",
        "2022-03-15T17:23:56",
        "2022/03/15 17:23:56",
        " 2022-03-15 17:23:56 ",
        "=\"2022-03-15 17:23:56\"",
    ] {
        assert_eq!(at(text, rules()), expected, "{text}");
    }
    assert_eq!(at("2022-03-15", rules()), Ok(Some(datetime!(2022-03-15 0:00 UTC))));
    assert_eq!(at("20220315", rules()), Ok(Some(datetime!(2022-03-15 0:00 UTC))));
}

#[test]
fn a_date_without_zone_takes_the_mappings_zone_else_utc_and_says_so() {
    let zoned = DateRules { zone: Zone::parse("+02:00"), ..rules() };
    let found = read("2022-03-15 17:23", zoned).unwrap().unwrap();
    assert_eq!(found, FoundDate { at: datetime!(2022-03-15 15:23 UTC), is_zone_assumed: false });
    assert!(read("2022-03-15 17:23", rules()).unwrap().unwrap().is_zone_assumed);
    assert!(!read("2022-03-15T17:23Z", rules()).unwrap().unwrap().is_zone_assumed);
    assert_eq!(at("2022-03-15T17:23Z", zoned), Ok(Some(datetime!(2022-03-15 17:23 UTC))), "the text's zone is first");
}

#[test]
fn us_and_european_forms_are_read_where_they_are_certain() {
    let expected = Ok(Some(datetime!(2022-03-15 17:23 UTC)));
    for text in [
        "3/15/2022 5:23 PM",
        "03/15/2022 5:23:00PM",
        "3/15/2022, 5:23\u{202f}PM",
        "03/15/2022 at 5:23 p.m.",
        "15/03/2022 17:23",
        "15.03.2022 17:23",
        "15.3.22 17:23",
        "15-03-2022 17:23",
        "15-Mar-22 17:23",
        "15 March 2022 17:23",
        "Mar 15, 2022 at 5:23 PM",
        "March 15, 2022, 5:23 PM",
        "Tue, 15 Mar 2022 17:23:00 GMT",
        "2022-03-15 at 5:23 PM",
    ] {
        assert_eq!(at(text, rules()), expected, "{text}");
    }
    assert_eq!(at("04.03.2022", rules()), Ok(Some(datetime!(2022-03-04 0:00 UTC))), "with points the day is first");
    assert_eq!(at("05/05/2022", rules()), Ok(Some(datetime!(2022-05-05 0:00 UTC))), "both orders are the same day");
    assert_eq!(at("9-Sept-2022 12:00 AM", rules()), Ok(Some(datetime!(2022-09-09 0:00 UTC))));
}

#[test]
fn an_ambiguous_date_is_refused_unless_the_mapping_names_the_order() {
    assert_eq!(at("03/04/2022", rules()), Err(LeftOut::AmbiguousDate));
    assert_eq!(at("22-03-15", rules()), Err(LeftOut::AmbiguousDate), "the year may be first or last");
    let day_first = DateRules { order: Some(DateOrder::DayFirst), ..rules() };
    let month_first = DateRules { order: Some(DateOrder::MonthFirst), ..rules() };
    assert_eq!(at("03/04/2022", day_first), Ok(Some(datetime!(2022-04-03 0:00 UTC))));
    assert_eq!(at("03/04/2022", month_first), Ok(Some(datetime!(2022-03-04 0:00 UTC))));
    assert_eq!(at("15/03/2022", month_first), Err(LeftOut::DateOrder));
    assert_eq!(at("03/15/2022", day_first), Err(LeftOut::DateOrder));
}

#[test]
fn excels_serial_numbers_are_read_in_both_systems() {
    assert_eq!(at("44635", rules()), Ok(Some(datetime!(2022-03-15 0:00 UTC))));
    assert_eq!(at("44635.5", rules()), Ok(Some(datetime!(2022-03-15 12:00 UTC))));
    assert_eq!(at("44635,724954", rules()), Ok(Some(datetime!(2022-03-15 17:23:56 UTC))), "with a decimal comma");
    let from_1904 = DateRules { excel: ExcelDates::From1904, ..rules() };
    assert_eq!(at("43173", from_1904), Ok(Some(datetime!(2022-03-15 0:00 UTC))));
}

#[test]
fn seconds_and_milliseconds_since_1970_are_read() {
    let expected = Ok(Some(datetime!(2022-03-15 17:23:56 UTC)));
    for text in ["1647365036", "1647365036.25", "1647365036250"] {
        assert_eq!(at(text, rules()), expected, "{text}");
        assert!(!read(text, rules()).unwrap().unwrap().is_zone_assumed, "they are in UTC");
    }
    assert_eq!(at("1.64737E+12", rules()), Err(LeftOut::LostDigits));
    for text in ["7", "123456", "99999999999", "1e12", "123456789012345678901234567890"] {
        assert_eq!(at(text, rules()), Err(LeftOut::Form), "{text}");
    }
}

#[test]
fn what_stands_for_never_is_no_date() {
    for text in [
        "",
        "0",
        "-",
        "N/A",
        "Never",
        "0001-01-01 00:00:00.0000000",
        "0001-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "2000-01-01T00:00:00Z",
        "1/1/1900",
    ] {
        assert_eq!(at(text, rules()), Ok(None), "{text}");
    }
}

#[test]
fn what_is_no_date_is_left_out() {
    for text in [
        "soon",
        "2022-13-01",
        "2022-02-30",
        "31.04.2022",
        "2022-03-15T25:00",
        "2022-03-15 17:23:61",
        "13:00 PM 3/15/2022",
        "15 Xyz 2022",
        "2022-03",
        "17:23",
        "2022-03-15-16",
        "-2022-03-15T",
        "１５.０３.２０２２",
        "2022-03-15T17:23:56+25:00",
        "+",
        ":",
        "15.03.2022\0",
    ] {
        let read = at(text, rules());
        assert!(matches!(read, Err(LeftOut::Form)), "{text:?}: {read:?}");
    }
    assert_eq!(at("1999-12-31", rules()), Err(LeftOut::ImplausibleDate));
    assert_eq!(at("2345-01-01", rules()), Err(LeftOut::ImplausibleDate));
    assert_eq!(at("2022-03-15 17:23 CST", rules()), Err(LeftOut::NamedZone));
}

#[test]
fn a_zone_is_an_offset_from_utc() {
    for text in ["UTC", "Z", "+00:00", "-0000", "GMT"] {
        assert_eq!(Zone::parse(text), Some(Zone::UTC), "{text}");
    }
    assert_eq!(Zone::parse("-03:30").unwrap().0, UtcOffset::from_hms(-3, -30, 0).unwrap());
    for text in ["Europe/Berlin", "+15:00", "+1", "02:00", "+0a:00", "", "+02:0é"] {
        assert_eq!(Zone::parse(text), None, "{text}");
    }
}
