//! Every decision of Muster: the events that a command causes in the present state of a stream, or the reason why it is
//! refused. The crate is pure: no clock, no randomness, no input or output. Everything that a decision depends on is
//! part of its command.
//!
//! [`enrollment`] is an enrollment through the portal or Settings, [`device`] one management relationship. [`record`]
//! is a device as another product knew it, with the later enrollments that may be it; [`link`] weighs what speaks for
//! and against each. [`invitation`] and [`wave`] invite people to enroll, [`migration`] is the way of all records of a
//! source. [`person`], [`successor`], [`staff`], [`settings`] and [`hardware`] are small aggregates.

pub mod access;
#[cfg(test)]
mod any_sequence;
pub mod device;
pub mod enrollment;
#[cfg(feature = "testing")]
pub mod examples;
pub mod hardware;
pub mod invitation;
pub mod limits;
pub mod link;
pub mod migration;
pub mod person;
pub mod record;
pub mod settings;
pub mod staff;
pub mod successor;
pub mod wave;

use apple::Target;
use events::enrollment::{EnrollmentKind, OsVersion};
use events::{Event, KeyName};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Returns an unsupervised device as the target of Apple's rules. `version`: `None` if it is unknown; rules about
/// versions then do not apply.
pub fn apple_target(kind: EnrollmentKind, version: Option<OsVersion>) -> Target {
    let kind = match kind {
        EnrollmentKind::UserEnrollment => apple::EnrollmentKind::UserEnrollment,
        EnrollmentKind::DeviceEnrollment => apple::EnrollmentKind::DeviceEnrollment,
    };
    let version = version.map(|OsVersion { major, minor, patch }| apple::OsVersion([major, minor, patch]));
    Target::new(kind, version)
}

/// An aggregate: the state of one stream, the commands for it, and the events that they cause. A state can be stored,
/// sealed, and read again.
pub trait Aggregate: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Version of the state and of how it is folded. Raised with every change of either: stored states of another
    /// version are not used.
    const FOLD: u32;

    /// Name of this state among the states of its stream; empty for the state that decides.
    const PART: &'static str = "";

    /// The state that decides on the stream: `Self`, unless this state is a part of it.
    type Whole: Aggregate;
    type Event: Into<Event> + TryFrom<Event> + Clone + Send + Sync;
    type Command: Send + Sync;
    type Refusal: std::error::Error + Send + Sync + 'static;

    /// Returns the events that `command` causes in this state. No events: they happened already, or nothing changes.
    ///
    /// # Errors
    /// Returns the reason why the command is refused.
    fn decide(&self, command: &Self::Command) -> Result<Vec<Self::Event>, Self::Refusal>;

    /// Returns the state after an event. Total: every event gives a state.
    #[must_use]
    fn evolve(self, event: &Self::Event) -> Self;

    /// Returns this state as a part of the state that decides. `None`: this state is no part, or it has to be folded on
    /// its own.
    fn part_of(_whole: &Self::Whole) -> Option<Self> {
        None
    }

    /// Returns a damaged key that prevents decisions about this stream: what it sealed about the subject of the stream
    /// is unknown, which differs from erased. Damaged keys of other subjects do not count.
    fn damaged_key(&self) -> Option<&KeyName> {
        None
    }

    /// Returns the state after all these events.
    #[must_use]
    fn replay<'a>(events: impl IntoIterator<Item = &'a Self::Event>) -> Self {
        events.into_iter().fold(Self::default(), Self::evolve)
    }
}
