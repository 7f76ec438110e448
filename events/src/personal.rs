//! Fields about a person, sealed under a key that can be destroyed.
//!
//! In memory a [`Personal`] holds its value in plain, or [why it is gone](Gone) when its key was destroyed, lost or damaged. Serialized
//! it is a marker object `{"$personal": {"key", "value"}}`, which [`seal()`] replaces by `{"$sealed": {"key", "box"}}` before anything reaches a
//! store, and [`open()`] turns back. Sealing: AES-256-GCM; the associated data is the event's id and the field's place
//! (JSON pointer), so that no box can be moved to another field or event.
//!
//! Names with a leading `$` belong to these markers. JSON of strangers goes into an event through [`literal`], so that
//! what a device calls `$personal` or `$sealed` stays what it is: data.

pub mod keys;
mod seal;

pub use seal::{mark_damaged, open, open_in_spite_of, personal_keys, seal, sealed_keys};

use keys::KeyError;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use std::fmt;

/// Name of a data key: `<kind>-<id>`, such as `person-…`, `visit-…`, `device-…`, `staff-…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyName(pub String);

impl KeyName {
    pub fn of(kind: &str, id: impl fmt::Display) -> KeyName {
        KeyName(format!("{kind}-{id}"))
    }

    /// The name of the key that takes the place of a lost one: a lost key is never made again under its own name.
    #[must_use]
    pub fn successor(&self) -> KeyName {
        let (name, generation) = self.generation();
        KeyName(format!("{name}~{}", generation + 1))
    }

    /// The first name of the key, which all its successors share.
    #[must_use]
    pub fn first(&self) -> KeyName {
        KeyName(self.generation().0.to_owned())
    }

    // The first key of a name is its generation 1, and has no number.
    fn generation(&self) -> (&str, u64) {
        let numbered = self.0.rsplit_once('~').and_then(|(name, number)| Some((name, number.parse().ok()?)));
        numbered.unwrap_or((&self.0, 1))
    }
}

/// Why a value about a person cannot be read any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// Its key was destroyed: the person asked to be forgotten.
    Erased,
    /// Its key was lost, and an operator accepted that (`KeysLost`).
    Lost,
    /// Its key is damaged in `keys.db`: it can be read again when a whole `keys.db` is restored. Never sealed again in this state.
    Damaged,
}

impl Gone {
    /// The text in the place of the value; `None` for an erased one, for which pages have words of their own. Never to be compared with.
    pub fn shown(self) -> Option<&'static str> {
        match self {
            Gone::Erased => None,
            Gone::Lost => Some(KEY_LOST),
            Gone::Damaged => Some(KEY_DAMAGED),
        }
    }
}

/// How a value reads whose key was lost.
pub const KEY_LOST: &str = "(key lost)";
/// How a value reads whose key is damaged.
pub const KEY_DAMAGED: &str = "(key damaged)";

/// Whether `text` stands in the place of a value: it is no name and equals nothing.
pub fn is_placeholder(text: &str) -> bool {
    text == KEY_LOST || text == KEY_DAMAGED
}

/// A value about a person, with the key it is sealed under. A value that is gone is no error: pages show a word for it.
#[derive(Clone)]
pub struct Personal<T> {
    key: KeyName,
    value: Result<T, Gone>,
}

impl<T> Personal<T> {
    pub fn new(key: KeyName, value: T) -> Personal<T> {
        Personal { key, value: Ok(value) }
    }

    /// The value, or `None` if it is gone.
    pub fn get(&self) -> Option<&T> {
        self.value.as_ref().ok()
    }

    /// Why there is no value; `None` if there is one.
    pub fn gone(&self) -> Option<Gone> {
        self.value.as_ref().err().copied()
    }

    pub fn key(&self) -> &KeyName {
        &self.key
    }

    /// The key, if it is damaged: then the value is unknown.
    pub fn damaged_key(&self) -> Option<&KeyName> {
        (self.gone() == Some(Gone::Damaged)).then_some(&self.key)
    }

    /// The same value under another key.
    pub fn under(&self, key: KeyName) -> Personal<T>
    where
        T: Clone,
    {
        Personal { key, value: self.value.clone() }
    }
}

/// Under a key and in the place of a lost one it is the same value of the same person.
impl<T: PartialEq> PartialEq for Personal<T> {
    fn eq(&self, other: &Personal<T>) -> bool {
        self.key.generation().0 == other.key.generation().0 && self.value == other.value
    }
}

impl<T: Eq> Eq for Personal<T> {}

impl Personal<String> {
    /// The text, or an empty one if it is gone.
    pub fn text(&self) -> &str {
        self.value.as_deref().unwrap_or("")
    }

    /// The text to be shown: that of [`Gone::shown`] if the value is gone. Never to be compared with.
    pub fn shown(&self) -> Option<&str> {
        match &self.value {
            Ok(text) => Some(text),
            Err(gone) => gone.shown(),
        }
    }
}

// Never the value: a Personal may end up in a log line.
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
        let marker = match &self.value {
            Ok(value) => {
                let value = serde_json::to_value(value).map_err(serde::ser::Error::custom)?;
                json!({ "$personal": { "key": self.key, "value": value } })
            }
            Err(Gone::Erased) => json!({ "$erased": { "key": self.key } }),
            Err(Gone::Lost) => json!({ "$lost": { "key": self.key } }),
            Err(Gone::Damaged) => json!({ "$damaged": { "key": self.key } }),
        };
        marker.serialize(serializer)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Personal<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Personal<T>, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        enum Marker {
            #[serde(rename = "$personal")]
            Plain { key: KeyName, value: Value },
            #[serde(rename = "$erased")]
            Erased { key: KeyName },
            #[serde(rename = "$lost")]
            Lost { key: KeyName },
            #[serde(rename = "$damaged")]
            Damaged { key: KeyName },
        }
        match Marker::deserialize(deserializer)? {
            Marker::Plain { key, value } => {
                let value = serde_json::from_value(value).map_err(D::Error::custom)?;
                Ok(Personal { key, value: Ok(value) })
            }
            Marker::Erased { key } => Ok(Personal { key, value: Err(Gone::Erased) }),
            Marker::Lost { key } => Ok(Personal { key, value: Err(Gone::Lost) }),
            Marker::Damaged { key } => Ok(Personal { key, value: Err(Gone::Damaged) }),
        }
    }
}

/// A sealed field cannot be opened or sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the sealed field {0} was altered, or belongs to another event")]
    Altered(String),
}

/// JSON of strangers inside an event: `#[serde(with = "personal::literal")]` on a field of type [`Value`]. Names that
/// begin with `$` get another `$` on the way in and lose it on the way out.
pub mod literal {
    use super::Value;
    use super::seal::{escape_names, unescape_names};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// # Errors
    /// If the serializer has one.
    pub fn serialize<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
        escape_names(value.clone()).serialize(serializer)
    }

    /// # Errors
    /// If there is no JSON.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer).map(unescape_names)
    }
}
