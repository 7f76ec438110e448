//! What happens to a device, or why not.
use super::{Command, Device, Refusal};
use events::device::DeviceEvent;
pub(super) fn decide(_state: &Device, _command: &Command) -> Result<Vec<DeviceEvent>, Refusal> {
    todo!()
}
