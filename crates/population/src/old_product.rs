//! Enrollment in the old product, which exports have a record, and whether Muster knows it.

use crate::calendar::DAY;
use crate::device::Management;
use crate::happening::{Kind, Way};
use crate::ids::{OldRecord, RecordId};
use crate::person::Names;
use crate::record::{Columns, Record};
use crate::shape::ExportPlan;
use crate::stage::Stage;
use crate::truth::RecordTruth;

impl Stage<'_> {
    /// Enrolls a device in the old product.
    pub(crate) fn enroll_in_old_product(&mut self, unit: usize, time: i64, owner: Option<Names>) {
        let id = self.numbers.records.next();
        let rates = &self.shape.record;
        let draw = &mut self.draw;
        let has = Columns {
            serial: !draw.chance(rates.no_serial),
            udid: !draw.chance(rates.no_udid),
            os: !draw.chance(rates.no_os),
            last_contact: !draw.chance(rates.no_last_contact),
            enrolled: !draw.chance(rates.no_enrolled),
            full_name: !draw.chance(rates.no_full_name),
            user_name: !draw.chance(rates.no_user_name),
            mail: !draw.chance(rates.no_mail),
        };
        let management = self.units[unit].managements.len();
        self.records.push(Record { id, unit, management, owner, renamed: None, marked: None, deleted: None, has });
        self.manage(unit, OldRecord::Exported(id), Kind::Device, Way::Profile, time);
    }

    /// Starts a management on a device that has none.
    pub(crate) fn manage(&mut self, unit: usize, record: OldRecord, kind: Kind, way: Way, time: i64) {
        let phone = &mut self.units[unit];
        let is_free = phone.managements.last().is_none_or(|last| last.until.is_some_and(|until| until < time));
        assert!(is_free && !phone.is_off(time), "a device has one management at a time, and is on when it starts");
        phone.managements.push(Management { record, kind, way, from: time, until: None });
        phone.written = phone.written.max(time);
        let device = phone.device.id;
        // Owner and end are completed when the history is.
        let owner = self.members[phone.holder_at(time)].person.id;
        self.truth.records.insert(record, RecordTruth { device, owner, from: time, until: None });
    }

    pub(crate) fn record(&self, id: RecordId) -> Option<&Record> {
        self.records.iter().find(|record| record.id == id)
    }

    /// Whether an export has a row for a record.
    pub(crate) fn is_exported(&self, record: &Record, plan: ExportPlan) -> bool {
        let unit = &self.units[record.unit];
        let management = &unit.managements[record.management];
        let is_there = management.from < plan.time && record.deleted.is_none_or(|deleted| deleted > plan.time);
        is_there && (plan.complete || unit.last_contact(management, plan.time) > plan.time - 14 * DAY)
    }

    /// Whether Muster knows a record at an instant: an own enrollment, or an import of it.
    pub(crate) fn is_known(&self, record: OldRecord, time: i64) -> bool {
        let OldRecord::Exported(id) = record else {
            return true;
        };
        let mut imports = self.shape.calendar.exports.iter().filter(|plan| plan.time < time);
        self.record(id).is_some_and(|record| imports.any(|plan| self.is_exported(record, *plan)))
    }
}
