//! Actions that become due, and what postpones them.

use crate::support::*;
use events::Personal;
use events::device::{BodyHash, CommandStatus, DeviceEvent, DeviceId, PushAddress, SupersessionEvidence};
use events::enrollment::EnrollmentEvent;
use events::settings::{Settings, SettingsEvent};
use projections::due::{self, DueKind};
use uuid::Uuid;

#[tokio::test]
async fn enrollments_without_progress_become_due_and_progress_puts_that_off() {
    let desk = Desk::new();
    let enrollment = DeviceId(Uuid::from_u128(0x1001)).enrollment();
    desk.write(&enrollment.stream(), NOON, opened(enrollment.device())).await;
    let projections = desk.caught_up().await;
    let day = 24 * 3_600;
    let due_at = async |seconds| due::due(&projections, later(seconds), 10).await.unwrap();
    assert_eq!(due_at(day - 1).await, vec![]);
    let found = due_at(day).await;
    assert_eq!((found[0].kind, &found[0].stream), (DueKind::AbandonEnrollment, &enrollment.stream()));

    desk.write(&enrollment.stream(), later(600), EnrollmentEvent::CaInstallReported {}).await;
    desk.follow(&projections).await;
    assert_eq!(due_at(day).await, vec![]);
    assert_eq!(due_at(day + 600).await.len(), 1);

    let after = Settings { abandon_after_hours: 1, ..Settings::default() };
    let changed = SettingsEvent::between(&Settings::default(), &after, None);
    desk.write(&events::settings::stream(), later(700), changed).await;
    desk.follow(&projections).await;
    assert_eq!(due_at(600 + 3_600).await.len(), 1, "a shorter limit also applies to enrollments in progress");

    desk.write(&enrollment.stream(), later(5_000), EnrollmentEvent::EnrollmentAbandoned {}).await;
    desk.follow(&projections).await;
    assert_eq!(due_at(10 * day).await, vec![]);
}

#[tokio::test]
async fn an_enrolled_device_is_never_an_abandoned_enrollment() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    let projections = desk.caught_up().await;
    assert_eq!(due::due(&projections, later(1_000_000), 10).await.unwrap(), vec![]);
    desk.write(&device.enrollment().stream(), later(600), EnrollmentEvent::CaInstallReported {}).await;
    desk.follow(&projections).await;
    assert_eq!(due::due(&projections, later(1_000_000), 10).await.unwrap(), vec![]);
}

#[tokio::test]
async fn what_is_due_of_one_kind_hides_nothing_of_another() {
    let desk = Desk::new();
    let failed = || DeviceEvent::PushFailed { status: None, reason: "no route".into(), unregistered_since: None };
    for n in 1..=3 {
        let device = desk.enroll(n, person(1), "ada", NOON).await;
        desk.write(&device.stream(), NOON, failed()).await;
    }
    let enrollment = DeviceId(Uuid::from_u128(0x2001)).enrollment();
    desk.write(&enrollment.stream(), NOON, opened(enrollment.device())).await;
    let projections = desk.caught_up().await;
    let now = later(48 * 3_600);
    let kinds = async |kind, limit| {
        let found = due::due_of(&projections, kind, now, limit).await.unwrap();
        found.into_iter().map(|due| due.kind).collect::<Vec<_>>()
    };
    assert_eq!(due::due(&projections, now, 3).await.unwrap().len(), 3);
    assert_eq!(kinds(DueKind::PushAgain, 2).await, [DueKind::PushAgain; 2]);
    assert_eq!(kinds(DueKind::AbandonEnrollment, 2).await, [DueKind::AbandonEnrollment]);
    assert_eq!(kinds(DueKind::PushAgain, 0).await, []);
}

#[tokio::test]
async fn a_device_that_says_not_now_is_woken_again_after_a_quarter_of_an_hour() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    let (cause, _) = desk.write(&device.stream(), later(1_000), answered(1, CommandStatus::NotNow)).await;
    let projections = desk.caught_up().await;
    assert_eq!(due::due(&projections, later(1_000 + 899), 10).await.unwrap(), vec![]);
    assert_eq!(due::next(&projections).await.unwrap(), Some(later(1_900)));
    let found = due::due(&projections, later(1_900), 10).await.unwrap();
    assert_eq!((found[0].kind, found[0].cause), (DueKind::PushAgain, cause));
    desk.write(&device.stream(), later(1_901), DeviceEvent::DevicePushed { apns_id: None, put_off_since: false }).await;
    desk.follow(&projections).await;
    assert_eq!(due::due(&projections, later(1_000_000), 10).await.unwrap(), vec![]);
}

// The device answers before the push service does.
#[tokio::test]
async fn what_was_put_off_while_a_push_was_on_its_way_is_due_after_a_quarter_of_an_hour_all_the_same() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    desk.write(&device.stream(), later(999), queued(1, "SecurityInfo", None)).await;
    let (cause, _) = desk.write(&device.stream(), later(1_000), answered(1, CommandStatus::NotNow)).await;
    let pushed = DeviceEvent::DevicePushed { apns_id: None, put_off_since: true };
    desk.write(&device.stream(), later(1_001), pushed).await;
    let projections = desk.caught_up().await;
    let found = due::due(&projections, later(1_900), 10).await.unwrap();
    assert_eq!((found[0].kind, found[0].cause), (DueKind::PushAgain, cause));
}

