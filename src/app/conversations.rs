//! The conversations with devices that are under way. A device that polls begins one, and an answer without a command ends it; what
//! it puts off in one is not asked again in the same (Apple, "Sending MDM Commands to a Device"). No event tells where one begins, so
//! this is kept in memory: after a restart everything that was put off counts as put off in the conversation at hand.

use crate::enrollment::device::Device;
use events::device::{CommandId, DeviceId};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub struct Conversations(Mutex<HashMap<DeviceId, Conversation>>);

#[derive(Default)]
struct Conversation {
    not_now: Vec<CommandId>,
    /// What the device has and did not answer yet.
    out: Option<CommandId>,
}

impl Conversations {
    pub fn begin(&self, device: DeviceId) {
        self.lock().insert(device, Conversation::default());
    }

    pub fn end(&self, device: DeviceId) {
        self.lock().remove(&device);
    }

    /// The device is given this command.
    pub fn hand_out(&self, device: DeviceId, command: CommandId) {
        self.lock().entry(device).or_default().out = Some(command);
    }

    /// The command that an answer is to which nobody read; once.
    pub fn take_back(&self, device: DeviceId) -> Option<CommandId> {
        self.lock().get_mut(&device)?.out.take()
    }

    /// The device answered this command of its own with NotNow.
    pub fn put_off(&self, device: DeviceId, command: CommandId) {
        if let Some(conversation) = self.lock().get_mut(&device)
            && !conversation.not_now.contains(&command)
        {
            conversation.not_now.push(command);
        }
    }

    /// What the device is not asked again before it polls anew.
    pub fn not_now(&self, device: DeviceId, state: &Device) -> Vec<CommandId> {
        let put_off = self.lock().get(&device).map(|conversation| conversation.not_now.clone());
        put_off.unwrap_or_else(|| state.put_off())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeviceId, Conversation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
