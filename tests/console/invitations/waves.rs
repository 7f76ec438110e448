//! Waves: chosen, rehearsed, begun once, paused, resumed and ended; what their pages show and to whom.

use super::{WAVES, administrator, form, happened, issued, person, post, records};
use decisions::wave::Plan;
use events::Event;
use events::invitation::{InvitationDelivery, NotInvited, WaveEvent, WaveId};
use events::record::{RecordEvent, RecordId, RecordOwner};
use events::staff::Privilege;
use harness::TestServer;
use harness::desk::{Answer, Browser, PASSWORD, write};
use invitations::Invitee;
use platform::context::Context;
use std::sync::Arc;
use uuid::Uuid;
use world::{Clock as _, ManualClock, SystemClock, World};

const PLAN: [(&str, &str); 7] = [
    ("name", "Grade 7"),
    ("delivery", "by_hand"),
    ("language", "de"),
    ("most_per_hour", "10"),
    ("valid_days", "30"),
    ("most_reminders", "2"),
    ("remind_after_days", "7"),
];

fn ids(records: &[RecordId]) -> String {
    records.iter().map(RecordId::to_string).collect::<Vec<_>>().join("\n")
}

/// Rehearses a wave of these records.
pub async fn rehearsed(browser: &Browser, records: &[RecordId], fields: &[(&str, &str)]) -> Answer {
    let page = browser.get(&format!("{WAVES}/new")).await;
    let ids = ids(records);
    let deadline = page.attribute("#deadline", "value").unwrap();
    let fields = [&PLAN, fields, &[("ids", ids.as_str()), ("deadline", deadline.as_str())]].concat();
    post(browser, &format!("{WAVES}/rehearse"), &form(&page, &fields)).await
}

/// Begins a wave that is paused before it has records, so that only the test invites people.
pub async fn begun(server: &TestServer, records: &[RecordId], delivery: InvitationDelivery) -> WaveId {
    let (platform, service) = (&server.app().platform, &server.app().invitations);
    let wave = service.wave_of(&platform.world.random_uuid().to_string());
    let plan = Plan {
        name: "Grade 7".into(),
        delivery,
        language: "de".into(),
        most_per_hour: 10,
        valid_days: 30,
        remind_after_days: 7,
        most_reminders: 2,
        deadline: platform.world.now().plus_seconds(30 * 86_400),
    };
    let context = Context::operator(platform.world.random_uuid());
    service.begin_wave(wave, &plan, &[], &context).await.unwrap();
    service.pause_wave(wave, &context).await.unwrap();
    service.begin_wave(wave, &plan, records, &context).await.unwrap();
    server.caught_up().await;
    wave
}

/// What staff did. The server may have had its turn with a record meanwhile.
async fn of_waves(server: &TestServer) -> Vec<String> {
    let events = server.events_of("wave").await;
    events.iter().map(|event| event.type_name()).filter(|name| name != "WaveRecordSkipped").collect()
}

#[tokio::test]
async fn a_wave_is_rehearsed_and_begun_once_with_the_records_that_were_shown() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let ada = person(&server, "ada").await;
    let records = records(&server, &root, &["ada", "grace", "eve"], ada).await;
    let left = RecordEvent::PreviousRecordOwnerResolved { owner: RecordOwner::Left {} };
    write(&server, &records[2].stream(), server.app().platform.world.now(), left).await;
    assert!(root.get(WAVES).await.texts(".empty").concat().contains("There is no wave yet"));

    // Another page hands over its list.
    let csrf = root.get(WAVES).await.csrf();
    let ids = ids(&records);
    let chosen = root.post(&format!("{WAVES}/new"), &[("csrf", &csrf), ("ids", &ids)]).await;
    assert_eq!(chosen.texts("form p strong"), ["3"], "{}", chosen.body);
    let deadline = chosen.attribute("#deadline", "value").unwrap();
    let fields = form(&chosen, &[&PLAN[..], &[("deadline", &deadline)]].concat());
    let rehearsal = post(&root, &format!("{WAVES}/rehearse"), &fields).await;
    assert_eq!(rehearsal.texts(".totals dd"), ["3", "2", "1"], "{}", rehearsal.body);
    assert_eq!(rehearsal.texts("table th[scope=row]"), ["The account of the owner is disabled"]);
    assert_eq!(of_waves(&server).await, [""; 0], "a rehearsal writes nothing");

    let begin = form(&rehearsal, &[]);
    let (one, two) = tokio::join!(post(&root, WAVES, &begin), post(&root, WAVES, &begin));
    assert_eq!((one.status, two.status), (303, 303), "{} {}", one.body, two.body);
    assert_eq!(one.location(), two.location());
    assert_eq!(of_waves(&server).await, ["WaveBegun", "WaveRecordsAdded"]);
    let added = |event: &Event| matches!(event, Event::Wave(WaveEvent::WaveRecordsAdded { records: added }) if *added == records);
    assert!(server.events_of("wave").await.iter().any(added), "in the order of the list");

    let page = root.get(one.location()).await;
    assert!(page.texts("h1")[0].starts_with("Grade 7"), "{}", page.body);
    assert!(page.texts("main > .sub, main .top .sub").concat().contains("by root"), "{}", page.body);
    assert_eq!(page.texts(".list tbody th a"), ["ada’s phone", "grace’s phone", "eve’s phone"]);
    assert_eq!(root.get(WAVES).await.texts("tbody th a"), ["Grade 7"]);
    server.stop().await;
}

