//! Imports previous records into a running server: rows per second, and bytes of the log for each row. An export of
//! 100,000 rows must be imported within 60 s and grow the log by at most 2 KB a row, the beginning and the end of the
//! import included. Keys are counted separately.
//!
//! Both limits also hold with owner rules, if nobody has signed in yet. Also measured: a dry run, the same export
//! again, an export in which every row has changed, and the undoing of that import. `cargo bench --bench imports`;
//! `MUSTER_BENCH_ROWS` sets the number of rows, and the time limit in proportion.
#![expect(unreachable_pub, reason = "a benchmark has no API: `pub` only leads out of a module")]
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[expect(dead_code, reason = "no device is enrolled: nothing is drafted, and reactions are not passed over")]
#[path = "shared/mod.rs"]
mod shared;

use imports::{Finished, Order, Told};
use muster::app::App;
use muster::app::initialize::initialize;
use muster::config::Config;
use muster::server;
use platform::context::Context;
use records::Mapping;
use std::io::{Cursor, Read};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use world::World;

/// Maximum time for an import of so many rows.
const LIMIT: (Duration, u32) = (Duration::from_secs(60), 100_000);
/// Maximum growth of the log for each row of a first import.
const BYTES_PER_ROW: u64 = 2_048;

const HEADER: &str = "JSS Mobile Device ID,Device Ownership Type,Serial Number,UDID,IMEI,Wi-Fi MAC Address,Bluetooth \
                      MAC Address,Model Identifier,Model,OS Version,Display Name,Username,Email Address,Full Name,Last \
                      Inventory Update,Last Enrollment,Site,Asset Tag\n";

