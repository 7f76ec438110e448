//! "Restored from a backup": up to iOS 26, Device Enrollment with a profile may come back with its management. From iOS
//! 27 on, and always for what was enrolled from Settings, the phone comes back without management and without CheckOut.

use super::*;
use events::record::LinkProof;
use harness::waiting::until;

/// How the phone was enrolled.
#[derive(Debug, Clone, Copy)]
enum Way {
    Profile,
    Settings,
}

async fn enroll_in_way(scene: &Scene, way: Way, person: &str, hardware: &Hardware) -> Device {
    match way {
        Way::Profile => enroll_institutional(scene, person, hardware).await,
        Way::Settings => enroll(scene, person, hardware).await,
    }
}

/// A new phone of the same model and person. It tells another serial number, or the restored one makes contact an hour
/// later, so it is not the same.
async fn is_told_apart_from_a_new_phone(
    (scene, clock): (&Scene, &ManualClock),
    way: Way,
    person: &str,
    mut restored: Device,
) {
    let new = id_of(&enroll_in_way(scene, way, person, &iphone(&restored.hardware.ios.to_string())).await);
    let record = own(&restored);
    let at_first = link_of(scene, record, new).await;
    // Device Enrollment tells another serial number.
    let Way::Settings = way else { return assert_eq!(at_first, None) };
    let at_first = at_first.unwrap();
    assert_eq!((at_first.state, at_first.band), (LinkState::Proposed, LinkBand::Weak), "{at_first:?}");
    clock.advance_seconds(3_600);
    restored.poll().await.unwrap();
    until("the withdrawal", async || link_of(scene, record, new).await.unwrap().state == LinkState::Withdrawn).await;
    let withdrawn = link_of(scene, record, new).await.unwrap();
    assert!(matches!(evidence(&withdrawn).last(), Some(LinkEvidence::HeardAfter { .. })), "{withdrawn:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_is_restored_with_its_management_is_the_same_record_and_no_new_phone() {
    let (scene, clock) = stage().await;
    let mut phone = enroll_institutional(&scene, "grace", &iphone("26.1")).await;
    let before = scene.server.whole_log().await.len();
    phone.renew_push_token().await.unwrap();
    scene.server.reacted().await;
    let after: Vec<String> =
        scene.server.whole_log().await[before..].iter().map(|entry| entry.event.type_name()).collect();
    assert!(after.contains(&"PushTokenRenewed".to_owned()), "{after:?}");
    assert!(!after.contains(&"LinkProposed".to_owned()), "{after:?}");
    assert_eq!(links(&scene, id_of(&phone)).await, []);
    is_told_apart_from_a_new_phone((&scene, &clock), Way::Profile, "grace", phone).await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_is_restored_without_its_management_comes_back_as_a_successor_and_no_new_phone() {
    let (scene, clock) = stage().await;
    let mut restored = Vec::new();
    for (ios, way, person) in
        [("26.1", Way::Profile, "ada"), ("27.0", Way::Profile, "bob"), ("27.0", Way::Settings, "grace")]
    {
        let phone = iphone(ios);
        let old = enroll_in_way(&scene, way, person, &phone).await;
        let record = own(&old);
        let again = enroll_in_way(&scene, way, person, &phone).await;
        let new = id_of(&again);
        let at_first = link(&scene, new).await;
        let band = match way {
            Way::Profile => LinkBand::Strong,
            Way::Settings => LinkBand::Weak,
        };
        assert_eq!((at_first.record, at_first.band), (record, band), "iOS {ios}, {way:?}");
        assert_eq!(at_first.proof, LinkProof::default(), "iOS {ios}, {way:?}: nothing ended the old management");
        // The same UDID in another Device Enrollment is only a claim. That APNs does not know the old token is
        // evidence.
        unregister(&scene, &old).await;
        until("the 410 in the proposal", async || link(&scene, new).await.proof.may_be_retired).await;
        let later = link(&scene, new).await;
        assert_eq!((later.band, later.state), (band, LinkState::Proposed), "iOS {ios}, {way:?}: {later:?}");
        assert!(!later.proof.is_same_device, "iOS {ios}, {way:?}");
        restored.push((way, person, again));
    }
    // The push server has another clock. It must not be behind when it tells since when a token is unknown.
    for (way, person, again) in restored {
        is_told_apart_from_a_new_phone((&scene, &clock), way, person, again).await;
    }
    scene.strike().await;
}
