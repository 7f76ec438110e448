//! Owners of previous records. `rules` reads the values by which a record names its owner, `search` finds who has them
//! (`local`: among the local accounts), `resolve` records the result, `keys` hands the key of a record to its owner.

mod keys;
mod local;
mod resolve;
mod rules;
mod search;

pub use resolve::Resolved;
pub(crate) use resolve::owner;
pub use rules::WrongRule;

pub(crate) use rules::{Rules, Value, names};
pub(crate) use search::{Outcome, Owner, Sources};

use decisions::record::Who;
use events::record::OwnerCounts;

/// Counts a row by what was found out about its owner.
pub(crate) fn count(counts: &mut OwnerCounts, outcome: &Outcome) {
    let count = match outcome {
        Outcome::Unique(Owner { who: Who::Person(_), .. }) => &mut counts.unique,
        Outcome::Unique(Owner { who: Who::Account(_), .. }) => &mut counts.account,
        Outcome::Unknown => &mut counts.none,
        Outcome::Several => &mut counts.several,
        Outcome::Left => &mut counts.left,
        Outcome::Unresolved => &mut counts.unresolved,
    };
    *count += 1;
}
