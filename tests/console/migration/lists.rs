//! What the board lists: filters, pages, numbers, the chart, the export, and records that are late.

use super::{BOARD, Old, administrator, import, invite, listed, note, number, propose, record, wave};
use crate::factors::server as server_with_clock;
use events::Event;
use events::enrollment::EnrollmentEvent;
use events::migration::MigrationException;
use events::record::{LinkProof, PreviousAnswer, RecordEvent, RecordId, RecordOwner};
use events::staff::{ExportFormat, StaffActivityEvent};
use harness::TestServer;
use harness::desk::{enrolled, write};
use harness::waiting::seen;
use std::collections::BTreeSet;

/// Four imported records that differ in everything, and one enrollment of this installation.
async fn several(server: &TestServer) -> RecordId {
    import(
        server,
        &[
            Old::new(1),
            Old { source: "Intune", site: None, owner: Some(RecordOwner::Several {}), ..Old::new(2) },
            Old { model: "iPhone14,7", silent: Some(40), ..Old::new(3) },
            Old { site: Some("Wien"), silent: None, owner: Some(RecordOwner::Left {}), ..Old::new(4) },
        ],
    )
    .await;
    let device = enrolled(server, "ada", server.app().platform.world.now()).await;
    let pilot = wave(server, "Pilot").await;
    invite(server, 1, RecordId::of_device(device), Some(pilot)).await;
    invite(server, 2, record(3), None).await;
    RecordId::of_device(device)
}

#[tokio::test]
async fn each_filter_lists_its_records_and_the_numbers_are_the_lengths_of_the_lists() {
    let server = TestServer::start().await;
    several(&server).await;
    let root = administrator(&server).await;
    let board = root.get(BOARD).await;
    assert_eq!(board.status, 200, "{}", board.body);
    let waves = board.attribute("#wave option:nth-of-type(2)", "value").unwrap();
    let (one, two, three, four, own) = ("old phone 1", "old phone 2", "old phone 3", "old phone 4", "iPhone 14");
    for (query, expected) in [
        ("", vec![own, one, two, three, four]),
        ("state=invited", vec![own, three]),
        ("state=to_invite", vec![one, two]),
        ("state=gone", vec![four]),
        ("state=done", vec![]),
        ("source=Intune", vec![two]),
        ("source=Muster", vec![own]),
        ("site=Wien", vec![four]),
        ("model=iPhone+14", vec![own, three]),
        ("model=iPhone+99", vec![]),
        ("owner=several", vec![two]),
        ("owner=unique", vec![own]),
        ("user=ADA", vec![own]),
        ("user=user3", vec![three]),
        ("user=user", vec![]),
        ("age=week", vec![own, one, two]),
        ("age=quarter", vec![three]),
        ("age=unknown", vec![four]),
        (&format!("wave={waves}"), vec![own]),
        ("late=yes", vec![]),
        ("site=Graz&state=invited", vec![three]),
    ] {
        let shown = root.get(&format!("{BOARD}?{query}")).await;
        assert_eq!(shown.status, 200, "{query}");
        let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        expected.sort();
        assert_eq!(listed(&shown), expected, "{query}");
        if !query.contains("state=") {
            for (label, word) in
                [("To invite", "to_invite"), ("Invited", "invited"), ("Gone", "gone"), ("Done", "done")]
            {
                let list = root.get(&format!("{BOARD}?{query}&state={word}")).await;
                assert_eq!(number(&shown, label), listed(&list).len().to_string(), "{query}: {label}");
            }
        }
    }
    for wrong in ["state=lost", "owner=x", "age=1", "wave=x", "late=no", "after=1", "days=31", "q=a"] {
        assert_eq!(root.get(&format!("{BOARD}?{wrong}")).await.status, 400, "{wrong}");
    }
    let viewed = |filters: &[&str]| {
        let filters = filters.iter().map(|filter| (*filter).to_owned()).collect();
        Event::StaffActivity(StaffActivityEvent::MigrationBoardViewed { filters })
    };
    let access = server.events_of("access").await;
    assert!(access.contains(&viewed(&[])));
    assert!(access.contains(&viewed(&["state=invited", "site=Graz"])), "in the order of the form");
    assert!(access.contains(&viewed(&["user"])), "the name is not recorded");
    server.stop().await;
}

