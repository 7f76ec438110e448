//! Events of answers to MDM commands.

use super::super::{CommandState, Device};
use super::commands::{find, set_status};
use events::device::{AppStatus, BodyHash, CommandId, CommandStatus, RejectionReason};

pub(super) fn answer(
    device: &mut Device,
    id: CommandId,
    status: CommandStatus,
    rejection: Option<RejectionReason>,
    body: &BodyHash,
) {
    device.seen.insert_answer(body);
    if status == CommandStatus::NotNow {
        put_off(device, id);
        return;
    }
    set_status(device, id, CommandState::Answered);
    if let Some(command) = find(device, id) {
        command.answer = Some(status);
        command.rejection = rejection;
    }
}

fn put_off(device: &mut Device, id: CommandId) {
    set_status(device, id, CommandState::Deferred);
    device.put_offs += 1;
    let put_offs = device.put_offs;
    if let Some(command) = find(device, id) {
        command.put_off = put_offs;
        command.answer = Some(CommandStatus::NotNow);
    }
    device.wants_push_again = true;
}

/// `in_part`: the readable part is in `MdmCommandAnswered`.
pub(super) fn unreadable(device: &mut Device, id: CommandId, in_part: bool, body: &BodyHash) {
    device.seen.insert_answer(body);
    if !in_part {
        set_status(device, id, CommandState::Answered);
    }
}

pub(super) fn too_large(device: &mut Device, id: Option<CommandId>, body: Option<&BodyHash>) {
    body.into_iter().for_each(|body| device.seen.insert_answer(body));
    if let Some(id) = id {
        set_status(device, id, CommandState::Answered);
    }
    // The device received no further command, even if others are waiting.
    let waits = device.waiting().next().is_some();
    device.wants_push_again |= waits;
}

/// `command`: the `InstallApplication` command that the report answers.
pub(super) fn report_app(device: &mut Device, app: &str, status: AppStatus, command: Option<CommandId>) {
    device.apps.insert(app.to_owned(), status);
    if let Some(command) = command.and_then(|command| find(device, command)) {
        command.app = Some(app.to_owned());
    }
}
