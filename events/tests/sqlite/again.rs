//! Runs a test of this program again in a separate process that can be limited or killed.

use std::process::{Command, Stdio};

/// Environment variable with the directory of the other process.
const DIRECTORY: &str = "MUSTER_TEST_DIRECTORY";

/// Returns the directory to work in, if this is the other process.
pub(crate) fn directory() -> Option<std::path::PathBuf> {
    std::env::var_os(DIRECTORY).map(Into::into)
}

/// Returns a command that runs the test `name` in `directory`. `shell` is run before it, in the same process.
pub(crate) fn command(name: &str, directory: &std::path::Path, shell: &str) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{shell} exec \"$0\" --exact {name} --nocapture")])
        .arg(program)
        .env(DIRECTORY, directory)
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null());
    command
}

/// Returns the same command in a process that may mount file systems, visible to this process only. `None` if this
/// machine does not permit it.
pub(crate) fn command_that_mounts(name: &str, directory: &std::path::Path, shell: &str) -> Option<Command> {
    let allowed = Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"]).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        return None;
    }
    let inner = command(name, directory, shell);
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount"]).arg(inner.get_program()).args(inner.get_args());
    command.stdout(Stdio::null());
    for (name, value) in inner.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    Some(command)
}
