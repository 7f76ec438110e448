//! Two hundred people sign in at the same time. Memory stays within limits, devices are still answered, and a guessing
//! attacker locks out nobody.

use harness::TestServer;
use harness::cast::{PASSWORD, Scene, Visitor};
use harness::directory::slapd::{self, Slapd};
use harness::guest::{Guest, iphone};
use harness::process::Installation;
use harness::test_name;
use harness::waiting::until;
use reqwest::header::{HeaderMap, HeaderValue};
use simulator::device::Device;
use simulator::model::Family;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const CROWD: usize = 200;
/// Memory to verify one password, in MiB.
const MEBIBYTES_A_PASSWORD: u64 = 19;
/// Memory for everything else in two hundred requests, in MiB.
const MEBIBYTES_BESIDE: u64 = 128;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_sign_ins_at_once_take_little_memory_and_devices_are_answered_meanwhile() {
    let scene = Scene::set_with(|config| config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]).await;
    let device = scene.enroll(Visitor::institutional(Family::IPhone, "17.5")).await;
    let (url, client) = (scene.server.url(), client(&scene.server));
    let installation = Installation::of(scene.server).await;
    // The server runs in its own process, so that only its memory is measured.
    let server = installation.serve();
    let mut guests = Vec::new();
    for _ in 0..CROWD {
        let mut guest = Guest::with(client.clone(), url.clone(), &iphone("17.5"));
        arrive(&mut guest, &client, &url).await;
        guests.push(guest);
    }
    let mut attacker = Guest::with(client.clone(), url.clone(), &iphone("17.5"));
    attacker.get("/enroll/sign-in").await;
    let (device, calm) = poll_until(device, |polls| polls == 20).await;
    let before = mebibytes(server.0.id(), "VmRSS");

    let attack = tokio::spawn(async move {
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(try_from(&mut attacker, "203.0.113.66", "ada", "a wrong one").await);
        }
        statuses
    });
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let polling = tokio::spawn(poll_until(device, move |_| stopped.try_recv().is_ok()));
    let begun = Instant::now();
    assert_eq!(at_once(guests, &["ada"], PASSWORD).await, [303; CROWD], "every guest can sign in");
    let took = begun.elapsed();
    // The task has ended only if a poll failed, and then says so.
    let _ = stop.send(());
    let (_device, storm) = polling.await.unwrap();
    let statuses = attack.await.unwrap();
    assert_eq!(statuses[..5], [401; 5]);
    assert!(statuses[5..].iter().all(|status| *status == 429), "{statuses:?}");

    let (peak, cores) = (mebibytes(server.0.id(), "VmHWM"), std::thread::available_parallelism().unwrap().get() as u64);
    println!(
        "{CROWD} sign-ins in {took:.1?} on {cores} cores: {before} MiB before, {peak} MiB at most; answers to a device: \
         {calm} in calm, {storm} in the storm"
    );
    let allowed = cores * MEBIBYTES_A_PASSWORD + MEBIBYTES_BESIDE;
    assert!(peak.saturating_sub(before) <= allowed, "{before} MiB grew to {peak} MiB, more than {allowed} MiB");
    assert!(storm.count >= 5, "a device gets several answers during the storm: {storm}");
    // Compares durations, because they are the subject. The limit is relative, because the machine may be busy. A
    // device that waited for all sign-ins would need the whole time.
    assert!(storm.longest < took / 2, "a device must not wait for all sign-ins: {storm}");
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_people_of_a_directory_sign_in_at_once_and_none_is_taken_for_a_guesser() {
    if !slapd::is_here(test_name!()) {
        return;
    }
    let slapd = Slapd::start();
    let directory = harness::directory::config(&slapd);
    let server = TestServer::start_with(world::World::system(), |config| {
        config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        config.identity.directory = vec![directory];
    })
    .await;
    server.settings(|settings| settings.sign_in.enrollment.directories = vec!["main".into()]).await;
    let (url, client) = (server.url(), client(&server));
    let mut guests = Vec::new();
    for _ in 0..CROWD {
        let mut guest = Guest::with(client.clone(), url.clone(), &iphone("17.5"));
        guest.get("/enroll/sign-in").await;
        guests.push(guest);
    }
    let begun = Instant::now();
    assert_eq!(at_once(guests, &["ada", "alan", "grace", "dreamer"], slapd::PASSWORD).await, [303; CROWD]);
    println!("{CROWD} sign-ins of people of a directory in {:.1?}", begun.elapsed());
    assert_eq!(slapd.binds_of(slapd::SEARCHER), 1, "one connection searched for all of them");
    server.stop().await;
}

/// Creates a client that opens a new connection for each request, as different people do.
fn client(server: &TestServer) -> reqwest::Client {
    let root = reqwest::Certificate::from_pem(&server.tls_root()).unwrap();
    let client = reqwest::Client::builder().add_root_certificate(root).pool_max_idle_per_host(0);
    client.redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

// Waits for the server, which may still be starting.
async fn arrive(guest: &mut Guest, client: &reqwest::Client, url: &str) {
    let answers = async || client.get(format!("{url}/enroll/sign-in")).send().await.is_ok();
    until("an answer of the server", answers).await;
    guest.get("/enroll/sign-in").await;
}

/// Signs in all guests at the same time. Each has its own address, and the names are used in turn. Returns the
/// statuses.
async fn at_once(guests: Vec<Guest>, names: &'static [&'static str], password: &'static str) -> Vec<u16> {
    let mut all = JoinSet::new();
    for (nth, mut guest) in guests.into_iter().enumerate() {
        let address = format!("10.0.{}.{}", nth / 250, nth % 250 + 1);
        all.spawn(async move { try_from(&mut guest, &address, names[nth % names.len()], password).await });
    }
    all.join_all().await
}

async fn try_from(guest: &mut Guest, address: &str, name: &str, password: &str) -> u16 {
    let mut headers = HeaderMap::new();
    headers.insert("x-forwarded-for", HeaderValue::from_str(address).unwrap());
    headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
    guest.post_with("/enroll/sign-in", &[("user_name", name), ("password", password)], headers).await.status
}

/// Waiting times of a device for its answers.
struct Waited {
    count: usize,
    median: Duration,
    longest: Duration,
}

impl std::fmt::Display for Waited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Waited { count, median, longest } = self;
        write!(f, "{count} with a median of {median:.1?} and {longest:.1?} at most")
    }
}

/// Lets a device poll for commands without a pause until `is_enough` returns true for the number of its polls. Every
/// poll must succeed.
async fn poll_until(mut device: Device, mut is_enough: impl FnMut(usize) -> bool) -> (Device, Waited) {
    let mut waited = Vec::new();
    loop {
        let begun = Instant::now();
        device.poll().await.expect("the device is answered");
        waited.push(begun.elapsed());
        if is_enough(waited.len()) {
            break;
        }
    }
    waited.sort();
    let (count, median) = (waited.len(), waited[waited.len() / 2]);
    (device, Waited { count, median, longest: *waited.last().unwrap() })
}

fn mebibytes(process: u32, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    let kibibytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kibibytes / 1_024
}
