//! Tests of the throttle.

use super::*;
use world::ManualClock;

const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

fn throttle() -> Throttle {
    Throttle::new([7; 32])
}

fn fail_as(throttle: &Throttle, now: Timestamp, asked: Asked<'_>) -> Result<(), RetryAfter> {
    let keys = throttle.keys(now, asked);
    throttle.check(now, &keys, true).map(|()| throttle.count(now, &keys))
}

fn fail(throttle: &Throttle, now: Timestamp, name: &str, source: IpAddr) -> Result<(), RetryAfter> {
    fail_as(throttle, now, Asked::of(name, source))
}

fn world() -> World {
    World::at(Arc::new(ManualClock::at(NOW)))
}

#[test]
fn after_five_failures_a_name_waits_a_minute_and_is_never_locked() {
    let throttle = throttle();
    for _ in 0..5 {
        fail(&throttle, NOW, "ada", HOME).unwrap();
    }
    assert_eq!(fail(&throttle, NOW, "ada", HOME), Err(RetryAfter(60)));
    assert_eq!(fail(&throttle, NOW.plus_seconds(59), "ada", HOME), Err(RetryAfter(1)));
    assert_eq!(fail(&throttle, NOW.plus_seconds(60), "ada", HOME), Ok(()));
}

#[test]
fn waiting_is_not_made_longer_by_trying() {
    let throttle = throttle();
    for _ in 0..500 {
        let _ = fail(&throttle, NOW, "ada", HOME);
    }
    assert_eq!(fail(&throttle, NOW.plus_seconds(60), "ada", HOME), Ok(()));
}

#[test]
fn a_stranger_cannot_lock_out_the_owner_of_a_name() {
    let throttle = throttle();
    for _ in 0..500 {
        let _ = fail(&throttle, NOW, "ada", ELSEWHERE);
    }
    assert_eq!(fail(&throttle, NOW, "ada", HOME), Ok(()));
}

#[tokio::test]
async fn successes_do_not_count() {
    let throttle = throttle();
    for pupil in 0..1_000 {
        drop(throttle.begin(&world(), Asked::of(&format!("pupil {pupil}"), HOME)).await.unwrap());
    }
    assert_eq!(fail(&throttle, NOW, "ada", HOME), Ok(()));
    assert!(throttle.lines.lock().unwrap().len() <= 2, "empty lines are forgotten");
}

#[test]
fn guessing_one_password_for_many_names_is_throttled_by_source() {
    let throttle = throttle();
    let passed = (0..1_000).filter(|n| fail(&throttle, NOW, &format!("name {n}"), HOME).is_ok()).count();
    assert_eq!(passed, 60 + grace::NAMES_AN_HOUR, "and one for each further name, up to the limit of an hour");
}

/// Begins `count` attempts at once, each of which takes a moment. Returns how many were judged.
async fn at_once(throttle: &Throttle, count: usize, name: impl Fn(usize) -> String, right: bool) -> usize {
    let world = world();
    let attempts = (0..count).map(|nth| {
        let name = name(nth);
        let world = &world;
        async move {
            let Ok(attempt) = throttle.begin(world, Asked::of(&name, HOME)).await else { return 0 };
            tokio::task::yield_now().await;
            if !right {
                throttle.failed(NOW, attempt);
            }
            1
        }
    });
    futures_util::future::join_all(attempts).await.into_iter().sum()
}

#[tokio::test]
async fn attempts_at_once_wait_for_each_other_and_only_those_that_fail_count() {
    let throttle = throttle();
    assert_eq!(at_once(&throttle, 100, |_| "ada".into(), true).await, 100);
    assert_eq!(at_once(&throttle, 100, |_| "ada".into(), false).await, 5);
}

