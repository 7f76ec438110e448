//! Events of the queue of MDM commands.

use super::super::{CommandState, Device, QueuedCommand};
use events::Timestamp;
use events::device::{CommandId, CommandPayload, Priority};

/// Number of settled commands that are remembered: enough to recognize a repeated request or answer.
const MOST_OTHERS: usize = 8;

/// Number of settled commands that installed something. They say which profiles and apps of the device are managed.
const MOST_INSTALLS: usize = 256;

pub(super) fn queue(
    device: &mut Device,
    id: CommandId,
    request_type: &str,
    payload: &CommandPayload,
    unenrolls: bool,
    priority: Priority,
    expires: Option<Timestamp>,
) {
    device.wants_push = true;
    device.commands.push(QueuedCommand {
        id,
        request_type: request_type.to_owned(),
        payload: payload.clone(),
        forgotten: None,
        unenrolls,
        priority,
        expires,
        status: CommandState::Queued,
        delivered: false,
        put_off: 0,
        answer: None,
        app: None,
        rejection: None,
    });
}

/// The device connected, on its own or after a push. Another push is only needed for commands that it has not fetched
/// yet.
pub(super) fn deliver(device: &mut Device, id: CommandId) {
    set_status(device, id, CommandState::Delivered);
    device.wants_push = has_unfetched(device);
}

/// No push is needed if this was the last waiting command.
pub(super) fn call_off(device: &mut Device, id: CommandId, status: CommandState) {
    set_status(device, id, status);
    let waits = device.waiting().next().is_some();
    device.wants_push &= has_unfetched(device);
    device.wants_push_again &= waits;
}

fn has_unfetched(device: &Device) -> bool {
    device.commands.iter().any(|command| command.status == CommandState::Queued)
}

pub(super) fn find(device: &mut Device, id: CommandId) -> Option<&mut QueuedCommand> {
    device.commands.iter_mut().find(|command| command.id == id)
}

pub(super) fn set_status(device: &mut Device, id: CommandId, status: CommandState) {
    let Some(command) = find(device, id) else { return };
    let is_settled_now = command.status.is_waiting() && !status.is_waiting();
    let is_removal = command.unenrolls;
    command.status = status;
    command.delivered |= status == CommandState::Delivered;
    command.forget();
    if is_settled_now {
        device.removals += u64::from(is_removal);
        forget_settled(device);
    }
}

/// Forgets settled commands, the oldest first, so that the state does not grow with the history. A late answer to a
/// forgotten command is treated like one to an unknown command.
pub(super) fn forget_settled(device: &mut Device) {
    for (of_installs, most) in [(true, MOST_INSTALLS), (false, MOST_OTHERS)] {
        let counts = |command: &QueuedCommand| !command.status.is_waiting() && command.installs() == of_installs;
        let mut surplus = device.commands.iter().filter(|command| counts(command)).count().saturating_sub(most);
        device.commands.retain(|command| {
            let is_forgotten = surplus > 0 && counts(command);
            surplus -= usize::from(is_forgotten);
            !is_forgotten
        });
    }
}
