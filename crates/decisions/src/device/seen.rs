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
    newest: VecDeque<BodyHash>,
    /// Whether there were more messages.
    is_partial: bool,
}

impl Seen {
    pub(super) fn insert(&mut self, body: &BodyHash) {
        if self.contains(body) {
            return;
        }
        self.newest.push_back(body.clone());
        if self.newest.len() > REMEMBERED {
            self.newest.pop_front();
            self.is_partial = true;
        }
    }

    /// Returns whether the message is one of the newest that had an effect.
    pub fn contains(&self, body: &BodyHash) -> bool {
        self.newest.contains(body)
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
