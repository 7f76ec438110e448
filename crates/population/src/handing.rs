//! Phones that change hands within a team: hand-me-downs, phones that are handed on managed, twins, loaners.

use crate::calendar::{DAY, HOUR};
use crate::device::Property;
use crate::enrolling::Plan;
use crate::model::{Family, Model};
use crate::stage::{Act, Ending, Stage};
use crate::truth::Story;

impl Stage<'_> {
    /// A member takes an erased phone from the shelf, in place of an old one if there is any. Returns whether one was
    /// there.
    pub(crate) fn take_from_shelf(&mut self, member: usize, old: Option<usize>, time: i64) -> bool {
        let is_suitable = |spare: &crate::stage::Spare| {
            let unit = &self.units[spare.unit];
            spare.from < time && unit.holder_at(time) != member && unit.family() == Family::Phone
        };
        let Some(index) = self.shelf.iter().position(is_suitable) else {
            return false;
        };
        let spare = self.shelf.remove(index);
        if let Some(old) = old {
            self.discard(old, time);
            self.take_away(old);
        }
        self.give(spare.unit, member, time);
        let at = time + self.draw.delay(3 * HOUR).min(8 * DAY);
        let invite = self.invite_new(member, spare.unit, at);
        self.enroll(Plan::new(member, spare.unit, at, spare.story).invited(invite));
        true
    }

    /// A member gets a new phone and gives the old one to a colleague without erasing it. Returns whether there is a
    /// colleague.
    pub(crate) fn hand_on_managed(&mut self, member: usize, old: usize, time: i64) -> bool {
        let Some(colleague) = self.colleague(&[member], time) else {
            return false;
        };
        self.give(old, colleague, time);
        self.units[old].handed_on_managed = true;
        self.units[old].written = time;
        self.buy_after_giving(member, old, time);
        let later = time + self.draw.between(20 * DAY, 90 * DAY);
        self.plan(later, Act::Follow(colleague, old));
        true
    }

    /// A member with two phones of the same model erases both, gives them to two colleagues and gets a new phone.
    /// Returns whether that happened.
    pub(crate) fn gives_twins_away(&mut self, member: usize, units: &[usize], time: i64) -> bool {
        let [first, second, ..] = units else {
            return false;
        };
        let is_same = self.units[*first].device.model == self.units[*second].device.model;
        if !is_same || !self.draw.chance(self.shape.migration.twins_given_away) {
            return false;
        }
        let Some(one) = self.colleague(&[member], time) else {
            return false;
        };
        let Some(other) = self.colleague(&[member, one], time) else {
            return false;
        };
        for (unit, colleague) in [(*first, one), (*second, other)] {
            self.end(unit, time, Ending::Erased);
            self.give(unit, colleague, time + HOUR);
            let at = time + self.draw.between(2 * HOUR, 6 * DAY);
            let invite = self.invite_new(colleague, unit, at);
            self.enroll(Plan::new(colleague, unit, at, Story::TwinsGivenAway).invited(invite));
        }
        self.buy_after_giving(member, *first, time);
        true
    }

    /// The loaner of the team, which the technician keeps: enrolled in the old product under the technician.
    pub(crate) fn add_loaner(&mut self, technician: usize) {
        let calendar = &self.shape.calendar;
        let enrolled = self.draw.between(calendar.start + DAY, calendar.user_enrollment - 30 * DAY);
        let model = Model::bought(Family::Phone, enrolled, &mut self.draw);
        let unit = self.add_unit(technician, model, Property::Personal, enrolled - DAY);
        let owner = self.members[technician].person.account().names.clone();
        self.enroll_in_old_product(unit, enrolled, Some(owner));
        self.take_away(unit);
        self.loaner = Some(unit);
    }

    /// A member uses the loaner for some weeks, while the own phone is in repair. Returns whether it is free.
    pub(crate) fn borrow_loaner(&mut self, member: usize, own: usize, time: i64) -> bool {
        let latest = self.shape.calendar.end - 2 * DAY;
        let Some(loaner) = self.loaner.filter(|loaner| self.units[*loaner].written + HOUR < time) else {
            return false;
        };
        let Some(technician) = self.technician().filter(|technician| *technician != member) else {
            return false;
        };
        let back = (time + self.draw.between(14 * DAY, 45 * DAY)).min(latest);
        self.switch_off(own, time, back);
        self.end(loaner, time, Ending::Erased);
        self.give(loaner, member, time + HOUR / 2);
        let at = time + HOUR + self.draw.delay(HOUR).min(DAY);
        let invite = self.invite_new(member, loaner, at);
        self.enroll(Plan::new(member, loaner, at, Story::Loaner).invited(invite));
        self.end(loaner, back, Ending::Erased);
        self.take_away(loaner);
        self.units[loaner].holders.push((back + HOUR, technician));
        self.units[own].written = back;
        self.members[member].written = back;
        true
    }
}
