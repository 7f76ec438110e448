//! The question of the portal which earlier device an enrollment is, and its answer.

use crate::calendar::{DAY, MINUTE};
use crate::enrolling::Plan;
use crate::happening::{Answer, What};
use crate::ids::{EnrollmentId, OldRecord};
use crate::person::Job;
use crate::stage::Stage;

impl Stage<'_> {
    /// The member answers at the portal, or does not visit it.
    pub(crate) fn answer(&mut self, enrollment: EnrollmentId, plan: &Plan) {
        let rates = &self.shape.answer;
        let is_person = self.members[plan.member].person.job != Job::SharedAccount && plan.technician.is_none();
        if !is_person || !self.draw.chance(rates.asked) {
            return;
        }
        let time = plan.at + self.draw.delay(8 * MINUTE).min(2 * DAY);
        let listed = self.listed(plan, time);
        if listed.is_empty() {
            return;
        }
        let earlier = &self.truth.enrollments[&enrollment].earlier;
        let honest = listed.iter().rev().map(|(record, _)| *record).find(|record| earlier.contains(record));
        let model = self.units[plan.unit].device.model;
        let has_twins = listed.iter().filter(|(_, unit)| self.units[*unit].device.model == model).count() > 1;
        let wrong = match honest {
            _ if has_twins => rates.wrong_between_twins,
            None => rates.wrong_for_new,
            Some(_) => rates.wrong,
        };
        let answer = if self.draw.chance(rates.not_answered) {
            Answer::NotAnswered
        } else if self.draw.chance(wrong) {
            let others = listed.iter().map(|(record, _)| *record).filter(|record| Some(*record) != honest);
            let others: Vec<_> = others.map(Answer::Record).chain(honest.map(|_| Answer::NoneOfThem)).collect();
            *self.draw.pick(&others)
        } else {
            honest.map_or(Answer::NoneOfThem, Answer::Record)
        };
        let account = self.members[plan.member].person.account().id;
        self.members[plan.member].written = self.members[plan.member].written.max(time);
        self.say(time, What::PortalAnswered { enrollment, account, answer });
    }

    /// The records that the page can list: known ones with a user name of the member. With the index of the device.
    fn listed(&self, plan: &Plan, time: i64) -> Vec<(OldRecord, usize)> {
        let person = &self.members[plan.member].person;
        let mut listed = Vec::new();
        for record in &self.records {
            let is_theirs = record.owner_at(time).is_some_and(|names| person.has_had(&names.user_name));
            let id = OldRecord::Exported(record.id);
            if is_theirs && self.is_known(id, time) {
                listed.push((id, record.unit));
            }
        }
        for (index, unit) in self.units.iter().enumerate() {
            for management in unit.managements.iter().filter(|management| management.from < plan.at) {
                let OldRecord::Enrolled(enrollment) = management.record else {
                    continue;
                };
                if self.assigned.get(&enrollment) == Some(&plan.member) {
                    listed.push((management.record, index));
                }
            }
        }
        listed
    }
}
