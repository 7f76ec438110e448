//! The log of an organization with any number of devices over three years, as the server would have written it.
//!
//! A [`Plan`] says how many devices; [`Histories`] yields the appends in the order of time, in bounded memory; and
//! [`write()`] seals them and appends them through the store. `population` generates the people and devices and what
//! happens to them; this crate plays what the server writes then: whole visits, check-ins, commands, renewals,
//! refusals, imports, links, invitations, and the acts of staff.
//!
//! The events are the ones that the decisions of the server would return. The crate does not call them: a test folds
//! the streams, and compares the types with those of `events`.

mod act;
mod cast;
mod dice;
mod enrolled;
mod histories;
mod house;
mod never;
mod phone;
mod plan;
mod room;
mod rows;
mod scene;
mod scenes;
mod secrets;
mod settle;
mod who;
mod write;

pub use histories::Histories;
pub use never::NEVER;
pub use plan::{END, Plan, START, YEARS};
pub use room::{NoRoom, Sizes, expect_room};
pub use scene::Append;
pub use secrets::Secrets;
pub use write::{Installation, Written, fill, write};
