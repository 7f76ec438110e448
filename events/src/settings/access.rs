//! Access rules for enrollment, and roles of staff by group.

use crate::enrollment::Ownership;
use crate::staff::Privilege;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The people that a rule matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Who {
    /// Everyone who can sign in: `who = "everyone"`.
    Everyone,
    /// Members of a group, named as in the directory or identity provider. Case does not matter, nor the spelling of a
    /// distinguished name: `who = { group = "cn=staff,ou=groups,dc=example,dc=com" }`.
    Group(String),
    /// People with this value of an attribute or claim: `who = { claim = { name = "department", value = "Physics" } }`.
    Claim { name: String, value: String },
}

/// One access rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessRule {
    /// Name of the rule in the audit trail and in `muster access explain`.
    pub name: String,
    pub who: Who,
    /// Limits the rule to people from this provider: `local`, or the name of a directory or identity provider in the
    /// configuration. If omitted, any provider.
    #[serde(default)]
    pub provider: Option<String>,
    /// Ownership kinds of devices that may be enrolled through the portal; empty: none.
    #[serde(default)]
    pub enroll: BTreeSet<Ownership>,
    /// Whether matching people may enroll from Settings, by account.
    #[serde(default)]
    pub account_driven: bool,
    /// Whether the terms of use have to be accepted.
    #[serde(default)]
    pub terms_required: bool,
    /// Maximum number of devices at a time. If omitted, no limit.
    #[serde(default)]
    pub devices_per_person: Option<u32>,
}

/// Gives console roles to members of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleRule {
    pub who: Who,
    /// Limits the rule to people from this provider, as in [`AccessRule`].
    #[serde(default)]
    pub provider: Option<String>,
    pub roles: BTreeSet<Privilege>,
}
