//! Refused sign-ins during a flood: what is recorded, for which account, and what a stranger can observe.

use super::{behind_a_proxy, console, portal};
use events::enrollment::SignInRefusal;
use events::log::Entry;
use events::person::AccountEvent;
use events::staff::{Privilege, StaffEvent};
use events::system::RefusalEvent;
use events::{ActorKind, Event};
use harness::TestServer;
use harness::desk::PASSWORD;
use muster::app::suppressed;
use projections::audit::{self, AuditFilter, Match, Row};
use sign_in::granted;
use std::net::IpAddr;

const FLOOD: &str = "203.0.113.66";
const ELSEWHERE: &str = "198.51.100.7";

/// Uses up the share of this source.
fn flood(server: &TestServer, address: &str) {
    server.use_up_refusals(address.parse().unwrap());
}

async fn rows(server: &TestServer, event_type: &str) -> Vec<Row> {
    server.caught_up().await;
    let filter = AuditFilter { event_type: Some(Match::is(event_type.into())), ..AuditFilter::default() };
    audit::query(&server.app().platform.projections, &server.app().platform.log, filter, 1_000).await.unwrap().rows
}

async fn entries(server: &TestServer, category: &str) -> Vec<Entry> {
    server.whole_log().await.into_iter().filter(|entry| entry.stream.category() == category).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_guesses_at_an_administrator_are_in_the_trail_during_a_flood_from_another_address() {
    let (server, _) = behind_a_proxy().await;
    server.add_user("root", PASSWORD, &[Privilege::Administrator]).await;
    for nth in 0..70 {
        portal(&server, FLOOD, &format!("nobody {nth}"), "a wrong password").await;
    }
    flood(&server, FLOOD);
    for _ in 0..5 {
        assert_eq!(console(&server, ELSEWHERE, "root", "a wrong password").await, 401);
    }
    let found = rows(&server, "StaffSignInRefused").await;
    assert_eq!(found.len(), 5);
    for row in found {
        assert_eq!((row.source.as_deref(), row.actor_kind), (Some(ELSEWHERE), ActorKind::Visitor));
        assert_eq!(row.person_name.as_deref(), Some("root of Example School"), "the row names the account concerned");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_floods_and_then_guesses_leaves_ten_refusals_an_hour_and_a_count_on_the_account() {
    let (server, clock) = behind_a_proxy().await;
    server.add_user("root", PASSWORD, &[Privilege::Administrator]).await;
    flood(&server, FLOOD);
    for nth in 0..14 {
        // The throttle permits one attempt per minute. The refilled part of the source's share is used up each time.
        if nth >= 5 {
            clock.advance_seconds(60);
            flood(&server, FLOOD);
        }
        assert_eq!(console(&server, FLOOD, "root", "a wrong password").await, 401);
    }
    assert_eq!(console(&server, FLOOD, "root", "a wrong password").await, 429);
    suppressed::write_all(server.app()).await;
    let (mut refused, mut counted) = (0, Vec::new());
    for entry in entries(&server, "staff").await {
        match entry.event {
            Event::Staff(StaffEvent::StaffSignInRefused { .. }) => refused += 1,
            Event::Staff(StaffEvent::StaffRefusalsSuppressed(suppressed)) => counted.push(suppressed),
            _ => {}
        }
    }
    assert_eq!(refused, 11, "ten, and one that was refilled within ten minutes");
    let [counted] = &counted[..] else { panic!("{counted:?}") };
    assert_eq!((counted.count, counted.sources[0].source.text()), (3, FLOOD));
    let row = &rows(&server, "StaffRefusalsSuppressed").await[0];
    assert!(row.sentence.contains("203.0.113.66 (3)"), "{}", row.sentence);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_name_and_an_unknown_one_are_answered_alike_while_their_source_floods() {
    let (server, _) = behind_a_proxy().await;
    server.add_user("ada", PASSWORD, &[Privilege::Enroll]).await;
    flood(&server, FLOOD);
    let known = portal(&server, FLOOD, "ada", "a wrong password").await;
    let unknown = portal(&server, FLOOD, "zoe", "a wrong password").await;
    for answer in [&known, &unknown] {
        assert_eq!((answer.status, answer.headers.get("set-cookie")), (401, None));
    }
    let names = |answer: &harness::guest::Answer| {
        let mut names: Vec<String> = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&known), names(&unknown));
    assert_eq!(known.body.len(), unknown.body.len(), "the pages differ only in the tokens of their forms");
    let of_account = server.events_of("account").await;
    assert!(
        matches!(
            of_account[..],
            [Event::Account(AccountEvent::AccountSignInRefused { reason: SignInRefusal::WrongPassword, .. })]
        ),
        "{of_account:?}"
    );
    assert_eq!(server.events_of("enrollment").await, vec![], "no enrollment was opened for either name");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_at_the_portal_is_bound_to_the_person_of_the_account_even_if_they_come_later() {
    let (server, _) = behind_a_proxy().await;
    server.add_user("ada", PASSWORD, &[Privilege::Enroll]).await;
    assert_eq!(portal(&server, ELSEWHERE, "ada", "a wrong password").await.status, 401);
    flood(&server, FLOOD);
    assert_eq!(portal(&server, FLOOD, "ada", "a wrong password").await.status, 401);
    assert_eq!(rows(&server, "SignInRefused").await[0].person, None, "no person is known yet");
    assert_eq!(portal(&server, "192.0.2.1", "ada", PASSWORD).await.status, 303);
    assert_eq!(portal(&server, ELSEWHERE, "ada", "a wrong password").await.status, 401);
    for event_type in ["SignInRefused", "AccountSignInRefused"] {
        for row in rows(&server, event_type).await {
            assert_eq!(row.person_name.as_deref(), Some("ada of Example School"), "{row:?}");
            assert_eq!(
                row.actor_kind,
                ActorKind::Visitor,
                "the actor is the visitor, because the identity was not proven"
            );
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_to_wait_charges_nothing_and_is_counted() {
    let (server, _) = behind_a_proxy().await;
    let statuses = async |count| {
        let mut statuses = Vec::new();
        for _ in 0..count {
            statuses.push(portal(&server, FLOOD, "zoe", "a wrong password").await.status);
        }
        statuses
    };
    assert_eq!(statuses(5).await, [401; 5]);
    let before = server.whole_log().await.len();
    assert_eq!(statuses(7).await, [429; 7]);
    assert_eq!(server.whole_log().await.len(), before, "throttled attempts are not recorded individually");
    // Five of the sixty available units were used.
    let source: IpAddr = FLOOD.parse().unwrap();
    assert_eq!((0..100).filter(|_| granted(&server.app().sign_in, source)).count(), 55);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_name_their_sources_sealed_and_are_written_by_the_minute_and_then_by_the_hour() {
    let (server, clock) = behind_a_proxy().await;
    let app = server.app();
    let source = |nth: u8| IpAddr::from([203, 0, 113, nth]);
    for second in 0..3 * 3_600 {
        if second % 60 == 0 {
            for nth in 0..25 {
                server.use_up_refusals(source(nth));
            }
            suppressed::write_due(app).await;
        }
        clock.advance_seconds(1);
    }
    let entries = entries(&server, "refusals").await;
    let counts: Vec<_> = entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Refusal(RefusalEvent::RefusalsSuppressed(counted)) => Some(counted),
            _ => None,
        })
        .collect();
    assert_eq!(counts.len(), 10 + 2, "ten counts by minute and two by hour");
    assert!(counts.iter().all(|counted| counted.sources.len() == 20 && counted.others > 0));
    let bytes = std::fs::read(app.config.store.directory.join("events.db")).unwrap();
    let wal = std::fs::read(app.config.store.directory.join("events.db-wal")).unwrap_or_default();
    for file in [&bytes, &wal] {
        assert!(!file.windows(11).any(|window| window == b"203.0.113.1"), "the log contains an address in plain text");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_charged_for_a_refusal_is_not_less_than_what_is_stored() {
    let (server, _) = behind_a_proxy().await;
    server.add_user("root", PASSWORD, &[Privilege::Administrator]).await;
    let head = server.whole_log().await.last().map(|entry| entry.position);
    portal(&server, FLOOD, "zoe", "a wrong password").await;
    console(&server, FLOOD, "zoe", "a wrong password").await;
    console(&server, FLOOD, "root", "a wrong password").await;
    let stored = server.app().platform.log.store().read_all(head, 100).await.unwrap();
    let sizes: Vec<(String, usize)> = stored
        .iter()
        .map(|recorded| {
            let beside = recorded.stream.as_str().len() + 100;
            (recorded.event.event_type.clone(), serde_json::to_vec(&recorded.event).unwrap().len() + beside)
        })
        .collect();
    let of = |event_type: &str| sizes.iter().find(|(name, _)| name == event_type).unwrap().1;
    assert!(of("VisitOpened") + of("SignInRefused") < 3_000, "{sizes:?}");
    for event_type in ["UnknownStaffRefused", "StaffSignInRefused"] {
        assert!(of(event_type) < 1_000, "{sizes:?}");
    }
    server.stop().await;
}
