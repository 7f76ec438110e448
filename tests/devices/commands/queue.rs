//! Tests of cancelled and expired commands, which are never sent, and of sealed secrets in the queue.

use super::{context, id, queue, request};
use decisions::device::{CommandState, Phase, Refusal};
use devices::commands::{Terms, build, security_info};
use events::device::{CommandPayload, CommandStatus, DeviceEvent, Priority};
use events::enrollment::EnrollmentKind;
use harness::TestServer;
use harness::devices::TestDevice;
use harness::waiting::until;
use platform::PerformError;
use plist::Value;

#[actix_web::test]
async fn a_command_that_is_called_off_is_never_sent_again_and_its_late_answer_is_written_down() {
    let server = TestServer::start().await;
    let device = TestDevice::quiet(&server, EnrollmentKind::DeviceEnrollment).await;
    let (never, late) = (id(), id());
    queue(&server, &device, never, &security_info()).await.unwrap();
    for _ in 0..2 {
        server.app().devices.cancel_command(device.id, never, &context(&device)).await.unwrap();
    }
    assert_eq!(device.poll().await, None);
    let cancelled = DeviceEvent::MdmCommandCancelled { command: never };
    assert_eq!(device.events(&server).await.iter().filter(|event| **event == cancelled).count(), 1);
    // The device already has this command when it is cancelled.
    queue(&server, &device, late, &build::lock(None, None)).await.unwrap();
    assert_eq!(device.poll().await.unwrap().0, late.to_string());
    server.app().devices.cancel_command(device.id, late, &context(&device)).await.unwrap();
    assert_eq!(device.poll().await, None);
    device.report_on(&device.report("Acknowledged", Some(&late.to_string()))).await;
    assert_eq!(
        super::answered(&server, &device, late).await,
        [CommandStatus::Acknowledged],
        "the device was locked anyway"
    );
    let refused = server.app().devices.cancel_command(device.id, late, &context(&device)).await;
    assert!(matches!(refused, Err(PerformError::Refused(Refusal::AnsweredCommand { .. }))), "{refused:?}");
    server.stop().await;
}

#[actix_web::test]
async fn a_command_whose_time_is_over_expires_by_the_timer_and_is_not_sent() {
    let server = TestServer::start().await;
    let device = TestDevice::quiet(&server, EnrollmentKind::UserEnrollment).await;
    let id = id();
    let expires = Some(server.app().platform.world.now());
    let terms = Terms { priority: Priority::Urgent, expires, ..Terms::usual("DeviceLock") };
    let lock = build::lock(Some("Please bring me back"), None);
    server.app().devices.queue_command_on(device.id, id, &lock, terms, &context(&device)).await.unwrap();
    let expired = DeviceEvent::MdmCommandExpired { command: id };
    until("the expiry of the command", async || device.events(&server).await.contains(&expired)).await;
    assert_eq!(device.events(&server).await.iter().filter(|event| **event == expired).count(), 1);
    assert_eq!(device.poll().await, None);
    server.stop().await;
}

#[actix_web::test]
async fn the_passcode_is_cleared_with_the_unlock_token_that_the_device_gave_and_the_log_holds_it_once() {
    let server = TestServer::start().await;
    let device = TestDevice::quiet(&server, EnrollmentKind::DeviceEnrollment).await;
    let id = id();
    queue(&server, &device, id, &build::clear_passcode()).await.unwrap();
    let (_, command) = device.poll().await.unwrap();
    assert_eq!(command.get("UnlockToken"), Some(&Value::Data(vec![8; 300])));
    let queued = device.events(&server).await.into_iter().find_map(|event| match event {
        DeviceEvent::MdmCommandQueued { command, payload, .. } if command == id => Some(payload),
        _ => None,
    });
    let Some(CommandPayload::Plain(xml)) = queued else { panic!("{queued:?}") };
    assert!(!xml.contains("UnlockToken"), "{xml}");
    server.stop().await;
}

#[actix_web::test]
async fn what_a_profile_or_a_message_holds_is_sealed_under_the_devices_key() {
    let server = TestServer::start().await;
    let device = TestDevice::quiet(&server, EnrollmentKind::DeviceEnrollment).await;
    let profile = harness::profiles::profile(
        "com.apple.webClip.managed",
        "<key>URL</key><string>https://secret.example</string>\
        <key>Label</key><string>Canteen</string><key>FullScreen</key><true/>",
    );
    queue(&server, &device, id(), &build::install_profile(&profile)).await.unwrap();
    queue(&server, &device, id(), &build::lock(Some("Call Ada at home"), Some("+1 555 0100"))).await.unwrap();
    let queued = device.events(&server).await.into_iter().filter_map(|event| match event {
        DeviceEvent::MdmCommandQueued { request_type, payload: CommandPayload::Sealed(sealed), .. } => {
            assert_eq!(*sealed.key(), device.id.key());
            Some(request_type)
        }
        _ => None,
    });
    assert_eq!(queued.collect::<Vec<_>>(), ["InstallProfile", "DeviceLock"]);
    let bytes = std::fs::read(server.app().config.store.directory.join("events.db")).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(!text.contains("Call Ada at home"), "the message is in plain text in the log's file");
    server.stop().await;
}

#[actix_web::test]
async fn what_is_urgent_overtakes_and_an_erased_device_is_managed_no_more() {
    let server = TestServer::start().await;
    let device = TestDevice::quiet(&server, EnrollmentKind::DeviceEnrollment).await;
    queue(&server, &device, id(), &request("ProfileList")).await.unwrap();
    queue(&server, &device, id(), &build::erase()).await.unwrap();
    let (given, command) = device.poll().await.unwrap();
    assert_eq!(command.get("RequestType").and_then(Value::as_string), Some("EraseDevice"));
    device.report_on(&device.report("Acknowledged", Some(&given))).await;
    let state = server.app().platform.device(device.id).await.unwrap();
    assert_eq!(state.phase, Phase::Unenrolled);
    assert!(state.commands.iter().all(|command| !command.status.is_waiting()));
    assert_eq!(state.commands[state.commands.len() - 2].status, CommandState::Ended);
    server.stop().await;
}
