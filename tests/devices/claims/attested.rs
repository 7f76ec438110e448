//! Tests of attestations: an attestation by Apple that was made for the new record is evidence; anything else is not.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use events::device::AttestationRefusal;
use std::sync::Arc;
use world::{Clock as _, ManualClock, SystemClock};

const DAY: i64 = 86_400;

#[tokio::test(flavor = "multi_thread")]
async fn an_attested_device_ends_the_earlier_record_whoever_it_belongs_to() {
    let (scene, _file) = stage(true).await;
    let hardware = ipad("17.5");
    let mut before = enroll(&scene, "ada", &hardware).await;
    let mut after = enroll(&scene, "bob", &hardware).await;
    let (old, new) = (id_of(&before), id_of(&after));
    noted(&scene, new).await;
    let handled = async || {
        let log = events(&scene, new).await;
        log.iter().any(|event| matches!(event, DeviceEvent::HardwareAttested { .. }))
    };
    until("the request for an attestation", async || {
        let asked = |event: &DeviceEvent| matches!(event, DeviceEvent::HardwareAttestationRequested { .. });
        events(&scene, new).await.iter().any(asked)
    })
    .await;
    after.poll().await.unwrap();
    assert!(handled().await);
    until("the end of the earlier record", async || superseded(&scene, old).await.is_some()).await;
    assert_eq!(superseded(&scene, old).await, Some((new, SupersessionEvidence::Attestation)));
    assert_eq!(polls(&mut before).await, Err(403), "proven by attestation: contact does not revive the record");
    assert_eq!((state(&scene, old).await, state(&scene, new).await), (State::Superseded, State::Enrolled));
    assert_eq!(alarms(&scene, "device-revived"), 0);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attestation_that_is_foreign_old_of_other_hardware_or_not_there_changes_nothing() {
    let (scene, _file) = stage(true).await;
    for (pretence, expected) in [
        (Pretence::None, AttestationRefusal::NotGiven),
        (Pretence::OwnRoot, AttestationRefusal::ForeignRoot),
        (Pretence::Expired, AttestationRefusal::OutOfTime),
        (Pretence::Nonce, AttestationRefusal::OtherNonce),
        (Pretence::Udid("00008110-0000000000000000".into()), AttestationRefusal::OtherHardware),
    ] {
        let hardware = ipad("17.5");
        let real = enroll(&scene, "ada", &hardware).await;
        let mut fake = enroll_as(&scene, "bob", &hardware, Some(pretence)).await;
        let (old, new) = (id_of(&real), id_of(&fake));
        let asked = |event: &DeviceEvent| matches!(event, DeviceEvent::HardwareAttestationRequested { .. });
        until_event(&scene, new, "the request for an attestation", asked).await;
        fake.poll().await.unwrap();
        let refused = |event: &DeviceEvent| matches!(event, DeviceEvent::HardwareAttestationRefused { .. });
        until_event(&scene, new, "the refusal", refused).await;
        let why = events(&scene, new).await.into_iter().find_map(|event| match event {
            DeviceEvent::HardwareAttestationRefused { why, .. } => Some(why),
            _ => None,
        });
        assert_eq!(why, Some(expected));
        scene.server.settled().await;
        assert_eq!(superseded(&scene, old).await, None, "{expected:?}");
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_asked_for_another_attestation_after_seven_days_and_not_before() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let (scene, _file) = stage_in(World::at(clock.clone()), true).await;
    let hardware = ipad("17.5");
    let real = enroll(&scene, "ada", &hardware).await;
    let mut after = enroll_as(&scene, "bob", &hardware, Some(Pretence::Nonce)).await;
    let (old, new) = (id_of(&real), id_of(&after));
    let asked = async || {
        let asked = |event: &&DeviceEvent| matches!(event, DeviceEvent::HardwareAttestationRequested { .. });
        events(&scene, new).await.iter().filter(asked).count()
    };
    until("the request for an attestation", async || asked().await == 1).await;
    after.poll().await.unwrap();
    scene.server.settled().await;
    clock.advance_seconds(7 * DAY - 60);
    scene.server.timer_looked().await;
    assert_eq!(asked().await, 1);
    clock.advance_seconds(60);
    until("the second request for an attestation", async || asked().await == 2).await;
    // The device can now make a new attestation, which contains the nonce.
    after.attesting = simulator::attestation::Attesting::default();
    after.poll().await.unwrap();
    until("the end of the earlier record", async || superseded(&scene, old).await.is_some()).await;
    assert_eq!(superseded(&scene, old).await, Some((new, SupersessionEvidence::Attestation)));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nonce_is_in_no_plain_text_of_the_log() {
    let (scene, _file) = stage(true).await;
    let hardware = ipad("17.5");
    let real = enroll(&scene, "ada", &hardware).await;
    let mut after = enroll(&scene, "bob", &hardware).await;
    let new = id_of(&after);
    let asked = |event: &DeviceEvent| matches!(event, DeviceEvent::HardwareAttestationRequested { .. });
    until_event(&scene, new, "the request for an attestation", asked).await;
    after.poll().await.unwrap();
    let commands = scene.server.app().platform.device(new).await.unwrap().commands.clone();
    let nonce =
        |command| devices::commands::asked(command)?.get("DeviceAttestationNonce")?.as_data().map(<[u8]>::to_vec);
    let nonces: Vec<Vec<u8>> = commands.iter().filter_map(nonce).collect();
    assert_eq!((nonces.len(), nonces[0].len()), (1, 32));
    let encoded = STANDARD.encode(&nonces[0]);
    let stored = std::fs::read(scene.server.app().config.store.directory.join("events.db")).unwrap();
    assert!(!String::from_utf8_lossy(&stored).contains(&encoded[..20]));
    drop(real);
    scene.strike().await;
}
