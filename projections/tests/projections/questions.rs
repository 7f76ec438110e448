//! Queries of the console: devices by attributes, the size and order of the audit trail, the last contact of devices.
#![expect(clippy::unwrap_used, reason = "a helper of tests that cannot go on fails the test")]

use crate::support::*;
use events::device::{BodyHash, CommandStatus, DeviceEvent, DeviceId, DeviceIdentifiers};
use events::enrollment::{DeviceFamily, EnrollmentKind, OsVersion};
use events::person::PersonId;
use events::{ActorKind, Personal};
use projections::audit::{self, AuditFilter, Extent};
use projections::commands::{self, State as CommandState};
use projections::devices::{self, DeviceFilter};
use projections::{Projections, last_seen};
use uuid::Uuid;

const UDID: &str = "00008110-001A2B3C4D5E6F70";

/// Enrolls an iPad of the organization that reports its hardware.
async fn organizations(desk: &Desk, nth: u128, owner: PersonId) -> DeviceId {
    let device = DeviceId(Uuid::from_u128(0x9000 + nth));
    let personal = |text: &str| Personal::new(owner.key(), text.to_owned());
    let authenticated = DeviceEvent::DeviceAuthenticated {
        person: owner,
        identifiers: DeviceIdentifiers::DeviceEnrollment {
            udid: personal(UDID),
            serial_number: Some(personal("F5JM992LF193")),
            imei: None,
            meid: None,
        },
        certificate: "01".into(),
        topic: "com.apple.mgmt.External.1".into(),
        os_version: Some(OsVersion::new(17, 5)),
        build_version: None,
        product_name: Some("iPad13,1".into()),
        body: BodyHash("10".into()),
    };
    desk.write(&device.stream(), later(500), authenticated).await;
    desk.write(&device.stream(), later(501), enrolled(device)).await;
    device
}

async fn found(projections: &Projections, filter: DeviceFilter) -> Vec<DeviceId> {
    let page = devices::list(projections, filter, 10).await.unwrap();
    page.devices.into_iter().map(|device| device.id).collect()
}

#[tokio::test]
async fn a_device_is_found_by_what_it_is_whose_it_is_and_what_it_is_called() {
    let desk = Desk::new();
    let phone = desk.enroll(1, person(1), "ada", NOON).await;
    desk.write(&phone.stream(), later(400), reported(person(1), "Ada’s telephone", 90, "17.5")).await;
    let tablet = organizations(&desk, 1, person(2)).await;
    desk.write(&person(2).stream(), later(502), known(person(2), "eve")).await;
    let projections = desk.caught_up().await;
    let all = DeviceFilter::default;
    for (filter, expected) in [
        (DeviceFilter { kind: Some(EnrollmentKind::UserEnrollment), ..all() }, phone),
        (DeviceFilter { kind: Some(EnrollmentKind::DeviceEnrollment), ..all() }, tablet),
        (DeviceFilter { person: Some(person(2)), ..all() }, tablet),
        (DeviceFilter { user_name: Some("ADA".into()), ..all() }, phone),
        (DeviceFilter { named: Some("telephone".into()), ..all() }, phone),
        (DeviceFilter { named: Some("ipad13".into()), ..all() }, tablet),
        (DeviceFilter { text: Some(" f5jm992lf193 ".into()), ..all() }, tablet),
        (DeviceFilter { ids: vec!["00008110-001a".into()], ..all() }, tablet),
        (DeviceFilter { ids: vec!["EID-1".into(), "no such".into()], ..all() }, phone),
    ] {
        assert_eq!(found(&projections, filter.clone()).await, [expected], "{filter:?}");
    }
    assert_eq!(found(&projections, all()).await, [tablet, phone]);
    let none = [
        DeviceFilter { user_name: Some("ad".into()), ..all() },
        DeviceFilter { named: Some("ada@example".into()), ..all() },
        DeviceFilter { ids: vec!["0000811".into()], ..all() },
    ];
    for filter in none {
        assert_eq!(found(&projections, filter.clone()).await, [], "{filter:?}");
    }
    let record = devices::get(&projections, tablet, None).await.unwrap().unwrap();
    assert_eq!((record.family(), record.kind), (Some(DeviceFamily::IPad), Some(EnrollmentKind::DeviceEnrollment)));
    assert_eq!((record.udid.as_deref(), record.serial_number.as_deref()), (Some(UDID), Some("F5JM992LF193")));
}

#[tokio::test]
async fn identifiers_that_name_no_enrolled_device_are_told() {
    let desk = Desk::new();
    let tablet = organizations(&desk, 1, person(2)).await;
    let projections = desk.caught_up().await;
    let asked = ["F5JM992LF193", "DMPXK1ABCDEF", "00008110-001A"].map(str::to_owned);
    assert_eq!(devices::unknown(&projections, asked.to_vec()).await.unwrap(), ["DMPXK1ABCDEF"]);
    desk.write(&tablet.stream(), later(600), DeviceEvent::DeviceCheckedOut { body: BodyHash("11".into()) }).await;
    desk.follow(&projections).await;
    assert_eq!(devices::unknown(&projections, asked.to_vec()).await.unwrap(), asked, "the tablet left");
}

