//! The inventory: now, at an earlier instant, filtered, in pages.

use crate::support::*;
use events::Personal;
use events::device::{BodyHash, DeviceEvent, DeviceId, InventoryValue};
use events::enrollment::DeviceFamily;
use projections::devices::{self, DeviceFilter, State};
use uuid::Uuid;

#[tokio::test]
async fn a_device_as_of_an_instant_is_what_was_known_then() {
    let desk = Desk::new();
    let (first, _) = busy_day(&desk).await;
    let projections = desk.caught_up().await;
    let at = async |seconds| devices::get(&projections, first, Some(later(seconds))).await.unwrap();

    assert_eq!(at(59).await, None, "the device had not yet sent a message");
    assert_eq!(at(60).await.unwrap().state, State::Installing);
    let enrolled = at(61).await.unwrap();
    assert_eq!((enrolled.state, enrolled.name, enrolled.os_version.as_deref()), (State::Enrolled, None, Some("17.5")));
    assert_eq!(at(900).await.unwrap().name.as_deref(), Some("ada’s iPhone"));
    assert_eq!(at(7_199).await.unwrap().os_version.as_deref(), Some("17.5.1"));
    let now = devices::get(&projections, first, None).await.unwrap().unwrap();
    assert_eq!((now.name.as_deref(), now.os_version.as_deref()), (Some("Ada’s telephone"), Some("17.6")));
    assert_eq!(now.managed_apple_id.as_deref(), Some("ada@example.com"));
}

#[tokio::test]
async fn the_inventory_as_of_an_instant_lists_what_there_was() {
    let desk = Desk::new();
    let (first, second) = busy_day(&desk).await;
    let projections = desk.caught_up().await;
    let enrolled = async |as_of| {
        let filter = DeviceFilter { state: Some(State::Enrolled), as_of, ..DeviceFilter::default() };
        let page = devices::list(&projections, filter, 10).await.unwrap();
        page.devices.into_iter().map(|device| device.id).collect::<Vec<_>>()
    };
    assert_eq!(enrolled(Some(later(0))).await, vec![]);
    assert_eq!(enrolled(Some(later(100))).await, vec![first]);
    assert_eq!(enrolled(Some(later(7_999))).await, vec![second, first]);
    assert_eq!(enrolled(Some(later(8_000))).await, vec![first]);
    assert_eq!(enrolled(None).await, vec![first]);
}

#[tokio::test]
async fn what_changes_all_the_time_makes_no_new_version_of_a_record() {
    let desk = Desk::new();
    let ada = person(1);
    let device = desk.enroll(1, ada, "ada", NOON).await;
    for battery in (10..100).rev() {
        desk.write(&device.stream(), later(1_000 - i64::from(battery)), reported(ada, "x", battery, "17.5")).await;
    }
    let projections = desk.caught_up().await;
    let known = devices::known(&projections, device, None).await.unwrap();
    assert_eq!(known["BatteryLevel"].as_deref(), Some("10"));
    let history = projections.dump().await.unwrap().into_iter().find(|table| table.table == "devices_history");
    // The codes of attributes that are no column begin at 100.
    let versions = history.unwrap().rows.iter().filter(|row| row.contains("attribute=10")).count();
    assert_eq!(versions, 2, "one version for BatteryLevel, one for IsSupervised");
}

#[tokio::test]
async fn devices_are_filtered_and_paged_without_gaps() {
    let desk = Desk::new();
    let mut expected = Vec::new();
    for nth in 0..25 {
        let name = if nth % 5 == 0 { "Grace Hopper" } else { "ada" };
        let device = desk.enroll(nth, person(nth), name, later(i64::try_from(nth).unwrap() * 100)).await;
        expected.insert(0, device);
    }
    desk.write(&expected[3].stream(), later(9_000), DeviceEvent::RecordArchived {}).await;
    let archived = expected.remove(3);
    let projections = desk.caught_up().await;
    let mut found = Vec::new();
    let mut filter = DeviceFilter::default();
    loop {
        let page = devices::list(&projections, filter.clone(), 7).await.unwrap();
        found.extend(page.devices.iter().map(|device| device.id));
        assert!(found.len() < 100, "the pages do not end");
        match page.next {
            Some(next) => filter.after = Some(next),
            None => break,
        }
    }
    assert_eq!(found, expected);
    let count = async |filter| devices::list(&projections, filter, 100).await.unwrap().devices.len();
    let text = |text: &str| DeviceFilter { text: Some(text.to_owned()), ..DeviceFilter::default() };
    assert_eq!(count(text("grace HOPPER")).await, 5);
    assert_eq!(count(text("%")).await, 0, "a percent sign in the search is not a wildcard");
    assert_eq!(count(text("iPhone14")).await, 24);
    let all = DeviceFilter { archived: true, ..DeviceFilter::default() };
    assert_eq!(count(all).await, 25);
    assert!(devices::get(&projections, archived, None).await.unwrap().unwrap().archived);
    let gone = DeviceFilter { state: Some(State::Unenrolled), ..DeviceFilter::default() };
    assert_eq!(count(gone).await, 0);
}

