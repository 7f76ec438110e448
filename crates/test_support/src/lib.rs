//! What the tests of several crates share. Only a dev-dependency: nothing of it is in the server.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Says by name that the running test is left out, and why: past the test runner, which keeps what tests print to itself.
pub fn left_out(why: &str) {
    let thread = std::thread::current();
    // In one write: what other tests print at the same time must not come between.
    let line = format!("left out: {}: {why}\n", thread.name().unwrap_or("a test"));
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// A file or folder of `../shared`, which is beside the repository and no part of it. `path` is relative to that folder.
/// Where it is missing the answer is `None`, and the running test is left out by name.
pub fn shared(path: &str) -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if !shared.exists() {
        left_out(&format!("there is no ../shared/{path}"));
        return None;
    }
    Some(shared)
}