#[tokio::test]
async fn a_known_browser_has_ten_failures_however_many_attempts_it_begins_at_once() {
    let (throttle, world) = (throttle(), world());
    let attempts = (0..100).map(|_| async {
        let asked = Asked { known: Some("browser"), ..Asked::of("ada", HOME) };
        let Ok(attempt) = throttle.begin(&world, asked).await else { return 0 };
        tokio::task::yield_now().await;
        throttle.failed(NOW, attempt);
        1
    });
    assert_eq!(futures_util::future::join_all(attempts).await.into_iter().sum::<usize>(), 10);
}

#[tokio::test]
async fn guesses_for_many_names_at_once_are_hardly_more_than_one_by_one() {
    let judged = at_once(&throttle(), 250, |nth| format!("name {nth}"), false).await;
    let beyond = grace::NAMES_AN_HOUR;
    assert!((60 + beyond..60 + beyond + TURNS_OF_SOURCE).contains(&judged), "{judged}");
}

#[tokio::test]
async fn a_line_has_an_end() {
    let judged = at_once(&throttle(), 1_000, |nth| format!("name {nth}"), true).await;
    assert_eq!(judged, LONGEST_LINE);
}

#[test]
fn the_addresses_of_one_ipv6_network_are_one_source() {
    let throttle = throttle();
    let address = |host: u16| IpAddr::from([0x2001, 0xdb8, 1, 2, 0, 0, 0, host]);
    let passed = (0..100).filter(|host| fail(&throttle, NOW, "ada", address(*host)).is_ok()).count();
    assert_eq!(passed, 5);
}

#[test]
fn what_is_remembered_is_bounded_and_the_worst_offender_stays_throttled() {
    let throttle = throttle();
    for _ in 0..5 {
        fail(&throttle, NOW, "ada", HOME).unwrap();
    }
    for n in 0..60_000_u32 {
        let _ = fail(&throttle, NOW, "ada", IpAddr::from((0x0a00_0000 + n).to_be_bytes()));
    }
    assert!(throttle.paid_off.lock().unwrap().len() <= CAPACITY + 1);
    assert!(fail(&throttle, NOW, "ada", HOME).is_err());
}

/// Uses up the failures of a source.
fn exhaust(throttle: &Throttle, now: Timestamp, source: IpAddr) {
    for nth in 0..60 {
        fail(throttle, now, &format!("guess {nth}"), source).unwrap();
    }
}

#[test]
fn beyond_the_limit_of_its_source_a_name_without_a_failure_has_one_attempt_a_minute() {
    let throttle = throttle();
    exhaust(&throttle, NOW, HOME);
    let asked = Asked::of("pupil", HOME);
    let try_at = |seconds: i64| {
        let now = NOW.plus_seconds(seconds);
        throttle.check(now, &throttle.keys(now, asked), true)
    };
    assert_eq!(try_at(0), Ok(()), "a right password is admitted");
    assert!(try_at(1).is_err());
    exhaust_again(&throttle, NOW.plus_seconds(61));
    assert_eq!(try_at(61), Ok(()));
    // After a failure the name has to wait like the others.
    exhaust_again(&throttle, NOW.plus_seconds(122));
    fail(&throttle, NOW.plus_seconds(122), "pupil", HOME).unwrap();
    exhaust_again(&throttle, NOW.plus_seconds(200));
    assert!(try_at(200).is_err());
    exhaust_again(&throttle, NOW.plus_seconds(122 + 15 * 60 + 1));
    assert_eq!(try_at(122 + 15 * 60 + 1), Ok(()));
}

// Uses up the part of the source's allowance that came back, with names that failed before.
fn exhaust_again(throttle: &Throttle, now: Timestamp) {
    let keys = throttle.keys(now, Asked::of("guess 0", HOME));
    let is_used_up = (0..1_000).any(|_| {
        let waits = wait(&mut throttle.paid_off.lock().unwrap(), keys.source, keys.of_source, now) != 0;
        if !waits {
            throttle.count(now, &keys);
        }
        waits
    });
    assert!(is_used_up, "the allowance of the source ends");
}