#[tokio::test]
async fn a_list_that_was_not_rehearsed_for_this_plan_begins_nothing() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    let root = administrator(&server).await;
    let ada = person(&server, "ada").await;
    let records = records(&server, &root, &["ada"], ada).await;
    let rehearsal = rehearsed(&root, &records, &[]).await;
    let other = rehearsed(&root, &records, &[]).await;
    let token = |page: &Answer| page.attribute("input[name=rehearsed]", "value").unwrap();
    let [own, foreign] = [token(&rehearsal), token(&other)];
    for changed in
        [("most_per_hour", "10000"), ("rehearsed", foreign.as_str()), ("rehearsed", ""), ("rehearsed", "a.b.c")]
    {
        let refused = post(&root, WAVES, &form(&rehearsal, &[changed])).await;
        assert_eq!(refused.status, 409, "{changed:?}: {}", refused.body);
        assert!(refused.texts("main [role=alert]").concat().contains("Rehearse again"), "{}", refused.body);
        assert_eq!(refused.texts("form p strong"), ["1"], "the form keeps the list");
    }
    let eve = Browser::signed_in(&server, "eve", &[Privilege::Administrator]).await;
    let csrf = eve.get(WAVES).await.csrf();
    let stolen = post(&eve, WAVES, &form(&rehearsal, &[("csrf", &csrf), ("rehearsed", &own)])).await;
    assert_eq!(stolen.status, 409, "the list belongs to a session");
    clock.advance_seconds(16 * 60);
    assert_eq!(post(&root, WAVES, &form(&rehearsal, &[])).await.status, 409, "it is too old");
    assert_eq!(of_waves(&server).await, [""; 0]);
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_field_is_named_and_the_form_keeps_the_others() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let records = [RecordId(Uuid::from_u128(7))];
    for (field, said) in [
        (("name", " "), "Give the wave a name"),
        (("name", "a\u{202e}b"), "visible characters"),
        (("delivery", "mail"), "sends no mails"),
        (("language", "fr"), "Choose a language"),
        (("most_per_hour", "0"), "from 1 to 10000"),
        (("valid_days", "366"), "from 1 to 365"),
        (("most_reminders", "x"), "from 0 to 10"),
        (("remind_after_days", "0"), "from 1 to 90"),
    ] {
        let refused = rehearsed(&root, &records, &[field]).await;
        assert_eq!(refused.status, 400, "{field:?}");
        let why = refused.texts("main [role=alert]").concat();
        assert!(why.contains("Nothing was begun") && why.contains(said), "{field:?}: {why}");
        assert_eq!(refused.texts("textarea"), [records[0].to_string()]);
    }
    let page = root.get(&format!("{WAVES}/new")).await;
    let path = format!("{WAVES}/rehearse");
    for (ids, deadline, said) in [
        ("", "2099-01-01", "Choose at least one record"),
        ("17", "2099-01-01", "“17” is not the id of a record"),
        ("00000000-0000-0000-0000-000000000007", "2001-01-01", "The deadline must be a day from today on"),
        ("00000000-0000-0000-0000-000000000007", "tomorrow", "The deadline must be a day from today on"),
    ] {
        let fields = form(&page, &[&PLAN[..], &[("ids", ids), ("deadline", deadline)]].concat());
        let refused = post(&root, &path, &fields).await;
        assert_eq!(refused.status, 400, "{said}");
        assert!(refused.texts("main [role=alert]").concat().contains(said), "{}", refused.body);
    }
    assert_eq!(of_waves(&server).await, [""; 0]);
    server.stop().await;
}

