//! Helpers that the tests of several crates share. Only a dev-dependency: nothing of it is part of the server.

pub mod snapshots;

pub use insta;

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Reports that the running test is left out, with its name and the reason. Writes to stderr directly, because the test
/// runner captures what tests print.
pub fn left_out(why: &str) {
    let thread = std::thread::current();
    // In one write, so that the output of other tests does not come in between.
    let line = format!("left out: {}: {why}\n", thread.name().unwrap_or("a test"));
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Returns the path of a file or folder in `../shared`, which is next to the repository and not part of it. `path` is
/// relative to that folder. If it is missing, returns `None` and reports that the running test is left out.
pub fn shared(path: &str) -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if !shared.exists() {
        left_out(&format!("../shared/{path} does not exist"));
        return None;
    }
    Some(shared)
}
