//! Tracks the current conversations with devices. A device that polls begins a conversation, and a response without a
//! command ends it. A command that the device defers is not sent again in the same conversation (Apple, "Sending MDM
//! Commands to a Device"). No event marks the beginning of a conversation, so this is kept in memory: after a restart
//! all deferred commands count as deferred in the current conversation.

use decisions::device::Device;
use events::device::{CommandId, DeviceId};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Number of unreadable answers after which the device's current command is settled; otherwise it would be sent
/// forever.
const UNREADABLE_AT_MOST: u8 = 3;

#[derive(Default)]
pub struct Conversations(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    under_way: HashMap<DeviceId, Conversation>,
    /// Number of unreadable answers to the current command. A device begins a new conversation after each, so this
    /// count is kept between conversations.
    unreadable: HashMap<DeviceId, (CommandId, u8)>,
}

#[derive(Default)]
struct Conversation {
    not_now: Vec<CommandId>,
    /// Command that the device received and has not answered yet.
    out: Option<CommandId>,
}

impl Conversations {
    pub fn begin(&self, device: DeviceId) {
        self.lock().under_way.insert(device, Conversation::default());
    }

    pub fn end(&self, device: DeviceId) {
        let mut kept = self.lock();
        kept.under_way.remove(&device);
        kept.unreadable.remove(&device);
    }

    /// Records that the device received this command.
    pub fn hand_out(&self, device: DeviceId, command: CommandId) {
        self.lock().under_way.entry(device).or_default().out = Some(command);
    }

    /// Takes the command to which an unread answer belongs. It returns the command once.
    pub fn take_back(&self, device: DeviceId) -> Option<CommandId> {
        self.lock().under_way.get_mut(&device)?.out.take()
    }

    /// Counts an answer that cannot be matched to a command. Returns the device's current command after the third such
    /// answer.
    pub fn unreadable(&self, device: DeviceId) -> Option<CommandId> {
        let mut kept = self.lock();
        let out = kept.under_way.get(&device)?.out?;
        let counted = kept.unreadable.entry(device).or_insert((out, 0));
        if counted.0 != out {
            *counted = (out, 0);
        }
        counted.1 += 1;
        if counted.1 < UNREADABLE_AT_MOST {
            return None;
        }
        kept.unreadable.remove(&device);
        Some(out)
    }

    /// Records that the device answered one of its commands with NotNow.
    pub fn put_off(&self, device: DeviceId, command: CommandId) {
        if let Some(conversation) = self.lock().under_way.get_mut(&device)
            && !conversation.not_now.contains(&command)
        {
            conversation.not_now.push(command);
        }
    }

    /// Returns the commands that are not sent again before the device polls again.
    pub fn not_now(&self, device: DeviceId, state: &Device) -> Vec<CommandId> {
        let put_off = self.lock().under_way.get(&device).map(|conversation| conversation.not_now.clone());
        put_off.unwrap_or_else(|| state.put_off())
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_command_is_given_up_after_three_unreadable_answers_through_however_many_conversations() {
        let (conversations, device) = (Conversations::default(), DeviceId(Uuid::from_u128(1)));
        let [first, second] = [1, 2].map(|n| CommandId(Uuid::from_u128(n)));
        assert_eq!(conversations.unreadable(device), None, "it has no command");
        for given_up in [None, None, Some(first)] {
            conversations.begin(device);
            conversations.hand_out(device, first);
            assert_eq!(conversations.unreadable(device), given_up);
        }
        for (command, given_up) in [(first, None), (second, None), (second, None), (second, Some(second))] {
            conversations.hand_out(device, command);
            assert_eq!(conversations.unreadable(device), given_up, "another command is counted anew");
        }
    }
}
