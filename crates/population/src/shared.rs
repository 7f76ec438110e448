//! Shared accounts: carts and kiosks with many devices of the same model.

use crate::calendar::{DAY, MINUTE};
use crate::device::Property;
use crate::enrolling::Plan;
use crate::ids::OldRecord;
use crate::model::{Family, Model};
use crate::stage::{Act, Ending, Stage};
use crate::truth::Story;

impl Stage<'_> {
    /// Gives a shared account its devices: most in the old product, the others in Device Enrollment with Muster.
    pub(crate) fn fill_cart(&mut self, account: usize) {
        let calendar = &self.shape.calendar;
        let bought = self.draw.between(calendar.start, calendar.user_enrollment - 60 * DAY);
        let model = Model::bought(Family::Tablet, bought, &mut self.draw);
        let in_muster = bought > calendar.device_enrollment && self.draw.chance(0.5);
        let names = self.members[account].person.account().names.clone();
        let mut time = bought + 3 * DAY;
        let mut together = None;
        for _ in 0..8 + self.draw.below(33) {
            let unit = self.add_unit(account, model, Property::Organization, bought);
            // The devices of a cart are updated together.
            let updates = *together.get_or_insert(self.units[unit].updates);
            self.units[unit].updates = updates;
            time += self.draw.between(3 * MINUTE, 12 * MINUTE);
            if in_muster {
                self.enroll(Plan::new(account, unit, time, Story::SharedOwnerNew));
            } else {
                let owner = (!self.draw.chance(self.shape.record.missing_owner)).then(|| names.clone());
                self.enroll_in_old_product(unit, time, owner);
            }
        }
        let first = self.draw.between(calendar.migration, calendar.migrated - 60 * DAY);
        self.plan(first, Act::Round(account));
    }

    /// A technician goes through the devices: migrates those of the old product, and erases some others.
    pub(crate) fn round(&mut self, account: usize, time: i64) {
        let units = self.managed_units(account);
        let Some(mut time) = self.start(account, &units, time) else {
            return;
        };
        let signs_in = self.technician().filter(|_| self.draw.chance(0.3));
        for unit in units {
            let in_old_product =
                matches!(self.units[unit].managed().map(|management| management.record), Some(OldRecord::Exported(_)));
            if !in_old_product && !self.draw.chance(self.shape.later.cart_erased) {
                continue;
            }
            let story = if in_old_product { Story::SharedOwner } else { Story::SharedOwnerAgain };
            time += self.draw.between(2 * MINUTE, 9 * MINUTE);
            self.end(unit, time, Ending::Erased);
            // Several devices are prepared at the same time.
            let at = time + self.draw.between(10 * MINUTE, 40 * MINUTE);
            self.enroll(Plan { technician: signs_in, ..Plan::new(account, unit, at, story) });
        }
        self.plan(time + 120 * DAY, Act::Round(account));
    }
}
