//! Streams in which something due could not be done: left alone for a while, so that one that cannot be read holds up no
//! other.

use events::Timestamp;
use std::collections::HashMap;
use uuid::Uuid;

const SECONDS: i64 = 600;

#[derive(Default)]
pub(super) struct Aside(HashMap<Uuid, Timestamp>);

impl Aside {
    /// Those whose time is over are tried again.
    pub fn release(&mut self, now: Timestamp) {
        self.0.retain(|_, until| *until > now);
    }

    pub fn holds(&self, id: Uuid) -> bool {
        self.0.contains_key(&id)
    }

    pub fn put(&mut self, id: Uuid, now: Timestamp) {
        self.0.insert(id, now.plus_seconds(SECONDS));
    }

    /// How many to look for, if so many are wanted: those that are held are found, too, and must hide nothing.
    pub fn besides(&self, wanted: usize) -> usize {
        if wanted == 0 { 0 } else { wanted + self.0.len() }
    }
}
