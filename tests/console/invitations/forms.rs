//! The forms of one invitation: issued, refused, sent twice, sent again, revoked.

use super::{LIST, administrator, form, happened, invite, issued, person, post, records, secrets, with_mail};
use events::invitation::{InvitationDelivery, InvitationEvent, MailFailure};
use events::record::{RecordEvent, RecordOwner};
use harness::TestServer;
use harness::desk::{PASSWORD, write};
use harness::waiting::until;
use invitations::Invitee;
use std::sync::Arc;
use world::{Clock as _, ManualClock, SystemClock, World};

#[tokio::test]
async fn a_person_is_invited_once_however_often_the_form_is_sent() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let empty = root.get(LIST).await;
    assert!(empty.texts(".empty").concat().contains("Nobody has been invited yet"), "{}", empty.body);
    let page = root.get(&format!("{LIST}/new")).await;
    let fields = [
        ("mail", "ada@school.example"),
        ("full_name", "Ada Lovelace"),
        ("delivery", "by_hand"),
        ("language", "de"),
        ("days", "7"),
    ];
    let fields = form(&page, &fields);
    let (one, two) = tokio::join!(post(&root, LIST, &fields), post(&root, LIST, &fields));
    assert_eq!((one.status, two.status), (303, 303), "{} {}", one.body, two.body);
    assert_eq!(one.location(), two.location());
    assert_eq!(post(&root, LIST, &fields).await.location(), one.location(), "the same form later");
    assert_eq!(happened(&server).await, ["InvitationIssued"]);

    let shown = root.get(one.location()).await;
    assert_eq!(shown.texts("h1"), ["Ada Lovelace Issued"]);
    assert!(shown.texts("main > .done").concat().contains("is issued"), "{}", shown.body);
    let facts = shown.texts(".cols section:first-child > dl:first-of-type dd");
    assert_eq!(facts[..4], ["Ada Lovelace", "ada@school.example", "Handed over", "Deutsch"]);
    assert!(shown.texts("main .sub").concat().contains("by root"), "{:?}", shown.texts("main .sub"));
    let id = events::invitation::InvitationId(
        uuid::Uuid::parse_str(one.location().split('?').next().unwrap().rsplit('/').next().unwrap()).unwrap(),
    );
    let [secret, code] = secrets(&server, id).await;
    assert!(shown.body.contains(&secret) && shown.texts("code.seed").contains(&code), "{}", shown.body);
    assert!(shown.attribute("svg.qr path", "d").is_some());
    let list = root.get(LIST).await;
    assert_eq!(list.texts("tbody th a"), ["Ada Lovelace"]);
    assert!(!list.body.contains(&secret) && !list.body.contains(&code), "a list has no links");
    server.stop().await;
}

#[tokio::test]
async fn a_refused_form_says_what_to_do_and_keeps_what_was_typed() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    for (fields, status, said) in [
        (&[("mail", "ada"), ("full_name", "Ada L.")][..], 409, "This is no mail address"),
        (&[("mail", "ada@school.example"), ("full_name", "Ada L."), ("days", "0")], 400, "1 to 365 days"),
        (&[("mail", "ada@school.example"), ("full_name", "Ada L."), ("delivery", "mail")], 400, "sends no mails"),
        (&[("mail", "ada@school.example"), ("full_name", "Ada L."), ("delivery", "web_clip")], 409, "choose a record"),
        (&[("mail", "ada@school.example"), ("full_name", "Ada L."), ("language", "fr")], 400, "Choose a language"),
    ] {
        let refused = invite(&root, "", fields).await;
        assert_eq!(refused.status, status, "{}", refused.body);
        let why = refused.texts("main [role=alert]").concat();
        assert!(why.contains("Nobody was invited") && why.contains(said), "{why}");
        assert_eq!(refused.attribute("#full_name", "value").as_deref(), Some("Ada L."));
        assert_eq!(refused.attribute("#mail", "value").as_deref(), Some(fields[0].1));
    }
    assert_eq!(happened(&server).await, [""; 0]);
    // The same form, corrected.
    let page = root.get(&format!("{LIST}/new")).await;
    let wrong = form(&page, &[("mail", "ada"), ("delivery", "by_hand"), ("language", "en"), ("days", "30")]);
    let refused = post(&root, LIST, &wrong).await;
    let right =
        form(&refused, &[("mail", "ada@school.example"), ("delivery", "by_hand"), ("language", "en"), ("days", "30")]);
    assert_eq!(right.iter().find(|(name, _)| name == "request"), wrong.iter().find(|(name, _)| name == "request"));
    assert_eq!(post(&root, LIST, &right).await.status, 303);
    server.stop().await;
}

