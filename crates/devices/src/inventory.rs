//! Extracts the inventory from a device's answers. Keeps only values that the kind of enrollment permits, that were
//! queried, and that are listed here. Other values are stored nowhere. `lists` handles apps, profiles and certificates.

mod lists;
pub(crate) mod queries;

use crate::commands::asked;
use crate::commands::table::{ResultKind, request_type};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use decisions::apple_target;
use decisions::device::{Device, QueuedCommand};
use events::device::InventoryValue;
use events::enrollment::EnrollmentKind;
use events::person::PersonId;
use events::personal::Personal;
use plist::{Dictionary, Value};
use queries::{QUERIES, Query, SECURITY, permitted};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Maximum length of a value in bytes. Longer values are left out: values are short facts about a device.
const MAX_TEXT: usize = 1_024;

/// Returns the inventory values in an acknowledged answer to a command. `enrollment` is the identifier of the device's
/// enrollment profile.
pub fn of(
    queued: &QueuedCommand,
    answer: &Dictionary,
    state: &Device,
    enrollment: &str,
    person: PersonId,
) -> BTreeMap<String, InventoryValue> {
    let (Some(kind), Some(asked)) = (state.kind(), asked(queued)) else { return BTreeMap::new() };
    // The keys are not limited to a version: the device may have been updated since its version was last reported.
    let reported = apple::reported(&queued.request_type, answer, apple_target(kind, None));
    match lists::of(&queued.request_type, &reported, kind, state, enrollment) {
        Some((name, list)) => [(name.to_owned(), InventoryValue::Personal(Personal::new(person.key(), list)))].into(),
        None => facts(&asked, &reported, kind, person),
    }
}

/// Returns the names of the values in an answer that are left out because they are too long. The names of values in
/// lists include the name of the list.
pub fn left_out(queued: &QueuedCommand, answer: &Dictionary, state: &Device) -> BTreeSet<String> {
    let Some(kind) = state.kind() else { return BTreeSet::new() };
    let reported = apple::reported(&queued.request_type, answer, apple_target(kind, None));
    let is_long = |value: &Value| value.as_string().is_some_and(|text| text.len() > MAX_TEXT);
    let responses = reported.get("QueryResponses").and_then(Value::as_dictionary);
    let facts = responses.into_iter().flatten().filter(|(_, value)| is_long(value)).map(|(name, _)| name.clone());
    facts.chain(lists::left_out(&queued.request_type, &reported, is_long)).collect()
}

// Returns the values in an answer to `DeviceInformation` or `SecurityInfo`; other answers contain none. `asked` is the
// `Command` dictionary.
fn facts(
    asked: &Dictionary,
    answer: &Dictionary,
    kind: EnrollmentKind,
    person: PersonId,
) -> BTreeMap<String, InventoryValue> {
    let part = |key: &str| answer.get(key).and_then(Value::as_dictionary);
    let name = asked.get("RequestType").and_then(Value::as_string).unwrap_or_default();
    match request_type(name).result {
        ResultKind::DeviceInformation => {
            let names: Vec<_> = asked.get("Queries").and_then(Value::as_array).into_iter().flatten().collect();
            let asked_for = |query: &&Query| names.iter().any(|name| name.as_string() == Some(query.name));
            keep(QUERIES.iter().filter(asked_for), part("QueryResponses"), kind, person)
        }
        ResultKind::SecurityInfo => keep(SECURITY.iter(), part("SecurityInfo"), kind, person),
        ResultKind::Status | ResultKind::List(_) | ResultKind::InstalledApp | ResultKind::ManagedApps => {
            BTreeMap::new()
        }
    }
}

fn keep<'a>(
    queries: impl Iterator<Item = &'a Query>,
    told: Option<&Dictionary>,
    kind: EnrollmentKind,
    person: PersonId,
) -> BTreeMap<String, InventoryValue> {
    let Some(told) = told else { return BTreeMap::new() };
    queries
        .filter(|query| permitted(query, kind, None))
        .filter_map(|query| {
            let value = json(at(told, query.name)?)?;
            let name = query.name.rsplit('.').next().unwrap_or(query.name);
            let value = match query.personal {
                true => InventoryValue::Personal(Personal::new(person.key(), value)),
                false => InventoryValue::Plain(value),
            };
            Some((name.to_owned(), value))
        })
        .collect()
}

fn at<'a>(told: &'a Dictionary, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        Some((first, rest)) => at(told.get(first)?.as_dictionary()?, rest),
        None => told.get(path),
    }
}

/// Largest real number that is kept. No measured value is larger, and above it an `f64` has no fractional digits.
const LARGEST_REAL: f64 = 1e15;

// Events contain only integers as numbers, so that their bytes are the same everywhere. A fraction becomes text with at
// most six decimal places, because other numbers could have hundreds of digits.
fn real(number: f64) -> Option<String> {
    let text = (number.abs() <= LARGEST_REAL).then(|| format!("{number:.6}"))?;
    Some(text.trim_end_matches('0').trim_end_matches('.').to_owned())
}

