//! Who may see previous records, who may import, and what is recorded.

use super::{ADA, GRACE, administrator, ended, export, files, import, import_events, post, send, upload};
use events::Event;
use events::record::RecordId;
use events::staff::{Privilege, StaffActivityEvent};
use harness::TestServer;
use harness::desk::{Answer, Browser};

/// A server with two records, the page of the import, and the page of one record.
async fn with_records() -> (TestServer, String, String) {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let page = import(&server, &root, &[], export(&[ADA, GRACE])).await;
    let record = root.get("/console/records?q=ada").await.attribute("tbody th a", "href").unwrap();
    (server, page, record)
}

/// Checks that this role reads records and imports, and can neither import nor undo.
async fn only_reads(role: Privilege, sees_audit: bool) {
    let (server, page, record) = with_records().await;
    let staff = Browser::signed_in(&server, "reader", &[role]).await;
    let list = staff.get("/console/records").await;
    assert_eq!(list.texts("tbody th a").len(), 2);
    let nav = list.texts("nav[aria-label=Main] a");
    assert!(nav.contains(&"Re-enrollments".to_owned()), "{nav:?}");
    assert_eq!(list.texts(".tabs a"), ["Links", "Previous records", "Imports", "Invitations", "Waves"]);
    let shown = staff.get(&record).await;
    assert!(shown.texts("dd").contains(&"Ada Lovelace".to_owned()));
    assert_eq!(shown.texts(".log .more").len(), usize::from(sees_audit), "details of events are in the audit trail");
    for path in ["/console/imports", &page] {
        let page = staff.get(path).await;
        assert_eq!((page.status, page.texts("main form").len()), (200, 0), "{path} has no button for a forbidden act");
        assert!(!page.body.contains("/undo"), "{path}");
    }
    let upload = "/console/imports/uploads/01890000-0000-7000-8000-000000000000";
    for path in [upload, &format!("{upload}/set-aside"), &format!("{page}/undo")] {
        assert_eq!(staff.get(path).await.status, 403, "{path}");
    }
    let csrf = staff.get("/console/account").await.csrf();
    for path in [&format!("{page}/undo"), &format!("{upload}/import"), &format!("{upload}/discard")] {
        assert_eq!(staff.post(path, &[("csrf", &csrf)]).await.status, 403, "{path}");
    }
    let fields = [("csrf".to_owned(), csrf)];
    assert_eq!(staff.upload("/console/imports", &fields, export(&[ADA])).await.status, 403);
    assert_eq!((files(&server), import_events(&server).await), (1, 2), "only what the administrator did");
    let refused = |event: &Event| {
        matches!(event, Event::StaffActivity(StaffActivityEvent::AccessRefused { act, .. })
            if act == "import previous records")
    };
    assert_eq!(server.events_of("access").await.iter().filter(|event| refused(event)).count(), 7, "each is recorded");
    server.stop().await;
}

#[tokio::test]
async fn an_auditor_reads_records_and_their_history_and_imports_nothing() {
    only_reads(Privilege::Auditor, true).await;
}

#[tokio::test]
async fn the_help_desk_reads_records_and_imports_nothing() {
    only_reads(Privilege::HelpDesk, false).await;
}

#[tokio::test]
async fn who_is_not_signed_in_sees_nothing() {
    let (server, page, record) = with_records().await;
    let nobody = Browser::new(&server);
    for path in ["/console/records", "/console/imports", &page, &record] {
        let answer = nobody.get(path).await;
        assert_eq!((answer.status, answer.body.contains("ada")), (303, false), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn who_viewed_which_record_is_in_the_audit_trail() {
    let (server, _, record) = with_records().await;
    let grace = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    grace.get("/console/records?q=ada").await;
    let page = grace.get(&record).await;
    let id = RecordId(record.rsplit('/').next().unwrap().parse().unwrap());
    assert!(id.is_imported());
    let events = server.events_of("access").await;
    let viewed =
        [StaffActivityEvent::PreviousRecordListViewed {}, StaffActivityEvent::PreviousRecordViewed { record: id }];
    assert_eq!(events[events.len() - 2..], viewed.map(Event::StaffActivity));

    server.caught_up().await;
    let who = page.attribute(".below a:nth-of-type(2)", "href").unwrap();
    let trail = grace.get(&who).await;
    assert_eq!(trail.texts("tbody tr").len(), 1, "{}", trail.body);
    assert!(trail.texts("tbody tr")[0].contains("Viewed a previous record"), "{:?}", trail.texts("tbody tr"));
    assert!(trail.body.contains(&format!("href=\"{record}\"")), "the trail leads to the record");
    let event = grace.get(&trail.attribute("td.when a", "href").unwrap()).await;
    assert!(event.body.contains(&format!("href=\"{record}\"")), "the event leads to the record");
    let events = grace.get(&page.attribute(".below a", "href").unwrap()).await;
    assert!(events.texts("tbody tr").concat().contains("PreviousRecordImported"), "{}", events.body);
    server.stop().await;
}

async fn is_forged(answer: &Answer, server: &TestServer) {
    assert_eq!(answer.status, 403, "{}", answer.body);
    assert!(answer.body.contains("The form has expired"), "{}", answer.body);
    assert_eq!((files(server), import_events(server).await), (0, 0), "nothing was stored");
}

#[tokio::test]
async fn a_form_without_the_sessions_token_uploads_and_imports_nothing() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    is_forged(&root.upload("/console/imports", &[], export(&[ADA])).await, &server).await;
    let wrong = [("csrf".to_owned(), "0".repeat(64))];
    is_forged(&root.upload("/console/imports", &wrong, export(&[ADA])).await, &server).await;
    let path = upload(&root, &[], export(&[ADA])).await;
    ended(&root, &path).await;
    for what in ["import", "discard", "check"] {
        let answer = root.post(&format!("{path}/{what}"), &[("csrf", "0")]).await;
        assert_eq!(answer.status, 403, "{what}");
    }
    assert_eq!(root.get(&path).await.texts("h1 .chip"), ["Checked"]);
    assert_eq!(post(&root, &format!("{path}/import")).await.status, 303);
    let imported = ended(&root, &path).await;
    let undo = format!("{}/undo", imported.attribute(".acts a:nth-of-type(2)", "href").unwrap());
    server.caught_up().await;
    assert_eq!(root.post(&undo, &[("csrf", "0")]).await.status, 403);
    assert_eq!(import_events(&server).await, 2, "begun and finished, and not undone");
    server.stop().await;
}

#[tokio::test]
async fn at_most_four_files_wait_and_a_further_one_is_refused() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let first = upload(&root, &[], export(&[ADA])).await;
    for _ in 1..4 {
        upload(&root, &[], export(&[ADA])).await;
    }
    let refused = send(&root, &[], export(&[ADA])).await;
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("4 uploaded files wait"), "{}", refused.body);
    assert_eq!(root.get("/console/imports").await.texts(".rows li").len(), 4);
    ended(&root, &first).await;
    post(&root, &format!("{first}/discard")).await;
    upload(&root, &[], export(&[ADA])).await;
    server.stop().await;
}
