//! The state of a team while its history is generated, and the acts that every history consists of.

use crate::calendar::{DAY, HOUR};
use crate::device::{Device, Property, Unit, updates};
use crate::draw::Draw;
use crate::happening::{Happening, PushAnswer, What};
use crate::ids::{EnrollmentId, Numbers, OldRecord};
use crate::model::Model;
use crate::person::{Job, Person};
use crate::record::Record;
use crate::shape::Shape;
use crate::truth::{Story, Truth};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// A person of the team. Members are addressed by their index in [`Stage::members`].
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) person: Person,
    pub(crate) first_name: String,
    /// Indexes of the devices that this person has.
    pub(crate) units: Vec<usize>,
    /// Cannot sign in at present.
    pub(crate) is_away: bool,
    /// Has a record of a phone that was replaced before the migration.
    pub(crate) has_stale_record: bool,
    /// The instant until which the history of this person is written. No act of the person begins earlier.
    pub(crate) written: i64,
}

/// An erased phone that waits for its next person.
#[derive(Debug)]
pub(crate) struct Spare {
    pub(crate) unit: usize,
    /// From when it can be taken.
    pub(crate) from: i64,
    /// The story of the next enrollment.
    pub(crate) story: Story,
}

/// What the agenda of a team consists of. Numbers are indexes of members and of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    Join(usize),
    Rename(usize),
    Migrate(usize),
    /// A further device of a person is migrated.
    Follow(usize, usize),
    Later(usize, EnrollmentId),
    /// The technician's round through the devices of a shared account.
    Round(usize),
    Leave(usize),
    Return(usize),
}

/// How management is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The profile or the account is removed in Settings.
    Removed,
    /// The device is erased: it sends no `CheckOut`.
    Erased,
}

/// The state of a team.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    pub(crate) shape: &'a Shape,
    pub(crate) draw: Draw,
    pub(crate) members: Vec<Member>,
    pub(crate) units: Vec<Unit>,
    pub(crate) records: Vec<Record>,
    pub(crate) shelf: Vec<Spare>,
    pub(crate) loaner: Option<usize>,
    /// The member of whom Muster knows an enrollment.
    pub(crate) assigned: BTreeMap<EnrollmentId, usize>,
    pub(crate) happenings: Vec<Happening>,
    pub(crate) truth: Truth,
    pub(crate) numbers: TeamNumbers,
    agenda: BinaryHeap<Reverse<(i64, usize, Act)>>,
    /// Counts the entries of the agenda, so that acts of the same instant keep their order.
    planned: usize,
}

/// The numbers of a team.
#[derive(Debug)]
pub(crate) struct TeamNumbers {
    pub(crate) people: Numbers,
    pub(crate) accounts: Numbers,
    pub(crate) devices: Numbers,
    pub(crate) records: Numbers,
    pub(crate) enrollments: Numbers,
    pub(crate) invitations: Numbers,
    pub(crate) openings: Numbers,
    pub(crate) codes: Numbers,
}

impl TeamNumbers {
    fn of(team: u32) -> Self {
        let numbers = || Numbers::of(team);
        Self {
            people: numbers(),
            accounts: numbers(),
            devices: numbers(),
            records: numbers(),
            enrollments: numbers(),
            invitations: numbers(),
            openings: numbers(),
            codes: numbers(),
        }
    }
}

impl<'a> Stage<'a> {
    /// An empty team.
    pub(crate) fn new(shape: &'a Shape, seed: u64, team: u32) -> Self {
        Self {
            shape,
            draw: Draw::new(seed, team),
            members: Vec::new(),
            units: Vec::new(),
            records: Vec::new(),
            shelf: Vec::new(),
            loaner: None,
            assigned: BTreeMap::new(),
            happenings: Vec::new(),
            truth: Truth::default(),
            numbers: TeamNumbers::of(team),
            agenda: BinaryHeap::new(),
            planned: 0,
        }
    }

    /// Puts an act on the agenda, unless it is after the horizon.
    pub(crate) fn plan(&mut self, time: i64, act: Act) {
        if time < self.shape.calendar.last_start() {
            self.planned += 1;
            self.agenda.push(Reverse((time, self.planned, act)));
        }
    }

    /// The next act of the agenda.
    pub(crate) fn next_act(&mut self) -> Option<(i64, Act)> {
        self.agenda.pop().map(|Reverse((time, _, act))| (time, act))
    }

    /// Adds a happening, unless it is after the horizon.
    pub(crate) fn say(&mut self, time: i64, what: What) {
        if time < self.shape.calendar.end {
            self.happenings.push(Happening { time, what });
        }
    }

    /// Returns the first instant from `time` on at which nothing is written yet for a member and these devices. `None`
    /// if it is too late in the horizon.
    pub(crate) fn start(&self, member: usize, units: &[usize], time: i64) -> Option<i64> {
        let written = units.iter().map(|unit| self.units[*unit].written).max().unwrap_or(0);
        let start = time.max(written.max(self.members[member].written) + HOUR);
        (start < self.shape.calendar.last_start()).then_some(start)
    }

