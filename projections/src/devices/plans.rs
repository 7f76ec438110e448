//! Tests that every statement of the inventory walks an index.

use super::cursor::{DeviceCursor, Key};
use super::difference::{CHANGES, NEXT};
use super::drivers::{Equal, drivers};
use super::then::VALUE;
use super::timeline::VERSIONS;
use super::values::columns;
use super::walk::{by_column, by_contact, by_number};
use super::{DeviceFilter, DeviceSort, Direction, State, identifiers};
use crate::plans::{assert_bounded, database};
use crate::renewals::Standing;
use events::Timestamp;
use events::device::DeviceId;
use events::enrollment::{EnrollmentKind, OsVersion, Ownership};
use events::person::PersonId;
use uuid::Uuid;

#[test]
fn a_page_in_any_order_and_from_any_place_walks_the_index_of_its_order() {
    let rows = database();
    let device = DeviceId(Uuid::nil());
    let restricted = DeviceFilter {
        os_from: Some(OsVersion::new(16, 0)),
        enrolled_before: Some(Timestamp(1)),
        seen_before: Some(Timestamp(1)),
        ..DeviceFilter::default()
    };
    for filter in [DeviceFilter::default(), restricted] {
        for direction in Direction::ALL {
            for sort in DeviceSort::ALL {
                for key in [None, Some(Key::Number(1)), Some(Key::Text("a".into())), Some(Key::Unknown)] {
                    let cursor = DeviceCursor { key: key.clone(), device };
                    let after = key.map(|_| (&cursor, 7));
                    for segment in by_column(&filter, (sort, direction), after) {
                        let indexes = ["name", "product", "os", "enrolled", "expires", "user"];
                        let walks = indexes.map(|index| format!("d USING INDEX devices_by_{index}"));
                        assert_bounded(&rows, &segment.sql, &walks.each_ref().map(String::as_str));
                    }
                    let contacts = by_contact(&filter, direction, after.map(|(cursor, _)| cursor));
                    assert_bounded(&rows, &contacts.sql, &["s USING COVERING INDEX last_seen_by_at"]);
                }
            }
            for (column, index) in
                [("phase", "devices_by_phase"), ("kind", "devices_by_kind"), ("ownership", "devices_by_ownership")]
            {
                let equal = Equal { column, index, value: "x".into() };
                for after in [None, Some(7)] {
                    assert_bounded(&rows, &by_number(Some(&equal), direction, after).sql, &[]);
                }
            }
            assert_bounded(&rows, &by_number(None, direction, None).sql, &["d"]);
            assert_bounded(&rows, &by_number(None, direction, Some(7)).sql, &[]);
        }
    }
}

fn every_condition() -> DeviceFilter {
    DeviceFilter {
        state: Some(State::CheckedOut),
        kind: Some(EnrollmentKind::UserEnrollment),
        ownership: Some(Ownership::Personal),
        models: vec!["iPad".into(), "iPhone12,1".into()],
        os_from: Some(OsVersion::new(15, 0)),
        os_below: Some(OsVersion::new(16, 0)),
        archived_only: true,
        person: Some(PersonId(Uuid::nil())),
        user_name: Some("ada".into()),
        seen_from: Some(Timestamp(1)),
        seen_before: Some(Timestamp(2)),
        enrolled_from: Some(Timestamp(1)),
        enrolled_before: Some(Timestamp(2)),
        ..DeviceFilter::default()
    }
}

#[test]
fn every_condition_now_and_then_is_answered_by_an_index() {
    let rows = database();
    rows.execute("INSERT INTO devices_people (id, user_name) VALUES ('1', 'ada')", []).unwrap();
    for as_of in [None, Some(Timestamp(5))] {
        let conditions = Standing::ALL.map(|standing| Some((standing, Timestamp(1)))).into_iter().chain([None]);
        for identity in conditions {
            let filter = DeviceFilter { as_of, identity, ..every_condition() };
            let drivers = drivers(&rows, &filter).unwrap();
            assert!(drivers.len() >= if as_of.is_some() { 7 } else { 9 }, "{}", drivers.len());
            for select in drivers.iter().flat_map(|driver| &driver.selects) {
                // This index has the pending renewals only.
                assert_bounded(&rows, &select.sql, &["r USING INDEX renewals_by_end"]);
            }
        }
    }
    identifiers::COLUMNS.map(identifiers::select).iter().for_each(|sql| assert_bounded(&rows, sql, &[]));
}

#[test]
fn what_is_read_of_one_device_and_of_a_range_of_events_is_looked_up() {
    let rows = database();
    let one = format!("SELECT {} FROM devices_current d WHERE d.n = ?1", columns());
    let of_person = "SELECT id, product_name FROM devices_current WHERE person = ?1 AND phase = ?2 ORDER BY n DESC";
    for sql in [&one, of_person, VALUE, VERSIONS, CHANGES, NEXT] {
        assert_bounded(&rows, sql, &[]);
    }
    let claims = format!("SELECT {} FROM devices_current d WHERE d.id = ?1", crate::claims::CLAIMS);
    assert_bounded(&rows, &claims, &[]);
}
