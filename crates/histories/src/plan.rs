//! How large the organization is, and when its history happens.

use population::{Calendar, ExportPlan, HOUR, Shape, date};

/// First instant of the histories, in seconds since 1970.
pub const START: i64 = date(2023, 12, 1);

/// The histories end here: three years later.
pub const END: i64 = date(2026, 12, 1);

/// Years of the histories.
pub const YEARS: f64 = 3.0;

/// What is generated. The same plan gives the same events, if the master key of the installation is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Number of devices: of `device-` streams, which are enrolled once each.
    pub devices: u32,
    pub seed: u64,
}

impl Plan {
    pub fn of(devices: u32) -> Plan {
        Plan { devices, seed: 1 }
    }

    /// The shape of the population. It has more people than are needed: generation stops at the last device.
    pub(crate) fn shape(&self) -> Shape {
        let mut shape = Shape::of(self.devices.saturating_mul(2).clamp(400, 40_000_000));
        let export = |(year, month, day), complete| ExportPlan { time: date(year, month, day) + 9 * HOUR, complete };
        shape.calendar = Calendar {
            start: date(2022, 6, 1),
            device_enrollment: date(2023, 12, 4),
            user_enrollment: date(2024, 1, 8),
            migration: date(2024, 8, 1),
            migrated: date(2026, 9, 1),
            end: END,
            exports: vec![
                export((2024, 7, 20), true),
                export((2025, 1, 13), false),
                export((2025, 6, 2), true),
                export((2026, 6, 15), true),
            ],
        };
        shape
    }

    /// How many of a thousand leavers ask for erasure, and of a thousand records that nobody enrolled again are
    /// shredded. Large plans have fewer: each key that is destroyed takes a sync of the disk.
    pub(crate) fn erased(&self) -> u64 {
        (600_000 / u64::from(self.devices.max(1))).clamp(4, 100)
    }

    /// Number of staff who work with the console: one for 20,000 devices, and six at least.
    pub(crate) fn staff(&self) -> u64 {
        (6 + u64::from(self.devices) / 20_000).min(60)
    }
}