#[tokio::test]
async fn active_devices_of_a_person_are_those_under_management_now() {
    let desk = Desk::new();
    let ada = person(1);
    let first = desk.enroll(1, ada, "ada", NOON).await;
    let second = desk.enroll(2, ada, "ada", later(100)).await;
    desk.enroll(3, person(2), "eve", later(200)).await;
    desk.write(&first.stream(), later(300), DeviceEvent::DeviceCheckedOut { body: BodyHash("02".into()) }).await;
    // An archived device is hidden from lists but still managed.
    desk.write(&second.stream(), later(400), DeviceEvent::RecordArchived {}).await;
    let projections = desk.caught_up().await;
    let iphone = events::enrollment::DeviceFamily::IPhone;
    let active = devices::active_of_person(&projections, ada, iphone, 5).await.unwrap();
    assert_eq!(active.nearest.iter().map(|active| active.device).collect::<Vec<_>>(), vec![second]);
    assert_eq!((active.count, active.nearest[0].family), (1, Some(iphone)));
    assert_eq!(devices::count_active(&projections, ada, None).await.unwrap(), 1);
    assert_eq!(devices::count_active(&projections, ada, Some(second)).await.unwrap(), 0);
}

#[tokio::test]
async fn devices_are_called_by_what_they_reported_and_never_by_a_placeholder() {
    let desk = Desk::new();
    let first = desk.enroll(1, person(1), "ada", NOON).await;
    let second = desk.enroll(2, person(2), "eve", later(100)).await;
    let named = |device: DeviceId| DeviceEvent::InventoryReported {
        changes: [("DeviceName".to_owned(), InventoryValue::Personal(Personal::new(device.key(), "Phone".into())))]
            .into(),
    };
    desk.write(&first.stream(), later(200), named(first)).await;
    desk.write(&second.stream(), later(201), named(second)).await;
    desk.log.keys().destroy(&second.key()).unwrap();
    let projections = desk.caught_up().await;
    let unknown = DeviceId(Uuid::from_u128(9));
    let namings = devices::namings(&projections, vec![first, second, unknown]).await.unwrap();
    let names = |device: &DeviceId| namings.get(device).map(|naming| naming.names.clone());
    assert_eq!(names(&first), Some(vec!["Phone".into(), "iPhone14,7".into()]));
    assert_eq!(names(&second), Some(vec!["iPhone14,7".into()]), "its name was erased");
    assert_eq!((names(&unknown), namings.len()), (None, 2));
    assert!(namings[&first].enrolled_at.is_some());
}

#[tokio::test]
async fn a_device_that_enrolls_again_under_the_same_id_is_enrolled_again() {
    let desk = Desk::new();
    let ada = person(1);
    let device = desk.enroll(1, ada, "ada", NOON).await;
    desk.write(&device.stream(), later(300), DeviceEvent::DeviceCheckedOut { body: BodyHash("02".into()) }).await;
    desk.write(&device.stream(), later(400), authenticated(ada, "EID-2")).await;
    desk.write(&device.stream(), later(401), enrolled(device)).await;
    let projections = desk.caught_up().await;
    let states = async |seconds| devices::get(&projections, device, Some(later(seconds))).await.unwrap().unwrap().state;
    assert_eq!(states(350).await, State::CheckedOut);
    assert_eq!(states(500).await, State::Enrolled);
    let device = devices::get(&projections, device, None).await.unwrap().unwrap();
    assert_eq!(device.enrollment_id.as_deref(), Some("EID-2"));
}

#[tokio::test]
async fn what_hardware_a_record_is_for_stands_and_what_is_told_otherwise_is_shown_beside_it() {
    let desk = Desk::new();
    let ada = person(1);
    let device = desk.enroll(1, ada, "ada", NOON).await;
    let told = |key: &str, text: &str| {
        let value = InventoryValue::Personal(Personal::new(ada.key(), serde_json::Value::from(text)));
        DeviceEvent::InventoryReported { changes: [(key.to_owned(), value)].into() }
    };
    for (second, serial) in [(1_000, "F5JM992LF193"), (1_001, "f5jm992lf193 "), (1_002, "DMPXK1ABCDEF")] {
        desk.write(&device.stream(), later(second), told("SerialNumber", serial)).await;
    }
    let projections = desk.caught_up().await;
    let record = devices::get(&projections, device, None).await.unwrap().unwrap();
    assert_eq!(record.serial_number.as_deref(), Some("f5jm992lf193 "), "the same serial number in another spelling");
    let known = devices::known(&projections, device, None).await.unwrap();
    assert_eq!(known["SerialNumber"].as_deref(), Some("DMPXK1ABCDEF"));
}

