//! Compares the rule tables with Apple's schema, key by key in both directions. If `../shared/apple-schema` is
//! missing, the tests report that they are left out.

use super::*;
use crate::schema::{availability, head, ios, is_foreign, list, read, schema, text, type_of};
use crate::table::{Availability, Form, Rule, Type};
use serde_yaml_ng::Value as Yaml;

fn form_of(of: &Yaml) -> Option<Form> {
    let format = of.get("format").and_then(text)?;
    match format.as_str() {
        "^https://.*$" => Some(Form::Https),
        "^[0-9A-Za-z]{8}-[0-9A-Za-z]{4}-[0-9A-Za-z]{4}-[0-9A-Za-z]{4}-[0-9A-Za-z]{12}$" => Some(Form::Uuid),
        // The device checks the other formats, such as those of passcodes and hardware addresses.
        _ => None,
    }
}

fn is_any(key: &Yaml) -> bool {
    key["key"].as_str().is_some_and(|key| key.starts_with("ANY"))
}

/// Returns whether a dictionary accepts any key: it lists no key, or the single listed key stands for any key.
fn is_open(of: &Yaml) -> bool {
    if type_of(of) != Type::Dictionary {
        return false;
    }
    match list(of, "subkeys") {
        [] => true,
        [only] => is_any(only) || matches!(list(only, "subkeys"), [inside] if is_any(inside)),
        _ => false,
    }
}

fn compare_keys(ours: &[Rule], theirs: &[Yaml], path: &str, counted: &mut usize) {
    let theirs: Vec<&Yaml> = theirs.iter().filter(|key| !is_foreign(key)).collect();
    let names: Vec<&str> = theirs.iter().map(|key| key["key"].as_str().unwrap()).collect();
    let ours: Vec<&Rule> = ours.iter().filter(|rule| !is_new(path, &rule.key)).collect();
    let our_names: Vec<&str> = ours.iter().map(|rule| rule.key.as_str()).collect();
    assert_eq!(our_names, names, "the keys of {path}");
    for (rule, key) in ours.into_iter().zip(theirs) {
        let path = format!("{path}.{}", rule.key);
        assert_eq!(rule.required, key.get("presence").and_then(text).as_deref() == Some("required"), "{path}");
        compare(rule, key, &path, counted);
    }
}

fn compare(ours: &Rule, theirs: &Yaml, path: &str, counted: &mut usize) {
    *counted += 1;
    assert_eq!(ours.of, type_of(theirs), "{path}");
    assert_eq!(ours.availability, later(path, name_of(ours), availability(theirs)), "{path}");
    let default = theirs.get("default").filter(|default| default.is_bool() || default.is_number());
    let has_default = matches!(ours.of, Type::Boolean | Type::Integer | Type::Real);
    let default = default.filter(|_| has_default).map(|default| serde_json::to_value(default).unwrap());
    assert_eq!(ours.default, default, "{path}");
    assert_eq!(ours.form, form_of(theirs), "{path}");
    let values: Vec<serde_json::Value> =
        list(theirs, "rangelist").iter().map(|value| serde_json::to_value(value).unwrap()).collect();
    assert_eq!(ours.values, values, "{path}");
    assert_eq!(ours.open, is_open(theirs), "{path}");
    let inside = list(theirs, "subkeys");
    match ours.of {
        Type::Dictionary if !ours.open => compare_keys(&ours.keys, inside, path, counted),
        Type::String => compare_keys(&ours.words, inside, path, counted),
        Type::Array => {
            let members: Vec<&Yaml> = inside.iter().filter(|member| !is_foreign(member)).collect();
            assert_eq!(ours.items.len(), members.len(), "the members of {path}");
            for (item, member) in ours.items.iter().zip(members) {
                compare(item, member, &format!("{path}[]"), counted);
            }
        }
        _ => {}
    }
}

