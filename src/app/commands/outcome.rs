//! How managed apps stand, as answers tell it.

use super::asked;
use crate::apple;
use crate::enrollment::device::{App, Device, QueuedCommand};
use events::device::AppStatus;
use events::enrollment::EnrollmentKind;
use plist::{Dictionary, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Names of apps and reasons are short words.
const MAX_TEXT: usize = 200;
/// A device has tens of managed apps.
const MAX_APPS: usize = 500;

/// The apps that an answer tells of, trimmed to what the device may tell and, for a personal device, to apps that came by
/// management.
pub fn apps(command: &QueuedCommand, answer: &Dictionary, state: &Device) -> BTreeMap<String, App> {
    let Some(kind) = state.kind() else { return BTreeMap::new() };
    let told = apple::told(&command.request_type, answer, kind, state.version());
    match command.request_type.as_str() {
        "InstallApplication" => installing(command, &told).into_iter().collect(),
        "ManagedApplicationList" => listed(&told, kind, state),
        _ => BTreeMap::new(),
    }
}

fn text<'a>(told: &'a Dictionary, key: &str) -> Option<&'a str> {
    told.get(key).and_then(Value::as_string).filter(|text| text.len() <= MAX_TEXT)
}

// The device says which app the App Store's number is.
fn installing(command: &QueuedCommand, told: &Dictionary) -> Option<(String, App)> {
    let asked = asked(command)?;
    let app = text(told, "Identifier").or_else(|| text(&asked, "Identifier"))?.to_owned();
    let stands = match (text(told, "RejectionReason"), text(told, "State")) {
        (Some(reason), _) => App { status: AppStatus::NotTaken, reason: Some(reason.to_owned()) },
        (None, Some(state)) => App { status: status(state), reason: None },
        (None, None) => return None,
    };
    Some((app, stands))
}

fn listed(told: &Dictionary, kind: EnrollmentKind, state: &Device) -> BTreeMap<String, App> {
    let managed = managed(state);
    let list = told.get("ManagedApplicationList").and_then(Value::as_dictionary);
    let apps = list.into_iter().flatten().filter_map(|(app, told)| {
        let status = status(text(told.as_dictionary()?, "Status")?);
        Some((app.clone(), App { status, reason: None }))
    });
    let ours = |app: &String| kind == EnrollmentKind::DeviceEnrollment || managed.contains(app);
    apps.filter(|(app, _)| app.len() <= MAX_TEXT && ours(app)).take(MAX_APPS).collect()
}

fn status(text: &str) -> AppStatus {
    AppStatus::parse(text).unwrap_or(AppStatus::Unknown)
}

/// The bundle identifiers of apps that came, or were to come, by management.
pub fn managed(state: &Device) -> BTreeSet<String> {
    let installs = state.commands.iter().filter(|command| command.request_type == "InstallApplication");
    let named = installs.filter_map(|command| {
        let asked = asked(command)?;
        command.app.clone().or_else(|| text(&asked, "Identifier").map(str::to_owned))
    });
    named.chain(state.apps.keys().cloned()).collect()
}
