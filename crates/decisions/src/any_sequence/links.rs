//! Property test of links between several records and several enrollments: whatever is proposed, decided, undone or
//! interrupted, no circle of successors exists, and undo restores exactly.

use super::*;
use crate::link;
use events::Position;
use events::record::RecordId;
use std::collections::BTreeMap;

/// The enrollments: each was opened at the position of its number.
const DEVICES: u64 = 4;

/// The records of other products, each with its source.
const IMPORTED: [(u128, &str); 3] = [(101, "Jamf Pro"), (102, "Jamf Pro"), (103, "Intune")];

#[derive(Debug, Clone, Copy)]
enum Act {
    Propose {
        band: usize,
    },
    Confirm,
    /// The process stops after the reservation.
    ConfirmInPart,
    Reject,
    Undo,
    /// The process stops before the reservation is released.
    UndoInPart,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..4usize).prop_map(|band| Act::Propose { band }),
        3 => Just(Act::Confirm),
        1 => Just(Act::ConfirmInPart),
        1 => Just(Act::Reject),
        2 => Just(Act::Undo),
        1 => Just(Act::UndoInPart),
    ]
}

/// The number of a record: first the enrollments, then the records of other products.
fn step() -> impl Strategy<Value = (usize, u64, Act)> {
    (0..DEVICES as usize + IMPORTED.len(), 0..DEVICES, act())
}

fn device(opened: u64) -> DeviceId {
    DeviceId(Uuid::from_u128(u128::from(opened)))
}

/// The streams that the steps write, as the service of re-enrollment writes them.
#[derive(Debug, Clone, Default, PartialEq)]
struct Streams {
    records: BTreeMap<RecordId, Record>,
    places: BTreeMap<(DeviceId, &'static str), Successor>,
}

/// A record with its source, and when it was opened if it is an enrollment of this installation.
#[derive(Clone, Copy)]
struct Earlier {
    id: RecordId,
    source: &'static str,
    opened: Option<Position>,
}

fn earlier(nth: usize) -> Earlier {
    match IMPORTED.get(nth.wrapping_sub(DEVICES as usize)) {
        Some((id, source)) => Earlier { id: RecordId(Uuid::from_u128(*id)), source, opened: None },
        None => {
            let opened = nth as u64;
            Earlier { id: RecordId::of_device(device(opened)), source: "", opened: Some(Position(opened)) }
        }
    }
}

impl Streams {
    fn perform(&mut self, record: RecordId, command: &record::Command) -> bool {
        let state = self.records.remove(&record).unwrap_or_default();
        let decided = state.decide(command);
        let next = decided.iter().flatten().fold(state, Record::evolve);
        self.records.insert(record, next);
        decided.is_ok()
    }

    fn place(&mut self, at: (DeviceId, &'static str), command: &successor::Command) -> Result<(), successor::Taken> {
        let state = self.places.remove(&at).unwrap_or_default();
        let decided = state.decide(command);
        let next = decided.iter().flatten().fold(state, Successor::evolve);
        self.places.insert(at, next);
        decided.map(drop)
    }

    // A place whose record is not confirmed is left over: somebody else may take it.
    fn reserve(&mut self, record: RecordId, at: (DeviceId, &'static str)) -> bool {
        let reserve = |in_place_of| successor::Command::Reserve { record, in_place_of };
        match self.place(at, &reserve(None)) {
            Ok(()) => true,
            Err(taken) if self.records.get(&taken.by).and_then(Record::successor) != Some(at.0) => {
                self.place(at, &reserve(Some(taken.by))).is_ok()
            }
            Err(_) => false,
        }
    }

    fn act(&mut self, Earlier { id, source, opened }: Earlier, new: u64, act: Act) {
        let (successor, at) = (device(new), (device(new), source));
        match act {
            Act::Propose { band } => {
                if opened.is_none_or(|opened| link::may_precede(opened, Position(new))) {
                    self.perform(id, &record::Command::ProposeLink { successor, weight: weight(band) });
                }
            }
            Act::Confirm | Act::ConfirmInPart => {
                let confirm = record::Command::ConfirmLink { successor };
                let known = self.records.get(&id).cloned().unwrap_or_default();
                if known.decide(&confirm).is_err() || !self.reserve(id, at) || matches!(act, Act::ConfirmInPart) {
                    return;
                }
                assert!(self.perform(id, &confirm), "it was permitted before the reservation");
            }
            Act::Reject => {
                self.perform(id, &record::Command::RejectLink { successor });
            }
            Act::Undo | Act::UndoInPart => {
                let is_undone = self.perform(id, &record::Command::UndoLink { successor });
                if is_undone && matches!(act, Act::Undo) {
                    self.place(at, &successor::Command::Release(id)).expect("a release is never refused");
                }
            }
        }
    }

    fn successor(&self, record: RecordId) -> Option<DeviceId> {
        self.records.get(&record).and_then(Record::successor)
    }

    // Follows the successors of each enrollment. More steps than there are enrollments are a circle.
    fn has_circle(&self) -> bool {
        (0..DEVICES).map(device).any(|first| {
            let next = |id: &DeviceId| self.successor(RecordId::of_device(*id));
            std::iter::successors(Some(first), next).take(DEVICES as usize + 1).count() > DEVICES as usize
        })
    }

    fn assert_one_in_each_source(&self) {
        let mut places = BTreeSet::new();
        for earlier in (0..DEVICES as usize + IMPORTED.len()).map(earlier) {
            let confirmed = |link: &&record::Link| link.decision == LinkDecision::Confirmed;
            let count =
                self.records.get(&earlier.id).map_or(0, |record| record.links.values().filter(confirmed).count());
            assert!(count <= 1, "a record has one successor");
            if let Some(successor) = self.successor(earlier.id) {
                assert!(places.insert((successor, earlier.source)), "one record of each source");
            }
        }
    }
}

proptest! {
    #[test]
    fn of_links_between_enrollments_and_records(steps in vec(step(), 0..80), last in step()) {
        let mut streams = Streams::default();
        for (nth, new, act) in steps {
            streams.act(earlier(nth), new, act);
            assert!(!streams.has_circle(), "a circle of successors: {streams:?}");
            streams.assert_one_in_each_source();
        }
        let (nth, new, _) = last;
        let before = streams.clone();
        streams.act(earlier(nth), new, Act::Confirm);
        if streams.successor(earlier(nth).id) != before.successor(earlier(nth).id) {
            streams.act(earlier(nth), new, Act::Undo);
            let shown = |records: BTreeMap<RecordId, Record>| {
                records.into_iter().map(|(id, record)| (id, record.never_undone())).collect::<BTreeMap<_, _>>()
            };
            assert_eq!(shown(streams.records), shown(before.records), "undo restores exactly");
        }
    }
}
