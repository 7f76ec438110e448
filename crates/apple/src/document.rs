//! Documents for devices other than profiles and commands: the discovery document, tokens (RFC 6749), the documents
//! of a refusal, and the payload that asks a device for its attributes ("Over-the-Air Profile Delivery and
//! Configuration").

use super::check::{self, Target, Violation};
use super::table::TABLE;
use crate::platform::{EnrollmentKind, OsVersion};
use plist::{Dictionary, Value};

/// Apple writes this payload type without a prefix.
const PROFILE_SERVICE: &str = "Profile Service";

/// Returns whether the property list is not a profile but the payload that asks a device for its attributes.
pub fn is_profile_service(property_list: &Value) -> bool {
    let named = property_list.as_dictionary().and_then(|dictionary| dictionary.get("PayloadType"));
    named.and_then(Value::as_string) == Some(PROFILE_SERVICE)
}

/// Checks the payload that asks a device for its attributes. The result is empty if a device of this kind and version
/// answers it.
pub fn check_profile_service(payload: &Value, target: Target) -> Vec<Violation> {
    check_named(PROFILE_SERVICE, payload.as_dictionary(), target)
}

/// Checks the document at the well-known address. The result is empty if a device of this version finds its server
/// with it.
pub fn check_discovery(document: &serde_json::Value, version: Option<OsVersion>) -> Vec<Violation> {
    let plist = value(document);
    // The document is the same for both kinds of enrollment: nothing in it is for one kind only.
    let target = Target::new(EnrollmentKind::UserEnrollment, version);
    let mut found = check_named("Servers", plist.as_ref().and_then(Value::as_dictionary), target);
    let servers = document.get("Servers").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
    if servers != 1 {
        found.push(Violation::new("Servers", format!("has {servers} members, but devices use only the first")));
    }
    found
}

/// Checks the document of a refusal by its `code`. The result is empty if a device of this version acts on it.
pub fn check_refusal(document: &serde_json::Value, target: Target) -> Vec<Violation> {
    let code = document.get("code").and_then(serde_json::Value::as_str).unwrap_or_default();
    let plist = value(document);
    check_named(code, plist.as_ref().and_then(Value::as_dictionary), target)
}

/// Checks the response of a token endpoint (RFC 6749 sections 5.1 and 5.2). The result is empty if a device can parse
/// it.
pub fn check_token(document: &serde_json::Value) -> Vec<Violation> {
    let name = if document.get("error").is_some() { "Token Refusal" } else { "Token" };
    let plist = value(document);
    let target = Target::new(EnrollmentKind::UserEnrollment, None);
    check_named(name, plist.as_ref().and_then(Value::as_dictionary), target)
}

fn check_named(name: &str, found: Option<&Dictionary>, target: Target) -> Vec<Violation> {
    let Some(subject) = TABLE.documents.get(name) else {
        return vec![Violation::new(name, "does not exist on iPhone and iPad")];
    };
    let Some(dictionary) = found else {
        return vec![Violation::new(name, "is not a dictionary, or contains a value that property lists do not have")];
    };
    let mut violations: Vec<Violation> =
        target.takes(&subject.availability).map(|why| Violation::new(name, why.to_string())).into_iter().collect();
    check::dictionary(dictionary, &[&subject.keys], &[], target, name, &mut violations);
    violations
}

/// Converts JSON to a property list; `None` if it contains values that property lists do not have (null) or that are
/// not used here (fractions).
fn value(json: &serde_json::Value) -> Option<Value> {
    Some(match json {
        serde_json::Value::Null => return None,
        serde_json::Value::Bool(truth) => Value::from(*truth),
        serde_json::Value::Number(number) => Value::from(number.as_i64()?),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(members) => Value::Array(members.iter().map(value).collect::<Option<_>>()?),
        serde_json::Value::Object(entries) => {
            let entries = entries.iter().map(|(key, member)| Some((key.clone(), value(member)?)));
            Value::Dictionary(entries.collect::<Option<_>>()?)
        }
    })
}
