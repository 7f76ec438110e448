//! A view of a previous record in the log. The event of a viewed device is used for it: a previous record is a device
//! as another product knew it, and the audit trail finds who viewed a record by its id like any device's.

use events::device::DeviceId;
use events::record::RecordId;

/// Returns the id under which a view of the record is recorded.
pub fn as_viewed(record: RecordId) -> DeviceId {
    DeviceId(record.0)
}

/// Returns the previous record that a recorded view is of; `None` for a device of Muster. Ids of previous records are
/// derived from their source (UUID version 8); ids of devices are not.
pub fn viewed_record(device: DeviceId) -> Option<RecordId> {
    (device.0.get_version_num() == 8).then_some(RecordId(device.0))
}
