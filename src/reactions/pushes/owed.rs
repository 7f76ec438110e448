//! Decides from a device's stream alone whether a push is still to be sent. So a crash repeats only pushes whose
//! outcome is not in the log.

use decisions::Aggregate;
use decisions::device::{CommandState, Device};
use events::device::{DeviceEvent, PushAddress};
use events::log::Entry;
use events::{Event, EventId, Timestamp};

/// A push that is still to be sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Owed {
    pub to: PushAddress,
    /// When the device sent this push address.
    pub told_at: Timestamp,
    pub topic: String,
    /// Number of NotNow answers of the device.
    pub put_offs: u64,
}

/// Returns the push that the event `cause` of this stream still needs; `None` if it needs none.
///
/// A push serves everything in the stream up to the event that caused it. The device may go back to sleep before it
/// sees a command that is queued while a push is being sent. So such a command needs a push of its own, unless the
/// device has already fetched it.
pub(crate) fn owed(stream: &[Entry], cause: EventId) -> Option<Owed> {
    let asked = stream.iter().position(|entry| entry.id == cause)?;
    let events = || stream.iter().filter_map(|entry| device_event(entry).map(|event| (entry, event)));
    let device = events().fold(Device::default(), |device, (_, event)| device.evolve(event));
    let since: Vec<EventId> = stream[asked..].iter().map(|entry| entry.id).collect();
    let is_done = events().any(|(entry, event)| {
        let is_outcome = matches!(event, DeviceEvent::DevicePushed { .. } | DeviceEvent::PushFailed { .. });
        is_outcome && entry.causation.is_some_and(|cause| since.contains(&cause))
    });
    let fetches_by_itself = matches!(device_event(&stream[asked])?, DeviceEvent::MdmCommandQueued { .. })
        && device.waiting().all(|command| command.status != CommandState::Queued);
    if is_done || fetches_by_itself || device.push_dead_since.is_some() || device.waiting().next().is_none() {
        return None;
    }
    let is_address = |event: &DeviceEvent| {
        matches!(event, DeviceEvent::DeviceEnrolled { .. } | DeviceEvent::PushTokenRenewed { .. })
    };
    let told_at = events().rfind(|(_, event)| is_address(event))?.0.at;
    Some(Owed { to: device.push?, told_at, topic: device.topic?, put_offs: device.put_offs })
}

