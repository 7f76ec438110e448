//! The embedded store keeps the contract of an event store, and its own promises beyond it.

#[path = "sqlite/contract.rs"]
mod contract;
