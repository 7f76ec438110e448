//! The help desk: progress of enrollments, stuck enrollments, and what to tell one person. It has no other access.

use events::device::DeviceId;
use events::enrollment::{
    DeviceFamily, EnrollmentEvent, EnrollmentId, EnrollmentRefusal, OsVersion, Platform, SecretHash, SignInMethodName,
    SignInRefusal, help_code,
};
use events::person::{PersonAttributes, PersonEvent, PersonId};
use events::staff::{Privilege, StaffActivityEvent};
use events::{Event, Personal, Timestamp};
use harness::TestServer;
use harness::desk::{Browser, enrolled, write};

fn opened(enrollment: EnrollmentId) -> EnrollmentEvent {
    EnrollmentEvent::VisitOpened {
        session: SecretHash("00".into()),
        user_agent: Personal::new(enrollment.enrollment_key(), "Safari".to_owned()),
        platform: Platform { family: DeviceFamily::IPad, version: Some(OsVersion::new(16, 4)) },
        language: "de".into(),
    }
}

fn wrong_password() -> EnrollmentEvent {
    EnrollmentEvent::SignInRefused {
        method: SignInMethodName::LocalAccount,
        reason: SignInRefusal::WrongPassword,
        account: None,
        name: None,
    }
}

/// Creates an enrollment of a person who fails to sign in at `at`.
pub async fn stuck(server: &TestServer, at: Timestamp) -> EnrollmentId {
    let enrollment = EnrollmentId(server.app().platform.world.random_uuid());
    write(server, &enrollment.stream(), at, opened(enrollment)).await;
    write(server, &enrollment.stream(), at.plus_seconds(20), wrong_password()).await;
    server.caught_up().await;
    enrollment
}

async fn viewed(server: &TestServer) -> Vec<StaffActivityEvent> {
    let access = server.events_of("access").await.into_iter();
    access.filter_map(|event| if let Event::StaffActivity(event) = event { Some(event) } else { None }).collect()
}

#[tokio::test]
async fn the_help_desk_finds_an_enrollment_by_its_code_and_reads_what_to_tell_the_person() {
    let server = TestServer::start().await;
    let now = server.app().platform.world.now();
    let enrollment = stuck(&server, now.plus_seconds(-120)).await;
    enrolled(&server, "ada", now.plus_seconds(-60)).await;
    let browser = Browser::signed_in(&server, "heidi", &[Privilege::HelpDesk]).await;

    let typed = help_code(enrollment).to_lowercase().replace('-', "");
    let list = browser.get(&format!("/console/visits?q={typed}")).await;
    assert_eq!(list.texts("tbody th a"), ["Nobody signed in"], "{}", list.body);
    let path = list.attribute("tbody th a", "href").unwrap();
    assert_eq!(path, format!("/console/visits/{enrollment}"));
    let page = browser.get(&path).await;
    assert_eq!(page.texts(".now"), ["Has to sign in."]);
    assert!(page.texts(".tell li")[0].starts_with("The password was wrong"), "{:?}", page.texts(".tell li"));
    assert!(page.body.contains("Sign-in refused: wrong password"), "{}", page.body);
    assert!(page.texts(".sub")[0].contains("iPad, iPadOS 16.4"));
    assert!(page.attribute("a.more", "href").is_none(), "no link to the audit trail");

    let found = browser.get("/console/visits?q=ADA").await;
    assert_eq!(found.texts("tbody th a").len(), 1, "{}", found.body);
    assert!(found.body.contains("Enrolled"));
    let expected = [
        StaffActivityEvent::VisitListViewed { filters: vec!["q".into()] },
        StaffActivityEvent::VisitViewed { enrollment },
        StaffActivityEvent::VisitListViewed { filters: vec!["q".into()] },
    ];
    assert_eq!(viewed(&server).await, expected, "viewing is recorded, without the search text");
    server.stop().await;
}

