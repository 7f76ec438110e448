//! Earlier enrollments of this installation.

use super::*;
use harness::waiting::until;

#[tokio::test(flavor = "multi_thread")]
async fn who_removes_the_old_management_first_is_one_person_with_one_phone() {
    let (scene, _clock) = stage().await;
    for ios in WAYS {
        let phone = iphone(ios);
        let mut old = enroll(&scene, "grace", &phone).await;
        let record = own(&old);
        old.remove_mdm_profile().await.unwrap();
        let new = enroll(&scene, "grace", &phone).await;
        let links = links(&scene, id_of(&new)).await;
        let link = links.iter().find(|link| link.record == record).unwrap();
        let told = evidence(link);
        assert!(told.contains(&LinkEvidence::SamePerson {}) && told.contains(&LinkEvidence::SameModel {}), "{told:?}");
        assert!(matches!(told.last(), Some(LinkEvidence::CheckedOutBefore { .. })), "{told:?}");
        assert_eq!((link.state, link.band), (LinkState::Proposed, LinkBand::Probable), "iOS {ios}");
        assert!(link.proof.may_be_retired && !link.proof.is_same_device, "iOS {ios}: the model is no proof");
        let mut new = new;
        new.remove_mdm_profile().await.unwrap();
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_phone_is_weak_at_once_and_after_the_old_one_stayed_silent() {
    let (scene, clock) = stage().await;
    let mut olds = Vec::new();
    for (ios, person) in TRAVELERS {
        olds.push((ios, person, enroll(&scene, person, &iphone(ios)).await));
    }
    clock.advance_seconds(30 * DAY);
    let mut pairs = Vec::new();
    for (ios, person, old) in &olds {
        let new = id_of(&enroll(&scene, person, &old.hardware).await);
        let at_first = link(&scene, new).await;
        assert_eq!((at_first.record, at_first.band), (own(old), LinkBand::Weak), "iOS {ios}");
        assert!(!at_first.proof.may_be_retired, "iOS {ios}: Muster still manages it: silence is no end");
        pairs.push((*ios, own(old), new));
    }
    ask_silence(&scene, &clock).await;
    for (ios, record, new) in &pairs {
        let later = link(&scene, *new).await;
        assert!(is_silent(&later), "iOS {ios}: {later:?}");
        assert_eq!((later.band, later.proof.may_be_retired), (LinkBand::Weak, false), "iOS {ios}");
        let told = events_of(&scene, &record.stream()).await;
        assert_eq!(told, ["LinkProposed", "SilenceAsked"], "iOS {ios}");
    }
    ask_silence(&scene, &clock).await;
    for (ios, record, new) in pairs {
        assert_eq!(link(&scene, new).await.band, LinkBand::Weak, "iOS {ios}");
        let told = events_of(&scene, &record.stream()).await.len();
        assert_eq!(told, 2, "iOS {ios}: one question for each proposal");
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_phone_of_the_same_model_is_told_apart_by_the_first_contact_of_the_old_one() {
    let (scene, clock) = stage().await;
    let mut pairs = Vec::new();
    for (ios, person) in TRAVELERS {
        let old = enroll(&scene, person, &iphone(ios)).await;
        let new = id_of(&enroll(&scene, person, &iphone(ios)).await);
        assert_eq!(link(&scene, new).await.band, LinkBand::Weak, "iOS {ios}");
        pairs.push((ios, old, new));
    }
    // The push of the question is no contact.
    scene.server.settled().await;
    clock.advance_seconds(3_600);
    for (ios, mut old, new) in pairs {
        old.poll().await.unwrap();
        until("the withdrawal", async || link(&scene, new).await.state == LinkState::Withdrawn).await;
        let withdrawn = link(&scene, new).await;
        let last = *evidence(&withdrawn).last().unwrap();
        assert!(matches!(last, LinkEvidence::HeardAfter { .. }), "iOS {ios}: {withdrawn:?}");
        let stream = id_of(&old).stream();
        let heard =
            async || events_of(&scene, &stream).await.iter().filter(|event| *event == "DeviceHeardFrom").count();
        assert_eq!(heard().await, 1, "iOS {ios}");
        scene.server.settled().await;
        assert!(old.poll().await.unwrap().is_empty(), "iOS {ios}: the answer causes no other question");
        assert_eq!(heard().await, 1, "iOS {ios}: later contact is no event again");
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_out_an_hour_after_the_enrollment_is_worked_in() {
    let (scene, clock) = stage().await;
    let mut old = enroll(&scene, "grace", &iphone("18.2")).await;
    let new = id_of(&enroll(&scene, "grace", &iphone("18.2")).await);
    assert!(!link(&scene, new).await.proof.may_be_retired);
    clock.advance_seconds(3_600);
    old.remove_mdm_profile().await.unwrap();
    until("the removal in the proposal", async || link(&scene, new).await.proof.may_be_retired).await;
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_person_on_the_same_ipad_is_no_successor() {
    let (scene, _clock) = stage().await;
    for (ios, person) in TRAVELERS {
        let ipad = Hardware::new(Family::IPad, ios.parse().unwrap());
        let mut old = enroll(&scene, person, &ipad).await;
        let record = own(&old);
        old.remove_mdm_profile().await.unwrap();
        let (_, other) = TRAVELERS.into_iter().find(|(_, other)| *other != person).unwrap();
        let new = id_of(&enroll(&scene, other, &ipad).await);
        assert_eq!(link_of(&scene, record, new).await, None, "iOS {ios}");
        assert_eq!(events_of(&scene, &record.stream()).await, [""; 0], "iOS {ios}: nobody is proposed");
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_model_of_the_same_person_is_no_successor() {
    let (scene, _clock) = stage().await;
    enroll(&scene, "grace", &Hardware::new(Family::IPad, "18.2".parse().unwrap())).await;
    let new = id_of(&enroll(&scene, "grace", &iphone("18.2")).await);
    assert_eq!(links(&scene, new).await, []);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_record_is_proposed_like_any_other() {
    let (scene, _clock) = stage().await;
    for (ios, person) in TRAVELERS {
        let phone = iphone(ios);
        let mut old = enroll(&scene, person, &phone).await;
        let (id, record) = (id_of(&old), own(&old));
        old.remove_mdm_profile().await.unwrap();
        let archive = decisions::device::Command::Archive;
        let platform = &scene.server.app().platform;
        platform.perform::<decisions::device::Device>(&id.stream(), &archive, &operator(&scene)).await.unwrap();
        let new = id_of(&enroll(&scene, person, &phone).await);
        let link = link(&scene, new).await;
        assert_eq!(
            (link.record, link.band, link.state),
            (record, LinkBand::Probable, LinkState::Proposed),
            "iOS {ios}"
        );
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_three_records_are_proposed_for_an_enrollment_and_a_stronger_one_takes_the_place_of_the_weakest() {
    let (scene, _clock) = stage().await;
    let phone = iphone("18.2");
    // The push tokens live as long as the devices. A dead one would be evidence.
    let mut olds = Vec::new();
    for _ in 0..4 {
        olds.push(enroll(&scene, "grace", &phone).await);
        scene.server.settled().await;
    }
    let new = id_of(&enroll(&scene, "grace", &phone).await);
    let newest: Vec<_> = olds[1..].iter().rev().map(own).collect();
    assert_eq!(proposed(&scene, new).await, newest, "of equal ones, the newest");
    let oldest = &olds[0];
    unregister(&scene, oldest).await;
    until("the stronger proposal", async || proposed(&scene, new).await.contains(&own(oldest))).await;
    assert_eq!(proposed(&scene, new).await.len(), 3);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_proposed_by_a_name_is_withdrawn_when_the_person_has_many_devices() {
    let (scene, _clock) = stage().await;
    scene.server.settings(|settings| settings.reenrollment.most_records_by_person = 2).await;
    let phone = iphone("18.2");
    enroll(&scene, "grace", &phone).await;
    let second = id_of(&enroll(&scene, "grace", &phone).await);
    assert_eq!(link(&scene, second).await.state, LinkState::Proposed);
    enroll(&scene, "grace", &phone).await;
    let withdrawn = link(&scene, second).await;
    assert_eq!(withdrawn.state, LinkState::Withdrawn, "{withdrawn:?}");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_many_devices_gets_no_proposal_by_their_name_alone() {
    let (scene, _clock) = stage().await;
    scene.server.settings(|settings| settings.reenrollment.most_records_by_person = 2).await;
    let phone = iphone("18.2");
    let mut old = enroll(&scene, "grace", &phone).await;
    enroll(&scene, "grace", &phone).await;
    let third = id_of(&enroll(&scene, "grace", &phone).await);
    scene.server.reacted().await;
    assert_eq!(links(&scene, third).await, []);
    let record = own(&old);
    old.remove_mdm_profile().await.unwrap();
    scene.server.settings(|settings| settings.reenrollment.most_records_by_person = 10).await;
    let fourth = id_of(&enroll(&scene, "grace", &phone).await);
    assert!(links(&scene, fourth).await.iter().any(|link| link.record == record));
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_removes_nothing_gets_the_error_of_ios_and_nothing_is_proposed_until_they_do() {
    let (scene, _clock) = stage().await;
    for ios in WAYS {
        let old = enroll(&scene, "grace", &iphone(ios)).await;
        let record = own(&old);
        let Err((mut phone, why)) = enroll_again(&scene, "grace", old).await else {
            panic!("iOS keeps one management")
        };
        assert!(why.contains("an old MDM profile has to be removed first"), "iOS {ios}: {why}");
        scene.server.reacted().await;
        let told = events_of(&scene, &record.stream()).await;
        assert!(!told.contains(&"LinkProposed".to_owned()), "iOS {ios}: {told:?}");
        phone.remove_mdm_profile().await.unwrap();
        let mut new = enroll_again(&scene, "grace", phone).await.unwrap_or_else(|(_, why)| panic!("{why}"));
        let link = links(&scene, id_of(&new)).await.into_iter().find(|link| link.record == record).unwrap();
        assert_eq!(link.band, LinkBand::Probable, "iOS {ios}: {link:?}");
        new.remove_mdm_profile().await.unwrap();
    }
    scene.strike().await;
}
