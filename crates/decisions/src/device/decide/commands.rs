//! The queue of MDM commands: queue, cancel, expire, deliver.

use super::super::{Command, CommandState, Device, QueuedCommand, Refusal};
use super::{Decision, enrolled, permitted, renewal};
use crate::Aggregate;
use events::Timestamp;
use events::device::{CommandId, DeviceEvent, RenewalFailure};

pub(super) fn queue(device: &Device, command: &Command) -> Decision {
    let Command::QueueCommand { id, request_type, payload, unenrolls, priority, expires } = command else {
        return Ok(vec![]);
    };
    if let Some(queued) = device.command(*id) {
        let same = queued.request_type == *request_type && queued.has(payload);
        return if same { Ok(vec![]) } else { Err(Refusal::DuplicateCommand) };
    }
    enrolled(device)?;
    permitted(device, request_type)?;
    Ok(vec![DeviceEvent::MdmCommandQueued {
        command: *id,
        request_type: request_type.clone(),
        payload: payload.clone(),
        unenrolls: *unenrolls,
        priority: *priority,
        expires: *expires,
    }])
}

pub(super) fn cancel(device: &Device, id: CommandId) -> Decision {
    let queued = device.command(id).ok_or(Refusal::UnknownCommand)?;
    match queued.status {
        CommandState::Queued | CommandState::Delivered | CommandState::Deferred => {
            let cancelled = DeviceEvent::MdmCommandCancelled { command: id };
            Ok(std::iter::once(cancelled).chain(renewal::ended(device, id, RenewalFailure::Cancelled)).collect())
        }
        CommandState::Cancelled | CommandState::Expired | CommandState::Ended => Ok(vec![]),
        CommandState::Answered => Err(Refusal::AnsweredCommand { request_type: queued.request_type.clone() }),
    }
}

pub(super) fn expire(device: &Device, now: Timestamp) -> Vec<DeviceEvent> {
    let over = device.waiting().filter(|command| command.expires.is_some_and(|expires| expires <= now));
    let expired = |command: &QueuedCommand| {
        let failed = renewal::ended(device, command.id, RenewalFailure::NotFetched);
        std::iter::once(DeviceEvent::MdmCommandExpired { command: command.id }).chain(failed)
    };
    over.flat_map(expired).collect()
}

/// Delivers the next command. An expired command is not delivered, even if the timer has not run yet.
pub(super) fn next(device: &Device, not_now: &[CommandId], now: Timestamp) -> Decision {
    enrolled(device)?;
    let mut happened = expire(device, now);
    let expired = (!happened.is_empty()).then(|| happened.iter().fold(device.clone(), Device::evolve));
    let next =
        expired.as_ref().unwrap_or(device).next_command(not_now).filter(|next| next.status == CommandState::Queued);
    happened.extend(next.map(|next| DeviceEvent::MdmCommandDelivered { command: next.id }));
    Ok(happened)
}
