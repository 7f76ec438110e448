//! Every decision: what happens if a command is put to a stream in its present state, or why not. Pure: no clock, no
//! randomness, no input or output; whatever a decision needs comes in with its command.
//!
//! [`visit`] is the person's way through the portal, [`device`] one management relationship, [`person`], [`staff`] and
//! [`settings`] the small ones beside them.

pub mod access;
#[cfg(test)]
mod any_sequence;
pub mod device;
#[cfg(feature = "testing")]
pub mod examples;
pub mod hardware;
pub mod limits;
pub mod person;
pub mod settings;
pub mod staff;
pub mod visit;

use apple::Target;
use events::enrollment::{EnrollmentKind, OsVersion};
use events::{Event, KeyName};

/// A device that is not supervised, as Apple's rules know it. `version`: `None` where it is unknown, so that versions do not matter.
pub fn apple_target(kind: EnrollmentKind, version: Option<OsVersion>) -> Target {
    let kind = match kind {
        EnrollmentKind::UserEnrollment => apple::EnrollmentKind::UserEnrollment,
        EnrollmentKind::DeviceEnrollment => apple::EnrollmentKind::DeviceEnrollment,
    };
    let version = version.map(|OsVersion { major, minor, patch }| apple::OsVersion([major, minor, patch]));
    Target::new(kind, version)
}

/// The state of one stream, what can be asked of it and what comes of that.
pub trait Aggregate: Clone + Default + Send + Sync + 'static {
    type Event: Into<Event> + TryFrom<Event> + Clone + Send + Sync;
    type Command: Send + Sync;
    type Refusal: std::error::Error + Send + Sync + 'static;

    /// What happens if `command` is put to this state. No events: it has happened already, or changes nothing.
    ///
    /// # Errors
    /// The reason why it may not be.
    fn decide(&self, command: &Self::Command) -> Result<Vec<Self::Event>, Self::Refusal>;

    /// The state after an event. Total: every event leads somewhere.
    #[must_use]
    fn evolve(self, event: &Self::Event) -> Self;

    /// A damaged key without which nothing can be decided here: what it sealed about the stream's subject is unknown, which is not the same
    /// as gone. Damaged keys of others are none.
    fn damaged_key(&self) -> Option<&KeyName> {
        None
    }

    /// The state after all these events.
    #[must_use]
    fn replay<'a>(events: impl IntoIterator<Item = &'a Self::Event>) -> Self {
        events.into_iter().fold(Self::default(), Self::evolve)
    }
}
