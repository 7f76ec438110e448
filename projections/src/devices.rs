//! The device inventory: one row per device in its current state, and the history of every attribute. A query for an
//! earlier instant reads the history.
//!
//! **Numbers.** A device has a number `n` besides its id: 1 for the first device that an event was about, and so on. So
//! `n` orders devices by the time at which they were added, and a time leads to a number by a binary search. The
//! history names devices by `n` and attributes by a code (`attributes`).
//!
//! **History.** It has a row for each value that an attribute ever had. A value is valid from `valid_from`, in
//! effective time, until the next row of the same attribute. A row with the value `NULL` means that the value was
//! erased; a value whose key was lost is a placeholder text. An attribute without a row is unknown. Values that change
//! with every report (battery, free capacity) are replaced in place and create no further row.
//!
//! **Bounds.** Each query reads a bounded number of rows, whatever the number of devices: [`list`] says how.

mod attributes;
mod counts;
mod current;
mod cursor;
mod device;
mod difference;
mod drivers;
mod enrolled;
mod erase;
mod filter;
mod gathered;
mod identifiers;
mod kept;
mod list;
mod matching;
mod numbers;
mod of_person;
mod people;
#[cfg(test)]
mod plans;
mod query;
mod record;
mod then;
mod timeline;
mod values;
mod walk;

pub use counts::{Count, Facets, Total, count, count_whole, facets, totals};
pub use cursor::{DeviceCursor, NoDeviceCursor};
pub use device::{Device, State};
pub use difference::{Difference, Differing, DifferingPage, FieldChange, Part, difference, differing};
pub use enrolled::{Enrolled, earlier_of_hardware, earlier_of_person, enrolled, enrolled_by, later_of_person};
pub use filter::{DeviceFilter, DeviceSort, Direction};
pub use identifiers::unknown;
pub use kept::Facet;
pub use list::{ListedDevices, list, list_whole};
pub use of_person::{Active, ActiveDevices, active_of_person, count_active, of_person};
pub use query::{Naming, get, known, namings};
pub use timeline::{Change, Timeline, history, timeline};

use crate::Projection;
use events::{Entry, Event, Timestamp};
use record::Record;
use rusqlite::Connection;

/// Columns of the current row that have a history. Other values only have history rows, named `inventory.<name>` with
/// the name in `DeviceInformation`. The place of a column is its code in the history: a new column goes to the end.
pub(crate) const COLUMNS: &[&str] = &[
    "phase",
    "archived",
    "person",
    "ownership",
    "kind",
    "name",
    "model",
    "product_name",
    "os_version",
    "build_version",
    "serial_number",
    "udid",
    "imei",
    "meid",
    "enrollment_id",
    "managed_apple_id",
    "enrolled_at",
    "ended_at",
    "identity_serial",
    "identity_expires",
    "superseded_by",
    "superseded_evidence",
];

/// Columns that identify the hardware of a record.
const HARDWARE: &[&str] = &["udid", "serial_number", "imei", "meid"];

pub(crate) struct Devices;

