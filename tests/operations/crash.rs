//! Kills the real server repeatedly under load. Afterwards every acknowledged event exists and the revisions have no
//! gaps.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use events::device::{DeviceEvent, DeviceId};
use events::{Event, Position};
use harness::cast::{Scene, Visitor, id_of};
use harness::process::{Installation, Process};
use simulator::chance;
use simulator::device::Device;
use simulator::messages;
use simulator::model::Family;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Returns the rounds: 60, or the value of `MUSTER_CRASH_ROUNDS`. Each run starts at a different kill time, so that
/// every kill time is used sooner or later.
fn rounds() -> std::ops::Range<usize> {
    let first = std::process::id() as usize % MOMENTS;
    let count = std::env::var("MUSTER_CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(60);
    first..first + count
}

/// Number of kill times, one millisecond apart, counted after the server has acknowledged the first messages.
const MOMENTS: usize = 160;

const DEVICES: usize = 4;

/// Number of messages that must be acknowledged in a round before the server is killed.
const LEAST: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_event_survives_sigkill_under_load() {
    let scene = Scene::set().await;
    let mut devices = Vec::new();
    for _ in 0..DEVICES {
        devices.push(Arc::new(scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await));
    }
    let installation = Installation::of(scene.server).await;
    let mut seen = Seen::default();
    let mut acknowledged = 0;
    let rounds = rounds();
    for round in rounds.clone() {
        let mut server = installation.serve();
        let acks = load_until_killed(&devices, &mut server, round).await;
        acknowledged += acks.iter().map(HashSet::len).sum::<usize>();
        seen.read(&installation).await;
        for (device, acks) in devices.iter().zip(&acks) {
            let kept = seen.tokens.entry(id_of(device)).or_default();
            let lost: Vec<_> = acks.difference(kept).collect();
            assert!(lost.is_empty(), "round {round}: {} acknowledged messages are lost: {lost:?}", lost.len());
        }
    }
    assert!(acknowledged >= LEAST * rounds.len(), "{acknowledged} messages acknowledged in {} rounds", rounds.len());
}

/// Contents of the log, read from the end of the previous round. Every event is opened, which requires that every key
/// exists.
#[derive(Default)]
struct Seen {
    after: Option<Position>,
    revisions: HashMap<String, u64>,
    tokens: HashMap<DeviceId, HashSet<String>>,
}

impl Seen {
    async fn read(&mut self, installation: &Installation) {
        let log = installation.open();
        loop {
            let page = log.page(self.after, 1_000).await.expect("every event is intact and can be opened");
            let Some(last) = page.last() else { return };
            self.after = Some(last.position);
            for entry in page {
                let next = self.revisions.entry(entry.stream.to_string()).or_default();
                assert_eq!(entry.revision.0, *next, "the revisions of {} have no gaps", entry.stream);
                *next += 1;
                if let Event::Device(DeviceEvent::PushTokenRenewed { push, .. }) = entry.event {
                    let id = DeviceId(entry.stream.id().parse().unwrap());
                    let token = push.token.get().expect("the key of the token exists").clone();
                    self.tokens.entry(id).or_default().insert(token);
                }
            }
        }
    }
}

/// Lets every device send TokenUpdates with new tokens as fast as possible, and kills the server in the middle.
/// Returns the tokens that were answered with 200, by device.
async fn load_until_killed(devices: &[Arc<Device>], server: &mut Process, round: usize) -> Vec<HashSet<String>> {
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let taken = Arc::new(AtomicUsize::new(0));
    let send =
        |device: &Arc<Device>| tokio::spawn(send_tokens(Arc::clone(device), stopped.clone(), Arc::clone(&taken)));
    let senders: Vec<_> = devices.iter().map(send).collect();
    wait_until_it_takes(&taken).await;
    // Sleeps, because the kill time is the subject: each round has another one, during a commit, during a checkpoint,
    // or between them. No condition describes these moments from outside.
    let moment = Duration::from_millis(5 + (round * 37 % MOMENTS) as u64);
    tokio::time::sleep(moment).await;
    server.0.kill().expect("the server can be killed");
    stop.send(true).expect("the devices receive the stop signal");
    let mut acks = Vec::new();
    for sender in senders {
        acks.push(sender.await.expect("the device task ends without a panic"));
    }
    acks
}

// Ensures that every round has acknowledged messages that could be lost, even on a slow machine.
async fn wait_until_it_takes(taken: &AtomicUsize) {
    let until = Instant::now() + Duration::from_secs(60);
    while taken.load(Ordering::SeqCst) < LEAST {
        assert!(Instant::now() < until, "the server acknowledges no messages");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn send_tokens(
    device: Arc<Device>,
    stopped: tokio::sync::watch::Receiver<bool>,
    taken: Arc<AtomicUsize>,
) -> HashSet<String> {
    let management = device.management().expect("managed");
    let mut acknowledged = HashSet::new();
    while !*stopped.borrow() {
        let token = chance::bytes::<32>();
        let message =
            messages::token_update(&management.identifier, &management.mdm.topic, &token, &management.push_magic, None);
        let body = messages::xml(&message);
        let url = &management.mdm.check_in_url;
        match device.send(management, url, "application/x-apple-aspen-mdm-checkin", &body).await {
            Ok(answer) if answer.status == 200 => {
                acknowledged.insert(STANDARD.encode(token));
                taken.fetch_add(1, Ordering::SeqCst);
            }
            Ok(answer) => assert_eq!(answer.status, 503, "a server that is being killed may answer only 200 or 503"),
            // Pauses before the next attempt.
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
    acknowledged
}
