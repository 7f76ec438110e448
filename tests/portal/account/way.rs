//! Tests of the whole enrollment from Settings, for every version of iOS that supports it.

use super::enrollment_events;
use events::Event;
use events::device::DeviceEvent;
use events::enrollment::{ChosenBy, DeviceSignature, EnrollmentEvent, EnrollmentMode, EnrollmentRefusal, Ownership};
use events::settings::{AccessRule, Terms, Who};
use events::staff::Privilege;
use harness::account::{GRACE, identifier, institutional, scene, walk};
use harness::cast::{Visitor, id_of};
use harness::desk::Browser;
use simulator::account::AccountError;
use simulator::acts::Nobody;
use simulator::messages::Identifier;
use simulator::model::Family;
use simulator::safari::Opened;
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread")]
async fn personal_devices_from_fifteen_on_enroll_from_settings() {
    let scene = scene().await;
    for (family, ios) in [
        (Family::IPhone, "15.0"),
        (Family::IPad, "16.7"),
        (Family::IPhone, "17.6.1"),
        (Family::IPhone, "18.2"),
        (Family::IPad, "18.0"),
        (Family::IPhone, "26.1"),
        (Family::IPad, "26.0"),
        (Family::IPhone, "27.0"),
    ] {
        let mut walk = walk(&scene, Visitor::personal(family, ios));
        let enrolled = walk.enroll_with_account(&identifier(&scene, "grace"), &mut Nobody).await;
        enrolled.unwrap_or_else(|error| panic!("{family:?} {ios}: {error}"));
        scene.answer_first_commands(&mut walk.device).await;
        let management = walk.device.management().unwrap();
        assert!(matches!(management.identifier, Identifier::EnrollmentId(_)), "{family:?} {ios}");
        assert_eq!(management.mdm.enrollment_mode.as_deref(), Some("BYOD"));
        assert_eq!(
            management.mdm.managed_apple_id.as_deref(),
            Some(GRACE),
            "the assigned Managed Apple ID, not the account name typed in Settings"
        );
        assert!(
            !format!("{:?}", management.profile.dictionary).contains("AccessRights"),
            "the device would cancel the enrollment"
        );
        walk.device.remove_mdm_profile().await.unwrap();
        scene.server.caught_up().await;
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn institutional_devices_from_seventeen_on_enroll_from_settings_as_a_whole() {
    let scene = scene().await;
    institutional(&scene).await;
    for (family, ios) in
        [(Family::IPhone, "17.0"), (Family::IPad, "18.2"), (Family::IPhone, "26.1"), (Family::IPad, "27.0")]
    {
        let mut walk = walk(&scene, Visitor::institutional(family, ios));
        let enrolled = walk.enroll_with_account(&identifier(&scene, "grace"), &mut Nobody).await;
        enrolled.unwrap_or_else(|error| panic!("{family:?} {ios}: {error}"));
        scene.answer_first_commands(&mut walk.device).await;
        let management = walk.device.management().unwrap();
        assert_eq!(management.identifier, Identifier::Udid(walk.device.hardware.udid.clone()));
        assert_eq!(management.mdm.enrollment_mode.as_deref(), Some("ADDE"));
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_stands_in_the_log_and_in_the_record() {
    let scene = scene().await;
    let mut walk = walk(&scene, Visitor::personal(Family::IPhone, "18.2"));
    walk.enroll_with_account(&identifier(&scene, "grace"), &mut Nobody).await.unwrap();
    let events = enrollment_events(&scene).await;
    let names: Vec<String> = events.iter().map(|event| Event::from(event.clone()).type_name()).collect();
    let expected = "VisitOpened AccountDrivenBegun UserSignedIn OwnershipChosen ManagedAppleIdAssigned AccessTokenIssued \
                    MachineInformationReceived MdmProfileServed IdentityIssued";
    assert_eq!(names.join(" "), expected);
    assert!(events.contains(&EnrollmentEvent::AccountDrivenBegun { mode: EnrollmentMode::Byod, state: None }));
    let chosen = EnrollmentEvent::OwnershipChosen { ownership: Ownership::Personal, chosen_by: ChosenBy::Policy };
    assert!(events.contains(&chosen), "the requested version implies the ownership; the person was not asked");
    let said = events.iter().find_map(|event| match event {
        EnrollmentEvent::MachineInformationReceived { signature, product, .. } => Some((*signature, product.clone())),
        _ => None,
    });
    assert_eq!(
        said,
        Some((DeviceSignature::UnknownIssuer, Some("iPhone14,5".into()))),
        "the tests have no real Apple device"
    );
    scene.server.caught_up().await;
    let administrator = Browser::signed_in(&scene.server, "boss", &[Privilege::Administrator]).await;
    let record = administrator.get(&format!("/console/devices/{}", id_of(&walk.device))).await.body;
    assert!(record.contains("account-driven") && record.contains(GRACE), "{record}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_managed_apple_id_nobody_knows_is_asked_for_it() {
    let scene = scene().await;
    let mut walk = walk(&scene, Visitor::personal(Family::IPhone, "18.2"));
    walk.person.user_name = "ada".into();
    walk.enroll_with_account(&identifier(&scene, "somebody-else"), &mut Nobody).await.unwrap();
    let given = walk.device.management().unwrap().mdm.managed_apple_id.clone();
    assert_eq!(given.as_deref(), Some("ada@appleid.example.com"));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn terms_are_read_in_the_sheet_that_settings_opens() {
    let scene = scene().await;
    let terms = Terms { version: "1".into(), text: [("en".to_owned(), "Be kind.".to_owned())].into() };
    scene.server.settings(|settings| settings.terms = [(Ownership::Personal, terms)].into()).await;
    let mut walk = walk(&scene, Visitor::personal(Family::IPad, "18.2"));
    walk.enroll_with_account(&identifier(&scene, "grace"), &mut Nobody).await.unwrap();
    let accepted = |event: &EnrollmentEvent| matches!(event, EnrollmentEvent::TermsAccepted { .. });
    assert!(enrollment_events(&scene).await.iter().any(accepted));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_enroll_by_account_is_told_so_at_sign_in() {
    let scene = scene().await;
    let portal_only = AccessRule {
        name: "portal".into(),
        who: Who::Everyone,
        provider: None,
        enroll: BTreeSet::from([Ownership::Personal, Ownership::Institutional]),
        account_driven: false,
        terms_required: false,
        devices_per_person: None,
    };
    scene.server.settings(|settings| settings.access = vec![portal_only]).await;
    let mut walk = walk(&scene, Visitor::personal(Family::IPhone, "18.2"));
    let refused = walk.enroll_with_account(&identifier(&scene, "grace"), &mut Nobody).await.unwrap_err();
    assert!(matches!(refused, AccountError::Stopped(_)), "{refused}");
    let ended = EnrollmentEvent::EnrollmentRefused { why: EnrollmentRefusal::NotPermitted };
    assert!(enrollment_events(&scene).await.contains(&ended));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_that_may_come_later_without_asking_is_named_in_the_profile() {
    let scene = scene().await;
    scene.server.settings(|settings| settings.account_driven.required_app_id = Some(1_234_567_890)).await;
    let mut walk = walk(&scene, Visitor::personal(Family::IPhone, "18.2"));
    walk.enroll_with_account(&identifier(&scene, "grace"), &mut Nobody).await.unwrap();
    let profile = format!("{:?}", walk.device.management().unwrap().profile.dictionary);
    assert!(profile.contains("RequiredAppIDForMDM") && profile.contains("1234567890"), "{profile}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_left_enrolls_again_from_settings_as_another_one() {
    let scene = scene().await;
    let mut walk = walk(&scene, Visitor::personal(Family::IPhone, "18.2"));
    walk.enroll_with_account(&identifier(&scene, "grace"), &mut Nobody).await.unwrap();
    let first = id_of(&walk.device);
    walk.device.remove_mdm_profile().await.unwrap();
    scene.server.caught_up().await;
    walk.enroll_with_account(&identifier(&scene, "grace"), &mut Nobody).await.unwrap();
    assert_ne!(first, id_of(&walk.device));
    let left = scene.server.log_of(&first.stream()).await;
    assert!(left.iter().any(|entry| matches!(entry.event, Event::Device(DeviceEvent::DeviceCheckedOut { .. }))));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opens_the_portal_after_settings_reads_where_the_device_stands_and_can_begin_anew() {
    let scene = scene().await;
    let mut walk = walk(&scene, Visitor::personal(Family::IPhone, "18.2"));
    walk.enroll_with_account(&identifier(&scene, "grace"), &mut Nobody).await.unwrap();
    // The sheet in Settings and Safari share cookies.
    let page = walk.arrive(&scene.address(), &mut Nobody).await.unwrap();
    assert!(page.url.path().ends_with("/complete") && page.text.contains("is enrolled"), "{}", page.text);
    walk.device.remove_mdm_profile().await.unwrap();
    let page = walk.arrive(&scene.address(), &mut Nobody).await.unwrap();
    assert!(page.form("again").is_some(), "{}", page.text);
    let Opened::Page(page) = walk.safari.send_form("again", &[]).await.unwrap() else { panic!("no page") };
    assert!(page.asks_for("user_name"), "{}", page.text);
    scene.strike().await;
}
