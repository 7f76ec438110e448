//! Who can use an invitation.

use super::*;
use events::invitation::InvitationRefusal;
use events::record::RecordOwner;

async fn opened(scene: &Scene, id: InvitationId, enrollment: EnrollmentId) {
    let seen = scene.seen(id, 0).await;
    assert_eq!(scene.open(&seen, enrollment).await, Opened::Here);
}

#[tokio::test]
async fn the_person_uses_it_once() {
    let scene = Scene::set().await;
    scene.know(ADA, "ada@school.example").await;
    let id = scene.by_hand(Invitee::Person(ADA)).await;
    assert_eq!(scene.spend(id, HOME, ADA).await, Spent::NotOpened);
    opened(&scene, id, HOME).await;
    opened(&scene, id, OTHER).await;
    for _ in 0..2 {
        assert_eq!(scene.spend(id, HOME, ADA).await, Spent::Used);
    }
    assert_eq!(scene.spend(id, OTHER, ADA).await, Spent::Used, "there is no device yet");
    assert_eq!(scene.seen(id, 0).await.refused, None);
    scene.authenticate(OTHER, ADA).await;
    assert_eq!(scene.spend(id, HOME, ADA).await, Spent::Refused(InvitationRefusal::Used));
    assert_eq!(scene.seen(id, 0).await.refused, Some(InvitationRefusal::Used));
}

#[tokio::test]
async fn an_effect_takes_nothing_back_from_the_enrollment_that_used_it() {
    let scene = Scene::set().await;
    scene.know(ADA, "ada@school.example").await;
    let id = scene.by_hand(Invitee::Person(ADA)).await;
    opened(&scene, id, HOME).await;
    opened(&scene, id, OTHER).await;
    assert_eq!(scene.spend(id, HOME, ADA).await, Spent::Used);
    let late = Spender { enrollment: OTHER, person: ADA, is_now: false };
    let spent = scene.invitations.spend(id, late, &operator()).await.unwrap();
    assert_eq!(spent, Spent::Refused(InvitationRefusal::Used));
    let events = scene.events(id).await;
    assert!(!events.contains(&"InvitationRefused".to_owned()), "nobody was refused: {events:?}");
}

#[tokio::test]
async fn another_person_does_not_use_it_up() {
    let scene = Scene::set().await;
    scene.know(ADA, "ada@school.example").await;
    scene.know(GRACE, "grace@school.example").await;
    let id = scene.by_hand(Invitee::Person(ADA)).await;
    opened(&scene, id, HOME).await;
    for _ in 0..2 {
        assert_eq!(scene.spend(id, HOME, GRACE).await, Spent::Refused(InvitationRefusal::OtherPerson));
    }
    assert_eq!(scene.events(id).await, ["InvitationIssued", "InvitationOpened", "InvitationRefused"]);
    opened(&scene, id, OTHER).await;
    assert_eq!(scene.spend(id, OTHER, ADA).await, Spent::Used);
}

#[tokio::test]
async fn who_opened_it_in_time_may_still_use_it_unless_it_was_revoked() {
    let scene = Scene::set().await;
    scene.know(ADA, "ada@school.example").await;
    let id = scene.by_hand(Invitee::Person(ADA)).await;
    opened(&scene, id, HOME).await;
    opened(&scene, id, OTHER).await;
    scene.clock.advance_seconds(2 * DAY);
    scene.invitations.expire(id, &operator()).await.unwrap();
    assert_eq!(scene.spend(id, HOME, ADA).await, Spent::Used);

    let later = Request {
        id: scene.invitations.id_of("two"),
        ..scene.request(Invitee::Person(ADA), InvitationDelivery::ByHand)
    };
    scene.invitations.issue(&later, &operator()).await.unwrap();
    opened(&scene, later.id, HOME).await;
    scene.invitations.revoke(later.id, &operator()).await.unwrap();
    assert_eq!(scene.spend(later.id, HOME, ADA).await, Spent::Refused(InvitationRefusal::Revoked));
}

