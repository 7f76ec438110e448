//! Yesterday's payloads made today's: one small pure function for each old version, applied in a chain on read, so that
//! every reader knows the newest version only.

use serde_json::Value;

/// The schema version in which an event of this type is written now.
pub fn current_version(event_type: &str) -> u16 {
    STEPS.iter().filter(|step| step.event_type == event_type).map(|step| step.from + 1).max().unwrap_or(1)
}

/// The payload of `event_type` in its newest version.
///
/// # Errors
/// If `version` is newer than this program knows.
pub fn upcast(event_type: &str, version: u16, data: Value) -> Result<Value, TooNew> {
    let current = current_version(event_type);
    if version > current {
        return Err(TooNew { event_type: event_type.into(), version, current });
    }
    Ok((version..current).fold(data, |data, from| {
        match STEPS.iter().find(|step| step.event_type == event_type && step.from == from) {
            Some(step) => (step.upgrade)(data),
            None => data,
        }
    }))
}

/// An event was written by a newer version of the program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "event {event_type} has schema version {version}, this program knows {current}: run the newer Muster that wrote it"
)]
pub struct TooNew {
    pub event_type: String,
    pub version: u16,
    pub current: u16,
}

struct Step {
    event_type: &'static str,
    from: u16,
    upgrade: fn(Value) -> Value,
}

/// Every change of a payload so far, oldest first. None yet.
const STEPS: &[Step] = &[];
