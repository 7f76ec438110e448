//! The conversations with devices that are under way. A device that polls begins one, and an answer without a command ends it; what
//! it puts off in one is not asked again in the same (Apple, "Sending MDM Commands to a Device"). No event tells where one begins, so
//! this is kept in memory: after a restart everything that was put off counts as put off in the conversation at hand.

use decisions::device::Device;
use events::device::{CommandId, DeviceId};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// After so many answers that nobody can read, the command that the device has is settled: it would be asked for ever.
const UNREADABLE_AT_MOST: u8 = 3;

#[derive(Default)]
pub struct Conversations(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    under_way: HashMap<DeviceId, Conversation>,
    /// How often a device answered this command in a way that nobody can read. It begins anew after each, so that this is kept
    /// from one conversation to the next.
    unreadable: HashMap<DeviceId, (CommandId, u8)>,
}

#[derive(Default)]
struct Conversation {
    not_now: Vec<CommandId>,
    /// What the device has and did not answer yet.
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

    /// The device is given this command.
    pub fn hand_out(&self, device: DeviceId, command: CommandId) {
        self.lock().under_way.entry(device).or_default().out = Some(command);
    }

    /// The command that an answer is to which nobody read; once.
    pub fn take_back(&self, device: DeviceId) -> Option<CommandId> {
        self.lock().under_way.get_mut(&device)?.out.take()
    }

    /// An answer came of which nobody knows to which command it is. The command that the device has, once this happened three
    /// times.
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

    /// The device answered this command of its own with NotNow.
    pub fn put_off(&self, device: DeviceId, command: CommandId) {
        if let Some(conversation) = self.lock().under_way.get_mut(&device)
            && !conversation.not_now.contains(&command)
        {
            conversation.not_now.push(command);
        }
    }

    /// What the device is not asked again before it polls anew.
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
