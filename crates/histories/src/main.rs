//! Writes the histories of many devices into the log of a new installation: `muster init`, then
//! `cargo run --release -p histories -- --into DIRECTORY --devices 1000000`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool reports what it measured")]

use clap::Parser;
use histories::{Plan, Sizes, Written, fill};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use world::World;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Writes the log of an organization over three years into a new installation.
#[derive(Parser)]
struct Arguments {
    /// Number of devices: 1 to 4,000,000.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=4_000_000))]
    devices: u32,
    /// Directory of an installation that `muster init` has just made. The server must not run.
    #[arg(long)]
    into: PathBuf,
    /// The same seed gives the same histories.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { devices, into, seed } = Arguments::parse();
    let plan = Plan { devices, seed };
    let expected = Sizes::of(&plan);
    println!("{devices} devices need {:.1} GB: {}, with a reserve", expected.needed() as f64 / 1e9, parts(&expected));
    let world = World::system();
    let begun = Instant::now();
    let mut told = begun;
    let (written, data) = fill(&into, plan, world.disks.as_ref(), |written, share| {
        if told.elapsed() > Duration::from_secs(5) {
            told = Instant::now();
            eprintln!("{:>5.1} % of the years, {}", share * 100.0, rate(written, begun.elapsed()));
        }
    })
    .await?;
    println!("{}", rate(written, begun.elapsed()));
    let sizes = Sizes::in_directory(&data);
    let [log, keys, projections] = sizes.each_year(devices);
    println!("{:.1} GB: {}", sizes.total() as f64 / 1e9, parts(&sizes));
    println!("{log:.0} bytes of the log and its index for each device and year, {keys:.0} of the keys");
    if sizes.projections > 0 {
        println!("{projections:.0} bytes of the projections for each device and year");
    }
    Ok(())
}

fn rate(written: Written, took: Duration) -> String {
    let Written { events, appends } = written;
    let each_second = events as f64 / took.as_secs_f64().max(0.001);
    format!("{events} events in {appends} appends after {:.0} s: {each_second:.0} events/s", took.as_secs_f64())
}

fn parts(sizes: &Sizes) -> String {
    let Sizes { log, keys, index, projections } = *sizes;
    let [log, keys, index, projections] = [log, keys, index, projections].map(|bytes| bytes as f64 / 1e9);
    format!("log {log:.2} GB, keys {keys:.2} GB, index {index:.2} GB, projections {projections:.2} GB")
}
