//! Apple's schema itself, in YAML. Tests compare what is sent to devices with it, without the rule tables. A feature
//! that no server enables.
//!
//! Its functions panic if a document violates a rule, like assertions of a test.

#![expect(clippy::unwrap_used, reason = "only tests call this")]

use crate::check::Target;
use crate::platform::{EnrollmentKind, OsVersion};
use crate::table::{Availability, Mode, Type};
use plist::{Dictionary, Value};
use serde_yaml_ng::Value as Yaml;
use std::path::{Path, PathBuf};

/// Returns the folder of Apple's schema. If it is missing, reports that the running test is left out.
pub fn schema() -> Option<PathBuf> {
    test_support::shared("apple-schema")
}

/// Reads a file of the schema.
pub fn read(path: &Path) -> Yaml {
    serde_yaml_ng::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Returns the beginning of a file, without its keys. Needed for the home screen, whose keys are recursive.
pub fn head(path: &Path) -> Yaml {
    let text = std::fs::read_to_string(path).unwrap();
    serde_yaml_ng::from_str(text.split("\npayloadkeys:").next().unwrap()).unwrap()
}

/// Returns a string or number as text.
pub fn text(yaml: &Yaml) -> Option<String> {
    match yaml {
        Yaml::String(text) => Some(text.clone()),
        Yaml::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns a list in the schema; empty if it is missing.
pub fn list<'a>(yaml: &'a Yaml, key: &str) -> &'a [Yaml] {
    yaml.get(key).and_then(Yaml::as_sequence).map_or(&[], |list| list)
}

/// Returns the schema's facts about iOS.
pub fn ios(of: &Yaml) -> &Yaml {
    of.get("supportedOS").and_then(|systems| systems.get("iOS")).unwrap_or(&Yaml::Null)
}

/// Returns whether a key is not available on iOS, or only on a Shared iPad. The tables do not contain such keys.
pub fn is_foreign(of: &Yaml) -> bool {
    let shared = ios(of).get("sharedipad").and_then(|shared| shared.get("mode")).and_then(text);
    ios(of).get("introduced").and_then(text).as_deref() == Some("n/a") || shared.as_deref() == Some("required")
}

/// Returns the availability that the schema states.
pub(crate) fn availability(of: &Yaml) -> Availability {
    let version = |key| ios(of).get(key).and_then(text).map(|text| OsVersion::parse(&text).unwrap());
    let mode = ios(of).get("userenrollment").and_then(|enrollment| enrollment.get("mode")).and_then(text);
    Availability {
        since: version("introduced"),
        until: version("removed"),
        user_enrollment: mode.map(|mode| match mode.as_str() {
            "allowed" => Mode::Allowed,
            "required" => Mode::Required,
            "forbidden" => Mode::Forbidden,
            "ignored" => Mode::Ignored,
            other => panic!("an unknown mode: {other}"),
        }),
        supervised: ios(of).get("supervised").and_then(Yaml::as_bool).unwrap_or(false),
    }
}

/// Returns the type of a key.
pub(crate) fn type_of(of: &Yaml) -> Type {
    match text(&of["type"]).unwrap().as_str() {
        "<string>" => Type::String,
        "<integer>" => Type::Integer,
        "<real>" => Type::Real,
        "<boolean>" => Type::Boolean,
        "<date>" => Type::Date,
        "<data>" => Type::Data,
        "<array>" => Type::Array,
        "<dictionary>" => Type::Dictionary,
        "<any>" => Type::Any,
        other => panic!("an unknown type: {other}"),
    }
}

/// Compares a dictionary with the YAML schema only: every key must be listed, exist for the target, and have its type
/// and a listed value, and every required key must be present. `theirs` are the keys in the schema. `path` is the
/// name of the dictionary in messages.
pub fn hold_against(found: &Dictionary, theirs: &[&Yaml], target: Target, path: &str) {
    for (key, value) in found {
        let path = format!("{path}.{key}");
        let rule = theirs.iter().find(|rule| rule["key"].as_str() == Some(key));
        let rule = rule.unwrap_or_else(|| panic!("{path} is not in Apple's schema"));
        let ours = availability(rule);
        assert!(!is_foreign(rule), "{path}");
        let exists = |has| ours.since.is_none_or(|since| since <= has) && ours.until.is_none_or(|until| has < until);
        assert!(target.version.is_none_or(exists), "{path} for {target:?}");
        let user = target.kind == EnrollmentKind::UserEnrollment;
        match ours.user_enrollment {
            Some(Mode::Forbidden | Mode::Ignored) => assert!(!user, "{path}"),
            Some(Mode::Required) => assert!(user, "{path}"),
            _ => {}
        }
        let of = match value {
            Value::String(_) => Type::String,
            Value::Integer(_) => Type::Integer,
            Value::Boolean(_) => Type::Boolean,
            Value::Data(_) => Type::Data,
            Value::Array(_) => Type::Array,
            Value::Dictionary(inside) => {
                let keys: Vec<&Yaml> = list(rule, "subkeys").iter().collect();
                hold_against(inside, &keys, target, &path);
                Type::Dictionary
            }
            other => panic!("{path} is {other:?}"),
        };
        assert_eq!(of, type_of(rule), "{path}");
        let listed = list(rule, "rangelist");
        let plain = value.as_string().map(str::to_owned).or(value.as_signed_integer().map(|number| number.to_string()));
        assert!(listed.is_empty() || listed.iter().any(|permitted| text(permitted) == plain), "{path}");
    }
    let required = theirs.iter().filter(|rule| rule.get("presence").and_then(text).as_deref() == Some("required"));
    for key in required.map(|rule| rule["key"].as_str().unwrap()) {
        assert!(found.contains_key(key), "{path}.{key} is missing");
    }
}

/// Compares a profile and its payloads with the files in the folder `schema`. `xml` is the profile without a
/// signature.
pub fn hold_profile_against(schema: &Path, xml: &[u8], target: Target) {
    let keys = |name: &str| -> Vec<Yaml> {
        list(&read(&schema.join(format!("mdm/profiles/{name}.yaml"))), "payloadkeys").to_vec()
    };
    let profile = Value::from_reader_xml(xml).unwrap();
    let top = profile.as_dictionary().unwrap();
    let top_keys = keys("TopLevel");
    hold_against(top, &top_keys.iter().collect::<Vec<_>>(), target, "TopLevel");
    let common = keys("CommonPayloadKeys");
    for payload in top.get("PayloadContent").unwrap().as_array().unwrap() {
        let payload = payload.as_dictionary().unwrap();
        let name = payload.get("PayloadType").unwrap().as_string().unwrap();
        let own = keys(name);
        hold_against(payload, &common.iter().chain(&own).collect::<Vec<_>>(), target, name);
    }
}
