//! The profiles that devices are given on their way, before they are signed.

use crate::renewal::{ALL_DUE, clock, serve_profile, until, world};
use events::device::CommandStatus;
use harness::account;
use harness::cast::{Visitor, id_of};
use harness::profile_service::ASKS;
use harness::profiles_given;
use simulator::acts::Nobody;
use simulator::model::Family;
use simulator::walk::{Ending, Walk};

#[tokio::test(flavor = "multi_thread")]
async fn the_profiles_of_each_way_say_what_was_reviewed() {
    let clock = clock();
    let scene = account::scene_in(world(&clock)).await;
    let by_portal = async |visitor| {
        let mut walk: Walk = scene.walk(visitor);
        profiles_given::keep(&walk.device.hardware);
        let ending = walk.run(&scene.address(), &mut Nobody).await.unwrap();
        assert!(matches!(ending, Ending::Enrolled(_)), "{ending:?}");
        walk
    };
    let personal = by_portal(Visitor::personal(Family::IPhone, "17.5")).await;
    let institutional = by_portal(Visitor::institutional(Family::IPad, "17.5")).await;
    scene.server.settings(|settings| settings.profile_service = ASKS).await;
    let verified = by_portal(Visitor::institutional(Family::IPhone, "12.0")).await;
    scene.server.settings(|settings| settings.account_driven.required_app_id = Some(361_309_726)).await;
    let mut by_account = account::walk(&scene, Visitor::personal(Family::IPhone, "18.2"));
    profiles_given::keep(&by_account.device.hardware);
    by_account.enroll_with_account(&account::identifier(&scene, "grace"), &mut Nobody).await.unwrap();

    let first = profiles_given::of(&by_account.device.hardware);
    profiles_given::keep(&by_account.device.hardware);
    clock.advance_seconds(ALL_DUE);
    until(&scene.server, id_of(&by_account.device), "IdentityRenewalRequested", 1).await;
    assert_eq!(serve_profile(&mut by_account.device).await, CommandStatus::Acknowledged);
    let texts = [
        ("user-enrollment", profiles_given::of(&personal.device.hardware)),
        ("device-enrollment", profiles_given::of(&institutional.device.hardware)),
        ("device-enrollment-verified-before", profiles_given::of(&verified.device.hardware)),
        ("account-driven", first),
        ("renewal", profiles_given::of(&by_account.device.hardware)),
    ];
    scene.strike().await;
    test_support::snapshots!("profiles", texts);
}