#[tokio::test]
async fn without_a_mail_server_mail_is_not_offered_and_the_page_says_how_to_configure_it() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let page = root.get(&format!("{LIST}/new")).await;
    assert_eq!(page.texts("input[name=delivery]").len(), 1, "{}", page.body);
    assert!(page.texts("fieldset").concat().contains("muster check-config --live"));
    server.stop().await;
    let server = with_mail().await;
    let root = administrator(&server).await;
    let page = root.get(&format!("{LIST}/new")).await;
    assert_eq!(page.attribute("input[name=delivery][checked]", "value").as_deref(), Some("mail"));
    assert!(!page.texts("fieldset").concat().contains("check-config"));
    let sent = invite(&root, "", &[("mail", "ada@school.example"), ("delivery", "mail")]).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    assert!(root.get(sent.location()).await.texts("main > .done").concat().contains("Muster sends the mail"));
    server.stop().await;
}

#[tokio::test]
async fn a_person_and_the_owner_of_a_record_are_invited_from_their_pages() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let ada = person(&server, "ada").await;
    let record = records(&server, &root, &["ada"], ada).await[0];
    let of_person = root.get(&format!("/console/people/{ada}")).await.attribute("main .acts a", "href").unwrap();
    assert_eq!(of_person, format!("{LIST}/new?person={ada}"));
    let form = root.get(&of_person).await;
    assert_eq!(form.texts("h1"), ["Invite ada"]);
    assert_eq!(form.texts("input[name=delivery]").len(), 1, "a Web Clip belongs to a record");
    let done = invite(&root, &format!("?person={ada}"), &[]).await;
    assert_eq!(done.status, 303, "{}", done.body);

    let of_record = root.get(&format!("/console/records/{record}")).await.attribute("main .acts a", "href").unwrap();
    assert_eq!(of_record, format!("{LIST}/new?record={record}"));
    let form = root.get(&of_record).await;
    assert_eq!(form.texts("h1"), ["Invite the owner of ada’s phone"]);
    assert_eq!(form.texts("input[name=delivery]").len(), 2);
    let done = invite(&root, &format!("?record={record}"), &[("delivery", "web_clip")]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let shown = root.get(done.location()).await;
    assert_eq!(shown.texts("h1"), ["ada Lovelace Issued"]);
    assert!(
        shown.body.contains(&format!("/console/records/{record}"))
            && shown.body.contains(&format!("/console/people/{ada}"))
    );
    assert!(shown.texts("section .warn").concat().contains("Do not hand over this link"), "{}", shown.body);
    assert_eq!(shown.attribute("svg.qr", "role"), None, "a QR code would hand it over");

    let left = RecordEvent::PreviousRecordOwnerResolved { owner: RecordOwner::Left {} };
    write(&server, &record.stream(), server.app().platform.world.now(), left).await;
    server.caught_up().await;
    let refused = invite(&root, &format!("?record={record}"), &[]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.texts("main [role=alert]").concat().contains("is disabled: make an exception"), "{}", refused.body);
    assert_eq!(refused.attribute("input[name=record]", "value"), Some(record.to_string()));
    for unknown in ["?person=00000000-0000-0000-0000-000000000009", "?record=00000000-0000-0000-0000-000000000009"] {
        assert_eq!(root.get(&format!("{LIST}/new{unknown}")).await.status, 404, "{unknown}");
    }
    assert_eq!(root.get(&format!("{LIST}/new?person={ada}&record={record}")).await.status, 400);
    server.stop().await;
}

#[tokio::test]
async fn an_invitation_that_is_sent_again_has_another_link_and_the_form_does_it_once() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let ada = person(&server, "ada").await;
    let id = issued(&server, Invitee::Person(ada), None, InvitationDelivery::ByHand).await;
    let [old_secret, old_code] = secrets(&server, id).await;
    let page = root.get(&format!("{LIST}/{id}")).await;
    assert!(page.texts("details").concat().contains("become void"), "{}", page.body);
    let fields = form(&page, &[]);
    let path = format!("{LIST}/{id}/renew");
    let (one, two) = tokio::join!(post(&root, &path, &fields), post(&root, &path, &fields));
    assert_eq!((one.status, two.status), (303, 303), "{} {}", one.body, two.body);
    assert_eq!(happened(&server).await, ["InvitationIssued", "InvitationRenewed"]);
    let shown = root.get(one.location()).await;
    assert!(shown.texts("main > .done").concat().contains("The earlier ones are void"), "{}", shown.body);
    assert!(!shown.body.contains(&old_secret) && !shown.body.contains(&old_code));
    let link = server.app().invitations.link(id, 1);
    assert!(shown.texts("code.seed").contains(&link));
    server.stop().await;
}

