//! Checks whole profiles: every payload against the tables, and the references between payloads.

use super::check::{self, Target, Violation, Weight};
use super::table::{Subject, TABLE};
use crate::platform::EnrollmentKind;
use plist::{Dictionary, Value};
use std::collections::HashSet;

/// Checks a profile (the property list inside its signature). The result is empty if a device of this version and
/// kind accepts every key.
pub fn check_profile(profile: &Value, target: Target) -> Vec<Violation> {
    let mut found = Vec::new();
    let Some(top) = profile.as_dictionary() else {
        return vec![Violation::new("", "is not a dictionary")];
    };
    let rules = &TABLE.profiles["TopLevel"];
    check::dictionary(top, &[&rules.keys], &[], target, "Configuration", &mut found);
    let payloads = top.get("PayloadContent").and_then(Value::as_array).into_iter().flatten();
    let payloads: Vec<&Dictionary> = payloads.filter_map(Value::as_dictionary).collect();
    for payload in &payloads {
        check_payload(payload, target, &mut found);
    }
    check_names(top, &payloads, &mut found);
    check_mdm(&payloads, target, &mut found);
    found
}

/// Checks a profile that is to be installed on an enrolled device. The weight of a finding says whether the profile
/// may be queued nevertheless. `enrollment` is the identifier of the device's enrollment profile.
pub fn check_upload(profile: &Value, enrollment: &str, target: Target) -> Vec<Violation> {
    let Some(top) = profile.as_dictionary() else {
        return vec![Violation::new("", "is not a dictionary")];
    };
    if top.contains_key("EncryptedPayloadContent") {
        return vec![Violation::new("EncryptedPayloadContent", "is encrypted, so its payloads cannot be checked")];
    }
    let mut found = check_profile(profile, target);
    if text(top, "PayloadIdentifier") == enrollment {
        found.push(Violation::new("PayloadIdentifier", "is used by the enrollment profile, which it would replace"));
    }
    let payloads = top.get("PayloadContent").and_then(Value::as_array).into_iter().flatten();
    let is_mdm = |payload: &Dictionary| text(payload, "PayloadType").eq_ignore_ascii_case("com.apple.mdm");
    if payloads.filter_map(Value::as_dictionary).any(is_mdm) {
        found.push(Violation::new("com.apple.mdm", "is the device's management, and a device has only one"));
    }
    found
}

fn text<'a>(dictionary: &'a Dictionary, key: &str) -> &'a str {
    dictionary.get(key).and_then(Value::as_string).unwrap_or_default()
}

fn check_payload(payload: &Dictionary, target: Target, found: &mut Vec<Violation>) {
    let name = text(payload, "PayloadType");
    let common = &TABLE.profiles["CommonPayloadKeys"];
    let Some(rules) = TABLE.profiles.get(name).filter(|_| name.starts_with("com.apple.")) else {
        found.extend(unknown_type(name, target));
        check::dictionary(&only_known(payload, &[common]), &[&common.keys], &[], target, name, found);
        return;
    };
    if let Some(why) = target.takes(&rules.availability) {
        found.push(Violation::new(name, why.to_string()));
    }
    // The schema covers only profile-based User Enrollment. In account-driven enrollment, `AssignedManagedAppleID`
    // replaces the key.
    let besides: &[&str] = if payload.contains_key("EnrollmentMode") { &["ManagedAppleID"] } else { &[] };
    let known = if rules.open { only_known(payload, &[common, rules]) } else { payload.clone() };
    check::dictionary(&known, &[&common.keys, &rules.keys], besides, target, name, found);
    if name == "com.apple.security.scep" {
        check_subject(payload, found);
    }
}