#[tokio::test]
async fn the_pages_have_each_record_once() {
    let server = TestServer::start().await;
    let many: Vec<Old> = (1..=120).map(Old::new).collect();
    import(&server, &many).await;
    let root = administrator(&server).await;
    let (mut path, mut seen, mut pages) = (BOARD.to_owned(), Vec::new(), 0);
    while !path.is_empty() {
        let shown = root.get(&path).await;
        assert_eq!(number(&shown, "To invite"), "120");
        seen.extend(shown.texts(".board tbody th a"));
        path = shown.attribute("a[rel=next]", "href").unwrap_or_default();
        pages += 1;
        assert_eq!(shown.texts(".pager a").contains(&"First page".to_owned()), pages > 1);
    }
    assert_eq!((pages, seen.len(), seen.iter().collect::<BTreeSet<_>>().len()), (3, 120, 120));
    server.stop().await;
}

#[tokio::test]
async fn a_record_leads_to_its_proposal_and_then_to_its_device() {
    let server = TestServer::start().await;
    import(&server, &[Old::new(1)]).await;
    let device = enrolled(&server, "ada", server.app().platform.world.now()).await;
    propose(&server, record(1), device).await;
    let root = administrator(&server).await;
    let next = async |state: &str| {
        let shown = root.get(&format!("{BOARD}?state={state}")).await;
        shown.attribute(".board td:last-child a", "href").unwrap()
    };
    let proposal = next("to_confirm").await;
    assert_eq!(proposal, format!("/console/links?record={}", record(1)));
    assert_eq!(root.get(&proposal).await.texts("tbody tr").len(), 1);
    let confirmed = RecordEvent::LinkConfirmed { successor: device, proof: LinkProof::default() };
    note(&server, record(1), confirmed).await;
    assert_eq!(next("done").await, format!("/console/devices/{device}"));
    server.stop().await;
}

#[tokio::test]
async fn the_chart_says_in_words_and_as_a_table_what_it_shows() {
    let (server, clock) = server_with_clock().await;
    import(&server, &[Old::new(1), Old::new(2)]).await;
    clock.advance_seconds(3 * 86_400);
    note(&server, record(1), RecordEvent::MigrationExceptionMade { why: MigrationException::Stays }).await;
    let root = administrator(&server).await;
    let shown = root.get(BOARD).await;
    let said = shown.texts("svg desc").concat();
    assert!(said.ends_with("To invite 1, Exception 1."), "{said}");
    assert_eq!(shown.texts("svg.plot .layer").len(), 2, "one layer for each state that occurs");
    let numbers = |row: usize| shown.texts(&format!("table.numbers tbody tr:nth-of-type({row}) td")).join(" ");
    assert_eq!(numbers(1), "1 0 0 0 0 0 0 1 0", "today");
    assert_eq!(numbers(4), "2 0 0 0 0 0 0 0 0", "the day of the import");
    assert!(!shown.body.contains(" style="), "the policy of the console forbids it");
    let year = root.get(&format!("{BOARD}?days=365&source=Jamf+Pro")).await;
    assert_eq!(year.texts(".chart [aria-current]"), ["A year"]);
    assert_eq!(root.get(&format!("{BOARD}?source=None")).await.texts("svg.plot").len(), 0);
    server.stop().await;
}