#[tokio::test]
async fn revoking_asks_first_and_a_revoked_invitation_shows_no_link() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    let root = administrator(&server).await;
    let ada = person(&server, "ada").await;
    let id = issued(&server, Invitee::Person(ada), None, InvitationDelivery::ByHand).await;
    let [secret, code] = secrets(&server, id).await;
    clock.advance_seconds(10 * 60);
    let page = root.get(&format!("{LIST}/{id}")).await;
    let asks = page.attribute("a.bad", "href").unwrap();
    let question = root.get(&asks).await;
    assert_eq!(question.texts("h1"), ["Revoke this invitation?"]);
    let asked = post(&root, &asks, &form(&question, &[])).await;
    assert_eq!(asked.texts("h1"), ["Confirm it’s you"], "{}", asked.body);
    assert!(asked.texts(".about").concat().contains("Invitation of ada"));
    let proven = post(&root, "/console/confirm/password", &form(&asked, &[("password", PASSWORD)])).await;
    assert_eq!(happened(&server).await, ["InvitationIssued"]);
    let done = post(&root, &asks, &form(&proven, &[])).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let shown = root.get(done.location()).await;
    assert_eq!(shown.texts("h1"), ["ada Revoked"]);
    assert!(!shown.body.contains(&secret) && !shown.body.contains(&code), "{}", shown.body);
    assert!(shown.texts("main form").is_empty(), "a revoked invitation cannot be sent again");
    assert_eq!(happened(&server).await, ["InvitationIssued", "InvitationRevoked"]);
    let csrf = root.get(LIST).await.csrf();
    let again = root.post(&format!("{LIST}/{id}/renew"), &[("csrf", &csrf), ("generation", "0")]).await;
    assert_eq!(again.status, 409);
    assert!(again.texts("main p").concat().contains("was revoked"), "{}", again.body);
    server.stop().await;
}

#[tokio::test]
async fn a_mail_that_was_not_sent_is_shown_with_its_reason() {
    let server = with_mail().await;
    let root = administrator(&server).await;
    let invitee = Invitee::Mail { address: "ada@school.example".into(), full_name: None };
    let id = issued(&server, invitee, None, InvitationDelivery::Mail).await;
    // Nothing listens at the address of the mail server. After that, Muster sends no mail for a minute.
    until("the mail is not sent", async || {
        let why = root.get(&format!("{LIST}/{id}")).await.texts("main > [role=alert]").concat();
        why.contains("does not answer. Muster tries again")
    })
    .await;
    let refused = InvitationEvent::InvitationNotSent {
        generation: 0,
        why: MailFailure::Refused,
        code: Some(550),
        is_final: true,
    };
    let now = server.app().platform.world.now();
    write(&server, &id.stream(), now, refused).await;
    server.caught_up().await;
    let shown = root.get(&format!("{LIST}/{id}")).await;
    let why = shown.texts("main > [role=alert]").concat();
    assert!(why.contains("refused it (reply code 550). Muster does not try again"), "{why}");
    assert_eq!(shown.texts("h1"), ["ada@school.example Not sent"]);
    let list = root.get(&format!("{LIST}?state=not_sent")).await;
    assert_eq!(list.texts("tbody th a"), ["ada@school.example"]);
    write(&server, &id.stream(), now, InvitationEvent::InvitationSent { generation: 0 }).await;
    assert!(root.get(&format!("{LIST}/{id}")).await.texts("main > [role=alert]").is_empty());
    server.stop().await;
}

#[tokio::test]
async fn the_list_is_filtered_paged_and_counted() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    for nth in 0..60 {
        let invitee =
            Invitee::Mail { address: format!("p{nth}@school.example"), full_name: Some(format!("Person {nth}")) };
        let id = issued(&server, invitee, None, InvitationDelivery::ByHand).await;
        if nth % 3 == 0 {
            let context = platform::context::Context::operator(uuid::Uuid::from_u128(1));
            server.app().invitations.revoke(id, &context).await.unwrap();
        }
    }
    server.caught_up().await;
    let first = root.get(LIST).await;
    assert_eq!(first.texts("tbody tr").len(), 50);
    assert_eq!(first.texts("tbody th a")[0], "Person 59", "the latest first");
    let second = root.get(&first.attribute("a[rel=next]", "href").unwrap()).await;
    assert_eq!(second.texts("tbody tr").len(), 10);
    assert_eq!(second.attribute("a[rel=next]", "href"), None);
    let tabs = first.texts(".presets a");
    assert_eq!(tabs[..2], ["All (60)", "Issued (40)"]);
    assert!(tabs.contains(&"Revoked (20)".to_owned()), "{tabs:?}");
    let count = async |query: &str| root.get(&format!("{LIST}{query}")).await.texts("tbody tr").len();
    assert_eq!(count("?state=revoked").await, 20);
    assert_eq!(count("?q=PERSON%207").await, 1);
    assert_eq!(count("?q=p12%40school").await, 1);
    assert_eq!(count("?q=%25").await, 0, "it is no wildcard");
    assert_eq!(count("?delivery=mail").await, 0);
    for wrong in ["state=lost", "delivery=pigeon", "wave=x", "person=x", "after=x", "other=1"] {
        assert_eq!(root.get(&format!("{LIST}?{wrong}")).await.status, 400, "{wrong}");
    }
    let viewed = server.events_of("access").await;
    assert!(viewed.iter().any(|event| event.type_name() == "InvitationListViewed"));
    server.stop().await;
}
