//! Load test with many people and devices at once; measures each act.

mod measure;

use crate::acts::{Act, Watcher};
use crate::chance;
use crate::device::Device;
use crate::keys::KeyPool;
use crate::model::{Family, Hardware, IosVersion};
use crate::push_server::PushServer;
use crate::walk::{Ending, Ownership, Person, Walk};
use async_trait::async_trait;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

pub use measure::{Line, Report};

/// Parameters of a load test.
#[derive(Clone)]
pub struct Load {
    /// The enrollment URL.
    pub address: String,
    pub devices: usize,
    pub concurrency: usize,
    pub ios: IosVersion,
    pub ownership: Ownership,
    /// The people who enroll the devices, in turn.
    pub user_names: Vec<String>,
    /// The password of all of them.
    pub password: String,
    /// Maximum time that a device waits for a push after its enrollment; `None` if the server does not use the
    /// simulator's push server.
    pub wait_for_push: Option<Duration>,
    pub keys: KeyPool,
    pub push_server: PushServer,
}

/// Result of one device.
#[derive(Debug, Clone)]
pub enum LoadOutcome {
    Enrolled,
    Failed(String),
}

/// Enrolls all devices. Calls `done` with the result of each one.
pub async fn run(load: Load, mut done: impl FnMut(&LoadOutcome)) -> Report {
    let started = Instant::now();
    let (send, mut receive) = mpsc::unbounded_channel();
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..load.concurrency.clamp(1, load.devices.max(1)) {
        workers.spawn(work(load.clone(), Arc::clone(&next), send.clone()));
    }
    drop(send);
    let mut report = Report::default();
    while let Some((outcome, measured)) = receive.recv().await {
        report.add(&outcome, measured);
        done(&outcome);
    }
    workers.join_all().await;
    report.elapsed = started.elapsed();
    report
}

type Result = (LoadOutcome, Vec<(Act, Duration)>);

async fn work(load: Load, next: Arc<AtomicUsize>, send: mpsc::UnboundedSender<Result>) {
    loop {
        let nth = next.fetch_add(1, Ordering::SeqCst);
        if nth >= load.devices {
            return;
        }
        let result = one(&load, nth).await;
        if send.send(result).is_err() {
            return;
        }
    }
}

async fn one(load: &Load, nth: usize) -> Result {
    let mut stopwatch = Stopwatch::default();
    let outcome = match enroll(load, nth, &mut stopwatch).await {
        Ok(()) => LoadOutcome::Enrolled,
        Err(why) => LoadOutcome::Failed(why),
    };
    (outcome, stopwatch.measured)
}

async fn enroll(load: &Load, nth: usize, stopwatch: &mut Stopwatch) -> std::result::Result<(), String> {
    let family = if chance::index(4) == 0 { Family::IPad } else { Family::IPhone };
    let device = Device::new(Hardware::new(family, load.ios), load.keys.clone(), load.push_server.clone());
    let user_name = load.user_names.iter().cycle().nth(nth).ok_or("nobody enrolls the devices")?.clone();
    let person = Person {
        managed_apple_id: format!("{user_name}@appleid.example.com"),
        user_name,
        password: load.password.clone(),
        ownership: load.ownership,
        switches_on_trust: true,
    };
    let mut walk = Walk { insists_on_ownership: true, ..Walk::new(person, device) };
    match walk.run(&load.address, stopwatch).await.map_err(|error| with_causes(&error))? {
        Ending::Enrolled(_) => {}
        Ending::Directed(page) => return Err(directed(load, &page.title)),
    }
    if let Some(patience) = load.wait_for_push {
        let served = walk.device.serve_once_watched(patience, stopwatch).await;
        served.map_err(|error| with_causes(&error))?;
    }
    Ok(())
}

// Personal devices with iOS 18 enroll in Settings, which the load test does not support.
fn directed(load: &Load, title: &str) -> String {
    let by_settings = load.ownership == Ownership::Personal && load.ios >= IosVersion::new(18, 0);
    let why = if by_settings {
        ": from iOS 18 on personal devices enroll only in Settings, which is not simulated here"
    } else {
        ""
    };
    format!("the portal does not enroll this device, its page says “{title}”{why}")
}

// "error sending request" alone is not useful: the cause says, for example, that the connection was refused.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    for cause in std::iter::successors(error.source(), |cause| cause.source()) {
        let cause = cause.to_string();
        if !told.contains(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
}

#[derive(Default)]
struct Stopwatch {
    measured: Vec<(Act, Duration)>,
}

#[async_trait]
impl Watcher for Stopwatch {
    async fn after(&mut self, act: Act, took: Duration, _told: &str) {
        self.measured.push((act, took));
    }
}
