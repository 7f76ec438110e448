//! Fields about a person, sealed under a key that can be destroyed.
//!
//! In memory a [`Personal`] holds its value in plain, or nothing when its key is gone. Serialized it is a marker object
//! `{"$personal": {"key", "value"}}`, which [`seal`] replaces by `{"$sealed": {"key", "box"}}` before anything reaches a
//! store, and [`open`] turns back. Sealing: AES-256-GCM; the associated data is the event's id and the field's place
//! (JSON pointer), so that no box can be moved to another field or event.

pub mod keys;

use crate::envelope::EventId;
use keys::{DataKey, KeyError};
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
}

/// A value about a person, with the key it is sealed under. Erased values have no value any more: pages show
/// a word for that, never an error.
#[derive(Clone, PartialEq, Eq)]
pub struct Personal<T> {
    key: KeyName,
    value: Option<T>,
}

impl<T> Personal<T> {
    pub fn new(key: KeyName, value: T) -> Personal<T> {
        Personal { key, value: Some(value) }
    }

    /// The value, or `None` if its key was destroyed.
    pub fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }

    pub fn key(&self) -> &KeyName {
        &self.key
    }

    /// The same value under another key.
    pub fn under(&self, key: KeyName) -> Personal<T>
    where
        T: Clone,
    {
        Personal { key, value: self.value.clone() }
    }
}

impl Personal<String> {
    /// The text, or an empty one if it is erased.
    pub fn text(&self) -> &str {
        self.value.as_deref().unwrap_or("")
    }
}

// Never the value: a Personal may end up in a log line.
impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Personal({}{})", self.key.0, if self.value.is_some() { "" } else { ", erased" })
    }
}

impl<T: Serialize> Serialize for Personal<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let marker = match &self.value {
            Some(value) => {
                let value = serde_json::to_value(value).map_err(serde::ser::Error::custom)?;
                json!({ "$personal": { "key": self.key, "value": value } })
            }
            None => json!({ "$erased": { "key": self.key } }),
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
        }
        match Marker::deserialize(deserializer)? {
            Marker::Plain { key, value } => {
                let value = serde_json::from_value(value).map_err(D::Error::custom)?;
                Ok(Personal { key, value: Some(value) })
            }
            Marker::Erased { key } => Ok(Personal { key, value: None }),
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

/// Collects the names of the keys that `value`'s personal fields name.
pub fn personal_keys(value: &Value, names: &mut Vec<KeyName>) {
    todo!("{value} {names:?}")
}

/// Seals every personal field in `value` (at JSON pointer `place` of event `id`) in place. The keys exist.
///
/// # Errors
/// If a key cannot be had.
pub fn seal(keys: &dyn keys::KeyStore, id: EventId, place: &str, value: &mut Value) -> Result<(), KeyError> {
    todo!("{id} {place} {value} {}", keys.ensure(&[]).is_ok())
}

/// Opens every sealed field in `value` in place; fields whose key is gone become erased.
///
/// # Errors
/// If the key store cannot be read, or a box was altered.
pub fn open(keys: &dyn keys::KeyStore, id: EventId, place: &str, value: &mut Value) -> Result<(), SealError> {
    todo!("{id} {place} {value} {}", keys.ensure(&[]).is_ok())
}
