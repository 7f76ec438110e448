//! What every event store must do, as tests: an adapter's test hands [`all`] a way to make empty stores.
//!
//! One function a behaviour, so that a failure names what is broken. The events are opaque to a store; these carry
//! numbers.

mod append;
mod corruption;
mod faults;
mod follow;
mod keys;
mod read;

use super::{EventStore, Expected};
use crate::envelope::{Actor, ActorKind, EventId, NewEvent, Position, Revision, StreamName, Timestamp};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// How an append fails. Either way the caller gets an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing was written.
    Lost,
    /// The events were written.
    Kept,
}

/// A store under test.
#[async_trait]
pub trait Subject: Send + Sync {
    /// The store as it is open now.
    fn store(&self) -> Arc<dyn EventStore>;

    /// Closes the store and opens it again, as a new process would.
    async fn reopen(&mut self);

    /// The next append fails so.
    async fn fail_next_append(&mut self, fault: Fault);

    /// Alters what is stored of the event at `position`, behind the store's back.
    async fn damage(&mut self, position: Position);
}

/// Makes empty stores.
#[async_trait]
pub trait Factory: Send + Sync {
    async fn empty(&self) -> Box<dyn Subject>;
}

/// Runs every behaviour, each on an empty store of its own.
///
/// # Panics
/// If the store does not keep the contract.
pub async fn all(factory: &dyn Factory) {
    append::all(factory).await;
    read::all(factory).await;
    follow::all(factory).await;
    faults::all(factory).await;
    corruption::all(factory).await;
    keys::all(factory).await;
}

/// An event with a number, the same for the same number.
pub fn event(number: u32) -> NewEvent {
    event_with(number, json!({ "number": number }))
}

/// An event with a number for its id, and this payload.
pub fn event_with(number: u32, data: Value) -> NewEvent {
    NewEvent {
        id: EventId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(number))),
        event_type: "Counted".into(),
        version: 1,
        at: Timestamp(1_700_000_000_000_000 + i64::from(number)),
        actor: Actor::new(ActorKind::System, "contract"),
        source: Value::Null,
        correlation: Uuid::from_u128(7),
        causation: None,
        data,
    }
}

/// Events with these numbers.
pub fn events(numbers: std::ops::Range<u32>) -> Vec<NewEvent> {
    numbers.map(event).collect()
}

/// The stream `contract-<id>`.
pub fn stream(id: &str) -> StreamName {
    StreamName::of("contract", id)
}

async fn write(store: &Arc<dyn EventStore>, id: &str, expected: Expected, numbers: std::ops::Range<u32>) {
    store.append(&stream(id), expected, events(numbers)).await.expect("an append that nothing stands against");
}

async fn numbers_in(store: &Arc<dyn EventStore>, id: &str) -> Vec<u64> {
    let events = store.read_stream(&stream(id), Revision(0), 10_000).await.expect("a stream that can be read");
    events.iter().map(|recorded| recorded.event.data["number"].as_u64().expect("an event of the suite")).collect()
}
