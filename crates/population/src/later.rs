//! What happens to a device after its enrollment with Muster.

use crate::calendar::{DAY, HOUR, MINUTE};
use crate::enrolling::Plan;
use crate::happening::{Way, What};
use crate::ids::{EnrollmentId, OldRecord};
use crate::person::Job;
use crate::stage::{Ending, Stage};
use crate::truth::Story;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Nothing,
    Again,
    Erased,
    Replaced,
    Pause,
    Loaner,
}

impl Stage<'_> {
    /// Draws what happens to an enrolled device, if it still is.
    pub(crate) fn live_on(&mut self, unit: usize, enrollment: EnrollmentId, time: i64) {
        let member = self.units[unit].holder_at(time);
        let is_enrolled = self.units[unit].managed().is_some_and(|m| m.record == OldRecord::Enrolled(enrollment));
        let is_held = self.members[member].units.contains(&unit) && !self.members[member].is_away;
        let is_shared = self.members[member].person.job == Job::SharedAccount;
        let Some(time) = self.start(member, &[unit], time).filter(|_| is_enrolled && is_held && !is_shared) else {
            return;
        };
        let rates = &self.shape.later;
        let rest = 1.0 - rates.again - rates.erased - rates.replaced - rates.pause - rates.loaner;
        let event = self.draw.choose(&[
            (rest, Event::Nothing),
            (rates.again, Event::Again),
            (rates.erased, Event::Erased),
            (rates.replaced, Event::Replaced),
            (rates.pause, Event::Pause),
            (rates.loaner, Event::Loaner),
        ]);
        match event {
            Event::Nothing => {}
            Event::Again => self.enroll_again(member, unit, time),
            Event::Erased => self.erase(member, unit, enrollment, time),
            Event::Replaced => {
                let story = self.draw.choose(&[
                    (0.45, Story::NewPhone),
                    (0.12, Story::NewPhoneSameModel),
                    (0.25, Story::NewPhoneFromBackup),
                    (0.1, Story::LostPhone),
                    (0.08, Story::OldPhoneInDrawer),
                ]);
                self.replace(member, unit, story, time);
            }
            Event::Pause => {
                let latest = self.shape.calendar.end - DAY;
                let until = (time + self.draw.between(15 * DAY, 60 * DAY)).min(latest);
                self.switch_off(unit, time, until);
                self.units[unit].written = until;
            }
            Event::Loaner => {
                self.borrow_loaner(member, unit, time);
            }
        }
    }

    fn enroll_again(&mut self, member: usize, unit: usize, time: i64) {
        self.end(unit, time, Ending::Removed);
        let at = time + self.draw.delay(2 * HOUR).clamp(2 * MINUTE, 12 * DAY);
        self.enroll(Plan::new(member, unit, at, Story::EnrolledAgain));
    }

    /// The phone is erased. A restore brings management back only if it came as a profile, below iOS 27.
    fn erase(&mut self, member: usize, unit: usize, enrollment: EnrollmentId, time: i64) {
        let is_restored = self.draw.chance(self.shape.later.restored);
        let by_profile = self.units[unit].managed().is_some_and(|management| management.way == Way::Profile);
        let os = self.units[unit].version_at(time);
        if is_restored && by_profile && os.major < 27 {
            let back = time + self.draw.between(HOUR, 8 * HOUR);
            self.switch_off(unit, time, back);
            self.units[unit].written = back;
            let os = self.units[unit].version_at(back);
            self.say(back, What::Restored { enrollment, os });
            return;
        }
        self.end(unit, time, Ending::Erased);
        let at = time + self.draw.delay(20 * HOUR).clamp(2 * HOUR, 12 * DAY);
        let story = if is_restored { Story::RestoredWithoutManagement } else { Story::ErasedAndEnrolledAgain };
        let invite = self.invite_new(member, unit, at);
        self.enroll(Plan::new(member, unit, at, story).invited(invite));
    }
}
