//! People who join, are renamed, leave and return.

use crate::calendar::{DAY, HOUR};
use crate::device::Property;
use crate::enrolling::Plan;
use crate::happening::What;
use crate::names;
use crate::person::Account;
use crate::stage::{Ending, Spare, Stage};
use crate::truth::Story;

impl Stage<'_> {
    /// A new colleague enrolls the first phone.
    pub(crate) fn join(&mut self, member: usize, time: i64) {
        let Some(time) = self.start(member, &[], time).filter(|_| !self.members[member].is_away) else {
            return;
        };
        let takes_spare = self.draw.chance(0.5);
        if self.draw.chance(self.shape.device.none) || (takes_spare && self.take_from_shelf(member, None, time)) {
            return;
        }
        let is_organizations = self.draw.chance(self.shape.device.organization);
        let property = if is_organizations { Property::Organization } else { Property::Personal };
        self.first_phone(member, Story::FirstPhone, property, time);
    }

    /// A person gets another family name.
    pub(crate) fn rename(&mut self, member: usize, time: i64) {
        let Some(time) = self.start(member, &[], time).filter(|_| !self.members[member].is_away) else {
            return;
        };
        let person = &self.members[member].person;
        let (number, account, before) = (person.id.0, person.account().id, person.account().names.clone());
        let family_name = names::family_name(&mut self.draw);
        let mut after = names::of_person(&self.members[member].first_name, &family_name, number);
        if !self.draw.chance(self.shape.person.user_name_changes) {
            after.user_name = before.user_name.clone();
        }
        if after == before {
            return;
        }
        self.rename_in_old_product(&before, &after, time);
        let names = after.clone();
        self.members[member].person.accounts.push(Account { id: account, from: time, names });
        self.members[member].written = time;
        self.say(time, What::PersonRenamed { account, before, after });
    }

    fn rename_in_old_product(&mut self, before: &crate::Names, after: &crate::Names, time: i64) {
        for record in self.records.iter_mut().filter(|record| record.owner.as_ref() == Some(before)) {
            if !self.draw.chance(self.shape.record.keeps_old_name) {
                record.renamed = Some((time + 5 * DAY, after.clone()));
            }
        }
    }

    /// A person leaves. Phones of the organization are erased and go to the next person.
    pub(crate) fn leave(&mut self, member: usize, time: i64) {
        let units = self.members[member].units.clone();
        let Some(time) = self.start(member, &units, time) else {
            return;
        };
        for unit in units {
            let is_organizations = self.units[unit].device.property == Property::Organization;
            if is_organizations {
                self.end(unit, time, Ending::Erased);
                self.take_away(unit);
                if self.draw.chance(self.shape.leaving.reissued) {
                    self.shelf.push(Spare { unit, from: time + DAY, story: Story::LeaverPhoneReissued });
                }
            } else if self.draw.chance(self.shape.leaving.unmanaged) && !self.units[unit].is_off(time) {
                self.end(unit, time, Ending::Removed);
            }
        }
        let left = &mut self.members[member];
        left.is_away = true;
        left.person.left = Some(time);
        left.written = time;
        let account = left.person.account().id;
        self.say(time, What::AccountClosed { account });
    }

    /// A person returns, with the same account or a new one, and with the phone of before or a new one.
    pub(crate) fn come_back(&mut self, member: usize, time: i64) {
        let Some(time) = self.start(member, &[], time).filter(|_| self.members[member].is_away) else {
            return;
        };
        let is_new = self.draw.chance(self.shape.person.new_account);
        let person = &mut self.members[member].person;
        let mut account = person.account().clone();
        account.from = time;
        if is_new {
            account.id = self.numbers.accounts.next();
            self.truth.accounts.insert(account.id, person.id);
        }
        person.accounts.push(account.clone());
        person.returned = Some(time);
        self.members[member].is_away = false;
        self.members[member].written = time;
        self.say(time, What::AccountOpened { account: account.id, names: account.names });
        let units = self.members[member].units.clone();
        let Some(from) = self.start(member, &units, time + HOUR) else {
            return;
        };
        if from < self.shape.calendar.user_enrollment {
            self.return_to_old_product(member, &units, from);
        } else {
            self.enroll_returner(member, &units, from);
        }
    }

    /// Before Muster, a returner gets a second record in the old product for the phone of before.
    fn return_to_old_product(&mut self, member: usize, units: &[usize], time: i64) {
        let is_free = |unit: &&usize| self.units[**unit].managed().is_none() && !self.units[**unit].is_off(time);
        if let Some(unit) = units.iter().find(is_free).copied() {
            let owner = self.owner_in_old_product(member, time);
            self.enroll_in_old_product(unit, time, owner);
        }
    }

    fn enroll_returner(&mut self, member: usize, units: &[usize], from: i64) {
        let at = from + self.draw.delay(DAY).min(8 * DAY);
        let phones = units.iter().copied().filter(|unit| !self.units[*unit].is_off(at));
        let phone = phones.min_by_key(|unit| self.units[*unit].family());
        match phone.filter(|_| self.draw.chance(self.shape.leaving.same_phone)) {
            Some(phone) => {
                // The administrator of the old management, or the person, has removed it by now.
                self.end(phone, at - HOUR / 2, Ending::Removed);
                let invite = self.invite_new(member, phone, at);
                self.enroll(Plan::new(member, phone, at, Story::ReturnerSamePhone).invited(invite));
            }
            None if units.is_empty() => self.first_phone(member, Story::ReturnerNewPhone, Property::Personal, from),
            None => {
                for unit in units {
                    self.discard(*unit, from);
                    self.take_away(*unit);
                }
                self.first_phone(member, Story::ReturnerNewPhone, Property::Personal, from);
            }
        }
    }
}
