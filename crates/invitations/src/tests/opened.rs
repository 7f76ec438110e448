//! What opens an invitation.

use super::*;
use events::invitation::{InvitationRefusal, InvitationToken, RenewalCause};

async fn invited(scene: &Scene) -> InvitationId {
    scene.know(ADA, "ada@school.example").await;
    scene.by_hand(Invitee::Person(ADA)).await
}

#[tokio::test]
async fn a_link_opens_once_however_often_it_is_clicked() {
    let scene = Scene::set().await;
    let id = invited(&scene).await;
    let seen = scene.seen(id, 0).await;
    assert_eq!((seen.refused, seen.token()), (None, InvitationToken::Link));
    assert_eq!(scene.events(id).await, ["InvitationIssued"], "reading a link records nothing");
    for _ in 0..2 {
        assert_eq!(scene.open(&seen, HOME).await, Opened::Here);
    }
    assert_eq!(scene.events(id).await, ["InvitationIssued", "InvitationOpened"]);
}

#[tokio::test]
async fn a_link_with_another_secret_is_refused_and_tells_nothing() {
    let scene = Scene::set().await;
    let id = invited(&scene).await;
    let link = scene.invitations.link(id, 0);
    let token = format!("{}A", link.rsplit_once('/').unwrap().1);
    let seen = scene.invitations.by_link(&token).await.unwrap().unwrap();
    assert!(seen.is_forged());
    let refused = Opened::Refused(InvitationRefusal::Replaced);
    assert_eq!(scene.invitations.open(&seen, None, &operator()).await.unwrap(), refused);
    assert_eq!(scene.events(id).await, ["InvitationIssued", "InvitationRefused"]);
}

#[tokio::test]
async fn a_link_of_an_earlier_generation_was_replaced() {
    let scene = Scene::set().await;
    let id = invited(&scene).await;
    let old = scene.invitations.code(id, 0).await.unwrap();
    let expires = scene.platform().world.now().plus_seconds(DAY);
    scene.invitations.renew(id, RenewalCause::SentAgain, expires, &operator()).await.unwrap();
    let earlier = scene.seen(id, 0).await;
    assert_eq!(earlier.refused, Some(InvitationRefusal::Replaced));
    assert!(!earlier.is_forged());
    assert_eq!(scene.typed(&old).await.unwrap().refused, Some(InvitationRefusal::Replaced));
    let new = scene.invitations.code(id, 1).await.unwrap();
    assert_eq!((scene.seen(id, 1).await.refused, scene.typed(&new).await.unwrap().refused), (None, None));
}

#[tokio::test]
async fn each_reason_why_a_link_opens_nothing_is_told_apart() {
    let scene = Scene::set().await;
    let id = invited(&scene).await;
    scene.clock.advance_seconds(DAY);
    assert_eq!(scene.seen(id, 0).await.refused, Some(InvitationRefusal::Expired));
    scene.invitations.expire(id, &operator()).await.unwrap();
    scene.invitations.expire(id, &operator()).await.unwrap();
    assert_eq!(scene.events(id).await, ["InvitationIssued", "InvitationExpired"]);
    scene.invitations.revoke(id, &operator()).await.unwrap();
    assert_eq!(scene.seen(id, 0).await.refused, Some(InvitationRefusal::Revoked));
    let nobody = scene.invitations.link(InvitationId(Uuid::from_u128(99)), 0);
    let token = nobody.rsplit_once('/').unwrap().1;
    assert!(scene.invitations.by_link(token).await.unwrap().is_none(), "it was never issued");
}

#[tokio::test]
async fn a_code_is_understood_however_it_is_typed() {
    let scene = Scene::set().await;
    let id = invited(&scene).await;
    let code = scene.invitations.code(id, 0).await.unwrap();
    let look_alikes = code.replace('0', "o").replace('1', "l");
    for typed in [code.clone(), code.to_lowercase(), code.replace('-', " "), format!(" {look_alikes} ")] {
        let seen = scene.typed(&typed).await.unwrap();
        assert_eq!((seen.invitation, seen.refused, seen.token()), (id, None, InvitationToken::Code), "{typed}");
    }
    for wrong in ["", "ABC", "not a code"] {
        assert!(scene.typed(wrong).await.is_none(), "{wrong}");
    }
}

#[tokio::test]
async fn wrong_codes_of_one_source_do_not_block_the_right_code_of_another() {
    let scene = Scene::set().await;
    let id = invited(&scene).await;
    let code = scene.invitations.code(id, 0).await.unwrap();
    let mut wrong = 0;
    while let Ok(guess) = scene.invitations.begin_guess(SCHOOL) {
        let typed = scene.invitations.by_code("000-000", guess).await.unwrap();
        assert!(matches!(typed, Typed::Wrong { is_recorded: true }), "{typed:?}");
        wrong += 1;
        assert!(wrong < 1_000, "guessing is bounded");
    }
    let other = IpAddr::from([198, 51, 100, 7]);
    for _ in 0..100 {
        let guess = scene.invitations.begin_guess(other).expect("a right code costs nothing");
        let typed = scene.invitations.by_code(&code, guess).await.unwrap();
        assert!(matches!(&typed, Typed::Invitation(seen) if seen.invitation == id), "{typed:?}");
    }
}

#[tokio::test]
async fn a_code_of_the_page_is_valid_for_ten_minutes() {
    let scene = Scene::set().await;
    let record = scene.import(Some("ada@school.example"), true, Some(RecordOwner::Account {})).await;
    let id = scene.issue(Invitee::Record(record), InvitationDelivery::WebClip).await.unwrap();
    let issued = scene.invitations.issue_device_code(id, &operator()).await.unwrap();
    scene.clock.advance_seconds(599);
    let seen = scene.typed(&issued.code).await.unwrap();
    assert_eq!((seen.refused, seen.token()), (None, InvitationToken::DeviceCode));
    scene.clock.advance_seconds(1);
    assert_eq!(scene.typed(&issued.code).await.unwrap().refused, Some(InvitationRefusal::Replaced));
}

#[tokio::test]
async fn only_the_page_of_a_device_bound_invitation_issues_codes() {
    let scene = Scene::set().await;
    let id = invited(&scene).await;
    let refused = scene.invitations.issue_device_code(id, &operator()).await;
    assert!(matches!(refused, Err(ChangeError::Refused(decisions::invitation::Refusal::NotDeviceBound))));
}
