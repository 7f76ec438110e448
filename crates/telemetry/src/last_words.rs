//! Messages outside of the log: failed commands and panics. If the log format is JSON, these are JSON too, so that a
//! collector of standard error finds only JSON lines.

use super::lines::{escaped, json_escaped};
use crate::LogFormat;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};

static JSON: AtomicBool = AtomicBool::new(false);

/// Sets the format of these messages, including panics, from now on.
pub fn follow(format: LogFormat) {
    JSON.store(matches!(format, LogFormat::Json), Ordering::Relaxed);
    std::panic::set_hook(Box::new(|panic| complain(&panicked(panic))));
}

/// Writes to standard error why something ended, whatever the log filter is.
pub fn complain(why: &str) {
    let line = match JSON.load(Ordering::Relaxed) {
        true => json_line(why),
        // This is for people at a terminal, and findings have several lines.
        false => format!("muster: {}", why.lines().map(escaped).collect::<Vec<_>>().join("\n")),
    };
    // If standard error cannot be written, there is no other place for a message.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn json_line(why: &str) -> String {
    let mut now = String::new();
    // Same timestamp format as in the log. Writing to a string cannot fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut now));
    let line = serde_json::json!({ "timestamp": now, "level": "ERROR", "message": why, "target": "muster" });
    json_escaped(&line.to_string())
}

fn panicked(panic: &PanicHookInfo<'_>) -> String {
    let at = panic.location().map(ToString::to_string).unwrap_or_default();
    let why = panic.payload_as_str().unwrap_or("no reason given");
    let thread = std::thread::current();
    let told = format!("a thread panicked: {why} (thread {}, at {at})", thread.name().unwrap_or("without a name"));
    // Captured only if RUST_BACKTRACE is set.
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured { format!("{told}\n{trace}") } else { told }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_of_several_lines_is_one_line_of_json() {
        let line = json_line("error: server.listen: taken\n    name another\u{202e}");
        assert!(!line.contains('\n') && !line.contains('\u{202e}'), "{line}");
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["message"], "error: server.listen: taken\n    name another\u{202e}");
        assert_eq!(read["level"], "ERROR");
    }
}