#[tokio::test]
async fn what_a_device_says_of_itself_is_in_its_record_until_it_says_otherwise() {
    let desk = Desk::new();
    let ada = person(1);
    let device = desk.enroll(1, ada, "ada", NOON).await;
    let told = [
        ("ModelName", "iPhone"),
        ("ProductName", "iPhone15,2"),
        ("BuildVersion", "21G80"),
        ("UDID", "00008110-001A2B3C4D5E6F70"),
        ("IMEI", "35 209900 176148 1"),
        ("MEID", "A000004FE8D3A1"),
        ("WiFiMAC", "00:00:5e:00:53:01"),
    ];
    let plain = |text: &str| InventoryValue::Plain(text.into());
    let changes = told.into_iter().map(|(name, value)| (name.to_owned(), plain(value))).collect();
    desk.write(&device.stream(), later(100), DeviceEvent::InventoryReported { changes }).await;
    let told = [("IMEI", "990000862471854"), ("ModelName", "iPhone 14"), ("WiFiMAC", "00:00:5e:00:53:02")];
    let changes = told.into_iter().map(|(name, value)| (name.to_owned(), plain(value))).collect();
    desk.write(&device.stream(), later(200), DeviceEvent::InventoryReported { changes }).await;
    let projections = desk.caught_up().await;
    let at = async |second| devices::get(&projections, device, Some(later(second))).await.unwrap().unwrap();
    let (then, now) = (at(100).await, at(200).await);
    assert_eq!((then.model.as_deref(), now.model.as_deref()), (Some("iPhone"), Some("iPhone 14")));
    assert_eq!((now.product_name.as_deref(), now.build_version.as_deref()), (Some("iPhone15,2"), Some("21G80")));
    assert_eq!(now.udid.as_deref(), Some("00008110-001A2B3C4D5E6F70"));
    let further = async |second| {
        let known = devices::known(&projections, device, Some(later(second))).await.unwrap();
        known.into_iter().map(|(name, value)| format!("{name} {}", value.unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(further(100).await, ["WiFiMAC 00:00:5e:00:53:01"]);
    let another = ["IMEI 990000862471854", "WiFiMAC 00:00:5e:00:53:02"];
    assert_eq!(further(200).await, another, "the first IMEI is the record's, the second only something that it said");
}

#[tokio::test]
async fn of_a_persons_devices_those_of_the_family_in_question_come_first_and_the_newest_of_them() {
    let desk = Desk::new();
    let ada = person(1);
    let phones = [desk.enroll(1, ada, "ada", NOON).await, desk.enroll(2, ada, "ada", later(100)).await];
    let tablet = desk.enroll(3, ada, "ada", later(200)).await;
    let changes = [("ProductName".to_owned(), InventoryValue::Plain("iPad13,1".into()))].into();
    desk.write(&tablet.stream(), later(300), DeviceEvent::InventoryReported { changes }).await;
    let projections = desk.caught_up().await;
    let nearest = async |family, most| {
        let active = devices::active_of_person(&projections, ada, family, most).await.unwrap();
        (active.nearest.into_iter().map(|active| active.device).collect::<Vec<_>>(), active.count)
    };
    assert_eq!(nearest(DeviceFamily::IPhone, 5).await, (vec![phones[1], phones[0], tablet], 3));
    assert_eq!(nearest(DeviceFamily::IPad, 5).await, (vec![tablet, phones[1], phones[0]], 3));
    assert_eq!(nearest(DeviceFamily::IPhone, 1).await, (vec![phones[1]], 3));
}

#[tokio::test]
async fn a_page_with_the_last_device_says_that_none_follows() {
    let desk = Desk::new();
    let first = desk.enroll(1, person(1), "ada", NOON).await;
    let second = desk.enroll(2, person(1), "ada", later(100)).await;
    let projections = desk.caught_up().await;
    let page = async |limit| {
        let page = devices::list(&projections, DeviceFilter::default(), limit).await.unwrap();
        (page.devices.into_iter().map(|device| device.id).collect::<Vec<_>>(), page.next)
    };
    assert_eq!(page(2).await, (vec![second, first], None));
    assert_eq!(page(1).await, (vec![second], Some(second.into())));
}
