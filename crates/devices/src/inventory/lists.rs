//! Lists in answers: profiles, apps, certificates. Only the listed fields of an entry are kept. For a personal device
//! only managed entries are kept, even if the device reports others.

use super::json;
use crate::commands::table::{ResultKind, request_type};
use crate::commands::{asked, upload};
use decisions::device::{CommandState, Device};
use events::device::CommandStatus;
use events::enrollment::EnrollmentKind;
use plist::{Dictionary, Value};
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;

/// Maximum number of entries that are kept. Only a device that tries to fill the log has more.
const MAX_ENTRIES: usize = 1_000;

struct List {
    /// Name of the command and of the key in the answer.
    name: &'static str,
    /// Fields of an entry that are kept.
    fields: &'static [&'static str],
}

fn list(name: &str) -> Option<List> {
    let known = request_type(name);
    match known.result {
        ResultKind::List(fields) => Some(List { name: known.name, fields }),
        _ => None,
    }
}

/// Returns the name of the list in an answer and the part of it that is kept. Returns `None` if the answer contains no
/// such list.
pub(super) fn of(
    name: &str,
    told: &Dictionary,
    kind: EnrollmentKind,
    state: &Device,
    enrollment: &str,
) -> Option<(&'static str, Json)> {
    let list = list(name)?;
    let ours = match kind {
        EnrollmentKind::UserEnrollment => Some(Ours::of(state, enrollment)),
        EnrollmentKind::DeviceEnrollment => None,
    };
    let entries = told.get(list.name).and_then(Value::as_array)?.iter().filter_map(Value::as_dictionary);
    let ours = |entry: &&Dictionary| ours.as_ref().is_none_or(|ours| ours.has(list.name, entry));
    let kept = entries.filter(ours).take(MAX_ENTRIES).map(|entry| cut(entry, list.fields)).collect();
    Some((list.name, Json::Array(kept)))
}

/// Returns the fields of the list's entries that are too long, each with the name of the list.
pub(super) fn left_out(name: &str, told: &Dictionary, is_long: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let Some(list) = list(name) else { return BTreeSet::new() };
    let entries = told.get(list.name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_dictionary);
    let long = |entry: &Dictionary| {
        let fields = list.fields.iter().filter(|field| entry.get(field).is_some_and(&is_long));
        fields.map(|field| format!("{}.{field}", list.name)).collect::<Vec<_>>()
    };
    entries.flat_map(long).collect()
}

fn cut(entry: &Dictionary, fields: &[&str]) -> Json {
    let kept = fields.iter().filter_map(|field| Some(((*field).to_owned(), json(entry.get(field)?)?)));
    Json::Object(kept.collect::<Map<_, _>>())
}

/// Managed items of a device, as the device reported them. A request to install or manage an item is not sufficient:
/// the item may still belong to the person.
struct Ours {
    profiles: BTreeSet<String>,
    apps: BTreeSet<String>,
    /// Fingerprints of certificates: SHA-256, lower-case hex.
    certificates: BTreeSet<String>,
}

impl Ours {
    fn of(state: &Device, enrollment: &str) -> Ours {
        let installs = state.commands.iter().filter(|command| {
            let done = command.status == CommandState::Answered && command.answer == Some(CommandStatus::Acknowledged);
            command.request_type == "InstallProfile" && done
        });
        let apps = state.apps.iter().filter(|(_, status)| status.is_managed());
        let installed = installs.filter_map(|command| match asked(command)?.get("Payload")? {
            Value::Data(file) => upload::open(file).ok().map(|upload| upload.identifier),
            _ => None,
        });
        let renewed = state.renewed.iter().map(|identity| identity.fingerprint.clone());
        Ours {
            profiles: installed.chain([enrollment.to_owned()]).collect(),
            apps: apps.map(|(app, _)| app.clone()).collect(),
            certificates: renewed.chain(state.certificate.clone()).collect(),
        }
    }

    fn has(&self, list: &str, entry: &Dictionary) -> bool {
        let text = |key| entry.get(key).and_then(Value::as_string);
        match list {
            "ProfileList" => text("PayloadIdentifier").is_some_and(|name| self.profiles.contains(name)),
            "InstalledApplicationList" => text("Identifier").is_some_and(|name| self.apps.contains(name)),
            _ => entry
                .get("Data")
                .and_then(Value::as_data)
                .is_some_and(|der| self.certificates.contains(&hex::encode(openssl::sha::sha256(der)))),
        }
    }
}
