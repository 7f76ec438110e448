//! Tests of the enrollment type and the pages for each version of iOS.

use harness::cast::{Diary, Scene, Visitor, walk_to};
use simulator::acts::Act;
use simulator::messages::Identifier;
use simulator::model::Family;
use simulator::walk::{Ending, Walk};

#[tokio::test(flavor = "multi_thread")]
async fn personal_devices_from_thirteen_one_to_seventeen_enroll_by_user_enrollment() {
    let scene = Scene::set().await;
    for (family, ios) in [
        (Family::IPhone, "13.1"),
        (Family::IPhone, "15.0"),
        (Family::IPhone, "17.6.1"),
        (Family::IPad, "13.1"),
        (Family::IPad, "16.4"),
    ] {
        let device = scene.enroll(Visitor::personal(family, ios)).await;
        let identifier = &device.management().unwrap().identifier;
        assert!(matches!(identifier, Identifier::EnrollmentId(_)), "{family:?} {ios}: {identifier:?}");
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn institutional_devices_of_any_version_enroll_by_device_enrollment() {
    let scene = Scene::set().await;
    for (family, ios) in [
        (Family::IPhone, "12.4"),
        (Family::IPad, "12.4"),
        (Family::IPhone, "13.1"),
        (Family::IPhone, "18.0"),
        (Family::IPad, "18.2"),
        (Family::IPhone, "26.1"),
        (Family::IPad, "27.0"),
    ] {
        let device = scene.enroll(Visitor::institutional(family, ios)).await;
        let identifier = &device.management().unwrap().identifier;
        assert_eq!(*identifier, Identifier::Udid(device.hardware.udid.clone()), "{family:?} {ios}");
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_devices_from_eighteen_on_are_directed_to_the_account_driven_way() {
    let scene = Scene::set().await;
    for (family, ios) in [(Family::IPhone, "18.0"), (Family::IPhone, "27.0"), (Family::IPad, "18.2")] {
        let mut walk = scene.walk(Visitor::personal(family, ios));
        let ending = walk.run(&scene.address(), &mut Diary::default()).await.unwrap();
        let Ending::Directed(page) = ending else { panic!("{family:?} {ios}: {ending:?}") };
        assert!(page.text.contains("Settings") && page.text.contains("VPN & Device Management"), "{}", page.text);
    }
    assert!(scene.server.events_of("device").await.is_empty());
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_devices_older_than_thirteen_one_get_no_profile() {
    let scene = Scene::set().await;
    let mut walk = scene.walk(Visitor::personal(Family::IPhone, "12.4"));
    let mut diary = Diary::default();
    let ending = walk.run(&scene.address(), &mut diary).await.unwrap();
    let Ending::Directed(page) = ending else { panic!("{ending:?}") };
    assert!(page.text.contains("13.1"), "{}", page.text);
    assert!(!diary.acts.contains(&Act::DownloadMdmProfile));
    scene.strike().await;
}

async fn text_of_ca_page(scene: &Scene, ios: &str) -> String {
    let mut walk: Walk = scene.walk(Visitor::institutional(Family::IPhone, ios));
    let mut diary = Diary::default();
    let page = walk.arrive(&scene.address(), &mut diary).await.unwrap();
    walk_to(&mut walk, page, &mut diary, |page| page.link("profile").is_some()).await.text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_notes_on_the_ca_page_are_those_of_the_device_version() {
    let scene = Scene::set().await;
    // 10.3: Certificate Trust Settings. 11: Allow. 12.2: Close, and Settings.
    let old = text_of_ca_page(&scene, "10.3").await;
    assert!(old.contains("Certificate Trust Settings") && !old.contains("Allow"), "{old}");
    let eleven = text_of_ca_page(&scene, "11.4").await;
    assert!(eleven.contains("Allow") && !eleven.contains("Close"), "{eleven}");
    let newer = text_of_ca_page(&scene, "17.5").await;
    assert!(newer.contains("Allow") && newer.contains("Close") && newer.contains("Settings"), "{newer}");
    scene.strike().await;
}
