//! Compares whole enrollments with their unavoidable work: the operations with private keys and the password hash of
//! one enrollment, on the server and on the device, measured in the same run.
//!
//! Devices and server share this machine, so the operations of both sides count. The ratio is the share of the machine
//! that goes into unavoidable work. The rest is pages, property lists, durable events and the simulator's own work.
//! `cargo bench --bench enrollments`; `MUSTER_BENCH_DEVICES` sets the number of devices that enroll, and
//! `MUSTER_BENCH_AT_ONCE` how many at a time.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version};
use muster::cli::demo::stage::{ENROLLING, Stage};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::Signer;
use simulator::keys::KeyPool;
use simulator::load::{self, Load};
use simulator::model::IosVersion;
use simulator::walk::Ownership;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Minimum share of the ideal rate.
const LIMIT: f64 = 0.2;

/// Operations with a private RSA-2048 key in one enrollment, by side and purpose.
const KEY_OPERATIONS: [(&str, u32); 8] = [
    ("server: TLS handshakes, one for the browser and one for the device", 2),
    ("server: signatures of the CA profile and of the MDM profile", 2),
    ("server: decryption of the SCEP request", 1),
    ("server: signature of the identity certificate", 1),
    ("server: signature of the SCEP answer", 1),
    ("device: signatures of the request, of its own certificate and of the SCEP message", 3),
    ("device: decryption of the SCEP answer", 1),
    ("device: signatures of Authenticate and TokenUpdate", 2),
];

fn main() -> ExitCode {
    let devices = setting("MUSTER_BENCH_DEVICES", 200);
    let at_once = setting("MUSTER_BENCH_AT_ONCE", 16);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (private, password) = (private_key_operation(), password_check());
    let operations: u32 = KEY_OPERATIONS.iter().map(|(_, count)| count).sum();
    let unavoidable = private * operations + password;
    println!("one operation with a private RSA-2048 key {private:>10.1?}");
    println!("one password check (argon2id)             {password:>10.1?}");
    KEY_OPERATIONS.iter().for_each(|(what, count)| println!("  {count} × {what}"));
    println!("  1 × server: password check");
    let ideal = cores as f64 / unavoidable.as_secs_f64();
    println!(
        "unavoidable for one enrollment            {unavoidable:>10.1?}, so at most {ideal:.1}/s on {cores} cores"
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let rate = runtime.block_on(enrollments(devices, at_once));
    let ratio = rate / ideal;
    println!("{devices} devices, {at_once} at once: {rate:.1} enrollments/s, ratio {ratio:.2}, limit {LIMIT:.2}");
    if ratio >= LIMIT { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

async fn enrollments(devices: usize, at_once: usize) -> f64 {
    let stage = Stage::set(([127, 0, 0, 1], 0).into()).await.expect("the stage is set");
    let load = Load {
        address: format!("{}/enroll", stage.address()),
        devices,
        concurrency: at_once,
        ios: "17.5".parse::<IosVersion>().expect("a version"),
        ownership: Ownership::Institutional,
        user_name: ENROLLING.into(),
        password: stage.passwords.enrolling.clone(),
        wait_for_push: None,
        keys: KeyPool::shared(8).expect("keys are made"),
        push_server: stage.push_server.clone(),
    };
    let report = load::run(load, |_| {}).await;
    assert_eq!(report.failed, 0, "every device enrolls: {:?}", report.failures);
    stage.strike().await;
    report.rate()
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
