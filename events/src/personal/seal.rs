//! Seals and opens the personal fields of a payload, at any depth.

use super::keys::{DataKey, Held, KeyError, KeyStore};
use super::{KeyName, SealError};
use crate::envelope::EventId;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const PERSONAL: &str = "$personal";
const SEALED: &str = "$sealed";
const ERASED: &str = "$erased";
const LOST: &str = "$lost";
const DAMAGED: &str = "$damaged";

/// Collects the names of the keys of all unsealed personal fields in `value`.
pub fn personal_keys(value: &Value, names: &mut Vec<KeyName>) {
    match value {
        Value::Object(map) => match Marker::of(map) {
            Some(Marker::Personal { key, .. }) => names.push(key),
            Some(_) => {}
            None => map.values().for_each(|value| personal_keys(value, names)),
        },
        Value::Array(items) => items.iter().for_each(|value| personal_keys(value, names)),
        _ => {}
    }
}

/// Returns the names of the keys of all unsealed personal fields in `value`. `None`: a field cannot be read because its
/// key is damaged.
pub fn readable_keys(value: &Value) -> Option<BTreeSet<KeyName>> {
    let mut names = BTreeSet::new();
    collect_readable(value, &mut names).then_some(names)
}

fn collect_readable(value: &Value, names: &mut BTreeSet<KeyName>) -> bool {
    match value {
        Value::Object(map) => match Marker::of(map) {
            Some(Marker::Personal { key, .. }) => {
                names.insert(key);
                true
            }
            Some(Marker::Damaged { .. }) => false,
            Some(_) => true,
            None => map.values().all(|value| collect_readable(value, names)),
        },
        Value::Array(items) => items.iter().all(|value| collect_readable(value, names)),
        _ => true,
    }
}

/// Collects the names of the keys of all sealed fields in `value`.
pub fn sealed_keys(value: &Value, names: &mut Vec<KeyName>) {
    match value {
        Value::Object(map) => match Marker::of(map) {
            Some(Marker::Sealed { key, .. }) => names.push(key),
            Some(_) => {}
            None => map.values().for_each(|value| sealed_keys(value, names)),
        },
        Value::Array(items) => items.iter().for_each(|value| sealed_keys(value, names)),
        _ => {}
    }
}

/// Seals every personal field of `value`, which is at JSON pointer `place` of event `id`, in place. The keys must
/// exist. A field whose key was lost is sealed with the successor of that key.
///
/// Sealing the same event again returns the same bytes, so that a repeated append is the same append.
///
/// # Errors
/// Returns an error if a key is destroyed or missing, the field's value is unreadable because of a damaged key, or the
/// key store cannot be read.
pub fn seal(keys: &dyn KeyStore, id: EventId, place: &str, value: &mut Value) -> Result<(), KeyError> {
    match value {
        Value::Object(map) => match Marker::of(map) {
            Some(Marker::Personal { key, value: plain }) => {
                let (key, data_key) = usable(keys, key)?;
                let plain = serde_json::to_vec(&plain).expect("JSON is always written");
                let sealed = data_key.seal(&associated(id, place), &plain);
                *value = json!({ SEALED: { "key": key, "box": STANDARD.encode(sealed) } });
                Ok(())
            }
            Some(Marker::Erased { .. } | Marker::Lost { .. }) => Ok(()),
            // Written like this, the value would be lost for good; with an intact key store it can still be read.
            Some(Marker::Damaged { key }) => Err(KeyError::Altered(key)),
            // An object of this form in an unsealed payload is foreign data.
            Some(Marker::Sealed { .. }) | None => {
                for (name, value) in map.iter_mut() {
                    seal(keys, id, &below(place, name), value)?;
                }
                *map = rename(std::mem::take(map), escape);
                Ok(())
            }
        },
        Value::Array(items) => {
            items.iter_mut().enumerate().try_for_each(|(n, value)| seal(keys, id, &format!("{place}/{n}"), value))
        }
        _ => Ok(()),
    }
}

// Returns the key to seal with now: for a lost key, its newest successor.
fn usable(keys: &dyn KeyStore, name: KeyName) -> Result<(KeyName, DataKey), KeyError> {
    let mut name = name;
    loop {
        match keys.key(&name)? {
            Held::Key(key) => return Ok((name, key)),
            Held::Lost => name = name.successor(),
            Held::Destroyed => return Err(KeyError::Destroyed(name)),
            Held::Missing => return Err(KeyError::NotThere(name)),
        }
    }
}

/// Opens every sealed field of `value` in place. A field whose key was destroyed or lost becomes a marker that says so.
///
/// # Errors
/// Returns an error if the key store cannot be read, if it never had the key of a field, or if a sealed value was
/// altered.
pub fn open(keys: &dyn KeyStore, id: EventId, place: &str, value: &mut Value) -> Result<(), SealError> {
    open_in_spite_of(keys, id, place, value, &mut |_, _| false)
}

