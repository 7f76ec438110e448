//! Answers of the device to MDM commands.

use super::super::{Command, CommandState, Device, QueuedCommand};
use super::{Decision, claims, enrolled, is_repeated, renewal};
use events::device::{
    AnswerFault, AppStatus, BodyHash, CommandId, CommandStatus, DeviceEvent, InventoryValue, UnenrolledBy,
};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn answer(device: &Device, command: &Command) -> Vec<DeviceEvent> {
    let Command::AnswerCommand { id, status, errors, rejection, body, left_out, inventory, apps, attestation } =
        command
    else {
        return vec![];
    };
    let Some(queued) = device.command(*id) else { return vec![] };
    if !counts(device, queued, *status, body) {
        return vec![];
    }
    let mut happened = vec![DeviceEvent::MdmCommandAnswered {
        command: *id,
        status: *status,
        errors: errors.clone(),
        rejection: *rejection,
        body: body.clone(),
    }];
    if !left_out.is_empty() && *status != CommandStatus::NotNow {
        happened.push(unreadable(*id, left_out, true, body));
    }
    happened.extend(reported_apps(device, queued, apps));
    happened.extend(reported_inventory(device, inventory));
    happened.extend(renewal::answered(device, *id, *status));
    happened.extend(claims::answered(device, *id, *status, attestation.as_ref()));
    if queued.unenrolls && *status == CommandStatus::Acknowledged && !device.phase.has_ended() {
        happened.push(DeviceEvent::DeviceUnenrolled { by: UnenrolledBy::Server });
    }
    happened
}

/// Returns whether the answer is recorded. Every NotNow answer counts, although its body is always the same.
fn counts(device: &Device, queued: &QueuedCommand, status: CommandStatus, body: &BodyHash) -> bool {
    if status != CommandStatus::NotNow {
        return !is_repeated(device, body) && is_news(queued, false);
    }
    // The command was already the last one answered with NotNow, and another push is planned.
    let is_last_put_off = queued.status == CommandState::Deferred && queued.put_off == device.put_offs;
    is_news(queued, true) && !(device.wants_push_again && is_last_put_off)
}

/// Returns whether an answer to this command is recorded. An answer to an answered command is ignored, since devices
/// repeat answers. An answer to a command that was cancelled after its delivery is recorded: the device may have run
/// it.
fn is_news(queued: &QueuedCommand, not_now: bool) -> bool {
    match queued.status {
        CommandState::Answered | CommandState::Ended => false,
        CommandState::Cancelled | CommandState::Expired => queued.delivered && !not_now,
        CommandState::Queued | CommandState::Delivered | CommandState::Deferred => true,
    }
}

fn reported_apps(device: &Device, queued: &QueuedCommand, apps: &BTreeMap<String, AppStatus>) -> Vec<DeviceEvent> {
    let installs = (queued.request_type == "InstallApplication").then_some(queued.id);
    let is_new = |app: &str, status: &AppStatus| {
        device.apps.get(app) != Some(status) || (installs.is_some() && queued.app.is_none())
    };
    let reported = |(app, status): (&String, &AppStatus)| DeviceEvent::ManagedAppReported {
        app: app.clone(),
        status: *status,
        command: installs,
    };
    apps.iter().filter(|(app, status)| is_new(app, status)).map(reported).collect()
}

fn reported_inventory(device: &Device, inventory: &BTreeMap<String, InventoryValue>) -> Option<DeviceEvent> {
    let changes: BTreeMap<_, _> = inventory
        .iter()
        .filter(|(key, value)| device.inventory.get(*key) != Some(*value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    (!changes.is_empty()).then_some(DeviceEvent::InventoryReported { changes })
}

pub(super) fn settle_unreadable(
    device: &Device,
    id: CommandId,
    why: &BTreeSet<AnswerFault>,
    body: &BodyHash,
) -> Vec<DeviceEvent> {
    let is_new = device.command(id).is_some_and(|queued| is_news(queued, false));
    if is_repeated(device, body) || !is_new { vec![] } else { vec![unreadable(id, why, false, body)] }
}

fn unreadable(command: CommandId, why: &BTreeSet<AnswerFault>, in_part: bool, body: &BodyHash) -> DeviceEvent {
    DeviceEvent::MdmAnswerUnreadable { command, why: why.iter().copied().collect(), in_part, body: body.clone() }
}

pub(super) fn result_too_large(
    device: &Device,
    id: Option<CommandId>,
    bytes: u64,
    body: &Option<BodyHash>,
) -> Decision {
    enrolled(device)?;
    if body.as_ref().is_some_and(|body| is_repeated(device, body)) {
        return Ok(vec![]);
    }
    Ok(vec![DeviceEvent::MdmResultTooLarge { command: id, bytes, body: body.clone() }])
}
