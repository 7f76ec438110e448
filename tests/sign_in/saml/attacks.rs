//! Sends the corpus of attacks to the running server. Each attack is refused, with an event that has the reason.

use super::corpus::attacks;
use super::{CONSUMER, Forged, assert_told_nothing, enrollment_events, faults, post};
use events::enrollment::EnrollmentEvent;
use std::cell::RefCell;
use std::net::TcpListener;
use std::sync::Arc;
use world::{Clock as _, ManualClock, SystemClock, World};

/// Number of refusals that are recorded at once, and number of seconds until as many are possible again.
const ROOM: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn every_attack_is_refused_with_an_event_that_says_why() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let forged = Forged::start(World::at(clock.clone()), |_| {}).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let trap = listener.local_addr().unwrap().to_string();
    // Each answer belongs to its own request, which is still open.
    let mut begun = Vec::new();
    for _ in 0..150 {
        begun.push(forged.begin().await);
    }
    let requests = RefCell::new(begun.iter().map(|(_, request)| request.clone()).collect::<Vec<_>>());
    let facts = || forged.facts(&requests.borrow_mut().pop().expect("enough requests were started"));
    let attacks = attacks(&forged.idp, &facts, &trap);
    for (nth, attack) in attacks.iter().enumerate() {
        if nth % ROOM == ROOM - 1 {
            clock.advance_seconds(ROOM as i64);
        }
        let answer = post(&forged.server, CONSUMER, &attack.field).await;
        assert_eq!(answer.led_to(), Some(super::RETURN), "{}: {} {}", attack.name, answer.status, answer.body);
    }
    let recorded: Vec<String> = faults(&forged.server).await.iter().map(|fault| format!("{fault:?}")).collect();
    let expected: Vec<(&str, &str)> = attacks.iter().map(|attack| (attack.name, attack.fault)).collect();
    assert_eq!(recorded.len(), expected.len());
    for (fault, (name, expected)) in recorded.iter().zip(expected) {
        assert_eq!(fault, expected, "{name}");
    }
    let events = enrollment_events(&forged.server).await;
    let let_in = |event: &&EnrollmentEvent| {
        matches!(event, EnrollmentEvent::UserSignedIn { .. } | EnrollmentEvent::SingleSignOnProven { .. })
    };
    assert_eq!(events.iter().filter(let_in).count(), 0);
    assert!(events.iter().any(|event| matches!(event, EnrollmentEvent::SingleSignOnRefused { .. })));
    assert!(listener.accept().is_err(), "something was fetched");
    for (guest, _) in begun.iter_mut().take(100).step_by(25) {
        assert_told_nothing(&guest.get(super::RETURN).await);
    }
    // A valid answer is still accepted.
    let (mut guest, request) = forged.begin().await;
    let answer = super::come_back(&forged.server, &mut guest, &forged.answer(&request)).await;
    assert_eq!(answer.led_to(), Some("/enroll/ownership"), "{}", answer.body);
    forged.server.stop().await;
}
