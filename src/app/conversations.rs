//! The conversations with devices that are under way. A device that polls begins one, and an answer without a command ends it; what
//! it puts off in one is not asked again in the same (Apple, "Sending MDM Commands to a Device"). No event tells where one begins, so
//! this is kept in memory: after a restart everything that was put off counts as put off in the conversation at hand.

use crate::enrollment::device::Device;
use events::device::{CommandId, DeviceId};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// By device: what it put off since its conversation began.
#[derive(Default)]
pub struct Conversations(Mutex<HashMap<DeviceId, Vec<CommandId>>>);

impl Conversations {
    pub fn begin(&self, device: DeviceId) {
        self.lock().insert(device, Vec::new());
    }

    /// The device answered this command of its own with NotNow.
    pub fn put_off(&self, device: DeviceId, command: CommandId) {
        if let Some(put_off) = self.lock().get_mut(&device).filter(|put_off| !put_off.contains(&command)) {
            put_off.push(command);
        }
    }

    pub fn end(&self, device: DeviceId) {
        self.lock().remove(&device);
    }

    /// What the device is not asked again before it polls anew.
    pub fn not_now(&self, device: DeviceId, state: &Device) -> Vec<CommandId> {
        let put_off = self.lock().get(&device).cloned();
        put_off.unwrap_or_else(|| state.put_off())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeviceId, Vec<CommandId>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
