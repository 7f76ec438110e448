//! The members of a team, and their devices before the migration.

use crate::calendar::{DAY, HOUR};
use crate::device::Property;
use crate::enrolling::Plan;
use crate::happening::What;
use crate::model::{Family, Model};
use crate::names;
use crate::person::{Account, Job, Names, Person};
use crate::stage::{Act, Ending, Member, Stage};
use crate::truth::Story;

impl Stage<'_> {
    /// Adds the members of the team with their careers.
    pub(crate) fn add_members(&mut self, count: u32) {
        let rates = &self.shape.person;
        let has_technician = self.draw.chance(rates.technician);
        let has_shared_account = self.draw.chance(rates.shared_account);
        for index in 0..count {
            let job = match index {
                0 if has_technician => Job::Technician,
                1 if has_shared_account => Job::SharedAccount,
                _ => Job::Employee,
            };
            self.add_member(job);
        }
    }

    fn add_member(&mut self, job: Job) {
        let (rates, calendar) = (&self.shape.person, &self.shape.calendar);
        let id: crate::PersonId = self.numbers.people.next();
        let is_employee = job == Job::Employee;
        let joined = if is_employee && self.draw.chance(rates.joined_late) {
            self.draw.between(calendar.start, calendar.migrated)
        } else {
            calendar.start - self.draw.between(30 * DAY, 3000 * DAY)
        };
        let first_name = names::first_name(rates.double_first_name, &mut self.draw);
        let names = match job {
            Job::SharedAccount => names::of_shared_account(id.0, &mut self.draw),
            Job::Employee | Job::Technician => names::of_person(&first_name, &names::family_name(&mut self.draw), id.0),
        };
        let account = Account { id: self.numbers.accounts.next(), from: joined.max(calendar.start), names };
        self.truth.accounts.insert(account.id, id);
        let opened = What::AccountOpened { account: account.id, names: account.names.clone() };
        self.say(account.from, opened);
        let person = Person { id, job, accounts: vec![account], joined, left: None, returned: None };
        self.members.push(Member {
            person,
            first_name,
            units: Vec::new(),
            is_away: false,
            has_stale_record: false,
            written: joined,
        });
        if is_employee {
            self.plan_career(self.members.len() - 1);
        }
    }

    fn plan_career(&mut self, member: usize) {
        let (rates, calendar) = (&self.shape.person, &self.shape.calendar);
        let joined = self.members[member].person.joined.max(calendar.start);
        let end = calendar.last_start();
        if self.draw.chance(rates.renamed) {
            let time = self.draw.between(joined, end);
            self.plan(time, Act::Rename(member));
        }
        if self.draw.chance(rates.leaves) {
            let time = self.draw.between(joined + 30 * DAY, end);
            self.plan(time, Act::Leave(member));
            if self.draw.chance(rates.returns) {
                let back = time + self.draw.between(60 * DAY, 300 * DAY);
                self.plan(back, Act::Return(member));
            }
        }
        if joined >= calendar.user_enrollment - 30 * DAY {
            let time = joined.max(calendar.migration) + self.draw.delay(5 * DAY).min(90 * DAY);
            self.plan(time, Act::Join(member));
        }
    }

    /// Gives a member the devices of before the migration, and plans the migration.
    pub(crate) fn equip(&mut self, member: usize) {
        let (rates, calendar) = (&self.shape.device, &self.shape.calendar);
        let joined = self.members[member].person.joined.max(calendar.start);
        let latest = calendar.user_enrollment - 30 * DAY;
        if joined >= latest || self.draw.chance(rates.none) {
            return;
        }
        let is_organizations = self.draw.chance(rates.organization);
        let property = if is_organizations { Property::Organization } else { Property::Personal };
        let enrolled = self.draw.between(joined + HOUR, latest);
        let main = self.early_device(member, Family::Phone, None, property, enrolled);
        if enrolled > joined + 120 * DAY && self.draw.chance(rates.stale_record) {
            self.stale_device(member, joined, enrolled);
        }
        if self.draw.chance(rates.second) {
            let enrolled = self.draw.between(joined + HOUR, latest);
            let is_tablet = self.draw.chance(rates.second_is_tablet);
            let family = if is_tablet { Family::Tablet } else { Family::Phone };
            let is_same = !is_tablet && self.draw.chance(rates.second_same_model);
            let model = is_same.then(|| self.units[main].device.model).filter(|model| model.released < enrolled);
            self.early_device(member, family, model, Property::Personal, enrolled);
        }
        let time = self.migration_time();
        self.plan(time, Act::Migrate(member));
    }

    /// The pilot comes first; afterwards most people follow the first mails.
    fn migration_time(&mut self) -> i64 {
        let calendar = &self.shape.calendar;
        let first_import = calendar.exports.first().map_or(calendar.migration, |export| export.time);
        if self.draw.chance(self.shape.migration.pilot) {
            return self.draw.between(calendar.user_enrollment, first_import - DAY);
        }
        let share = self.draw.unit();
        let span = (calendar.migrated - calendar.migration) as f64;
        calendar.migration + (share * share.sqrt() * span) as i64
    }

    /// A device that is enrolled before the migration: in the old product, or with an own Device Enrollment.
    fn early_device(
        &mut self,
        member: usize,
        family: Family,
        model: Option<&'static Model>,
        property: Property,
        enrolled: i64,
    ) -> usize {
        let bought = enrolled - self.draw.between(0, 900 * DAY);
        let model = model.unwrap_or_else(|| Model::bought(family, bought, &mut self.draw));
        let unit = self.add_unit(member, model, property, bought.max(model.released));
        let is_own = property == Property::Personal && enrolled > self.shape.calendar.device_enrollment;
        // About half of the early devices are enrolled after Muster's Device Enrollment started.
        if is_own && self.draw.chance(self.shape.record.own_device_enrollment * 2.0) {
            self.enroll(Plan::new(member, unit, enrolled, Story::FirstPhone));
            return unit;
        }
        let owner = self.owner_in_old_product(member, enrolled);
        self.enroll_in_old_product(unit, enrolled, owner.clone());
        let latest = self.shape.calendar.user_enrollment - 10 * DAY;
        if self.draw.chance(self.shape.record.two_records) && enrolled + 40 * DAY < latest {
            let moved = self.draw.between(enrolled + 30 * DAY, latest);
            self.end(unit, moved, Ending::Erased);
            self.enroll_in_old_product(unit, moved + HOUR, owner);
        }
        unit
    }

    /// The owner as the old product has it.
    pub(crate) fn owner_in_old_product(&mut self, member: usize, time: i64) -> Option<Names> {
        let rates = &self.shape.record;
        if self.draw.chance(rates.missing_owner) {
            return None;
        }
        let mut of = member;
        if self.draw.chance(rates.wrong_owner) {
            let technician = self.technician().filter(|_| self.draw.chance(rates.wrong_is_technician));
            let others = (0..self.members.len()).filter(|other| self.members[*other].person.joined < time);
            let other = *self.draw.pick(&others.collect::<Vec<_>>());
            of = technician.unwrap_or(other);
        }
        Some(self.members[of].person.account().names.clone())
    }

    /// A phone that was replaced before the migration: its record is still there.
    fn stale_device(&mut self, member: usize, joined: i64, replaced: i64) {
        let enrolled = self.draw.between(joined + HOUR, replaced - 60 * DAY);
        let unit = self.early_device_of_old_product(member, enrolled);
        let time = replaced - self.draw.between(-10 * DAY, 10 * DAY);
        match self.draw.choose(&[(0.4, Some(Ending::Erased)), (0.25, Some(Ending::Removed)), (0.35, None)]) {
            Some(ending) => self.end(unit, time, ending),
            None => self.switch_off(unit, time, i64::MAX),
        }
        self.take_away(unit);
        self.members[member].has_stale_record = true;
    }

    fn early_device_of_old_product(&mut self, member: usize, enrolled: i64) -> usize {
        let bought = enrolled - self.draw.between(0, 700 * DAY);
        let model = Model::bought(Family::Phone, bought, &mut self.draw);
        let unit = self.add_unit(member, model, Property::Personal, bought);
        let owner = self.owner_in_old_product(member, enrolled);
        self.enroll_in_old_product(unit, enrolled, owner);
        unit
    }
}
