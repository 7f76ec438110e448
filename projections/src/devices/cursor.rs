//! The place where a page of the list of devices ends. It has the value that the list is ordered by, so that it stays
//! valid if the device changes.

use events::device::DeviceId;
use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::str::FromStr;
use uuid::Uuid;

/// A device as it stood in a list. As text it is the id of the device if the list is in the order of adding, else the
/// value, a dot and the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCursor {
    /// `None` if the list is in the order of adding.
    pub(super) key: Option<Key>,
    pub device: DeviceId,
}

/// The value of a device that a list is ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Number(i64),
    Text(String),
    /// After all others, whatever the direction.
    Unknown,
}

impl Key {
    /// Compares as the indexes do. Unknown values are greater than all others.
    pub(super) fn compare(&self, other: &Key) -> Ordering {
        match (self, other) {
            (Key::Number(one), Key::Number(other)) => one.cmp(other),
            (Key::Text(one), Key::Text(other)) => {
                let lower = |text: &str| text.to_ascii_lowercase();
                lower(one).as_bytes().cmp(lower(other).as_bytes())
            }
            (Key::Unknown, Key::Unknown) => Ordering::Equal,
            (Key::Unknown, Key::Number(_) | Key::Text(_)) => Ordering::Greater,
            (Key::Number(_) | Key::Text(_), Key::Unknown) => Ordering::Less,
            (Key::Number(_), Key::Text(_)) => Ordering::Less,
            (Key::Text(_), Key::Number(_)) => Ordering::Greater,
        }
    }

    pub(super) fn is_known(&self) -> bool {
        *self != Key::Unknown
    }
}

impl From<DeviceId> for DeviceCursor {
    /// The place of a device in a list that is in the order of adding.
    fn from(device: DeviceId) -> DeviceCursor {
        DeviceCursor { key: None, device }
    }
}

impl fmt::Display for DeviceCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            None => {}
            Some(Key::Number(number)) => write!(f, "{number}.")?,
            Some(Key::Text(text)) => {
                f.write_char('t')?;
                text.bytes().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_char('.')?;
            }
            Some(Key::Unknown) => f.write_str("u.")?,
        }
        write!(f, "{}", self.device)
    }
}

/// The text is no cursor of a list of devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoDeviceCursor;

impl FromStr for DeviceCursor {
    type Err = NoDeviceCursor;

    fn from_str(text: &str) -> Result<DeviceCursor, NoDeviceCursor> {
        let (key, device) = match text.split_once('.') {
            None => (None, text),
            Some((key, device)) => (Some(parse(key).ok_or(NoDeviceCursor)?), device),
        };
        let device = Uuid::parse_str(device).map(DeviceId).map_err(|_| NoDeviceCursor)?;
        Ok(DeviceCursor { key, device })
    }
}

fn parse(key: &str) -> Option<Key> {
    if key == "u" {
        return Some(Key::Unknown);
    }
    let Some(hex) = key.strip_prefix('t') else { return key.parse().ok().map(Key::Number) };
    let digits = hex.as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes = digits.chunks(2).map(|pair| if pair.len() == 2 { byte(pair) } else { None });
    String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok().map(Key::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_no_other_text_is_one() {
        let device = DeviceId(Uuid::from_u128(7));
        for key in [None, Some(Key::Number(-3)), Some(Key::Text("Ada’s .iPad".into())), Some(Key::Unknown)] {
            let cursor = DeviceCursor { key, device };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in ["", "1", "x.1", &format!("t4.{device}"), &format!("tzz.{device}"), &format!(".{device}")] {
            assert_eq!(text.parse::<DeviceCursor>(), Err(NoDeviceCursor), "{text}");
        }
    }

    #[test]
    fn unknown_values_are_last_and_case_does_not_matter() {
        let text = |text: &str| Key::Text(text.to_owned());
        assert_eq!(text("ADA").compare(&text("ada")), Ordering::Equal);
        assert_eq!(text("z").compare(&Key::Unknown), Ordering::Less);
        assert_eq!(Key::Number(9).compare(&Key::Number(17)), Ordering::Less);
    }
}