// Nothing is known about other keys.
fn only_known(payload: &Dictionary, subjects: &[&Subject]) -> Dictionary {
    let known = |key: &str| subjects.iter().any(|subject| subject.rule(key).is_some());
    payload.iter().filter(|(key, _)| known(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

// For a payload without a type, the missing key is reported instead.
fn unknown_type(name: &str, target: Target) -> Option<Violation> {
    let wrong = |why: &str| Some(Violation::new(name, why));
    match target.kind {
        _ if name.is_empty() => None,
        _ if TABLE.elsewhere.contains(name) => {
            wrong("is a payload for other platforms, which iPhone and iPad do not have")
        }
        EnrollmentKind::UserEnrollment => wrong("is not a known payload for User Enrollment"),
        EnrollmentKind::DeviceEnrollment => {
            wrong("is a payload type that Muster does not know").map(|found| found.weighing(Weight::Doubt))
        }
    }
}

/// iOS refuses a profile in which two payloads have the same UUID (homotechsual/macOS-MDM-Profiles#1).
fn check_names(top: &Dictionary, payloads: &[&Dictionary], found: &mut Vec<Violation>) {
    for key in ["PayloadUUID", "PayloadIdentifier"] {
        let mut seen = HashSet::new();
        for dictionary in std::iter::once(&top).chain(payloads) {
            if !seen.insert(text(dictionary, key).to_uppercase()) {
                found.push(Violation::new(key, format!("{} occurs twice", text(dictionary, key))));
            }
        }
    }
}

fn check_mdm(payloads: &[&Dictionary], target: Target, found: &mut Vec<Violation>) {
    let mut all = payloads.iter().filter(|payload| text(payload, "PayloadType") == "com.apple.mdm");
    let Some(mdm) = all.next() else { return };
    let mut wrong = |key: &str, why: &str| found.push(Violation::new(&format!("com.apple.mdm.{key}"), why));
    if all.next().is_some() {
        wrong("", "occurs twice, but a device has only one MDM server");
    }
    let identity = |payload: &&&Dictionary| text(payload, "PayloadType") == "com.apple.security.scep";
    let named = text(mdm, "IdentityCertificateUUID");
    if !payloads.iter().filter(identity).any(|payload| text(payload, "PayloadUUID") == named) {
        wrong("IdentityCertificateUUID", "is not the PayloadUUID of an identity in this profile");
    }
    if !text(mdm, "Topic").starts_with("com.apple.mgmt.") {
        wrong("Topic", "does not begin with com.apple.mgmt.");
    }
    let rights = mdm.get("AccessRights").and_then(Value::as_unsigned_integer);
    let needs = |rights: u64, bit, other| rights & bit == 0 || rights & other != 0;
    match rights {
        Some(rights) if !(1..=8191).contains(&rights) || !needs(rights, 2, 1) || !needs(rights, 128, 64) => {
            wrong("AccessRights", "is not a combination that devices accept");
        }
        None if target.kind == EnrollmentKind::DeviceEnrollment => wrong("AccessRights", "is missing"),
        _ => {}
    }
    if !mdm.contains_key("EnrollmentMode") {
        return;
    }
    if mdm.contains_key("ManagedAppleID") {
        wrong("EnrollmentMode", "is for account-driven enrollment, ManagedAppleID for the profile-based one");
    }
    // Otherwise the device cancels the enrollment ("Implementing the simple authentication user-enrollment flow").
    if text(mdm, "AssignedManagedAppleID").is_empty() {
        wrong("AssignedManagedAppleID", "is missing, but EnrollmentMode is set");
    }
    let of_kind = match target.kind {
        EnrollmentKind::UserEnrollment => "BYOD",
        EnrollmentKind::DeviceEnrollment => "ADDE",
    };
    if text(mdm, "EnrollmentMode") != of_kind {
        wrong("EnrollmentMode", "is the mode of the other kind of enrollment");
    }
}

/// The subject must be an array of arrays of pairs. iOS does not replace variables in it (micromdm/micromdm#40,
/// micromdm/nanomdm#81).
fn check_subject(payload: &Dictionary, found: &mut Vec<Violation>) {
    let content = payload.get("PayloadContent").and_then(Value::as_dictionary);
    let names = content.and_then(|content| content.get("Subject")).and_then(Value::as_array);
    for name in names.into_iter().flatten() {
        for pair in name.as_array().into_iter().flatten() {
            let pair: Vec<&str> = pair.as_array().into_iter().flatten().filter_map(Value::as_string).collect();
            let path = "com.apple.security.scep.PayloadContent.Subject";
            match pair[..] {
                [_, value] if value.contains('%') => {
                    found.push(Violation::new(path, "contains a variable, which iOS does not replace"))
                }
                [_, _] => {}
                _ => found.push(Violation::new(path, "contains an entry that is not a pair of name and value")),
            }
        }
    }
}
