//! Compares the server's processor time for whole enrollments with their unavoidable work: the operations with private
//! keys and the password hash of one enrollment, measured in the same run.
//!
//! The devices are simulated in a process of their own, so that only the work of the server counts. The rest of it is
//! pages, property lists, durable events and their followers. One row is for devices of one person, whose records are
//! looked through at each enrollment; the other for devices of a person each. `cargo bench --bench enrollments`;
//! `MUSTER_BENCH_DEVICES` sets the number of devices that enroll in each row, and `MUSTER_BENCH_AT_ONCE` how many at a
//! time. Under `cargo test` the benchmark is small and judges no figure.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version};
use events::staff::Privilege;
use muster::cli::demo::stage::{ENROLLING, Stage};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::Signer;
use serde::{Deserialize, Serialize};
use simulator::keys::KeyPool;
use simulator::load::{self, Load};
use simulator::model::IosVersion;
use simulator::push_server::PushServer;
use simulator::walk::Ownership;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};
use tokio::process::Command;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Minimum share of the unavoidable work in the processor time of the server.
const LIMIT: f64 = 0.4;

/// Environment variable of the process of the devices: what it does, as JSON.
const DEVICES: &str = "MUSTER_BENCH_SIMULATED";

/// Operations of the server with a private RSA-2048 key in one enrollment.
const KEY_OPERATIONS: [(&str, u32); 5] = [
    ("TLS handshakes, one for the browser and one for the device", 2),
    ("signatures of the CA profile and of the MDM profile", 2),
    ("decryption of the SCEP request", 1),
    ("signature of the identity certificate", 1),
    ("signature of the SCEP answer", 1),
];

/// What the devices do.
#[derive(Serialize, Deserialize)]
struct Simulated {
    address: String,
    devices: usize,
    at_once: usize,
    user_names: Vec<String>,
    password: String,
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    match std::env::var(DEVICES) {
        Ok(simulated) => runtime.block_on(simulate(serde_json::from_str(&simulated).expect("JSON"))),
        Err(_) => runtime.block_on(measure()),
    }
}

async fn measure() -> ExitCode {
    let judged = std::env::args().any(|argument| argument == "--bench");
    let devices = setting("MUSTER_BENCH_DEVICES", if judged { 200 } else { 4 });
    let (private, password) = (private_key_operation(), password_check());
    let operations: u32 = KEY_OPERATIONS.iter().map(|(_, count)| count).sum();
    let floor = private * operations + password;
    println!("one operation with a private RSA-2048 key {private:>10.1?}");
    println!("one password check (argon2id)             {password:>10.1?}");
    KEY_OPERATIONS.iter().for_each(|(what, count)| println!("  {count} × {what}"));
    println!("  1 × password check");
    println!("unavoidable for one enrollment            {floor:>10.1?}");
    println!("{devices:>4} devices               enrollments/s  server cpu   ratio");
    let stage = Stage::set(([127, 0, 0, 1], 0).into()).await.expect("the stage is set");
    let one = vec![ENROLLING.to_owned()];
    let each: Vec<String> = (0..devices).map(|nth| format!("person{nth}")).collect();
    for user_name in &each {
        stage.add(user_name, &stage.passwords.enrolling, Privilege::Enroll).await.expect("an account");
    }
    let mut least = f64::MAX;
    for (name, user_names) in [("of one person", one), ("of a person each", each)] {
        let (rate, processor_time) = enrollments(&stage, devices, user_names).await;
        let ratio = floor.as_secs_f64() / processor_time.as_secs_f64();
        println!("{name:<26} {rate:>13.1} {processor_time:>11.1?} {ratio:>7.2}");
        least = least.min(ratio);
    }
    stage.strike().await;
    println!("the lowest ratio is {least:.2}, limit {LIMIT:.2}");
    if least >= LIMIT || !judged { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Returns the enrollments per second and the processor time of this process for each.
async fn enrollments(stage: &Stage, devices: usize, user_names: Vec<String>) -> (f64, Duration) {
    let simulated = Simulated {
        address: format!("{}/enroll", stage.address()),
        devices,
        at_once: setting("MUSTER_BENCH_AT_ONCE", 4),
        user_names,
        password: stage.passwords.enrolling.clone(),
    };
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.env(DEVICES, serde_json::to_string(&simulated).expect("JSON"));
    let before = processor_time();
    let output = command.stderr(Stdio::inherit()).output().await.expect("it runs");
    let each = (processor_time() - before) / u32::try_from(devices).expect("not that many");
    assert!(output.status.success(), "every device enrolls");
    let rate = String::from_utf8_lossy(&output.stdout).trim().parse().expect("the enrollments per second");
    (rate, each)
}

/// The process of the devices. Prints the enrollments per second.
async fn simulate(simulated: Simulated) -> ExitCode {
    let load = Load {
        address: simulated.address,
        devices: simulated.devices,
        concurrency: simulated.at_once,
        ios: "17.5".parse::<IosVersion>().expect("a version"),
        ownership: Ownership::Institutional,
        user_names: simulated.user_names,
        password: simulated.password,
        wait_for_push: None,
        keys: KeyPool::shared(8).expect("keys are made"),
        push_server: PushServer::nowhere(),
    };
    let report = load::run(load, |_| {}).await;
    assert_eq!(report.failed, 0, "every device enrolls: {:?}", report.failures);
    println!("{}", report.rate());
    ExitCode::SUCCESS
}

/// CPU time of this process so far, in user and system mode (proc(5), `stat`).
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux has this file");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("its fields").split_whitespace().collect();
    let ticks: u64 = [11, 12].iter().map(|nth: &usize| fields[*nth].parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 10)
}

/// Mean duration of a signature and a decryption.
fn private_key_operation() -> Duration {
    let rsa = Rsa::generate(2048).expect("a key is made");
    let mut secret = vec![0; 256];
    let length =
        rsa.public_encrypt(b"thirty-two bytes of a secret key", &mut secret, Padding::PKCS1).expect("encrypted");
    let key: PKey<Private> = PKey::from_rsa(rsa.clone()).expect("a key");
    mean(100, || {
        let mut signer = Signer::new(MessageDigest::sha256(), &key).expect("a signer");
        signer.sign_oneshot_to_vec(b"a message").expect("signed");
        let mut plain = vec![0; 256];
        rsa.private_decrypt(&secret[..length], &mut plain, Padding::PKCS1).expect("decrypted");
    }) / 2
}

/// Uses the argon2 parameters of local accounts.
fn password_check() -> Duration {
    let parameters = Params::new(19_456, 2, 1, None).expect("legal parameters");
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    let hash = argon2.hash_password(b"a password of some length").expect("hashed").to_string();
    mean(10, || {
        let hash = PasswordHash::new(&hash).expect("a hash");
        argon2.verify_password(b"a password of some length", &hash).expect("the right password");
    })
}

fn mean(times: u32, work: impl Fn()) -> Duration {
    let started = Instant::now();
    (0..times).for_each(|_| work());
    started.elapsed() / times
}