#[tokio::test]
async fn who_was_refused_by_a_rule_is_told_apart_and_an_administrator_is_led_further() {
    let server = TestServer::start().await;
    let now = server.app().platform.world.now();
    let enrollment = EnrollmentId(server.app().platform.world.random_uuid());
    let person = PersonId(server.app().platform.world.random_uuid());
    let user_name = Personal::new(person.key(), "eve".to_owned());
    let method = SignInMethodName::LocalAccount;
    let attributes = PersonAttributes { user_name: Some(user_name.clone()), ..PersonAttributes::default() };
    let known = PersonEvent::PersonKnown { method, account: "00".into(), attributes, keys: vec![], names: vec![] };
    write(&server, &person.stream(), now, known).await;
    let session = SecretHash("01".into());
    let signed_in = EnrollmentEvent::UserSignedIn { method, person, account: "00".into(), user_name, session };
    let refused = EnrollmentEvent::EnrollmentRefused { why: EnrollmentRefusal::TooManyDevices };
    for event in [opened(enrollment), signed_in, refused] {
        write(&server, &enrollment.stream(), now, event).await;
    }
    server.caught_up().await;
    let browser = Browser::signed_in(&server, "root", &[Privilege::Administrator]).await;
    let page = browser.get(&format!("/console/visits/{enrollment}")).await;
    assert_eq!(page.texts(".now"), ["The person has the maximum number of devices."], "{}", page.body);
    assert_eq!(page.texts("h1"), ["eve Refused"]);
    assert!(page.attribute("a.more", "href").unwrap().starts_with("/console/audit/"));
    server.stop().await;
}

#[tokio::test]
async fn the_funnel_counts_the_enrollments_of_a_period_and_shows_who_is_stuck() {
    let server = TestServer::start().await;
    let now = server.app().platform.world.now();
    enrolled(&server, "ada", now.plus_seconds(-600)).await;
    let enrollment = stuck(&server, now.plus_seconds(-300)).await;
    let browser = Browser::signed_in(&server, "heidi", &[Privilege::HelpDesk]).await;
    let page = browser.get("/console/funnel").await;
    assert_eq!(page.texts(".totals dd")[..2], ["2", "1 50 %"], "{}", page.body);
    let steps = page.texts(".list tbody th");
    assert!(steps.contains(&"Signing in".to_owned()) && steps.contains(&"Enrolled".to_owned()), "{steps:?}");
    assert!(page.body.contains(&help_code(enrollment)), "the page lists the enrollment that is stuck");
    let some = browser.get("/console/funnel?version=16").await;
    assert_eq!(some.texts(".totals dd")[..2], ["1", "0 0 %"]);
    assert_eq!(browser.get("/console/funnel?from=yesterday").await.status, 400);
    let access = viewed(&server).await;
    assert_eq!(access[1], StaffActivityEvent::FunnelViewed { filters: vec!["version".into()] });
    server.stop().await;
}

#[tokio::test]
async fn the_help_desk_is_refused_everything_else_and_that_is_written_down() {
    let server = TestServer::start().await;
    let device: DeviceId = enrolled(&server, "ada", server.app().platform.world.now()).await;
    let browser = Browser::signed_in(&server, "heidi", &[Privilege::HelpDesk]).await;
    let funnel = browser.get("/console/funnel").await;
    assert_eq!(funnel.texts("nav[aria-label=Main] a")[..2], ["Funnel", "Enrollments"]);
    assert!(!funnel.texts("nav[aria-label=Main] a").contains(&"Audit trail".to_owned()));
    let closed = [
        ("/console/devices".to_owned(), "see the inventory"),
        (format!("/console/devices/{device}"), "see the inventory"),
        ("/console/audit".to_owned(), "see the audit trail"),
        ("/console/staff".to_owned(), "administer staff"),
    ];
    for (path, _) in &closed {
        assert_eq!(browser.get(path).await.status, 403, "{path}");
    }
    let refused = viewed(&server).await.into_iter().filter_map(|event| match event {
        StaffActivityEvent::AccessRefused { act, .. } => Some(act),
        _ => None,
    });
    assert_eq!(refused.collect::<Vec<_>>(), closed.map(|(_, act)| act));
    server.stop().await;
}

#[tokio::test]
async fn an_auditor_sees_who_looked_at_an_enrollment_but_not_the_enrollments() {
    let server = TestServer::start().await;
    let enrollment = stuck(&server, server.app().platform.world.now()).await;
    let heidi = Browser::signed_in(&server, "heidi", &[Privilege::HelpDesk]).await;
    assert_eq!(heidi.get(&format!("/console/visits/{enrollment}")).await.status, 200);
    let auditor = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    server.caught_up().await;
    let trail = auditor.get("/console/audit?type=VisitViewed").await;
    assert_eq!(trail.texts("tbody th")[0], "Viewed an enrollmentVisitViewed", "{}", trail.body);
    for path in ["/console/funnel".to_owned(), "/console/visits".into(), format!("/console/visits/{enrollment}")] {
        assert_eq!(auditor.get(&path).await.status, 403, "{path}");
    }
    server.stop().await;
}
