//! Measures the inventory, the funnel and the renewals at full size. Not a test: run it by hand with
//! `MUSTER_MEASURE_DEVICES=1000000 cargo test --release -p projections --lib measure -- --ignored --nocapture`.
//! It folds the events of made-up devices directly, in a temporary directory, and prints figures.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that cannot go on fails, and prints")]

mod fleet;
mod queries;

use crate::{Projection, Projections, devices, enrollments, renewals};
use events::{Entry, Timestamp};
use rusqlite::Connection;
use std::time::Duration;

#[tokio::test]
#[ignore = "takes minutes: run it by hand"]
async fn the_figures_of_a_large_fleet() {
    let number = std::env::var("MUSTER_MEASURE_DEVICES").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let directory = tempfile::tempdir().unwrap();
    let (projections, _) = Projections::open(directory.path(), None).unwrap();
    let folded = projections.write(move |rows| Ok(fill(rows, number))).await.unwrap();
    folded.print();
    let sizes = projections.read(|rows| sizes(rows)).await.unwrap();
    for (table, bytes) in &sizes {
        println!("{table:40} {:8.1} bytes per device", *bytes as f64 / number as f64);
    }
    if std::env::var_os("MUSTER_MEASURE_FOLD_ONLY").is_none() {
        queries::measure(&projections, number).await;
    }
}

/// How long each fold took.
struct Folded {
    events: u64,
    folds: Vec<(&'static str, Duration)>,
}

impl Folded {
    fn print(&self) {
        println!("{} events", self.events);
        for (name, took) in &self.folds {
            println!("{name:40} {:8.2} µs per event", took.as_secs_f64() * 1e6 / self.events as f64);
        }
    }
}

fn fill(rows: &mut Connection, number: u64) -> Folded {
    rows.pragma_update(None, "cache_size", -262_144).unwrap();
    let all: [&dyn Projection; 3] = [&devices::Devices, &enrollments::Enrollments, &renewals::Renewals];
    let mut folded = Folded { events: 0, folds: all.iter().map(|one| (one.name(), Duration::ZERO)).collect() };
    let mut batch: Vec<Entry> = Vec::new();
    let mut flush = |batch: &mut Vec<Entry>, rows: &mut Connection| {
        folded.events += batch.len() as u64;
        let transaction = rows.transaction().unwrap();
        for (projection, (_, took)) in all.iter().zip(&mut folded.folds) {
            let begun = worked();
            for entry in batch.iter() {
                projection.fold(&transaction, entry, entry.at).unwrap();
            }
            *took += worked() - begun;
        }
        transaction.commit().unwrap();
        batch.clear();
    };
    fleet::events(number, &mut |entry| {
        batch.push(entry);
        if batch.len() == 2_000 {
            flush(&mut batch, rows);
        }
    });
    flush(&mut batch, rows);
    contacts(rows, number);
    rows.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    folded
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
    let select = "SELECT name, sum(pgsize) FROM dbstat WHERE name LIKE 'devices_%' OR name LIKE 'visits_%'
        OR name LIKE 'renewals_%' OR name LIKE 'last_seen%' OR name LIKE 'sqlite_autoindex%'
        GROUP BY name HAVING sum(pgsize) > 100000 ORDER BY 2 DESC";
    match rows.prepare(select) {
        Ok(mut select) => select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect(),
        Err(_) => rows.query_row("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", [], |row| {
            Ok(vec![("the whole file".to_owned(), row.get(0)?)])
        }),
    }
}

fn print_times(name: &str, mut times: Vec<Duration>) {
    times.sort();
    let of = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    println!("{name:56} p50 {:8.2} ms   p99 {:8.2} ms   max {:8.2} ms", of(0.5), of(0.99), of(1.0));
}

fn later(at: Timestamp, seconds: u64) -> Timestamp {
    at.plus_seconds(i64::try_from(seconds).unwrap())
}