#[tokio::test]
async fn a_wave_is_paused_resumed_and_ended_by_staff_who_invite() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let ada = person(&server, "ada").await;
    let records = records(&server, &root, &["ada"], ada).await;
    let wave = begun(&server, &records, InvitationDelivery::ByHand).await;
    let path = format!("{WAVES}/{wave}");
    assert!(root.get(&path).await.texts(".notice").concat().contains("The wave is paused"));
    let csrf = root.get(&path).await.csrf();
    assert_eq!(root.post(&format!("{path}/resume"), &[("csrf", &csrf)]).await.status, 303);
    let question = root.get(&format!("{path}/end")).await;
    assert_eq!(question.texts("h1"), ["End this wave?"]);
    assert_eq!(post(&root, &format!("{path}/end"), &form(&question, &[])).await.status, 303);
    let ended = root.get(&path).await;
    assert!(ended.texts("main form").is_empty(), "{}", ended.body);
    let refused = root.post(&format!("{path}/pause"), &[("csrf", &csrf)]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.texts("main p").concat().contains("has ended"), "{}", refused.body);
    assert_eq!(of_waves(&server).await, ["WaveBegun", "WavePaused", "WaveRecordsAdded", "WaveResumed", "WaveEnded"]);
    for unknown in ["pause", "end"] {
        let none = format!("{WAVES}/00000000-0000-0000-0000-000000000009/{unknown}");
        assert_eq!(root.post(&none, &[("csrf", &csrf)]).await.status, 404);
    }
    let auditor = Browser::signed_in(&server, "grace", &[Privilege::Auditor]).await;
    let shown = auditor.get(&path).await;
    assert_eq!((shown.status, shown.texts("main form").len()), (200, 0));
    assert!(!shown.body.contains("/export") && !shown.body.contains("/print"), "{}", shown.body);
    let csrf = auditor.get(WAVES).await.csrf();
    for verb in ["pause", "resume", "end"] {
        assert_eq!(auditor.post(&format!("{path}/{verb}"), &[("csrf", &csrf)]).await.status, 403, "{verb}");
    }
    server.stop().await;
}

#[tokio::test]
async fn ending_a_wave_long_after_the_sign_in_first_asks_who_does_it() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    let root = administrator(&server).await;
    let ada = person(&server, "ada").await;
    let records = records(&server, &root, &["ada"], ada).await;
    let path = format!("{WAVES}/{}/end", begun(&server, &records, InvitationDelivery::ByHand).await);
    clock.advance_seconds(10 * 60);
    let question = root.get(&path).await;
    let asked = post(&root, &path, &form(&question, &[])).await;
    assert_eq!(asked.texts("h1"), ["Confirm it’s you"], "{}", asked.body);
    assert!(asked.texts(".about").concat().contains("Grade 7"));
    let proven = post(&root, "/console/confirm/password", &form(&asked, &[("password", PASSWORD)])).await;
    assert!(!of_waves(&server).await.contains(&"WaveEnded".to_owned()));
    assert_eq!(post(&root, &path, &form(&proven, &[])).await.status, 303);
    assert!(of_waves(&server).await.contains(&"WaveEnded".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn the_records_of_a_wave_are_shown_page_by_page_with_what_became_of_them() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let ada = person(&server, "ada").await;
    let names: Vec<String> = (0..60).map(|nth| format!("p{nth}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let records = records(&server, &root, &names, ada).await;
    let wave = begun(&server, &records, InvitationDelivery::ByHand).await;
    issued(&server, Invitee::Record(records[0]), Some(wave), InvitationDelivery::ByHand).await;
    let skipped = WaveEvent::WaveRecordSkipped { record: records[1], why: NotInvited::NoMail };
    write(&server, &wave.stream(), server.app().platform.world.now(), skipped).await;
    server.caught_up().await;
    let page = root.get(&format!("{WAVES}/{wave}")).await;
    let states = page.texts(".list td:nth-of-type(2)");
    assert_eq!(states.len(), 50);
    assert_eq!(states[..3], ["Issued", "SkippedThe owner has no mail address", "Waiting"]);
    let counts: Vec<_> = page.texts(".totals dt").into_iter().zip(page.texts(".totals dd")).collect();
    for (label, count) in [("Records", "60"), ("Waiting", "58"), ("Skipped", "1"), ("Issued", "1")] {
        assert!(counts.contains(&(label.to_owned(), count.to_owned())), "{counts:?}");
    }
    let second = root.get(&page.attribute("a[rel=next]", "href").unwrap()).await;
    assert_eq!(second.texts(".list tbody tr").len(), 10);
    let of_wave = root.get(&page.attribute(".totals a", "href").unwrap()).await;
    assert_eq!(of_wave.texts("tbody tr").len(), 1);
    assert!(of_wave.texts("main > .notice").concat().contains("Grade 7"), "{}", of_wave.body);
    assert_eq!(happened(&server).await, ["InvitationIssued"]);
    server.stop().await;
}