impl Projection for Devices {
    fn name(&self) -> &'static str {
        "devices"
    }

    fn version(&self) -> u32 {
        9
    }

    fn tables(&self) -> &'static [&'static str] {
        &[
            "devices_current",
            "devices_history",
            "devices_attributes",
            "devices_former",
            "devices_people",
            "devices_counts",
        ]
    }

    // `os` is the OS version as a number, `user_name` that of the person. Indexes of lists leave out the rows of
    // enrollments whose device never sent a message. `devices_former` has the values of some columns that a device had
    // once and has no longer: what is rare now may be rare then.
    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS devices_current (
            n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, added INTEGER NOT NULL, created INTEGER NOT NULL,
            phase TEXT, archived INTEGER, person TEXT, ownership TEXT, kind TEXT, name TEXT COLLATE NOCASE, model TEXT,
            product_name TEXT COLLATE NOCASE, os_version TEXT, build_version TEXT, serial_number TEXT COLLATE NOCASE,
            udid TEXT COLLATE NOCASE, imei TEXT, meid TEXT, enrollment_id TEXT COLLATE NOCASE, managed_apple_id TEXT,
            enrolled_at INTEGER, ended_at INTEGER, identity_serial TEXT, identity_expires INTEGER, superseded_by TEXT,
            superseded_evidence TEXT, os INTEGER, user_name TEXT COLLATE NOCASE
        );
        CREATE INDEX IF NOT EXISTS devices_by_person ON devices_current (person, phase);
        CREATE TABLE IF NOT EXISTS devices_history (
            device INTEGER NOT NULL, attribute INTEGER NOT NULL, position INTEGER NOT NULL,
            valid_from INTEGER NOT NULL, value,
            -- The person's key sealed the value.
            personal INTEGER NOT NULL, PRIMARY KEY (device, attribute, position)
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS devices_attributes (code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE IF NOT EXISTS devices_former (
            attribute INTEGER NOT NULL, value NOT NULL, device INTEGER NOT NULL,
            PRIMARY KEY (attribute, value, device)
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS devices_people (
            id TEXT PRIMARY KEY, user_name TEXT COLLATE NOCASE, display_name TEXT
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS devices_counts (
            facet INTEGER NOT NULL, archived INTEGER NOT NULL, value TEXT NOT NULL, count INTEGER NOT NULL,
            PRIMARY KEY (facet, archived, value)
        ) WITHOUT ROWID;"
    }

    fn indexes(&self) -> &'static str {
        "CREATE INDEX IF NOT EXISTS devices_by_phase ON devices_current (phase) WHERE phase IS NOT NULL;
        CREATE INDEX IF NOT EXISTS devices_by_kind ON devices_current (kind) WHERE phase IS NOT NULL;
        CREATE INDEX IF NOT EXISTS devices_by_ownership ON devices_current (ownership) WHERE phase IS NOT NULL;
        CREATE INDEX IF NOT EXISTS devices_by_name ON devices_current (name) WHERE phase IS NOT NULL;
        CREATE INDEX IF NOT EXISTS devices_by_product ON devices_current (product_name) WHERE phase IS NOT NULL;
        CREATE INDEX IF NOT EXISTS devices_by_os ON devices_current (os) WHERE phase IS NOT NULL;
        CREATE INDEX IF NOT EXISTS devices_by_enrolled ON devices_current (enrolled_at) WHERE phase IS NOT NULL;
        CREATE INDEX IF NOT EXISTS devices_by_expires ON devices_current (identity_expires) WHERE phase IS NOT NULL;
        CREATE INDEX IF NOT EXISTS devices_by_user ON devices_current (user_name) WHERE phase IS NOT NULL;
        CREATE INDEX IF NOT EXISTS devices_archived ON devices_current (archived) WHERE archived = 1;
        CREATE INDEX IF NOT EXISTS devices_by_serial ON devices_current (serial_number)
            WHERE serial_number IS NOT NULL;
        CREATE INDEX IF NOT EXISTS devices_by_udid ON devices_current (udid) WHERE udid IS NOT NULL;
        CREATE INDEX IF NOT EXISTS devices_by_enrollment_id ON devices_current (enrollment_id)
            WHERE enrollment_id IS NOT NULL;
        CREATE INDEX IF NOT EXISTS devices_history_by_position ON devices_history (position);
        CREATE INDEX IF NOT EXISTS devices_people_by_name ON devices_people (user_name) WHERE user_name IS NOT NULL;"
    }

    fn joins(&self) -> &'static [&'static str] {
        &["renewals", "claims"]
    }

    fn fold(&self, rows: &Connection, entry: &Entry, effective: Timestamp) -> rusqlite::Result<()> {
        let mut record = Record::new(rows, entry, effective);
        match &entry.event {
            Event::Enrollment(event) => record.enrollment(event)?,
            Event::Device(event) => record.device(event)?,
            Event::Person(event) => people::person(rows, entry.stream.id(), event)?,
            Event::Log(_) | Event::Account(_) | Event::Hardware(_) | Event::Staff(_) => {}
            Event::UserName(_) | Event::StaffActivity(_) | Event::Refusal(_) | Event::Request(_) => {}
            Event::Invitation(_) | Event::Code(_) | Event::Wave(_) | Event::Migration(_) => {}
            Event::Assertion(_) | Event::Settings(_) | Event::Record(_) | Event::Import(_) | Event::Successor(_) => {}
        }
        record.write()
    }
}
