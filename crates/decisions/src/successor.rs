//! The record of one source that may have a device as its confirmed successor: stream `successor-<hmac>`. The same
//! device may stand in several sources, but only once in each.

use crate::Aggregate;
use events::record::RecordId;
use events::system::SuccessorEvent;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Successor {
    pub record: Option<RecordId>,
}

#[derive(Debug, Clone, Copy)]
pub enum Command {
    Reserve {
        record: RecordId,
        /// A record whose reservation was left over, because its link was not confirmed.
        in_place_of: Option<RecordId>,
    },
    Release(RecordId),
}

/// Another record of the source has the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("another record of this source is already confirmed for the device: undo that one first")]
pub struct Taken {
    pub by: RecordId,
}

impl Aggregate for Successor {
    const FOLD: u32 = 1;

    type Whole = Self;
    type Event = SuccessorEvent;
    type Command = Command;
    type Refusal = Taken;

    fn decide(&self, command: &Command) -> Result<Vec<SuccessorEvent>, Taken> {
        match (command, self.record) {
            (Command::Reserve { record, .. }, Some(by)) if by == *record => Ok(vec![]),
            (Command::Reserve { in_place_of, .. }, Some(by)) if *in_place_of != Some(by) => Err(Taken { by }),
            (Command::Reserve { record, .. }, _) => Ok(vec![SuccessorEvent::SuccessorReserved { record: *record }]),
            (Command::Release(record), Some(by)) if by == *record => {
                Ok(vec![SuccessorEvent::SuccessorReleased { record: *record }])
            }
            (Command::Release(_), _) => Ok(vec![]),
        }
    }

    fn evolve(self, event: &SuccessorEvent) -> Successor {
        match event {
            SuccessorEvent::SuccessorReserved { record } => Successor { record: Some(*record) },
            SuccessorEvent::SuccessorReleased { record: _ } => Successor { record: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ONE: RecordId = RecordId(Uuid::from_u128(1));
    const OTHER: RecordId = RecordId(Uuid::from_u128(2));

    fn given(commands: &[Command]) -> Successor {
        commands.iter().fold(Successor::default(), |successor, command| {
            let happened = successor.decide(command).expect("permitted");
            happened.iter().fold(successor, Successor::evolve)
        })
    }

    fn reserve(record: RecordId) -> Command {
        Command::Reserve { record, in_place_of: None }
    }

    #[test]
    fn the_first_record_gets_the_place_and_keeps_it_until_it_is_released() {
        let reserved = given(&[reserve(ONE)]);
        assert_eq!(reserved.decide(&reserve(OTHER)), Err(Taken { by: ONE }));
        assert_eq!(reserved.decide(&reserve(ONE)), Ok(vec![]), "the same request again");
        assert_eq!(given(&[reserve(ONE), Command::Release(ONE), reserve(OTHER)]).record, Some(OTHER));
    }

    #[test]
    fn a_reservation_that_was_left_over_is_taken_over_by_who_names_it() {
        let take_over = |in_place_of| Command::Reserve { record: OTHER, in_place_of: Some(in_place_of) };
        assert_eq!(given(&[reserve(ONE), take_over(ONE)]).record, Some(OTHER));
        assert_eq!(given(&[reserve(ONE)]).decide(&take_over(OTHER)), Err(Taken { by: ONE }));
    }

    #[test]
    fn a_record_that_does_not_have_the_place_cannot_release_it() {
        assert_eq!(given(&[reserve(ONE), Command::Release(OTHER)]).record, Some(ONE));
        assert_eq!(given(&[Command::Release(OTHER)]).record, None);
    }
}
