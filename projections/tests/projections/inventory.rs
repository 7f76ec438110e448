//! The inventory in each order, with each filter, counted, and compared between two instants.
#![expect(clippy::unwrap_used, reason = "a helper of tests that cannot go on fails the test")]

use crate::support::*;
use events::device::{BodyHash, DeviceEvent, DeviceId, InventoryValue};
use events::enrollment::{OsVersion, Ownership};
use events::person::PersonEvent;
use projections::devices::{self, Count, DeviceFilter, DeviceSort, Direction, Facet, FieldChange, Part, State};
use projections::{Projections, last_seen};

/// Reports values as the device would.
async fn tells(desk: &Desk, device: DeviceId, second: i64, told: &[(&str, &str)]) {
    let plain = |(name, value): &(&str, &str)| ((*name).to_owned(), InventoryValue::Plain((*value).into()));
    let changes = told.iter().map(plain).collect();
    desk.write(&device.stream(), later(second), DeviceEvent::InventoryReported { changes }).await;
}

/// Four devices of three people: the last one told no name.
async fn fleet(desk: &Desk) -> [DeviceId; 4] {
    let one = desk.enroll(1, person(1), "grace", later(0)).await;
    let two = desk.enroll(2, person(2), "Ada", later(1_000)).await;
    let three = desk.enroll(3, person(1), "grace", later(2_000)).await;
    let four = desk.enroll(4, person(3), "eve", later(3_000)).await;
    tells(desk, one, 4_000, &[("DeviceName", "b"), ("OSVersion", "9.3.5"), ("ProductName", "iPad5,3")]).await;
    tells(desk, two, 4_001, &[("DeviceName", "A"), ("OSVersion", "17.0"), ("ProductName", "iPhone12,1")]).await;
    tells(desk, three, 4_002, &[("DeviceName", "c"), ("OSVersion", "16.7.1"), ("ProductName", "iPad13,10")]).await;
    tells(desk, four, 4_003, &[("OSVersion", "17.0"), ("ProductName", "iPhone12,1")]).await;
    [one, two, three, four]
}

async fn ids(projections: &Projections, filter: DeviceFilter) -> Vec<DeviceId> {
    let page = devices::list(projections, filter, 10).await.unwrap();
    page.devices.into_iter().map(|device| device.id).collect()
}

#[tokio::test]
async fn each_order_has_unknown_values_last_and_its_pages_are_those_of_the_whole_list() {
    let desk = Desk::new();
    let [one, two, three, four] = fleet(&desk).await;
    let projections = desk.caught_up().await;
    for (device, second) in [(two, 9_000), (one, 9_500), (three, 8_000)] {
        last_seen::touch(&projections, device, later(second));
    }
    last_seen::write(&projections).await.unwrap();
    for (sort, ascending, descending) in [
        (DeviceSort::Added, [one, two, three, four], [four, three, two, one]),
        (DeviceSort::LastContact, [three, two, one, four], [one, two, three, four]),
        (DeviceSort::Name, [two, one, three, four], [three, one, two, four]),
        (DeviceSort::Model, [three, one, two, four], [four, two, one, three]),
        (DeviceSort::OsVersion, [one, three, two, four], [four, two, three, one]),
        (DeviceSort::Enrolled, [one, two, three, four], [four, three, two, one]),
        (DeviceSort::IdentityExpiry, [one, two, three, four], [four, three, two, one]),
        (DeviceSort::UserName, [two, four, one, three], [three, one, four, two]),
    ] {
        for (direction, expected) in [(Direction::Ascending, ascending), (Direction::Descending, descending)] {
            // A state that all have: the devices are read and sorted, instead of walked along the index.
            for state in [None, Some(State::Enrolled)] {
                let all = DeviceFilter { sort, direction: Some(direction), state, ..DeviceFilter::default() };
                assert_eq!(ids(&projections, all.clone()).await, expected, "{sort:?} {direction:?} {state:?}");
                let (mut paged, mut filter) = (Vec::new(), all);
                while paged.len() < 10 {
                    let page = devices::list(&projections, filter.clone(), 1).await.unwrap();
                    paged.extend(page.devices.into_iter().map(|device| device.id));
                    let Some(next) = page.next else { break };
                    filter.after = Some(next.to_string().parse().unwrap());
                }
                assert_eq!(paged, expected, "{sort:?} {direction:?} {state:?}");
            }
        }
    }
}

