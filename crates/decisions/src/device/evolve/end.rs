//! The end of management.

use super::super::{CommandState, Device, Phase};
use super::commands::forget_settled;
use events::device::BodyHash;

pub(super) fn check_out(device: &mut Device, body: &BodyHash) {
    device.seen.insert_check_in(body);
    device.left = true;
    end(device, Phase::CheckedOut);
}

/// Ends the management. The first end remains: a CheckOut after Muster's RemoveProfile does not make the person the one
/// who ended management.
pub(super) fn end(device: &mut Device, phase: Phase) {
    if !device.phase.has_ended() {
        device.phase = phase;
    }
    device.revivable = None;
    device.wants_push = false;
    device.wants_push_again = false;
    device.renewal = None;
    device.reauthenticated = None;
    device.in_use = None;
    device.former_pushes.clear();
    // Commands of this management are not sent in the next one: an old RemoveProfile would end it at once.
    for command in &mut device.commands {
        device.removals += u64::from(command.unenrolls && command.status.is_waiting());
        command.status = CommandState::Ended;
        command.forget();
    }
    forget_settled(device);
}
