//! What Apple's schema permits on iPhone and iPad, by version of iOS and kind of enrollment. One rule table, no I/O.
//!
//! The tables (`tables`, with a README) contain facts from Apple's device-management schema in the form of this
//! project. A generator creates them from a checkout of the schema and a list of later facts. A test compares every
//! line with the schema if the schema is available. The tables omit what does not exist for the managed devices
//! (macOS, Shared iPad), and a value that is not in them is a violation.
//!
//! [`models`] translates between model identifiers and marketing names.

mod check;
mod document;
pub mod models;
mod platform;
mod profile;
mod reported;
#[cfg(feature = "schema")]
pub mod schema;
mod table;

use plist::{Dictionary, Value};
use table::{Subject, TABLE};

pub use check::{Target, Violation, Weight};
pub use document::{check_discovery, check_profile_service, check_refusal, check_token, is_profile_service};
pub use platform::{EnrollmentKind, OsVersion};
pub use profile::{check_profile, check_upload};
pub use reported::reported;

/// Checks whether a device accepts this command.
///
/// # Errors
/// Returns the reason as a text.
pub fn command_allowed(request_type: &str, target: Target) -> Result<(), String> {
    let Some(command) = TABLE.commands.get(request_type) else {
        return Err(format!("the command {request_type} does not exist on iPhone and iPad"));
    };
    target.takes(&command.availability).map_or(Ok(()), |why| Err(why.to_string()))
}

/// Returns the queries that DeviceInformation may contain for a device of this kind and version, without
/// `DevicePropertiesAttestation`: a device makes a new attestation only once in seven days, so it is requested only
/// deliberately.
pub fn device_information_queries(target: Target) -> Vec<&'static str> {
    let queries = TABLE.commands.get("DeviceInformation").and_then(|command| command.rule("Queries"));
    let words = queries.into_iter().flat_map(|queries| &queries.items).flat_map(|item| &item.words);
    let askable = words.filter(|word| target.takes(&word.availability).is_none());
    askable.map(|word| word.key.as_str()).filter(|word| *word != "DevicePropertiesAttestation").collect()
}

/// Returns the bit of `AccessRights` that a command needs; `None` if it needs none.
pub fn right_needed(request_type: &str) -> Option<u64> {
    TABLE.commands.get(request_type).and_then(|command| command.rights)
}

/// Returns the commands to which devices answer with more than a status.
pub fn commands_with_results() -> impl Iterator<Item = &'static str> {
    TABLE.results.keys().map(String::as_str)
}

/// Checks a `Command` dictionary. The result is empty if the device accepts it.
pub fn check_command(command: &Value, target: Target) -> Vec<Violation> {
    let name = |command: &Dictionary| command.get("RequestType").and_then(Value::as_string).map(str::to_owned);
    let mut found = check_message(command, "RequestType", name, |name| TABLE.commands.get(name), target);
    if let Some(command) = command.as_dictionary() {
        check_app(command, target.kind, &mut found);
    }
    found
}

// Rules that the schema states in prose about InstallApplication: exactly one name for the app, and User Enrollment
// accepts only licensed apps (`PurchaseMethod` 1, application.install.yaml).
fn check_app(command: &Dictionary, kind: EnrollmentKind, found: &mut Vec<Violation>) {
    if command.get("RequestType").and_then(Value::as_string) != Some("InstallApplication") {
        return;
    }
    let names = ["iTunesStoreID", "Identifier", "ManifestURL"].iter().filter(|name| command.contains_key(name)).count();
    if names != 1 {
        let why = "must name the app by exactly one of iTunesStoreID, Identifier and ManifestURL";
        found.push(Violation::new("InstallApplication", why));
    }
    let options = command.get("Options").and_then(Value::as_dictionary);
    let method = options.and_then(|options| options.get("PurchaseMethod")).and_then(Value::as_signed_integer);
    if kind == EnrollmentKind::UserEnrollment && method != Some(1) {
        let why = "is not 1, but User Enrollment accepts only apps with an assigned licence";
        found.push(Violation::new("InstallApplication.Options.PurchaseMethod", why));
    }
}

/// Checks a check-in message. The result is empty if a device of this kind and version may send it.
pub fn check_check_in(message: &Value, target: Target) -> Vec<Violation> {
    let name = |message: &Dictionary| message.get("MessageType").and_then(Value::as_string).map(str::to_owned);
    check_message(message, "MessageType", name, |name| TABLE.check_in.get(name), target)
}

fn check_message(
    message: &Value,
    name_key: &str,
    name: impl Fn(&Dictionary) -> Option<String>,
    find: impl Fn(&str) -> Option<&'static Subject>,
    target: Target,
) -> Vec<Violation> {
    let Some(dictionary) = message.as_dictionary() else {
        return vec![Violation::new("", "is not a dictionary")];
    };
    let Some(name) = name(dictionary) else {
        return vec![Violation::new(name_key, "is missing or not a string")];
    };
    let Some(subject) = find(&name) else {
        return vec![Violation::new(&name, "does not exist on iPhone and iPad")];
    };
    if let Some(why) = target.takes(&subject.availability) {
        return vec![Violation::new(&name, why.to_string())];
    }
    let mut found = Vec::new();
    check::dictionary(dictionary, &[&subject.keys], &[name_key], target, &name, &mut found);
    found
}

#[cfg(test)]
mod tests;
