//! Checks a property list against the rule tables. Version and kind of enrollment are checked before presence:
//! TokenUpdate marks both `UDID` and `EnrollmentID` as required, and no device sends both.

use super::table::{Availability, Form, Mode, Rule, Type};
use crate::platform::{EnrollmentKind, OsVersion};
use plist::{Dictionary, Value};
use std::borrow::Cow;
use std::fmt;

/// Weight of a finding about an uploaded profile. In all other documents every finding is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// The device ignores the key. The profile is queued after an administrator has read the warning.
    Warning,
    /// The payload type is unknown. The profile is queued after a confirmation.
    Doubt,
    /// The device, or its kind of enrollment, does not accept it. The profile is never queued.
    Forbidden,
}

/// A value that a device would not accept, or not send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the value, such as `com.apple.mdm.ServerURL`.
    pub path: String,
    pub why: String,
    pub weight: Weight,
}

impl Violation {
    pub(super) fn new(path: &str, why: impl Into<String>) -> Violation {
        Violation { path: path.to_owned(), why: why.into(), weight: Weight::Forbidden }
    }

    pub(super) fn weighing(self, weight: Weight) -> Violation {
        Violation { weight, ..self }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.why)
    }
}

/// The device that a check is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    pub kind: EnrollmentKind,
    /// `None` if the version is unknown. Versions are then not checked.
    pub version: Option<OsVersion>,
    /// Whether the device reported `IsSupervised`.
    pub supervised: bool,
}

/// Why a device does not accept a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Reason {
    #[error("is not for User Enrollment")]
    NotForUsers,
    #[error("is for User Enrollment only")]
    ForUsersOnly,
    #[error("is for supervised devices only")]
    Supervised,
    #[error("is new in iOS {since}, and the device has {has}")]
    New { since: OsVersion, has: OsVersion },
    #[error("was removed in iOS {until}, and the device has {has}")]
    Gone { until: OsVersion, has: OsVersion },
}

impl Target {
    /// Creates the target for a device that is not supervised.
    pub fn new(kind: EnrollmentKind, version: Option<OsVersion>) -> Target {
        Target { kind, version, supervised: false }
    }

    /// Returns the reason why the device does not accept it; `None` if it does.
    pub(super) fn takes(self, availability: &Availability) -> Option<Reason> {
        let user = self.kind == EnrollmentKind::UserEnrollment;
        match availability.user_enrollment {
            Some(Mode::Forbidden | Mode::Ignored) if user => return Some(Reason::NotForUsers),
            Some(Mode::Required) if !user => return Some(Reason::ForUsersOnly),
            _ => {}
        }
        // The version is checked first: a system ignores a key that it does not know, whether or not the device is
        // supervised.
        if let (Some(since), Some(has)) = (availability.since, self.version)
            && has < since
        {
            return Some(Reason::New { since, has });
        }
        // A device in User Enrollment is never supervised.
        if availability.supervised && (user || !self.supervised) {
            return Some(Reason::Supervised);
        }
        let (until, has) = (availability.until?, self.version?);
        (has >= until).then_some(Reason::Gone { until, has })
    }

    fn needs(self, rule: &Rule) -> bool {
        let by_mode = rule.availability.user_enrollment == Some(Mode::Required);
        (rule.required || by_mode) && self.takes(&rule.availability).is_none()
    }

    // The default value of a key needs no supervision, because it restricts nothing.
    fn takes_value(self, found: &Value, rule: &Rule) -> Option<Reason> {
        let harmless = || rule.default.as_ref().is_some_and(|default| is_same(found, default));
        self.takes(&rule.availability).filter(|reason| *reason != Reason::Supervised || !harmless())
    }
}

/// Checks a dictionary against sets of rules. The keys in `besides` are valid, whether present or not.
pub(super) fn dictionary(
    found: &Dictionary,
    rules: &[&[Rule]],
    besides: &[&str],
    target: Target,
    path: &str,
    violations: &mut Vec<Violation>,
) {
    let all = || rules.iter().flat_map(|rules| rules.iter());
    for (key, value) in found {
        let path = format!("{path}.{}", shortened(key));
        match all().find(|rule| rule.key == *key) {
            _ if besides.contains(&key.as_str()) => {}
            Some(rule) => self::value(value, rule, target, &path, violations),
            None => violations.push(Violation::new(&path, "is unknown").weighing(Weight::Warning)),
        }
    }
    let missing = |rule: &&Rule| !found.contains_key(&rule.key) && !besides.contains(&rule.key.as_str());
    for rule in all().filter(|rule| target.needs(rule)).filter(missing) {
        violations.push(Violation::new(&format!("{path}.{}", rule.key), "is missing"));
    }
}

fn value(found: &Value, rule: &Rule, target: Target, path: &str, violations: &mut Vec<Violation>) {
    if let Some(reason) = target.takes_value(found, rule) {
        // An older system does not know the key.
        let weight = if matches!(reason, Reason::New { .. }) { Weight::Warning } else { Weight::Forbidden };
        violations.push(Violation::new(path, reason.to_string()).weighing(weight));
        return;
    }
    if !is_of(found, rule.of) {
        violations.push(Violation::new(path, format!("is not {}", rule.of)));
        return;
    }
    if !rule.values.is_empty() && !rule.values.iter().any(|permitted| is_same(found, permitted)) {
        violations.push(Violation::new(path, format!("is {}, which is not a permitted value", shown(found))));
    }
    if let (Some(form), Some(text)) = (rule.form, found.as_string())
        && !has_form(text, form)
    {
        violations.push(Violation::new(path, format!("is not {form}")));
    }
    if !rule.words.is_empty() {
        word(found, rule, target, path, violations);
    }
    if let (Some(dictionary), false) = (found.as_dictionary(), rule.open) {
        self::dictionary(dictionary, &[&rule.keys], &[], target, path, violations);
    }
    for (nth, member) in found.as_array().into_iter().flatten().enumerate() {
        let path = format!("{path}[{nth}]");
        match member_rule(member, &rule.items) {
            Some(rule) => value(member, rule, target, &path, violations),
            None if rule.items.is_empty() => {}
            None => violations.push(Violation::new(&path, "is unknown")),
        }
    }
}

fn word(found: &Value, rule: &Rule, target: Target, path: &str, violations: &mut Vec<Violation>) {
    let text = found.as_string().unwrap_or_default();
    match rule.words.iter().find(|word| word.key == text) {
        Some(word) => {
            let why = target.takes(&word.availability);
            violations.extend(why.map(|why| Violation::new(&format!("{path} {}", shortened(text)), why.to_string())));
        }
        None => violations.push(Violation::new(&format!("{path} {}", shortened(text)), "is unknown")),
    }
}

/// The members of `Settings` are identified by their `Item` (mdm/commands/settings.yaml).
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

/// Maximum number of characters of a file's text in a message. Apple's longest key has some 50.
const SHOWN: usize = 80;

fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("“{}”", shortened(text)),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Date(date) => date.to_xml_format(),
        _ => "a value of another type".to_owned(),
    }
}

fn is_same(found: &Value, permitted: &serde_json::Value) -> bool {
    match found {
        Value::String(text) => permitted.as_str() == Some(text),
        Value::Integer(number) => permitted.as_i64() == number.as_signed(),
        Value::Boolean(truth) => permitted.as_bool() == Some(*truth),
        Value::Real(number) => permitted.as_f64() == Some(*number),
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
