//! Shared parts of the tests with a real server: the server itself on a free port over TLS, devices, people, browsers,
//! directories. Each test binary depends on this crate, so an edit in a test compiles and links only that binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

pub mod account;
pub mod binary;
pub mod browser;
pub mod cast;
pub mod certificates;
pub mod connection;
pub mod desk;
pub mod devices;
pub mod directory;
pub mod factors;
pub mod guest;
pub mod inspector;
pub mod kept;
pub mod logs;
pub mod mail_server;
pub mod outline;
pub mod ports;
pub mod process;
pub mod profile_service;
pub mod profiles;
pub mod profiles_given;
pub mod projection_files;
mod server;
pub mod waiting;

pub use server::{TestServer, installation, with_device_listener};

use std::path::{Path, PathBuf};
use std::time::Duration;

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Returns the path of a tool that `tests/run` installs for the tests, unless this environment variable names another
/// path.
pub fn tool(variable: &str, installed: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| repository().join("target/tools").join(installed), PathBuf::from)
}

/// Expands to the name of the enclosing test, as the test runner prints it.
#[macro_export]
macro_rules! test_name {
    () => {{
        fn here() {}
        $crate::name_around(&here)
    }};
}

/// For [`test_name`]: returns the path in which `here` is defined, without the name of the test binary.
pub fn name_around<T>(here: &T) -> &'static str {
    let path = std::any::type_name_of_val(here).trim_end_matches("::here");
    // The body of an asynchronous test is a closure in the function that the runner calls.
    let path = path.split("::{{closure}}").next().unwrap_or(path);
    path.split_once("::").map_or(path, |(_, path)| path)
}

/// Reports that a test is left out, with its name and the reason. The line is visible even if the test runner captures
/// output.
pub fn left_out(test: &str, why: &str) {
    say(&format!("left out: {test}: {why}\n"));
}

/// Prints to stderr without the test runner's capture, in one write, so that output of other tests does not interleave.
pub fn say(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Returns a builder for an HTTP client that follows no redirects.
pub fn client_builder() -> reqwest::ClientBuilder {
    // The client closes idle connections before the server does. On a busy machine, the client could otherwise send a
    // request on a connection that the server is closing.
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).pool_idle_timeout(Duration::from_secs(2))
}
