//! Owners of previous records. `rules` reads the values by which a record names its owner, `search` finds who has them,
//! `resolve` records the result, `keys` hands the key of a record to its owner.

mod keys;
mod resolve;
mod rules;
mod search;

pub use resolve::Resolved;
pub(crate) use resolve::{NewPeople, owner, person_of};
pub use rules::WrongRule;

pub(crate) use rules::{Rules, Value};
pub(crate) use search::{Down, Outcome, Owner};

use serde::{Deserialize, Serialize};

/// What was found out about the owners of the rows of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerCounts {
    /// Exactly one person.
    pub unique: u64,
    /// Nobody has the values of the row, or the row has none.
    pub none: u64,
    pub several: u64,
    /// The account is disabled.
    pub left: u64,
    /// A directory did not answer, or the provider cannot be asked: resolved when the person signs in, or by a later
    /// import.
    pub unresolved: u64,
}

impl OwnerCounts {
    pub(crate) fn count(&mut self, outcome: &Outcome) {
        let count = match outcome {
            Outcome::Unique(_) => &mut self.unique,
            Outcome::Unknown => &mut self.none,
            Outcome::Several => &mut self.several,
            Outcome::Left => &mut self.left,
            Outcome::Unresolved => &mut self.unresolved,
        };
        *count += 1;
    }
}
