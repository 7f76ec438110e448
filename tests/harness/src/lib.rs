//! What the tests of the real server share: the server itself on a free port over TLS, devices and people, browsers,
//! directories. A test binary is a client of this crate, so that an edit in a test compiles and links that binary alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

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
pub mod ports;
pub mod process;
pub mod profile_service;
pub mod profiles;
mod server;
pub mod waiting;

pub use server::{TestServer, installation, with_device_listener};

use std::path::{Path, PathBuf};
use std::time::Duration;

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// What `tests/run` installs for the tests, unless a variable of the environment names another place.
pub fn tool(variable: &str, installed: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| repository().join("target/tools").join(installed), PathBuf::from)
}

/// The name of the test that this stands in, as the test runner tells it.
#[macro_export]
macro_rules! test_name {
    () => {{
        fn here() {}
        $crate::name_around(&here)
    }};
}

/// For [`test_name`]: where this function is defined, without the name of the test binary.
pub fn name_around<T>(here: &T) -> &'static str {
    let path = std::any::type_name_of_val(here).trim_end_matches("::here");
    // The body of an asynchronous test is a closure in the function that the runner calls.
    let path = path.split("::{{closure}}").next().unwrap_or(path);
    path.split_once("::").map_or(path, |(_, path)| path)
}

/// Says by name that a test is left out, and why; seen even where the test runner keeps what tests print to itself.
pub fn left_out(test: &str, why: &str) {
    say(&format!("left out: {test}: {why}\n"));
}

/// Prints past the test runner, in one piece: what other tests print at the same time must not come between.
pub fn say(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// For an HTTP client that follows no redirects.
pub fn client_builder() -> reqwest::ClientBuilder {
    // Ahead of servers, which close connections that are idle: on a busy machine both might at once.
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).pool_idle_timeout(Duration::from_secs(2))
}