fn main() -> ExitCode {
    let rows = std::env::var("MUSTER_BENCH_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(LIMIT.1).max(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (took, grown) = runtime.block_on(measure(rows));
    let limit = LIMIT.0.mul_f64(f64::from(rows) / f64::from(LIMIT.1));
    println!("{rows} rows in {took:.1?}, limit {limit:.1?}; {grown} bytes of the log a row, limit {BYTES_PER_ROW}");
    if took <= limit && grown <= BYTES_PER_ROW { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns the duration of the longest first import, and the largest growth of the log for each of its rows.
async fn measure(rows: u32) -> (Duration, u64) {
    let directory = tempfile::tempdir().expect("a directory");
    let plan = shared::plan(directory.path(), "https://localhost:0");
    let made = initialize(&plan, &World::system()).await.expect("an installation");
    let config = Config::load(&made.config).expect("its configuration");
    let data = config.store.directory.clone();
    let running = server::start(config, World::system()).await.expect("it starts");
    let app = &running.app;
    let export = || Cursor::new(export(rows, "15.7.1"));
    let order = |is_rehearsal, mapping| Order { mapping, is_complete: true, is_rehearsal };

    println!("{:<28} {:>9} {:>10} {:>10} {:>10} {:>10}", "", "seconds", "rows/s", "cpu s", "log/row", "keys/row");
    let work_as = async |what: &str, is_rehearsal: bool, file: Cursor<Vec<u8>>, mapping: Mapping| {
        let meter = Meter::begin(app, &data);
        let finished = import(app, file, order(is_rehearsal, mapping)).await;
        (finished, meter.end(app, what, rows).await)
    };
    let work = async |what, is_rehearsal, file| work_as(what, is_rehearsal, file, Mapping::default()).await;
    work("dry run", true, export()).await;
    let (first, measured) = work("first import", false, export()).await;
    assert_eq!(first.counts.new, u64::from(rows));
    let (again, _) = work("the same again", false, export()).await;
    assert_eq!(again.counts.unchanged, u64::from(rows));
    let (changed, _) = work("every row changed", false, Cursor::new(self::export(rows, "16.0"))).await;
    assert_eq!(changed.counts.changed, u64::from(rows));
    let meter = Meter::begin(app, &data);
    let import = changed.import.expect("an import");
    let undone = app.imports.undo(import, &operator(app)).await.expect("undone");
    assert_eq!(undone.restored, u64::from(rows));
    meter.end(app, "undoing it", rows).await;
    let owner = ["user_name=local:user_name", "mail=local:mail"].map(|rule| rule.parse().expect("a rule")).into();
    let mapping = Mapping { source: Some("Another source".to_owned()), owner, ..Mapping::default() };
    let (owned, with_owners) = work_as("first, with owner rules", false, export(), mapping).await;
    assert_eq!(owned.owners.expect("the owners").none, u64::from(rows));
    running.stop().await;
    (measured.0.max(with_owners.0), measured.1.max(with_owners.1))
}

fn operator(app: &App) -> Context {
    Context::operator(app.platform.world.uuid())
}

async fn import(app: &App, file: impl Read + Send + 'static, order: Order) -> Finished {
    let (told, mut heard) = mpsc::channel::<Told>(16);
    let running = async move { app.imports.run(file, order, &operator(app), &told).await.expect("imported") };
    let hearing = async { while heard.recv().await.is_some() {} };
    tokio::join!(running, hearing).0
}

/// Measures a piece of work.
struct Meter {
    begun: Instant,
    processor: Duration,
    sizes: Sizes,
    data: std::path::PathBuf,
}

/// Sizes of the log and of the keys, in bytes.
struct Sizes {
    log: u64,
    keys: u64,
}

impl Sizes {
    fn of(app: &App, data: &Path) -> Sizes {
        // The write-ahead logs keep their size when they are reused, so that pages are counted.
        let pages = |file: &str| {
            let database = rusqlite::Connection::open(data.join(file)).expect("it opens");
            let pragma = |name: &str| database.query_row(name, [], |row| row.get::<_, u64>(0)).expect("a number");
            pragma("PRAGMA page_count") * pragma("PRAGMA page_size")
        };
        assert!(app.platform.engine.failed().borrow().is_none(), "the log works");
        Sizes { log: pages("events.db"), keys: pages("keys.db") }
    }
}

impl Meter {
    fn begin(app: &App, data: &Path) -> Meter {
        let sizes = Sizes::of(app, data);
        Meter { begun: Instant::now(), processor: processor_time(), sizes, data: data.to_owned() }
    }

    // Returns the duration, and the growth of the log for each row. The processor time is that until the projections
    // have folded everything.
    async fn end(self, app: &App, what: &str, rows: u32) -> (Duration, u64) {
        let took = self.begun.elapsed();
        let head = app.platform.log.store().head().await.expect("a head").expect("events");
        app.platform.projections.wait_for(head).await.expect("folded");
        let processor = processor_time() - self.processor;
        let now = Sizes::of(app, &self.data);
        let each = |now: u64, before: u64| (now - before) / u64::from(rows);
        let (log, keys) = (each(now.log, self.sizes.log), each(now.keys, self.sizes.keys));
        let (seconds, cpu) = (took.as_secs_f64(), processor.as_secs_f64());
        let rate = f64::from(rows) / seconds;
        println!("{what:<28} {seconds:>9.1} {rate:>10.0} {cpu:>10.1} {log:>10} {keys:>10}");
        (took, log)
    }
}

/// CPU time that this process has used so far, in user and system mode (proc(5), `stat`).
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux has this file");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("its fields").split_whitespace().collect();
    let ticks: u64 = [11, 12].iter().map(|nth: &usize| fields[*nth].parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 10)
}

/// Returns an export of Jamf Pro in which each column has a value.
fn export(rows: u32, version: &str) -> Vec<u8> {
    let mut text = HEADER.to_owned();
    for id in 1..=rows {
        let (high, low) = (id >> 8, id & 255);
        let mac = format!("A4:83:{:02X}:{:02X}:{:02X}", high >> 8, high & 255, low);
        let imei = imei(id);
        text.push_str(&format!(
            "{id},PersonalDeviceProfile,F2LX{id:08},00008110-{id:016X},{imei},{mac}:0A,{mac}:0B,\"iPhone14,5\",iPhone 13 \
             (128 GB),{version},Phone of Person Number {id},person.number.{id},person.number.{id}@students.school.example,\
             Person Number {id},2024-03-04T05:06:07Z,2021-09-10T11:12:13Z,Campus North,Inventory-{id:08}\n"
        ));
    }
    text.into_bytes()
}

/// Returns an IMEI with its check digit (Luhn).
fn imei(id: u32) -> String {
    let digits = format!("356938{id:08}");
    let sum: u32 = digits
        .bytes()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit - b'0') * if at % 2 == 1 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}