fn compare_subject(ours: &Subject, theirs: &Yaml, name: &str, counted: &mut usize) {
    let payload = &theirs["payload"];
    assert_eq!(ours.availability, later(name, name, availability(payload)), "{name}");
    // This file is read without its keys, because they are recursive.
    if name != RECURSIVE {
        let (any, listed): (Vec<Yaml>, _) = list(theirs, "payloadkeys").iter().cloned().partition(is_any);
        assert_eq!(ours.open, !any.is_empty(), "{name}");
        compare_keys(&ours.keys, &listed, name, counted);
    }
}

/// A folder on the home screen contains the same kinds of items as the home screen.
const RECURSIVE: &str = "com.apple.homescreenlayout";

fn overlay() -> &'static [serde_json::Value] {
    static OVERLAY: std::sync::LazyLock<serde_json::Value> =
        std::sync::LazyLock::new(|| serde_json::from_str(include_str!("../tables/overlay.json")).unwrap());
    OVERLAY["facts"].as_array().unwrap()
}

/// Returns the facts of later releases about `name` inside `path`.
fn facts(path: &str, name: &str) -> impl Iterator<Item = &'static serde_json::Value> {
    let subject = |at: &[serde_json::Value]| at[1].as_str().is_some_and(|subject| path.starts_with(subject));
    let named = move |fact: &&serde_json::Value| {
        let at = fact["at"].as_array().unwrap();
        subject(at) && at.last().unwrap().as_str() == Some(name) && (at.len() > 2 || path == name)
    };
    overlay().iter().filter(named).collect::<Vec<_>>().into_iter()
}

fn is_new(path: &str, name: &str) -> bool {
    facts(path, name).any(|fact| fact.get("type").is_some())
}

/// Returns the schema's availability, with the facts of later releases.
fn later(path: &str, name: &str, mut availability: Availability) -> Availability {
    for fact in facts(path, name) {
        if let Some(until) = fact.get("until") {
            availability.until = OsVersion::parse(until.as_str().unwrap());
        }
        if let Some(mode) = fact.get("user_enrollment") {
            availability.user_enrollment = serde_json::from_value(mode.clone()).unwrap();
        }
    }
    availability
}

/// Returns the name by which a rule is found: its key, or the `Item` of a setting.
fn name_of(rule: &Rule) -> &str {
    let item = rule.keys.iter().find(|key| key.key == "Item").and_then(|item| item.values.first());
    if rule.key.is_empty() { item.and_then(serde_json::Value::as_str).unwrap_or_default() } else { &rule.key }
}

/// Returns the bit of `AccessRights` that the schema names (mdm/profiles/com.apple.mdm.yaml, `AccessRights`).
fn right(of: &Yaml) -> Option<u64> {
    match ios(of).get("accessrights").and_then(text)?.as_str() {
        "AllowInspection" => Some(1),
        "AllowInstallationRemoval" => Some(2),
        "AllowPasscodeRemovalAndLock" => Some(4),
        "AllowDeviceErase" => Some(8),
        "AllowProvisioningInspection" => Some(64),
        "AllowProvisioningInstallationRemoval" => Some(128),
        "AllowQueryApplications" => Some(256),
        "AllowQueryRestrictions" => Some(512),
        "AllowQuerySecurity" => Some(1_024),
        "AllowSettings" => Some(2_048),
        "AllowAppInstallation" => Some(4_096),
        // Depends on the queries. A device omits what it may not report.
        "Special Case" | "None" => None,
        other => panic!("an unknown right: {other}"),
    }
}

/// Compares the answers of devices: keys, types and availability. Values are not compared, because nothing depends on
/// them.
fn compare_told(ours: &[Rule], theirs: &[Yaml], path: &str, counted: &mut usize) {
    let theirs: Vec<&Yaml> = theirs.iter().filter(|key| !is_foreign(key)).collect();
    let names: Vec<&str> = theirs.iter().map(|key| key["key"].as_str().unwrap()).collect();
    let our_names: Vec<&str> = ours.iter().map(|rule| rule.key.as_str()).collect();
    assert_eq!(our_names, names, "the keys of {path}");
    for (rule, key) in ours.iter().zip(theirs) {
        compare_telling(rule, key, &format!("{path}.{}", rule.key), counted);
    }
}

