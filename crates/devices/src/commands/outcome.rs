//! Reads the states of managed apps from answers of devices.

use super::asked;
use super::table::{ResultKind, request_type};
use decisions::apple_target;
use decisions::device::{Device, QueuedCommand};
use events::device::{AppStatus, RejectionReason};
use events::enrollment::EnrollmentKind;
use plist::{Dictionary, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Maximum length of a text in an answer, in bytes. Identifiers of apps and words for states are short.
const MAX_TEXT: usize = 200;
/// Maximum number of apps that are read from an answer. A device has tens of managed apps.
const MAX_APPS: usize = 500;

/// Returns the states of the apps in an answer, by bundle identifier. Only values that Apple's rules permit in the
/// answer of this device; for a personal device only apps that management installed or tried to install.
pub fn apps(command: &QueuedCommand, answer: &Dictionary, state: &Device) -> BTreeMap<String, AppStatus> {
    let Some(kind) = state.kind() else { return BTreeMap::new() };
    let reported = apple::reported(&command.request_type, answer, apple_target(kind, state.version()));
    match request_type(&command.request_type).result {
        ResultKind::InstalledApp => installing(command, &reported).into_iter().collect(),
        ResultKind::ManagedApps => listed(&reported, kind, state),
        ResultKind::Status | ResultKind::DeviceInformation | ResultKind::SecurityInfo | ResultKind::List(_) => {
            BTreeMap::new()
        }
    }
}

// A CFBundleIdentifier consists of letters, digits, hyphens and periods; some apps have underscores. Other texts are
// ignored.
fn identifier(told: &Dictionary) -> Option<&str> {
    text(told, "Identifier").filter(|text| is_identifier(text))
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

fn text<'a>(told: &'a Dictionary, key: &str) -> Option<&'a str> {
    told.get(key).and_then(Value::as_string).filter(|text| text.len() <= MAX_TEXT)
}

/// Returns why a device rejected the app that it should install. The device names the app only if it accepts it
/// (mdm/commands/application.install.yaml, `Identifier`), so the reason is stored with the command.
pub fn rejection(command: &QueuedCommand, answer: &Dictionary) -> Option<RejectionReason> {
    let installs = request_type(&command.request_type).result == ResultKind::InstalledApp;
    let reason = answer.get("RejectionReason").and_then(Value::as_string);
    reason.filter(|_| installs).map(RejectionReason::parse)
}

// The command may name the app by its App Store number. The answer contains its identifier.
fn installing(command: &QueuedCommand, told: &Dictionary) -> Option<(String, AppStatus)> {
    if rejection(command, told).is_some() {
        return None;
    }
    let asked = asked(command)?;
    let app = identifier(told).or_else(|| identifier(&asked))?.to_owned();
    Some((app, status(text(told, "State")?)))
}

fn listed(told: &Dictionary, kind: EnrollmentKind, state: &Device) -> BTreeMap<String, AppStatus> {
    let managed = managed(state);
    let list = told.get("ManagedApplicationList").and_then(Value::as_dictionary);
    let apps = list
        .into_iter()
        .flatten()
        .filter_map(|(app, told)| Some((app.clone(), status(text(told.as_dictionary()?, "Status")?))));
    let ours = |app: &String| kind == EnrollmentKind::DeviceEnrollment || managed.contains(app);
    apps.filter(|(app, _)| app.len() <= MAX_TEXT && is_identifier(app) && ours(app)).take(MAX_APPS).collect()
}

fn status(text: &str) -> AppStatus {
    AppStatus::parse(text).unwrap_or(AppStatus::Unknown)
}

// Returns the bundle identifiers of the apps that management installed or tried to install.
fn managed(state: &Device) -> BTreeSet<String> {
    let installs =
        state.commands.iter().filter(|command| request_type(&command.request_type).result == ResultKind::InstalledApp);
    let named = installs.filter_map(|command| {
        let asked = asked(command)?;
        command.app.clone().or_else(|| identifier(&asked).map(str::to_owned))
    });
    named.chain(state.apps.keys().cloned()).collect()
}