#[tokio::test]
async fn a_mail_address_lets_its_holder_in_and_hands_them_the_key() {
    let scene = Scene::set().await;
    let id = scene.by_hand(Invitee::Mail { address: "ada@school.example".into(), full_name: None }).await;
    scene.know(GRACE, "grace@school.example").await;
    scene.know(ADA, "ADA@school.example").await;
    opened(&scene, id, HOME).await;
    assert_eq!(scene.spend(id, HOME, GRACE).await, Spent::Refused(InvitationRefusal::OtherPerson));
    assert_eq!(scene.spend(id, HOME, ADA).await, Spent::Used);
    scene.destroy(&ADA.key());
    let past = scene.platform().log.read(&id.stream()).await.unwrap();
    let events::Event::Invitation(events::invitation::InvitationEvent::InvitationIssued { recipient, .. }) =
        &past[0].event
    else {
        panic!("{past:?}")
    };
    assert_eq!(recipient.details.get(), None, "the address is erased with the person who used the invitation");
}

#[tokio::test]
async fn an_invitation_for_a_record_is_for_the_owner_of_the_record_alone() {
    let scene = Scene::set().await;
    scene.know(ADA, "ada@school.example").await;
    let record = scene.import(Some("ada@school.example"), true, Some(RecordOwner::Account {})).await;
    let id = scene.by_hand(Invitee::Record(record)).await;
    opened(&scene, id, HOME).await;
    assert_eq!(scene.spend(id, HOME, ADA).await, Spent::Undecided, "the owner is not found yet");
    assert_eq!(scene.events(id).await, ["InvitationIssued", "InvitationOpened"], "nothing is recorded yet");
    scene.own(record, RecordOwner::Unique { person: GRACE }).await;
    assert_eq!(scene.spend(id, HOME, ADA).await, Spent::Refused(InvitationRefusal::OtherPerson));
    scene.own(record, RecordOwner::Unique { person: ADA }).await;
    assert_eq!(scene.spend(id, HOME, ADA).await, Spent::Used);
}

#[tokio::test]
async fn who_has_a_value_of_the_record_and_contradicts_another_is_another_person_at_once() {
    let scene = Scene::set().await;
    let user_name =
        |name: &str| sign_in::owner_key(&scene.platform().secrets, LOCAL, OwnerAttribute::UserName, name).unwrap();
    let address = scene.key("ada@school.example");
    scene.know_by(ADA, "ada@school.example", vec![address.clone(), user_name("ada2")]).await;
    let owner = Some(RecordOwner::Unknown {});
    let record = scene.import_by(Some("ada@school.example"), vec![address, user_name("ada1")], owner).await;
    let id = scene.by_hand(Invitee::Record(record)).await;
    opened(&scene, id, HOME).await;
    assert_eq!(scene.spend(id, HOME, ADA).await, Spent::Refused(InvitationRefusal::OtherPerson));
}

#[tokio::test]
async fn who_has_no_value_of_the_record_is_another_person_although_its_owner_is_unknown() {
    let scene = Scene::set().await;
    scene.know(GRACE, "grace@school.example").await;
    let record = scene.import(Some("ada@school.example"), true, None).await;
    let id = scene.by_hand(Invitee::Record(record)).await;
    opened(&scene, id, HOME).await;
    assert_eq!(scene.spend(id, HOME, GRACE).await, Spent::Refused(InvitationRefusal::OtherPerson));
}

#[tokio::test]
async fn the_address_of_an_invitation_that_was_never_used_is_erased_with_the_person_who_has_it() {
    let scene = Scene::set().await;
    let id = scene.by_hand(Invitee::Mail { address: "ada@school.example".into(), full_name: None }).await;
    scene.know(ADA, "ada@school.example").await;
    scene.know(GRACE, "grace@school.example").await;
    scene.head().await;
    let address = || async {
        let state = scene.invitations.state(id).await.unwrap();
        state.issued.as_ref().unwrap().recipient.details.get().cloned()
    };
    scene.invitations.hand_over(GRACE).await.unwrap();
    scene.destroy(&GRACE.key());
    assert!(address().await.is_some(), "that of somebody else stays");
    scene.invitations.hand_over(ADA).await.unwrap();
    scene.destroy(&ADA.key());
    assert_eq!(address().await, None);
}
