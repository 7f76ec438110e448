//! The embedded event store: each event is appended with its expected revision.

use crate::{EVENT, Target};
use events::envelope::{NewEvent, canonical};
use events::store::sqlite::SqliteStore;
use events::store::{EventStore as _, Expected};
use events::{Actor, ActorKind, EventId, Revision, StreamName, Timestamp};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;
use uuid::Uuid;

pub struct Store {
    store: SqliteStore,
    events: Events,
    _directory: Option<TempDir>,
}

/// Generates events of one size.
pub struct Events {
    filling: String,
}

impl Events {
    pub fn new() -> Events {
        let bare = canonical(&name(0), Revision(0), &event(0, 0, ""));
        Events { filling: "x".repeat(EVENT - bare.len()) }
    }

    pub fn one(&self, stream: usize, nth: u64) -> NewEvent {
        event(stream, nth, &self.filling)
    }
}

impl Store {
    pub fn new() -> Store {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let store = Store::at(&directory.path().join("log"));
        Store { _directory: Some(directory), ..store }
    }

    /// A new log in `directory`, which is left there.
    pub fn at(directory: &Path) -> Store {
        let store = SqliteStore::create(directory).expect("a new log");
        Store { store, events: Events::new(), _directory: None }
    }
}

impl Target for Store {
    async fn append(&self, stream: usize, nth: u64) {
        let expected = if nth == 0 { Expected::NoStream } else { Expected::Exact(Revision(nth - 1)) };
        let event = self.events.one(stream, nth);
        self.store.append(&name(stream), expected, vec![event]).await.expect("an append without a conflict");
    }
}

pub fn name(stream: usize) -> StreamName {
    StreamName::of("device", Uuid::from_u128(stream as u128))
}

fn event(stream: usize, nth: u64, filling: &str) -> NewEvent {
    NewEvent {
        id: EventId(Uuid::from_u128(((stream as u128) << 64) + u128::from(nth))),
        event_type: "MdmCommandAnswered".into(),
        version: 1,
        at: Timestamp(1_700_000_000_000_000),
        actor: Actor::new(ActorKind::Device, stream),
        source: Value::Null,
        correlation: Uuid::from_u128(1),
        causation: None,
        data: json!({ "filling": filling }),
    }
}
