//! What Apple's schema permits on iPhone and iPad, by version of iOS and kind of enrollment: one table, no I/O.
//!
//! The tables (`tables`, with a README) state facts of Apple's device-management schema in our own form; a generator makes them from a checkout
//! of the schema and a list of later facts, and a test compares every line with the schema where that is at hand. What is left out of them
//! does not exist for the devices we manage (macOS, Shared iPad), and what does not exist is a violation.

mod check;
mod document;
mod platform;
mod profile;
#[cfg(feature = "schema")]
pub mod schema;
mod table;
mod told;

use plist::{Dictionary, Value};
use table::{Subject, TABLE};

pub use check::{Target, Violation, Weight};
pub use document::{check_discovery, check_profile_service, check_refusal, check_token, is_profile_service};
pub use platform::{EnrollmentKind, OsVersion};
pub use profile::{check_profile, check_upload};
pub use told::told;

/// Whether a device takes this command; if not, why.
///
/// # Errors
/// The reason in words.
pub fn command_allowed(request_type: &str, target: Target) -> Result<(), String> {
    let Some(command) = TABLE.commands.get(request_type) else {
        return Err(format!("iPhones and iPads have no command {request_type}"));
    };
    target.takes(&command.availability).map_or(Ok(()), |why| Err(why.to_string()))
}

/// What DeviceInformation may ask a device of this kind and version, but for `DevicePropertiesAttestation`: a device makes
/// a new attestation only once in seven days, so it is asked for by name and on purpose.
pub fn device_information_queries(target: Target) -> Vec<&'static str> {
    let queries = TABLE.commands.get("DeviceInformation").and_then(|command| command.rule("Queries"));
    let words = queries.into_iter().flat_map(|queries| &queries.items).flat_map(|item| &item.words);
    let askable = words.filter(|word| target.takes(&word.availability).is_none());
    askable.map(|word| word.key.as_str()).filter(|word| *word != "DevicePropertiesAttestation").collect()
}

/// The bit of `AccessRights` that a command needs; `None` where it needs none.
pub fn right_needed(request_type: &str) -> Option<u64> {
    TABLE.commands.get(request_type).and_then(|command| command.rights)
}

/// The commands to which devices answer with more than a status.
pub fn commands_with_results() -> impl Iterator<Item = &'static str> {
    TABLE.results.keys().map(String::as_str)
}

/// Checks a `Command` dictionary. Empty: the device takes it.
pub fn check_command(command: &Value, target: Target) -> Vec<Violation> {
    let name = |command: &Dictionary| command.get("RequestType").and_then(Value::as_string).map(str::to_owned);
    let mut found = check_message(command, "RequestType", name, |name| TABLE.commands.get(name), target);
    if let Some(command) = command.as_dictionary() {
        check_app(command, target.kind, &mut found);
    }
    found
}

// What the schema says of InstallApplication in words: one name for the app, and User Enrollment takes licensed apps only
// (`PurchaseMethod` 1, application.install.yaml).
fn check_app(command: &Dictionary, kind: EnrollmentKind, found: &mut Vec<Violation>) {
    if command.get("RequestType").and_then(Value::as_string) != Some("InstallApplication") {
        return;
    }
    let names = ["iTunesStoreID", "Identifier", "ManifestURL"].iter().filter(|name| command.contains_key(name)).count();
    if names != 1 {
        let why = "names the app by exactly one of iTunesStoreID, Identifier and ManifestURL";
        found.push(Violation::new("InstallApplication", why));
    }
    let options = command.get("Options").and_then(Value::as_dictionary);
    let method = options.and_then(|options| options.get("PurchaseMethod")).and_then(Value::as_signed_integer);
    if kind == EnrollmentKind::UserEnrollment && method != Some(1) {
        let why = "is not 1, and User Enrollment takes only apps that a licence is assigned for";
        found.push(Violation::new("InstallApplication.Options.PurchaseMethod", why));
    }
}

/// Checks a check-in message. Empty: a device of this kind and version may send it.
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
        return vec![Violation::new("", "is no dictionary")];
    };
    let Some(name) = name(dictionary) else {
        return vec![Violation::new(name_key, "is missing, or no string")];
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
