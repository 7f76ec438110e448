//! Durable appends: compares the embedded event store with a plain file that is appended to and synced, in the same
//! run.
//!
//! Both accept the same events from many concurrent producers, write all waiting events together, sync, and answer. The
//! plain file has no index, checksums or hashes, and cannot be read back. The store should reach at least the share of
//! the plain file's rate that is printed as its limit. `cargo bench --bench durable_appends`; `MUSTER_BENCH_SECONDS`
//! sets the duration of each turn, and `MUSTER_BENCH_ROUNDS` the number of rounds.
#![expect(unreachable_pub, reason = "a benchmark has no API: `pub` only leads out of a module")]
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "durable_appends/plain.rs"]
mod plain;
#[path = "durable_appends/store.rs"]
mod store;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Number of producers, and the minimum share of the plain file's rate.
const LIMITS: [(usize, f64); 4] = [(1, 1.0), (16, 0.6), (128, 0.45), (512, 0.45)];

/// Bytes of a stored event.
const EVENT: usize = 600;

/// A store that appends one event and returns when it is durable.
trait Target: Send + Sync + 'static {
    fn append(&self, producer: usize, nth: u64) -> impl Future<Output = ()> + Send;
}

fn main() -> ExitCode {
    let seconds = Duration::from_secs_f64(setting("MUSTER_BENCH_SECONDS", 2.0));
    let rounds = setting("MUSTER_BENCH_ROUNDS", 5.0) as usize;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut kept = true;
    println!("producers   plain/s   store/s   ratio   limit   (median of {rounds} interleaved rounds)");
    for (producers, limit) in LIMITS {
        let mut pairs = Vec::new();
        for _ in 0..rounds {
            let plain = runtime.block_on(rate(plain::Plain::new(), producers, seconds));
            let store = runtime.block_on(rate(store::Store::new(), producers, seconds));
            pairs.push((plain, store));
        }
        let plain = median(pairs.iter().map(|pair| pair.0));
        let store = median(pairs.iter().map(|pair| pair.1));
        let ratio = median(pairs.iter().map(|(plain, store)| store / plain));
        let mark = if ratio >= limit { "" } else { "   BELOW" };
        kept &= ratio >= limit;
        println!("{producers:>9} {plain:>9.0} {store:>9.0} {ratio:>7.2} {limit:>7.2}{mark}");
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn setting(name: &str, default: f64) -> f64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Appends per second with this number of concurrent producers.
async fn rate(target: impl Target, producers: usize, time: Duration) -> f64 {
    let target = Arc::new(target);
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..producers)
        .map(|producer| {
            let (target, stop, done) = (Arc::clone(&target), Arc::clone(&stop), Arc::clone(&done));
            tokio::spawn(async move {
                for nth in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    target.append(producer, nth).await;
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
