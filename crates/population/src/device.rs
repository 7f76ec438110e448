//! Physical devices: what identifies them, and their history of managements and holders.

use crate::calendar::{DAY, date};
use crate::draw::Draw;
use crate::happening::{Kind, Way};
use crate::ids::{DeviceId, OldRecord};
use crate::model::{Family, Model};
use crate::version::{OsVersion, Updates};
use std::sync::Arc;

/// To whom a device belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Property {
    /// Of the person: User Enrollment with Muster.
    Personal,
    /// Of the organization: Device Enrollment with Muster.
    Organization,
}

/// A physical device. Part of the truth.
#[derive(Clone, Debug)]
pub struct Device {
    pub id: DeviceId,
    pub model: &'static Model,
    pub property: Property,
    /// Apple's serial number: 12 characters, or 10 for models since 2021. Upper-case ASCII.
    pub serial: Arc<str>,
    /// 40 lower-case hexadecimal digits, or `XXXXXXXX-XXXXXXXXXXXXXXXX` for models since 2018.
    pub udid: Arc<str>,
}

impl Device {
    pub(crate) fn draw(id: DeviceId, model: &'static Model, property: Property, draw: &mut Draw) -> Self {
        const SERIAL: &[u8] = b"0123456789CDFGHJKLMNPQRTVWXY";
        let serial = draw.text(SERIAL, if model.released < date(2021, 4, 1) { 12 } else { 10 });
        let udid = if model.released < date(2018, 9, 1) {
            draw.text(b"0123456789abcdef", 40)
        } else {
            let chip = draw.text(b"01234567", 1);
            format!("000081{chip}0-{}", draw.text(b"0123456789ABCDEF", 16))
        };
        Self { id, model, property, serial: serial.into(), udid: udid.into() }
    }
}

/// A period of management. A device has one at a time at most.
#[derive(Clone, Debug)]
pub(crate) struct Management {
    pub(crate) record: OldRecord,
    pub(crate) kind: Kind,
    pub(crate) way: Way,
    pub(crate) from: i64,
    /// When management was removed from the device.
    pub(crate) until: Option<i64>,
}

/// A device with its history, while its team is generated.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) device: Device,
    pub(crate) updates: Updates,
    pub(crate) managements: Vec<Management>,
    /// Since when which member of the team has the device, in the order of time. Indexes of members.
    pub(crate) holders: Vec<(i64, usize)>,
    /// Periods without power or network, in the order of time.
    pub(crate) off: Vec<(i64, i64)>,
    /// The instant until which the history is written. No act on the device begins earlier.
    pub(crate) written: i64,
    /// Given to a colleague while the old management stayed on it.
    pub(crate) handed_on_managed: bool,
}

impl Unit {
    /// The management at present.
    pub(crate) fn managed(&self) -> Option<&Management> {
        self.managements.last().filter(|management| management.until.is_none())
    }

    pub(crate) fn is_off(&self, time: i64) -> bool {
        self.off.iter().any(|(from, until)| (*from..*until).contains(&time))
    }

    pub(crate) fn version_at(&self, time: i64) -> OsVersion {
        // A device that is switched off installs nothing.
        let running = self.off.iter().find(|(from, until)| (*from..*until).contains(&time)).map_or(time, |off| off.0);
        self.updates.version_at(running)
    }

    /// The member who has the device at an instant.
    pub(crate) fn holder_at(&self, time: i64) -> usize {
        let earlier = self.holders.iter().rev().find(|(since, _)| *since <= time);
        earlier.unwrap_or(&self.holders[0]).1
    }

    /// The last contact of a management up to an instant. A device makes contact once a day at the hour of its
    /// enrollment, and when it is switched on again.
    pub(crate) fn last_contact(&self, management: &Management, time: i64) -> i64 {
        let mut limit = time.min(management.until.map_or(time, |until| until - 1));
        loop {
            let daily = management.from + (limit - management.from).max(0) / DAY * DAY;
            match self.off.iter().find(|(from, until)| (*from..*until).contains(&daily)) {
                Some((from, until)) if *until > limit => limit = from - 1,
                Some((_, until)) => return *until,
                None => return daily,
            }
            if limit <= management.from {
                return management.from;
            }
        }
    }
}

/// Draws how a device is updated.
pub(crate) fn updates(model: &Model, bought: i64, holds_back: f64, never: f64, draw: &mut Draw) -> Updates {
    let years = ((bought - model.released) / (365 * DAY)).max(0) as u8;
    // Between 18 and 26, Apple skipped numbers.
    let shipped = model.first_major + years;
    let shipped = if (19..26).contains(&shipped) { 26 } else { shipped }.min(model.last_major);
    let shipped = if shipped == 27 && bought < date(2026, 9, 14) { 26 } else { shipped };
    let sold_with = OsVersion::new(shipped, 0, 0);
    let lag = draw.delay(18 * DAY).min(200 * DAY);
    let highest = match model.last_major {
        // User Enrollment needs iOS 13.1, and mail apps need more.
        _ if draw.chance(never) => shipped.max(15),
        26.. if draw.chance(holds_back) => 18.max(shipped),
        last => last,
    };
    Updates { sold_with, highest_major: highest, lag }
}

impl Unit {
    pub(crate) fn family(&self) -> Family {
        self.device.model.family
    }
}