#[tokio::test]
async fn an_export_has_the_filtered_records_and_is_recorded() {
    let server = TestServer::start().await;
    let own = several(&server).await;
    let root = administrator(&server).await;
    let page = root.get(&format!("{BOARD}?state=invited")).await;
    let href = page.attribute("a[download]", "href").unwrap();
    let file = root.get(&href).await;
    assert_eq!((file.status, file.body.lines().count()), (200, 3), "{}", file.body);
    assert!(file.body.starts_with("\"id\",\"source\",\"site\""), "{}", file.body);
    assert!(file.body.contains(&own.to_string()) && file.body.contains("\"Pilot\""), "{}", file.body);
    let lines = root.get(&format!("{BOARD}/export?format=jsonl&user=user3")).await;
    let line: serde_json::Value = serde_json::from_str(lines.body.trim()).unwrap();
    assert_eq!((&line["state"], &line["user_name"]), (&"invited".into(), &"user3".into()));
    assert_eq!((&line["site"], &line["full_name"]), (&"Graz".into(), &"User Number 3".into()));
    let exported = |filters: &[&str], format, rows| {
        let filters = filters.iter().map(|filter| (*filter).to_owned()).collect();
        Event::StaffActivity(StaffActivityEvent::MigrationBoardExported { filters, format, rows })
    };
    let access = server.events_of("access").await;
    assert!(access.contains(&exported(&["state=invited"], ExportFormat::Csv, 2)), "{access:?}");
    assert!(access.contains(&exported(&["user"], ExportFormat::Jsonl, 1)), "{access:?}");
    server.stop().await;
}

#[tokio::test]
async fn who_removed_the_old_management_and_does_not_enroll_for_three_days_is_an_alarm() {
    let (server, clock) = server_with_clock().await;
    import(&server, &[Old::new(1), Old::new(2)]).await;
    let now = server.app().platform.world.now();
    let said = EnrollmentEvent::PreviousRecordAnswered {
        record: record(1),
        answer: PreviousAnswer::ThisDevice,
        removed: Some(true),
    };
    let enrollment = events::enrollment::EnrollmentId(server.app().platform.world.random_uuid());
    write(&server, &enrollment.stream(), now, said).await;
    server.caught_up().await;
    let root = administrator(&server).await;
    assert_eq!(root.get(BOARD).await.texts(".notice.warn").len(), 0, "not yet");
    assert!(server.metrics().await.contains("muster_removed_not_enrolled 0\n"));
    clock.advance_seconds(3 * 86_400);
    let root = desk_again(&server, root).await;
    let shown = root.get(BOARD).await;
    assert!(
        shown.texts(".notice.warn")[0].starts_with("The old management of 1 record was removed more than 3 days ago")
    );
    let late = root.get(&shown.attribute(".notice.warn a", "href").unwrap()).await;
    assert_eq!(listed(&late), ["old phone 1"]);
    assert!(server.metrics().await.contains("muster_removed_not_enrolled 1\n"));
    let raised = "muster_alarms_total{alarm=\"removed-not-enrolled\"} 1\n";
    seen("the alarm", async || server.metrics().await.contains(raised).then_some(())).await;
    server.stop().await;
}

// The session ended with the days that passed.
async fn desk_again(server: &TestServer, before: harness::desk::Browser) -> harness::desk::Browser {
    drop(before);
    let browser = harness::desk::Browser::new(server);
    assert_eq!(browser.sign_in("root", harness::desk::PASSWORD).await.status, 303);
    browser
}

#[tokio::test]
async fn the_filter_of_user_names_knows_capitals_outside_ascii() {
    let server = TestServer::start().await;
    let now = server.app().platform.world.now();
    for name in ["jürgen", "ÄNNE"] {
        let device = enrolled(&server, name, now).await;
        invite(&server, u128::from(name.len() as u64), RecordId::of_device(device), None).await;
    }
    let root = administrator(&server).await;
    for typed in ["J%C3%9CRGEN", "j%C3%BCrgen", "%C3%A4nne", "%C3%84NNE"] {
        assert_eq!(listed(&root.get(&format!("{BOARD}?user={typed}")).await).len(), 1, "{typed}");
    }
    server.stop().await;
}
