//! What every event carries: identity, place, time, actor, cause; and its canonical bytes.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use uuid::Uuid;
use world::World;

pub use world::Timestamp;

/// Identity of an event: a UUIDv7 made by the caller before the first try, so that a repeated append is harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

impl EventId {
    /// A fresh id, made before the first try to append its event.
    pub fn fresh(world: &World) -> EventId {
        EventId(world.uuid())
    }

    /// The id of the `nth` event of what `purpose` did because of `self`: always the same, so an effect repeated
    /// after a crash cannot be written twice.
    pub fn caused(self, purpose: &str, nth: usize) -> EventId {
        EventId(Uuid::new_v5(&self.0, format!("{purpose}/{nth}").as_bytes()))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A stream's name: `<category>-<id>`. The category is lower-case letters; the id letters, digits and dashes.
/// At most 200 bytes. Never built from personal data: such names are HMACs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamName(String);

/// A stream name that does not have the form `<category>-<id>`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a stream name: it must read <category>-<id>, lower-case letters before the dash, letters, digits and dashes after it, 200 bytes at most"
)]
pub struct BadStreamName(pub String);

impl StreamName {
    /// The stream of `id` in `category`, for ids that are known to be well formed (UUIDs, hex digests).
    ///
    /// # Panics
    /// If the pair makes no legal name; that is a programming error.
    pub fn of(category: &str, id: impl fmt::Display) -> StreamName {
        StreamName::try_from(format!("{category}-{id}")).expect("categories and ids are well formed")
    }

    /// The name of a stream of which there is only one, such as `log` and `settings`.
    pub fn single(category: &str) -> StreamName {
        StreamName::of(category, "main")
    }

    pub fn category(&self) -> &str {
        self.0.split_once('-').map_or(self.0.as_str(), |(category, _)| category)
    }

    pub fn id(&self) -> &str {
        self.0.split_once('-').map_or("", |(_, id)| id)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for StreamName {
    type Error = BadStreamName;

    fn try_from(name: String) -> Result<StreamName, BadStreamName> {
        let well_formed = name.len() <= 200
            && name.split_once('-').is_some_and(|(category, id)| {
                !category.is_empty()
                    && category.bytes().all(|b| b.is_ascii_lowercase())
                    && !id.is_empty()
                    && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            });
        if well_formed { Ok(StreamName(name)) } else { Err(BadStreamName(name)) }
    }
}

impl From<StreamName> for String {
    fn from(name: StreamName) -> String {
        name.0
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Place of an event in its stream: dense, the first is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

/// Place of an event in the log: ordered, opaque, possibly sparse. Never kept in a link or cursor that people keep,
/// since it changes when a log is copied; those name event ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who caused an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub kind: ActorKind,
    /// The id in its kind: an enrollment, person, device or staff id; the name of a reaction; never a person's name.
    pub id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// Somebody at the portal who has not signed in (yet).
    Visitor,
    Person,
    Device,
    Staff,
    /// Whoever runs `muster` on the server's machine.
    Operator,
    /// The server itself: a reaction, the timer.
    System,
}

impl Actor {
    pub fn new(kind: ActorKind, id: impl fmt::Display) -> Actor {
        Actor { kind, id: id.to_string() }
    }
}

/// An event as an event store takes it: payload serialized, personal fields sealed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewEvent {
    pub id: EventId,
    #[serde(rename = "type")]
    pub event_type: String,
    /// Schema version of `data`, from 1.
    pub version: u16,
    pub at: Timestamp,
    pub actor: Actor,
    /// The address the request came from, sealed; `null` where there was none.
    #[serde(default)]
    pub source: Value,
    /// The portal visit, device conversation or command line run this belongs to.
    pub correlation: Uuid,
    /// The event that this one is an effect of.
    #[serde(default)]
    pub causation: Option<EventId>,
    pub data: Value,
}

/// An event as an event store gives it back.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    pub stream: StreamName,
    pub revision: Revision,
    pub position: Position,
    /// RFC 6962 leaf hash of [`canonical`] bytes.
    pub leaf: [u8; 32],
    pub event: NewEvent,
}

#[derive(Deserialize)]
struct Envelope {
    stream: StreamName,
    revision: Revision,
    #[serde(flatten)]
    event: NewEvent,
}

/// The canonical bytes of an event: the same on every engine, without the position. JSON by the rules of RFC 8785: keys
/// sorted, no white space. Our own events have integers only; a fraction that a device reports keeps its point (`64.0`)
/// and is written with the fewest digits that read back as the same number.
pub fn canonical(stream: &StreamName, revision: Revision, event: &NewEvent) -> Vec<u8> {
    // Written field by field, in the order of their names: this is what every append waits for.
    let NewEvent { id, event_type, version, at, actor, source, correlation, causation, data } = event;
    let mut bytes = Vec::with_capacity(1_024);
    let out = &mut bytes;
    field(out, "{\"actor\":{\"id\":", &actor.id);
    field(out, ",\"kind\":", &actor.kind);
    field(out, "},\"at\":", at);
    field(out, ",\"causation\":", causation);
    field(out, ",\"correlation\":", correlation);
    out.extend_from_slice(b",\"data\":");
    write_canonical(data, out);
    field(out, ",\"id\":", id);
    field(out, ",\"revision\":", &revision);
    out.extend_from_slice(b",\"source\":");
    write_canonical(source, out);
    field(out, ",\"stream\":", stream.as_str());
    field(out, ",\"type\":", event_type);
    field(out, ",\"version\":", version);
    out.push(b'}');
    bytes
}

fn field<T: Serialize + ?Sized>(out: &mut Vec<u8>, before: &str, value: &T) {
    out.extend_from_slice(before.as_bytes());
    write_scalar(value, out);
}

/// The event in canonical bytes; the reverse of [`canonical`].
///
/// # Errors
/// If the bytes are no envelope.
pub fn parse_canonical(bytes: &[u8]) -> Result<(StreamName, Revision, NewEvent), serde_json::Error> {
    let envelope: Envelope = serde_json::from_slice(bytes)?;
    Ok((envelope.stream, envelope.revision, envelope.event))
}

// Sorted here and not left to serde_json's map, whose order is a feature that any dependency can switch.
fn write_canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
            out.push(b'{');
            for (n, (key, value)) in entries.into_iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                write_scalar(key, out);
                out.push(b':');
                write_canonical(value, out);
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                write_canonical(item, out);
            }
            out.push(b']');
        }
        scalar => write_scalar(scalar, out),
    }
}

fn write_scalar<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("a scalar is always written");
}
