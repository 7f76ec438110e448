//! Where a state is kept: its stream, and which of the states of that stream it is.

use decisions::Aggregate;
use events::StreamName;
use quick_cache::Equivalent;
use std::fmt;

/// The place of a state, with a stream name of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub stream: StreamName,
    /// [`Aggregate::PART`] of the state.
    part: &'static str,
}

impl Place {
    pub(super) fn of<A: Aggregate>(stream: &StreamName) -> Place {
        Place { stream: stream.clone(), part: A::PART }
    }
}

/// Names of streams have no `#`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            "" => f.write_str(self.stream.as_str()),
            part => write!(f, "{}#{part}", self.stream.as_str()),
        }
    }
}

/// The place of a state whose stream name is borrowed. Its hash is that of the [`Place`].
#[derive(Hash)]
pub(super) struct At<'a> {
    stream: &'a StreamName,
    part: &'static str,
}

impl At<'_> {
    /// The place of the state that decides.
    pub(super) fn whole(stream: &StreamName) -> At<'_> {
        At { stream, part: "" }
    }

    pub(super) fn of<A: Aggregate>(stream: &StreamName) -> At<'_> {
        At { stream, part: A::PART }
    }
}

impl Equivalent<Place> for At<'_> {
    fn equivalent(&self, place: &Place) -> bool {
        (self.stream, self.part) == (&place.stream, place.part)
    }
}
