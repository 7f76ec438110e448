//! Message on a device's page about what the previous form did. The address only says what to look for; the text comes
//! from the record, so that no address can make the page show something false.

use super::href;
use crate::admin::links;
use crate::admin::query::{Query, filled};
use crate::admin::session::Staff;
use crate::admin::words;
use events::device::{CommandId, DeviceId};
use projections::ProjectionError;
use projections::claims::Claim;
use projections::commands::Queued;
use projections::devices::{self as inventory, Device};
use serde::Deserialize;

/// Query parameters that say what to look for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    command: Option<String>,
    again: Option<String>,
    done: Option<String>,
    other: Option<String>,
    link: Option<String>,
}

impl Asked {
    /// Returns the word of what was done.
    pub(super) fn wanted(&self) -> Option<String> {
        self.done.clone()
    }

    /// Returns what to look for if the previous form decided about a link.
    pub(super) fn of_link(self) -> links::Asked {
        links::Asked { done: self.done, link: self.link }
    }
}

/// Returns the address of a device's page after a command was queued or cancelled. `before`: the same form had already
/// queued it.
pub(crate) fn after_command(device: DeviceId, command: CommandId, before: bool) -> String {
    let query = Query::default().with("command", Some(&command.to_string()));
    query.with("again", before.then_some("yes")).href(&href(device, None))
}

/// Returns the address of a device's page after another action on its record, or a decision about it and another
/// record.
pub(crate) fn after(device: DeviceId, done: &str, other: Option<DeviceId>) -> String {
    let other = other.map(|other| other.to_string());
    Query::default().with("done", Some(done)).with("other", other.as_deref()).href(&href(device, None))
}

/// Returns the message for the page.
///
/// # Errors
/// Returns an error if the projections are unavailable.
pub(crate) async fn said(
    staff: &Staff,
    device: &Device,
    commands: &[Queued],
    claims: &[(Claim, Option<Device>)],
    asked: &Asked,
) -> Result<Option<String>, ProjectionError> {
    if let Some(command) = filled(asked.command.as_deref()) {
        let queued = commands.iter().find(|queued| queued.command.to_string() == command);
        return Ok(queued.map(|queued| of_command(queued, asked.again.is_some())));
    }
    let said = match filled(asked.done.as_deref()) {
        Some("archive") if device.archived => {
            "The record is archived. It no longer appears in lists. Nothing changed on the device."
        }
        Some("restore") if !device.archived => "The record is restored. It appears in lists again.",
        Some(verdict @ ("same" | "different")) => return decided(staff, device, claims, verdict, asked).await,
        _ => return Ok(None),
    };
    Ok(Some(said.to_owned()))
}

fn of_command(queued: &Queued, again: bool) -> String {
    let name = &queued.request_type;
    match (queued.state.is_waiting(), again) {
        (true, true) => format!("{name} was already queued by this form. It was not queued again."),
        (true, false) => {
            format!("{name} is queued. Muster wakes the device. It gets the command when it is next online.")
        }
        (false, _) => format!("{name}: {}.", words::command(queued.state).label),
    }
}

async fn decided(
    staff: &Staff,
    device: &Device,
    claims: &[(Claim, Option<Device>)],
    verdict: &str,
    asked: &Asked,
) -> Result<Option<String>, ProjectionError> {
    let other = filled(asked.other.as_deref()).and_then(|other| super::parse_device(other).ok());
    let Some(other) = other else { return Ok(None) };
    let is_open = claims.iter().any(|(claim, _)| claim.earlier == other || claim.later == other);
    let Some(other) = inventory::get(staff.projections(), other, None).await? else { return Ok(None) };
    let ended = device.superseded_by == Some(other.id) || other.superseded_by == Some(device.id);
    let both = words::told_apart(&other);
    Ok(match (verdict, is_open, ended) {
        ("same", _, true) => {
            Some(format!("Decided: one device. Of this record and {both}, the earlier one has ended."))
        }
        ("different", false, false) => Some(format!("Decided: different devices. This record and {both} both stay.")),
        _ => None,
    })
}
