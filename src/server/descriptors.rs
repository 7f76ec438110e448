//! How many files and sockets the process may have open at once.

use rlimit::Resource;

/// No more are asked for: each connection costs some memory beside its descriptor.
const ENOUGH: u64 = 65_536;

/// Raises the limit to what is enough, or to what the system allows.
pub fn raise() {
    match rlimit::increase_nofile_limit(ENOUGH) {
        Ok(limit) => tracing::info!(limit, "so many files and connections may be open at once"),
        Err(error) => tracing::warn!(%error, limit = limit(), "the limit of open files cannot be raised"),
    }
}

/// The limit as it is; no more than is enough.
pub fn limit() -> usize {
    let limit = Resource::NOFILE.get_soft().unwrap_or(ENOUGH).min(ENOUGH);
    usize::try_from(limit).unwrap_or(usize::MAX)
}
