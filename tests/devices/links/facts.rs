//! Single pieces of evidence: the marketing name, what the person says, silence that nobody can know, and the order of
//! two enrollments.

use super::*;
use decisions::record::Refusal;
use events::record::{PreviousAnswer, Silence};
use harness::waiting::until;
use reenrollment::DecideError;

#[tokio::test(flavor = "multi_thread")]
async fn a_marketing_name_is_evidence_if_it_is_known_and_neither_for_nor_against_if_it_is_not() {
    let (scene, _clock) = stage().await;
    let new = id_of(&enroll(&scene, "grace", &iphone("18.2")).await);
    let person = person_of(&scene, new).await;
    let rows = "1,,iPhone 13,15.7,2026-01-10,,\n2,,iPhone 11,15.7,2026-01-10,,\n\
        3,,The phone of Grace,15.7,2026-01-10,,\n";
    import(&scene, "Jamf Pro", rows).await;
    for (id, expected) in
        [("1", Some((LinkEvidence::SameModel {}, 6))), ("3", Some((LinkEvidence::ModelUnknown {}, 4))), ("2", None)]
    {
        let old = record(&scene, "Jamf Pro", id);
        resolve(&scene, old, RecordOwner::Unique { person }).await;
        let link = link_of(&scene, old, new).await;
        let told = link.as_ref().map(|link| (evidence(link)[1], link.score));
        assert_eq!(told, expected, "{id}: {link:?}");
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_person_says_at_the_portal_or_in_settings_counts_and_proves_nothing() {
    let (scene, _clock) = stage().await;
    for (ios, person) in TRAVELERS {
        let ipad = Hardware::new(Family::IPad, ios.parse().unwrap());
        let mut earlier = enroll(&scene, person, &ipad).await;
        let owner = RecordOwner::Unique { person: person_of(&scene, id_of(&earlier)).await };
        earlier.remove_mdm_profile().await.unwrap();
        import(&scene, person, "1,\"iPhone14,5\",,15.7,2026-01-10,,\n").await;
        let old = record(&scene, person, "1");
        resolve(&scene, old, owner).await;
        scene.server.reacted().await;
        for (says, answer, score) in [
            ("another_device", PreviousAnswer::AnotherDevice, Some(3)),
            ("this_device", PreviousAnswer::ThisDevice, Some(9)),
        ] {
            let mut walk = scene.walk(Visitor::personal(Family::IPhone, ios));
            walk.person.user_name = person.into();
            walk.says_of_earlier = Some(says);
            let mut new = enroll_by(&scene, walk, &mut Nobody).await.unwrap_or_else(|(_, why)| panic!("{why}"));
            let link = link_of(&scene, old, id_of(&new)).await;
            assert_eq!(link.as_ref().map(|link| link.score), score, "iOS {ios}: {link:?}");
            if let Some(link) = link {
                assert!(evidence(&link).contains(&LinkEvidence::Answered { answer }), "iOS {ios}: {link:?}");
                assert!(!link.proof.is_same_device, "iOS {ios}");
            }
            new.remove_mdm_profile().await.unwrap();
        }
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_no_push_reached_is_not_silent() {
    let (scene, clock) = stage().await;
    let old = enroll(&scene, "grace", &iphone("18.2")).await;
    // APNs accepts none of the pushes, for a reason that says nothing about the device.
    scene.push_server.refuse(&old.management().unwrap().push.token, 403, "InvalidProviderToken");
    let new = id_of(&enroll(&scene, "grace", &iphone("18.2")).await);
    ask_silence(&scene, &clock).await;
    let link = link(&scene, new).await;
    assert_eq!((link.silence, link.band), (Some(Silence::Unknown {}), LinkBand::Weak), "{link:?}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_is_never_the_successor_of_a_later_one() {
    let (scene, clock) = stage().await;
    let mut first = enroll(&scene, "grace", &iphone("18.2")).await;
    let mut second = enroll(&scene, "grace", &iphone("18.2")).await;
    assert_eq!(link(&scene, id_of(&second)).await.record, own(&first));
    // Everything that is known about the later one is weighed, and nothing is proposed.
    clock.advance_seconds(3_600);
    let record = own(&second);
    second.poll().await.unwrap();
    second.remove_mdm_profile().await.unwrap();
    first.poll().await.unwrap();
    assert_eq!(links(&scene, id_of(&first)).await, []);
    let backwards = Pair { record, successor: id_of(&first) };
    let confirmed = scene.server.app().reenrollment.confirm(backwards, &operator(&scene)).await;
    assert!(matches!(confirmed, Err(DecideError::Refused(Refusal::NoLink))), "{confirmed:?}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_a_decision_frees_goes_to_the_next_record() {
    let (scene, _clock) = stage().await;
    let phone = iphone("18.2");
    let mut olds = Vec::new();
    for _ in 0..4 {
        olds.push(enroll(&scene, "grace", &phone).await);
        scene.server.settled().await;
    }
    let new = id_of(&enroll(&scene, "grace", &phone).await);
    let newest: Vec<_> = olds[1..].iter().rev().map(own).collect();
    assert_eq!(proposed(&scene, new).await, newest);
    let rejected = Pair { record: newest[0], successor: new };
    scene.server.app().reenrollment.reject(rejected, &operator(&scene)).await.unwrap();
    let next = own(&olds[0]);
    until("the next proposal", async || proposed(&scene, new).await.contains(&next)).await;
    assert_eq!(proposed(&scene, new).await, [newest[1], newest[2], next]);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undone_confirmation_brings_back_what_it_withdrew() {
    let (scene, _clock) = stage().await;
    let phone = iphone("18.2");
    let mut old = enroll(&scene, "grace", &phone).await;
    let record = own(&old);
    old.remove_mdm_profile().await.unwrap();
    let mut successors = Vec::new();
    for _ in 0..2 {
        successors.push(id_of(&enroll(&scene, "grace", &phone).await));
    }
    let states = async || {
        let mut states = Vec::new();
        for successor in &successors {
            states.push(link_of(&scene, record, *successor).await.unwrap().state);
        }
        states
    };
    assert_eq!(states().await, [LinkState::Proposed, LinkState::Proposed]);
    let (reenrollment, context) = (&scene.server.app().reenrollment, operator(&scene));
    let pair = Pair { record, successor: successors[0] };
    reenrollment.confirm(pair, &context).await.unwrap();
    until("the withdrawal", async || states().await == [LinkState::Confirmed, LinkState::Withdrawn]).await;
    reenrollment.undo(pair, &context).await.unwrap();
    until("both proposals", async || states().await == [LinkState::Proposed, LinkState::Proposed]).await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_of_a_cart_finds_the_record_whose_serial_number_it_tells_among_many() {
    let (scene, _clock) = stage().await;
    let ipad = Hardware::new(Family::IPad, "18.2".parse().unwrap());
    let mut first = enroll_institutional(&scene, "grace", &ipad).await;
    let (owner, earlier) = (RecordOwner::Unique { person: person_of(&scene, id_of(&first)).await }, own(&first));
    first.remove_mdm_profile().await.unwrap();
    // The device's own record has the oldest contact: it is not among the newest ones of the owner.
    let others = (2..=13).map(|id| format!("{id},\"{}\",,15.7,2026-01-10,,F2LXAAAAAA{id:02}\n", ipad.product));
    let own_row = format!("1,\"{}\",,15.7,2025-01-10,,{}\n", ipad.product, ipad.serial_number);
    import(&scene, "Jamf Pro", &(own_row + &others.collect::<String>())).await;
    for id in 1..=13 {
        resolve(&scene, record(&scene, "Jamf Pro", &id.to_string()), owner).await;
    }
    let new = id_of(&enroll_institutional(&scene, "grace", &ipad).await);
    let found = links(&scene, new).await;
    for old in [earlier, record(&scene, "Jamf Pro", "1")] {
        let link = found.iter().find(|link| link.record == old).unwrap_or_else(|| panic!("{found:?}"));
        assert!(evidence(link).contains(&LinkEvidence::SameHardwareTold {}), "{link:?}");
        assert!(link.band >= LinkBand::Probable && !link.proof.is_same_device, "{link:?}");
    }
    assert_eq!(found.len(), 2, "those with another serial number are not proposed: {found:?}");
    scene.strike().await;
}
