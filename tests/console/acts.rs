//! Changes that administrators make to device records, and the refusal of the same changes by other roles.

use events::Event;
use events::device::{BodyHash, CommandStatus, DeviceEvent, DeviceId};
use events::enrollment::{EnrollmentEvent, Evidence, FoundRecord};
use events::envelope::ActorKind;
use events::staff::{Privilege, StaffActivityEvent};
use harness::TestServer;
use harness::desk::{Browser, enrolled, write};

async fn device_events(server: &TestServer, device: DeviceId) -> Vec<DeviceEvent> {
    let log = server.log_of(&device.stream()).await;
    log.into_iter().filter_map(|entry| DeviceEvent::try_from(entry.event).ok()).collect()
}

#[tokio::test]
async fn an_auditor_can_change_nothing() {
    let server = TestServer::start().await;
    let device = enrolled(&server, "ada", server.app().platform.world.now()).await;
    let browser = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    let page = browser.get(&format!("/console/devices/{device}")).await;
    assert_eq!(
        page.texts("main form[method=post]"),
        Vec::<String>::new(),
        "the page has no button for a forbidden action"
    );
    let csrf = page.csrf();
    for verb in ["unenroll", "archive", "restore"] {
        let answer = browser.post(&format!("/console/devices/{device}/{verb}"), &[("csrf", &csrf)]).await;
        assert_eq!(answer.status, 403, "{verb}");
    }
    assert_eq!(browser.get("/console/staff").await.status, 403);
    let done_by_staff =
        server.log_of(&device.stream()).await.into_iter().any(|entry| entry.actor.kind == ActorKind::Staff);
    assert!(!done_by_staff);
    let refused: Vec<_> = server
        .events_of("access")
        .await
        .into_iter()
        .filter(|event| matches!(event, Event::StaffActivity(StaffActivityEvent::AccessRefused { .. })))
        .collect();
    let acts =
        [("unenroll", Some(device)), ("archive", Some(device)), ("restore", Some(device)), ("administer staff", None)];
    let tried = |(act, device): (&str, _)| {
        Event::StaffActivity(StaffActivityEvent::AccessRefused { act: act.to_owned(), device })
    };
    assert_eq!(refused, acts.map(tried), "every attempt is recorded");
    server.caught_up().await;
    let trail = browser.get("/console/audit?outcome=refused").await;
    assert!(trail.body.contains("Tried to unenroll without the required role: refused"), "{}", trail.body);
    server.stop().await;
}

#[tokio::test]
async fn an_administrator_archives_a_record_and_brings_it_back() {
    let server = TestServer::start().await;
    let device = enrolled(&server, "ada", server.app().platform.world.now()).await;
    let browser = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    let path = format!("/console/devices/{device}");
    let csrf = browser.get(&path).await.csrf();
    let listed = async || browser.get("/console/devices").await.texts("tbody tr").len();
    assert_eq!(listed().await, 1);

    let answer = browser.post(&format!("{path}/archive"), &[("csrf", &csrf)]).await;
    assert!(answer.status == 303 && answer.location().starts_with(&path), "{}", answer.location());
    assert!(browser.get(answer.location()).await.texts("main > .done").concat().contains("The record is archived"));
    assert_eq!(listed().await, 0, "the next page already shows the change");
    assert!(browser.get(&path).await.texts("h1")[0].contains("Archived"));
    assert_eq!(browser.get("/console/devices?archived=yes").await.texts("tbody tr").len(), 1);

    assert_eq!(browser.post(&format!("{path}/restore"), &[("csrf", &csrf)]).await.status, 303);
    assert_eq!(listed().await, 1);
    // Query parameters alone do not produce a confirmation message.
    for asked in ["done=archive", "done=same&other=1", "command=0190aaaa-0000-7000-8000-000000000001"] {
        assert_eq!(
            browser.get(&format!("{path}?{asked}")).await.texts("main > .done"),
            Vec::<String>::new(),
            "{asked}"
        );
    }
    let log = server.log_of(&device.stream()).await;
    let archived = log.iter().find(|entry| matches!(entry.event, Event::Device(DeviceEvent::RecordArchived {})));
    let archived = archived.unwrap();
    assert_eq!((archived.actor.kind, archived.source.is_some()), (ActorKind::Staff, true));
    server.stop().await;
}