#[tokio::test]
async fn each_condition_finds_its_devices_now_and_then() {
    let desk = Desk::new();
    let [one, two, three, four] = fleet(&desk).await;
    desk.write(&two.stream(), later(5_000), DeviceEvent::RecordArchived {}).await;
    desk.write(&two.stream(), later(6_000), DeviceEvent::RecordRestored {}).await;
    desk.write(&one.stream(), later(6_000), DeviceEvent::DeviceCheckedOut { body: BodyHash("02".into()) }).await;
    let projections = desk.caught_up().await;
    for (device, second) in [(one, 100), (three, 5_000)] {
        last_seen::touch(&projections, device, later(second));
    }
    last_seen::write(&projections).await.unwrap();
    let all = DeviceFilter::default;
    let models = |models: &[&str]| models.iter().map(|model| (*model).to_owned()).collect::<Vec<_>>();
    for (filter, expected) in [
        (DeviceFilter { os_below: Some(OsVersion::new(16, 0)), ..all() }, vec![one]),
        (DeviceFilter { os_from: Some(OsVersion::new(16, 0)), ..all() }, vec![four, three, two]),
        (DeviceFilter { models: models(&["ipad"]), ..all() }, vec![three, one]),
        (DeviceFilter { models: models(&["iPad13", "iPhone12,1"]), ..all() }, vec![four, three, two]),
        (DeviceFilter { ownership: Some(Ownership::Personal), ..all() }, vec![four, three, two, one]),
        (DeviceFilter { ownership: Some(Ownership::Institutional), ..all() }, vec![]),
        (DeviceFilter { enrolled_from: Some(later(2_000)), ..all() }, vec![four, three]),
        (DeviceFilter { enrolled_before: Some(later(1_000)), ..all() }, vec![one]),
        (DeviceFilter { seen_before: Some(later(5_000)), ..all() }, vec![one]),
        (DeviceFilter { seen_from: Some(later(5_000)), ..all() }, vec![three]),
        (DeviceFilter { archived_only: true, ..all() }, vec![]),
        (DeviceFilter { state: Some(State::CheckedOut), ..all() }, vec![one]),
    ] {
        assert_eq!(ids(&projections, filter.clone()).await, expected, "{filter:?}");
        let count = devices::count(&projections, filter.clone(), 10).await.unwrap();
        assert_eq!(count, Count::Exactly(expected.len() as u64), "{filter:?}");
        assert_eq!(devices::count_whole(&projections, filter).await.unwrap(), expected.len() as u64);
    }
    let then = |second| DeviceFilter { as_of: Some(later(second)), ..all() };
    for (filter, expected) in [
        (DeviceFilter { archived_only: true, ..then(5_500) }, vec![two]),
        (DeviceFilter { archived: true, ..then(5_500) }, vec![four, three, two, one]),
        (then(5_500), vec![four, three, one]),
        (DeviceFilter { state: Some(State::CheckedOut), ..then(5_500) }, vec![]),
        (DeviceFilter { state: Some(State::CheckedOut), ..then(6_500) }, vec![one]),
        (DeviceFilter { os_below: Some(OsVersion::new(17, 0)), ..then(3_500) }, vec![]),
        (DeviceFilter { os_below: Some(OsVersion::new(17, 0)), ..then(4_500) }, vec![three, one]),
        (DeviceFilter { models: models(&["iPhone14,7"]), ..then(3_500) }, vec![four, three, two, one]),
        (DeviceFilter { models: models(&["iPhone14,7"]), ..then(4_500) }, vec![]),
        (DeviceFilter { user_name: Some("GRACE".into()), ..then(1_500) }, vec![one]),
    ] {
        assert_eq!(ids(&projections, filter.clone()).await, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn kept_counts_follow_every_change_and_an_erasure() {
    let desk = Desk::new();
    let [one, two, ..] = fleet(&desk).await;
    desk.write(&one.stream(), later(6_000), DeviceEvent::DeviceCheckedOut { body: BodyHash("02".into()) }).await;
    desk.write(&two.stream(), later(6_001), DeviceEvent::RecordArchived {}).await;
    desk.log.keys().destroy(&person(3).key()).unwrap();
    desk.write(&person(3).stream(), later(6_002), PersonEvent::PersonErased {}).await;
    let projections = desk.caught_up().await;
    let value = |value: &str, count| (Some(value.to_owned()), count);
    let shown = devices::totals(&projections, false).await.unwrap();
    assert_eq!(shown.devices, Count::Exactly(3));
    assert_eq!(shown.facets[&Facet::State], [value("enrolled", 2), value("checked_out", 1)]);
    assert_eq!(shown.facets[&Facet::OsMajor], [value("16", 1), value("17", 1), value("9", 1)]);
    let all = devices::totals(&projections, true).await.unwrap();
    assert_eq!(all.devices, Count::Exactly(4));
    assert_eq!(all.facets[&Facet::Archived], [value("false", 3), value("true", 1)]);
    assert_eq!(all.facets[&Facet::Model], [value("iPhone12,1", 2), value("iPad13,10", 1), value("iPad5,3", 1)]);
    let of_pads = DeviceFilter { models: vec!["iPad".into()], ..DeviceFilter::default() };
    let pads = devices::facets(&projections, of_pads).await.unwrap();
    assert_eq!((pads.devices, pads.facets[&Facet::State].len()), (Count::Exactly(2), 2));
    assert_eq!(projections.rebuild(&desk.log).await.unwrap().changed, Some(vec![]));
}

#[tokio::test]
async fn the_difference_of_two_instants_names_what_appeared_left_and_changed() {
    let desk = Desk::new();
    let [one, two, three, four] = fleet(&desk).await;
    desk.write(&one.stream(), later(6_000), DeviceEvent::DeviceCheckedOut { body: BodyHash("02".into()) }).await;
    // It has its first name again at the end.
    tells(&desk, two, 6_001, &[("DeviceName", "Z")]).await;
    tells(&desk, two, 6_002, &[("DeviceName", "A")]).await;
    tells(&desk, three, 6_003, &[("OSVersion", "17.1")]).await;
    let projections = desk.caught_up().await;
    let between = async |from, to| devices::difference(&projections, later(from), later(to)).await.unwrap();
    let found = between(5_000, 7_000).await;
    let exactly = Count::Exactly;
    assert_eq!((found.appeared, found.left, found.changed), (exactly(0), exactly(1), exactly(2)));
    let fields: Vec<_> = found.fields.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(fields, [("ended_at", exactly(1)), ("os_version", exactly(1)), ("phase", exactly(1))]);
    let early = between(500, 3_500).await;
    assert_eq!((early.appeared, early.left, early.changed), (exactly(3), exactly(0), exactly(0)));
    assert_eq!(between(7_000, 8_000).await.changed, exactly(0));

    let page = async |part, after, limit| {
        devices::differing(&projections, (later(5_000), later(7_000)), part, after, limit).await.unwrap()
    };
    let changed = page(Part::Changed, None, 1).await;
    let os = FieldChange { attribute: "os_version".into(), before: Some("16.7.1".into()), after: Some("17.1".into()) };
    assert_eq!((changed.devices[0].device, changed.devices[0].fields.as_slice()), (three, [os].as_slice()));
    assert_eq!(changed.next, Some(three));
    let rest = page(Part::Changed, changed.next, 5).await;
    assert_eq!(rest.devices.iter().map(|device| device.device).collect::<Vec<_>>(), [one]);
    assert_eq!((rest.next, rest.is_cut), (None, false));
    assert_eq!(page(Part::Left, None, 5).await.devices[0].device, one);
    assert_eq!(page(Part::Field("os_version".into()), None, 5).await.devices[0].device, three);
    let appeared = devices::differing(&projections, (later(500), later(3_500)), Part::Appeared, None, 5).await.unwrap();
    assert_eq!(appeared.devices.iter().map(|device| device.device).collect::<Vec<_>>(), [four, three, two]);
}

#[tokio::test]
async fn the_timeline_of_a_device_has_its_changes_in_pages_and_the_values_of_one_attribute() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    tells(&desk, device, 1_000, &[("OSVersion", "17.6"), ("WiFiMAC", "00:00:5e:00:53:01")]).await;
    tells(&desk, device, 2_000, &[("OSVersion", "18.0")]).await;
    let projections = desk.caught_up().await;
    let newest = devices::timeline(&projections, device, None, 2).await.unwrap();
    let told: Vec<_> = newest.changes.iter().map(|change| (change.attribute.as_str(), change.at)).collect();
    let expected = [("os_version", later(2_000)), ("inventory.WiFiMAC", later(1_000)), ("os_version", later(1_000))];
    assert_eq!(told, expected, "the changes of one event stay together");
    let earlier = devices::timeline(&projections, device, newest.next, 100).await.unwrap();
    assert!(earlier.changes.iter().all(|change| change.at < later(1_000)) && earlier.next.is_none());
    assert!(earlier.changes.iter().any(|change| change.attribute == "phase"));
    let versions = devices::history(&projections, device, "os_version".into(), None, 10).await.unwrap();
    let versions: Vec<_> = versions.into_iter().map(|change| change.value.unwrap()).collect();
    assert_eq!(versions, ["18.0", "17.6", "17.5"]);
}

#[tokio::test]
async fn each_device_is_on_one_page_although_devices_change_meanwhile() {
    let desk = Desk::new();
    let mut expected = Vec::new();
    for nth in 1..=9 {
        expected.insert(0, desk.enroll(nth, person(nth), "ada", later(i64::try_from(nth).unwrap() * 100)).await);
    }
    let projections = desk.caught_up().await;
    let (mut found, mut filter) = (Vec::new(), DeviceFilter::default());
    while found.len() < 20 {
        let page = devices::list(&projections, filter.clone(), 2).await.unwrap();
        found.extend(page.devices.into_iter().map(|device| device.id));
        let Some(next) = page.next else { break };
        filter.after = Some(next);
        // Every device changes between two pages.
        for device in &expected {
            let name = format!("after {}", found.len());
            tells(&desk, *device, 10_000, &[("DeviceName", &name)]).await;
        }
        desk.follow(&projections).await;
    }
    assert_eq!(found, expected);
}
