//! Decides commands for a device.
//!
//! The match lists every command, grouped by subject. It has no wildcard, so the compiler reports a command that is
//! missing. Each subject has a module.

mod answers;
mod claims;
mod commands;
mod enrollment;
mod push;
mod records;
mod renewal;

use super::{Command, Device, Phase, Refusal};
use events::device::{BodyHash, DeviceEvent};

type Decision = Result<Vec<DeviceEvent>, Refusal>;

pub(super) fn decide(device: &Device, command: &Command) -> Decision {
    match command {
        // Enrollment and push address.
        Command::Authenticate { .. } => enrollment::authenticate(device, command),
        Command::TokenUpdate { identifiers, push, certificate, body } => {
            enrollment::token_update(device, identifiers, push, certificate, body)
        }
        Command::CheckOut { body } => enrollment::check_out(device, body),
        Command::RecordPush { apns_id, again, put_offs } => Ok(push::record(device, apns_id, *again, *put_offs)),
        Command::RecordPushFailure { to, status, reason, unregistered_since, again } => {
            Ok(push::record_failure(device, to, *status, reason, *unregistered_since, *again))
        }

        // Commands and their answers.
        Command::QueueCommand { .. } => commands::queue(device, command),
        Command::CancelCommand { id } => commands::cancel(device, *id),
        Command::ExpireCommands { now } => Ok(commands::expire(device, *now)),
        Command::NextCommand { not_now, now } => commands::next(device, not_now, *now),
        Command::AnswerCommand { .. } => Ok(answers::answer(device, command)),
        Command::SettleUnreadable { id, why, body } => Ok(answers::settle_unreadable(device, *id, why, body)),
        Command::ResultTooLarge { id, bytes, body } => answers::result_too_large(device, *id, *bytes, body),

        // Renewal of the identity.
        Command::RenewIdentity { identity, transaction } => renewal::renew(device, identity, transaction),
        Command::RequestRenewal { id, payload, challenge, challenge_expires } => {
            renewal::request(device, *id, payload, challenge, *challenge_expires)
        }
        Command::RefuseRenewal => renewal::refuse(device),
        Command::IssueRenewal { now, challenge, identity, transaction } => {
            renewal::issue(device, *now, challenge, identity, transaction)
        }
        Command::NoteIdentity { identity } => Ok(renewal::note(device, identity)),
        Command::LapseRenewal { command } => Ok(renewal::lapse(device, *command)),

        // Other records of the same hardware.
        Command::Supersede { by, evidence, now } => Ok(claims::supersede(device, *by, *evidence, *now)),
        Command::Revive { body, now } => Ok(claims::revive(device, body, *now)),
        Command::NoteClaim { others, count } => claims::note(device, others, *count),
        Command::DismissClaim { other } => claims::dismiss(device, *other),
        Command::RequestAttestation { id, payload, now } => claims::request_attestation(device, *id, payload, *now),

        // Record keeping.
        Command::RefuseIdentity { why } => Ok(records::refuse_identity(device, *why)),
        Command::RefuseMessage { why } => Ok(records::refuse_message(device, *why)),
        Command::HearFrom => records::hear_from(device),
        Command::WatchContact { successor } => Ok(records::watch_contact(device, *successor)),
        Command::NoteLeftOut { fields } => Ok(records::note_left_out(device, fields)),
        Command::Archive => records::archive(device),
        Command::Restore => records::restore(device),
        Command::ClearEarlierViews { record, views } => records::clear_views(device, *record, views),
    }
}

/// Returns whether the message already had an effect. It is ignored then: `Mdm-Signature` has no nonce, so it may be a
/// replay.
fn is_repeated(device: &Device, body: &BodyHash) -> bool {
    device.seen.contains(body)
}

fn enrolled(device: &Device) -> Result<(), Refusal> {
    match device.phase {
        Phase::Enrolled => Ok(()),
        phase if phase.has_ended() => Err(Refusal::Ended(phase)),
        phase => Err(Refusal::NotEnrolled(phase)),
    }
}

/// Refuses a command that Apple's rules forbid on this device.
fn permitted(device: &Device, request_type: &str) -> Result<(), Refusal> {
    let Some(target) = device.target() else { return Ok(()) };
    apple::command_allowed(request_type, target)
        .map_err(|why| Refusal::CommandForbidden { request_type: request_type.to_owned(), why })
}
