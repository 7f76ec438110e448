//! The command that a form requests.

use super::form::Sent;
use crate::admin::problem::Problem;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use devices::commands::Consent;
use devices::commands::input::{BadInput, Input};
use devices::commands::request::CommandRequest;
use devices::commands::table::{self, COMMANDS, CommandSpec, Offered};
use events::Timestamp;
use events::enrollment::EnrollmentKind;
use projections::devices::{Device, State};
use uuid::Uuid;

/// Returns the command of this name.
///
/// # Errors
/// Returns `NotFound` if there is none.
pub(crate) fn command(name: &str) -> Result<&'static CommandSpec, Problem> {
    table::command(name).ok_or(Problem::NotFound)
}

/// Returns the commands that make sense for a device.
pub(crate) fn possible(device: &Device) -> Vec<&'static CommandSpec> {
    if device.state != State::Enrolled {
        return vec![];
    }
    let institutional = device.kind == Some(EnrollmentKind::DeviceEnrollment);
    let makes_sense = |command: &&CommandSpec| match command.offered {
        Offered::Everywhere => true,
        Offered::Institutional => institutional,
        Offered::ForMany => false,
    };
    COMMANDS.iter().filter(makes_sense).collect()
}

/// Parses the request of a form.
///
/// # Errors
/// Returns an error that says what is missing or wrong.
pub(crate) fn wanted(spec: &'static CommandSpec, sent: &Sent, now: Timestamp) -> Result<CommandRequest, Problem> {
    let request = sent.text("request").and_then(|text| Uuid::parse_str(text).ok());
    let request = request.ok_or(Problem::Bad("The form is incomplete."))?;
    let days = sent.text("expires").map_or(Ok(0), str::parse::<i64>).ok().filter(|days| (0..=365).contains(days));
    let days = days.ok_or(Problem::Bad("This expiry is not one of the choices."))?;
    let expires = (days > 0).then(|| now.plus_seconds(days * 24 * 3_600));
    let consent = match sent.text("consent") {
        Some("warned") => Consent::Warned,
        Some("confirmed") => Consent::Confirmed,
        _ => Consent::Nothing,
    };
    CommandRequest::new(spec, input(spec, sent), request, expires, consent).map_err(|why| match why {
        BadInput::Wrong(why) => Problem::Bad(why),
        BadInput::Profile(why) => Problem::Refused(format!("This profile cannot be installed: {why}.")),
    })
}

// The file is the uploaded one, or the copy that the rehearsal kept in its page.
fn input(spec: &CommandSpec, sent: &Sent) -> Input {
    let filled_in = spec.fields.iter().filter_map(|name| Some((*name, sent.text(name)?.to_owned())));
    let kept = || sent.text("profile").and_then(|text| STANDARD.decode(text).ok());
    Input::new(filled_in.collect(), sent.file().map(<[u8]>::to_vec).or_else(kept))
}

/// Returns the parameters of a request, to be sent again with the list of devices for which it was rehearsed.
pub(crate) fn parameters(wanted: &CommandRequest, sent: &Sent) -> Vec<(&'static str, String)> {
    let fields = wanted.input.fields().map(|(name, value)| (name, value.to_owned()));
    let expires = sent.text("expires").map(|days| ("expires", days.to_owned()));
    let profile = wanted.input.file().map(|file| ("profile", STANDARD.encode(file)));
    fields.chain(expires).chain(profile).collect()
}