fn json(value: &Value) -> Option<Json> {
    Some(match value {
        Value::String(text) if text.len() <= MAX_TEXT => Json::from(text.as_str()),
        Value::Boolean(yes) => Json::from(*yes),
        Value::Integer(number) => {
            number.as_signed().map(Json::from).or_else(|| number.as_unsigned().map(Json::from))?
        }
        Value::Real(number) => Json::from(real(*number)?),
        Value::Date(date) => Json::from(date.to_xml_format()),
        Value::Data(data) if data.len() <= MAX_TEXT => Json::from(STANDARD.encode(data)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::queries::queries;
    use super::*;
    use events::enrollment::OsVersion;
    use uuid::Uuid;

    const PERSON: PersonId = PersonId(Uuid::from_u128(7));
    const BOTH: [EnrollmentKind; 2] = [EnrollmentKind::UserEnrollment, EnrollmentKind::DeviceEnrollment];

    fn dictionary(entries: &[(&str, Value)]) -> Dictionary {
        entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
    }

    fn asked(names: &[&str]) -> Dictionary {
        let names = names.iter().map(|name| Value::from(*name)).collect();
        dictionary(&[("RequestType", "DeviceInformation".into()), ("Queries", Value::Array(names))])
    }

    fn reported(entries: &[(&str, Value)]) -> Dictionary {
        dictionary(&[("QueryResponses", Value::Dictionary(dictionary(entries)))])
    }

    #[test]
    fn a_personal_device_is_not_asked_what_user_enrollment_forbids() {
        let forbidden = ["UDID", "SerialNumber", "IMEI", "MEID", "PhoneNumber", "WiFiMAC", "BluetoothMAC"];
        let asked = queries(EnrollmentKind::UserEnrollment, Some(OsVersion::new(17, 0)));
        assert!(asked.iter().all(|name| !forbidden.contains(name)), "{asked:?}");
        assert!(asked.contains(&"DeviceName"));
    }

    #[test]
    fn a_device_is_not_asked_what_its_version_does_not_know() {
        let asked = queries(EnrollmentKind::DeviceEnrollment, Some(OsVersion::new(15, 8)));
        assert!(!asked.contains(&"ModelNumber") && !asked.contains(&"SupplementalBuildVersion"), "{asked:?}");
        assert!(queries(EnrollmentKind::DeviceEnrollment, Some(OsVersion::new(16, 4))).contains(&"ModelNumber"));
    }

    #[test]
    fn what_is_asked_is_what_apples_schema_allows() {
        let versions = [(9, 3), (12, 4), (13, 1), (15, 8), (16, 1), (16, 4), (17, 5), (18, 1), (26, 0), (27, 0)];
        for version in versions.map(|(major, minor)| Some(OsVersion::new(major, minor))).into_iter().chain([None]) {
            for kind in BOTH {
                let allowed = apple::device_information_queries(apple_target(kind, version));
                let unknown: Vec<_> =
                    queries(kind, version).into_iter().filter(|query| !allowed.contains(query)).collect();
                assert!(unknown.is_empty(), "{kind:?} {version:?}: {unknown:?}");
            }
        }
    }

    #[test]
    fn battery_and_free_capacity_are_neither_asked_nor_kept() {
        for name in ["BatteryLevel", "AvailableDeviceCapacity"] {
            for kind in BOTH {
                assert!(!queries(kind, None).contains(&name));
                assert!(facts(&asked(&[name]), &reported(&[(name, Value::Real(0.5))]), kind, PERSON).is_empty());
            }
        }
    }

    #[test]
    fn what_a_personal_device_tells_unasked_is_not_kept() {
        let answer = reported(&[("SerialNumber", "F5JM992LF193".into()), ("OSVersion", "17.5".into())]);
        let kept = facts(&asked(&["SerialNumber", "OSVersion"]), &answer, EnrollmentKind::UserEnrollment, PERSON);
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["OSVersion"]);
        let kept = facts(&asked(&["ModelName"]), &answer, EnrollmentKind::DeviceEnrollment, PERSON);
        assert!(kept.is_empty());
    }

    #[test]
    fn what_tells_the_person_is_sealed_under_their_key() {
        let answer = reported(&[("DeviceName", "Ada's iPhone".into()), ("DeviceCapacity", Value::Real(63.5))]);
        for kind in BOTH {
            let kept = facts(&asked(&["DeviceName", "DeviceCapacity"]), &answer, kind, PERSON);
            let sealed = Personal::new(PERSON.key(), Json::from("Ada's iPhone"));
            assert_eq!(kept.get("DeviceName"), Some(&InventoryValue::Personal(sealed)));
            assert_eq!(kept.get("DeviceCapacity"), Some(&InventoryValue::Plain(Json::from("63.5"))));
        }
    }

    #[test]
    fn a_real_number_has_a_few_digits_or_is_not_kept() {
        let cases = [(63.5, "63.5"), (128.0, "128"), (0.1 + 0.2, "0.3"), (1e-300, "0"), (1e15, "1000000000000000")];
        for (number, text) in cases {
            assert_eq!(json(&Value::Real(number)), Some(Json::from(text)));
        }
        for number in [1e16, -1e300, f64::INFINITY, f64::NAN] {
            assert_eq!(json(&Value::Real(number)), None, "{number}");
        }
    }

    #[test]
    fn security_is_kept_as_the_mode_tells_it() {
        let status = Value::Dictionary(dictionary(&[("IsUserEnrollment", true.into())]));
        let security = dictionary(&[
            ("HardwareEncryptionCaps", 3.into()),
            ("PasscodePresent", true.into()),
            ("ManagementStatus", status),
        ]);
        let answer = dictionary(&[("SecurityInfo", Value::Dictionary(security))]);
        let asked = dictionary(&[("RequestType", "SecurityInfo".into())]);
        let kept = facts(&asked, &answer, EnrollmentKind::UserEnrollment, PERSON);
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["HardwareEncryptionCaps", "IsUserEnrollment"]);
        assert!(facts(&asked, &answer, EnrollmentKind::DeviceEnrollment, PERSON).contains_key("PasscodePresent"));
    }

    #[test]
    fn an_answer_to_another_command_tells_nothing() {
        let answer = reported(&[("OSVersion", "17.5".into())]);
        let asked = dictionary(&[("RequestType", "RemoveProfile".into())]);
        assert!(facts(&asked, &answer, EnrollmentKind::DeviceEnrollment, PERSON).is_empty());
    }
}
