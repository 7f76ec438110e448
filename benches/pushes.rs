//! Pushes to a push server on the loopback interface: measures the whole server, which derives each push from the log
//! and records it there, as a share of the rate of bare HTTP/2 requests in the same run.
//!
//! The push server is a separate process, so that its CPU time can be measured separately. Each round sends the same
//! number of notifications in three ways: with a bare client; with `push::Pusher`; and with the reactions of a server
//! that finds that many devices with a queued command in its log, each outcome a durable event. `cargo bench --bench
//! pushes`; `MUSTER_BENCH_DEVICES` sets the number of devices, and `MUSTER_BENCH_ROUNDS` the number of rounds.
#![expect(unreachable_pub, reason = "a benchmark has no API: `pub` only leads out of a module")]
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "pushes/installation.rs"]
mod installation;
#[path = "shared/mod.rs"]
mod shared;
#[path = "pushes/ways.rs"]
mod ways;

use installation::Installation;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Minimum share of the bare client's rate for the whole server.
const LIMIT: f64 = 0.1;

/// Number of concurrent notifications, as in `reactions::pushes`.
const AT_ONCE: usize = 256;

/// Result of one way in one round.
#[derive(Clone, Copy)]
struct Measured {
    rate: f64,
    /// CPU time per notification, on each side.
    client: Duration,
    server: Duration,
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    if let Ok(directory) = std::env::var(installation::PUSH_SERVER) {
        runtime.block_on(installation::serve_pushes(directory.as_ref()));
        return ExitCode::SUCCESS;
    }
    let devices = setting("MUSTER_BENCH_DEVICES", 2_000);
    let rounds = setting("MUSTER_BENCH_ROUNDS", 3).max(1);
    let ratio = runtime.block_on(compare(devices, rounds));
    println!("the whole server reaches {ratio:.2} of the bare client's rate, limit {LIMIT:.2}");
    if ratio >= LIMIT { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

async fn compare(devices: usize, rounds: usize) -> f64 {
    let installation = Installation::make(devices).await;
    let (mut bare, mut pusher, mut whole) = (vec![], vec![], vec![]);
    for _ in 0..rounds {
        bare.push(measure(&installation, ways::bare(&installation)).await);
        pusher.push(measure(&installation, ways::pusher(&installation)).await);
        installation.queue_commands().await;
        whole.push(measure(&installation, ways::whole(&installation)).await);
    }
    println!("{devices} devices, {AT_ONCE} at once, {} connections (median of {rounds} interleaved rounds)", 2);
    println!("way                      pushes/s   client cpu   server cpu");
    for (way, measured) in [("bare client", &bare), ("push::Pusher", &pusher), ("log to log", &whole)] {
        let cpu = |of: fn(&Measured) -> Duration| {
            Duration::from_secs_f64(median(measured.iter().map(|one| of(one).as_secs_f64())))
        };
        println!(
            "{way:<22} {:>10.0} {:>12.1?} {:>12.1?}",
            median(measured.iter().map(|one| one.rate)),
            cpu(|one| one.client),
            cpu(|one| one.server)
        );
    }
    median(bare.iter().zip(&whole).map(|(bare, whole)| whole.rate / bare.rate))
}

async fn measure(installation: &Installation, way: impl Future<Output = ()>) -> Measured {
    let devices = installation.devices.len();
    let used = || (processor_time("self"), processor_time(&installation.push_server_id()));
    let (begun, before) = (Instant::now(), used());
    way.await;
    let (took, after) = (begun.elapsed(), used());
    let each = |time: Duration| time / u32::try_from(devices).expect("not that many devices");
    Measured {
        rate: devices as f64 / took.as_secs_f64(),
        client: each(after.0 - before.0),
        server: each(after.1 - before.1),
    }
}

/// CPU time that a process has used so far, in user and system mode (proc(5), `stat`).
fn processor_time(process: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("Linux has this file");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("its fields").split_whitespace().collect();
    let ticks: u64 = [11, 12].iter().map(|nth: &usize| fields[*nth].parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 10)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
