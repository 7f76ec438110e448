//! The selection of devices for a command.

use super::AT_MOST;
use crate::admin::commands::form::Sent;
use crate::admin::devices::{of_person, parse_cursor};
use crate::admin::problem::Problem;
use crate::admin::words;
use projections::devices::{DeviceFilter, State};

/// Parses the selection of devices. An empty form never selects all devices; that is a separate choice. An invalid
/// selection returns a message for the form.
pub(super) fn filter(sent: &Sent) -> Result<Result<DeviceFilter, &'static str>, Problem> {
    let kind = sent.text("kind").map(words::parse_kind).transpose()?;
    if let Some(wrong) = wrong_choice(sent) {
        return Ok(Err(wrong));
    }
    let separated = |c: char| c.is_whitespace() || c == ',' || c == ';';
    let ids = sent.text("ids").unwrap_or_default().split(separated).filter(|id| !id.is_empty());
    let ids: Vec<String> = ids.map(str::to_owned).collect();
    if ids.len() > AT_MOST {
        return Ok(Err("These are too many identifiers. One rehearsal accepts at most 500."));
    }
    let of = of_person(sent.text("person"));
    let named = sent.text("named").map(str::to_owned);
    let after = sent.text("after").map(parse_cursor).transpose()?;
    // An archived record is hidden from lists, but its device is still managed.
    Ok(Ok(DeviceFilter { state: Some(State::Enrolled), archived: true, kind, ids, named, after, ..of }))
}

fn wrong_choice(sent: &Sent) -> Option<&'static str> {
    let blank = [
        (
            "person",
            "The field for the person contains only spaces. Enter the full user name, or leave the field empty.",
        ),
        (
            "ids",
            "The field for serial numbers or ids contains only spaces. Enter at least one, or leave the field empty.",
        ),
        ("named", "The field for name or model contains only spaces. Enter a part of it, or leave the field empty."),
    ];
    if let Some((_, wrong)) = blank.into_iter().find(|(name, _)| sent.is_blank(name)) {
        return Some(wrong);
    }
    let narrowed = ["person", "ids", "named", "kind"].into_iter().any(|name| sent.text(name).is_some());
    match (sent.text("which"), narrowed) {
        (Some("all"), false) | (Some("these") | None, true) => None,
        (Some("all"), true) => Some("Choose all enrolled devices or fill in the fields, not both."),
        _ => Some("Fill in at least one field, or choose all enrolled devices."),
    }
}
