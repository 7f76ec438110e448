//! What managed devices tell Muster while they are managed, and the completion of the truth.

use crate::calendar::{DAY, HOUR};
use crate::device::{Management, Unit};
use crate::happening::{PushAnswer, What};
use crate::ids::{EnrollmentId, OldRecord};
use crate::stage::Stage;
use std::collections::BTreeSet;

/// Days between the contacts that are listed.
const LISTED_DAYS: i64 = 28;

impl Stage<'_> {
    /// Adds contacts and updates of all devices, and completes the truth.
    pub(crate) fn finish(&mut self) {
        let end = self.shape.calendar.end;
        let units = std::mem::take(&mut self.units);
        for unit in &units {
            for management in &unit.managements {
                let until = management.until.unwrap_or(end);
                let owner = unit.holder_at(until - 1);
                if let Some(truth) = self.truth.records.get_mut(&management.record) {
                    truth.owner = self.members[owner].person.id;
                    truth.until = management.until;
                }
                if let OldRecord::Enrolled(enrollment) = management.record {
                    self.report(enrollment, unit, management, until);
                }
            }
        }
        self.units = units;
        let enrollments: Vec<_> = self.truth.enrollments.iter().map(|(id, truth)| (*id, truth.continues)).collect();
        for (id, continues) in enrollments {
            let at = self.truth.records[&OldRecord::Enrolled(id)].from;
            let was_known = continues.is_some_and(|record| self.is_known(record, at));
            if let Some(truth) = self.truth.enrollments.get_mut(&id) {
                truth.was_known = was_known;
            }
        }
        self.happenings.sort_by_key(|happening| happening.time);
    }

    /// What a management tells: contacts, updates, and the answers to pushes in periods without contact.
    fn report(&mut self, enrollment: EnrollmentId, unit: &Unit, management: &Management, until: i64) {
        for time in contacts(unit, management, until) {
            let os = unit.version_at(time);
            self.say(time, What::Contact { enrollment, os });
        }
        for (from, to) in &unit.off {
            let (from, to) = ((*from).max(management.from), (*to).min(until));
            // APNs stores the last push for a device that is switched off.
            for time in (1..=4).map(|week| from + week * 7 * DAY).filter(|time| *time < to) {
                self.say(time, What::PushAnswered { enrollment, answer: PushAnswer::Accepted });
            }
        }
        for time in unit.updates.changes(management.from, until) {
            // The next contact tells the version of a device that is switched off.
            if !unit.is_off(time) {
                let os = unit.version_at(time);
                self.say(time, What::OsUpdated { enrollment, os });
            }
        }
    }
}

/// The contacts that are listed: one in four weeks, the last one, and those around each period without contact.
fn contacts(unit: &Unit, management: &Management, until: i64) -> BTreeSet<i64> {
    let mut times = BTreeSet::new();
    let mut time = management.from + HOUR;
    while time < until {
        times.insert(time);
        time += LISTED_DAYS * DAY;
    }
    times.insert(unit.last_contact(management, until));
    for (from, to) in &unit.off {
        times.insert(unit.last_contact(management, *from));
        times.insert(*to);
    }
    times.retain(|time| (management.from + 1..until).contains(time) && !unit.is_off(*time));
    times
}
