//! Holding a property list against the table. Version and mode come before presence: TokenUpdate marks both `UDID` and
//! `EnrollmentID` required, and no device sends both.

use super::table::{Availability, Form, Mode, Rule, Type};
use events::enrollment::{EnrollmentKind, OsVersion};
use plist::{Dictionary, Value};
use std::fmt;

/// Something a device would not take, or not send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Such as `com.apple.mdm.ServerURL`.
    pub path: String,
    pub why: String,
}

impl Violation {
    pub(super) fn new(path: &str, why: impl Into<String>) -> Violation {
        Violation { path: path.to_owned(), why: why.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.why)
    }
}

/// The device it is checked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Device {
    pub kind: EnrollmentKind,
    /// Where it is not known, versions do not matter.
    pub version: Option<OsVersion>,
}

impl Device {
    /// Why the device does not take it; `None` if it does.
    pub(super) fn takes(self, availability: &Availability) -> Option<String> {
        let user = self.kind == EnrollmentKind::UserEnrollment;
        match availability.user_enrollment {
            Some(Mode::Forbidden | Mode::Ignored) if user => return Some("is not for User Enrollment".into()),
            Some(Mode::Required) if !user => return Some("is for User Enrollment only".into()),
            _ => {}
        }
        if availability.supervised {
            return Some("is for supervised devices only".into());
        }
        let version = self.version?;
        if let Some(since) = availability.since.filter(|since| version < *since) {
            return Some(format!("is new in iOS {since}, and the device has {version}"));
        }
        let gone = availability.until.filter(|until| version >= *until)?;
        Some(format!("is gone since iOS {gone}, and the device has {version}"))
    }

    fn needs(self, rule: &Rule) -> bool {
        let by_mode = rule.availability.user_enrollment == Some(Mode::Required);
        (rule.required || by_mode) && self.takes(&rule.availability).is_none()
    }
}

/// Checks a dictionary against sets of rules; `besides` are keys that are known to be right, there or not.
pub(super) fn dictionary(
    found: &Dictionary,
    rules: &[&[Rule]],
    besides: &[&str],
    device: Device,
    path: &str,
    violations: &mut Vec<Violation>,
) {
    let all = || rules.iter().flat_map(|rules| rules.iter());
    for (key, value) in found {
        let path = format!("{path}.{key}");
        match all().find(|rule| rule.key == *key) {
            _ if besides.contains(&key.as_str()) => {}
            Some(rule) => self::value(value, rule, device, &path, violations),
            None => violations.push(Violation::new(&path, "is unknown")),
        }
    }
    let missing = |rule: &&Rule| !found.contains_key(&rule.key) && !besides.contains(&rule.key.as_str());
    for rule in all().filter(|rule| device.needs(rule)).filter(missing) {
        violations.push(Violation::new(&format!("{path}.{}", rule.key), "is missing"));
    }
}

fn value(found: &Value, rule: &Rule, device: Device, path: &str, violations: &mut Vec<Violation>) {
    if let Some(why) = device.takes(&rule.availability) {
        violations.push(Violation::new(path, why));
        return;
    }
    if !is_of(found, rule.of) {
        violations.push(Violation::new(path, format!("is no {:?}", rule.of)));
        return;
    }
    if !rule.values.is_empty() && !rule.values.iter().any(|permitted| is_same(found, permitted)) {
        violations.push(Violation::new(path, format!("is none of the permitted values, but {found:?}")));
    }
    if let (Some(form), Some(text)) = (rule.form, found.as_string())
        && !has_form(text, form)
    {
        violations.push(Violation::new(path, format!("has not the form {form:?}")));
    }
    if !rule.words.is_empty() {
        word(found, rule, device, path, violations);
    }
    if let (Some(dictionary), false) = (found.as_dictionary(), rule.open) {
        self::dictionary(dictionary, &[&rule.keys], &[], device, path, violations);
    }
    for (nth, member) in found.as_array().into_iter().flatten().enumerate() {
        let path = format!("{path}[{nth}]");
        match member_rule(member, &rule.items) {
            Some(rule) => value(member, rule, device, &path, violations),
            None => violations.push(Violation::new(&path, "is unknown")),
        }
    }
}

fn word(found: &Value, rule: &Rule, device: Device, path: &str, violations: &mut Vec<Violation>) {
    let text = found.as_string().unwrap_or_default();
    match rule.words.iter().find(|word| word.key == text) {
        Some(word) => {
            let why = device.takes(&word.availability);
            violations.extend(why.map(|why| Violation::new(&format!("{path} {text}"), why)));
        }
        None => violations.push(Violation::new(&format!("{path} {text}"), "is unknown")),
    }
}

/// The members of `Settings` are told apart by their `Item` (mdm/commands/settings.yaml).
fn member_rule<'a>(member: &Value, rules: &'a [Rule]) -> Option<&'a Rule> {
    if let [only] = rules {
        return Some(only);
    }
    let item = member.as_dictionary()?.get("Item")?;
    let names =
        |rule: &Rule| rule.keys.iter().any(|key| key.key == "Item" && key.values.iter().any(|v| is_same(item, v)));
    rules.iter().find(|rule| names(rule))
}

pub(super) fn is_of(value: &Value, of: Type) -> bool {
    if of == Type::Any {
        return true;
    }
    match value {
        Value::String(_) => of == Type::String,
        Value::Integer(_) => matches!(of, Type::Integer | Type::Real),
        Value::Real(_) => of == Type::Real,
        Value::Boolean(_) => of == Type::Boolean,
        Value::Date(_) => of == Type::Date,
        Value::Data(_) => of == Type::Data,
        Value::Array(_) => of == Type::Array,
        Value::Dictionary(_) => of == Type::Dictionary,
        _ => false,
    }
}

fn is_same(found: &Value, permitted: &serde_json::Value) -> bool {
    match found {
        Value::String(text) => permitted.as_str() == Some(text),
        Value::Integer(number) => permitted.as_i64() == number.as_signed(),
        Value::Boolean(truth) => permitted.as_bool() == Some(*truth),
        _ => false,
    }
}

fn has_form(text: &str, form: Form) -> bool {
    match form {
        Form::Https => text.starts_with("https://"),
        Form::Uuid => {
            let parts: Vec<&str> = text.split('-').collect();
            let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
            let plain = |part: &&str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
            lengths == [8, 4, 4, 4, 12] && parts.iter().all(plain)
        }
    }
}
