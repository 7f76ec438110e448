//! The page of a rehearsal and of its result: which devices would accept a command, or have accepted it.

use super::page_of;
use crate::admin::commands::form::Sent;
use crate::admin::devices::href;
use crate::admin::render::view;
use crate::admin::words;
use crate::web::content::content;
use devices::commands::table::CommandSpec;
use devices::commands::{Violation, lines};
use events::device::DeviceId;
use projections::devices::Device;
use serde::Serialize;
use uuid::Uuid;

/// Result of a rehearsal for one device: the findings that need consent, or the reason for a refusal.
pub(super) type Answer = Result<Vec<Violation>, String>;

#[derive(Serialize)]
pub(super) struct Rehearsal {
    pub(super) label: &'static str,
    pub(super) consequence: &'static str,
    pub(super) action: String,
    pub(super) back: String,
    pub(super) destructive: bool,
    /// Text to type as a confirmation before a destructive command.
    pub(super) confirm: Option<String>,
    /// The typed text was different.
    pub(super) wrong: bool,
    pub(super) typed: String,
    /// The submitted list is no longer valid.
    pub(super) stale: bool,
    pub(super) request: Uuid,
    /// Fields of the request, to be sent again.
    pub(super) kept: Vec<Kept>,
    /// Some of the devices would ignore some keys of the profile.
    pub(super) warned: bool,
    /// The profile has a payload type that Muster does not know.
    pub(super) doubted: bool,
    /// Token of the list of devices that would accept the command.
    pub(super) batch: String,
    /// Requested identifiers that no device has.
    pub(super) unknown: Vec<String>,
    pub(super) accepting: usize,
    pub(super) refusing: usize,
    /// Id of the last device of this list, if more devices match; and the address for rehearsing those.
    pub(super) next: Option<String>,
    pub(super) next_action: String,
    pub(super) done: bool,
    pub(super) lines: Vec<Line>,
}

view!(
    commands_try,
    Menu,
    Rehearsal {
        label,
        consequence,
        action,
        back,
        destructive,
        confirm,
        wrong,
        typed,
        stale,
        request,
        kept,
        warned,
        doubted,
        batch,
        unknown,
        accepting,
        refusing,
        next,
        next_action,
        done,
        lines
    }
);

#[derive(Serialize)]
pub(super) struct Kept {
    pub(super) name: &'static str,
    pub(super) value: String,
}

content!(Kept { name, value });

#[derive(Serialize)]
pub(super) struct Line {
    pub(super) href: String,
    pub(super) label: String,
    /// Serial number, if there is one. With the beginning of the id it distinguishes devices of the same name.
    pub(super) serial: Option<String>,
    pub(super) id: String,
    /// The record claims another record's hardware, or the other way around.
    pub(super) claim: bool,
    pub(super) person: String,
    pub(super) version: String,
    pub(super) kind: &'static str,
    /// Reason why the device would refuse; empty if it would accept.
    pub(super) why: String,
    /// Findings that need consent.
    pub(super) but: Vec<String>,
}

content!(Line { href, label, serial, id, claim, person, version, kind, why, but });

impl Rehearsal {
    pub(super) fn of(spec: &'static CommandSpec, request: Uuid, lines: Vec<Line>, done: bool) -> Rehearsal {
        Rehearsal {
            label: spec.label,
            consequence: spec.consequence,
            action: format!("{}/do", page_of(spec)),
            back: format!("/console/commands/{}", spec.name),
            destructive: spec.irreversible,
            confirm: None,
            wrong: false,
            typed: String::new(),
            stale: false,
            request,
            kept: vec![],
            warned: false,
            doubted: false,
            batch: String::new(),
            unknown: vec![],
            accepting: 0,
            refusing: 0,
            next: None,
            next_action: format!("/console/commands/{}/try", spec.name),
            done,
            lines,
        }
    }
}

pub(super) fn kept(what: Vec<(&'static str, String)>, sent: &Sent) -> Vec<Kept> {
    let which = ["which", "kind", "person", "ids", "named"].into_iter();
    let which = which.filter_map(|name| Some((name, sent.text(name)?.to_owned())));
    which.chain(what).map(|(name, value)| Kept { name, value }).collect()
}

pub(super) fn gone(device: DeviceId) -> Line {
    let none = || words::NONE.to_owned();
    let why = "this record no longer exists".to_owned();
    Line {
        href: href(device, None),
        label: device.to_string(),
        serial: None,
        id: words::beginning(&device.to_string()).to_owned(),
        claim: false,
        person: none(),
        version: none(),
        kind: words::NONE,
        why,
        but: vec![],
    }
}

pub(super) fn line(device: &Device, answer: Answer) -> Line {
    let (why, but) = match answer {
        Ok(concerns) => (String::new(), lines(&concerns)),
        Err(why) => (why, vec![]),
    };
    Line {
        href: href(device.id, None),
        label: words::label(device),
        serial: device.serial_number.clone(),
        id: words::beginning(&device.id.to_string()).to_owned(),
        claim: !device.claims.is_empty() || !device.claimed_by.is_empty(),
        person: device.user_name.clone().unwrap_or_else(|| words::NONE.to_owned()),
        version: device.os_version.clone().unwrap_or_else(|| words::NONE.to_owned()),
        kind: words::kind(device.kind),
        why,
        but,
    }
}
