//! Runs the real `muster` binary: a command to its end, or `muster serve` as a separate process.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Returns the path of the binary under test, built with the shipped features. Cargo builds it for the tests of its
/// package and passes its path in an environment variable.
pub fn path() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| {
        let variable = "CARGO_BIN_EXE_muster";
        std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: `cargo test` sets it"))
    })
}

/// Output and exit code of a command.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Returns stdout if the command succeeded.
    #[track_caller]
    pub fn expect_success(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.out
    }

    /// Returns stderr if the command failed.
    #[track_caller]
    pub fn expect_failure(self) -> String {
        assert!(matches!(self.code, Some(code) if code != 0), "{self:#?}");
        self.err
    }
}

/// Runs `muster` with these arguments and this standard input.
pub fn muster(arguments: &[&str], input: &str) -> Said {
    finish(Command::new(path()).args(arguments), input)
}

/// Runs `muster …` for the installation that `config` describes.
pub fn muster_at(config: &Path, arguments: &[&str], input: &str) -> Said {
    let config = config.to_str().unwrap();
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--config", config]).collect();
    muster(&arguments, input)
}

/// Runs `muster` with a limit of `kibibytes` on the size of each file. To a process, this looks like a full disk.
pub fn muster_with_small_disk(arguments: &[&str], kibibytes: u32) -> Said {
    let mut command = Command::new("bash");
    let script = format!("trap '' XFSZ; ulimit -f {kibibytes}; exec \"$0\" \"$@\"");
    finish(command.args(["-c", &script, path()]).args(arguments), "")
}

fn finish(command: &mut Command, input: &str) -> Said {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that reads no input may end before the input is written.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// A `muster serve` process, killed on drop.
pub struct Serving {
    child: Child,
}

impl Serving {
    /// Starts the server and waits until it prints its address.
    pub fn start(config: &Path) -> Serving {
        Serving::start_with(config, &[])
    }

    /// Same as [`Serving::start`], with additional arguments.
    pub fn start_with(config: &Path, arguments: &[&str]) -> Serving {
        let mut command = Command::new(path());
        command.args(["serve", "--config"]).arg(config).args(arguments);
        Serving::of(command)
    }

    /// Same as [`Serving::start`], with a limit of `kibibytes` on the size of each file. To a process, this looks like
    /// a full disk.
    pub fn start_with_small_disk(config: &Path, kibibytes: u32) -> Serving {
        let mut command = Command::new("bash");
        let script = format!("trap '' XFSZ; ulimit -f {kibibytes}; exec \"$0\" serve --config \"$1\"");
        command.args(["-c", &script, path()]).arg(config);
        Serving::of(command)
    }

    /// Same as [`Serving::start`], with a limit on file descriptors that the server cannot raise.
    pub fn start_with_few_descriptors(config: &Path, descriptors: u32) -> Serving {
        let mut command = Command::new("bash");
        let script = format!("ulimit -n {descriptors}; exec \"$0\" serve --config \"$1\"");
        command.args(["-c", &script, path()]).arg(config);
        Serving::of(command)
    }

    fn of(mut command: Command) -> Serving {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
        assert!(first.starts_with("serving https://localhost:"), "the server printed {first:?}");
        Serving { child }
    }

    /// Sends SIGTERM, as a supervisor does, and waits for the exit status.
    pub fn terminate(&mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.wait(Duration::from_secs(15)).expect("the server ends after SIGTERM")
    }

    /// Returns the exit status, or `None` if the server still runs after this time.
    pub fn wait(&mut self, within: Duration) -> Option<ExitStatus> {
        let begun = Instant::now();
        while begun.elapsed() < within {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
