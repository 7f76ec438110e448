//! The messages that already had an effect. A repeated message, by a device whose answer was lost or by somebody who
//! recorded it, has no second effect.

use events::device::BodyHash;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Number of messages that the state remembers. Devices repeat their newest message. Older ones are found in the log.
const REMEMBERED: usize = 32;

/// The newest messages that had an effect.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    newest: VecDeque<Remembered>,
    /// Whether there were more messages.
    is_partial: bool,
}

/// The hash of a message. Binary, because it takes half the memory of the text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "BodyHash", into = "BodyHash")]
enum Remembered {
    Sha256([u8; 32]),
    /// Any other text: a log may hold one.
    Text(Box<str>),
}

impl From<BodyHash> for Remembered {
    fn from(body: BodyHash) -> Remembered {
        Remembered::from(&body)
    }
}

impl From<&BodyHash> for Remembered {
    fn from(BodyHash(text): &BodyHash) -> Remembered {
        binary(text).map_or_else(|| Remembered::Text(text.as_str().into()), Remembered::Sha256)
    }
}

impl From<Remembered> for BodyHash {
    fn from(remembered: Remembered) -> BodyHash {
        BodyHash(match remembered {
            Remembered::Sha256(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Remembered::Text(text) => text.into(),
        })
    }
}

// `None` for a text that is not 64 digits of lower-case hex: the text could not be had back.
fn binary(text: &str) -> Option<[u8; 32]> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let bytes: Option<Vec<u8>> =
        text.as_bytes().chunks(2).map(|pair| Some((digit(pair[0])? << 4) | digit(*pair.get(1)?)?)).collect();
    bytes?.try_into().ok()
}

impl Seen {
    pub(super) fn insert(&mut self, body: &BodyHash) {
        if self.contains(body) {
            return;
        }
        self.newest.push_back(body.into());
        if self.newest.len() > REMEMBERED {
            self.newest.pop_front();
            self.is_partial = true;
        }
    }

    /// Returns whether the message is one of the newest that had an effect.
    pub fn contains(&self, body: &BodyHash) -> bool {
        self.newest.contains(&body.into())
    }

    /// Returns whether the message may be one of those that are no longer remembered. The log has the answer.
    pub fn may_have_forgotten(&self, body: &BodyHash) -> bool {
        self.is_partial && !self.contains(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(nth: usize) -> BodyHash {
        BodyHash(format!("{nth:064x}"))
    }

    #[test]
    fn a_hash_is_remembered_as_it_was_written() {
        for text in [body(7).0, "A".repeat(64), "abc".into(), String::new(), "é".repeat(32), "0".repeat(66)] {
            let seen = Remembered::from(BodyHash(text.clone()));
            assert_eq!(matches!(seen, Remembered::Sha256(_)), text == body(7).0, "{text}");
            assert_eq!(BodyHash::from(seen), BodyHash(text));
        }
    }

    #[test]
    fn the_newest_messages_are_remembered_and_the_others_may_be_forgotten() {
        let mut seen = Seen::default();
        (0..REMEMBERED).for_each(|nth| seen.insert(&body(nth)));
        seen.insert(&body(3));
        assert!((0..REMEMBERED).all(|nth| seen.contains(&body(nth))));
        assert!(!seen.may_have_forgotten(&body(REMEMBERED)), "no message was forgotten yet");
        seen.insert(&body(REMEMBERED));
        assert!(!seen.contains(&body(0)) && seen.may_have_forgotten(&body(0)));
        assert!(seen.contains(&body(REMEMBERED)) && !seen.may_have_forgotten(&body(REMEMBERED)));
    }
}