#[tokio::test]
async fn an_administrator_unenrolls_a_device_once_however_often_the_button_is_pressed() {
    let server = TestServer::start().await;
    let device = enrolled(&server, "ada", server.app().platform.world.now()).await;
    let browser = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    let path = format!("/console/devices/{device}");
    let csrf = browser.get(&path).await.csrf();
    for _ in 0..2 {
        let answer = browser.post(&format!("{path}/unenroll"), &[("csrf", &csrf)]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
    }
    let events = device_events(&server, device).await;
    let removals = events.iter().filter(
        |event| matches!(event, DeviceEvent::MdmCommandQueued { request_type, .. } if request_type == "RemoveProfile"),
    );
    assert_eq!(removals.count(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_removal_that_failed_or_was_cancelled_can_be_asked_for_again() {
    let server = TestServer::start().await;
    let now = server.app().platform.world.now();
    let device = enrolled(&server, "ada", now).await;
    let browser = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    let path = format!("/console/devices/{device}");
    let csrf = browser.get(&path).await.csrf();
    let mut removals = Vec::new();
    for nth in 1..=3 {
        for _ in 0..2 {
            assert_eq!(browser.post(&format!("{path}/unenroll"), &[("csrf", &csrf)]).await.status, 303);
        }
        removals = device_events(&server, device)
            .await
            .into_iter()
            .filter_map(|event| match event {
                DeviceEvent::MdmCommandQueued { command, unenrolls: true, .. } => Some(command),
                _ => None,
            })
            .collect();
        assert_eq!(removals.len(), nth);
        let answered = DeviceEvent::MdmCommandAnswered {
            command: removals[nth - 1],
            status: CommandStatus::Error,
            errors: vec![],
            rejection: None,
            body: BodyHash(format!("error {nth}")),
        };
        write(&server, &device.stream(), now, answered).await;
    }
    removals.dedup();
    assert_eq!(removals.len(), 3, "each removal is a separate command");
    server.stop().await;
}

#[tokio::test]
async fn a_page_called_in_a_wrong_way_says_so() {
    let server = TestServer::start().await;
    let browser = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    for answer in [browser.post("/console/devices", &[]).await, browser.get("/console/sign-out").await] {
        assert_eq!(answer.status, 405);
        assert_eq!(answer.texts("h1"), ["Invalid request"]);
        assert!(answer.headers.contains_key("content-security-policy"));
    }
    server.stop().await;
}

#[tokio::test]
async fn what_a_record_does_not_permit_is_refused_in_words() {
    let server = TestServer::start().await;
    let device = enrolled(&server, "ada", server.app().platform.world.now()).await;
    let gone = DeviceEvent::DeviceCheckedOut { body: events::device::BodyHash("02".into()) };
    write(&server, &device.stream(), server.app().platform.world.now(), gone).await;
    let browser = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    let path = format!("/console/devices/{device}");
    let csrf = browser.get(&path).await.csrf();
    let answer = browser.post(&format!("{path}/unenroll"), &[("csrf", &csrf)]).await;
    assert_eq!(answer.status, 409);
    assert!(answer.texts("main")[0].contains("of the device ended"), "{:?}", answer.texts("main"));
    let nowhere = "/console/devices/00000000-0000-0000-0000-000000000000/archive";
    assert_eq!(browser.post(nowhere, &[("csrf", &csrf)]).await.status, 409);
    assert_eq!(
        device_events(&server, DeviceId(uuid::Uuid::nil())).await,
        vec![],
        "archiving an unknown device does not create a record"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_record_that_was_active_at_sign_in_is_told_on_the_pages_of_both_devices() {
    let server = TestServer::start().await;
    let now = server.app().platform.world.now();
    let (earlier, later) = (enrolled(&server, "ada", now).await, enrolled(&server, "ada", now).await);
    let found = FoundRecord { device: earlier, evidence: vec![Evidence::SamePerson, Evidence::SameFamily] };
    let found = EnrollmentEvent::PreviousRecordFound { records: vec![found], count: 1 };
    write(&server, &later.enrollment().stream(), now, found).await;
    server.caught_up().await;
    let browser = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    for (page, other) in [(later, earlier), (earlier, later)] {
        let page = browser.get(&format!("/console/devices/{page}")).await;
        assert_eq!(page.attribute(".card a", "href"), Some(format!("/console/devices/{other}")));
        assert!(page.texts(".card").concat().contains("same person, same kind of device"), "{}", page.body);
    }
    let moved = browser.get("/console/earlier").await;
    assert_eq!((moved.status, moved.location()), (308, "/console/links"), "the address of earlier versions");
    server.stop().await;
}
