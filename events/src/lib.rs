//! The event vocabulary of Muster, the event store and the encryption of personal fields.
//!
//! The log is one append-only sequence of events. Every event belongs to one *stream*: the events of one aggregate,
//! such as an enrollment, a device or a person. Revisions number the events of a stream without gaps, from zero.
//! Opaque, increasing *positions* order the events of the whole log.
//!
//! Reading order for a newcomer:
//! * [`envelope`] – the fields common to all events, their canonical bytes and stream names;
//! * `event` – the union of all event types, one module per aggregate: [`enrollment`], [`device`], [`person`],
//!   [`record`], [`staff`], [`settings`], [`system`];
//! * [`personal`] – personal fields, encrypted with a key that can be destroyed;
//! * [`store`] – the contract of an event store, its adapters and its test suite;
//! * [`log`] – the typed log that the server and the projections use: it seals, opens and upcasts events;
//! * [`background`] – threads of low priority for work of which there may be much;
//! * [`upcast`] – conversion of old payload versions to the newest; [`proof`] – leaf hashes of the Merkle tree.

pub mod background;
pub mod device;
pub mod enrollment;
pub mod envelope;
pub(crate) mod event;
mod ids;
pub mod invitation;
pub mod log;
pub mod mail;
pub mod migration;
pub mod person;
pub mod personal;
pub mod proof;
pub mod record;
pub mod settings;
pub mod side_files;
pub mod sqlite;
pub mod staff;
pub mod store;
pub mod system;
#[cfg(test)]
mod tests;
pub mod upcast;

pub use envelope::{Actor, ActorKind, EventId, Position, Recorded, Revision, StreamName, Timestamp};
pub use event::Event;
pub use log::{Draft, Entry, Log};
pub use personal::{KeyName, Personal};
