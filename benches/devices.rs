//! Measures the daily traffic of devices at an installation with 100,000 of them: check-ins with new values, polls
//! without work, and acknowledgements. Each is sent with a signature, and over TLS with the device's certificate. Each
//! rate is compared with the rate that key operations and synced writes alone would allow in the same run. Polls are
//! also measured while the server is busy with its log: during an import, and while the projections fold the whole log.
//!
//! Server and devices are separate processes, so that their CPU time and memory can be measured separately. Every
//! device has its own streams in the log. Those that send messages (every tenth) have their own certificates and share
//! a few keys. They sign before the clock starts. At the end the server is killed, and everything that it accepted must
//! be in the log. `cargo bench --bench devices`; `MUSTER_BENCH_DEVICES` sets the number of devices, and
//! `MUSTER_BENCH_SPEAKERS` how many of them send messages. Under `cargo test` the benchmark is small and judges no
//! figure.
#![expect(unreachable_pub, reason = "a benchmark has no API: `pub` only leads out of a module")]
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "devices/busy.rs"]
mod busy;
#[path = "devices/client.rs"]
mod client;
#[path = "devices/installation.rs"]
mod installation;
#[path = "devices/limit.rs"]
mod limit;
#[path = "shared/mod.rs"]
mod shared;

use busy::Ask;
use client::{Kind, Sent, Turn, Way};
use events::log::Next;
use installation::Made;
use limit::Limit;
use muster::app::App;
use muster::config::Config;
use serde::de::DeserializeOwned;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::time::Duration;
use world::World;

/// Environment variables of the child processes: their role, and the file that they read first.
const ROLE: &str = "MUSTER_BENCH_ROLE";
const FILE: &str = "MUSTER_BENCH_FILE";

/// Number of concurrent messages.
const AT_ONCE: usize = 64;

/// Minimum ratio to the ideal rate, with signatures. The two signature verifications are a small part of the cost. The
/// acknowledgement is the first message of each device, whose streams are read and folded for it. All messages are
/// written into the projections meanwhile.
fn least(kind: Kind) -> f64 {
    match kind {
        Kind::Acknowledgement => 0.02,
        Kind::CheckIn => 0.05,
        Kind::Poll => 0.15,
    }
}

/// Number of events of the device with a long history.
const HISTORY: usize = 5_000;

/// Minimum rate of polls by devices whose states are on the disk only, as a part of the rate of those in memory.
const COLD_LIMIT: f64 = 0.41;

/// Maximum server time of a poll by a device with a long history, as a multiple of that of a fresh device.
const OLD_LIMIT: f64 = 2.0;

/// Minimum rate of polls while the server is busy with its log, as a part of the rate at other times.
const BUSY_LIMIT: f64 = 0.7;

/// Maximum resident memory of the server after messages of all speakers, in MiB.
const MEMORY_LIMIT: u64 = 200;

/// Number of events of an import.
const IMPORTED: usize = 100_000;

/// What the run is judged by.
struct Ratios {
    /// The lowest ratio to the ideal rate, as a multiple of its limit.
    least: f64,
    /// Resident memory in MiB.
    memory: u64,
    cold: f64,
    old: f64,
    importing: f64,
    catching_up: f64,
}

/// The order matters: a poll has no work only after everything is acknowledged.
const KINDS: [Kind; 3] = [Kind::Acknowledgement, Kind::CheckIn, Kind::Poll];

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let file = std::env::var(FILE).unwrap_or_default();
    match std::env::var(ROLE).as_deref() {
        Ok("server") => runtime.block_on(serve(file.as_ref())),
        Ok("client") => runtime.block_on(client::serve(file.as_ref())),
        _ => return runtime.block_on(measure()),
    }
    ExitCode::SUCCESS
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

