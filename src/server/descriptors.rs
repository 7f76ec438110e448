//! The limit of open files and sockets of the process.

use rlimit::Resource;

/// Upper bound for the limit: each connection also costs memory.
const ENOUGH: u64 = 65_536;

/// Raises the limit to `ENOUGH`, or to the maximum that the system allows.
pub(crate) fn raise() {
    match rlimit::increase_nofile_limit(ENOUGH) {
        Ok(limit) => tracing::info!(limit, "limit of open files and connections"),
        Err(error) => tracing::warn!(%error, limit = limit(), "cannot raise the limit of open files"),
    }
}

/// Returns the current limit, at most `ENOUGH`.
pub(crate) fn limit() -> usize {
    let limit = Resource::NOFILE.get_soft().unwrap_or(ENOUGH).min(ENOUGH);
    usize::try_from(limit).unwrap_or(usize::MAX)
}