/// Same as [`open`], but a field whose key cannot be read is marked as [damaged](super::Gone::Damaged) if `spares`
/// returns true for the key and the error.
///
/// # Errors
/// Same as [`open`].
pub(crate) fn open_in_spite_of(
    keys: &dyn KeyStore,
    id: EventId,
    place: &str,
    value: &mut Value,
    spares: &mut dyn FnMut(&KeyName, &KeyError) -> bool,
) -> Result<(), SealError> {
    match value {
        Value::Object(map) => match Marker::of(map) {
            Some(Marker::Sealed { key, sealed }) => {
                *value = match keys.key(&key) {
                    Ok(Held::Key(data_key)) => {
                        let plain = unseal(&data_key, &associated(id, place), &sealed)
                            .ok_or_else(|| SealError::Altered(place.to_owned()))?;
                        json!({ PERSONAL: { "key": key, "value": plain } })
                    }
                    Ok(Held::Destroyed) => json!({ ERASED: { "key": key } }),
                    Ok(Held::Lost) => json!({ LOST: { "key": key } }),
                    held => {
                        let error = held.err().unwrap_or_else(|| KeyError::NotThere(key.clone()));
                        if !spares(&key, &error) {
                            return Err(error.into());
                        }
                        damaged(&key)
                    }
                };
                Ok(())
            }
            Some(Marker::Erased { .. } | Marker::Lost { .. } | Marker::Damaged { .. }) => Ok(()),
            Some(Marker::Personal { .. }) => Err(SealError::Altered(place.to_owned())),
            None => {
                *map = rename(std::mem::take(map), unescape);
                map.iter_mut()
                    .try_for_each(|(name, value)| open_in_spite_of(keys, id, &below(place, name), value, spares))
            }
        },
        Value::Array(items) => {
            let mut items = items.iter_mut().enumerate();
            items.try_for_each(|(n, value)| open_in_spite_of(keys, id, &format!("{place}/{n}"), value, spares))
        }
        _ => Ok(()),
    }
}

/// Replaces a personal field that cannot be sealed, because its key is damaged, with a marker. The field is lost; the
/// rest of the event is kept.
pub(crate) fn mark_damaged(value: &mut Value) {
    if let Value::Object(map) = value
        && let Some(Marker::Personal { key, .. }) = Marker::of(map)
    {
        *value = damaged(&key);
    }
}

fn damaged(key: &KeyName) -> Value {
    json!({ DAMAGED: { "key": key } })
}

fn unseal(key: &DataKey, associated: &[u8], sealed: &str) -> Option<Value> {
    let plain = key.open(associated, &STANDARD.decode(sealed).ok()?)?;
    serde_json::from_slice(&plain).ok()
}

/// An object that represents a personal field. Only the exact form counts; any other object is data.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
enum Marker {
    #[serde(rename = "$personal")]
    Personal { key: KeyName, value: Value },
    #[serde(rename = "$sealed")]
    Sealed {
        key: KeyName,
        /// Nonce, ciphertext and tag, in this order: Base64.
        #[serde(rename = "box")]
        sealed: String,
    },
    #[serde(rename = "$erased")]
    Erased {
        #[expect(dead_code, reason = "its presence makes the exact form")]
        key: KeyName,
    },
    #[serde(rename = "$lost")]
    Lost {
        #[expect(dead_code, reason = "its presence makes the exact form")]
        key: KeyName,
    },
    #[serde(rename = "$damaged")]
    Damaged { key: KeyName },
}

impl Marker {
    fn of(map: &Map<String, Value>) -> Option<Marker> {
        let (name, inner) = map.iter().next()?;
        let fields = match name.as_str() {
            PERSONAL | SEALED => 2,
            ERASED | LOST | DAMAGED => 1,
            _ => return None,
        };
        // Counts the fields, since serde also reads the fields of a struct from an array.
        let exact = map.len() == 1 && inner.as_object().is_some_and(|inner| inner.len() == fields);
        if exact { Marker::deserialize(map).ok() } else { None }
    }
}

fn associated(id: EventId, place: &str) -> Vec<u8> {
    let mut bytes = id.0.as_bytes().to_vec();
    bytes.extend_from_slice(place.as_bytes());
    bytes
}

// JSON pointer, RFC 6901 section 3.
fn below(place: &str, name: &str) -> String {
    format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn escape(name: String) -> String {
    if name.starts_with('$') { format!("${name}") } else { name }
}

fn unescape(name: String) -> String {
    match name.strip_prefix('$') {
        Some(rest) if rest.starts_with('$') => rest.to_owned(),
        _ => name,
    }
}

fn rename(map: Map<String, Value>, change: fn(String) -> String) -> Map<String, Value> {
    if map.keys().any(|name| name.starts_with('$')) {
        map.into_iter().map(|(name, value)| (change(name), value)).collect()
    } else {
        map
    }
}

fn rename_all(value: Value, change: fn(String) -> String) -> Value {
    match value {
        Value::Object(map) => {
            map.into_iter().map(|(name, value)| (change(name), rename_all(value, change))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.into_iter().map(|value| rename_all(value, change)).collect::<Vec<_>>().into(),
        scalar => scalar,
    }
}

pub(super) fn escape_names(value: Value) -> Value {
    rename_all(value, escape)
}

pub(super) fn unescape_names(value: Value) -> Value {
    rename_all(value, unescape)
}
