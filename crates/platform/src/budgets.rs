//! Budgets for what strangers and single devices can make the server write: shares per source, account and device, and counts
//! in place of what exceeds them.

mod cadence;
mod shares;
mod tally;

pub use cadence::Cadence;
pub use shares::{Allowance, Shares};
pub use tally::{Counted, Tally};
