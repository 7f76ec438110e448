//! Measures the inventory, the funnel and the renewals at full size. Not a test: run it by hand with
//! `MUSTER_MEASURE_DEVICES=1000000 cargo test --release -p projections --lib measure -- --ignored --nocapture`.
//! It folds the events of made-up devices directly, in a temporary directory, and prints figures.

mod fleet;
mod queries;

use crate::{ALL, Projection, Projections};
use events::{Entry, Timestamp};
use rusqlite::Connection;
use std::time::Duration;

/// The measured projections.
const MEASURED: [&str; 3] = ["devices", "visits", "renewals"];

#[tokio::test]
#[ignore = "takes minutes with a million devices: tests/run runs it with few"]
async fn the_figures_of_a_large_fleet() {
    let number = std::env::var("MUSTER_MEASURE_DEVICES").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let directory = tempfile::tempdir().unwrap();
    let (projections, _) = Projections::open(directory.path(), None).unwrap();
    for name in MEASURED {
        let projection = ALL.iter().copied().find(|projection| projection.name() == name).unwrap();
        let path =
            projections.inner.units.iter().find(|unit| unit.name() == name).unwrap().file().unwrap().path.clone();
        tokio::task::spawn_blocking(move || fill(projection, &mut Connection::open(path).unwrap(), number))
            .await
            .unwrap();
    }
    let contacts = move |rows: &mut Connection| {
        contacts(rows, number);
        Ok(())
    };
    projections.write_common(contacts).await.unwrap();
    queries::measure(&projections, number).await;
}

// Folds all events, makes the indexes, and prints what that took.
fn fill(projection: &'static dyn Projection, rows: &mut Connection, number: u64) {
    rows.pragma_update(None, "cache_size", -262_144).unwrap();
    rows.pragma_update(None, "synchronous", "OFF").unwrap();
    rows.set_prepared_statement_cache_capacity(128);
    let made = projection.indexes().split("IF NOT EXISTS ").skip(1).filter_map(|rest| rest.split(' ').next());
    made.for_each(|index| rows.execute_batch(&format!("DROP INDEX {index}")).unwrap());
    let (mut events, mut took, mut batch) = (0, Duration::ZERO, Vec::<Entry>::new());
    let mut flush = |batch: &mut Vec<Entry>| {
        let begun = worked();
        let transaction = rows.transaction().unwrap();
        for entry in batch.iter() {
            projection.fold(&transaction, entry, entry.at).unwrap();
        }
        transaction.commit().unwrap();
        took += worked() - begun;
        events += batch.len();
        batch.clear();
    };
    fleet::events(number, &mut |entry| {
        batch.push(entry);
        if batch.len() == 2_000 {
            flush(&mut batch);
        }
    });
    flush(&mut batch);
    let begun = worked();
    rows.execute_batch(projection.indexes()).unwrap();
    let indexes = worked() - begun;
    rows.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    println!(
        "{}: {events} events, {:.2} µs per event, indexes in {:.1} s",
        projection.name(),
        took.as_secs_f64() * 1e6 / events as f64,
        indexes.as_secs_f64()
    );
    for (table, bytes) in sizes(rows).unwrap() {
        println!("    {table:40} {:8.1} bytes per device", bytes as f64 / number as f64);
    }
}

// The time that this thread worked, whatever else the machine does (Documentation/scheduler/sched-stats.rst of Linux).
fn worked() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

// Nine of ten devices were in contact within the last day, the others within the last year.
fn contacts(rows: &mut Connection, number: u64) {
    let transaction = rows.transaction().unwrap();
    let mut insert = transaction.prepare("INSERT INTO last_seen (device, at) VALUES (?1, ?2)").unwrap();
    for n in 0..number {
        let span = if n % 10 == 0 { 365 * 86_400 } else { 86_400 };
        let ago = i64::try_from(fleet::scattered(n) % span).unwrap();
        insert.execute((fleet::device(n).to_string(), fleet::NOW.plus_seconds(-ago).0)).unwrap();
    }
    drop(insert);
    transaction.commit().unwrap();
}

fn sizes(rows: &Connection) -> rusqlite::Result<Vec<(String, i64)>> {
    let select = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name
        UNION ALL SELECT 'all', page_count * page_size FROM pragma_page_count, pragma_page_size ORDER BY 2 DESC";
    rows.prepare(select)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn print_times(name: &str, mut times: Vec<Duration>) {
    times.sort();
    let of = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    println!("{name:56} p50 {:8.2} ms   p99 {:8.2} ms   max {:8.2} ms", of(0.5), of(0.99), of(1.0));
}

fn later(at: Timestamp, seconds: u64) -> Timestamp {
    at.plus_seconds(i64::try_from(seconds).unwrap())
}
