//! Tests of the eleven steps of an enrollment (docs/glossary.md) in order, by a simulated person with a simulated
//! device and a real server.

mod crowd;
mod late;
mod leaving;
mod restarts;
mod versions;

use harness::cast::{self, Scene, Visitor};
use simulator::acts::Act;
use simulator::model::Family;
use simulator::walk::{Ending, Ownership};

#[tokio::test(flavor = "multi_thread")]
async fn the_eleven_steps_bring_a_personal_iphone_under_management() {
    let scene = Scene::set().await;
    let mut walk = scene.walk(Visitor::personal(Family::IPhone, "17.5"));
    let mut diary = cast::Diary::default();
    let ending = walk.run(&scene.address(), &mut diary).await.unwrap();
    assert!(matches!(ending, Ending::Enrolled(_)), "{ending:?}");
    scene.answer_first_commands(&mut walk.device).await;
    assert_eq!(
        diary.acts,
        [
            Act::ProceedInSpiteOfWarning,
            Act::OpenPortal,
            Act::SignIn,
            Act::ChooseOwnership,
            Act::DownloadCaProfile,
            Act::InstallCaProfile,
            Act::SwitchOnTrust,
            Act::ReportCaProfile,
            Act::GiveManagedAppleId,
            Act::DownloadMdmProfile,
            Act::CheckServer,
            Act::GetIdentity,
            Act::Authenticate,
            Act::TokenUpdate,
            Act::ReportMdmProfile,
            Act::SeeCompletion,
        ]
    );
    assert_eq!(diary.steps(), [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11]);
    assert_eq!(
        scene.log_of(&walk.device).await,
        " 1  VisitOpened          iPhone with iOS 17.5, in en\n \
          2  UserSignedIn         ada via local account\n \
          3  OwnershipChosen      personal, by ada\n \
          4  CaProfileServed\n \
          5  CaInstallReported\n \
          6  ManagedAppleIdGiven\n \
          7  MdmProfileServed     User Enrollment\n \
          8  IdentityIssued\n \
          9  DeviceAuthenticated  iPhone14,5, iOS 17.5\n\
         10  DeviceEnrolled\n\
         11  MdmCommandQueued     DeviceInformation, by reaction to 10\n\
         12  MdmCommandQueued     SecurityInfo, by reaction to 10\n\
         13  MdmCommandDelivered  DeviceInformation\n\
         14  MdmCommandAnswered   DeviceInformation: Acknowledged\n\
         15  InventoryReported    8 values\n\
         16  MdmCommandDelivered  SecurityInfo\n\
         17  MdmCommandAnswered   SecurityInfo: Acknowledged\n\
         18  InventoryReported    3 values"
    );
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_eleven_steps_bring_an_institutional_ipad_under_management() {
    let scene = Scene::set().await;
    let mut walk = scene.walk(Visitor::institutional(Family::IPad, "17.5"));
    let mut diary = cast::Diary::default();
    let ending = walk.run(&scene.address(), &mut diary).await.unwrap();
    assert!(matches!(ending, Ending::Enrolled(_)), "{ending:?}");
    scene.answer_first_commands(&mut walk.device).await;
    // The portal asks which device it is if Safari reports Macintosh. Only personal devices have the Managed Apple ID
    // step.
    assert_eq!(
        diary.acts[..4],
        [Act::ProceedInSpiteOfWarning, Act::OpenPortal, Act::AnswerDeviceQuestion, Act::SignIn]
    );
    assert_eq!(diary.steps(), [0, 1, 2, 3, 5, 6, 8, 9, 10, 11]);
    assert_eq!(
        scene.log_of(&walk.device).await,
        " 1  VisitOpened          iPad with iOS 17.5, in en\n \
          2  UserSignedIn         ada via local account\n \
          3  OwnershipChosen      institutional, by ada\n \
          4  CaProfileServed\n \
          5  CaInstallReported\n \
          6  MdmProfileServed     Device Enrollment\n \
          7  IdentityIssued\n \
          8  DeviceAuthenticated  iPad13,1, iOS 17.5\n \
          9  DeviceEnrolled\n\
         10  MdmCommandQueued     DeviceInformation, by reaction to 9\n\
         11  MdmCommandQueued     SecurityInfo, by reaction to 9\n\
         12  MdmCommandDelivered  DeviceInformation\n\
         13  MdmCommandAnswered   DeviceInformation: Acknowledged\n\
         14  InventoryReported    10 values\n\
         15  MdmCommandDelivered  SecurityInfo\n\
         16  MdmCommandAnswered   SecurityInfo: Acknowledged\n\
         17  InventoryReported    5 values"
    );
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_enrolled_device_is_in_the_inventory_and_in_the_audit_trail() {
    let scene = Scene::set().await;
    let device = scene.enroll(Visitor::personal(Family::IPhone, "17.5")).await;
    let id = cast::id_of(&device);
    scene.server.caught_up().await;
    let projections = &scene.server.app().platform.projections;
    let record = projections::devices::get(projections, id, None).await.unwrap().unwrap();
    assert_eq!(record.state.as_str(), "enrolled");
    assert_eq!(record.user_name.as_deref(), Some("ada"));
    assert_eq!(record.product_name.as_deref(), Some("iPhone14,5"));
    assert_eq!((record.udid, record.serial_number), (None, None));
    let filter = projections::audit::AuditFilter { device: Some(id), ..Default::default() };
    let trail = projections::audit::query(projections, &scene.server.app().platform.log, filter, 100).await.unwrap();
    assert!(trail.rows.iter().any(|row| row.event_type == "DeviceEnrolled"));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_whose_user_leaves_the_root_switched_off_does_not_install_the_mdm_profile() {
    let scene = Scene::set().await;
    let mut walk = scene.walk(Visitor::personal(Family::IPhone, "17.5"));
    walk.person.switches_on_trust = false;
    let error = walk.run(&scene.address(), &mut cast::Diary::default()).await.unwrap_err().to_string();
    assert!(error.contains("The server certificate for") && error.contains("is invalid"), "{error}");
    assert!(scene.server.events_of("device").await.is_empty());
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ownership_is_not_asked_for_where_only_one_kind_is_offered() {
    let scene = Scene::set().await;
    scene.server.settings(|settings| settings.ownership_kinds = [events::enrollment::Ownership::Personal].into()).await;
    let mut diary = cast::Diary::default();
    let mut visitor = Visitor::personal(Family::IPhone, "17.5");
    // The person's preferred answer does not matter.
    visitor.ownership = Ownership::Institutional;
    let mut walk = scene.walk(visitor);
    walk.run(&scene.address(), &mut diary).await.unwrap();
    assert!(!diary.acts.contains(&Act::ChooseOwnership) && diary.acts.contains(&Act::GiveManagedAppleId));
    let log = scene.log_of(&walk.device).await;
    assert!(log.contains("OwnershipChosen      personal, by the settings"), "{log}");
    scene.strike().await;
}
