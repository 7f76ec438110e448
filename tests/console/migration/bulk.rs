//! Exceptions for many records and for one, and notes.

use super::{BOARD, Old, administrator, import, invite, listed, note, number, propose, record};
use crate::factors::server as server_with_clock;
use events::Event;
use events::migration::MigrationException;
use events::person::PersonEvent;
use events::record::{LinkProof, RecordEvent, RecordId, RecordOwner};
use harness::TestServer;
use harness::desk::{Answer, Browser, enrolled, write};

async fn exceptions(server: &TestServer) -> Vec<String> {
    let events = server.events_of("record").await;
    let names = events.iter().map(Event::type_name);
    names.filter(|name| name.starts_with("MigrationException")).collect()
}

/// Posts the form of the board.
async fn rehearse(browser: &Browser, query: &str, verb: &str, fields: &[(&str, &str)]) -> Answer {
    let board = browser.get(&format!("{BOARD}?{query}")).await;
    let csrf = board.csrf();
    let kept: Vec<(String, String)> = url_pairs(query);
    let mut all: Vec<(&str, &str)> = kept.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    all.push(("csrf", &csrf));
    all.extend(fields);
    browser.post(&format!("{BOARD}/{verb}/try"), &all).await
}

fn url_pairs(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.replace('+', " "))).collect()
}

/// Sends the form that the rehearsal shows.
async fn go_on(browser: &Browser, shown: &Answer, form: &str) -> Answer {
    let action = shown.attribute(form, "action").unwrap();
    let fields = shown.hidden();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post(&action, &fields).await
}

#[tokio::test]
async fn an_exception_is_rehearsed_made_for_the_list_that_was_shown_and_ended_again() {
    let server = TestServer::start().await;
    import(&server, &[Old::new(1), Old::new(2), Old { site: Some("Wien"), ..Old::new(3) }]).await;
    let root = administrator(&server).await;
    let fields = [("which", "all"), ("why", "device_too_old")];
    let shown = rehearse(&root, "site=Graz", "except", &fields).await;
    assert_eq!(shown.status, 200, "{}", shown.body);
    assert_eq!(shown.texts("tbody th"), ["old phone 1", "old phone 2"]);
    assert_eq!(exceptions(&server).await, [""; 0], "nothing is done before it is confirmed");
    // One that matches later is not in the list, and one that changed is left out.
    import(&server, &[Old::new(4)]).await;
    invite(&server, 1, record(2), None).await;
    let done = go_on(&root, &shown, "form.stack").await;
    assert_eq!(done.status, 200, "{}", done.body);
    let outcomes = done.texts("tbody td:last-child");
    assert_eq!(outcomes, ["Done", "No: its record changed after the list was shown. Rehearse again"]);
    assert_eq!(exceptions(&server).await, ["MigrationExceptionMade"]);
    let board = root.get(&format!("{BOARD}?state=exception")).await;
    assert_eq!((listed(&board), number(&board, "Exception")), (vec!["old phone 1".to_owned()], "1".to_owned()));
    assert!(board.texts(".board tbody td")[1].contains("The device is too old"), "{:?}", board.texts("tbody td"));

    let ticks = [(format!("tick-{}", record(1)), "yes"), (format!("tick-{}", record(3)), "yes")];
    let ticks: Vec<(&str, &str)> = ticks.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let shown = rehearse(&root, "", "end-exception", &ticks).await;
    let mut answers = shown.texts("tbody td:last-child");
    answers.sort();
    assert_eq!(answers, ["No: it has no exception", "Yes"]);
    let done = go_on(&root, &shown, "form.stack").await;
    assert_eq!(done.texts("tbody td:last-child"), ["Done"]);
    assert_eq!(exceptions(&server).await, ["MigrationExceptionMade", "MigrationExceptionEnded"]);
    assert_eq!(number(&root.get(BOARD).await, "Exception"), "0");
    server.stop().await;
}

