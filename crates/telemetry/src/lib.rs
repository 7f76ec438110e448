//! Structured logs, and the metrics at `/metrics`.
//!
//! One name a thing, dotted: `enrollment.id`, `device.id`, `surface`, `route`, `http.status`, `duration_ms`. Never logged:
//! passwords, cookies, challenges, link tokens, push tokens, addresses, names, UDIDs, and raw URLs, which hold some of
//! these; routes are logged as patterns.

mod alarm;
mod last_words;
mod lines;
pub mod metrics;
mod section;

pub use alarm::Alarm;
pub use last_words::{complain, follow};
pub use metrics::Metrics;
pub use section::{LogFormat, Logging};

use findings::Finding;
use lines::{EscapedFields, JsonLines};
use tracing::{Level, Metadata};
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

/// The crates of this workspace that log: their lines hold nothing that must not be logged.
pub const OURS: [&str; 8] = ["muster", "events", "identity", "pki", "projections", "push", "telemetry", "world"];
/// Writes down entries of a directory when nobody waits for them any more.
const NEVER: &str = "ldap3";

/// What is to be logged.
///
/// # Errors
/// If the filter is not understood.
pub fn filter(logging: &Logging) -> Result<EnvFilter, String> {
    let filter = logging.filter.as_deref().unwrap_or("info");
    EnvFilter::try_new(for_all_of_ours(filter))
        .map_err(|error| format!("logging.filter {filter:?} is not understood: {error}; try \"info\""))
}

/// What is wrong with the section `[logging]`.
pub fn check(logging: &Logging) -> Option<Finding> {
    let why = filter(logging).err()?;
    let mend = "write \"info\", or a level for each crate, such as \"info,muster=debug\"";
    Some(Finding::error("logging-filter-not-understood", "logging.filter", why, mend))
}

/// A directive for `muster` without a module holds for every crate of this workspace: what is a crate is no concern of an operator's.
fn for_all_of_ours(filter: &str) -> String {
    let ours = |level: &str| OURS.map(|name| format!("{name}={level}")).join(",");
    let directives = filter.split(',').map(|directive| match directive.trim().strip_prefix("muster=") {
        Some(level) => ours(level),
        None => directive.to_owned(),
    });
    directives.collect::<Vec<_>>().join(",")
}

/// Starts logging to standard error, panics included. A second call changes nothing.
///
/// # Errors
/// If the filter is not understood.
pub fn start(logging: &Logging) -> Result<(), String> {
    last_words::follow(logging.format);
    let filter = filter(logging)?;
    let layer = match logging.format {
        LogFormat::Text => text(std::io::stderr, std::io::IsTerminal::is_terminal(&std::io::stderr())).boxed(),
        LogFormat::Json => json(|| JsonLines(std::io::stderr())).boxed(),
    };
    // Where logging is started already (tests), it stays as it is.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).with(discretion()).try_init();
    Ok(())
}

/// Lines for people; `ansi` colours the level.
fn text<W>(to: W, ansi: bool) -> impl Layer<Registry>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    fmt::layer().fmt_fields(EscapedFields).with_ansi(ansi).with_writer(to)
}

/// A JSON object a line; the span at hand, but not those around it.
fn json<W>(to: W) -> impl Layer<Registry>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    fmt::layer().json().flatten_event(true).with_span_list(false).with_writer(to)
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
