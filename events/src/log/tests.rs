//! Tests of the followers of the log: what each receives, and how often an event is read and opened for them.

mod behind;
mod delivered;
pub(super) mod memory;
mod places;
mod shared;
