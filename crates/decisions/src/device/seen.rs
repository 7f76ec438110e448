//! The messages that already had an effect. A repeated message, by a device whose answer was lost or by somebody who
//! recorded it, has no second effect.

use events::device::BodyHash;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Number of check-ins, and of answers, that the state remembers. Devices repeat their newest message. Older ones are
/// found in the log.
const REMEMBERED: usize = 32;

/// The newest messages that had an effect. Check-ins are remembered apart from answers to commands: a device sends few
/// check-ins and many answers, and a check-in that may be forgotten is searched in the whole stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    check_ins: Newest,
    answers: Newest,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Newest {
    bodies: VecDeque<Remembered>,
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

impl Newest {
    fn insert(&mut self, body: &BodyHash) {
        if self.contains(body) {
            return;
        }
        self.bodies.push_back(body.into());
        if self.bodies.len() > REMEMBERED {
            self.bodies.pop_front();
            self.is_partial = true;
        }
    }

    fn contains(&self, body: &BodyHash) -> bool {
        self.bodies.contains(&body.into())
    }
}

impl Seen {
    pub(super) fn insert_check_in(&mut self, body: &BodyHash) {
        self.check_ins.insert(body);
    }

    pub(super) fn insert_answer(&mut self, body: &BodyHash) {
        self.answers.insert(body);
    }

    /// Returns whether the message is one of the newest that had an effect.
    pub fn contains(&self, body: &BodyHash) -> bool {
        self.check_ins.contains(body) || self.answers.contains(body)
    }

    /// Returns whether the check-in may be one of those that are no longer remembered. The log has the answer.
    pub fn may_have_forgotten_check_in(&self, body: &BodyHash) -> bool {
        self.check_ins.is_partial && !self.contains(body)
    }

    /// Returns whether the message, of any kind, may be one of those that are no longer remembered. The log has the
    /// answer.
    pub fn may_have_forgotten(&self, body: &BodyHash) -> bool {
        (self.check_ins.is_partial || self.answers.is_partial) && !self.contains(body)
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
        for insert in [Seen::insert_check_in, Seen::insert_answer] {
            let mut seen = Seen::default();
            (0..REMEMBERED).for_each(|nth| insert(&mut seen, &body(nth)));
            insert(&mut seen, &body(3));
            assert!((0..REMEMBERED).all(|nth| seen.contains(&body(nth))));
            assert!(!seen.may_have_forgotten(&body(REMEMBERED)), "no message was forgotten yet");
            insert(&mut seen, &body(REMEMBERED));
            assert!(!seen.contains(&body(0)) && seen.may_have_forgotten(&body(0)));
            assert!(seen.contains(&body(REMEMBERED)) && !seen.may_have_forgotten(&body(REMEMBERED)));
        }
    }

    #[test]
    fn answers_do_not_take_the_place_of_check_ins() {
        let mut seen = Seen::default();
        (0..REMEMBERED).for_each(|nth| seen.insert_check_in(&body(nth)));
        (100..200).for_each(|nth| seen.insert_answer(&body(nth)));
        assert!((0..REMEMBERED).all(|nth| seen.contains(&body(nth))));
        assert!(!seen.may_have_forgotten_check_in(&body(300)), "no check-in was forgotten");
        assert!(seen.may_have_forgotten(&body(100)), "an answer was");
        seen.insert_check_in(&body(REMEMBERED));
        assert!(seen.may_have_forgotten_check_in(&body(0)));
    }
}