#[test]
fn a_known_browser_has_ten_failures_of_its_own_and_is_then_one_like_others() {
    let throttle = throttle();
    exhaust(&throttle, NOW, HOME);
    let known = Asked { known: Some("id"), ..Asked::of("guess 1", HOME) };
    for _ in 0..10 {
        assert_eq!(fail_as(&throttle, NOW, known), Ok(()));
    }
    assert!(fail_as(&throttle, NOW, known).is_err());
    assert!(fail_as(&throttle, NOW.plus_seconds(3_600), known).is_ok(), "as any other");
    let other = Asked { known: Some("another"), ..known };
    assert_eq!(fail_as(&throttle, NOW, other), Ok(()));
}

#[test]
fn a_network_that_many_people_share_has_more_failures_and_one_a_second_at_most() {
    let throttle = throttle();
    let of = |name: &'static str| Asked { people: Some(1_000), ..Asked::of(name, HOME) };
    let names: Vec<&'static str> = (0..3_000).map(|nth| &*format!("name {nth}").leak()).collect();
    let passed = names.iter().filter(|name| fail_as(&throttle, NOW, of(name)).is_ok()).count();
    assert_eq!(passed, 1_000 + 1_000, "and as many names beyond the limit");
    let later = NOW.plus_seconds(10);
    let passed = names.iter().filter(|name| fail_as(&throttle, later, of(name)).is_ok()).count();
    assert!((5..=10).contains(&passed), "{passed}");
}

#[test]
fn what_is_kept_over_a_restart_goes_on_counting_and_tells_no_name() {
    let before = throttle();
    exhaust(&before, NOW, HOME);
    for _ in 0..5 {
        fail(&before, NOW, "ada", ELSEWHERE).unwrap();
    }
    let kept = before.kept(NOW);
    let after = throttle();
    after.restore(NOW, kept);
    assert!(fail(&after, NOW, "ada", ELSEWHERE).is_err());
    assert!(fail(&after, NOW, "guess 1", HOME).is_err(), "a name that failed has no attempt beyond the limit");
    assert_eq!(fail(&after, NOW, "pupil", HOME), Ok(()));
    assert_eq!(before.kept(NOW.plus_seconds(100_000)), [], "what is paid off is not kept");
}

#[test]
fn counts_that_were_kept_under_a_clock_that_was_ahead_end_as_soon_as_others() {
    let (ahead, after) = (throttle(), throttle());
    let later = NOW.plus_seconds(5 * 365 * 24 * 3_600);
    exhaust(&ahead, later, HOME);
    for _ in 0..5 {
        fail(&ahead, later, "ada", ELSEWHERE).unwrap();
    }
    let known = Asked { known: Some("id"), ..Asked::of("guess 1", HOME) };
    fail_as(&ahead, later, known).unwrap();
    after.restore(NOW, ahead.kept(later));
    assert!(fail(&after, NOW, "ada", ELSEWHERE).is_err());
    assert_eq!(fail(&after, NOW.plus_seconds(9 * 60), "ada", ELSEWHERE), Ok(()));
    assert_eq!(fail(&after, NOW.plus_seconds(9 * 60), "guess 1", HOME), Ok(()));
    // The same for a clock that is corrected while the server runs.
    assert!(fail(&ahead, NOW, "ada", ELSEWHERE).is_err());
    assert_eq!(fail(&ahead, NOW.plus_seconds(9 * 60), "ada", ELSEWHERE), Ok(()));
}

#[test]
fn known_browsers_leave_the_counts_of_strangers_their_room() {
    let (before, after) = (throttle(), throttle());
    exhaust(&before, NOW, HOME);
    let browsers =
        (0..KEPT as u32 + 1_000).map(|nth| (before.digest("known", &[&nth.to_string()]), Timestamp(i64::MAX)));
    before.of_known.lock().unwrap().extend(browsers);
    let kept = before.kept(NOW);
    assert_eq!(kept.iter().filter(|kept| kept.counts == Counts::Known).count(), KEPT);
    after.restore(NOW, kept);
    assert!(fail(&after, NOW, "guess 1", HOME).is_err());
}
