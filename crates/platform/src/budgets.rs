//! Budgets for events that unauthenticated clients and single devices can make the server write: shares per source,
//! account and device, and counts instead of the events that exceed them.

mod cadence;
mod shares;
mod tally;

pub use cadence::Cadence;
pub use shares::{Allowance, Shares};
pub use tally::{Counted, Tally};
