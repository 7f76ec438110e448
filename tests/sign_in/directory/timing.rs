//! Compares the duration of a refusal for an unknown name and for a wrong password, because an attacker can measure
//! it.
//!
//! Takes minutes: `cargo test --release --test sign_in directory::timing -- --ignored --nocapture`.

use events::staff::Privilege;
use harness::TestServer;
use harness::directory::config;
use harness::directory::slapd::{self, Slapd};
use harness::guest::{Guest, iphone};
use harness::test_name;
use reqwest::header::{HeaderMap, HeaderValue};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;
use world::{ManualClock, World};

/// Source address of the attempts.
const SOURCE: &str = "203.0.113.66";

/// Returns the number of attempts of each kind.
fn tries() -> usize {
    std::env::var("MUSTER_TIMING_TRIES").ok().and_then(|tries| tries.parse().ok()).unwrap_or(500)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes, and needs a quiet machine"]
async fn an_unknown_name_and_a_wrong_password_take_the_same_time() {
    let slapd = slapd::is_here(test_name!()).then(Slapd::start);
    let clock = Arc::new(ManualClock::at(World::system().now()));
    let server = TestServer::start_with(World::at(clock.clone()), |config_of_server| {
        config_of_server.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        config_of_server.identity.directory = slapd.iter().map(config).collect();
    })
    .await;
    server.add_user("lena", "a long walk in eleven steps", &[Privilege::Enroll]).await;
    compare(&server, &clock, "local accounts", "lena", "zara").await;
    // During a flood, a refusal of the known name is recorded as an event, and one of the unknown name is only
    // counted.
    let flood = Some(SOURCE.parse().unwrap());
    compare_under(&server, &clock, flood, "local accounts while their source floods", "lena", "zara").await;
    if let Some(slapd) = slapd {
        server.settings(|settings| settings.sign_in.enrollment.directories = vec!["main".into()]).await;
        // Disables the lockout: otherwise the directory would lock the account, and the test would measure refusals of
        // a locked account.
        slapd.modify("dn: cn=default,ou=policies,dc=example,dc=test\nchangetype: modify\nreplace: pwdLockout\npwdLockout: FALSE\n");
        compare(&server, &clock, "a directory", "alan", "zara").await;
        compare(&server, &clock, "a local account where there is a directory", "lena", "zara").await;
        // Simulates a directory with a slow password hash.
        let slow = "dn: uid=grace,ou=people,dc=example,dc=test\nchangetype: modify\nreplace: userPassword\n\
                    userPassword: {CRYPT}$6$rounds=20000$saltsaltsalt$N2Nl1Q0mGmPDnDzXy9bWzH5F0kT8XvVVJPV8XO3m1bZ7mUuRz0mM0hSgqKcOe3m9vJ5hJxq0t3e6mJm0Yb1sA/\n";
        slapd.modify(slow);
        compare(&server, &clock, "a directory that hashes slowly", "grace", "zaras").await;
    }
    server.stop().await;
}

async fn compare(server: &TestServer, clock: &ManualClock, what: &str, known: &str, unknown: &str) {
    compare_under(server, clock, None, what, known, unknown).await;
}

/// `flood`: the share of this source is used up before each attempt.
#[expect(clippy::print_stdout, reason = "the figures are what it is run for")]
async fn compare_under(
    server: &TestServer,
    clock: &ManualClock,
    flood: Option<IpAddr>,
    what: &str,
    known: &str,
    unknown: &str,
) {
    let mut times = [Vec::new(), Vec::new()];
    for nth in 0..tries() + 20 {
        // Alternates the order, because the first attempt finds other cache contents.
        let names = if nth % 2 == 0 { [(0, known), (1, unknown)] } else { [(1, unknown), (0, known)] };
        for (kind, name) in names {
            // A quarter of an hour passes, so that no attempt is throttled.
            clock.advance_seconds(901);
            if let Some(source) = flood {
                server.use_up_refusals(source);
            }
            let took = refusal(server, name).await;
            // The first attempts open connections, so they do not count.
            if nth >= 20 {
                times[kind].push(took);
            }
        }
    }
    let [known, unknown] = times;
    let z = rank_sum(&known, &unknown);
    println!(
        "{what}: wrong password {}; unknown name {}; rank-sum z = {z:.2}, p = {:.3}",
        summary(&known),
        summary(&unknown),
        two_sided(z)
    );
    assert!(z.abs() < 3.3, "{what}: the duration reveals which names exist (z = {z:.2})");
}

/// Returns the milliseconds from sending the form to the refusal.
async fn refusal(server: &TestServer, name: &str) -> f64 {
    let mut guest = Guest::with(server.client(), server.url(), &iphone("17.5"));
    guest.get("/enroll/sign-in").await;
    let mut headers = HeaderMap::new();
    headers.insert("x-forwarded-for", HeaderValue::from_static(SOURCE));
    headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
    let fields = [("user_name", name), ("password", "a wrong password")];
    let begun = Instant::now();
    let answer = guest.post_with("/enroll/sign-in", &fields, headers).await;
    let took = begun.elapsed();
    assert_eq!(answer.status, 401);
    took.as_secs_f64() * 1_000.0
}

fn summary(times: &[f64]) -> String {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mean = times.iter().sum::<f64>() / times.len() as f64;
    let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (times.len() - 1) as f64;
    format!(
        "median {:.2} ms, mean {mean:.2} ms, standard deviation {:.2} ms (n = {})",
        sorted[times.len() / 2],
        variance.sqrt(),
        times.len()
    )
}

/// Mann-Whitney test: returns the distance of the rank sum from its expected value, in standard deviations.
fn rank_sum(one: &[f64], other: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> =
        one.iter().map(|time| (*time, true)).chain(other.iter().map(|time| (*time, false))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let ranks: f64 = all.iter().enumerate().filter(|(_, (_, first))| *first).map(|(nth, _)| (nth + 1) as f64).sum();
    let (m, n) = (one.len() as f64, other.len() as f64);
    (ranks - m * (m + n + 1.0) / 2.0) / (m * n * (m + n + 1.0) / 12.0).sqrt()
}

// Abramowitz and Stegun, formula 7.1.26.
fn two_sided(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let polynomial = [0.254_829_592, -0.284_496_736, 1.421_413_741, -1.453_152_027, 1.061_405_429];
    polynomial.iter().rev().fold(0.0, |sum, factor| (sum + factor) * t) * (-x * x).exp()
}

#[test]
fn the_rank_test_tells_two_samples_apart_that_are_and_not_those_that_are_not() {
    let one: Vec<f64> = (0..100).map(|n| f64::from(n % 10)).collect();
    let later: Vec<f64> = one.iter().map(|time| time + 5.5).collect();
    let between: Vec<f64> = one.iter().map(|time| time + if *time < 5.0 { 0.5 } else { -0.5 }).collect();
    assert!(rank_sum(&one, &later) < -6.0);
    assert!(rank_sum(&one, &between).abs() < 1.0, "{}", rank_sum(&one, &between));
    assert!((two_sided(1.96) - 0.05).abs() < 0.001);
}