fn compare_telling(ours: &Rule, theirs: &Yaml, path: &str, counted: &mut usize) {
    *counted += 1;
    assert_eq!(ours.of, type_of(theirs), "{path}");
    assert_eq!(ours.availability, availability(theirs), "{path}");
    let inside = list(theirs, "subkeys");
    if ours.keys.is_empty() {
        let members: Vec<&Yaml> = inside.iter().filter(|member| !is_foreign(member)).collect();
        assert_eq!(ours.items.len(), members.len(), "the members of {path}");
        for (item, member) in ours.items.iter().zip(members) {
            compare_telling(item, member, &format!("{path}[]"), counted);
        }
    } else {
        compare_told(&ours.keys, inside, path, counted);
    }
}

/// Returns whether python3 has the packages that the generator needs.
fn has_python() -> bool {
    let tried = std::process::Command::new("python3").args(["-c", "import yaml"]).output();
    tried.is_ok_and(|tried| tried.status.success())
}

#[test]
fn the_tables_are_what_the_generator_makes_of_the_schema_and_the_overlay() {
    let Some(schema) = schema() else { return };
    if !has_python() {
        return test_support::left_out("python3 with PyYAML is not installed");
    }
    let generator = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tables/generate.py");
    let made = std::process::Command::new("python3").arg(generator).arg(schema).arg("--check").output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn every_rule_of_ours_is_apples_and_no_command_of_iphones_is_left_out() {
    let Some(schema) = schema() else { return };
    let mut counted = 0;
    for (name, subject) in &TABLE.profiles {
        let path = schema.join(format!("mdm/profiles/{name}.yaml"));
        let theirs = if name == RECURSIVE { head(&path) } else { read(&path) };
        assert_eq!(theirs["payload"]["payloadtype"].as_str(), Some(name.as_str()));
        compare_subject(subject, &theirs, name, &mut counted);
    }
    // Every payload of iPhones and iPads must be in the table.
    for file in std::fs::read_dir(schema.join("mdm/profiles")).unwrap() {
        let theirs = head(&file.unwrap().path());
        let Some(name) = theirs["payload"].get("payloadtype").and_then(Yaml::as_str) else { continue };
        let exists = !ios(&theirs["payload"]).is_null() && !is_foreign(&theirs["payload"]);
        assert!(!exists || TABLE.profiles.contains_key(name), "{name} is missing in our table");
        assert!(exists || TABLE.profiles.contains_key(name) || TABLE.elsewhere.contains(name), "{name}");
    }
    for (folder, ours) in [("mdm/commands", &TABLE.commands), ("mdm/checkin", &TABLE.check_in)] {
        let mut found = Vec::new();
        for file in std::fs::read_dir(schema.join(folder)).unwrap() {
            let theirs = read(&file.unwrap().path());
            let name = theirs["payload"]["requesttype"].as_str().unwrap().to_owned();
            if ios(&theirs["payload"]).is_null() || is_foreign(&theirs["payload"]) {
                assert!(!ours.contains_key(&name), "{name} does not apply to the devices that we manage");
                continue;
            }
            let subject = ours.get(&name).unwrap_or_else(|| panic!("{name} is missing in our table"));
            compare_subject(subject, &theirs, &name, &mut counted);
            if folder == "mdm/commands" {
                assert_eq!(subject.rights, right(&theirs["payload"]), "{name}");
                let told = TABLE.results.get(&name).map_or(&[][..], |result| &result.keys);
                compare_told(told, list(&theirs, "responsekeys"), &name, &mut counted);
            }
            found.push(name);
        }
        found.sort();
        assert_eq!(found, ours.keys().cloned().collect::<Vec<_>>());
    }
    // Apple's schema defines only the refusals among the documents.
    for file in ["unrecognized.device", "well-known.failed"] {
        let theirs = read(&schema.join(format!("mdm/errors/{file}.yaml")));
        let name = format!("com.apple.{file}");
        compare_subject(&TABLE.documents[&name], &theirs, &name, &mut counted);
    }
    assert!(counted > 1_000, "only {counted} rules compared");
}
