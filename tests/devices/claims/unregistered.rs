//! Tests of a device that was erased and enrolled again, detected by the push service's response to the old token; and
//! of the return of a record that was ended wrongly.

use super::*;
use simulator::messages;
use std::sync::Arc;
use world::{Clock as _, ManualClock, SystemClock};

/// Sets up two records of one person and one hardware. The earlier record was ended wrongly: the push service reports
/// its token as dead, but the device is in use. Returns this device and both ids.
async fn ended_wrongly(scene: &Scene) -> (Device, DeviceId, DeviceId) {
    let hardware = ipad("15.8");
    let real = enroll(scene, "ada", &hardware).await;
    let token = real.management().unwrap().push.token.clone();
    scene.push_server.refuse(&token, 410, "Unregistered");
    let fake = enroll(scene, "ada", &hardware).await;
    let (old, new) = (id_of(&real), id_of(&fake));
    until("the end of the earlier record", async || superseded(scene, old).await.is_some()).await;
    assert_eq!(superseded(scene, old).await, Some((new, SupersessionEvidence::PushUnregistered)));
    (real, old, new)
}

/// Returns the commands that a record had not answered when it ended.
async fn unanswered(scene: &Scene, id: DeviceId) -> Vec<CommandId> {
    let mut waiting = Vec::new();
    for event in events(scene, id).await {
        match event {
            DeviceEvent::MdmCommandQueued { command, .. } => waiting.push(command),
            DeviceEvent::MdmCommandAnswered { command, .. } => waiting.retain(|other| *other != command),
            _ => {}
        }
    }
    waiting
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_erased_and_enrolled_again_by_its_person_is_one_record_without_help() {
    let (scene, _file) = stage(false).await;
    for ios in ["15.8", "17.5"] {
        let hardware = ipad(ios);
        let erased = enroll(&scene, "ada", &hardware).await;
        let old = id_of(&erased);
        drop(erased);
        let again = enroll(&scene, "ada", &hardware).await;
        until("the end of the earlier record", async || superseded(&scene, old).await.is_some()).await;
        assert_eq!(superseded(&scene, old).await, Some((id_of(&again), SupersessionEvidence::PushUnregistered)));
        assert_eq!(state(&scene, old).await, State::Superseded);
        let device = projections::devices::get(&scene.server.app().platform.projections, id_of(&again), None).await;
        assert_eq!(device.unwrap().unwrap().claims, [], "nothing is left to decide");
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_dead_before_the_device_enrolled_again_is_evidence_too() {
    let (scene, _file) = stage(false).await;
    let hardware = ipad("15.8");
    let erased = enroll(&scene, "ada", &hardware).await;
    let old = id_of(&erased);
    drop(erased);
    ask(&scene, old).await;
    until_event(&scene, old, "the 410", |event| matches!(event, DeviceEvent::PushFailed { .. })).await;
    let again = enroll(&scene, "ada", &hardware).await;
    until("the end of the earlier record", async || superseded(&scene, old).await.is_some()).await;
    assert_eq!(superseded(&scene, old).await, Some((id_of(&again), SupersessionEvidence::PushUnregistered)));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dead_token_of_another_persons_device_is_no_evidence() {
    let (scene, _file) = stage(true).await;
    let hardware = ipad("15.8");
    let erased = enroll(&scene, "ada", &hardware).await;
    let old = id_of(&erased);
    drop(erased);
    let again = enroll(&scene, "bob", &hardware).await;
    noted(&scene, id_of(&again)).await;
    ask(&scene, old).await;
    until_event(&scene, old, "the 410", |event| matches!(event, DeviceEvent::PushFailed { .. })).await;
    scene.server.settled().await;
    assert_eq!((superseded(&scene, old).await, state(&scene, old).await), (None, State::Enrolled));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_ended_wrongly_comes_back_with_its_queue_and_an_alarm() {
    let (scene, _file) = stage(true).await;
    let (mut real, old, new) = ended_wrongly(&scene).await;
    scene.server.settled().await;
    let app = scene.server.app().clone();
    let context = Context::of(Actor::new(ActorKind::Operator, "test"), None, app.platform.world.uuid());
    let refused =
        app.devices.queue_command(old, CommandId(app.platform.world.uuid()), &security_info(), &context).await;
    assert!(refused.is_err(), "a record that ended accepts no commands");

    let waiting = unanswered(&scene, old).await;
    assert!(!waiting.is_empty(), "the claim or the link asks whether it is still managed");
    let sent: Vec<String> = real.poll().await.unwrap().into_iter().map(|one| one.command_uuid).collect();
    assert!(waiting.iter().all(|command| sent.contains(&command.to_string())), "{waiting:?} waited: {sent:?}");
    assert_eq!(alarms(&scene, "device-revived"), 1);
    let revived = DeviceEvent::DeviceRevived { superseded_by: new };
    assert!(events(&scene, old).await.contains(&revived));
    assert_eq!((state(&scene, old).await, state(&scene, new).await), (State::Enrolled, State::Enrolled));
    let device = projections::devices::get(&app.platform.projections, old, None).await.unwrap().unwrap();
    assert_eq!((device.claimed_by, device.superseded_by, device.ended_at), (vec![new], None, None));
    // A repeated poll raises no second alarm, and the same dead token does not end the record again.
    scene.server.settled().await;
    assert_eq!(polls(&mut real).await, Ok(vec![]), "its contact answers whether it is still managed");
    assert_eq!(alarms(&scene, "device-revived"), 1);
    real.renew_push_token().await.unwrap();
    ask(&scene, old).await;
    assert_eq!(polls(&mut real).await, Ok(vec!["SecurityInfo".into()]));
    scene.server.settled().await;
    assert_eq!(state(&scene, old).await, State::Enrolled);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_thirty_days_the_end_stands() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let (scene, _file) = stage_in(World::at(clock.clone()), true).await;
    let (mut real, old, _new) = ended_wrongly(&scene).await;
    let revoked = async || {
        scene.server.caught_up().await;
        let app = scene.server.app();
        let found =
            projections::certificates::revoked(&app.platform.projections, app.platform.world.now()).await.unwrap();
        found.iter().any(|one| one.device == old)
    };
    assert!(!revoked().await, "the record may still be revived");
    clock.advance_seconds(30 * 86_400 + 1);
    assert!(revoked().await);
    assert_eq!(polls(&mut real).await, Err(403));
    assert_eq!(state(&scene, old).await, State::Superseded);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_out_of_the_earlier_record_confirms_its_end() {
    let (scene, _file) = stage(true).await;
    let (mut real, old, _new) = ended_wrongly(&scene).await;
    let management = real.management().unwrap();
    let goodbye = messages::check_out(&management.identifier, &management.mdm.topic);
    let url = management.mdm.check_in_url.clone();
    let content_type = "application/x-apple-aspen-mdm-checkin";
    let answer = real.send(management, &url, content_type, &messages::xml(&goodbye)).await.unwrap();
    assert_eq!(answer.status, 200);
    let events = events(&scene, old).await;
    assert!(events.iter().any(|event| matches!(event, DeviceEvent::DeviceCheckedOut { .. })));
    assert_eq!(polls(&mut real).await, Err(403), "the device left");
    assert_eq!((state(&scene, old).await, alarms(&scene, "device-revived")), (State::Superseded, 0));
    scene.strike().await;
}
