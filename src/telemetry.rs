//! Structured logs, and the metrics at `/metrics`.
//!
//! One name a thing, dotted: `enrollment.id`, `device.id`, `surface`, `route`, `http.status`, `duration_ms`. Never logged:
//! passwords, cookies, challenges, link tokens, push tokens, addresses, names, UDIDs, and raw URLs, which hold some of
//! these; routes are logged as patterns.

pub mod metrics;
pub mod requests;

pub use metrics::Metrics;

use crate::config::{LogFormat, Logging};
use tracing_subscriber::EnvFilter;

/// Starts logging to standard error. A second call changes nothing.
///
/// # Errors
/// If the filter is not understood.
pub fn start(logging: &Logging) -> Result<(), String> {
    let filter = logging.filter.as_deref().unwrap_or("info");
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| format!("logging.filter {filter:?} is not understood: {error}; try \"info\""))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Where logging is started already (tests), it stays as it is.
    let _ = match logging.format {
        LogFormat::Text => builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    Ok(())
}
