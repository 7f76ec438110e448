//! The queue of devices to wake: one push per device at a time, and one more afterwards for requests that arrive
//! meanwhile. Also tracks up to which position the log is settled.

use events::device::DeviceId;
use events::{EventId, Position};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use uuid::Uuid;

/// The cause of a push.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ask {
    pub cause: EventId,
    pub correlation: Uuid,
    /// The name of the effect.
    pub effect: &'static str,
}

#[derive(Default)]
pub(crate) struct Line {
    devices: HashMap<DeviceId, Place>,
    ready: VecDeque<DeviceId>,
    /// Facts whose effect is not done yet, each with the position that was read before it.
    unsettled: BTreeMap<Position, Option<Position>>,
    read_to: Option<Position>,
}

#[derive(Default)]
struct Place {
    under_way: bool,
    /// Facts that the current push serves.
    covers: Vec<Position>,
    next: Option<Ask>,
    next_covers: Vec<Position>,
}

impl Line {
    pub(crate) fn new(read_to: Option<Position>) -> Line {
        Line { read_to, ..Line::default() }
    }

    /// Records that the log was read up to this position.
    pub(crate) fn read(&mut self, to: Position) {
        self.read_to = Some(to);
    }

    /// Requests a push for a fact at `position`. All waiting facts of a device share one push, caused by the newest
    /// fact.
    pub(crate) fn ask(&mut self, device: DeviceId, ask: Ask, position: Position) {
        self.unsettled.insert(position, self.read_to);
        self.read(position);
        let place = self.devices.entry(device).or_default();
        let waits = place.next.replace(ask).is_some();
        place.next_covers.push(position);
        if !place.under_way && !waits {
            self.ready.push_back(device);
        }
    }

    /// Requests a push again for a fact that was set aside. Its position is already settled, so it does not hold back
    /// the checkpoint.
    pub(crate) fn ask_again(&mut self, device: DeviceId, ask: Ask, position: Position) {
        let place = self.devices.entry(device).or_default();
        place.next_covers.push(position);
        let waits = place.next.is_some();
        place.next.get_or_insert(ask);
        if !place.under_way && !waits {
            self.ready.push_back(device);
        }
    }

    /// Requests a push for the timer. Does nothing if the device already has a push pending or running.
    pub(crate) fn remind(&mut self, device: DeviceId, ask: Ask) {
        if let Entry::Vacant(place) = self.devices.entry(device) {
            place.insert(Place { next: Some(ask), ..Place::default() });
            self.ready.push_back(device);
        }
    }

    /// Starts the next push.
    pub(crate) fn start(&mut self) -> Option<(DeviceId, Ask)> {
        let device = self.ready.pop_front()?;
        let place = self.devices.get_mut(&device)?;
        place.under_way = true;
        place.covers = std::mem::take(&mut place.next_covers);
        Some((device, place.next.take()?))
    }

    /// Facts that the current push serves.
    pub(crate) fn covered(&self, device: DeviceId) -> Vec<Position> {
        self.devices.get(&device).map(|place| place.covers.clone()).unwrap_or_default()
    }

    /// Ends the current push of a device. Returns the facts that it served.
    pub(crate) fn done(&mut self, device: DeviceId) -> Vec<Position> {
        let Some(place) = self.devices.get_mut(&device) else { return Vec::new() };
        let covered = std::mem::take(&mut place.covers);
        for position in &covered {
            self.unsettled.remove(position);
        }
        place.under_way = false;
        if place.next.is_some() {
            self.ready.push_back(device);
        } else {
            self.devices.remove(&device);
        }
        covered
    }

    /// Returns the position up to which every effect is done. A restart after a crash begins here.
    pub(crate) fn settled_to(&self) -> Option<Position> {
        self.unsettled.first_key_value().map_or(self.read_to, |(_, before)| *before)
    }

    /// Returns the number of facts that wait for their effect.
    pub(crate) fn waiting(&self) -> usize {
        self.unsettled.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: DeviceId = DeviceId(Uuid::from_u128(1));
    const B: DeviceId = DeviceId(Uuid::from_u128(2));

    fn ask(n: u64) -> Ask {
        Ask { cause: EventId(Uuid::from_u128(u128::from(n))), correlation: Uuid::nil(), effect: "push" }
    }

    fn asked(line: &mut Line, device: DeviceId, n: u64) {
        line.ask(device, ask(n), Position(n));
    }

    #[test]
    fn several_facts_of_a_device_are_one_push_caused_by_the_newest() {
        let mut line = Line::default();
        for n in [10, 20, 30] {
            asked(&mut line, A, n);
        }
        assert_eq!(line.start(), Some((A, ask(30))));
        assert_eq!(line.start(), None);
        line.done(A);
        assert_eq!((line.settled_to(), line.waiting()), (Some(Position(30)), 0));
    }

    #[test]
    fn what_is_asked_for_while_a_push_is_on_its_way_is_one_more_afterwards() {
        let mut line = Line::default();
        asked(&mut line, A, 10);
        line.start().unwrap();
        for n in [20, 30, 40] {
            asked(&mut line, A, n);
            assert_eq!(line.start(), None, "one push at a time");
        }
        line.done(A);
        assert_eq!(line.start(), Some((A, ask(40))));
        line.done(A);
        assert_eq!(line.start(), None);
    }

    #[test]
    fn devices_do_not_wait_for_each_other_and_the_log_is_settled_up_to_the_slowest() {
        let mut line = Line::new(Some(Position(5)));
        asked(&mut line, A, 10);
        line.read(Position(15));
        asked(&mut line, B, 20);
        line.read(Position(30));
        assert_eq!((line.start().unwrap().0, line.start().unwrap().0), (A, B));
        assert_eq!(line.settled_to(), Some(Position(5)));
        line.done(B);
        assert_eq!(line.settled_to(), Some(Position(5)), "device A has not finished");
        line.done(A);
        assert_eq!(line.settled_to(), Some(Position(30)));
    }

    #[test]
    fn a_reminder_wakes_only_who_has_no_push_coming_and_holds_no_position() {
        let mut line = Line::new(Some(Position(5)));
        line.remind(A, ask(1));
        line.remind(A, ask(2));
        assert_eq!(line.settled_to(), Some(Position(5)));
        assert_eq!(line.start(), Some((A, ask(1))));
        line.remind(A, ask(3));
        asked(&mut line, A, 10);
        line.done(A);
        assert_eq!(line.start(), Some((A, ask(10))));
    }

    #[test]
    fn what_was_set_aside_asks_again_for_one_push_and_holds_no_position() {
        let mut line = Line::new(Some(Position(40)));
        for n in [30, 20] {
            line.ask_again(A, ask(n), Position(n));
        }
        assert_eq!(line.settled_to(), Some(Position(40)));
        assert_eq!(line.start(), Some((A, ask(30))));
        assert_eq!(line.covered(A), [Position(30), Position(20)]);
        asked(&mut line, A, 50);
        assert_eq!(line.done(A), [Position(30), Position(20)]);
        assert_eq!((line.start(), line.settled_to()), (Some((A, ask(50))), Some(Position(40))));
    }

    #[test]
    fn a_reminder_that_waits_gives_way_to_a_fact() {
        let mut line = Line::default();
        line.remind(A, ask(1));
        asked(&mut line, A, 10);
        assert_eq!(line.start(), Some((A, ask(10))));
        line.done(A);
        assert_eq!((line.start(), line.settled_to()), (None, Some(Position(10))));
    }
}
