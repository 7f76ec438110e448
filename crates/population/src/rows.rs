//! The rows of the exports, each in the style of its export.

use crate::calendar::{DAY, HOUR};
use crate::draw::Draw;
use crate::happening::ExportRow;
use crate::model::Family;
use crate::record::Record;
use crate::shape::Shape;
use crate::stage::Stage;

/// How an export is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    marketing_names: bool,
    /// Times are cut to days in UTC.
    dates_only: bool,
    /// What is added to times otherwise, in seconds: time zones and wrong clocks.
    clock_off: i64,
    /// Whether there is a column for the serial number, for the UDID, for the state of management.
    serial: bool,
    udid: bool,
    managed: bool,
}

/// Draws the styles of all exports of an organization. Complete exports have all columns for identifiers.
pub(crate) fn styles(shape: &Shape, seed: u64) -> Vec<Style> {
    let mut draw = Draw::new(seed, u32::MAX);
    let style = |plan: &crate::shape::ExportPlan| Style {
        marketing_names: draw.chance(shape.record.marketing_name),
        dates_only: draw.chance(0.3),
        clock_off: if draw.chance(shape.record.clock_off) { draw.between(-23, 24) * HOUR } else { 0 },
        serial: plan.complete || draw.chance(0.5),
        udid: plan.complete || draw.chance(0.5),
        managed: plan.complete || draw.chance(0.5),
    };
    shape.calendar.exports.iter().map(style).collect()
}

impl Stage<'_> {
    /// The rows of the team in each export.
    pub(crate) fn rows(&self, styles: &[Style]) -> Vec<Vec<ExportRow>> {
        let exports = self.shape.calendar.exports.iter().zip(styles);
        let rows = exports.map(|(plan, style)| {
            let records = self.records.iter().filter(|record| self.is_exported(record, *plan));
            records.map(|record| self.row(record, style, plan.time)).collect()
        });
        rows.collect()
    }

    fn row(&self, record: &Record, style: &Style, time: i64) -> ExportRow {
        let unit = &self.units[record.unit];
        let management = &unit.managements[record.management];
        let (device, has) = (&unit.device, record.has);
        // The check-out is the last contact of a device that the old product knows to have left.
        let marked = record.marked.filter(|marked| *marked <= time);
        let contact = marked.unwrap_or_else(|| unit.last_contact(management, time));
        let owner = record.owner_at(time);
        let written = |time: i64| {
            if style.dates_only { time.div_euclid(DAY) * DAY } else { time + style.clock_off }
        };
        let holder = &self.members[unit.holder_at(management.from)];
        let family = if device.model.family == Family::Phone { "iPhone" } else { "iPad" };
        // iOS names a device after the first name of its Apple Account; half of the people change that.
        let named = device.id.0.is_multiple_of(2).then(|| format!("{family} von {}", holder.first_name));
        ExportRow {
            record: record.id,
            device_name: named.map_or_else(|| family.into(), Into::into),
            model: if style.marketing_names { device.model.marketing_name } else { device.model.identifier },
            serial: (style.serial && has.serial).then(|| device.serial.clone()),
            udid: (style.udid && has.udid).then(|| device.udid.clone()),
            os: has.os.then(|| unit.version_at(contact)),
            managed: style.managed.then_some(marked.is_none()),
            last_contact: has.last_contact.then(|| written(contact)),
            enrolled: has.enrolled.then(|| written(management.from)),
            user_name: owner.filter(|_| has.user_name).map(|names| names.user_name.clone()),
            mail: owner.filter(|_| has.mail).map(|names| names.mail.clone()),
            full_name: owner.filter(|_| has.full_name).map(|names| names.full_name.clone()),
        }
    }
}
