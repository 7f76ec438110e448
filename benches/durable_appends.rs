//! Durable appends: compares the embedded event store with a plain file that is appended to and synced, in the same
//! run.
//!
//! Both accept the same events from many concurrent producers, write all waiting events together, sync, and answer. The
//! plain file has no index, checksums or hashes, and cannot be read back. The store should reach at least the share of
//! the plain file's rate that is printed as its limit. In the first rows each producer appends to one stream, in the
//! others each event goes to another of 1,000,000 streams. The last rows show how the store grows: the rate of each
//! million of events of one log, compared with the first million, the time of a start after the process died, and the
//! time in which a lost index is built again.
//!
//! `cargo bench --bench durable_appends`; `MUSTER_BENCH_SECONDS` sets the duration of each turn, `MUSTER_BENCH_ROUNDS`
//! the number of rounds, and `MUSTER_BENCH_MILLIONS` the number of millions (10 take 10 GB).
#![expect(unreachable_pub, reason = "a benchmark has no API: `pub` only leads out of a module")]
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "durable_appends/plain.rs"]
mod plain;
#[path = "durable_appends/store.rs"]
mod store;

use events::store::StoreLifecycle as _;
use events::store::sqlite::SqliteStore;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Number of producers, the minimum share of the plain file's rate with a stream for each producer, and the one with
/// the events spread over [`STREAMS`] streams.
const LIMITS: [(usize, f64, f64); 4] = [(1, 1.0, 1.0), (16, 0.6, 0.9), (128, 0.45, 0.6), (512, 0.3, 0.3)];

/// Number of streams that the events are spread over.
const STREAMS: usize = 1_000_000;

/// The last million of events must be appended at this share of the rate of the first one.
const GROWTH_LIMIT: f64 = 0.85;

/// Number of producers while the log grows.
const GROWING: usize = 128;

/// Longest start of a log whose process died, in seconds.
const START_LIMIT: f64 = 1.0;

/// Longest rebuild of a lost index, in seconds for a million events.
const REBUILD_LIMIT: f64 = 6.0;

/// Set in the process that fills the log of the last rows: its directory.
const FILL: &str = "MUSTER_BENCH_FILL";

/// Bytes of a stored event.
const EVENT: usize = 600;

/// A store that appends one event and returns when it is durable.
trait Target: Send + Sync + 'static {
    fn append(&self, stream: usize, nth: u64) -> impl Future<Output = ()> + Send;
}