#[tokio::test]
async fn the_owners_of_the_records_that_match_or_are_selected_are_invited_in_a_wave() {
    let server = TestServer::start().await;
    import(&server, &[Old::new(1), Old::new(2), Old { site: Some("Wien"), ..Old::new(3) }]).await;
    let root = administrator(&server).await;
    let csrf = root.get(BOARD).await.csrf();
    let chosen = async |fields: &[(&str, &str)]| {
        let all: Vec<(&str, &str)> = [("csrf", csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
        root.post(&format!("{BOARD}/invite"), &all).await
    };
    let shown = chosen(&[("site", "Graz"), ("which", "all")]).await;
    assert_eq!(shown.status, 200, "{}", shown.body);
    assert!(shown.body.contains("Records: <strong>2</strong>"), "{}", shown.body);
    let tick = format!("tick-{}", record(3));
    let shown = chosen(&[("which", "ticked"), (&tick, "yes")]).await;
    assert!(shown.body.contains("Records: <strong>1</strong>"), "{}", shown.body);
    let nothing = chosen(&[("which", "ticked")]).await;
    assert_eq!(nothing.status, 400, "{}", nothing.body);
    assert!(server.events_of("wave").await.is_empty(), "nothing happens before the wave is begun");
    server.stop().await;
}

#[tokio::test]
async fn a_list_is_valid_for_its_action_and_for_fifteen_minutes() {
    let (server, clock) = server_with_clock().await;
    import(&server, &[Old::new(1)]).await;
    let root = administrator(&server).await;
    let shown = rehearse(&root, "", "except", &[("which", "all"), ("why", "stays")]).await;
    let batch = shown.attribute("input[name=batch]", "value").unwrap();
    let csrf = shown.csrf();
    for (verb, why) in [("except", "declined"), ("end-exception", "stays")] {
        let fields = [("csrf", csrf.as_str()), ("batch", &batch), ("why", why)];
        let answer = root.post(&format!("{BOARD}/{verb}/do"), &fields).await;
        assert_eq!(answer.status, 409, "{verb} {why}");
        assert!(answer.body.contains("Nothing was done"), "{}", answer.body);
    }
    clock.advance_seconds(15 * 60 + 1);
    let late = go_on(&root, &shown, "form.stack").await;
    assert_eq!(late.status, 409);
    let again = go_on(&root, &late, "form.stack").await;
    assert_eq!((again.status, again.texts("tbody td:last-child")), (200, vec!["Yes".to_owned()]), "{}", again.body);
    for fields in [&[("which", "all")][..], &[("which", "ticked"), ("why", "stays")], &[("why", "x"), ("which", "all")]]
    {
        assert_eq!(rehearse(&root, "", "except", fields).await.status, 400, "{fields:?}");
    }
    assert_eq!(exceptions(&server).await, [""; 0]);
    server.stop().await;
}

#[tokio::test]
async fn more_records_than_fit_in_one_rehearsal_are_rehearsed_one_list_after_the_other() {
    let server = TestServer::start().await;
    let many: Vec<Old> = (1..=510).map(Old::new).collect();
    import(&server, &many).await;
    let root = administrator(&server).await;
    let first = rehearse(&root, "", "except", &[("which", "all"), ("why", "other")]).await;
    assert_eq!(first.texts("tbody tr").len(), 500);
    let done = go_on(&root, &first, "form.stack").await;
    assert_eq!(exceptions(&server).await.len(), 500, "{}", done.status);
    let next = go_on(&root, &done, "form.notice").await;
    assert_eq!(next.texts("tbody tr").len(), 10, "{}", next.body);
    go_on(&root, &next, "form.stack").await;
    assert_eq!(number(&root.get(BOARD).await, "Exception"), "510");
    server.stop().await;
}

#[tokio::test]
async fn what_is_done_gets_no_exception() {
    let server = TestServer::start().await;
    import(&server, &[Old::new(1)]).await;
    let device = enrolled(&server, "ada", server.app().platform.world.now()).await;
    propose(&server, record(1), device).await;
    note(&server, record(1), RecordEvent::LinkConfirmed { successor: device, proof: LinkProof::default() }).await;
    let root = administrator(&server).await;
    let shown = rehearse(&root, "", "except", &[("which", "all"), ("why", "stays")]).await;
    assert_eq!(shown.texts("tbody td:last-child"), ["No: it is done"]);
    assert_eq!(shown.texts("form.stack button").len(), 0, "there is nothing to do");
    let page = root.get(&format!("/console/records/{}", record(1))).await;
    assert!(!page.body.contains("Make an exception") && !page.body.contains("Invite…"), "{}", page.body);
    server.stop().await;
}

async fn send(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let csrf = browser.get("/console/account").await.csrf();
    let all: Vec<(&str, &str)> = [("csrf", csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
    browser.post(path, &all).await
}

#[tokio::test]
async fn the_page_of_a_record_has_its_state_takes_notes_and_makes_and_ends_an_exception() {
    let server = TestServer::start().await;
    let device = enrolled(&server, "ada", server.app().platform.world.now()).await;
    import(&server, &[Old::new(1)]).await;
    invite(&server, 1, RecordId::of_device(device), None).await;
    let root = administrator(&server).await;
    // An imported record has its own page, an enrollment the one of its device.
    for (id, page, before) in [
        (record(1), format!("/console/records/{}", record(1)), "To invite"),
        (RecordId::of_device(device), format!("/console/devices/{device}"), "Invited"),
    ] {
        let of = format!("/console/records/{id}");
        assert!(root.get(&page).await.texts(".owner .chip").contains(&before.to_owned()), "{page}");
        let answer = send(&root, &format!("{of}/exception"), &[("why", "declined")]).await;
        assert_eq!((answer.status, answer.location()), (303, format!("{page}?done=excepted").as_str()));
        let shown = root.get(answer.location()).await;
        assert_eq!(shown.texts(".notice.done"), ["The record is an exception: The person declined."]);
        assert!(shown.texts("summary").contains(&"Earlier states (1)".to_owned()), "{:?}", shown.texts("summary"));
        let noted = send(&root, &format!("{of}/notes"), &[("note", "<b>Called</b> on Monday")]).await;
        let shown = root.get(noted.location()).await;
        assert_eq!(shown.texts(".notice.done"), ["The note is kept."]);
        assert_eq!(shown.texts(".card .lines"), ["<b>Called</b> on Monday"]);
        assert!(shown.texts(".card").concat().contains("root"), "{:?}", shown.texts(".card"));
        let ended = send(&root, &format!("{of}/exception/end"), &[]).await;
        let shown = root.get(ended.location()).await;
        assert_eq!(shown.texts(".notice.done"), [format!("The record has no exception. Its state: {before}.")]);
        for (path, fields, status) in [
            ("exception", [("why", "x")], 400),
            ("notes", [("note", "  ")], 400),
            ("notes", [("note", &"x".repeat(2_001))], 400),
        ] {
            assert_eq!(send(&root, &format!("{of}/{path}"), &fields).await.status, status, "{path}");
        }
    }
    let long = send(&root, &format!("/console/records/{}/notes", record(1)), &[("note", &"x".repeat(100_000))]).await;
    assert!(long.status == 400 && long.body.contains("too much text"), "{}", long.body);
    let page = root.get(&format!("/console/devices/{device}")).await;
    let list = page.attribute(".owner a", "href").expect("the page leads to the invitations of the record");
    assert_eq!(list, format!("/console/invitations?record={}", RecordId::of_device(device)));
    assert_eq!(root.get(&list).await.texts("tbody tr").len(), 1);
    let nobody = format!("/console/records/{}/exception", record(9));
    assert_eq!(send(&root, &nobody, &[("why", "stays")]).await.status, 404);
    server.stop().await;
}

#[tokio::test]
async fn the_page_shows_the_state_at_an_earlier_time_without_forms() {
    let (server, clock) = server_with_clock().await;
    import(&server, &[Old::new(1)]).await;
    let then = server.app().platform.world.now();
    clock.advance_seconds(600);
    note(&server, record(1), RecordEvent::MigrationExceptionMade { why: MigrationException::Stays }).await;
    let root = administrator(&server).await;
    let path = format!("/console/records/{}", record(1));
    assert_eq!(root.get(&path).await.texts(".owner .chip")[0], "Exception");
    let shown = root.get(&format!("{path}?as_of={}", then.to_rfc3339())).await;
    assert_eq!(shown.texts(".owner .chip")[0], "To invite");
    assert!(!shown.texts("summary").iter().any(|summary| summary.contains("note")), "{:?}", shown.texts("summary"));
    server.stop().await;
}

#[tokio::test]
async fn an_erased_record_takes_no_note_and_shows_none() {
    let server = TestServer::start().await;
    let device = enrolled(&server, "ada", server.app().platform.world.now()).await;
    let person = crate::links::person_of(&server, device).await;
    import(&server, &[Old { owner: Some(RecordOwner::Unique { person }), ..Old::new(1) }]).await;
    let root = administrator(&server).await;
    let notes = format!("/console/records/{}/notes", record(1));
    assert_eq!(send(&root, &notes, &[("note", "Called on Monday")]).await.status, 303);
    let app = server.app();
    app.platform.keys.destroy(&record(1).key()).unwrap();
    write(&server, &person.stream(), app.platform.world.now(), PersonEvent::PersonErased {}).await;
    server.caught_up().await;
    let page = root.get(&format!("/console/records/{}", record(1))).await;
    assert!(!page.body.contains("Called on Monday"), "{}", page.body);
    assert_eq!(page.texts(".card .lines"), ["(erased)"]);
    let board = root.get(BOARD).await;
    assert!(!board.body.contains("User Number 1") && board.body.contains("(erased)"), "{}", board.body);
    assert_eq!(send(&root, &notes, &[("note", "again")]).await.status, 409);
    server.stop().await;
}