#[tokio::test]
async fn a_device_that_was_woken_and_owes_an_answer_is_woken_again_after_a_day() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    desk.write(&device.stream(), later(1_000), queued(1, "SecurityInfo", None)).await;
    desk.write(&device.stream(), later(1_001), DeviceEvent::DevicePushed { apns_id: None, put_off_since: false }).await;
    let projections = desk.caught_up().await;
    let day = 24 * 3_600;
    assert_eq!(due::next(&projections).await.unwrap(), Some(later(1_001 + day)));
    desk.write(&device.stream(), later(2_000), DeviceEvent::MdmCommandDelivered { command: command(1) }).await;
    desk.follow(&projections).await;
    assert_eq!(
        due::next(&projections).await.unwrap(),
        Some(later(2_000 + day)),
        "the device is awake but has not answered"
    );
    desk.write(&device.stream(), later(2_001), answered(1, CommandStatus::Acknowledged)).await;
    desk.follow(&projections).await;
    assert_eq!(due::next(&projections).await.unwrap(), None);
}

#[tokio::test]
async fn failed_pushes_are_repeated_ever_more_rarely() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    let projections = desk.caught_up().await;
    let mut at = later(1_000);
    for delay in [900, 1_800, 3_600] {
        let failed = DeviceEvent::PushFailed { status: None, reason: "no route".into(), unregistered_since: None };
        desk.write(&device.stream(), at, failed).await;
        desk.follow(&projections).await;
        assert_eq!(due::next(&projections).await.unwrap(), Some(at.plus_seconds(delay)));
        at = at.plus_seconds(delay);
    }
}

#[tokio::test]
async fn a_device_whose_token_is_dead_is_not_due_until_it_tells_one() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    let dead = DeviceEvent::PushFailed {
        status: Some(410),
        reason: "Unregistered".into(),
        unregistered_since: Some(later(900)),
    };
    desk.write(&device.stream(), later(1_000), dead).await;
    // The device connected on its own.
    desk.write(&device.stream(), later(2_000), answered(1, CommandStatus::NotNow)).await;
    let projections = desk.caught_up().await;
    assert_eq!(due::next(&projections).await.unwrap(), None);
    let personal = |text: &str| Personal::new(person(1).key(), text.to_owned());
    let push = PushAddress { token: personal("AQ=="), push_magic: personal("magic"), unlock_token: None };
    let renewed = DeviceEvent::PushTokenRenewed { push, body: BodyHash("t2".into()) };
    desk.write(&device.stream(), later(3_000), renewed).await;
    desk.write(&device.stream(), later(4_000), answered(1, CommandStatus::NotNow)).await;
    desk.follow(&projections).await;
    assert_eq!(due::next(&projections).await.unwrap(), Some(later(4_900)));
}

#[tokio::test]
async fn what_waits_behind_an_answer_that_was_too_large_is_due_after_a_quarter_of_an_hour() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    for n in [1, 2] {
        desk.write(&device.stream(), later(1_000), queued(n, "SecurityInfo", None)).await;
    }
    desk.write(&device.stream(), later(1_001), DeviceEvent::DevicePushed { apns_id: None, put_off_since: false }).await;
    let too_large = |n| DeviceEvent::MdmResultTooLarge { command: Some(command(n)), bytes: 5_000_000, body: None };
    desk.write(&device.stream(), later(1_010), too_large(1)).await;
    let projections = desk.caught_up().await;
    assert_eq!(due::next(&projections).await.unwrap(), Some(later(1_910)));
    desk.write(&device.stream(), later(1_920), too_large(2)).await;
    desk.follow(&projections).await;
    assert_eq!(due::next(&projections).await.unwrap(), None, "no command waits");
}

#[tokio::test]
async fn a_record_that_comes_back_is_woken_for_what_waited_and_not_before() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    desk.write(&device.stream(), later(1_000), queued(1, "SecurityInfo", None)).await;
    desk.write(&device.stream(), later(1_001), answered(1, CommandStatus::NotNow)).await;
    desk.write(&device.stream(), later(1_002), queued(2, "ProfileList", None)).await;
    let superseded = DeviceEvent::DeviceSuperseded {
        by: DeviceId(Uuid::from_u128(0x1009)),
        evidence: SupersessionEvidence::PushUnregistered,
        revivable_until: Some(later(90_000)),
    };
    desk.write(&device.stream(), later(2_000), superseded).await;
    let projections = desk.caught_up().await;
    assert_eq!(due::next(&projections).await.unwrap(), None, "nobody is woken on a record that ended");
    let revived = DeviceEvent::DeviceRevived { superseded_by: DeviceId(Uuid::from_u128(0x1009)) };
    desk.write(&device.stream(), later(3_000), revived).await;
    desk.follow(&projections).await;
    assert_eq!(due::next(&projections).await.unwrap(), Some(later(3_900)));
}

#[tokio::test]
async fn another_limit_counts_from_the_last_progress_of_each_enrollment() {
    let desk = Desk::new();
    let enrollment = DeviceId(Uuid::from_u128(0x1001)).enrollment();
    desk.write(&enrollment.stream(), NOON, opened(enrollment.device())).await;
    desk.write(&enrollment.stream(), later(600), EnrollmentEvent::CaInstallReported {}).await;
    let after = Settings { abandon_after_hours: 3, ..Settings::default() };
    let changed = SettingsEvent::between(&Settings::default(), &after, None);
    desk.write(&events::settings::stream(), later(700), changed).await;
    let projections = desk.caught_up().await;
    assert_eq!(due::next(&projections).await.unwrap(), Some(later(600 + 3 * 3_600)));
}
