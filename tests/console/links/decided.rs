//! Who may decide about a link, with which proof, and what happens if two decide at once.

use super::{LIST, administrator, decide, imported, own, page, person_of, propose, proposed};
use events::Event;
use events::record::{RecordEvent, RecordId};
use events::staff::{Privilege, StaffActivityEvent};
use harness::TestServer;
use harness::desk::{Browser, PASSWORD, write};
use std::sync::Arc;
use world::{Clock as _, ManualClock, SystemClock, World};

/// Returns the decisions in the log.
async fn decisions(server: &TestServer) -> Vec<String> {
    let events = server.events_of("record").await;
    let names = events.iter().map(|event| event.type_name());
    names.filter(|name| ["LinkConfirmed", "LinkRejected", "LinkUndone"].contains(&name.as_str())).collect()
}

/// Checks that this role reads the links and the person, and decides nothing.
async fn only_reads(role: Privilege, exports: bool) {
    let server = TestServer::start().await;
    let (old, new) = proposed(&server, "ada").await;
    let staff = Browser::signed_in(&server, "reader", &[role]).await;
    let person = format!("/console/people/{}", person_of(&server, new).await);
    for path in [LIST, &person] {
        let page = staff.get(path).await;
        assert_eq!((page.status, page.texts("main form[method=post]").len()), (200, 0), "{path}: {}", page.body);
        assert!(page.texts("nav[aria-label=Main] a").contains(&"Re-enrollments".to_owned()), "{path}");
    }
    let export = staff.get(&format!("{person}/export")).await;
    assert_eq!(export.status, if exports { 200 } else { 403 });
    for what in ["confirm", "reject", "undo"] {
        let answer = decide(&staff, (RecordId::of_device(old), new), what, "list").await;
        assert_eq!(answer.status, 403, "{what}");
    }
    assert_eq!(decisions(&server).await, [""; 0]);
    let refused = |event: &Event| {
        matches!(event, Event::StaffActivity(StaffActivityEvent::AccessRefused { act, device: Some(device) })
            if act == "decide about a link" && *device == new)
    };
    assert_eq!(server.events_of("access").await.iter().filter(|event| refused(event)).count(), 3, "each is recorded");
    server.stop().await;
}

#[tokio::test]
async fn an_auditor_reads_links_and_exports_a_person_and_decides_nothing() {
    only_reads(Privilege::Auditor, true).await;
}

#[tokio::test]
async fn the_help_desk_decides_about_links_and_exports_no_person() {
    let server = TestServer::start().await;
    let (old, new) = proposed(&server, "ada").await;
    let heidi = Browser::signed_in(&server, "heidi", &[Privilege::HelpDesk]).await;
    let person = format!("/console/people/{}", person_of(&server, new).await);
    assert_eq!((heidi.get(&person).await.status, heidi.get(&format!("{person}/export")).await.status), (200, 403));
    assert!(!heidi.get(LIST).await.texts("main form[method=post]").is_empty());
    for (what, event) in [("confirm", "LinkConfirmed"), ("undo", "LinkUndone"), ("reject", "LinkRejected")] {
        let answer = decide(&heidi, (RecordId::of_device(old), new), what, "list").await;
        assert_eq!(answer.status, 303, "{what}: {}", answer.body);
        assert_eq!(decisions(&server).await.last().map(String::as_str), Some(event));
    }
    server.stop().await;
}