    /// A device that a member gets at an instant. It enters the team unmanaged.
    pub(crate) fn add_unit(&mut self, member: usize, model: &'static Model, property: Property, bought: i64) -> usize {
        let device = Device::draw(self.numbers.devices.next(), model, property, &mut self.draw);
        let rates = &self.shape.device;
        let updates = updates(model, bought, rates.holds_back, rates.never_updated, &mut self.draw);
        self.units.push(Unit {
            device,
            updates,
            managements: Vec::new(),
            holders: vec![(bought, member)],
            off: Vec::new(),
            written: bought,
            handed_on_managed: false,
        });
        let unit = self.units.len() - 1;
        self.members[member].units.push(unit);
        unit
    }

    /// Hands a device to a member.
    pub(crate) fn give(&mut self, unit: usize, to: usize, time: i64) {
        self.take_away(unit);
        self.units[unit].holders.push((time, to));
        self.members[to].units.push(unit);
    }

    /// The device no longer belongs to its member, who keeps being its last holder.
    pub(crate) fn take_away(&mut self, unit: usize) {
        for member in &mut self.members {
            member.units.retain(|held| *held != unit);
        }
    }

    /// The device is switched off or without network from an instant until before another.
    pub(crate) fn switch_off(&mut self, unit: usize, from: i64, until: i64) {
        self.units[unit].off.push((from, until));
        self.units[unit].written = self.units[unit].written.max(from);
    }

    /// Removes management from a device, if it has any, and lets the servers learn of it as they would.
    pub(crate) fn end(&mut self, unit: usize, time: i64, ending: Ending) {
        let phone = &mut self.units[unit];
        phone.written = phone.written.max(time);
        let Some(management) = phone.managements.last_mut().filter(|management| management.until.is_none()) else {
            return;
        };
        assert!(management.from < time, "management ends before it begins");
        management.until = Some(time);
        let record = management.record;
        match record {
            OldRecord::Exported(id) => {
                let learns = ending == Ending::Removed && self.draw.chance(self.shape.record.learns_removal);
                let deleted = self.draw.chance(self.shape.record.deleted).then(|| time + self.draw.delay(45 * DAY));
                if let Some(record) = self.records.iter_mut().find(|record| record.id == id) {
                    record.marked = learns.then_some(time);
                    record.deleted = deleted;
                }
            }
            OldRecord::Enrolled(enrollment) => self.leave_muster(enrollment, time, ending),
        }
    }

    /// What Muster learns of a device that left: `CheckOut`, or the answers of APNs to later pushes.
    fn leave_muster(&mut self, enrollment: EnrollmentId, time: i64, ending: Ending) {
        let rates = &self.shape.later;
        if ending == Ending::Removed && self.draw.chance(rates.check_out) {
            let is_late = self.draw.chance(rates.check_out_late);
            let delay = if is_late { self.draw.between(HOUR, 2 * DAY) } else { 0 };
            self.say(time + delay, What::CheckedOut { enrollment });
            return;
        }
        // APNs learns that a token is gone when it cannot deliver a push; some tokens are never reported.
        let first_push = time + self.draw.delay(2 * DAY).min(20 * DAY);
        let is_reported = self.draw.chance(rates.gone);
        let pushes = self.draw.below(3) as i64;
        for push in 0..pushes {
            let answer = PushAnswer::Accepted;
            self.say(first_push + push * 7 * DAY, What::PushAnswered { enrollment, answer });
        }
        let answer = if is_reported { PushAnswer::Gone } else { PushAnswer::Accepted };
        self.say(first_push + pushes * 7 * DAY, What::PushAnswered { enrollment, answer });
    }

    /// The devices of a member that are managed.
    pub(crate) fn managed_units(&self, member: usize) -> Vec<usize> {
        let held = self.members[member].units.iter().copied();
        held.filter(|unit| self.units[*unit].managed().is_some()).collect()
    }

    pub(crate) fn technician(&self) -> Option<usize> {
        self.members.iter().position(|member| member.person.job == Job::Technician)
    }

    /// An employee other than these who can sign in at an instant and whose history is not written beyond it.
    pub(crate) fn colleague(&mut self, except: &[usize], time: i64) -> Option<usize> {
        let is_suitable = |index: usize, member: &Member| {
            let is_there = member.person.joined < time && !member.is_away && member.written < time;
            member.person.job == Job::Employee && is_there && !except.contains(&index)
        };
        let others = self.members.iter().enumerate().filter(|(index, member)| is_suitable(*index, member));
        let others: Vec<_> = others.map(|(index, _)| index).collect();
        (!others.is_empty()).then(|| *self.draw.pick(&others))
    }
}
