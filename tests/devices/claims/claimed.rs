//! Tests of a claim without evidence: it ends no record, and staff see it.

use super::*;
use devices::commands::device_information;
use events::device::AttestationRefusal;
use events::enrollment::EnrollmentKind;
use harness::desk::Browser;
use harness::waiting::PATIENCE;

#[tokio::test(flavor = "multi_thread")]
async fn who_claims_the_udid_of_another_persons_device_ends_nothing_and_is_seen() {
    let (scene, _file) = stage(false).await;
    let hardware = ipad("17.5");
    let mut real = enroll(&scene, "ada", &hardware).await;
    let mut fake = enroll(&scene, "bob", &hardware).await;
    let (old, new) = (id_of(&real), id_of(&fake));
    noted(&scene, new).await;
    // The forged device has an attestation from its own root.
    fake.poll().await.unwrap();
    let refused = |event: &DeviceEvent| {
        matches!(event, DeviceEvent::HardwareAttestationRefused { why: AttestationRefusal::ForeignRoot, .. })
    };
    until_event(&scene, new, "the refused attestation", refused).await;
    scene.server.settled().await;

    ask(&scene, old).await;
    let handled = real.serve_once(PATIENCE).await.unwrap();
    assert_eq!(handled[0].request_type, "SecurityInfo", "another person's device got no other command");
    assert_eq!((state(&scene, old).await, state(&scene, new).await), (State::Enrolled, State::Enrolled));
    assert!(!is_in_log(&scene, |event| matches!(event, Event::Device(DeviceEvent::DeviceSuperseded { .. }))).await);
    assert_eq!((alarms(&scene, "hardware-claimed"), alarms(&scene, "device-revived")), (1, 0));

    let staff = Browser::signed_in(&scene.server, "grace", &[Privilege::Administrator]).await;
    let page = staff.get(&format!("/console/devices/{new}")).await.body;
    assert!(page.contains("Claims the same hardware as") && page.contains(&format!("/console/devices/{old}")));
    assert!(page.contains("it is not signed by a trusted root"), "{page}");
    let page = staff.get(&format!("/console/devices/{old}")).await.body;
    assert!(page.contains("Its hardware is claimed by") && page.contains(&format!("/console/devices/{new}")));
    assert_eq!(staff.get("/console/devices").await.body.matches("Hardware claim<").count(), 2);
    let export = staff.get("/console/devices/export?format=jsonl").await.body;
    assert!(export.contains(&format!("\"claims_hardware_of\":\"{old}\"")), "{export}");
    assert!(export.contains(&format!("\"hardware_claimed_by\":\"{new}\"")), "{export}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_fakes_an_enrollment_of_their_own_device_stays_within_reach_of_lock_and_erase() {
    let (scene, _file) = stage(true).await;
    let hardware = ipad("17.5");
    let mut real = enroll(&scene, "ada", &hardware).await;
    let mut fake = enroll_as(&scene, "ada", &hardware, Some(Pretence::OwnRoot)).await;
    let (old, new) = (id_of(&real), id_of(&fake));
    noted(&scene, new).await;
    fake.poll().await.unwrap();
    // The push token still works: the device may be in a drawer or in airplane mode. Silence does not end a record.
    until_event(&scene, old, "the push", |event| matches!(event, DeviceEvent::DevicePushed { .. })).await;
    scene.server.settled().await;
    assert_eq!(state(&scene, old).await, State::Enrolled);
    // The device has contacted the server since, so a dead token alone does not end the record.
    let handled = real.serve_once(PATIENCE).await.unwrap();
    assert_eq!(handled[0].request_type, "SecurityInfo");
    let token = real.management().unwrap().push.token.clone();
    scene.push_server.refuse(&token, 410, "Unregistered");
    ask(&scene, old).await;
    until_event(&scene, old, "the 410", |event| matches!(event, DeviceEvent::PushFailed { .. })).await;
    scene.server.settled().await;
    assert_eq!((superseded(&scene, old).await, state(&scene, old).await), (None, State::Enrolled));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_claims_are_one_event_each_and_one_alarm_for_each_pair() {
    let (scene, _file) = stage(true).await;
    let hardware = ipad("15.8");
    let mut devices = Vec::new();
    for person in ["ada", "bob", "ada"] {
        devices.push(enroll(&scene, person, &hardware).await);
        scene.server.settled().await;
    }
    let ids: Vec<DeviceId> = devices.iter().map(id_of).collect();
    let claim = |event| match event {
        DeviceEvent::HardwareClaimNoted { others, count } => Some((others, count)),
        _ => None,
    };
    let noted: Vec<_> = events(&scene, ids[2]).await.into_iter().filter_map(claim).collect();
    assert_eq!(noted, [(vec![ids[1], ids[0]], 2)]);
    assert_eq!(alarms(&scene, "hardware-claimed"), 3);
    // A version of iOS without attestation is not asked for one.
    assert!(
        !is_in_log(&scene, |event| {
            matches!(event, Event::Device(DeviceEvent::HardwareAttestationRequested { .. }))
        })
        .await
    );
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_version_ended_on_a_claim_comes_back_when_the_device_speaks() {
    use events::EventId;
    use events::envelope::NewEvent;
    use events::store::Expected;
    let (scene, _file) = stage(true).await;
    let hardware = ipad("15.8");
    let mut device = enroll(&scene, "ada", &hardware).await;
    let (id, by) = (id_of(&device), DeviceId(scene.server.app().platform.world.random_uuid()));
    let waiting = ask(&scene, id).await;
    let app = scene.server.app().clone();
    let ended = NewEvent {
        id: EventId(app.platform.world.uuid()),
        event_type: "DeviceSuperseded".into(),
        version: 1,
        at: app.platform.world.now(),
        actor: Actor::new(ActorKind::System, "supersede"),
        source: serde_json::Value::Null,
        correlation: id.0,
        causation: None,
        data: serde_json::json!({ "by": by }),
    };
    app.platform.log.store().append(&id.stream(), Expected::Any, vec![ended]).await.unwrap();
    assert_eq!(state(&scene, id).await, State::Superseded);
    assert_eq!(superseded(&scene, id).await, Some((by, SupersessionEvidence::Claimed)));

    let handled = device.poll().await.unwrap();
    assert!(handled.iter().any(|one| one.command_uuid == waiting.to_string()), "its queue continues");
    assert_eq!(state(&scene, id).await, State::Enrolled);
    assert_eq!(alarms(&scene, "device-revived"), 1);
    let revived = |event: &DeviceEvent| *event == DeviceEvent::DeviceRevived { superseded_by: by };
    assert_eq!(events(&scene, id).await.iter().filter(|event| revived(event)).count(), 1);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_tells_the_hardware_of_another_device_in_an_answer_is_found_by_its_own_and_the_claim_is_seen() {
    let (scene, _file) = stage(false).await;
    let (victim, own) = (ipad("17.5"), ipad("17.5"));
    let real = enroll(&scene, "ada", &victim).await;
    let mut liar = enroll(&scene, "bob", &own).await;
    let (old, new) = (id_of(&real), id_of(&liar));
    scene.server.settled().await;
    until("an empty queue", async || polls(&mut liar).await.unwrap().is_empty()).await;
    liar.tells_to_be = Some(victim.clone());
    let question = device_information(EnrollmentKind::DeviceEnrollment, None);
    let app = scene.server.app();
    let context = Context::of(Actor::new(ActorKind::Operator, "test"), None, app.platform.world.uuid());
    app.devices.queue_command(new, CommandId(app.platform.world.uuid()), &question, &context).await.unwrap();
    assert_eq!(polls(&mut liar).await, Ok(vec!["DeviceInformation".into()]));
    noted(&scene, new).await;
    // The alarm follows the event.
    scene.server.settled().await;
    assert_eq!(alarms(&scene, "hardware-claimed"), 1);
    assert_eq!(state(&scene, old).await, State::Enrolled);

    let projections = &scene.server.app().platform.projections;
    let liars = projections::devices::get(projections, new, None).await.unwrap().unwrap();
    assert_eq!((liars.udid.as_deref(), liars.serial_number.as_deref()), (Some(&*own.udid), Some(&*own.serial_number)));
    let told = projections::devices::known(projections, new, None).await.unwrap();
    assert_eq!(told["UDID"].as_deref(), Some(&*victim.udid), "the contradicting UDID is shown");
    let staff = Browser::signed_in(&scene.server, "grace", &[Privilege::Administrator]).await;
    for identifier in [&victim.udid, &victim.serial_number] {
        let list = staff.get(&format!("/console/devices?q={identifier}")).await.body;
        assert!(list.contains(&format!("/console/devices/{old}")), "{identifier}");
        assert!(!list.contains(&format!("/console/devices/{new}")), "{identifier} finds a device that only claims it");
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_udid_with_blanks_around_it_claims_the_same_hardware() {
    let (scene, _file) = stage(false).await;
    let hardware = ipad("15.8");
    let real = enroll(&scene, "ada", &hardware).await;
    let blank = Hardware { udid: format!(" {} ", hardware.udid), ..hardware };
    let fake = enroll(&scene, "bob", &blank).await;
    noted(&scene, id_of(&fake)).await;
    assert_eq!(state(&scene, id_of(&real)).await, State::Enrolled);
    scene.strike().await;
}
