//! Structured logs, and the metrics at `/metrics`.
//!
//! Field names are dotted, and each thing has one name: `enrollment.id`, `device.id`, `surface`, `route`,
//! `http.status`, `duration_ms`. The logs never contain passwords, cookies, challenges, link tokens, push tokens,
//! addresses, names or UDIDs. They never contain raw URLs either, because a URL may include some of these; routes are
//! logged as patterns.

mod alarm;
mod last_words;
mod lines;
pub(crate) mod metrics;
mod section;

pub use alarm::Alarm;
pub use last_words::{complain, follow};
pub use metrics::{MAIL_OUTCOMES, Metrics};
pub use section::{LogFormat, Logging};

use findings::Finding;
use lines::{EscapedFields, JsonLines};
use tracing::{Level, Metadata};
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

/// The crates of this workspace that log. Their log lines contain no forbidden values at any level.
pub const OURS: [&str; 15] = [
    "connections",
    "devices",
    "enroll",
    "events",
    "identity",
    "muster",
    "pki",
    "platform",
    "projections",
    "push",
    "settings",
    "sign_in",
    "staff",
    "telemetry",
    "world",
];
/// A crate that is never logged: it logs directory entries when the receiver of a search result is gone.
const NEVER: &str = "ldap3";

/// Builds the log filter from the configuration.
///
/// # Errors
/// Returns an error message if `logging.filter` cannot be parsed.
pub fn filter(logging: &Logging) -> Result<EnvFilter, String> {
    parsed(logging).map_err(|why| format!("logging.filter: {why}; try \"info\""))
}

fn parsed(logging: &Logging) -> Result<EnvFilter, String> {
    let filter = logging.filter.as_deref().unwrap_or("info");
    EnvFilter::try_new(for_all_of_ours(filter)).map_err(|error| format!("{filter:?} cannot be parsed: {error}"))
}

/// Returns the finding about the section `[logging]`, if it is wrong.
pub fn check(logging: &Logging) -> Option<Finding> {
    let why = parsed(logging).err()?;
    let mend = "write \"info\", or a level for each crate, such as \"info,muster=debug\"";
    Some(Finding::error("logging-filter-not-understood", "logging.filter", why, mend))
}

/// Expands a directive for `muster` without a module to every crate of this workspace, because operators do not know
/// the crates.
fn for_all_of_ours(filter: &str) -> String {
    let ours = |level: &str| OURS.map(|name| format!("{name}={level}")).join(",");
    let directives = filter.split(',').map(|directive| match directive.trim().strip_prefix("muster=") {
        Some(level) => ours(level),
        None => directive.to_owned(),
    });
    directives.collect::<Vec<_>>().join(",")
}

/// Starts logging to standard error, including panics. A second call has no effect.
///
/// # Errors
/// Returns an error message if `logging.filter` cannot be parsed.
pub fn start(logging: &Logging) -> Result<(), String> {
    last_words::follow(logging.format);
    let filter = filter(logging)?;
    let layer = match logging.format {
        LogFormat::Text => text(std::io::stderr, std::io::IsTerminal::is_terminal(&std::io::stderr())).boxed(),
        LogFormat::Json => json(|| JsonLines(std::io::stderr())).boxed(),
    };
    // If logging is already started (in tests), it stays unchanged.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).with(discretion()).try_init();
    Ok(())
}

/// Text lines for people. `ansi` colors the level.
fn text<W>(to: W, ansi: bool) -> impl Layer<Registry>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    fmt::layer().fmt_fields(EscapedFields).with_ansi(ansi).with_writer(to)
}

/// One JSON object per line, with the current span but not its parents.
fn json<W>(to: W) -> impl Layer<Registry>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    fmt::layer().json().flatten_event(true).with_span_list(false).with_writer(to)
}

/// Limits libraries to the level `info`, whatever the configured filter is: at finer levels some of them log their
/// input (handlebars logs every value of a page). One library is never logged (`NEVER`). See
/// docs/decisions/10-libraries-log-no-more-than-info.md.
pub fn discretion() -> FilterFn {
    FilterFn::new(may_be_told)
}

fn may_be_told(metadata: &Metadata<'_>) -> bool {
    let name = metadata.target().split("::").next().unwrap_or_default();
    OURS.contains(&name) || (name != NEVER && *metadata.level() <= Level::INFO)
}
