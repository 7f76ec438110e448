//! Who sees invitations, and that a link reaches only staff who invite people, and no log.

use super::{LIST, WAVES, administrator, invite, issued, person, records, secrets};
use events::Event;
use events::invitation::InvitationDelivery;
use events::staff::{Privilege, StaffActivityEvent};
use harness::TestServer;
use harness::desk::Browser;
use invitations::Invitee;

#[tokio::test]
async fn an_auditor_sees_who_is_invited_and_never_a_link() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let ada = person(&server, "ada").await;
    let record = records(&server, &root, &["ada"], ada).await[0];
    let by_hand = issued(&server, Invitee::Person(ada), None, InvitationDelivery::ByHand).await;
    let bound = issued(&server, Invitee::Record(record), None, InvitationDelivery::WebClip).await;
    let auditor = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    let list = auditor.get(LIST).await;
    assert_eq!((list.status, list.texts("tbody tr").len()), (200, 2), "{}", list.body);
    assert!(list.texts(".top a").is_empty(), "no button to invite");
    for id in [by_hand, bound] {
        let [secret, code] = secrets(&server, id).await;
        let page = auditor.get(&format!("{LIST}/{id}")).await;
        assert_eq!(page.status, 200);
        assert!(
            page.texts("section .notice").concat().contains("Only staff who invite people see it"),
            "{}",
            page.body
        );
        for part in [&secret, &code, &code.replace('-', "")] {
            assert!(!page.body.contains(part), "{part}");
        }
        assert!(page.attribute("svg.qr", "role").is_none() && page.texts("main form[method=post]").is_empty());
    }
    for path in [
        format!("{LIST}/new"),
        format!("{LIST}/{by_hand}/revoke"),
        format!("{LIST}/{bound}/profile"),
        format!("{WAVES}/new"),
        "/console/mails".to_owned(),
    ] {
        assert_eq!(auditor.get(&path).await.status, 403, "{path}");
    }
    let csrf = auditor.get(LIST).await.csrf();
    for path in [
        LIST.to_owned(),
        format!("{LIST}/{by_hand}/renew"),
        format!("{LIST}/{by_hand}/revoke"),
        format!("{LIST}/{bound}/install"),
    ] {
        assert_eq!(auditor.post(&path, &[("csrf", &csrf)]).await.status, 403, "{path}");
    }
    for page in [format!("/console/people/{ada}"), format!("/console/records/{record}")] {
        assert!(!auditor.get(&page).await.body.contains("/console/invitations/new"), "{page}");
    }
    let viewed = |event: &Event| matches!(event, Event::StaffActivity(StaffActivityEvent::InvitationViewed { invitation }) if *invitation == bound);
    assert_eq!(server.events_of("access").await.iter().filter(|event| viewed(event)).count(), 1);
    server.stop().await;
}

#[tokio::test]
async fn the_help_desk_invites_and_puts_nothing_on_a_device() {
    let server = TestServer::start().await;
    let ada = person(&server, "ada").await;
    let heidi = Browser::signed_in(&server, "heidi", &[Privilege::HelpDesk]).await;
    let done = invite(&heidi, &format!("?person={ada}"), &[]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let page = heidi.get(done.location()).await;
    assert_eq!(page.texts("code.seed").len(), 2, "{}", page.body);
    assert_eq!(heidi.get("/console/mails").await.status, 200);
    assert_eq!(heidi.get(&format!("{WAVES}/new")).await.status, 200);
    let path = done.location().split('?').next().unwrap().to_owned();
    let csrf = page.csrf();
    let request = server.app().platform.world.random_uuid().to_string();
    let refused = heidi.post(&format!("{path}/install"), &[("csrf", &csrf), ("request", &request)]).await;
    assert_eq!(refused.status, 403);
    server.stop().await;
}

#[tokio::test]
async fn who_is_not_signed_in_sees_no_invitation() {
    let server = TestServer::start().await;
    let ada = person(&server, "ada").await;
    let id = issued(&server, Invitee::Person(ada), None, InvitationDelivery::ByHand).await;
    let nobody = Browser::new(&server);
    for path in
        [LIST.to_owned(), format!("{LIST}/new"), format!("{LIST}/{id}"), WAVES.to_owned(), "/console/mails".into()]
    {
        let answer = nobody.get(&path).await;
        assert_eq!((answer.status, answer.body.contains("ada")), (303, false), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn no_link_and_no_code_is_logged() {
    harness::logs::capture();
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let ada = person(&server, "ada").await;
    let record = records(&server, &root, &["ada"], ada).await[0];
    let id = issued(&server, Invitee::Record(record), None, InvitationDelivery::WebClip).await;
    let [secret, code] = secrets(&server, id).await;
    assert!(root.get(&format!("{LIST}/{id}")).await.body.contains(&secret));
    root.download(&format!("{LIST}/{id}/profile")).await;
    server.stop().await;
    let logged = harness::logs::so_far();
    assert!(logged.contains("invitation") || !logged.is_empty(), "the log is captured");
    for part in [secret, code.clone(), code.replace('-', "")] {
        assert!(!logged.contains(&part), "{part}");
    }
}
