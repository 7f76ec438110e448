//! The contract of an event store as a test suite. The test of an adapter passes a factory for empty stores to [`all`].
//!
//! There is one function per behaviour, so that a failure names the broken behaviour. A store does not read payloads;
//! the events of the suite contain numbers.

mod append;
mod corruption;
mod faults;
mod head;
mod keys;
mod read;

use super::{EventStore, Expected};
use crate::envelope::{Actor, ActorKind, EventId, NewEvent, Position, Revision, StreamName, Timestamp};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// How an append fails. In both variants the caller receives an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing was written.
    Lost,
    /// The events were written.
    Kept,
}

/// A store under test and the operations on it.
#[async_trait]
pub trait Subject: Send + Sync {
    /// Returns the store that is open now.
    fn store(&self) -> Arc<dyn EventStore>;

    /// Closes the store and opens it again, as a new process would.
    async fn reopen(&mut self);

    /// Makes the next append fail with this fault.
    async fn fail_next_append(&mut self, fault: Fault);

    /// Alters the stored event at `position` without using the store.
    async fn damage(&mut self, position: Position);
}

/// Creates empty stores.
#[async_trait]
pub trait Factory: Send + Sync {
    async fn empty(&self) -> Box<dyn Subject>;
}

/// Runs every behaviour, each on a new empty store.
///
/// # Panics
/// Panics if the store violates the contract.
pub async fn all(factory: &dyn Factory) {
    append::all(factory).await;
    read::all(factory).await;
    head::all(factory).await;
    faults::all(factory).await;
    corruption::all(factory).await;
    keys::all(factory).await;
}

/// Returns an event with this number. The same number always gives the same event.
pub fn event(number: u32) -> NewEvent {
    event_with(number, json!({ "number": number }))
}

/// Returns an event with this number as its id and with this payload.
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

/// Returns the events with these numbers.
pub fn events(numbers: std::ops::Range<u32>) -> Vec<NewEvent> {
    numbers.map(event).collect()
}

/// Returns the stream `contract-<id>`.
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
