//! Tests of the Profile Service: every version and family, the recorded events, and lost responses.

use super::{enrollments, scene};
use apple::check_profile;
use decisions::apple_target;
use events::device::DeviceId;
use events::enrollment::{DeviceSignature, EnrollmentEvent, EnrollmentKind, Evidence, OsVersion};
use events::staff::Privilege;
use harness::cast::{Diary, Scene, Visitor, id_of};
use harness::desk::Browser;
use harness::profile_service::{ASKS, taken};
use harness::waiting::until;
use plist::Value;
use simulator::acts::{Act, Nobody};
use simulator::device::Device;
use simulator::messages::Identifier;
use simulator::model::Family;
use simulator::profile::Profile;
use simulator::scep;
use simulator::walk::{Ending, Walk};

async fn arrived(walk: &mut Walk, scene: &Scene) -> Diary {
    let mut diary = Diary::default();
    let ending = walk.run(&scene.address(), &mut diary).await.unwrap();
    assert!(matches!(ending, Ending::Enrolled(_)), "{ending:?}");
    scene.answer_first_commands(&mut walk.device).await;
    diary
}

#[tokio::test(flavor = "multi_thread")]
async fn institutional_devices_of_any_version_say_what_they_are_and_then_enroll() {
    let (scene, _file) = scene(true, ASKS).await;
    for (family, ios) in [
        (Family::IPhone, "12.4"),
        (Family::IPad, "12.4"),
        (Family::IPhone, "13.1"),
        (Family::IPad, "17.5"),
        (Family::IPhone, "17.6.1"),
        (Family::IPhone, "18.0"),
        (Family::IPad, "18.2"),
        (Family::IPhone, "26.1"),
        (Family::IPad, "26.1"),
    ] {
        let mut walk = scene.walk(Visitor::institutional(family, ios));
        let diary = arrived(&mut walk, &scene).await;
        let verified = diary.acts.iter().position(|act| *act == Act::BeVerified);
        assert!(
            verified < diary.acts.iter().position(|act| *act == Act::CheckServer),
            "{family:?} {ios}: {:?}",
            diary.acts
        );
        assert_eq!(diary.acts.iter().filter(|act| **act == Act::BeVerified).count(), 1, "{family:?} {ios}");
        let device = walk.device;
        let identifier = &device.management().unwrap().identifier;
        assert_eq!(*identifier, Identifier::Udid(device.hardware.udid.clone()), "{family:?} {ios}");
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_served_and_what_the_device_told_is_on_record() {
    let (scene, _file) = scene(true, ASKS).await;
    let mut walk = scene.walk(Visitor::institutional(Family::IPhone, "17.5"));
    arrived(&mut walk, &scene).await;
    let log = scene.log_of(&walk.device).await;
    let names: Vec<&str> = log.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    let served = names.iter().position(|name| *name == "ProfileServiceServed").unwrap();
    assert_eq!(
        names[served..served + 7],
        [
            "ProfileServiceServed",
            "DeviceAttributesReported",
            "VerificationProfileServed",
            "VerificationIdentityIssued",
            "MdmProfileServed",
            "IdentityIssued",
            "DeviceAuthenticated"
        ],
        "{log}"
    );
    assert!(log.contains("iPhone14,5, genuine"), "{log}");
    let hardware = &walk.device.hardware;
    let told = enrollments(&scene).await.into_iter().find_map(|event| match event {
        EnrollmentEvent::DeviceAttributesReported { attributes, signature, .. } => Some((attributes, signature)),
        _ => None,
    });
    let (attributes, signature) = told.unwrap();
    assert_eq!(signature, DeviceSignature::Genuine);
    assert_eq!(attributes.udid.get(), Some(&hardware.udid));
    assert_eq!(attributes.serial_number.and_then(|serial| serial.get().cloned()), Some(hardware.serial_number.clone()));
    assert_eq!(attributes.imei.and_then(|imei| imei.get().cloned()), hardware.imei);
    assert_eq!(attributes.build_version, Some(hardware.ios.build()));
    // The attributes are sealed: they are not readable in the files of the log.
    let file = std::fs::read(scene.server.directory().join("data/events.db")).unwrap();
    let wal = std::fs::read(scene.server.directory().join("data/events.db-wal")).unwrap_or_default();
    for secret in [&hardware.udid, &hardware.serial_number] {
        let found = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found(&file) && !found(&wal), "{secret} is in plain text");
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_of_an_unknown_ca_enrolls_and_the_record_says_so() {
    let (scene, _file) = scene(false, ASKS).await;
    let mut walk = scene.walk(Visitor::institutional(Family::IPad, "18.2"));
    arrived(&mut walk, &scene).await;
    let log = scene.log_of(&walk.device).await;
    assert!(log.contains("of an unknown issuer"), "{log}");
    // The console shows it on the pages of the device and of the enrollment.
    scene.server.caught_up().await;
    let admin = Browser::signed_in(&scene.server, "grace", &[Privilege::Administrator]).await;
    let id = id_of(&walk.device);
    for path in [format!("/console/devices/{id}"), format!("/console/visits/{id}")] {
        let page = admin.get(&path).await;
        let told = "The device identified itself: iPad13,1, build 22C79; its signature is from an unknown issuer";
        assert!(page.body.contains(told), "{path}: {}", page.body);
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_devices_are_never_asked_and_neither_is_anybody_where_the_setting_is_off() {
    let (scene, _file) = scene(true, ASKS).await;
    scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    scene.server.settings(|settings| settings.profile_service.enabled = false).await;
    scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await;
    assert!(
        !enrollments(&scene).await.iter().any(|event| matches!(event, EnrollmentEvent::ProfileServiceServed { .. }))
    );
    scene.strike().await;
}

fn keeps_the_rules(profile: &Profile, version: &str) {
    assert!(profile.signed);
    let (value, version) = (Value::Dictionary(profile.dictionary.clone()), OsVersion::parse(version));
    let found = check_profile(&value, apple_target(EnrollmentKind::DeviceEnrollment, version));
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_profiles_keep_apples_rules_and_a_repeated_request_is_answered_again() {
    let (scene, _file) = scene(true, ASKS).await;
    for (family, ios) in
        [(Family::IPhone, "12.4"), (Family::IPad, "13.1"), (Family::IPhone, "17.5"), (Family::IPad, "18.1")]
    {
        let (walk, service) = taken(&scene, Visitor::institutional(family, ios)).await;
        let device = walk.device;
        let message = device.sign_built_in(&device.attributes(&service)).unwrap();
        let first = device.send_over_the_air(&service, message.clone(), "first").await.unwrap();
        let again = device.send_over_the_air(&service, message, "again").await.unwrap();
        keeps_the_rules(&first, ios);
        assert!(first.mdm.is_none() && first.certificates.is_empty() && first.scep.is_some());
        let challenge = |profile: &Profile| profile.scep.as_ref().unwrap().challenge.clone();
        assert_ne!(challenge(&first), challenge(&again), "each serving has its own challenge");
        let client = device.trust.client().unwrap();
        let by = scep::enroll(&client, again.scep.as_ref().unwrap(), device.hardware.ios, &keys()).await.unwrap();
        for _ in 0..2 {
            let profile = device.ask_as_verified(&service, &by).await.unwrap();
            keeps_the_rules(&profile, ios);
            assert!(profile.mdm.is_some());
        }
    }
    scene.strike().await;
}

fn keys() -> simulator::keys::KeyPool {
    simulator::keys::KeyPool::fresh()
}

/// The same hardware without any data, as after an erasure.
fn erased(device: &Device) -> Visitor {
    Visitor { hardware: device.hardware.clone(), ..Visitor::institutional(device.hardware.family, "17.5") }
}

#[tokio::test(flavor = "multi_thread")]
async fn hardware_that_is_managed_already_is_found_before_it_gets_the_profile() {
    let (scene, _file) = scene(true, ASKS).await;
    let first = scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await;
    let old: DeviceId = id_of(&first);
    let (mut walk, service) = taken(&scene, erased(&first)).await;
    walk.device.be_verified(&service).await.unwrap();
    let found = enrollments(&scene).await.into_iter().any(|event| {
        matches!(&event, EnrollmentEvent::PreviousRecordFound { records, count: 1 }
            if records[0].device == old && records[0].evidence == [Evidence::SameHardware])
    });
    assert!(found);
    // The device enrolls anyway, and then the old record ends.
    walk.device.install().await.unwrap();
    let is_end = |line: &str| line.contains("DeviceSuperseded") && line.contains("profile service");
    until("the end of the old record", async || scene.log(old).await.lines().any(is_end)).await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hardware_that_no_known_ca_vouches_for_is_a_claim_and_ends_no_record() {
    let (scene, _file) = scene(false, ASKS).await;
    let mut first = scene.enroll(Visitor::institutional(Family::IPhone, "15.8")).await;
    let (old, like) = (id_of(&first), erased(&first));
    let later = scene.enroll(like).await;
    until("the claim", async || scene.log(id_of(&later)).await.contains("HardwareClaimNoted")).await;
    scene.server.settled().await;
    assert!(!scene.log(old).await.contains("DeviceSuperseded"));
    first.poll().await.unwrap();
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_person_may_come_back_before_the_device_is_through_and_the_page_waits() {
    let (scene, _file) = scene(true, ASKS).await;
    let (mut walk, _service) = taken(&scene, Visitor::institutional(Family::IPhone, "17.5")).await;
    let page = |opened| match opened {
        simulator::safari::Opened::Page(page) => *page,
        _ => panic!("no page"),
    };
    let offered = page(walk.safari.open(&format!("{}/mdm", scene.address())).await.unwrap());
    assert!(offered.text.contains("is checked") && offered.text.contains("Trust"), "{}", offered.text);
    let waits = page(walk.safari.send_form("continue", &[]).await.unwrap());
    assert!(waits.url.path().ends_with("/enroll/complete"), "{}", waits.url);
    assert!(waits.refresh.is_some(), "{}", waits.text);
    walk.device.install().await.unwrap();
    let there = page(walk.safari.open(&format!("{}/complete", scene.address())).await.unwrap());
    assert!(there.refresh.is_none(), "{}", there.text);
    scene.answer_first_commands(&mut walk.device).await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_loses_nothing() {
    let (mut scene, _file) = scene(true, ASKS).await;
    let (mut walk, service) = taken(&scene, Visitor::institutional(Family::IPhone, "17.5")).await;
    let by = walk.device.be_verified(&service).await.unwrap();
    scene.server.restart().await;
    walk.device.ask_as_verified(&service, &by).await.unwrap();
    walk.device.install_watched(&mut Nobody).await.unwrap();
    scene.answer_first_commands(&mut walk.device).await;
    scene.strike().await;
}