async fn measure() -> ExitCode {
    let judged = std::env::args().any(|argument| argument == "--bench");
    let devices = setting("MUSTER_BENCH_DEVICES", if judged { 100_000 } else { 40 });
    let speakers = setting("MUSTER_BENCH_SPEAKERS", devices / 10).clamp(2, devices);
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let history = if judged { HISTORY } else { 300 };
    let made = installation::make(directory.path(), devices, speakers, history).await;
    println!("{devices} devices, {speakers} of them speak, {AT_ONCE} messages at once; load {}", load());
    println!("the log was made in {:.1?}, read into the projections in {:.1?}", made.log, made.projections);
    let limit = Limit::measure();
    println!(
        "private key {:.0?}, public key {:.0?}, an event's share of a synced write {:.1?}",
        limit.private, limit.public, limit.synced
    );
    let Ratios { least, memory, cold, old, importing, catching_up } = take_turns(&made, limit, judged);
    let written = written(&made).await;
    assert_eq!(written, (speakers, 2 * speakers), "all accepted acknowledgements and check-ins are in the log");
    println!("the server was killed, and every message that it accepted is in the log; load {}", load());
    println!("the lowest ratio is {least:.2} times its limit");
    println!("the server takes {memory} MiB, limit {MEMORY_LIMIT} MiB");
    println!(
        "polls of devices that are not in memory have {cold:.2} of the rate of those that are, limit {COLD_LIMIT:.2}"
    );
    println!(
        "a poll of a device with {history} events takes {old:.2} of the server time of a fresh one, limit {OLD_LIMIT:.2}"
    );
    println!("polls have {importing:.2} of this rate during an import, limit {BUSY_LIMIT:.2}");
    println!("polls have {catching_up:.2} of it while the projections catch up, limit {BUSY_LIMIT:.2}");
    let busy = importing.min(catching_up);
    let is_fast =
        least >= 1.0 && memory <= MEMORY_LIMIT && cold >= COLD_LIMIT && old <= OLD_LIMIT && busy >= BUSY_LIMIT;
    if is_fast || !judged { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn take_turns(made: &Made, limit: Limit, judged: bool) -> Ratios {
    let mut client = Process::start("client", &made.speakers);
    let (mut server, ports) = served(made);
    println!("server before {}", server.memory());
    println!("message                   way         messages/s       p50       p99  server cpu  client cpu   ratio");
    let mut least = f64::MAX;
    for kind in KINDS {
        for (way, port) in [(Way::Signature, ports.0), (Way::MutualTls, ports.1)] {
            let row = turn(&mut server, &mut client, &format!("{kind:?}"), Turn { kind, way, port, only: None });
            least = least.min(judge(&row, kind, way, limit) / self::least(kind));
        }
    }
    println!("server after {}", server.memory());
    let memory = server.resident();
    // No state is in memory afterwards, and those of the devices are in the file.
    server.ask(Ask::Stop);
    drop(server);
    let (mut server, ports) = served(made);
    let port = ports.0;
    let mut poll = |server: &mut Process, name: &str, only| {
        let turn = Turn { kind: Kind::Poll, way: Way::Signature, port, only };
        let row = self::turn(server, &mut client, name, turn);
        judge(&row, Kind::Poll, Way::Signature, limit);
        row
    };
    let cold = poll(&mut server, "Poll after a restart", None);
    let warm = poll(&mut server, "Poll again", None);
    let [young, old] = [("Poll of a fresh device", 1), ("Poll of an old device", 0)].map(|(name, nth)| {
        // The first message folds the state.
        poll(&mut server, name, Some(nth));
        poll(&mut server, name, Some(nth))
    });
    server.ask(Ask::Import(IMPORTED));
    let importing = poll(&mut server, "Poll during an import", None);
    let imported = server.ask(Ask::Imported);
    println!("{imported} events are imported, {} of them are not in the projections yet", server.ask(Ask::Lag));
    assert!(!judged || server.ask(Ask::Lag) > 0, "the import was folded before the polls ended");
    drop(server);
    let catching_up = catch_up(made, &mut client, limit, judged);
    let old = old.server.as_secs_f64() / young.server.as_secs_f64();
    let part = |row: Row| row.rate / warm.rate;
    Ratios { least, memory, cold: part(cold), old, importing: part(importing), catching_up: part(catching_up) }
}

// The polls of a server that folds the whole log. The first ones bring the states of the devices into memory.
fn catch_up(made: &Made, client: &mut Process, limit: Limit, judged: bool) -> Row {
    busy::forget_projections(&made.config);
    let (mut server, (port, _)) = served(made);
    let [_, polled] = ["Poll after an upgrade", "Poll while catching up"].map(|name| {
        let lag = server.ask(Ask::Lag);
        let row = turn(&mut server, client, name, Turn { kind: Kind::Poll, way: Way::Signature, port, only: None });
        judge(&row, Kind::Poll, Way::Signature, limit);
        println!("{lag} events were not in the projections yet before, {} afterwards", server.ask(Ask::Lag));
        row
    });
    assert!(!judged || server.ask(Ask::Lag) > 0, "the projections caught up before the polls ended");
    polled
}

fn served(made: &Made) -> (Process, (u16, u16)) {
    let mut server = Process::start("server", &made.config);
    let ports = server.hear();
    (server, ports)
}

/// One row of the table.
struct Row {
    name: String,
    way: Way,
    sent: Sent,
    rate: f64,
    /// Processor time for each message.
    server: Duration,
    client: Duration,
}

fn turn(server: &mut Process, client: &mut Process, name: &str, turn: Turn) -> Row {
    client.tell(&turn);
    let _: String = client.hear();
    let used = |server: &Process, client: &Process| (server.processor_time(), client.processor_time());
    let before = used(server, client);
    client.tell(&"go");
    let sent: Sent = client.hear();
    let after = used(server, client);
    let each = |time: Duration| time / u32::try_from(sent.messages).expect("not that many");
    let rate = sent.messages as f64 / sent.took.as_secs_f64();
    let (server, client) = (each(after.0 - before.0), each(after.1 - before.1));
    Row { name: name.to_owned(), way: turn.way, sent, rate, server, client }
}

/// Prints the row and returns its ratio to the ideal rate.
fn judge(row: &Row, kind: Kind, way: Way, limit: Limit) -> f64 {
    let Row { name, sent, rate, server, client, .. } = row;
    let ratio = rate / limit.rate(kind, way);
    println!(
        "{name:<25} {:<10} {rate:>11.0} {:>9.1?} {:>9.1?} {server:>11.1?} {client:>11.1?} {ratio:>7.3}",
        format!("{:?}", row.way),
        sent.p50,
        sent.p99,
    );
    ratio
}

/// The server's process: prints its ports and runs until it is stopped or killed.
async fn serve(config: &Path) {
    let mut config = Config::load(config).expect("a configuration");
    config.devices.listen = Some(([127, 0, 0, 1], 0).into());
    config.devices.url = Some("https://localhost:0".into());
    let running = muster::server::start(config, World::system()).await.expect("it starts");
    let devices = running.app.config.devices.listen.expect("a listener of devices");
    println!("[{},{}]", running.address.port(), devices.port());
    busy::answer(&running.app).await;
    running.stop().await;
    println!("0");
}

/// Counts the acknowledgements and check-ins in the log since the start of the run.
async fn written(made: &Made) -> (usize, usize) {
    let app = App::open(Config::load(&made.config).expect("a configuration"), World::system()).await.expect("it opens");
    let mut follow = app.platform.log.follow(Some(events::Position(made.events)));
    let mut written = (0, 0);
    while let Next::Events(events) = follow.next().await.expect("the log can be read") {
        let count = |name: &str| events.recorded().iter().filter(|recorded| recorded.event.event_type == name).count();
        written.0 += count("MdmCommandAnswered");
        written.1 += count("PushTokenRenewed");
    }
    written
}

struct Process {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Process {
    fn start(role: &str, file: &Path) -> Process {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.env(ROLE, role).env(FILE, file).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        Process { child, out }
    }

    fn tell(&mut self, what: &impl serde::Serialize) {
        let line = serde_json::to_string(what).expect("JSON");
        writeln!(self.child.stdin.as_mut().expect("its input"), "{line}").expect("it listens");
    }

    fn hear<T: DeserializeOwned>(&mut self) -> T {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("its next line");
        serde_json::from_str(&line).expect("JSON")
    }

    fn ask(&mut self, question: Ask) -> u64 {
        self.tell(&question);
        self.hear()
    }

    /// CPU time used so far, in user and system mode (proc(5), `stat`).
    fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("Linux has this file");
        let fields: Vec<&str> = stat.rsplit(')').next().expect("its fields").split_whitespace().collect();
        let ticks: u64 = [11, 12].iter().map(|nth: &usize| fields[*nth].parse::<u64>().expect("a number")).sum();
        Duration::from_millis(ticks * 10)
    }

    fn memory(&self) -> String {
        format!("{} MiB resident, {} MiB at most", self.resident(), self.status("VmHWM:"))
    }

    fn resident(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// A size of the process in MiB (proc(5), `status`).
    fn status(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux has this file");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the line exists");
        line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().expect("a number") / 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Load average of this machine (proc(5), `loadavg`).
fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}
