//! Structured logs, and the metrics at `/metrics`.
//!
//! One name a thing, dotted: `enrollment.id`, `device.id`, `surface`, `route`, `http.status`, `duration_ms`. Never logged:
//! passwords, cookies, challenges, link tokens, push tokens, addresses, names, UDIDs, and raw URLs, which hold some of
//! these; routes are logged as patterns.

pub mod metrics;

pub use metrics::Metrics;

use crate::config::{LogFormat, Logging};
use tracing::{Level, Metadata};
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

/// The crates whose log lines are ours, and hold none of what must not be logged.
const OURS: [&str; 3] = ["muster", "events", "projections"];
/// Writes down entries of a directory when nobody waits for them any more.
const NEVER: &str = "ldap3";

/// What is to be logged.
///
/// # Errors
/// If the filter is not understood.
pub fn filter(logging: &Logging) -> Result<EnvFilter, String> {
    let filter = logging.filter.as_deref().unwrap_or("info");
    EnvFilter::try_new(filter)
        .map_err(|error| format!("logging.filter {filter:?} is not understood: {error}; try \"info\""))
}

/// Starts logging to standard error. A second call changes nothing.
///
/// # Errors
/// If the filter is not understood.
pub fn start(logging: &Logging) -> Result<(), String> {
    let filter = filter(logging)?;
    let layer = fmt::layer().with_writer(std::io::stderr);
    let layer = match logging.format {
        LogFormat::Text => layer.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    // Where logging is started already (tests), it stays as it is.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).with(discretion()).try_init();
    Ok(())
}

/// Keeps libraries from telling more than `info`, whatever the filter says: finer, some of them write down what they are
/// given to work with (handlebars every value of a page). One tells nothing at all.
pub fn discretion() -> FilterFn {
    FilterFn::new(may_be_told)
}

fn may_be_told(metadata: &Metadata<'_>) -> bool {
    let name = metadata.target().split("::").next().unwrap_or_default();
    OURS.contains(&name) || (name != NEVER && *metadata.level() <= Level::INFO)
}
