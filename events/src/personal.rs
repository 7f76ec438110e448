//! Personal fields, encrypted with a key that can be destroyed.
//!
//! In memory a [`Personal`] holds its value in plain text, or [why there is none](Gone) if its key was destroyed, lost
//! or damaged. It serializes to a marker object `{"$personal": {"key", "value"}}`. [`seal()`] replaces the marker with
//! `{"$sealed": {"key", "box"}}` before the event reaches a store; [`open()`] reverses that. The cipher is AES-256-GCM.
//! Its associated data is the event id and the place of the field (a JSON pointer), so that a sealed value cannot be
//! moved to another field or event.
//!
//! Names with a leading `$` are reserved for these markers. Foreign JSON is put into an event with [`literal`], so that
//! a device's own `$personal` or `$sealed` remains data.

pub mod keys;
mod seal;
#[cfg(test)]
mod tests;

pub(crate) use seal::{mark_damaged, open_in_spite_of};
pub use seal::{open, personal_keys, readable_keys, seal, sealed_keys};

use keys::KeyError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::fmt;

/// Name of a data key: `<kind>-<id>`, such as `person-…`, `visit-…` (of an enrollment), `device-…` or `staff-…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyName(pub String);

impl KeyName {
    /// Returns the name `<kind>-<id>`. `id` is a random id: names of keys are not encrypted.
    pub fn of(kind: &str, id: impl fmt::Display) -> KeyName {
        KeyName(format!("{kind}-{id}"))
    }

    /// Returns the name of the key that replaces a lost one. A lost key is never made again under its own name.
    #[must_use]
    pub fn successor(&self) -> KeyName {
        let (name, generation) = self.generation();
        KeyName(format!("{name}~{}", generation + 1))
    }

    /// Returns the first name of the key, which all its successors share.
    #[must_use]
    pub fn first(&self) -> KeyName {
        KeyName(self.generation().0.to_owned())
    }

    // The first key of a name is generation 1; its name has no number.
    fn generation(&self) -> (&str, u64) {
        let numbered = self.0.rsplit_once('~').and_then(|(name, number)| Some((name, number.parse().ok()?)));
        numbered.unwrap_or((&self.0, 1))
    }
}

/// Why a personal value cannot be read any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// The key was destroyed because the person asked for erasure.
    Erased,
    /// The key was lost, and an operator accepted the loss (`KeysLost`).
    Lost,
    /// The key is damaged in `keys.db`. The value can be read again after an intact `keys.db` is restored. A value in
    /// this state is never sealed again.
    Damaged,
}

impl Gone {
    /// Returns the text to display instead of the value; `None` for an erased value, for which pages have their own
    /// wording. Never compare with this text.
    pub fn shown(self) -> Option<&'static str> {
        match self {
            Gone::Erased => None,
            Gone::Lost => Some(KEY_LOST),
            Gone::Damaged => Some(KEY_DAMAGED),
        }
    }
}

/// Text displayed for a value whose key was lost.
pub const KEY_LOST: &str = "(key lost)";
/// Text displayed for a value whose key is damaged.
pub const KEY_DAMAGED: &str = "(key damaged)";

/// Returns whether `text` is a placeholder for an unreadable value. A placeholder is not a name and equals nothing.
pub fn is_placeholder(text: &str) -> bool {
    text == KEY_LOST || text == KEY_DAMAGED
}

/// A personal value and the name of the key that it is sealed with. An unreadable value is not an error: pages display
/// a placeholder.
#[derive(Clone)]
pub struct Personal<T> {
    key: KeyName,
    value: Result<T, Gone>,
}

impl<T> Personal<T> {
    pub fn new(key: KeyName, value: T) -> Personal<T> {
        Personal { key, value: Ok(value) }
    }

    /// Returns the value, or `None` if it cannot be read.
    pub fn get(&self) -> Option<&T> {
        self.value.as_ref().ok()
    }

    /// Returns why the value cannot be read; `None` if it can.
    pub fn gone(&self) -> Option<Gone> {
        self.value.as_ref().err().copied()
    }

    pub fn key(&self) -> &KeyName {
        &self.key
    }

    /// Returns the name of the key if it is damaged; then the value is unknown.
    pub fn damaged_key(&self) -> Option<&KeyName> {
        (self.gone() == Some(Gone::Damaged)).then_some(&self.key)
    }

    /// Returns the same value with another key.
    pub fn under(&self, key: KeyName) -> Personal<T>
    where
        T: Clone,
    {
        Personal { key, value: self.value.clone() }
    }
}

/// A value is equal under a lost key and under the key's successors: it is the same value of the same person.
impl<T: PartialEq> PartialEq for Personal<T> {
    fn eq(&self, other: &Personal<T>) -> bool {
        self.key.generation().0 == other.key.generation().0 && self.value == other.value
    }
}

impl<T: Eq> Eq for Personal<T> {}

impl Personal<String> {
    /// Returns the text, or an empty one if it cannot be read.
    pub fn text(&self) -> &str {
        self.value.as_deref().unwrap_or("")
    }

    /// Returns the text to display: the placeholder [`Gone::shown`] if the value cannot be read. Never compare with it.
    pub fn shown(&self) -> Option<&str> {
        match &self.value {
            Ok(text) => Some(text),
            Err(gone) => gone.shown(),
        }
    }
}

// Omits the value, since a `Personal` may end up in a log line.
impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gone = match self.value {
            Ok(_) => "",
            Err(Gone::Erased) => ", erased",
            Err(Gone::Lost) => ", key lost",
            Err(Gone::Damaged) => ", key damaged",
        };
        write!(f, "Personal({}{gone})", self.key.0)
    }
}

impl<T: Serialize> Serialize for Personal<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let key = &self.key;
        let marker = match &self.value {
            Ok(value) => Marker::Plain { key, value },
            Err(Gone::Erased) => Marker::Erased { key },
            Err(Gone::Lost) => Marker::Lost { key },
            Err(Gone::Damaged) => Marker::Damaged { key },
        };
        marker.serialize(serializer)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Personal<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Personal<T>, D::Error> {
        let (key, value) = match Marker::<KeyName, T>::deserialize(deserializer)? {
            Marker::Plain { key, value } => (key, Ok(value)),
            Marker::Erased { key } => (key, Err(Gone::Erased)),
            Marker::Lost { key } => (key, Err(Gone::Lost)),
            Marker::Damaged { key } => (key, Err(Gone::Damaged)),
        };
        Ok(Personal { key, value })
    }
}

/// The JSON form of a personal field. `K` and `T`: the name of the key and the value, owned or borrowed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
enum Marker<K, T> {
    #[serde(rename = "$personal")]
    Plain { key: K, value: T },
    #[serde(rename = "$erased")]
    Erased { key: K },
    #[serde(rename = "$lost")]
    Lost { key: K },
    #[serde(rename = "$damaged")]
    Damaged { key: K },
}

/// Why a sealed field cannot be opened or sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Place of the field in the event: a JSON pointer (RFC 6901).
    #[error("the sealed field {0} was altered, or belongs to another event")]
    Altered(String),
}

/// Foreign JSON inside an event: `#[serde(with = "personal::literal")]` on a field of type [`Value`]. Names that begin
/// with `$` get a second `$` when serialized and lose it when parsed.
pub mod literal {
    use super::Value;
    use super::seal::{escape_names, unescape_names};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// # Errors
    /// Returns an error of the serializer.
    pub fn serialize<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
        escape_names(value.clone()).serialize(serializer)
    }

    /// # Errors
    /// Returns an error if the input is not JSON.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer).map(unescape_names)
    }
}
