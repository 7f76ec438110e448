//! Limits on what one enrolled device can make the server write.

use super::behind_a_proxy;
use events::device::{DeviceEvent, PushAddress};
use events::enrollment::EnrollmentKind;
use harness::TestServer;
use harness::devices::{IOS, KEYS, TestDevice, scep_payload};
use muster::app::suppressed;
use plist::Value;
use simulator::scep;

async fn count(device: &TestDevice, server: &TestServer, event_type: &str) -> usize {
    device.history(server).await.iter().filter(|name| *name == event_type).count()
}

fn newest(events: &[DeviceEvent]) -> &PushAddress {
    let push = |event: &'_ DeviceEvent| matches!(event, DeviceEvent::PushTokenRenewed { .. });
    match events.iter().rev().find(|event| push(event)) {
        Some(DeviceEvent::PushTokenRenewed { push, .. }) => push,
        other => panic!("{other:?}"),
    }
}

#[actix_web::test]
async fn a_device_that_changes_its_push_address_all_the_time_is_told_to_come_later_and_the_next_refill_takes_the_newest()
 {
    let (server, clock) = behind_a_proxy().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    let mut statuses = Vec::new();
    for nth in 0..25 {
        statuses.push(device.check_in(&device.token_update(&format!("MAGIC {nth}"))).await);
    }
    assert_eq!((&statuses[..20], &statuses[20..]), (&[200; 20][..], &[503; 5][..]));
    assert_eq!(count(&device, &server, "PushTokenRenewed").await, 20);
    // An unchanged message writes nothing and is answered as usual.
    assert_eq!(device.check_in(&device.token_update("MAGIC 19")).await, 200);
    clock.advance_seconds(600);
    assert_eq!(device.check_in(&device.token_update("MAGIC 24")).await, 200);
    assert_eq!(newest(&device.events(&server).await).push_magic.text(), "MAGIC 24");
    assert_eq!(device.check_in(&device.token_update("MAGIC 25")).await, 503);

    // Other devices are not affected.
    let other = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    assert_eq!(other.check_in(&other.token_update("OTHER")).await, 200);
    suppressed::write_all(server.app()).await;
    let events = device.events(&server).await;
    let Some(DeviceEvent::DeviceEventsSuppressed { count, events }) = events.last() else { panic!("{events:?}") };
    assert_eq!((*count, events["PushTokenRenewed"]), (6, 6));
    assert!(server.metrics().await.contains("muster_alarms_total{alarm=\"device-over-budget\"} 1"));
    server.stop().await;
}

#[actix_web::test]
async fn sixty_messages_at_once_are_never_a_conflict_and_only_what_is_written_draws_on_the_budget() {
    let (server, _) = behind_a_proxy().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    let equal = device.token_update("NEW");
    let statuses = futures_util::future::join_all((0..60).map(|_| device.check_in(&equal))).await;
    assert_eq!(statuses, [200; 60], "one message is written, the others contain nothing new");
    assert_eq!(count(&device, &server, "PushTokenRenewed").await, 1);
    // One of the twenty is already used.
    let others: Vec<_> = (0..60).map(|nth| device.token_update(&format!("MAGIC {nth}"))).collect();
    let statuses = futures_util::future::join_all(others.iter().map(|message| device.check_in(message))).await;
    let taken = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!((taken, statuses.iter().filter(|status| **status == 503).count()), (19, 41));
    assert_eq!(count(&device, &server, "PushTokenRenewed").await, 20);
    server.stop().await;
}

#[actix_web::test]
async fn a_day_of_a_hostile_device_is_a_few_events_and_less_than_a_megabyte() {
    let (server, clock) = behind_a_proxy().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    let before = server.whole_log().await.len();
    // The unlock token has the maximum length that is stored. Two messages every ten minutes.
    for nth in 0..2 * 6 * 24_usize {
        let mut message = device.token_update(&format!("MAGIC {nth}"));
        message.insert("UnlockToken".into(), Value::Data(vec![u8::try_from(nth % 251).unwrap(); 16 * 1024]));
        let status = device.check_in(&message).await;
        assert!([200, 503].contains(&status), "{status}");
        clock.advance_seconds(300);
        suppressed::write_due(server.app()).await;
    }
    let log = server.app().platform.log.store().read_all(None, 100_000).await.unwrap();
    let ours: Vec<_> = log[before..].iter().filter(|recorded| recorded.stream == device.id.stream()).collect();
    let caused = ours.iter().filter(|recorded| recorded.event.event_type == "PushTokenRenewed").count();
    let bytes: usize = ours.iter().map(|recorded| serde_json::to_vec(&recorded.event).unwrap().len()).sum();
    println!("a hostile device writes {} events a day, {caused} by itself, and {bytes} bytes", ours.len());
    assert!(bytes < 1_000_000 && caused <= 20 + 6 * 24 && ours.len() <= caused + 10 + 24, "{} {bytes}", ours.len());
    server.stop().await;
}

