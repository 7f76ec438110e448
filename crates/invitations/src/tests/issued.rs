//! Who can be invited.

use super::*;
use decisions::invitation::Refusal;
use decisions::record::Command as OfRecord;
use events::invitation::RenewalCause;
use events::migration::MigrationException;

#[tokio::test]
async fn the_same_request_twice_gives_one_invitation() {
    let scene = Scene::set().await;
    scene.know(ADA, "ada@school.example").await;
    let first = scene.issue(Invitee::Person(ADA), InvitationDelivery::Mail).await.unwrap();
    let code = scene.invitations.code(first, 0).await.unwrap();
    assert_eq!(scene.issue(Invitee::Person(ADA), InvitationDelivery::Mail).await, Ok(first));
    assert_eq!(scene.events(first).await, ["InvitationIssued"]);
    assert_eq!(scene.invitations.code(first, 0).await.unwrap(), code);
    assert_ne!(scene.invitations.id_of("another"), first);
}

#[tokio::test]
async fn a_record_invites_its_owner_under_its_own_key() {
    let scene = Scene::set().await;
    let record = scene.import(Some("ada@school.example"), true, Some(RecordOwner::Account {})).await;
    let id = scene.issue(Invitee::Record(record), InvitationDelivery::Mail).await.unwrap();
    let issued = scene.invitations.state(id).await.unwrap().issued.clone().unwrap();
    assert_eq!((issued.record, issued.recipient.person), (Some(record), None));
    assert_eq!(issued.recipient.keys, [scene.key("ada@school.example")]);
    assert_eq!(*issued.recipient.details.key(), record.key());
    let details = issued.recipient.details.get().unwrap();
    assert_eq!(details.full_name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(details.mail.as_deref(), Some("ada@school.example"));
}

#[tokio::test]
async fn a_record_without_an_address_takes_that_of_its_owner() {
    let scene = Scene::set().await;
    scene.know(ADA, "ada@school.example").await;
    let record = scene.import(None, false, Some(RecordOwner::Unique { person: ADA })).await;
    let id = scene.issue(Invitee::Record(record), InvitationDelivery::Mail).await.unwrap();
    let issued = scene.invitations.state(id).await.unwrap().issued.clone().unwrap();
    assert_eq!(issued.recipient.details.get().unwrap().mail.as_deref(), Some("ada@school.example"));
    assert_eq!(issued.recipient.person, Some(ADA));
}

#[tokio::test]
async fn each_reason_not_to_invite_the_owner_of_a_record_is_told_apart() {
    let scene = Scene::set().await;
    let mail = Some("ada@school.example");
    let nobody = RecordId(uuid::Builder::from_custom_bytes([1; 16]).into_uuid());
    let of_whom = |record| scene.issue(Invitee::Record(record), InvitationDelivery::ByHand);
    assert_eq!(of_whom(nobody).await, Err(NotIssued::UnknownRecord));
    let without_rule = scene.import(mail, false, None).await;
    assert_eq!(of_whom(without_rule).await, Err(NotIssued::NoOwner));
    let several = scene.import(mail, true, Some(RecordOwner::Several {})).await;
    assert_eq!(of_whom(several).await, Err(NotIssued::SeveralOwners));
    let left = scene.import(mail, true, Some(RecordOwner::Left {})).await;
    assert_eq!(of_whom(left).await, Err(NotIssued::OwnerLeft));

    let excepted = scene.import(mail, true, None).await;
    let except = OfRecord::MakeException(MigrationException::DeviceGone);
    scene.platform().perform::<Record>(&excepted.stream(), &except, &operator()).await.unwrap();
    assert_eq!(of_whom(excepted).await, Err(NotIssued::Exception(MigrationException::DeviceGone)));
    let no_mail = scene.import(None, false, Some(RecordOwner::Unique { person: ADA })).await;
    assert_eq!(scene.issue(Invitee::Record(no_mail), InvitationDelivery::Mail).await, Err(NotIssued::NoMail));
    assert!(scene.events(scene.invitations.id_of("one")).await.is_empty(), "nothing was issued");
}

#[tokio::test]
async fn a_record_whose_owner_is_erased_cannot_be_invited() {
    let scene = Scene::set().await;
    let record = scene.import(Some("ada@school.example"), true, None).await;
    scene.destroy(&record.key());
    let refused = scene.issue(Invitee::Record(record), InvitationDelivery::ByHand).await;
    assert_eq!(refused, Err(NotIssued::RecordErased));
    let shredded = scene.import(Some("ada@school.example"), true, None).await;
    let note = OfRecord::NoteShredded;
    scene.platform().perform::<Record>(&shredded.stream(), &note, &operator()).await.unwrap();
    let refused = scene.issue(Invitee::Record(shredded), InvitationDelivery::ByHand).await;
    assert_eq!(refused, Err(NotIssued::RecordErased));
}

#[tokio::test]
async fn a_person_is_invited_under_their_own_key_and_nobody_unknown_is() {
    let scene = Scene::set().await;
    assert_eq!(
        scene.issue(Invitee::Person(ADA), InvitationDelivery::ByHand).await,
        Err(NotIssued::UnknownPerson),
        "nobody has signed in with this id"
    );
    scene.know(ADA, "ada@school.example").await;
    let id = scene.issue(Invitee::Person(ADA), InvitationDelivery::Mail).await.unwrap();
    let issued = scene.invitations.state(id).await.unwrap().issued.clone().unwrap();
    assert_eq!(*issued.recipient.details.key(), ADA.key());
    assert_eq!(issued.recipient.details.get().unwrap().full_name.as_deref(), Some("Ada L."));
}

#[tokio::test]
async fn an_address_that_nobody_signed_in_with_is_invited_under_the_key_of_the_invitation() {
    let scene = Scene::set().await;
    let invitee = |address: &str| Invitee::Mail { address: address.into(), full_name: Some(" Ada ".into()) };
    assert_eq!(scene.issue(invitee("ada"), InvitationDelivery::Mail).await, Err(NotIssued::MailInvalid));
    for name in ["Ada\r\nBcc: x@example.org", &"a".repeat(201)] {
        let invitee = Invitee::Mail { address: "ada@example.org".into(), full_name: Some(name.to_owned()) };
        assert_eq!(scene.issue(invitee, InvitationDelivery::Mail).await, Err(NotIssued::NameInvalid), "{name:?}");
    }
    let id = scene.issue(invitee(" Ada@school.example "), InvitationDelivery::Mail).await.unwrap();
    let issued = scene.invitations.state(id).await.unwrap().issued.clone().unwrap();
    assert_eq!(issued.recipient.person, None);
    assert!(issued.recipient.keys.contains(&scene.key("ada@school.example")));
    assert_eq!(*issued.recipient.details.key(), id.key());
    let details = issued.recipient.details.get().unwrap();
    assert_eq!((details.full_name.as_deref(), details.mail.as_deref()), (Some("Ada"), Some("Ada@school.example")));
}

#[tokio::test]
async fn an_address_of_one_known_person_invites_that_person() {
    let scene = Scene::set().await;
    scene.know(ADA, "ada@school.example").await;
    scene.head().await;
    let invitee = Invitee::Mail { address: "ada@school.example".into(), full_name: None };
    let id = scene.by_hand(invitee).await;
    let issued = scene.invitations.state(id).await.unwrap().issued.clone().unwrap();
    assert_eq!((issued.recipient.person, issued.recipient.details.key()), (Some(ADA), &ADA.key()));
}

#[tokio::test]
async fn a_web_clip_needs_an_earlier_record() {
    let scene = Scene::set().await;
    scene.know(ADA, "ada@school.example").await;
    let refused = scene.issue(Invitee::Person(ADA), InvitationDelivery::WebClip).await;
    assert_eq!(refused, Err(NotIssued::NeedsRecord));
}

#[tokio::test]
async fn a_renewal_voids_link_and_code_and_a_revoked_invitation_is_not_renewed() {
    let scene = Scene::set().await;
    scene.know(ADA, "ada@school.example").await;
    let id = scene.by_hand(Invitee::Person(ADA)).await;
    let expires = scene.platform().world.now().plus_seconds(DAY);
    let renew = || async { scene.invitations.renew(id, RenewalCause::SentAgain, expires, &operator()).await };
    let codes = [scene.invitations.code(id, 0).await.unwrap(), {
        assert_eq!(renew().await.unwrap(), 1);
        scene.invitations.code(id, 1).await.unwrap()
    }];
    assert_ne!(codes[0], codes[1]);
    assert_ne!(scene.invitations.link(id, 0), scene.invitations.link(id, 1));
    scene.invitations.revoke(id, &operator()).await.unwrap();
    assert!(matches!(renew().await, Err(ChangeError::Refused(Refusal::Revoked))));
    let error = scene.invitations.code(id, 2).await.unwrap_err();
    assert!(matches!(error, InvitationError::NoCode), "a refused renewal reserves no code: {error}");
}
