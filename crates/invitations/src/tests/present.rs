//! Whom an invitation is for after a later import.

use super::*;

/// An invitation for the owner of a record with these keys, whom nobody knows.
async fn invited(scene: &Scene, keys: Vec<OwnerKey>) -> (RecordId, InvitationId) {
    let record = scene.import_by(Some("ada@school.example"), keys, Some(RecordOwner::Unknown {})).await;
    (record, scene.by_hand(Invitee::Record(record)).await)
}

async fn why_not(scene: &Scene, id: InvitationId) -> Option<NotIssued> {
    let issued = scene.invitations.state(id).await.unwrap().issued.clone().unwrap();
    scene.invitations.present(id, &issued).await.unwrap().err()
}

fn user_name(scene: &Scene, name: &str) -> OwnerKey {
    sign_in::owner_key(&scene.platform().secrets, LOCAL, OwnerAttribute::UserName, name).unwrap()
}

#[tokio::test]
async fn another_owner_rule_is_no_other_owner_and_another_value_is() {
    let scene = Scene::set().await;
    let (record, id) = invited(&scene, vec![scene.key("ada@school.example")]).await;
    assert_eq!(why_not(&scene, id).await, None);
    scene.import_again(record, vec![user_name(&scene, "ada")]).await;
    assert_eq!(why_not(&scene, id).await, None, "the record is matched by another field");
    scene.import_again(record, vec![scene.key("grace@school.example")]).await;
    assert_eq!(why_not(&scene, id).await, Some(NotIssued::OtherOwner));
    scene.invitations.revoke_if_misaddressed(id, &operator()).await.unwrap();
    assert!(scene.invitations.state(id).await.unwrap().is_revoked);
}

#[tokio::test]
async fn the_person_who_signs_in_with_a_value_of_the_invitation_is_its_recipient_under_any_rule() {
    let scene = Scene::set().await;
    let (record, id) = invited(&scene, vec![scene.key("ada@school.example")]).await;
    scene.know_by(ADA, "ada", vec![scene.key("ada@school.example"), user_name(&scene, "ada")]).await;
    scene.know(GRACE, "grace@school.example").await;
    scene.import_again(record, vec![user_name(&scene, "ada")]).await;
    scene.own(record, RecordOwner::Unique { person: ADA }).await;
    assert_eq!(why_not(&scene, id).await, None);
    scene.own(record, RecordOwner::Unique { person: GRACE }).await;
    assert_eq!(why_not(&scene, id).await, Some(NotIssued::OtherOwner));
}

#[tokio::test]
async fn while_the_owner_is_looked_for_again_nothing_is_said_against_the_recipient() {
    let scene = Scene::set().await;
    scene.know(ADA, "ada@school.example").await;
    let keys = vec![scene.key("ada@school.example")];
    let record = scene.import_by(None, keys, Some(RecordOwner::Unique { person: ADA })).await;
    let id = scene.by_hand(Invitee::Record(record)).await;
    scene.import_again(record, vec![scene.key("ada.l@school.example")]).await;
    assert_eq!(why_not(&scene, id).await, None);
    scene.own(record, RecordOwner::Unknown {}).await;
    assert_eq!(why_not(&scene, id).await, Some(NotIssued::OtherOwner));
}
