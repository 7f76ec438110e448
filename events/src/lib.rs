//! What may be written down, and how it is kept.
//!
//! The log is one append-only sequence of events. Every event belongs to one *stream* (one aggregate: a visit to the
//! portal, a device, a person …), in which revisions are dense from zero; over the whole log events are ordered by
//! opaque, increasing *positions*.
//!
//! Reading order for a newcomer:
//! * [`envelope`] – what every event carries, its canonical bytes, the names of streams;
//! * [`event`] – every fact by name, one module an aggregate: [`enrollment`], [`device`], [`person`], [`staff`],
//!   [`settings`], [`system`];
//! * [`personal`] – fields about a person, sealed under a key that can be destroyed;
//! * [`store`] – the contract of an event store, its adapters, its test suite;
//! * [`log`] – the typed log that the server and the projections use: seals, opens, upcasts;
//! * [`upcast`] – yesterday's payloads made today's; [`proof`] – leaf hashes of the Merkle tree.

pub mod device;
pub mod enrollment;
pub mod envelope;
pub mod event;
pub mod log;
pub mod person;
pub mod personal;
pub mod proof;
pub mod settings;
pub mod side_files;
pub mod staff;
pub mod store;
pub mod system;
pub mod upcast;

pub use envelope::{Actor, ActorKind, EventId, Position, Recorded, Revision, StreamName, Timestamp};
pub use event::Event;
pub use log::{Draft, Entry, Log};
pub use personal::{KeyName, Personal};
