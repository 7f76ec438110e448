//! New phones: what is bought, what becomes of the old phone, and which phone the invitation reaches.

use crate::calendar::{DAY, HOUR, MINUTE};
use crate::device::Property;
use crate::enrolling::{Invite, Plan};
use crate::model::Model;
use crate::stage::{Ending, Spare, Stage};
use crate::truth::Story;

/// What becomes of a replaced phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    TradedIn,
    PassedOn,
    Removed,
    /// Switched off for good, still managed.
    Kept,
}

impl Stage<'_> {
    /// A new phone takes the place of a managed one.
    pub(crate) fn replace(&mut self, member: usize, old: usize, story: Story, time: i64) {
        let property = self.units[old].device.property;
        let new = self.buy(member, old, story == Story::NewPhoneSameModel, property, time);
        let mut at = time + self.draw.delay(3 * HOUR).min(8 * DAY);
        let mut invite = self.invite_new(member, new, at);
        match story {
            Story::LostPhone => {
                let lost = (time - self.draw.between(DAY, 5 * DAY)).max(self.units[old].written + MINUTE);
                self.switch_off(old, lost, i64::MAX);
            }
            Story::OldPhoneInDrawer => self.put_in_drawer(old, time),
            _ if self.draw.chance(self.shape.leaving.leaves_after) => {
                at = at.max(time + 2 * HOUR);
                invite = self.old_phone_opens(member, old, at).unwrap_or(invite);
                let leaves = at + self.draw.between(HOUR, 9 * DAY);
                self.discard(old, leaves);
            }
            _ => self.discard(old, time),
        }
        self.take_away(old);
        self.enroll(Plan::new(member, new, at, story).invited(invite));
    }

    /// A second phone in addition. The first one stays where it is.
    pub(crate) fn add_phone(&mut self, member: usize, first: usize, time: i64) {
        let new = self.buy(member, first, false, Property::Personal, time);
        let at = time + self.draw.delay(2 * HOUR).min(5 * DAY);
        let invite = self.old_phone_opens(member, first, at);
        let invite = invite.unwrap_or_else(|| self.invite_new(member, new, at));
        self.enroll(Plan::new(member, new, at, Story::SecondPhone).invited(invite));
    }

    /// The first phone of a member.
    pub(crate) fn first_phone(&mut self, member: usize, story: Story, property: Property, time: i64) {
        let model = Model::bought(crate::Family::Phone, time, &mut self.draw);
        let bought = (time - self.draw.between(0, 600 * DAY)).max(model.released);
        let new = self.add_unit(member, model, property, bought);
        let at = time + self.draw.delay(3 * HOUR).min(8 * DAY);
        let technician = match story {
            Story::FirstPhone => self.helping_technician(member, self.shape.migration.technician_first),
            _ => None,
        };
        let plan = match technician {
            Some(_) => Plan { technician, ..Plan::new(member, new, at, Story::TechnicianForOtherNew) },
            None => Plan::new(member, new, at, story).invited(self.invite_new(member, new, at)),
        };
        self.enroll(plan);
    }

    /// A phone of another model for a member whose old phone went to a colleague.
    pub(crate) fn buy_after_giving(&mut self, member: usize, old: usize, time: i64) {
        let new = self.buy(member, old, false, Property::Personal, time);
        let at = time + self.draw.delay(3 * HOUR).min(8 * DAY);
        let invite = self.invite_new(member, new, at);
        self.enroll(Plan::new(member, new, at, Story::NewPhone).invited(invite));
    }

    /// The technician of the team, if a member gets help, which has this probability.
    pub(crate) fn helping_technician(&mut self, member: usize, probability: f64) -> Option<usize> {
        let technician = self.technician().filter(|technician| *technician != member);
        technician.filter(|_| self.draw.chance(probability))
    }

    /// The device-bound link is opened on the old phone, then a phone of the same model is enrolled with its code.
    pub(crate) fn link_then_other(&mut self, member: usize, old: usize, time: i64) {
        let Some(delivery) = self.bound_delivery(old, time) else {
            return self.replace(member, old, Story::NewPhoneSameModel, time);
        };
        let new = self.buy(member, old, true, Property::Personal, time);
        let at = time + self.draw.delay(25 * MINUTE).clamp(5 * MINUTE, 10 * HOUR);
        let invite = Invite::Page { to: member, delivery, on: Some(old), opened: time };
        // Some follow the page on the old phone and remove the profile before they take the new phone.
        let leaves = if self.draw.chance(0.5) { time + 3 * MINUTE } else { at + self.draw.between(HOUR, 9 * DAY) };
        self.discard(old, leaves);
        self.take_away(old);
        let other_signs_in = self.draw.chance(0.6);
        let plan = Plan::new(member, new, at, Story::LinkOpenedOtherEnrolled).invited(invite);
        self.enroll(Plan { other_signs_in, ..plan });
    }

    /// A new phone of the same model as the old one, or of another.
    fn buy(&mut self, member: usize, old: usize, same_model: bool, property: Property, time: i64) -> usize {
        let before = self.units[old].device.model;
        let mut model = before;
        while !same_model && model == before {
            model = Model::bought(before.family, time, &mut self.draw);
        }
        let bought = time - self.draw.between(HOUR, 3 * DAY);
        self.add_unit(member, model, property, bought)
    }

    fn put_in_drawer(&mut self, old: usize, time: i64) {
        let from = (time - self.draw.between(0, 3 * DAY)).max(self.units[old].written + MINUTE);
        let end = self.shape.calendar.end;
        let until = (time + self.draw.between(25 * DAY, 120 * DAY)).min(end - 5 * DAY);
        self.switch_off(old, from, until);
        self.units[old].written = until;
        // Some are cleaned up after they were found again.
        if self.draw.chance(0.3) {
            let leaves = until + self.draw.between(HOUR, 4 * DAY);
            self.end(old, leaves, Ending::Removed);
        }
    }

    /// The old phone leaves its person at an instant.
    pub(crate) fn discard(&mut self, old: usize, time: i64) {
        let rates = &self.shape.leaving;
        let rest = 1.0 - rates.traded_in - rates.passed_on - rates.removed;
        let fate = self.draw.choose(&[
            (rates.traded_in, Fate::TradedIn),
            (rates.passed_on, Fate::PassedOn),
            (rates.removed, Fate::Removed),
            (rest, Fate::Kept),
        ]);
        match fate {
            Fate::TradedIn => self.end(old, time, Ending::Erased),
            Fate::PassedOn => {
                self.end(old, time, Ending::Erased);
                let story = if self.units[old].device.property == Property::Organization {
                    Story::LeaverPhoneReissued
                } else {
                    Story::HandMeDown
                };
                self.shelf.push(Spare { unit: old, from: time + DAY, story });
            }
            Fate::Removed => self.end(old, time, Ending::Removed),
            Fate::Kept => self.switch_off(old, time, i64::MAX),
        }
    }
}
