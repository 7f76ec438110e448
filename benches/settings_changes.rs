//! Compares the portal's sign-in page after 400 and after 5,000 changes of the settings with the same page before any
//! change, measured in the same run. The settings are kept in memory, so the number of changes must not slow down the
//! page.
//!
//! `cargo bench --bench settings_changes`; `MUSTER_BENCH_REQUESTS` sets the number of requests for each row.
#![expect(unreachable_pub, reason = "a benchmark has no API: `pub` only leads out of a module")]
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[expect(dead_code, reason = "settings wake no device: reactions are not passed over")]
#[path = "shared/mod.rs"]
mod shared;

use events::settings::{SCHEMA, Settings, SettingsEvent, stream};
use events::store::Expected;
use muster::app::App;
use muster::app::initialize::initialize;
use muster::config::Config;
use muster::server;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use world::World;

/// Number of changes before each row is measured.
const ROWS: [u32; 3] = [0, 400, 5_000];
/// Maximum ratio of the page's duration to that before any change.
const LIMIT: f64 = 1.5;
/// Number of changes in one append.
const BATCH: u32 = 200;
const SAFARI: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                      Version/17.5 Mobile/15E148 Safari/604.1";

fn main() -> ExitCode {
    let requests = std::env::var("MUSTER_BENCH_REQUESTS").ok().and_then(|value| value.parse().ok()).unwrap_or(300);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let medians = runtime.block_on(rows(requests));
    let [before, ..] = medians;
    let mut fits = true;
    for (changes, median) in ROWS.iter().zip(medians) {
        let ratio = median.as_secs_f64() / before.as_secs_f64();
        fits &= ratio <= LIMIT;
        println!("{changes:>5} changes: {median:>9.1?} a page, ratio {ratio:.2}, limit {LIMIT:.2}");
    }
    if fits { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn rows(requests: usize) -> [Duration; ROWS.len()] {
    let directory = tempfile::tempdir().expect("a directory");
    let plan = shared::plan(directory.path(), "https://localhost:0");
    let made = initialize(&plan, &World::system()).await.expect("an installation");
    let root = std::fs::read(made.tls_root.expect("a root")).expect("it can be read");
    let config = Config::load(&made.config).expect("its configuration");
    let running = server::start(config, World::system()).await.expect("it starts");
    let client = reqwest::Client::builder()
        .user_agent(SAFARI)
        .add_root_certificate(reqwest::Certificate::from_pem(&root).expect("a certificate"))
        .build()
        .expect("a client");
    let page = format!("{}/enroll/sign-in", running.app.config.server.public_url);
    let (mut medians, mut changes) = ([Duration::ZERO; ROWS.len()], 0);
    for (median, wanted) in medians.iter_mut().zip(ROWS) {
        while changes < wanted {
            change(&running.app, changes).await;
            changes += BATCH;
        }
        *median = median_of(&client, &page, requests).await;
    }
    running.stop().await;
    medians
}

async fn change(app: &App, so_far: u32) {
    let mut before = app.settings.current().await.expect("settings");
    let drafts = (so_far..so_far + BATCH).map(|nth| {
        let after = Settings { help: Some(format!("Room {nth}")), ..before.clone() };
        let changed = SettingsEvent::between(&before, &after, Some(SCHEMA));
        before = after;
        shared::draft(&app.platform.world, changed.into())
    });
    let drafts = drafts.collect();
    app.platform.log.append(&stream(), Expected::Any, drafts).await.expect("appended");
}

async fn median_of(client: &reqwest::Client, page: &str, requests: usize) -> Duration {
    // Warm-up: the first requests open the connection and read the changes.
    for _ in 0..requests / 10 {
        ask(client, page).await;
    }
    let mut took = Vec::with_capacity(requests);
    for _ in 0..requests {
        let started = Instant::now();
        ask(client, page).await;
        took.push(started.elapsed());
    }
    took.sort();
    took[took.len() / 2]
}

async fn ask(client: &reqwest::Client, page: &str) {
    let answer = client.get(page).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.bytes().await.expect("its body");
}
