//! `muster simulate`: enrolls many simulated devices at a running server, and reports rates, latencies and failures.

use super::say;
use anyhow::Context as _;
use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use simulator::keys::KeyPool;
use simulator::load::{self, Load, LoadOutcome, Report};
use simulator::model::IosVersion;
use simulator::push_server::{PushServer, PushServerFiles};
use simulator::walk::Ownership;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Args)]
pub(crate) struct Simulate {
    /// The server's address, such as https://localhost:8443.
    #[arg(long)]
    url: String,
    /// Number of devices that enroll: 1 to 1,000,000.
    #[arg(long, default_value_t = 10, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    devices: usize,
    /// Number of devices that enroll at the same time: 1 to 10,000.
    #[arg(long, default_value_t = 4, value_parser = RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    concurrency: usize,
    /// The iOS version of the devices: two or three numbers, such as 17.5 or 16.7.2. Personal devices enroll in Safari
    /// only up to iOS 17.
    #[arg(long, value_name = "VERSION", default_value = "17.5")]
    ios: IosVersion,
    /// Ownership of the devices. The settings and the access rules must allow it (`ownership_kinds`).
    #[arg(long, value_enum, default_value = "personal")]
    kind: Kind,
    /// User name of an account that may enroll devices, such as eve of `muster user add eve --enroll`. It signs in for
    /// each device.
    #[arg(long, value_name = "USER NAME")]
    user: String,
    /// The password of the account. If omitted, it is asked for, or read from standard input.
    #[arg(long, env = "MUSTER_SIMULATE_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Number of RSA keys that the devices share. With 0, each device creates its own key, which takes longer than
    /// everything else.
    #[arg(long, default_value_t = 8)]
    keys: usize,
    /// Address on which to receive the server's push notifications. `push.base_url` of the server must name the same
    /// port, such as https://localhost:8444 for 127.0.0.1:8444. If omitted, no device is woken.
    #[arg(long, value_name = "ADDRESS:PORT", requires = "push_files")]
    push_listen: Option<SocketAddr>,
    /// Directory with push-server.pem, push-server.key and push-root.pem, as created by `muster init --trial`.
    #[arg(long, value_name = "DIRECTORY", requires = "push_listen")]
    push_files: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Personal,
    Institutional,
}

/// Time that a device waits for a push.
const PATIENCE: Duration = Duration::from_secs(60);

impl Simulate {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let load = self.load().await?;
        let bar = ProgressBar::new(u64::try_from(load.devices)?);
        bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} devices, {per_sec}, {elapsed} {msg}")?);
        let mut failed = 0;
        let report = load::run(load, |outcome| {
            if let LoadOutcome::Failed(_) = outcome {
                failed += 1;
                bar.set_message(format!("{failed} failed"));
            }
            bar.inc(1);
        });
        let report = report.await;
        bar.finish_and_clear();
        print(&report);
        Ok(if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn load(self) -> anyhow::Result<Load> {
        let password = match self.password {
            Some(password) => password,
            None => super::password::read_existing("or give --password or MUSTER_SIMULATE_PASSWORD")?,
        };
        let push_server = match (self.push_listen, &self.push_files) {
            (Some(address), Some(directory)) => listen(address, directory).await?,
            _ => PushServer::nowhere(),
        };
        let keys = if self.keys == 0 { KeyPool::fresh() } else { KeyPool::shared(self.keys)? };
        Ok(Load {
            address: self.url,
            devices: self.devices,
            concurrency: self.concurrency,
            ios: self.ios,
            ownership: match self.kind {
                Kind::Personal => Ownership::Personal,
                Kind::Institutional => Ownership::Institutional,
            },
            user_names: vec![self.user],
            password,
            wait_for_push: self.push_listen.map(|_| PATIENCE),
            keys,
            push_server,
        })
    }
}

async fn listen(address: SocketAddr, directory: &Path) -> anyhow::Result<PushServer> {
    let read = |name: &str| {
        let path = directory.join(name);
        std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let files = PushServerFiles {
        certificate: read("push-server.pem")?,
        key: read("push-server.key")?,
        client_ca: read("push-root.pem")?,
    };
    PushServer::start(&files, address).await.with_context(|| format!("cannot listen on {address}"))
}

fn print(report: &Report) {
    let (enrolled, failed) = (report.enrolled, report.failed);
    let seconds = report.elapsed.as_secs_f64();
    say(format_args!(
        "{enrolled} enrolled, {failed} failed in {seconds:.1} s: {:.1} enrollments a second",
        report.rate()
    ));
    say(format_args!(
        "\n{:<32} {:>7} {:>9} {:>9} {:>9} {:>9}",
        "milliseconds", "count", "median", "90 %", "99 %", "longest"
    ));
    for line in report.lines() {
        let millis = |took: Duration| format!("{:.1}", took.as_secs_f64() * 1000.0);
        let [median, ninetieth, ninety_ninth, longest] =
            [line.median, line.ninetieth, line.ninety_ninth, line.longest].map(millis);
        say(format_args!(
            "{:<32} {:>7} {median:>9} {ninetieth:>9} {ninety_ninth:>9} {longest:>9}",
            line.act.to_string(),
            line.count
        ));
    }
    if !report.failures.is_empty() {
        say("\nfailures:");
    }
    for (why, count) in &report.failures {
        say(format_args!("{count:>7}  {why}"));
    }
}
