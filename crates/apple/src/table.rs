//! The rule table, as `tables/README.md` describes its files.

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
    /// By payload type; `TopLevel` and `CommonPayloadKeys` as Apple names them.
    pub profiles: BTreeMap<String, Subject>,
    /// Payload types that Apple's schema knows on other platforms only.
    pub elsewhere: BTreeSet<String>,
    /// By `MessageType`.
    pub check_in: BTreeMap<String, Subject>,
    /// By `RequestType`.
    pub commands: BTreeMap<String, Subject>,
    /// What is no profile and no command: the discovery document by its one key, `Profile Service` by its `PayloadType`, the
    /// documents of a refusal by their `code`; those of a token endpoint have no name of their own.
    pub documents: BTreeMap<String, Subject>,
    /// By the `RequestType` that they answer.
    pub results: BTreeMap<String, Subject>,
}

/// A payload, message or command.
#[derive(Debug, Deserialize)]
pub(super) struct Subject {
    #[serde(flatten)]
    pub availability: Availability,
    /// Of a command: the bit of `AccessRights` that it needs.
    pub rights: Option<u64>,
    /// Any other keys, too.
    #[serde(default)]
    pub open: bool,
    pub keys: Vec<Rule>,
}

impl Subject {
    pub fn rule(&self, key: &str) -> Option<&Rule> {
        self.keys.iter().find(|rule| rule.key == key)
    }
}

/// Where something exists; what is silent inherits from what encloses it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Availability {
    /// First version that has it.
    pub since: Option<OsVersion>,
    /// First version that has it no more.
    pub until: Option<OsVersion>,
    pub user_enrollment: Option<Mode>,
    /// On supervised devices only. No enrollment from a browser supervises a device; one that Apple Configurator supervises may enroll
    /// from a browser.
    #[serde(default)]
    pub supervised: bool,
}

/// `userenrollment.mode` (docs/schema.yaml).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    /// In both kinds.
    Allowed,
    /// In User Enrollment only, and there always.
    Required,
    /// In Device Enrollment only.
    Forbidden,
    /// In Device Enrollment only; a device in User Enrollment disregards it.
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
    /// The values it may have; any, where there are none.
    #[serde(default)]
    pub values: Vec<serde_json::Value>,
    pub form: Option<Form>,
    /// The value that the key has where it is missing: written out, it restricts nothing.
    pub default: Option<serde_json::Value>,
    /// Of a dictionary: its keys.
    #[serde(default)]
    pub keys: Vec<Rule>,
    /// Of a dictionary: any keys.
    #[serde(default)]
    pub open: bool,
    /// Of an array: what a member may be; several, where members are told apart by their `Item`; anything, where there are none. Of a
    /// dictionary with any keys: what each value is, where that is said.
    #[serde(default)]
    pub items: Vec<Rule>,
    /// Of a string: the words it may be, each with an availability of its own.
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
    /// 8-4-4-4-12 letters and digits.
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
