//! The device after an event.
use super::Device;
use events::device::DeviceEvent;
pub(super) fn evolve(_state: Device, _event: &DeviceEvent) -> Device {
    todo!()
}
