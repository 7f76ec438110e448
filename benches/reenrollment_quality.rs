//! Measures how often the links between earlier records and later enrollments are right: replays the history of
//! generated organizations through the real code, and compares the links with the truth.
//!
//! The crate `population` generates the organizations. It does not know the rules by which links are weighed. Points
//! and thresholds were chosen on seed 1, so other seeds are judged
//! (docs/decisions/41-thresholds-are-chosen-on-one-seed.md). Of four organizations of 20,000 people, everybody is
//! replayed. Automatic confirmations are rare, so nine organizations of 400,000 people follow, of which only those are
//! replayed who opened a device-bound link (`bound`).
//!
//! The gates: the lower bound of the precision of automatic confirmations, over at least 10,000 of them; their recall;
//! true records among the first three proposals; new devices that ever had a probable or strong link; records shown to
//! somebody else. `cargo bench --bench reenrollment_quality` takes an hour of two cores and 2 GB of disk;
//! `MUSTER_BENCH_PEOPLE` and `MUSTER_BENCH_BOUND_PEOPLE` set the number of people, `MUSTER_BENCH_SEEDS` and
//! `MUSTER_BENCH_BOUND_SEEDS` the seeds, such as `2-5`. Under `cargo test` there are few people of one seed, and the
//! gates have margins.
#![expect(unreachable_pub, reason = "a benchmark has no API: `pub` only leads out of a module")]
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "reenrollment_quality/bound.rs"]
mod bound;
#[path = "reenrollment_quality/enrolling.rs"]
mod enrolling;
#[path = "reenrollment_quality/export.rs"]
mod export;
#[path = "reenrollment_quality/installation.rs"]
mod installation;
#[path = "reenrollment_quality/inviting.rs"]
mod inviting;
#[path = "reenrollment_quality/judge.rs"]
mod judge;
#[path = "reenrollment_quality/known.rs"]
mod known;
#[path = "reenrollment_quality/links.rs"]
mod links;
#[path = "reenrollment_quality/managed.rs"]
mod managed;
#[path = "reenrollment_quality/people.rs"]
mod people;
#[path = "reenrollment_quality/replay.rs"]
mod replay;
#[path = "reenrollment_quality/script.rs"]
mod script;
#[expect(dead_code, reason = "events have their own instants, and no reactions are passed over")]
#[path = "shared/mod.rs"]
mod shared;
#[path = "reenrollment_quality/table.rs"]
mod table;

use installation::{Installation, device_of};
use judge::{Ids, Judgement};
use known::Known;
use population::{Organization, Shape};
use replay::Replay;
use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::time::Instant;

/// Seeds of organizations of which everybody is replayed, and the number of people of each.
const SEEDS: RangeInclusive<u64> = 2..=5;
const PEOPLE: u32 = 20_000;
/// Seeds of organizations of which only the people with a device-bound link are replayed.
const BOUND_SEEDS: RangeInclusive<u64> = 6..=14;
const BOUND_PEOPLE: u32 = 400_000;
/// Number of people under `cargo test`.
const FEW_PEOPLE: u32 = 700;

/// Which people are replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Everybody,
    /// Those who opened a device-bound link.
    Bound,
}

fn main() -> ExitCode {
    let judged = std::env::args().any(|argument| argument == "--bench");
    let number = |name, default| setting(name).map_or(default, |people| people.parse().expect("a number of people"));
    let people = number("MUSTER_BENCH_PEOPLE", if judged { PEOPLE } else { FEW_PEOPLE });
    let bound_people = number("MUSTER_BENCH_BOUND_PEOPLE", BOUND_PEOPLE);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    if !judged {
        let result = runtime.block_on(measure(people, 2, Who::Everybody));
        table::print("seed 2", &result);
        return outcome(result.is_plausible());
    }
    let seeds = setting("MUSTER_BENCH_SEEDS").map_or_else(|| SEEDS.collect(), |seeds| range(&seeds));
    let bound_seeds = setting("MUSTER_BENCH_BOUND_SEEDS").map_or_else(|| BOUND_SEEDS.collect(), |seeds| range(&seeds));
    let everybody = pooled(&runtime, people, seeds, Who::Everybody);
    let mut bound = pooled(&runtime, bound_people, bound_seeds, Who::Bound);
    bound.add_confirmed(&everybody);
    table::print("everybody, all seeds", &everybody);
    table::print_confirmed("automatic confirmations of all seeds", &bound);
    outcome(everybody.proposes_well() && bound.confirms_precisely())
}

fn outcome(is_good: bool) -> ExitCode {
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn pooled(runtime: &tokio::runtime::Runtime, people: u32, seeds: Vec<u64>, who: Who) -> Judgement {
    let mut pooled = Judgement::default();
    for seed in seeds {
        let begun = Instant::now();
        let result = runtime.block_on(measure(people, seed, who));
        let what = format!("seed {seed}, {people} people, {who:?}, {:.0?}", begun.elapsed());
        match who {
            Who::Everybody => table::print(&what, &result),
            Who::Bound => table::print_confirmed(&what, &result),
        }
        pooled.add(&result);
    }
    pooled
}

fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

// The empty text is no seed.
fn range(text: &str) -> Vec<u64> {
    let number = |text: &str| text.parse().expect("a seed");
    match text.split_once('-') {
        _ if text.is_empty() => vec![],
        Some((first, last)) => (number(first)..=number(last)).collect(),
        None => vec![number(text)],
    }
}

async fn measure(people: u32, seed: u64, who: Who) -> Judgement {
    let shape = Shape::of(people);
    let (happenings, truth) = match who {
        Who::Everybody => {
            let Organization { happenings, truth, .. } = Organization::generate(&shape, seed);
            (happenings, truth)
        }
        Who::Bound => bound::organization(&shape, seed),
    };
    let known = Known::of(&happenings);
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let installation = Installation::new(directory.path(), shape.calendar.start).await;
    let ids = Ids {
        records: truth.records.keys().map(|record| (installation.record(*record), *record)).collect(),
        devices: truth.enrollments.keys().map(|enrollment| (device_of(*enrollment), *enrollment)).collect(),
    };
    let replay = Replay::run(installation, happenings).await;
    let (links, shown) = replay.close().await;
    judge::judge(&truth, &known, &ids, (&links, &shown))
}