#[actix_web::test]
async fn going_back_and_forth_renewing_and_putting_off_draw_on_the_same_budget() {
    let (server, _) = behind_a_proxy().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    server.reacted().await;
    let (first, _) = device.poll().await.unwrap();
    let put_off =
        async |id: &str| harness::devices::command(&device.report_on(&device.report("NotNow", Some(id))).await);
    let (second, _) = put_off(&first).await.unwrap();
    assert_eq!(put_off(&second).await, None);
    for nth in 0..60 {
        put_off(if nth % 2 == 0 { &first } else { &second }).await;
    }
    assert_eq!(
        count(&device, &server, "MdmCommandAnswered").await,
        2 + 20,
        "for each of the two commands, the first answer is always recorded"
    );
    // An enrolled device that installs its profile repeatedly is asked to retry later.
    let mut again = device.authenticate();
    again.insert("BuildVersion".into(), "21F90".into());
    assert_eq!(device.check_in(&again).await, 503);
    // The server also signs no certificate for it.
    let key = KEYS.take(2048).await.unwrap();
    assert!(scep::renew(&server.client(), &scep_payload(&server, ""), IOS, &device.identity, key).await.is_err());
    assert_eq!(count(&device, &server, "IdentityRenewed").await, 0);
    // Commands can still be completed.
    let settled = device.report_on(&device.report("Acknowledged", Some(&first))).await;
    assert_eq!(settled.status, 200);
    assert_eq!(count(&device, &server, "MdmCommandAnswered").await, 2 + 20 + 1);
    server.stop().await;
}

#[actix_web::test]
async fn a_push_address_that_is_empty_or_too_long_is_answered_400_and_other_long_fields_are_left_out_by_name() {
    let (server, _) = behind_a_proxy().await;
    let device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    let mut hello = device.authenticate();
    hello.insert("ProductName".into(), "x".repeat(1_025).into());
    hello.insert("BuildVersion".into(), "y".repeat(1_024).into());
    assert_eq!(device.check_in(&hello).await, 200);
    let empty = [("Token", Value::Data(vec![])), ("PushMagic", "".into())];
    let long = [("Token", Value::Data(vec![1; 257])), ("PushMagic", "m".repeat(257).into())];
    for (key, value) in empty.into_iter().chain(long) {
        let mut message = device.token_update("MAGIC");
        message.insert(key.into(), value);
        assert_eq!(device.check_in(&message).await, 400, "{key}");
    }
    let mut message = device.token_update("MAGIC");
    message.insert("UnlockToken".into(), Value::Data(vec![1; 16 * 1024 + 1]));
    for _ in 0..2 {
        assert_eq!(device.check_in(&message).await, 200);
    }
    let mut left_out = Vec::new();
    for event in device.events(&server).await {
        match event {
            DeviceEvent::DeviceFieldsLeftOut { fields } => left_out.extend(fields),
            DeviceEvent::DeviceAuthenticated { product_name, build_version, .. } => {
                assert_eq!((product_name, build_version.map(|text| text.len())), (None, Some(1_024)));
            }
            DeviceEvent::DeviceEnrolled { push, .. } => assert_eq!(push.unlock_token, None),
            _ => {}
        }
    }
    assert_eq!(left_out, ["ProductName", "UnlockToken"], "each field is reported once");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_of_another_type_is_left_out_and_the_event_names_it() {
    let server = TestServer::start().await;
    let device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    let mut hello = device.authenticate();
    hello.insert("SerialNumber".into(), Value::Boolean(true));
    assert_eq!(device.check_in(&hello).await, 200);
    let mut update = device.token_update("MAGIC");
    update.insert("UnlockToken".into(), "CAgICAgI".into());
    assert_eq!(device.check_in(&update).await, 200);
    let mut left_out = Vec::new();
    for event in device.events(&server).await {
        match event {
            DeviceEvent::DeviceFieldsLeftOut { fields } => left_out.extend(fields),
            DeviceEvent::DeviceEnrolled { push, .. } => assert_eq!(push.unlock_token, None),
            _ => {}
        }
    }
    assert_eq!(left_out, ["SerialNumber", "UnlockToken"]);
    server.stop().await;
}