fn main() -> ExitCode {
    let seconds = Duration::from_secs_f64(setting("MUSTER_BENCH_SECONDS", 2.0));
    let rounds = setting("MUSTER_BENCH_ROUNDS", 5.0) as usize;
    let millions = setting("MUSTER_BENCH_MILLIONS", 10.0) as usize;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    if let Some(directory) = std::env::var_os(FILL) {
        let (kept, _open) = runtime.block_on(growth(millions, Path::new(&directory)));
        // Without closing the store, as a process that dies.
        std::process::exit(i32::from(!kept));
    }
    let mut kept = true;
    println!("streams    producers   plain/s   store/s   ratio   limit   (median of {rounds} interleaved rounds)");
    for spread in [false, true] {
        for (producers, own, wide) in LIMITS {
            let limit = if spread { wide } else { own };
            let (mut pairs, streams) = (Vec::new(), if spread { STREAMS } else { producers });
            for _ in 0..rounds {
                let plain = runtime.block_on(rate(plain::Plain::new(), producers, streams, seconds));
                let store = runtime.block_on(rate(store::Store::new(), producers, streams, seconds));
                pairs.push((plain, store));
            }
            let plain = median(pairs.iter().map(|pair| pair.0));
            let store = median(pairs.iter().map(|pair| pair.1));
            let ratio = median(pairs.iter().map(|(plain, store)| store / plain));
            let mark = if ratio >= limit { "" } else { "   BELOW" };
            kept &= ratio >= limit;
            println!("{streams:>9} {producers:>10} {plain:>9.0} {store:>9.0} {ratio:>7.2} {limit:>7.2}{mark}");
        }
    }
    if millions > 0 {
        kept &= runtime.block_on(grown(millions));
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Lets another process fill a log and die, and measures what it leaves. Returns whether the limits were kept.
async fn grown(millions: usize) -> bool {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let log = directory.path().join("log");
    let mut filler = std::process::Command::new(std::env::current_exe().expect("this program"));
    let filled = filler.arg("--bench").env(FILL, &log).status().expect("another process");
    let begun = Instant::now();
    let store = SqliteStore::open(&log).expect("the log");
    let start = begun.elapsed().as_secs_f64();
    store.close().await;
    drop(store);
    std::fs::remove_file(log.join("index.db")).expect("an index");
    let begun = Instant::now();
    let store = SqliteStore::open(&log).expect("the log");
    while store.obstacle().is_some() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let rebuild = begun.elapsed().as_secs_f64();
    store.close().await;
    let limit = REBUILD_LIMIT * millions as f64;
    println!("start after the process died: {start:.3} s (limit {START_LIMIT:.2} s)");
    println!("a lost index is built again in {rebuild:.1} s (limit {limit:.1} s)");
    filled.success() && start <= START_LIMIT && rebuild <= limit
}

/// Appends millions of events to one log. Returns whether the last million was fast enough, and the open log.
async fn growth(millions: usize, directory: &Path) -> (bool, Arc<store::Store>) {
    println!("\nmillion   store/s   of the first   limit   ({GROWING} producers, {STREAMS} streams)");
    let target = Arc::new(store::Store::at(directory));
    let mut numbers: Vec<_> = (0..GROWING).map(|producer| Numbers::of(producer, GROWING, STREAMS)).collect();
    let (mut first, mut share) = (0.0, 1.0);
    for million in 1..=millions {
        let start = Instant::now();
        let tasks: Vec<_> = std::mem::take(&mut numbers)
            .into_iter()
            .map(|mut numbers| {
                let target = Arc::clone(&target);
                tokio::spawn(async move {
                    for _ in 0..1_000_000 / GROWING {
                        let (stream, nth) = numbers.next();
                        target.append(stream, nth).await;
                    }
                    numbers
                })
            })
            .collect();
        for task in tasks {
            numbers.push(task.await.expect("a producer that does not panic"));
        }
        let rate = 1_000_000.0 / start.elapsed().as_secs_f64();
        first = if million == 1 { rate } else { first };
        share = rate / first;
        let limit = if million == millions { format!("{GROWTH_LIMIT:>7.2}") } else { String::new() };
        let mark = if million < millions || share >= GROWTH_LIMIT { "" } else { "   BELOW" };
        println!("{million:>7} {rate:>9.0} {share:>14.2} {limit}{mark}");
    }
    (share >= GROWTH_LIMIT, target)
}

/// The streams that a producer appends to, in an order that looks random, and the next revision of each. No other
/// producer has the same streams.
struct Numbers {
    producer: usize,
    producers: usize,
    next: Vec<u64>,
    state: u64,
}

impl Numbers {
    fn of(producer: usize, producers: usize, streams: usize) -> Numbers {
        Numbers { producer, producers, next: vec![0; streams / producers], state: producer as u64 + 1 }
    }

    fn next(&mut self) -> (usize, u64) {
        // xorshift64: uniform enough for the choice of a stream.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let chosen = (self.state % self.next.len() as u64) as usize;
        let nth = self.next[chosen];
        self.next[chosen] += 1;
        (self.producer + self.producers * chosen, nth)
    }
}

fn setting(name: &str, default: f64) -> f64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Appends per second with this number of concurrent producers.
async fn rate(target: impl Target, producers: usize, streams: usize, time: Duration) -> f64 {
    let target = Arc::new(target);
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..producers)
        .map(|producer| {
            let (target, stop, done) = (Arc::clone(&target), Arc::clone(&stop), Arc::clone(&done));
            tokio::spawn(async move {
                let mut numbers = Numbers::of(producer, producers, streams);
                while !stop.load(Ordering::Relaxed) {
                    let (stream, nth) = numbers.next();
                    target.append(stream, nth).await;
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    // A warm-up: files grow at first, which costs more than later appends.
    tokio::time::sleep(time / 2).await;
    let (start, before) = (Instant::now(), done.load(Ordering::Relaxed));
    tokio::time::sleep(time).await;
    let rate = (done.load(Ordering::Relaxed) - before) as f64 / start.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("a producer that does not panic");
    }
    rate
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
