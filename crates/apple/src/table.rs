//! The rule table. `tables/README.md` describes its files.

use crate::platform::OsVersion;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

pub(super) static TABLE: LazyLock<Table> = LazyLock::new(|| Table {
    profiles: read(include_str!("tables/profiles.json")),
    elsewhere: read(include_str!("tables/elsewhere.json")),
    check_in: read(include_str!("tables/check_in.json")),
    commands: read(include_str!("tables/commands.json")),
    documents: read(include_str!("tables/documents.json")),
    results: read(include_str!("tables/results.json")),
});

fn read<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).expect("the files are tables (a test says so)")
}

#[derive(Debug)]
pub(super) struct Table {
    /// By payload type, and `TopLevel` and `CommonPayloadKeys`, as Apple names them.
    pub profiles: BTreeMap<String, Subject>,
    /// Payload types that exist in Apple's schema only on other platforms.
    pub elsewhere: BTreeSet<String>,
    /// By `MessageType`.
    pub check_in: BTreeMap<String, Subject>,
    /// By `RequestType`.
    pub commands: BTreeMap<String, Subject>,
    /// Documents that are neither profiles nor commands: the discovery document by its only key, `Profile Service` by
    /// its `PayloadType`, the documents of a refusal by their `code`, and those of a token endpoint under names of
    /// this project.
    pub documents: BTreeMap<String, Subject>,
    /// By the `RequestType` that they answer.
    pub results: BTreeMap<String, Subject>,
}

/// A payload, message or command.
#[derive(Debug, Deserialize)]
pub(super) struct Subject {
    #[serde(flatten)]
    pub availability: Availability,
    /// For a command: the bit of `AccessRights` that it needs.
    pub rights: Option<u64>,
    /// Any other keys are allowed, too.
    #[serde(default)]
    pub open: bool,
    pub keys: Vec<Rule>,
}

impl Subject {
    pub(crate) fn rule(&self, key: &str) -> Option<&Rule> {
        self.keys.iter().find(|rule| rule.key == key)
    }
}

/// Where something exists. Missing values are inherited from the enclosing element.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Availability {
    /// First version that has it.
    pub since: Option<OsVersion>,
    /// First version that no longer has it.
    pub until: Option<OsVersion>,
    pub user_enrollment: Option<Mode>,
    /// Only on supervised devices. No enrollment from a browser supervises a device, but a device that Apple
    /// Configurator supervises may enroll from a browser.
    #[serde(default)]
    pub supervised: bool,
}

/// `userenrollment.mode` (docs/schema.yaml).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    /// In both kinds of enrollment.
    Allowed,
    /// Only in User Enrollment, where it is required.
    Required,
    /// Only in Device Enrollment.
    Forbidden,
    /// Only in Device Enrollment. A device in User Enrollment ignores it.
    Ignored,
}

#[derive(Debug, Deserialize)]
pub(super) struct Rule {
    /// Empty for the members of an array.
    #[serde(default)]
    pub key: String,
    #[serde(rename = "type")]
    pub of: Type,
    #[serde(default)]
    pub required: bool,
    #[serde(flatten)]
    pub availability: Availability,
    /// The allowed values; if empty, any value.
    #[serde(default)]
    pub values: Vec<serde_json::Value>,
    pub form: Option<Form>,
    /// The value that applies if the key is missing. If it is present with this value, it restricts nothing.
    pub default: Option<serde_json::Value>,
    /// For a dictionary: its keys.
    #[serde(default)]
    pub keys: Vec<Rule>,
    /// For a dictionary: any keys are allowed.
    #[serde(default)]
    pub open: bool,
    /// For an array: the rules of its members. Several rules are distinguished by the member's `Item`; without a
    /// rule, any member is allowed. For a dictionary with any keys: the rule of its values, if there is one.
    #[serde(default)]
    pub items: Vec<Rule>,
    /// For a string: the allowed words, each with its own availability.
    #[serde(default)]
    pub words: Vec<Rule>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Type {
    String,
    Integer,
    Real,
    Boolean,
    Date,
    Data,
    Array,
    Dictionary,
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Form {
    /// Begins with `https://`.
    Https,
    /// Letters and digits in groups of 8-4-4-4-12.
    Uuid,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::String => "a string",
            Type::Integer => "an integer",
            Type::Real => "a number",
            Type::Boolean => "a boolean",
            Type::Date => "a date",
            Type::Data => "data",
            Type::Array => "an array",
            Type::Dictionary => "a dictionary",
            Type::Any => "a value",
        })
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::Https => "an https:// address",
            Form::Uuid => "a UUID",
        })
    }
}