#[tokio::test]
async fn a_persons_devices_of_the_family_at_hand_are_named_first() {
    let desk = Desk::new();
    let phone = desk.enroll(1, person(1), "ada", NOON).await;
    let tablet = organizations(&desk, 1, person(1)).await;
    let projections = desk.caught_up().await;
    for (family, expected) in [(DeviceFamily::IPhone, [phone, tablet]), (DeviceFamily::IPad, [tablet, phone])] {
        let active = devices::active_of_person(&projections, person(1), family, 5).await.unwrap();
        assert_eq!(active.nearest.iter().map(|active| active.device).collect::<Vec<_>>(), expected);
    }
    let one = devices::active_of_person(&projections, person(1), DeviceFamily::IPad, 1).await.unwrap();
    assert_eq!((one.nearest.len(), one.count), (1, 2), "the count includes devices beyond the limit");
}

#[tokio::test]
async fn the_audit_trail_says_how_much_there_is_and_reads_in_both_directions() {
    let desk = Desk::new();
    let (first, _) = busy_day(&desk).await;
    let projections = desk.caught_up().await;
    let ids: Vec<_> = desk.log.page(None, 1_000).await.unwrap().iter().map(|entry| entry.id).collect();
    let extent = async |filter| audit::extent(&projections, &desk.log, filter).await.unwrap();
    let all = extent(AuditFilter::default()).await;
    assert_eq!(all, Extent { rows: ids.len() as u64, newest: ids.last().copied() });
    let half = AuditFilter { up_to: Some(ids[4]), oldest_first: true, ..AuditFilter::default() };
    assert_eq!(extent(half.clone()).await, Extent { rows: 5, newest: Some(ids[4]) });
    let read = async |filter, limit| {
        let page = audit::query(&projections, &desk.log, filter, limit).await.unwrap();
        (page.rows.iter().map(|row| row.event).collect::<Vec<_>>(), page.next)
    };
    assert_eq!(read(half.clone(), 3).await, (ids[..3].to_vec(), Some(ids[2])));
    assert_eq!(read(AuditFilter { after: Some(ids[2]), ..half }, 3).await, (ids[3..5].to_vec(), None));
    let nothing = AuditFilter { actor_id: Some("nobody".into()), ..AuditFilter::default() };
    assert_eq!(extent(nothing).await, Extent { rows: 0, newest: None });
    let enrollment = AuditFilter { correlation: Some(first.0), ..AuditFilter::default() };
    assert_eq!(extent(enrollment).await.rows, 9, "five events at the portal and four of the device");
}

#[tokio::test]
async fn the_audit_trail_knows_who_has_acted_and_which_events_there_are() {
    let desk = Desk::new();
    busy_day(&desk).await;
    let projections = desk.caught_up().await;
    let viewer = events::staff::StaffId(Uuid::from_u128(0x3000)).to_string();
    assert!(audit::has_acted(&projections, &viewer).await.unwrap());
    assert!(!audit::has_acted(&projections, "nobody").await.unwrap());
    let types = audit::types(&projections).await.unwrap();
    assert!(types.is_sorted() && types.iter().any(|name| name == "DeviceViewed"), "{types:?}");
    assert_eq!(types.iter().filter(|name| *name == "DeviceEnrolled").count(), 1);
    let (kind, name) = (ActorKind::Operator, audit::actor_name(ActorKind::Operator));
    assert!(audit::ACTOR_KINDS.contains(&(kind, name)));
}

#[tokio::test]
async fn a_device_was_heard_when_it_was_heard_last() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    let projections = desk.caught_up().await;
    assert_eq!(last_seen::last_seen(&projections, device).await.unwrap(), None);
    for second in [100, 300, 200] {
        last_seen::touch(&projections, device, later(second));
    }
    assert_eq!(last_seen::last_seen(&projections, device).await.unwrap(), Some(later(300)));
    let record = devices::get(&projections, device, None).await.unwrap().unwrap();
    assert_eq!(record.last_seen, Some(later(300)));
    let seen_by = async |projections: &Projections| last_seen::last_seen(projections, device).await.unwrap();
    assert_eq!(seen_by(&desk.projections().await).await, None, "a contact is written by the next write");
    last_seen::write(&projections).await.unwrap();
    last_seen::touch(&projections, device, later(400));
    last_seen::write(&projections).await.unwrap();
    last_seen::touch(&projections, device, later(350));
    last_seen::write(&projections).await.unwrap();
    assert_eq!(seen_by(&desk.projections().await).await, Some(later(400)));
}

#[tokio::test]
async fn commands_that_wait_are_counted_over_all_devices() {
    let desk = Desk::new();
    let first = desk.enroll(1, person(1), "ada", NOON).await;
    let second = desk.enroll(2, person(2), "eve", later(10)).await;
    for (n, device) in [(1, first), (2, first), (3, second)] {
        desk.write(&device.stream(), later(100), queued(n, "ProfileList", None)).await;
    }
    desk.write(&first.stream(), later(200), answered(1, CommandStatus::Acknowledged)).await;
    desk.write(&second.stream(), later(200), answered(3, CommandStatus::NotNow)).await;
    let projections = desk.caught_up().await;
    assert_eq!(commands::waiting(&projections).await.unwrap(), 2);
    let states = CommandState::ALL.into_iter().filter(|state| state.is_waiting());
    assert_eq!(states.collect::<Vec<_>>(), [CommandState::Queued, CommandState::Delivered, CommandState::Deferred]);
}