fn device_event(entry: &Entry) -> Option<&DeviceEvent> {
    if let Event::Device(event) = &entry.event { Some(event) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::device::{BodyHash, CommandId, CommandPayload, CommandStatus, DeviceId, DeviceIdentifiers, Priority};
    use events::{Actor, ActorKind, KeyName, Personal, Position, Revision};
    use uuid::Uuid;

    const ID: DeviceId = DeviceId(Uuid::from_u128(1));

    /// A stream. Each event may name its cause by the number of an earlier event.
    struct Stream(Vec<Entry>);

    impl Stream {
        fn enrolled() -> Stream {
            Stream(vec![])
                .then(DeviceEvent::DeviceAuthenticated {
                    person: events::person::PersonId(Uuid::from_u128(2)),
                    identifiers: DeviceIdentifiers::UserEnrollment { enrollment_id: sealed("E1") },
                    certificate: "c".into(),
                    topic: "com.apple.mgmt.External.example".into(),
                    os_version: None,
                    build_version: None,
                    product_name: None,
                    body: BodyHash("a".into()),
                })
                .then(DeviceEvent::DeviceEnrolled { push: address("t1"), body: BodyHash("t1".into()) })
        }

        fn then(self, event: DeviceEvent) -> Stream {
            self.because_of(None, event)
        }

        fn because_of(mut self, cause: Option<usize>, event: DeviceEvent) -> Stream {
            let nth = self.0.len();
            self.0.push(Entry {
                stream: ID.stream(),
                revision: Revision(nth as u64),
                position: Position(nth as u64 + 1),
                leaf: [0; 32],
                id: id(nth),
                at: Timestamp(nth as i64 * 1_000_000),
                actor: Actor::new(ActorKind::System, "test"),
                source: None,
                correlation: Uuid::nil(),
                causation: cause.map(id),
                event: event.into(),
            });
            self
        }

        fn queued(self, n: u128) -> Stream {
            self.then(DeviceEvent::MdmCommandQueued {
                command: CommandId(Uuid::from_u128(n)),
                request_type: "SecurityInfo".into(),
                payload: CommandPayload::Plain(String::new()),
                unenrolls: false,
                priority: Priority::Normal,
                expires: None,
            })
        }

        fn owes(&self, nth: usize) -> bool {
            owed(&self.0, id(nth)).is_some()
        }
    }

    fn id(nth: usize) -> EventId {
        EventId(Uuid::from_u128(1_000 + nth as u128))
    }

    fn sealed(text: &str) -> Personal<String> {
        Personal::new(KeyName::of("device", Uuid::from_u128(1)), text.into())
    }

    fn address(token: &str) -> PushAddress {
        PushAddress { token: sealed(token), push_magic: sealed("magic"), unlock_token: None }
    }

    fn pushed() -> DeviceEvent {
        DeviceEvent::DevicePushed { apns_id: None, put_off_since: false }
    }

    fn failed(unregistered_since: Option<Timestamp>) -> DeviceEvent {
        DeviceEvent::PushFailed { status: None, reason: "x".into(), unregistered_since }
    }

    fn answered(n: u128, status: CommandStatus) -> DeviceEvent {
        DeviceEvent::MdmCommandAnswered {
            command: CommandId(Uuid::from_u128(n)),
            status,
            errors: vec![],
            rejection: None,
            body: BodyHash(format!("{n} {status:?}")),
        }
    }

    fn delivered(n: u128) -> DeviceEvent {
        DeviceEvent::MdmCommandDelivered { command: CommandId(Uuid::from_u128(n)) }
    }

    #[test]
    fn given_a_queued_command_then_a_push_is_owed_until_its_outcome_is_in_the_log() {
        let stream = Stream::enrolled().queued(1);
        let owed = owed(&stream.0, id(2)).expect("a push is due");
        assert_eq!((owed.to, owed.told_at), (address("t1"), Timestamp(1_000_000)));
        assert!(!Stream::enrolled().queued(1).because_of(Some(2), pushed()).owes(2));
        assert!(!Stream::enrolled().queued(1).because_of(Some(2), failed(None)).owes(2));
    }

    #[test]
    fn given_several_commands_then_one_push_for_the_newest_serves_them_all() {
        let stream = Stream::enrolled().queued(1).queued(2).queued(3).because_of(Some(4), pushed());
        assert!(!stream.owes(2) && !stream.owes(3) && !stream.owes(4));
    }

    #[test]
    fn given_a_command_queued_while_a_push_was_on_its_way_then_it_is_owed_one_of_its_own() {
        let stream = Stream::enrolled().queued(1).queued(2).because_of(Some(2), pushed());
        assert!(!stream.owes(2));
        assert!(stream.owes(3), "the device may have gone back to sleep before the command was queued");
        let fetched = stream.then(delivered(1)).then(delivered(2));
        assert!(!fetched.owes(3), "the device fetched the command");
    }

    #[test]
    fn given_something_put_off_while_a_push_was_on_its_way_then_the_timer_still_wakes_the_device_for_it() {
        let overtaken = DeviceEvent::DevicePushed { apns_id: None, put_off_since: true };
        let stream = Stream::enrolled()
            .queued(1)
            .then(delivered(1))
            .then(answered(1, CommandStatus::NotNow))
            .because_of(Some(2), overtaken);
        assert!(stream.owes(4));
        assert!(!stream.because_of(Some(4), pushed()).owes(4));
    }

    #[test]
    fn given_a_device_that_fetched_and_has_not_answered_then_only_a_new_token_or_the_timer_wakes_it() {
        let stream = Stream::enrolled().queued(1).then(delivered(1));
        assert!(!stream.owes(2));
        assert!(stream.owes(3), "the timer counts from the delivery");
        let renewed = DeviceEvent::PushTokenRenewed { push: address("t2"), body: BodyHash("t2".into()) };
        assert!(stream.then(renewed).owes(4));
    }

    #[test]
    fn given_a_dead_token_then_nothing_is_pushed_until_the_device_tells_one() {
        let stream = Stream::enrolled().queued(1).because_of(Some(2), failed(Some(Timestamp(5)))).queued(2);
        assert!(!stream.owes(4));
        let renewed = DeviceEvent::PushTokenRenewed { push: address("t2"), body: BodyHash("t2".into()) };
        assert!(stream.then(renewed).owes(5));
    }

    #[test]
    fn given_nothing_that_waits_or_an_end_then_nothing_is_owed() {
        let acknowledged = answered(1, CommandStatus::Acknowledged);
        assert!(!Stream::enrolled().queued(1).then(acknowledged).owes(2));
        let left = DeviceEvent::DeviceCheckedOut { body: BodyHash("y".into()) };
        assert!(!Stream::enrolled().queued(1).then(left).owes(2));
    }

    #[test]
    fn given_an_event_of_another_stream_then_nothing_is_owed() {
        assert!(!Stream::enrolled().queued(1).owes(99));
    }
}
