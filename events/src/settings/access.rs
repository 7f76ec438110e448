//! Who may enroll what, and which roles groups give.

use crate::enrollment::Ownership;
use crate::staff::Privilege;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Whom a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Who {
    /// Everybody who can sign in: `who = "everyone"`.
    Everyone,
    /// Members of a group, as the directory or identity provider names it; capitals do not matter, nor how a distinguished name is spelled:
    /// `who = { group = "cn=staff,ou=groups,dc=example,dc=com" }`.
    Group(String),
    /// Whoever has an attribute or claim with this value: `who = { claim = { name = "department", value = "Physics" } }`.
    Claim { name: String, value: String },
}

/// One access rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessRule {
    /// How the rule is called in the audit trail and by `muster access explain`.
    pub name: String,
    pub who: Who,
    /// Only for those whom this provider vouches for: `local`, or the name of a directory or identity provider in the
    /// configuration. Left out: any.
    #[serde(default)]
    pub provider: Option<String>,
    /// Kinds of device that may be enrolled through the portal; empty: none.
    #[serde(default)]
    pub enroll: BTreeSet<Ownership>,
    /// May enroll from Settings, by account.
    #[serde(default)]
    pub account_driven: bool,
    /// The terms of use have to be accepted.
    #[serde(default)]
    pub terms_required: bool,
    /// So many devices at a time; left out: any number.
    #[serde(default)]
    pub devices_per_person: Option<u32>,
}

/// Gives roles at the console to members of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleRule {
    pub who: Who,
    #[serde(default)]
    pub provider: Option<String>,
    pub roles: BTreeSet<Privilege>,
}
