//! The event envelope: identity, place, time, actor and cause of an event, and its canonical bytes.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use uuid::Uuid;
use world::World;

pub use world::Timestamp;

/// Identity of an event: a UUIDv7. The caller makes it before the first attempt to append, so a repeated append has no
/// effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

impl EventId {
    /// Makes a new id. Call it before the first attempt to append the event.
    pub fn fresh(world: &World) -> EventId {
        EventId(world.uuid())
    }

    /// Derives the id of the `nth` event (from 0) that `purpose` causes as an effect of `self`. It is always the same
    /// id, so an effect that is repeated after a crash is not written twice. `purpose` is a fixed name, such as
    /// `attest-hardware-command`: another name leads to another id.
    pub fn caused(self, purpose: &str, nth: usize) -> EventId {
        EventId(Uuid::new_v5(&self.0, format!("{purpose}/{nth}").as_bytes()))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Name of a stream: `<category>-<id>`, at most 200 bytes. The category consists of lower-case ASCII letters; the id of
/// ASCII letters, digits and dashes. A name that depends on personal data contains an HMAC of it, never the data
/// itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamName(String);

/// A stream name that does not have the form `<category>-<id>`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a stream name: it must have the form <category>-<id>, with lower-case letters before the dash, letters, digits and dashes after it, and at most 200 bytes"
)]
pub struct BadStreamName(pub String);

impl StreamName {
    /// Returns the stream of `id` in `category`. Only for ids that are known to be well formed (UUIDs, hex digests).
    ///
    /// # Panics
    /// Panics if `category` and `id` do not form a valid name; that is a programming error.
    pub fn of(category: &str, id: impl fmt::Display) -> StreamName {
        StreamName::try_from(format!("{category}-{id}")).expect("categories and ids are well formed")
    }

    /// Returns the name of the only stream of a category, such as `log` and `settings`.
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

/// Index of an event in its stream, without gaps. The first event has revision 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

/// Place of an event in the log: ordered, opaque, possibly with gaps. Positions change when a log is copied, so links
/// and cursors that outlive a request contain event ids instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The actor that caused an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub kind: ActorKind,
    /// Id within its kind: an enrollment, person, device or staff id, or the name of a reaction. Never a person's name.
    pub id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A portal visitor who has not signed in (yet).
    Visitor,
    Person,
    Device,
    Staff,
    /// The operator who runs `muster` on the server's machine.
    Operator,
    /// The server itself: a reaction or a timer.
    System,
}

impl Actor {
    pub fn new(kind: ActorKind, id: impl fmt::Display) -> Actor {
        Actor { kind, id: id.to_string() }
    }
}

/// An event as passed to an event store: the payload is serialized, personal fields are sealed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewEvent {
    pub id: EventId,
    /// Name of the variant, such as `UserSignedIn`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Schema version of `data`, from 1.
    pub version: u16,
    pub at: Timestamp,
    pub actor: Actor,
    /// Source address of the request, sealed; `null` if there is none.
    #[serde(default)]
    pub source: Value,
    /// The portal enrollment, device conversation or command-line run that the event belongs to.
    pub correlation: Uuid,
    /// The event that caused this one.
    #[serde(default)]
    pub causation: Option<EventId>,
    pub data: Value,
}

/// An event as read from an event store.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    pub stream: StreamName,
    pub revision: Revision,
    pub position: Position,
    /// RFC 6962 leaf hash of the [`canonical`] bytes.
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

/// Serializes an event to its canonical bytes. They are the same for every store and do not contain the position. The
/// format is JSON by the rules of RFC 8785: sorted keys, no white space. Muster's own events contain integers only. A
/// fraction that a device reports keeps its decimal point (`64.0`) and is written with the fewest digits that parse to
/// the same number.
pub fn canonical(stream: &StreamName, revision: Revision, event: &NewEvent) -> Vec<u8> {
    // Written field by field in the order of the names, for speed: every append waits for this.
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

/// Parses canonical bytes; the reverse of [`canonical`].
///
/// # Errors
/// Returns an error if the bytes are not an event envelope.
pub fn parse_canonical(bytes: &[u8]) -> Result<(StreamName, Revision, NewEvent), serde_json::Error> {
    let envelope: Envelope = serde_json::from_slice(bytes)?;
    Ok((envelope.stream, envelope.revision, envelope.event))
}

// Sorts the keys here: serde_json's map keeps another order if any dependency enables a feature.
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
