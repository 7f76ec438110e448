//! Detects re-enrollment beside 10,000 and beside 1,000,000 previous records, asks what the migration board shows
//! beside 100,000, and rebuilds the projection of links.
//!
//! Two questions are timed, each for people with two records of another product, one person after the other: what a
//! sign-in asks about the person's records, and what the server does when the device is enrolled, up to the durable
//! proposals. The 99th percentile of the first must be below a limit at 1,000,000 records. The medians of both must not
//! grow with the log: their ratios have a limit. The first sign-in of people whose records have no owner yet is also
//! timed. The records are written to the log as an import would write them, many at once.
//!
//! Each question of the board's page has a limit of its 99th percentile.
//!
//! The rebuild folds a log of links into all projections; its events per second have a limit. `cargo bench --bench
//! reenrollment`; `MUSTER_BENCH_RECORDS` sets the number of records, `MUSTER_BENCH_PEOPLE` that of the people of each
//! row, `MUSTER_BENCH_BOARD` that of the records on the board, and `MUSTER_BENCH_LINKS` that of the events about links.
//! 1,000,000 records take 6 GB of disk.
#![expect(unreachable_pub, reason = "a benchmark has no API: `pub` only leads out of a module")]
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "reenrollment/board.rs"]
mod board;
#[path = "reenrollment/installation.rs"]
mod installation;
#[path = "reenrollment/links.rs"]
mod links;
#[expect(dead_code, reason = "no reactions run: they are not passed over")]
#[path = "shared/mod.rs"]
mod shared;

use enroll::imported_records;
use events::EventId;
use events::enrollment::{DeviceFamily, OsVersion, Platform};
use installation::{Installation, RECORDS_EACH};
use reenrollment::Cause;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Numbers of records between which nothing may grow.
const FEW: usize = 10_000;
const MANY: usize = 1_000_000;

/// Maximum 99th percentile of what a sign-in asks.
const LIMIT: Duration = Duration::from_millis(5);

/// Maximum ratio of a median beside many records to that beside few.
const GROWTH_LIMIT: f64 = 2.0;

/// Minimum number of events about links that a rebuild folds in a second.
const REBUILD_LIMIT: f64 = 5_000.0;

fn main() -> ExitCode {
    let records = setting("MUSTER_BENCH_RECORDS", MANY);
    let people = setting("MUSTER_BENCH_PEOPLE", 2_000);
    let links = setting("MUSTER_BENCH_LINKS", 100_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let is_board_fast = runtime.block_on(board::questions(setting("MUSTER_BENCH_BOARD", 100_000)));
    let is_fast = runtime.block_on(detection(records, people)) && is_board_fast;
    let rate = runtime.block_on(links::rebuild(links));
    println!("a rebuild folds {rate:.0} events about links a second, limit {REBUILD_LIMIT:.0}");
    if is_fast && rate >= REBUILD_LIMIT { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Durations of a question, one for each person.
struct Took(Vec<Duration>);

impl Took {
    fn percentile(&self, of_a_hundred: usize) -> Duration {
        self.0[(self.0.len() - 1) * of_a_hundred / 100]
    }

    fn print(&self, records: usize, what: &str) {
        let [median, rare, worst] = [50, 99, 100].map(|of_a_hundred| self.percentile(of_a_hundred));
        println!("{records:>9} {what:<30} {median:>10.2?} {rare:>10.2?} {worst:>10.2?}");
    }
}

// Returns whether the limits were kept.
async fn detection(records: usize, people: usize) -> bool {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let mut installation = Installation::new(directory.path()).await;
    println!("{:>9} {:<30} {:>10} {:>10} {:>10}", "records", "", "p50", "p99", "max");
    let mut rows = Vec::new();
    for records in [FEW.min(records), records] {
        let begun = Instant::now();
        installation.grow(records).await;
        println!("{records:>9} in the log and the projections after {:.1?}", begun.elapsed());
        rows.push(row(&installation, people.min(records / RECORDS_EACH)).await);
    }
    installation.close().await;
    let [few, many] = rows.as_slice() else { return false };
    let ratio = |few: &Took, many: &Took| many.percentile(50).as_secs_f64() / few.percentile(50).as_secs_f64();
    let (sign_in, proposals) = (ratio(&few.0, &many.0), ratio(&few.1, &many.1));
    let rare = many.0.percentile(99);
    println!("a sign-in asks within {rare:.2?} (99 %), limit {LIMIT:.2?}");
    println!("ratio of the sign-in's median to that beside few records {sign_in:.2}, limit {GROWTH_LIMIT:.2}");
    println!("ratio of the proposals' median to that beside few records {proposals:.2}, limit {GROWTH_LIMIT:.2}");
    rare <= LIMIT && sign_in <= GROWTH_LIMIT && proposals <= GROWTH_LIMIT
}

async fn row(installation: &Installation, people: usize) -> (Took, Took) {
    let records = installation.records();
    let sign_ins = sign_ins(installation, people).await;
    sign_ins.print(records, "sign-in");
    first_sign_ins(installation, people).await.print(records, "first sign-in, owner unknown");
    let proposals = proposals(installation, people).await;
    proposals.print(records, "device enrolled, 2 proposals");
    (sign_ins, proposals)
}

async fn sign_ins(installation: &Installation, people: usize) -> Took {
    // The first people warm the caches up: they are asked again.
    for nth in installation.people(people).take(people / 10) {
        ask(installation, nth).await;
    }
    let mut took = Vec::with_capacity(people);
    for nth in installation.people(people) {
        took.push(ask(installation, nth).await);
    }
    sorted(took)
}

async fn first_sign_ins(installation: &Installation, people: usize) -> Took {
    let mut took = Vec::with_capacity(people);
    for nth in installation.newcomers(people).await {
        took.push(ask(installation, nth).await);
    }
    sorted(took)
}

// Asks as the sign-in of a person does.
async fn ask(installation: &Installation, nth: usize) -> Duration {
    let (account, person) = (installation::account(nth), installation::person(nth));
    let platform = Platform { family: DeviceFamily::IPhone, version: Some(OsVersion::new(17, 5)) };
    let begun = Instant::now();
    let found = imported_records(&installation.app.enroll, &account, person, platform).await;
    let took = begun.elapsed();
    assert_eq!(found.count, RECORDS_EACH as u64, "each person has their records");
    took
}

async fn proposals(installation: &Installation, people: usize) -> Took {
    let projections = &installation.app.platform.projections;
    let mut took = Vec::with_capacity(people);
    for nth in installation.people(people) {
        let (device, position) = installation.enroll(nth).await;
        projections.wait_for(position).await.expect("folded");
        let cause = Cause { event: EventId::fresh(&installation.app.platform.world), position };
        let begun = Instant::now();
        installation.app.reenrollment.device_enrolled(cause, device).await.expect("proposed");
        took.push(begun.elapsed());
        let head = installation.app.platform.log.store().head().await.expect("a log");
        projections.wait_for(head.expect("events")).await.expect("folded");
        let links = projections::links::of_successor(projections, device, None, 10).await.expect("links");
        assert!(links.len() >= RECORDS_EACH, "each record of the person is proposed");
    }
    sorted(took)
}

fn sorted(mut took: Vec<Duration>) -> Took {
    took.sort();
    Took(took)
}