#[tokio::test]
async fn who_is_not_signed_in_sees_no_link_and_no_person() {
    let server = TestServer::start().await;
    let (_, new) = proposed(&server, "ada").await;
    let person = person_of(&server, new).await;
    let nobody = Browser::new(&server);
    for path in [LIST.to_owned(), format!("/console/people/{person}"), format!("/console/people/{person}/export")] {
        let answer = nobody.get(&path).await;
        assert_eq!((answer.status, answer.body.contains("ada")), (303, false), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_form_without_the_sessions_token_decides_nothing() {
    let server = TestServer::start().await;
    let (old, new) = proposed(&server, "ada").await;
    let root = administrator(&server, "root").await;
    for what in ["confirm", "reject", "undo"] {
        let answer = root.post(&format!("{LIST}/{old}/{new}/{what}"), &[("csrf", "0"), ("from", "list")]).await;
        assert_eq!(answer.status, 403, "{what}");
        assert!(answer.body.contains("The form has expired"), "{}", answer.body);
    }
    assert_eq!(decisions(&server).await, [""; 0]);
    server.stop().await;
}

#[tokio::test]
async fn a_decision_long_after_the_sign_in_first_asks_who_decides_and_shows_what() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    let (old, new) = proposed(&server, "ada").await;
    let root = administrator(&server, "root").await;
    clock.advance_seconds(10 * 60);
    let asked = decide(&root, (RecordId::of_device(old), new), "confirm", "list").await;
    assert_eq!(asked.texts("h1"), ["Confirm it’s you"], "{}", asked.body);
    let about = asked.texts(".about").concat();
    assert!(about.contains("The earlier record: ") && about.contains("The device: "), "{about}");
    assert_eq!(decisions(&server).await, [""; 0]);
    let mut fields = asked.hidden();
    fields.push(("password".to_owned(), PASSWORD.to_owned()));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let proven = root.post("/console/confirm/password", &fields).await;
    assert!(proven.body.contains("Nothing has been done yet"), "{}", proven.body);
    let form = proven.attribute("main form[action^='/console/links/']", "action").unwrap();
    let carried = proven.hidden();
    let carried: Vec<(&str, &str)> = carried.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let done = root.post(&form, &carried).await;
    assert!(done.location().starts_with(LIST), "it leads back to the list: {} {}", done.status, done.location());
    assert_eq!(decisions(&server).await, ["LinkConfirmed"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_administrators_at_once_the_second_sees_who_was_first() {
    let server = TestServer::start().await;
    let (old, new) = proposed(&server, "ada").await;
    let pair = (RecordId::of_device(old), new);
    let (root, grace) = (administrator(&server, "root").await, administrator(&server, "grace").await);
    let both = tokio::join!(decide(&root, pair, "confirm", "device"), decide(&grace, pair, "confirm", "device"));
    assert_eq!((both.0.status, both.1.status), (303, 303), "{} {}", both.0.body, both.1.body);
    assert_eq!(decisions(&server).await, ["LinkConfirmed"], "they end in one link");
    let said = [root.get(both.0.location()).await, grace.get(both.1.location()).await];
    let said = said.map(|page| page.texts("main > .done").concat());
    let first = said.iter().filter(|said| said.starts_with("Confirmed: ")).count();
    let second = said.iter().find(|said| said.contains("was first and confirmed")).expect("the second is told");
    assert_eq!(first, 1, "{said:?}");
    assert!(second.contains("Your confirmation changed nothing"), "{second}");

    let late = decide(&grace, pair, "reject", "device").await;
    assert_eq!(late.status, 409);
    let why = late.texts("main p").concat();
    assert!(why.contains("confirmed the link on") && why.contains("undo it first"), "{why}");
    assert_eq!(late.attribute("main a.primary", "href"), Some(page(new)), "it leads to the present state");
    let refused = server.events_of("access").await;
    assert!(refused.iter().any(|event| matches!(event, Event::StaffActivity(StaffActivityEvent::ActRefused { .. }))));
    server.stop().await;
}

#[tokio::test]
async fn a_second_record_of_one_source_is_refused_and_the_page_says_which_has_the_place() {
    let server = TestServer::start().await;
    let root = administrator(&server, "root").await;
    let (_, new) = proposed(&server, "ada").await;
    let person = person_of(&server, new).await;
    let row = "F2LXJ0AAAA1,ada,Ada,first phone,iPhone 14,PersonalDeviceProfile,2024-03-04T05:06:07Z,1";
    let one = imported(&server, &root, "1", row).await;
    let two = imported(&server, &root, "2", &row.replace("first", "second")).await;
    for record in [one, two] {
        own(&server, record, person).await;
        propose(&server, record, new, 6).await;
    }
    assert_eq!(
        decide(&root, (one, new), "confirm", "record").await.location().split('?').next(),
        Some(&*format!("/console/records/{one}"))
    );
    let taken = decide(&root, (two, new), "confirm", "list").await;
    assert_eq!(taken.status, 409);
    let why = taken.texts("main p").concat();
    assert!(why.contains("first phone from Old Jamf") && why.contains("undo it first"), "{why}");
    assert_eq!(decisions(&server).await, ["LinkConfirmed"]);

    // The record that is confirmed cannot be the past of another device.
    let (_, other) = proposed(&server, "ada").await;
    let event = RecordEvent::LinkProposed {
        successor: other,
        evidence: vec![],
        score: 5,
        band: events::record::LinkBand::Probable,
        proof: Default::default(),
    };
    write(&server, &one.stream(), server.app().platform.world.now(), event).await;
    server.caught_up().await;
    let elsewhere = decide(&root, (one, other), "confirm", "list").await;
    assert_eq!(elsewhere.status, 409);
    assert!(elsewhere.texts("main p").concat().contains("another device"), "{}", elsewhere.body);
    assert_eq!(elsewhere.attribute("main a.primary", "href"), Some(page(new)));
    server.stop().await;
}

#[tokio::test]
async fn a_withdrawn_link_cannot_be_decided_and_an_unknown_one_is_not_found() {
    let server = TestServer::start().await;
    let root = administrator(&server, "root").await;
    let (old, new) = proposed(&server, "ada").await;
    let event = RecordEvent::LinkProposed {
        successor: new,
        evidence: vec![],
        score: -2,
        band: events::record::LinkBand::None,
        proof: Default::default(),
    };
    write(&server, &RecordId::of_device(old).stream(), server.app().platform.world.now(), event).await;
    server.caught_up().await;
    let withdrawn = root.get(&format!("{LIST}?state=withdrawn")).await;
    assert_eq!((withdrawn.texts("tbody tr").len(), withdrawn.texts("tbody form").len()), (1, 0));
    assert_eq!(withdrawn.texts("tbody td")[3..5], ["–", "–"], "a withdrawn link answers nothing");
    let refused = decide(&root, (RecordId::of_device(old), new), "confirm", "list").await;
    assert_eq!(refused.status, 409);
    assert!(refused.texts("main p").concat().contains("no longer proposed"), "{}", refused.body);
    assert_eq!(decide(&root, (RecordId::of_device(new), old), "confirm", "list").await.status, 404);
    assert_eq!(decisions(&server).await, [""; 0]);
    server.stop().await;
}

#[tokio::test]
async fn a_confirmed_link_that_is_weighed_again_keeps_who_confirmed_it_and_when() {
    let server = TestServer::start().await;
    let root = administrator(&server, "root").await;
    let (old, new) = proposed(&server, "ada").await;
    let record = RecordId::of_device(old);
    assert_eq!(decide(&root, (record, new), "confirm", "list").await.status, 303);
    let link = async || {
        let links = projections::links::of_record(&server.app().platform.projections, record, None, 9).await.unwrap();
        links.into_iter().find(|link| link.successor == new).unwrap()
    };
    let before = link().await;
    propose(&server, record, new, 9).await;
    let after = link().await;
    assert_eq!((before.since, before.event), (after.since, after.event));
    assert_eq!(after.score, 9, "what it proves is corrected");
    let shown = root.get(&format!("{LIST}?state=confirmed")).await;
    assert!(shown.texts("tbody").concat().contains("root"), "{}", shown.body);
    server.stop().await;
}
