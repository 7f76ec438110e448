//! The union of all event types, and how each event is named, versioned and parsed.

mod variant;

use crate::device::DeviceEvent;
use crate::enrollment::EnrollmentEvent;
use crate::invitation::{CodeEvent, InvitationEvent, WaveEvent};
use crate::migration::MigrationEvent;
use crate::person::{AccountEvent, PersonEvent};
use crate::record::{ImportEvent, RecordEvent};
use crate::settings::SettingsEvent;
use crate::staff::{StaffActivityEvent, StaffEvent, UserNameEvent};
use crate::system::{AssertionEvent, HardwareEvent, LogEvent, RefusalEvent, RequestEvent, SuccessorEvent};
use serde::Serialize;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned};
use serde_json::Value;

/// Declares the aggregates: the category of their streams and their event type.
macro_rules! events {
    ($($category:literal => $variant:ident($event:ty)),+ $(,)?) => {
        /// An event of any aggregate.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event { $($variant($event)),+ }

        $(impl From<$event> for Event {
            fn from(event: $event) -> Event { Event::$variant(event) }
        }

        impl TryFrom<Event> for $event {
            type Error = Event;
            fn try_from(event: Event) -> Result<$event, Event> {
                match event { Event::$variant(event) => Ok(event), other => Err(other) }
            }
        })+

        impl Event {
            /// All stream categories.
            pub const CATEGORIES: &'static [&'static str] = &[$($category),+];

            /// Returns the names of all event types.
            pub fn type_names() -> Vec<&'static str> {
                [$(type_names::<$event>()),+].concat()
            }

            /// Returns the category of the streams that this event belongs to.
            pub fn category(&self) -> &'static str {
                match self { $(Event::$variant(_) => $category),+ }
            }

            /// Returns the name of the event type, such as `UserSignedIn`.
            pub fn type_name(&self) -> String {
                let name = match self { $(Event::$variant(event) => variant::name_of(event)),+ };
                name.expect("an event is a variant with fields").to_owned()
            }

            /// Returns the name of the event type and the payload, with personal fields in plain text.
            pub fn to_parts(&self) -> (String, Value) {
                match self { $(Event::$variant(event) => to_parts(event)),+ }
            }

            /// Builds an event from the category of its stream, the name of its type and its payload in the newest
            /// version.
            ///
            /// # Errors
            /// Returns an error that names the unknown part: the category, the type or the payload.
            pub fn from_parts(category: &str, event_type: &str, data: Value) -> Result<Event, UnknownEvent> {
                match category {
                    $($category => from_parts(event_type, data).map(Event::$variant),)+
                    other => Err(UnknownEvent { event_type: event_type.into(), why: format!("no stream category {other:?}") }),
                }
            }
        }
    };
}

events! {
    "log" => Log(LogEvent),
    "enrollment" => Enrollment(EnrollmentEvent),
    "device" => Device(DeviceEvent),
    "person" => Person(PersonEvent),
    "account" => Account(AccountEvent),
    "hardware" => Hardware(HardwareEvent),
    "staff" => Staff(StaffEvent),
    "username" => UserName(UserNameEvent),
    "access" => StaffActivity(StaffActivityEvent),
    "refusals" => Refusal(RefusalEvent),
    "request" => Request(RequestEvent),
    "assertion" => Assertion(AssertionEvent),
    "settings" => Settings(SettingsEvent),
    "record" => Record(RecordEvent),
    "import" => Import(ImportEvent),
    "successor" => Successor(SuccessorEvent),
    "invitation" => Invitation(InvitationEvent),
    "code" => Code(CodeEvent),
    "wave" => Wave(WaveEvent),
    "migration" => Migration(MigrationEvent),
}

/// An event that this version does not understand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {event_type} cannot be parsed: {why}; if a newer Muster wrote it, run that version here")]
pub struct UnknownEvent {
    pub event_type: String,
    /// The parser's message.
    pub why: String,
}

// An event enum has serde's default representation: an object whose only member is named after the variant. A tag
// beside the payload would make serde buffer each payload before it is read.
fn to_parts<E: Serialize>(event: &E) -> (String, Value) {
    let parts = serde_json::to_value(event).expect("events serialize to JSON");
    let Value::Object(parts) = parts else { unreachable!("every variant of an event has fields") };
    parts.into_iter().next().expect("the object has one member")
}

fn from_parts<E: DeserializeOwned>(event_type: &str, data: Value) -> Result<E, UnknownEvent> {
    serde_json::from_value(Value::Object([(event_type.to_owned(), data)].into_iter().collect()))
        .map_err(|error| UnknownEvent { event_type: event_type.into(), why: error.to_string() })
}

/// Reads the variant names of an enum from serde, so that the names are defined in one place only.
#[derive(Debug, thiserror::Error)]
#[error("no variant of this name")]
struct Variants(&'static [&'static str]);

impl de::Error for Variants {
    fn custom<T: std::fmt::Display>(_: T) -> Variants {
        Variants(&[])
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Variants {
        Variants(expected)
    }
}

fn type_names<E: DeserializeOwned>() -> &'static [&'static str] {
    E::deserialize(StrDeserializer::<Variants>::new("")).map_or_else(|Variants(names)| names, |_| &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_have_the_names_that_events_are_stored_by() {
        let names = Event::type_names();
        for name in ["LogCreated", "UserSignedIn", "DeviceEnrolled", "SettingsChanged"] {
            assert!(names.contains(&name), "{name}: {names:?}");
        }
        assert!(!names.contains(&""));
    }
}
