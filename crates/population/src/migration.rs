//! The migration of a person's devices to User Enrollment with Muster.

use crate::calendar::{DAY, HOUR, MINUTE};
use crate::device::Property;
use crate::enrolling::{Invite, Plan};
use crate::happening::Kind;
use crate::ids::OldRecord;
use crate::model::Family;
use crate::stage::{Act, Ending, Stage};
use crate::truth::Story;

/// What a person does in the migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Never,
    Replace(Story),
    SecondPhone,
    LinkThenOther,
    HandMeDown,
    HandOn,
    SamePhone,
}

impl Stage<'_> {
    /// A person migrates the devices.
    pub(crate) fn migrate(&mut self, member: usize, time: i64) {
        let mut units = self.managed_units(member);
        units.retain(|unit| self.is_to_migrate(*unit));
        units.sort_by_key(|unit| self.units[*unit].family());
        let Some((main, others)) = units.split_first() else {
            return;
        };
        let Some(time) = self.start(member, &units, time).filter(|_| !self.members[member].is_away) else {
            return;
        };
        for unit in &units {
            if self.draw.chance(self.shape.invitation.unopened) {
                self.invite_in_vain(member, *unit, time);
            }
        }
        if self.gives_twins_away(member, &units, time) {
            return;
        }
        match self.choice(*main) {
            Choice::Never => return,
            Choice::Replace(story) => self.replace(member, *main, story, time),
            Choice::SecondPhone => self.add_phone(member, *main, time),
            Choice::LinkThenOther => self.link_then_other(member, *main, time),
            Choice::HandMeDown if self.take_from_shelf(member, Some(*main), time) => {}
            Choice::HandOn if self.hand_on_managed(member, *main, time) => {}
            Choice::SamePhone | Choice::HandMeDown | Choice::HandOn => self.migrate_same(member, *main, time),
        }
        for other in others {
            if self.draw.chance(self.shape.migration.others_follow) {
                let delay = self.draw.delay(4 * HOUR).min(60 * DAY);
                self.plan(time + delay, Act::Follow(member, *other));
            }
        }
    }

    /// A further device of a person is migrated.
    pub(crate) fn follow(&mut self, member: usize, unit: usize, time: i64) {
        let is_theirs = self.members[member].units.contains(&unit) && !self.members[member].is_away;
        if let Some(time) = self.start(member, &[unit], time).filter(|_| is_theirs && self.is_to_migrate(unit)) {
            self.migrate_same(member, unit, time);
        }
    }

    /// Whether a device is managed in the old product, or personal and in an own Device Enrollment.
    pub(crate) fn is_to_migrate(&self, unit: usize) -> bool {
        let is_personal = self.units[unit].device.property == Property::Personal;
        self.units[unit].managed().is_some_and(|management| match management.record {
            OldRecord::Exported(_) => true,
            OldRecord::Enrolled(_) => is_personal && management.kind == Kind::Device,
        })
    }

    fn choice(&mut self, main: usize) -> Choice {
        let rates = &self.shape.migration;
        if self.units[main].device.property == Property::Organization {
            return self.draw.choose(&[
                (rates.never, Choice::Never),
                (rates.lost, Choice::Replace(Story::LostPhone)),
                (1.0 - rates.never - rates.lost, Choice::SamePhone),
            ]);
        }
        let mut rows = vec![
            (rates.never, Choice::Never),
            (rates.new_phone, Choice::Replace(Story::NewPhone)),
            (rates.same_model, Choice::Replace(Story::NewPhoneSameModel)),
            (rates.from_backup, Choice::Replace(Story::NewPhoneFromBackup)),
            (rates.lost, Choice::Replace(Story::LostPhone)),
            (rates.drawer, Choice::Replace(Story::OldPhoneInDrawer)),
            (rates.second, Choice::SecondPhone),
            (rates.link_then_other, Choice::LinkThenOther),
            (rates.hand_me_down, Choice::HandMeDown),
            (rates.handed_on, Choice::HandOn),
        ];
        let rest = 1.0 - rows.iter().map(|(rate, _)| rate).sum::<f64>();
        rows.push((rest.max(0.0), Choice::SamePhone));
        self.draw.choose(&rows)
    }

    /// The same device: management is removed, then it is enrolled.
    fn migrate_same(&mut self, member: usize, unit: usize, time: i64) {
        let mut story = self.circumstances(member, unit, time);
        let technician = self.helping_technician(member, self.shape.migration.technician);
        let opened = time;
        let removed = opened + self.draw.delay(6 * MINUTE).clamp(MINUTE, 3 * HOUR);
        let is_earlier = self.draw.chance(self.shape.migration.removed_earlier);
        let gap = if is_earlier { self.draw.between(6 * HOUR, 9 * DAY) } else { self.draw.delay(12 * MINUTE) };
        let at = removed + gap.clamp(2 * MINUTE, 10 * DAY);
        let mut invite = Invite::Nobody;
        if technician.is_some() {
            story = Story::TechnicianForOther;
        } else {
            invite = self.invite(member, unit, opened, at);
        }
        if let Invite::Page { to, .. } = invite
            && to != member
        {
            story = Story::InvitationForwarded;
        }
        self.end(unit, removed, Ending::Removed);
        self.enroll(Plan { technician, ..Plan::new(member, unit, at, story).invited(invite) });
    }

    /// The story of migrating the same device.
    fn circumstances(&self, member: usize, unit: usize, time: i64) -> Story {
        let (phone, person) = (&self.units[unit], &self.members[member].person);
        let Some(management) = phone.managed() else {
            return Story::SamePhone;
        };
        if phone.handed_on_managed {
            return Story::HandedOnWithoutErase;
        }
        if let OldRecord::Enrolled(_) = management.record {
            return Story::DeviceToUserEnrollment;
        }
        if !self.is_known(management.record, time) {
            return Story::EnrolledBeforeImport;
        }
        if phone.managements.len() > 1 {
            return Story::TwoRecords;
        }
        let record = self.records.iter().find(|record| OldRecord::Exported(record.id) == management.record);
        let owner = record.and_then(|record| record.owner_at(time));
        let held = self.members[member].units.iter().filter(|other| **other != unit);
        let mut others = held.map(|other| &self.units[*other]).filter(|other| other.managed().is_some()).peekable();
        match owner {
            None => Story::MissingOwner,
            Some(names) if !person.has_had(&names.user_name) => Story::WrongOwner,
            Some(names) if *names != person.account().names => Story::OldName,
            Some(_) if phone.device.property == Property::Organization => Story::OrganizationPhone,
            Some(_) if others.peek().is_some() => {
                let is_twin = others.any(|other| other.device.model == phone.device.model);
                if is_twin { Story::SameModelTwice } else { Story::OneOfSeveral }
            }
            Some(_) if self.members[member].has_stale_record && phone.family() == Family::Phone => {
                Story::SamePhoneWithStaleRecord
            }
            Some(_) => Story::SamePhone,
        }
    }
}
