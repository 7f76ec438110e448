//! Tests of the followers of the log: what each receives, and how often an event is read and opened for them.

mod delivered;
mod memory;
mod shared;
