//! The rule table, as it is written in `rules.json` (enrollment, check-in, commands, other documents), `payloads.json` (everything else that a
//! profile may hold) and `results.json` (what devices answer to commands).

use events::enrollment::OsVersion;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::LazyLock;

pub(super) static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table: Table = read(include_str!("rules.json"));
    let payloads: BTreeMap<String, Subject> = read(include_str!("payloads.json"));
    table.profiles.extend(payloads);
    table.results = read(include_str!("results.json"));
    table
});

fn read<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).expect("the files are parts of a table (a test says so)")
}

#[derive(Debug, Deserialize)]
pub(super) struct Table {
    /// By payload type; `TopLevel` and `CommonPayloadKeys` as Apple names them.
    pub profiles: BTreeMap<String, Subject>,
    /// By `MessageType`.
    pub check_in: BTreeMap<String, Subject>,
    /// By `RequestType`.
    pub commands: BTreeMap<String, Subject>,
    /// What is no profile and no command: the discovery document by its one key, `Profile Service` by its `PayloadType`, the
    /// documents of a refusal by their `code`; those of a token endpoint have no name of their own.
    pub documents: BTreeMap<String, Subject>,
    /// By the `RequestType` that they answer.
    #[serde(skip)]
    pub results: BTreeMap<String, Subject>,
}

/// A payload, message or command.
#[derive(Debug, Deserialize)]
pub(super) struct Subject {
    #[serde(flatten)]
    pub availability: Availability,
    /// Of a command: the bit of `AccessRights` that it needs.
    pub rights: Option<u64>,
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
    /// On supervised devices only, which no enrollment from a browser makes.
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
    /// Of a dictionary: its keys.
    #[serde(default)]
    pub keys: Vec<Rule>,
    /// Of a dictionary: any keys.
    #[serde(default)]
    pub open: bool,
    /// Of an array: what a member may be; several, where members are told apart by their `Item`. Of a dictionary with any
    /// keys: what each value is, where that is said.
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
